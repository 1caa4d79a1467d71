//! Every result code that a command about an order or about stock can get, and what produces it.

use super::shop::{ANY, Shop, TTL_MS, line, request};
use crate::engine::command::Command;
use crate::engine::record::kind;
use crate::limits;
use crate::types::{
    CommandKey, Disposition, LocationId, OrderKey, OrderMode, Resolution, ResultCode, SkuId,
    StockBucket,
};

/// A shop with ten units of one SKU at one location, and a second location without any.
fn shop() -> (Shop, SkuId, LocationId, LocationId) {
    let mut shop = Shop::new();
    let sku = shop.sku("shoe");
    let (here, there) = (
        shop.location("here", 0, 0, 0),
        shop.location("there", 9, 9, 0),
    );
    shop.receive(sku, here, 10);
    (shop, sku, here, there)
}

#[test]
fn unknown_order_answers_commands_about_keys_never_accepted() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 99)]);
    for key in [1, 2] {
        assert_eq!(shop.confirm(key, &[]).code, ResultCode::UnknownOrder);
    }
    assert_eq!(shop.journaled(kind::COMMAND_REFUSED), 0, "not stored");
    assert!(shop.order(2).is_none());
    assert_eq!(shop.order(1).unwrap().0.code, ResultCode::InsufficientStock);
}

#[test]
fn expired_answers_every_command_by_time_whether_swept_or_not() {
    for swept in [false, true] {
        let (mut shop, sku, here, _) = shop();
        shop.hold(1, &[line(sku, ANY, 4)]);
        let ttl = u64::from(TTL_MS);
        if swept {
            assert_eq!(shop.advance(ttl).expired, 1);
        } else {
            shop.advance_unswept(ttl);
        }
        let all = [line(sku, ANY, 4)];
        let key = shop.fresh();
        let returned = Command::Return {
            key,
            order: OrderKey(1),
            disposition: Disposition::Restock,
            lines: &all,
        };
        for outcome in [
            shop.confirm(1, &[]),
            shop.release(1),
            shop.cancel(1),
            shop.extend(1, 5),
            shop.ship(1, &all),
            shop.execute(&returned),
        ] {
            assert_eq!(outcome.code, ResultCode::Expired, "swept {swept}");
            assert_eq!(outcome.resolution, Resolution::Expired);
        }
        let (view, lines, _) = shop.order(1).unwrap();
        assert_eq!(
            (view.resolution, view.expires_at_ms),
            (Resolution::Expired, 0)
        );
        assert_eq!((lines[0].reserved, lines[0].cancelled), (0, 4));
        shop.advance(0);
        assert_eq!(shop.cell(sku, here).available(), 10);
        shop.check();
    }
}

#[test]
fn not_held_answers_extend_of_a_resolved_hold() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    shop.confirm(1, &[]);
    assert_eq!(shop.extend(1, 5).code, ResultCode::NotHeld);
    shop.hold(2, &[line(sku, ANY, 1)]);
    shop.release(2);
    assert_eq!(shop.extend(2, 5).code, ResultCode::NotHeld);
}

#[test]
fn already_confirmed_answers_another_command_key() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    assert_eq!(shop.confirm(1, &[]).code, ResultCode::Ok);
    let again = shop.confirm(1, &[]);
    assert_eq!(
        (again.code, again.replayed),
        (ResultCode::AlreadyConfirmed, false)
    );
    shop.check();
}

#[test]
fn already_resolved_says_how() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    shop.release(1);
    for outcome in [shop.release(1), shop.cancel(1), shop.confirm(1, &[])] {
        assert_eq!(outcome.code, ResultCode::AlreadyResolved);
        assert_eq!(outcome.resolution, Resolution::Released);
    }
    shop.hold(2, &[line(sku, ANY, 1)]);
    shop.confirm(2, &[]);
    let outcome = shop.release(2);
    assert_eq!(outcome.code, ResultCode::AlreadyResolved);
    assert_eq!(outcome.resolution, Resolution::Confirmed);
    shop.check();
}

#[test]
fn already_shipped_answers_cancel_after_the_first_unit_left() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 2)]);
    shop.confirm(1, &[]);
    assert_eq!(shop.ship(1, &[line(sku, ANY, 1)]).code, ResultCode::Ok);
    assert_eq!(shop.cancel(1).code, ResultCode::AlreadyShipped);
    shop.ship(1, &[line(sku, ANY, 1)]);
    assert_eq!(shop.cancel(1).code, ResultCode::AlreadyShipped);
    shop.check();
}

#[test]
fn managed_by_process_answers_confirm_and_extend_of_a_placed_order() {
    let (mut shop, sku, here, _) = shop();
    let lines = [line(sku, ANY, 3)];
    let mut order = request(1, &lines);
    order.mode = OrderMode::Place;
    let outcome = shop.reserve(&order);
    assert_eq!(outcome.state, Some(crate::types::OrderState::FraudCheck));
    assert_eq!(shop.confirm(1, &[]).code, ResultCode::ManagedByProcess);
    assert_eq!(shop.extend(1, 5).code, ResultCode::ManagedByProcess);
    assert_eq!(shop.cancel(1).code, ResultCode::Ok);
    assert_eq!(shop.cell(sku, here).available(), 10);
    shop.check();
}

#[test]
fn extend_cap_answers_the_ninth_extension() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    for _ in 0..limits::HOLD_EXTENSIONS_MAX {
        shop.advance(1_000);
        let outcome = shop.extend(1, TTL_MS);
        assert_eq!(outcome.code, ResultCode::Ok);
        assert_eq!(outcome.expires_at_ms, shop.clock_ms + u64::from(TTL_MS));
    }
    let before = shop.order(1).unwrap().0.expires_at_ms;
    assert_eq!(shop.extend(1, TTL_MS).code, ResultCode::ExtendCap);
    assert_eq!(shop.order(1).unwrap().0.expires_at_ms, before);
    shop.check();
}

#[test]
fn exceeds_held_answers_a_confirm_of_more_than_is_held_there() {
    let (mut shop, sku, _, there) = shop();
    shop.hold(1, &[line(sku, ANY, 3)]);
    for line in [line(sku, ANY, 4), line(sku, there, 1)] {
        assert_eq!(shop.confirm(1, &[line]).code, ResultCode::ExceedsHeld);
    }
    shop.check();
}

#[test]
fn exceeds_committed_answers_a_shipment_of_more_than_is_paid() {
    let (mut shop, sku, here, _) = shop();
    shop.hold(1, &[line(sku, ANY, 3)]);
    let unpaid = shop.ship(1, &[line(sku, ANY, 1)]);
    assert_eq!(unpaid.code, ResultCode::ExceedsCommitted);
    shop.confirm(1, &[]);
    let more = shop.ship(1, &[line(sku, here, 4)]);
    assert_eq!(more.code, ResultCode::ExceedsCommitted);
    let cell = shop.cell(sku, here);
    assert_eq!((cell.on_hand, cell.committed), (10, 3));
    shop.check();
}

#[test]
fn exceeds_shipped_answers_a_return_of_more_than_left() {
    let (mut shop, sku, here, _) = shop();
    shop.hold(1, &[line(sku, ANY, 3)]);
    shop.confirm(1, &[]);
    shop.ship(1, &[line(sku, here, 2)]);
    let (key, lines) = (shop.fresh(), [line(sku, ANY, 3)]);
    let returned = shop.execute(&Command::Return {
        key,
        order: OrderKey(1),
        disposition: Disposition::Restock,
        lines: &lines,
    });
    assert_eq!(returned.code, ResultCode::ExceedsShipped);
    assert_eq!(shop.cell(sku, here).on_hand, 8);
    shop.check();
}

#[test]
fn underflow_answers_what_would_make_a_count_negative() {
    let (mut shop, sku, location, _) = shop();
    let adjust = |shop: &mut Shop, delta| {
        let key = shop.fresh();
        shop.execute(&Command::Adjust {
            key,
            sku,
            location,
            delta,
            reason: "count",
        })
        .code
    };
    assert_eq!(adjust(&mut shop, -11), ResultCode::Underflow);
    let key = shop.fresh();
    let moved = shop.execute(&Command::Move {
        key,
        sku,
        location,
        from: StockBucket::Damaged,
        to: StockBucket::Available,
        quantity: 1,
    });
    assert_eq!(moved.code, ResultCode::Underflow);
    // Committed units that are not there any more cannot leave.
    shop.hold(1, &[line(sku, ANY, 5)]);
    shop.confirm(1, &[]);
    assert_eq!(adjust(&mut shop, -8), ResultCode::Ok);
    assert_eq!(
        shop.ship(1, &[line(sku, ANY, 5)]).code,
        ResultCode::Underflow
    );
    shop.check();
}

#[test]
fn stale_answers_an_unexpected_old_value_with_the_present_one() {
    let (mut shop, sku, location, _) = shop();
    let key = shop.fresh();
    let set = Command::Set {
        key,
        sku,
        location,
        on_hand: 3,
        expect: Some(9),
    };
    let outcome = shop.execute(&set);
    assert_eq!(
        (outcome.code, outcome.cell.on_hand),
        (ResultCode::Stale, 10)
    );
    let again = shop.execute(&set);
    assert_eq!((again.code, again.replayed), (ResultCode::Stale, true));
    shop.check();
}

#[test]
fn overflow_answers_what_a_cell_cannot_hold() {
    let (mut shop, sku, location, there) = shop();
    let key = shop.fresh();
    let quantity = limits::CELL_QUANTITY_MAX;
    let outcome = shop.execute(&Command::Receive {
        key,
        sku,
        location,
        quantity,
    });
    assert_eq!(outcome.code, ResultCode::Overflow);
    shop.receive(sku, there, quantity);
    let key = shop.fresh();
    let transfer = Command::Transfer {
        key,
        sku,
        from: location,
        to: there,
        quantity: 1,
    };
    assert_eq!(shop.execute(&transfer).code, ResultCode::Overflow);
    assert_eq!(shop.cell(sku, location).on_hand, 10);
    shop.check();
}

#[test]
fn transfer_and_move_answer_insufficient_stock_beyond_what_is_available() {
    let (mut shop, sku, here, there) = shop();
    shop.hold(1, &[line(sku, ANY, 8)]);
    let key = shop.fresh();
    let transfer = Command::Transfer {
        key,
        sku,
        from: here,
        to: there,
        quantity: 3,
    };
    assert_eq!(shop.execute(&transfer).code, ResultCode::InsufficientStock);
    let key = shop.fresh();
    let (from, to) = (StockBucket::Available, StockBucket::Safety);
    let safety = Command::Move {
        key,
        sku,
        location: here,
        from,
        to,
        quantity: 3,
    };
    assert_eq!(shop.execute(&safety).code, ResultCode::InsufficientStock);
    shop.check();
}

/// A refusal of malformed fields, and that it changed nothing.
fn refused(shop: &mut Shop, command: &Command<'_>, code: ResultCode) {
    let before = shop.engine.digest();
    assert_eq!(shop.execute(command).code, code, "{command:?}");
    assert_eq!(
        shop.engine.digest(),
        before,
        "{command:?} changed the state"
    );
}

#[test]
fn receive_refuses_malformed_fields_without_storing_them() {
    let (mut shop, sku, here, _) = shop();
    let key = CommandKey(5);
    for (key, sku, location, quantity, code) in [
        (CommandKey(0), sku, here, 1, ResultCode::InvalidKey),
        (key, sku, here, 0, ResultCode::InvalidQuantity),
        (key, sku, here, 1 << 31, ResultCode::InvalidQuantity),
        (key, SkuId(9), here, 1, ResultCode::UnknownSku),
        (key, sku, ANY, 1, ResultCode::UnknownLocation),
    ] {
        let receive = Command::Receive {
            key,
            sku,
            location,
            quantity,
        };
        refused(&mut shop, &receive, code);
    }
}

#[test]
fn adjust_refuses_malformed_fields_without_storing_them() {
    let (mut shop, sku, location, _) = shop();
    let long = "x".repeat(65);
    for (delta, reason, code) in [
        (0, "", ResultCode::InvalidQuantity),
        (i64::MIN, "", ResultCode::InvalidQuantity),
        (1, "a\tb", ResultCode::InvalidName),
        (1, long.as_str(), ResultCode::InvalidName),
    ] {
        let adjust = Command::Adjust {
            key: CommandKey(5),
            sku,
            location,
            delta,
            reason,
        };
        refused(&mut shop, &adjust, code);
    }
}

#[test]
fn invalid_field_refuses_a_movement_to_where_the_units_are() {
    let (mut shop, sku, here, _) = shop();
    let key = CommandKey(5);
    let transfer = Command::Transfer {
        key,
        sku,
        from: here,
        to: here,
        quantity: 1,
    };
    refused(&mut shop, &transfer, ResultCode::InvalidField);
    let same = Command::Move {
        key,
        sku,
        location: here,
        from: StockBucket::Safety,
        to: StockBucket::Safety,
        quantity: 1,
    };
    refused(&mut shop, &same, ResultCode::InvalidField);
}

#[test]
fn order_commands_refuse_keys_and_times_out_of_bounds_without_storing_them() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    let (key, order) = (CommandKey(5), OrderKey(1));
    let (none, nobody) = (CommandKey(0), OrderKey(0));
    let release = Command::Release { key: none, order };
    refused(&mut shop, &release, ResultCode::InvalidKey);
    let cancel = Command::Cancel { key, order: nobody };
    refused(&mut shop, &cancel, ResultCode::InvalidKey);
    for ttl_ms in [0, u32::MAX] {
        let extend = Command::Extend { key, order, ttl_ms };
        refused(&mut shop, &extend, ResultCode::InvalidTtl);
    }
}

#[test]
fn order_commands_refuse_malformed_lines_without_storing_them() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    let (key, order) = (CommandKey(5), OrderKey(1));
    let ship = |lines| Command::Ship { key, order, lines };
    refused(&mut shop, &ship(&[]), ResultCode::NoLines);
    let many = vec![line(sku, ANY, 1); limits::ORDER_ALLOCATIONS_MAX + 1];
    refused(&mut shop, &ship(&many), ResultCode::TooManyLines);
    let zero = [line(sku, ANY, 0)];
    refused(&mut shop, &ship(&zero), ResultCode::InvalidQuantity);
    let unknown = [line(SkuId(8), ANY, 1)];
    refused(&mut shop, &ship(&unknown), ResultCode::UnknownSku);
}
