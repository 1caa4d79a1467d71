//! Orders that wait for stock, each at its place in the queue of its SKUs.
//!
//! ```text
//! place (sequence that accepted it first) ─▶ order: slot, destination, merged lines
//! SKU ─▶ places of the orders that want it, and their units by location
//! ```
//!
//! Holds nothing and decides nothing: who gets what is decided in `backorder`.

use super::sample::estimated_sum;
use crate::engine::inventory::Inventory;
use crate::engine::record::{Allocation, RequestedLine};
use crate::types::{LocationId, SkuId};
use std::collections::{BTreeMap, BTreeSet};

/// One order that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Waiting {
    pub slot: u32,
    /// Where the buyer is.
    pub destination: Option<(i32, i32)>,
    /// What it wants, merged and sorted by (SKU, location).
    pub lines: Box<[RequestedLine]>,
}

/// Units by location; those under `ANY` are wanted anywhere.
type Units = BTreeMap<LocationId, u64>;

#[derive(Default)]
struct OfSku {
    places: BTreeSet<u64>,
    units: Units,
}

/// The whole queue of a shard.
#[derive(Default)]
pub(in crate::engine) struct Queue {
    orders: BTreeMap<u64, Waiting>,
    places: BTreeMap<u32, u64>,
    skus: BTreeMap<SkuId, OfSku>,
    /// Units of all of them.
    units: u64,
}

impl Queue {
    /// Nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// Orders that wait.
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Every order with its place, first to last.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Waiting)> + '_ {
        self.orders.iter().map(|(place, waiting)| (*place, waiting))
    }

    /// The place of the order in a slot.
    pub fn place_of(&self, slot: u32) -> Option<u64> {
        self.places.get(&slot).copied()
    }

    pub fn at(&self, place: u64) -> Option<&Waiting> {
        self.orders.get(&place)
    }

    /// Somebody waits for the SKU.
    pub fn wants(&self, sku: SkuId) -> bool {
        self.skus.contains_key(&sku)
    }

    /// Units of the SKU that all orders wait for.
    pub fn units_of(&self, sku: SkuId) -> u64 {
        let of_sku = self.skus.get(&sku);
        of_sku.map_or(0, |of_sku| of_sku.units.values().sum())
    }

    /// Units of all SKUs that all orders wait for.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The first place at or behind `from` of an order that wants the SKU.
    pub fn next(&self, sku: SkuId, from: u64) -> Option<u64> {
        let places = &self.skus.get(&sku)?.places;
        places.range(from..).next().copied()
    }

    /// Units of the SKU that the orders before a place wait for; counting stops at `enough`.
    pub fn units_before(&self, sku: SkuId, place: u64, enough: u64) -> u64 {
        let mut sum = 0;
        for line in self.lines_before(sku, place) {
            if sum >= enough {
                break;
            }
            sum += u64::from(line.quantity);
        }
        sum
    }

    fn lines_before(&self, sku: SkuId, place: u64) -> impl Iterator<Item = &RequestedLine> + '_ {
        let places = self.skus.get(&sku).into_iter();
        let places = places.flat_map(move |of_sku| of_sku.places.range(..place));
        let orders = places.filter_map(|place| self.orders.get(place));
        let lines = orders.flat_map(|waiting| waiting.lines.iter());
        lines.filter(move |line| line.sku == sku)
    }

    /// What of the SKU's stock is set aside for the orders before a place (all of them: `None`),
    /// at most `most` units: named locations first, the rest in order of location.
    pub fn aside(
        &self,
        stock: &Inventory,
        (sku, mut most): (SkuId, u64),
        before: Option<u64>,
        into: &mut Vec<Allocation>,
    ) {
        let Some(of_sku) = self.skus.get(&sku) else {
            return;
        };
        let before_units;
        let units = match before {
            None => &of_sku.units,
            Some(place) => {
                before_units = self.sum_before(stock, sku, place);
                &before_units
            }
        };
        let mut anywhere = units.get(&LocationId::ANY).copied().unwrap_or(0);
        for (_, cell) in stock.cells(sku) {
            let available = u64::from(cell.quantities.available());
            let here = units.get(&cell.location).copied().unwrap_or(0);
            let named = here.min(available).min(most);
            let rest = anywhere.min(available - named).min(most - named);
            anywhere -= rest;
            most -= named + rest;
            if named + rest > 0 {
                into.push(Allocation {
                    sku,
                    quantity: u32::try_from(named + rest).unwrap_or(u32::MAX),
                    location: cell.location,
                });
            }
        }
    }

    /// Units before a place by location; counting stops where nothing can be left for anybody.
    fn sum_before(&self, stock: &Inventory, sku: SkuId, place: u64) -> Units {
        let mut units = Units::new();
        let everywhere = stock.available_of(sku);
        for line in self.lines_before(sku, place) {
            let here = units.entry(line.location).or_default();
            *here += u64::from(line.quantity);
            if line.location == LocationId::ANY && *here >= everywhere {
                break;
            }
        }
        units
    }

    /// An order begins to wait.
    pub fn insert(&mut self, place: u64, waiting: Waiting) {
        for line in &waiting.lines {
            let of_sku = self.skus.entry(line.sku).or_default();
            of_sku.places.insert(place);
            *of_sku.units.entry(line.location).or_default() += u64::from(line.quantity);
            self.units += u64::from(line.quantity);
        }
        self.places.insert(waiting.slot, place);
        self.orders.insert(place, waiting);
    }

    /// The order in a slot waits no longer.
    pub fn remove(&mut self, slot: u32) -> Option<(u64, Waiting)> {
        let place = self.places.remove(&slot)?;
        let waiting = self.orders.remove(&place)?;
        for line in &waiting.lines {
            let Some(of_sku) = self.skus.get_mut(&line.sku) else {
                continue;
            };
            of_sku.places.remove(&place);
            if let Some(units) = of_sku.units.get_mut(&line.location) {
                let gone = u64::from(line.quantity).min(*units);
                *units -= gone;
                self.units -= gone;
                if *units == 0 {
                    of_sku.units.remove(&line.location);
                }
            }
            if of_sku.places.is_empty() {
                self.skus.remove(&line.sku);
            }
        }
        Some((place, waiting))
    }

    /// Bytes of memory in use; tree nodes are estimated, and the lines of a long queue.
    pub fn memory_bytes(&self) -> usize {
        let lines = estimated_sum(&self.orders, |waiting| waiting.lines.len());
        let of_line = size_of::<RequestedLine>() + 16;
        lines * of_line + self.orders.len() * 96 + self.skus.len() * 64
    }

    /// For the state's digest; nothing where nobody waits.
    pub fn digest_into(&self, out: &mut Vec<u8>) {
        for (place, waiting) in &self.orders {
            out.extend_from_slice(&place.to_le_bytes());
            out.extend_from_slice(&waiting.slot.to_le_bytes());
            let (x, y) = waiting.destination.unwrap_or_default();
            out.push(u8::from(waiting.destination.is_some()));
            out.extend_from_slice(&x.to_le_bytes());
            out.extend_from_slice(&y.to_le_bytes());
            for line in &waiting.lines {
                out.extend_from_slice(&line.sku.0.to_le_bytes());
                out.extend_from_slice(&line.quantity.to_le_bytes());
                out.extend_from_slice(&line.location.0.to_le_bytes());
            }
        }
    }

    /// What is kept twice here and does not agree.
    pub fn check(&self) -> Result<(), String> {
        let mut again = Self::default();
        for (place, waiting) in self.iter() {
            again.insert(place, waiting.clone());
        }
        let same = again.skus.len() == self.skus.len()
            && again.skus.iter().all(|(sku, of_sku)| {
                let kept = self.skus.get(sku);
                kept.is_some_and(|it| it.units == of_sku.units && it.places == of_sku.places)
            });
        if same && again.places == self.places && again.units == self.units {
            Ok(())
        } else {
            Err("the queue of waiting orders does not add up".to_owned())
        }
    }
}
