//! The history: what the journal says, as SQL, for people who ask questions.
//!
//! ```text
//!  journal 0 ─▶ feed ─▶ Projector ─▶ rows ┐ one transaction:      ┌ SQLite file in the data directory
//!  journal 1 ─▶ feed ─▶ Projector ─▶ rows ┴ rows + cursor of shard ┴ or a PostgreSQL server
//! ```
//!
//! It is a copy, never the truth: it may be thrown away and written anew from the journal. The
//! cursor of each shard stands in the same database and moves in the same transaction as the rows
//! that it covers, so every record is in them exactly once, whatever crashes when. A database that
//! is locked, full, gone or an older copy holds up the history and nothing else; it catches up by
//! itself. `docs/HISTORY.md` explains tables and views.

mod ask;
mod cell;
mod database;
mod error;
mod place;
mod project;
mod reader;
mod rebuild;
mod rows;
mod schema;
mod sql;
mod target;
mod worker;
mod write_ahead;

#[cfg(test)]
mod tests;

pub use ask::{Answered, Question, Questions};
pub use error::HistoryError;
pub use reader::{History, HistoryProgress, HistorySource};
pub use rebuild::{Rebuilt, catch_up, clear};
pub use target::{HistoryTarget, PASSWORD_VARIABLE, SQLITE_FILE};
pub use worker::{HistoryThread, STEP_RECORDS, spawn};
