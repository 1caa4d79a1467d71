//! A flash sale on five markets: how old the stock is that they acknowledge, and what is oversold.

use std::fmt;

use anyhow::Result;
use onhand::clock::monotonic_ns;

use super::exposition::Buckets;
use super::sale::{Rule, Sale};
use super::shops::SHOPS;
use super::stand::ChannelStand;
use super::verdict::{Asked, Verdict};
use crate::args::ChannelsArguments;
use crate::tally::Latency;

/// The server's own histogram, from the commit of a figure to the acknowledgement of it or of a
/// newer one.
const LAG: &str = "onhand_publish_lag_seconds";

/// What is asked of the lag, in seconds: a bound of the histogram.
const ASKED_S: f64 = 0.1;

/// Calls that tell what one takes alone.
const CALLS: usize = 100;

/// One sale.
#[derive(Debug, serde::Serialize)]
pub struct PublishReport {
    /// Markets held their documented rate limits.
    pub real_limits: bool,
    /// What each channel had: `quota` or `pool`.
    pub rule: &'static str,
    /// SKUs on sale.
    pub skus: usize,
    /// Units of each.
    pub units: u32,
    /// Buyers a second at each market.
    pub buyers_per_s: f64,
    /// Units sold and granted.
    pub sold: u64,
    /// Units sold beyond a quota, or beyond the pool.
    pub oversold: u64,
    /// By channel; the last row is all of them.
    pub lags: Vec<Lag>,
    /// One call of a market's alone, while nothing is sold: p50 in microseconds.
    pub call_us: f64,
}

/// How old acknowledged stock was.
#[derive(Debug, serde::Serialize)]
pub struct Lag {
    /// Channel, or `all`.
    pub channel: &'static str,
    /// Figures acknowledged.
    pub count: u64,
    /// At most so many milliseconds: the bound of the bucket that the median is in.
    pub p50_ms: f64,
    /// The same of the 99th percentile.
    pub p99_ms: f64,
    /// Acknowledged within 100 ms, in percent.
    pub within_percent: f64,
}

/// A size of a sale.
#[derive(Clone, Copy)]
struct Size {
    skus: usize,
    units: u32,
    buyers_per_s: f64,
    seconds: f64,
}

/// Both rules with the limits off, then (unless it is to be quick) with the real ones.
pub fn measure(arguments: &ChannelsArguments) -> Result<Vec<PublishReport>> {
    let size = if arguments.quick {
        Size {
            skus: 2,
            units: 50,
            buyers_per_s: 10.0,
            seconds: 2.0,
        }
    } else {
        Size {
            skus: 20,
            units: 200,
            buyers_per_s: 40.0,
            seconds: 20.0,
        }
    };
    let mut reports = Vec::new();
    // A catalogue that takes 100 writes an hour needs minutes to come to rest.
    let limits: &[bool] = if arguments.quick {
        &[false]
    } else {
        &[false, true]
    };
    for &real_limits in limits {
        let stand = ChannelStand::in_process(arguments, real_limits)?;
        stand.tell_orders()?;
        let markets = u32::try_from(SHOPS.len())?;
        for (name, rule) in [
            ("quota", Rule::Quota(size.units / markets)),
            ("pool", Rule::Pool(0)),
        ] {
            eprintln!("publish: {name}, real limits {real_limits}");
            reports.push(sell(&stand, real_limits, (name, rule), size)?);
        }
    }
    Ok(reports)
}

fn sell(
    stand: &ChannelStand,
    real_limits: bool,
    (name, rule): (&'static str, Rule),
    size: Size,
) -> Result<PublishReport> {
    let skus = (0..size.skus).map(|number| format!("{name}-{number}"));
    let mut sale = Sale::new(stand, skus.collect(), size.units)?;
    sale.rule(rule)?;
    sale.settle()?;
    let call_us = call_alone(&sale)?;
    let before = stand.metrics()?;
    let first = format!("{name}-");
    for number in 0..size.skus {
        // A market draws from everything that it has: other sales' SKUs, too.
        let sku = format!("{first}{number}");
        let rate = size.buyers_per_s / size.skus as f64;
        sale.open(rate, size.seconds, Some(&sku))?;
    }
    let sold = sale.close(size.seconds)?;
    sale.settle()?;
    let after = stand.metrics()?;
    let oversold = sold.iter().map(|sku| match rule {
        Rule::Quota(units) => sku.beyond_quotas(units) + sku.beyond_stock(),
        Rule::Pool(_) => sku.beyond_stock(),
    });
    Ok(PublishReport {
        real_limits,
        rule: name,
        skus: size.skus,
        units: size.units,
        buyers_per_s: size.buyers_per_s,
        oversold: oversold.sum(),
        sold: sold.iter().map(|sku| sku.promised).sum(),
        lags: lags(&before, &after),
        call_us,
    })
}

/// What one call of a market's takes while nothing is sold: p50 in microseconds.
fn call_alone(sale: &Sale<'_>) -> Result<f64> {
    let mut latency = Latency::default();
    for shop in SHOPS.iter().take(1) {
        for _ in 0..CALLS {
            let start_ns = monotonic_ns();
            sale.truth(shop)?;
            latency.record(monotonic_ns() - start_ns, 1);
        }
    }
    Ok(latency.summary().p50)
}

/// By channel, and all of them, from two pages of metrics.
fn lags(before: &str, after: &str) -> Vec<Lag> {
    let mut all = Buckets::default();
    let mut lags = Vec::new();
    for shop in &SHOPS {
        let read = |page: &str| Buckets::read(page, LAG, shop.kind);
        let buckets = read(after).since(&read(before));
        lags.push(Lag::of(shop.kind, &buckets));
        all.merge(&buckets);
    }
    lags.push(Lag::of("all", &all));
    lags
}

impl Lag {
    fn of(channel: &'static str, buckets: &Buckets) -> Self {
        let within = buckets.up_to(ASKED_S) as f64 * 100.0;
        Self {
            channel,
            count: buckets.count(),
            p50_ms: buckets.at_most(0.5) * 1e3,
            p99_ms: buckets.at_most(0.99) * 1e3,
            within_percent: within / buckets.count().max(1) as f64,
        }
    }
}

/// A verdict behind its figure; nothing where nothing is asked.
fn in_brackets(verdict: Option<Verdict>) -> String {
    verdict.map_or_else(String::new, |verdict| format!(" ({verdict})"))
}

/// A bound in words: the last bucket has none.
fn at_most(ms: f64) -> String {
    if ms.is_finite() {
        format!("<= {ms} ms")
    } else {
        "> 10 s".to_owned()
    }
}

impl PublishReport {
    /// What is asked of an age where no market limits the calls: of the 99th percentile, 100 ms.
    fn lag_verdict(&self, lag: &Lag) -> Option<Verdict> {
        let p99_ms = Some(lag.p99_ms).filter(|_| lag.count > 0);
        (!self.real_limits).then(|| Asked::AtMost(ASKED_S * 1e3).of(p99_ms))
    }

    /// Of units of its own nothing may be oversold; a shared pool promises no such thing.
    fn oversold_verdict(&self) -> Option<Verdict> {
        let oversold = Some(self.oversold as f64);
        (self.rule == "quota").then(|| Asked::AtMost(0.0).of(oversold))
    }

    /// Nothing that was guaranteed to one channel was sold by another.
    pub fn is_right(&self) -> bool {
        self.rule != "quota" || self.oversold == 0
    }
}

impl fmt::Display for PublishReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = if self.real_limits { "real" } else { "off" };
        write!(
            f,
            "sale on five markets, limits {limits}, {}: {} SKUs of {} units, {} buyers/s at each \
             market: {} sold, {} oversold{}; a call to a market alone takes {:.1} ms",
            self.rule,
            self.skus,
            self.units,
            self.buyers_per_s,
            self.sold,
            self.oversold,
            in_brackets(self.oversold_verdict()),
            self.call_us / 1e3
        )?;
        for lag in &self.lags {
            write!(
                f,
                "\n  {:<12} {:>7} figures acknowledged: p50 {}, p99 {}{}; {:.2} % \
                 within 100 ms",
                lag.channel,
                lag.count,
                at_most(lag.p50_ms),
                at_most(lag.p99_ms),
                in_brackets(self.lag_verdict(lag)),
                lag.within_percent
            )?;
        }
        let all = self.lags.last().filter(|all| all.count > 0);
        let ratio = all.map(|all| all.p50_ms * 1e3 / self.call_us);
        ratio.map_or(Ok(()), |ratio| {
            write!(f, "\n  p50 of all, of a call's: {ratio:.1}")
        })
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact values
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn page(fast: u64, slow: u64) -> String {
        let lines = [("0.05", fast), ("0.1", fast), ("0.2", fast + slow)];
        let mut page = String::new();
        for channel in ["shopify", "tiktok"] {
            for (bound, count) in lines {
                let labels = format!("channel=\"{channel}\",le=\"{bound}\"");
                writeln!(page, "{LAG}_bucket{{{labels}}} {count}").unwrap();
            }
            let labels = format!("channel=\"{channel}\",le=\"+Inf\"");
            writeln!(page, "{LAG}_bucket{{{labels}}} {}", fast + slow).unwrap();
        }
        page
    }

    #[test]
    fn what_is_asked_is_held_against_ages_without_limits_and_quotas_only() {
        let report = |real_limits, rule, oversold| PublishReport {
            real_limits,
            rule,
            skus: 1,
            units: 1,
            buyers_per_s: 1.0,
            sold: 1,
            oversold,
            lags: lags(&page(5, 0), &page(100, 5)),
            call_us: 1.0,
        };
        let quota = report(false, "quota", 0);
        let said = quota.to_string();
        assert!(
            said.contains("1 sold, 0 oversold (asked <= 0: met);"),
            "{said}"
        );
        assert!(
            said.contains("p99 <= 200 ms (asked <= 100: NOT MET);"),
            "{said}"
        );
        assert!(said.contains("(asked <= 100: not measured)"), "{said}");
        assert!(quota.is_right(), "slow is not wrong");
        assert!(!report(false, "quota", 1).is_right());
        let pool = report(true, "pool", 1);
        assert!(pool.is_right() && !pool.to_string().contains("asked"));
    }

    #[test]
    fn lags_are_of_the_sale_alone_by_channel_and_together() {
        let lags = lags(&page(5, 0), &page(100, 5));
        let row = |place: usize| (lags[place].channel, lags[place].count, lags[place].p99_ms);
        assert_eq!(row(0), ("shopify", 100, 200.0));
        assert_eq!(row(1), ("woocommerce", 0, 0.0));
        assert_eq!(row(5), ("all", 200, 200.0));
        assert_eq!((lags[5].p50_ms, lags[5].within_percent), (50.0, 95.0));
        assert_eq!(
            (at_most(50.0), at_most(f64::INFINITY)),
            ("<= 50 ms".to_owned(), "> 10 s".to_owned())
        );
    }
}
