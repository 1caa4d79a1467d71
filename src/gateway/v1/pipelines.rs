//! `/v1/pipelines`: which steps orders take, and who serves them.

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::reply::Reply;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use crate::types::pipeline::{PaymentMode, Pipeline, PipelineSet, Step, StepKind};
use axum::extract::State;
use serde_json::{Value, json};

/// `GET /v1/pipelines`: the set in force for orders accepted from now on.
pub(in crate::gateway) async fn show(State(shared): State<Shared>, caller: Caller) -> Answer {
    let question = LocalRequest::Query(LocalQuery::Pipelines);
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Pipelines(None) => Ok(Reply::of(json!({ "version": null, "pipelines": [] }))),
        LocalAnswer::Pipelines(Some((version, set))) => Ok(Reply::of(json!({
            "version": version,
            "pipelines": set.pipelines.iter().map(|one| pipeline(one, &set)).collect::<Vec<_>>(),
        }))),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

fn pipeline(pipeline: &Pipeline, set: &PipelineSet) -> Value {
    let payment = match pipeline.payment {
        PaymentMode::Gateway | PaymentMode::OneStep => "gateway",
        PaymentMode::ChannelSettled => "channel_settled",
        PaymentMode::CashOnDelivery => "cash_on_delivery",
    };
    let method = match pipeline.payment {
        PaymentMode::OneStep => Some("one_step"),
        PaymentMode::Gateway => Some("two_step"),
        PaymentMode::ChannelSettled | PaymentMode::CashOnDelivery => None,
    };
    let steps = pipeline.steps.iter().map(|one| step(one, set));
    json!({
        "name": pipeline.name,
        "payment": payment,
        "method": method,
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn step(step: &Step, set: &PipelineSet) -> Value {
    let kind = match step.kind {
        StepKind::Fraud => "fraud",
        StepKind::Payment => "payment",
        StepKind::Fulfilment => "fulfilment",
        StepKind::Webhook => "webhook",
    };
    let names = |places: &[u8]| -> Vec<&str> {
        let named = places
            .iter()
            .filter_map(|place| set.providers.get(usize::from(*place)));
        named.map(String::as_str).collect()
    };
    json!({
        "name": step.name,
        "kind": kind,
        "providers": names(&step.providers),
        "warehouses": names(&step.warehouses),
        "compensated": step.compensated,
    })
}
