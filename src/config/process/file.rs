//! The process file as it is written: names, lists and numbers with their places in the text.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::secrets::SecretSource;
use super::settings::SettingsTable;

/// A name or value with its place.
pub(super) type Text = Spanned<String>;

/// Names with their places.
pub(super) type Names = Vec<Text>;

/// The whole file.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProcessFile {
    pub providers: BTreeMap<Text, ProviderTable>,
    pub steps: Option<StepsTable>,
    pub routing: RoutingTable,
    pub pipelines: Vec<Spanned<PipelineTable>>,
    pub routes: Vec<Spanned<RouteTable>>,
    pub messages: BTreeMap<Text, Names>,
    pub crm: Names,
    pub alerts: Names,
    pub settings: SettingsTable,
}

/// One external service.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProviderTable {
    pub kind: Option<Text>,
    pub base_url: Option<Text>,
    pub timeout_ms: Option<Spanned<u64>>,
    pub concurrency: Option<Spanned<u64>>,
    pub rate_per_second: Option<Spanned<u64>>,
    pub secrets: BTreeMap<Text, Spanned<SecretSource>>,
    pub settings: BTreeMap<Text, Spanned<toml::Value>>,
    pub callback: Option<CallbackTable>,
}

/// How a provider's callbacks are known to be its own.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CallbackTable {
    pub secrets: Vec<Spanned<SecretSource>>,
    pub settings: BTreeMap<Text, Spanned<toml::Value>>,
}

/// Who serves the steps of the pipelines that ship with Onhand.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StepsTable {
    pub fraud: Names,
    pub payment: Option<Spanned<Names>>,
    pub payment_backup: Option<bool>,
    pub labels: Names,
    pub warehouses: Names,
    pub handling: Names,
}

/// What the routes that ship with Onhand go by.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RoutingTable {
    pub settled_channels: Vec<u16>,
    pub cod_channels: Vec<u16>,
    pub home_countries: Names,
}

/// A pipeline.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PipelineTable {
    pub name: Text,
    pub payment: Option<Text>,
    pub method: Option<Text>,
    #[serde(default)]
    pub steps: Vec<Spanned<StepTable>>,
}

/// A step of a pipeline.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepTable {
    pub kind: Text,
    pub name: Option<Text>,
    #[serde(default)]
    pub when: ConditionTable,
    #[serde(default)]
    pub providers: Names,
    #[serde(default)]
    pub warehouses: Names,
    #[serde(default)]
    pub compensated: bool,
    pub backup: Option<bool>,
}

/// A route.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTable {
    pub pipeline: Text,
    #[serde(default)]
    pub when: ConditionTable,
}

/// A condition.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConditionTable {
    pub amount_min: Option<u64>,
    pub amount_max: Option<Spanned<u64>>,
    pub countries: Names,
    pub countries_except: Names,
    pub channels: Vec<u16>,
    pub score_min: Option<Spanned<u8>>,
    pub score_max: Option<Spanned<u8>>,
    pub tags: Names,
}
