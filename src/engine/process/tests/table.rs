//! The table itself: every state against every trigger.

use super::play::Play;
use crate::engine::command::OrderRequest;
use crate::engine::process::desk::Desk;
use crate::engine::process::table::{TABLE, Trigger, find};
use crate::engine::tests::shop::{ANY, line};
use crate::types::effect::{EffectClass, EffectKind};
use crate::types::process::{OperatorAction, ReportKind};
use crate::types::{ActorId, OrderState, Policy};
use std::collections::BTreeSet;

const TRIGGERS: [Trigger; 46] = [
    Trigger::RiskPassed,
    Trigger::RiskDoubtful,
    Trigger::RiskRefused,
    Trigger::RiskUnknownSmall,
    Trigger::RiskUnknownLarge,
    Trigger::PaymentApproved,
    Trigger::PaymentMismatch,
    Trigger::PaymentDeclined,
    Trigger::PaymentDeclinedOnce,
    Trigger::PaymentActionRequired,
    Trigger::PaymentPending,
    Trigger::PaymentRetrying,
    Trigger::PaymentUnknown,
    Trigger::PaymentExhausted,
    Trigger::StepDone,
    Trigger::StepFailed,
    Trigger::FulfilmentAccepted,
    Trigger::FulfilmentExhausted,
    Trigger::CaptureFailed,
    Trigger::Shipped,
    Trigger::Delivered,
    Trigger::CarrierException,
    Trigger::Shortage,
    Trigger::Oversold,
    Trigger::AddressMissing,
    Trigger::CancelledAhead,
    Trigger::EditRefused,
    Trigger::HoldOverSold,
    Trigger::BackorderOver,
    Trigger::HoldOver,
    Trigger::HoldOverPaying,
    Trigger::HoldOverPayable,
    Trigger::PinOver,
    Trigger::ReviewOverUnpaid,
    Trigger::ReviewOver,
    Trigger::ShipOver,
    Trigger::CarrierOver,
    Trigger::ReturnOver,
    Trigger::UndoOver,
    Trigger::Approved,
    Trigger::Refused,
    Trigger::CancelAsked,
    Trigger::Compensated,
    Trigger::CompensationDead,
    Trigger::LatePaymentCovered,
    Trigger::LatePayment,
];

/// Every state that an order in process can be in, with the way that leads there.
const STATES: [OrderState; 14] = [
    OrderState::Backordered,
    OrderState::FraudCheck,
    OrderState::Payment,
    OrderState::Webhook,
    OrderState::Review,
    OrderState::Confirmed,
    OrderState::Fulfilling,
    OrderState::Shipped,
    OrderState::Delivered,
    OrderState::Cancelling,
    OrderState::Expired,
    OrderState::Cancelled,
    OrderState::Declined,
    OrderState::Completed,
];

/// A shop whose order 1 is in this state; ended ones are kept for their dead letter.
fn in_state(state: OrderState) -> Play {
    use super::play::{AUTHORIZE, Answer, EASYPOST, ERP, FRAUD, STRIPE, TWILIO};
    let mut play = match state {
        OrderState::Webhook => Play::of("erp"),
        _ => Play::new(),
    };
    let retry = Answer::of(EffectClass::Retry);
    play.always(TWILIO, EffectKind::Notify, Answer::of(EffectClass::Refused));
    match state {
        OrderState::FraudCheck | OrderState::Expired => {
            play.silent.insert(FRAUD);
        }
        OrderState::Payment | OrderState::Cancelling => {
            play.silent.insert(STRIPE);
        }
        OrderState::Webhook => {
            play.silent.insert(ERP);
        }
        OrderState::Review => {
            play.always(
                STRIPE,
                EffectKind::PaymentAuthorise,
                Answer::of(EffectClass::Refused),
            );
            play.always(
                AUTHORIZE,
                EffectKind::PaymentAuthorise,
                Answer::of(EffectClass::Refused),
            );
        }
        OrderState::Confirmed => play.always(EASYPOST, EffectKind::Label, retry),
        OrderState::Declined => {
            play.says(FRAUD, EffectKind::FraudScore, &[Answer::score(99)]);
        }
        _ => {}
    }
    if state == OrderState::Backordered {
        let all = [line(play.sku, ANY, 1_001)];
        let waits = OrderRequest {
            policy: Policy::Backorder,
            ..play.order(1, &all)
        };
        play.shop.reserve(&waits);
    } else {
        play.place(1);
    }
    match state {
        OrderState::Cancelling | OrderState::Cancelled => {
            play.operate(1, OperatorAction::Cancel);
        }
        OrderState::Expired => play.pass(u64::from(super::play::HOLD_MS)),
        OrderState::Shipped => {
            play.report(EASYPOST, 1, ReportKind::Shipped);
        }
        OrderState::Delivered => {
            play.report(EASYPOST, 1, ReportKind::Delivered);
        }
        OrderState::Completed => {
            play.report(EASYPOST, 1, ReportKind::Delivered);
            play.pass(14 * 24 * 3_600_000);
        }
        _ => {}
    }
    assert_eq!(play.state(1), state);
    assert!(play.view(1).is_some(), "{} keeps its entry", state.name());
    play
}

#[test]
fn every_trigger_in_every_state_follows_its_row_or_changes_nothing() {
    let mut pairs = 0;
    for state in STATES {
        for on in TRIGGERS {
            let mut play = in_state(state);
            let before = play.shop.engine.digest();
            let image = play.view(1).unwrap().image;
            let moved = play.shop.turn(|engine, out| {
                let mut desk = Desk {
                    engine,
                    out,
                    actor: ActorId(1),
                };
                desk.trigger(0, on, image, "tried")
            });
            let row = find(state, on);
            assert_eq!(moved, row.is_some(), "{state:?} upon {on:?}");
            if row.is_none() {
                assert_eq!(play.shop.engine.digest(), before, "{state:?} upon {on:?}");
            } else if has_its_facts(state, on) {
                play.shop
                    .engine
                    .check_invariants()
                    .unwrap_or_else(|broken| panic!("{state:?} upon {on:?}: {broken}"));
                let replayed = play.shop.replayed(crate::engine::EngineOptions::default());
                assert_eq!(
                    replayed.digest(),
                    play.shop.engine.digest(),
                    "{state:?} upon {on:?}"
                );
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, STATES.len() * TRIGGERS.len());
}

/// A trigger is made where its facts hold (a shipment where units are committed); tried without
/// them, the engine may refuse the record, but not here.
fn has_its_facts(state: OrderState, on: Trigger) -> bool {
    let of_committed = matches!(on, Trigger::Shipped | Trigger::Delivered);
    !(state == OrderState::Review && of_committed)
}

#[test]
fn the_table_has_no_two_rows_for_one_pair_and_no_trigger_without_a_row() {
    let mut pairs = BTreeSet::new();
    for row in TABLE {
        for state in row.from {
            assert!(
                pairs.insert((*state as u8, row.on)),
                "{state:?} upon {:?}",
                row.on
            );
        }
    }
    for on in TRIGGERS {
        assert!(pairs.iter().any(|(_, it)| *it == on), "{on:?}");
    }
    let used: BTreeSet<Trigger> = TABLE.iter().map(|row| row.on).collect();
    assert_eq!(used.len(), TRIGGERS.len(), "every trigger is tried above");
}
