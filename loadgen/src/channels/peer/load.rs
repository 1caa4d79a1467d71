//! What both systems are sent: orders of one marketplace for one SKU, some of them told twice, and
//! more than there are units.

use anyhow::{Context, Result};
use onhand::types::OrderKey;

use crate::channels::deliveries::{Delivery, phone, shopify_sale};
use crate::channels::sender::Plan;
use crate::channels::shops::{SHOPS, Shop};

/// Every so many-th delivery repeats the one [`REPEATED_BEFORE`] places earlier, as marketplaces do
/// whose first delivery was answered late.
const REPEAT_EVERY: usize = 20;

/// See [`REPEAT_EVERY`].
const REPEATED_BEFORE: usize = 10;

/// Units for so many per cent of the orders: the sale ends sold out.
const STOCK_PERCENT: usize = 90;

/// Orders at most whose stock decision is watched, evenly spread.
const WATCHED: usize = 500;

/// The marketplace's number of the first order.
const FIRST: u64 = 700_000_000;

/// Numbers of a load's orders are so far from those of the next one.
const LOADS_APART: u64 = 50_000_000;

/// Deliveries, and the orders that they are about.
pub struct Load {
    /// How they are sent.
    pub plan: Plan,
    /// What is bought, one unit an order.
    pub sku: String,
    /// Units that there are.
    pub units: u32,
    /// In the order in which they are sent.
    pub deliveries: Vec<Delivery>,
    /// In the order in which they are sent first.
    pub orders: Vec<Order>,
}

/// One order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The marketplace's number.
    pub number: u64,
    /// Onhand's key.
    pub key: OrderKey,
    /// The place of its first delivery.
    pub place: usize,
    /// The buyer's telephone number, digits only.
    pub phone: String,
}

impl Load {
    /// The load's `which`-th of a run.
    pub fn new(which: u8, plan: Plan) -> Result<Self> {
        let shop = shop()?;
        let sku = format!("peer-{which}");
        let first = FIRST + u64::from(which) * LOADS_APART;
        let mut deliveries: Vec<Delivery> = Vec::with_capacity(plan.count);
        let mut orders = Vec::with_capacity(plan.count);
        for place in 0..plan.count {
            if place % REPEAT_EVERY == REPEAT_EVERY - 1 {
                let again = deliveries.get(place - REPEATED_BEFORE);
                deliveries.push(again.context("nothing to repeat")?.clone());
                continue;
            }
            let number = first + orders.len() as u64;
            let delivery = shopify_sale(shop, number, &sku);
            orders.push(Order {
                number,
                key: delivery.order,
                place,
                phone: phone(number).trim_start_matches('+').to_owned(),
            });
            deliveries.push(delivery);
        }
        Ok(Self {
            plan,
            sku,
            units: u32::try_from((orders.len() * STOCK_PERCENT / 100).max(1))?,
            deliveries,
            orders,
        })
    }

    /// When an order is meant to be sent first, in nanoseconds since the load's start.
    pub fn due_ns(&self, order: &Order) -> u64 {
        order.place as u64 * self.plan.gap_ns
    }

    /// The orders whose stock decision is watched.
    pub fn watched(&self) -> Vec<&Order> {
        let stride = self.orders.len().div_ceil(WATCHED).max(1);
        self.orders.iter().step_by(stride).collect()
    }
}

/// The shop that sells.
pub fn shop() -> Result<&'static Shop> {
    let mut shops = SHOPS.iter();
    shops
        .find(|shop| shop.kind == "shopify")
        .context("there is a shop at Shopify")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn load(count: usize, gap_ns: u64) -> Load {
        let plan = Plan {
            count,
            connections: 1,
            gap_ns,
        };
        Load::new(1, plan).unwrap()
    }

    #[test]
    fn one_delivery_in_twenty_repeats_an_order_and_one_order_in_ten_finds_no_unit() {
        let load = load(2_000, 0);
        assert_eq!((load.deliveries.len(), load.orders.len()), (2_000, 1_900));
        assert_eq!(load.units, 1_710);
        assert_eq!(load.deliveries[19].body, load.deliveries[9].body);
        assert_eq!(load.deliveries[19].headers, load.deliveries[9].headers);
        let bodies: BTreeSet<&str> = load.deliveries.iter().map(|it| it.body.as_str()).collect();
        let phones: BTreeSet<&str> = load.orders.iter().map(|it| it.phone.as_str()).collect();
        assert_eq!((bodies.len(), phones.len()), (1_900, 1_900));
        assert!(phones.iter().all(|phone| phone.len() == 11));
    }

    #[test]
    fn an_order_is_due_with_its_first_delivery_and_watched_ones_are_spread() {
        let load = load(2_000, 1_000);
        let order = &load.orders[19];
        assert_eq!((order.place, load.due_ns(order)), (20, 20_000));
        let watched = load.watched();
        assert_eq!(watched.len(), 475, "every fourth of 1,900");
        assert_eq!(watched[1].number, load.orders[4].number);
    }
}
