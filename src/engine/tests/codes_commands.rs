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
fn exceeds_held_committed_and_shipped_change_nothing() {
    let (mut shop, sku, here, there) = shop();
    shop.hold(1, &[line(sku, ANY, 3)]);
    assert_eq!(
        shop.confirm(1, &[line(sku, ANY, 4)]).code,
        ResultCode::ExceedsHeld
    );
    assert_eq!(
        shop.confirm(1, &[line(sku, there, 1)]).code,
        ResultCode::ExceedsHeld
    );
    assert_eq!(
        shop.ship(1, &[line(sku, ANY, 1)]).code,
        ResultCode::ExceedsCommitted
    );
    shop.confirm(1, &[]);
    assert_eq!(
        shop.ship(1, &[line(sku, here, 4)]).code,
        ResultCode::ExceedsCommitted
    );
    shop.ship(1, &[line(sku, here, 2)]);
    let lines = [line(sku, ANY, 3)];
    let key = shop.fresh();
    let returned = shop.execute(&Command::Return {
        key,
        order: OrderKey(1),
        disposition: Disposition::Restock,
        lines: &lines,
    });
    assert_eq!(returned.code, ResultCode::ExceedsShipped);
    let cell = shop.cell(sku, here);
    assert_eq!((cell.on_hand, cell.committed), (8, 1));
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

#[test]
fn stock_commands_refuse_malformed_fields_without_storing_them() {
    let (mut shop, sku, here, _) = shop();
    let before = shop.engine.digest();
    let key = CommandKey(5);
    let receive = |key, sku, location, quantity| Command::Receive {
        key,
        sku,
        location,
        quantity,
    };
    let (available, reason) = (StockBucket::Available, "x".repeat(65));
    for (command, code) in [
        (receive(CommandKey(0), sku, here, 1), ResultCode::InvalidKey),
        (receive(key, sku, here, 0), ResultCode::InvalidQuantity),
        (
            receive(key, sku, here, 1 << 31),
            ResultCode::InvalidQuantity,
        ),
        (receive(key, SkuId(9), here, 1), ResultCode::UnknownSku),
        (receive(key, sku, ANY, 1), ResultCode::UnknownLocation),
        (
            Command::Adjust {
                key,
                sku,
                location: here,
                delta: 0,
                reason: "",
            },
            ResultCode::InvalidQuantity,
        ),
        (
            Command::Adjust {
                key,
                sku,
                location: here,
                delta: i64::MIN,
                reason: "",
            },
            ResultCode::InvalidQuantity,
        ),
        (
            Command::Adjust {
                key,
                sku,
                location: here,
                delta: 1,
                reason: &reason,
            },
            ResultCode::InvalidName,
        ),
        (
            Command::Transfer {
                key,
                sku,
                from: here,
                to: here,
                quantity: 1,
            },
            ResultCode::InvalidField,
        ),
        (
            Command::Move {
                key,
                sku,
                location: here,
                from: available,
                to: available,
                quantity: 1,
            },
            ResultCode::InvalidField,
        ),
    ] {
        assert_eq!(shop.execute(&command).code, code, "{command:?}");
    }
    assert_eq!(shop.engine.digest(), before);
}

#[test]
fn order_commands_refuse_malformed_fields_without_storing_them() {
    let (mut shop, sku, ..) = shop();
    shop.hold(1, &[line(sku, ANY, 1)]);
    let before = shop.engine.digest();
    let (key, order) = (CommandKey(5), OrderKey(1));
    let (zero, unknown) = ([line(sku, ANY, 0)], [line(SkuId(8), ANY, 1)]);
    let many = vec![line(sku, ANY, 1); limits::ORDER_ALLOCATIONS_MAX + 1];
    for (command, code) in [
        (
            Command::Release {
                key: CommandKey(0),
                order,
            },
            ResultCode::InvalidKey,
        ),
        (
            Command::Cancel {
                key,
                order: OrderKey(0),
            },
            ResultCode::InvalidKey,
        ),
        (
            Command::Extend {
                key,
                order,
                ttl_ms: 0,
            },
            ResultCode::InvalidTtl,
        ),
        (
            Command::Extend {
                key,
                order,
                ttl_ms: u32::MAX,
            },
            ResultCode::InvalidTtl,
        ),
        (
            Command::Ship {
                key,
                order,
                lines: &[],
            },
            ResultCode::NoLines,
        ),
        (
            Command::Ship {
                key,
                order,
                lines: &many,
            },
            ResultCode::TooManyLines,
        ),
        (
            Command::Confirm {
                key,
                order,
                lines: &zero,
            },
            ResultCode::InvalidQuantity,
        ),
        (
            Command::Confirm {
                key,
                order,
                lines: &unknown,
            },
            ResultCode::UnknownSku,
        ),
    ] {
        assert_eq!(shop.execute(&command).code, code, "{command:?}");
    }
    assert_eq!(shop.engine.digest(), before);
}
