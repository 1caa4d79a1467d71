//! One turn of a shard: drain, apply, append, gate replies, publish.
//!
//! ```text
//!  begin_turn: journal room? ─▶ time, due timers ─▶ sessions that opened
//!  frame:      decode ─▶ engine (prefetch ahead, decide, apply) ─▶ reply into the gate
//!  end_turn:   stock events ─▶ append one batch ─▶ gate closes at its last sequence
//!  release:    acknowledged mark ─▶ replies of every turn below it, in order
//! ```
//!
//! This is the only place where wire words become engine words and back. It has no socket, clock
//! or thread: time comes in as arguments, so a simulation drives the same code as the server.
//!
//! Invariants: nothing is drained without journal room for its worst case; no reply, replayed
//! outcome, query or stock event leaves the process before every record that it could reveal is
//! acknowledged; a failed append or sync ends all acknowledgement for good.
//!
//! When full: `frame` answers [`Taken::Full`] and the frame is offered again in the next turn, so
//! sockets push back; of a frame that ends or confirms orders, what is done stays done. Where only
//! the reserved share of the journal is left, commands that add orders or stock wait, after a
//! second they are answered `OVERLOADED`, and those that end holds go on.

mod admission;
mod commands;
mod details;
pub mod gate;
pub mod local;
#[cfg(all(test, feature = "loom"))]
mod loom_tests;
mod orders;
mod parts;
mod queries;
mod sessions;
mod subscriptions;
mod tally;

use crate::engine::Engine;
use crate::engine::command::LineNote;
use crate::journal::storage::Storage;
use crate::journal::{AppendError, Appender, CloseError, Room, SyncMode, Syncer};
use crate::limits;
use crate::metrics::ShardMetrics;
use crate::types::record::RecordBuffer;
use crate::types::{ResultCode, Role, SessionId};
use crate::wire::frame::Frame;
use crate::wire::opcode::Opcode;
use crate::wire::reply::{ErrorReply, HelloReply};
use gate::{Outcomes, Released, ReplyGate, TurnTimes};
use local::{HeldAnswers, Local, LocalQueue};
use orders::Pipeline;
use parts::{Part, takes_parts};
use sessions::{SessionState, Sessions};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use subscriptions::Subscriptions;
use tally::Tally;

/// Records of the journal's own and of session openings that a batch must also have room for.
const BATCH_SLACK_BYTES: usize = 4 << 10;

/// Journal bytes of one fired timer, at most (a forgotten key or an expiry, with its frame).
const TIMER_RECORD_BYTES: usize = 40;

/// Who opens a session, as established by the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOpening {
    /// The tenant that the session acts for.
    pub tenant: String,
    /// The actor's name for the journal.
    pub actor: String,
    /// What the session may do.
    pub role: Role,
    /// Request id of its hello, to be answered.
    pub request_id: u64,
}

/// Whether a frame was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Executed or answered.
    Yes,
    /// The turn is full: offer it again in the next one.
    Full,
}

/// Why a shard stops for good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardFailure {
    /// The journal could not take a batch.
    #[error("shard {shard}: the journal could not be written; nothing more is acknowledged")]
    Append {
        /// Which shard.
        shard: u16,
        /// Why.
        source: AppendError,
    },
    /// A sync failed, so nothing since the last one is known to be on disk.
    #[error(
        "shard {shard}: the journal could not be synced; nothing after sequence {synced} is \
         acknowledged. Check the disk, then start again: what was acknowledged is safe"
    )]
    Sync {
        /// Which shard.
        shard: u16,
        /// Every record below it is durable.
        synced: u64,
    },
}

/// What the running turn has taken so far.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    open: bool,
    items: usize,
    reserved_only: bool,
    started_ns: u64,
    /// Most journal bytes of the frame at hand, or of one item of a frame that takes parts.
    worst: usize,
    /// Of a frame of orders: all of them have room.
    whole: bool,
}

/// An engine with its journal, its sessions and its held replies.
pub struct Shard<S: Storage> {
    number: u16,
    epoch: u32,
    sync: SyncMode,
    engine: Engine,
    journal: Appender<S>,
    records: RecordBuffer,
    gate: ReplyGate,
    sessions: Sessions,
    subscriptions: Subscriptions,
    openings: Vec<(SessionId, SessionOpening)>,
    /// Frames that go on in the next turn; one a session at most.
    parts: BTreeMap<SessionId, Part>,
    local: Option<Arc<LocalQueue>>,
    /// Taken from there, and not executed yet.
    local_taken: VecDeque<Local>,
    answers: HeldAnswers,
    pipeline: Pipeline,
    notes: Vec<LineNote>,
    turn: Turn,
    tally: Tally,
    timers_behind: bool,
    /// Since when only the reserved share of the journal is left.
    reserved_since_ns: Option<u64>,
    journal_bytes: u64,
    /// Ids of channels' events dropped early when that was said last, and when.
    early_said: (u64, u64),
    failure: Option<ShardFailure>,
    metrics: ShardMetrics,
}

impl<S: Storage> Shard<S> {
    /// A shard around a recovered engine and its journal; `epoch` counts the starts.
    #[must_use]
    pub fn new(
        number: u16,
        epoch: u32,
        sync: SyncMode,
        engine: Engine,
        journal: Appender<S>,
    ) -> Self {
        Self {
            number,
            epoch,
            sync,
            engine,
            journal,
            records: RecordBuffer::default(),
            gate: ReplyGate::default(),
            sessions: Sessions::default(),
            subscriptions: Subscriptions::default(),
            openings: Vec::new(),
            parts: BTreeMap::new(),
            local: None,
            local_taken: VecDeque::new(),
            answers: HeldAnswers::default(),
            pipeline: Pipeline::default(),
            notes: Vec::new(),
            turn: Turn::default(),
            tally: Tally::default(),
            timers_behind: false,
            reserved_since_ns: None,
            journal_bytes: 0,
            early_said: (0, 0),
            failure: None,
            metrics: ShardMetrics::new(usize::from(number)),
        }
    }

    /// A session begins; its hello is answered in the next turn.
    pub fn open(&mut self, session: SessionId, opening: SessionOpening) {
        self.openings.push((session, opening));
    }

    /// A session is gone.
    pub fn close(&mut self, session: SessionId) {
        self.openings.retain(|(id, _)| *id != session);
        self.sessions.remove(session);
        self.parts.remove(&session);
        self.subscriptions.remove(session, &mut self.engine);
    }

    /// Whether a session's socket takes what it is sent. Stock events for one that does not are
    /// merged (the last value wins) until it does.
    pub fn set_congested(&mut self, session: SessionId, congested: bool) {
        self.subscriptions.set_congested(session, congested);
    }

    /// Starts a turn at `clock_ms` (milliseconds since the Unix epoch). False: nothing may be
    /// drained in it, because the journal or the held replies have no room.
    pub fn begin_turn(&mut self, clock_ms: u64, now_ns: u64) -> bool {
        debug_assert!(!self.turn.open, "the last turn was ended");
        self.check_journal();
        let room = self.room();
        if room == Room::None {
            return false;
        }
        self.turn = Turn {
            open: true,
            items: 0,
            reserved_only: room == Room::Reserved,
            started_ns: now_ns,
            worst: 0,
            whole: false,
        };
        if self.turn.reserved_only {
            self.reserved_since_ns.get_or_insert(now_ns);
        } else {
            self.reserved_since_ns = None;
        }
        self.journal.begin(&mut self.records);
        self.gate.begin(now_ns);
        let timers_max = self.batch_room() / 2 / TIMER_RECORD_BYTES;
        let fired = self
            .engine
            .fire_timers(clock_ms, timers_max, &mut self.records);
        self.timers_behind = fired.more;
        self.metrics.expired.increment(u64::from(fired.expired));
        self.metrics
            .timer_lag
            .set(clock_ms.saturating_sub(fired.turn_time_ms) as f64 / 1e3);
        for (session, opening) in std::mem::take(&mut self.openings) {
            self.welcome(session, &opening);
        }
        self.take_local();
        true
    }

    fn batch_room(&self) -> usize {
        self.journal
            .batch_bytes_max()
            .saturating_sub(BATCH_SLACK_BYTES)
    }

    fn welcome(&mut self, session: SessionId, opening: &SessionOpening) {
        self.turn.items += 1;
        let state = self
            .engine
            .define_actor(&opening.actor, &mut self.records)
            .and_then(|actor| {
                let tenant =
                    self.engine
                        .define_tenant(&opening.tenant, actor, &mut self.records)?;
                Ok(SessionState::new(tenant, actor, opening.role))
            });
        match state {
            Ok(state) => {
                let tenant = state.context.tenant;
                self.sessions.insert(session, state);
                let reply = HelloReply {
                    server_time_ms: self.engine.now_ms(),
                    epoch: self.epoch,
                    ..HelloReply::new(session.0, tenant, self.number, opening.role)
                };
                let opcode = Opcode::Hello.reply();
                let out = self.gate.buffer();
                crate::wire::reply::put_single(out, opcode, opening.request_id, &reply);
                self.gate.note(session, 1, false);
            }
            Err(code) => self.refuse(session, opening.request_id, code, true),
        }
    }

    /// Starts loading what a frame will need; changes nothing.
    pub fn prefetch(&self, session: SessionId, frame: &Frame<'_>) {
        if frame.header.opcode == Opcode::Reserve as u8
            && frame.header.count == 1
            && let Some(state) = self.sessions.get(session)
        {
            orders::prefetch_frame(&self.engine, state.context.tenant, frame);
        }
    }

    /// Executes one frame of an open session within the running turn.
    pub fn frame(&mut self, session: SessionId, frame: &Frame<'_>) -> Taken {
        assert!(
            self.turn.open,
            "frames are taken between begin_turn and end_turn"
        );
        let (used, room) = (self.records.bytes().len(), self.batch_room());
        let mut worst = self.records_bytes_max(frame);
        let whole = used + worst <= room;
        let opcode = Opcode::from_u8(frame.header.opcode);
        if opcode == Some(Opcode::Reserve) && !whole {
            worst = worst.min(self.order_bytes_max(frame)); // as many as there is room for
        }
        // Not even an empty batch has room: the segments of this journal are too small.
        let never = worst > room;
        let full = self.turn.items >= limits::TURN_ITEMS_MAX || used + worst > room;
        if (full && !never) || self.must_wait_for_room(session, frame) {
            return Taken::Full;
        }
        let request_id = frame.header.request_id;
        let Some(state) = self.sessions.get(session) else {
            return Taken::Yes;
        };
        let done = self.part_of(session, frame).map_or(0, |part| part.items);
        self.turn.items += match frame.header.count {
            _ if opcode.is_some_and(takes_parts) => 1, // the rest are counted one by one
            count => usize::from(count).saturating_sub(done).max(1),
        };
        (self.turn.worst, self.turn.whole) = (worst, whole);
        if never {
            self.refuse(session, request_id, ResultCode::TooManyItems, false);
            return Taken::Yes;
        }
        let taken = match self.admit((session, state), frame) {
            Ok(request) => self.dispatch(session, state, request_id, request),
            Err(code) => {
                self.parts.remove(&session);
                self.refuse(session, request_id, code, false);
                Taken::Yes
            }
        };
        self.tally.frames += u64::from(taken == Taken::Yes);
        taken
    }

    /// Answers a session by an error frame, in order behind its earlier replies.
    pub fn refuse(&mut self, session: SessionId, request_id: u64, code: ResultCode, close: bool) {
        ShardMetrics::frame_error(code.name());
        let retry_after_ms = match code {
            ResultCode::Overloaded => limits::OVERLOADED_RETRY_AFTER_MS,
            _ => 0,
        };
        let reply = ErrorReply {
            code,
            retry_after_ms,
            text: code.meaning(),
        };
        reply.put_frame(self.gate.buffer(), request_id);
        self.gate.note(session, 1, close || reply.closes());
    }

    /// Ends the turn: one batch, one gate. True where it executed or journaled anything.
    pub fn end_turn(&mut self, now_ns: u64) -> bool {
        if !self.turn.open {
            return false;
        }
        self.turn.open = false;
        let sequence = self.records.next_sequence() - 1;
        self.subscriptions
            .publish(&mut self.engine, &mut self.gate, sequence);
        if !self.records.is_empty() {
            if let Err(source) = self.journal.append(self.engine.now_ms(), &self.records) {
                self.failure = Some(ShardFailure::Append {
                    shard: self.number,
                    source,
                });
                return true;
            }
            self.journal_bytes += self.records.bytes().len() as u64 + 64;
        }
        self.gate.decided(Outcomes {
            accepted: self.tally.accepted > 0,
            rejected: self.tally.rejected > 0,
        });
        self.gate.end(self.journal.next_sequence(), now_ns);
        self.answers.end(self.journal.next_sequence());
        let worked = self.turn.items > 0 || !self.records.is_empty();
        if worked {
            self.count_turn(now_ns);
        }
        worked
    }

    /// Hands out the replies of every turn whose records are acknowledged.
    pub fn release(&mut self, now_ns: u64, send: impl FnMut(Released<'_>)) {
        let metrics = &self.metrics;
        self.answers.release(self.journal.acknowledged());
        self.gate
            .release(self.journal.acknowledged(), send, |times: TurnTimes| {
                let since = |start_ns| crate::metrics::seconds_between(start_ns, now_ns);
                metrics.durable_seconds.record(since(times.appended_ns));
                let answered = since(times.started_ns);
                metrics.answer_seconds.record(answered);
                if times.outcomes.accepted {
                    metrics.accepted_seconds.record(answered);
                }
                if times.outcomes.rejected {
                    metrics.rejected_seconds.record(answered);
                }
            });
    }

    /// Notices a failed sync.
    fn check_journal(&mut self) {
        if self.failure.is_none() && self.journal.is_failed() {
            let synced = self.journal.synced();
            self.failure = Some(ShardFailure::Sync {
                shard: self.number,
                synced,
            });
        }
    }

    /// True where the next turn should start without waiting for a socket: replies to hand out at
    /// this mark, or, where there is room for them, sessions to welcome, timers behind, or local
    /// requests.
    pub fn has_work(&mut self, acknowledged: u64) -> bool {
        if self.gate.is_due(acknowledged) || self.answers.is_due(acknowledged) {
            return true;
        }
        let wanted = self.timers_behind || !self.openings.is_empty() || self.has_local_requests();
        wanted && self.has_room()
    }

    /// Records the synced mark where no turn will: to be called when there is nothing to do. True
    /// where an empty batch was written. Its time is the engine's and not the clock's, for the
    /// next turn may have to stop at a timer that the clock has passed.
    ///
    /// # Errors
    /// If the journal does not take it; nothing is lost by that.
    pub fn idle(&mut self) -> Result<bool, AppendError> {
        let time_ms = self.engine.now_ms();
        self.journal.idle(time_ms)
    }

    /// When the next turn is due without any frame, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let events = self.subscriptions.due_ms(self.engine.now_ms());
        self.engine
            .next_deadline_ms()
            .into_iter()
            .chain(events)
            .min()
    }

    /// No reply is held back.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.gate.is_empty() && self.answers.is_empty()
    }

    /// Why this shard stopped, once it has.
    pub fn failure(&mut self) -> Option<&ShardFailure> {
        self.check_journal();
        self.failure.as_ref()
    }

    /// The engine, for queries and checks from outside.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The journal, for its marks and its wake-up flags.
    pub fn journal_mut(&mut self) -> &mut Appender<S> {
        &mut self.journal
    }

    /// The journal, for its marks.
    #[must_use]
    pub fn journal(&self) -> &Appender<S> {
        &self.journal
    }

    /// Clean shutdown, after the last turn: the state's digest and the synced mark are journaled,
    /// so that the next start (and `onhand verify`) can compare.
    ///
    /// # Errors
    /// If the journal cannot take or sync the last batch.
    pub fn shut_down(mut self, syncer: &mut Syncer<S>) -> Result<(), CloseError> {
        let now_ms = self.engine.now_ms().max(self.journal.last_time_ms());
        self.journal.begin(&mut self.records);
        self.engine.push_state_digest(&mut self.records);
        self.journal.append(now_ms, &self.records)?;
        self.journal.close(syncer, now_ms)
    }
}
