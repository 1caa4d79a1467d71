//! `/v1/skus` and `/v1/locations`: what there is to sell, and where.

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::pages::{Page, page};
use super::reply::Reply;
use super::stock;
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::shard::local::{
    Definition, LocalAnswer, LocalLocation, LocalQuery, LocalRequest, LocalSku,
};
use crate::types::ResultCode;
use crate::types::pipeline::BackorderQueue;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// `GET /v1/skus?limit=&after=`.
pub(in crate::gateway) async fn skus(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let found = stock::skus(&shared, &caller, Page::of(query.as_deref(), false)?).await?;
    let shown = found.skus.iter().map(sku_json);
    Ok(Reply::of(page("skus", shown.collect(), found.next.into())))
}

/// `GET /v1/skus/SKU`.
pub(in crate::gateway) async fn sku(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
) -> Answer {
    let (found, _) = stock::one(&shared, &caller, &name).await?;
    Ok(Reply::of(sku_json(&found)))
}

fn sku_json(sku: &LocalSku) -> Value {
    let queue = sku.queue.name();
    json!({ "sku": sku.sku, "on_sale": sku.on_sale, "backorder_queue": queue })
}

/// What a SKU is from now on.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct SkuDefinition {
    /// Whether orders may take it.
    #[schema(default = true)]
    on_sale: bool,
    /// Who gets units that orders wait for; absent: as before.
    backorder_queue: Option<QueueName>,
}

impl Default for SkuDefinition {
    fn default() -> Self {
        Self {
            on_sale: true,
            backorder_queue: None,
        }
    }
}

/// Who gets units of a SKU that orders wait for.
#[derive(Deserialize, Serialize, ToSchema, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum QueueName {
    /// As `backorder` of the pipelines in force says.
    Default,
    /// What an earlier order waits for goes to no later one.
    Strict,
    /// The earliest order that can be covered in full.
    Skip,
}

impl From<QueueName> for BackorderQueue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Default => Self::Default,
            QueueName::Strict => Self::Strict,
            QueueName::Skip => Self::Skip,
        }
    }
}

/// `PUT /v1/skus/SKU`: defined if new, put on or off sale, its queue set.
pub(in crate::gateway) async fn put_sku(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let SkuDefinition {
        on_sale,
        backorder_queue,
    } = body::json(&headers, body).await?;
    let queue = backorder_queue.map(BackorderQueue::from);
    let request = LocalRequest::Define(Definition::Sku {
        name: name.clone(),
        on_sale,
        queue,
    });
    let mut shown = json!({ "sku": name, "on_sale": on_sale });
    if let (Value::Object(members), Some(queue)) = (&mut shown, queue) {
        members.insert("backorder_queue".to_owned(), json!(queue.name()));
    }
    define(&shared, &caller, request, &name, &mut shown).await?;
    Ok(Reply::of(shown))
}

/// Sends a definition, and adds what became of it to what is shown.
async fn define(
    shared: &Shared,
    caller: &Caller,
    request: LocalRequest,
    name: &str,
    shown: &mut Value,
) -> Result<(), Problem> {
    let refused = |code| {
        let known: String = name.chars().take(64).collect();
        let detail = format!("`{}`; nothing changed", known.escape_debug());
        Err(Problem::refused(code, detail))
    };
    match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) if done.code == ResultCode::Ok => {
            if let Value::Object(members) = shown {
                members.insert("replayed".to_owned(), json!(done.replayed));
                members.insert("sequence".to_owned(), json!(done.sequence));
            }
            Ok(())
        }
        LocalAnswer::Command(done) => refused(done.code),
        LocalAnswer::Refused(code) => refused(code),
        other => Err(operate::unexpected(&other)),
    }
}

/// `GET /v1/locations?limit=&after=`.
pub(in crate::gateway) async fn locations(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let wanted = Page::of(query.as_deref(), false)?;
    let from = u16::try_from(wanted.after);
    let from = from.map_err(|_| Problem::bad_request("`after` is no `next` of a page"))?;
    let (found, next) = ask(&shared, &caller, from, wanted.limit).await?;
    let shown = found.iter().map(location_json);
    Ok(Reply::of(page("locations", shown.collect(), next.into())))
}

async fn ask(
    shared: &Shared,
    caller: &Caller,
    from: u16,
    limit: u16,
) -> Result<(Vec<LocalLocation>, u16), Problem> {
    let question = LocalRequest::Query(LocalQuery::Locations { from, limit });
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Locations(found, next) => Ok((found, next)),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

async fn find(
    shared: &Shared,
    caller: &Caller,
    name: &str,
) -> Result<Option<LocalLocation>, Problem> {
    let (found, _) = ask(shared, caller, 0, u16::MAX).await?;
    Ok(found.into_iter().find(|one| one.location == name))
}

/// `GET /v1/locations/LOCATION`.
pub(in crate::gateway) async fn location(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
) -> Answer {
    let found = find(&shared, &caller, &name).await?;
    let found = found.ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        let tenant = &caller.asker.tenant;
        let detail = format!(
            "no location `{}` of tenant `{tenant}`",
            shown.escape_debug()
        );
        let mut problem = Problem::refused(ResultCode::UnknownLocation, detail);
        problem.status = StatusCode::NOT_FOUND;
        problem
    })?;
    Ok(Reply::of(location_json(&found)))
}

fn location_json(one: &LocalLocation) -> Value {
    json!({ "location": one.location, "x": one.x, "y": one.y, "priority": one.priority })
}

/// Where a location is.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct LocationDefinition {
    /// Position, in units of the merchant's choice.
    x: i32,
    /// Position, in units of the merchant's choice.
    y: i32,
    /// Lower comes first among equals.
    priority: u16,
}

/// `PUT /v1/locations/LOCATION`: defined if new; a location cannot move.
pub(in crate::gateway) async fn put_location(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let LocationDefinition { x, y, priority } = body::json(&headers, body).await?;
    let wanted = LocalLocation {
        location: name.clone(),
        x,
        y,
        priority,
    };
    let request = LocalRequest::Define(Definition::Location(wanted.clone()));
    let mut shown = location_json(&wanted);
    define(&shared, &caller, request, &name, &mut shown).await?;
    let found = find(&shared, &caller, &name).await?;
    match found.filter(|found| *found != wanted) {
        None => Ok(Reply::of(shown)),
        Some(there) => {
            let title = "The location is defined with another place or priority.";
            let detail = format!("`{name}` keeps its place: define another location instead");
            let problem = Problem::new(StatusCode::CONFLICT, "LOCATION_FIXED", title);
            Err(problem
                .because(detail)
                .with("present", location_json(&there)))
        }
    }
}
