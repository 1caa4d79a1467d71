//! One connection of an engine thread: its buffers and its deadlines.

use crate::limits;
use crate::net::listener::Permit;
use crate::net::stream::Stream;
use crate::net::{Deadlines, SessionId};
use std::io;

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed or reset.
    Peer,
    /// Silent for longer than the idle timeout.
    Idle,
    /// Does not take its replies.
    SlowReader,
    /// A started frame does not arrive.
    SlowFrame,
    /// Framing was lost or the service asked for it.
    Protocol,
    /// The socket failed.
    Io,
    /// The server stops.
    Shutdown,
}

impl CloseReason {
    /// The label in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Idle => "idle",
            Self::SlowReader => "slow_reader",
            Self::SlowFrame => "slow_frame",
            Self::Protocol => "protocol",
            Self::Io => "io",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A connection past its hello.
#[derive(Debug)]
pub struct Session {
    /// Its name towards the service.
    pub id: SessionId,
    /// Its socket.
    pub stream: Stream,
    /// Received bytes that are not executed yet: a partial frame, or frames the service did not
    /// take. Bounded by `SESSION_IN_BYTES_MAX`, since nothing is read while whole frames wait.
    pub pending_in: Vec<u8>,
    /// Replies that the socket did not take yet; bounded by `SESSION_OUT_BYTES_MAX`.
    pending_out: Vec<u8>,
    /// A reply had no room: nothing more is sent, for an answer would be missing.
    overrun: bool,
    /// The socket may have more to read.
    pub readable: bool,
    /// Already in the ready list.
    pub queued: bool,
    /// The peer sent its end or a reset: read on until it is seen.
    pub hung_up: bool,
    /// The peer sent its end; close when everything is answered.
    pub read_closed: bool,
    /// Close when everything is written.
    pub closing: bool,
    /// The service was told that the socket takes nothing now.
    pub congested: bool,
    /// Frames executed and not yet answered.
    pub awaiting: u32,
    /// Held for as long as the connection is open.
    _permit: Permit,
    last_activity_ms: u64,
    frame_since_ms: Option<u64>,
    blocked_since_ms: Option<u64>,
}

impl Session {
    /// A fresh session; `leftover` came behind the hello.
    #[must_use]
    pub fn new(
        id: SessionId,
        stream: Stream,
        leftover: Vec<u8>,
        permit: Permit,
        now_ms: u64,
    ) -> Self {
        Self {
            id,
            stream,
            frame_since_ms: (!leftover.is_empty()).then_some(now_ms),
            pending_in: leftover,
            pending_out: Vec::new(),
            overrun: false,
            readable: true,
            queued: false,
            read_closed: false,
            hung_up: false,
            closing: false,
            congested: false,
            awaiting: 0,
            _permit: permit,
            last_activity_ms: now_ms,
            blocked_since_ms: None,
        }
    }

    /// Notes that bytes arrived.
    pub fn touch(&mut self, now_ms: u64) {
        self.last_activity_ms = now_ms;
    }

    /// Notes, after executing what could be executed, whether a partial frame is left.
    pub fn note_partial(&mut self, now_ms: u64, progressed: bool) {
        if self.pending_in.is_empty() {
            self.frame_since_ms = None;
        } else if progressed || self.frame_since_ms.is_none() {
            self.frame_since_ms = Some(now_ms);
        }
    }

    /// Queues reply bytes. Where more than `SESSION_OUT_BYTES_MAX` would wait, the next flush
    /// fails.
    pub fn queue(&mut self, bytes: &[u8]) {
        self.overrun |= self.pending_out.len() + bytes.len() > limits::SESSION_OUT_BYTES_MAX;
        if !self.overrun {
            self.pending_out.extend_from_slice(bytes);
        }
    }

    /// True while replies wait for the socket.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.pending_out.is_empty()
    }

    /// Writes what the socket takes; returns how many bytes.
    ///
    /// # Errors
    /// `Peer` or `Io` if the connection is gone, `SlowReader` after an overrun.
    pub fn flush(&mut self, now_ms: u64) -> Result<usize, CloseReason> {
        if self.overrun {
            return Err(CloseReason::SlowReader);
        }
        let mut written = 0;
        while written < self.pending_out.len() {
            let rest = self.pending_out.get(written..).unwrap_or_default();
            match self.stream.write(rest) {
                Ok(0) => return Err(CloseReason::Peer),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(close_reason(&error)),
            }
        }
        self.pending_out.drain(..written);
        if written > 0 {
            self.last_activity_ms = now_ms;
        }
        let drained = self.stream.flush().map_err(|error| close_reason(&error))?;
        if self.pending_out.is_empty() && drained {
            self.blocked_since_ms = None;
            if self.pending_out.capacity() > 2 * limits::FRAME_BYTES_MAX {
                self.pending_out = Vec::new();
            }
        } else if written > 0 || self.blocked_since_ms.is_none() {
            self.blocked_since_ms = Some(now_ms);
        }
        Ok(written)
    }

    /// The reason to close this session by time, if there is one.
    #[must_use]
    pub fn overdue(&self, now_ms: u64, deadlines: &Deadlines) -> Option<CloseReason> {
        let past = |since: Option<u64>, limit: u64| {
            since.is_some_and(|since| now_ms.saturating_sub(since) > limit)
        };
        if past(self.blocked_since_ms, deadlines.slow_reader_ms) {
            Some(CloseReason::SlowReader)
        } else if past(self.frame_since_ms, deadlines.frame_ms) && self.awaiting == 0 {
            Some(CloseReason::SlowFrame)
        } else if past(Some(self.last_activity_ms), deadlines.idle_ms) && self.awaiting == 0 {
            Some(CloseReason::Idle)
        } else {
            None
        }
    }

    /// The session has nothing more to do and is to be closed, for this reason.
    #[must_use]
    pub fn finished(&self) -> Option<CloseReason> {
        if self.has_output() || self.awaiting > 0 {
            None
        } else if self.closing {
            Some(CloseReason::Protocol)
        } else if self.read_closed {
            Some(CloseReason::Peer)
        } else {
            None
        }
    }
}

/// What an error of a socket means for its session.
#[must_use]
pub fn close_reason(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::UnexpectedEof => CloseReason::Peer,
        _ => CloseReason::Io,
    }
}
