//! Numbers of the record kinds. They never change their meaning.

/// A tenant got its number.
pub const TENANT_DEFINED: u8 = 16;
/// An actor got its number.
pub const ACTOR_DEFINED: u8 = 17;
/// A SKU got its handle.
pub const SKU_DEFINED: u8 = 18;
/// A SKU went on or off sale.
pub const SKU_CHANGED: u8 = 19;
/// A location got its handle.
pub const LOCATION_DEFINED: u8 = 20;
/// Who gets a SKU's units first, among orders that wait for it, was set.
pub const SKU_QUEUE_SET: u8 = 21;
/// An order was accepted, or a hold replaced by its next version.
pub const ORDER_ACCEPTED: u8 = 32;
/// An order was refused.
pub const ORDER_REJECTED: u8 = 33;
/// A hold got a later deadline.
pub const HOLD_EXTENDED: u8 = 34;
/// A hold was confirmed, in whole or in part.
pub const ORDER_CONFIRMED: u8 = 35;
/// A hold was released by command.
pub const ORDER_RELEASED: u8 = 36;
/// A hold ended by time.
pub const ORDER_EXPIRED: u8 = 37;
/// A confirmed order was cancelled.
pub const ORDER_CANCELLED: u8 = 38;
/// Units left a location for good.
pub const ORDER_SHIPPED: u8 = 39;
/// Shipped units came back.
pub const ORDER_RETURNED: u8 = 40;
/// A key was used again with another meaning.
pub const CONFLICT_SEEN: u8 = 41;
/// Keys of long-ended orders were dropped.
pub const ORDERS_FORGOTTEN: u8 = 42;
/// An order that had ended was paid after all, and has its units again.
pub const ORDER_REINSTATED: u8 = 43;
/// An order that waited for stock got its units.
pub const BACKORDER_ALLOCATED: u8 = 44;
/// An unpaid hold gave its units to an order that a channel had sold.
pub const HOLD_PREEMPTED: u8 = 45;
/// An order that a channel had sold was accepted for more than there was.
pub const CHANNEL_OVERSOLD: u8 = 46;
/// A channel cancelled an order that has not arrived yet.
pub const EARLY_EVENT: u8 = 47;
/// Stock arrived.
pub const STOCK_RECEIVED: u8 = 64;
/// On hand was corrected by a difference.
pub const STOCK_ADJUSTED: u8 = 65;
/// On hand was set by compare-and-set.
pub const STOCK_SET: u8 = 66;
/// Stock went from one location to another.
pub const STOCK_TRANSFERRED: u8 = 67;
/// Units changed bucket within one cell.
pub const STOCK_MOVED: u8 = 68;
/// On hand fell below what is promised.
pub const SHORTAGE_DETECTED: u8 = 69;
/// A keyed command was refused; the refusal is sticky.
pub const COMMAND_REFUSED: u8 = 80;
/// The digest of the whole state, written at a clean shutdown and checked by replay.
pub const STATE_DIGEST: u8 = 81;
/// A keyed command was done, and the records before it say what it did.
pub const COMMAND_DONE: u8 = 82;
/// An order entered its process, or moved in it.
pub const ORDER_MOVED: u8 = 96;
/// A call to a provider is to leave.
pub const EFFECT_STARTED: u8 = 97;
/// An attempt of an effect ended.
pub const EFFECT_ENDED: u8 = 98;
/// A breaker changed.
pub const BREAKER_CHANGED: u8 = 99;
/// A provider said something on its own.
pub const PROVIDER_REPORTED: u8 = 100;
/// A person decided about an order or a dead letter.
pub const OPERATOR_DECIDED: u8 = 101;
/// A set of pipelines came into force.
pub const PIPELINES_DEFINED: u8 = 102;
/// A sales channel was defined, or got another name or kind.
pub const CHANNEL_DEFINED: u8 = 112;
/// A channel got a rule for a SKU, or for all others.
pub const CHANNEL_RULE_SET: u8 = 113;
/// A campaign was planned.
pub const CAMPAIGN_DEFINED: u8 = 114;
/// A campaign's window began: its channel has its quotas.
pub const CAMPAIGN_STARTED: u8 = 115;
/// A campaign ended: what it did not sell is in the pool again.
pub const CAMPAIGN_ENDED: u8 = 116;
/// A channel acknowledged quantities.
pub const STOCK_PUBLISHED: u8 = 117;
/// A sales channel sent something.
pub const EVENT_RECEIVED: u8 = 120;
/// What became of something that a channel sent.
pub const EVENT_SETTLED: u8 = 121;
/// A channel's item stands for a SKU, or for none any more.
pub const SKU_MAPPED: u8 = 122;
/// A person moved the cursor of a subscriber of events.
pub const SUBSCRIBER_MOVED: u8 = 123;
