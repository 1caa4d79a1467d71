//! The loop of one engine thread: one `step` polls, reads, runs a turn, and writes.
//!
//! Work of a step is bounded: each ready session gives at most one buffer of bytes to a turn, and a
//! turn stops when the service says it is full. What is left is served first in the next step.

use crate::clock;
use crate::limits;
use crate::metrics::NetMetrics;
use crate::net::inbox::{Handoff, Inbox};
use crate::net::session::{CloseReason, Session, close_reason};
use crate::net::{BLOCKED_WAIT_MS, Deadlines, Delivery, Intake, Service, SessionId};
use crate::types::ResultCode;
use crate::wire::frame::{Frame, split_frame};
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Token of the inbox's waker; sessions use their slot.
pub const WAKE_TOKEN: Token = Token(usize::MAX);

/// Bytes read from one socket into one turn.
const READ_BYTES: usize = 512 << 10;

// A session holds at most a partial frame and what one read adds to it.
const _: () = assert!(limits::FRAME_BYTES_MAX + READ_BYTES <= limits::SESSION_IN_BYTES_MAX);

/// Frames looked at together, so that the loads of one overlap with the work of another.
const PREFETCH_FRAMES: usize = 32;

/// How often sessions are checked for their deadlines, in milliseconds.
const SWEEP_INTERVAL_MS: u64 = 500;

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on.
    Running,
    /// Drained: every session is closed and the service is quiet.
    Drained,
}

/// Sockets and service of one engine thread.
pub struct EngineLoop<V> {
    poll: Poll,
    events: Events,
    inbox: Arc<Inbox>,
    /// Connections taken from there.
    arrived: VecDeque<Handoff>,
    sessions: Vec<Option<Session>>,
    free: Vec<usize>,
    generation: u64,
    ready: VecDeque<usize>,
    dirty: Vec<usize>,
    read_buffer: Vec<u8>,
    service: V,
    metrics: NetMetrics,
    deadlines: Deadlines,
    swept_at_ms: u64,
    drain_until_ms: Option<u64>,
    /// There was room for the last turn.
    began: bool,
    /// The last turn took frames in, or the next one can.
    takes: bool,
}

impl<V: Service> EngineLoop<V> {
    /// A loop over `poll`, whose waker belongs to `inbox`.
    #[must_use]
    pub fn new(
        poll: Poll,
        inbox: Arc<Inbox>,
        service: V,
        metrics: NetMetrics,
        deadlines: Deadlines,
    ) -> Self {
        Self {
            poll,
            events: Events::with_capacity(1_024),
            inbox,
            arrived: VecDeque::new(),
            sessions: Vec::new(),
            free: Vec::new(),
            generation: 0,
            ready: VecDeque::new(),
            dirty: Vec::new(),
            read_buffer: vec![0; READ_BYTES],
            service,
            metrics,
            deadlines,
            swept_at_ms: 0,
            drain_until_ms: None,
            began: true,
            takes: true,
        }
    }

    /// Why the service can go on no longer, once it cannot.
    pub fn failure(&mut self) -> Option<String> {
        self.service.failure()
    }

    /// The service, after the last step.
    pub fn into_service(self) -> V {
        self.service
    }

    /// Polls (blocking only where there is nothing to do), then runs one turn.
    ///
    /// # Errors
    /// If polling fails: the thread cannot go on.
    pub fn step(&mut self) -> io::Result<Step> {
        self.wait()?;
        let now_ms = clock::boottime_ms();
        self.take_events();
        self.take_connections(now_ms);
        self.turn(now_ms);
        self.deliver(now_ms);
        if now_ms.saturating_sub(self.swept_at_ms) >= SWEEP_INTERVAL_MS {
            self.sweep(now_ms);
        }
        Ok(self.drain(now_ms))
    }

    fn wait(&mut self) -> io::Result<()> {
        let serves = self.takes && self.drain_until_ms.is_none();
        let mut timeout_ms = if serves && !self.ready.is_empty() {
            Some(0)
        } else {
            self.service.before_wait()
        };
        if !self.takes {
            // Work waits for room that only the disk or the watermark can make.
            timeout_ms = Some(timeout_ms.map_or(BLOCKED_WAIT_MS, |ms| ms.min(BLOCKED_WAIT_MS)));
        }
        if self.drain_until_ms.is_some() {
            timeout_ms = Some(timeout_ms.unwrap_or(10).min(10));
        } else if !self.sessions.is_empty() {
            timeout_ms = Some(
                timeout_ms
                    .unwrap_or(SWEEP_INTERVAL_MS)
                    .min(SWEEP_INTERVAL_MS),
            );
        }
        let result = self
            .poll
            .poll(&mut self.events, timeout_ms.map(Duration::from_millis));
        self.service.after_wait();
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
        }
    }

    fn take_events(&mut self) {
        for event in &self.events {
            let Some(Some(session)) = self.sessions.get_mut(event.token().0) else {
                continue;
            };
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                session.readable = true;
                session.hung_up |= event.is_read_closed() || event.is_error();
                if !session.queued && !session.closing {
                    session.queued = true;
                    self.ready.push_back(event.token().0);
                }
            }
            if event.is_writable() {
                self.dirty.push(event.token().0);
            }
        }
    }

    fn take_connections(&mut self, now_ms: u64) {
        self.inbox.take_all(&mut self.arrived);
        while let Some(handoff) = self.arrived.pop_front() {
            self.open(handoff, now_ms);
        }
    }

    fn open(&mut self, handoff: Handoff, now_ms: u64) {
        let Handoff {
            mut stream,
            leftover,
            opening,
            permit,
        } = handoff;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() - 1
        });
        if let Err(error) = stream.register(self.poll.registry(), Token(slot)) {
            tracing::warn!(%error, "a connection could not be registered and is closed");
            NetMetrics::closed(CloseReason::Io.name());
            self.free.push(slot);
            return;
        }
        self.generation += 1;
        let id = SessionId((self.generation << 32) | slot as u64);
        self.service.open(id, &opening);
        self.metrics.connections_open.increment(1.0);
        let mut session = Session::new(id, stream, leftover, permit, now_ms);
        session.queued = true;
        session.awaiting = 1; // the hello
        self.ready.push_back(slot);
        if let Some(place) = self.sessions.get_mut(slot) {
            *place = Some(session);
        }
    }

    fn turn(&mut self, now_ms: u64) {
        self.began = self.service.begin_turn();
        self.takes = self.began;
        if self.takes && self.drain_until_ms.is_none() {
            let mut served = false;
            for _ in 0..self.ready.len() {
                let Some(slot) = self.ready.pop_front() else {
                    break;
                };
                if self.serve(slot, now_ms) == Intake::Full {
                    self.ready.push_front(slot);
                    // Full at once: the room is not there yet, so looking again at once is idle.
                    self.takes = served;
                    break;
                }
                served = true;
            }
        }
        self.service.end_turn();
    }

    /// Gives a session's bytes to the service. `Full` leaves the session in the ready list.
    fn serve(&mut self, slot: usize, now_ms: u64) -> Intake {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return Intake::Taken;
        };
        session.queued = false;
        let mut intake = Intake::Taken;
        let answered_before = session.awaiting;
        if !session.pending_in.is_empty() {
            let pending = std::mem::take(&mut session.pending_in);
            let (consumed, result) = execute(&mut self.service, session, &pending);
            session.pending_in = pending;
            session.pending_in.drain(..consumed);
            intake = result;
        }
        if intake == Intake::Taken && session.readable && !session.closing {
            match session.stream.read(&mut self.read_buffer) {
                Ok(0) => {
                    session.readable = false;
                    session.read_closed = true;
                }
                Ok(count) => {
                    session.touch(now_ms);
                    self.metrics.bytes_in.increment(count as u64);
                    // Behind a hang-up there is an end to read, for which no further event comes.
                    let drained = count < self.read_buffer.len()
                        && session.stream.short_read_drains()
                        && !session.hung_up;
                    if drained {
                        session.readable = false;
                    }
                    let received = self.read_buffer.get(..count).unwrap_or_default();
                    intake = take_in(&mut self.service, session, received);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => session.readable = false,
                Err(error) => return self.close(slot, close_reason(&error)),
            }
        }
        // Only a whole frame is progress: one byte a second is not.
        let progressed = intake == Intake::Full || session.awaiting != answered_before;
        session.note_partial(now_ms, progressed);
        let more = intake == Intake::Full || (session.readable && !session.closing);
        if more {
            session.queued = true;
            if intake == Intake::Taken {
                self.ready.push_back(slot);
            }
        }
        if session.finished().is_some() {
            self.dirty.push(slot);
        }
        intake
    }

    fn deliver(&mut self, now_ms: u64) {
        let Self {
            service,
            sessions,
            dirty,
            ..
        } = self;
        service.deliver(&mut |delivery: Delivery<'_>| {
            let slot = delivery.session.slot();
            let Some(Some(session)) = sessions.get_mut(slot) else {
                return;
            };
            if session.id != delivery.session {
                return;
            }
            session.awaiting = session.awaiting.saturating_sub(delivery.frames);
            session.closing |= delivery.close;
            session.queue(delivery.bytes);
            dirty.push(slot);
        });
        let mut dirty = std::mem::take(&mut self.dirty);
        for slot in dirty.drain(..) {
            self.flush(slot, now_ms);
        }
        self.dirty = dirty;
        // What was handed out makes room, so frames that had to wait need not wait for the clock.
        self.takes |= !self.began && self.service.has_room();
    }

    fn flush(&mut self, slot: usize, now_ms: u64) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        match session.flush(now_ms) {
            Ok(count) => self.metrics.bytes_out.increment(count as u64),
            Err(reason) => {
                self.close(slot, reason);
                return;
            }
        }
        if session.congested != session.has_output() {
            session.congested = session.has_output();
            self.service.set_congested(session.id, session.congested);
        }
        if let Some(reason) = session.finished() {
            self.close(slot, reason);
        }
    }

    fn close(&mut self, slot: usize, reason: CloseReason) -> Intake {
        let Some(mut session) = self.sessions.get_mut(slot).and_then(Option::take) else {
            return Intake::Taken;
        };
        tracing::debug!(
            session = session.id.0,
            reason = reason.name(),
            "session closed"
        );
        if let Err(error) = session.stream.deregister(self.poll.registry()) {
            tracing::warn!(%error, "a closed connection could not be deregistered");
        }
        self.service.close(session.id);
        self.free.push(slot);
        self.metrics.connections_open.decrement(1.0);
        NetMetrics::closed(reason.name());
        Intake::Taken
    }

    fn sweep(&mut self, now_ms: u64) {
        self.swept_at_ms = now_ms;
        for slot in 0..self.sessions.len() {
            let overdue = match self.sessions.get(slot) {
                Some(Some(session)) => session.overdue(now_ms, &self.deadlines),
                _ => None,
            };
            if let Some(reason) = overdue {
                self.close(slot, reason);
            }
        }
    }

    /// Once draining: nothing is read any more; what was executed is answered, then all is closed.
    fn drain(&mut self, now_ms: u64) -> Step {
        if !self.inbox.is_draining() {
            return Step::Running;
        }
        let until = *self
            .drain_until_ms
            .get_or_insert(now_ms + limits::DRAIN_TIMEOUT_MS);
        let unsent = self
            .sessions
            .iter()
            .flatten()
            .any(|s| s.has_output() || s.awaiting > 0);
        if now_ms < until && (unsent || !self.service.is_quiet()) {
            return Step::Running;
        }
        for slot in 0..self.sessions.len() {
            self.close(slot, CloseReason::Shutdown);
        }
        Step::Drained
    }
}

/// Executes the whole frames of `received` (behind what is pending) and keeps the rest.
fn take_in<V: Service>(service: &mut V, session: &mut Session, received: &[u8]) -> Intake {
    if session.pending_in.is_empty() {
        let (consumed, intake) = execute(service, session, received);
        let rest = received.get(consumed..).unwrap_or_default();
        session.pending_in.extend_from_slice(rest);
        return intake;
    }
    session.pending_in.extend_from_slice(received);
    let pending = std::mem::take(&mut session.pending_in);
    let (consumed, intake) = execute(service, session, &pending);
    session.pending_in = pending;
    session.pending_in.drain(..consumed);
    intake
}

/// Executes whole frames from the front of `bytes`; returns how many bytes are done with.
fn execute<V: Service>(service: &mut V, session: &mut Session, bytes: &[u8]) -> (usize, Intake) {
    let mut consumed = 0;
    while !session.closing {
        let mut group: [Option<(Frame<'_>, usize)>; PREFETCH_FRAMES] = [None; PREFETCH_FRAMES];
        let mut end = consumed;
        let mut lost = None;
        let mut count = 0;
        for place in &mut group {
            match split_frame(bytes.get(end..).unwrap_or_default()) {
                Ok(Some((frame, length))) => {
                    service.prefetch(session.id, &frame);
                    end += length;
                    count += 1;
                    *place = Some((frame, length));
                }
                Ok(None) => break,
                Err(error) => {
                    lost = Some(error);
                    break;
                }
            }
        }
        for (frame, length) in group.into_iter().flatten() {
            if service.frame(session.id, &frame) == Intake::Full {
                return (consumed, Intake::Full);
            }
            session.awaiting += 1;
            consumed += length;
        }
        if let Some(error) = lost {
            refuse(service, session, error.request_id.unwrap_or(0), error.code);
            return (bytes.len(), Intake::Taken);
        }
        if count < PREFETCH_FRAMES {
            break;
        }
    }
    (consumed, Intake::Taken)
}

/// Framing is lost: one last answer, then the connection is closed.
fn refuse<V: Service>(service: &mut V, session: &mut Session, request_id: u64, code: ResultCode) {
    service.refuse(session.id, request_id, code, true);
    session.awaiting += 1;
    session.closing = true;
}
