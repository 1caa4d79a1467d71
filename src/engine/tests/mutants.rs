//! Deliberate faults are caught by the engine's own checks.

use super::shop::{ANY, Shop, TTL_MS, line};
use crate::mutants::{self, Mutant};

/// Runs a short sale with the fault; true where invariants or replay name it.
fn is_caught(mutant: Mutant) -> bool {
    mutants::set(Some(mutant));
    let mut shop = Shop::new();
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, 10);
    shop.hold(1, &[line(sku, ANY, 2)]);
    shop.hold(1, &[line(sku, ANY, 2)]);
    shop.advance(u64::from(TTL_MS));
    let broken = shop.engine.check_invariants().is_err();
    mutants::set(None);
    broken
}

#[test]
fn an_expiry_that_forgets_to_release_breaks_the_books() {
    assert!(is_caught(Mutant::ForgetReleaseOnExpiry));
}

#[test]
fn a_skipped_duplicate_check_stores_a_key_twice() {
    assert!(is_caught(Mutant::SkipDuplicateCheck));
}
