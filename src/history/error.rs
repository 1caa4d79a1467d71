//! Why the history cannot be written, and what helps.

use crate::feed::FeedError;
use std::path::PathBuf;

/// Why the history is not up to date. The engine and its orders are never affected: the reader
/// tries again, and goes on where the database says it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The database cannot be reached or opened. Tried again.
    #[error("cannot open the history database {database}: {source}")]
    Open {
        /// File or server, without a password.
        database: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// Somebody else holds the database. Tried again.
    #[error(
        "the history database {database} is locked by another program: end it, or let it finish; \
         the history goes on by itself"
    )]
    Locked {
        /// File or server, without a password.
        database: String,
    },
    /// There is no room for the database. Tried again.
    #[error(
        "no room for the history database {database}: free some, or move it with the option \
         `history`; the history goes on by itself. Orders do not need it"
    )]
    Full {
        /// File or server, without a password.
        database: String,
    },
    /// A statement failed. Tried again from the last commit.
    #[error("cannot {action} in the history database {database}: {source}")]
    Statement {
        /// What was tried.
        action: &'static str,
        /// File or server, without a password.
        database: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The tables are not those of this build.
    #[error(
        "the tables of the history database {database} cannot be brought to this version: \
         {source}. Restore a copy made by this version or an older one, or write it anew with \
         `onhand history rebuild`"
    )]
    Schema {
        /// File or server, without a password.
        database: String,
        /// What does not fit.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The file that should hold the history holds something else.
    #[error(
        "{database} is no sound SQLite database: restore it from a copy, or move it away; it is \
         then written anew from the journal"
    )]
    Damaged {
        /// The file.
        database: String,
    },
    /// The database knows more than the journal: it is of a later state of this data directory.
    #[error(
        "the history database {database} has shard {shard} up to sequence {cursor}, but its \
         journal ends at {end}: the data directory is older than the history. Restore the \
         directory that belongs to it, or write the history anew with `onhand history rebuild`"
    )]
    AheadOfJournal {
        /// File or server, without a password.
        database: String,
        /// The shard.
        shard: u16,
        /// The sequence that the database wants next.
        cursor: u64,
        /// The sequence that the journal gives next.
        end: u64,
    },
    /// The database follows another journal.
    #[error(
        "the history database {database} was written from another journal than that of shard \
         {shard}: at sequence {sequence} they differ. Name the database of this directory, or \
         write it anew with `onhand history rebuild`"
    )]
    OtherJournal {
        /// File or server, without a password.
        database: String,
        /// The shard.
        shard: u16,
        /// The sequence at which they differ.
        sequence: u64,
    },
    /// Somebody else moved the cursor: another reader, or a copy that was put in place. Read again
    /// from where the database is now.
    #[error("the cursor of shard {shard} in the history database {database} was moved meanwhile")]
    CursorMoved {
        /// File or server, without a password.
        database: String,
        /// The shard.
        shard: u16,
    },
    /// The journal cannot be read.
    #[error("the history cannot read the journal: {0}")]
    Feed(#[from] FeedError),
    /// A shard's directory cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The database is named in a way that cannot be understood.
    #[error("`{given}` does not name a history database: {reason}")]
    Target {
        /// What was given, without a password.
        given: String,
        /// What is wrong.
        reason: String,
    },
    /// The system gave no thread or runtime.
    #[error("cannot start the history's thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl HistoryError {
    /// True where it passes by itself or with a hand on the database; false where a person must
    /// choose first.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Locked { .. }
            | Self::Full { .. }
            | Self::Statement { .. }
            | Self::CursorMoved { .. } => true,
            Self::Schema { .. }
            | Self::Damaged { .. }
            | Self::AheadOfJournal { .. }
            | Self::OtherJournal { .. }
            | Self::Feed(_)
            | Self::Directory { .. }
            | Self::Target { .. }
            | Self::Thread(_) => false,
        }
    }

    /// A short name, for the metric of errors.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Locked { .. } => "locked",
            Self::Full { .. } => "full",
            Self::Statement { .. } => "statement",
            Self::Schema { .. } => "schema",
            Self::Damaged { .. } => "damaged",
            Self::AheadOfJournal { .. } => "ahead",
            Self::OtherJournal { .. } => "other_journal",
            Self::CursorMoved { .. } => "cursor_moved",
            Self::Feed(_) | Self::Directory { .. } => "journal",
            Self::Target { .. } => "target",
            Self::Thread(_) => "thread",
        }
    }
}

/// What a database said, in the terms of the history.
pub(super) fn told(database: &str, action: &'static str, source: sqlx::Error) -> HistoryError {
    let database = database.to_owned();
    match code(&source).as_deref() {
        // SQLite: BUSY and LOCKED, in the low byte. PostgreSQL: lock not available.
        Some("5" | "6" | "55P03") => HistoryError::Locked { database },
        // SQLite: FULL. PostgreSQL: disk full.
        Some("13" | "53100") => HistoryError::Full { database },
        // SQLite: CORRUPT and NOTADB.
        Some("11" | "26") => HistoryError::Damaged { database },
        // SQLite: CANTOPEN, READONLY and IOERR are of the file as a whole.
        Some("8" | "10" | "14") => HistoryError::Open { database, source },
        _ if action == OPEN => HistoryError::Open { database, source },
        _ => HistoryError::Statement {
            action,
            database,
            source,
        },
    }
}

/// The action of [`told`] for everything before the first statement.
pub(super) const OPEN: &str = "open";

/// The database's code; of SQLite's extended ones the primary part.
fn code(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    Some(match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => (number & 0xff).to_string(),
        _ => code.into_owned(),
    })
}
