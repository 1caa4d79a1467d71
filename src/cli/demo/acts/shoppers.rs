//! Buyers with an address, a card token and an e-mail address each.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, ensure};
use rand::RngExt;

use super::super::sale::CURRENCY;
use super::super::shop;
use crate::client::Connection;
use crate::types::{
    ChannelId, CommandKey, LocationId, OrderDetails, OrderKey, OrderState, ResultCode, SkuId,
};
use crate::wire::request::catalog::SKU_ON_SALE;
use crate::wire::request::{Line, Lines, Receive, ReserveItem, SkuDefinition, reserve_flags};
use crate::wire::{details, key};

/// Price of an order in cents.
const TOTAL_CENTS: u64 = 4_470;
/// Orders in one frame.
const BATCH: u64 = 200;
/// Units of the SKU, more than are ordered.
pub(in crate::cli::demo) const UNITS: u32 = 10_000;
const CHANNEL: ChannelId = ChannelId(1);
const TTL_MS: u32 = 900_000;

/// How many orders are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli::demo) struct Way {
    pub confirmed: u64,
    pub shipped: u64,
    pub completed: u64,
    pub review: u64,
    pub unknown: u64,
}

/// See the module. Orders are numbered from 0.
pub(in crate::cli::demo) struct Shoppers {
    connection: Connection,
    sku: SkuId,
    seed: u64,
    placed: u64,
}

impl Shoppers {
    pub(in crate::cli::demo) fn new(engine: SocketAddr, seed: u64) -> anyhow::Result<Self> {
        let mut connection = shop::connect(engine)?;
        let definition = SkuDefinition {
            name: "mug-red",
            flags: SKU_ON_SALE,
        };
        for answer in connection.define_skus(&[definition])? {
            let code = answer.code;
            ensure!(code == ResultCode::Ok, "a SKU was refused: {code}");
        }
        let sku = connection.skus(&["mug-red"])?;
        let &sku = sku.first().context("the engine knows no SKU")?;
        let places = connection.locations(&["berlin"])?;
        let &location = places.first().context("the engine knows no location")?;
        let arrival = Receive {
            key: CommandKey(shop::random(seed, 5).random::<u128>().max(1)),
            sku,
            quantity: UNITS,
            location,
        };
        for answer in connection.receive_stock(&[arrival])? {
            let code = answer.code;
            ensure!(code == ResultCode::Ok, "stock was refused: {code}");
        }
        Ok(Self {
            connection,
            sku,
            seed,
            placed: 0,
        })
    }

    /// Orders placed so far.
    pub(in crate::cli::demo) fn placed(&self) -> u64 {
        self.placed
    }

    /// The key of an order, as text.
    pub(super) fn key(&self, number: u64) -> String {
        self.order_key(number).to_string()
    }

    fn order_key(&self, number: u64) -> OrderKey {
        key::order_key(CHANNEL, self.external_id(number).as_bytes())
    }

    fn external_id(&self, number: u64) -> String {
        format!("{}-m{number:05}", self.seed)
    }

    /// Places so many orders; returns their numbers.
    pub(in crate::cli::demo) fn place(&mut self, count: u64) -> anyhow::Result<Range<u64>> {
        let first = self.placed;
        while self.placed < first + count {
            let until = (first + count).min(self.placed + BATCH);
            self.place_batch(until)?;
        }
        Ok(first..self.placed)
    }

    fn place_batch(&mut self, until: u64) -> anyhow::Result<()> {
        let line = Line {
            sku: self.sku,
            quantity: 1,
            location: LocationId::ANY,
        };
        let numbers = self.placed..until;
        let messages = numbers.clone().map(|number| {
            let encoded = details::encode(&self.details(number), 1);
            encoded.map_err(|error| anyhow::anyhow!("details of order {number}: {error:?}"))
        });
        let messages = messages.collect::<anyhow::Result<Vec<_>>>()?;
        let orders: Vec<ReserveItem<'_>> = numbers
            .zip(&messages)
            .map(|(number, details)| ReserveItem {
                key: self.order_key(number),
                customer: 1_000_000 + number,
                total: TOTAL_CENTS,
                ttl_ms: TTL_MS,
                version: 1,
                channel: CHANNEL,
                currency: CURRENCY,
                flags: reserve_flags::PLACE,
                destination: None,
                lines: Lines::new(std::slice::from_ref(&line)),
                details,
            })
            .collect();
        for answer in self.connection.reserve(&orders)? {
            let code = answer.item.code;
            ensure!(code == ResultCode::Ok, "an order was refused: {code}");
        }
        self.placed = until;
        Ok(())
    }

    fn details(&self, number: u64) -> OrderDetails {
        let address = vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()];
        OrderDetails {
            external_id: self.external_id(number),
            contact_name: format!("Ana Ruiz {number}"),
            email: format!("ana.{number}@example.com"),
            phone: format!("+3460{number:07}"),
            shipping_address: address.clone(),
            billing_address: address,
            country: "ES".to_owned(),
            payment_token: "pm_card_visa".to_owned(),
            unit_prices: vec![TOTAL_CENTS],
            ip: format!("10.0.{}.{}", number >> 8 & 255, number & 255),
            device: format!("device-{}-{number}", self.seed),
            session: format!("session-{number}"),
            checkout_seconds: 90,
            custom_handling: String::new(),
        }
    }

    /// How far these orders are.
    pub(super) fn way(&mut self, orders: &Range<u64>) -> anyhow::Result<Way> {
        let keys: Vec<OrderKey> = orders
            .clone()
            .map(|number| self.order_key(number))
            .collect();
        let mut way = Way::default();
        for answer in self.connection.query_orders(&keys)? {
            use OrderState::{Completed, Confirmed, Delivered, Fulfilling, Review, Shipped};
            let Some(state) = answer.summary.state else {
                way.unknown += 1;
                continue;
            };
            let shipped = matches!(state, Shipped | Delivered | Completed);
            let confirmed = shipped || matches!(state, Confirmed | Fulfilling);
            way.confirmed += u64::from(confirmed);
            way.shipped += u64::from(shipped);
            way.completed += u64::from(state == Completed);
            way.review += u64::from(state == Review);
        }
        Ok(way)
    }
}
