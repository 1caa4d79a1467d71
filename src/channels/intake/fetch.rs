//! Asking a marketplace for the detail of an order.
//!
//! A marketplace that fails, throttles or takes no credentials is left alone for a while, all
//! events of its channel with it: they stay open, and are asked for again until it answers.

use super::desk::{Desk, Stopped, Task};
use crate::channels::api::{ApiError, Marketplace};
use crate::channels::{ChannelOptions, Incoming, What};
use crate::clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// Orders of a channel that are asked for at once: marketplaces count calls, and those that wait
/// here are not made when one of these fails.
const CALLS_MAX: usize = 8;

/// How often an order is asked for that the marketplace does not know.
const UNKNOWN_MAX: u32 = 4;

/// Longest wait before an order is asked for again where the marketplace asks for that much.
const WAIT_MAX_MS: u64 = 5 * 60_000;

/// Longest time that a marketplace is left alone, and that an order waits, where it did not ask for
/// more.
const PAUSE_MAX_MS: u64 = 60_000;

/// How often a change waits for a payment of its order that is under way: an hour and a half, at the
/// usual `fetch_retry_ms`.
const PAYING_MAX: u32 = 24;

/// What asking brought.
pub(super) enum Fetched {
    /// The order as the marketplace has it now.
    Found(Box<Incoming>),
    /// It cannot be had, and why.
    Never(String),
    /// It may be had later: then the event is to be taken up again like this.
    Later(Duration, Task),
}

/// A channel's API, left alone until a time.
#[derive(Debug)]
pub(super) struct Pause {
    failures: AtomicU32,
    until_ns: AtomicU64,
    recovered: Notify,
    calls: Semaphore,
}

impl Default for Pause {
    fn default() -> Self {
        Self {
            failures: AtomicU32::default(),
            until_ns: AtomicU64::default(),
            recovered: Notify::default(),
            calls: Semaphore::new(CALLS_MAX),
        }
    }
}

impl Pause {
    fn left(&self) -> Option<Duration> {
        let until_ns = self.until_ns.load(Ordering::Relaxed);
        let left = until_ns.checked_sub(clock::monotonic_ns())?;
        (left > 0).then(|| Duration::from_nanos(left))
    }

    fn over(&self) {
        if self.failures.swap(0, Ordering::Relaxed) > 0 {
            self.recovered.notify_one();
        }
    }

    /// Waits until it answers again after it had failed.
    pub async fn recovered(&self) {
        self.recovered.notified().await;
    }

    /// A call failed; the marketplace asks to be left alone for `asked_ms`.
    fn failed(&self, retry_ms: u64, asked_ms: u64) {
        // Calls that were out together fail together: that is one failure.
        let failures = match self.left() {
            Some(_) => self.failures.load(Ordering::Relaxed).saturating_sub(1),
            None => self.failures.fetch_add(1, Ordering::Relaxed),
        };
        let wait_ms = doubled(retry_ms, failures, PAUSE_MAX_MS);
        let wait_ms = wait_ms.max(asked_ms.min(WAIT_MAX_MS));
        let until_ns = clock::monotonic_ns().saturating_add(wait_ms.saturating_mul(1_000_000));
        self.until_ns.fetch_max(until_ns, Ordering::Relaxed);
    }
}

fn doubled(ms: u64, times: u32, most: u64) -> u64 {
    ms.saturating_mul(1 << times.min(16)).min(most)
}

/// The order as the marketplace has it now; else why it cannot be had, or when to ask again. The
/// channel's publisher hears of an order that waits.
pub(super) async fn detail(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    order_id: &str,
) -> Result<Fetched, Stopped> {
    let fetched = asked(desk, task, channel, order_id).await?;
    if let (Fetched::Later(..), Some(standing)) = (&fetched, desk.standings.get(task.channel)) {
        standing.note_waiting(task.event);
    }
    Ok(fetched)
}

async fn asked(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    order_id: &str,
) -> Result<Fetched, Stopped> {
    let (Some(api), Some(pause)) = (desk.api(task.channel), desk.pauses.get(task.channel)) else {
        let why = "the order's detail cannot be fetched: the channels file has no `secrets` for \
                   this channel's API";
        return Ok(Fetched::Never(why.to_owned()));
    };
    let call = async {
        // It is never closed.
        let _turn = pause.calls.acquire().await;
        match pause.left() {
            Some(left) => Err(left),
            None => Ok(once(&api, order_id).await),
        }
    };
    let called = tokio::select! {
        called = call => called,
        () = desk.stopped() => return Err(Stopped),
    };
    let found = match called {
        Ok(found) => found,
        Err(left) => return Ok(Fetched::Later(left, *task)),
    };
    match found {
        Ok(Some(found)) => {
            pause.over();
            Ok(Fetched::Found(Box::new(found)))
        }
        Ok(None) => {
            pause.over();
            let (wait, mut again) = waits(task, channel, 0);
            again.unknown = task.unknown.saturating_add(1);
            if again.unknown >= UNKNOWN_MAX {
                let why = "the marketplace does not know the order";
                return Ok(Fetched::Never(why.to_owned()));
            }
            Ok(Fetched::Later(wait, again))
        }
        Err(error) => Ok(match put_off(desk, task, channel, &error) {
            Some((wait, again)) => Fetched::Later(wait, again),
            None => Fetched::Never(format!("the order's detail could not be fetched: {error}")),
        }),
    }
}

/// How an event is taken up again after a call failed, and when; its marketplace is left alone
/// meanwhile. None where the call would be refused another time as well.
pub(super) fn put_off(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    error: &ApiError,
) -> Option<(Duration, Task)> {
    let asked_ms = match error {
        ApiError::RateLimited { wait_ms, .. } => *wait_ms,
        ApiError::Retry { .. } | ApiError::Unauthorised { .. } | ApiError::Expired { .. } => 0,
        ApiError::Rejected { .. } | ApiError::Stale { .. } => return None,
    };
    let name = channel.name.as_str();
    let (wait, again) = waits(task, channel, asked_ms);
    tracing::warn!(channel = name, tries = again.tries, %error,
        "a marketplace did not answer about an order; it is asked again");
    if let Some(pause) = desk.pauses.get(task.channel) {
        pause.failed(channel.fetch_retry_ms, asked_ms);
    }
    Some((wait, again))
}

/// How an event is taken up again, and when: the longer, the more often it was.
pub(super) fn waits(task: &Task, channel: &ChannelOptions, asked_ms: u64) -> (Duration, Task) {
    let own_ms = doubled(channel.fetch_retry_ms, task.tries, PAUSE_MAX_MS);
    let wait_ms = own_ms.max(asked_ms.min(WAIT_MAX_MS));
    let again = Task {
        tries: task.tries.saturating_add(1),
        ..*task
    };
    (Duration::from_millis(wait_ms), again)
}

/// How a change is taken up again whose order cannot be changed while it is being paid for. None
/// where it has waited long enough.
pub(super) fn while_paying(task: &Task, channel: &ChannelOptions) -> Option<(Duration, Task)> {
    if task.paying >= PAYING_MAX {
        return None;
    }
    let wait_ms = doubled(channel.fetch_retry_ms, task.paying, WAIT_MAX_MS);
    let again = Task {
        paying: task.paying + 1,
        ..*task
    };
    Some((Duration::from_millis(wait_ms), again))
}

async fn once(api: &Arc<dyn Marketplace>, order_id: &str) -> Result<Option<Incoming>, ApiError> {
    let ids = [order_id.to_owned()];
    let found = api.orders(&ids).await?;
    let own = |one: &Incoming| one.order_id == order_id && one.what != What::Fetch;
    Ok(found.into_iter().find(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::ChannelLine;
    use crate::channels::api::{Answered, ChangedPage};
    use crate::channels::intake::played;
    use crate::types::ChannelKind;
    use futures_util::future::join_all;

    #[test]
    fn a_marketplace_that_fails_is_left_alone_longer_and_longer_but_not_for_ever() {
        assert_eq!(doubled(2_000, 0, PAUSE_MAX_MS), 2_000);
        assert_eq!(doubled(2_000, 3, PAUSE_MAX_MS), 16_000);
        assert_eq!(doubled(2_000, 40, PAUSE_MAX_MS), 60_000);
        assert_eq!(doubled(u64::MAX, 1, WAIT_MAX_MS), WAIT_MAX_MS);
        let pause = Pause::default();
        assert_eq!(pause.left(), None);
        pause.failed(1_000, 200_000);
        assert!(
            pause
                .left()
                .is_some_and(|left| left > Duration::from_secs(190))
        );
        pause.failed(1_000, 0);
        assert!(
            pause
                .left()
                .is_some_and(|left| left > Duration::from_secs(190)),
            "as asked"
        );
        pause.over();
        assert_eq!(pause.failures.load(Ordering::Relaxed), 0);
        let together = Pause::default();
        for _ in 0..8 {
            together.failed(1_000, 0);
        }
        assert!(
            together.left() <= Some(Duration::from_secs(1)),
            "one failure"
        );
    }

    /// A marketplace that fails once as many as may be have asked.
    #[derive(Debug, Default)]
    struct Failing {
        calls: AtomicU32,
        all_out: Notify,
    }

    impl Marketplace for Failing {
        played::no_stock!();

        fn orders<'a>(&'a self, _: &'a [String]) -> Answered<'a, Vec<Incoming>> {
            Box::pin(async {
                let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
                if calls as usize == CALLS_MAX {
                    self.all_out.notify_waiters();
                } else {
                    self.all_out.notified().await;
                }
                Err(ApiError::Retry {
                    code: "503".into(),
                    message: "overloaded".into(),
                })
            })
        }

        fn changed<'a>(&'a self, _: u64, _: &'a str) -> Answered<'a, ChangedPage> {
            unreachable!("nobody looks for changes")
        }

        fn cancel<'a>(&'a self, _: &'a str, _: &'a [ChannelLine]) -> Answered<'a, ()> {
            unreachable!("nothing is cancelled")
        }
    }

    #[tokio::test]
    async fn a_marketplace_is_asked_for_so_many_orders_at_once_and_for_no_more_when_they_fail() {
        let market = Arc::new(Failing::default());
        let api: Arc<dyn Marketplace> = market.clone();
        let desk = played::desk(ChannelKind::Shopee, Some(api), |_| played::done());
        let channel = desk.channels[0].clone();
        let (task, channel) = (played::task(), &channel);
        let asked = (0..3 * CALLS_MAX).map(|_| detail(&desk, &task, channel, "a"));
        let all = tokio::time::timeout(Duration::from_secs(30), join_all(asked)).await;
        let all = all.expect("as many as may be are out at once");
        let later = |one: &Result<Fetched, Stopped>| matches!(one, Ok(Fetched::Later(..)));
        assert!(all.iter().all(later));
        assert_eq!(market.calls.load(Ordering::Relaxed) as usize, CALLS_MAX);
    }

    #[tokio::test]
    async fn a_marketplace_that_answers_again_is_told_once_after_it_had_failed() {
        let pause = Pause::default();
        let heard = async |pause: &Pause| {
            let wait = tokio::time::timeout(Duration::from_millis(20), pause.recovered());
            wait.await.is_ok()
        };
        pause.over();
        assert!(!heard(&pause).await, "it had not failed");
        pause.failed(1, 0);
        assert!(!heard(&pause).await);
        pause.over();
        pause.over();
        assert!(heard(&pause).await);
        assert!(!heard(&pause).await);
    }
}
