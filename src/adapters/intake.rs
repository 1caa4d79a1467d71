//! A lane's intake from one shard: the journal's effects into the queues of their providers.
//!
//! ```text
//!  journal  …  E  E  E  E  E  E  E  E
//!              ▲              ▲ main tail: never waits
//!              └ tail left behind by the one queue that is full
//! ```
//!
//! A queue is full where a provider is slow, or has a limit. The main tail then goes on for all the
//! others, and a tail of its own stays where the full queue began to miss effects; it goes on
//! when there is room, and is given up when it has caught up. So memory is bounded, nothing is
//! lost, and a backlog delays nothing but itself. What is undone while it is still in the journal is
//! left out there.

use super::facts::OrderFactsStore;
use super::queue::ProviderQueue;
use super::task::{CLASSES, EffectId, Task};
use crate::engine::record::{ProcessRecord, Record, kind};
use crate::feed::{FeedError, FeedProgress, Place, ShardJournal, Tail};
use crate::types::effect::{Lane, ProviderId};
use crate::types::pipeline::PipelineSet;
use crate::types::record::{RawRecord, Records};
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Batches that one step reads at most, so that a lane looks at its timers in between.
const STEP_BATCHES_MAX: usize = 64;

/// What a step found to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Read {
    /// Nothing new.
    Nothing,
    /// Something, and no more than that.
    All,
    /// As much as one step may: there is more at once.
    Part,
}

/// The queues of a lane. The last one takes what no configured provider serves.
pub(super) struct Queues {
    names: Vec<String>,
    by_place: Vec<Arc<ProviderQueue>>,
    /// Effects ever put in; counted by the lane's thread alone.
    pushed: Cell<u64>,
}

impl Queues {
    /// Queues of the providers `names`, and one more.
    pub fn new(names: Vec<String>) -> Self {
        let by_place = (0..=names.len()).map(|_| Arc::default()).collect();
        Self {
            names,
            by_place,
            pushed: Cell::new(0),
        }
    }

    /// All of them: the providers' in their order, then that of the unserved.
    pub fn all(&self) -> &[Arc<ProviderQueue>] {
        &self.by_place
    }

    fn place(&self, provider: Option<&String>) -> usize {
        let found = provider.and_then(|name| self.names.iter().position(|one| one == name));
        found.unwrap_or(self.names.len())
    }

    /// How many effects were ever put in.
    pub fn pushed(&self) -> u64 {
        self.pushed.get()
    }

    fn push(&self, place: usize, task: Task) {
        self.pushed.set(self.pushed.get() + 1);
        if let Some(queue) = self.by_place.get(place) {
            queue.push(task);
        }
    }

    fn has_room(&self, (place, class): Key) -> bool {
        self.by_place
            .get(place)
            .is_none_or(|queue| queue.has_room(class))
    }
}

/// A queue's place among those of its lane, and a class.
type Key = (usize, usize);

/// What a full queue has yet to take.
struct Behind {
    tail: Box<dyn Tail>,
    /// Effects that something undoes, which the main tail has seen. They leave no more, where the
    /// tail has not passed them.
    undone: HashSet<EffectId>,
}

/// The intake of one lane from one shard.
pub(super) struct Intake {
    lane: Lane,
    shard: u16,
    journal: Arc<dyn ShardJournal>,
    /// Names of the shard's providers by their number.
    providers: Vec<String>,
    main: Box<dyn Tail>,
    behind: BTreeMap<Key, Behind>,
}

impl Intake {
    /// An intake that begins at `from`, with the shard's providers as they are there.
    pub fn new(
        lane: Lane,
        journal: Arc<dyn ShardJournal>,
        providers: Vec<String>,
        from: Place,
    ) -> Self {
        Self {
            lane,
            shard: journal.shard(),
            main: journal.tail(lane.name(), from),
            journal,
            providers,
            behind: BTreeMap::new(),
        }
    }

    /// Puts an effect that was started before this process into its queue.
    pub fn resume(&self, queues: &Queues, task: Task) {
        queues.push(self.place(queues, task.effect.provider), task);
    }

    /// Reads on, as far as there is something to read, in bounded steps.
    ///
    /// # Errors
    /// The journal cannot be read below the acknowledged mark.
    pub fn step(&mut self, queues: &Queues, facts: &OrderFactsStore) -> Result<Read, FeedError> {
        let mut read = self.catch_up(queues)?;
        for _ in 0..STEP_BATCHES_MAX {
            self.leave_behind(queues);
            let (lane, shard) = (self.lane, self.shard);
            let (providers, behind) = (&mut self.providers, &mut self.behind);
            let progress = self.main.next(&mut |batch| {
                for (sequence, record) in (batch.sequence..).zip(Records::new(batch.payload)) {
                    facts.take(shard, sequence, batch.time_ms, &record);
                    if record.kind == kind::PIPELINES_DEFINED {
                        learn(providers, &record);
                        continue;
                    }
                    let Some(task) = Task::of(lane, shard, batch.time_ms, &record) else {
                        continue;
                    };
                    let name = name_of(providers, task.effect.provider);
                    let key = (queues.place(name), task.class());
                    if let Some((target, class)) = task.undoes()
                        && let Some(left) = behind.get_mut(&(key.0, class))
                    {
                        left.undone.insert(target);
                    }
                    if !behind.contains_key(&key) {
                        queues.push(key.0, task);
                    }
                }
            })?;
            if progress == FeedProgress::CaughtUp {
                return Ok(read);
            }
            read = read.max(Read::All);
        }
        Ok(Read::Part)
    }

    /// True where a queue is full, so that its effects wait in the journal.
    pub fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Publishes how far the main tail is behind.
    pub fn publish_lag(&self) {
        self.main.publish_lag();
    }

    /// Leaves a tail at the present place for every queue that is full.
    fn leave_behind(&mut self, queues: &Queues) {
        for place in 0..queues.all().len() {
            for class in 0..CLASSES {
                let key = (place, class);
                if !queues.has_room(key) && !self.behind.contains_key(&key) {
                    let left = Behind {
                        tail: self.journal.tail(self.lane.name(), self.main.place()),
                        undone: HashSet::new(),
                    };
                    self.behind.insert(key, left);
                }
            }
        }
    }

    /// Lets the tails left behind go on for queues that have room again.
    fn catch_up(&mut self, queues: &Queues) -> Result<Read, FeedError> {
        let end = self.main.place().sequence;
        let mut read = Read::Nothing;
        let mut caught_up = Vec::new();
        for (&key, Behind { tail, undone }) in &mut self.behind {
            for batch in 1..=STEP_BATCHES_MAX {
                if tail.place().sequence >= end {
                    caught_up.push(key);
                    break;
                }
                if !queues.has_room(key) {
                    break;
                }
                let (lane, shard, providers) = (self.lane, self.shard, &self.providers);
                tail.next(&mut |batch| {
                    for record in Records::new(batch.payload) {
                        let task = Task::of(lane, shard, batch.time_ms, &record);
                        let Some(task) = task.filter(|task| task.class() == key.1) else {
                            continue;
                        };
                        let name = name_of(providers, task.effect.provider);
                        if queues.place(name) == key.0 && !undone.contains(&task.id()) {
                            queues.push(key.0, task);
                        }
                    }
                })?;
                let is_last = batch == STEP_BATCHES_MAX;
                read = read.max(if is_last { Read::Part } else { Read::All });
            }
        }
        for key in caught_up {
            self.behind.remove(&key);
        }
        Ok(read)
    }

    fn place(&self, queues: &Queues, provider: ProviderId) -> usize {
        queues.place(name_of(&self.providers, provider))
    }
}

fn name_of(providers: &[String], provider: ProviderId) -> Option<&String> {
    providers.get(usize::from(provider.0))
}

/// Numbers the providers of a new pipeline set as the engine does: those it did not know before get
/// the next numbers, in the set's order.
fn learn(providers: &mut Vec<String>, record: &RawRecord<'_>) {
    let Some(Record::Process(ProcessRecord::Pipelines(defined))) = Record::decode(record) else {
        return;
    };
    let set = PipelineSet::from_archive(defined.archive_version, defined.archive.0);
    for name in set.into_iter().flat_map(|set| set.providers) {
        if !providers.contains(&name) {
            providers.push(name);
        }
    }
}
