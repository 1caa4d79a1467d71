//! The way to the shards: asking, and reading what the journal holds of an event.

use super::fetch::Pause;
use super::{ChannelOptions, Setup, cancel, poll};
use crate::channels::api::Marketplace;
use crate::channels::{self, Delivery, Incoming, Standing};
use crate::engine::channel_event::command::EventView;
use crate::engine::record::{ChannelEventRecord, Record};
use crate::feed::{FeedError, FeedProgress, ShardJournal};
use crate::shard::local::{Local, LocalAnswer, LocalQuery, LocalQueue, LocalRequest};
use crate::types::OrderDetails;
use crate::types::record::{RawRecord, Records};
use bytes::Bytes;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Wait before a request is offered to a full queue again.
const BUSY_WAIT: Duration = Duration::from_millis(20);

/// One shard, from here.
pub(super) struct Shard {
    pub journal: Arc<dyn ShardJournal>,
    pub queue: Arc<LocalQueue>,
}

/// An event to be worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Task {
    /// Place of its shard.
    pub shard: usize,
    /// Place of its channel in the configuration.
    pub channel: usize,
    pub event: u128,
    pub received_ms: u64,
    /// No event: an order ended whose acceptance has this sequence; else 0.
    pub ended: u64,
    /// How often its order's detail was asked for, and how often the marketplace did not know it.
    pub tries: u32,
    pub unknown: u32,
    /// How often it was put off because its order was being paid for.
    pub paying: u32,
}

impl Task {
    /// Nothing of a channel yet: for questions on its behalf.
    pub const fn about(shard: usize, channel: usize) -> Self {
        Self {
            shard,
            channel,
            event: 0,
            received_ms: 0,
            ended: 0,
            tries: 0,
            unknown: 0,
            paying: 0,
        }
    }
}

/// Why nothing more can be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// An event as its channel meant it.
pub(super) enum Opened {
    /// What it says.
    Incoming {
        incoming: Box<Incoming>,
        /// A person wants it to be worked off.
        driven: bool,
    },
    /// It cannot be read, and why.
    Unreadable(String),
    /// Not sent by the channel: an order that it had sold has ended here without a sale.
    Ended(String),
    /// Not sent by the channel: it is to be told that this order is cancelled.
    Cancel(String),
    /// It does not wait any more.
    Over,
}

/// What the lanes share.
pub(super) struct Desk {
    shards: Vec<Shard>,
    pub channels: Arc<[ChannelOptions]>,
    /// The channels' APIs, in their order; `None` where a channel has no credentials.
    apis: Vec<Option<Arc<dyn Marketplace>>>,
    /// Which of them are left alone for now.
    pub pauses: Vec<Pause>,
    /// What their publishers want to know.
    pub standings: Vec<Arc<Standing>>,
    stop: watch::Sender<bool>,
}

impl Desk {
    pub fn new(shards: Vec<Shard>, setup: Setup) -> Self {
        Self {
            shards,
            pauses: setup.apis.iter().map(|_| Pause::default()).collect(),
            channels: setup.channels,
            apis: setup.apis,
            standings: setup.standings,
            stop: watch::Sender::new(false),
        }
    }

    /// The API of a channel; none without credentials.
    pub fn api(&self, channel: usize) -> Option<Arc<dyn Marketplace>> {
        self.apis.get(channel).cloned().flatten()
    }

    /// From now on nothing new is begun.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits for the stop.
    pub async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this does.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Asks the task's shard on behalf of its channel; waits while the shard is busy.
    pub async fn ask(&self, task: &Task, request: LocalRequest) -> Result<LocalAnswer, Stopped> {
        let shard = self.shards.get(task.shard).ok_or(Stopped)?;
        let channel = self.channels.get(task.channel).ok_or(Stopped)?;
        let (sender, receiver) = oneshot::channel();
        let mut local = Local {
            tenant: channel.tenant.clone(),
            actor: channel.actor(),
            request,
            answer: Some(Box::new(move |answer| {
                // The receiver is gone after a stop only.
                let _ = sender.send(answer);
            })),
        };
        loop {
            match shard.queue.push(local) {
                Ok(()) => break,
                Err(back) => local = *back,
            }
            if self.is_stopped() {
                return Err(Stopped);
            }
            tokio::time::sleep(BUSY_WAIT).await;
        }
        receiver.await.map_err(|_| Stopped)
    }

    /// Reads an event from the journal.
    pub async fn open(&self, task: &Task) -> Result<Opened, Stopped> {
        if task.ended > 0 {
            return Ok(self.ended(task));
        }
        let question = LocalRequest::Peek(LocalQuery::Event(task.event));
        let view = match self.ask(task, question).await? {
            LocalAnswer::Event(Some(view)) => view,
            LocalAnswer::Event(None) => return Ok(Opened::Over),
            other => {
                tracing::error!(
                    ?other,
                    "the engine's answer does not fit a question about an event"
                );
                return Ok(Opened::Over);
            }
        };
        let channel = self.channels.get(task.channel).ok_or(Stopped)?;
        let delivery = match self.delivery(task, &view) {
            Ok(Some(delivery)) => delivery,
            Ok(None) => {
                return Ok(Opened::Unreadable(
                    "its body is not in the journal".to_owned(),
                ));
            }
            Err(error) => return Ok(Opened::Unreadable(error.to_string())),
        };
        // One that is open although its fate was decided before.
        let driven = view.settled_ms > 0;
        let opened = |incoming: Incoming| Opened::Incoming {
            incoming: Box::new(incoming),
            driven,
        };
        if let Some(pulled) = poll::read(channel, &delivery) {
            return Ok(opened(pulled));
        }
        if let Some(order_id) = cancel::read(&delivery) {
            return Ok(Opened::Cancel(order_id));
        }
        let read = match channels::read(channel.kind, &delivery) {
            Ok(read) => read,
            Err(error) => return Ok(Opened::Unreadable(error.to_string())),
        };
        let own = |one: &Incoming| channel.event_id(one.event) == task.event;
        Ok(match read.into_iter().find(own) {
            Some(incoming) => opened(incoming),
            None => Opened::Unreadable("it reads as another event than when it came".to_owned()),
        })
    }

    fn ended(&self, task: &Task) -> Opened {
        let Some(shard) = self.shards.get(task.shard) else {
            return Opened::Over;
        };
        match cancel::sold_as(&*shard.journal, task.ended) {
            Ok(Some(order_id)) => Opened::Ended(order_id),
            Ok(None) => Opened::Over,
            Err(error) => {
                tracing::error!(%error, "an order that ended cannot be read from the journal");
                Opened::Over
            }
        }
    }

    /// The details of the accepted order whose record has this sequence; none where they cannot
    /// be had.
    pub fn details(&self, task: &Task, sequence: u64) -> Option<OrderDetails> {
        let shard = self.shards.get(task.shard)?;
        let mut details = None;
        let read = shard.journal.find(sequence, &mut |raw, _| {
            if let Some(Record::OrderAccepted(it)) = Record::decode(raw) {
                details = OrderDetails::from_archive(it.details);
            }
        });
        if let Err(error) = read {
            tracing::warn!(%error, "the details of an order cannot be read from the journal");
        }
        details
    }

    fn delivery(&self, task: &Task, view: &EventView) -> Result<Option<Delivery>, FeedError> {
        let Some(shard) = self.shards.get(task.shard) else {
            return Ok(None);
        };
        Ok(
            stored(&*shard.journal, view.body_at)?.map(|stored| Delivery {
                headers: headers(&stored.head),
                body: Bytes::from(stored.body),
                registered_url: String::new(),
            }),
        )
    }
}

/// The lane of an order: events of one order take the same.
pub(super) fn lane_of(task: &Task, opened: &Opened, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    task.channel.hash(&mut hasher);
    match opened {
        Opened::Incoming { incoming, .. } if !incoming.order_id.is_empty() => {
            incoming.order_id.hash(&mut hasher);
        }
        Opened::Ended(order_id) | Opened::Cancel(order_id) => order_id.hash(&mut hasher),
        _ => task.event.hash(&mut hasher),
    }
    usize::try_from(hasher.finish() % lanes.max(1) as u64).unwrap_or(0)
}

/// A delivery as the journal has it.
pub struct Stored {
    /// Headers that reading it takes, as lines `name: value`.
    pub head: String,
    /// The body as received.
    pub body: Vec<u8>,
}

/// The delivery whose first record has this sequence; `None` where there is none.
///
/// # Errors
/// The journal cannot be read there.
pub fn stored(journal: &dyn ShardJournal, sequence: u64) -> Result<Option<Stored>, FeedError> {
    let mut stored = Stored {
        head: String::new(),
        body: Vec::new(),
    };
    let (mut parts, mut part) = (1, 0);
    let mut take = |at: u64, raw: &RawRecord<'_>| {
        if at == sequence.saturating_add(u64::from(part))
            && let Some(Record::ChannelEvent(ChannelEventRecord::Received(it))) =
                Record::decode(raw)
            && it.part == part
        {
            parts = it.parts;
            part += 1;
            stored.head.push_str(it.head);
            stored.body.extend_from_slice(it.body.0);
        }
        part < parts
    };
    let mut more = false;
    journal.find(sequence, &mut |raw, _| more = take(sequence, raw))?;
    // A long body goes on in the records behind: they are read in one go.
    let tail = more.then(|| journal.tail_from("channels", sequence));
    let mut tail = tail.transpose()?;
    while let Some(tail) = tail.as_mut().filter(|_| more) {
        let progress = tail.next(&mut |batch| {
            for (at, raw) in (batch.sequence..).zip(Records::new(batch.payload)) {
                if more && at > sequence {
                    more = take(at, &raw) && at - sequence < u64::from(u16::MAX);
                }
            }
        })?;
        if progress == FeedProgress::CaughtUp {
            break;
        }
    }
    Ok((part > 0 && part == parts).then_some(stored))
}

fn headers(head: &str) -> Vec<(String, String)> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
