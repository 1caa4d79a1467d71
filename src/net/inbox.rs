//! The way into an engine thread: a bounded lock-free queue and a waker.

use crate::mailbox::Mailbox;
use crate::net::listener::Permit;
use crate::net::{Opening, stream::Stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A connection that said hello, on its way to the engine thread that owns its tenant.
#[derive(Debug)]
pub struct Handoff {
    /// The connection, non-blocking and registered nowhere.
    pub stream: Stream,
    /// Bytes received behind the hello frame.
    pub leftover: Vec<u8>,
    /// What the hello established.
    pub opening: Opening,
    /// Its place under the connection limit.
    pub permit: Permit,
}

/// Shared by the listener, the server's control thread and one engine thread.
#[derive(Debug)]
pub struct Inbox {
    connections: Mailbox<Handoff>,
    drain: AtomicBool,
    waker: mio::Waker,
}

/// Connections that may wait in an inbox; one more is answered `OVERLOADED`.
const INBOX_CONNECTIONS_MAX: usize = 1_024;

impl Inbox {
    /// An empty inbox that wakes the poll loop of `waker`.
    #[must_use]
    pub fn new(waker: mio::Waker) -> Arc<Self> {
        Arc::new(Self {
            connections: Mailbox::new(INBOX_CONNECTIONS_MAX),
            drain: AtomicBool::new(false),
            waker,
        })
    }

    /// Hands a connection over.
    ///
    /// # Errors
    /// Gives it back if the inbox is full.
    pub fn push(&self, handoff: Handoff) -> Result<(), Box<Handoff>> {
        self.connections.put(handoff).map_err(Box::new)?;
        self.wake();
        Ok(())
    }

    /// Takes the connections that wait, the oldest first.
    pub fn take_all(&self, into: &mut VecDeque<Handoff>) {
        self.connections.take_all(into);
    }

    /// Tells the engine thread to finish what it has and stop.
    pub fn drain(&self) {
        // Release here, Acquire in `is_draining`: what the caller did before is seen.
        self.drain.store(true, Ordering::Release);
        self.wake();
    }

    /// True once [`Inbox::drain`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.load(Ordering::Acquire)
    }

    /// Wakes the engine thread if it is blocked.
    pub fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "waking an engine thread failed; it wakes at its next timer");
        }
    }
}
