//! Shipping rates, and what is remembered of them for when the provider has none to give.
//!
//! Every list of rates that arrives is kept under where the parcel starts, the first characters of
//! its postcode, its country and its weight class. When the provider cannot be asked, the kept list
//! answers in its place (marked as such); the next list that arrives replaces it, and the two are
//! compared: `onhand_rate_cache_compared_total` says how often the kept price of a service lay
//! within 1 % of the real one, which is how far a kept price can be trusted.

use crate::metrics::{RATE_QUOTES, RATES_COMPARED};
use crate::types::money;
use lru::LruCache;
use parking_lot::Mutex;
use serde_json::Value;
use std::num::NonZeroUsize;

/// Most lists of rates that are kept; beyond, the one not used for longest goes.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Most rates of one list that are looked at.
const RATES_MAX: usize = 64;

/// Characters of a postcode that tell its region.
const POSTCODE_PREFIX_CHARS: usize = 3;

/// One carrier's price for a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The provider's id, for buying; worthless once the list is kept.
    pub id: String,
    /// The carrier, such as `USPS`.
    pub carrier: String,
    /// Its service, such as `Priority`.
    pub service: String,
    /// The price in minor units.
    pub amount: u64,
    /// ISO 4217 number.
    pub currency: u16,
    /// Days on the way, where the carrier says.
    pub days: Option<u64>,
}

impl Rate {
    /// The price for people: `5.93 USD`.
    #[must_use]
    pub fn price(&self) -> String {
        let decimal = money::decimal(self.amount, self.currency).unwrap_or_default();
        format!(
            "{decimal} {}",
            money::alpha(self.currency).unwrap_or_default()
        )
    }
}

/// The rates in a provider's list; entries that are no rates are left out.
#[must_use]
pub fn parse(list: &Value) -> Vec<Rate> {
    let rate = |entry: &Value| {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        let currency = money::number(entry.get("currency")?.as_str()?)?;
        Some(Rate {
            id: text("id")?,
            carrier: text("carrier")?,
            service: text("service")?,
            amount: money::from_json(entry.get("rate")?, currency)?,
            currency,
            days: entry.get("delivery_days").and_then(Value::as_u64),
        })
    };
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().take(RATES_MAX).filter_map(rate).collect()
}

/// Which rate is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The lowest price.
    Cheapest,
    /// The fewest days, then the lowest price; services that give no days come last.
    Fastest,
    /// The cheapest of one carrier, or of one of its services.
    Of {
        /// The carrier.
        carrier: String,
        /// The service; empty: any.
        service: String,
    },
}

impl Choice {
    /// `cheapest`, `fastest`, `CARRIER` or `CARRIER/SERVICE`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "cheapest" => Self::Cheapest,
            "fastest" => Self::Fastest,
            _ => {
                let (carrier, service) = text.split_once('/').unwrap_or((text, ""));
                Self::Of {
                    carrier: carrier.to_owned(),
                    service: service.to_owned(),
                }
            }
        }
    }

    /// The rate that it takes; `None` where none fits. Equal rates: the first of the list.
    #[must_use]
    pub fn of<'a>(&self, rates: &'a [Rate]) -> Option<&'a Rate> {
        match self {
            Self::Cheapest => rates.iter().min_by_key(|rate| rate.amount),
            Self::Fastest => rates
                .iter()
                .min_by_key(|rate| (rate.days.unwrap_or(u64::MAX), rate.amount)),
            Self::Of { carrier, service } => rates
                .iter()
                .filter(|rate| rate.carrier.eq_ignore_ascii_case(carrier))
                .filter(|rate| service.is_empty() || rate.service.eq_ignore_ascii_case(service))
                .min_by_key(|rate| rate.amount),
        }
    }
}

/// What makes two parcels cost the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateKey {
    origin: String,
    country: String,
    prefix: String,
    weight_class: u32,
}

impl RateKey {
    /// The key of a parcel: postcode of origin, country and postcode of destination, ounces.
    /// Weight classes are whole ounces below a pound and whole pounds above, rounded up.
    #[must_use]
    pub fn new(origin: &str, country: &str, postcode: &str, ounces: f64) -> Self {
        let region = |postcode: &str| {
            let letters = postcode.chars().filter(|c| c.is_alphanumeric());
            letters.take(POSTCODE_PREFIX_CHARS).collect::<String>()
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
        let class = match ounces.clamp(0.0, 1e6) {
            light if light < 16.0 => light.ceil() as u32,
            heavy => 16 * (heavy / 16.0).ceil() as u32,
        };
        Self {
            origin: region(origin),
            country: country.to_owned(),
            prefix: region(postcode),
            weight_class: class,
        }
    }
}

/// The lists that were seen last.
#[derive(Debug)]
pub struct RateCache {
    kept: Mutex<LruCache<RateKey, Vec<Rate>>>,
}

impl Default for RateCache {
    fn default() -> Self {
        Self {
            kept: Mutex::new(LruCache::new(KEPT_MAX)),
        }
    }
}

impl RateCache {
    /// Keeps a list that has just arrived, and compares it with the one kept before. Gives how many
    /// services were compared, and how many of them lay within 1 %.
    pub fn refresh(&self, key: RateKey, rates: &[Rate]) -> (u64, u64) {
        metrics::counter!(RATE_QUOTES, "source" => "live").increment(1);
        let before = self
            .kept
            .lock()
            .put(key, rates.to_vec())
            .unwrap_or_default();
        let (mut compared, mut within) = (0, 0);
        for old in &before {
            let same = |new: &&Rate| {
                (&new.carrier, &new.service, new.currency)
                    == (&old.carrier, &old.service, old.currency)
            };
            if let Some(new) = rates.iter().find(same) {
                compared += 1;
                within += u64::from(within_one_percent(old.amount, new.amount));
            }
        }
        metrics::counter!(RATES_COMPARED, "within" => "yes").increment(within);
        metrics::counter!(RATES_COMPARED, "within" => "no").increment(compared - within);
        (compared, within)
    }

    /// The list kept for such a parcel, where the provider has none to give.
    pub fn fall_back(&self, key: &RateKey) -> Option<Vec<Rate>> {
        let kept = self.kept.lock().get(key).cloned();
        let source = if kept.is_some() { "kept" } else { "none" };
        metrics::counter!(RATE_QUOTES, "source" => source).increment(1);
        kept
    }
}

fn within_one_percent(kept: u64, real: u64) -> bool {
    kept.abs_diff(real).saturating_mul(100) <= real
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rate(carrier: &str, service: &str, amount: u64, days: Option<u64>) -> Rate {
        Rate {
            id: format!("rate_{carrier}{service}"),
            carrier: carrier.into(),
            service: service.into(),
            amount,
            currency: 840,
            days,
        }
    }

    #[test]
    fn a_list_of_rates_is_read_without_its_broken_entries() {
        let list = json!([
            {"id": "rate_1", "carrier": "USPS", "service": "Priority", "rate": "5.93",
             "currency": "USD", "delivery_days": 2},
            {"id": "rate_2", "carrier": "USPS", "service": "First", "rate": "many",
             "currency": "USD"},
            {"id": "rate_3", "carrier": "UPS", "rate": "5.93", "currency": "USD"},
            null,
        ]);
        let rates = parse(&list);
        assert_eq!(rates.len(), 1);
        assert_eq!(
            (rates[0].amount, rates[0].price()),
            (593, "5.93 USD".to_owned())
        );
        assert_eq!(parse(&json!("no list")), Vec::new());
    }

    #[test]
    fn the_setting_chooses_the_rate() {
        let rates = [
            rate("USPS", "Ground", 500, Some(5)),
            rate("UPS", "Air", 900, Some(1)),
            rate("UPS", "Ground", 700, None),
        ];
        for (setting, chosen) in [
            ("cheapest", Some("rate_USPSGround")),
            ("fastest", Some("rate_UPSAir")),
            ("ups", Some("rate_UPSGround")),
            ("UPS/Air", Some("rate_UPSAir")),
            ("FedEx", None),
        ] {
            let found = Choice::parse(setting)
                .of(&rates)
                .map(|rate| rate.id.as_str());
            assert_eq!(found, chosen, "{setting}");
        }
        assert_eq!(Choice::Cheapest.of(&[]), None);
    }

    #[test]
    fn parcels_to_one_region_in_one_weight_class_share_their_rates() {
        let key = |postcode, ounces| RateKey::new("28013", "US", postcode, ounces);
        assert_eq!(key("941 04", 12.1), key("94199", 13.0));
        assert_eq!(key("94104", 17.0), key("94104", 32.0));
        assert_ne!(key("94104", 12.0), key("94104", 13.0));
        assert_ne!(key("94104", 12.0), key("95104", 12.0));
        assert_ne!(
            key("94104", 12.0),
            RateKey::new("10001", "US", "94104", 12.0)
        );
    }

    #[test]
    fn kept_rates_answer_until_new_ones_arrive_and_are_measured_against_them() {
        let cache = RateCache::default();
        let key = RateKey::new("28013", "US", "94104", 12.0);
        assert_eq!(cache.fall_back(&key), None);
        let old = [
            rate("USPS", "Ground", 1_000, None),
            rate("UPS", "Air", 1_000, None),
        ];
        assert_eq!(cache.refresh(key.clone(), &old), (0, 0));
        assert_eq!(cache.fall_back(&key).unwrap(), old);
        let new = [
            rate("USPS", "Ground", 1_010, None),
            rate("UPS", "Air", 1_011, None),
        ];
        assert_eq!(cache.refresh(key.clone(), &new), (2, 1));
        assert_eq!(cache.fall_back(&key).unwrap(), new);
    }
}
