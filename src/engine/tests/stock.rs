//! Stock movements and what orders do to stock.

use super::shop::{ANY, Shop, line};
use crate::engine::command::{CellQuantities, Command};
use crate::engine::record::kind;
use crate::engine::{Contradiction, Engine, EngineOptions};
use crate::types::record::{RecordBuffer, Records};
use crate::types::{
    ActorId, Disposition, LocationId, OrderKey, OrderState, ResultCode, SkuId, StockBucket,
};

fn shop(units: u32) -> (Shop, SkuId, LocationId) {
    let mut shop = Shop::new();
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, units);
    (shop, sku, here)
}

#[test]
fn an_adjustment_below_what_is_promised_is_booked_and_the_shortage_named() {
    let (mut shop, sku, location) = shop(10);
    shop.hold(1, &[line(sku, ANY, 8)]);
    let key = shop.fresh();
    let adjust = Command::Adjust {
        key,
        sku,
        location,
        delta: -5,
        reason: "flood",
    };
    let outcome = shop.execute(&adjust);
    assert_eq!((outcome.code, outcome.cell.short()), (ResultCode::Ok, 3));
    assert_eq!(outcome.cell.available(), 0);
    assert_eq!(shop.journaled(kind::SHORTAGE_DETECTED), 1);
    assert_eq!(
        shop.hold(2, &[line(sku, ANY, 1)]).code,
        ResultCode::InsufficientStock
    );
    assert_eq!(
        shop.confirm(1, &[]).code,
        ResultCode::Ok,
        "never for lack of stock"
    );
    shop.check();
    let key = shop.fresh();
    let set = Command::Set {
        key,
        sku,
        location,
        on_hand: 9,
        expect: Some(5),
    };
    assert_eq!(shop.execute(&set).cell.available(), 1);
    shop.check();
}

#[test]
fn set_without_expectation_sets_whatever_is_there() {
    let (mut shop, sku, location) = shop(10);
    let key = shop.fresh();
    let set = Command::Set {
        key,
        sku,
        location,
        on_hand: 0,
        expect: None,
    };
    assert_eq!(shop.execute(&set).cell.on_hand, 0);
    shop.check();
}

#[test]
fn transfer_moves_available_units_on_both_sides_at_once() {
    let (mut shop, sku, from) = shop(10);
    let to = shop.location("there", 0, 0, 0);
    let key = shop.fresh();
    let outcome = shop.execute(&Command::Transfer {
        key,
        sku,
        from,
        to,
        quantity: 4,
    });
    assert_eq!((outcome.code, outcome.cell.on_hand), (ResultCode::Ok, 6));
    assert_eq!(shop.cell(sku, to).on_hand, 4);
    shop.check();
}

#[test]
fn moved_units_are_not_sellable_until_they_come_back() {
    let (mut shop, sku, location) = shop(10);
    let buckets = [
        StockBucket::Safety,
        StockBucket::Damaged,
        StockBucket::QualityControl,
    ];
    for (from, to) in [StockBucket::Available]
        .iter()
        .chain(&buckets)
        .zip(&buckets)
    {
        let (key, from, to) = (shop.fresh(), *from, *to);
        let moved = Command::Move {
            key,
            sku,
            location,
            from,
            to,
            quantity: 3,
        };
        let outcome = shop.execute(&moved);
        assert_eq!(
            (outcome.code, outcome.cell.available()),
            (ResultCode::Ok, 7)
        );
    }
    assert_eq!(shop.cell(sku, location).quality_control, 3);
    shop.check();
}

#[test]
fn a_partial_confirm_commits_its_lines_and_releases_the_rest() {
    let (mut shop, sku, here) = shop(10);
    let other = shop.sku("sock");
    shop.receive(other, here, 5);
    shop.hold(1, &[line(sku, ANY, 6), line(other, ANY, 5)]);
    let outcome = shop.confirm(1, &[line(sku, ANY, 2), line(sku, here, 1)]);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::Ok, Some(OrderState::Confirmed))
    );
    let cell = shop.cell(sku, here);
    assert_eq!((cell.reserved, cell.committed, cell.available()), (0, 3, 7));
    assert_eq!(shop.cell(other, here).available(), 5);
    let (_, lines, _) = shop.order(1).unwrap();
    assert_eq!(
        (lines[0].committed, lines[0].cancelled, lines[1].cancelled),
        (3, 3, 5)
    );
    shop.check();
}

#[test]
fn shipped_units_leave_and_returned_ones_come_back_by_disposition() {
    let (mut shop, sku, here) = shop(10);
    shop.hold(1, &[line(sku, ANY, 6)]);
    shop.confirm(1, &[]);
    assert_eq!(
        shop.ship(1, &[line(sku, ANY, 6)]).state,
        Some(OrderState::Shipped)
    );
    assert_eq!(
        shop.cell(sku, here),
        CellQuantities {
            on_hand: 4,
            ..CellQuantities::default()
        }
    );
    for (quantity, disposition) in [
        (1, Disposition::Restock),
        (2, Disposition::Damaged),
        (3, Disposition::QualityControl),
    ] {
        let (key, lines) = (shop.fresh(), [line(sku, ANY, quantity)]);
        let order = OrderKey(1);
        let outcome = shop.execute(&Command::Return {
            key,
            order,
            disposition,
            lines: &lines,
        });
        assert_eq!(outcome.code, ResultCode::Ok);
    }
    let cell = shop.cell(sku, here);
    assert_eq!(
        (cell.on_hand, cell.damaged, cell.quality_control),
        (10, 2, 3)
    );
    assert_eq!(
        (cell.available(), shop.order(1).unwrap().1[0].returned),
        (5, 6)
    );
    shop.check();
}

#[test]
fn cancelling_a_confirmed_order_makes_its_units_available() {
    let (mut shop, sku, here) = shop(10);
    shop.hold(1, &[line(sku, ANY, 6)]);
    shop.confirm(1, &[]);
    let outcome = shop.cancel(1);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::Ok, Some(OrderState::Cancelled))
    );
    assert_eq!(shop.cell(sku, here).available(), 10);
    assert_eq!(shop.journaled(kind::ORDER_CANCELLED), 1);
    shop.check();
}

#[test]
fn changed_skus_are_reported_once_and_only_while_tracked() {
    let (mut shop, sku, here) = shop(10);
    let other = shop.sku("sock");
    let mut changed = Vec::new();
    shop.engine.drain_changed(&mut changed);
    assert!(changed.is_empty());
    shop.engine.track_changes(true);
    shop.hold(1, &[line(sku, ANY, 1)]);
    shop.hold(2, &[line(sku, ANY, 1)]);
    shop.receive(other, here, 1);
    shop.engine.drain_changed(&mut changed);
    assert_eq!(changed, [sku, other]);
    shop.engine.drain_changed(&mut changed);
    assert_eq!(changed.len(), 2);
    shop.release(1);
    shop.engine.track_changes(false);
    shop.engine.track_changes(true);
    shop.engine.drain_changed(&mut changed);
    assert_eq!(changed.len(), 2, "switching off forgets");
    shop.release(2);
    shop.engine.drain_changed(&mut changed);
    assert_eq!(changed.len(), 3);
}

#[test]
fn names_and_listings_are_by_tenant_in_order_of_handles() {
    let (mut shop, sku, here) = shop(1);
    let sock = shop.sku("sock");
    let acme = shop.context;
    shop.context.tenant =
        shop.turn(|engine, out| engine.define_tenant("rival", acme.actor, out).unwrap());
    let theirs = shop.sku("shoe");
    let engine = &shop.engine;
    let of = |tenant, from| engine.skus(tenant, from).collect::<Vec<_>>();
    assert_eq!(
        of(acme.tenant, SkuId(0)),
        [(sku, "shoe", true), (sock, "sock", true)]
    );
    assert_eq!(of(acme.tenant, sock), [(sock, "sock", true)]);
    assert_eq!(of(shop.context.tenant, SkuId(0)), [(theirs, "shoe", true)]);
    assert_eq!(
        engine
            .locations(acme.tenant)
            .map(|view| (view.location, view.name))
            .collect::<Vec<_>>(),
        [(here, "here")]
    );
    assert_eq!(engine.find_sku(acme.tenant, "sock"), Some(sock));
    assert_eq!(engine.find_location(shop.context.tenant, "here"), None);
    assert_eq!(engine.tenant_name(acme.tenant), Some("acme"));
    assert_eq!(engine.actor_name(acme.actor), Some("tester"));
    assert_eq!(engine.actor_name(ActorId::SYSTEM), Some("(engine)"));
    assert_eq!(engine.find_tenant("rival"), Some(shop.context.tenant));
    shop.check();
}

#[test]
fn a_state_digest_is_compared_on_replay() {
    let (mut shop, sku, _) = shop(5);
    shop.hold(1, &[line(sku, ANY, 1)]);
    shop.turn(|engine, out| engine.push_state_digest(out));
    shop.check();
    shop.hold(2, &[line(sku, ANY, 1)]);
    let mut stale = RecordBuffer::default();
    stale.start(1);
    shop.engine.push_state_digest(&mut stale);
    let mut other = Engine::new(EngineOptions::default());
    let raw = Records::new(stale.bytes()).next().unwrap();
    let error = other.replay(0, 77, &raw).unwrap_err();
    assert_eq!(
        (error.sequence, error.contradiction),
        (77, Contradiction::Digest)
    );
}

#[test]
fn every_record_out_of_place_is_named_and_none_panics() {
    let (mut shop, sku, here) = shop(99);
    let lines = [line(sku, ANY, 3), line(sku, here, 1)];
    for key in 1..=5 {
        shop.hold(key, &lines[..=usize::from(key > 3)]);
    }
    shop.confirm(1, &[]);
    shop.ship(1, &[line(sku, ANY, 1)]);
    shop.release(2);
    shop.extend(4, 90_000);
    let mut out = RecordBuffer::default();
    out.start(1);
    let (engine, context) = (&mut shop.engine, shop.context);
    let key = crate::types::CommandKey(1 << 90);
    engine.execute(
        context,
        &Command::Cancel {
            key,
            order: OrderKey(4),
        },
        &mut out,
    );
    engine.fire_timers(shop.clock_ms + 70_000, 9, &mut out);
    // Again on the same state, and on an empty one: neither fits.
    let bytes = out.bytes().to_vec();
    let mut empty = Engine::new(EngineOptions::default());
    let mut seen = 0;
    for (sequence, raw) in (1..).zip(Records::new(&bytes)) {
        let error = engine.replay(0, sequence, &raw).unwrap_err();
        assert!(
            error.to_string().contains(&format!("record {sequence} ")),
            "{error}"
        );
        empty.replay(0, sequence, &raw).unwrap_err();
        // Every shorter payload is malformed, whatever its kind.
        for length in 0..raw.payload.len() {
            let payload = &raw.payload[..length];
            let cut = crate::types::record::RawRecord { payload, ..raw };
            empty.replay(0, sequence, &cut).unwrap_err();
        }
        seen += 1;
    }
    assert!(seen >= 2, "a release and an expiry at least");
}
