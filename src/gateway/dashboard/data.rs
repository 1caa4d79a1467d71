//! `GET /dashboard/data/…`: what the history's SQL knows about one tenant.

use super::of;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::gateway::v1::{self, Caller};
use crate::history::{Answered, Question, Questions};
use crate::types::{ResultCode, Role};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Map, Value, json};

type Answer = Result<Json<Value>, Problem>;

/// Longest text that is searched for, in bytes.
const SEARCHED_BYTES_MAX: usize = 128;

/// `GET /dashboard/data/search?q=`: orders by key, customer, e-mail address or the channel's own order id.
pub(super) async fn search(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.may(Role::ReadOnly)?;
    let wanted = parameter(query.as_deref(), "q").unwrap_or_default();
    let wanted = wanted.trim();
    if wanted.is_empty() || wanted.len() > SEARCHED_BYTES_MAX {
        let detail = format!("`q` must have 1 to {SEARCHED_BYTES_MAX} bytes");
        return Err(Problem::bad_request(detail));
    }
    let history = history(&shared)?;
    let lower = wanted.to_ascii_lowercase();
    let given = [caller.asker.tenant.as_str(), wanted, lower.as_str()];
    let orders = ask(history, Question::Search, &given).await?;
    Ok(Json(json!({ "orders": orders })))
}

/// `GET /dashboard/data/timeline/ORDER`: everything that happened to an order, oldest first.
pub(super) async fn timeline(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
) -> Answer {
    caller.may(Role::ReadOnly)?;
    let order = v1::order_of(&shared, &caller, &order).await?.to_string();
    let history = history(&shared)?;
    let given = [caller.asker.tenant.as_str(), order.as_str()];
    let events = ask(history, Question::Timeline, &given).await?;
    let about = ask(history, Question::Order, &given).await?;
    let about = about.into_iter().next();
    Ok(Json(
        json!({ "order": order, "about": about, "events": events }),
    ))
}

/// `GET /dashboard/data/bottlenecks`: how long orders wait, by step, provider, carrier and channel.
pub(super) async fn bottlenecks(State(shared): State<Shared>, caller: Caller) -> Answer {
    caller.may(Role::ReadOnly)?;
    let history = history(&shared)?;
    let given = [caller.asker.tenant.as_str()];
    let mut rows = Vec::new();
    for question in [
        Question::DwellBySteps,
        Question::DwellByProviders,
        Question::DwellByCarriers,
        Question::DwellByChannels,
    ] {
        rows.extend(ask(history, question, &given).await?);
    }
    Ok(Json(json!({ "bottlenecks": rows })))
}

/// `GET /dashboard/data/audit?before=MS&sequence=NUMBER`: who did what, newest first; with the time
/// and sequence of the last line of a page, what came before it.
pub(super) async fn audit(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.may(Role::ReadOnly)?;
    let before = parameter(query.as_deref(), "before");
    let before = before.unwrap_or_else(|| i64::MAX.to_string());
    let sequence = parameter(query.as_deref(), "sequence").unwrap_or_else(|| "0".to_owned());
    if before.parse::<i64>().is_err() || sequence.parse::<i64>().is_err() {
        let detail = "`before` must be a time in milliseconds, and `sequence` a number";
        return Err(Problem::bad_request(detail));
    }
    let given = [
        caller.asker.tenant.as_str(),
        before.as_str(),
        sequence.as_str(),
    ];
    let rows = ask(history(&shared)?, Question::Audit, &given).await?;
    Ok(Json(json!({ "audit": rows })))
}

fn parameter(query: Option<&str>, wanted: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let found = pairs.find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.into_owned())
}

fn history(shared: &Shared) -> Result<&Questions, Problem> {
    of(shared)?.history.as_deref().ok_or_else(|| {
        let title = "This server keeps no history.";
        let status = axum::http::StatusCode::NOT_FOUND;
        Problem::new(status, "NO_HISTORY", title)
            .because("start it without `--history off` to have timelines, bottlenecks and audit")
    })
}

async fn ask(
    history: &Questions,
    question: Question,
    given: &[&str],
) -> Result<Vec<Value>, Problem> {
    let answered = history.ask(question, given).await.map_err(|error| {
        tracing::warn!(%error, "the history could not be asked");
        let detail = "the history cannot be read now; the server's log says why";
        Problem::refused(ResultCode::Overloaded, detail)
    })?;
    Ok(objects(answered))
}

fn objects(answered: Answered) -> Vec<Value> {
    let Answered { columns, rows } = answered;
    let object = |row: Vec<Option<String>>| {
        let cells = columns.iter().zip(row);
        let members =
            cells.map(|(name, value)| (name.clone(), value.map_or(Value::Null, Value::String)));
        Value::Object(members.collect::<Map<_, _>>())
    };
    rows.into_iter().map(object).collect()
}
