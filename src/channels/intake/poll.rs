//! Asking marketplaces for orders that changed, for what their webhooks lose.
//!
//! What is found goes the way of a webhook: an event in the journal, known by order and time of its
//! change, worked off by asking for the order's detail. What is applied already is left alone.

use super::desk::{Desk, Stopped, Task};
use crate::channels::api::{ApiError, Marketplace};
use crate::channels::{ChannelOptions, Delivery, Incoming, Stage, What, event_id};
use crate::clock;
use crate::engine::channel_event::command::EventHead;
use crate::metrics;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, OwnedDelivery};
use crate::types::{ChannelKind, ResultCode};
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

/// Pages of one look.
const PAGES_MAX: usize = 1_000;

/// What is journaled of an order that was found.
#[derive(Serialize, Deserialize)]
struct Pulled {
    order_id: String,
    changed_ms: u64,
}

/// Looks now and then, until a stop.
pub(super) async fn run(desk: Arc<Desk>, shard: usize, place: usize) {
    let (Some(channel), Some(api)) = (
        desk.channels.get(place).cloned(),
        desk.apis.get(place).cloned().flatten(),
    ) else {
        return;
    };
    if channel.poll_ms == 0 || channel.kind == ChannelKind::WhatsApp {
        return;
    }
    let task = Task {
        shard,
        channel: place,
        event: 0,
        received_ms: 0,
    };
    let mut since_ms = clock::now_ms().saturating_sub(LOOK_BACK_MS);
    loop {
        let began_ms = clock::now_ms();
        match look(&desk, &task, (&channel, &*api), since_ms).await {
            Ok(Ok(())) => since_ms = began_ms.saturating_sub(OVERLAP_MS),
            Ok(Err(error)) => {
                metrics::count_channel_event(&channel.name, "poll_failed", 1);
                tracing::warn!(channel = channel.name, %error, "changed orders could not be asked for");
            }
            Err(Stopped) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(channel.poll_ms)) => {}
            () = desk.stopped() => return,
        }
    }
}

async fn look(
    desk: &Desk,
    task: &Task,
    (channel, api): (&ChannelOptions, &dyn Marketplace),
    since_ms: u64,
) -> Result<Result<(), ApiError>, Stopped> {
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        if desk.is_stopped() {
            return Err(Stopped);
        }
        let page = match api.changed(since_ms, &cursor).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        for incoming in &page.incoming {
            take(desk, task, channel, incoming).await?;
        }
        if let Some(token) = &page.confirm
            && let Err(error) = api.confirm(token).await
        {
            return Ok(Err(error));
        }
        match page.next {
            Some(next) if next != cursor => cursor = next,
            _ => break,
        }
    }
    Ok(Ok(()))
}

/// Journals an order that is not as it was applied.
async fn take(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    incoming: &Incoming,
) -> Result<(), Stopped> {
    let unpaid = match &incoming.what {
        What::Ignored(_) | What::Privacy(_) => return Ok(()),
        What::Order(order) => order.stage == Stage::Waiting && !order.cash_on_delivery,
        _ => false,
    };
    if incoming.order_id.is_empty() || unpaid {
        return Ok(());
    }
    let question = LocalQuery::ChannelOrder {
        order: order_key(channel.number, incoming.order_id.as_bytes()),
        channel: channel.number,
        items: Vec::new(),
    };
    if let LocalAnswer::ChannelOrder { known, .. } =
        desk.ask(task, LocalRequest::Query(question)).await?
        && known.is_some_and(|it| it.cancelled || it.changed_ms >= incoming.changed_ms)
    {
        return Ok(());
    }
    let pulled = Pulled {
        order_id: incoming.order_id.clone(),
        changed_ms: incoming.changed_ms,
    };
    let Ok(body) = serde_json::to_vec(&pulled) else {
        return Ok(());
    };
    let delivery = LocalRequest::Event(OwnedDelivery {
        channel: channel.number,
        events: vec![EventHead {
            event: channel.event_id(id(channel, &pulled)),
            topic: "pulled".to_owned(),
        }],
        head: format!("{PULLED}: 1\n"),
        body,
    });
    match desk.ask(task, delivery).await? {
        LocalAnswer::Command(done) if done.code == ResultCode::Ok => {
            metrics::count_channel_event(&channel.name, "pulled", u64::from(done.handle));
        }
        other => tracing::warn!(
            ?other,
            "an order that was asked for could not be journaled yet"
        ),
    }
    Ok(())
}

fn id(channel: &ChannelOptions, pulled: &Pulled) -> u128 {
    let changed = pulled.changed_ms.to_le_bytes();
    event_id(
        channel.kind,
        &[b"pulled", pulled.order_id.as_bytes(), &changed],
    )
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
