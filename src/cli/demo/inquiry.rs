//! After the sale: every order is asked for by itself, and its answer compared with what was told.

use super::account::{Account, Told};
use super::crowd::Crowd;
use crate::client::Connection;
use crate::client::swarm::{Disconnect, Driver};
use crate::types::{OrderKey, OrderState, ResultCode, SkuId};
use crate::wire::reply::{OrderEntry, Reply};
use crate::wire::request;
use crate::wire::{Frame, Opcode};

/// Queries in flight on each connection.
const WINDOW: usize = 4;

/// An order, and what its query has to say.
#[derive(Clone, Copy, Debug)]
struct Expected {
    key: OrderKey,
    told: Told,
    state: OrderState,
    units: u32,
}

/// Asks for order after order, one a frame.
#[derive(Debug)]
pub(super) struct Inquiry<'a> {
    account: &'a mut Account,
    expected: Vec<Expected>,
    in_flight: Vec<usize>,
    next: usize,
    answered: usize,
    failure: Option<String>,
}

impl<'a> Inquiry<'a> {
    /// Every order that anybody was told about.
    pub(super) fn new(crowd: &'a mut Crowd, connections: usize) -> Self {
        let sale = &crowd.sale;
        let held = |told: Told| match told.code {
            ResultCode::Ok => (OrderState::Held, 1),
            _ => (OrderState::Rejected, 0),
        };
        let told = sale.told.iter().enumerate();
        let mut expected: Vec<Expected> = told
            .filter_map(|(customer, told)| told.map(|told| (customer, told)))
            .map(|(customer, told)| {
                let (state, units) = held(told);
                let key = sale.key(customer);
                Expected {
                    key,
                    told,
                    state,
                    units,
                }
            })
            .collect();
        expected.extend(crowd.mix.orders.iter().filter_map(|order| {
            let (told, state) = (order.told?, order.state?);
            let accepted = told.code == ResultCode::Ok;
            let units = if accepted { order.units() } else { 0 };
            Some(Expected {
                key: order.key,
                told,
                state,
                units,
            })
        }));
        Self {
            account: &mut crowd.account,
            expected,
            in_flight: vec![0; connections],
            next: 0,
            answered: 0,
            failure: None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.answered == self.expected.len()
    }

    pub(super) fn answered(&self) -> usize {
        self.answered
    }

    pub(super) fn failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    fn compare(&mut self, index: u64, entry: &OrderEntry<'_>) {
        let expected = usize::try_from(index)
            .ok()
            .and_then(|index| self.expected.get(index));
        let Some(expected) = expected else {
            self.failure = Some(format!("an answer to query {index}, which was not sent"));
            return;
        };
        self.account.queried += 1;
        let summary = &entry.summary;
        let units: u32 = entry.lines.map(|line| line.ordered).sum();
        let sound = summary.key == expected.key
            && summary.code == expected.told.code
            && summary.sequence == expected.told.sequence
            && summary.state == Some(expected.state)
            && units == expected.units;
        if sound {
            return;
        }
        if summary.state.is_none() || summary.code != expected.told.code {
            self.account.lost += 1;
        }
        let state = summary.state.map_or("no state", OrderState::name);
        self.account.contradiction(format!(
            "order {} was told {} (number {}, {}, {} units), and a query says {} (number {}, \
             {state}, {units} units)",
            expected.key,
            expected.told.code,
            expected.told.sequence,
            expected.state.name(),
            expected.units,
            summary.code,
            summary.sequence
        ));
    }
}

impl Driver for Inquiry<'_> {
    fn ready(&mut self, connection: usize, _now_ns: u64, out: &mut Vec<u8>) {
        let Some(in_flight) = self.in_flight.get_mut(connection) else {
            return;
        };
        while *in_flight < WINDOW
            && let Some(order) = self.expected.get(self.next)
        {
            let id = self.next as u64;
            if let Err(error) = request::encode(out, Opcode::QueryOrder, id, &[order.key]) {
                self.failure = Some(error.to_string());
                return;
            }
            self.next += 1;
            *in_flight += 1;
        }
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, _received_ns: u64) {
        let entry = match Reply::decode(frame) {
            Ok(Reply::QueryOrder(mut entries)) => entries.next(),
            _ => None,
        };
        let Some(entry) = entry else {
            let what = "the engine answered a query with something else";
            self.failure = Some(what.to_owned());
            return;
        };
        self.compare(frame.header.request_id, &entry);
        self.answered += 1;
        if let Some(in_flight) = self.in_flight.get_mut(connection) {
            *in_flight = in_flight.saturating_sub(1);
        }
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        self.failure = Some(format!("connection {connection} ended: {reason}"));
    }
}

/// The stock of one SKU, in units over all locations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Stock {
    pub on_hand: u64,
    pub reserved: u64,
    pub committed: u64,
    pub available: u64,
    pub short: u64,
}

/// Compares the stock of every SKU with what the customers were told, and returns that of the hot
/// one.
pub(super) fn compare_stock(
    connection: &mut Connection,
    crowd: &mut Crowd,
    hot: (SkuId, u32),
    mix: &[(SkuId, u32)],
) -> anyhow::Result<Stock> {
    let (sold, _) = Account::count(&crowd.sale.told);
    let mut expected = vec![Stock {
        on_hand: u64::from(hot.1),
        reserved: sold,
        available: u64::from(hot.1).saturating_sub(sold),
        ..Stock::default()
    }];
    expected.extend(mix.iter().map(|&(sku, units)| mix_stock(crowd, sku, units)));
    let skus: Vec<SkuId> = std::iter::once(hot.0)
        .chain(mix.iter().map(|&(sku, _)| sku))
        .collect();
    let mut hot_stock = Stock::default();
    for (index, answer) in connection.query_stock(&skus)?.iter().enumerate() {
        let mut found = Stock::default();
        for cell in &answer.cells {
            found.on_hand += u64::from(cell.values.on_hand);
            found.reserved += u64::from(cell.values.reserved);
            found.committed += u64::from(cell.values.committed);
            found.available += u64::from(cell.values.available);
            found.short += cell.values.short;
        }
        if index == 0 {
            hot_stock = found;
        }
        if expected.get(index) != Some(&found) {
            crowd.account.contradiction(format!(
                "the stock of SKU {} is {found:?}, but by what the customers were told it is {:?}",
                answer.sku.0,
                expected.get(index)
            ));
        }
    }
    Ok(hot_stock)
}

/// The stock of a SKU of the mix, by what its customers were told.
fn mix_stock(crowd: &Crowd, sku: SkuId, units: u32) -> Stock {
    let mut stock = Stock {
        on_hand: u64::from(units),
        ..Stock::default()
    };
    for order in &crowd.mix.orders {
        let lines = order.lines.iter().filter(|line| line.sku == sku);
        let ordered: u64 = lines.map(|line| u64::from(line.quantity)).sum();
        match order.state {
            Some(state) if state.is_live_hold() => stock.reserved += ordered,
            Some(OrderState::Confirmed) => stock.committed += ordered,
            _ => {}
        }
    }
    stock.available = stock
        .on_hand
        .saturating_sub(stock.reserved + stock.committed);
    stock
}
