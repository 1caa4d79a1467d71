//! What a book writes when, by small stories.

use super::book::{Book, Rules, SETTLE_MS, Settled, Shown, Taken};
use crate::channels::api::{ApiError, NOT_WRITTEN};
use crate::types::SkuId;

mod doubt;

const MUG: SkuId = SkuId(1);
const CUP: SkuId = SkuId(2);
const UNSEEN_MS: u64 = 60_000;
const LATE_MS: u64 = 5_000;

fn rules() -> Rules {
    Rules {
        batch_max: 10,
        compares: false,
        counts_own_sales: true,
        unseen_ms: UNSEEN_MS,
        late_ms: LATE_MS,
    }
}

fn book(rules: Rules) -> Book {
    let mut book = Book::new(rules);
    assert!(book.map("mug", MUG, "MUG", "mug", ""));
    assert!(book.map("cup", CUP, "CUP", "cup", ""));
    book
}

fn comparing() -> Book {
    book(Rules {
        compares: true,
        ..rules()
    })
}

fn written(taken: &[Taken]) -> Vec<(&str, u32)> {
    let writes = taken.iter().map(|one| &one.write);
    writes.map(|one| (&*one.item, one.quantity)).collect()
}

fn acknowledge(book: &mut Book, now_ms: u64) -> Vec<(String, u32)> {
    let taken = book.take();
    for one in &taken {
        let settled = book.settle(one, Ok(()), now_ms);
        assert!(matches!(settled, Settled::Acknowledged(_)), "{settled:?}");
    }
    let items = written(&taken).into_iter();
    items
        .map(|(item, units)| (item.to_owned(), units))
        .collect()
}

fn rejected() -> ApiError {
    ApiError::Rejected {
        code: "bad".into(),
        message: String::new(),
    }
}

fn failed(code: &str) -> ApiError {
    ApiError::Retry {
        code: code.into(),
        message: String::new(),
    }
}

#[test]
fn sold_out_items_go_first_then_the_oldest_change() {
    let mut book = Book::new(Rules {
        batch_max: 1,
        ..rules()
    });
    for number in 1..=3_u32 {
        let name = number.to_string();
        book.map(&name, SkuId(number), &name, &name, "");
    }
    book.want(SkuId(1), 5, 10, 200);
    book.want(SkuId(2), 5, 10, 100);
    book.want(SkuId(3), 0, 10, 300);
    let mut order = Vec::new();
    while book.waiting() > 0 {
        order.extend(acknowledge(&mut book, 400));
    }
    let order: Vec<&str> = order.iter().map(|(item, _)| &**item).collect();
    assert_eq!(order, ["3", "2", "1"]);
}

#[test]
fn the_newest_value_wins_and_an_older_sequence_never_follows() {
    let mut book = book(rules());
    book.want(MUG, 5, 10, 100);
    book.want(MUG, 4, 11, 101);
    book.want(MUG, 9, 3, 90);
    let taken = book.take();
    assert_eq!(written(&taken), [("mug", 4)]);
    book.want(MUG, 3, 12, 150);
    assert!(book.take().is_empty(), "one write at a time");
    let settled = book.settle(&taken[0], Ok(()), 180);
    assert_eq!(settled, Settled::Acknowledged(Some(80)));
    assert_eq!(written(&book.take()), [("mug", 3)]);
    let shown = book.take_shown();
    let (sku, quantity, sequence) = ("MUG".to_owned(), 4, 11);
    assert_eq!(
        shown,
        [Shown {
            sku,
            quantity,
            sequence
        }]
    );
}

#[test]
fn a_sale_that_the_marketplace_counted_itself_needs_no_write() {
    let mut book = book(rules());
    book.want(MUG, 10, 10, 100);
    acknowledge(&mut book, 100);
    let later = 20_000;
    book.sold(MUG, (20, 3), Some(later), later);
    book.want(MUG, 7, 20, later);
    assert_eq!((book.waiting(), book.unneeded), (0, 1));
    let last = book.take_shown().pop().unwrap();
    assert_eq!((last.quantity, last.sequence), (7, 20));
    book.want(MUG, 6, 21, later);
    assert_eq!(
        written(&book.take()),
        [("mug", 6)],
        "another channel sold one"
    );
}

#[test]
fn an_order_right_after_a_write_is_made_good_when_it_is_quiet_and_at_once_where_sold_out() {
    let mut book = book(rules());
    for sku in [MUG, CUP] {
        book.want(sku, 2, 10, 100);
    }
    acknowledge(&mut book, 100);
    book.sold(MUG, (20, 1), Some(105), 110);
    book.want(MUG, 1, 20, 110);
    assert_eq!(book.waiting(), 0, "it may show 1 or 2, and others buy");
    book.sold(CUP, (21, 2), Some(105), 110);
    book.want(CUP, 0, 21, 110);
    assert_eq!(acknowledge(&mut book, 120), [("cup".to_owned(), 0)]);
    book.wake(110 + SETTLE_MS - 1);
    assert_eq!(book.waiting(), 0);
    book.wake(110 + SETTLE_MS);
    assert_eq!(
        acknowledge(&mut book, 110 + SETTLE_MS),
        [("mug".to_owned(), 1)]
    );
}

#[test]
fn a_marketplace_that_does_not_count_is_written_every_change() {
    let mut book = book(Rules {
        counts_own_sales: false,
        ..rules()
    });
    book.want(MUG, 10, 10, 100);
    acknowledge(&mut book, 100);
    book.sold(MUG, (20, 3), Some(5_000), 5_000);
    book.want(MUG, 7, 20, 5_000);
    assert_eq!(written(&book.take()), [("mug", 7)]);
}

#[test]
fn units_that_went_without_an_order_known_are_not_offered_again() {
    let mut book = comparing();
    book.want(MUG, 10, 10, 100);
    let reads = book.take_reads(10);
    assert_eq!(reads, [(0, "mug".to_owned())]);
    book.was_read(0, Some(4), 100);
    let taken = book.take();
    assert_eq!(taken[0].write.expected, Some(4));
    book.settle(&taken[0], Ok(()), 110);
    // Elsewhere 1 was sold; meanwhile 2 went here.
    book.want(MUG, 9, 20, 200);
    let taken = book.take();
    assert_eq!(taken[0].write.expected, Some(10));
    book.settle(&taken[0], Err(ApiError::Stale { current: None }), 210);
    assert_eq!(book.take_reads(10), [(0, "mug".to_owned())]);
    book.was_read(0, Some(8), 220);
    let taken = book.take();
    assert_eq!(
        (taken[0].write.expected, taken[0].write.quantity),
        (Some(8), 7)
    );
    book.take_shown();
    book.settle(&taken[0], Ok(()), 230);
    assert!(book.take_shown().is_empty(), "9 is true, and not shown yet");
    // Their order comes: 9 - 2 = 7 is what it shows.
    book.sold(MUG, (30, 2), Some(200), 240);
    book.want(MUG, 7, 30, 240);
    assert_eq!(book.waiting(), 0);
    let (sku, quantity, sequence) = ("MUG".to_owned(), 7, 30);
    assert_eq!(
        book.take_shown(),
        [Shown {
            sku,
            quantity,
            sequence
        }]
    );
    book.wake(240 + 2 * UNSEEN_MS);
    assert_eq!(book.waiting(), 0);
}

#[test]
fn a_figure_changed_by_hand_gives_way_when_no_order_comes() {
    let mut book = comparing();
    book.want(MUG, 10, 10, 100);
    book.take_reads(10);
    book.was_read(0, Some(10), 100);
    book.want(MUG, 9, 20, 200);
    let taken = book.take();
    book.settle(&taken[0], Err(ApiError::Stale { current: Some(3) }), 210);
    let taken = book.take();
    assert_eq!(taken[0].write.quantity, 2);
    book.settle(&taken[0], Ok(()), 220);
    book.wake(209 + UNSEEN_MS);
    assert_eq!(book.waiting(), 0, "their orders may still come");
    book.wake(210 + UNSEEN_MS);
    assert_eq!(written(&book.take()), [("mug", 9)]);
}

#[test]
fn a_refused_item_is_split_out_of_its_write_and_left_alone() {
    let mut book = Book::new(rules());
    for number in 1..=8_u32 {
        let name = number.to_string();
        book.map(&name, SkuId(number), &name, &name, "");
        book.want(SkuId(number), 5, 10, 100);
    }
    let (mut calls, mut good) = (0, Vec::new());
    while book.waiting() > 0 {
        calls += 1;
        let taken = book.take();
        let bad = taken.iter().any(|one| one.write.item == "6");
        if bad && book.split(&taken).is_some() {
            continue;
        }
        for one in &taken {
            let result = if bad { Err(rejected()) } else { Ok(()) };
            match book.settle(one, result, 100) {
                Settled::Acknowledged(_) => good.push(one.write.item.clone()),
                Settled::Quarantined(sku, _) => assert_eq!(sku, "6"),
                Settled::Again => panic!("nothing is tried again"),
            }
        }
    }
    good.sort();
    assert_eq!(good, ["1", "2", "3", "4", "5", "7", "8"]);
    assert!(calls <= 8, "{calls} calls");
    assert_eq!(book.quarantined(), 1);
    book.want(SkuId(6), 4, 20, 200);
    assert_eq!(book.waiting(), 0);
    book.resync(300);
    assert_eq!((book.waiting(), book.quarantined()), (8, 0));
}

#[test]
fn a_failed_write_is_made_again_with_the_value_of_then() {
    let mut book = book(rules());
    book.want(MUG, 5, 10, 100);
    let taken = book.take();
    book.want(MUG, 2, 11, 150);
    book.again(&taken, true, 160);
    let again = book.take();
    assert_eq!(written(&again), [("mug", 2)]);
    book.settle(&again[0], Err(failed("timeout")), 200);
    assert_eq!(book.waiting(), 0, "it waits");
    book.want(MUG, 1, 12, 210);
    book.wake(299);
    assert_eq!(book.waiting(), 0);
    book.wake(300);
    let last = book.take();
    assert_eq!(written(&last), [("mug", 1)]);
    let lag = book.settle(&last[0], Ok(()), 310);
    assert_eq!(
        lag,
        Settled::Acknowledged(Some(210)),
        "from its oldest change"
    );
}

#[test]
fn an_item_that_another_one_kept_from_being_written_goes_at_once() {
    let mut book = comparing();
    for sku in [MUG, CUP] {
        book.want(sku, 5, 10, 100);
    }
    for (place, _) in book.take_reads(10) {
        book.was_read(place, Some(9), 100);
    }
    let taken = book.take();
    book.settle(&taken[0], Err(rejected()), 110);
    book.settle(&taken[1], Err(failed(NOT_WRITTEN)), 110);
    let again = book.take();
    assert_eq!(written(&again), [(&*taken[1].write.item, 5)]);
    assert_eq!(again[0].write.expected, Some(9));
}

#[test]
fn groups_are_not_mixed_and_a_new_mapping_replaces_the_old_one() {
    let mut book = Book::new(rules());
    book.map("a/1", SkuId(1), "A1", "a/1", "a");
    book.map("a/2", SkuId(2), "A2", "a/2", "a");
    book.map("b/1", SkuId(3), "B1", "b/1", "b");
    for number in 1..=3 {
        book.want(SkuId(number), 5, 10, 100);
    }
    assert_eq!(written(&book.take()), [("a/1", 5), ("a/2", 5)]);
    let last = book.take();
    assert_eq!(written(&last), [("b/1", 5)]);
    book.settle(&last[0], Ok(()), 110);
    assert!(!book.map("b/1", SkuId(3), "B1", "b/1", "b"), "as before");
    assert!(book.map("b/1", SkuId(1), "A1", "b/1", "b"));
    book.want(SkuId(3), 9, 20, 200);
    book.want(SkuId(1), 4, 20, 200);
    assert_eq!(written(&book.take()), [("b/1", 4)]);
    book.keep(&["a/1".to_owned()].into());
    book.want(SkuId(2), 1, 30, 300);
    assert_eq!(book.waiting(), 0, "it stands for nothing any more");
}

#[test]
fn an_order_that_comes_long_after_a_write_but_was_made_before_it_has_its_item_written_again() {
    let mut book = book(rules());
    for sku in [MUG, CUP] {
        book.want(sku, 10, 10, 100);
    }
    acknowledge(&mut book, 10_000);
    // Of one the time is known, of the other one nobody knows it.
    for (sku, made_ms) in [(MUG, Some(9_000)), (CUP, None)] {
        book.sold(sku, (20, 3), made_ms, 60_000);
        book.want(sku, 7, 20, 60_000);
    }
    assert_eq!(book.waiting(), 0, "other orders may be on their way");
    book.wake(60_000 + SETTLE_MS);
    let again = acknowledge(&mut book, 60_000 + SETTLE_MS);
    assert_eq!(again, [("mug".to_owned(), 7), ("cup".to_owned(), 7)]);
}

#[test]
fn a_first_figure_that_lacked_sales_nobody_knew_of_is_read_again_when_their_orders_came() {
    let mut book = comparing();
    book.want(MUG, 10, 10, 100);
    book.take_reads(10);
    // Two were sold a moment ago, and nothing tells so: the figure is raised.
    book.was_read(0, Some(8), 9_950);
    assert_eq!(acknowledge(&mut book, 10_000), [("mug".to_owned(), 10)]);
    book.sold(MUG, (20, 2), Some(9_900), 10_100);
    book.want(MUG, 8, 20, 10_100);
    assert_eq!(book.waiting(), 0);
    book.wake(10_100 + SETTLE_MS);
    assert_eq!(book.take_reads(10), [(0, "mug".to_owned())]);
    book.was_read(0, Some(10), 12_000);
    assert_eq!(acknowledge(&mut book, 12_000), [("mug".to_owned(), 8)]);
}

#[test]
fn zero_is_written_once_where_the_marketplace_should_show_it_already() {
    for mut book in [book(rules()), comparing()] {
        book.want(MUG, 2, 10, 100);
        for (place, _) in book.take_reads(10) {
            book.was_read(place, Some(2), 100);
        }
        acknowledge(&mut book, 100);
        book.sold(MUG, (20, 2), Some(50_000), 50_000);
        book.want(MUG, 0, 20, 50_000);
        assert_eq!(acknowledge(&mut book, 50_000), [("mug".to_owned(), 0)]);
        book.want(MUG, 0, 21, 50_100);
        assert_eq!(book.waiting(), 0, "once is enough");
        book.want(MUG, 3, 30, 60_000);
        assert_eq!(acknowledge(&mut book, 60_000), [("mug".to_owned(), 3)]);
    }
}

#[test]
fn a_look_at_all_items_finds_what_a_marketplace_sold_unheard() {
    let mut book = comparing();
    book.want(MUG, 10, 10, 100);
    book.take_reads(10);
    book.was_read(0, Some(10), 100);
    book.resync(1_000);
    assert_eq!(book.take_reads(10), [(0, "mug".to_owned())]);
    book.was_read(0, Some(7), 1_010);
    assert_eq!(
        book.waiting(),
        0,
        "three are sold: 10 would offer them again"
    );
    book.sold(MUG, (20, 3), Some(900), 1_100);
    book.want(MUG, 7, 20, 1_100);
    assert_eq!(book.waiting(), 0);
}

#[test]
fn nothing_is_raised_before_it_is_known_what_was_sold_while_nobody_listened() {
    let mut book = comparing();
    book.hold_back();
    for (sku, units) in [(MUG, 10), (CUP, 4)] {
        book.want(sku, units, 10, 100);
    }
    for (place, _) in book.take_reads(10) {
        book.was_read(place, Some(7), 100);
    }
    assert_eq!(written(&book.take()), [("cup", 4)], "less is written");
    assert_eq!(book.waiting(), 0, "three mugs may be sold");
    book.want(MUG, 9, 20, 200);
    book.let_go();
    assert_eq!(written(&book.take()), [("mug", 9)], "one was");
    let mut blind = Book::new(rules());
    blind.hold_back();
    blind.map("mug", MUG, "MUG", "mug", "");
    blind.want(MUG, 5, 10, 100);
    assert_eq!(blind.waiting(), 0, "what it shows is not known");
    blind.want(MUG, 0, 11, 110);
    assert_eq!(acknowledge(&mut blind, 120), [("mug".to_owned(), 0)]);
}

#[test]
fn a_write_that_was_given_up_is_followed_by_another_one_when_it_can_arrive_no_more() {
    let mut book = book(rules());
    book.want(MUG, 5, 10, 100);
    let taken = book.take();
    book.want(MUG, 2, 11, 150);
    book.again(&taken, true, 200);
    assert_eq!(acknowledge(&mut book, 210), [("mug".to_owned(), 2)]);
    book.wake(200 + LATE_MS - 1);
    assert_eq!(book.waiting(), 0);
    book.wake(200 + LATE_MS);
    assert_eq!(
        acknowledge(&mut book, 200 + LATE_MS),
        [("mug".to_owned(), 2)],
        "5 may have arrived in between"
    );
    book.wake(200 + 10 * LATE_MS);
    assert_eq!(book.waiting(), 0);
}

#[test]
fn an_item_that_is_mapped_anew_is_not_written_while_its_old_write_is_out() {
    let mut book = book(rules());
    book.want(MUG, 5, 10, 100);
    let old = book.take();
    assert!(book.map("mug", CUP, "CUP", "mug", ""));
    book.want(CUP, 9, 20, 200);
    let cup = book.take();
    assert_eq!(written(&cup), [("cup", 9)], "only the other item");
    book.settle(&cup[0], Ok(()), 205);
    assert!(book.map("mug", MUG, "MUG", "mug", ""), "and back");
    book.want(MUG, 4, 21, 206);
    assert_eq!(book.waiting(), 0);
    assert_eq!(book.settle(&old[0], Ok(()), 210), Settled::Again);
    assert_eq!(written(&book.take()), [("mug", 4)]);
}
