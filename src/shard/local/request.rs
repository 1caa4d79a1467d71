//! What can be asked from inside the process, as owned values.

use super::channel::{ChannelChanges, ChannelRequest, ChannelStock, ChannelsView, SkuChoice};
use super::detail::OrderDetail;
use super::event::OwnedDelivery;
use super::stock::{Definition, LocalLocation, LocalStatus, LocalStock, StockPage, StockRequest};
use super::subscriber::SubscriberMove;
use crate::engine::channel_event::command::{
    ChannelOrder, EventFilter, EventPage, EventView, ItemName, ItemSku, MappingView, Settlement,
};
use crate::engine::command::{CommandOutcome, OrderOutcome, OrderView};
use crate::engine::process::command::{BreakerView, EffectResult, ListFilter, ListPage, Report};
use crate::types::effect::EffectClass;
use crate::types::pipeline::PipelineSet;
use crate::types::process::{OperatorAction, ReportKind};
use crate::types::{
    ActorId, ChannelId, CommandKey, Disposition, LocationId, OrderDetails, OrderKey, OrderMode,
    Policy, ResultCode, SkuId, TenantId,
};

/// A request.
#[derive(Debug)]
pub enum LocalRequest {
    /// An attempt of an effect ended.
    Result(OwnedResult),
    /// A provider said something.
    Report(OwnedReport),
    /// A person decides about an order or a dead letter.
    Operate {
        /// The command's own key, for repeats.
        key: CommandKey,
        /// The order.
        order: OrderKey,
        /// What to do.
        action: OperatorAction,
        /// The dead letter, for actions about one; else 0.
        effect: u16,
        /// Minor units of a refund; 0: everything captured.
        amount: u64,
        /// Why.
        reason: String,
    },
    /// A person isolates or resets a breaker.
    Breaker {
        /// Name of the provider.
        provider: String,
        /// Isolate, or reset to closed.
        isolate: bool,
    },
    /// Pipelines for orders accepted from now on.
    DefinePipelines {
        /// Archive version.
        version: u8,
        /// The archived set.
        archive: Vec<u8>,
    },
    /// An order, or the next version of one.
    Place(Box<PlaceRequest>),
    /// The next version of an order, made from what the order is: done once however often it is
    /// sent. Answered as a command.
    Edit {
        /// The command's own key, for repeats.
        key: CommandKey,
        /// Hash of what the client asked for; another one for the same key is a conflict.
        meaning: u64,
        /// The version.
        place: Box<PlaceRequest>,
    },
    /// Shipped units come back.
    Return {
        /// The command's own key.
        key: CommandKey,
        /// The order.
        order: OrderKey,
        /// What happens to the units.
        disposition: Disposition,
        /// What came back; empty: all that is out.
        lines: Vec<NamedLine>,
    },
    /// A channel cancelled an order that may not have arrived yet. A known order is cancelled, as
    /// by [`OperatorAction::Cancel`]; of an unknown one the cancellation is kept (the answer has no
    /// state), and the order lands as cancelled when it comes.
    CancelAhead {
        /// The command's own key, for repeats.
        key: CommandKey,
        /// The order.
        order: OrderKey,
        /// Why, in the channel's words.
        reason: String,
    },
    /// A client decides about a hold of its own.
    Hold {
        /// The command's own key.
        key: CommandKey,
        /// The order.
        order: OrderKey,
        /// What becomes of it.
        change: HoldChange,
    },
    /// Stock moves.
    Stock(StockRequest),
    /// A SKU or a location by name.
    Define(Definition),
    /// A request about an order that is done only where the order is as the caller saw it.
    IfUnchanged {
        /// The order.
        order: OrderKey,
        /// What [`OrderDetail::stamp`] said.
        stamps: Vec<u64>,
        /// What to do.
        request: Box<LocalRequest>,
    },
    /// A command about sales channels.
    Channel(ChannelRequest),
    /// A sales channel delivered something.
    Event(OwnedDelivery),
    /// What became of an event.
    EventSettled(Settlement),
    /// A channel's item stands for a SKU.
    MapSku {
        /// Which channel.
        channel: ChannelId,
        /// The channel's id of the item.
        item: String,
        /// Name of the SKU; empty: none any more.
        sku: String,
        /// What writing stock needs beside, as `name=value` pairs joined by `&`.
        write_back: String,
    },
    /// A person moved the cursor of a subscriber of events: journaled, nothing else.
    MoveSubscriber(SubscriberMove),
    /// A question.
    Query(LocalQuery),
    /// A question that only leads to further requests to this shard: nobody outside is told its
    /// answer, and nothing but a question is sent outside because of it. Answered within its turn
    /// from a state that the disk may not have yet. Whatever is journaled because of the answer lies
    /// behind all that the answer was read from, and is lost where that is lost.
    Peek(LocalQuery),
}

/// What becomes of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldChange {
    /// Reserved to committed; with lines only those, and the rest is released.
    Confirm(Vec<NamedLine>),
    /// Given back.
    Release,
    /// It ends so many milliseconds from now, if that is later than its present end.
    Extend(u32),
}

impl LocalRequest {
    /// True for what concerns the whole shard: its tenant may be left empty.
    pub(super) fn is_about_no_tenant(&self) -> bool {
        matches!(
            self,
            Self::DefinePipelines { .. }
                | Self::Breaker { .. }
                | Self::Query(
                    LocalQuery::Breakers
                        | LocalQuery::Pipelines
                        | LocalQuery::Levels { .. }
                        | LocalQuery::Names { .. }
                        | LocalQuery::TenantName(_)
                )
        )
    }
}

/// A question: answered from the present state, and once that is acknowledged unless it is a
/// [`LocalRequest::Peek`].
#[derive(Clone, Debug)]
pub enum LocalQuery {
    /// One order, in process or not.
    Order(OrderKey),
    /// A page of the orders in process; the filter's tenant is set to the request's.
    List(ListFilter),
    /// Every breaker.
    Breakers,
    /// The pipelines in force for orders accepted from now on.
    Pipelines,
    /// Stock of SKUs over all their locations, and what the engine has counted.
    Levels {
        /// Which SKUs, of any tenant of the shard.
        skus: Vec<(TenantId, SkuId)>,
    },
    /// Names of SKUs and locations.
    Names {
        /// Which SKUs.
        skus: Vec<SkuId>,
        /// Which locations.
        locations: Vec<LocationId>,
    },
    /// The name of a tenant.
    TenantName(TenantId),
    /// As `Names`, but only what belongs to the request's tenant has one; with the tenant's number.
    OwnNames {
        /// Which SKUs.
        skus: Vec<SkuId>,
        /// Which locations.
        locations: Vec<LocationId>,
        /// Which actors.
        actors: Vec<ActorId>,
        /// Orders whose channel is asked for.
        orders: Vec<OrderKey>,
    },
    /// SKUs with their stock: one by name, or a page of them.
    Stock(StockPage),
    /// A page of the tenant's locations, from this handle on, at most so many.
    Locations {
        /// The first handle.
        from: u16,
        /// At most so many.
        limit: u16,
    },
    /// Counters of the shard, and how far its journal is.
    Status,
    /// What a channel is to offer, and the sequence at which that is true.
    ChannelStock {
        /// The channel.
        channel: ChannelId,
        /// Of which SKUs, at most `CHANNEL_ITEMS_MAX`.
        skus: SkuChoice,
    },
    /// SKUs whose stock changed since a position, with what the channel is to offer of them: at
    /// most `CHANNEL_ITEMS_MAX`. A reader begins with `u64::MAX`, which tells it to ask for every
    /// SKU, and goes on from the answer's cursor.
    ChannelChanges {
        /// The channel.
        channel: ChannelId,
        /// The position.
        since: u64,
    },
    /// Every channel with its rules, and every campaign.
    Channels,
    /// A page of the tenant's waiting events of channels.
    Events(EventFilter),
    /// One waiting event.
    Event(u128),
    /// What was applied last to an order of a channel, and the SKUs of some of its items.
    ChannelOrder {
        /// The order.
        order: OrderKey,
        /// Which channel.
        channel: ChannelId,
        /// Its items.
        items: Vec<ItemName>,
    },
    /// A page of the tenant's item mappings of a channel, behind the item `after`.
    Mappings {
        /// Which channel.
        channel: ChannelId,
        /// The last item of the page before; empty: from the start.
        after: String,
        /// At most so many.
        limit: u16,
    },
}

/// One line by names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLine {
    /// Name of the SKU.
    pub sku: String,
    /// Name of the location; `None`: any.
    pub location: Option<String>,
    /// Units, at least 1.
    pub quantity: u32,
}

/// An order to place, by names.
#[derive(Clone, Debug)]
pub struct PlaceRequest {
    /// Its key.
    pub key: OrderKey,
    /// Its version, from 1.
    pub version: u16,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Where it is sold.
    pub channel: ChannelId,
    /// Time to live of its hold, in milliseconds.
    pub ttl_ms: u32,
    /// Hold, placed, or sold already by a channel.
    pub mode: OrderMode,
    /// What to do when stock is short.
    pub policy: Policy,
    /// ISO 4217 number.
    pub currency: u16,
    /// Minor units.
    pub total: u64,
    /// What is ordered.
    pub lines: Vec<NamedLine>,
    /// Contact, addresses, token, signals.
    pub details: Option<OrderDetails>,
}

/// An attempt's end with its own texts: see [`EffectResult`].
#[allow(missing_docs)] // the fields are those of `EffectResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedResult {
    pub order: OrderKey,
    pub number: u16,
    pub attempt: u8,
    pub class: EffectClass,
    pub counted: bool,
    pub retry_after_ms: u64,
    pub latency_ms: u32,
    pub status: u16,
    pub amount: u64,
    pub currency: u16,
    pub score: u8,
    pub reference: String,
    pub code: String,
    pub message: String,
    pub withdrew: bool,
}

impl OwnedResult {
    /// The same, borrowed.
    #[must_use]
    pub fn borrow(&self) -> EffectResult<'_> {
        EffectResult {
            order: self.order,
            number: self.number,
            attempt: self.attempt,
            class: self.class,
            counted: self.counted,
            retry_after_ms: self.retry_after_ms,
            latency_ms: self.latency_ms,
            status: self.status,
            amount: self.amount,
            currency: self.currency,
            score: self.score,
            reference: &self.reference,
            code: &self.code,
            message: &self.message,
            withdrew: self.withdrew,
        }
    }
}

/// A provider's report with its own texts: see [`Report`].
#[allow(missing_docs)] // the fields are those of `Report`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedReport {
    pub event: u128,
    pub provider: String,
    pub kind: ReportKind,
    pub order: OrderKey,
    pub reference: String,
    pub amount: u64,
    pub text: String,
}

impl OwnedReport {
    /// The same, borrowed.
    #[must_use]
    pub fn borrow(&self) -> Report<'_> {
        Report {
            event: self.event,
            provider: &self.provider,
            kind: self.kind,
            order: self.order,
            reference: &self.reference,
            amount: self.amount,
            text: &self.text,
        }
    }
}

/// An answer.
#[derive(Debug)]
pub enum LocalAnswer {
    /// To a command.
    Command(CommandOutcome),
    /// To an order.
    Placed(OrderOutcome),
    /// The tenant, actor, or a name in the request is not known or not allowed; nothing changed.
    Refused(ResultCode),
    /// One order; `None`: not known.
    Order(Option<Box<OrderDetail>>),
    /// A page.
    List(ListPage),
    /// The breakers.
    Breakers(Vec<BreakerView>),
    /// The pipelines in force with their number; `None`: none were ever defined.
    Pipelines(Option<(u32, Box<PipelineSet>)>),
    /// Stock of the SKUs asked for, and the engine's counts.
    Levels(Levels),
    /// Names in the order asked for; empty for unknown handles.
    Names {
        /// Of the SKUs.
        skus: Vec<String>,
        /// Of the locations.
        locations: Vec<String>,
    },
    /// The tenant's name; empty for an unknown number.
    TenantName(String),
    /// As `Names`, of one tenant.
    OwnNames {
        /// Its number in the journal.
        tenant: TenantId,
        /// Of its SKUs.
        skus: Vec<String>,
        /// Of its locations.
        locations: Vec<String>,
        /// Of actors.
        actors: Vec<String>,
        /// Where its orders were sold; none where an order is not known.
        channels: Vec<Option<ChannelId>>,
    },
    /// The order is not as the caller saw it; nothing was done.
    Changed,
    /// SKUs with their stock.
    Stock(LocalStock),
    /// Locations, and the handle of the next one; 0: there is none.
    Locations(Vec<LocalLocation>, u16),
    /// Counters and marks.
    Status(Box<LocalStatus>),
    /// What a channel is to offer.
    ChannelStock(ChannelStock),
    /// What changed.
    ChannelChanges(ChannelChanges),
    /// Every channel and campaign.
    Channels(Box<ChannelsView>),
    /// A page of events.
    Events(EventPage),
    /// One event; `None`: no such event waits.
    Event(Option<Box<EventView>>),
    /// About an order of a channel.
    ChannelOrder {
        /// What was applied last to it; `None`: nothing yet.
        known: Option<ChannelOrder>,
        /// The order's stock side; `None`: not known.
        order: Option<OrderView>,
        /// The SKUs, in the order of the items; `None`: the item stands for none.
        skus: Vec<Option<ItemSku>>,
    },
    /// A page of mappings.
    Mappings(Vec<MappingView>),
}

/// Stock of SKUs, and what the engine has counted when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// In the order asked for; unknown SKUs are left out.
    pub skus: Vec<Level>,
    /// Orders accepted since the journal began.
    pub accepted: u64,
    /// Unpaid orders that hold units now.
    pub open_holds: u64,
    /// Every record below this sequence is in these counts, and none from it on.
    pub sequence: u64,
}

/// Stock of one SKU over all its locations, in units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Whose.
    pub tenant: TenantId,
    /// The SKU.
    pub sku: SkuId,
    /// Its name.
    pub name: String,
    /// What a new order may take.
    pub available: u64,
    /// In unpaid holds.
    pub reserved: u64,
    /// Paid, not shipped.
    pub committed: u64,
    /// Promised beyond what is there.
    pub short: u64,
}
