//! The order process with everything around it simulated: providers, adapters, operators, crashes.
//!
//! ```text
//!  orders, decisions, reports ─▶ local queue ─▶ turn ─▶ journal on SimDisk ─▶ sync
//!                                    ▲                          │
//!                       results ◀────┤                          ▼ up to the acknowledged mark
//!                                 calls ◀── EffectStarted ── reader (as adapters do)
//!                                    │
//!                                 providers: answer, decline, fail, commit and say nothing,
//!                                 answer after our timeout, answer twice
//! ```
//!
//! A crash takes the process with its calls: what had reached a provider by then happens or has
//! happened there, and nobody hears of it. After the restart the effects that are open are called
//! again, as the server does.
//!
//! What is checked: the engine's invariants after every turn; that no order is ever captured at two
//! places or twice at one; and in the end, when providers are well again and operators have decided
//! about everything, that every order is over, that money and goods agree at every provider, that
//! nothing is reserved or committed any more, and that replaying the journal gives the same state.

mod adapters;
mod coverage;
mod end;
mod people;
mod providers;
mod run;
mod shop;

pub use adapters::Adapters;
pub use coverage::ProcessCoverage;
pub use providers::Providers;
pub use run::run_process_seed;
