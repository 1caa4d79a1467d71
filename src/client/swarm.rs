//! Many connections driven by one thread: what load generators and simulated crowds sit on.
//!
//! ```text
//!            ┌──────────────────────── step ────────────────────────┐
//!  sockets ──▶ read ──▶ Driver::on_frame … ──▶ Driver::ready ──▶ write ──▶ sockets
//!            │                                 Driver::tick (time)  │
//!            └──────────────────────────────────────────────────────┘
//! ```
//!
//! - A [`Driver`] decides what is sent and keeps its own account of what is in flight; the swarm
//!   only moves bytes. Requests are appended to a connection's buffer and leave in one write a
//!   wake; replies are read through one buffer that all connections share. In steady state nothing
//!   is allocated.
//! - A connection that ends is reported once and stays closed until [`Swarm::connect`]: whether
//!   and where to connect again is the driver's business.
//! - Nothing bounds a connection's unsent bytes but the driver: a closed loop has its requests in
//!   flight, an open loop should look at [`Outbox::backlog_bytes`].

mod connection;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::clock::monotonic_ns;
use crate::limits::FRAME_BYTES_MAX;
use crate::types::ResultCode;
use crate::wire::reply::Reply;
use crate::wire::request::{self, Hello};
use crate::wire::{Frame, FrameError, Opcode};
use connection::{Connection, Stage};

/// Request id of the hello frame; drivers may use any, this one included.
const HELLO_REQUEST_ID: u64 = 0;

/// The poll token of the timer; connections use their index.
const TIMER: Token = Token(usize::MAX);

/// Bytes of the shared read buffer: one read takes several frames of a busy connection.
const READ_BYTES: usize = 2 * FRAME_BYTES_MAX;

/// Most events taken from the kernel at once.
const EVENTS_MAX: usize = 1_024;

/// What a swarm is made of.
#[derive(Clone, Debug)]
pub struct SwarmOptions {
    /// How many connections, at least 1.
    pub connections: usize,
    /// The tenant that every connection works for.
    pub tenant: String,
    /// The token of every connection; empty where the server asks for none.
    pub token: String,
    /// What the connections call themselves in the server's log.
    pub client: String,
}

/// The swarm cannot go on (a single connection's end is a [`Disconnect`] instead).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwarmError {
    /// The kernel refused a poll, a timer or a socket: usually the limit of open files.
    #[error("the operating system refused it: {0} (see `ulimit -n`)")]
    Io(#[from] std::io::Error),
    /// The hello frame could not be made from the given names.
    #[error("tenant or token does not fit into a hello frame: {0}")]
    Hello(#[from] request::EncodeError),
    /// Not every connection was greeted in time.
    #[error("{open} of {connections} connections to {address} after {timeout_ms} ms: {reason}")]
    NotGreeted {
        /// Connections that were greeted.
        open: usize,
        /// Connections wanted.
        connections: usize,
        /// Where.
        address: SocketAddr,
        /// How long was waited, in milliseconds.
        timeout_ms: u64,
        /// Why the first one failed, or that none did.
        reason: String,
    },
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnect {
    /// The server closed it, or nobody listens there any more.
    #[error("the server closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// What came is no frame of the protocol.
    #[error("the server sent what is no frame: {0}")]
    Framing(ResultCode),
    /// The server answered hello with an error.
    #[error("the server refused the session: {code}: {text}")]
    Refused {
        /// Why.
        code: ResultCode,
        /// What the server says to people.
        text: String,
    },
}

impl From<FrameError> for Disconnect {
    fn from(error: FrameError) -> Self {
        Self::Framing(error.code)
    }
}

/// Decides what a swarm sends and learns what comes back. Connections are numbered from 0.
pub trait Driver {
    /// The connection may send: it was just greeted, replies to it were just handed over, or
    /// [`Swarm::wake`] asked. Append whole request frames to `out`, or nothing.
    fn ready(&mut self, connection: usize, now_ns: u64, out: &mut Vec<u8>);

    /// A whole frame arrived (a reply, an error frame or an event); `received_ns` is when it was
    /// read, by [`monotonic_ns`].
    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, received_ns: u64);

    /// The connection ended; everything in flight on it has an unknown outcome.
    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect);

    /// Called once a step, after all `ready` calls: sends what is due by time. Returns when it
    /// wants to be called again at the latest, by [`monotonic_ns`].
    fn tick(&mut self, now_ns: u64, outbox: &mut Outbox<'_>) -> Option<u64> {
        let _ = (now_ns, outbox); // a closed loop has nothing to do by time
        None
    }
}

/// The connections as a driver's `tick` sees them.
#[derive(Debug)]
pub struct Outbox<'a> {
    connections: &'a mut [Connection],
    marked: &'a mut Vec<usize>,
}

impl Outbox<'_> {
    /// Where to append whole request frames for this connection; `None` unless it is open.
    pub fn queue(&mut self, connection: usize) -> Option<&mut Vec<u8>> {
        let found = self.connections.get_mut(connection)?;
        if found.stage != Stage::Open {
            return None;
        }
        if !found.marked {
            found.marked = true;
            self.marked.push(connection);
        }
        Some(found.out())
    }

    /// Bytes of this connection that the kernel has not taken yet.
    #[must_use]
    pub fn backlog_bytes(&self, connection: usize) -> usize {
        self.connections
            .get(connection)
            .map_or(0, Connection::backlog_bytes)
    }
}

/// Many connections on one poll.
#[derive(Debug)]
pub struct Swarm {
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    connections: Vec<Connection>,
    /// Connections to call `ready` for (between steps), or to flush (within `tick`).
    marked: Vec<usize>,
    /// Connections that ended outside of an event, with the reason, until the next step.
    ended: Vec<(usize, Disconnect)>,
    buffer: Vec<u8>,
    hello: Vec<u8>,
    open: usize,
    next_tick_ns: Option<u64>,
}

impl Swarm {
    /// A swarm whose connections are all closed; see [`Swarm::greet_all`].
    ///
    /// # Errors
    /// [`SwarmError::Io`] without a poll or timer, [`SwarmError::Hello`] for impossible names.
    pub fn new(options: &SwarmOptions) -> Result<Self, SwarmError> {
        let poll = Poll::new()?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )
        .map_err(std::io::Error::from)?;
        poll.registry()
            .register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let mut hello = Vec::new();
        let message = Hello {
            token: &options.token,
            tenant: &options.tenant,
            client: &options.client,
        };
        request::encode(&mut hello, Opcode::Hello, HELLO_REQUEST_ID, &[message])?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            timer,
            connections: (0..options.connections.max(1))
                .map(|_| Connection::closed())
                .collect(),
            marked: Vec::new(),
            ended: Vec::new(),
            buffer: vec![0; READ_BYTES],
            hello,
            open: 0,
            next_tick_ns: None,
        })
    }

    /// How many connections the swarm has, open or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// How many are greeted.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// True where this one is greeted.
    #[must_use]
    pub fn is_open(&self, connection: usize) -> bool {
        self.connections
            .get(connection)
            .is_some_and(|found| found.stage == Stage::Open)
    }

    /// Starts to connect every closed connection and runs `driver` until all are greeted. Drivers
    /// may send as soon as their connection is.
    ///
    /// # Errors
    /// [`SwarmError::NotGreeted`] when the first connection fails or `timeout_ms` have passed.
    pub fn greet_all(
        &mut self,
        address: SocketAddr,
        timeout_ms: u64,
        driver: &mut impl Driver,
    ) -> Result<(), SwarmError> {
        for index in 0..self.connections.len() {
            self.connect(index, address);
        }
        let end_ns = monotonic_ns() + timeout_ms * 1_000_000;
        let mut watch = Watch {
            driver,
            failed: None,
        };
        while self.open < self.connections.len() {
            let left_ns = end_ns.saturating_sub(monotonic_ns());
            if left_ns == 0 || watch.failed.is_some() {
                return Err(SwarmError::NotGreeted {
                    open: self.open,
                    connections: self.connections.len(),
                    address,
                    timeout_ms,
                    reason: watch
                        .failed
                        .unwrap_or_else(|| "the server did not answer".into()),
                });
            }
            self.step(&mut watch, Duration::from_nanos(left_ns))?;
        }
        Ok(())
    }

    /// Starts to connect this connection, unless it is under way or open. A failure is reported to
    /// the driver's `on_disconnect` by a later step.
    pub fn connect(&mut self, connection: usize, address: SocketAddr) {
        let Some(found) = self.connections.get_mut(connection) else {
            return;
        };
        if found.stage != Stage::Closed {
            return;
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        let started = found
            .start(address, &self.hello)
            .and_then(|()| match found.stream() {
                Some(stream) => self
                    .poll
                    .registry()
                    .register(stream, Token(connection), interest),
                None => Ok(()),
            });
        if let Err(error) = started {
            found.close();
            self.ended.push((connection, error.into()));
        }
    }

    /// Closes every connection without a word to the driver: outcomes in flight are unknown.
    pub fn close_all(&mut self) {
        for connection in &mut self.connections {
            connection.close();
        }
        self.open = 0;
    }

    /// Has the next step call `ready` for this connection, if it is open then.
    pub fn wake(&mut self, connection: usize) {
        if let Some(found) = self.connections.get_mut(connection)
            && !found.marked
        {
            found.marked = true;
            self.marked.push(connection);
        }
    }

    /// Waits at most `wait` (or until the driver's next tick) for something to do, and does it.
    ///
    /// # Errors
    /// [`SwarmError::Io`] where the poll itself fails.
    pub fn step(&mut self, driver: &mut impl Driver, wait: Duration) -> Result<(), SwarmError> {
        let wait = self.arm(wait)?;
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let now_ns = monotonic_ns();
        for (connection, reason) in std::mem::take(&mut self.ended) {
            driver.on_disconnect(connection, &reason);
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let Token(index) = event.token();
            if event.token() != TIMER {
                self.serve(index, event.is_read_closed(), driver);
            }
        }
        self.events = events;
        self.run_marked(driver, now_ns);
        let mut outbox = Outbox {
            connections: &mut self.connections,
            marked: &mut self.marked,
        };
        self.next_tick_ns = driver.tick(now_ns, &mut outbox);
        while let Some(index) = self.marked.pop() {
            let Some(found) = self.connections.get_mut(index) else {
                continue;
            };
            found.marked = false;
            if let Err(reason) = found.flush() {
                self.end(index, &reason, driver);
            }
        }
        Ok(())
    }

    /// How long the poll may block; sets the timer for a tick that milliseconds are too coarse for.
    fn arm(&mut self, wait: Duration) -> Result<Duration, SwarmError> {
        if !self.marked.is_empty() || !self.ended.is_empty() {
            return Ok(Duration::ZERO);
        }
        let Some(tick_ns) = self.next_tick_ns else {
            return Ok(wait);
        };
        let left = Duration::from_nanos(tick_ns.saturating_sub(monotonic_ns()));
        if left.is_zero() || left > wait {
            return Ok(left.min(wait));
        }
        let at = Timespec {
            tv_sec: i64::try_from(tick_ns / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(tick_ns % 1_000_000_000).unwrap_or(0),
        };
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: at,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)
            .map_err(std::io::Error::from)?;
        Ok(wait)
    }

    /// Reads, lets the driver answer, and writes, for one connection that the poll named.
    fn serve(&mut self, index: usize, closing: bool, driver: &mut impl Driver) {
        let Some(found) = self.connections.get_mut(index) else {
            return;
        };
        let mut opened = false;
        let mut heard = false;
        let mut result = Ok(());
        if found.stage == Stage::Connecting {
            result = found.check_connected().map(drop);
        }
        if result.is_ok() && matches!(found.stage, Stage::Greeting | Stage::Open) {
            let received_ns = monotonic_ns();
            result = found.receive(&mut self.buffer, closing, |stage, frame| {
                if *stage == Stage::Greeting {
                    check_greeting(frame)?;
                    *stage = Stage::Open;
                    opened = true;
                } else {
                    driver.on_frame(index, frame, received_ns);
                    heard = true;
                }
                Ok(())
            });
        }
        self.open += usize::from(opened);
        if result.is_ok() && (opened || heard) {
            driver.ready(index, monotonic_ns(), found.out());
        }
        if let Err(reason) = result.and_then(|()| found.flush()) {
            self.end(index, &reason, driver);
        }
    }

    /// Calls `ready` for the connections that asked for it, and sends what they have to say.
    fn run_marked(&mut self, driver: &mut impl Driver, now_ns: u64) {
        while let Some(index) = self.marked.pop() {
            let Some(found) = self.connections.get_mut(index) else {
                continue;
            };
            found.marked = false;
            if found.stage != Stage::Open {
                continue;
            }
            driver.ready(index, now_ns, found.out());
            if let Err(reason) = found.flush() {
                self.end(index, &reason, driver);
            }
        }
    }

    fn end(&mut self, index: usize, reason: &Disconnect, driver: &mut impl Driver) {
        if let Some(found) = self.connections.get_mut(index) {
            self.open -= usize::from(found.stage == Stage::Open);
            found.close();
        }
        driver.on_disconnect(index, reason);
    }
}

/// The answer to hello must be its reply.
fn check_greeting(frame: &Frame<'_>) -> Result<(), Disconnect> {
    if frame.header.opcode == Opcode::Hello.reply() {
        return Ok(());
    }
    match Reply::decode(frame) {
        Ok(Reply::Error(error)) => Err(Disconnect::Refused {
            code: error.code,
            text: error.text.to_owned(),
        }),
        Ok(_) | Err(_) => Err(Disconnect::Framing(ResultCode::HelloRequired)),
    }
}

/// Passes everything on and remembers the first disconnect.
struct Watch<'a, D> {
    driver: &'a mut D,
    failed: Option<String>,
}

impl<D: Driver> Driver for Watch<'_, D> {
    fn ready(&mut self, connection: usize, now_ns: u64, out: &mut Vec<u8>) {
        self.driver.ready(connection, now_ns, out);
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, received_ns: u64) {
        self.driver.on_frame(connection, frame, received_ns);
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        if self.failed.is_none() {
            self.failed = Some(reason.to_string());
        }
        self.driver.on_disconnect(connection, reason);
    }

    fn tick(&mut self, now_ns: u64, outbox: &mut Outbox<'_>) -> Option<u64> {
        self.driver.tick(now_ns, outbox)
    }
}
