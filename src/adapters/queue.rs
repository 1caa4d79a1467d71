//! What waits for one provider, the most urgent first.
//!
//! What takes an effect back is more urgent than most effects, and must not reach the provider
//! before the effect itself, which would find nothing to take back and let the effect happen
//! behind it:
//!
//! ```text
//!  its effect   waits ─▶ it is withdrawn and does not leave   │
//!               is out ─▶ the undoing is held until its end   ├─▶ the undoing waits for its turn
//!               neither                                       │
//! ```
//!
//! Where the first attempt is withdrawn, no call of the effect ever left; the undoing says so with its
//! result, and what the provider does not find then is not on its way either.

use super::task::{CLASSES, EffectId, Task};
use crate::limits::PROVIDER_QUEUE_MAX;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Notify;

/// Effects that wait for one provider: a queue for each class of priority.
#[derive(Debug, Default)]
pub(super) struct ProviderQueue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    classes: [VecDeque<Task>; CLASSES],
    /// Effects that may be taken back, while they wait or are out.
    forward: HashMap<EffectId, Forward>,
}

/// Where an effect is that may be taken back.
#[derive(Debug)]
enum Forward {
    /// Its call has not left; `first`: no earlier one has either.
    Waits { first: bool },
    /// Something takes it back that is behind it in the queue.
    Withdrawn,
    /// Its call is out; with what takes it back, held until its end.
    Out(Vec<Task>),
}

/// An effect on its way to the provider.
pub(super) struct Taken {
    /// The effect.
    pub task: Task,
    queue: Arc<ProviderQueue>,
}

impl Drop for Taken {
    // However its call ends, what waits for the end must go on.
    fn drop(&mut self) {
        if self.task.can_be_undone() {
            self.queue.ended(self.task.id());
        }
    }
}

impl ProviderQueue {
    /// Adds an effect behind those of its class.
    pub fn push(&self, task: Task) {
        let added = self.waiting.lock().push(task);
        if added {
            self.arrived.notify_one();
        }
    }

    /// True where the class takes more. The bound is soft by what one journal batch starts.
    pub fn has_room(&self, class: usize) -> bool {
        let waiting = self.waiting.lock();
        let class = waiting.classes.get(class);
        class.is_none_or(|queue| queue.len() < PROVIDER_QUEUE_MAX)
    }

    /// The oldest effect of the most urgent class; waits for one.
    pub async fn pop(self: &Arc<Self>) -> Taken {
        loop {
            if let Some(task) = self.waiting.lock().pop() {
                let queue = Arc::clone(self);
                return Taken { task, queue };
            }
            // `notify_one` leaves a permit if nobody waits yet, so nothing is missed.
            self.arrived.notified().await;
        }
    }

    /// Effects that wait.
    pub fn len(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.classes.iter().map(VecDeque::len).sum()
    }

    fn ended(&self, id: EffectId) {
        let ended = self.waiting.lock().forward.remove(&id);
        if let Some(Forward::Out(held)) = ended {
            for task in held {
                self.push(task);
            }
        }
    }
}

impl Waiting {
    /// False where the effect is held.
    fn push(&mut self, mut task: Task) -> bool {
        if let Some((target, _)) = task.undoes() {
            match self.forward.get_mut(&target) {
                Some(Forward::Out(held)) => {
                    held.push(task);
                    return false;
                }
                Some(target) => {
                    task.withdrew = matches!(target, Forward::Waits { first: true });
                    *target = Forward::Withdrawn;
                }
                None => {}
            }
        } else if task.can_be_undone() {
            let first = task.is_first();
            let forward = self.forward.entry(task.id());
            forward.or_insert(Forward::Waits { first });
        }
        if let Some(queue) = self.classes.get_mut(task.class()) {
            queue.push_back(task);
        }
        true
    }

    fn pop(&mut self) -> Option<Task> {
        loop {
            let task = self.classes.iter_mut().find_map(VecDeque::pop_front)?;
            if !task.can_be_undone() {
                return Some(task);
            }
            match self.forward.get(&task.id()) {
                Some(Forward::Withdrawn) => {
                    self.forward.remove(&task.id());
                    continue;
                }
                Some(Forward::Out(_)) => {} // an earlier attempt is out still
                Some(Forward::Waits { .. }) | None => {
                    let out = Forward::Out(Vec::new());
                    self.forward.insert(task.id(), out);
                }
            }
            return Some(task);
        }
    }
}
