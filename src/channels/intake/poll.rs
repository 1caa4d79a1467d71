//! Asking marketplaces for orders that changed, for what their webhooks lose.
//!
//! What is found goes the way of a webhook: an event in the journal, known by order and time of its
//! change, worked off by asking for the order's detail. What is applied already is left alone. What
//! the shard does not take is asked for again: nothing is confirmed, and no time is passed over,
//! before it is in the journal.

#[cfg(test)]
mod tests;

use super::decide;
use super::desk::{Desk, Stopped, Task};
use crate::channels::api::{ApiError, Marketplace};
use crate::channels::{ChannelOptions, Delivery, Incoming, What, event_id};
use crate::clock;
use crate::engine::channel_event::command::{ChannelOrder as Applied, EventFilter, EventHead};
use crate::metrics;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, OwnedDelivery};
use crate::types::channel_event::EventFate;
use crate::types::{ChannelKind, CodeClass, ResultCode};
use crate::wire::order_key;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The header of an event that was asked for.
const PULLED: &str = "x-onhand-pulled";

/// How far back the first look after a start goes, in milliseconds.
const LOOK_BACK_MS: u64 = 24 * 3_600 * 1_000;

/// How much of what was looked at is looked at again, in milliseconds: clocks differ.
const OVERLAP_MS: u64 = 10 * 60 * 1_000;

/// How often an order is offered to its shard in one look, and the wait between.
const OFFERS: u32 = 10;
const OFFER_WAIT: Duration = Duration::from_millis(300);

/// First and longest wait between two questions whether what was open is worked off, in
/// milliseconds: each costs the engine a look at the events that wait, and with a marketplace that
/// is down they do so for long.
const OPEN_WAIT_MS: u64 = 100;
const OPEN_WAIT_MS_MAX: u64 = 5_000;

/// Pages of one look: a list that has more is taken for one that does not end.
const PAGES_MAX: usize = 10_000;

/// What is journaled of an order that was found.
#[derive(Serialize, Deserialize)]
struct Pulled {
    order_id: String,
    changed_ms: u64,
    /// It is cancelled there: that may be so since the second in which it was paid.
    #[serde(default)]
    cancelled: bool,
}

/// Why a look ended early.
#[derive(Debug)]
enum Unfinished {
    /// The marketplace did not answer.
    Api(ApiError),
    /// The shard takes nothing in.
    Busy(ResultCode),
    /// The list did not end.
    Endless,
}

/// Looks now and then, until a stop. When the first look and what was open before are worked off,
/// the channel's publisher hears of it.
/// `open`: some of its events were open at the start.
pub(super) async fn run(desk: Arc<Desk>, shard: usize, place: usize, open: bool) {
    let Some(channel) = desk.channels.get(place).cloned() else {
        return;
    };
    let task = Task::about(shard, place);
    let looks = channel.poll_ms > 0 && channel.kind != ChannelKind::WhatsApp;
    let api = desk.api(place).filter(|_| looks);
    let mut since_ms = clock::now_ms().saturating_sub(LOOK_BACK_MS);
    let (mut first, mut any) = (true, open);
    loop {
        let began_ms = clock::now_ms();
        let looked = match &api {
            Some(api) => look(&desk, &task, (&channel, &**api), since_ms).await,
            None => Ok(Ok(false)),
        };
        match looked {
            Ok(Ok(found)) => {
                since_ms = began_ms.saturating_sub(OVERLAP_MS);
                any |= found;
                if std::mem::take(&mut first) {
                    tokio::spawn(tell_when_worked_off(Arc::clone(&desk), task, any));
                }
            }
            Ok(Err(unfinished)) => {
                metrics::count_channel_event(&channel.name, "poll_failed", 1);
                let name = channel.name.as_str();
                match unfinished {
                    Unfinished::Api(error) => {
                        tracing::warn!(channel = name, %error, "changed orders could not be asked for");
                    }
                    Unfinished::Busy(code) => {
                        tracing::warn!(channel = name, %code,
                            "changed orders could not be journaled; they are asked for again");
                    }
                    Unfinished::Endless => {
                        tracing::error!(
                            channel = name,
                            "the list of changed orders does not end; it is asked for again"
                        );
                    }
                }
            }
            Err(Stopped) => return,
        }
        if api.is_none() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(channel.poll_ms)) => {}
            () = desk.stopped() => return,
        }
    }
}

/// Tells the channel's publisher once everything is worked off that has arrived by now, if there
/// is `any`.
async fn tell_when_worked_off(desk: Arc<Desk>, task: Task, any: bool) {
    let (channel, standing) = (
        desk.channels.get(task.channel),
        desk.standings.get(task.channel),
    );
    if let (Some(channel), Some(standing)) = (channel, standing)
        && (!any || all_worked_off(&desk, &task, channel).await.is_ok())
    {
        standing.set_caught_up();
    }
}

/// Waits until no event of the channel is open that arrived before now.
async fn all_worked_off(desk: &Desk, task: &Task, channel: &ChannelOptions) -> Result<(), Stopped> {
    let now_ms = clock::now_ms();
    let mut wait_ms = OPEN_WAIT_MS;
    loop {
        let filter = EventFilter {
            fate: Some(EventFate::Open),
            channel: Some(channel.number),
            after: 0,
            limit: 1,
        };
        let question = LocalRequest::Query(LocalQuery::Events(filter));
        match desk.ask(task, question).await? {
            LocalAnswer::Events(page) => {
                if page
                    .events
                    .first()
                    .is_none_or(|oldest| oldest.received_ms > now_ms)
                {
                    return Ok(());
                }
            }
            // Nothing was ever journaled for such a tenant.
            LocalAnswer::Refused(code) if code.class() != CodeClass::Transient => return Ok(()),
            other => tracing::debug!(?other, "whether events are open could not be asked"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            () = desk.stopped() => return Err(Stopped),
        }
        wait_ms = (wait_ms * 2).min(OPEN_WAIT_MS_MAX);
    }
}

/// Asks for what changed, and journals it; true where there was any.
async fn look(
    desk: &Desk,
    task: &Task,
    (channel, api): (&ChannelOptions, &dyn Marketplace),
    since_ms: u64,
) -> Result<Result<bool, Unfinished>, Stopped> {
    let (mut cursor, mut found) = (String::new(), false);
    for _ in 0..PAGES_MAX {
        if desk.is_stopped() {
            return Err(Stopped);
        }
        let page = match api.changed(since_ms, &cursor).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(Unfinished::Api(error))),
        };
        for incoming in &page.incoming {
            found = true;
            if let Err(code) = take(desk, task, channel, incoming).await? {
                return Ok(Err(Unfinished::Busy(code)));
            }
        }
        if let Some(token) = &page.confirm
            && let Err(error) = api.confirm(token).await
        {
            return Ok(Err(Unfinished::Api(error)));
        }
        match page.next {
            Some(next) if next != cursor => cursor = next,
            _ => return Ok(Ok(found)),
        }
    }
    Ok(Err(Unfinished::Endless))
}

/// True where the order is as it was applied, or nothing is to be done about it yet.
fn is_settled(channel: &ChannelOptions, incoming: &Incoming, known: Option<Applied>) -> bool {
    let order = match &incoming.what {
        What::Ignored(_) | What::Privacy(_) => return true,
        What::Order(order) => Some(order),
        _ => None,
    };
    let Some(known) = known else {
        return order.is_some_and(|order| decide::unpaid(channel, order).is_some());
    };
    let tie = known.changed_ms == incoming.changed_ms;
    let cancelled = matches!(incoming.what, What::Cancelled { .. });
    let same = match order {
        Some(order) => !known.cancelled && decide::content(order) == known.content,
        None => true,
    };
    known.cancelled && cancelled
        || known.changed_ms > incoming.changed_ms && !cancelled
        || tie && (same || known.cancelled) && !cancelled
}

/// Journals an order that is not as it was applied; the code with which the shard refuses to take
/// anything in now.
async fn take(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    incoming: &Incoming,
) -> Result<Result<(), ResultCode>, Stopped> {
    if incoming.order_id.is_empty() {
        return Ok(Ok(()));
    }
    let question = LocalQuery::ChannelOrder {
        order: order_key(channel.number, incoming.order_id.as_bytes()),
        channel: channel.number,
        items: Vec::new(),
    };
    let known = match desk.ask(task, LocalRequest::Query(question)).await? {
        LocalAnswer::ChannelOrder { known, .. } => known,
        _ => None,
    };
    if is_settled(channel, incoming, known) {
        return Ok(Ok(()));
    }
    let pulled = Pulled {
        order_id: incoming.order_id.clone(),
        changed_ms: incoming.changed_ms,
        cancelled: matches!(incoming.what, What::Cancelled { .. }),
    };
    let Ok(body) = serde_json::to_vec(&pulled) else {
        return Ok(Ok(()));
    };
    let delivery = OwnedDelivery {
        channel: channel.number,
        events: vec![EventHead {
            event: channel.event_id(id(channel, &pulled)),
            topic: "pulled".to_owned(),
        }],
        head: format!("{PULLED}: 1\n"),
        body,
    };
    offer(desk, task, channel, delivery).await
}

async fn offer(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    delivery: OwnedDelivery,
) -> Result<Result<(), ResultCode>, Stopped> {
    let mut code = ResultCode::Overloaded;
    for _ in 0..OFFERS {
        let done = desk
            .ask(task, LocalRequest::Event(delivery.clone()))
            .await?;
        code = match done {
            LocalAnswer::Command(done) if done.code == ResultCode::Ok => {
                metrics::count_channel_event(&channel.name, "pulled", u64::from(done.handle));
                return Ok(Ok(()));
            }
            LocalAnswer::Command(done) => done.code,
            LocalAnswer::Refused(code) => code,
            _ => ResultCode::InvalidField,
        };
        if code.class() != CodeClass::Transient {
            // It is not taken another time either; the others are.
            let name = channel.name.as_str();
            tracing::error!(channel = name, %code, "an order that was asked for cannot be journaled");
            return Ok(Ok(()));
        }
        tokio::select! {
            () = tokio::time::sleep(OFFER_WAIT) => {}
            () = desk.stopped() => return Err(Stopped),
        }
    }
    Ok(Err(code))
}

fn id(channel: &ChannelOptions, pulled: &Pulled) -> u128 {
    let changed = pulled.changed_ms.to_le_bytes();
    let order_id = pulled.order_id.as_bytes();
    if pulled.cancelled {
        return event_id(channel.kind, &[b"pulled", order_id, &changed, b"cancelled"]);
    }
    event_id(channel.kind, &[b"pulled", order_id, &changed])
}

/// What a journaled delivery of this kind says; `None` where it is another one.
pub(super) fn read(channel: &ChannelOptions, delivery: &Delivery) -> Option<Incoming> {
    delivery.header(PULLED)?;
    let pulled: Pulled = serde_json::from_slice(&delivery.body).ok()?;
    Some(Incoming {
        event: id(channel, &pulled),
        topic: "pulled".to_owned(),
        changed_ms: pulled.changed_ms,
        order_id: pulled.order_id,
        what: What::Fetch,
    })
}
