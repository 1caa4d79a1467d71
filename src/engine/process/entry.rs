//! Into the process: placed orders, and confirmed holds with details.

use super::desk::Desk;
use super::steps::{NO_SCORE, holds, place};
use super::table::Trigger;
use super::version::Change;
use crate::engine::Engine;
use crate::engine::record::process_flags::{CASH_DUE, CONFIRMED, FACT, TENANT_KEYS};
use crate::engine::record::{
    OrderAccepted, OrderMoved, ProcessImage, ProcessRecord, accepted_flags,
};
use crate::types::details::OrderDetails;
use crate::types::effect::{Milestone, ProviderId, has_mark};
use crate::types::pipeline::{PaymentMode, Step, StepKind, tag};
use crate::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, OrderState};

/// What a new order brings into its process.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Entry<'a> {
    pub accepted: u64,
    pub total: u64,
    pub currency: u16,
    pub details: &'a [u8],
    /// What the next version of an order in process does to it.
    pub change: Change,
    /// A channel had sold it.
    pub fact: bool,
    /// Its buyer has not said where it is to go.
    pub incomplete: bool,
    /// What of it was not there, in words; empty where all of it was.
    pub oversold: &'a str,
    /// Why it was cancelled before it arrived.
    pub cancelled: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// What a record of an accepted order brings.
    pub fn of(record: &OrderAccepted<'a>, sequence: u64) -> Self {
        Self {
            accepted: sequence,
            total: record.total,
            currency: record.currency,
            details: record.details,
            change: Change::Restart,
            fact: record.flags & accepted_flags::FACT != 0,
            incomplete: false,
            oversold: "",
            cancelled: None,
        }
    }
}

/// What the process must know of a hold with details once it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Prospect {
    pub accepted: u64,
    pub total: u64,
    pub currency: u16,
    pub country: u16,
    /// It carries instructions for custom handling.
    pub custom: bool,
}

impl Prospect {
    /// Of an order that is about to enter.
    fn of(entry: &Entry<'_>) -> Self {
        let (country, custom) = read_details(entry.details);
        Self {
            accepted: entry.accepted,
            total: entry.total,
            currency: entry.currency,
            country,
            custom,
        }
    }
}

impl Engine {
    /// A placed order (or its next version) enters the process, where pipelines are in force.
    pub(in crate::engine) fn enter_process(
        &mut self,
        slot: u32,
        entry: &Entry<'_>,
        actor: ActorId,
        out: &mut RecordBuffer,
    ) {
        let table = &self.processes;
        if table.latest == 0 || !self.orders.get(slot).is_placed() {
            return;
        }
        let mut image = self.new_image(slot, &Prospect::of(entry));
        image.flags |= if entry.fact { FACT } else { 0 };
        let mut desk = Desk {
            engine: self,
            out,
            actor,
        };
        let before = desk.image(slot);
        if let Some(before) = &before {
            // Its effects have the keys that they began with.
            image.flags = image.flags & !TENANT_KEYS | before.flags & TENANT_KEYS;
        }
        if desk.engine.orders.get(slot).state == OrderState::Backordered {
            desk.wait_for_stock(slot, before, image, entry.accepted);
            if desk.cancelled_ahead(slot, entry) {
                return;
            }
            if before.is_none() {
                desk.tell(slot, Milestone::Received);
                desk.take_parked_of(slot);
            }
            return;
        }
        if before.is_some() {
            desk.edit(slot, entry, image);
            return;
        }
        let (step, state) = desk.first_step(slot, &mut image);
        let (tenant, order) = desk.engine.client_key(slot);
        desk.emit(ProcessRecord::Moved(OrderMoved {
            order,
            tenant,
            accepted: entry.accepted,
            event: ProcessEvent::Placed,
            from: None,
            to: state,
            image,
            note: "",
        }));
        if desk.cancelled_ahead(slot, entry) {
            return;
        }
        desk.welcome(slot, entry.incomplete);
        if entry.oversold.is_empty() {
            desk.begin(slot, step, entry.incomplete);
        } else if let Some(image) = desk.image(slot) {
            desk.trigger(slot, Trigger::Oversold, image, entry.oversold);
        }
        desk.take_parked_of(slot);
    }

    /// The process of an order that has just been accepted, before its first step.
    fn new_image(&self, slot: u32, facts: &Prospect) -> ProcessImage {
        let order = self.orders.get(slot);
        // An order that waits for stock has what it wants, and takes nothing yet.
        let waits = order.state == OrderState::Backordered;
        let wants = self.orders.requested(slot).take_while(|_| waits);
        let mut lines = self.orders.lines(slot).chain(wants);
        let first = lines.next();
        let (mut several, mut split) = (false, false);
        for line in lines {
            several |= first.is_none_or(|first| first.sku != line.sku);
            split |= first.is_none_or(|first| first.location != line.location);
        }
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        let (tenant, _) = self.client_key(slot);
        let marked = self.tenant_name(tenant).is_some_and(has_mark);
        let mut image = ProcessImage {
            set: self.processes.latest,
            pipeline: 0,
            step: 0,
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::Hold,
            timer_at_ms: order.time_ms(),
            flags: if marked { TENANT_KEYS } else { 0 },
            score: NO_SCORE,
            processor: ProviderId::NONE,
            authorised: 0,
            captured: 0,
            refunded: 0,
            country: facts.country,
            tags: bit(facts.custom, tag::CUSTOM_HANDLING)
                | bit(several, tag::MULTI_LINE)
                | bit(split, tag::SPLIT),
            effects: 0,
            declines: 0,
            total: facts.total,
            currency: facts.currency,
        };
        if waits {
            image.tags &= !tag::SPLIT; // known once its units are
        }
        self.choose_pipeline(slot, &mut image);
        image
    }

    /// The pipeline of the image's set whose route matches the order.
    pub(super) fn choose_pipeline(&self, slot: u32, image: &mut ProcessImage) {
        let Some(pinned) = self.processes.set_of(image) else {
            return;
        };
        let channel = self.orders.get(slot).channel.0;
        let mut routes = pinned.set.routes.iter();
        let route = routes.find(|route| holds(&route.when, image, channel));
        image.pipeline = route.map_or(0, |route| route.pipeline);
        let pipeline = pinned.pipeline(image.pipeline);
        let cash = pipeline.is_some_and(|it| it.payment == PaymentMode::CashOnDelivery);
        image.flags &= !CASH_DUE;
        image.flags |= if cash { CASH_DUE } else { 0 };
    }

    /// Notes what is needed of a hold with details for when it is confirmed.
    pub(in crate::engine) fn note_prospect(&mut self, slot: u32, entry: &Entry<'_>) {
        self.processes.prospects.remove(&slot);
        if !entry.details.is_empty() && !self.orders.get(slot).is_placed() {
            self.processes.prospects.insert(slot, Prospect::of(entry));
        }
    }

    /// A confirmed hold with details goes on to fulfilment.
    pub(in crate::engine) fn enter_confirmed(
        &mut self,
        slot: u32,
        prospect: &Prospect,
        actor: ActorId,
        out: &mut RecordBuffer,
    ) {
        let image = self.new_image(slot, prospect);
        let pipeline = self.processes.set_of(&image);
        let pipeline = pipeline.and_then(|pinned| pinned.pipeline(image.pipeline));
        let fulfils = |step: &Step| step.kind == StepKind::Fulfilment;
        let Some(step) = pipeline.and_then(|it| it.steps.iter().position(fulfils)) else {
            return;
        };
        let mut desk = Desk {
            engine: self,
            out,
            actor,
        };
        let mut image = ProcessImage {
            step: place(step),
            flags: CONFIRMED | image.flags & TENANT_KEYS,
            ..image
        };
        desk.set_step_timer(slot, &mut image);
        let (tenant, order) = desk.engine.client_key(slot);
        desk.emit(ProcessRecord::Moved(OrderMoved {
            order,
            tenant,
            accepted: prospect.accepted,
            event: ProcessEvent::Confirmed,
            from: None,
            to: OrderState::Confirmed,
            image,
            note: "",
        }));
        desk.confirmed(slot);
        desk.run_step(slot, step);
        desk.take_parked_of(slot);
    }
}

/// Country and whether there are instructions for custom handling, read in place.
fn read_details(archive: &[u8]) -> (u16, bool) {
    if archive.is_empty() {
        return (0, false);
    }
    let mut aligned;
    let bytes = if archive.as_ptr().align_offset(16) == 0 {
        archive
    } else {
        aligned = rkyv::util::AlignedVec::<16>::with_capacity(archive.len());
        aligned.extend_from_slice(archive);
        &aligned
    };
    let Ok(details) = rkyv::access::<rkyv::Archived<OrderDetails>, rkyv::rancor::Error>(bytes)
    else {
        return (0, false);
    };
    let country = match details.country.as_bytes() {
        [first, second] => u16::from_le_bytes([*first, *second]),
        _ => 0,
    };
    (country, !details.custom_handling.is_empty())
}
