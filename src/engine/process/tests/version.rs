//! The next version of an order in process: what stays, what is paid anew, and what a person sees.

use super::play::{
    AUTHORIZE, Answer, Call, EASYPOST, ERP, FRAUD, Play, STRIPE, TOTAL, WAREHOUSE, set,
};
use crate::engine::command::{OrderOutcome, OrderRequest};
use crate::engine::record::process_flags::{AUTHORISED, CONFIRMED, TENANT_KEYS};
use crate::engine::tests::shop::{ANY, line};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, of_target_byte};
use crate::types::pipeline::CaptureOn;
use crate::types::process::{OperatorAction, ReportKind, ReviewReason};
use crate::types::{OrderMode, OrderState, ResultCode};

/// The next version: so many units, for so much.
fn change(play: &mut Play, version: u16, units: u32, total: u64) -> OrderOutcome {
    let lines = [line(play.sku, ANY, units)];
    let order = OrderRequest {
        version,
        total,
        ..play.order(1, &lines)
    };
    let outcome = play.shop.reserve(&order);
    play.settle();
    outcome
}

/// Money is captured at shipment, and the label is not to be had yet.
fn confirmed(capture_on: CaptureOn) -> Play {
    let mut set = set();
    set.settings.capture_on = capture_on;
    let mut play = Play::with(&set);
    play.silent.insert(EASYPOST);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Confirmed);
    play
}

fn of(play: &Play, kind: EffectKind) -> Vec<&Call> {
    let calls = play.calls.iter();
    calls.filter(|call| call.effect.kind == kind).collect()
}

#[test]
fn an_unpaid_order_begins_anew_with_its_next_version() {
    let mut play = Play::new();
    play.silent.insert(STRIPE);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Payment);
    play.silent.clear();
    let outcome = change(&mut play, 2, 3, 2 * TOTAL);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.view(1).unwrap().image.captured, 2 * TOTAL);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 3);
    play.check();
}

#[test]
fn a_confirmed_order_keeps_its_payment_where_the_change_costs_no_more() {
    let mut play = confirmed(CaptureOn::Ship);
    let authorised = of(&play, EffectKind::PaymentAuthorise).len();
    let outcome = change(&mut play, 2, 5, TOTAL - 45);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::Ok, Some(OrderState::Confirmed))
    );
    let image = play.view(1).unwrap().image;
    assert!(image.flags & AUTHORISED != 0 && image.flags & CONFIRMED != 0);
    assert_eq!((image.total, image.authorised), (TOTAL - 45, TOTAL));
    assert_eq!(of(&play, EffectKind::PaymentAuthorise).len(), authorised);
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!((cell.reserved, cell.committed), (0, 5));
    // The label of the version before is given up, and a new one is asked for.
    assert_eq!(of(&play, EffectKind::Label).len(), 2);
    assert_eq!(of(&play, EffectKind::LabelCancel).len(), 1);
    play.check();
    play.silent.clear();
    for effect in play.shop.engine.open_effects() {
        play.answer(&effect, &Answer::of(EffectClass::Done));
    }
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.report(EASYPOST, 1, ReportKind::Shipped);
    let captures = of(&play, EffectKind::PaymentCapture);
    assert_eq!(captures.len(), 1);
    assert_eq!(captures[0].effect.amount, TOTAL - 45);
    play.check();
}

#[test]
fn a_captured_order_gets_the_difference_back() {
    let mut play = confirmed(CaptureOn::Confirm);
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
    let outcome = change(&mut play, 2, 1, TOTAL - 1_000);
    assert_eq!(outcome.state, Some(OrderState::Confirmed));
    let refunds = of(&play, EffectKind::PaymentRefund);
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0].effect.amount, 1_000);
    let image = play.view(1).unwrap().image;
    assert_eq!((image.captured, image.refunded), (TOTAL, 1_000));
    play.check();
}

#[test]
fn a_capture_that_is_out_is_followed_by_the_refund_of_the_difference() {
    let mut play = Play::new();
    play.silent.insert(EASYPOST);
    play.says(
        STRIPE,
        EffectKind::PaymentCapture,
        &[Answer::of(EffectClass::Retry)],
    );
    play.place(1);
    assert_eq!(play.view(1).unwrap().image.captured, 0);
    let outcome = change(&mut play, 2, 1, TOTAL - 1_000);
    assert_eq!(outcome.state, Some(OrderState::Confirmed));
    assert_eq!(of(&play, EffectKind::PaymentRefund).len(), 0);
    play.pass(10_000);
    let image = play.view(1).unwrap().image;
    assert_eq!((image.captured, image.refunded), (TOTAL, 1_000));
    play.check();
}

#[test]
fn a_change_that_costs_more_is_paid_anew_and_the_old_money_goes_back() {
    let mut play = confirmed(CaptureOn::Ship);
    play.silent.insert(STRIPE);
    let outcome = change(&mut play, 2, 2, TOTAL + 500);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::Ok, Some(OrderState::Payment))
    );
    let image = play.view(1).unwrap().image;
    assert!(image.flags & (AUTHORISED | CONFIRMED) == 0);
    assert_eq!((image.authorised, image.total), (0, TOTAL + 500));
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!((cell.reserved, cell.committed), (2, 0));
    play.check();
    play.silent.clear();
    for effect in play.shop.engine.open_effects() {
        play.answer(&effect, &Answer::of(EffectClass::Done));
    }
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.report(EASYPOST, 1, ReportKind::Shipped);
    assert_eq!(of(&play, EffectKind::PaymentVoid).len(), 1);
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL + 500);
    play.check();
}

#[test]
fn a_change_that_costs_more_than_was_captured_is_for_a_person_and_the_order_stands() {
    let mut play = confirmed(CaptureOn::Confirm);
    let outcome = change(&mut play, 2, 2, TOTAL + 500);
    assert_eq!(outcome.code, ResultCode::NotReplaceable);
    assert_eq!(outcome.state, Some(OrderState::Review));
    let view = play.view(1).unwrap();
    assert_eq!(view.image.review, ReviewReason::Edit);
    assert_eq!((view.image.total, view.image.captured), (TOTAL, TOTAL));
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 1);
    assert!(change(&mut play, 2, 2, TOTAL + 500).replayed);
    play.check();
    assert_eq!(
        play.operate(1, OperatorAction::Approve).code,
        ResultCode::Ok
    );
    assert_eq!(play.state(1), OrderState::Confirmed);
    // The version before goes on; the next change has the next number.
    assert_eq!(
        change(&mut play, 3, 2, TOTAL).state,
        Some(OrderState::Confirmed)
    );
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 2);
    play.check();
}

#[test]
fn a_change_that_stock_cannot_cover_is_for_a_person_and_the_order_keeps_its_units() {
    let mut play = confirmed(CaptureOn::Ship);
    let outcome = change(&mut play, 2, 2_000, TOTAL);
    assert_eq!(outcome.code, ResultCode::InsufficientStock);
    assert_eq!(outcome.state, Some(OrderState::Review));
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Edit);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 1);
    // A change that can be covered settles it.
    let outcome = change(&mut play, 3, 1_000, TOTAL);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::Ok, Some(OrderState::Confirmed))
    );
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!((cell.committed, cell.available()), (1_000, 0));
    play.check();
    change(&mut play, 4, 1_001, TOTAL);
    play.operate(1, OperatorAction::Cancel);
    play.check();
}

#[test]
fn an_order_in_review_stays_there_with_its_next_version_where_it_is_paid() {
    let mut play = Play::new();
    play.always(
        EASYPOST,
        EffectKind::Label,
        Answer::of(EffectClass::Refused),
    );
    play.always(
        super::play::SHIPSTATION,
        EffectKind::Label,
        Answer::of(EffectClass::Refused),
    );
    play.place(1);
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Fulfilment);
    let outcome = change(&mut play, 2, 3, TOTAL);
    assert_eq!(outcome.state, Some(OrderState::Review));
    let image = play.view(1).unwrap().image;
    assert_eq!(image.review, ReviewReason::Fulfilment);
    let refused = change(&mut play, 3, 3_000, TOTAL);
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    let image = play.view(1).unwrap().image;
    assert_eq!(image.review, ReviewReason::Fulfilment);
    assert_eq!(image.resume_to, Some(OrderState::Confirmed));
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 3);
    play.check();
}

#[test]
fn an_order_that_the_warehouse_has_can_not_be_replaced() {
    let mut play = Play::new();
    play.place(1);
    for report in [None, Some(ReportKind::Shipped), Some(ReportKind::Delivered)] {
        if let Some(report) = report {
            play.report(EASYPOST, 1, report);
        }
        let outcome = change(&mut play, 2, 1, TOTAL);
        assert_eq!(outcome.code, ResultCode::NotReplaceable);
        assert_eq!(outcome.version, 1);
    }
    play.check();
}

#[test]
fn a_hold_can_not_take_the_place_of_an_order_in_process() {
    let mut play = confirmed(CaptureOn::Ship);
    let lines = [line(play.sku, ANY, 1)];
    let order = OrderRequest {
        version: 2,
        mode: OrderMode::Hold,
        ..play.order(1, &lines)
    };
    let outcome = play.shop.reserve(&order);
    assert_eq!(outcome.code, ResultCode::NotReplaceable);
    play.check();
}

#[test]
fn the_warehouse_gives_the_old_version_up_before_it_gets_the_new_one() {
    let mut play = Play::new();
    play.silent.insert(WAREHOUSE);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Confirmed);
    change(&mut play, 2, 2, TOTAL);
    assert_eq!(of(&play, EffectKind::WarehouseRecall).len(), 1);
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 1);
    let open = play.shop.engine.open_effects();
    let recall = open
        .iter()
        .find(|it| it.kind == EffectKind::WarehouseRecall)
        .expect("a recall");
    play.silent.clear();
    play.answer(recall, &Answer::of(EffectClass::Done));
    play.settle();
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 2);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.check();
}

/// An order of two versions, the first of which its warehouse does not give up.
fn kept_by_the_warehouse() -> Play {
    let mut play = Play::new();
    play.silent.insert(WAREHOUSE);
    play.place(1);
    play.silent.clear();
    let refused = Answer::of(EffectClass::Refused);
    play.says(WAREHOUSE, EffectKind::WarehouseRecall, &[refused]);
    change(&mut play, 2, 2, TOTAL);
    let image = play.view(1).unwrap().image;
    assert_eq!(image.review, ReviewReason::Compensation);
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 1);
    play
}

fn dead(play: &Play) -> u16 {
    let view = play.view(1).unwrap();
    let mut effects = view.effects.iter();
    let dead = effects.find(|it| it.next == Some(EffectNext::Dead));
    dead.expect("a dead letter").number
}

#[test]
fn an_approved_order_asks_the_warehouse_again_before_it_gets_the_new_version() {
    let mut play = kept_by_the_warehouse();
    play.silent.insert(WAREHOUSE);
    play.operate(1, OperatorAction::Approve);
    assert_eq!(play.state(1), OrderState::Confirmed);
    assert_eq!(of(&play, EffectKind::WarehouseRecall).len(), 2);
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 1);
    play.check();
    play.silent.clear();
    let recall = of(&play, EffectKind::WarehouseRecall)[1].effect.clone();
    play.answer(&recall, &Answer::of(EffectClass::Done));
    play.settle();
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 2);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.check();
}

#[test]
fn the_new_version_goes_to_the_warehouse_once_a_person_gives_the_recall_up() {
    let mut play = kept_by_the_warehouse();
    let number = dead(&play);
    play.operate_on(1, OperatorAction::Discard, number, 0);
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 1);
    play.operate(1, OperatorAction::Approve);
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), 2);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.check();
}

#[test]
fn a_step_is_done_again_only_where_what_it_left_is_gone() {
    let mut play = Play::new();
    let unknown = || Answer::of(EffectClass::Unknown);
    play.says(
        WAREHOUSE,
        EffectKind::WarehouseOrder,
        &[unknown(), unknown(), unknown(), unknown()],
    );
    let refused = Answer::of(EffectClass::Refused);
    play.says(WAREHOUSE, EffectKind::WarehouseRecall, &[refused]);
    play.place(1);
    play.pass(60_000);
    let image = play.view(1).unwrap().image;
    assert_eq!(image.review, ReviewReason::Fulfilment);
    let asked = of(&play, EffectKind::WarehouseOrder).len();
    play.silent.insert(WAREHOUSE);
    play.operate(1, OperatorAction::Approve);
    assert_eq!(of(&play, EffectKind::WarehouseRecall).len(), 2);
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), asked);
    play.check();
    // Given up while the order waits for it: nothing else keeps it.
    let recall = of(&play, EffectKind::WarehouseRecall)[1].effect.clone();
    play.answer(&recall, &Answer::of(EffectClass::Absent));
    play.settle();
    assert_eq!(of(&play, EffectKind::WarehouseOrder).len(), asked + 1);
    play.check();
}

#[test]
fn an_order_in_an_own_step_behind_its_fulfilment_is_not_replaced() {
    let mut set = set();
    set.pipelines.retain(|it| it.name == "erp");
    set.pipelines[0].steps.swap(1, 2);
    let mut play = Play::with(&set);
    play.silent.insert(ERP);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Webhook);
    let outcome = change(&mut play, 2, 2, TOTAL);
    assert_eq!(outcome.code, ResultCode::NotReplaceable);
    let step = of(&play, EffectKind::Webhook)[0].effect.clone();
    play.answer(&step, &Answer::of(EffectClass::Refused));
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Webhook);
    let outcome = change(&mut play, 2, 2, TOTAL);
    assert_eq!(outcome.code, ResultCode::NotReplaceable);
    assert_eq!(of(&play, EffectKind::WarehouseRecall).len(), 0);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 1);
    play.check();
}

#[test]
fn an_own_step_is_asked_again_about_the_next_version() {
    let mut play = Play::of("erp");
    play.silent.insert(ERP);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Webhook);
    let outcome = change(&mut play, 2, 2, TOTAL - 1);
    assert_eq!(outcome.state, Some(OrderState::Webhook));
    assert_eq!(of(&play, EffectKind::Webhook).len(), 2);
    assert_eq!(of(&play, EffectKind::PaymentVoid).len(), 0);
    play.check();
}

#[test]
fn a_change_of_currency_is_paid_anew() {
    let mut play = confirmed(CaptureOn::Ship);
    let lines = [line(play.sku, ANY, 1)];
    let order = OrderRequest {
        version: 2,
        currency: 840,
        ..play.order(1, &lines)
    };
    play.shop.reserve(&order);
    play.settle();
    assert_eq!(of(&play, EffectKind::PaymentVoid).len(), 1);
    assert_eq!(play.view(1).unwrap().image.currency, 840);
    play.check();
}

#[test]
fn a_refused_change_of_an_unpaid_order_is_for_a_person() {
    let mut play = Play::new();
    play.silent.insert(FRAUD);
    play.place(1);
    let outcome = change(&mut play, 2, 5_000, TOTAL);
    assert_eq!(outcome.state, Some(OrderState::Review));
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Edit);
    play.silent.clear();
    play.operate(1, OperatorAction::Approve);
    for effect in play.shop.engine.open_effects() {
        play.answer(&effect, &Answer::of(EffectClass::Done));
    }
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentAuthorise), 0);
    play.check();
}

#[test]
fn effects_of_an_order_of_before_there_were_marks_keep_their_keys_over_its_versions() {
    for marked in [true, false] {
        let mut play = Play::new();
        play.silent.insert(STRIPE);
        play.place(1);
        if !marked {
            // As an older version journaled it.
            let processes = &mut play.shop.engine.processes.processes;
            let process = processes.values_mut().next().unwrap();
            process.image.flags &= !TENANT_KEYS;
        }
        let before = play.calls.len();
        let outcome = change(&mut play, 2, 3, 2 * TOTAL);
        assert_eq!(outcome.code, ResultCode::Ok);
        let calls = &play.calls[before..];
        assert!(
            calls
                .iter()
                .any(|it| it.effect.kind == EffectKind::PaymentVoid)
        );
        for call in calls {
            let byte = call.effect.target_kind;
            assert_eq!(of_target_byte(byte).1, marked, "{:?}", call.effect);
        }
    }
}
