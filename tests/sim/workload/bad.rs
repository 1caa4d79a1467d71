//! Requests that must be refused.

use super::{ANY, Workload};
use crate::sim::request::{CommandSpec, OrderSpec};
use onhand::limits;

impl Workload {
    pub(super) fn bad_order(&mut self, tenant: usize) -> OrderSpec {
        let mut order = self.order(tenant, false);
        for _ in 0..self.stream.between(1, 2) {
            let first = order.lines.first().copied().unwrap_or((0, 0, 1));
            match self.stream.below(13) {
                0 => order.key = 0,
                1 => order.version = 0,
                2 => order.ttl_ms = 0,
                3 => order.ttl_ms = limits::HOLD_TTL_MS_MAX + 1,
                4 => order.currency = *self.stream.pick(&[0, 1_000, u16::MAX]),
                5 => order.total = limits::ORDER_TOTAL_MAX + 1,
                6 => order.lines.clear(),
                7 => order.lines = vec![first; limits::ORDER_LINES_MAX + 1],
                8 => order.lines.push((first.0, first.1, 0)),
                9 => {
                    let quantity = *self.stream.pick(&[limits::LINE_QUANTITY_MAX + 1, u32::MAX]);
                    order.lines.push((first.0, first.1, quantity));
                }
                10 => order.lines.push((self.foreign_sku(tenant), first.1, 1)),
                11 => order
                    .lines
                    .push((first.0, self.foreign_location(tenant), 1)),
                _ => order
                    .lines
                    .push((first.0, first.1, limits::LINE_QUANTITY_MAX)),
            }
        }
        order
    }

    /// A handle that this tenant does not have: another tenant's, or nobody's.
    pub(super) fn foreign_sku(&mut self, tenant: usize) -> u32 {
        let other = (tenant + 1) % self.shops.len();
        match self.shops[other].skus.first() {
            Some(&sku) if other != tenant && self.stream.chance(700) => sku,
            _ => *self.stream.pick(&[1_000, u32::MAX]),
        }
    }

    pub(super) fn foreign_location(&mut self, tenant: usize) -> u16 {
        let other = (tenant + 1) % self.shops.len();
        match self.shops[other].locations.first() {
            Some(&location) if other != tenant && self.stream.chance(700) => location,
            _ => *self.stream.pick(&[1_000, u16::MAX - 1]),
        }
    }

    pub(super) fn bad_command(&mut self, tenant: usize) -> CommandSpec {
        let (key, sku, location) = (self.key(), self.sku(tenant), self.location(tenant));
        let order = self.known_order(tenant);
        match self.stream.below(10) {
            0 => CommandSpec::Receive {
                key: 0,
                sku,
                location,
                quantity: 1,
            },
            1 => CommandSpec::Receive {
                key,
                sku,
                location,
                quantity: 0,
            },
            2 => CommandSpec::Receive {
                key,
                sku: self.foreign_sku(tenant),
                location,
                quantity: 1,
            },
            3 => CommandSpec::Adjust {
                key,
                sku,
                location: self.foreign_location(tenant),
                delta: 1,
                reason: "count".to_owned(),
            },
            4 => CommandSpec::Transfer {
                key,
                sku,
                from: location,
                to: ANY,
                quantity: 1,
            },
            5 => CommandSpec::Extend {
                key,
                order,
                ttl_ms: *self.stream.pick(&[0, limits::HOLD_TTL_MS_MAX + 1]),
            },
            6 => CommandSpec::Ship {
                key,
                order,
                lines: Vec::new(),
            },
            7 => CommandSpec::Confirm {
                key,
                order,
                lines: vec![(sku, location, 0)],
            },
            8 => CommandSpec::Release {
                key,
                order: self.key(),
            },
            _ => CommandSpec::Cancel { key: 0, order },
        }
    }
}
