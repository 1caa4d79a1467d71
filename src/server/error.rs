//! Why a server cannot start, or had to stop.

use super::data_dir::DataDirError;
use crate::net::tls::TlsError;
use crate::net::token::TokenError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// For the operator: each names what to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The token file.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The journal's directory could not be opened.
    #[error("cannot open the journal directory {}", path.display())]
    Storage {
        /// The directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The journal could not be recovered; nothing is served from it.
    #[error("shard {shard} cannot be recovered")]
    Recovery {
        /// Which shard.
        shard: u16,
        /// What was found.
        source: crate::journal::OpenError,
    },
    /// The history.
    #[error(transparent)]
    History(#[from] crate::history::HistoryError),
    /// An address could not be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// The kernel refused an affinity that was asked for.
    #[error("cannot pin threads to cores; start with --pin=false to run without")]
    Affinity(#[source] rustix::io::Errno),
    /// A thread could not be started.
    #[error("cannot start the thread {name}")]
    Thread {
        /// Its name.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// The pipelines of the process file were refused by a shard.
    #[error("shard {shard} refuses the pipelines of the process file: {code}, {}", code.meaning())]
    Pipelines {
        /// Which shard.
        shard: u16,
        /// Why.
        code: crate::types::ResultCode,
    },
    /// A shard did not answer while the server started.
    #[error("shard {shard} does not answer; look at its disk and at the messages above")]
    ShardSilent {
        /// Which shard.
        shard: u16,
    },
    /// A provider of the process file cannot be used.
    #[error("the process file cannot be used")]
    Process(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The channels file cannot be used.
    #[error("the channels file cannot be used")]
    Channels(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The subscribers file, or a cursor of a subscriber, cannot be used.
    #[error("the subscribers of events cannot be served")]
    Subscribers(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A thread failed; the server stopped. Everything acknowledged is safe.
    #[error("{name}: {reason}")]
    Failed {
        /// The thread.
        name: String,
        /// Why, with its causes.
        reason: String,
    },
    /// The journal could not be ended cleanly. Everything acknowledged is safe.
    #[error("shard {shard} could not end its journal cleanly")]
    Close {
        /// Which shard.
        shard: u16,
        /// Why.
        source: crate::journal::CloseError,
    },
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
