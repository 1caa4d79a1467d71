//! One run: a seed drives clients, network, engine, sync, maintenance, clock and crashes.
//!
//! ```text
//!  workload ─▶ clients ─▶ frames in flight ─▶ turn ─▶ held replies ─▶ clients
//!                                              │  ╲            ▲
//!                                       journal on SimDisk      ╲ compared, answer by answer
//!                                              │                 model
//!                crash ─▶ surviving image ─▶ recovery ─▶ compared with the model of that prefix
//! ```
//!
//! What is checked:
//! - every answer that leaves the shard is the one that the model predicts, in the order in which
//!   the session asked;
//! - when an answer leaves, the durable image of the disk holds every batch up to its turn;
//! - after every turn the engine's own invariants hold, sequence and time only grow, and the batch
//!   on disk has as many records as the model counted;
//! - after every start, what was recovered is the state after some whole turn, not before the last
//!   one of which an answer left; stock and orders are compared with the model rolled back to that
//!   turn, and the digest with the one that the live engine had then;
//! - damage at rest is refused, or changes nothing.

use super::clients::Clients;
use super::coverage::Coverage;
use super::disk::SimDisk;
use super::model::{Memory, Model};
use super::node::{Node, NodeOptions};
use super::prng::{Salt, Stream};
use super::request::{Answer, Request};
use super::trace::Trace;
use onhand::engine::EngineOptions;
use onhand::journal::{JournalOptions, Position, Room};
use onhand::types::SessionId;
use std::collections::{BTreeMap, VecDeque};

/// Wall clock at the begin of every run: some day in 2027.
const CLOCK_START_MS: u64 = 1_800_000_000_000;

/// What a turn did, so that the model can do it again after a crash.
#[derive(Clone, Debug)]
pub(super) struct TurnDone {
    pub(super) now: u64,
    pub(super) own_records: u64,
    pub(super) openings: Vec<(String, String)>,
    pub(super) executed: Vec<(u16, Vec<Request>)>,
    /// The sequence after its last record, and where its batch ends.
    pub(super) end: u64,
    pub(super) position: Position,
    pub(super) digest: Option<[u8; 32]>,
}

/// Answers that wait to leave the shard.
pub(super) struct Expected {
    pub(super) request_id: u64,
    pub(super) reply: Reply,
    /// The sequence after the last record that they reveal.
    pub(super) gate: u64,
}

pub(super) enum Reply {
    Hello,
    Answers(Vec<Request>, Vec<Answer>),
    Refused(onhand::types::ResultCode),
}

/// How long a run is.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub commands: u64,
    pub crashes: u64,
    /// Also look at copies of the disk with flipped bits.
    pub flips: bool,
}

/// One simulated run.
pub struct Sim {
    pub(super) seed: u64,
    pub(super) schedule: Stream,
    pub(super) faults: Stream,
    pub(super) jitter: Stream,
    pub(super) weights: Vec<u32>,
    pub(super) disk: SimDisk,
    pub(super) options: NodeOptions,
    pub(super) node: Option<Node>,
    steps: u64,
    pub(super) flips: bool,
    pub(super) lives: u64,
    /// Starts that came to nothing since the last one that lasted.
    pub(super) attempts: u64,
    pub(super) clock: u64,
    pub(super) clients: Clients,
    /// The model as of the last start, and as of now.
    pub(super) base: Model,
    pub(super) model: Model,
    pub(super) log: Vec<TurnDone>,
    pub(super) expected: BTreeMap<SessionId, VecDeque<Expected>>,
    pub(super) openings: Vec<(SessionId, u64, String, String)>,
    /// The sequence below which everything was revealed to somebody.
    pub(super) revealed: u64,
    /// Where the last batch ends, where the last one with records does, and how far the durable
    /// image was compared.
    pub(super) position: Position,
    pub(super) records_end: Position,
    pub(super) proven: Position,
    pub(super) segment_ends: BTreeMap<u32, u32>,
    /// Images of segments, and the names under which copies of some were left to be used again.
    pub(super) images: Vec<Vec<u8>>,
    pub(super) planted: Vec<String>,
    pub coverage: Coverage,
    pub trace: Trace,
}

/// More steps than any run needs.
const STEPS_MAX: u64 = 300_000;

/// Kinds of steps with their usual weight.
const STEPS: [(Step, u32); 9] = [
    (Step::Send, 40),
    (Step::Turn, 14),
    (Step::Sync, 10),
    (Step::Maintain, 10),
    (Step::Deliver, 10),
    (Step::Clock, 8),
    (Step::Disconnect, 1),
    (Step::Space, 1),
    (Step::Idle, 2),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Send,
    Turn,
    Sync,
    Maintain,
    Deliver,
    Clock,
    Disconnect,
    Space,
    Idle,
}

impl Sim {
    pub fn new(seed: u64, trace: Trace) -> Self {
        let mut schedule = Stream::new(seed, Salt::Schedule);
        let mut faults = Stream::new(seed, Salt::Faults);
        let base: Vec<u32> = STEPS.iter().map(|step| step.1).collect();
        let mut weights = schedule.swarm(&base);
        // Without these five nothing gets on, and connections that only break get nowhere.
        for index in 0..5 {
            weights[index] = weights[index].max(base[index] / 2);
        }
        weights[Step::Disconnect as usize] = weights[Step::Disconnect as usize].min(4);
        let memory = Memory {
            rejections: *faults.pick(&[1 << 20, 1 << 20, 8, 100]),
            commands: *faults.pick(&[1 << 20, 1 << 20, 8, 100]),
            ended_order_ms: *faults.pick(&[30 * 24 * 3_600_000, 30 * 24 * 3_600_000, 20_000]),
        };
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        // A turn takes no frame that could need more than a batch, a quarter of a segment.
        let (segment_bytes, frame_bytes_max) =
            *faults.pick(&[(64 << 10, 700), (64 << 10, 700), (128 << 10, 1_800)]);
        let options = NodeOptions {
            journal: JournalOptions {
                segment_bytes,
                prepared_segments: *faults.pick(&[1, 2, 2, 4]) as u32,
                ..JournalOptions::default()
            },
            engine: EngineOptions {
                secret,
                rejections_kept: memory.rejections,
                commands_kept: memory.commands,
                ended_order_kept_ms: memory.ended_order_ms,
                ..EngineOptions::default()
            },
        };
        Self {
            clients: Clients::new(seed, frame_bytes_max),
            disk: SimDisk::new(seed),
            jitter: Stream::new(seed, Salt::Jitter),
            base: Model::new(memory),
            model: Model::new(memory),
            seed,
            schedule,
            faults,
            weights,
            options,
            node: None,
            steps: 0,
            flips: true,
            lives: 0,
            attempts: 0,
            clock: CLOCK_START_MS,
            log: Vec::new(),
            expected: BTreeMap::new(),
            openings: Vec::new(),
            revealed: 1,
            position: Position::default(),
            records_end: Position::default(),
            proven: Position::default(),
            segment_ends: BTreeMap::new(),
            images: Vec::new(),
            planted: Vec::new(),
            coverage: Coverage::default(),
            trace,
        }
    }

    /// Runs to the end: commands, crashes, a quiet end, a clean shutdown and a last look.
    pub fn run(&mut self, length: Length) {
        self.flips = length.flips;
        self.start(false);
        let mut crashes: Vec<u64> = (0..length.crashes)
            .map(|_| self.faults.between(length.commands / 20, length.commands))
            .collect();
        crashes.sort_unstable();
        crashes.reverse();
        while self.coverage.commands < length.commands || !crashes.is_empty() {
            if crashes
                .last()
                .is_some_and(|&at| self.coverage.commands >= at)
            {
                crashes.pop();
                self.crash();
            }
            self.step();
        }
        self.settle();
        self.shut_down();
        self.start(false);
        self.coverage.take(&self.disk.counts(), &self.model.counts);
    }

    fn step(&mut self) {
        self.steps += 1;
        assert!(
            self.steps < STEPS_MAX,
            "the run does not get on: {:?}",
            self.coverage
        );
        let step = STEPS[self.schedule.weighted(&self.weights)].0;
        match step {
            Step::Send => self.send(),
            Step::Turn => self.turn(),
            Step::Sync => self.sync(),
            Step::Maintain => self.maintain(),
            Step::Deliver => self.deliver(),
            Step::Clock => self.tick(),
            Step::Disconnect => self.disconnect(),
            Step::Space => {
                let full = self.faults.chance(300);
                self.trace.note(|| format!("disk full: {full}"));
                self.disk.set_full(full);
            }
            Step::Idle => self.idle(),
        }
        if step == Step::Turn && self.faults.below(300) == 0 {
            self.kill();
        }
        if step == Step::Turn && self.faults.below(300) == 0 {
            self.trace.note(|| "a sync to come fails".to_owned());
            self.disk.fail_syncs(self.faults.below(3) as u32, 1);
        }
    }

    pub(super) fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("the process runs between steps")
    }

    fn tick(&mut self) {
        let by = match self.jitter.below(200) {
            0 => self.jitter.between(1_000, 30_000),
            1..10 => self.jitter.between(100, 1_000),
            _ => self.jitter.between(0, 30),
        };
        self.clock += by;
    }

    pub(super) fn send(&mut self) {
        let fresh = self.clients.connect(&mut self.schedule);
        for (session, opening) in fresh {
            let names = (opening.tenant.clone(), opening.actor.clone());
            self.openings
                .push((session, opening.request_id, names.0, names.1));
            self.expected.insert(session, VecDeque::new());
            self.node().shard.open(session, opening);
        }
        self.clients.send(&mut self.schedule);
    }

    fn disconnect(&mut self) {
        let Some(session) = self.clients.disconnect(&mut self.schedule) else {
            return;
        };
        self.trace.note(|| format!("session {} breaks", session.0));
        self.coverage.disconnects += 1;
        self.openings.retain(|opening| opening.0 != session);
        self.node().shard.close(session);
    }

    fn sync(&mut self) {
        if !self.node().sync() {
            self.trace.note(|| "sync failed".to_owned());
            self.fail_over();
        }
    }

    /// The engine notices the failure, acknowledges nothing more, and the process ends.
    pub(super) fn fail_over(&mut self) {
        let mark = self.node().shard.journal().acknowledged();
        self.turn_fails();
        assert_eq!(self.node().shard.journal().acknowledged(), mark);
        self.deliver();
        self.kill();
    }

    fn turn_fails(&mut self) {
        let clock = self.clock;
        let shard = &mut self.node().shard;
        assert!(!shard.begin_turn(clock, 0), "no turn on a failed journal");
        assert!(shard.failure().is_some(), "the shard knows why");
    }

    fn maintain(&mut self) {
        for _ in 0..*self.schedule.pick(&[1, 1, 2, 5, 20]) {
            if !self.node().maintain() {
                return;
            }
        }
    }

    fn idle(&mut self) {
        let node = self.node();
        let acknowledged = node.shard.journal().acknowledged();
        if node.shard.is_quiet()
            && !node.shard.has_work(acknowledged)
            && node.shard.journal_mut().room() != Room::None
        {
            let wrote = node.shard.idle();
            let wrote = wrote.expect("there is room for an empty batch");
            if wrote {
                self.trace.note(|| "empty batch".to_owned());
                let seen = self.see_batch();
                assert_eq!(seen.records, 0);
            }
        }
    }
}
