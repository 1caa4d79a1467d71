//! `GET /dashboard/data/…`: what the history's SQL knows about one tenant.

use super::of;
use crate::clock;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::gateway::v1::{self, Caller};
use crate::history::{Answered, Question, Questions};
use crate::types::{ResultCode, Role};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Map, Value, json};

type Answer = Result<Json<Value>, Problem>;

/// What pages about a time show where nobody says which: the last 24 hours, in milliseconds.
const WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;

/// Of how many orders it is read how long they wait, at most about: of more than these one in so many
/// stands for all, so that a page about a month takes no longer than one about an hour.
const ORDERS_READ_MAX: u64 = 20_000;

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

/// `GET /dashboard/data/bottlenecks?from=MS&to=MS`: how long orders that were accepted in a time wait,
/// by step, provider, carrier and channel; without a time the last 24 hours. `every`: one order in so many
/// of `orders` was read, and volumes are estimates where that is more than 1.
pub(super) async fn bottlenecks(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.may(Role::ReadOnly)?;
    let history = history(&shared)?;
    let now_ms = i64::try_from(clock::now_ms()).unwrap_or(i64::MAX);
    // What is accepted in this millisecond is in it.
    let to_ms = time(query.as_deref(), "to")?.unwrap_or(now_ms.saturating_add(1));
    let from_ms = from(query.as_deref(), to_ms)?;
    let (from, to) = (from_ms.to_string(), to_ms.to_string());
    let shard = shared.engines.shard_of(&caller.asker.tenant).to_string();
    let tenant = caller.asker.tenant.as_str();
    let given = [tenant, from.as_str(), to.as_str(), shard.as_str()];
    let orders = counted(&ask(history, Question::OrdersOfTime, &given).await?);
    let every = orders.div_ceil(ORDERS_READ_MAX).max(1);
    let one_in = every.to_string();
    let given = [tenant, &from, &to, &shard, &one_in];
    let mut rows = Vec::new();
    for question in [
        Question::DwellBySteps,
        Question::DwellByProviders,
        Question::DwellByCarriers,
        Question::DwellByChannels,
    ] {
        rows.extend(ask(history, question, &given).await?);
    }
    Ok(Json(json!({
        "from_ms": from_ms, "to_ms": to_ms, "orders": orders, "every": every, "bottlenecks": rows,
    })))
}

/// The one number of an answer that counts orders.
fn counted(rows: &[Value]) -> u64 {
    let found = rows.first().and_then(|row| row["orders"].as_str());
    found.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// `GET /dashboard/data/audit?from=MS&before=MS&sequence=NUMBER&about=WHAT&actor=NAME&order=ORDER`: who did
/// what from a time on (the last 24 hours), newest first; with time and sequence of the last line of a
/// page, what came before it. `about` is one of the words of the table `actions`; without it all but
/// holds are told.
pub(super) async fn audit(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.may(Role::ReadOnly)?;
    let query = query.as_deref();
    let sequence = parameter(query, "sequence").unwrap_or_else(|| "0".to_owned());
    if sequence.parse::<i64>().is_err() {
        return Err(Problem::bad_request("`sequence` must be a number"));
    }
    let about = parameter(query, "about").unwrap_or_default();
    let actor = parameter(query, "actor").unwrap_or_default();
    let order = match parameter(query, "order").filter(|order| !order.is_empty()) {
        Some(order) => v1::order_of(&shared, &caller, &order).await?.to_string(),
        None => String::new(),
    };
    let from_ms = from(query, i64::try_from(clock::now_ms()).unwrap_or(i64::MAX))?;
    let before_ms = time(query, "before")?.unwrap_or(i64::MAX);
    let (from, before) = (from_ms.to_string(), before_ms.to_string());
    let shard = shared.engines.shard_of(&caller.asker.tenant).to_string();
    let given = [
        caller.asker.tenant.as_str(),
        before.as_str(),
        sequence.as_str(),
        from.as_str(),
        shard.as_str(),
        about.as_str(),
        actor.trim(),
        order.as_str(),
    ];
    let rows = ask(history(&shared)?, Question::Audit, &given).await?;
    Ok(Json(json!({ "from_ms": from_ms, "audit": rows })))
}

/// Where a time begins: as asked, or so long before its end.
fn from(query: Option<&str>, to_ms: i64) -> Result<i64, Problem> {
    let asked = time(query, "from")?;
    Ok(asked.unwrap_or(to_ms.saturating_sub(WINDOW_MS)))
}

/// A time among the parameters.
fn time(query: Option<&str>, name: &str) -> Result<Option<i64>, Problem> {
    let found = parameter(query, name).map(|text| text.parse());
    found.transpose().map_err(|_| {
        let detail = format!("`{name}` must be a time in milliseconds since the Unix epoch");
        Problem::bad_request(detail)
    })
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
