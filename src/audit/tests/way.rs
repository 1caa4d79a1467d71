//! One order on its way through its process, record by record.

use super::story::{BERLIN, LAMP, Story, TENANT, TTL_MS, units};
use crate::engine::record::{
    Allocation, Blob, EffectEnded, EffectStarted, OrderLines, OrderMoved, OrderRef,
    PipelinesDefined, ProcessImage, ProcessRecord, Record, accepted_flags, process_flags,
    put_lines,
};
use crate::types::effect::{
    EffectClass, EffectKind, EffectNext, ProviderId, has_mark, target_byte,
};
use crate::types::pipeline::ONE_STEP;
use crate::types::pipeline::{PIPELINES_ARCHIVE_VERSION, Pipeline, PipelineSet, Step, StepKind};
use crate::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::{CommandKey, OrderKey, OrderState};

pub const ORDER: u128 = 900;
pub const STRIPE: ProviderId = ProviderId(0);
pub const BACKUP: ProviderId = ProviderId(1);
pub const TOTAL: u64 = 1_999;

/// An order on its way, and the story that it is written into.
pub struct Way {
    pub story: Story,
    pub state: Option<OrderState>,
    pub image: ProcessImage,
    /// Keys of its effects end in the mark of its tenant.
    pub marked: bool,
}

impl Way {
    pub fn new() -> Self {
        let mut story = Story::new();
        story.define();
        story.receive(LAMP, BERLIN, 10);
        let step = |name: &str, kind| Step {
            name: name.to_owned(),
            kind,
            providers: vec![0, 1],
            ..Step::default()
        };
        let set = PipelineSet {
            providers: vec!["stripe".to_owned(), "backup".to_owned()],
            pipelines: vec![Pipeline {
                name: "standard".to_owned(),
                steps: vec![
                    step("risk", StepKind::Fraud),
                    step("pay", StepKind::Payment),
                ],
                ..Pipeline::default()
            }],
            ..PipelineSet::default()
        };
        story.push(&Record::Process(ProcessRecord::Pipelines(
            PipelinesDefined {
                set: 1,
                archive_version: PIPELINES_ARCHIVE_VERSION,
                archive: Blob(&set.archive()),
            },
        )));
        story.wait(1);
        let line = [units(LAMP, BERLIN, 2)];
        let accepted = story.accept(ORDER, 1, accepted_flags::PLACED, &line);
        let mut way = Self {
            image: image(story.now_ms),
            story,
            state: None,
            marked: false,
        };
        assert!(accepted > 0);
        way.moved(ProcessEvent::Placed, OrderState::Payment);
        way
    }

    pub fn moved(&mut self, event: ProcessEvent, to: OrderState) {
        let accepted = self.story.entries.iter().position(|entry| entry.kind == 32);
        let moved = OrderMoved {
            order: OrderKey(ORDER),
            tenant: TENANT,
            accepted: accepted.unwrap() as u64 + 1,
            event,
            from: self.state,
            to,
            image: self.image,
            note: "",
        };
        self.story
            .push(&Record::Process(ProcessRecord::Moved(moved)));
        self.state = Some(to);
    }

    pub fn start(&mut self, number: u16, kind: EffectKind, provider: ProviderId, target: u16) {
        self.start_noted(number, kind, provider, (target, ""));
    }

    fn start_noted(
        &mut self,
        number: u16,
        kind: EffectKind,
        provider: ProviderId,
        (target, note): (u16, &str),
    ) {
        self.image.effects = number;
        let started = EffectStarted {
            order: OrderKey(ORDER),
            tenant: TENANT,
            accepted: 1,
            number,
            kind,
            provider,
            attempt: 1,
            step: 1,
            milestone: None,
            target,
            target_kind: target_byte(
                (target > 0).then_some(EffectKind::PaymentAuthorise),
                self.marked,
            ),
            amount: TOTAL,
            reference: "",
            note,
        };
        self.story
            .push(&Record::Process(ProcessRecord::Started(started)));
    }

    pub fn end(&mut self, number: u16, kind: EffectKind, provider: ProviderId, as_: Ended) {
        self.end_said(number, kind, provider, (as_, 0));
    }

    fn end_said(
        &mut self,
        number: u16,
        kind: EffectKind,
        provider: ProviderId,
        (as_, amount): (Ended, u64),
    ) {
        let ended = EffectEnded {
            order: OrderKey(ORDER),
            tenant: TENANT,
            number,
            kind,
            provider,
            attempt: 1,
            class: as_.0,
            next: as_.1,
            counted: false,
            due_ms: 0,
            latency_ms: 12,
            status: 200,
            amount,
            currency: 0,
            score: u8::MAX,
            reference: "pi_7",
            code: "",
            message: "",
        };
        self.story
            .push(&Record::Process(ProcessRecord::Ended(ended)));
    }

    /// What the process does to the units: a record without a command's key.
    pub fn units(&mut self, record: impl FnOnce(OrderRef, OrderLines<'_>) -> Record<'_>) {
        let mut bytes = Vec::new();
        let line: [Allocation; 1] = [units(LAMP, BERLIN, 2)];
        put_lines(&mut bytes, &line);
        let order = OrderRef {
            order: OrderKey(ORDER),
            key: CommandKey(0),
            fingerprint: 0,
            tenant: TENANT,
        };
        let record = record(order, OrderLines::from_bytes(&bytes));
        let entry = self.story.entry(&record);
        self.story.entries.push(entry);
    }

    pub fn pay(&mut self) {
        self.start(1, EffectKind::PaymentAuthorise, STRIPE, 0);
        self.story.wait(300);
        self.end(1, EffectKind::PaymentAuthorise, STRIPE, DONE);
        self.image.authorised = TOTAL;
        self.confirm();
    }

    /// Paid by a method that takes the money at once: the processor says so much, and so much is
    /// booked. A person has to see to it.
    pub fn pay_at_once(&mut self, said: u64, booked: u64) {
        let authorise = EffectKind::PaymentAuthorise;
        self.start_noted(1, authorise, STRIPE, (0, ONE_STEP));
        self.end_said(1, authorise, STRIPE, (DONE, said));
        (self.image.authorised, self.image.captured) = (said, booked);
        self.image.flags = process_flags::AUTHORISED | process_flags::CAPTURED;
        self.moved(ProcessEvent::PaymentCaptured, OrderState::Payment);
        self.image.review = ReviewReason::PaymentMismatch;
        self.moved(ProcessEvent::PaymentAuthorised, OrderState::Review);
    }

    pub fn confirm(&mut self) {
        self.units(|order, _| Record::OrderConfirmed {
            order,
            lines: OrderLines::default(),
        });
        self.image.flags = process_flags::AUTHORISED | process_flags::CONFIRMED;
        self.image.timer = TimerKind::Ship;
        self.moved(ProcessEvent::Confirmed, OrderState::Confirmed);
    }

    pub fn capture(&mut self, number: u16, captured: u64) {
        self.start(number, EffectKind::PaymentCapture, STRIPE, 1);
        self.end(number, EffectKind::PaymentCapture, STRIPE, DONE);
        self.image.captured = captured;
        self.moved(ProcessEvent::PaymentCaptured, OrderState::Confirmed);
    }

    pub fn complete(&mut self) {
        self.units(|order, lines| Record::OrderShipped { order, lines });
        self.moved(ProcessEvent::Shipped, OrderState::Shipped);
        self.moved(ProcessEvent::Delivered, OrderState::Delivered);
        self.image.timer = TimerKind::None;
        self.image.timer_at_ms = 0;
        self.moved(ProcessEvent::Completed, OrderState::Completed);
    }

    pub fn completed() -> Self {
        Self::new().walked()
    }

    /// The same order of the tenant of another name, as effects are started now.
    pub fn completed_of(tenant: &str) -> Self {
        let mut way = Self::new();
        let name = Record::TenantDefined {
            tenant: TENANT,
            name: tenant,
        };
        way.story.alter(1, &name);
        way.marked = has_mark(tenant);
        way.walked()
    }

    fn walked(mut self) -> Self {
        let way = &mut self;
        way.pay();
        way.capture(2, TOTAL);
        // Longer than its hold would have lived without its process.
        way.story.wait(u64::from(TTL_MS) * 10);
        way.complete();
        self
    }
}

pub type Ended = (EffectClass, EffectNext);
pub const DONE: Ended = (EffectClass::Done, EffectNext::Done);
pub const GIVEN_UP: Ended = (EffectClass::Unknown, EffectNext::Abandoned);

pub fn image(now_ms: u64) -> ProcessImage {
    ProcessImage {
        set: 1,
        pipeline: 0,
        step: 1,
        sub: SubState::None,
        review: ReviewReason::None,
        resume_to: None,
        timer: TimerKind::Hold,
        timer_at_ms: now_ms + 10_000_000,
        flags: 0,
        score: 3,
        processor: STRIPE,
        authorised: 0,
        captured: 0,
        refunded: 0,
        country: 0,
        tags: 0,
        effects: 0,
        declines: 0,
        total: TOTAL,
        currency: 978,
    }
}
