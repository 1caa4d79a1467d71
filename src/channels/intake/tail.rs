//! Following the journals: every event to the lane of its channel.

use super::cancel::{self, Ended, Tellable};
use super::desk::{Desk, Shard, Stopped, Task};
use super::{ChannelOptions, Setup, ShardSource, lanes, poll};
use crate::clock;
use crate::engine::record::{ChannelEventRecord, Record, kind};
use crate::feed::{FeedError, FeedProgress, Tail};
use crate::types::channel_event::EventFate;
use crate::types::record::{RawRecord, Records};
use crate::types::{ChannelId, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Batches read before the others get their turn.
const STEP_BATCHES_MAX: usize = 64;

/// Shortest and longest wait between two looks at the journal.
const POLL_BUSY: Duration = Duration::from_millis(1);
const POLL_IDLE: Duration = Duration::from_millis(8);

/// How long after the last event the journal is looked at as often as it can be, in nanoseconds.
const BUSY_NS: u64 = 500_000_000;

/// How often the lag is published, in nanoseconds.
const LAG_NS: u64 = 1_000_000_000;

/// How long what is being worked off may take after a stop.
const DRAIN: Duration = Duration::from_secs(2);

struct Follower {
    tail: Box<dyn Tail>,
    shard: usize,
    tenants: Vec<String>,
    /// Read, and not yet with its channel.
    read: Vec<Task>,
    /// Orders that ended, and are not yet with their channel; of tenants with channels that are told.
    ended: Vec<Ended>,
}

/// Follows the journals until a stop is asked for.
pub(super) async fn run(
    sources: Vec<ShardSource>,
    setup: Setup,
    mut stop: watch::Receiver<bool>,
) -> Result<(), FeedError> {
    let mut followers = Vec::with_capacity(sources.len());
    let by_number = by_number(&setup.channels);
    let homes = setup.homes.clone();
    let shards = sources.iter().map(|source| Shard {
        journal: Arc::clone(&source.journal),
        queue: Arc::clone(&source.queue),
    });
    let desk = Arc::new(Desk::new(shards.collect(), setup));
    let told = Tellable::of(&desk);
    for (number, source) in sources.into_iter().enumerate() {
        let tellable = (&told, source.tenants.as_slice());
        let mut follower = Follower {
            tail: source.journal.tail("channels", source.from),
            shard: number,
            read: Vec::new(),
            ended: cancel::before(&*source.journal, source.from, tellable)?,
            tenants: source.tenants,
        };
        for event in source.open {
            let received_ms = event.received_ms;
            follower.note(
                event.tenant,
                event.channel,
                &by_number,
                (event.event, received_ms),
            );
        }
        followers.push(follower);
    }
    let open = followers.iter().flat_map(|it| &it.read);
    let open: BTreeSet<usize> = open.map(|task| task.channel).collect();
    let mut workers = JoinSet::new();
    let mut channels = Vec::with_capacity(homes.len());
    for (place, shard) in homes.into_iter().enumerate() {
        let open = open.contains(&place);
        workers.spawn(poll::run(Arc::clone(&desk), shard, place, open));
        // Bounded by the events that the engine keeps open.
        let (sender, receiver) = mpsc::unbounded_channel();
        workers.spawn(lanes::run(Arc::clone(&desk), receiver));
        channels.push(sender);
    }
    let following = Following {
        desk: &desk,
        channels,
        by_number,
        told,
    };
    let followed = following.run(&mut followers, &mut stop).await;
    drop(following);
    desk.stop();
    let ended = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::info!(
            "events of channels were still being worked off at the stop; they are taken up again"
        );
    }
    followed
}

type ByNumber = BTreeMap<(String, ChannelId), usize>;

fn by_number(channels: &[ChannelOptions]) -> ByNumber {
    let places = channels.iter().enumerate();
    let named = places.map(|(place, one)| ((one.tenant.clone(), one.number), place));
    named.collect()
}

/// What all followers share.
struct Following<'a> {
    desk: &'a Desk,
    channels: Vec<mpsc::UnboundedSender<Task>>,
    by_number: ByNumber,
    told: Tellable,
}

impl Following<'_> {
    async fn run(
        &self,
        followers: &mut [Follower],
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), FeedError> {
        let mut wait = POLL_BUSY;
        let (mut busy_until_ns, mut lag_at_ns) = (0, 0);
        while !*stop.borrow() {
            let mut worked = false;
            for follower in followers.iter_mut() {
                let noted = tokio::select! {
                    noted = follower.note_ended(self) => noted,
                    _ = stop.wait_for(|stop| *stop) => return Ok(()),
                };
                if noted.is_err() {
                    return Ok(());
                }
                // One after the other: the order of events stays.
                for task in follower.read.drain(..) {
                    let channel = self.channels.get(task.channel);
                    worked |= channel.is_some_and(|channel| channel.send(task).is_ok());
                }
                worked |= follower.step(self)?;
            }
            let now_ns = clock::monotonic_ns();
            if now_ns >= lag_at_ns {
                for follower in followers.iter() {
                    follower.tail.publish_lag();
                }
                lag_at_ns = now_ns + LAG_NS;
            }
            if worked {
                // More may be there: a wait here would be one for every batch of the journal.
                busy_until_ns = now_ns + BUSY_NS;
                tokio::task::yield_now().await;
                continue;
            }
            wait = if now_ns < busy_until_ns {
                POLL_BUSY
            } else {
                (wait * 2).min(POLL_IDLE)
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        Ok(())
    }
}

impl Follower {
    /// Reads on in the journal; true where it found events, or there is more to read at once: whoever
    /// waits between bounded steps is overtaken by a stream of small batches.
    fn step(&mut self, following: &Following<'_>) -> Result<bool, FeedError> {
        let told = Some(&following.told).filter(|told| !told.is_empty());
        let before = self.ended.len();
        let mut found = Vec::new();
        let mut caught_up = false;
        for _ in 0..STEP_BATCHES_MAX {
            let (tenants, ended) = (&mut self.tenants, &mut self.ended);
            let progress = self.tail.next(&mut |batch| {
                for record in Records::new(batch.payload) {
                    if let Some(told) = told {
                        ended.extend(told.keep(cancel::ended(&record), tenants));
                    }
                    if let Some((tenant, channel, event)) = event_of(&record, tenants) {
                        found.push((tenant, channel, (event, batch.time_ms)));
                    }
                }
            })?;
            caught_up = progress == FeedProgress::CaughtUp;
            if caught_up || !found.is_empty() || self.ended.len() > before {
                break;
            }
        }
        let any = !found.is_empty() || self.ended.len() > before;
        for (tenant, channel, event) in found {
            self.note(tenant, channel, &following.by_number, event);
        }
        Ok(any || !caught_up)
    }

    /// Makes tasks of orders that ended, where a channel had sold them that is told.
    async fn note_ended(&mut self, following: &Following<'_>) -> Result<(), Stopped> {
        if !self.ended.is_empty() {
            let told = (&following.told, self.tenants.as_slice());
            let tasks = cancel::tasks(following.desk, self.shard, told, &mut self.ended).await?;
            self.read.extend(tasks);
        }
        Ok(())
    }

    fn note(
        &mut self,
        tenant: TenantId,
        channel: ChannelId,
        by_number: &ByNumber,
        (event, received_ms): (u128, u64),
    ) {
        let name = self
            .tenants
            .get(usize::from(tenant.0))
            .cloned()
            .unwrap_or_default();
        let place = by_number.get(&(name.clone(), channel)).copied();
        if place.is_none() {
            // It stays open: whoever configures the channel again has it worked off.
            tracing::warn!(
                tenant = name,
                channel = channel.0,
                "an event of a channel that is not configured waits"
            );
            return;
        }
        self.read.extend(place.map(|channel| Task {
            event,
            received_ms,
            ..Task::about(self.shard, channel)
        }));
    }
}

/// The event that a record opens: one that arrived, or one that is driven again.
fn event_of(
    record: &RawRecord<'_>,
    tenants: &mut Vec<String>,
) -> Option<(TenantId, ChannelId, u128)> {
    if !matches!(
        record.kind,
        kind::TENANT_DEFINED | kind::EVENT_RECEIVED | kind::EVENT_SETTLED
    ) {
        return None;
    }
    match Record::decode(record)? {
        Record::TenantDefined { name, .. } => {
            tenants.push(name.to_owned());
            None
        }
        Record::ChannelEvent(ChannelEventRecord::Received(it)) if it.part == 0 => {
            Some((it.tenant, it.channel, it.event))
        }
        Record::ChannelEvent(ChannelEventRecord::Settled(it)) if it.fate == EventFate::Open => {
            Some((it.tenant, it.channel, it.event))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::intake::played;
    use crate::feed::played::Blank;
    use crate::types::ChannelKind;

    #[test]
    fn a_follower_goes_on_at_once_while_there_is_more_to_read_though_nothing_is_for_a_channel() {
        let desk = played::desk(ChannelKind::Shopify, None, |_| played::done());
        let following = Following {
            desk: &desk,
            channels: Vec::new(),
            by_number: ByNumber::new(),
            told: Tellable::of(&desk),
        };
        let mut left = 2 * STEP_BATCHES_MAX + 1;
        let tail = Blank(move || {
            if left == 0 {
                return FeedProgress::CaughtUp;
            }
            left -= 1;
            FeedProgress::Delivered
        });
        let mut follower = Follower {
            tail: Box::new(tail),
            shard: 0,
            tenants: Vec::new(),
            read: Vec::new(),
            ended: Vec::new(),
        };
        let mut step = || follower.step(&following).expect("a good journal");
        assert_eq!([step(), step(), step()], [true, true, false]);
    }
}
