//! Deterministic simulation of the whole engine: see `sim/harness.rs` for what it drives, and
//! `sim/disk.rs` for what may go wrong.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing)] // a panic is how a simulation reports

mod sim {
    pub mod disk;
    pub mod prng;
}
