//! What is written where it is not known what a marketplace shows, or by which item it was sold.

use super::*;

fn two_listings(compares: bool) -> Book {
    let mut book = Book::new(Rules {
        compares,
        ..rules()
    });
    for item in ["a", "b"] {
        book.map(item, MUG, "MUG", item, "");
    }
    book.want(MUG, 10, 10, 100);
    for (place, _) in book.take_reads(10) {
        book.was_read(place, Some(10), 100);
    }
    acknowledge(&mut book, 100);
    book
}

#[test]
fn a_sale_over_one_of_two_listings_of_a_sku_is_written_to_the_other() {
    let (order, later) = ((20, 3), 50_000);
    let made = |items: &[&str]| items.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    for compares in [false, true] {
        let mut book = two_listings(compares);
        let over = made(&["x", "a"]);
        book.sold_over(MUG, order, (Some(later), &over), later);
        book.want(MUG, 7, 20, later);
        assert_eq!(acknowledge(&mut book, later), [("b".to_owned(), 7)]);
    }
    // Over both, or nobody knows over which: both are written, or read first.
    for over in [made(&["a", "b"]), made(&[])] {
        let mut book = two_listings(false);
        book.sold_over(MUG, order, (Some(later), &over), later);
        assert_eq!(book.waiting(), 0, "10 would offer the three again");
        book.want(MUG, 7, 20, later);
        let both = [("a".to_owned(), 7), ("b".to_owned(), 7)];
        assert_eq!(acknowledge(&mut book, later), both);
        let mut book = two_listings(true);
        book.sold_over(MUG, order, (Some(later), &over), later);
        book.want(MUG, 7, 20, later);
        for ((place, _), shown) in book.take_reads(10).into_iter().zip([7, 10]) {
            book.was_read(place, Some(shown), later);
        }
        assert_eq!(acknowledge(&mut book, later), [("b".to_owned(), 7)]);
    }
    // Two mappings of one item: what it shows is one figure.
    let mut book = Book::new(rules());
    for key in ["a", "a-old"] {
        book.map(key, MUG, "MUG", "a", "");
    }
    book.want(MUG, 10, 10, 100);
    acknowledge(&mut book, 100);
    book.sold(MUG, order, Some(later), later);
    book.want(MUG, 7, 20, later);
    assert_eq!(book.waiting(), 0);
}

#[test]
fn nothing_but_zero_is_written_while_a_marketplace_sells_whose_orders_cannot_be_had() {
    let mut book = book(rules());
    for sku in [MUG, CUP] {
        book.want(sku, 50, 10, 100);
    }
    acknowledge(&mut book, 100);
    // Thirty mugs go there unheard, and one elsewhere.
    book.want(MUG, 49, 20, 50_000);
    assert!(book.withhold());
    assert_eq!(book.waiting(), 0, "49 would offer thirty mugs again");
    book.resync(50_100);
    assert_eq!(book.waiting(), 0);
    book.want(CUP, 0, 21, 50_200);
    assert_eq!(acknowledge(&mut book, 50_300), [("cup".to_owned(), 0)]);
    book.sold(MUG, (30, 30), Some(40_000), 60_000);
    book.want(MUG, 19, 30, 60_000);
    book.let_go();
    assert_eq!(acknowledge(&mut book, 60_100), [("mug".to_owned(), 19)]);
    assert!(!comparing().withhold(), "it refuses such a write by itself");
}

#[test]
fn an_item_that_is_mapped_no_more_is_not_counted_as_refused() {
    let mut book = book(rules());
    book.want(MUG, 5, 10, 100);
    let taken = book.take();
    book.settle(&taken[0], Err(rejected()), 110);
    assert_eq!(book.quarantined(), 1);
    book.keep(&["cup".to_owned()].into());
    assert_eq!(book.quarantined(), 0);
}

#[test]
fn a_write_without_an_answer_offers_no_unit_twice_where_figures_are_compared() {
    for (arrived, figure) in [(true, 9), (false, 7)] {
        let mut book = comparing();
        book.want(MUG, 10, 10, 100);
        for (place, _) in book.take_reads(10) {
            book.was_read(place, Some(10), 100);
        }
        book.want(MUG, 12, 20, 200);
        let raise = book.take();
        assert_eq!(raise[0].write.expected, Some(10));
        // Three units are sold meanwhile, and their order is on its way.
        book.again(&raise, true, 5_200);
        for (place, _) in book.take_reads(10) {
            book.was_read(place, Some(figure), 5_210);
        }
        assert_eq!(book.waiting(), 0, "no more is offered than there was");
        book.sold(MUG, (21, 3), Some(300), 5_300);
        book.want(MUG, 9, 21, 5_300);
        assert_eq!(book.waiting(), 0);
        book.wake(5_210 + UNSEEN_MS);
        let missing = if arrived { vec![] } else { vec![("mug", 9)] };
        assert_eq!(written(&book.take()), missing, "what did not arrive, late");
    }
}

#[test]
fn a_read_figure_is_not_raised_for_orders_that_the_wanted_quantity_does_not_know_yet() {
    let mut book = comparing();
    book.want(MUG, 10, 10, 100);
    book.take_reads(10);
    book.was_read(0, Some(10), 100);
    // An order is known, and the quantity without its units is being asked for.
    book.sold(MUG, (20, 1), Some(4_000), 5_000);
    book.resync(5_000);
    assert_eq!(book.take_reads(10), [(0, "mug".to_owned())]);
    book.was_read(0, Some(9), 5_010);
    assert_eq!(book.waiting(), 0, "its unit is sold");
    book.want(MUG, 9, 20, 5_020);
    assert_eq!(book.waiting(), 0, "and that is what is shown");
}

#[test]
fn an_order_that_was_waited_for_makes_no_room_before_the_wanted_quantity_knows_it() {
    let mut book = comparing();
    book.want(MUG, 10, 10, 100);
    book.take_reads(10);
    book.was_read(0, Some(10), 100);
    book.want(MUG, 12, 20, 200);
    let raise = book.take();
    book.settle(&raise[0], Err(ApiError::Stale { current: Some(9) }), 210);
    let less = book.take();
    assert_eq!(written(&less), [("mug", 11)]);
    book.settle(&less[0], Ok(()), 220);
    book.sold(MUG, (30, 1), Some(150), 5_000);
    book.want(MUG, 12, 25, 5_010);
    assert_eq!(book.waiting(), 0, "12 is from before that order");
    book.want(MUG, 11, 30, 5_020);
    assert_eq!(book.waiting(), 0, "and with it 11 is what is shown");
}
