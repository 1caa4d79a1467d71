//! Stock: SKUs, their cells (one a location), and the locations.
//!
//! ```text
//! SKU 16 bytes ─first─▶ cell 48 bytes ─next─▶ cell ─next─▶ …   in order of location number
//! ```
//!
//! A cell exists from its first movement on. `on_hand = net_in − net_out` at any time: what stock
//! commands brought, less what orders took away for good.
#![allow(clippy::indexing_slicing)] // a table panics on a broken link: see `ChunkedVec`

use super::Contradiction;
use super::channel::{ChangeRing, ChangesRead};
use super::command::CellQuantities;
use crate::limits::CELL_QUANTITY_MAX;
use crate::memory::ChunkedVec;
use crate::types::pipeline::BackorderQueue;
use crate::types::{LocationId, SkuId, TenantId};
use std::collections::{BTreeMap, BTreeSet};

/// "No cell": the end of a list.
pub const NO_CELL: u32 = u32::MAX;

/// One SKU.
#[derive(Clone, Copy)]
pub struct Sku {
    /// Where its name is.
    pub name: u64,
    /// First cell, or `NO_CELL`.
    pub first: u32,
    /// Whose.
    pub tenant: TenantId,
    /// Whether new orders may take it.
    pub on_sale: bool,
    /// See [`mark`].
    marks: u8,
}

/// Bits of [`Sku::marks`].
mod mark {
    /// Its stock changed since the last drain.
    pub const CHANGED: u8 = 1;
    /// Some sales channel has a rule about it.
    pub const RULED: u8 = 2;
    /// Where its [`super::BackorderQueue`] stands: two bits.
    pub const QUEUE: u8 = 4 | 8;
}

impl Sku {
    /// On sale, and nobody has a rule about it: whoever comes may take what there is.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.on_sale && self.marks & mark::RULED == 0
    }

    /// Who gets its units first, among orders that wait for it.
    #[inline]
    pub fn queue(&self) -> BackorderQueue {
        let bits = (self.marks & mark::QUEUE) >> mark::QUEUE.trailing_zeros();
        BackorderQueue::from_u8(bits).unwrap_or(BackorderQueue::Default)
    }
}

/// One SKU at one location.
#[derive(Clone, Copy)]
pub struct Cell {
    /// Units brought by stock commands, less those taken by them.
    pub net_in: i64,
    /// Units shipped, less those returned.
    pub net_out: i64,
    /// What is there and what it is promised to.
    pub quantities: CellQuantities,
    /// The SKU's next cell, or `NO_CELL`.
    pub next: u32,
    /// Where.
    pub location: LocationId,
    /// A correction of on hand, or an order that a channel had sold, once left less than was
    /// promised.
    pub corrected_short: bool,
}

const _: () = {
    assert!(size_of::<Sku>() == 16);
    assert!(size_of::<Cell>() == 48);
};

/// One location.
#[derive(Clone, Copy)]
pub struct Location {
    /// Where its name is.
    pub name: u64,
    /// Position, in units of the merchant's choice.
    pub x: i32,
    /// Position, in units of the merchant's choice.
    pub y: i32,
    /// Lower comes first among equals.
    pub priority: u16,
    /// Whose.
    pub tenant: TenantId,
}

/// The tables. See the module's documentation.
#[derive(Default)]
pub struct Inventory {
    skus: ChunkedVec<Sku, 17>,
    cells: ChunkedVec<Cell, 17>,
    locations: Vec<Location>,
    changed: Option<Vec<SkuId>>,
    channel_changes: Option<Box<ChangeRing>>,
    /// Somebody wants to know what changes.
    tracking: bool,
    /// SKUs that orders wait for.
    watched: BTreeSet<SkuId>,
    /// Those of them that may be had since they were looked at: from which place on to look.
    marked: BTreeMap<SkuId, u64>,
}

impl Inventory {
    /// Puts the tables on huge pages from the start.
    pub fn expect_large(&mut self) {
        self.skus.expect_large();
        self.cells.expect_large();
    }

    /// SKUs defined.
    pub fn skus_len(&self) -> usize {
        self.skus.len()
    }

    /// Cells that ever had a movement.
    pub fn cells_len(&self) -> usize {
        self.cells.len()
    }

    /// The locations, by number.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        self.skus.memory_bytes()
            + self.cells.memory_bytes()
            + self.locations.capacity() * size_of::<Location>()
    }

    /// Asks the processor for a SKU's entry.
    #[inline]
    pub fn prefetch_sku(&self, sku: SkuId) {
        self.skus.prefetch(sku.0 as usize);
    }

    /// Asks the processor for a SKU's first cell.
    #[inline]
    pub fn prefetch_cell(&self, sku: SkuId) {
        if let Some(sku) = self.skus.get(sku.0 as usize) {
            self.cells.prefetch(sku.first as usize);
        }
    }

    /// Adds the next SKU.
    #[allow(clippy::cast_possible_truncation)] // bounded by SKUS_MAX
    pub fn add_sku(&mut self, tenant: TenantId, on_sale: bool, name: u64) -> SkuId {
        SkuId(self.skus.push(Sku {
            name,
            first: NO_CELL,
            tenant,
            on_sale,
            marks: 0,
        }) as u32)
    }

    /// Adds the next location.
    pub fn add_location(&mut self, location: Location) {
        self.locations.push(location);
    }

    /// A SKU, whosever it is.
    #[inline]
    pub fn sku(&self, sku: SkuId) -> Option<&Sku> {
        self.skus.get(sku.0 as usize)
    }

    /// Every SKU in order of its number.
    #[allow(clippy::cast_possible_truncation)] // bounded by SKUS_MAX
    pub fn skus(&self) -> impl Iterator<Item = (SkuId, &Sku)> + '_ {
        let numbered = self.skus.iter().enumerate();
        numbered.map(|(number, sku)| (SkuId(number as u32), sku))
    }

    /// A SKU of this tenant.
    #[inline]
    pub fn sku_of(&self, tenant: TenantId, sku: SkuId) -> Option<&Sku> {
        self.sku(sku).filter(|sku| sku.tenant == tenant)
    }

    /// A location of this tenant.
    #[inline]
    pub fn location_of(&self, tenant: TenantId, location: LocationId) -> Option<&Location> {
        self.locations
            .get(usize::from(location.0))
            .filter(|location| location.tenant == tenant)
    }

    /// Puts a SKU on or off sale. False for an unknown one.
    pub fn set_on_sale(&mut self, sku: SkuId, on_sale: bool) -> bool {
        let Some(known) = self.skus.get_mut(sku.0 as usize) else {
            return false;
        };
        known.on_sale = on_sale;
        self.note_change(sku);
        true
    }

    /// Sets who gets a SKU's units first, among orders that wait for it: those are to be looked at
    /// again. False for an unknown one.
    pub fn set_queue(&mut self, sku: SkuId, queue: BackorderQueue) -> bool {
        let Some(known) = self.skus.get_mut(sku.0 as usize) else {
            return false;
        };
        known.marks &= !mark::QUEUE;
        known.marks |= (queue as u8) << mark::QUEUE.trailing_zeros();
        if self.watched.contains(&sku) {
            self.mark(sku);
        }
        self.note_change(sku);
        true
    }

    /// Notes whether some sales channel has a rule about a SKU; whoever publishes it looks again.
    pub fn set_ruled(&mut self, sku: SkuId, ruled: bool) {
        if let Some(sku) = self.skus.get_mut(sku.0 as usize) {
            sku.marks &= !mark::RULED;
            sku.marks |= if ruled { mark::RULED } else { 0 };
        }
        self.note_change(sku);
    }

    /// True where some sales channel has a rule about the SKU.
    #[inline]
    pub fn is_ruled(&self, sku: SkuId) -> bool {
        self.sku(sku)
            .is_some_and(|sku| sku.marks & mark::RULED != 0)
    }

    /// The cells of a SKU in order of location number, with their numbers.
    #[inline]
    pub fn cells(&self, sku: SkuId) -> impl Iterator<Item = (u32, &Cell)> + '_ {
        let mut at = self.sku(sku).map_or(NO_CELL, |sku| sku.first);
        std::iter::from_fn(move || {
            (at != NO_CELL).then(|| {
                let number = at;
                let cell = &self.cells[number];
                at = cell.next;
                (number, cell)
            })
        })
    }

    /// The SKU's cell, where it has exactly one.
    #[inline]
    pub fn only_cell(&self, sku: &Sku) -> Option<u32> {
        (sku.first != NO_CELL && self.cells[sku.first].next == NO_CELL).then_some(sku.first)
    }

    /// The number of the cell of a SKU at a location.
    #[inline]
    pub fn find_cell(&self, sku: SkuId, location: LocationId) -> Option<u32> {
        self.cells(sku)
            .take_while(|(_, cell)| cell.location <= location)
            .find(|(_, cell)| cell.location == location)
            .map(|(number, _)| number)
    }

    /// The cell of a known number.
    #[inline]
    pub fn cell(&self, number: u32) -> &Cell {
        &self.cells[number]
    }

    /// The quantities of a SKU at a location; all zero where nothing ever was.
    #[inline]
    pub fn quantities(&self, sku: SkuId, location: LocationId) -> CellQuantities {
        let cell = self.find_cell(sku, location).map(|it| &self.cells[it]);
        cell.map_or_else(CellQuantities::default, |cell| cell.quantities)
    }

    /// Changes one cell: `change` gets its quantities and says whether they fit. The cell is made
    /// if there was none; after a refusal it is as before.
    ///
    /// # Errors
    /// `UnknownSku`, `UnknownLocation` (also where the two are not of one tenant), or `CellBounds`.
    #[inline]
    pub fn change(
        &mut self,
        sku: SkuId,
        location: LocationId,
        cause: Cause,
        change: impl FnOnce(&mut CellQuantities) -> Option<()>,
    ) -> Result<CellQuantities, Contradiction> {
        let number = match self.find_cell(sku, location) {
            Some(number) => number,
            None => self.add_cell(sku, location)?,
        };
        let cell = &mut self.cells[number];
        let before = cell.quantities;
        let bounds = Contradiction::CellBounds { sku, location };
        let mut after = before;
        change(&mut after).ok_or(bounds)?;
        if after.on_hand > CELL_QUANTITY_MAX || after.claimed() > u64::from(CELL_QUANTITY_MAX) {
            return Err(bounds);
        }
        cell.quantities = after;
        let moved = i64::from(after.on_hand) - i64::from(before.on_hand);
        match cause {
            Cause::Stock => {
                cell.net_in += moved;
                cell.corrected_short |= after.short() > before.short();
            }
            Cause::Order => cell.net_out -= moved,
            Cause::Fact => {
                cell.net_out -= moved;
                cell.corrected_short |= after.short() > before.short();
            }
        }
        assert_eq!(
            i64::from(cell.quantities.on_hand),
            cell.net_in - cell.net_out,
            "on hand is what came less what went (SKU {}, location {})",
            sku.0,
            location.0
        );
        if !self.watched.is_empty()
            && after.available() > before.available()
            && self.watched.contains(&sku)
        {
            self.marked.insert(sku, 0);
        }
        self.note_change(sku);
        Ok(after)
    }

    fn add_cell(&mut self, sku: SkuId, location: LocationId) -> Result<u32, Contradiction> {
        let tenant = self.sku(sku).ok_or(Contradiction::UnknownSku(sku))?.tenant;
        self.location_of(tenant, location)
            .ok_or(Contradiction::UnknownLocation(location))?;
        let number = u32::try_from(self.cells.len())
            .ok()
            .filter(|number| *number < NO_CELL);
        let number = number.ok_or(Contradiction::TableFull)?;
        let before = self
            .cells(sku)
            .take_while(|(_, cell)| cell.location < location)
            .last()
            .map(|(number, _)| number);
        let next = match before {
            Some(before) => std::mem::replace(&mut self.cells[before].next, number),
            None => std::mem::replace(&mut self.skus[sku.0].first, number),
        };
        self.cells.push(Cell {
            net_in: 0,
            net_out: 0,
            quantities: CellQuantities::default(),
            next,
            location,
            corrected_short: false,
        });
        Ok(number)
    }

    /// Units of a SKU that are available at all its locations together.
    pub fn available_of(&self, sku: SkuId) -> u64 {
        let cells = self.cells(sku);
        cells
            .map(|(_, cell)| u64::from(cell.quantities.available()))
            .sum()
    }

    /// Somebody waits for the SKU: marks it whenever more of it is available.
    pub fn watch(&mut self, sku: SkuId) {
        self.watched.insert(sku);
    }

    /// Nobody waits for the SKU any more.
    pub fn unwatch(&mut self, sku: SkuId) {
        self.watched.remove(&sku);
        self.marked.remove(&sku);
    }

    /// The orders that wait for the SKU are to be looked at.
    pub fn mark(&mut self, sku: SkuId) {
        self.marked.insert(sku, 0);
    }

    /// As [`Inventory::mark`], for every watched SKU.
    pub fn mark_all(&mut self) {
        self.marked = self.watched.iter().map(|sku| (*sku, 0)).collect();
    }

    /// Some SKU is marked.
    #[inline]
    pub fn has_marked(&self) -> bool {
        !self.marked.is_empty()
    }

    /// The SKU is marked.
    pub fn is_marked(&self, sku: SkuId) -> bool {
        self.marked.contains_key(&sku)
    }

    /// The first marked SKU, and the place from which to look.
    pub fn first_marked(&self) -> Option<(SkuId, u64)> {
        let first = self.marked.first_key_value();
        first.map(|(sku, from)| (*sku, *from))
    }

    /// The orders that wait for the SKU were looked at: up to a place, or all of them.
    pub fn looked_at(&mut self, sku: SkuId, up_to: Option<u64>) {
        match up_to {
            Some(place) if self.watched.contains(&sku) => self.marked.insert(sku, place),
            _ => self.marked.remove(&sku),
        };
    }

    /// Whether to remember which SKUs changed. Off forgets them.
    pub fn track_changes(&mut self, on: bool) {
        if on != self.changed.is_some() {
            let changed = self.changed.replace(Vec::new()).unwrap_or_default();
            for sku in changed {
                self.skus[sku.0].marks &= !mark::CHANGED;
            }
            if !on {
                self.changed = None;
            }
        }
        self.tracking = self.changed.is_some() || self.channel_changes.is_some();
    }

    /// Remembers from now on which SKUs changed, for those who publish stock.
    pub fn track_channels(&mut self) {
        self.channel_changes.get_or_insert_default();
        self.tracking = true;
    }

    /// The stock of every SKU may have changed for those who publish it.
    pub fn note_all_changed(&mut self) {
        if let Some(ring) = &mut self.channel_changes {
            ring.note_all();
        }
    }

    /// See [`ChangeRing::read`]; `None` where nobody publishes stock.
    pub fn read_changes(&mut self, since: u64, most: usize) -> Option<ChangesRead> {
        let ring = self.channel_changes.as_mut()?;
        Some(ring.read(since, most))
    }

    /// Moves the changed SKUs to `into`, each once.
    pub fn drain_changed(&mut self, into: &mut Vec<SkuId>) {
        let Some(changed) = &mut self.changed else {
            return;
        };
        for sku in changed.iter() {
            self.skus[sku.0].marks &= !mark::CHANGED;
        }
        into.append(changed);
    }

    /// Somebody who tracks the SKU should look at it again.
    #[inline]
    pub fn note_change(&mut self, sku: SkuId) {
        if self.tracking {
            self.note_tracked(sku);
        }
    }

    fn note_tracked(&mut self, sku: SkuId) {
        if let Some(changed) = &mut self.changed {
            let marks = &mut self.skus[sku.0].marks;
            if *marks & mark::CHANGED == 0 {
                *marks |= mark::CHANGED;
                changed.push(sku);
            }
        }
        if let Some(ring) = &mut self.channel_changes {
            ring.note(sku);
        }
    }
}

/// Who moves units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A stock command.
    Stock,
    /// An order.
    Order,
    /// An order that a channel had sold: it may take more than there is.
    Fact,
}
