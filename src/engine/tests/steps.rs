//! Random steps of a sale, over few keys, SKUs and locations, so that they meet.

use proptest::prelude::*;

/// SKUs that steps name.
pub const SKUS: u32 = 3;
/// Locations that steps name; the number itself stands for "any".
pub const LOCATIONS: u16 = 2;

/// One step; the first number of a command is its key.
#[derive(Clone, Debug)]
pub enum Step {
    Reserve {
        key: u128,
        version: u16,
        lines: Vec<(u32, u16, u32)>,
        place: bool,
        partial: bool,
    },
    Confirm(u128, u128),
    Release(u128, u128),
    Cancel(u128, u128),
    Extend(u128, u128),
    Ship(u128, u128, u32),
    Return(u128, u128, u32),
    Receive(u128, u32, u16, u32),
    Adjust(u128, u32, u16, i64),
    Set(u128, u32, u16, u32, Option<u32>),
    Transfer(u128, u32, u32),
    Safety(u128, u32, u16, u32, bool),
    Wait(u64),
    WaitUnswept(u64),
}

/// A short sale.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (key, c) = (|| 1..14_u128, || 1..60_u128);
    let (sku, at, quantity) = (|| 0..SKUS, || 0..LOCATIONS, || 1..6_u32);
    let lines = prop::collection::vec((0..SKUS, 0..=LOCATIONS, 1..5_u32), 1..4);
    let reserve = (key(), 1..3_u16, lines, any::<bool>(), any::<bool>());
    let cell = || (c(), sku(), at());
    let set = (cell(), 0..9_u32, prop::option::of(0..4_u32));
    let safety = (cell(), quantity(), any::<bool>());
    let step = prop_oneof![
        8 => reserve.prop_map(|(key, version, lines, place, partial)| Step::Reserve {
            key,
            version,
            lines,
            place: place && partial,
            partial,
        }),
        3 => (c(), key()).prop_map(|(c, k)| Step::Confirm(c, k)),
        2 => (c(), key()).prop_map(|(c, k)| Step::Release(c, k)),
        2 => (c(), key()).prop_map(|(c, k)| Step::Cancel(c, k)),
        1 => (c(), key()).prop_map(|(c, k)| Step::Extend(c, k)),
        3 => (c(), key(), quantity()).prop_map(|(c, k, q)| Step::Ship(c, k, q)),
        2 => (c(), key(), quantity()).prop_map(|(c, k, q)| Step::Return(c, k, q)),
        3 => (cell(), quantity()).prop_map(|((c, s, l), q)| Step::Receive(c, s, l, q)),
        1 => (cell(), -5..5_i64).prop_map(|((c, s, l), d)| Step::Adjust(c, s, l, d)),
        1 => set.prop_map(|((c, s, l), q, e)| Step::Set(c, s, l, q, e)),
        1 => (c(), sku(), quantity()).prop_map(|(c, s, q)| Step::Transfer(c, s, q)),
        1 => safety.prop_map(|((c, s, l), q, i)| Step::Safety(c, s, l, q, i)),
        2 => (1..80_000_u64).prop_map(Step::Wait),
        1 => (1..80_000_u64).prop_map(Step::WaitUnswept),
    ];
    prop::collection::vec(step, 1..90)
}
