//! Taking orders: checks, idempotency and versions, and where the units come from.

use super::{ANY, Model, Order, OrderLine, Refusal, merged, small};
use crate::sim::request::{Answer, Line, OrderSpec};
use onhand::engine::command::{LineNote, OrderOutcome};
use onhand::limits;
use onhand::types::{OrderState, Resolution, ResultCode};
use std::collections::BTreeMap;

/// What one attempt to take stock came to.
enum Taken {
    /// Units by (SKU, location), and what each merged line got, by the line's SKU and location.
    All(BTreeMap<(u32, u16), i128>, BTreeMap<(u32, u16), u32>),
    /// SKU, left, line.
    Short(Vec<(u32, u32, u8)>),
}

impl Model {
    pub(super) fn reserve(&mut self, tenant: u16, order: &OrderSpec) -> Answer {
        if let Some(code) = self.malformed(tenant, order) {
            return plain(code, 0);
        }
        let existing = self.order_index(tenant, order.key);
        let refused = self.refusal_index(tenant, order.key);
        let accepted_version = existing.map_or(0, |index| self.orders[index].request.version);
        let refused_version = refused.map_or(0, |index| self.refusals[index].request.version);
        let latest = accepted_version.max(refused_version);
        if latest > 0 && order.version == latest {
            let stored = if refused_version == latest {
                &self.refusals[refused.unwrap()].request
            } else {
                &self.orders[existing.unwrap()].request
            };
            if !same_meaning(stored, order) {
                self.counts.conflicts += 1;
                self.record();
                return self.about(ResultCode::IdempotencyConflict, existing, latest);
            }
            self.counts.replayed += 1;
            if refused_version == latest {
                return self.refusal_answer(refused.unwrap(), existing, true);
            }
            return self.acceptance_answer(existing.unwrap(), order, true);
        }
        if order.version < latest {
            self.counts.stale_versions += 1;
            return self.about(ResultCode::StaleVersion, existing, latest);
        }
        // A key that nothing is stored for may begin with any version.
        if latest > 0 && order.version > latest + 1 {
            self.counts.gaps += 1;
            return self.about(ResultCode::VersionGap, existing, latest);
        }
        if existing.is_some_and(|index| !self.orders[index].state.is_live_hold()) {
            return self.about(ResultCode::NotReplaceable, existing, latest);
        }
        self.decide(tenant, order, existing)
    }

    /// The first rule of form that the order breaks, in the documented order of checks.
    fn malformed(&self, tenant: u16, order: &OrderSpec) -> Option<ResultCode> {
        let quantity_ok = |line: &Line| (1..=limits::LINE_QUANTITY_MAX).contains(&line.2);
        let checks = [
            (order.key != 0, ResultCode::InvalidKey),
            (order.version != 0, ResultCode::InvalidVersion),
            (
                (1..=limits::HOLD_TTL_MS_MAX).contains(&order.ttl_ms),
                ResultCode::InvalidTtl,
            ),
            (
                (1..=999).contains(&order.currency),
                ResultCode::InvalidCurrency,
            ),
            (
                order.total <= limits::ORDER_TOTAL_MAX,
                ResultCode::InvalidTotal,
            ),
            (!order.lines.is_empty(), ResultCode::NoLines),
            (
                order.lines.len() <= limits::ORDER_LINES_MAX,
                ResultCode::TooManyLines,
            ),
            (
                order.lines.iter().all(quantity_ok),
                ResultCode::InvalidQuantity,
            ),
        ];
        let broken = checks.iter().find(|(kept, _)| !kept);
        let unknown = || {
            let mut codes = order
                .lines
                .iter()
                .map(|line| self.unknown_handle(tenant, line));
            codes.find_map(|code| code)
        };
        broken.map(|&(_, code)| code).or_else(unknown)
    }

    fn decide(&mut self, tenant: u16, order: &OrderSpec, existing: Option<usize>) -> Answer {
        let lines = merged(&order.lines);
        let off_sale: Vec<(u32, u32, u8)> = lines
            .iter()
            .filter(|((sku, _, _), _)| !self.skus[*sku as usize].on_sale)
            .map(|&((sku, _, _), first)| (sku, 0, first))
            .collect();
        if !off_sale.is_empty() {
            return self.refuse(tenant, order, existing, ResultCode::NotOnSale, off_sale);
        }
        match self.take(tenant, order, &lines, existing) {
            Taken::Short(shorts) => {
                let code = ResultCode::InsufficientStock;
                self.refuse(tenant, order, existing, code, shorts)
            }
            Taken::All(units, granted) => self.accept(tenant, order, existing, &units, granted),
        }
    }

    fn refuse(
        &mut self,
        tenant: u16,
        order: &OrderSpec,
        existing: Option<usize>,
        code: ResultCode,
        mut shorts: Vec<(u32, u32, u8)>,
    ) -> Answer {
        self.counts.rejected += 1;
        self.record();
        shorts.sort_by_key(|short| short.2);
        self.refusals.push(Refusal {
            tenant,
            request: order.clone(),
            code,
            shorts,
        });
        if self.refusals.len() > self.memory.rejections {
            self.refusals.remove(0);
        }
        self.refusal_answer(self.refusals.len() - 1, existing, false)
    }

    fn accept(
        &mut self,
        tenant: u16,
        order: &OrderSpec,
        existing: Option<usize>,
        units: &BTreeMap<(u32, u16), i128>,
        granted: BTreeMap<(u32, u16), u32>,
    ) -> Answer {
        self.counts.accepted += 1;
        let sequence = self.record();
        let line = |(&(sku, location), &quantity): (&(u32, u16), &i128)| OrderLine {
            sku,
            location,
            ordered: quantity,
            reserved: quantity,
            committed: 0,
            shipped: 0,
            returned: 0,
            cancelled: 0,
        };
        let asked: i128 = order.lines.iter().map(|line| i128::from(line.2)).sum();
        let in_part = order.partial && units.values().sum::<i128>() < asked;
        self.counts.split += u64::from(units.len() > merged(&order.lines).len());
        let fresh = Order {
            tenant,
            request: order.clone(),
            state: if order.place {
                OrderState::FraudCheck
            } else {
                OrderState::Held
            },
            resolution: Resolution::Open,
            lines: units.iter().map(line).collect(),
            sequence,
            deadline: self.now + u64::from(order.ttl_ms),
            extensions: 0,
            ended: None,
            granted,
            in_part,
        };
        let index = match existing {
            Some(index) => {
                self.counts.replaced += 1;
                self.orders[index] = fresh;
                index
            }
            None => {
                self.orders.push(fresh);
                self.orders.len() - 1
            }
        };
        self.acceptance_answer(index, order, false)
    }

    fn take(
        &self,
        tenant: u16,
        order: &OrderSpec,
        lines: &[(Line, u8)],
        existing: Option<usize>,
    ) -> Taken {
        let mut left: BTreeMap<(u32, u16), i128> = BTreeMap::new();
        for &((sku, _, _), _) in lines {
            for location in 0..self.locations.len() as u16 {
                if self.locations[usize::from(location)].tenant == tenant {
                    let units = self.available(sku, location, existing);
                    left.insert((sku, location), units);
                }
            }
        }
        let mut units = BTreeMap::new();
        let mut shorts = Vec::new();
        let mut granted = BTreeMap::new();
        for &((sku, location, quantity), first) in lines {
            if location == ANY {
                continue;
            }
            let there = left.get_mut(&(sku, location)).expect("all were listed");
            let got = (*there).min(i128::from(quantity));
            if got < i128::from(quantity) {
                shorts.push((sku, small(*there), first));
            }
            granted.insert((sku, location), small(got));
            *there -= got;
            if got > 0 {
                *units.entry((sku, location)).or_insert(0) += got;
            }
        }
        let mut wanted: Vec<(u32, i128)> = Vec::new();
        for &((sku, location, quantity), first) in lines {
            if location != ANY {
                continue;
            }
            let total: i128 = left.iter().filter(|l| l.0.0 == sku).map(|l| l.1).sum();
            let got = total.min(i128::from(quantity));
            if got < i128::from(quantity) {
                shorts.push((sku, small(total), first));
            }
            granted.insert((sku, location), small(got));
            if got > 0 {
                wanted.push((sku, got));
            }
        }
        if !shorts.is_empty() && !order.partial {
            return Taken::Short(shorts);
        }
        self.spread(order, wanted, &mut left, &mut units);
        if units.is_empty() {
            return Taken::Short(shorts);
        }
        assert!(
            units.len() <= limits::ORDER_ALLOCATIONS_MAX,
            "few locations"
        );
        Taken::All(units, granted)
    }

    /// Where lines for "any" location come from: the one location that covers the most of them in
    /// full, again and again; what no location covers in full comes from the fullest ones.
    fn spread(
        &self,
        order: &OrderSpec,
        mut wanted: Vec<(u32, i128)>,
        left: &mut BTreeMap<(u32, u16), i128>,
        units: &mut BTreeMap<(u32, u16), i128>,
    ) {
        let rank = |location: u16| {
            let place = &self.locations[usize::from(location)];
            let distance = order.destination.map_or(0, |(x, y)| {
                (place.x - i128::from(x)).pow(2) + (place.y - i128::from(y)).pow(2)
            });
            (distance, place.priority, location)
        };
        let mut locations: Vec<u16> = left.keys().map(|&(_, location)| location).collect();
        locations.sort_unstable();
        locations.dedup();
        locations.sort_by_key(|&location| rank(location));
        loop {
            let covered = |location: u16| {
                let has = |&&(sku, quantity): &&(u32, i128)| left[&(sku, location)] >= quantity;
                wanted.iter().filter(has).count()
            };
            let most = locations.iter().map(|&l| covered(l)).max().unwrap_or(0);
            if most == 0 {
                break;
            }
            let best = locations.iter().find(|&&l| covered(l) == most);
            let best = *best.expect("the maximum is somewhere");
            wanted.retain(|&(sku, quantity)| {
                let there = left.get_mut(&(sku, best)).expect("all were listed");
                let here = *there >= quantity;
                if here {
                    *there -= quantity;
                    *units.entry((sku, best)).or_insert(0) += quantity;
                }
                !here
            });
        }
        for (sku, mut quantity) in wanted {
            let mut fullest = locations.clone();
            fullest.sort_by_key(|&l| (-left[&(sku, l)], rank(l)));
            for location in fullest {
                let there = left.get_mut(&(sku, location)).expect("all were listed");
                let got = (*there).min(quantity);
                if got > 0 {
                    *there -= got;
                    quantity -= got;
                    *units.entry((sku, location)).or_insert(0) += got;
                }
            }
            assert_eq!(quantity, 0, "no more is wanted than there is");
        }
    }

    fn acceptance_answer(&self, index: usize, asked: &OrderSpec, replayed: bool) -> Answer {
        let order = &self.orders[index];
        let granted = |((sku, location, _), line): (Line, u8)| LineNote::Granted {
            line,
            quantity: order.granted[&(sku, location)],
        };
        let notes: Vec<LineNote> = if order.in_part {
            let lines = merged(&asked.lines).into_iter();
            lines.map(granted).collect()
        } else {
            Vec::new()
        };
        Answer::Order {
            outcome: OrderOutcome {
                code: ResultCode::Ok,
                state: Some(order.state),
                replayed,
                partial: order.in_part,
                version: self.latest_version(index),
                sequence: order.sequence,
                expires_at_ms: order.shown_deadline(),
                notes: notes.len() as u16,
            },
            notes,
        }
    }

    fn refusal_answer(&self, index: usize, existing: Option<usize>, replayed: bool) -> Answer {
        let refusal = &self.refusals[index];
        let shorts = refusal.short_lines().into_iter();
        let notes: Vec<LineNote> = shorts.map(LineNote::Short).collect();
        let order = existing.map(|index| &self.orders[index]);
        Answer::Order {
            outcome: OrderOutcome {
                code: refusal.code,
                state: Some(order.map_or(OrderState::Rejected, |order| order.state)),
                replayed,
                partial: false,
                version: refusal.request.version,
                sequence: 0,
                expires_at_ms: order.map_or(0, Order::shown_deadline),
                notes: notes.len() as u16,
            },
            notes,
        }
    }

    /// A refusal that is not stored, with what there is under that key.
    fn about(&self, code: ResultCode, existing: Option<usize>, latest: u16) -> Answer {
        let order = existing.map(|index| &self.orders[index]);
        let state = order.map_or(OrderState::Rejected, |order| order.state);
        Answer::Order {
            outcome: OrderOutcome {
                code,
                state: (latest > 0).then_some(state),
                replayed: false,
                partial: false,
                version: latest,
                sequence: 0,
                expires_at_ms: order.map_or(0, Order::shown_deadline),
                notes: 0,
            },
            notes: Vec::new(),
        }
    }
}

/// Whether two requests for one key and version mean the same order.
fn same_meaning(a: &OrderSpec, b: &OrderSpec) -> bool {
    let lines = |order: &OrderSpec| -> Vec<Line> {
        let lines = merged(&order.lines);
        lines.into_iter().map(|(line, _)| line).collect()
    };
    (a.customer, a.total, a.currency, a.channel) == (b.customer, b.total, b.currency, b.channel)
        && (a.place, a.partial, a.destination) == (b.place, b.partial, b.destination)
        && lines(a) == lines(b)
}

/// An answer that only tells a code.
fn plain(code: ResultCode, version: u16) -> Answer {
    Answer::Order {
        outcome: OrderOutcome {
            code,
            state: None,
            replayed: false,
            partial: false,
            version,
            sequence: 0,
            expires_at_ms: 0,
            notes: 0,
        },
        notes: Vec::new(),
    }
}
