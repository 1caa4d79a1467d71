//! An engine thread: the poll loop of `net` around the turns of `shard`.

use crate::clock::{self, EngineClock};
use crate::journal::storage::Storage;
use crate::net::{BLOCKED_WAIT_MS, Delivery, Intake, Opening, Service};
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

    /// How long the thread may block at `now_ms`, having seen the mark `seen`; see
    /// [`Service::before_wait`].
    fn wait_ms(&mut self, now_ms: u64, seen: u64) -> Option<u64> {
        if self.shard.has_work(seen) || self.shard.failure().is_some() {
            return Some(0);
        }
        if let Err(error) = self.shard.idle() {
            tracing::debug!(%error, "the synced mark could not be recorded while idle");
        }
        if !self.shard.journal().handover().engine_sleeps(seen) {
            return Some(0);
        }
        if !self.shard.has_room() {
            return Some(BLOCKED_WAIT_MS);
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

    fn has_room(&mut self) -> bool {
        self.shard.has_room()
    }

    fn before_wait(&mut self) -> Option<u64> {
        // Read before anything is decided by it: a mark that moves while this thread makes up its
        // mind is one that it has not seen, and so it does not sleep.
        let seen = self.shard.journal().acknowledged();
        let now_ms = self.clock.now_ms();
        self.refresh_gauges(now_ms);
        self.wait_ms(now_ms, seen)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{MappedStorage, SyncProgress, Syncer};
    use crate::limits::TURNS_IN_FLIGHT_MAX;
    use crate::shard::local::played::shard_on;
    use crate::types::Role;
    use std::path::Path;

    fn service_on(directory: &Path) -> (ShardService<MappedStorage>, Syncer<MappedStorage>) {
        let (shard, syncer) = shard_on(directory);
        let clock = EngineClock::start(shard.engine().now_ms());
        (ShardService::new(shard, clock), syncer)
    }

    /// A turn that greets a session of a new tenant, which is journaled: its reply waits for the disk.
    fn greet(service: &mut ShardService<MappedStorage>, number: u64) -> bool {
        let opening = Opening {
            tenant: format!("tenant-{number}"),
            actor: "test".to_owned(),
            role: Role::Admin,
            client: String::new(),
            request_id: 0,
        };
        service.open(SessionId(number), &opening);
        let began = service.begin_turn();
        service.end_turn();
        began
    }

    #[test]
    fn a_mark_that_moves_before_the_thread_sleeps_keeps_it_awake() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut service, mut syncer) = service_on(directory.path());
        assert!(greet(&mut service, 1));
        let now_ms = service.clock.now_ms();
        service.refresh_gauges(now_ms);
        let seen = service.shard.journal().acknowledged();
        assert_ne!(
            service.wait_ms(now_ms, seen),
            Some(0),
            "the disk is waited for"
        );
        service.after_wait();
        assert_ne!(syncer.step(), SyncProgress::Failed);
        assert_eq!(
            service.wait_ms(now_ms, seen),
            Some(0),
            "nobody will wake it for a mark that moved before it slept"
        );
    }

    #[test]
    fn work_that_waits_for_room_does_not_keep_the_thread_busy() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut service, mut syncer) = service_on(directory.path());
        let turns = TURNS_IN_FLIGHT_MAX as u64;
        for number in 0..turns {
            assert!(greet(&mut service, number), "turn {number}");
            assert_eq!(service.has_room(), number + 1 < turns);
        }
        assert!(
            !greet(&mut service, turns),
            "replies held back take no more"
        );
        assert_eq!(service.before_wait(), Some(BLOCKED_WAIT_MS));
        assert_ne!(syncer.step(), SyncProgress::Failed);
        service.deliver(&mut |_| {});
        assert!(service.has_room());
        assert_eq!(
            service.before_wait(),
            Some(0),
            "the last session is to be greeted"
        );
    }
}
