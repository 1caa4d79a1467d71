//! Applying the records of the order process: the only code that changes its table.

use super::{AlertWindow, Effect, Parked, PinnedSet, Process, reference_hash};
use crate::engine::record::{
    BreakerChanged, EffectEnded, EffectStarted, OperatorDecided, OrderMoved, PipelinesDefined,
    ProcessRecord, ProviderReported,
};
use crate::engine::{Contradiction, Engine};
use crate::limits;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId};
use crate::types::pipeline::PipelineSet;
use crate::types::process::{OperatorAction, ProcessEvent, ReportFate, ReviewReason, TimerKind};
use crate::types::{OrderKey, OrderState, ResultCode, TenantId};

use std::collections::btree_map::Entry;

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies one record of the order process.
    pub(in crate::engine) fn apply_process(
        &mut self,
        record: &ProcessRecord<'_>,
        sequence: u64,
    ) -> Applied {
        match record {
            ProcessRecord::Moved(moved) => self.apply_moved(moved),
            ProcessRecord::Started(started) => self.apply_started(started),
            ProcessRecord::Ended(ended) => self.apply_ended(ended),
            ProcessRecord::Breaker(changed) => self.apply_breaker(changed),
            ProcessRecord::Reported(reported) => {
                self.apply_reported(reported);
                Ok(())
            }
            ProcessRecord::Decided(decided) => self.apply_decided(decided, sequence),
            ProcessRecord::Pipelines(defined) => self.apply_pipelines(defined),
            ProcessRecord::Oversold(oversold) => self.apply_oversold(oversold),
            ProcessRecord::Early(event) => self.apply_early(event, sequence),
            ProcessRecord::Preempted(hold) => self.apply_preempted(hold.tenant, hold.order),
        }
    }

    /// The slot of an order that has a process.
    fn process_slot(&self, tenant: TenantId, order: OrderKey) -> Result<u32, Contradiction> {
        let slot = self.slot_of(tenant, order)?;
        if self.processes.get(slot).is_some() {
            Ok(slot)
        } else {
            Err(Contradiction::OrderState(order))
        }
    }

    fn apply_pipelines(&mut self, defined: &PipelinesDefined<'_>) -> Applied {
        let set = PipelineSet::from_archive(defined.archive_version, defined.archive.0)
            .ok_or(Contradiction::Malformed)?;
        let table = &mut self.processes;
        if defined.set != table.latest + 1 {
            return Err(Contradiction::Definition(defined.set));
        }
        let mut ids = Vec::with_capacity(set.providers.len());
        for name in &set.providers {
            let id = match table.provider_of(name) {
                Some(id) => id,
                None if table.names.len() < limits::PROVIDERS_MAX => {
                    table.names.push(name.clone());
                    table.breakers.push(super::Breaker::default());
                    #[allow(clippy::cast_possible_truncation)] // PROVIDERS_MAX names
                    ProviderId(table.names.len() as u16 - 1)
                }
                None => return Err(Contradiction::TableFull),
            };
            ids.push(id);
        }
        let before = std::mem::replace(&mut table.latest, defined.set);
        table
            .sets
            .insert(defined.set, PinnedSet { set, ids, pins: 0 });
        self.drop_unpinned(before);
        self.inventory.mark_all(); // another rule may serve other orders
        Ok(())
    }

    /// Forgets a set that is not in force and that no order is pinned to.
    fn drop_unpinned(&mut self, set: u32) {
        let table = &mut self.processes;
        if set != table.latest && table.sets.get(&set).is_some_and(|pinned| pinned.pins == 0) {
            table.sets.remove(&set);
        }
    }

    fn pin(&mut self, set: u32) -> Applied {
        let pinned = self.processes.sets.get_mut(&set);
        pinned.ok_or(Contradiction::Definition(set))?.pins += 1;
        Ok(())
    }

    fn unpin(&mut self, set: u32) {
        if let Some(pinned) = self.processes.sets.get_mut(&set) {
            pinned.pins -= 1;
        }
        self.drop_unpinned(set);
    }

    fn apply_moved(&mut self, moved: &OrderMoved<'_>) -> Applied {
        let slot = self.slot_of(moved.tenant, moved.order)?;
        let before = self.processes.get(slot).map(|process| process.state);
        if before != moved.from || !is_process_state(moved.to) {
            return Err(Contradiction::OrderState(moved.order));
        }
        let terminal_before = before.is_some_and(OrderState::is_terminal);
        if moved.to.is_terminal() {
            self.end_order(slot, moved)?;
        } else if before.is_none() || terminal_before {
            if self.orders.get(slot).is_ended() {
                return Err(Contradiction::OrderState(moved.order));
            }
            self.orders.get_mut(slot).set_managed(true);
        }
        self.pin(moved.image.set)?;
        let now_ms = self.now_ms;
        let process = self.processes.processes.entry(slot).or_insert_with(|| {
            Box::new(Process {
                tenant: moved.tenant,
                key: moved.order,
                state: moved.to,
                since_ms: now_ms,
                accepted: moved.accepted,
                image: moved.image,
                effects: Vec::new(),
                references: Vec::new(),
            })
        });
        let set_before = before.map(|_| process.image.set);
        if process.state != moved.to {
            process.since_ms = now_ms;
        }
        process.state = moved.to;
        process.accepted = moved.accepted;
        process.image = moved.image;
        if let Some(set) = set_before {
            self.unpin(set);
        }
        if moved.image.timer != TimerKind::None {
            self.timers.set(moved.image.timer_at_ms, slot);
        }
        self.count_alert(slot, moved);
        if moved.event == ProcessEvent::AlertDropped
            && let Some((key, _)) = self.processes.due_alert(slot, now_ms)
        {
            self.processes.alerts.remove(&key);
        }
        self.drop_ended(slot);
        Ok(())
    }

    /// The order's slot takes over what its process ended as.
    fn end_order(&mut self, slot: u32, moved: &OrderMoved<'_>) -> Applied {
        let held = self.orders.get(slot).state;
        let fits = match moved.to {
            OrderState::Completed => matches!(held, OrderState::Shipped | OrderState::Completed),
            OrderState::Declined => matches!(held, OrderState::Cancelled | OrderState::Declined),
            to => held == to,
        };
        if !fits {
            return Err(Contradiction::OrderState(moved.order));
        }
        let now_ms = self.now_ms;
        let order = self.orders.get_mut(slot);
        // Where its units were resolved in this very turn, the timer is set: a second one for the
        // same time would forget the key twice.
        let timed = order.is_ended() && order.time_ms() == now_ms;
        order.state = moved.to;
        order.set_managed(false);
        order.set_time_ms(now_ms);
        if !timed {
            self.set_retention(slot);
        }
        Ok(())
    }

    /// Reviews of one reason within a window become one alert, in the name of the first order.
    fn count_alert(&mut self, slot: u32, moved: &OrderMoved<'_>) {
        let opened = moved.to == OrderState::Review && moved.from != Some(OrderState::Review);
        if !opened && moved.event != ProcessEvent::ReviewOverdue {
            return;
        }
        let table = &mut self.processes;
        let Some(pinned) = table.sets.get(&moved.image.set) else {
            return;
        };
        if pinned.set.alert_providers.is_empty() {
            return;
        }
        let due_ms = self.now_ms + pinned.set.settings.alert_window_ms;
        let key = (moved.tenant, moved.image.review as u8);
        let window = table.alerts.entry(key).or_insert(AlertWindow {
            due_ms,
            orders: 0,
            slot,
        });
        window.orders += 1;
        if window.orders == 1 {
            self.timers.set(due_ms, slot);
        }
    }

    /// Drops the entry of an ended order that has nothing more to say.
    fn drop_ended(&mut self, slot: u32) {
        let table = &self.processes;
        let alerted = table.alerts.values().any(|window| window.slot == slot);
        if !alerted && table.get(slot).is_some_and(|process| !process.is_kept()) {
            self.drop_process(slot);
        }
    }

    /// Drops the entry of an order, such as one whose key is forgotten.
    pub(in crate::engine) fn drop_process(&mut self, slot: u32) {
        let Some(process) = self.processes.processes.remove(&slot) else {
            return;
        };
        for reference in &process.references {
            self.processes.references.remove(reference);
        }
        self.processes
            .alerts
            .retain(|_, window| window.slot != slot);
        self.unpin(process.image.set);
    }

    fn apply_started(&mut self, started: &EffectStarted<'_>) -> Applied {
        let slot = self.process_slot(started.tenant, started.order)?;
        let settings = self.settings_of(slot);
        let now_ms = self.now_ms;
        let table = &mut self.processes;
        let Some(process) = table.processes.get_mut(&slot) else {
            return Err(Contradiction::OrderState(started.order));
        };
        let mut generation = 0;
        let mut probe_until_ms = 0;
        let breaker = table.breakers.get_mut(usize::from(started.provider.0));
        let breaker = breaker.ok_or(Contradiction::Definition(started.provider.0.into()))?;
        if started.attempt > 0 {
            if breaker.started() {
                probe_until_ms = now_ms + settings.breaker_probe_ms.max(1);
                self.timers.set(probe_until_ms, slot);
            }
            generation = breaker.generation;
        }
        if let Some(effect) = process.effect_mut(started.number) {
            let goes_on = !effect.is_out() && started.attempt == effect.attempt.saturating_add(1);
            if !goes_on || effect.kind != started.kind || effect.provider != started.provider {
                return Err(Contradiction::OrderState(started.order));
            }
            if effect.is_dead() {
                effect.base = effect.attempt;
                effect.waits = 0;
            }
            effect.attempt = started.attempt;
            effect.next = None;
            effect.due_ms = 0;
            effect.began_ms = now_ms;
            effect.left_ms = now_ms;
            (effect.since_ms, effect.generation) = (now_ms, generation);
            effect.probe_until_ms = probe_until_ms;
            effect.input = started.reference.into();
        } else {
            if started.number != process.image.effects + 1 || started.attempt > 1 {
                return Err(Contradiction::OrderState(started.order));
            }
            process.image.effects = started.number;
            let mut effect = new_effect(started, now_ms);
            (effect.generation, effect.probe_until_ms) = (generation, probe_until_ms);
            process.effects.push(effect);
        }
        if started.kind == EffectKind::Alert {
            let reason = ReviewReason::from_name(started.note);
            let key = (started.tenant, reason.map_or(0, |reason| reason as u8));
            // A further attempt, or a backup's, is not about those that came into review since.
            let told = |window: &AlertWindow| window.slot == slot && window.due_ms <= now_ms;
            if table.alerts.get(&key).is_some_and(told) {
                table.alerts.remove(&key);
            }
        }
        Ok(())
    }

    fn settings_of(&self, slot: u32) -> crate::types::pipeline::ProcessSettings {
        let table = &self.processes;
        let pinned = table.get(slot).and_then(|it| table.set_of(&it.image));
        pinned
            .map_or(table.settings(), |pinned| &pinned.set.settings)
            .clone()
    }

    fn apply_ended(&mut self, ended: &EffectEnded<'_>) -> Applied {
        let slot = self.process_slot(ended.tenant, ended.order)?;
        let settings = self.settings_of(slot);
        let now_ms = self.now_ms;
        let wrong = Contradiction::OrderState(ended.order);
        let table = &mut self.processes;
        let process = table.processes.get_mut(&slot).ok_or(wrong)?;
        let effect = process.effect_mut(ended.number).ok_or(wrong)?;
        if effect.kind != ended.kind || effect.attempt != ended.attempt {
            return Err(wrong);
        }
        let came_back = effect.is_out() && effect.attempt > 0;
        if came_back && let Some(breaker) = table.breakers.get_mut(usize::from(ended.provider.0)) {
            let silent = ended.class == EffectClass::Unknown && !ended.counted;
            let latency = (!silent).then_some(ended.latency_ms);
            breaker.ended(effect.generation, (ended.counted, latency), &settings);
        }
        effect.end(ended, came_back, now_ms);
        let target = effect.target;
        if ended.due_ms > 0 {
            self.timers.set(ended.due_ms, slot);
        }
        let undone = ended.kind.is_compensation() && ended.next == EffectNext::Done;
        if undone && let Some(target) = process.effect_mut(target) {
            target.undone = Some(ended.class);
        }
        if !ended.reference.is_empty() && has_reports(ended.kind) {
            let place = reference_hash(ended.provider, ended.reference);
            // A reference that two orders got leads to the first one.
            if let Entry::Vacant(vacant) = table.references.entry(place) {
                vacant.insert(slot);
                process.references.push(place);
            }
        }
        process.effects.retain(stays);
        self.drop_ended(slot);
        Ok(())
    }

    fn apply_breaker(&mut self, changed: &BreakerChanged) -> Applied {
        let number = changed.provider.0;
        let breaker = self.processes.breakers.get_mut(usize::from(number));
        let breaker = breaker.ok_or(Contradiction::Definition(number.into()))?;
        if breaker.state != changed.from || changed.generation != breaker.generation + 1 {
            return Err(Contradiction::Definition(number.into()));
        }
        breaker.apply(changed);
        Ok(())
    }

    fn apply_reported(&mut self, reported: &ProviderReported<'_>) {
        let park_ms = self.processes.settings().park_ms;
        let now_ms = self.now_ms;
        let table = &mut self.processes;
        if let Some(arrival) = table.parked_events.get(&reported.event).copied() {
            table.unpark(arrival);
        }
        if table.seen.insert(reported.event) {
            table.seen_ring.push_back(reported.event);
            if table.seen_ring.len() > limits::REPORT_EVENTS_KEPT
                && let Some(oldest) = table.seen_ring.pop_front()
            {
                table.seen.remove(&oldest);
            }
        }
        if reported.fate == ReportFate::Parked {
            let parked = Parked {
                event: reported.event,
                provider: reported.provider,
                report: reported.report,
                tenant: reported.tenant,
                order: reported.order,
                amount: reported.amount,
                until_ms: now_ms + park_ms,
                reference: reported.reference.into(),
                text: reported.text.into(),
            };
            table.park(parked, now_ms);
        }
    }

    fn apply_decided(&mut self, decided: &OperatorDecided<'_>, sequence: u64) -> Applied {
        let order = decided.order;
        let slot = self.process_slot(order.tenant, order.order)?;
        let wrong = Contradiction::OrderState(order.order);
        let process = self.processes.processes.get_mut(&slot).ok_or(wrong)?;
        match decided.action {
            OperatorAction::Discard => {
                let effect = process.effect_mut(decided.effect).ok_or(wrong)?;
                effect.next = Some(EffectNext::Discarded);
                let (target, undo) = (effect.target, effect.kind.is_compensation());
                if undo && let Some(target) = process.effect_mut(target) {
                    target.undone = Some(EffectClass::Refused);
                }
                process.effects.retain(stays);
            }
            OperatorAction::EditEffect => {
                let effect = process.effect_mut(decided.effect).ok_or(wrong)?;
                effect.input = decided.reason.into();
            }
            _ => {}
        }
        self.drop_ended(slot);
        self.keep_result(
            order.tenant,
            true,
            order.key.0,
            order.fingerprint,
            sequence,
            ResultCode::Ok,
        )
    }
}

/// States that the process of an order can be in.
fn is_process_state(state: OrderState) -> bool {
    !matches!(state, OrderState::Held | OrderState::Rejected)
}

/// Providers report about these by the reference that they left.
fn has_reports(kind: EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::FraudScore
            | EffectKind::PaymentAuthorise
            | EffectKind::PaymentQuery
            | EffectKind::PaymentCapture
            | EffectKind::PaymentRefund
            | EffectKind::PaymentVoid
            | EffectKind::Label
            | EffectKind::WarehouseOrder
    )
}

/// What is kept of an order's effects: see [`Process::effects`].
fn stays(effect: &Effect) -> bool {
    let kept_when_done = matches!(
        effect.kind,
        EffectKind::PaymentAuthorise
            | EffectKind::PaymentCapture
            | EffectKind::Label
            | EffectKind::WarehouseOrder
            | EffectKind::Webhook
            | EffectKind::CrmUpdate
    );
    match effect.next {
        Some(EffectNext::Done | EffectNext::Abandoned) => kept_when_done,
        Some(EffectNext::Failed | EffectNext::Discarded) => false,
        _ => true,
    }
}

fn new_effect(started: &EffectStarted<'_>, now_ms: u64) -> Effect {
    Effect {
        number: started.number,
        kind: started.kind,
        provider: started.provider,
        attempt: started.attempt,
        base: 0,
        step: started.step,
        milestone: started.milestone,
        target: started.target,
        target_kind: started.target_kind,
        amount: started.amount,
        next: None,
        class: None,
        uncertain: false,
        undone: None,
        waits: 0,
        due_ms: 0,
        since_ms: now_ms,
        began_ms: if started.attempt > 0 { now_ms } else { 0 },
        left_ms: now_ms,
        generation: 0,
        probe_until_ms: 0,
        input: started.reference.into(),
        note: started.note.into(),
        reference: Box::default(),
        code: Box::default(),
        message: Box::default(),
    }
}
