//! What an event means for its order, from what is known of both. Nothing here asks or waits.

use crate::channels::{ChannelOptions, ChannelOrder, Stage};
use crate::engine::channel_event::command::{ChannelOrder as Applied, ItemName, ItemSku};
use crate::shard::local::NamedLine;
use crate::types::channel_event::EventFate;
use crate::types::{ChannelKind, OrderKey, money};

/// What became of an event, with what its order is like then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub fate: EventFate,
    pub order: OrderKey,
    pub state: Applied,
    pub note: String,
}

impl Verdict {
    pub fn new(fate: EventFate, note: impl Into<String>) -> Self {
        Self {
            fate,
            order: OrderKey(0),
            state: Applied::default(),
            note: note.into(),
        }
    }

    pub fn quarantined(note: impl Into<String>) -> Self {
        Self::new(EventFate::Quarantined, note)
    }

    pub fn about(mut self, order: OrderKey, state: Applied) -> Self {
        (self.order, self.state) = (order, state);
        self
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing but to say so.
    Settle(Verdict),
    /// Place this version of the order with these lines.
    Place {
        version: u16,
        lines: Vec<NamedLine>,
        state: Applied,
    },
    /// Cancel the order; it is known to the engine or not.
    Cancel { state: Applied },
}

/// What is known of an order before the event.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub key: OrderKey,
    /// What was applied last.
    pub applied: Option<Applied>,
    /// The order is known to the engine.
    pub exists: bool,
    /// What its items stand for.
    pub skus: Vec<Option<ItemSku>>,
}

/// The items of an order, to ask what they stand for.
pub(super) fn items(order: &ChannelOrder) -> Vec<ItemName> {
    let names = order.lines.iter().map(|line| ItemName {
        item: line.item.clone(),
        sku: line.sku.clone(),
    });
    names.collect()
}

/// An older word about an order than what was applied, or about one that is cancelled already.
fn outdated(known: &Known, changed_ms: u64) -> Option<Verdict> {
    let applied = known.applied?;
    let about = |verdict: Verdict| verdict.about(known.key, applied);
    if changed_ms != 0 && changed_ms < applied.changed_ms {
        let note = "something newer about the order was applied before";
        return Some(about(Verdict::new(EventFate::Stale, note)));
    }
    None
}

/// What an order as it is now means.
pub(super) fn order(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    changed_ms: u64,
    known: &Known,
) -> Decision {
    let settle = |verdict: Verdict| Decision::Settle(verdict.about(known.key, Applied::default()));
    if let Some(outdated) = outdated(known, changed_ms) {
        return Decision::Settle(outdated);
    }
    let content = content(order);
    let before = known.applied;
    if let Some(applied) = before {
        let state = Applied {
            changed_ms: applied.changed_ms.max(changed_ms),
            ..applied
        };
        let verdict = if applied.cancelled {
            Verdict::new(EventFate::Ignored, "the channel has cancelled the order")
        } else if applied.content == content {
            Verdict::new(EventFate::Duplicate, "")
        } else {
            return changed(channel, order, (state, content), known);
        };
        return Decision::Settle(verdict.about(known.key, state));
    }
    match order.stage {
        Stage::Waiting if !order.cash_on_delivery && channel.kind != ChannelKind::WhatsApp => {
            let note = format!("not paid yet ({}); taken when it is", order.status);
            return settle(Verdict::new(EventFate::Ignored, note));
        }
        Stage::Shipped => {
            let note = format!(
                "it was {} at the channel before it was known here: correct the stock by hand, or \
                 drive it again to fulfil it",
                order.status
            );
            return settle(Verdict::quarantined(note));
        }
        _ => {}
    }
    let state = Applied {
        changed_ms,
        content,
        version: 1,
        cancelled: false,
    };
    place(channel, order, state, known)
}

/// The channel changed an order that was applied before.
fn changed(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    (state, content): (Applied, u64),
    known: &Known,
) -> Decision {
    let state = Applied {
        content,
        version: state.version.saturating_add(1),
        ..state
    };
    place(channel, order, state, known)
}

fn place(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    state: Applied,
    known: &Known,
) -> Decision {
    let refuse = |verdict: Verdict| Decision::Settle(verdict.about(known.key, Applied::default()));
    if let Some(only) = channel.currency.filter(|only| *only != order.currency) {
        let name = |number| money::alpha(number).map_or_else(|| format!("{number}"), str::to_owned);
        let note = format!(
            "the order is in {}, and channel {} takes {} only",
            name(order.currency),
            channel.name,
            name(only)
        );
        return refuse(Verdict::quarantined(note));
    }
    let mut lines = Vec::with_capacity(order.lines.len());
    let mut missing = Vec::new();
    for (line, sku) in order.lines.iter().zip(&known.skus) {
        let Some(sku) = sku else {
            missing.push(format!(
                "item {} (SKU text {})",
                or_none(&line.item),
                or_none(&line.sku)
            ));
            continue;
        };
        if channel.kind == ChannelKind::WhatsApp
            && let Err(note) = priced(channel, line.unit_price, sku)
        {
            return refuse(Verdict::quarantined(note));
        }
        lines.push(NamedLine {
            sku: sku.name.clone(),
            location: None,
            quantity: line.quantity,
        });
    }
    if !missing.is_empty() {
        let note = format!(
            "no SKU stands for {}: map it, then drive it again",
            missing.join(", ")
        );
        return refuse(Verdict::new(EventFate::Unmapped, note));
    }
    Decision::Place {
        version: state.version,
        lines,
        state,
    }
}

/// The price comes from the buyer's side: it must be the one of the catalogue.
fn priced(channel: &ChannelOptions, price: u64, sku: &ItemSku) -> Result<(), String> {
    if channel.setting("unchecked_prices") == "true" {
        return Ok(());
    }
    let pairs = url::form_urlencoded::parse(sku.write_back.as_bytes());
    let mut prices = pairs.filter(|(name, _)| name == "price");
    let known = prices
        .next()
        .and_then(|(_, value)| value.parse::<u64>().ok());
    match known {
        Some(known) if known == price => Ok(()),
        Some(known) => Err(format!(
            "the message says {price} for {}, the catalogue {known} (minor units)",
            sku.name
        )),
        None => Err(format!(
            "the catalogue's price of {} is not known: map its item with `price=` in minor units, or \
             set `unchecked_prices`",
            sku.name
        )),
    }
}

/// What a cancellation means.
pub(super) fn cancelled(changed_ms: u64, known: &Known) -> Decision {
    if let Some(outdated) = outdated(known, changed_ms) {
        return Decision::Settle(outdated);
    }
    let before = known.applied.unwrap_or_default();
    let state = Applied {
        changed_ms: before.changed_ms.max(changed_ms),
        cancelled: true,
        ..before
    };
    if before.cancelled {
        let verdict = Verdict::new(EventFate::Duplicate, "");
        return Decision::Settle(verdict.about(known.key, state));
    }
    Decision::Cancel { state }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// A hash of what of an order a change of version is for: lines, money, address.
pub(super) fn content(order: &ChannelOrder) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("onhand channel order content v1");
    let mut text = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for line in &order.lines {
        text(&line.item);
        text(&line.sku);
        text(&format!("{} {}", line.quantity, line.unit_price));
    }
    text(&format!("{} {}", order.total, order.currency));
    let details = &order.details;
    for line in details.shipping_address.iter().chain([
        &details.country,
        &details.contact_name,
        &details.custom_handling,
    ]) {
        text(line);
    }
    let hash = hasher.finalize();
    let first = hash.as_bytes().first_chunk::<8>().copied();
    u64::from_le_bytes(first.unwrap_or_default())
}
