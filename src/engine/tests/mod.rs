//! Tests of the whole engine, against claims, naive models and its own replay.

mod allocation;
mod codes;
mod expiry;
mod golden;
mod idempotency;
mod model;
#[cfg(feature = "mutants")]
mod mutants;
mod shop;
mod stock;
