//! Telling a marketplace that an order which it had sold is cancelled.
//!
//! ```text
//!  journal: order CANCELLED ─▶ lane of its order: does the channel know? ─▶ EventReceived
//!  journal: EventReceived ───▶ lane ─▶ detail, cancel ─▶ EventSettled
//! ```
//!
//! The event is one of our own, kept, counted, driven again and given up like one that a channel
//! sent. An order that ended while the process died is found by a look back at the start.
//!
//! What it costs: nothing where no channel of the shard's tenants can be told. Else every record of a
//! move is decoded, and the orders of these tenants that ended without a sale are asked about, up
//! to 256 with one question to the shard, which answers from memory where each was sold. The journal
//! is read once for each order of a channel that can be told, for the order's id there.

#[cfg(test)]
mod tests;

use super::decide::Verdict;
use super::desk::{Desk, Stopped, Task};
use super::fetch::{self, Fetched};
use super::work;
use crate::channels::{ChannelOptions, Delivery, What, event_id};
use crate::engine::channel_event::command::{ChannelOrder as Applied, EventHead};
use crate::engine::record::{ProcessRecord, Record, kind, process_flags};
use crate::feed::{FeedError, FeedProgress, Place, ShardJournal};
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, OwnedDelivery};
use crate::types::channel_event::EventFate;
use crate::types::record::{RawRecord, Records};
use crate::types::{
    ChannelId, ChannelKind, OrderDetails, OrderKey, OrderState, ResultCode, TenantId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The header of such an event.
const CANCEL: &str = "x-onhand-cancel";

/// How many records before the recovered end of the journal are looked at for orders that ended:
/// less than a second of reading.
const LOOK_BACK: u64 = 100_000;

/// Orders of one question.
const ASKED_MAX: usize = 256;

/// What is journaled.
#[derive(Serialize, Deserialize)]
struct Body {
    order_id: String,
}

/// An order that ended without a sale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub tenant: TenantId,
    pub order: OrderKey,
    /// Sequence of the record that accepted its latest version.
    pub accepted: u64,
}

/// The order of a channel that a record ends without a sale: one that the channel had sold, whoever
/// changed it since.
pub(super) fn ended(record: &RawRecord<'_>) -> Option<Ended> {
    if record.kind != kind::ORDER_MOVED {
        return None;
    }
    let Record::Process(ProcessRecord::Moved(moved)) = Record::decode(record)? else {
        return None;
    };
    let over = matches!(
        moved.to,
        OrderState::Cancelled | OrderState::Declined | OrderState::Expired
    );
    let sold = moved.image.flags & process_flags::FACT != 0;
    (sold && over && moved.from != Some(moved.to)).then_some(Ended {
        tenant: moved.tenant,
        order: moved.order,
        accepted: moved.accepted,
    })
}

/// Channels that are told, by tenant and number; and which tenants of a shard have any.
pub(super) struct Tellable {
    channels: BTreeMap<(String, ChannelId), usize>,
}

impl Tellable {
    pub fn of(desk: &Desk) -> Self {
        let places = desk.channels.iter().enumerate();
        let told = places.filter(|(place, channel)| is_told(desk, *place, channel));
        let named = told.map(|(place, one)| ((one.tenant.clone(), one.number), place));
        Self {
            channels: named.collect(),
        }
    }

    /// The place of one channel of the tenant; none where it has none that is told.
    fn any_of(&self, tenant: &str) -> Option<usize> {
        let first = (tenant.to_owned(), ChannelId(0));
        let mut from = self.channels.range(first..);
        let next = from.next().filter(|((name, _), _)| name == tenant);
        next.map(|(_, place)| *place)
    }

    fn place(&self, tenant: &str, channel: ChannelId) -> Option<usize> {
        self.channels.get(&(tenant.to_owned(), channel)).copied()
    }

    /// Orders of tenants with such channels, among all that ended.
    pub fn keep(&self, ended: Option<Ended>, tenants: &[String]) -> Option<Ended> {
        let ended = ended?;
        let tenant = tenants.get(usize::from(ended.tenant.0))?;
        self.any_of(tenant).map(|_| ended)
    }

    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }
}

/// True for a channel that is to be told, and has a call for it.
fn is_told(desk: &Desk, place: usize, channel: &ChannelOptions) -> bool {
    channel.kind != ChannelKind::WhatsApp
        && desk.api(place).is_some()
        && channel.setting("cancel_at_market") != "false"
}

/// Orders that ended shortly before a place of the journal, of tenants with channels that are told.
pub(super) fn before(
    journal: &dyn ShardJournal,
    place: Place,
    (told, tenants): (&Tellable, &[String]),
) -> Result<Vec<Ended>, FeedError> {
    let first = place.sequence.saturating_sub(LOOK_BACK).max(1);
    let mut found = Vec::new();
    let concerned = tenants.iter().any(|tenant| told.any_of(tenant).is_some());
    if first >= place.sequence || !concerned {
        return Ok(found);
    }
    let mut tail = journal.tail_from("channels", first)?;
    while tail.place().sequence < place.sequence {
        let progress = tail.next(&mut |batch| {
            let records = Records::new(batch.payload);
            found.extend(records.filter_map(|record| told.keep(ended(&record), tenants)));
        })?;
        if progress == FeedProgress::CaughtUp {
            break;
        }
    }
    Ok(found)
}

/// What is to be done about orders of a shard that ended: a task for each that a channel had sold
/// which is told. Where the shard cannot say now, it is asked again: `ended` keeps what is left.
pub(super) async fn tasks(
    desk: &Desk,
    shard: usize,
    (told, tenants): (&Tellable, &[String]),
    ended: &mut Vec<Ended>,
) -> Result<Vec<Task>, Stopped> {
    let mut tasks = Vec::new();
    while let Some(tenant) = ended.first().map(|first| first.tenant) {
        let name = tenants
            .get(usize::from(tenant.0))
            .map_or("", String::as_str);
        let of_tenant: Vec<Ended> = ended
            .iter()
            .filter(|it| it.tenant == tenant)
            .take(ASKED_MAX)
            .copied()
            .collect();
        let asks = told.any_of(name).map(|place| Task::about(shard, place));
        let channels = match asks {
            Some(asks) => sold_at(desk, &asks, &of_tenant).await?,
            None => Some(Vec::new()),
        };
        let Some(channels) = channels else {
            break;
        };
        for (ended, channel) in of_tenant.iter().zip(channels) {
            let place = channel.and_then(|channel| told.place(name, channel));
            tasks.extend(place.map(|place| Task {
                ended: ended.accepted,
                ..Task::about(shard, place)
            }));
        }
        let mut left = of_tenant.len();
        ended.retain(|it| {
            let asked = it.tenant == tenant && left > 0;
            left -= usize::from(asked);
            !asked
        });
    }
    Ok(tasks)
}

/// Where each was sold, by its shard; none where that cannot be said now.
async fn sold_at(
    desk: &Desk,
    task: &Task,
    ended: &[Ended],
) -> Result<Option<Vec<Option<ChannelId>>>, Stopped> {
    let question = LocalQuery::OwnNames {
        skus: Vec::new(),
        locations: Vec::new(),
        actors: Vec::new(),
        orders: ended.iter().map(|it| it.order).collect(),
    };
    match desk.ask(task, LocalRequest::Query(question)).await? {
        LocalAnswer::OwnNames { channels, .. } => Ok(Some(channels)),
        other => {
            tracing::debug!(
                ?other,
                "where orders that ended were sold could not be asked"
            );
            Ok(None)
        }
    }
}

/// The id of an order at its channel; none where it has none.
pub(super) fn sold_as(
    journal: &dyn ShardJournal,
    accepted: u64,
) -> Result<Option<String>, FeedError> {
    let mut sold = None;
    journal.find(accepted, &mut |record, _| {
        if let Some(Record::OrderAccepted(accepted)) = Record::decode(record)
            && let Some(details) = OrderDetails::from_archive(accepted.details)
            && !details.external_id.is_empty()
        {
            sold = Some(details.external_id);
        }
    })?;
    Ok(sold)
}

/// Journals that the channel is to be told, unless it knows. Nothing is journaled twice. Where the
/// shard takes no event now, it is put off: those that it has are to be settled meanwhile.
pub(super) async fn open(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    order_id: &str,
) -> Result<Option<(Duration, Task)>, Stopped> {
    let tells = is_told(desk, task.channel, channel);
    let known = work::known(desk, task, channel, (order_id, None)).await?;
    if !tells || known.applied.is_none_or(|applied| applied.cancelled) {
        return Ok(None);
    }
    let body = Body {
        order_id: order_id.to_owned(),
    };
    let Ok(body) = serde_json::to_vec(&body) else {
        return Ok(None);
    };
    let event = event_id(channel.kind, &[b"cancel", order_id.as_bytes()]);
    let delivery = OwnedDelivery {
        channel: channel.number,
        events: vec![EventHead {
            event: channel.event_id(event),
            topic: "cancel".to_owned(),
        }],
        head: format!("{CANCEL}: 1\n"),
        body,
    };
    match desk.ask(task, LocalRequest::Event(delivery)).await? {
        LocalAnswer::Command(done) if done.code == ResultCode::Ok => Ok(None),
        other => {
            tracing::warn!(
                channel = channel.name,
                ?other,
                "that an order is cancelled could not be journaled for its channel yet"
            );
            Ok(Some(fetch::waits(task, channel, 0)))
        }
    }
}

/// The order that a journaled delivery of this kind is about; `None` where it is another one.
pub(super) fn read(delivery: &Delivery) -> Option<String> {
    delivery.header(CANCEL)?;
    let body: Body = serde_json::from_slice(&delivery.body).ok()?;
    Some(body.order_id)
}

/// What telling a channel came to.
pub(super) enum Told {
    Settle(Verdict),
    /// It may be told later: then the event is to be taken up again like this.
    Later(Duration, Task),
}

/// Tells the channel. Looks first: whether an earlier call arrived may not be known. The call is owed to
/// the event, which is on the disk; what the shard knows of the order can only spare it.
pub(super) async fn there(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    order_id: &str,
) -> Result<Told, Stopped> {
    let known = work::known(desk, task, channel, (order_id, None)).await?;
    let before = known.applied.unwrap_or_default();
    let settle = |verdict: Verdict| {
        let cancelled = Applied {
            cancelled: true,
            ..before
        };
        Told::Settle(verdict.about(known.key, cancelled))
    };
    let refused = |why: &str| {
        let note = format!(
            "the order is cancelled here, and the marketplace could not be told: {why}; cancel it \
             there and discard this event, or drive it again"
        );
        Told::Settle(Verdict::quarantined(note).about(known.key, Applied::default()))
    };
    let has_it = || {
        settle(Verdict::new(
            EventFate::Duplicate,
            "the channel has cancelled it",
        ))
    };
    if before.cancelled {
        return Ok(has_it());
    }
    let order = match fetch::detail(desk, task, channel, order_id).await? {
        Fetched::Found(found) => match found.what {
            What::Cancelled { .. } => return Ok(has_it()),
            What::Order(order) => order,
            _ => return Ok(refused("its detail cannot be read there")),
        },
        Fetched::Never(why) => return Ok(refused(&why)),
        Fetched::Later(wait, task) => return Ok(Told::Later(wait, task)),
    };
    let Some(api) = desk.api(task.channel) else {
        return Ok(refused("the channels file has no `secrets` for its API"));
    };
    let told = tokio::select! {
        told = api.cancel(order_id, &order.lines) => told,
        () = desk.stopped() => return Err(Stopped),
    };
    let Err(error) = told else {
        let channel = channel.name.as_str();
        tracing::info!(
            channel,
            order_id,
            "the marketplace was told that the order is cancelled"
        );
        return Ok(settle(Verdict::new(
            EventFate::Applied,
            "the marketplace was told",
        )));
    };
    Ok(match fetch::put_off(desk, task, channel, &error) {
        Some((wait, task)) => Told::Later(wait, task),
        None => refused(&error.to_string()),
    })
}
