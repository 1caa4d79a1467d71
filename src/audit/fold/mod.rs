//! The naive fold: what the records say, in plain maps and wide integers.
//!
//! ```text
//! record ─▶ Fold::apply ─▶ names · cells · orders · used keys      (one shard, one fold)
//!               └───────▶ Checks: each claim that this record touches
//! ```
//!
//! It shares no code with the engine's own apply: both read the same records, and
//! `audit::replay` compares what they made of them. A record that contradicts the story so far is
//! counted as an offence and then followed as far as it makes sense, so that one bad record is
//! reported once and not by everything after it.

mod channel;
mod channel_event;
mod movements;
mod order;
mod orders;
mod process;
mod published;
mod queue;
mod quota;
mod resolve;
mod stock;

pub use channel_event::WaitingEvent;
pub use order::{Line, Lines, Order, Refusal, Used};
pub use process::{Effect, Process};
pub use published::Told;
pub use quota::ChannelShare;
pub use stock::Cell;

use super::names::Names;
use super::report::{Checks, Invariant};
use crate::engine::record::{CellRef, OrderRef, Record};
use crate::limits;
use crate::types::{ActorId, CommandKey, OrderKey, SkuId, TenantId};
use std::collections::BTreeMap;

/// Where and when a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The shard.
    pub shard: u16,
    /// Position in the shard's journal, from 1; 0 for "the state at the end".
    pub sequence: u64,
    /// Time of its batch, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Start of the engine that wrote it.
    pub epoch: u32,
    /// Who caused it.
    pub actor: ActorId,
}

/// How much the engine remembers. A key may be decided anew once it was forgotten, which the
/// journal does not say for refusals and commands, so these bounds tell a repeat from an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Newest refusals of orders that a shard remembers.
    pub refusals: u64,
    /// Newest keyed commands that a shard remembers, of stock and of orders each.
    pub commands: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            refusals: limits::REJECTIONS_KEPT_DEFAULT as u64,
            commands: limits::COMMANDS_KEPT_DEFAULT as u64,
        }
    }
}

/// The keys of one tenant.
#[derive(Clone, Debug, Default)]
struct Books {
    orders: BTreeMap<u128, Order>,
    refusals: BTreeMap<u128, Refusal>,
    processes: BTreeMap<u128, Process>,
    stock_commands: BTreeMap<u128, Used>,
    order_commands: BTreeMap<u128, Used>,
}

/// How many records of each sort were folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Records of every kind, the journal's own included.
    pub records: u64,
    /// Accepted orders and versions.
    pub accepted: u64,
    /// Refused orders and versions.
    pub refused: u64,
    /// Holds ended by time.
    pub expired: u64,
    /// Keys of ended orders that were dropped.
    pub forgotten: u64,
    /// Keys used again with another meaning.
    pub conflicts: u64,
    /// Stock movements.
    pub movements: u64,
    /// Refused commands.
    pub commands_refused: u64,
    /// Records of the order process.
    pub process: u64,
    /// Records of what channels send.
    pub channel_events: u64,
    /// Records that this build does not know.
    pub unknown: u64,
}

/// The state of one shard after some prefix of its journal.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// Who is who.
    pub names: Names,
    /// What was folded.
    pub tally: Tally,
    /// The last record folded.
    pub last: At,
    kept: Kept,
    cells: BTreeMap<CellRef, Cell>,
    books: BTreeMap<TenantId, Books>,
    channels: channel::Channels,
    channel_books: channel_event::ChannelBooks,
    stock_commands: u64,
    order_commands: u64,
    quotas: quota::Quotas,
    queues: queue::Queues,
}

impl Fold {
    /// An empty shard whose engine remembers `kept`.
    #[must_use]
    pub fn new(kept: Kept) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    /// Takes note of the next record's place, whatever it holds, and checks that the journal goes
    /// on from where it was.
    pub fn advance(&mut self, at: &At, checks: &mut Checks) {
        let last = self.last;
        let goes_on = self.tally.records == 0
            || (at.sequence == last.sequence + 1
                && at.time_ms >= last.time_ms
                && at.epoch >= last.epoch);
        checks.check(Invariant::Journal, goes_on, || {
            let what = format!(
                "follows sequence {} of start {} at {} ms, but is of start {} at {} ms",
                last.sequence, last.epoch, last.time_ms, at.epoch, at.time_ms
            );
            self.names.offence(at, what)
        });
        self.tally.records += 1;
        self.note_offers();
        self.last = *at;
    }

    /// Folds one engine record, after [`Fold::advance`].
    pub fn apply(&mut self, at: &At, record: &Record<'_>, checks: &mut Checks) {
        self.check_beyond(at, Some(record), checks);
        self.check_preempting(at, Some(record), checks);
        match record {
            Record::OrderAccepted(accepted) => self.accepted(at, accepted, checks),
            Record::OrderRejected(rejected) => self.rejected(at, rejected, checks),
            Record::HoldExtended {
                order,
                expires_at_ms,
            } => self.extended(at, order, *expires_at_ms, checks),
            Record::OrderConfirmed { order, lines } => self.confirmed(at, order, *lines, checks),
            Record::OrderReleased { order } => self.released(at, order, checks),
            Record::OrderExpired { tenant, order } => self.expired(at, *tenant, *order, checks),
            Record::OrderCancelled { order } => self.cancelled(at, order, checks),
            Record::OrderShipped { order, lines } => self.shipped(at, order, *lines, checks),
            Record::OrderReturned {
                order,
                disposition,
                lines,
            } => self.returned(at, order, *disposition, *lines, checks),
            Record::OrderReinstated { order } => self.reinstated(at, order, checks),
            Record::BackorderAllocated {
                tenant,
                order,
                expires_at_ms,
                allocations,
            } => self.allocated(at, (*tenant, *order), *expires_at_ms, *allocations, checks),
            Record::ConflictSeen {
                tenant,
                order,
                fingerprint,
            } => self.conflict(at, (*tenant, *order), *fingerprint, checks),
            Record::OrdersForgotten { keys } => self.forgotten(at, keys, checks),
            Record::Stock(change) => self.movement(at, change, checks),
            Record::ShortageDetected { cell, short } => {
                self.shortage(at, *cell, *short, checks);
            }
            Record::CommandRefused {
                tenant,
                key,
                fingerprint,
                of_order,
                ..
            } => {
                self.tally.commands_refused += 1;
                self.use_key(at, (*tenant, *key), *fingerprint, *of_order, checks);
            }
            Record::CommandDone { order } => self.use_order_key(at, order, checks),
            Record::Process(record) => {
                self.tally.process += 1;
                self.process_record(at, record, checks);
            }
            Record::Channel(record) => self.channel_record(at, record, checks),
            Record::ChannelEvent(record) => {
                self.tally.channel_events += 1;
                self.channel_event(at, record, checks);
            }
            // Subscribers are outside the engine: there is nothing that a fold could contradict.
            Record::StateDigest { .. } | Record::Subscriber(_) => {}
            definition => {
                if let Record::SkuChanged { sku, .. } = definition {
                    self.quotas.touch(*sku, at.sequence);
                }
                let wrong = self.names.apply(definition);
                checks.check(Invariant::Journal, wrong.is_none(), || {
                    self.names.offence(at, wrong.unwrap_or_default())
                });
            }
        }
    }

    /// A stock cell; `None` where nothing ever happened.
    #[must_use]
    pub fn cell(&self, cell: CellRef) -> Option<&Cell> {
        self.cells.get(&cell)
    }

    /// All stock cells, by SKU and location.
    pub fn cells(&self) -> impl Iterator<Item = (CellRef, &Cell)> {
        self.cells.iter().map(|(at, cell)| (*at, cell))
    }

    /// The cells of one SKU, by location.
    pub fn cells_of(&self, sku: SkuId) -> impl Iterator<Item = (CellRef, &Cell)> {
        let first = CellRef {
            sku,
            location: crate::types::LocationId(0),
        };
        let last = CellRef {
            sku,
            location: crate::types::LocationId(u16::MAX),
        };
        self.cells.range(first..=last).map(|(at, cell)| (*at, cell))
    }

    /// An accepted order.
    #[must_use]
    pub fn order(&self, tenant: TenantId, key: OrderKey) -> Option<&Order> {
        self.books.get(&tenant)?.orders.get(&key.0)
    }

    /// The newest refusal of an order.
    #[must_use]
    pub fn refusal(&self, tenant: TenantId, key: OrderKey) -> Option<&Refusal> {
        self.books.get(&tenant)?.refusals.get(&key.0)
    }

    /// The newest refusals, well within what the engine remembers, by tenant and key.
    pub fn refusals_kept(&self) -> impl Iterator<Item = (TenantId, OrderKey, &Refusal)> {
        // Half of them: how the engine counts replaced ones does not matter that far from the edge.
        let kept = |refusal: &&Refusal| {
            (self.tally.refused - refusal.ordinal) * 2 <= self.kept.refusals.max(2)
        };
        self.books.iter().flat_map(move |(tenant, books)| {
            let refusals = books.refusals.iter();
            let refusals = refusals.map(|(key, refusal)| (*tenant, OrderKey(*key), refusal));
            refusals.filter(move |(_, _, refusal)| kept(refusal))
        })
    }

    /// All accepted orders that are not forgotten, by tenant and key.
    pub fn orders(&self) -> impl Iterator<Item = (TenantId, OrderKey, &Order)> {
        self.books.iter().flat_map(|(tenant, books)| {
            let orders = books.orders.iter();
            orders.map(|(key, order)| (*tenant, OrderKey(*key), order))
        })
    }

    /// As [`Fold::use_key`], for the command of an order record. What the order process does itself
    /// has no command, and so no key.
    fn use_order_key(&mut self, at: &At, order: &OrderRef, checks: &mut Checks) {
        let ahead = self.was_cancelled_ahead(order.tenant, order.order);
        let process = self.process(order.tenant, order.order).is_some();
        if order.key.0 == 0 && (process || ahead) {
            return;
        }
        self.use_key(
            at,
            (order.tenant, order.key),
            order.fingerprint,
            true,
            checks,
        );
    }

    /// Uses a command's key up, and checks that it was not used before.
    fn use_key(
        &mut self,
        at: &At,
        (tenant, key): (TenantId, CommandKey),
        fingerprint: u64,
        of_order: bool,
        checks: &mut Checks,
    ) {
        let books = self.books.entry(tenant).or_default();
        let (table, ordinal) = if of_order {
            (&mut books.order_commands, &mut self.order_commands)
        } else {
            (&mut books.stock_commands, &mut self.stock_commands)
        };
        let used = Used {
            fingerprint,
            sequence: at.sequence,
            ordinal: *ordinal,
        };
        *ordinal += 1;
        let before = table.insert(key.0, used);
        let forgotten = |old: &Used| used.ordinal - old.ordinal >= self.kept.commands;
        let again = before.filter(|old| !forgotten(old));
        checks.check(Invariant::I6, key.0 != 0 && again.is_none(), || {
            let what = match again {
                Some(old) if old.fingerprint == fingerprint => {
                    format!("done twice, first at sequence {}", old.sequence)
                }
                Some(old) => format!(
                    "its key was used for something else at sequence {}",
                    old.sequence
                ),
                None => "its key is zero".to_owned(),
            };
            self.names.command_offence(at, tenant, key, what)
        });
    }

    /// Changes a cell and checks what every change must leave true.
    fn change(
        &mut self,
        at: &At,
        cell: CellRef,
        checks: &mut Checks,
        change: impl FnOnce(&mut Cell),
    ) -> Cell {
        let kept = self.cells.entry(cell).or_default();
        change(kept);
        if kept.short() == 0 {
            kept.short_by_correction = false;
            kept.short_by_fact = false;
        }
        let now = *kept;
        self.quotas.touch(cell.sku, at.sequence);
        self.check_cell(at, cell, &now, checks);
        now
    }

    /// I1 and I2 of one cell.
    pub(super) fn check_cell(&self, at: &At, cell: CellRef, now: &Cell, checks: &mut Checks) {
        checks.check(Invariant::I1, now.on_hand == now.on_hand_by_flows(), || {
            let what = format!(
                "on hand is {}, but received {} + returned {} + adjusted {} + transferred {} − \
                 shipped {} = {}",
                now.on_hand,
                now.received,
                now.returned,
                now.adjusted,
                now.transferred,
                now.shipped,
                now.on_hand_by_flows()
            );
            self.names.cell_offence(at, cell, what)
        });
        let negative = now.quantities().into_iter().find(|(_, units)| *units < 0);
        let claimed = now.reserved + now.committed + now.unavailable();
        let adds_up = now.on_hand + now.short() == now.available() + claimed
            && (now.available() == 0 || now.short() == 0);
        checks.check(Invariant::I2, negative.is_none() && adds_up, || {
            let what = match negative {
                Some((name, units)) => format!("{name} is {units}"),
                None => format!("does not add up: {}", now.describe()),
            };
            self.names.cell_offence(at, cell, what)
        });
    }

    /// That a SKU is defined and belongs to `tenant`, and that the location does.
    fn check_owner(&self, at: &At, tenant: TenantId, cell: CellRef, checks: &mut Checks) {
        let sku = self.names.sku(cell.sku).map(|sku| sku.tenant);
        let location = self.names.location(cell.location).map(|found| found.tenant);
        let owned = sku == Some(tenant) && location == Some(tenant);
        checks.check(Invariant::Journal, owned, || {
            let what = if sku.is_none() || location.is_none() {
                "names a SKU or location that is not defined".to_owned()
            } else {
                format!("does not belong to tenant {}", self.names.tenant(tenant))
            };
            self.names.cell_offence(at, cell, what)
        });
    }
}
