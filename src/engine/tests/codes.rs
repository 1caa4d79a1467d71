//! Every result code that the engine can answer, each with what produces it.

use super::shop::{ANY, Shop, TTL_MS, line, request};
use crate::engine::EngineOptions;
use crate::engine::command::{Command, OrderRequest};
use crate::engine::record::kind;
use crate::limits;
use crate::types::{
    CommandKey, Disposition, LocationId, OrderKey, OrderMode, Resolution, ResultCode, SkuId,
    StockBucket, TenantId,
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

/// The code that a request gets after `change`, and that it changed and journaled nothing.
fn malformed<'a>(change: impl FnOnce(&mut OrderRequest<'a>), expected: ResultCode) {
    let (mut shop, sku, ..) = shop();
    let before = shop.engine.digest();
    let lines: &'a [_] = Box::leak(Box::new([line(sku, ANY, 1)]));
    let mut order = request(1, lines);
    change(&mut order);
    let outcome = shop.reserve(&order);
    assert_eq!(
        (outcome.code, outcome.state, outcome.version),
        (expected, None, 0)
    );
    assert_eq!(shop.engine.digest(), before, "{expected} changed the state");
    assert_eq!(
        shop.journaled(kind::ORDER_REJECTED),
        0,
        "{expected} was journaled"
    );
}

#[test]
fn ok_accepts_an_order_that_stock_covers() {
    let (mut shop, sku, here, _) = shop();
    let outcome = shop.hold(1, &[line(sku, ANY, 4)]);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(outcome.expires_at_ms, shop.clock_ms + u64::from(TTL_MS));
    assert!(outcome.sequence > 0 && !outcome.replayed && !outcome.partial);
    let cell = shop.cell(sku, here);
    assert_eq!((cell.reserved, cell.available()), (4, 6));
    shop.check();
}

#[test]
fn insufficient_stock_names_every_short_line_and_what_is_left() {
    let (mut shop, sku, here, there) = shop();
    let other = shop.sku("sock");
    shop.receive(other, there, 2);
    let lines = [line(other, ANY, 5), line(sku, here, 1), line(sku, there, 3)];
    let outcome = shop.hold(1, &lines);
    assert_eq!(outcome.code, ResultCode::InsufficientStock);
    use crate::engine::command::LineNote::Short;
    use crate::engine::record::ShortLine;
    let short = |sku, left, line| Short(ShortLine { sku, left, line });
    assert_eq!(shop.notes, [short(other, 2, 0), short(sku, 0, 2)]);
    assert_eq!(shop.cell(sku, here).reserved, 0, "all or nothing");
    shop.check();
}

#[test]
fn not_on_sale_refuses_a_defined_sku_and_sticks() {
    let (mut shop, sku, ..) = shop();
    shop.execute(&Command::DefineSku {
        name: "shoe",
        on_sale: false,
    });
    assert_eq!(
        shop.hold(1, &[line(sku, ANY, 1)]).code,
        ResultCode::NotOnSale
    );
    shop.execute(&Command::DefineSku {
        name: "shoe",
        on_sale: true,
    });
    let again = shop.hold(1, &[line(sku, ANY, 1)]);
    assert_eq!((again.code, again.replayed), (ResultCode::NotOnSale, true));
    assert_eq!(shop.hold(2, &[line(sku, ANY, 1)]).code, ResultCode::Ok);
    shop.check();
}

#[test]
fn unknown_sku_refuses_an_undefined_handle_and_another_tenants() {
    malformed(
        |order| order.lines = const { &[BAD_SKU] },
        ResultCode::UnknownSku,
    );
    let (mut shop, sku, ..) = shop();
    let other = shop.turn(|engine, out| {
        engine
            .define_tenant("rival", crate::types::ActorId(1), out)
            .unwrap()
    });
    shop.context.tenant = other;
    assert_eq!(
        shop.hold(1, &[line(sku, ANY, 1)]).code,
        ResultCode::UnknownSku
    );
    assert!(shop.engine.stock(other, sku).is_none());
}

const BAD_SKU: crate::engine::record::RequestedLine = crate::engine::record::Allocation {
    sku: SkuId(77),
    quantity: 1,
    location: LocationId::ANY,
};

#[test]
fn unknown_location_refuses_an_undefined_handle() {
    let (mut shop, sku, ..) = shop();
    let outcome = shop.hold(1, &[line(sku, LocationId(9), 1)]);
    assert_eq!(outcome.code, ResultCode::UnknownLocation);
    let resolved = shop.execute(&Command::ResolveLocation { name: "nowhere" });
    assert_eq!(resolved.code, ResultCode::UnknownLocation);
}

#[test]
fn invalid_key_version_ttl_currency_and_total_are_refused_and_not_stored() {
    malformed(|order| order.key = OrderKey(0), ResultCode::InvalidKey);
    malformed(|order| order.version = 0, ResultCode::InvalidVersion);
    malformed(|order| order.ttl_ms = 0, ResultCode::InvalidTtl);
    malformed(
        |order| order.ttl_ms = limits::HOLD_TTL_MS_MAX + 1,
        ResultCode::InvalidTtl,
    );
    malformed(|order| order.currency = 0, ResultCode::InvalidCurrency);
    malformed(|order| order.currency = 1_000, ResultCode::InvalidCurrency);
    malformed(
        |order| order.total = limits::ORDER_TOTAL_MAX + 1,
        ResultCode::InvalidTotal,
    );
}

#[test]
fn no_lines_too_many_lines_and_invalid_quantity_are_refused_and_not_stored() {
    malformed(|order| order.lines = &[], ResultCode::NoLines);
    let of = |quantity| crate::engine::record::Allocation {
        quantity,
        ..BAD_SKU
    };
    let many = [of(1); limits::ORDER_LINES_MAX + 1];
    malformed(|order| order.lines = &many, ResultCode::TooManyLines);
    let (zero, huge) = ([of(0)], [of(limits::LINE_QUANTITY_MAX + 1)]);
    malformed(|order| order.lines = &zero, ResultCode::InvalidQuantity);
    malformed(|order| order.lines = &huge, ResultCode::InvalidQuantity);
}

#[test]
fn details_too_long_is_refused_and_not_stored() {
    let long = vec![0; limits::DETAILS_ARCHIVED_BYTES_MAX + 1];
    malformed(|order| order.details = &long, ResultCode::DetailsTooLong);
}

#[test]
fn checks_are_made_in_their_documented_order() {
    use ResultCode as C;
    let bad = crate::engine::record::Allocation {
        quantity: 0,
        ..BAD_SKU
    };
    let (none, bad, unknown) = ([], [bad], [BAD_SKU]);
    let long = vec![0; limits::DETAILS_ARCHIVED_BYTES_MAX + 1];
    // Each step mends the first thing wrong; the next one answers.
    let steps: [(&dyn Fn(&mut OrderRequest<'_>), C); 9] = [
        (&|_| {}, C::InvalidKey),
        (&|order| order.key = OrderKey(1), C::InvalidVersion),
        (&|order| order.version = 1, C::InvalidTtl),
        (&|order| order.ttl_ms = 1, C::InvalidCurrency),
        (&|order| order.currency = 1, C::InvalidTotal),
        (&|order| order.total = 1, C::NoLines),
        (&|_| {}, C::InvalidQuantity),
        (&|_| {}, C::DetailsTooLong),
        (&|order| order.details_version = 0, C::UnknownSku),
    ];
    let (mut shop, ..) = shop();
    let mut order = request(0, &none);
    (order.version, order.ttl_ms, order.currency, order.total) = (0, 0, 0, u64::MAX);
    order.details = &long;
    for (at, (mend, expected)) in steps.iter().enumerate() {
        match at {
            6 => order.lines = &bad,
            7 => order.lines = &unknown,
            8 => order.details = &[],
            _ => {}
        }
        mend(&mut order);
        assert_eq!(shop.reserve(&order).code, *expected, "step {at}");
    }
}

#[test]
fn order_table_full_leaves_no_trace_and_clears_when_there_is_room() {
    let mut shop = Shop::with(EngineOptions {
        orders_max: 1,
        ..EngineOptions::default()
    });
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, 10);
    assert_eq!(shop.hold(1, &[line(sku, ANY, 1)]).code, ResultCode::Ok);
    let full = shop.hold(2, &[line(sku, ANY, 1)]);
    assert_eq!((full.code, full.state), (ResultCode::OrderTableFull, None));
    let mut next = [line(sku, ANY, 2)];
    let mut again = request(1, &next);
    again.version = 2;
    assert_eq!(
        shop.reserve(&again).code,
        ResultCode::Ok,
        "a replacement needs no room"
    );
    shop.release(1);
    shop.advance(limits::ENDED_ORDER_KEPT_MS_DEFAULT);
    next[0].quantity = 1;
    assert_eq!(shop.hold(2, &next).code, ResultCode::Ok);
    shop.check();
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

#[test]
fn names_are_invalid_when_empty_long_or_with_control_characters() {
    let (mut shop, ..) = shop();
    let long = "n".repeat(limits::NAME_BYTES_MAX + 1);
    for name in ["", "a\nb", &long] {
        let define = Command::DefineSku {
            name,
            on_sale: true,
        };
        assert_eq!(shop.execute(&define).code, ResultCode::InvalidName);
        let resolve = Command::ResolveLocation { name };
        assert_eq!(shop.execute(&resolve).code, ResultCode::InvalidName);
        let defined = shop.turn(|engine, out| engine.define_actor(name, out));
        assert_eq!(defined, Err(ResultCode::InvalidName));
    }
    let engine_itself = shop.turn(|engine, out| engine.define_actor("(engine)", out));
    assert_eq!(engine_itself, Err(ResultCode::InvalidName));
    let longest = "n".repeat(limits::NAME_BYTES_MAX);
    shop.sku(&longest);
    assert_eq!(shop.engine.sku_name(SkuId(1)), Some(longest.as_str()));
}

#[test]
fn sku_and_location_tables_refuse_one_more_than_their_bound() {
    let options = EngineOptions {
        skus_max: 2,
        locations_max: 1,
        ..EngineOptions::default()
    };
    let mut shop = Shop::with(options);
    shop.sku("a");
    shop.sku("b");
    shop.location("here", 0, 0, 0);
    let sku = shop.execute(&Command::DefineSku {
        name: "c",
        on_sale: true,
    });
    assert_eq!(sku.code, ResultCode::SkuTableFull);
    let there = Command::DefineLocation {
        name: "there",
        x: 0,
        y: 0,
        priority: 0,
    };
    assert_eq!(shop.execute(&there).code, ResultCode::LocationTableFull);
    let known = shop.execute(&Command::DefineSku {
        name: "b",
        on_sale: true,
    });
    assert_eq!(
        (known.code, known.handle, known.replayed),
        (ResultCode::Ok, 1, true)
    );
    shop.check();
}

#[test]
fn tenant_and_actor_tables_refuse_one_more_than_their_bound() {
    let mut shop = Shop::new();
    shop.turn(|engine, out| {
        let actor = crate::types::ActorId(1);
        for n in 1..limits::TENANTS_MAX {
            engine
                .define_tenant(&format!("tenant {n}"), actor, out)
                .unwrap();
        }
        let full = engine.define_tenant("one more", actor, out);
        assert_eq!(full, Err(ResultCode::TenantTableFull));
        assert_eq!(engine.define_tenant("acme", actor, out), Ok(TenantId(0)));
        for n in 2..limits::ACTORS_MAX {
            engine.define_actor(&format!("actor {n}"), out).unwrap();
        }
        let full = engine.define_actor("one more", out);
        assert_eq!(full, Err(ResultCode::ActorTableFull));
    });
    shop.check();
}
