//! An engine thread: the poll loop of `net` around the turns of `shard`.

use crate::clock::{self, EngineClock};
use crate::journal::storage::Storage;
use crate::net::{Delivery, Intake, Opening, Service};
use crate::shard::{SessionOpening, Shard, Taken};
use crate::types::{ResultCode, SessionId};
use crate::wire::frame::Frame;

/// How often gauges are refreshed, in milliseconds.
const GAUGES_INTERVAL_MS: u64 = 250;

/// A shard as the poll loop sees it.
pub(super) struct ShardService<S: Storage> {
    shard: Shard<S>,
    clock: EngineClock,
    gauges_at_ms: u64,
    /// Something changed since the gauges were refreshed.
    stale: bool,
}

impl<S: Storage> ShardService<S> {
    pub fn new(shard: Shard<S>, clock: EngineClock) -> Self {
        Self {
            shard,
            clock,
            gauges_at_ms: 0,
            stale: true,
        }
    }

    pub fn into_shard(self) -> Shard<S> {
        self.shard
    }

    fn refresh_gauges(&mut self, now_ms: u64) {
        if self.stale && now_ms >= self.gauges_at_ms {
            self.gauges_at_ms = now_ms + GAUGES_INTERVAL_MS;
            self.stale = false;
            self.shard.publish_gauges();
        }
    }
}

impl<S: Storage> Service for ShardService<S> {
    fn open(&mut self, session: SessionId, opening: &Opening) {
        self.shard.open(
            session,
            SessionOpening {
                tenant: opening.tenant.clone(),
                actor: opening.actor.clone(),
                role: opening.role,
                request_id: opening.request_id,
            },
        );
    }

    fn close(&mut self, session: SessionId) {
        self.shard.close(session);
    }

    fn set_congested(&mut self, session: SessionId, congested: bool) {
        self.shard.set_congested(session, congested);
    }

    fn begin_turn(&mut self) -> bool {
        self.shard
            .begin_turn(self.clock.now_ms(), clock::monotonic_ns())
    }

    fn prefetch(&self, session: SessionId, frame: &Frame<'_>) {
        self.shard.prefetch(session, frame);
    }

    fn frame(&mut self, session: SessionId, frame: &Frame<'_>) -> Intake {
        match self.shard.frame(session, frame) {
            Taken::Yes => Intake::Taken,
            Taken::Full => Intake::Full,
        }
    }

    fn refuse(&mut self, session: SessionId, request_id: u64, code: ResultCode, close: bool) {
        self.shard.refuse(session, request_id, code, close);
    }

    fn end_turn(&mut self) {
        self.stale |= self.shard.end_turn(clock::monotonic_ns());
    }

    fn deliver(&mut self, send: &mut dyn FnMut(Delivery<'_>)) {
        self.shard.release(clock::monotonic_ns(), |released| {
            send(Delivery {
                session: released.session,
                bytes: released.bytes,
                frames: released.frames,
                close: released.close,
            });
        });
    }

    fn before_wait(&mut self) -> Option<u64> {
        let now_ms = self.clock.now_ms();
        self.refresh_gauges(now_ms);
        if self.shard.has_work() || self.shard.failure().is_some() {
            return Some(0);
        }
        if let Err(error) = self.shard.idle() {
            tracing::debug!(%error, "the synced mark could not be recorded while idle");
        }
        let journal = self.shard.journal_mut();
        let seen = journal.acknowledged();
        if !journal.handover().engine_sleeps(seen) {
            return Some(0);
        }
        let gauges = self.stale.then_some(self.gauges_at_ms);
        let due_ms = self
            .shard
            .next_deadline_ms()
            .into_iter()
            .chain(gauges)
            .min()?;
        Some(due_ms.saturating_sub(now_ms))
    }

    fn after_wait(&mut self) {
        self.shard.journal().handover().engine_woke();
    }

    fn is_quiet(&self) -> bool {
        self.shard.is_quiet()
    }

    fn failure(&mut self) -> Option<String> {
        self.shard
            .failure()
            .map(|failure| super::error::chain(failure))
    }
}
