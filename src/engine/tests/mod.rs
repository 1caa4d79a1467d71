//! Tests of the whole engine, against claims, naive models and its own replay.

mod allocation;
mod channel_campaigns;
mod channel_model;
mod channel_paper;
pub(super) mod channels;
mod codes;
mod codes_commands;
mod expiry;
mod golden;
mod golden_channel;
mod golden_channel_event;
mod golden_process;
mod golden_subscriber;
mod idempotency;
mod model;
#[cfg(feature = "mutants")]
mod mutants;
mod naive;
pub(super) mod shop;
mod steps;
mod stock;
