//! The fixture: a shop with pipelines, and providers that answer as they are told.

use crate::engine::command::{CommandOutcome, OrderOutcome, OrderRequest};
use crate::engine::process::command::{
    EffectResult, OpenEffect, ProcessCommand, ProcessView, Report,
};
use crate::engine::record::{RequestedLine, kind};
use crate::engine::tests::shop::{ANY, Shop, line, request};
use crate::types::effect::{EffectClass, EffectKind, Milestone, ProviderId};
use crate::types::pipeline::{
    Message, PIPELINES_ARCHIVE_VERSION, PaymentMode, Pipeline, PipelineSet, ProcessSettings, Step,
    StepKind,
};
use crate::types::process::{OperatorAction, ReportKind};
use crate::types::{LocationId, OrderKey, OrderMode, OrderState, SkuId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Names of the providers, in the order of their places and numbers.
pub const FRAUD: u8 = 0;
pub const STRIPE: u8 = 1;
pub const AUTHORIZE: u8 = 2;
pub const EASYPOST: u8 = 3;
pub const SHIPSTATION: u8 = 4;
pub const WAREHOUSE: u8 = 5;
pub const HUBSPOT: u8 = 6;
pub const TWILIO: u8 = 7;
pub const SLACK: u8 = 8;
pub const ERP: u8 = 9;
pub const NAMES: [&str; 10] = [
    "fraud",
    "stripe",
    "authorize",
    "easypost",
    "shipstation",
    "warehouse",
    "hubspot",
    "twilio",
    "slack",
    "erp",
];

pub const TOTAL: u64 = 12_345;
pub const HOLD_MS: u32 = 15 * 60_000;

/// One answer of a provider.
#[derive(Clone, Debug)]
pub struct Answer {
    pub class: EffectClass,
    pub counted: bool,
    pub latency_ms: u32,
    pub amount: u64,
    pub currency: u16,
    pub score: u8,
    pub retry_after_ms: u64,
    pub withdrew: bool,
}

impl Answer {
    pub fn of(class: EffectClass) -> Self {
        Self {
            class,
            counted: matches!(class, EffectClass::Retry | EffectClass::Unknown),
            latency_ms: 20,
            amount: 0,
            currency: 0,
            score: if class == EffectClass::Done { 10 } else { 255 },
            retry_after_ms: 0,
            withdrew: false,
        }
    }

    pub fn score(score: u8) -> Self {
        Self {
            score,
            ..Self::of(EffectClass::Done)
        }
    }
}

/// A call that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub at_ms: u64,
    pub effect: OpenEffect,
}

/// A shop, its providers and what they were asked.
pub struct Play {
    pub shop: Shop,
    pub sku: SkuId,
    pub here: LocationId,
    pub calls: Vec<Call>,
    /// What a provider answers to a kind, first to last; then the default: done.
    script: BTreeMap<(u8, EffectKind), VecDeque<Answer>>,
    /// What a provider answers to a kind where the script has nothing.
    always: BTreeMap<(u8, EffectKind), Answer>,
    /// Providers that do not answer at all.
    pub silent: BTreeSet<u8>,
    seen: BTreeSet<(OrderKey, u16, u8)>,
    next_event: u128,
}

/// The set of pipelines that the tests use.
pub fn set() -> PipelineSet {
    let step = |name: &str, kind: StepKind, providers: &[u8]| Step {
        name: name.to_owned(),
        kind,
        providers: providers.to_vec(),
        ..Step::default()
    };
    let fraud = step("fraud", StepKind::Fraud, &[FRAUD]);
    let payment = step("payment", StepKind::Payment, &[STRIPE, AUTHORIZE]);
    let fulfilment = Step {
        warehouses: vec![WAREHOUSE],
        ..step("fulfilment", StepKind::Fulfilment, &[EASYPOST, SHIPSTATION])
    };
    let erp = Step {
        compensated: true,
        ..step("erp", StepKind::Webhook, &[ERP])
    };
    let pipeline = |name: &str, payment: PaymentMode, steps: &[&Step]| Pipeline {
        name: name.to_owned(),
        payment,
        steps: steps.iter().map(|step| (*step).clone()).collect(),
    };
    let message = |milestone: Milestone| Message {
        milestone: milestone as u8,
        provider: TWILIO,
    };
    PipelineSet {
        providers: NAMES.iter().map(|name| (*name).to_owned()).collect(),
        pipelines: vec![
            pipeline(
                "standard",
                PaymentMode::Gateway,
                &[&fraud, &payment, &fulfilment],
            ),
            pipeline(
                "cod",
                PaymentMode::CashOnDelivery,
                &[&fraud, &payment, &fulfilment],
            ),
            pipeline("settled", PaymentMode::ChannelSettled, &[&fulfilment]),
            pipeline("erp", PaymentMode::Gateway, &[&payment, &erp, &fulfilment]),
            pipeline(
                "wallet",
                PaymentMode::OneStep,
                &[&fraud, &payment, &fulfilment],
            ),
        ],
        routes: Vec::new(),
        messages: Milestone::ALL.iter().copied().map(message).collect(),
        alert_providers: vec![SLACK],
        crm_providers: vec![HUBSPOT],
        settings: ProcessSettings {
            jitter_percent: 0,
            ..ProcessSettings::default()
        },
        facts_preempt_holds: false,
    }
}

impl Play {
    pub fn new() -> Self {
        Self::with(&set())
    }

    /// All orders go through the pipeline of this name.
    pub fn of(pipeline: &str) -> Self {
        let mut set = set();
        set.pipelines.retain(|it| it.name == pipeline);
        Self::with(&set)
    }

    pub fn with(set: &PipelineSet) -> Self {
        let mut shop = Shop::new();
        let sku = shop.sku("shoe");
        let here = shop.location("here", 0, 0, 0);
        shop.receive(sku, here, 1_000);
        let mut play = Self {
            shop,
            sku,
            here,
            calls: Vec::new(),
            script: BTreeMap::new(),
            always: BTreeMap::new(),
            silent: BTreeSet::new(),
            seen: BTreeSet::new(),
            next_event: 1 << 90,
        };
        play.define(set);
        play
    }

    pub fn define(&mut self, set: &PipelineSet) -> CommandOutcome {
        self.process(&ProcessCommand::DefinePipelines {
            version: PIPELINES_ARCHIVE_VERSION,
            archive: &set.archive(),
        })
    }

    pub fn process(&mut self, command: &ProcessCommand<'_>) -> CommandOutcome {
        let context = self.shop.context;
        self.shop
            .turn(|engine, out| engine.execute_process(context, command, out))
    }

    /// What a provider says next to a kind of call.
    pub fn says(&mut self, provider: u8, kind: EffectKind, answers: &[Answer]) {
        let queue = self.script.entry((provider, kind)).or_default();
        queue.extend(answers.iter().cloned());
    }

    /// What a provider says to a kind of call from now on.
    pub fn always(&mut self, provider: u8, kind: EffectKind, answer: Answer) {
        self.always.insert((provider, kind), answer);
    }

    /// Places an order of one unit and lets the providers answer.
    pub fn place(&mut self, key: u128) -> OrderOutcome {
        let outcome = self.place_quietly(key);
        self.settle();
        outcome
    }

    pub fn place_quietly(&mut self, key: u128) -> OrderOutcome {
        let lines = [line(self.sku, ANY, 1)];
        self.shop.reserve(&self.order(key, &lines))
    }

    #[allow(clippy::unused_self)] // reads well where it is used
    pub fn order<'a>(&self, key: u128, lines: &'a [RequestedLine]) -> OrderRequest<'a> {
        OrderRequest {
            mode: OrderMode::Place,
            total: TOTAL,
            ttl_ms: HOLD_MS,
            ..request(key, lines)
        }
    }

    /// Answers every call that is out, and those that follow.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            let out = self.fresh_calls();
            if out.is_empty() {
                return;
            }
            for effect in out {
                let answer = self.answer_to(&effect);
                self.answer(&effect, &answer);
            }
        }
        panic!("the providers are asked for ever");
    }

    /// Calls that are out and were not handed to a provider yet; those of silent ones stay out.
    pub fn fresh_calls(&mut self) -> Vec<OpenEffect> {
        let mut fresh = Vec::new();
        for effect in self.shop.engine.open_effects() {
            if !self
                .seen
                .insert((effect.order, effect.number, effect.attempt))
            {
                continue;
            }
            self.calls.push(Call {
                at_ms: self.shop.engine.now_ms(),
                effect: effect.clone(),
            });
            let place = u8::try_from(effect.provider.0).unwrap();
            if !self.silent.contains(&place) {
                fresh.push(effect);
            }
        }
        fresh
    }

    fn answer_to(&mut self, effect: &OpenEffect) -> Answer {
        let key = (u8::try_from(effect.provider.0).unwrap(), effect.kind);
        let scripted = self.script.get_mut(&key).and_then(VecDeque::pop_front);
        scripted
            .or_else(|| self.always.get(&key).cloned())
            .unwrap_or_else(|| Answer::of(EffectClass::Done))
    }

    pub fn answer(&mut self, effect: &OpenEffect, answer: &Answer) -> CommandOutcome {
        let provider = NAMES[usize::from(effect.provider.0)];
        let reference = format!("{provider}-{}-{}", effect.order, effect.number);
        self.process(&ProcessCommand::Result(EffectResult {
            order: effect.order,
            number: effect.number,
            attempt: effect.attempt,
            class: answer.class,
            counted: answer.counted,
            retry_after_ms: answer.retry_after_ms,
            latency_ms: answer.latency_ms,
            status: 200,
            amount: answer.amount,
            currency: answer.currency,
            score: answer.score,
            reference: &reference,
            code: "code",
            message: "message",
            withdrew: answer.withdrew,
        }))
    }

    /// Lets time pass in steps, firing what is due and letting the providers answer.
    pub fn pass(&mut self, ms: u64) {
        let end = self.shop.clock_ms + ms;
        loop {
            let next = self.shop.engine.next_deadline_ms();
            let at = next.map_or(end, |next| next.clamp(self.shop.clock_ms, end));
            let step = at - self.shop.clock_ms;
            self.shop.advance(step);
            self.settle();
            let due = self.shop.engine.next_deadline_ms();
            if self.shop.clock_ms >= end && due.is_none_or(|due| due > end) {
                return;
            }
        }
    }

    pub fn operate(&mut self, key: u128, action: OperatorAction) -> CommandOutcome {
        self.operate_on(key, action, 0, 0)
    }

    pub fn operate_on(
        &mut self,
        key: u128,
        action: OperatorAction,
        effect: u16,
        amount: u64,
    ) -> CommandOutcome {
        let command = self.shop.fresh();
        let outcome = self.process(&ProcessCommand::Operate {
            key: command,
            order: OrderKey(key),
            action,
            effect,
            amount,
            reason: "by hand",
        });
        self.settle();
        outcome
    }

    pub fn report(&mut self, provider: u8, key: u128, kind: ReportKind) -> CommandOutcome {
        self.next_event += 1;
        self.report_event(self.next_event, provider, key, (kind, 0, ""))
    }

    /// An event with its id, of a kind, about an amount and a payment.
    pub fn report_event(
        &mut self,
        event: u128,
        provider: u8,
        key: u128,
        (kind, amount, reference): (ReportKind, u64, &str),
    ) -> CommandOutcome {
        let outcome = self.process(&ProcessCommand::Report(Report {
            event,
            provider: NAMES[usize::from(provider)],
            kind,
            order: OrderKey(key),
            reference,
            amount,
            text: "1Z999",
        }));
        self.settle();
        outcome
    }

    pub fn view(&self, key: u128) -> Option<ProcessView> {
        self.shop
            .engine
            .process(self.shop.context.tenant, OrderKey(key))
    }

    /// The order's state as a client sees it.
    pub fn state(&self, key: u128) -> OrderState {
        self.shop.order(key).expect("an order").0.state
    }

    /// Calls of a kind to a provider.
    pub fn count(&self, provider: u8, kind: EffectKind) -> usize {
        let id = ProviderId(u16::from(provider));
        let of = |call: &&Call| call.effect.provider == id && call.effect.kind == kind;
        self.calls.iter().filter(of).count()
    }

    /// Milestones that the customer was told about.
    pub fn told(&self) -> Vec<Milestone> {
        let calls = self.calls.iter();
        calls.filter_map(|call| call.effect.milestone).collect()
    }

    /// Every invariant holds, and a replay leads to the same state.
    pub fn check(&self) {
        self.shop.check();
        assert!(self.shop.journaled(kind::PIPELINES_DEFINED) > 0);
    }
}
