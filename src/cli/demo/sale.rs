//! The crowd that wants the hot SKU: one order a customer, the same key again after the crash.

use super::account::{Account, Heard, Told};
use super::shop::Shop;
use crate::types::{ChannelId, LocationId, OrderKey};
use crate::wire::reply::ReserveReplyItem;
use crate::wire::request::{self, EncodeError, Line, Lines, ReserveItem};
use crate::wire::{Opcode, key};

/// Holds must not end before the demo does: an hour, in milliseconds.
pub(super) const TTL_MS: u32 = 3_600_000;
/// The sales channel of the hot SKU's orders.
const CHANNEL: ChannelId = ChannelId(0);
/// Euro, by its ISO 4217 number.
pub(super) const CURRENCY: u16 = 978;
/// Price of one unit of the hot SKU, in cents.
const PRICE_CENTS: u64 = 49_900;

/// Customers, numbered from 0, and what each was told.
#[derive(Debug)]
pub(super) struct Sale {
    seed: u64,
    line: Line,
    pub told: Vec<Option<Told>>,
    /// Customers who were answered since the last start.
    pub answered: usize,
    /// Customers before this one have sent their order since the last start.
    next: usize,
    /// The customer that each connection serves.
    serving: Vec<Option<usize>>,
}

impl Sale {
    pub(super) fn new(seed: u64, customers: usize, connections: usize, shop: &Shop) -> Self {
        Self {
            seed,
            line: Line {
                sku: shop.hot,
                quantity: 1,
                location: LocationId::ANY,
            },
            told: vec![None; customers],
            answered: 0,
            next: 0,
            serving: vec![None; connections],
        }
    }

    /// The key of a customer's order, by the public formula: whoever retries finds it again.
    pub(super) fn key(&self, customer: usize) -> OrderKey {
        key::order_key(CHANNEL, format!("{}-{customer:06}", self.seed).as_bytes())
    }

    /// Everybody starts again from the beginning.
    pub(super) fn restart(&mut self) {
        self.answered = 0;
        self.next = 0;
        self.serving.fill(None);
    }

    pub(super) fn is_over(&self) -> bool {
        self.answered == self.told.len()
    }

    /// Appends this connection's order; false where there is none left.
    pub(super) fn request(
        &mut self,
        connection: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, EncodeError> {
        let Some(serving) = self.serving.get_mut(connection) else {
            return Ok(false);
        };
        let customer = match *serving {
            Some(customer) => customer,
            None if self.next < self.told.len() => {
                *serving = Some(self.next);
                self.next += 1;
                self.next - 1
            }
            None => return Ok(false),
        };
        let order = ReserveItem {
            key: self.key(customer),
            customer: customer as u64 + 1,
            total: PRICE_CENTS,
            ttl_ms: TTL_MS,
            version: 1,
            channel: CHANNEL,
            currency: CURRENCY,
            flags: 0,
            destination: None,
            lines: Lines::new(std::slice::from_ref(&self.line)),
            details: &[],
        };
        request::encode(out, Opcode::Reserve, customer as u64, &[order])?;
        Ok(true)
    }

    /// Takes the answer to this connection's order. A first answer of this order is timed.
    pub(super) fn answer(
        &mut self,
        connection: usize,
        request_id: u64,
        item: &ReserveReplyItem,
        nanoseconds: u64,
        account: &mut Account,
    ) -> Heard {
        let customer = self.serving.get(connection).copied().flatten();
        let Some(customer) = customer.filter(|&customer| customer as u64 == request_id) else {
            account.contradiction(format!(
                "an answer to request {request_id}, which was not sent"
            ));
            return Heard::Outcome;
        };
        let key = self.key(customer);
        let Some(told) = self.told.get_mut(customer) else {
            return Heard::Outcome;
        };
        let first = told.is_none() && item.flags & crate::wire::reply::REPLAYED == 0;
        if account.order(key, told, item) == Heard::Busy {
            return Heard::Busy;
        }
        if first {
            account.latency(item.code, nanoseconds);
        }
        self.answered += 1;
        if let Some(serving) = self.serving.get_mut(connection) {
            *serving = None;
        }
        Heard::Outcome
    }
}
