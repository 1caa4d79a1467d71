//! Ends and starts of the process: what may survive, what must, and what was recovered.

use super::disk::{SimDisk, Survival};
use super::harness::{Sim, TurnDone};
use super::model::Model;
use super::node::Node;
use super::request::Request;
use super::tail;
use onhand::engine::Engine;
use onhand::journal::OpenError;
use onhand::journal::layout::segment_name;
use std::sync::Arc;

/// Most attempts at one start while syncs fail on purpose.
const BROKEN_STARTS_MAX: u32 = 3;

impl Sim {
    /// Power goes, and comes back.
    pub(super) fn crash(&mut self) {
        self.work_on_before_the_end();
        self.lose_process();
        let survival = self.survival();
        self.trace.note(|| format!("crash: {survival:?}"));
        self.disk = self.disk.crash(survival);
        self.start(false);
    }

    /// The process is killed, and started again.
    pub(super) fn kill(&mut self) {
        self.lose_process();
        self.trace.note(|| "kill".to_owned());
        self.disk = self.disk.kill();
        self.start(true);
    }

    /// A crash may come at any moment; often it comes while several turns wait for their sync.
    fn work_on_before_the_end(&mut self) {
        for _ in 0..self.faults.below(6) {
            for _ in 0..self.faults.below(12) {
                self.send();
            }
            self.turn();
        }
        if self.faults.chance(300) {
            self.deliver();
        }
    }

    fn lose_process(&mut self) {
        self.node = None;
        self.expected.clear();
        self.openings.clear();
        self.clients.disconnect_all();
    }

    fn survival(&mut self) -> Survival {
        Survival {
            kept_per_mille: *self.faults.pick(&[0, 200, 500, 500, 900, 1_000]),
            torn_per_mille: *self.faults.pick(&[0, 100, 500]),
            changes_per_mille: *self.faults.pick(&[0, 500, 1_000]),
        }
    }

    /// Starts the process on what is on the disk. `whole` tells that nothing appended may be
    /// missing, since only the process went.
    pub(super) fn start(&mut self, mut whole: bool) {
        self.disk.set_full(false);
        self.plant_spare();
        whole &= !self.break_starts();
        let flip = self.faults.chance(400) && self.flips;
        let before = flip.then(|| self.disk.fork());
        let node = match self.open(&self.disk.clone()) {
            Ok(node) => node,
            Err(error) => panic!("the journal does not open: {error}"),
        };
        self.coverage.starts += 1;
        self.coverage.torn_tails += u64::from(node.report.torn);
        self.coverage.holes += u64::from(node.report.cut_batches_seen > 0);
        let report = node.report.clone();
        self.trace.note(|| format!("started: {report:?}"));
        let recovered = report.records + 1;
        let digest = node.shard.engine().digest();
        self.node = Some(node);
        self.take_over(recovered, whole, digest);
        self.count_recycled();
        if let Some(before) = before {
            self.flip_bits(&before, report.records, digest);
        }
        self.first_turn();
        self.compare_with_model();
    }

    fn open(&mut self, disk: &SimDisk) -> Result<Node, OpenError> {
        self.lives += 1;
        Node::start(disk, &self.options, self.clock, self.seed, self.lives)
    }

    /// Some recoveries meet a failing sync; whatever they left behind, the next one copes with it.
    /// True where a power cut followed one of them.
    fn break_starts(&mut self) -> bool {
        let mut crashed = false;
        for _ in 0..BROKEN_STARTS_MAX {
            if !self.faults.chance(250) {
                break;
            }
            self.disk.fail_syncs(self.faults.below(4) as u32, 1);
            let attempt = self.open(&self.disk.clone());
            self.trace
                .note(|| format!("a start meets a failing sync: {}", attempt.is_ok()));
            self.coverage.recoveries_broken += u64::from(attempt.is_err());
            self.attempts += 1;
            if let Err(error) = &attempt {
                assert!(
                    matches!(error, OpenError::Io { .. }),
                    "a failing sync is told as such: {error}"
                );
            }
            drop(attempt);
            if self.faults.chance(500) {
                let survival = self.survival();
                self.disk = self.disk.crash(survival);
                crashed = true;
            } else {
                self.disk = self.disk.kill();
            }
        }
        crashed
    }

    /// Records up to `end` that the model does not know, and that may or may not be recovered,
    /// stand in the log like a turn.
    fn log_own(&mut self, end: u64) {
        let last = self.log.last();
        let before = last.map_or(self.base.next_sequence(), |turn| turn.end);
        self.log.push(TurnDone {
            now: 0,
            own_records: end - before,
            openings: Vec::new(),
            executed: Vec::new(),
            end,
            position: self.records_end,
            digest: None,
        });
    }

    /// Rolls the model back to what was recovered, and goes on from there.
    fn take_over(&mut self, recovered: u64, whole: bool, digest: [u8; 32]) {
        assert!(
            recovered >= self.revealed,
            "answers of records below {} had left, but only those below {recovered} were recovered",
            self.revealed
        );
        let live = self
            .log
            .last()
            .map_or(self.base.next_sequence(), |turn| turn.end);
        // A start that failed half-way may have left its own record.
        let attempts = std::mem::take(&mut self.attempts);
        assert!(
            recovered <= live + attempts,
            "nothing is recovered that never was"
        );
        assert!(
            recovered >= live || !whole,
            "a killed process loses nothing it had written"
        );
        let node = self.node.as_ref().expect("just started");
        let idle_starts = node.idle_starts.min(recovered - self.base.next_sequence());
        assert!(idle_starts <= attempts, "every start is somebody's");
        let turns_end = recovered - idle_starts;
        let mut model = self.base.clone();
        let mut last_digest = None;
        for turn in std::mem::take(&mut self.log) {
            if turn.end > turns_end {
                self.coverage.turns_lost += 1;
                continue;
            }
            self.coverage.turns_kept += u64::from(turn.end > self.revealed);
            let before = model.next_sequence();
            if turn.end > before {
                replay(&mut model, &turn);
            }
            last_digest = turn.digest.or(last_digest.filter(|_| turn.end == before));
        }
        model.skip_sequences(idle_starts);
        assert_eq!(
            model.next_sequence(),
            recovered,
            "recovery ends after a whole turn"
        );
        if let Some(live_digest) = last_digest {
            assert_eq!(digest, live_digest, "the recovered state is the live one");
        }
        model.skip_sequences(1);
        self.base = model.clone();
        self.model = model;
        self.revealed = recovered + 1;
        let shard = &self.node.as_ref().expect("just started").shard;
        let (sequence, position) = shard.journal().handover().appended();
        assert_eq!(sequence, recovered + 1, "a start writes one record");
        self.position = position;
        self.records_end = position;
        self.proven = position;
        self.segment_ends
            .retain(|&segment, _| segment < position.segment);
        self.images.retain(|image| !image.is_empty());
    }

    /// Ends what is due before anything is compared.
    fn first_turn(&mut self) {
        for _ in 0..1_000 {
            self.node().maintain();
            self.turn_with(0);
            let shard = &mut self.node().shard;
            let more = shard.has_work(shard.journal().acknowledged());
            let began = self.log.last().is_some();
            if began && !more {
                return;
            }
            self.node().sync();
            self.deliver();
        }
        panic!("a fresh process does not get to its first turn");
    }

    /// Leaves a copy of an earlier segment as a file to be used again.
    fn plant_spare(&mut self) {
        let segments: Vec<(String, usize)> = self
            .disk
            .names()
            .into_iter()
            .filter(|(name, _)| name.starts_with("segment-"))
            .collect();
        if segments.is_empty() || !self.faults.chance(600) {
            return;
        }
        let (name, size) = self.faults.pick(&segments).clone();
        self.images.push(self.disk.live_range(&name, 0..size));
        let image = self.faults.pick(&self.images).clone();
        let spare = format!("spare-{:010}.log", 1_000_000 + self.lives);
        self.disk.plant(&spare, image);
        self.planted.push(spare);
    }

    /// Planted files that are gone have become segments.
    pub(super) fn count_recycled(&mut self) {
        let names = self.disk.names();
        let before = self.planted.len();
        self.planted
            .retain(|planted| names.iter().any(|(name, _)| name == planted));
        self.coverage.recycled += (before - self.planted.len()) as u64;
    }

    /// Flips single bits of finished segments on copies of the disk: each copy is refused, or
    /// gives the same state.
    fn flip_bits(&mut self, disk: &SimDisk, records: u64, digest: [u8; 32]) {
        for _ in 0..4 {
            let ends: Vec<(u32, u32)> = self.segment_ends.iter().map(|(s, e)| (*s, *e)).collect();
            if ends.is_empty() {
                return;
            }
            let (segment, end) = *self.faults.pick(&ends);
            let offset = if self.faults.chance(100) {
                self.faults.index(64)
            } else {
                let start = tail::first_position(segment).offset as usize;
                start + self.faults.index(end as usize - start)
            };
            let bit = self.faults.below(8) as u8;
            let copy = disk.fork();
            copy.flip(&segment_name(segment), offset, bit);
            match Node::start(&copy, &self.options, self.clock, self.seed, self.lives) {
                Err(OpenError::Damage(_)) => self.coverage.damage_refused += 1,
                Err(other) => panic!("a flipped bit is told as damage, not as: {other}"),
                Ok(node) => {
                    self.coverage.damage_harmless += 1;
                    assert_eq!(
                        (node.report.records, node.shard.engine().digest()),
                        (records, digest),
                        "bit {bit} of byte {offset} of segment {segment} changed the state"
                    );
                }
            }
        }
    }

    /// Everything under way arrives, is executed, becomes durable and is answered.
    pub(super) fn settle(&mut self) {
        self.disk.set_full(false);
        self.disk.fail_syncs(0, 0);
        for _ in 0..10_000 {
            if self.clients.is_quiet() && self.node().shard.is_quiet() {
                self.compare_with_model();
                return;
            }
            self.node().maintain();
            self.turn();
            self.node().sync();
            self.deliver();
        }
        panic!("the shard does not come to rest");
    }

    /// A clean shutdown: a digest of the state, an empty batch that says that all was synced.
    pub(super) fn shut_down(&mut self) {
        let digest = self.node().shard.engine().digest();
        let node = self.node.take().expect("it runs");
        let (shard, mut syncer) = node.into_parts();
        let handover = Arc::clone(shard.journal().handover());
        let closed = shard.shut_down(&mut syncer);
        closed.expect("a healthy journal closes");
        self.lose_process();
        self.log_own(handover.appended().0);
        if let Some(turn) = self.log.last_mut() {
            turn.digest = Some(digest);
        }
        self.revealed = self.log.last().map_or(self.revealed, |turn| turn.end);
        self.coverage.shutdowns += 1;
        self.trace.note(|| "clean shutdown".to_owned());
        let survival = self.survival();
        self.disk = self.disk.crash(survival);
    }
}

/// Does in the model what a logged turn did.
fn replay(model: &mut Model, turn: &TurnDone) {
    model.skip_sequences(turn.own_records);
    if turn.now > 0 {
        model.begin_turn(turn.now);
    }
    for (tenant, actor) in &turn.openings {
        model.open_session(tenant, actor);
    }
    for (tenant, requests) in &turn.executed {
        for request in requests {
            model.execute(*tenant, request);
        }
    }
    assert_eq!(model.next_sequence(), turn.end, "the model repeats itself");
}

/// The engine's whole observable state against the model's.
impl Sim {
    pub(super) fn compare_with_model(&mut self) {
        let engine: &Engine = self.node.as_ref().expect("it runs").shard.engine();
        if let Err(broken) = engine.check_invariants() {
            panic!("{broken}");
        }
        for tenant in 0..self.model.tenants() {
            for sku in 0..self.model.skus() {
                let request = Request::QueryStock { sku };
                let found = super::node::ask(engine, tenant, &request);
                assert_eq!(found, self.model.execute(tenant, &request), "{request:?}");
            }
            for order in self.model.order_keys(tenant) {
                let request = Request::QueryOrder { order };
                let found = super::node::ask(engine, tenant, &request);
                assert_eq!(found, self.model.execute(tenant, &request), "{request:?}");
            }
        }
    }
}
