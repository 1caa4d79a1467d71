//! What an event means for its order, from what is known of both. Nothing here asks or waits.

use crate::channels::{ChannelOptions, ChannelOrder, Stage};
use crate::engine::channel_event::command::{ChannelOrder as Applied, ItemName, ItemSku};
use crate::shard::local::NamedLine;
use crate::types::channel_event::EventFate;
use crate::types::{ChannelKind, OrderDetails, OrderKey, money};

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
    /// The event does not tell what the order is like now: its detail does.
    Fetch,
    /// Place this version of the order with these lines.
    Place {
        version: u16,
        lines: Vec<NamedLine>,
        state: Applied,
    },
    /// Cancel the order.
    Cancel { state: Applied },
}

/// The latest version of an order that its shard has decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decided {
    pub version: u16,
    /// It was refused: an earlier one may stand.
    pub refused: bool,
}

/// What is known of an order before the event.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub key: OrderKey,
    /// What was applied last.
    pub applied: Option<Applied>,
    /// What the shard has decided; none: it does not know the order.
    pub decided: Option<Decided>,
    /// The number of its buyer there.
    pub customer: u64,
    /// What its items stand for.
    pub skus: Vec<Option<ItemSku>>,
}

impl Known {
    /// The version that says something new. A refusal is an answer for ever, so what was refused
    /// is said once more as the version behind it. What was accepted without a word about it here
    /// is said again: it was placed, and a stop came before its event was settled.
    fn next_version(&self) -> u16 {
        let applied = self.applied.map_or(0, |it| it.version);
        match self.decided {
            Some(it) if !it.refused && it.version > applied => it.version,
            Some(it) => it.version.saturating_add(1),
            None => applied.saturating_add(1),
        }
    }

    /// True where the shard holds a version that was accepted.
    fn was_accepted(&self) -> bool {
        let refused_only =
            |it: Decided| it.refused && self.applied.is_none_or(|it| it.version == 0);
        self.decided.is_some_and(|it| !refused_only(it))
    }
}

/// How an event comes to be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// The order's detail was asked for just now, or cannot be asked for.
    pub fetched: bool,
    /// A person wants it to be worked off.
    pub driven: bool,
}

/// The items of an order, to ask what they stand for.
pub(super) fn items(order: &ChannelOrder) -> Vec<ItemName> {
    let names = order.lines.iter().map(|line| ItemName {
        item: line.item.clone(),
        sku: line.sku.clone(),
    });
    names.collect()
}

/// Whether orders stay cancelled at marketplaces of this kind. A shop of WooCommerce cancels what
/// was not paid in time, and takes it up again when the payment comes.
const fn cancels_for_good(kind: ChannelKind) -> bool {
    !matches!(kind, ChannelKind::WooCommerce)
}

/// An older word about an order than what was applied.
fn outdated(known: &Known, changed_ms: u64) -> Option<Verdict> {
    let applied = known.applied?;
    let about = |verdict: Verdict| verdict.about(known.key, applied);
    if changed_ms != 0 && changed_ms < applied.changed_ms {
        let note = "something newer about the order was applied before";
        return Some(about(Verdict::new(EventFate::Stale, note)));
    }
    None
}

/// What a granted cancellation means that says nothing of the articles, where the marketplace cannot
/// be asked: an order that is here is left to a person, who can look.
pub(super) fn granted(known: &Known) -> Verdict {
    let applied = known.applied.unwrap_or_default();
    let verdict = if known.was_accepted() && !applied.cancelled {
        let note = "a cancellation was granted there, of the whole order or of some articles, and \
                    the channels file has no `secrets` for this channel's API to ask: look at the \
                    order there, cancel or edit it here, and discard this";
        Verdict::new(EventFate::Parked, note)
    } else {
        let note = "a cancellation was granted of an order that is not to be served here";
        Verdict::new(EventFate::Ignored, note)
    };
    verdict.about(known.key, applied)
}

/// What an order as it is now means.
pub(super) fn order(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    changed_ms: u64,
    (known, way): (&Known, Way),
) -> Decision {
    if let Some(outdated) = outdated(known, changed_ms) {
        return Decision::Settle(outdated);
    }
    let content = content(order);
    let Some(applied) = known.applied else {
        return new(channel, order, (changed_ms, content), (known, way));
    };
    let state = Applied {
        changed_ms: applied.changed_ms.max(changed_ms),
        ..applied
    };
    if applied.cancelled {
        return revived(channel, order, (changed_ms, content), (known, way));
    }
    if order.stage == Stage::Failed {
        return Decision::Cancel {
            state: Applied {
                cancelled: true,
                ..state
            },
        };
    }
    if order.stage == Stage::Refunded && !way.driven {
        let note = format!(
            "its money was given back ({}), and the channel did not cancel it: cancel it here \
             unless it has left, and discard this; driven again, it is left as it is",
            order.status
        );
        return Decision::Settle(Verdict::quarantined(note).about(known.key, applied));
    }
    if applied.content == content {
        let verdict = Verdict::new(EventFate::Duplicate, "");
        return Decision::Settle(verdict.about(known.key, state));
    }
    // Whatever was changed of it since (a masked name, a note) comes too late for its parcel.
    if order.stage == Stage::Shipped && !way.driven {
        let note = "it has shipped at the channel: what was changed of it since is not taken over";
        let verdict = Verdict::new(EventFate::Ignored, note);
        return Decision::Settle(verdict.about(known.key, state));
    }
    // Two contents of one second: only the marketplace knows which of them holds.
    if changed_ms != 0 && changed_ms == applied.changed_ms && !way.fetched {
        return Decision::Fetch;
    }
    place(channel, order, Applied { content, ..state }, known)
}

/// An order of which nothing was applied.
fn new(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    (changed_ms, content): (u64, u64),
    (known, way): (&Known, Way),
) -> Decision {
    let settle = |verdict: Verdict| Decision::Settle(verdict.about(known.key, Applied::default()));
    if let Some(note) = unpaid(channel, order) {
        return settle(Verdict::new(EventFate::Ignored, note));
    }
    let doubt = match order.stage {
        Stage::Shipped => Some(format!(
            "it was {} at the channel before it was known here: correct the stock by hand and \
             discard it, or drive it again to fulfil it",
            order.status
        )),
        Stage::Refunded => Some(format!(
            "its money was given back ({}) before it was known here, and the channel did not \
             cancel it: discard it, or drive it again to fulfil it",
            order.status
        )),
        _ => None,
    };
    if let Some(note) = doubt
        && !way.driven
    {
        return settle(Verdict::quarantined(note));
    }
    let state = Applied {
        changed_ms,
        content,
        version: 0,
        cancelled: false,
    };
    place(channel, order, state, known)
}

/// Why nothing is taken before the buyer has paid; none where it is to be taken.
pub(super) fn unpaid(channel: &ChannelOptions, order: &ChannelOrder) -> Option<String> {
    match order.stage {
        Stage::Waiting if order.cash_on_delivery || channel.kind == ChannelKind::WhatsApp => None,
        Stage::Waiting => Some(format!("not paid yet ({}); taken when it is", order.status)),
        Stage::Failed => Some("its payment failed; taken when it is paid".to_owned()),
        _ => None,
    }
}

/// An order that its channel had cancelled.
fn revived(
    channel: &ChannelOptions,
    order: &ChannelOrder,
    (changed_ms, content): (u64, u64),
    (known, way): (&Known, Way),
) -> Decision {
    let applied = known.applied.unwrap_or_default();
    if changed_ms <= applied.changed_ms || unpaid(channel, order).is_some() {
        let verdict = Verdict::new(EventFate::Ignored, "the channel has cancelled the order");
        return Decision::Settle(verdict.about(known.key, applied));
    }
    if cancels_for_good(channel.kind) || known.was_accepted() {
        let note = format!(
            "the channel had cancelled the order, and says now that it is {}: a cancelled order \
             cannot be taken up again, so place it anew under another key and discard this",
            order.status
        );
        let verdict = Verdict::quarantined(note);
        return Decision::Settle(verdict.about(known.key, applied));
    }
    new(channel, order, (changed_ms, content), (known, way))
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
    let version = known.next_version();
    Decision::Place {
        version,
        lines,
        state: Applied { version, ..state },
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

/// What a cancellation means. Where it is for good, it holds however old its word is.
pub(super) fn cancelled(kind: ChannelKind, changed_ms: u64, known: &Known) -> Decision {
    let for_good = cancels_for_good(kind);
    if let Some(outdated) = outdated(known, changed_ms).filter(|_| !for_good) {
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
    if !for_good && known.decided.is_none() {
        // Nothing to cancel, and it may be paid yet: only what comes later is void.
        let verdict = Verdict::new(EventFate::Applied, AHEAD);
        return Decision::Settle(verdict.about(known.key, state));
    }
    Decision::Cancel { state }
}

/// What is said of a cancellation that comes first.
pub(super) const AHEAD: &str = "cancelled before the order was known; it will not be placed";

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
    destination(&order.details).for_each(text);
    let hash = hasher.finalize();
    let first = hash.as_bytes().first_chunk::<8>().copied();
    u64::from_le_bytes(first.unwrap_or_default())
}

/// Where an order goes: what of its details makes another version of it.
fn destination(details: &OrderDetails) -> impl Iterator<Item = &str> {
    let rest = [
        &details.country,
        &details.contact_name,
        &details.custom_handling,
    ];
    let lines = details.shipping_address.iter().chain(rest);
    lines.map(String::as_str)
}

/// True where both go to the same place.
pub(super) fn same_destination(one: &OrderDetails, other: &OrderDetails) -> bool {
    destination(one).eq(destination(other))
}
