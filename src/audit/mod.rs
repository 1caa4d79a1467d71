//! A read-only second opinion: verify, explain, inspect, export.
//!
//! ```text
//! data directory ─▶ source (reads, never writes) ─▶ fold (naive maps) ─▶ report: I1 … I14
//!                                       └─────────▶ engine replay ─────┘ compared cell by cell
//! ```
//!
//! Nothing here changes a byte of the data directory, and nothing here uses the engine's own
//! `apply` to form its opinion; the engine is replayed beside the fold only to compare the two.

pub mod change;
pub mod explain;
pub mod export;
pub mod fold;
pub mod inspect;
pub mod invariants;
pub mod ledger;
pub mod names;
mod parcels;
pub mod provider_ledger;
pub mod replay;
mod replay_events;
pub mod report;
pub mod show;
pub mod source;
pub mod summary;
pub mod trail;
pub mod verify;

#[cfg(test)]
mod tests;
