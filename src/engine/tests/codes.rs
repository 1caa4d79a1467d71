//! Every result code that the engine can answer, each with what produces it.

use super::shop::{ANY, Shop, TTL_MS, line, request};
use crate::engine::EngineOptions;
use crate::engine::command::LineNote::Short;
use crate::engine::command::{Command, OrderRequest};
use crate::engine::record::{Allocation, RequestedLine, ShortLine, kind};
use crate::limits;
use crate::types::{LocationId, OrderKey, ResultCode, SkuId, TenantId};

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
        queue: None,
    });
    assert_eq!(
        shop.hold(1, &[line(sku, ANY, 1)]).code,
        ResultCode::NotOnSale
    );
    shop.execute(&Command::DefineSku {
        name: "shoe",
        on_sale: true,
        queue: None,
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

const BAD_SKU: RequestedLine = Allocation {
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
fn invalid_key_refuses_zero() {
    malformed(|order| order.key = OrderKey(0), ResultCode::InvalidKey);
}

#[test]
fn invalid_version_refuses_zero() {
    malformed(|order| order.version = 0, ResultCode::InvalidVersion);
}

#[test]
fn invalid_ttl_refuses_zero_and_more_than_the_largest() {
    malformed(|order| order.ttl_ms = 0, ResultCode::InvalidTtl);
    let longer = limits::HOLD_TTL_MS_MAX + 1;
    malformed(|order| order.ttl_ms = longer, ResultCode::InvalidTtl);
}

#[test]
fn invalid_currency_refuses_what_is_no_three_digit_number() {
    malformed(|order| order.currency = 0, ResultCode::InvalidCurrency);
    malformed(|order| order.currency = 1_000, ResultCode::InvalidCurrency);
}

#[test]
fn invalid_total_refuses_more_than_the_largest() {
    let more = limits::ORDER_TOTAL_MAX + 1;
    malformed(|order| order.total = more, ResultCode::InvalidTotal);
}

#[test]
fn no_lines_refuses_an_empty_order() {
    malformed(|order| order.lines = &[], ResultCode::NoLines);
}

const fn bad_sku(quantity: u32) -> Allocation {
    Allocation {
        quantity,
        ..BAD_SKU
    }
}

#[test]
fn too_many_lines_refuses_one_more_than_the_most() {
    let many = [bad_sku(1); limits::ORDER_LINES_MAX + 1];
    malformed(|order| order.lines = &many, ResultCode::TooManyLines);
}

#[test]
fn invalid_quantity_refuses_zero_and_more_than_the_largest() {
    let (zero, huge) = ([bad_sku(0)], [bad_sku(limits::LINE_QUANTITY_MAX + 1)]);
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
    let (none, bad, unknown) = ([], [bad_sku(0)], [BAD_SKU]);
    let many = [bad_sku(0); limits::ORDER_LINES_MAX + 1];
    let long = vec![0; limits::DETAILS_ARCHIVED_BYTES_MAX + 1];
    let (mut shop, ..) = shop();
    let mut order = request(0, &none);
    (order.version, order.ttl_ms, order.currency, order.total) = (0, 0, 0, u64::MAX);
    order.details = &long;
    // The first thing wrong answers; then it is mended.
    let mut answered = Vec::new();
    for mended in 0..10 {
        answered.push(shop.reserve(&order).code);
        match mended {
            0 => order.key = OrderKey(1),
            1 => order.version = 1,
            2 => order.ttl_ms = 1,
            3 => order.currency = 1,
            4 => order.total = 1,
            5 => order.lines = &many,
            6 => order.lines = &bad,
            7 => order.lines = &unknown,
            _ => order.details = &[],
        }
    }
    let documented = [
        ResultCode::InvalidKey,
        ResultCode::InvalidVersion,
        ResultCode::InvalidTtl,
        ResultCode::InvalidCurrency,
        ResultCode::InvalidTotal,
        ResultCode::NoLines,
        ResultCode::TooManyLines,
        ResultCode::InvalidQuantity,
        ResultCode::DetailsTooLong,
        ResultCode::UnknownSku,
    ];
    assert_eq!(answered, documented);
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
fn invalid_name_refuses_empty_long_and_control_characters() {
    let (mut shop, ..) = shop();
    let long = "n".repeat(limits::NAME_BYTES_MAX + 1);
    for name in ["", "a\nb", &long] {
        let define = Command::DefineSku {
            name,
            on_sale: true,
            queue: None,
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
fn sku_table_full_refuses_one_more_than_the_bound() {
    let mut shop = Shop::with(EngineOptions {
        skus_max: 2,
        ..EngineOptions::default()
    });
    shop.sku("a");
    shop.sku("b");
    let define = |name| Command::DefineSku {
        name,
        on_sale: true,
        queue: None,
    };
    assert_eq!(shop.execute(&define("c")).code, ResultCode::SkuTableFull);
    let known = shop.execute(&define("b"));
    assert_eq!((known.code, known.handle), (ResultCode::Ok, 1));
    assert!(known.replayed);
    shop.check();
}

#[test]
fn location_table_full_refuses_one_more_than_the_bound() {
    let mut shop = Shop::with(EngineOptions {
        locations_max: 1,
        ..EngineOptions::default()
    });
    shop.location("here", 0, 0, 0);
    let there = shop.execute(&Command::DefineLocation {
        name: "there",
        x: 0,
        y: 0,
        priority: 0,
    });
    assert_eq!(there.code, ResultCode::LocationTableFull);
    shop.check();
}

#[test]
fn tenant_table_full_refuses_one_more_than_the_bound() {
    let mut shop = Shop::new();
    let actor = shop.context.actor;
    shop.turn(|engine, out| {
        for n in 1..limits::TENANTS_MAX {
            let name = format!("tenant {n}");
            engine.define_tenant(&name, actor, out).unwrap();
        }
        let full = engine.define_tenant("one more", actor, out);
        assert_eq!(full, Err(ResultCode::TenantTableFull));
        let known = engine.define_tenant("acme", actor, out);
        assert_eq!(known, Ok(TenantId(0)));
    });
    shop.check();
}

#[test]
fn actor_table_full_refuses_one_more_than_the_bound() {
    let mut shop = Shop::new();
    shop.turn(|engine, out| {
        for n in 2..limits::ACTORS_MAX {
            engine.define_actor(&format!("actor {n}"), out).unwrap();
        }
        let full = engine.define_actor("one more", out);
        assert_eq!(full, Err(ResultCode::ActorTableFull));
    });
    shop.check();
}
