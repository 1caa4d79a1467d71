//! Sales channels with everything around them simulated: marketplaces that sell on their own, their
//! events, the intake, the publisher, buyers, operators, crashes.
//!
//! ```text
//!  buyers ─▶ marketplace: shows a figure, sells from it, tells of it late, twice or never
//!                │ events, lists of orders                       ▲ writes: lost, throttled,
//!                ▼                                               │ unanswered, late
//!             intake ─▶ local queue ─▶ turn ─▶ journal ─▶ reader ─▶ book of the publisher
//!                         ▲                                      │
//!                         └──────── questions, Published ◀───────┘
//! ```
//!
//! The shard, its journal and the publisher's book are the product's own. Marketplaces and intake
//! are naive ones of this simulation. Three SKUs stand for three promises:
//!
//! - `quota`: a hard quota of each channel, published before its sale begins. No marketplace sells
//!   more than its quota, unless the process ended during the sale: what is sold between the look
//!   at a marketplace's orders and the first write behind it may be offered twice, no more.
//! - `pool`: shared with a buffer. Marketplaces sell while what was sold elsewhere and is not in
//!   their figure yet fits into the buffer: then nothing is ever oversold, crashes or not.
//! - `tight`: shared without a buffer, with campaigns, caps, corrections and changing rules. It is
//!   oversold, and each order that was sold beyond stock waits for a person.
//!
//! Checked besides: the engine's invariants after each turn (I8); that no older figure lands behind
//! a newer one unless its call was given up; after each start, that acknowledged events and orders
//! are there, none of them twice, and that a killed process finds the state it had; in the end,
//! that every order is placed once, every figure is right, the audit finds nothing (I8, I12), and
//! replay gives the same state.

mod calls;
mod coverage;
mod end;
mod intake;
mod lane;
mod market;
mod people;
mod run;
mod start;

pub use coverage::ChannelCoverage;
pub use run::run_channel_seed;
