//! Customers whose orders walk through the process: placing them, and seeing how far they are.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use onhand::client::{ConnectOptions, Connection};
use onhand::clock::{monotonic_ns, sleep_ms};
use onhand::types::{ChannelId, LocationId, OrderDetails, OrderKey, OrderState, ResultCode, SkuId};
use onhand::wire::request::{Line, Lines, ReserveItem, reserve_flags};
use onhand::wire::{details, key};

use crate::control::Control;

/// Orders in one frame: their details must fit into it.
const BATCH: usize = 500;
/// Price of an order in cents.
const TOTAL_CENTS: u64 = 4_470;
/// Euro, by its ISO 4217 number.
const CURRENCY: u16 = 978;
const CHANNEL: ChannelId = ChannelId(0);
/// The tenant of these orders: beside the load generator's own.
pub const TENANT: &str = "process";

/// See the module.
pub struct Crowd {
    connection: Connection,
    sku: SkuId,
    seed: u64,
    placed: u64,
}

/// How many orders are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// Asked about.
    pub asked: u64,
    /// CONFIRMED or further.
    pub confirmed: u64,
    /// SHIPPED or further.
    pub shipped: u64,
    /// In REVIEW.
    pub review: u64,
    /// Ended without being shipped.
    pub ended: u64,
    /// Not known to the server.
    pub unknown: u64,
}

impl Crowd {
    /// Connects, and puts `units` on hand.
    pub fn new(server: SocketAddr, seed: u64, units: u32) -> Result<Self> {
        let mut control = Control::connect(server, TENANT, "")?;
        let location: LocationId = control.define_location("berlin")?;
        let skus = control.define_skus(&["mug-red".to_owned()])?;
        let &sku = skus.first().context("the server knows no SKU")?;
        if units > 0 {
            control.receive(location, &[(sku, units)])?;
        }
        let mut options = ConnectOptions::new(&server.to_string(), "", TENANT);
        "onhand-loadgen".clone_into(&mut options.client);
        options.timeout_ms = 60_000;
        Ok(Self {
            connection: Connection::connect(&options)?,
            sku,
            seed,
            placed: 0,
        })
    }

    /// The key of order `number`.
    pub fn key(&self, number: u64) -> OrderKey {
        key::order_key(CHANNEL, external_id(self.seed, number).as_bytes())
    }

    /// Places the next `count` orders, a batch a frame.
    pub fn place(&mut self, count: u64) -> Result<()> {
        let end = self.placed + count;
        while self.placed < end {
            let until = end.min(self.placed + BATCH as u64);
            self.place_batch(until)?;
        }
        Ok(())
    }

    fn place_batch(&mut self, until: u64) -> Result<()> {
        let line = Line {
            sku: self.sku,
            quantity: 1,
            location: LocationId::ANY,
        };
        let messages = (self.placed..until)
            .map(|number| {
                let details = details_of(self.seed, number);
                details::encode(&details, 1).map_err(|error| anyhow::anyhow!("{error:?}"))
            })
            .collect::<Result<Vec<_>>>()?;
        let orders: Vec<ReserveItem<'_>> = (self.placed..until)
            .zip(&messages)
            .map(|(number, details)| ReserveItem {
                key: self.key(number),
                customer: number + 1,
                total: TOTAL_CENTS,
                ttl_ms: 900_000,
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

    /// How far orders `from .. until` are.
    pub fn progress(&mut self, from: u64, until: u64) -> Result<Progress> {
        let keys: Vec<OrderKey> = (from..until).map(|number| self.key(number)).collect();
        let mut progress = Progress {
            asked: keys.len() as u64,
            ..Progress::default()
        };
        for answer in self.connection.query_orders(&keys)? {
            let state = answer.summary.state;
            progress.unknown += u64::from(state.is_none());
            let Some(state) = state else { continue };
            progress.confirmed += u64::from(is_confirmed(state));
            progress.shipped += u64::from(is_shipped(state));
            progress.review += u64::from(state == OrderState::Review);
            progress.ended += u64::from(state.is_terminal() && !is_shipped(state));
        }
        Ok(progress)
    }

    /// Waits until all of orders `from .. until` are `far` enough; asks every `every_ms`.
    pub fn wait(
        &mut self,
        (from, until): (u64, u64),
        (every_ms, seconds_max): (u64, u64),
        far: impl Fn(&Progress) -> u64,
    ) -> Result<Progress> {
        let end_ns = monotonic_ns() + seconds_max * 1_000_000_000;
        loop {
            let progress = self.progress(from, until)?;
            if far(&progress) == progress.asked {
                return Ok(progress);
            }
            ensure!(
                monotonic_ns() < end_ns,
                "after {seconds_max} s: {progress:?}"
            );
            sleep_ms(every_ms);
        }
    }

    /// First moment at which each of some orders was seen CONFIRMED, in nanoseconds since
    /// `since_ns`; asks as fast as the server answers.
    pub fn watch_confirmed(
        &mut self,
        numbers: &[u64],
        since_ns: u64,
        seconds_max: u64,
    ) -> Result<Vec<u64>> {
        let mut open: Vec<OrderKey> = numbers.iter().map(|&number| self.key(number)).collect();
        let mut seen = Vec::with_capacity(open.len());
        let end_ns = monotonic_ns() + seconds_max * 1_000_000_000;
        while !open.is_empty() {
            let confirmed = self.confirmed_of(&open)?;
            let now_ns = monotonic_ns();
            ensure!(now_ns < end_ns, "{} orders were not confirmed", open.len());
            seen.extend(confirmed.iter().map(|_| now_ns - since_ns));
            open.retain(|key| !confirmed.contains(key));
            sleep_ms(2);
        }
        Ok(seen)
    }

    /// Which of these orders are CONFIRMED or further.
    pub fn confirmed_of(&mut self, keys: &[OrderKey]) -> Result<Vec<OrderKey>> {
        let answers = self.connection.query_orders(keys)?;
        let confirmed = answers
            .iter()
            .filter(|it| it.summary.state.is_some_and(is_confirmed));
        Ok(confirmed.map(|it| it.summary.key).collect())
    }
}

fn is_confirmed(state: OrderState) -> bool {
    matches!(state, OrderState::Confirmed | OrderState::Fulfilling) || is_shipped(state)
}

fn is_shipped(state: OrderState) -> bool {
    matches!(
        state,
        OrderState::Shipped | OrderState::Delivered | OrderState::Completed
    )
}

fn external_id(seed: u64, number: u64) -> String {
    format!("p{seed}-{number}")
}

/// A buyer like any other: every one their own address and card.
fn details_of(seed: u64, number: u64) -> OrderDetails {
    OrderDetails {
        external_id: external_id(seed, number),
        contact_name: format!("Ana Ruiz {number}"),
        email: format!("ana{seed}.{number}@example.com"),
        phone: format!("+3460{number:07}"),
        shipping_address: vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()],
        billing_address: vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()],
        country: "ES".to_owned(),
        payment_token: format!("pm_card_{seed}_{number}"),
        unit_prices: vec![TOTAL_CENTS],
        ip: format!(
            "10.{}.{}.{}",
            number >> 16 & 255,
            number >> 8 & 255,
            number & 255
        ),
        device: format!("device-{seed}-{number}"),
        session: format!("session-{number}"),
        checkout_seconds: 60 + u32::try_from(number % 120).unwrap_or(0),
        custom_handling: String::new(),
    }
}
