//! The sandbox: the providers that Onhand calls, served locally over real HTTP with their real
//! shapes, their refusals and, on demand, their faults.
//!
//! It is the other side of the wire, written from what the providers document. It shares no type
//! with the adapters, so a misreading on one side shows as a failure instead of agreeing with
//! itself. Every provider is mounted below its own name: where Stripe's base URL is
//! `https://api.stripe.com`, the sandbox's is `http://ADDRESS/stripe`.
//!
//! # How a provider plugs in
//!
//! A provider is one file with one type that implements [`Provider`], and one line in
//! [`providers::all`]. The type keeps its state in a `parking_lot::Mutex` and answers with a
//! function of (request, state): [`Provider::handle`] is synchronous and must not wait.
//!
//! ```text
//! pub const API_KEY: &str = "onhand-sandbox-key"; // the documented default credential
//!
//! impl Provider for Slack {
//!     fn name(&self) -> &'static str { "slack" }          // prefix, faults, ledger
//!     fn operation(&self, request: &Request) -> &'static str { "message" } // for faults, limits
//!     fn limits(&self) -> &'static [Limit] { LIMITS } // const LIMITS: &[Limit] = &[Limit::all(1, 1_000)];
//!     fn refuse_limit(&self, _: &Request, at: LimitState) -> Reply { … }   // its own 429
//!     fn fail(&self, _: &Request, status: u16) -> Reply { … }              // its own 5xx body
//!     fn handle(&self, request: &Request, core: &Core) -> Reply {
//!         if request.bearer() != Some(core.secret("slack.token", API_KEY)) { … }
//!         core.ledger.record(Effect { provider: "slack", kind: "message", … });
//!         core.callbacks.send(Callback { … });            // signed when it is sent
//!         core.later(self.name(), 500, "SM1");            // → Provider::timer, e.g. "delivered"
//!         Reply::json(200, &json!({ … }))
//!     }
//! }
//! ```
//!
//! What the core does for every provider: rate limits (when switched on), faults, dropping
//! connections, the bound on the ledger (507 when it is reached), and `POST
//! /_sandbox/PROVIDER/ACTION`, which is handed to [`Provider::control`].

pub mod authorize_net;
pub mod callbacks;
pub mod channels;
mod control;
mod core;
pub mod easypost;
pub mod faults;
pub mod hubspot;
pub mod idempotency;
pub mod ledger;
pub mod limits;
mod message;
pub mod money;
pub mod providers;
mod risk;
pub mod salesforce;
pub mod sendgrid;
mod server;
mod shape;
pub mod shipstation;
pub mod sift;
pub mod sign;
pub mod signifyd;
pub mod slack;
pub mod smtp;
pub mod stripe;
pub mod twilio;
pub mod webhook_step;
pub mod whatsapp;
pub mod wms;

pub use callbacks::{Callback, Callbacks, Mode, Signing};
pub use core::{Core, Options, Provider};
pub use ledger::Effect;
pub use limits::{Limit, LimitState};
pub use message::{Reply, Request};
pub use server::{Sandbox, StartError};
