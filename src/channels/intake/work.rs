//! One event: what it means, and what is done about it.

#[cfg(test)]
mod tests;

use super::cancel::{self, Told};
use super::decide::{self, Decided, Decision, Known, Verdict, Way};
use super::desk::{Desk, Opened, Stopped, Task};
use super::fetch::{self, Fetched};
use super::send::{Sent, send};
use crate::channels::{ChannelOptions, ChannelOrder, Incoming, Privacy, PrivacyKind, What, tiktok};
use crate::clock;
use crate::engine::channel_event::command::{ChannelOrder as Applied, Settlement};
use crate::limits::HOLD_TTL_MS_MAX;
use crate::metrics;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, NamedLine, PlaceRequest};
use crate::types::channel_event::EventFate;
use crate::types::process::ReviewReason;
use crate::types::{ChannelKind, CommandKey, OrderKey, OrderMode, OrderState, Policy, ResultCode};
use crate::wire::order_key;
use std::time::Duration;

/// Wait before a shard that is overloaded is asked again.
const OVERLOADED_WAIT: Duration = Duration::from_millis(200);

/// What judging an event came to.
enum Judged {
    Settle(Verdict),
    /// The order's detail has to be asked for first.
    Fetch,
    /// It cannot be done yet: to be taken up again like this.
    Later(Duration, Task),
}

/// Works off an event; what it is put off with, where it stays open: how long, and as what.
pub(super) async fn off(
    desk: &Desk,
    task: &Task,
    opened: Opened,
) -> Result<Option<(Duration, Task)>, Stopped> {
    let Some(channel) = desk.channels.get(task.channel) else {
        return Ok(None);
    };
    let (mut incoming, driven) = match opened {
        Opened::Over => return Ok(None),
        Opened::Unreadable(why) => {
            settle(desk, task, channel, Verdict::quarantined(why)).await?;
            return Ok(None);
        }
        Opened::Ended(order_id) => {
            let later = cancel::open(desk, task, channel, &order_id).await?;
            return Ok(later.map(|(wait, task)| put_off(channel, wait, task)));
        }
        Opened::Cancel(order_id) => {
            match cancel::there(desk, task, channel, &order_id).await? {
                Told::Settle(verdict) => settle(desk, task, channel, verdict).await?,
                Told::Later(wait, task) => return Ok(Some(put_off(channel, wait, task))),
            }
            return Ok(None);
        }
        Opened::Incoming { incoming, driven } => (incoming, driven),
    };
    let mut way = Way {
        fetched: false,
        driven,
    };
    let verdict = loop {
        match judge(desk, task, channel, (&incoming, way)).await? {
            Judged::Settle(verdict) => break verdict,
            Judged::Later(wait, task) => return Ok(Some(put_off(channel, wait, task))),
            Judged::Fetch if incoming.what != What::Fetch && desk.api(task.channel).is_none() => {
                way.fetched = true; // nobody can be asked: it is taken as it came
            }
            Judged::Fetch => match fetch::detail(desk, task, channel, &incoming.order_id).await? {
                Fetched::Found(found) => (incoming, way.fetched) = (found, true),
                Fetched::Never(why) => {
                    break about(channel, &incoming, Verdict::quarantined(why));
                }
                Fetched::Later(wait, task) => return Ok(Some(put_off(channel, wait, task))),
            },
        }
    };
    settle(desk, task, channel, verdict).await?;
    Ok(None)
}

fn put_off(channel: &ChannelOptions, wait: Duration, task: Task) -> (Duration, Task) {
    metrics::count_channel_event(&channel.name, "put_off", 1);
    (wait, task)
}

async fn settle(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    verdict: Verdict,
) -> Result<(), Stopped> {
    let fate = verdict.fate;
    let settlement = Settlement {
        event: task.event,
        fate,
        order: verdict.order,
        state: verdict.state,
        note: verdict.note,
    };
    if fate.is_held() {
        let (channel, note) = (channel.name.as_str(), settlement.note.as_str());
        let order = settlement.order;
        tracing::warn!(channel, fate = fate.name(), %order, note, "an event waits for a person");
    }
    loop {
        let request = LocalRequest::EventSettled(settlement.clone());
        match desk.ask(task, request).await? {
            LocalAnswer::Command(done) if done.code == ResultCode::Ok => break,
            // A person has decided about it meanwhile.
            LocalAnswer::Command(done)
                if matches!(done.code, ResultCode::UnknownEvent | ResultCode::NotInState) =>
            {
                return Ok(());
            }
            other => {
                tracing::warn!(?other, "an event could not be settled yet");
                pause(desk).await?;
            }
        }
    }
    let waited_ms = clock::now_ms().saturating_sub(task.received_ms);
    metrics::channel_event_settled(&channel.name, fate.name(), waited_ms);
    Ok(())
}

pub(super) async fn pause(desk: &Desk) -> Result<(), Stopped> {
    if desk.is_stopped() {
        return Err(Stopped);
    }
    tokio::time::sleep(OVERLOADED_WAIT).await;
    Ok(())
}

async fn judge(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    (incoming, way): (&Incoming, Way),
) -> Result<Judged, Stopped> {
    let verdict = match &incoming.what {
        What::Ignored(why) => Verdict::new(EventFate::Ignored, *why),
        What::Unreadable(why) => about(channel, incoming, Verdict::quarantined(why.to_string())),
        What::Privacy(privacy) => Verdict::new(EventFate::Parked, asked(privacy)),
        What::Fetch if way.fetched => {
            let note = "the marketplace's detail of the order says no more than its event";
            about(channel, incoming, Verdict::quarantined(note))
        }
        What::Fetch
            if is_of_some_articles(channel, incoming) && desk.api(task.channel).is_none() =>
        {
            decide::granted(&known(desk, task, channel, (&incoming.order_id, None)).await?)
        }
        What::Fetch => return Ok(Judged::Fetch),
        What::Order(order) => {
            return place(desk, task, channel, (order, incoming.changed_ms, way)).await;
        }
        What::Cancelled { reason } => {
            let known = known(desk, task, channel, (&incoming.order_id, None)).await?;
            match decide::cancelled(channel.kind, incoming.changed_ms, &known) {
                Decision::Cancel { state } => {
                    cancelled(desk, task, channel, (&known, state, reason)).await?
                }
                Decision::Settle(verdict) => verdict,
                Decision::Fetch | Decision::Place { .. } => {
                    unreachable!("a cancellation places nothing")
                }
            }
        }
    };
    Ok(Judged::Settle(verdict))
}

/// True for a cancellation that was granted, perhaps of some articles only.
fn is_of_some_articles(channel: &ChannelOptions, incoming: &Incoming) -> bool {
    channel.kind == ChannelKind::TikTok && incoming.topic == tiktok::CANCELLATION
}

/// A verdict with the order that the event names.
fn about(channel: &ChannelOptions, incoming: &Incoming, verdict: Verdict) -> Verdict {
    if incoming.order_id.is_empty() {
        return verdict;
    }
    verdict.about(key_of(channel, &incoming.order_id), Applied::default())
}

fn key_of(channel: &ChannelOptions, order_id: &str) -> OrderKey {
    order_key(channel.number, order_id.as_bytes())
}

/// What a person has to do about somebody's data.
fn asked(privacy: &Privacy) -> String {
    let what = match privacy.kind {
        PrivacyKind::DataRequest => "a buyer asks for the data kept about them",
        PrivacyKind::RedactCustomer => "the data of a buyer are to be removed",
        PrivacyKind::RedactShop => "the data of the shop are to be removed",
    };
    let customer = match privacy.customer.as_str() {
        "" => String::new(),
        id => format!(", customer {id}"),
    };
    let orders = match privacy.orders.len() {
        0 => String::new(),
        _ => format!(", orders {}", privacy.orders.join(", ")),
    };
    format!(
        "{what}: shop {}{customer}{orders}; discard it when done",
        privacy.shop
    )
}

pub(super) async fn known(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    (order_id, order): (&str, Option<&ChannelOrder>),
) -> Result<Known, Stopped> {
    let key = key_of(channel, order_id);
    loop {
        let question = LocalQuery::ChannelOrder {
            order: key,
            channel: channel.number,
            items: order.map(decide::items).unwrap_or_default(),
        };
        match desk.ask(task, LocalRequest::Peek(question)).await? {
            LocalAnswer::ChannelOrder { known, order, skus } => {
                return Ok(Known {
                    key,
                    applied: known,
                    customer: order.as_ref().map_or(0, |it| it.customer),
                    decided: order.map(|it| Decided {
                        version: it.version,
                        refused: it.code != ResultCode::Ok,
                    }),
                    skus,
                });
            }
            other => {
                tracing::warn!(?other, "an order of a channel could not be asked about yet");
                pause(desk).await?;
            }
        }
    }
}

async fn place(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    (order, changed_ms, way): (&ChannelOrder, u64, Way),
) -> Result<Judged, Stopped> {
    let known = known(desk, task, channel, (&order.order_id, Some(order))).await?;
    let verdict = match decide::order(channel, order, changed_ms, (&known, way)) {
        Decision::Settle(verdict) => verdict,
        Decision::Fetch => return Ok(Judged::Fetch),
        Decision::Cancel { state } => {
            cancelled(desk, task, channel, (&known, state, &order.status)).await?
        }
        Decision::Place {
            mut version,
            lines,
            state,
        } => {
            if let Some(standing) = desk.standings.get(task.channel) {
                let items = order.lines.iter().map(|line| line.item.clone());
                standing.note_sold(known.key, order.made_ms, items.collect());
            }
            let wanted = |version| request(channel, order, (known.key, version), lines.clone());
            let mut done = send(desk, task, channel, wanted(version)).await?;
            if is_another(desk, task, (&known, version), (order, &done))
                || way.driven && done.code == ResultCode::IdempotencyConflict
            {
                version = version.saturating_add(1);
                done = send(desk, task, channel, wanted(version)).await?;
            }
            if done.code == ResultCode::OrderTableFull {
                let (wait, again) = no_room(desk, task, channel, known.key);
                return Ok(Judged::Later(wait, again));
            }
            if is_paying(desk, task, (known.key, version), &done).await?
                && let Some((wait, again)) = fetch::while_paying(task, channel)
            {
                return Ok(Judged::Later(wait, again));
            }
            placed(done.code).about(known.key, Applied { version, ..state })
        }
    };
    Ok(Judged::Settle(verdict))
}

/// How an order is taken up again that finds the shard's order table full. Its units are sold at the
/// marketplace and not known here: until they are, figures there are not raised.
fn no_room(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    order: OrderKey,
) -> (Duration, Task) {
    if let Some(standing) = desk.standings.get(task.channel) {
        standing.note_waiting(task.event);
    }
    // Said once of each event; the others that wait are counted as put off.
    if task.tries == 0 {
        tracing::warn!(
            channel = channel.name,
            %order,
            "the shard's order table is full, and an order of a channel waits for room: start the \
             server with a larger `--orders-max`"
        );
    }
    fetch::waits(task, channel, 0)
}

/// True where this version was refused, for now only, because the outcome of a payment that takes
/// the money at once is not known: the order can be changed when it is.
async fn is_paying(
    desk: &Desk,
    task: &Task,
    (key, version): (OrderKey, u16),
    done: &Sent,
) -> Result<bool, Stopped> {
    // A refusal for good is an answer to this very version.
    if done.code != ResultCode::NotReplaceable || done.version >= version {
        return Ok(false);
    }
    if done.state != Some(OrderState::Review) {
        return Ok(done.state == Some(OrderState::Payment));
    }
    let question = LocalRequest::Query(LocalQuery::Order(key));
    Ok(match desk.ask(task, question).await? {
        LocalAnswer::Order(Some(order)) => {
            let process = order.process.as_ref();
            process.is_some_and(|it| it.image.review == ReviewReason::Payment)
        }
        _ => false,
    })
}

/// True where the shard accepted this version before, and what it accepted then is an older content
/// of the same order of the channel.
fn is_another(
    desk: &Desk,
    task: &Task,
    (known, version): (&Known, u16),
    (order, done): (&ChannelOrder, &Sent),
) -> bool {
    let before = known
        .decided
        .is_some_and(|it| !it.refused && it.version == version);
    if !before {
        return false;
    }
    match done.code {
        // Another customer: it was sent here by another way.
        ResultCode::IdempotencyConflict => desk
            .channels
            .get(task.channel)
            .is_some_and(|channel| known.customer == customer(channel, &order.customer)),
        // The same lines and money; details are no part of what is compared.
        ResultCode::Ok if done.replayed => {
            let details = desk.details(task, done.sequence);
            details.is_some_and(|it| !decide::same_destination(&it, &order.details))
        }
        _ => false,
    }
}

fn request(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    (key, version): (OrderKey, u16),
    lines: Vec<NamedLine>,
) -> LocalRequest {
    LocalRequest::Place(Box::new(PlaceRequest {
        key,
        version,
        customer: customer(channel, &order.customer),
        channel: channel.number,
        ttl_ms: HOLD_TTL_MS_MAX,
        mode: mode(channel.kind, order),
        policy: Policy::AllOrNothing,
        currency: order.currency,
        total: order.total,
        lines,
        details: Some(order.details.clone()),
    }))
}

/// A marketplace has sold what it reports; a message only asks, and seldom says where to.
fn mode(kind: ChannelKind, order: &ChannelOrder) -> OrderMode {
    match kind {
        ChannelKind::WhatsApp if order.details.shipping_address.is_empty() => OrderMode::Incomplete,
        ChannelKind::WhatsApp => OrderMode::Place,
        _ => OrderMode::Fact,
    }
}

/// A number for the buyer: the same for the same buyer of a channel; 0 for a guest.
fn customer(channel: &ChannelOptions, id: &str) -> u64 {
    if id.is_empty() {
        return 0;
    }
    let mut hasher = blake3::Hasher::new_derive_key("onhand channel customer v1");
    hasher.update(&channel.number.0.to_le_bytes());
    hasher.update(id.as_bytes());
    let hash = hasher.finalize();
    let first = hash.as_bytes().first_chunk::<8>().copied();
    u64::from_le_bytes(first.unwrap_or_default()).max(1)
}

/// What the shard's word about an order means for the event.
fn placed(code: ResultCode) -> Verdict {
    match code {
        ResultCode::Ok => Verdict::new(EventFate::Applied, ""),
        ResultCode::InsufficientStock => {
            Verdict::quarantined("stock does not cover it: receive stock, then drive it again")
        }
        ResultCode::IdempotencyConflict => Verdict::quarantined(
            "an order with this key and another content exists already: it was sent here by \
             another way as well",
        ),
        ResultCode::NotReplaceable | ResultCode::ManagedByProcess => Verdict::quarantined(
            "the channel changed the order after it could still be changed: see to it by hand",
        ),
        ResultCode::UnknownSku => Verdict::new(
            EventFate::Unmapped,
            "a SKU that an item stands for is gone: map it again, then drive it again",
        ),
        code => Verdict::quarantined(format!("refused: {code}: {}", code.meaning())),
    }
}

async fn cancelled(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    (known, state, reason): (&Known, Applied, &str),
) -> Result<Verdict, Stopped> {
    let request = LocalRequest::CancelAhead {
        // The same event, however often it is worked off, is the same command.
        key: CommandKey(task.event),
        order: known.key,
        reason: reason.to_owned(),
    };
    let verdict = match send(desk, task, channel, request).await?.code {
        ResultCode::Ok if known.decided.is_some() => Verdict::new(EventFate::Applied, ""),
        // What the shard did not know is remembered here: the order's creation may still be on its
        // way, and is void then.
        ResultCode::Ok | ResultCode::UnknownOrder => {
            Verdict::new(EventFate::Applied, decide::AHEAD)
        }
        ResultCode::AlreadyResolved | ResultCode::Expired | ResultCode::NotHeld => {
            Verdict::new(EventFate::Duplicate, "the order had ended before")
        }
        ResultCode::AlreadyShipped => Verdict::quarantined(
            "the channel cancelled the order after it had shipped: expect a return",
        ),
        code => Verdict::quarantined(format!("refused: {code}: {}", code.meaning())),
    };
    Ok(verdict.about(known.key, state))
}
