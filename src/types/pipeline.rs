//! Pipelines: which steps an order takes, which providers serve them, and the figures of the order
//! process. Compiled from the configuration, journaled as one versioned archive, and pinned by
//! number to every order that enters under it.

mod v1;
mod v2;

use super::numbered;
use rkyv::{Archive, Deserialize, Serialize};

/// Version of the archived layout, journaled beside the bytes. A new field means a new version.
pub const PIPELINES_ARCHIVE_VERSION: u8 = 3;

/// "None" in fields that hold a place in a list.
pub const NO_INDEX: u8 = u8::MAX;

/// Everything that the order process is told by configuration.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineSet {
    /// Names of the providers that steps and messages use, at most `PROVIDERS_MAX`; other fields
    /// hold places in this list.
    pub providers: Vec<String>,
    /// The pipelines, at most `PIPELINES_MAX`.
    pub pipelines: Vec<Pipeline>,
    /// Tried in order; the first whose condition holds chooses the pipeline. An order that none
    /// matches takes the first pipeline.
    pub routes: Vec<Route>,
    /// Which providers tell customers about which milestone.
    pub messages: Vec<Message>,
    /// Providers of team alerts, tried in order.
    pub alert_providers: Vec<u8>,
    /// Providers of CRM records; each gets every order.
    pub crm_providers: Vec<u8>,
    /// Times, attempts and limits.
    pub settings: ProcessSettings,
    /// An order that a channel had sold takes what is missing from the newest unpaid holds.
    pub facts_preempt_holds: bool,
}

/// One ordered list of steps.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// Its name, such as `standard`.
    pub name: String,
    /// Who takes the money.
    pub payment: PaymentMode,
    /// At most `PIPELINE_STEPS_MAX`. Steps before the last payment step run on reserved units;
    /// the order is confirmed (its units committed) before the first fulfilment step.
    pub steps: Vec<Step>,
}

/// Who takes the money of an order.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug, Clone, Copy, PartialEq, Eq))]
#[repr(u8)]
pub enum PaymentMode {
    /// A processor of ours.
    #[default]
    Gateway = 0,
    /// The channel has settled it: no payment step.
    ChannelSettled = 1,
    /// The carrier collects it at the door: no payment step; the amount is due until delivery.
    CashOnDelivery = 2,
    /// A processor of ours, by a method that takes the money at once (a wallet, a code to scan, a
    /// bank transfer): what it authorises is captured, and is undone by a refund.
    OneStep = 3,
}

impl PaymentMode {
    /// The money comes through a processor of ours.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Gateway | Self::OneStep)
    }
}

/// Note of an authorisation that takes the money at once: see [`PaymentMode::OneStep`].
pub const ONE_STEP: &str = "one_step";

/// One step of a pipeline.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Its name, for people.
    pub name: String,
    /// What it does.
    pub kind: StepKind,
    /// The step is skipped by orders for which this does not hold.
    pub when: Condition,
    /// Places in the provider list: primary first, then backups in order. A fulfilment step has
    /// its label providers here.
    pub providers: Vec<u8>,
    /// A fulfilment step's warehouses: primary first, then backups. Empty: none is told.
    pub warehouses: Vec<u8>,
    /// A merchant's own step: whether it is undone by a compensation call.
    pub compensated: bool,
}

/// What a step does.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug, Clone, Copy, PartialEq, Eq))]
#[repr(u8)]
pub enum StepKind {
    /// Scores the risk.
    #[default]
    Fraud = 0,
    /// Authorises the money, and captures it as the settings say.
    Payment = 1,
    /// Label and warehouse, then shipment and delivery.
    Fulfilment = 2,
    /// A signed request to a service of the merchant's.
    Webhook = 3,
}

/// Chooses a pipeline.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// When it applies.
    pub when: Condition,
    /// Place in the list of pipelines.
    pub pipeline: u8,
}

/// Holds where every part of it holds; an empty list or an open bound always holds.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Order totals in minor units, both ends included.
    pub amount_min: u64,
    /// See `amount_min`.
    pub amount_max: u64,
    /// ISO 3166-1 alpha-2 countries of the shipping address.
    pub countries: Vec<[u8; 2]>,
    /// Countries for which it does not hold.
    pub countries_except: Vec<[u8; 2]>,
    /// Channel numbers.
    pub channels: Vec<u16>,
    /// Risk scores, both ends included; an order that has none yet matches only 0 ..= 100.
    pub score_min: u8,
    /// See `score_min`.
    pub score_max: u8,
    /// Tags, all of which the order must have: see [`tag`].
    pub tags: u8,
}

/// Bits of [`Condition::tags`].
pub mod tag {
    /// The order carries instructions for custom handling.
    pub const CUSTOM_HANDLING: u8 = 1;
    /// The order has several lines.
    pub const MULTI_LINE: u8 = 2;
    /// Its units come from several locations.
    pub const SPLIT: u8 = 4;
}

impl Default for Condition {
    /// Holds always.
    fn default() -> Self {
        Self {
            amount_min: 0,
            amount_max: u64::MAX,
            countries: Vec::new(),
            countries_except: Vec::new(),
            channels: Vec::new(),
            score_min: 0,
            score_max: 100,
            tags: 0,
        }
    }
}

/// One message of a milestone.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Number of the milestone (`types::effect::Milestone`).
    pub milestone: u8,
    /// Provider that sends it.
    pub provider: u8,
}

/// When authorised money is captured.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug, Clone, Copy, PartialEq, Eq))]
#[repr(u8)]
pub enum CaptureOn {
    /// As soon as the order is confirmed.
    #[default]
    Confirm = 0,
    /// When everything has shipped.
    Ship = 1,
}

/// Which waiting order gets units of a SKU that arrive.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug, Clone, Copy, PartialEq, Eq))]
#[repr(u8)]
pub enum BackorderRule {
    /// Units that an earlier order waits for go to no later one, and to no new order.
    #[default]
    Strict = 0,
    /// The earliest order that can be covered in full, past those that cannot.
    Skip = 1,
}

numbered! {
    /// Who gets units of one SKU that orders wait for.
    pub enum BackorderQueue {
        /// As the pipelines in force say.
        Default = 0 "default",
        /// See [`BackorderRule::Strict`].
        Strict = 1 "strict",
        /// See [`BackorderRule::Skip`].
        Skip = 2 "skip",
    }
}

impl BackorderQueue {
    /// The rule for a SKU with this setting, where the pipelines in force say `pipelines`.
    #[must_use]
    pub const fn rule(self, pipelines: BackorderRule) -> BackorderRule {
        match self {
            Self::Default => pipelines,
            Self::Strict => BackorderRule::Strict,
            Self::Skip => BackorderRule::Skip,
        }
    }
}

/// The figures of the order process. All times in milliseconds.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// How long an open payment attempt keeps the units after the hold's own end.
    pub pin_ms: u64,
    /// Time within which a review should be decided.
    pub review_ms: u64,
    /// How long an order waits for stock.
    pub backorder_ms: u64,
    /// How long an event waits for its order.
    pub park_ms: u64,
    /// From confirmation to shipment.
    pub ship_ms: u64,
    /// From shipment to delivery.
    pub carrier_ms: u64,
    /// From delivery to completion.
    pub return_ms: u64,
    /// Waits before the second, third and fourth attempt (and every later one of a compensation).
    pub retry_delays_ms: [u64; 3],
    /// Jitter added to a wait, 0 ..= 100 per cent of it, from the order's key and the attempt.
    pub jitter_percent: u8,
    /// Attempts of one effect in all, 1 ..= 10.
    pub attempts: u8,
    /// Attempts of a compensation before it becomes a dead letter.
    pub compensation_attempts: u8,
    /// Longest wait between attempts of a compensation.
    pub compensation_wait_max_ms: u64,
    /// Scores from here on up (exclusive) go to review.
    pub review_from_score: u8,
    /// Scores above it are declined.
    pub decline_above_score: u8,
    /// Without a score, orders below this total (minor units) go on; the rest to review.
    pub fail_open_below: u64,
    /// When money is captured.
    pub capture_on: CaptureOn,
    /// How many hard declines a buyer may answer with another attempt.
    pub buyer_retries: u8,
    /// Consecutive counted failures that open a breaker.
    pub breaker_failures: u8,
    /// First open time; doubles up to `breaker_open_max_ms`.
    pub breaker_open_ms: u64,
    /// Longest open time.
    pub breaker_open_max_ms: u64,
    /// Probes of a half-open breaker, all of which must succeed.
    pub breaker_probes: u8,
    /// A probe that has not answered by then has failed.
    pub breaker_probe_ms: u64,
    /// Answers this many times slower than the baseline move traffic to the backup; 0: never.
    pub slow_factor: u8,
    /// Answers that the latency rule looks at, 4 ..= 32.
    pub slow_window: u8,
    /// How long alerts of one reason are collected into one.
    pub alert_window_ms: u64,
    /// Who is first among orders that wait for stock.
    pub backorder: BackorderRule,
    /// Units of one SKU that may wait for stock; 0: no order waits.
    pub backorder_units_max: u64,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        const MINUTE: u64 = 60_000;
        const DAY: u64 = 24 * 60 * MINUTE;
        Self {
            pin_ms: 10 * MINUTE,
            review_ms: DAY,
            backorder_ms: 14 * DAY,
            park_ms: 10 * MINUTE,
            ship_ms: 3 * DAY,
            carrier_ms: 10 * DAY,
            return_ms: 14 * DAY,
            retry_delays_ms: [2_000, 4_000, 8_000],
            jitter_percent: 20,
            attempts: 4,
            compensation_attempts: 30,
            compensation_wait_max_ms: 5 * MINUTE,
            review_from_score: 60,
            decline_above_score: 85,
            fail_open_below: 5_000,
            capture_on: CaptureOn::Confirm,
            buyer_retries: 0,
            breaker_failures: 5,
            breaker_open_ms: 30_000,
            breaker_open_max_ms: 5 * MINUTE,
            breaker_probes: 2,
            breaker_probe_ms: 5_000,
            slow_factor: 5,
            slow_window: 16,
            alert_window_ms: 2_000,
            backorder: BackorderRule::Strict,
            backorder_units_max: 1_000_000,
        }
    }
}

impl PipelineSet {
    /// The bytes that are journaled.
    #[must_use]
    pub fn archive(&self) -> Vec<u8> {
        match rkyv::to_bytes::<rkyv::rancor::Error>(self) {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => unreachable!("plain lists and numbers can be archived: {error}"),
        }
    }

    /// The set in `bytes` of archive version `version`.
    #[must_use]
    pub fn from_archive(version: u8, bytes: &[u8]) -> Option<Self> {
        let mut aligned = rkyv::util::AlignedVec::<16>::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        match version {
            1 => v1::read(&aligned),
            2 => v2::read(&aligned),
            PIPELINES_ARCHIVE_VERSION => {
                rkyv::from_bytes::<Self, rkyv::rancor::Error>(&aligned).ok()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_comes_back_from_its_archive_and_an_unknown_version_does_not() {
        let set = PipelineSet {
            providers: vec!["stripe".to_owned()],
            routes: vec![Route::default()],
            ..PipelineSet::default()
        };
        let bytes = set.archive();
        let again = PipelineSet::from_archive(PIPELINES_ARCHIVE_VERSION, &bytes);
        assert_eq!(again, Some(set));
        assert_eq!(PipelineSet::from_archive(9, &bytes), None);
    }
}
