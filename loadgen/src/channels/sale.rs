//! A sale on all five markets, and what it did to the stock.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use onhand::clock::{monotonic_ns, sleep_ms};
use onhand::types::{LocationId, SkuId};
use onhand::wire::reply::CellValues;
use reqwest::Method;
use serde_json::{Value, json};

use super::shops::{SHOPS, Shop, TENANT};
use super::stand::ChannelStand;
use crate::control::Control;

/// Longest wait for markets and server to come to rest, in nanoseconds.
const REST_NS_MAX: u64 = 300_000_000_000;

/// Between two looks, in milliseconds.
const LOOK_MS: u64 = 200;

/// Looks in a row that must see the same.
const SAME_LOOKS: u32 = 5;

/// What a channel gets of a SKU.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// So many units that nobody else may sell.
    Quota(u32),
    /// The pool less so many units.
    Pool(u32),
}

/// SKUs that are sold on all markets.
pub struct Sale<'a> {
    stand: &'a ChannelStand,
    control: Control,
    skus: Vec<String>,
    handles: Vec<SkuId>,
    location: LocationId,
    /// Of each SKU.
    units: u32,
}

/// One SKU at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sold {
    /// Units that each market that sells by itself has sold and not cancelled.
    pub by_market: Vec<u64>,
    /// Units that the engine owes: those, and wishes that it granted.
    pub promised: u64,
    /// Units that there were.
    pub units: u64,
}

impl Sold {
    /// Units sold beyond what there was. A market's own account counts where the engine knows of
    /// fewer.
    pub fn beyond_stock(&self) -> u64 {
        let markets: u64 = self.by_market.iter().sum();
        self.promised.max(markets).saturating_sub(self.units)
    }

    /// Units that markets sold beyond a quota that each had of its own.
    pub fn beyond_quotas(&self, quota: u32) -> u64 {
        let markets = self.by_market.iter();
        markets
            .map(|sold| sold.saturating_sub(u64::from(quota)))
            .sum()
    }
}

impl<'a> Sale<'a> {
    /// Puts `units` of each SKU on hand, and has all markets know them.
    pub fn new(stand: &'a ChannelStand, skus: Vec<String>, units: u32) -> Result<Self> {
        let mut control = Control::connect(stand.address(), TENANT, "")?;
        let location = control.define_location("berlin")?;
        let handles = control.define_skus(&skus)?;
        let stock: Vec<(SkuId, u32)> = handles.iter().map(|&sku| (sku, units)).collect();
        control.receive(location, &stock)?;
        stand.define_items(&skus, 0)?;
        Ok(Self {
            stand,
            control,
            skus,
            handles,
            location,
            units,
        })
    }

    /// Gives every channel the same of every SKU.
    pub fn rule(&self, rule: Rule) -> Result<()> {
        let (name, units) = match rule {
            Rule::Quota(units) => ("quota", units),
            Rule::Pool(buffer) => ("pool", buffer),
        };
        for shop in &SHOPS {
            let path = format!("/channels/{}/rules", shop.number);
            for sku in &self.skus {
                let body = json!({ "sku": sku, "rule": name, "units": units });
                self.stand.rest(Method::PUT, &path, Some(&body))?;
            }
        }
        Ok(())
    }

    /// Buyers come to every market, so many a second, for any of the SKUs or for one.
    pub fn open(&self, per_second: f64, seconds: f64, sku: Option<&str>) -> Result<()> {
        let body = json!({ "rate": per_second, "seconds": seconds, "sku": sku });
        for shop in &SHOPS {
            self.stand.control(shop, "run", &body)?;
        }
        Ok(())
    }

    /// Waits until every market shows what the server would have it show.
    pub fn settle(&self) -> Result<()> {
        let end_ns = monotonic_ns() + REST_NS_MAX;
        for shop in &SHOPS {
            while !self.is_shown(shop)? {
                if monotonic_ns() > end_ns {
                    bail!("{} does not show what it should", shop.kind);
                }
                sleep_ms(LOOK_MS);
            }
        }
        Ok(())
    }

    fn is_shown(&self, shop: &Shop) -> Result<bool> {
        let truth = self.truth(shop)?;
        let query: Vec<String> = self.skus.iter().map(|sku| format!("sku={sku}")).collect();
        let path = format!("/channels/{}/stock?{}", shop.number, query.join("&"));
        let wanted = self.stand.rest(Method::GET, &path, None)?;
        let wanted = wanted["stock"].as_array().context("no stock to offer")?;
        Ok(wanted.iter().all(|it| {
            let sku = it["sku"].as_str().unwrap_or_default();
            let shown = truth.get(sku).and_then(|item| item["stock"].as_i64());
            shown.is_some() && shown == it["quantity"].as_i64()
        }))
    }

    /// A market's own account, by SKU.
    pub fn truth(&self, shop: &Shop) -> Result<BTreeMap<String, Value>> {
        let truth = self.stand.control(shop, "truth", &json!({}))?;
        let items = truth["items"].as_array().context("no items")?;
        let named = items.iter().filter_map(|item| {
            let sku = item["sku"].as_str()?.to_owned();
            Some((sku, item.clone()))
        });
        Ok(named.collect())
    }

    /// What was sold so far.
    pub fn sold(&mut self) -> Result<Vec<Sold>> {
        let mut all: Vec<Sold> = self
            .control
            .stock(&self.handles, self.location)?
            .iter()
            .map(|cell| Sold {
                by_market: Vec::new(),
                promised: promised(cell, self.units),
                units: u64::from(self.units),
            })
            .collect();
        for shop in SHOPS.iter().filter(|shop| !shop.takes_wishes()) {
            let truth = self.truth(shop)?;
            for (sku, sold) in self.skus.iter().zip(&mut all) {
                let count = |name: &str| truth.get(sku).and_then(|it| it[name].as_u64());
                let (taken, back) = (count("sold"), count("cancelled"));
                let taken = taken.with_context(|| format!("{} has no {sku}", shop.kind))?;
                sold.by_market.push(taken.saturating_sub(back.unwrap_or(0)));
            }
        }
        Ok(all)
    }

    /// Waits until nobody buys any more and every order is known, `seconds` after it was opened at
    /// the earliest; returns what was sold.
    pub fn close(&mut self, seconds: f64) -> Result<Vec<Sold>> {
        let open_ns = nanoseconds(seconds);
        let (start_ns, mut same) = (monotonic_ns(), 0);
        let mut last = Vec::new();
        loop {
            sleep_ms(LOOK_MS);
            let now = self.sold()?;
            let known = now
                .iter()
                .all(|sold| sold.promised >= sold.by_market.iter().sum());
            same = if known && now == last { same + 1 } else { 0 };
            last = now;
            let waited_ns = monotonic_ns() - start_ns;
            if same >= SAME_LOOKS && waited_ns > open_ns {
                return Ok(last);
            }
            if waited_ns > open_ns + REST_NS_MAX {
                bail!("orders of the markets do not become known: {last:?}");
            }
        }
    }
}

/// Units that orders hold, own, or were sent, of so many that came in.
pub fn promised(cell: &CellValues, received: u32) -> u64 {
    let sent = u64::from(received).saturating_sub(u64::from(cell.on_hand));
    sent + u64::from(cell.reserved) + u64::from(cell.committed)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most an hour
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_oversold_by_what_was_promised_or_sold_beyond_them() {
        let sold = |by_market: &[u64], promised| Sold {
            by_market: by_market.to_vec(),
            promised,
            units: 100,
        };
        assert_eq!(sold(&[40, 60], 100).beyond_stock(), 0);
        assert_eq!(
            sold(&[40, 60], 103).beyond_stock(),
            3,
            "wishes granted beyond"
        );
        assert_eq!(
            sold(&[50, 60], 90).beyond_stock(),
            10,
            "markets sold beyond"
        );
        let cell = CellValues {
            on_hand: 70,
            reserved: 5,
            committed: 60,
            ..CellValues::default()
        };
        assert_eq!(promised(&cell, 100), 95, "30 were sent");
        assert_eq!(sold(&[20, 26, 19, 25], 90).beyond_quotas(20), 11);
    }
}
