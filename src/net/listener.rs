//! The listener thread: accepts, shakes hands, reads the hello, and deals connections out.
//!
//! A connection gets no engine thread before it has said who it is. Until then it costs one small
//! buffer, a deadline and a place under the connection limit.

use crate::clock;
use crate::limits;
use crate::metrics::{CONNECTIONS_TOTAL, NetMetrics};
use crate::net::Opening;
use crate::net::inbox::{Handoff, Inbox};
use crate::net::stream::Stream;
use crate::net::token::{AuthError, TokenFile};
use crate::types::{ResultCode, Role};
use crate::wire::frame::split_frame;
use crate::wire::reply::ErrorReply;
use crate::wire::request::{Hello, Request};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const LISTEN_TOKEN: Token = Token(usize::MAX - 1);
const WAKE_TOKEN: Token = Token(usize::MAX);

/// Bytes that a connection may send before its hello is complete; pipelined frames behind the
/// hello count, the rest stays in the socket.
const HELLO_BYTES_MAX: usize = 16 << 10;

/// How long a step blocks at most, so that deadlines are kept, in milliseconds.
const TICK_MS: u64 = 250;

/// Seconds of silence after which the kernel probes a peer that may be gone.
const KEEPALIVE_S: u64 = 60;

/// Name of the actor of sessions without token (only on loopback, or where the operator said so).
pub const ANONYMOUS: &str = "anonymous";

/// One place under the connection limit; given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Permit {
    fn take(open: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        // Relaxed: a count of its own, no other memory is handed over by it.
        open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < max).then_some(count + 1)
        })
        .ok()?;
        Some(Self(Arc::clone(open)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the listener needs to know.
pub struct ListenerOptions {
    /// How long a hello (and TLS handshake) may take, in milliseconds.
    pub hello_ms: u64,
    /// Connections of the process, those before their hello included.
    pub connections_max: usize,
    /// Who may connect; `None` lets everyone in as admin.
    pub tokens: Option<TokenFile>,
    /// TLS, if it is offered: then nothing else is.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The engine thread that owns a tenant, by name; below the number of inboxes.
    pub route: Box<dyn Fn(&str) -> usize + Send>,
}

#[derive(Debug)]
struct Newcomer {
    stream: Stream,
    received: Vec<u8>,
    deadline_ms: u64,
    permit: Permit,
}

/// Stops the listener from another thread.
#[derive(Debug)]
pub struct ListenerControl {
    stop: AtomicBool,
    waker: mio::Waker,
}

impl ListenerControl {
    /// No further connection is accepted; the listener's `run` returns.
    pub fn stop(&self) {
        // Release here, Acquire in `Listener::run`.
        self.stop.store(true, Ordering::Release);
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "waking the listener failed; it stops at its next tick");
        }
    }
}

/// The listening socket and connections before their hello.
pub struct Listener {
    poll: Poll,
    events: Events,
    socket: TcpListener,
    control: Arc<ListenerControl>,
    inboxes: Vec<Arc<Inbox>>,
    options: ListenerOptions,
    newcomers: Vec<Option<Newcomer>>,
    free: Vec<usize>,
    open: Arc<AtomicUsize>,
}

/// What is done with a newcomer after looking at its bytes.
enum Verdict {
    /// Wait for more.
    Wait,
    /// Hello is complete: which engine thread, who it is, and how many bytes the hello took.
    Admit(usize, Opening, usize),
    /// Tell the code and close.
    Refuse(u64, ResultCode),
    /// Close without a word.
    Drop(&'static str),
}

impl Listener {
    /// Registers `socket`; connections go to `inboxes`.
    ///
    /// # Errors
    /// What the kernel says about polling.
    pub fn new(
        mut socket: TcpListener,
        inboxes: Vec<Arc<Inbox>>,
        options: ListenerOptions,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut socket, LISTEN_TOKEN, Interest::READABLE)?;
        let waker = mio::Waker::new(poll.registry(), WAKE_TOKEN)?;
        let control = Arc::new(ListenerControl {
            stop: AtomicBool::new(false),
            waker,
        });
        Ok(Self {
            poll,
            events: Events::with_capacity(256),
            socket,
            control,
            inboxes,
            options,
            newcomers: Vec::new(),
            free: Vec::new(),
            open: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// The handle that stops this listener.
    #[must_use]
    pub fn control(&self) -> Arc<ListenerControl> {
        Arc::clone(&self.control)
    }

    /// Steps until stopped.
    ///
    /// # Errors
    /// If polling fails.
    pub fn run(mut self) -> io::Result<()> {
        while !self.control.stop.load(Ordering::Acquire) {
            self.step()?;
        }
        for mut newcomer in self.newcomers.into_iter().flatten() {
            refuse(&mut newcomer.stream, 0, ResultCode::ShuttingDown);
        }
        Ok(())
    }

    /// Waits for events for at most a tick and handles them.
    ///
    /// # Errors
    /// If polling fails.
    pub fn step(&mut self) -> io::Result<()> {
        match self
            .poll
            .poll(&mut self.events, Some(Duration::from_millis(TICK_MS)))
        {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let now_ms = clock::boottime_ms();
        let tokens: Vec<Token> = self.events.iter().map(mio::event::Event::token).collect();
        for token in tokens {
            match token {
                LISTEN_TOKEN | WAKE_TOKEN => {}
                Token(slot) => self.advance(slot),
            }
        }
        // Always, for what a lack of descriptors left in the backlog makes no further event.
        self.accept(now_ms);
        self.expire(now_ms);
        Ok(())
    }

    fn accept(&mut self, now_ms: u64) {
        loop {
            match self.socket.accept() {
                Ok((tcp, _)) => self.welcome(tcp, now_ms),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Out of descriptors, mostly: the backlog waits, and open connections go on.
                    tracing::warn!(%error, "a connection could not be accepted");
                    NetMetrics::refused("io");
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, tcp: TcpStream, now_ms: u64) {
        metrics::counter!(CONNECTIONS_TOTAL).increment(1);
        let socket = socket2::SockRef::from(&tcp);
        let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(KEEPALIVE_S));
        if let Err(error) = tcp
            .set_nodelay(true)
            .and(socket.set_tcp_keepalive(&keepalive))
        {
            tracing::debug!(%error, "socket options could not be set");
        }
        let stream = match &self.options.tls {
            None => Ok(Stream::Plain(tcp)),
            Some(config) => Stream::tls(tcp, Arc::clone(config)),
        };
        let Ok(mut stream) = stream else {
            NetMetrics::refused("tls");
            return;
        };
        let Some(permit) = Permit::take(&self.open, self.options.connections_max) else {
            refuse(&mut stream, 0, ResultCode::Overloaded);
            return;
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.newcomers.push(None);
            self.newcomers.len() - 1
        });
        if let Err(error) = stream.register(self.poll.registry(), Token(slot)) {
            tracing::warn!(%error, "a new connection could not be registered");
            NetMetrics::refused("io");
            self.free.push(slot);
            return;
        }
        let deadline_ms = now_ms + self.options.hello_ms;
        if let Some(place) = self.newcomers.get_mut(slot) {
            *place = Some(Newcomer {
                stream,
                received: Vec::new(),
                deadline_ms,
                permit,
            });
        }
        self.advance(slot);
    }

    /// Reads what a newcomer sent and decides.
    fn advance(&mut self, slot: usize) {
        let Some(Some(newcomer)) = self.newcomers.get_mut(slot) else {
            return;
        };
        let verdict = read_hello(newcomer)
            .map_or_else(Verdict::Drop, |()| judge(&newcomer.received, &self.options));
        match verdict {
            Verdict::Wait => {}
            Verdict::Drop(reason) => {
                NetMetrics::refused(reason);
                drop(self.take(slot));
            }
            Verdict::Refuse(request_id, code) => {
                if let Some(mut newcomer) = self.take(slot) {
                    refuse(&mut newcomer.stream, request_id, code);
                }
            }
            Verdict::Admit(shard, opening, used) => {
                if let Some(newcomer) = self.take(slot) {
                    self.hand_over(newcomer, shard, opening, used);
                }
            }
        }
    }

    fn hand_over(&self, mut newcomer: Newcomer, shard: usize, opening: Opening, used: usize) {
        newcomer.received.drain(..used);
        let request_id = opening.request_id;
        let handoff = Handoff {
            stream: newcomer.stream,
            leftover: newcomer.received,
            opening,
            permit: newcomer.permit,
        };
        let Some(inbox) = self.inboxes.get(shard) else {
            tracing::error!(shard, "a tenant was routed to a shard that does not exist");
            return;
        };
        if let Err(mut handoff) = inbox.push(handoff) {
            refuse(&mut handoff.stream, request_id, ResultCode::Overloaded);
        }
    }

    fn take(&mut self, slot: usize) -> Option<Newcomer> {
        let mut newcomer = self.newcomers.get_mut(slot)?.take()?;
        self.free.push(slot);
        if let Err(error) = newcomer.stream.deregister(self.poll.registry()) {
            tracing::warn!(%error, "a connection could not be deregistered");
        }
        Some(newcomer)
    }

    fn expire(&mut self, now_ms: u64) {
        for slot in 0..self.newcomers.len() {
            let late = matches!(self.newcomers.get(slot), Some(Some(n)) if n.deadline_ms <= now_ms);
            if late {
                NetMetrics::refused("timeout");
                drop(self.take(slot));
            }
        }
    }
}

/// Reads until the socket has nothing more or the buffer is full enough.
fn read_hello(newcomer: &mut Newcomer) -> Result<(), &'static str> {
    let mut buffer = [0; 4 << 10];
    while newcomer.received.len() < HELLO_BYTES_MAX {
        match newcomer.stream.read(&mut buffer) {
            Ok(0) => return Err("peer"),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                newcomer.received.extend_from_slice(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err("tls"),
            Err(_) => return Err("peer"),
        }
    }
    Ok(())
}

fn judge(received: &[u8], options: &ListenerOptions) -> Verdict {
    let (frame, used) = match split_frame(received) {
        Ok(Some(split)) => split,
        Ok(None) if received.len() >= HELLO_BYTES_MAX => {
            return Verdict::Refuse(0, ResultCode::HelloRequired);
        }
        Ok(None) => return Verdict::Wait,
        Err(error) => return Verdict::Refuse(error.request_id.unwrap_or(0), error.code),
    };
    let request_id = frame.header.request_id;
    let hello = match Request::decode(&frame) {
        Ok(Request::Hello(hello)) => hello,
        Ok(_) => return Verdict::Refuse(request_id, ResultCode::HelloRequired),
        Err(error) => return Verdict::Refuse(request_id, error.code),
    };
    if !is_name(hello.tenant) || hello.token.len() > limits::TOKEN_BYTES_MAX {
        return Verdict::Refuse(request_id, ResultCode::InvalidName);
    }
    match authenticate(&hello, options) {
        Ok((actor, role)) => {
            let tenant = hello.tenant.to_owned();
            let client = hello.client.to_owned();
            let shard = (options.route)(&tenant);
            Verdict::Admit(
                shard,
                Opening {
                    tenant,
                    actor,
                    role,
                    client,
                    request_id,
                },
                used,
            )
        }
        Err(code) => Verdict::Refuse(request_id, code),
    }
}

fn authenticate(
    hello: &Hello<'_>,
    options: &ListenerOptions,
) -> Result<(String, Role), ResultCode> {
    let Some(tokens) = &options.tokens else {
        return Ok((ANONYMOUS.to_owned(), Role::Admin));
    };
    match tokens.authenticate(hello.token, hello.tenant) {
        Ok(grant) => Ok((grant.name, grant.role)),
        Err(AuthError::Unauthenticated | AuthError::Expired) => Err(ResultCode::Unauthenticated),
        Err(AuthError::ForbiddenTenant) => Err(ResultCode::ForbiddenTenant),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= limits::NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

/// Tells why and lets the connection close; best effort, the peer may not read.
fn refuse(stream: &mut Stream, request_id: u64, code: ResultCode) {
    NetMetrics::refused(code.name());
    let mut out = Vec::new();
    let retry_after_ms = if code == ResultCode::Overloaded {
        limits::OVERLOADED_RETRY_AFTER_MS
    } else {
        0
    };
    ErrorReply {
        code,
        retry_after_ms,
        text: code.meaning(),
    }
    .put_frame(&mut out, request_id);
    match stream.write(&out).and_then(|_| stream.flush()) {
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, %code, "a refusal could not be sent"),
    }
}
