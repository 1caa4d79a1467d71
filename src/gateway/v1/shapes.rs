//! What answers look like, for the API document. The answers themselves are made where they are
//! made; tests hold both to one another.

#![allow(missing_docs)] // the fields that speak for themselves have no text in the document either

use utoipa::ToSchema;

/// A JSON object.
#[derive(ToSchema, Debug)]
pub struct Anything {}

/// A refusal (RFC 9457).
#[derive(ToSchema, Debug)]
pub struct Problem {
    /// `urn:onhand:problem:` and the code in lower case.
    pub r#type: String,
    /// What the code means.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A result code, or one of HTTP's own.
    pub code: String,
    /// What happened to which order, and what to do next.
    pub detail: Option<String>,
}

/// What became of a command about an order.
#[derive(ToSchema, Debug)]
pub struct Outcome {
    pub code: String,
    /// The order's key.
    pub order: String,
    /// Its state after the command.
    pub state: Option<String>,
    /// Done before, by a request with the same key: nothing changed now.
    pub replayed: bool,
    /// Sequence of the journal record.
    pub sequence: u64,
    /// The command's key.
    pub key: String,
}

/// An order that was taken.
#[derive(ToSchema, Debug)]
pub struct Placed {
    pub code: String,
    pub order: String,
    /// Shard and sequence of the accepting record.
    pub number: Option<String>,
    pub state: Option<String>,
    pub replayed: bool,
    /// Not every line was covered in full.
    pub partial: bool,
    pub version: u16,
    /// RFC 3339; null where nothing is held any more.
    pub held_until: Option<String>,
    pub sequence: u64,
}

#[derive(ToSchema, Debug)]
pub struct OrderPage {
    /// `after` of the next page; null on the last one.
    pub next: Option<String>,
    pub orders: Vec<OrderSummary>,
}

#[derive(ToSchema, Debug)]
pub struct OrderSummary {
    pub order: String,
    pub number: Option<String>,
    pub state: String,
    pub since: Option<String>,
    pub pipeline: String,
    pub step: String,
    pub sub_state: Option<String>,
    pub review_reason: Option<String>,
    pub customer: u64,
    /// Minor units.
    pub total: u64,
    /// ISO 4217 number.
    pub currency: u16,
    pub timer: Option<Timer>,
}

/// What ends by itself, and when.
#[derive(ToSchema, Debug)]
pub struct Timer {
    pub kind: String,
    pub at: Option<String>,
}

#[derive(ToSchema, Debug)]
pub struct Order {
    pub order: String,
    pub number: Option<String>,
    /// `OK`, or why its latest version was refused.
    pub code: String,
    pub state: String,
    /// Placed, or a hold.
    pub placed: bool,
    pub version: u16,
    pub channel: u16,
    pub customer: u64,
    pub held_until: Option<String>,
    pub lines: Vec<OrderLine>,
    /// Where it is in its process; null where it is in none (any more).
    pub process: Option<Process>,
    /// Path of the buyer's page.
    pub track: Option<String>,
}

/// What became of the units taken at one location.
#[derive(ToSchema, Debug)]
pub struct OrderLine {
    pub sku: String,
    pub location: String,
    pub ordered: u32,
    pub reserved: u32,
    pub committed: u32,
    pub shipped: u32,
    pub returned: u32,
    pub cancelled: u32,
}

#[derive(ToSchema, Debug)]
pub struct Process {
    pub since: Option<String>,
    pub pipeline: String,
    pub step: String,
    pub sub_state: Option<String>,
    pub review_reason: Option<String>,
    pub resume_to: Option<String>,
    pub timer: Option<Timer>,
    /// Risk, 0 to 100.
    pub score: Option<u8>,
    pub processor: Option<String>,
    pub total: u64,
    pub currency: u16,
    pub authorised: u64,
    pub captured: u64,
    pub refunded: u64,
    pub effects: Vec<Effect>,
}

/// A call to a provider.
#[derive(ToSchema, Debug)]
pub struct Effect {
    pub effect: u16,
    pub kind: String,
    pub provider: Option<String>,
    pub attempt: u8,
    /// `in_flight` while its call is out, else what follows its latest attempt.
    pub next: String,
    pub due: Option<String>,
    pub since: Option<String>,
    pub milestone: Option<String>,
    pub amount: u64,
    pub reference: String,
    pub code: String,
    pub message: String,
}

#[derive(ToSchema, Debug)]
pub struct DeadLetterPage {
    pub next: Option<String>,
    pub dead_letters: Vec<DeadLetter>,
}

#[derive(ToSchema, Debug)]
pub struct DeadLetter {
    pub order: String,
    pub number: Option<String>,
    pub effect: u16,
    /// The idempotency key of every attempt.
    pub key: String,
    pub kind: String,
    pub provider: Option<String>,
    pub order_state: String,
    pub attempts: u8,
    pub since: Option<String>,
    pub milestone: Option<String>,
    pub amount: u64,
    pub currency: u16,
    pub reference: String,
    pub cause: FailureCause,
}

#[derive(ToSchema, Debug)]
pub struct FailureCause {
    pub code: String,
    pub message: String,
}

/// What became of a redrive by cause.
#[derive(ToSchema, Debug)]
pub struct Recovery {
    pub matched: u64,
    pub redriven: u64,
    pub refused: u64,
    pub recovered: u64,
    pub dead_again: u64,
    pub pending: u64,
    /// Recovered ÷ (recovered + dead again); null while none has ended.
    pub recovery_rate: Option<f64>,
}

#[derive(ToSchema, Debug)]
pub struct BreakerPage {
    pub breakers: Vec<Breaker>,
}

#[derive(ToSchema, Debug)]
pub struct Breaker {
    pub provider: String,
    pub state: String,
    pub generation: u32,
    pub failures: u32,
    pub open_until: Option<String>,
    pub baseline_ms: u32,
    pub in_flight: u32,
}

#[derive(ToSchema, Debug)]
pub struct BreakerChange {
    pub code: String,
    pub provider: String,
    pub state: String,
    pub sequence: u64,
}

#[derive(ToSchema, Debug)]
pub struct PipelinePage {
    /// Sets that were in force so far; null without any.
    pub version: Option<u32>,
    pub pipelines: Vec<Pipeline>,
}

#[derive(ToSchema, Debug)]
pub struct Pipeline {
    pub name: String,
    pub payment: String,
    /// `one_step` or `two_step`; null where no processor takes the money.
    pub method: Option<String>,
    pub steps: Vec<PipelineStep>,
}

#[derive(ToSchema, Debug)]
pub struct PipelineStep {
    pub name: String,
    pub kind: String,
    pub providers: Vec<String>,
    pub warehouses: Vec<String>,
    pub compensated: bool,
}

#[derive(ToSchema, Debug)]
pub struct StockPage {
    pub next: Option<String>,
    pub stock: Vec<SkuStock>,
    /// Sequence of the last record that the figures contain.
    pub sequence: u64,
}

#[derive(ToSchema, Debug)]
pub struct SkuStock {
    pub sku: String,
    pub on_sale: bool,
    /// Over all locations.
    pub available: u64,
    pub cells: Vec<StockCell>,
    /// Of one SKU: sequence of the last record that the figures contain.
    pub sequence: Option<u64>,
}

/// Stock of a SKU at a location, in units.
#[derive(ToSchema, Debug)]
pub struct StockCell {
    /// Absent in the outcome of a movement, which names it itself.
    pub location: Option<String>,
    pub on_hand: u32,
    /// Held, unpaid.
    pub reserved: u32,
    /// Paid, not shipped.
    pub committed: u32,
    pub safety: u32,
    pub damaged: u32,
    pub quality_control: u32,
    /// What a new order may take.
    pub available: u32,
    /// Promised beyond what is there.
    pub short: u64,
}

#[derive(ToSchema, Debug)]
pub struct StockOutcome {
    pub code: String,
    pub sku: String,
    pub location: String,
    pub replayed: bool,
    pub sequence: u64,
    pub key: String,
    /// Afterwards.
    pub stock: StockCell,
}

#[derive(ToSchema, Debug)]
pub struct SkuPage {
    pub next: Option<String>,
    pub skus: Vec<Sku>,
}

#[derive(ToSchema, Debug)]
pub struct Sku {
    pub sku: String,
    pub on_sale: bool,
    /// Who gets units that orders wait for: `default` (as the pipelines say), `strict` or `skip`.
    pub backorder_queue: String,
}

#[derive(ToSchema, Debug)]
pub struct LocationPage {
    pub next: Option<String>,
    pub locations: Vec<Location>,
}

#[derive(ToSchema, Debug)]
pub struct Location {
    pub location: String,
    pub x: i32,
    pub y: i32,
    pub priority: u16,
}

/// What a name stands for from now on.
#[derive(ToSchema, Debug)]
pub struct Definition {
    /// It was so before.
    pub replayed: bool,
    pub sequence: u64,
}

#[derive(ToSchema, Debug)]
pub struct Status {
    pub version: String,
    pub tenant: String,
    pub actor: String,
    pub role: String,
    pub shard: u32,
    pub shards: u32,
    pub time: Option<String>,
    pub sequence: u64,
    pub orders: u64,
    pub open_holds: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub expired: u64,
    pub replayed: u64,
    pub skus: u64,
    pub locations: u64,
}

#[derive(ToSchema, Debug)]
pub struct EventPage {
    /// Behind the last event that was looked at: `after` of the next page, and of the stream.
    pub next: String,
    /// More is there already.
    pub more: bool,
    pub events: Vec<Event>,
}

/// What happened, as a CloudEvent 1.0.
#[derive(ToSchema, Debug)]
pub struct Event {
    pub specversion: String,
    /// The cursor behind it.
    pub id: String,
    /// `/tenants/NAME`.
    pub source: String,
    /// Such as `onhand.order.accepted`.
    pub r#type: String,
    pub time: Option<String>,
    /// The order or SKU that it is about.
    pub subject: Option<String>,
    pub datacontenttype: String,
    pub data: Anything,
}

/// Something that a channel sent and that waits.
#[derive(ToSchema, Debug)]
pub struct HeldEvent {
    /// 32 hex digits.
    pub event: String,
    pub channel: u16,
    pub channel_name: Option<String>,
    /// What it is about, in the channel's word.
    pub topic: String,
    /// `open`, `parked`, `unmapped` or `quarantined`.
    pub fate: String,
    /// The order's key, where one is known.
    pub order: Option<String>,
    /// Why it waits.
    pub note: String,
    /// Milliseconds since 1970.
    pub received_ms: u64,
    pub settled_ms: Option<u64>,
    /// Sequence of the journal record.
    pub sequence: u64,
}

#[derive(ToSchema, Debug)]
pub struct HeldEventPage {
    pub events: Vec<HeldEvent>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

/// One with what was received.
#[derive(ToSchema, Debug)]
pub struct HeldEventDetail {
    pub event: String,
    pub channel: u16,
    pub channel_name: Option<String>,
    pub topic: String,
    pub fate: String,
    pub order: Option<String>,
    pub note: String,
    pub received_ms: u64,
    pub settled_ms: Option<u64>,
    pub sequence: u64,
    /// By name; never a signature.
    pub headers: Anything,
    /// As text.
    pub body: String,
}

#[derive(ToSchema, Debug)]
pub struct HeldEventChange {
    pub code: String,
    pub event: String,
    pub fate: String,
    pub replayed: bool,
    pub sequence: u64,
}

/// An item of a channel.
#[derive(ToSchema, Debug)]
pub struct MappedItem {
    /// The channel's id of the item.
    pub item: String,
    /// Name of the SKU that it stands for.
    pub sku: String,
    /// What writing stock needs beside, by name.
    pub write_back: Anything,
}

#[derive(ToSchema, Debug)]
pub struct MappingPage {
    pub mappings: Vec<MappedItem>,
    /// The item to go on behind; null at the end.
    pub next: Option<String>,
}

/// A mapping that was not set.
#[derive(ToSchema, Debug)]
pub struct RefusedMapping {
    /// Its place in the request, from 1.
    pub place: u32,
    pub item: String,
    pub sku: String,
    pub code: String,
    pub title: String,
}

#[derive(ToSchema, Debug)]
pub struct MappingChange {
    pub changed: u32,
    pub unchanged: u32,
    pub refused: Vec<RefusedMapping>,
}
