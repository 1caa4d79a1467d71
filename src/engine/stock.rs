//! Stock movements: receive, adjust, set, transfer, move; and the arithmetic of a cell.
//!
//! Checks are made in this order: key, fields, quantity, SKU, location(s); what is stored for the
//! command key; the cell. The malformed ones change nothing and are not stored; every other
//! refusal is journaled and stays the answer for that command key.

use super::command::{CellQuantities, Command, CommandOutcome, Context};
use super::define::answer;
use super::fingerprint::command_fingerprint;
use super::inventory::Cause;
use super::record::{CellRef, Record, StockChange};
use super::resolve::disposition_bucket;
use super::{Contradiction, Engine};
use crate::limits::{CELL_QUANTITY_MAX, STOCK_REASON_BYTES_MAX};
use crate::types::record::RecordBuffer;
use crate::types::{CommandKey, Disposition, LocationId, ResultCode, StockBucket, TenantId};

type Checked = Result<(), ResultCode>;

impl Engine {
    /// Executes a stock movement.
    pub(super) fn execute_stock(
        &mut self,
        context: Context,
        command: &Command<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let (key, cell, to) = head(command);
        if key.0 == 0 {
            return answer(ResultCode::InvalidKey);
        }
        if let Err(code) = check_fields(command) {
            return answer(code);
        }
        if self.inventory.sku_of(context.tenant, cell.sku).is_none() {
            return answer(ResultCode::UnknownSku);
        }
        for location in [Some(cell.location), to].into_iter().flatten() {
            if self
                .inventory
                .location_of(context.tenant, location)
                .is_none()
            {
                return answer(ResultCode::UnknownLocation);
            }
        }
        let fingerprint = command_fingerprint(command);
        let mut outcome = match self.stored_result(context.tenant, key, fingerprint, false) {
            Some(stored) => stored,
            None => self.decide_stock_command(context, command, (key, fingerprint, cell), out),
        };
        outcome.cell = self.inventory.quantities(cell.sku, cell.location);
        outcome
    }

    /// What is stored for a command key: the replayed result, a conflict, or nothing.
    pub(super) fn stored_result(
        &mut self,
        tenant: TenantId,
        key: CommandKey,
        fingerprint: u64,
        of_order: bool,
    ) -> Option<CommandOutcome> {
        let mixed = self.mixer.mix(tenant, key.0);
        let kept = if of_order {
            &self.order_commands
        } else {
            &self.stock_commands
        };
        let stored = kept.find(&self.index, self.mixer.tag(mixed), mixed)?;
        if stored.fingerprint != fingerprint {
            self.counters.conflicts += 1;
            return Some(answer(ResultCode::IdempotencyConflict));
        }
        self.counters.replayed += 1;
        Some(CommandOutcome {
            replayed: true,
            sequence: stored.sequence,
            ..answer(stored.code)
        })
    }

    fn decide_stock_command(
        &mut self,
        context: Context,
        command: &Command<'_>,
        (key, fingerprint, cell): (CommandKey, u64, CellRef),
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let mut outcome = answer(ResultCode::Ok);
        match self.stock_change(command, (key, fingerprint, cell)) {
            Ok(change) => {
                let before = self.inventory.quantities(cell.sku, cell.location);
                outcome.sequence = self.commit(&Record::Stock(change), context.actor, out);
                let after = self.inventory.quantities(cell.sku, cell.location);
                if after.on_hand < before.on_hand && after.short() > 0 {
                    let short = u32::try_from(after.short()).unwrap_or(u32::MAX);
                    let shortage = Record::ShortageDetected { cell, short };
                    self.commit(&shortage, context.actor, out);
                    self.review_shortage(cell, short, context.actor, out);
                }
            }
            Err(code) => {
                let refused = Record::CommandRefused {
                    tenant: context.tenant,
                    key,
                    fingerprint,
                    code,
                    of_order: false,
                };
                outcome.code = code;
                outcome.sequence = self.commit(&refused, context.actor, out);
            }
        }
        outcome
    }

    fn stock_change<'a>(
        &self,
        command: &Command<'a>,
        (key, fingerprint, cell): (CommandKey, u64, CellRef),
    ) -> Result<StockChange<'a>, ResultCode> {
        let mut now = self.inventory.quantities(cell.sku, cell.location);
        Ok(match *command {
            Command::Receive { quantity, .. } => {
                receive(&mut now, quantity)?;
                StockChange::Received {
                    key,
                    fingerprint,
                    cell,
                    quantity,
                }
            }
            Command::Adjust { delta, reason, .. } => {
                adjust(&mut now, delta)?;
                StockChange::Adjusted {
                    key,
                    fingerprint,
                    cell,
                    delta,
                    reason,
                }
            }
            Command::Set {
                on_hand, expect, ..
            } => {
                if expect.is_some_and(|expect| expect != now.on_hand) {
                    return Err(ResultCode::Stale);
                }
                StockChange::Set {
                    key,
                    fingerprint,
                    cell,
                    before: now.on_hand,
                    on_hand,
                }
            }
            Command::Transfer { to, quantity, .. } => {
                send(&mut now, quantity)?;
                receive(&mut self.inventory.quantities(cell.sku, to), quantity)?;
                StockChange::Transferred {
                    key,
                    fingerprint,
                    cell,
                    to,
                    quantity,
                }
            }
            Command::Move {
                from, to, quantity, ..
            } => {
                move_units(&mut now, from, to, quantity)?;
                StockChange::Moved {
                    key,
                    fingerprint,
                    cell,
                    from,
                    to,
                    quantity,
                }
            }
            _ => unreachable!("the caller passes stock movements"),
        })
    }

    /// Applies a stock movement and remembers the command's result.
    pub(super) fn apply_stock(
        &mut self,
        change: &StockChange<'_>,
        sequence: u64,
    ) -> Result<(), Contradiction> {
        let (key, fingerprint, CellRef { sku, location }) = change.head();
        let owner = self.inventory.sku(sku);
        let tenant = owner.ok_or(Contradiction::UnknownSku(sku))?.tenant;
        let stock = &mut self.inventory;
        let cause = Cause::Stock;
        match *change {
            StockChange::Received { quantity, .. } => {
                stock.change(sku, location, cause, |cell| receive(cell, quantity).ok())?;
            }
            StockChange::Adjusted { delta, .. } => {
                stock.change(sku, location, cause, |cell| adjust(cell, delta).ok())?;
            }
            StockChange::Set {
                before, on_hand, ..
            } => {
                stock.change(sku, location, cause, |cell| {
                    (cell.on_hand == before).then(|| cell.on_hand = on_hand)
                })?;
            }
            StockChange::Transferred { to, quantity, .. } => {
                stock.change(sku, location, cause, |cell| send(cell, quantity).ok())?;
                stock.change(sku, to, cause, |cell| receive(cell, quantity).ok())?;
            }
            StockChange::Moved {
                from, to, quantity, ..
            } => {
                stock.change(sku, location, cause, |cell| {
                    move_units(cell, from, to, quantity).ok()
                })?;
            }
        }
        let ok = ResultCode::Ok;
        self.keep_result(tenant, false, key.0, fingerprint, sequence, ok)
    }
}

/// Key, first cell and second location of a movement.
fn head(command: &Command<'_>) -> (CommandKey, CellRef, Option<LocationId>) {
    let (key, sku, location, to) = match *command {
        Command::Receive {
            key, sku, location, ..
        }
        | Command::Adjust {
            key, sku, location, ..
        }
        | Command::Set {
            key, sku, location, ..
        }
        | Command::Move {
            key, sku, location, ..
        } => (key, sku, location, None),
        Command::Transfer {
            key, sku, from, to, ..
        } => (key, sku, from, Some(to)),
        _ => unreachable!("the caller passes stock movements"),
    };
    (key, CellRef { sku, location }, to)
}

/// Fields, then the quantity, must be in their bounds.
fn check_fields(command: &Command<'_>) -> Checked {
    let (field_ok, quantity) = match *command {
        Command::Receive { quantity, .. } => (Ok(()), u64::from(quantity)),
        Command::Adjust { delta, reason, .. } => {
            let bad = reason.len() > STOCK_REASON_BYTES_MAX || reason.chars().any(char::is_control);
            let name = if bad {
                Err(ResultCode::InvalidName)
            } else {
                Ok(())
            };
            (name, delta.unsigned_abs())
        }
        // Zero is a fine count, so only the upper bound matters.
        Command::Set { on_hand, .. } => (Ok(()), u64::from(on_hand.max(1))),
        Command::Transfer {
            from, to, quantity, ..
        } => (different(from != to), quantity.into()),
        Command::Move {
            from, to, quantity, ..
        } => (different(from != to), quantity.into()),
        _ => unreachable!("the caller passes stock movements"),
    };
    field_ok?;
    if (1..=u64::from(CELL_QUANTITY_MAX)).contains(&quantity) {
        Ok(())
    } else {
        Err(ResultCode::InvalidQuantity)
    }
}

fn different(different: bool) -> Checked {
    if different {
        Ok(())
    } else {
        Err(ResultCode::InvalidField)
    }
}

/// Units arrive.
pub(super) fn receive(cell: &mut CellQuantities, quantity: u32) -> Checked {
    let on_hand = cell.on_hand.checked_add(quantity);
    cell.on_hand = on_hand
        .filter(|on_hand| *on_hand <= CELL_QUANTITY_MAX)
        .ok_or(ResultCode::Overflow)?;
    Ok(())
}

/// On hand is corrected; it may fall below what is promised.
fn adjust(cell: &mut CellQuantities, delta: i64) -> Checked {
    let on_hand = i64::from(cell.on_hand).saturating_add(delta);
    if on_hand < 0 {
        return Err(ResultCode::Underflow);
    }
    cell.on_hand = u32::try_from(on_hand)
        .ok()
        .filter(|on_hand| *on_hand <= CELL_QUANTITY_MAX)
        .ok_or(ResultCode::Overflow)?;
    Ok(())
}

/// Available units leave for another location.
fn send(cell: &mut CellQuantities, quantity: u32) -> Checked {
    if cell.available() < quantity {
        return Err(ResultCode::InsufficientStock);
    }
    cell.on_hand -= quantity;
    Ok(())
}

fn move_units(
    cell: &mut CellQuantities,
    from: StockBucket,
    to: StockBucket,
    quantity: u32,
) -> Checked {
    let available = cell.available();
    match bucket_mut(cell, from) {
        Some(bucket) => {
            *bucket = bucket.checked_sub(quantity).ok_or(ResultCode::Underflow)?;
        }
        None if available < quantity => return Err(ResultCode::InsufficientStock),
        None => {}
    }
    if let Some(bucket) = bucket_mut(cell, to) {
        // Together the claims stay within the bound of on hand, or where they were.
        *bucket = bucket.checked_add(quantity).ok_or(ResultCode::Overflow)?;
    }
    Ok(())
}

/// Committed units leave for good.
pub(super) fn ship_out(cell: &mut CellQuantities, quantity: u32) -> Checked {
    let underflow = ResultCode::Underflow;
    cell.committed = cell.committed.checked_sub(quantity).ok_or(underflow)?;
    cell.on_hand = cell.on_hand.checked_sub(quantity).ok_or(underflow)?;
    Ok(())
}

/// Shipped units come back.
pub(super) fn take_back(
    cell: &mut CellQuantities,
    quantity: u32,
    disposition: Disposition,
) -> Checked {
    receive(cell, quantity)?;
    if let Some(bucket) = disposition_bucket(cell, disposition) {
        *bucket = bucket.checked_add(quantity).ok_or(ResultCode::Overflow)?;
    }
    if cell.claimed() > u64::from(CELL_QUANTITY_MAX) {
        return Err(ResultCode::Overflow);
    }
    Ok(())
}

/// The counter of a bucket; available units have none, they are what is left.
pub(super) fn bucket_mut(cell: &mut CellQuantities, bucket: StockBucket) -> Option<&mut u32> {
    match bucket {
        StockBucket::Available => None,
        StockBucket::Safety => Some(&mut cell.safety),
        StockBucket::Damaged => Some(&mut cell.damaged),
        StockBucket::QualityControl => Some(&mut cell.quality_control),
    }
}
