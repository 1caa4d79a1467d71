//! The canonical meaning of an order or command, as 64 bits: what must be equal for the same key.
//!
//! SipHash-1-3 with the public key [`FINGERPRINT_KEY`] over little-endian fields without gaps:
//!
//! ```text
//! order    customer 8 │ total 8 │ currency 2 │ channel 2 │ mode 1 │ policy 1 │ destination 0/1 1 │
//!          x 4 │ y 4 (zero without destination) │ merged lines sorted by (SKU, location):
//!          SKU 4 │ quantity 4 │ location 2 each
//! command  number 1 (receive 1, adjust, set, transfer, move 5, confirm 6, release, extend, cancel,
//!          ship, return 11) │ its fields but the command key, SKU and location or order first;
//!          a text or a run of lines is preceded by its length as u32, an optional value by 0 or 1
//! ```
//!
//! Neither time to live nor details nor version are part of an order's meaning. A shared key is
//! enough: a client that forges two orders of equal fingerprint harms only itself.

use super::command::{Command, OrderRequest};
use super::record::{Allocation, OrderLine};
use crate::types::{LocationId, OrderKey, SkuId};
use siphasher::sip::SipHasher13;

/// The key of all fingerprints; part of the journal's format.
pub const FINGERPRINT_KEY: [u8; 16] = *b"onhand-meaning-1";

const ORDER_FIXED: usize = 31;
const LINE: usize = 10;

fn hasher() -> SipHasher13 {
    SipHasher13::new_with_key(&FINGERPRINT_KEY)
}

/// The fingerprint of an order; `merged` are its lines, merged and sorted by (SKU, location).
#[inline]
pub fn order_fingerprint(request: &OrderRequest<'_>, merged: &[Allocation]) -> u64 {
    if let [line] = merged {
        let mut bytes = [0_u8; ORDER_FIXED + LINE];
        if let Some((fixed, rest)) = bytes.split_first_chunk_mut::<ORDER_FIXED>() {
            *fixed = fixed_part(request);
            rest.copy_from_slice(&line_part(line));
        }
        return hasher().hash(&bytes);
    }
    let mut bytes = Vec::with_capacity(ORDER_FIXED + merged.len() * LINE);
    bytes.extend_from_slice(&fixed_part(request));
    for line in merged {
        bytes.extend_from_slice(&line_part(line));
    }
    hasher().hash(&bytes)
}

#[inline]
fn fixed_part(request: &OrderRequest<'_>) -> [u8; ORDER_FIXED] {
    let mut bytes = [0_u8; ORDER_FIXED];
    let (x, y) = request.destination.unwrap_or_default();
    let mut rest = &mut bytes[..];
    let mut put = |field: &[u8]| {
        if let Some((head, tail)) = std::mem::take(&mut rest).split_at_mut_checked(field.len()) {
            head.copy_from_slice(field);
            rest = tail;
        }
    };
    put(&request.customer.to_le_bytes());
    put(&request.total.to_le_bytes());
    put(&request.currency.to_le_bytes());
    put(&request.channel.0.to_le_bytes());
    put(&[
        request.mode as u8,
        request.policy as u8,
        u8::from(request.destination.is_some()),
    ]);
    put(&x.to_le_bytes());
    put(&y.to_le_bytes());
    bytes
}

#[inline]
fn line_part(line: &Allocation) -> [u8; LINE] {
    let [s0, s1, s2, s3] = line.sku.0.to_le_bytes();
    let [q0, q1, q2, q3] = line.quantity.to_le_bytes();
    let [l0, l1] = line.location.0.to_le_bytes();
    [s0, s1, s2, s3, q0, q1, q2, q3, l0, l1]
}

/// The fingerprint of a keyed command; 0 for definitions, which have no command key.
pub fn command_fingerprint(command: &Command<'_>) -> u64 {
    let mut bytes = Vec::with_capacity(64);
    match command {
        Command::DefineSku { .. }
        | Command::ResolveSku { .. }
        | Command::DefineLocation { .. }
        | Command::ResolveLocation { .. } => return 0,
        Command::Receive { .. }
        | Command::Adjust { .. }
        | Command::Set { .. }
        | Command::Transfer { .. }
        | Command::Move { .. } => put_movement(command, &mut bytes),
        _ => put_order_command(command, &mut bytes),
    }
    hasher().hash(&bytes)
}

fn put_movement(command: &Command<'_>, bytes: &mut Vec<u8>) {
    match *command {
        Command::Receive {
            sku,
            location,
            quantity,
            ..
        } => put_head(bytes, 1, sku, location, &quantity.to_le_bytes()),
        Command::Adjust {
            sku,
            location,
            delta,
            reason,
            ..
        } => {
            put_head(bytes, 2, sku, location, &delta.to_le_bytes());
            put_text(bytes, reason);
        }
        Command::Set {
            sku,
            location,
            on_hand,
            expect,
            ..
        } => {
            put_head(bytes, 3, sku, location, &on_hand.to_le_bytes());
            bytes.push(u8::from(expect.is_some()));
            put(bytes, &expect.unwrap_or(0).to_le_bytes());
        }
        Command::Transfer {
            sku,
            from,
            to,
            quantity,
            ..
        } => {
            put_head(bytes, 4, sku, from, &to.0.to_le_bytes());
            put(bytes, &quantity.to_le_bytes());
        }
        Command::Move {
            sku,
            location,
            from,
            to,
            quantity,
            ..
        } => {
            put_head(bytes, 5, sku, location, &[from as u8, to as u8]);
            put(bytes, &quantity.to_le_bytes());
        }
        _ => unreachable!("the caller passes stock movements"),
    }
}

fn put_order_command(command: &Command<'_>, bytes: &mut Vec<u8>) {
    let mut head = |number: u8, order: OrderKey| {
        bytes.push(number);
        put(bytes, &order.0.to_le_bytes());
    };
    match *command {
        Command::Confirm { order, lines, .. } => {
            head(6, order);
            put_lines(bytes, lines);
        }
        Command::Release { order, .. } => head(7, order),
        Command::Extend { order, ttl_ms, .. } => {
            head(8, order);
            put(bytes, &ttl_ms.to_le_bytes());
        }
        Command::Cancel { order, .. } => head(9, order),
        Command::Ship { order, lines, .. } => {
            head(10, order);
            put_lines(bytes, lines);
        }
        Command::Return {
            order,
            disposition,
            lines,
            ..
        } => {
            head(11, order);
            bytes.push(disposition as u8);
            put_lines(bytes, lines);
        }
        _ => unreachable!("the caller passes order commands"),
    }
}

fn put_head(bytes: &mut Vec<u8>, number: u8, sku: SkuId, location: LocationId, rest: &[u8]) {
    bytes.push(number);
    put(bytes, &sku.0.to_le_bytes());
    put(bytes, &location.0.to_le_bytes());
    put(bytes, rest);
}

fn put(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(field);
}

#[allow(clippy::cast_possible_truncation)] // a reason has at most 64 bytes
fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, &(text.len() as u32).to_le_bytes());
    put(bytes, text.as_bytes());
}

#[allow(clippy::cast_possible_truncation)] // checked to be few before
fn put_lines(bytes: &mut Vec<u8>, lines: &[OrderLine]) {
    put(bytes, &(lines.len() as u32).to_le_bytes());
    for line in lines {
        bytes.extend_from_slice(&line_part(line));
    }
}
