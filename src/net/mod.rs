//! The engine thread's sockets: listener, session, poll loop.
//!
//! ```text
//! listener thread: accept ─▶ TLS ─▶ hello ─▶ token, tenant ─▶ inbox of the owning engine thread
//! engine thread:   poll ─▶ read ─▶ split frames ─▶ Service (the shard) ─▶ deliveries ─▶ write
//! ```
//!
//! This module knows sockets and frames. What a frame means is the business of the [`Service`] that
//! the engine loop drives; neither side knows the other's words. No lock is taken here: a
//! connection belongs to one thread at a time and moves over a bounded lock-free queue.
//!
//! When full: the listener answers `OVERLOADED` and closes; a session whose frames the service does
//! not take is not read, so its socket pushes back; a session that does not read its replies is
//! closed. Every closed connection is counted with its reason.

pub mod engine_loop;
pub mod inbox;
pub mod listener;
pub mod session;
pub mod stream;
pub mod tls;
pub mod token;

use crate::limits;
pub use crate::types::SessionId;
use crate::types::{ResultCode, Role};
use crate::wire::frame::Frame;

/// How long a connection may take over each of its duties, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// To finish its hello (and TLS handshake).
    pub hello_ms: u64,
    /// To finish a frame that it began.
    pub frame_ms: u64,
    /// To take any byte of the replies that wait for it.
    pub slow_reader_ms: u64,
    /// To say anything at all.
    pub idle_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            hello_ms: limits::HELLO_TIMEOUT_MS,
            frame_ms: limits::FRAME_TIMEOUT_MS,
            slow_reader_ms: limits::SLOW_READER_TIMEOUT_MS,
            idle_ms: limits::IDLE_TIMEOUT_MS_DEFAULT,
        }
    }
}

/// What the listener established at hello; fixed for the life of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The tenant that the session acts for.
    pub tenant: String,
    /// The actor's name for the journal (the token's name).
    pub actor: String,
    /// What the session may do.
    pub role: Role,
    /// The client's own name, for the log.
    pub client: String,
    /// Request id of the hello frame, to be answered by the service.
    pub request_id: u64,
}

/// Whether the service executed a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Executed or answered; the frame is consumed.
    Taken,
    /// Not now: the turn is full. Offer the same frame again in the next turn.
    Full,
}

/// Replies of one session that may be sent now.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// To whom.
    pub session: SessionId,
    /// Whole reply frames.
    pub bytes: &'a [u8],
    /// How many request frames they answer.
    pub frames: u32,
    /// Close the connection once they are written.
    pub close: bool,
}

/// How long a thread whose turn may take nothing waits before it looks again, in milliseconds: room
/// that replies make wakes it, a segment that was prepared does not.
pub const BLOCKED_WAIT_MS: u64 = 1;

/// What the engine loop drives: frames in, replies out, in turns.
pub trait Service {
    /// A session begins; its hello is to be answered through a delivery.
    fn open(&mut self, session: SessionId, opening: &Opening);

    /// A session is gone; nothing more is to be delivered to it.
    fn close(&mut self, session: SessionId);

    /// Starts a turn. False: take no frame in this turn (no journal room, too many replies held).
    fn begin_turn(&mut self) -> bool;

    /// Whether a session's socket takes what it is sent.
    fn set_congested(&mut self, session: SessionId, congested: bool);

    /// Starts loading what the frame will need; changes nothing.
    fn prefetch(&self, session: SessionId, frame: &Frame<'_>);

    /// Executes one frame of a session.
    fn frame(&mut self, session: SessionId, frame: &Frame<'_>) -> Intake;

    /// Answers a session by an error frame, in order behind its earlier replies.
    fn refuse(&mut self, session: SessionId, request_id: u64, code: ResultCode, close: bool);

    /// Ends the turn: timers, journal append.
    fn end_turn(&mut self);

    /// Hands out every reply whose records are acknowledged.
    fn deliver(&mut self, send: &mut dyn FnMut(Delivery<'_>));

    /// A turn could take something now.
    fn has_room(&mut self) -> bool;

    /// Called before the thread blocks. Returns how long it may block at most, in milliseconds
    /// (`None`: until an event), or `Some(0)` where there is work already; [`BLOCKED_WAIT_MS`] where
    /// all work waits for room.
    fn before_wait(&mut self) -> Option<u64>;

    /// Called after the thread was woken.
    fn after_wait(&mut self);

    /// No reply is held back and nothing is in flight to the disk.
    fn is_quiet(&self) -> bool;

    /// Why the service can go on no longer, once it cannot.
    fn failure(&mut self) -> Option<String>;
}
