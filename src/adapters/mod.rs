//! The only code that calls the outside world: one folder a step, one file a provider.
//!
//! ```text
//!  journal ─▶ EffectStarted ─▶ lane (queue by priority) ─▶ limits ─▶ provider ─▶ HTTP
//!                                                                       │
//!  shard ◀── EffectResult command ◀────────── Outcome ◀── classified ◀──┘
//! ```
//!
//! Each lane (fraud, payment, fulfilment, CRM, notification) has a thread, a runtime, a cursor and
//! queues of its own, so that a slow or dead provider delays nobody else. An adapter makes one
//! attempt and says how it ended; whether to try again, to ask another provider or a person is
//! decided by the order process in the shard, from what is journaled. A call leaves only after its
//! `EffectStarted` is durable, with an idempotency key that all attempts share.

pub mod address;
pub mod call;
#[cfg(test)]
pub(crate) mod canned;
pub mod crm;
pub mod facts;
pub mod fraud;
pub mod fulfilment;
pub mod http;
mod intake;
mod lane;
mod limits;
pub mod names;
pub mod notification;
pub mod options;
pub mod outcome;
pub mod payment;
pub mod provider;
mod queue;
pub mod registry;
mod result;
pub mod runtime;
pub mod status;
mod task;
mod trace;
pub mod webhook;
mod worker;

pub use trace::traceparent;
