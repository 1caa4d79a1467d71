//! The deterministic shard: inventory, orders, idempotency, expiry. Sans-IO.
pub mod command;
pub mod record;
