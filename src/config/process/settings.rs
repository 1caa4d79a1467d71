//! The figures of the order process: one table for the file, its checks and the documents.

use serde::Deserialize;
use toml::Spanned;

use super::Source;
use crate::config::ConfigError;
use crate::config::setting::grouped;
use crate::types::pipeline::{BackorderRule, CaptureOn, ProcessSettings};

/// What people are told about one figure.
pub(super) struct SettingInfo {
    pub key: &'static str,
    pub default: String,
    pub minimum: u64,
    pub maximum: u64,
    pub unit: &'static str,
    pub about: &'static str,
}

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

macro_rules! settings {
    ($($key:ident: $type:ty, $unit:literal, $min:expr => $max:expr, $about:literal;)+) => {
        /// `[settings]` as written.
        #[derive(Deserialize, Default)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct SettingsTable {
            $($key: Option<Spanned<u64>>,)+
            retry_delays_ms: Option<Spanned<Vec<u64>>>,
            capture_on: Option<Spanned<String>>,
            backorder: Option<Spanned<String>>,
            pub(super) facts_preempt_holds: Option<bool>,
        }

        /// Every figure, in the order of the documents.
        pub(super) fn infos() -> Vec<SettingInfo> {
            let defaults = ProcessSettings::default();
            vec![$(SettingInfo {
                key: stringify!($key),
                default: grouped(u64::from(defaults.$key)),
                minimum: $min,
                maximum: $max,
                unit: $unit,
                about: $about,
            }),+]
        }

        /// The figures in force: what is written, over `base`.
        pub(super) fn compile(
            source: &Source<'_>,
            table: &SettingsTable,
            base: ProcessSettings,
        ) -> Result<ProcessSettings, ConfigError> {
            let mut settings = base;
            $(if let Some(given) = &table.$key {
                let value = *given.get_ref();
                let (min, max): (u64, u64) = ($min, $max);
                settings.$key = match <$type>::try_from(value) {
                    Ok(number) if (min..=max).contains(&value) => number,
                    _ => return Err(source.at(given.span(), format!(
                        "`{}` {} is out of range: use {} to {} {}",
                        stringify!($key), grouped(value), grouped(min), grouped(max), $unit,
                    ))),
                };
            })+
            others(source, table, &mut settings)?;
            Ok(settings)
        }
    };
}

settings! {
    pin_ms: u64, "milliseconds", 0 => DAY,
        "How long an open payment attempt keeps the units after the hold's own end.";
    review_ms: u64, "milliseconds", 1_000 => 90 * DAY,
        "Time within which a review should be decided; it is escalated each time it runs out.";
    backorder_ms: u64, "milliseconds", 1_000 => 365 * DAY,
        "How long an order waits for stock; then it is cancelled.";
    backorder_units_max: u64, "units", 0 => 1_000_000_000,
        "Units of one SKU that may wait for stock; 0: no order waits.";
    park_ms: u64, "milliseconds", 1_000 => DAY,
        "How long an event of a provider waits for the order that it is about.";
    ship_ms: u64, "milliseconds", 1_000 => 365 * DAY,
        "From confirmation to shipment; later, the order goes to review.";
    carrier_ms: u64, "milliseconds", 1_000 => 365 * DAY,
        "From shipment to delivery; later, the order goes to review.";
    return_ms: u64, "milliseconds", 0 => 365 * DAY,
        "From delivery to completion: the time in which buyers may send things back.";
    jitter_percent: u8, "per cent", 0 => 100,
        "Added at random to each wait between attempts, so that orders do not retry in step.";
    attempts: u8, "attempts", 1 => 10,
        "Attempts of one effect in all, the first included.";
    compensation_attempts: u8, "attempts", 1 => 255,
        "Attempts to undo something before it becomes a dead letter.";
    compensation_wait_max_ms: u64, "milliseconds", 1_000 => DAY,
        "Longest wait between two attempts to undo something.";
    review_from_score: u8, "score", 0 => 100,
        "Orders with a risk score above this go to review.";
    decline_above_score: u8, "score", 0 => 100,
        "Orders with a risk score above this are declined. Not below `review_from_score`.";
    fail_open_below: u64, "minor units", 0 => 1 << 53,
        "Without a score, orders below this total go on; the rest go to review.";
    buyer_retries: u8, "retries", 0 => 10,
        "How many declines of the bank a buyer may answer with another attempt.";
    breaker_failures: u8, "failures", 1 => 100,
        "Consecutive counted failures of a provider that open its breaker.";
    breaker_open_ms: u64, "milliseconds", 100 => DAY,
        "How long a breaker stays open the first time; doubled each time after that.";
    breaker_open_max_ms: u64, "milliseconds", 100 => DAY,
        "Longest time that a breaker stays open. Not below `breaker_open_ms`.";
    breaker_probes: u8, "probes", 1 => 20,
        "Calls let through a half-open breaker; all of them must succeed to close it.";
    breaker_probe_ms: u64, "milliseconds", 100 => 10 * MINUTE,
        "A probe that has not been answered by then has failed.";
    slow_factor: u8, "times", 0 => 100,
        "Answers this many times slower than usual move traffic to the backup; 0: never.";
    slow_window: u8, "answers", 4 => 32,
        "Answers that the rule about slowness looks at.";
    alert_window_ms: u64, "milliseconds", 0 => DAY,
        "How long alerts of one reason are collected into one message.";
}

/// Those that are no single number, and what must hold between figures.
fn others(
    source: &Source<'_>,
    table: &SettingsTable,
    settings: &mut ProcessSettings,
) -> Result<(), ConfigError> {
    if let Some(given) = &table.retry_delays_ms {
        settings.retry_delays_ms = match <[u64; 3]>::try_from(given.get_ref().as_slice()) {
            Ok(delays) if delays.iter().all(|ms| (1..=DAY).contains(ms)) => delays,
            _ => {
                let message = "`retry_delays_ms` takes three waits of 1 to 86_400_000 \
                               milliseconds, such as [2_000, 4_000, 8_000]";
                return Err(source.at(given.span(), message));
            }
        };
    }
    if let Some(given) = &table.capture_on {
        settings.capture_on = match given.get_ref().as_str() {
            "confirm" => CaptureOn::Confirm,
            "ship" => CaptureOn::Ship,
            other => {
                let message = format!("`capture_on` is `confirm` or `ship`, not `{other}`");
                return Err(source.at(given.span(), message));
            }
        };
    }
    if let Some(given) = &table.backorder {
        settings.backorder = match given.get_ref().as_str() {
            "strict" => BackorderRule::Strict,
            "skip" => BackorderRule::Skip,
            other => {
                let message = format!("`backorder` is `strict` or `skip`, not `{other}`");
                return Err(source.at(given.span(), message));
            }
        };
    }
    if settings.decline_above_score < settings.review_from_score {
        let given = table.decline_above_score.as_ref();
        let span = given.or(table.review_from_score.as_ref());
        let message = format!(
            "`decline_above_score` ({}) is below `review_from_score` ({}): no order could be \
             reviewed",
            settings.decline_above_score, settings.review_from_score
        );
        return Err(source.at(span.map_or(0..0, Spanned::span), message));
    }
    if settings.breaker_open_max_ms < settings.breaker_open_ms {
        let given = table.breaker_open_max_ms.as_ref();
        let span = given.or(table.breaker_open_ms.as_ref());
        let message = "`breaker_open_max_ms` is below `breaker_open_ms`";
        return Err(source.at(span.map_or(0..0, Spanned::span), message));
    }
    Ok(())
}
