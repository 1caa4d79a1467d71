//! Names and stock movements.

use super::{CELL_MAX, Cell, Done, Location, Model, Sku};
use crate::sim::request::CommandSpec;
use onhand::engine::command::{CellQuantities, CommandOutcome};
use onhand::limits;
use onhand::types::{Resolution, ResultCode, StockBucket};

/// What a stock command would do: the new contents of the cells it touches.
type Changed = Vec<((u32, u16), Cell)>;

impl Model {
    pub(super) fn names(&mut self, tenant: u16, command: &CommandSpec) -> CommandOutcome {
        let (name, x, y, priority) = match command {
            CommandSpec::DefineSku { name, .. }
            | CommandSpec::ResolveSku { name }
            | CommandSpec::ResolveLocation { name } => (name, 0, 0, 0),
            CommandSpec::DefineLocation {
                name,
                x,
                y,
                priority,
            } => (name, *x, *y, *priority),
            _ => unreachable!("only names come here"),
        };
        let length_ok = (1..=limits::NAME_BYTES_MAX).contains(&name.len());
        if !length_ok || name.chars().any(char::is_control) {
            return outcome(ResultCode::InvalidName);
        }
        match command {
            CommandSpec::DefineSku { on_sale, .. } => self.define_sku(tenant, name, *on_sale),
            CommandSpec::ResolveSku { .. } => {
                let same = |sku: &Sku| sku.tenant == tenant && sku.name == *name;
                match self.skus.iter().position(same) {
                    Some(index) => handle(index, 0, false),
                    None => outcome(ResultCode::UnknownSku),
                }
            }
            CommandSpec::ResolveLocation { .. } => {
                let same = |place: &Location| place.tenant == tenant && place.name == *name;
                match self.locations.iter().position(same) {
                    Some(index) => handle(index, 0, false),
                    None => outcome(ResultCode::UnknownLocation),
                }
            }
            _ => self.define_location(tenant, name, (x, y), priority),
        }
    }

    fn define_sku(&mut self, tenant: u16, name: &str, on_sale: bool) -> CommandOutcome {
        let same = |sku: &Sku| sku.tenant == tenant && sku.name == name;
        if let Some(index) = self.skus.iter().position(same) {
            if self.skus[index].on_sale == on_sale {
                return handle(index, 0, true);
            }
            let sequence = self.record();
            self.skus[index].on_sale = on_sale;
            return handle(index, sequence, false);
        }
        let defined = self.record();
        self.skus.push(Sku {
            tenant,
            name: name.to_owned(),
            on_sale,
        });
        handle(self.skus.len() - 1, defined, false)
    }

    fn define_location(
        &mut self,
        tenant: u16,
        name: &str,
        place: (i32, i32),
        priority: u16,
    ) -> CommandOutcome {
        let same = |place: &Location| place.tenant == tenant && place.name == name;
        if let Some(index) = self.locations.iter().position(same) {
            return handle(index, 0, true);
        }
        let defined = self.record();
        self.locations.push(Location {
            tenant,
            name: name.to_owned(),
            x: i128::from(place.0),
            y: i128::from(place.1),
            priority,
        });
        handle(self.locations.len() - 1, defined, false)
    }

    /// The first rule of form that a stock command breaks.
    fn stock_malformed(&self, tenant: u16, command: &CommandSpec) -> Option<ResultCode> {
        let (key, (sku, location)) = head(command);
        let mut places = vec![location];
        let (field, quantity) = match command {
            CommandSpec::Receive { quantity, .. } => (None, i128::from(*quantity)),
            CommandSpec::Move {
                from, to, quantity, ..
            } => (
                (from == to).then_some(ResultCode::InvalidField),
                i128::from(*quantity),
            ),
            CommandSpec::Transfer {
                from, to, quantity, ..
            } => {
                places.push(*to);
                let same = (from == to).then_some(ResultCode::InvalidField);
                (same, i128::from(*quantity))
            }
            CommandSpec::Adjust { delta, reason, .. } => {
                let bad =
                    reason.len() > limits::NAME_BYTES_MAX || reason.chars().any(char::is_control);
                let name = bad.then_some(ResultCode::InvalidName);
                (name, i128::from(*delta).abs())
            }
            // Nothing on hand is a fine count.
            CommandSpec::Set { on_hand, .. } => (None, i128::from(*on_hand).max(1)),
            _ => unreachable!("only stock commands come here"),
        };
        if key == 0 {
            return Some(ResultCode::InvalidKey);
        }
        if field.is_some() {
            return field;
        }
        if !(1..=CELL_MAX).contains(&quantity) {
            return Some(ResultCode::InvalidQuantity);
        }
        if self.sku_of(tenant, sku).is_none() {
            return Some(ResultCode::UnknownSku);
        }
        let known = |&place: &u16| self.location_of(tenant, place).is_some();
        (!places.iter().all(known)).then_some(ResultCode::UnknownLocation)
    }

    pub(super) fn stock(&mut self, tenant: u16, command: &CommandSpec) -> CommandOutcome {
        if let Some(code) = self.stock_malformed(tenant, command) {
            return outcome(code);
        }
        let (key, cell) = head(command);
        let same = |done: &&Done| done.tenant == tenant && done.key == key;
        if let Some(done) = self.stock_commands.iter().rev().find(same) {
            if done.meaning != *command {
                self.counts.conflicts += 1;
                return self.with_cell(outcome(ResultCode::IdempotencyConflict), cell);
            }
            self.counts.replayed += 1;
            let stored = CommandOutcome {
                replayed: true,
                sequence: done.sequence,
                ..outcome(done.code)
            };
            return self.with_cell(stored, cell);
        }
        let (code, sequence) = match self.changed(command) {
            Ok(changed) => {
                let sequence = self.record();
                let short_before = -self.margin(cell.0, cell.1, None).min(0);
                self.cells.extend(changed);
                let short = -self.margin(cell.0, cell.1, None).min(0);
                if short > 0 && short > short_before {
                    self.counts.shortages += 1;
                    self.record();
                }
                (ResultCode::Ok, sequence)
            }
            Err(code) => (code, self.record()),
        };
        self.stock_commands.push(Done {
            tenant,
            key,
            meaning: command.clone(),
            code,
            sequence,
        });
        if self.stock_commands.len() > self.memory.commands {
            self.stock_commands.remove(0);
        }
        let fresh = CommandOutcome {
            sequence,
            ..outcome(code)
        };
        self.with_cell(fresh, cell)
    }

    /// What the cells would hold after a well-formed, new stock command.
    fn changed(&self, command: &CommandSpec) -> Result<Changed, ResultCode> {
        let (_, at) = head(command);
        let mut cell = self.cells.get(&at).cloned().unwrap_or_default();
        let mut other = None;
        match *command {
            CommandSpec::Receive { quantity, .. } => cell.on_hand += i128::from(quantity),
            CommandSpec::Adjust { delta, .. } => cell.on_hand += i128::from(delta),
            CommandSpec::Set {
                on_hand, expect, ..
            } => {
                if expect.is_some_and(|expect| i128::from(expect) != cell.on_hand) {
                    return Err(ResultCode::Stale);
                }
                cell.on_hand = i128::from(on_hand);
            }
            CommandSpec::Transfer {
                sku, to, quantity, ..
            } => {
                if self.available(at.0, at.1, None) < i128::from(quantity) {
                    return Err(ResultCode::InsufficientStock);
                }
                cell.on_hand -= i128::from(quantity);
                let there = (sku, to);
                let mut target = self.cells.get(&there).cloned().unwrap_or_default();
                target.on_hand += i128::from(quantity);
                if target.on_hand > CELL_MAX {
                    return Err(ResultCode::Overflow);
                }
                other = Some((there, target));
            }
            CommandSpec::Move {
                from, to, quantity, ..
            } => {
                let quantity = i128::from(quantity);
                if from == StockBucket::Available && self.available(at.0, at.1, None) < quantity {
                    return Err(ResultCode::InsufficientStock);
                }
                shift(&mut cell, from, -quantity);
                if cell.safety < 0 || cell.damaged < 0 || cell.quality_control < 0 {
                    return Err(ResultCode::Underflow);
                }
                shift(&mut cell, to, quantity);
            }
            _ => unreachable!("only stock commands come here"),
        }
        if cell.on_hand < 0 {
            return Err(ResultCode::Underflow);
        }
        if [
            cell.on_hand,
            cell.safety,
            cell.damaged,
            cell.quality_control,
        ]
        .iter()
        .any(|&quantity| quantity > CELL_MAX)
        {
            return Err(ResultCode::Overflow);
        }
        Ok(std::iter::once((at, cell)).chain(other).collect())
    }

    fn with_cell(&self, outcome: CommandOutcome, cell: (u32, u16)) -> CommandOutcome {
        CommandOutcome {
            cell: self.quantities(cell.0, cell.1),
            ..outcome
        }
    }
}

/// Available has no field of its own: it is what the others leave of on hand.
fn shift(cell: &mut Cell, bucket: StockBucket, quantity: i128) {
    match bucket {
        StockBucket::Available => {}
        StockBucket::Safety => cell.safety += quantity,
        StockBucket::Damaged => cell.damaged += quantity,
        StockBucket::QualityControl => cell.quality_control += quantity,
    }
}

fn head(command: &CommandSpec) -> (u128, (u32, u16)) {
    match *command {
        CommandSpec::Receive {
            key, sku, location, ..
        }
        | CommandSpec::Adjust {
            key, sku, location, ..
        }
        | CommandSpec::Set {
            key, sku, location, ..
        }
        | CommandSpec::Transfer {
            key,
            sku,
            from: location,
            ..
        }
        | CommandSpec::Move {
            key, sku, location, ..
        } => (key, (sku, location)),
        _ => unreachable!("only stock commands come here"),
    }
}

/// An outcome that tells nothing but its code.
pub(super) fn outcome(code: ResultCode) -> CommandOutcome {
    CommandOutcome {
        code,
        replayed: false,
        sequence: 0,
        handle: 0,
        state: None,
        resolution: Resolution::Open,
        expires_at_ms: 0,
        cell: CellQuantities::default(),
    }
}

fn handle(index: usize, sequence: u64, replayed: bool) -> CommandOutcome {
    CommandOutcome {
        replayed,
        sequence,
        handle: index as u32,
        ..outcome(ResultCode::Ok)
    }
}
