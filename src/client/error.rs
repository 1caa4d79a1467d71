//! What can go wrong on the way to an answer.

use crate::types::{CodeClass, ResultCode};
use crate::wire::request::EncodeError;
use crate::wire::{FrameError, ReplyError};
use std::path::PathBuf;

/// No answer, or an error frame instead of one. Answers that say no are answers, not errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server cannot be reached. Transient.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// As given.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke. Whether the request was executed is not known: send it again with the
    /// same keys. Transient.
    #[error("the connection broke: {0}")]
    Connection(#[source] std::io::Error),
    /// The server closed the connection before it answered. As [`ClientError::Connection`].
    #[error("the server closed the connection before it answered")]
    Closed,
    /// No answer within `timeout_ms`. As [`ClientError::Connection`]: this connection is of no use
    /// any more.
    #[error("no answer within {timeout_ms} ms")]
    TimedOut {
        /// As configured.
        timeout_ms: u64,
    },
    /// The file with the certificate authority's certificates cannot be used.
    #[error("cannot use the CA file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: CaFileReason,
    },
    /// TLS could not be set up: such as a certificate that the CA file does not vouch for.
    #[error("TLS: {0}")]
    Tls(#[source] rustls::Error),
    /// The server's name is neither a host name nor an address.
    #[error("{0:?} is no host name that a certificate could have")]
    ServerName(String),
    /// The server answered the whole frame with an error: nothing of it was executed.
    #[error("{code}: {text}")]
    Server {
        /// Why.
        code: ResultCode,
        /// Wait at least this long before sending it again.
        retry_after_ms: u32,
        /// The server's words.
        text: String,
    },
    /// Not a frame of this protocol.
    #[error("the server sent what is no frame: {0}")]
    Frame(#[source] FrameError),
    /// A frame that this client does not understand.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The answer is not one to the question.
    #[error("the server answered {opcode} with another kind of reply, or too few items")]
    UnexpectedReply {
        /// Name of the opcode asked.
        opcode: &'static str,
    },
    /// The request does not fit a frame.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The server does not know this name.
    #[error("{code}: {name:?}")]
    UnknownName {
        /// `UNKNOWN_SKU`, `UNKNOWN_LOCATION` or `INVALID_NAME`.
        code: ResultCode,
        /// As asked.
        name: String,
    },
    /// The operating system has no random bytes to give.
    #[error("the operating system has no random bytes to give")]
    NoRandomness,
    /// A transient error came back so often that the retries are spent.
    #[error("gave up after {attempts} attempts: {last}")]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// The last error.
        #[source]
        last: Box<ClientError>,
    },
}

/// What is wrong with a CA file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaFileReason {
    /// It cannot be read, or is not PEM.
    #[error("{0}")]
    Pem(#[from] rustls_pki_types::pem::Error),
    /// A certificate in it is not valid.
    #[error("{0}")]
    Certificate(#[from] rustls::Error),
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    Empty,
}

impl ClientError {
    /// True where the same request, with the same keys, may succeed on this or another connection.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Connection(_) | Self::Closed | Self::TimedOut { .. } => {
                true
            }
            Self::Server { code, .. } => code.class() == CodeClass::Transient,
            _ => false,
        }
    }

    /// True where the connection is of no use any more.
    #[must_use]
    pub fn ends_connection(&self) -> bool {
        match self {
            Self::Server { code, .. } => {
                code.class() == CodeClass::Protocol || *code == ResultCode::ShuttingDown
            }
            Self::Encode(_) | Self::UnknownName { .. } | Self::NoRandomness => false,
            _ => true,
        }
    }

    /// How long the server asked to wait, in milliseconds; 0 where it did not.
    #[must_use]
    pub fn retry_after_ms(&self) -> u64 {
        match self {
            Self::Server { retry_after_ms, .. } => u64::from(*retry_after_ms),
            _ => 0,
        }
    }

    /// An error of the byte stream: read time-outs and refused certificates get variants of their
    /// own.
    pub(super) fn from_io(source: std::io::Error, timeout_ms: u64) -> Self {
        let tls = source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(error) = tls {
            return Self::Tls(error.clone());
        }
        match source.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
                Self::TimedOut { timeout_ms }
            }
            std::io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Connection(source),
        }
    }
}
