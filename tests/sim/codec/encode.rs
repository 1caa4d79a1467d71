//! Requests to frames.

use crate::sim::request::{CommandSpec, Line, OrderSpec, Request};
use onhand::types::{ChannelId, CommandKey, LocationId, OrderKey, SkuId};
use onhand::wire::request::{self, encode, reserve_flags};
use onhand::wire::{Item, Opcode};

/// One frame with all `requests`, which are of one opcode.
pub fn frame_of(requests: &[Request], request_id: u64) -> Vec<u8> {
    let mut out = Vec::new();
    match &requests[0] {
        Request::Reserve(_) => put_orders(&mut out, requests, request_id),
        Request::QueryStock { .. } => put(
            &mut out,
            Opcode::QueryStock,
            request_id,
            requests,
            |request| match request {
                Request::QueryStock { sku } => request::StockQueryItem {
                    sku: SkuId(*sku),
                    from: LocationId(0),
                },
                other => mixed(other),
            },
        ),
        Request::QueryOrder { .. } => put(
            &mut out,
            Opcode::QueryOrder,
            request_id,
            requests,
            |request| match request {
                Request::QueryOrder { order } => OrderKey(*order),
                other => mixed(other),
            },
        ),
        Request::Command(first) => put_commands(&mut out, first, requests, request_id),
    }
    out
}

fn command(request: &Request) -> &CommandSpec {
    match request {
        Request::Command(command) => command,
        other => mixed(other),
    }
}

fn mixed(request: &Request) -> ! {
    panic!("a frame has requests of one kind only, but {request:?} is among them")
}

fn put<'a, T: Item<'a>>(
    out: &mut Vec<u8>,
    opcode: Opcode,
    request_id: u64,
    requests: &'a [Request],
    item: impl Fn(&'a Request) -> T,
) {
    let items: Vec<T> = requests.iter().map(item).collect();
    encode(out, opcode, request_id, &items).expect("the workload's frames are small");
}

fn wire_lines(lines: &[Line]) -> Vec<request::Line> {
    let line = |&(sku, location, quantity): &Line| request::Line {
        sku: SkuId(sku),
        quantity,
        location: LocationId(location),
    };
    lines.iter().map(line).collect()
}

fn put_orders(out: &mut Vec<u8>, requests: &[Request], request_id: u64) {
    let specs: Vec<&OrderSpec> = requests
        .iter()
        .map(|request| match request {
            Request::Reserve(spec) => spec,
            other => mixed(other),
        })
        .collect();
    let lines: Vec<Vec<request::Line>> = specs.iter().map(|spec| wire_lines(&spec.lines)).collect();
    let pairs = specs.iter().zip(&lines);
    let items: Vec<_> = pairs.map(|(spec, lines)| order_item(spec, lines)).collect();
    encode(out, Opcode::Reserve, request_id, &items).expect("the workload's frames are small");
}

fn order_item<'a>(spec: &OrderSpec, lines: &'a [request::Line]) -> request::ReserveItem<'a> {
    let mut flags = 0;
    if spec.place {
        flags |= reserve_flags::PLACE;
    }
    if spec.partial {
        flags |= reserve_flags::PARTIAL;
    }
    request::ReserveItem {
        key: OrderKey(spec.key),
        customer: spec.customer,
        total: spec.total,
        ttl_ms: spec.ttl_ms,
        version: spec.version,
        channel: ChannelId(spec.channel),
        currency: spec.currency,
        flags,
        destination: spec.destination,
        lines: request::Lines::new(lines),
        details: &[],
    }
}

fn put_commands(out: &mut Vec<u8>, first: &CommandSpec, requests: &[Request], id: u64) {
    match first {
        CommandSpec::DefineSku { .. } => {
            put(
                out,
                Opcode::DefineSku,
                id,
                requests,
                |request| match command(request) {
                    CommandSpec::DefineSku { name, on_sale } => request::SkuDefinition {
                        name,
                        flags: u8::from(*on_sale),
                    },
                    _ => mixed(request),
                },
            )
        }
        CommandSpec::ResolveSku { .. } | CommandSpec::ResolveLocation { .. } => {
            let opcode = match first {
                CommandSpec::ResolveSku { .. } => Opcode::ResolveSku,
                _ => Opcode::ResolveLocation,
            };
            put(out, opcode, id, requests, |request| {
                match command(request) {
                    CommandSpec::ResolveSku { name } | CommandSpec::ResolveLocation { name } => {
                        request::Name { name }
                    }
                    _ => mixed(request),
                }
            });
        }
        CommandSpec::DefineLocation { .. } => {
            put(
                out,
                Opcode::DefineLocation,
                id,
                requests,
                |request| match command(request) {
                    CommandSpec::DefineLocation {
                        name,
                        x,
                        y,
                        priority,
                    } => request::LocationDefinition {
                        name,
                        priority: *priority,
                        x: *x,
                        y: *y,
                    },
                    _ => mixed(request),
                },
            );
        }
        CommandSpec::Receive { .. } => {
            put(
                out,
                Opcode::Receive,
                id,
                requests,
                |request| match *command(request) {
                    CommandSpec::Receive {
                        key,
                        sku,
                        location,
                        quantity,
                    } => request::Receive {
                        key: CommandKey(key),
                        sku: SkuId(sku),
                        quantity,
                        location: LocationId(location),
                    },
                    _ => mixed(request),
                },
            )
        }
        CommandSpec::Adjust { .. }
        | CommandSpec::Set { .. }
        | CommandSpec::Transfer { .. }
        | CommandSpec::Move { .. } => put_movement(out, first, id),
        CommandSpec::Extend { .. } => {
            put(
                out,
                Opcode::Extend,
                id,
                requests,
                |request| match *command(request) {
                    CommandSpec::Extend { key, order, ttl_ms } => request::ExtendItem {
                        order: OrderKey(order),
                        key: CommandKey(key),
                        ttl_ms,
                    },
                    _ => mixed(request),
                },
            )
        }
        CommandSpec::Confirm { lines, .. } if lines.is_empty() => {
            put_plain(out, Opcode::Confirm, requests, id);
        }
        CommandSpec::Release { .. } => put_plain(out, Opcode::Release, requests, id),
        CommandSpec::Cancel { .. } => put_plain(out, Opcode::Cancel, requests, id),
        CommandSpec::Confirm { key, order, lines } => {
            put_lines(out, Opcode::ConfirmLines, id, (*order, *key), lines, 0);
        }
        CommandSpec::Ship { key, order, lines } => {
            put_lines(out, Opcode::Ship, id, (*order, *key), lines, 0);
        }
        CommandSpec::Return {
            key,
            order,
            disposition,
            lines,
        } => put_lines(
            out,
            Opcode::Return,
            id,
            (*order, *key),
            lines,
            *disposition as u8,
        ),
    }
}

fn put_plain(out: &mut Vec<u8>, opcode: Opcode, requests: &[Request], id: u64) {
    put(out, opcode, id, requests, |request| match request {
        Request::Command(
            CommandSpec::Confirm { key, order, .. }
            | CommandSpec::Release { key, order }
            | CommandSpec::Cancel { key, order },
        ) => request::OrderCommandItem {
            order: OrderKey(*order),
            key: CommandKey(*key),
        },
        other => mixed(other),
    });
}

fn put_lines(
    out: &mut Vec<u8>,
    opcode: Opcode,
    id: u64,
    (order, key): (u128, u128),
    lines: &[Line],
    disposition: u8,
) {
    let lines = wire_lines(lines);
    let item = request::LinesCommand {
        order: OrderKey(order),
        key: CommandKey(key),
        disposition,
        lines: request::Lines::new(&lines),
    };
    encode(out, opcode, id, &[item]).expect("the workload's frames are small");
}

fn put_movement(out: &mut Vec<u8>, command: &CommandSpec, id: u64) {
    let done = match command {
        CommandSpec::Adjust {
            key,
            sku,
            location,
            delta,
            reason,
        } => {
            let item = request::Adjust {
                key: CommandKey(*key),
                delta: *delta,
                sku: SkuId(*sku),
                location: LocationId(*location),
                reason,
            };
            encode(out, Opcode::Adjust, id, &[item])
        }
        &CommandSpec::Set {
            key,
            sku,
            location,
            on_hand,
            expect,
        } => {
            let item = request::SetOnHand {
                key: CommandKey(key),
                sku: SkuId(sku),
                on_hand,
                expect,
                location: LocationId(location),
            };
            encode(out, Opcode::Set, id, &[item])
        }
        &CommandSpec::Transfer {
            key,
            sku,
            from,
            to,
            quantity,
        } => {
            let item = request::Transfer {
                key: CommandKey(key),
                sku: SkuId(sku),
                quantity,
                from: LocationId(from),
                to: LocationId(to),
            };
            encode(out, Opcode::Transfer, id, &[item])
        }
        &CommandSpec::Move {
            key,
            sku,
            location,
            from,
            to,
            quantity,
        } => {
            let item = request::Move {
                key: CommandKey(key),
                sku: SkuId(sku),
                quantity,
                location: LocationId(location),
                from: from as u8,
                to: to as u8,
            };
            encode(out, Opcode::Move, id, &[item])
        }
        other => panic!("{other:?} is no stock movement"),
    };
    done.expect("the workload's frames are small");
}
