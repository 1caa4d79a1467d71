//! `/v1/stock`: what is where, and its movements.

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::pages::{Page, page};
use super::reply::Reply;
use crate::engine::command::{CellQuantities, CommandOutcome};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::STOCK_REASON_BYTES_MAX;
use crate::shard::local::{
    LocalAnswer, LocalQuery, LocalRequest, LocalSku, LocalStock, StockMove, StockPage, StockRequest,
};
use crate::types::{ResultCode, StockBucket, card};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// `GET /v1/stock?limit=&after=`.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let found = skus(&shared, &caller, Page::of(query.as_deref(), false)?).await?;
    let shown = found.skus.iter().map(sku_stock).collect();
    let mut page = page("stock", shown, found.next.into());
    if let Value::Object(members) = &mut page {
        members.insert("sequence".to_owned(), json!(found.sequence));
    }
    Ok(Reply::of(page))
}

/// A page of the tenant's SKUs with their stock.
pub(super) async fn skus(
    shared: &Shared,
    caller: &Caller,
    wanted: Page,
) -> Result<LocalStock, Problem> {
    let from = u32::try_from(wanted.after);
    let from = from.map_err(|_| Problem::bad_request("`after` is no `next` of a page"))?;
    let limit = wanted.limit;
    ask(
        shared,
        caller,
        StockPage {
            sku: None,
            from,
            limit,
        },
    )
    .await
}

/// `GET /v1/stock/SKU`.
pub(in crate::gateway) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path(sku): Path<String>,
) -> Answer {
    let (found, sequence) = one(&shared, &caller, &sku).await?;
    let mut shown = sku_stock(&found);
    if let Value::Object(members) = &mut shown {
        members.insert("sequence".to_owned(), json!(sequence));
    }
    Ok(Reply::of(shown))
}

/// One SKU, and the sequence that its figures are true at.
pub(super) async fn one(
    shared: &Shared,
    caller: &Caller,
    name: &str,
) -> Result<(LocalSku, u64), Problem> {
    let wanted = StockPage {
        sku: Some(name.to_owned()),
        ..StockPage::default()
    };
    let mut found = ask(shared, caller, wanted).await?;
    let sequence = found.sequence;
    let sku = found.skus.pop().ok_or_else(|| unknown_sku(caller, name))?;
    Ok((sku, sequence))
}

async fn ask(shared: &Shared, caller: &Caller, wanted: StockPage) -> Result<LocalStock, Problem> {
    let question = LocalRequest::Query(LocalQuery::Stock(wanted));
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Stock(found) => Ok(found),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

fn unknown_sku(caller: &Caller, name: &str) -> Problem {
    let shown: String = name.chars().take(64).collect();
    let tenant = &caller.asker.tenant;
    let detail = format!("no SKU `{}` of tenant `{tenant}`", shown.escape_debug());
    let mut problem = Problem::refused(ResultCode::UnknownSku, detail);
    problem.status = axum::http::StatusCode::NOT_FOUND;
    problem
}

fn sku_stock(sku: &LocalSku) -> Value {
    let cells = sku.cells.iter().map(|(location, cell)| {
        let mut shown = cell_json(cell);
        if let Value::Object(members) = &mut shown {
            members.insert("location".to_owned(), json!(location));
        }
        shown
    });
    let available = sku
        .cells
        .iter()
        .map(|(_, cell)| u64::from(cell.available()));
    json!({
        "sku": sku.sku,
        "on_sale": sku.on_sale,
        "available": available.sum::<u64>(),
        "cells": cells.collect::<Vec<_>>(),
    })
}

fn cell_json(cell: &CellQuantities) -> Value {
    json!({
        "on_hand": cell.on_hand,
        "reserved": cell.reserved,
        "committed": cell.committed,
        "safety": cell.safety,
        "damaged": cell.damaged,
        "quality_control": cell.quality_control,
        "available": cell.available(),
        "short": cell.short(),
    })
}

/// Units that arrived.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Receipt {
    /// Name of the location.
    location: String,
    /// Units.
    quantity: u32,
}

/// `POST /v1/stock/SKU/receive`.
pub(in crate::gateway) async fn receive(
    State(shared): State<Shared>,
    caller: Caller,
    Path(sku): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let receipt: Receipt = body::required(&headers, body).await?;
    let change = StockMove::Receive(receipt.quantity);
    movement(&shared, &caller, (sku, receipt.location), change).await
}

/// A correction.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Adjustment {
    /// Name of the location.
    location: String,
    /// Units, negative for fewer; not 0.
    delta: i64,
    /// Why, for the audit trail.
    reason: String,
}

/// `POST /v1/stock/SKU/adjust`.
pub(in crate::gateway) async fn adjust(
    State(shared): State<Shared>,
    caller: Caller,
    Path(sku): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Adjustment {
        location,
        delta,
        reason,
    } = body::required(&headers, body).await?;
    if card::in_text(&reason) {
        let detail = "the reason has what looks like a payment card number; nothing was done";
        return Err(Problem::refused(ResultCode::CardNumber, detail));
    }
    if reason.is_empty() || reason.len() > STOCK_REASON_BYTES_MAX {
        let detail = format!("the reason must have 1 to {STOCK_REASON_BYTES_MAX} bytes");
        return Err(Problem::refused(ResultCode::InvalidField, detail));
    }
    let change = StockMove::Adjust { delta, reason };
    movement(&shared, &caller, (sku, location), change).await
}

/// A count.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Count {
    /// Name of the location.
    location: String,
    /// Units that are there.
    on_hand: u32,
    /// Only if it is this now; absent: whatever it is.
    #[serde(default)]
    expect: Option<u32>,
}

/// `POST /v1/stock/SKU/set`.
pub(in crate::gateway) async fn set(
    State(shared): State<Shared>,
    caller: Caller,
    Path(sku): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let count: Count = body::required(&headers, body).await?;
    let change = StockMove::Set {
        on_hand: count.on_hand,
        expect: count.expect,
    };
    movement(&shared, &caller, (sku, count.location), change).await
}

/// Units that go to another location.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Transfer {
    /// Name of the location that gives.
    from: String,
    /// Name of the location that takes.
    to: String,
    /// Available units.
    quantity: u32,
}

/// `POST /v1/stock/SKU/transfer`.
pub(in crate::gateway) async fn transfer(
    State(shared): State<Shared>,
    caller: Caller,
    Path(sku): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Transfer { from, to, quantity } = body::required(&headers, body).await?;
    let change = StockMove::Transfer { to, quantity };
    movement(&shared, &caller, (sku, from), change).await
}

/// Units that change bucket at one location.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct BucketMove {
    /// Name of the location.
    location: String,
    /// Out of this bucket.
    from: Bucket,
    /// Into this bucket.
    to: Bucket,
    /// Units.
    quantity: u32,
}

/// A part of on hand.
#[derive(Deserialize, ToSchema, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum Bucket {
    /// Sellable.
    Available,
    /// Kept back on purpose.
    Safety,
    /// Damaged.
    Damaged,
    /// Waiting for inspection.
    QualityControl,
}

impl From<Bucket> for StockBucket {
    fn from(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Available => Self::Available,
            Bucket::Safety => Self::Safety,
            Bucket::Damaged => Self::Damaged,
            Bucket::QualityControl => Self::QualityControl,
        }
    }
}

/// `POST /v1/stock/SKU/move`.
pub(in crate::gateway) async fn shift(
    State(shared): State<Shared>,
    caller: Caller,
    Path(sku): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let moved: BucketMove = body::required(&headers, body).await?;
    let change = StockMove::Move {
        from: moved.from.into(),
        to: moved.to.into(),
        quantity: moved.quantity,
    };
    movement(&shared, &caller, (sku, moved.location), change).await
}

async fn movement(
    shared: &Shared,
    caller: &Caller,
    (sku, location): (String, String),
    change: StockMove,
) -> Answer {
    let request = LocalRequest::Stock(StockRequest {
        key: caller.key,
        sku: sku.clone(),
        location: location.clone(),
        change,
    });
    match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) if done.code == ResultCode::Ok => {
            Ok(Reply::of(outcome(caller, &sku, &location, &done)))
        }
        LocalAnswer::Command(done) => {
            let what = format!("SKU `{sku}` at `{location}`; nothing changed");
            let problem = Problem::refused(done.code, what);
            Err(problem.with("stock", cell_json(&done.cell)))
        }
        LocalAnswer::Refused(ResultCode::UnknownSku) => Err(unknown_sku(caller, &sku)),
        LocalAnswer::Refused(code) => {
            let what = format!("SKU `{sku}` at `{location}`; nothing changed");
            Err(Problem::refused(code, what))
        }
        other => Err(operate::unexpected(&other)),
    }
}

fn outcome(caller: &Caller, sku: &str, location: &str, done: &CommandOutcome) -> Value {
    json!({
        "code": done.code.name(),
        "sku": sku,
        "location": location,
        "replayed": done.replayed,
        "sequence": done.sequence,
        "key": caller.key.to_string(),
        "stock": cell_json(&done.cell),
    })
}
