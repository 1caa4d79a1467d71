//! The lanes of one channel: events of one order one after the other, and what was put off.
//!
//! Channels have nothing in common here, so that a marketplace that does not answer delays none of
//! the others.

use super::desk::{Desk, Opened, Stopped, Task, lane_of};
use super::work;
use crate::clock;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Lanes of a channel that work side by side; events of one order always take the same. What an event
/// changes at its shard is answered when the disk has it: with few lanes most of the time is spent
/// waiting for the disk.
const LANES: usize = 16;

/// Events that wait opened for a lane; the others wait as numbers, at most as many as the engine
/// keeps open.
const LANE_EVENTS_MAX: usize = 8;

/// Events of a channel that are being opened at once.
const OPENING_MAX: usize = 32;

/// An event that is taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PutOff {
    due_ns: u64,
    task: Task,
}

/// Works off a channel's events until a stop.
pub(super) async fn run(desk: Arc<Desk>, mut tasks: mpsc::UnboundedReceiver<Task>) {
    let mut workers = JoinSet::new();
    let (later, mut put_off) = mpsc::unbounded_channel();
    let lanes: Vec<mpsc::Sender<(Task, Opened)>> = (0..LANES)
        .map(|_| {
            let (sender, receiver) = mpsc::channel(LANE_EVENTS_MAX);
            workers.spawn(lane(Arc::clone(&desk), receiver, later.clone()));
            sender
        })
        .collect();
    let mut waiting: BinaryHeap<Reverse<PutOff>> = BinaryHeap::new();
    // In the order of the events, so that those of one order stay in theirs.
    let mut opening = FuturesOrdered::new();
    loop {
        let due = waiting.peek().map(|next| until(next.0.due_ns));
        let room = opening.len() < OPENING_MAX;
        let opened = tokio::select! {
            Some(opened) = opening.next() => opened,
            task = tasks.recv(), if room => match task {
                Some(task) => {
                    opening.push_back(open(&desk, task));
                    continue;
                }
                None => break,
            },
            Some(one) = put_off.recv() => {
                waiting.push(Reverse(one));
                continue;
            }
            () = recovered(&desk, &waiting), if !waiting.is_empty() => {
                waiting = due_at_once(waiting, clock::monotonic_ns());
                continue;
            }
            () = tokio::time::sleep(due.unwrap_or_default()), if room && due.is_some() => {
                let task = waiting.pop().map(|Reverse(one)| one.task);
                opening.extend(task.map(|task| open(&desk, task)));
                continue;
            }
            () = desk.stopped() => break,
        };
        tokio::select! {
            given = hand_over(opened, &lanes) => if given.is_err() {
                break;
            },
            () = desk.stopped() => break,
        }
    }
    drop(lanes);
    while workers.join_next().await.is_some() {}
}

/// Waits until the marketplace answers again that events wait for.
async fn recovered(desk: &Desk, waiting: &BinaryHeap<Reverse<PutOff>>) {
    let channel = waiting.peek().map(|next| next.0.task.channel);
    match channel.and_then(|channel| desk.pauses.get(channel)) {
        Some(pause) => pause.recovered().await,
        None => std::future::pending().await,
    }
}

/// All of them in their order now, but for those whose order the marketplace did not know: it may
/// need its time.
fn due_at_once(waiting: BinaryHeap<Reverse<PutOff>>, now_ns: u64) -> BinaryHeap<Reverse<PutOff>> {
    let in_order = waiting.into_sorted_vec().into_iter().rev();
    let mut due_ns = now_ns;
    let due = in_order.map(|Reverse(one)| {
        if one.task.unknown > 0 {
            return Reverse(one);
        }
        due_ns = due_ns.saturating_add(1);
        Reverse(PutOff {
            due_ns: due_ns.min(one.due_ns),
            ..one
        })
    });
    due.collect()
}

fn until(due_ns: u64) -> Duration {
    Duration::from_nanos(due_ns.saturating_sub(clock::monotonic_ns()))
}

/// Reads an event.
async fn open(desk: &Desk, task: Task) -> Result<(Task, Opened), Stopped> {
    let opened = desk.open(&task).await?;
    Ok((task, opened))
}

/// Gives an event to its lane; waits while the lane is full.
async fn hand_over(
    opened: Result<(Task, Opened), Stopped>,
    lanes: &[mpsc::Sender<(Task, Opened)>],
) -> Result<(), Stopped> {
    let (task, opened) = opened?;
    let lane = lanes
        .get(lane_of(&task, &opened, lanes.len()))
        .ok_or(Stopped)?;
    lane.send((task, opened)).await.map_err(|_| Stopped)
}

/// Works off what comes, in its order.
async fn lane(
    desk: Arc<Desk>,
    mut tasks: mpsc::Receiver<(Task, Opened)>,
    later: mpsc::UnboundedSender<PutOff>,
) {
    while let Some((task, opened)) = tasks.recv().await {
        if desk.is_stopped() {
            return;
        }
        match work::off(&desk, &task, opened).await {
            Ok(None) => {
                if let Some(standing) = desk.standings.get(task.channel) {
                    standing.note_settled(task.event);
                }
            }
            Ok(Some((wait, task))) => {
                let wait_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                let due_ns = clock::monotonic_ns().saturating_add(wait_ns);
                // The receiver is gone after a stop only.
                let _ = later.send(PutOff { due_ns, task });
            }
            Err(Stopped) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::intake::played;
    use crate::shard::local::{LocalAnswer, LocalQuery, LocalQueue, LocalRequest};
    use crate::types::ChannelKind;
    use std::collections::VecDeque;

    /// Answers what is asked now, the last question first: that the events do not wait any more.
    fn answer_all(queue: &LocalQueue) -> Vec<u128> {
        let mut asked = VecDeque::new();
        queue.take_all(&mut asked);
        let events = asked.iter().map(|local| match local.request {
            LocalRequest::Peek(LocalQuery::Event(event)) => event,
            ref other => panic!("{other:?}"),
        });
        let events = events.collect();
        for local in asked.into_iter().rev() {
            local.answer.expect("somebody waits")(LocalAnswer::Event(None));
        }
        events
    }

    #[tokio::test]
    async fn events_are_opened_side_by_side_in_their_order_and_so_many_at_once() {
        const EVENTS: usize = 2 * OPENING_MAX + 5;
        // A shard that answers when the test says so: as one whose disk takes its time.
        let queue = LocalQueue::new(Box::new(|| {}));
        let desk = played::desk_before(ChannelKind::Shopify, None, Arc::clone(&queue));
        let (sender, receiver) = mpsc::unbounded_channel();
        for event in 0..EVENTS as u128 {
            let task = Task {
                event,
                ..played::task()
            };
            sender.send(task).expect("the lanes are there");
        }
        let lanes = tokio::spawn(run(Arc::clone(&desk), receiver));
        let mut asked = Vec::new();
        for wanted in [OPENING_MAX, OPENING_MAX, 5] {
            let all = async {
                while queue.len() < wanted {
                    tokio::task::yield_now().await;
                }
            };
            let in_time = tokio::time::timeout(Duration::from_secs(30), all).await;
            assert!(in_time.is_ok(), "{} of {wanted} are asked for", queue.len());
            for _ in 0..100 {
                tokio::task::yield_now().await; // no more than that, however often they look
            }
            assert_eq!(queue.len(), wanted);
            asked.extend(answer_all(&queue));
        }
        assert!(asked.into_iter().eq(0..EVENTS as u128));
        desk.stop();
        lanes.await.expect("no panic");
    }

    #[test]
    fn what_was_put_off_is_due_in_its_order_once_the_marketplace_answers_again() {
        let put_off = |due_ns: u64, event: u128, unknown: u32| {
            let task = Task {
                shard: 0,
                channel: 0,
                event,
                received_ms: 0,
                ended: 0,
                paying: 0,
                tries: 9,
                unknown,
            };
            Reverse(PutOff { due_ns, task })
        };
        let waiting = [
            (90_000, 1, 0),
            (80_000, 2, 0),
            (70_000, 3, 1),
            (95_000, 0, 0),
        ];
        let waiting = waiting.map(|(due_ns, event, unknown)| put_off(due_ns, event, unknown));
        let due = due_at_once(waiting.into(), 100).into_sorted_vec();
        let due: Vec<(u64, u128)> = due
            .iter()
            .map(|it| (it.0.due_ns, it.0.task.event))
            .collect();
        assert_eq!(due, [(70_000, 3), (103, 0), (102, 1), (101, 2)]);
    }
}
