//! Deliberate faults, compiled in with the feature `mutants` only: each is a mistake that the
//! simulation must catch, which is how the simulation itself is tested.
//!
//! Without the feature [`is`] is `false` at compile time, and no trace of a fault is left.

/// One deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// Replies leave when their record is appended, before it is durable.
    AckBeforeSync,
    /// A recycled segment keeps its old salt, and recovery does not check sequences.
    StaleRecycled,
    /// Recovery takes what it can read for what is on disk, and does not write it again.
    TrustCacheAfterFailedSync,
    /// An expired hold keeps its units.
    ForgetReleaseOnExpiry,
    /// An order key that was seen before is decided anew.
    SkipDuplicateCheck,
    /// An order that a channel had sold is not counted with the channel's quota.
    ForgetQuotaOfFact,
    /// Units that are guaranteed to other channels are published with the pool.
    OfferGuaranteed,
    /// An item that is in a write already is written again beside it.
    WriteBesideWrite,
}

impl Mutant {
    /// Every fault.
    pub const ALL: [Mutant; 8] = [
        Self::AckBeforeSync,
        Self::StaleRecycled,
        Self::TrustCacheAfterFailedSync,
        Self::ForgetReleaseOnExpiry,
        Self::SkipDuplicateCheck,
        Self::ForgetQuotaOfFact,
        Self::OfferGuaranteed,
        Self::WriteBesideWrite,
    ];
}

#[cfg(feature = "mutants")]
mod active {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Chooses the fault of this thread, or none.
    pub fn set(mutant: Option<Mutant>) {
        ACTIVE.with(|active| active.set(mutant));
    }

    /// True where this thread runs with the fault.
    #[must_use]
    pub fn is(mutant: Mutant) -> bool {
        ACTIVE.with(Cell::get) == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub use active::{is, set};

/// True where this thread runs with the fault: never, in this build.
#[cfg(not(feature = "mutants"))]
#[must_use]
#[inline(always)]
#[allow(clippy::inline_always)] // so that the branch is gone from release builds
pub const fn is(_mutant: Mutant) -> bool {
    false
}
