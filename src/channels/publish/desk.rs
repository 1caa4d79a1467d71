//! Asking a shard, on behalf of a channel.

use crate::channels::ChannelOptions;
use crate::shard::local::{Local, LocalAnswer, LocalQueue, LocalRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Wait before a request is offered to a full queue again.
const BUSY_WAIT: Duration = Duration::from_millis(5);

/// Longest wait for an answer: a shard without room in its journal answers late.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The way to a channel's shard.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    queue: Arc<LocalQueue>,
    tenant: String,
    actor: String,
}

impl Desk {
    pub fn new(queue: Arc<LocalQueue>, channel: &ChannelOptions) -> Self {
        Self {
            queue,
            tenant: channel.tenant.clone(),
            actor: channel.actor(),
        }
    }

    /// Asks; waits while the shard is busy. None: it does not answer, because it ends.
    pub async fn ask(&self, request: LocalRequest) -> Option<LocalAnswer> {
        let (sender, receiver) = oneshot::channel();
        let mut local = Local {
            tenant: self.tenant.clone(),
            actor: self.actor.clone(),
            request,
            // Whoever waited may have given up.
            answer: Some(Box::new(move |answer| drop(sender.send(answer)))),
        };
        let asked = async {
            while let Err(back) = self.queue.push(local) {
                local = *back;
                tokio::time::sleep(BUSY_WAIT).await;
            }
            receiver.await.ok()
        };
        tokio::time::timeout(ANSWER_TIMEOUT, asked).await.ok()?
    }
}
