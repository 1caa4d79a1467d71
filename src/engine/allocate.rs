//! Which units an order takes: the plan of its allocations, or what it is short of.
//!
//! ```text
//! merged lines ─▶ named locations first ─▶ "any" lines: offers of every location
//!                                            1. the location that covers most of the lines left in
//!                                               full, again and again (all of them: no split)
//!                                            2. lines no location covers: most units first
//! ```
//!
//! Ties go to the nearest location by squared integer distance, if the order has a destination,
//! then to the lower priority number, then to the lower location number. A plan reads stock and
//! changes nothing.

use super::command::CellQuantities;
use super::inventory::Inventory;
use super::record::{Allocation, ShortLine};
use crate::limits::ORDER_ALLOCATIONS_MAX;
use crate::types::{LocationId, SkuId};

/// One line after merging: `at` is the index of the first line of the request that it contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergedLine {
    /// SKU, summed units, location or `ANY`.
    pub want: Allocation,
    /// Index of the first line of the request with this SKU and location.
    pub at: u8,
}

/// Merges lines of the same SKU and location; the result is sorted by (SKU, location).
#[allow(clippy::cast_possible_truncation)] // at most ORDER_LINES_MAX lines
pub fn merge(lines: &[Allocation], into: &mut Vec<MergedLine>) {
    into.clear();
    into.extend(lines.iter().enumerate().map(|(at, want)| MergedLine {
        want: *want,
        at: at as u8,
    }));
    into.sort_unstable_by_key(|line| (line.want.sku, line.want.location, line.at));
    into.dedup_by(|line, kept| {
        let same = (line.want.sku, line.want.location) == (kept.want.sku, kept.want.location);
        if same {
            // At most 64 lines of a million units: below 2^32.
            kept.want.quantity += line.want.quantity;
        }
        same
    });
}

/// What one location offers to one "any" line.
#[derive(Clone, Copy)]
struct Offer {
    location: LocationId,
    line: usize,
    left: u32,
}

/// What is still to be found for one "any" line.
#[derive(Clone, Copy)]
struct Open {
    sku: SkuId,
    at: u8,
    left: u32,
}

/// A plan and the room to make it in; reused from order to order.
#[derive(Default)]
pub struct Plan {
    /// What to take, sorted by (SKU, location).
    pub allocations: Vec<Allocation>,
    /// Lines that are not covered in full, in order of `line`.
    pub shorts: Vec<ShortLine>,
    offers: Vec<Offer>,
    open: Vec<Open>,
}

/// What a plan is made for.
pub struct Demand<'a> {
    /// Stock as it is.
    pub stock: &'a Inventory,
    /// What the order itself holds now and would give back: it counts as available.
    pub own: &'a [Allocation],
    /// What is available and set aside for others.
    pub aside: &'a [Allocation],
    /// What is wanted.
    pub lines: &'a [MergedLine],
    /// Where the buyer is.
    pub destination: Option<(i32, i32)>,
    /// Take what there is; otherwise only all.
    pub partial: bool,
}

impl Demand<'_> {
    fn available(&self, sku: SkuId, location: LocationId, quantities: &CellQuantities) -> u32 {
        let units = |of: &[Allocation]| {
            let here = of
                .iter()
                .find(|it| it.sku == sku && it.location == location);
            here.map_or(0, |it| u64::from(it.quantity))
        };
        let claimed = quantities.claimed().saturating_sub(units(self.own)) + units(self.aside);
        u32::try_from(u64::from(quantities.on_hand).saturating_sub(claimed)).unwrap_or(u32::MAX)
    }

    /// Lower is better.
    pub fn rank(&self, location: LocationId) -> (u128, u16, LocationId) {
        let Some(place) = self.stock.locations().get(usize::from(location.0)) else {
            return (u128::MAX, u16::MAX, location);
        };
        let distance = self.destination.map_or(0, |(x, y)| {
            let square = |a: i32, b: i32| u128::from(a.abs_diff(b)).pow(2);
            square(x, place.x) + square(y, place.y)
        });
        (distance, place.priority, location)
    }
}

impl Plan {
    /// Makes the plan: `allocations` is what to take unless `shorts` forbids it (with `partial`,
    /// only where nothing at all can be taken).
    pub fn make(&mut self, demand: &Demand<'_>) {
        self.allocations.clear();
        self.shorts.clear();
        self.offers.clear();
        self.open.clear();
        for line in demand.lines {
            if line.want.location != LocationId::ANY {
                self.take_named(demand, line);
            }
        }
        for line in demand.lines {
            if line.want.location == LocationId::ANY {
                self.gather(demand, line);
            }
        }
        if self.shorts.is_empty() || demand.partial {
            self.cover_whole_lines(demand);
            self.split_lines(demand);
        }
        self.allocations
            .sort_unstable_by_key(|taken| (taken.sku, taken.location));
        self.shorts.sort_unstable_by_key(|short| short.line);
    }

    fn taken(&self, sku: SkuId, location: LocationId) -> u32 {
        self.allocations
            .iter()
            .find(|taken| taken.sku == sku && taken.location == location)
            .map_or(0, |taken| taken.quantity)
    }

    /// Adds to the plan. False where the order would need too many allocations.
    pub fn take(&mut self, sku: SkuId, location: LocationId, quantity: u32) -> bool {
        let known = self
            .allocations
            .iter_mut()
            .find(|taken| taken.sku == sku && taken.location == location);
        if let Some(taken) = known {
            taken.quantity += quantity;
        } else if self.allocations.len() < ORDER_ALLOCATIONS_MAX {
            self.allocations.push(Allocation {
                sku,
                quantity,
                location,
            });
        } else {
            return false;
        }
        true
    }

    fn take_named(&mut self, demand: &Demand<'_>, line: &MergedLine) {
        let Allocation {
            sku,
            quantity,
            location,
        } = line.want;
        let quantities = demand.stock.quantities(sku, location);
        let left = demand.available(sku, location, &quantities);
        let granted = left.min(quantity);
        if granted < quantity {
            self.shorts.push(ShortLine {
                sku,
                left,
                line: line.at,
            });
        }
        if granted > 0 {
            let taken = self.take(sku, location, granted);
            assert!(taken, "named lines are fewer than allocations may be");
        }
    }

    fn gather(&mut self, demand: &Demand<'_>, line: &MergedLine) {
        let Allocation { sku, quantity, .. } = line.want;
        let mut total = 0_u64;
        for (_, cell) in demand.stock.cells(sku) {
            let location = cell.location;
            let left = demand.available(sku, location, &cell.quantities);
            let left = left - self.taken(sku, location).min(left);
            if left > 0 {
                total += u64::from(left);
                self.offers.push(Offer {
                    location,
                    line: self.open.len(),
                    left,
                });
            }
        }
        let found = u32::try_from(total).unwrap_or(u32::MAX).min(quantity);
        if found < quantity {
            self.shorts.push(ShortLine {
                sku,
                left: found,
                line: line.at,
            });
        }
        self.open.push(Open {
            sku,
            at: line.at,
            left: found,
        });
    }

    fn wanted(&self, offer: &Offer) -> u32 {
        self.open.get(offer.line).map_or(0, |open| open.left)
    }

    /// True where the offer covers a line that is still open.
    fn covers(&self, offer: &Offer) -> bool {
        let wanted = self.wanted(offer);
        wanted > 0 && offer.left >= wanted
    }

    /// While some location covers open lines in full: takes those of the location with most.
    fn cover_whole_lines(&mut self, demand: &Demand<'_>) {
        self.offers
            .sort_unstable_by_key(|offer| (offer.location, offer.line));
        loop {
            let best = self
                .offers
                .chunk_by(|a, b| a.location == b.location)
                .filter_map(|group| {
                    let location = group.first()?.location;
                    let covered = group.iter().filter(|offer| self.covers(offer)).count();
                    (covered > 0).then_some((covered, location))
                })
                .min_by_key(|(covered, location)| {
                    (std::cmp::Reverse(*covered), demand.rank(*location))
                });
            let Some((_, location)) = best else { return };
            for at in 0..self.offers.len() {
                let Some(offer) = self.offers.get(at).copied() else {
                    return;
                };
                if offer.location == location && self.covers(&offer) {
                    let wanted = self.wanted(&offer);
                    if !self.take_open(offer.line, location, wanted) {
                        self.give_up(demand, offer.line);
                    }
                }
            }
        }
    }

    /// Splits what no single location covers: the location with most units left first.
    fn split_lines(&mut self, demand: &Demand<'_>) {
        for line in 0..self.open.len() {
            while self.open.get(line).is_some_and(|open| open.left > 0) {
                let best = self
                    .offers
                    .iter_mut()
                    .filter(|offer| offer.line == line && offer.left > 0)
                    .min_by_key(|offer| {
                        (std::cmp::Reverse(offer.left), demand.rank(offer.location))
                    });
                let Some(offer) = best else {
                    unreachable!("an open line wants no more than its offers have");
                };
                let (location, most) = (offer.location, std::mem::take(&mut offer.left));
                let wanted = self.open.get(line).map_or(0, |open| open.left);
                if !self.take_open(line, location, wanted.min(most)) {
                    self.give_up(demand, line);
                }
            }
        }
    }

    fn take_open(&mut self, line: usize, location: LocationId, quantity: u32) -> bool {
        let Some(open) = self.open.get_mut(line) else {
            return false;
        };
        let sku = open.sku;
        open.left -= quantity;
        let taken = self.take(sku, location, quantity);
        if !taken && let Some(open) = self.open.get_mut(line) {
            open.left += quantity;
        }
        taken
    }

    /// A line that would need more allocations than an order may have is short of the rest.
    fn give_up(&mut self, demand: &Demand<'_>, line: usize) {
        let Some(open) = self.open.get_mut(line) else {
            return;
        };
        let missing = std::mem::take(&mut open.left);
        let (sku, at) = (open.sku, open.at);
        let wanted = demand
            .lines
            .iter()
            .find(|merged| merged.at == at)
            .map_or(0, |merged| merged.want.quantity);
        if let Some(short) = self.shorts.iter_mut().find(|short| short.line == at) {
            short.left = short.left.saturating_sub(missing);
        } else {
            self.shorts.push(ShortLine {
                sku,
                left: wanted - missing,
                line: at,
            });
        }
    }
}
