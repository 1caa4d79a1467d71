//! Every request but orders and queries: wire words to engine commands and back.

use super::sessions::SessionState;
use super::{Shard, Taken};
use crate::engine::command::{CellQuantities, Command, CommandOutcome};
use crate::engine::record::OrderLine;
use crate::journal::storage::Storage;
use crate::limits::ORDER_ALLOCATIONS_MAX;
use crate::types::{Disposition, LocationId, OrderState, ResultCode, SessionId, SkuId};
use crate::wire::frame;
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reply::{CellValues, NameReply, OrderCommandReply, REPLAYED, StockReply};
use crate::wire::request::{LinesCommand, Request};

/// One line more than an order can have, so that the engine sees a command that is too long.
const LINES_ROOM: usize = ORDER_ALLOCATIONS_MAX + 1;

impl<S: Storage> Shard<S> {
    /// Executes an admitted request and puts its reply into the gate.
    pub(super) fn dispatch(
        &mut self,
        session: SessionId,
        state: SessionState,
        request_id: u64,
        request: Request<'_>,
    ) -> Taken {
        let opcode = request.opcode();
        match request {
            Request::Reserve(items) => return self.reserve(session, state, request_id, items),
            Request::DefineSku(_)
            | Request::ResolveSku(_)
            | Request::DefineLocation(_)
            | Request::ResolveLocation(_) => self.names(state, request_id, request),
            Request::Receive(_)
            | Request::Adjust(_)
            | Request::Set(_)
            | Request::Transfer(_)
            | Request::Move(_) => self.stock_command(state, request_id, request),
            Request::Confirm(_) | Request::Release(_) | Request::Extend(_) | Request::Cancel(_) => {
                return self.order_commands(session, state, request_id, request);
            }
            Request::ConfirmLines(command) | Request::Ship(command) | Request::Return(command) => {
                self.lines_command(state, request_id, opcode, &command);
            }
            query => {
                if let Err(code) = self.query(session, state, request_id, query) {
                    self.refuse(session, request_id, code, false);
                    return Taken::Yes;
                }
            }
        }
        self.gate.note(session, 1, false);
        Taken::Yes
    }

    fn execute(&mut self, state: SessionState, command: &Command<'_>) -> CommandOutcome {
        self.tally.commands += 1;
        let outcome = self
            .engine
            .execute(state.context, command, &mut self.records);
        if outcome.replayed {
            self.tally.replayed += 1;
        }
        outcome
    }

    /// Executes a batch of items, one reply item each.
    fn batch<'a, T: Item<'a>, R: Item<'a>>(
        &mut self,
        opcode: Opcode,
        request_id: u64,
        items: Items<'a, T>,
        mut execute: impl FnMut(&mut Self, T) -> R,
    ) {
        let start = frame::begin(self.gate.buffer());
        let count = items.len();
        for item in items {
            let reply = execute(self, item);
            reply.put(self.gate.buffer());
        }
        #[allow(clippy::cast_possible_truncation)] // at most FRAME_ITEMS_MAX items
        start.finish(self.gate.buffer(), opcode.reply(), request_id, count as u16);
    }

    fn names(&mut self, state: SessionState, request_id: u64, request: Request<'_>) {
        let opcode = request.opcode();
        match request {
            Request::DefineSku(items) => self.batch(opcode, request_id, items, |shard, item| {
                if !item.flags_are_defined() {
                    return refused_name(ResultCode::InvalidField);
                }
                let define = Command::DefineSku {
                    name: item.name,
                    on_sale: item.on_sale(),
                    queue: item.queue(),
                };
                name_reply(&shard.execute(state, &define))
            }),
            Request::ResolveSku(items) => self.batch(opcode, request_id, items, |shard, item| {
                name_reply(&shard.execute(state, &Command::ResolveSku { name: item.name }))
            }),
            Request::DefineLocation(items) => {
                self.batch(opcode, request_id, items, |shard, item| {
                    let (name, x, y, priority) = (item.name, item.x, item.y, item.priority);
                    let command = Command::DefineLocation {
                        name,
                        x,
                        y,
                        priority,
                    };
                    name_reply(&shard.execute(state, &command))
                });
            }
            Request::ResolveLocation(items) => {
                self.batch(opcode, request_id, items, |shard, item| {
                    let command = Command::ResolveLocation { name: item.name };
                    name_reply(&shard.execute(state, &command))
                });
            }
            _ => unreachable!("dispatch sends names only"),
        }
    }

    fn stock_command(&mut self, state: SessionState, request_id: u64, request: Request<'_>) {
        let opcode = request.opcode();
        let command = match request {
            Request::Receive(items) => {
                return self.batch(opcode, request_id, items, |shard, item| {
                    stock_reply(&shard.execute(
                        state,
                        &Command::Receive {
                            key: item.key,
                            sku: item.sku,
                            location: item.location,
                            quantity: item.quantity,
                        },
                    ))
                });
            }
            Request::Adjust(adjust) => Command::Adjust {
                key: adjust.key,
                sku: adjust.sku,
                location: adjust.location,
                delta: adjust.delta,
                reason: adjust.reason,
            },
            Request::Set(set) => Command::Set {
                key: set.key,
                sku: set.sku,
                location: set.location,
                on_hand: set.on_hand,
                expect: set.expect,
            },
            Request::Transfer(transfer) => Command::Transfer {
                key: transfer.key,
                sku: transfer.sku,
                from: transfer.from,
                to: transfer.to,
                quantity: transfer.quantity,
            },
            Request::Move(moved) => {
                let Some((from, to)) = moved.buckets() else {
                    let reply = StockReply {
                        code: ResultCode::InvalidField,
                        flags: 0,
                        sequence: 0,
                        cell: CellValues::default(),
                    };
                    return self.put_single(opcode, request_id, &reply);
                };
                Command::Move {
                    key: moved.key,
                    sku: moved.sku,
                    location: moved.location,
                    from,
                    to,
                    quantity: moved.quantity,
                }
            }
            _ => unreachable!("dispatch sends stock commands only"),
        };
        let reply = stock_reply(&self.execute(state, &command));
        self.put_single(opcode, request_id, &reply);
    }

    fn order_commands(
        &mut self,
        session: SessionId,
        state: SessionState,
        request_id: u64,
        request: Request<'_>,
    ) -> Taken {
        let of = (request.opcode(), request_id);
        match request {
            Request::Confirm(items) => self.in_parts(session, of, items, |shard, item| {
                let (key, order) = (item.key, item.order);
                order_reply(&shard.execute(
                    state,
                    &Command::Confirm {
                        key,
                        order,
                        lines: &[],
                    },
                ))
            }),
            Request::Release(items) => self.in_parts(session, of, items, |shard, item| {
                let (key, order) = (item.key, item.order);
                order_reply(&shard.execute(state, &Command::Release { key, order }))
            }),
            Request::Cancel(items) => self.in_parts(session, of, items, |shard, item| {
                let (key, order) = (item.key, item.order);
                order_reply(&shard.execute(state, &Command::Cancel { key, order }))
            }),
            Request::Extend(items) => self.in_parts(session, of, items, |shard, item| {
                let (key, order, ttl_ms) = (item.key, item.order, item.ttl_ms);
                order_reply(&shard.execute(state, &Command::Extend { key, order, ttl_ms }))
            }),
            _ => unreachable!("dispatch sends order commands only"),
        }
    }

    fn lines_command(
        &mut self,
        state: SessionState,
        request_id: u64,
        opcode: Opcode,
        wire: &LinesCommand<'_>,
    ) {
        let mut lines = [OrderLine {
            sku: SkuId(0),
            quantity: 0,
            location: LocationId(0),
        }; LINES_ROOM];
        let mut count = 0;
        for (place, line) in lines.iter_mut().zip(wire.lines.iter()) {
            *place = OrderLine {
                sku: line.sku,
                quantity: line.quantity,
                location: line.location,
            };
            count += 1;
        }
        let lines = lines.get(..count).unwrap_or_default();
        let (key, order) = (wire.key, wire.order);
        let command = match opcode {
            _ if key.0 == 0 || order.0 == 0 => Err(ResultCode::InvalidKey),
            // An empty list means the whole hold to the engine; here it is a mistake.
            _ if lines.is_empty() => Err(ResultCode::NoLines),
            Opcode::ConfirmLines if wire.disposition == 0 => {
                Ok(Command::Confirm { key, order, lines })
            }
            Opcode::Ship if wire.disposition == 0 => Ok(Command::Ship { key, order, lines }),
            Opcode::Return => Disposition::from_u8(wire.disposition)
                .map(|disposition| Command::Return {
                    key,
                    order,
                    disposition,
                    lines,
                })
                .ok_or(ResultCode::InvalidField),
            _ => Err(ResultCode::InvalidField),
        };
        let reply = match command {
            Ok(command) => order_reply(&self.execute(state, &command)),
            Err(code) => OrderCommandReply {
                code,
                state: None,
                resolution: crate::types::Resolution::Open,
                flags: 0,
                sequence: 0,
                expires_at_ms: 0,
            },
        };
        self.put_single(opcode, request_id, &reply);
    }

    fn put_single<'a, T: Item<'a>>(&mut self, opcode: Opcode, request_id: u64, item: &T) {
        let out = self.gate.buffer();
        crate::wire::reply::put_single(out, opcode.reply(), request_id, item);
    }
}

fn flags(replayed: bool) -> u8 {
    if replayed { REPLAYED } else { 0 }
}

fn refused_name(code: ResultCode) -> NameReply {
    NameReply {
        code,
        flags: 0,
        handle: 0,
        sequence: 0,
    }
}

fn name_reply(outcome: &CommandOutcome) -> NameReply {
    NameReply {
        code: outcome.code,
        flags: flags(outcome.replayed),
        handle: outcome.handle,
        sequence: outcome.sequence,
    }
}

fn stock_reply(outcome: &CommandOutcome) -> StockReply {
    StockReply {
        code: outcome.code,
        flags: flags(outcome.replayed),
        sequence: outcome.sequence,
        cell: cell_values(&outcome.cell),
    }
}

fn order_reply(outcome: &CommandOutcome) -> OrderCommandReply {
    let expires_at_ms = if outcome.state.is_some_and(OrderState::is_live_hold) {
        outcome.expires_at_ms
    } else {
        0
    };
    OrderCommandReply {
        code: outcome.code,
        state: outcome.state,
        resolution: outcome.resolution,
        flags: flags(outcome.replayed),
        sequence: outcome.sequence,
        expires_at_ms,
    }
}

/// Quantities of one cell as sent.
pub(super) fn cell_values(cell: &CellQuantities) -> CellValues {
    CellValues {
        on_hand: cell.on_hand,
        reserved: cell.reserved,
        committed: cell.committed,
        safety: cell.safety,
        damaged: cell.damaged,
        quality_control: cell.quality_control,
        available: cell.available(),
        short: cell.short(),
    }
}
