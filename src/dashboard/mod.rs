//! The operators' dashboard: its pages, and the figures that they show.
//!
//! ```text
//!  journal ─▶ pulse: rates, percentiles, news ─▶ server-sent events ─┐
//!  history ─▶ SQL: timelines, bottlenecks, audit ─▶ JSON ────────────┼─▶ pages in a browser
//!  engine  ─▶ /v1: orders, reviews, dead letters, breakers ──────────┘
//! ```
//!
//! Routes and sessions are in `gateway::dashboard`; every action goes through `/v1`, so that its
//! actor is journaled. [`DASHBOARD.md`](../../docs/DASHBOARD.md) explains the pages.

pub mod assets;
pub mod pulse;
