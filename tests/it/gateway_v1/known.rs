//! What the engine of these tests knows.

use onhand::engine::command::{CommandOutcome, OrderLineView, OrderView};
use onhand::engine::process::command::{BreakerView, EffectView, ListPage, ProcessView};
use onhand::engine::record::{ProcessImage, process_flags};
use onhand::shard::local::{LocalAnswer, LocalLine, LocalQuery, LocalRequest, OrderDetail};
use onhand::types::effect::{EffectKind, EffectNext, Milestone, ProviderId};
use onhand::types::pipeline::{Pipeline, PipelineSet, Step, StepKind};
use onhand::types::process::{BreakerState, OperatorAction, ReviewReason, SubState, TimerKind};
use onhand::types::{ChannelId, LocationId, OrderState, Resolution, ResultCode, SkuId, TenantId};

use super::super::web_engine::{DETAILED, DETAILED_AT, ORDER, SHARED, UNREADABLE, done};

fn view() -> ProcessView {
    ProcessView {
        order: ORDER,
        tenant: TenantId(0),
        state: OrderState::Review,
        since_ms: 1_777_882_350_000,
        image: ProcessImage {
            set: 1,
            pipeline: 0,
            step: 1,
            sub: SubState::None,
            review: ReviewReason::Payment,
            resume_to: Some(OrderState::Payment),
            timer: TimerKind::Review,
            timer_at_ms: 1_777_968_750_000,
            flags: 0,
            score: 12,
            processor: ProviderId(0),
            authorised: 4_470,
            captured: 0,
            refunded: 0,
            country: 0,
            tags: 0,
            effects: 3,
            declines: 0,
            total: 4_470,
            currency: 978,
        },
        pipeline: "standard".to_owned(),
        step: "payment".to_owned(),
        accepted: 7,
        customer: 71,
        total: 4_470,
        currency: 978,
        effects: vec![EffectView {
            number: 3,
            kind: EffectKind::Notify,
            provider: ProviderId(1),
            attempt: 4,
            next: Some(EffectNext::Dead),
            due_ms: 0,
            since_ms: 1_777_882_351_000,
            milestone: Some(Milestone::Confirmed),
            amount: 0,
            reference: String::new(),
            code: "503".to_owned(),
            message: "unavailable".to_owned(),
        }],
    }
}

fn detail() -> OrderDetail {
    OrderDetail {
        order: OrderView {
            code: ResultCode::Ok,
            state: OrderState::FraudCheck,
            resolution: Resolution::Open,
            placed: true,
            version: 1,
            channel: ChannelId(2),
            customer: 71,
            sequence: 7,
            expires_at_ms: 1_777_883_250_000,
        },
        lines: vec![LocalLine {
            sku: "MUG-RED".to_owned(),
            location: "berlin".to_owned(),
            line: OrderLineView {
                sku: SkuId(0),
                location: LocationId(0),
                ordered: 2,
                reserved: 0,
                committed: 0,
                shipped: 2,
                returned: 1,
                cancelled: 0,
            },
        }],
        process: Some(view()),
        shorts: vec![],
    }
}

fn breaker(id: u16, provider: &str, state: BreakerState) -> BreakerView {
    BreakerView {
        provider: provider.to_owned(),
        id: ProviderId(id),
        state,
        generation: 3,
        failures: 5,
        until_ms: 1_777_882_380_000,
        baseline_ms: 120,
        in_flight: 2,
    }
}

/// Knows one order, `ORDER`, and two providers.
pub fn answer(request: &LocalRequest) -> LocalAnswer {
    match request {
        LocalRequest::Query(LocalQuery::Order(order)) => {
            let mut known = detail();
            if *order == SHARED {
                known.order.sequence = UNREADABLE;
                known.process = known.process.map(|mut process| {
                    process.image.flags |= process_flags::FACT;
                    process
                });
            }
            if *order == DETAILED {
                known.order.sequence = DETAILED_AT;
                known.process = known.process.map(|mut process| {
                    process.image.review = ReviewReason::AddressMissing;
                    process
                });
            }
            let is_known = [ORDER, SHARED, DETAILED].contains(order);
            LocalAnswer::Order(is_known.then(|| Box::new(known)))
        }
        LocalRequest::Query(LocalQuery::List(filter)) => {
            let fits = filter.state.is_none_or(|state| state == OrderState::Review);
            let orders = if fits && filter.after == 0 {
                vec![view()]
            } else {
                vec![]
            };
            let next = if filter.after == 0 && filter.limit == 1 {
                31
            } else {
                0
            };
            LocalAnswer::List(ListPage { orders, next })
        }
        LocalRequest::Query(LocalQuery::Breakers) => LocalAnswer::Breakers(vec![
            breaker(0, "stripe", BreakerState::Open),
            breaker(1, "sendgrid", BreakerState::Closed),
        ]),
        LocalRequest::Query(LocalQuery::Pipelines) => {
            let step = Step {
                name: "payment".to_owned(),
                kind: StepKind::Payment,
                providers: vec![0, 1],
                ..Step::default()
            };
            let standard = Pipeline {
                name: "standard".to_owned(),
                steps: vec![step],
                ..Pipeline::default()
            };
            let set = PipelineSet {
                providers: vec!["stripe".to_owned(), "authorize_net".to_owned()],
                pipelines: vec![standard],
                ..PipelineSet::default()
            };
            LocalAnswer::Pipelines(Some((3, Box::new(set))))
        }
        LocalRequest::Operate { order, .. } if *order != ORDER => {
            LocalAnswer::Command(CommandOutcome {
                code: ResultCode::UnknownOrder,
                ..done()
            })
        }
        LocalRequest::Operate {
            action: OperatorAction::Cancel,
            ..
        } => LocalAnswer::Command(CommandOutcome {
            code: ResultCode::AlreadyShipped,
            state: Some(OrderState::Shipped),
            ..done()
        }),
        _ => LocalAnswer::Command(CommandOutcome {
            state: Some(OrderState::Payment),
            ..done()
        }),
    }
}
