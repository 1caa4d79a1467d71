//! What others see of the order process. Nothing here changes state.

use super::command::{BreakerView, EffectView, ListFilter, ListPage, OpenEffect, ProcessView};
use super::sample::estimated_sum;
use super::{Effect, Process};
use crate::engine::Engine;
use crate::engine::record::process_flags::CANCELLING;
use crate::types::pipeline::PipelineSet;
use crate::types::process::TimerKind;
use crate::types::{OrderKey, OrderState, TenantId};
use std::collections::BTreeMap;

impl Engine {
    /// Providers' names; the place of one is its `ProviderId`.
    pub fn provider_names(&self) -> &[String] {
        &self.processes.names
    }

    /// The pipelines in force, with the version of the set.
    pub fn pipelines(&self) -> Option<(u32, &PipelineSet)> {
        let latest = self.processes.sets.get(&self.processes.latest)?;
        Some((self.processes.latest, &latest.set))
    }

    /// An order in process; also one that has ended, while effects of it are open or dead letters
    /// are left.
    pub fn process(&self, tenant: TenantId, order: OrderKey) -> Option<ProcessView> {
        let slot = self.find_order(&self.probe(tenant, order)).order?;
        let process = self.processes.get(slot)?;
        Some(self.process_view(slot, process))
    }

    /// Orders in process, in order of their slots.
    pub fn list_processes(&self, filter: &ListFilter) -> ListPage {
        let from = u32::try_from(filter.after).unwrap_or(u32::MAX);
        let limit = usize::from(filter.limit.clamp(1, 500));
        let mut page = ListPage::default();
        for (slot, process) in self.processes.processes.range(from..) {
            let of_state = match filter.state {
                Some(state) => process.state == state,
                None => filter.dead_letters || !process.state.is_terminal(),
            };
            let dead = process.effects.iter().any(Effect::is_dead);
            if process.tenant != filter.tenant || !of_state || (filter.dead_letters && !dead) {
                continue;
            }
            if page.orders.len() == limit {
                page.next = u64::from(*slot);
                break;
            }
            page.orders.push(self.process_view(*slot, process));
        }
        page
    }

    /// How many orders in process are in which state, by tenant.
    pub fn process_states(&self) -> BTreeMap<(TenantId, OrderState), u64> {
        let mut states = BTreeMap::new();
        for process in self.processes.processes.values() {
            if !process.state.is_terminal() {
                *states.entry((process.tenant, process.state)).or_default() += 1;
            }
        }
        states
    }

    /// Every breaker, in order of its provider's number.
    pub fn breakers(&self) -> Vec<BreakerView> {
        let table = &self.processes;
        (0_u16..)
            .zip(table.names.iter().zip(&table.breakers))
            .map(|(number, (name, breaker))| BreakerView {
                provider: name.clone(),
                id: crate::types::effect::ProviderId(number),
                state: breaker.state,
                generation: breaker.generation,
                failures: breaker.failures,
                until_ms: breaker.until_ms,
                baseline_ms: breaker.baseline_ms(),
                in_flight: breaker.in_flight,
            })
            .collect()
    }

    /// Every call that is out: after a restart these are called again, with the same keys.
    pub fn open_effects(&self) -> Vec<OpenEffect> {
        let mut open = Vec::new();
        for process in self.processes.processes.values() {
            for effect in process.effects.iter().filter(|effect| effect.is_out()) {
                open.push(OpenEffect {
                    order: process.key,
                    tenant: process.tenant,
                    accepted: process.accepted,
                    number: effect.number,
                    kind: effect.kind,
                    provider: effect.provider,
                    attempt: effect.attempt,
                    milestone: effect.milestone,
                    target: effect.target,
                    target_kind: effect.target_kind,
                    amount: effect.amount,
                    reference: effect.input.to_string(),
                    note: effect.note.to_string(),
                });
            }
        }
        open
    }

    /// Bytes of memory that the order process occupies; tree nodes are estimated, and beyond 512
    /// open orders what they hold is, from a sample of them.
    pub fn process_memory_bytes(&self) -> usize {
        let table = &self.processes;
        let texts = |effect: &Effect| {
            effect.input.len()
                + effect.note.len()
                + effect.reference.len()
                + effect.code.len()
                + effect.message.len()
        };
        let processes = estimated_sum(&table.processes, |process| {
            size_of::<Process>()
                + 16
                + process.effects.capacity() * size_of::<Effect>()
                + process.references.capacity() * 16
                + process.effects.iter().map(texts).sum::<usize>()
        });
        processes
            + table.prospects.len() * 48
            + table.references.len() * 24
            + table.seen.len() * 40
            + table.queue.memory_bytes()
            + table.early.memory_bytes()
            + table.parked.len() * (size_of::<super::Parked>() + 64)
    }

    /// State of an order in process, and when its hold ends (0 where no hold is running).
    pub(in crate::engine) fn process_state(&self, slot: u32) -> (OrderState, u64) {
        let Some(process) = self.processes.get(slot) else {
            return (self.orders.get(slot).state, 0);
        };
        let holds = matches!(process.image.timer, TimerKind::Hold | TimerKind::Pin);
        let ends_ms = if holds { process.image.timer_at_ms } else { 0 };
        (process.state, ends_ms)
    }

    /// The order's effects are being taken back.
    pub(in crate::engine) fn is_undoing(&self, slot: u32) -> bool {
        let process = self.processes.get(slot);
        process.is_some_and(|process| process.has_flag(CANCELLING))
    }

    fn process_view(&self, slot: u32, process: &Process) -> ProcessView {
        let image = process.image;
        let pinned = self.processes.set_of(&image);
        let pipeline = pinned.and_then(|pinned| pinned.pipeline(image.pipeline));
        let step = pinned.and_then(|pinned| pinned.step(&image));
        ProcessView {
            order: process.key,
            tenant: process.tenant,
            state: process.state,
            since_ms: process.since_ms,
            image,
            pipeline: pipeline.map_or_else(String::new, |pipeline| pipeline.name.clone()),
            step: step.map_or_else(String::new, |step| step.name.clone()),
            accepted: process.accepted,
            customer: self.orders.get(slot).customer,
            total: image.total,
            currency: image.currency,
            effects: process.effects.iter().map(effect_view).collect(),
        }
    }
}

fn effect_view(effect: &Effect) -> EffectView {
    let reference = if effect.reference.is_empty() {
        &effect.input
    } else {
        &effect.reference
    };
    EffectView {
        number: effect.number,
        kind: effect.kind,
        provider: effect.provider,
        attempt: effect.attempt,
        next: effect.next,
        due_ms: effect.due_ms,
        since_ms: effect.since_ms,
        milestone: effect.milestone,
        amount: effect.amount,
        reference: reference.to_string(),
        code: effect.code.to_string(),
        message: effect.message.to_string(),
    }
}
