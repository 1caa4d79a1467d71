//! What replay and audits of an engine can find wrong.

use crate::types::{ChannelId, LocationId, OrderKey, SkuId, TenantId};

/// A record that does not fit the state it meets, so the journal and this engine disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("record {sequence} (kind {kind}) cannot be replayed: {contradiction}")]
pub struct ReplayError {
    /// Sequence of the offending record.
    pub sequence: u64,
    /// Its kind.
    pub kind: u8,
    /// What does not fit.
    pub contradiction: Contradiction,
}

/// What a record may contradict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// The payload does not have the layout of its kind and version.
    #[error(
        "its bytes do not have the layout of this kind and version; use the build that wrote it"
    )]
    Malformed,
    /// A tenant, actor, SKU or location was defined out of turn or twice.
    #[error("it defines number {0} out of turn, or under a name already taken")]
    Definition(u32),
    /// A tenant that was never defined.
    #[error("tenant {} is not defined", .0.0)]
    UnknownTenant(TenantId),
    /// A SKU that was never defined, or is another tenant's.
    #[error("SKU handle {} is not defined for the tenant", .0.0)]
    UnknownSku(SkuId),
    /// A location that was never defined, or is another tenant's.
    #[error("location handle {} is not defined for the tenant", .0.0)]
    UnknownLocation(LocationId),
    /// An order that does not exist.
    #[error("order {0} is not known")]
    UnknownOrder(OrderKey),
    /// An order that exists already.
    #[error("order {0} exists already, and the record does not replace it")]
    OrderExists(OrderKey),
    /// An order in a state that the record cannot meet.
    #[error("order {0} is not in a state for this record")]
    OrderState(OrderKey),
    /// A line that moves more units than the order has there.
    #[error("order {0} does not have the units that the record moves")]
    OrderUnits(OrderKey),
    /// A movement that would leave the bounds of a stock cell.
    #[error("SKU {} at location {} would leave its bounds", sku.0, location.0)]
    CellBounds {
        /// The SKU.
        sku: SkuId,
        /// The location.
        location: LocationId,
    },
    /// A table of this engine is too small for the journal: configure it larger.
    #[error("a table is full: configure it at least as large as when the journal was written")]
    TableFull,
    /// A sales channel that was never defined.
    #[error("sales channel {} is not defined for the tenant", .0.0)]
    UnknownChannel(ChannelId),
    /// A campaign in a state, or with units, that the record cannot meet.
    #[error("campaign {0} is not in a state for this record, or has other units")]
    Campaign(u32),
    /// An order gives back more units of a channel than were counted.
    #[error("more units of SKU {} are given back than its channel had", .0.0)]
    ChannelUnits(SkuId),
    /// A published quantity that is older than the one before, or from the future.
    #[error("the published quantity of SKU {} is out of order", .0.0)]
    Published(SkuId),
    /// The journaled digest is not the digest of the replayed state.
    #[error("the state digest does not match the replayed state")]
    Digest,
}

/// An invariant found broken by `Engine::check_invariants`, with the offender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("invariant {invariant} is broken: {offender}")]
pub struct InvariantBroken {
    /// Its name, such as `I2`.
    pub invariant: &'static str,
    /// The SKU, location or order that breaks it, with the figures.
    pub offender: String,
}
