//! The pipelines and routes that ship with Onhand.

use std::ops::Range;

use toml::Spanned;

use super::Source;
use super::conditions;
use super::file::{
    ConditionTable, Names, PipelineTable, ProcessFile, RoutingTable, StepTable, StepsTable, Text,
};
use crate::config::ConfigError;
use crate::types::pipeline::{Condition, PipelineSet, Route, tag};

/// Their names. The first takes every order that no route takes elsewhere.
pub(super) const NAMES: &[&str] = &[
    "standard",
    "channel_settled",
    "cod",
    "international",
    "custom_handling",
];

/// The pipelines that `[steps]` gives providers to.
pub(super) fn pipelines(steps: &StepsTable) -> Vec<PipelineTable> {
    let paid = steps.payment.as_ref();
    let span = paid.map_or(0..0, Spanned::span);
    let fraud = || step(&span, "fraud", &steps.fraud, &Vec::new(), None);
    let payment = || {
        let none = Vec::new();
        let names = paid.map_or(&none, Spanned::get_ref);
        step(&span, "payment", names, &Vec::new(), steps.payment_backup)
    };
    let fulfilment = || step(&span, "fulfilment", &steps.labels, &steps.warehouses, None);
    let handling = || {
        let mut handling = step(&span, "webhook", &steps.handling, &Vec::new(), None);
        handling.name = Some(Spanned::new(span.clone(), "handling".to_owned()));
        handling
    };
    let pipeline = |name: &str, payment: &str, steps: Vec<StepTable>| {
        let served = |s: &StepTable| {
            let required = s.kind.get_ref() == "payment";
            required || !s.providers.is_empty() || !s.warehouses.is_empty()
        };
        let steps = steps.into_iter().filter(served);
        PipelineTable {
            name: Spanned::new(span.clone(), name.to_owned()),
            method: None,
            payment: Some(Spanned::new(span.clone(), payment.to_owned())),
            steps: steps.map(|step| Spanned::new(span.clone(), step)).collect(),
        }
    };
    let bought = || vec![fraud(), payment(), fulfilment()];
    vec![
        pipeline("standard", "gateway", bought()),
        pipeline("channel_settled", "channel_settled", vec![fulfilment()]),
        pipeline("cod", "cash_on_delivery", vec![fraud(), fulfilment()]),
        pipeline("international", "gateway", bought()),
        pipeline(
            "custom_handling",
            "gateway",
            vec![fraud(), payment(), handling(), fulfilment()],
        ),
    ]
    .into_iter()
    .filter(|one| !one.steps.is_empty())
    .collect()
}

fn step(
    span: &Range<usize>,
    kind: &str,
    providers: &Names,
    warehouses: &Names,
    backup: Option<bool>,
) -> StepTable {
    StepTable {
        kind: Text::new(span.clone(), kind.to_owned()),
        name: None,
        when: ConditionTable::default(),
        providers: providers.clone(),
        warehouses: warehouses.clone(),
        compensated: false,
        backup,
    }
}

/// The routes to them: who takes the money first, then how it is handled, then where it goes.
pub(super) fn routes(
    source: &Source<'_>,
    file: &ProcessFile,
    set: &PipelineSet,
) -> Result<Vec<Route>, ConfigError> {
    let RoutingTable {
        settled_channels,
        cod_channels,
        home_countries,
    } = &file.routing;
    let home = conditions::countries(source, home_countries, "routing")?;
    let mut routes = Vec::new();
    let mut route = |name: &str, given: bool, when: Condition| {
        let found = set.pipelines.iter().position(|one| one.name == name);
        if let Some(pipeline) = found.and_then(|place| u8::try_from(place).ok())
            && given
        {
            routes.push(Route { when, pipeline });
        }
    };
    let channels = |channels: &[u16]| Condition {
        channels: channels.to_vec(),
        ..Condition::default()
    };
    route(
        "channel_settled",
        !settled_channels.is_empty(),
        channels(settled_channels),
    );
    route("cod", !cod_channels.is_empty(), channels(cod_channels));
    let tagged = Condition {
        tags: tag::CUSTOM_HANDLING,
        ..Condition::default()
    };
    route("custom_handling", true, tagged);
    let given = !home.is_empty();
    let abroad = Condition {
        countries_except: home,
        ..Condition::default()
    };
    route("international", given, abroad);
    Ok(routes)
}
