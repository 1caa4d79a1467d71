//! What waits for one provider, the most urgent first.

use super::task::{CLASSES, Task};
use crate::limits::PROVIDER_QUEUE_MAX;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

/// Effects that wait for one provider: a queue for each class of priority.
#[derive(Debug, Default)]
pub(super) struct ProviderQueue {
    classes: Mutex<[VecDeque<Task>; CLASSES]>,
    arrived: Notify,
}

impl ProviderQueue {
    /// Adds an effect behind those of its class.
    pub fn push(&self, task: Task) {
        let class = task.class();
        if let Some(queue) = self.classes.lock().get_mut(class) {
            queue.push_back(task);
        }
        self.arrived.notify_one();
    }

    /// True where the class takes more. The bound is soft by what one journal batch starts.
    pub fn has_room(&self, class: usize) -> bool {
        let classes = self.classes.lock();
        classes
            .get(class)
            .is_none_or(|q| q.len() < PROVIDER_QUEUE_MAX)
    }

    /// The oldest effect of the most urgent class; waits for one.
    pub async fn pop(&self) -> Task {
        loop {
            if let Some(task) = self.try_pop() {
                return task;
            }
            // `notify_one` leaves a permit if nobody waits yet, so nothing is missed.
            self.arrived.notified().await;
        }
    }

    /// Effects that wait.
    pub fn len(&self) -> usize {
        self.classes.lock().iter().map(VecDeque::len).sum()
    }

    fn try_pop(&self) -> Option<Task> {
        let mut classes = self.classes.lock();
        classes.iter_mut().find_map(VecDeque::pop_front)
    }
}
