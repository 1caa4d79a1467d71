//! Tests of the whole engine, against claims, naive models and its own replay.

mod allocation;
mod codes;
mod expiry;
mod golden;
mod idempotency;
mod model;
mod shop;
mod stock;
