//! Telling a marketplace that an order which it had sold is cancelled.
//!
//! ```text
//!  journal: order CANCELLED ─▶ lane of its order: does the channel know? ─▶ EventReceived
//!  journal: EventReceived ───▶ lane ─▶ detail, cancel ─▶ EventSettled
//! ```
//!
//! The event is one of our own, kept, counted, driven again and given up like one that a channel
//! sent. An order that ended while the process died is found by a look back at the start.

use super::decide::Verdict;
use super::desk::{Desk, Stopped, Task};
use super::fetch::{self, Fetched};
use super::work;
use crate::channels::{ChannelOptions, Delivery, What, event_id};
use crate::engine::channel_event::command::{ChannelOrder as Applied, EventHead};
use crate::engine::record::{ProcessRecord, Record, kind, process_flags};
use crate::feed::{FeedError, FeedProgress, Place, ShardJournal};
use crate::shard::local::{LocalAnswer, LocalRequest, OwnedDelivery};
use crate::types::channel_event::EventFate;
use crate::types::record::{RawRecord, Records};
use crate::types::{ChannelId, OrderDetails, OrderState, ResultCode, TenantId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The header of such an event.
const CANCEL: &str = "x-onhand-cancel";

/// How many records before the recovered end of the journal are looked at for orders that ended.
const LOOK_BACK: u64 = 100_000;

/// What is journaled.
#[derive(Serialize, Deserialize)]
struct Body {
    order_id: String,
}

/// An order that ended without a sale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub tenant: TenantId,
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
        accepted: moved.accepted,
    })
}

/// Orders that ended shortly before a place of the journal.
pub(super) fn before(journal: &dyn ShardJournal, place: Place) -> Result<Vec<Ended>, FeedError> {
    let first = place.sequence.saturating_sub(LOOK_BACK).max(1);
    let mut found = Vec::new();
    if first >= place.sequence {
        return Ok(found);
    }
    let mut tail = journal.tail_from("channels", first)?;
    while tail.place().sequence < place.sequence {
        let progress = tail.next(&mut |batch| {
            found.extend(Records::new(batch.payload).filter_map(|record| ended(&record)));
        })?;
        if progress == FeedProgress::CaughtUp {
            break;
        }
    }
    Ok(found)
}

/// The channel of an order, and its id there; none where it has none.
pub(super) fn sold_by(
    journal: &dyn ShardJournal,
    accepted: u64,
) -> Result<Option<(ChannelId, String)>, FeedError> {
    let mut sold = None;
    journal.find(accepted, &mut |record, _| {
        if let Some(Record::OrderAccepted(accepted)) = Record::decode(record)
            && let Some(details) = OrderDetails::from_archive(accepted.details)
            && !details.external_id.is_empty()
        {
            sold = Some((accepted.channel, details.external_id));
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
    let tells = desk.api(task.channel).is_some() && channel.setting("cancel_at_market") != "false";
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

/// Tells the channel. Looks first: whether an earlier call arrived may not be known.
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
