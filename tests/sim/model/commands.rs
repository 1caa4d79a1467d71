//! What may happen to an order after it was accepted.

use super::stock::outcome;
use super::{ANY, CELL_MAX, Done, Model, Order, OrderLine};
use crate::sim::request::{CommandSpec, Line};
use onhand::engine::command::CommandOutcome;
use onhand::limits;
use onhand::types::{Disposition, OrderState, Resolution, ResultCode};

impl Model {
    pub(super) fn command(&mut self, tenant: u16, command: &CommandSpec) -> CommandOutcome {
        match command {
            CommandSpec::DefineSku { .. }
            | CommandSpec::ResolveSku { .. }
            | CommandSpec::DefineLocation { .. }
            | CommandSpec::ResolveLocation { .. } => self.names(tenant, command),
            CommandSpec::Receive { .. }
            | CommandSpec::Adjust { .. }
            | CommandSpec::Set { .. }
            | CommandSpec::Transfer { .. }
            | CommandSpec::Move { .. } => self.stock(tenant, command),
            _ => self.order_command(tenant, command),
        }
    }

    /// The first rule of form that an order command breaks.
    fn order_malformed(&self, tenant: u16, command: &CommandSpec) -> Option<ResultCode> {
        let (key, order, lines) = head(command);
        if key == 0 || order == 0 {
            return Some(ResultCode::InvalidKey);
        }
        if let CommandSpec::Extend { ttl_ms, .. } = command
            && !(1..=limits::HOLD_TTL_MS_MAX).contains(ttl_ms)
        {
            return Some(ResultCode::InvalidTtl);
        }
        let may_be_empty = !matches!(
            command,
            CommandSpec::Ship { .. } | CommandSpec::Return { .. }
        );
        if lines.is_empty() && !may_be_empty {
            return Some(ResultCode::NoLines);
        }
        if lines.len() > limits::ORDER_ALLOCATIONS_MAX {
            return Some(ResultCode::TooManyLines);
        }
        let quantity_ok = |line: &Line| (1..=limits::LINE_QUANTITY_MAX).contains(&line.2);
        if !lines.iter().all(quantity_ok) {
            return Some(ResultCode::InvalidQuantity);
        }
        let mut codes = lines.iter().map(|line| self.unknown_handle(tenant, line));
        codes.find_map(|code| code)
    }

    fn order_command(&mut self, tenant: u16, command: &CommandSpec) -> CommandOutcome {
        if let Some(code) = self.order_malformed(tenant, command) {
            return outcome(code);
        }
        let (key, order, _) = head(command);
        let found = self.order_index(tenant, order);
        let same = |done: &&Done| done.tenant == tenant && done.key == key;
        if let Some(done) = self.order_commands.iter().rev().find(same) {
            if done.meaning != *command {
                self.counts.conflicts += 1;
                return self.with_order(outcome(ResultCode::IdempotencyConflict), found);
            }
            self.counts.replayed += 1;
            let stored = CommandOutcome {
                replayed: true,
                sequence: done.sequence,
                ..outcome(done.code)
            };
            return self.with_order(stored, found);
        }
        let Some(index) = found else {
            return outcome(ResultCode::UnknownOrder);
        };
        let mut changed = self.orders[index].clone();
        let code = match self.change(&mut changed, command) {
            Ok(()) => {
                let before = self.orders[index].clone();
                self.settle(&before, &mut changed, command);
                self.orders[index] = changed;
                ResultCode::Ok
            }
            Err(code) => code,
        };
        self.counts.too_late += u64::from(code == ResultCode::Expired);
        let sequence = self.record();
        self.order_commands.push(Done {
            tenant,
            key,
            meaning: command.clone(),
            code,
            sequence,
        });
        if self.order_commands.len() > self.memory.commands {
            self.order_commands.remove(0);
        }
        let fresh = CommandOutcome {
            sequence,
            ..outcome(code)
        };
        self.with_order(fresh, Some(index))
    }

    /// What the command makes of the order, or why it is refused.
    fn change(&self, order: &mut Order, command: &CommandSpec) -> Result<(), ResultCode> {
        if order.state == OrderState::Expired {
            return Err(ResultCode::Expired);
        }
        match command {
            CommandSpec::Confirm { lines, .. } => confirm(order, lines),
            CommandSpec::Release { .. } => {
                if order.resolution != Resolution::Open {
                    return Err(ResultCode::AlreadyResolved);
                }
                order.close_reserved();
                order.state = OrderState::Cancelled;
                order.resolution = Resolution::Released;
                Ok(())
            }
            CommandSpec::Extend { ttl_ms, .. } => self.extend(order, *ttl_ms),
            CommandSpec::Cancel { .. } => cancel(order),
            CommandSpec::Ship { lines, .. } => self.ship(order, lines),
            CommandSpec::Return {
                lines, disposition, ..
            } => self.give_back(order, lines, *disposition),
            _ => unreachable!("only order commands come here"),
        }
    }

    fn extend(&self, order: &mut Order, ttl_ms: u32) -> Result<(), ResultCode> {
        match order.state {
            OrderState::Held => {}
            OrderState::FraudCheck => return Err(ResultCode::ManagedByProcess),
            _ => return Err(ResultCode::NotHeld),
        }
        if order.extensions >= limits::HOLD_EXTENSIONS_MAX {
            return Err(ResultCode::ExtendCap);
        }
        order.extensions += 1;
        order.deadline = order.deadline.max(self.now + u64::from(ttl_ms));
        Ok(())
    }

    fn ship(&self, order: &mut Order, lines: &[Line]) -> Result<(), ResultCode> {
        let picked = pick(order, lines, |line| line.committed);
        let picked = picked.ok_or(ResultCode::ExceedsCommitted)?;
        for (line, quantity) in order.lines.iter_mut().zip(picked) {
            if quantity > self.on_hand(line.sku, line.location) {
                return Err(ResultCode::Underflow);
            }
            line.committed -= quantity;
            line.shipped += quantity;
        }
        if order.lines.iter().all(|line| line.committed == 0) {
            order.state = OrderState::Shipped;
        }
        Ok(())
    }

    fn give_back(
        &self,
        order: &mut Order,
        lines: &[Line],
        disposition: Disposition,
    ) -> Result<(), ResultCode> {
        let picked = pick(order, lines, |line| line.shipped - line.returned);
        let picked = picked.ok_or(ResultCode::ExceedsShipped)?;
        for (line, quantity) in order.lines.iter_mut().zip(picked) {
            let on_hand = self.on_hand(line.sku, line.location);
            let margin = self.margin(line.sku, line.location, None);
            let mut claimed = on_hand - margin;
            if disposition != Disposition::Restock {
                claimed += quantity;
            }
            if quantity > 0 && (on_hand + quantity).max(claimed) > CELL_MAX {
                return Err(ResultCode::Overflow);
            }
            line.returned += quantity;
        }
        Ok(())
    }

    fn on_hand(&self, sku: u32, location: u16) -> i128 {
        self.cells
            .get(&(sku, location))
            .map_or(0, |cell| cell.on_hand)
    }

    /// Moves the stock that an order command moved physically, as the change of the order's lines
    /// tells, and notes when the order ended.
    fn settle(&mut self, before: &Order, after: &mut Order, command: &CommandSpec) {
        for (was, is) in before.lines.iter().zip(&after.lines) {
            let shipped = is.shipped - was.shipped;
            let returned = is.returned - was.returned;
            if shipped == 0 && returned == 0 {
                continue;
            }
            let cell = self.cells.entry((is.sku, is.location)).or_default();
            cell.on_hand += returned - shipped;
            if let CommandSpec::Return { disposition, .. } = command {
                match disposition {
                    Disposition::Restock => {}
                    Disposition::Damaged => cell.damaged += returned,
                    Disposition::QualityControl => cell.quality_control += returned,
                }
            }
        }
        // What comes back later starts the time of keeping the key anew.
        let over = after.state.is_terminal() || after.state == OrderState::Shipped;
        after.ended = over.then_some(self.now);
    }

    fn with_order(&self, outcome: CommandOutcome, index: Option<usize>) -> CommandOutcome {
        let Some(index) = index else {
            return outcome;
        };
        let order = &self.orders[index];
        CommandOutcome {
            state: Some(order.state),
            resolution: order.resolution,
            expires_at_ms: order.shown_deadline(),
            ..outcome
        }
    }
}

fn confirm(order: &mut Order, lines: &[Line]) -> Result<(), ResultCode> {
    match order.state {
        OrderState::Held => {}
        OrderState::FraudCheck => return Err(ResultCode::ManagedByProcess),
        OrderState::Confirmed | OrderState::Shipped => return Err(ResultCode::AlreadyConfirmed),
        _ => return Err(ResultCode::AlreadyResolved),
    }
    let picked = if lines.is_empty() {
        order.lines.iter().map(|line| line.reserved).collect()
    } else {
        let picked = pick(order, lines, |line| line.reserved);
        picked.ok_or(ResultCode::ExceedsHeld)?
    };
    for (line, quantity) in order.lines.iter_mut().zip(picked) {
        line.committed += quantity;
        line.reserved -= quantity;
    }
    order.close_reserved();
    order.state = OrderState::Confirmed;
    order.resolution = Resolution::Confirmed;
    Ok(())
}

fn cancel(order: &mut Order) -> Result<(), ResultCode> {
    if order.lines.iter().any(|line| line.shipped > 0) {
        return Err(ResultCode::AlreadyShipped);
    }
    match order.state {
        OrderState::Held | OrderState::FraudCheck => {
            order.close_reserved();
            order.resolution = Resolution::Released;
        }
        OrderState::Confirmed => {
            for line in &mut order.lines {
                line.cancelled += line.committed;
                line.committed = 0;
            }
        }
        _ => return Err(ResultCode::AlreadyResolved),
    }
    order.state = OrderState::Cancelled;
    Ok(())
}

/// How many units of each of the order's lines the named lines mean: those that name a location
/// first, then those for any, each from the first lines that have some. `None` where there are not
/// enough.
fn pick(order: &Order, lines: &[Line], of: fn(&OrderLine) -> i128) -> Option<Vec<i128>> {
    let mut left: Vec<i128> = order.lines.iter().map(of).collect();
    let (any, named): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.1 == ANY);
    for &(sku, location, quantity) in named.into_iter().chain(any) {
        let mut wanted = i128::from(quantity);
        for (line, left) in order.lines.iter().zip(&mut left) {
            if line.sku == sku && (location == ANY || line.location == location) {
                let taken = wanted.min(*left);
                wanted -= taken;
                *left -= taken;
            }
        }
        if wanted > 0 {
            return None;
        }
    }
    let taken = order.lines.iter().zip(left);
    Some(taken.map(|(line, left)| of(line) - left).collect())
}

fn head(command: &CommandSpec) -> (u128, u128, &[Line]) {
    match command {
        CommandSpec::Confirm { key, order, lines }
        | CommandSpec::Ship { key, order, lines }
        | CommandSpec::Return {
            key, order, lines, ..
        } => (*key, *order, lines),
        CommandSpec::Release { key, order }
        | CommandSpec::Extend { key, order, .. }
        | CommandSpec::Cancel { key, order } => (*key, *order, &[]),
        _ => unreachable!("only order commands come here"),
    }
}
