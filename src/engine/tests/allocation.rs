//! Where units are taken from.

use super::shop::{ANY, Shop, line, request};
use crate::engine::command::LineNote::{Granted, Short};
use crate::engine::record::{RequestedLine, ShortLine};
use crate::limits::ORDER_ALLOCATIONS_MAX;
use crate::types::{LocationId, Policy, ResultCode, SkuId};

/// A shop with two SKUs and stock as given: (location name, x, priority, units of each SKU).
fn shop(stock: &[(&str, i32, u16, [u32; 2])]) -> (Shop, [SkuId; 2], Vec<LocationId>) {
    let mut shop = Shop::new();
    let skus = [shop.sku("shoe"), shop.sku("sock")];
    let mut locations = Vec::new();
    for (name, x, priority, units) in stock {
        let location = shop.location(name, *x, 0, *priority);
        for (sku, units) in skus.iter().zip(units) {
            if *units > 0 {
                shop.receive(*sku, location, *units);
            }
        }
        locations.push(location);
    }
    (shop, skus, locations)
}

/// (SKU, location, units) of an accepted order.
fn taken(shop: &mut Shop, lines: &[RequestedLine], near: Option<i32>) -> Vec<(u32, u16, u32)> {
    let mut order = request(1, lines);
    order.destination = near.map(|x| (x, 0));
    assert_eq!(shop.reserve(&order).code, ResultCode::Ok);
    shop.check();
    let (_, lines, _) = shop.order(1).unwrap();
    let taken = lines
        .iter()
        .map(|line| (line.sku.0, line.location.0, line.ordered));
    taken.collect()
}

#[test]
fn one_location_for_all_lines_comes_before_nearness() {
    let (mut shop, [a, b], _) = shop(&[
        ("near, shoes only", 1, 0, [9, 0]),
        ("far, both", 90, 9, [9, 9]),
        ("near, socks only", 2, 0, [0, 9]),
    ]);
    let lines = [line(a, ANY, 2), line(b, ANY, 2)];
    assert_eq!(taken(&mut shop, &lines, Some(0)), [(0, 1, 2), (1, 1, 2)]);
}

#[test]
fn among_locations_that_cover_all_the_nearest_wins_then_priority_then_number() {
    let stock = [
        ("a", 50, 1, [9, 9]),
        ("b", -40, 1, [9, 9]),
        ("c", 40, 0, [9, 9]),
    ];
    let lines = |sku| [line(sku, ANY, 2)];
    let (mut first, [a, _], _) = shop(&stock);
    assert_eq!(taken(&mut first, &lines(a), Some(49)), [(0, 0, 2)]);
    let (mut tie, [a, _], _) = shop(&stock);
    assert_eq!(taken(&mut tie, &lines(a), Some(0)), [(0, 2, 2)], "priority");
    let (mut nowhere, [a, _], _) = shop(&stock);
    assert_eq!(
        taken(&mut nowhere, &lines(a), None),
        [(0, 2, 2)],
        "no destination"
    );
    let (mut equal, [a, _], _) = shop(&[("a", 5, 0, [9, 0]), ("b", 5, 0, [9, 0])]);
    assert_eq!(taken(&mut equal, &lines(a), Some(0)), [(0, 0, 2)], "number");
}

#[test]
fn distances_are_exact_at_the_ends_of_the_coordinates() {
    let (mut shop, [a, _], _) =
        shop(&[("west", i32::MIN, 0, [9, 0]), ("east", i32::MAX, 0, [9, 0])]);
    assert_eq!(
        taken(&mut shop, &[line(a, ANY, 1)], Some(i32::MAX)),
        [(0, 1, 1)]
    );
}

#[test]
fn without_one_location_for_all_the_fewest_splits_are_made() {
    let (mut shop, [a, b], _) = shop(&[("shoes", 0, 0, [9, 1]), ("socks", 0, 0, [1, 9])]);
    let lines = [line(a, ANY, 5), line(b, ANY, 5)];
    assert_eq!(taken(&mut shop, &lines, None), [(0, 0, 5), (1, 1, 5)]);
}

#[test]
fn a_line_that_no_location_covers_takes_from_the_fullest_first() {
    let stock = [
        ("a", 0, 0, [3, 0]),
        ("b", 0, 0, [6, 0]),
        ("c", 0, 0, [4, 0]),
    ];
    let (mut shop, [a, _], _) = shop(&stock);
    assert_eq!(
        taken(&mut shop, &[line(a, ANY, 11)], None),
        [(0, 0, 1), (0, 1, 6), (0, 2, 4)]
    );
}

#[test]
fn named_lines_are_served_before_any_and_summed_at_their_cell() {
    let (mut shop, [a, _], at) = shop(&[("a", 0, 0, [5, 0]), ("b", 0, 0, [5, 0])]);
    let lines = [line(a, ANY, 4), line(a, at[0], 2), line(a, at[0], 2)];
    // One unit is left at the first location, so "any" goes to the second as a whole.
    assert_eq!(taken(&mut shop, &lines, None), [(0, 0, 4), (0, 1, 4)]);
}

#[test]
fn duplicate_lines_are_summed_before_they_are_checked() {
    let (mut shop, [a, _], at) = shop(&[("a", 0, 0, [5, 0])]);
    let lines = [line(a, at[0], 3), line(a, at[0], 3)];
    assert_eq!(shop.hold(1, &lines).code, ResultCode::InsufficientStock);
    assert_eq!(shop.notes.len(), 1);
    shop.check();
}

#[test]
fn an_order_that_needs_too_many_allocations_is_short() {
    let mut shop = Shop::new();
    let sku = shop.sku("shoe");
    let cells = u16::try_from(ORDER_ALLOCATIONS_MAX).unwrap() + 1;
    for n in 0..cells {
        let location = shop.location(&format!("at {n}"), 0, 0, 0);
        shop.receive(sku, location, 1);
    }
    let lines = [line(sku, ANY, u32::from(cells))];
    assert_eq!(shop.hold(1, &lines).code, ResultCode::InsufficientStock);
    let left = u32::from(cells) - 1;
    assert_eq!(shop.notes, [Short(ShortLine { sku, left, line: 0 })]);
    let mut partial = request(2, &lines);
    partial.policy = Policy::Partial;
    assert_eq!(shop.reserve(&partial).code, ResultCode::Ok);
    assert_eq!(
        shop.notes,
        [Granted {
            line: 0,
            quantity: left
        }]
    );
    shop.check();
}

#[test]
fn a_replacement_may_use_its_own_units_at_every_location() {
    let (mut shop, [a, b], at) = shop(&[("a", 0, 0, [5, 5]), ("b", 0, 0, [5, 0])]);
    assert_eq!(
        taken(&mut shop, &[line(a, at[0], 5), line(b, ANY, 1)], None).len(),
        2
    );
    let lines = [line(a, ANY, 10)];
    let mut next = request(1, &lines);
    next.version = 2;
    assert_eq!(shop.reserve(&next).code, ResultCode::Ok);
    assert_eq!(shop.cell(b, at[0]).reserved, 0);
    assert_eq!(
        (shop.cell(a, at[0]).reserved, shop.cell(a, at[1]).reserved),
        (5, 5)
    );
    shop.check();
}
