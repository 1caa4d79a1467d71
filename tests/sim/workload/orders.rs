//! Orders, orders again, and what may happen to them.

use super::{ANY, Kind, Workload};
use crate::sim::request::{CommandSpec, Line, OrderSpec};
use onhand::types::Disposition;

impl Workload {
    pub(super) fn lines(&mut self, tenant: usize) -> Vec<Line> {
        let count = self.stream.between(1, self.lines_max);
        let mut lines = Vec::new();
        for _ in 0..count {
            let location = if self.stream.chance(self.any_per_mille) {
                ANY
            } else {
                self.location(tenant)
            };
            lines.push((self.sku(tenant), location, self.quantity()));
        }
        lines
    }

    pub(super) fn ttl(&mut self) -> u32 {
        self.stream.between(1, self.ttl_ms) as u32
    }

    pub(super) fn order(&mut self, tenant: usize, place: bool) -> OrderSpec {
        OrderSpec {
            key: self.key(),
            version: 1,
            customer: self.stream.below(1_000),
            channel: self.stream.below(4) as u16,
            ttl_ms: self.ttl(),
            place,
            partial: self.stream.chance(self.partial_per_mille),
            currency: 978,
            total: self.stream.below(100_000),
            destination: self
                .stream
                .chance(500)
                .then(|| (self.coordinate(), self.coordinate())),
            lines: self.lines(tenant),
        }
    }

    /// An earlier order, mostly a recent one.
    pub(super) fn earlier_order(&mut self, tenant: usize) -> Option<OrderSpec> {
        let count = self.shops[tenant].orders.len();
        if count == 0 {
            return None;
        }
        let back = if self.stream.chance(700) {
            self.stream.index(count.min(12))
        } else {
            self.stream.index(count)
        };
        Some(self.shops[tenant].orders[count - 1 - back].clone())
    }

    pub(super) fn order_again(&mut self, tenant: usize, kind: Kind) -> OrderSpec {
        let Some(mut order) = self.earlier_order(tenant) else {
            return self.order(tenant, false);
        };
        match kind {
            Kind::RepeatOrder => {
                // The same meaning, perhaps in another order of lines and with another deadline.
                if self.stream.chance(300) {
                    order.lines.reverse();
                }
                if self.stream.chance(200) {
                    order.ttl_ms = self.ttl();
                }
            }
            Kind::ConflictingOrder => match self.stream.below(8) {
                0 => order.customer ^= 1,
                1 => order.total ^= 1,
                2 => order.channel ^= 1,
                3 => order.place = !order.place,
                4 => order.partial = !order.partial,
                5 if !order.lines.is_empty() => order.lines[0].2 ^= 1 << 8,
                6 => {
                    order.destination = match order.destination {
                        Some(_) => None,
                        None => Some((0, 0)),
                    }
                }
                _ => order.currency = 840,
            },
            Kind::NextVersion => {
                order.version = order.version.saturating_add(1);
                order.lines = self.lines(tenant);
                order.ttl_ms = self.ttl();
            }
            Kind::OldVersion => order.version = order.version.saturating_sub(1).max(1),
            _ => {
                order.version = order
                    .version
                    .saturating_add(self.stream.between(2, 5) as u16)
            }
        }
        order
    }

    pub(super) fn known_order(&mut self, tenant: usize) -> u128 {
        match self.earlier_order(tenant) {
            Some(order) if !self.stream.chance(20) => order.key,
            _ => self.key(),
        }
    }

    /// Lines that a confirm, shipment or return may name: what the order has, or almost.
    pub(super) fn order_lines(&mut self, tenant: usize, order: u128) -> Vec<Line> {
        let shop = &self.shops[tenant];
        let mut lines = shop.lines.get(&order).cloned().unwrap_or_default();
        if lines.is_empty() {
            let spec = shop.orders.iter().rev().find(|spec| spec.key == order);
            lines = spec.map(|spec| spec.lines.clone()).unwrap_or_default();
        }
        for line in &mut lines {
            if line.1 == ANY {
                line.1 = *self.stream.pick(&self.shops[tenant].locations);
            }
        }
        lines.retain(|_| self.stream.chance(750));
        for line in &mut lines {
            match self.stream.below(8) {
                0..4 => {}
                4..7 => line.2 = self.stream.between(1, u64::from(line.2).max(1)) as u32,
                _ => line.2 = line.2.saturating_add(1),
            }
        }
        if self.stream.chance(20) {
            // Every unit on a line of its own, up to a few too many.
            let each = |line: Line| vec![(line.0, line.1, 1); line.2.min(70) as usize];
            lines = lines.into_iter().flat_map(each).take(130).collect();
        }
        if lines.is_empty() && self.stream.chance(900) {
            lines.push((self.sku(tenant), self.location(tenant), 1));
        }
        lines
    }

    pub(super) fn order_command(&mut self, tenant: usize, kind: Kind) -> CommandSpec {
        let order = self.known_order(tenant);
        let key = self.key();
        match kind {
            Kind::Confirm => CommandSpec::Confirm {
                key,
                order,
                lines: Vec::new(),
            },
            Kind::ConfirmLines => CommandSpec::Confirm {
                key,
                order,
                lines: self.order_lines(tenant, order),
            },
            Kind::Release => CommandSpec::Release { key, order },
            Kind::Extend => CommandSpec::Extend {
                key,
                order,
                ttl_ms: self.ttl(),
            },
            Kind::Cancel => CommandSpec::Cancel { key, order },
            Kind::Ship => CommandSpec::Ship {
                key,
                order,
                lines: self.order_lines(tenant, order),
            },
            _ => CommandSpec::Return {
                key,
                order,
                disposition: *self.stream.pick(&[
                    Disposition::Restock,
                    Disposition::Damaged,
                    Disposition::QualityControl,
                ]),
                lines: self.order_lines(tenant, order),
            },
        }
    }

    pub(super) fn command_again(&mut self, tenant: usize, kind: Kind) -> CommandSpec {
        let commands = &self.shops[tenant].commands;
        if commands.is_empty() {
            return self.movement(tenant, Kind::Receive);
        }
        let back = self.stream.index(commands.len().min(60));
        let mut command = commands[commands.len() - 1 - back].clone();
        if kind == Kind::ConflictingCommand {
            match &mut command {
                CommandSpec::Receive { quantity, .. }
                | CommandSpec::Transfer { quantity, .. }
                | CommandSpec::Move { quantity, .. } => *quantity ^= 1 << 8,
                CommandSpec::Adjust { reason, .. } => reason.push('x'),
                CommandSpec::Set { expect, .. } => {
                    *expect = match expect {
                        Some(_) => None,
                        None => Some(0),
                    }
                }
                CommandSpec::Extend { ttl_ms, .. } => *ttl_ms ^= 1,
                CommandSpec::Cancel { key, order } => {
                    command = CommandSpec::Release {
                        key: *key,
                        order: *order,
                    }
                }
                CommandSpec::Release { key, order } => {
                    command = CommandSpec::Cancel {
                        key: *key,
                        order: *order,
                    }
                }
                CommandSpec::Confirm { lines, .. }
                | CommandSpec::Ship { lines, .. }
                | CommandSpec::Return { lines, .. } => {
                    if let Some(line) = lines.first_mut() {
                        line.2 ^= 1 << 8;
                    }
                }
                _ => {}
            }
        }
        command
    }
}
