//! What events mean, from what is known of their orders.

use super::decide::{Decided, Decision, Known, Way, cancelled, content, order};
use super::played;
use crate::channels::{ChannelOptions, ChannelOrder, Stage};
use crate::engine::channel_event::command::{ChannelOrder as Applied, ItemSku};
use crate::types::channel_event::EventFate;
use crate::types::{ChannelKind, OrderKey};

fn channel(kind: ChannelKind) -> ChannelOptions {
    ChannelOptions {
        settings: [("unchecked_prices".to_owned(), "true".to_owned())].into(),
        ..played::channel(kind)
    }
}

fn sold(quantity: u32, stage: Stage) -> ChannelOrder {
    ChannelOrder {
        paid: true,
        ..played::sold("5", quantity, stage)
    }
}

#[allow(clippy::unnecessary_wraps)] // as `known` takes it
fn applied(quantity: u32, changed_ms: u64, version: u16) -> Option<Applied> {
    Some(Applied {
        changed_ms,
        content: content(&sold(quantity, Stage::Ready)),
        version,
        cancelled: false,
    })
}

fn known(applied: Option<Applied>, decided: Option<(u16, bool)>) -> Known {
    Known {
        key: OrderKey(7),
        applied,
        decided: decided.map(|(version, refused)| Decided { version, refused }),
        customer: 0,
        skus: vec![Some(ItemSku {
            name: "MUG".into(),
            write_back: String::new(),
        })],
    }
}

const CAME: Way = Way {
    fetched: false,
    driven: false,
};

const DRIVEN: Way = Way {
    driven: true,
    ..CAME
};

fn told(kind: ChannelKind, it: &ChannelOrder, at_ms: u64, known: &Known, way: Way) -> Decision {
    order(&channel(kind), it, at_ms, (known, way))
}

#[track_caller]
fn places(decision: &Decision, wanted: u16) {
    let Decision::Place { version, state, .. } = decision else {
        panic!("{decision:?}");
    };
    assert_eq!((*version, state.version), (wanted, wanted));
}

#[track_caller]
fn settles(decision: &Decision, fate: EventFate, note: &str) {
    let Decision::Settle(verdict) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(verdict.fate, fate, "{verdict:?}");
    assert!(verdict.note.contains(note), "{verdict:?}");
}

#[test]
fn what_was_refused_is_said_again_as_the_version_behind_the_refusal() {
    use ChannelKind::{Shopify, WhatsApp};
    // Version 2 of an order of two mugs was refused: three mugs are asked for again, or four.
    let refused = known(applied(2, 10, 1), Some((2, true)));
    for (quantity, way) in [(3, DRIVEN), (3, CAME), (4, CAME)] {
        let it = sold(quantity, Stage::Ready);
        places(&told(Shopify, &it, 20, &refused, way), 3);
    }
    let first = known(None, Some((1, true)));
    let cart = sold(2, Stage::Waiting);
    places(&told(WhatsApp, &cart, 20, &first, DRIVEN), 2);
    // What the shard accepted before a stop is said in the same words first.
    let cut_off = known(applied(2, 10, 1), Some((2, false)));
    places(
        &told(Shopify, &sold(3, Stage::Ready), 20, &cut_off, CAME),
        2,
    );
    let new = known(None, Some((1, false)));
    places(&told(Shopify, &sold(3, Stage::Ready), 20, &new, CAME), 1);
    places(
        &told(
            Shopify,
            &sold(3, Stage::Ready),
            20,
            &known(None, None),
            CAME,
        ),
        1,
    );
    let settled = known(applied(2, 10, 1), Some((1, false)));
    places(
        &told(Shopify, &sold(3, Stage::Ready), 20, &settled, CAME),
        2,
    );
}

#[test]
fn what_was_shipped_or_refunded_unseen_is_placed_when_a_person_says_so() {
    for (stage, says) in [
        (Stage::Shipped, "drive it again to fulfil it"),
        (Stage::Refunded, "money was given back"),
    ] {
        let it = sold(2, stage);
        let nothing = known(None, None);
        let held = told(ChannelKind::Shopify, &it, 20, &nothing, CAME);
        settles(&held, EventFate::Quarantined, says);
        places(&told(ChannelKind::Shopify, &it, 20, &nothing, DRIVEN), 1);
    }
}

#[test]
fn an_order_whose_money_was_given_back_after_it_was_applied_waits_for_a_person() {
    let taken = known(applied(2, 10, 1), Some((1, false)));
    let back = sold(2, Stage::Refunded);
    let held = told(ChannelKind::Shopify, &back, 20, &taken, CAME);
    settles(&held, EventFate::Quarantined, "money was given back");
    let driven = told(ChannelKind::Shopify, &back, 20, &taken, DRIVEN);
    settles(&driven, EventFate::Duplicate, "");
}

#[test]
fn what_changes_of_an_order_that_has_shipped_at_its_channel_changes_nothing_here() {
    let taken = known(applied(3, 10, 1), Some((1, false)));
    // One came back, and is no part of it any more.
    let returned = sold(2, Stage::Shipped);
    let told = told(ChannelKind::Shopify, &returned, 20, &taken, CAME);
    settles(&told, EventFate::Ignored, "has shipped");
}

#[test]
fn two_contents_of_one_second_are_decided_by_the_marketplace() {
    let before = known(applied(3, 20, 1), Some((1, false)));
    let other = sold(2, Stage::Ready);
    let asked = Way {
        fetched: true,
        ..CAME
    };
    let tie = told(ChannelKind::Shopify, &other, 20, &before, CAME);
    assert_eq!(tie, Decision::Fetch);
    places(&told(ChannelKind::Shopify, &other, 20, &before, asked), 2);
    let same = told(
        ChannelKind::Shopify,
        &sold(3, Stage::Ready),
        20,
        &before,
        CAME,
    );
    settles(&same, EventFate::Duplicate, "");
    let older = told(ChannelKind::Shopify, &other, 19, &before, CAME);
    settles(&older, EventFate::Stale, "newer");
}

#[test]
fn an_order_that_is_paid_after_it_was_cancelled_is_taken_up_or_shown_to_a_person() {
    use ChannelKind::{Shopify, WooCommerce};
    let gone = Applied {
        changed_ms: 20,
        cancelled: true,
        ..Applied::default()
    };
    let unplaced = known(Some(gone), None);
    let paid = sold(2, Stage::Ready);
    places(&told(WooCommerce, &paid, 30, &unplaced, CAME), 1);
    let unpaid = told(WooCommerce, &sold(2, Stage::Waiting), 30, &unplaced, CAME);
    settles(&unpaid, EventFate::Ignored, "cancelled");
    let late = told(WooCommerce, &paid, 20, &unplaced, CAME);
    settles(&late, EventFate::Ignored, "cancelled");
    let placed = Applied { version: 1, ..gone };
    let placed = known(Some(placed), Some((1, false)));
    for kind in [WooCommerce, Shopify] {
        let back = told(kind, &paid, 30, &placed, CAME);
        settles(&back, EventFate::Quarantined, "cannot be taken up again");
    }
    settles(
        &told(Shopify, &paid, 30, &unplaced, CAME),
        EventFate::Quarantined,
        "place it anew",
    );
}

#[test]
fn a_failed_payment_ends_nothing_that_was_not_taken() {
    let failed = sold(2, Stage::Failed);
    let before = told(
        ChannelKind::WooCommerce,
        &failed,
        20,
        &known(None, None),
        CAME,
    );
    settles(&before, EventFate::Ignored, "payment failed");
    let taken = known(applied(2, 10, 1), Some((1, false)));
    let ended = told(ChannelKind::WooCommerce, &failed, 20, &taken, CAME);
    let Decision::Cancel { state } = ended else {
        panic!("{ended:?}");
    };
    assert_eq!((state.cancelled, state.changed_ms), (true, 20));
}

#[test]
fn a_cancellation_for_good_is_never_too_old() {
    let taken = known(applied(2, 30, 1), Some((1, false)));
    let Decision::Cancel { state } = cancelled(ChannelKind::TikTok, 20, &taken) else {
        panic!("it counts, although the order changed after it was asked for");
    };
    assert_eq!((state.cancelled, state.changed_ms), (true, 30));
    let old = cancelled(ChannelKind::WooCommerce, 20, &taken);
    settles(&old, EventFate::Stale, "newer");
    let first = cancelled(ChannelKind::WooCommerce, 20, &known(None, None));
    settles(&first, EventFate::Applied, "before the order was known");
    assert!(matches!(
        cancelled(ChannelKind::Shopify, 20, &known(None, None)),
        Decision::Cancel { .. }
    ));
}

#[test]
fn what_changes_of_an_order_that_has_shipped_at_the_channel_holds_nobody_up() {
    let channel = channel(ChannelKind::TikTok);
    let known = known(applied(2, 10, 1), Some((1, false)));
    let mut masked = sold(2, Stage::Shipped);
    masked.details.contact_name = "A**".into();
    let Decision::Settle(verdict) = order(&channel, &masked, 20, (&known, CAME)) else {
        panic!("not settled");
    };
    assert_eq!(verdict.fate, EventFate::Ignored);
    assert_eq!(verdict.state.content, content(&sold(2, Stage::Ready)));
    assert_eq!(verdict.state.changed_ms, 20);
    // A person may have it taken over all the same.
    let driven = order(&channel, &masked, 20, (&known, DRIVEN));
    assert!(
        matches!(driven, Decision::Place { version: 2, .. }),
        "{driven:?}"
    );
}
