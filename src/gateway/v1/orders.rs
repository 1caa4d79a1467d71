//! `/v1/orders`: list, show, cancel, ship, deliver, refund, return.

use super::auth::Caller;
use super::operate::{self, Decision, decide};
use super::pages::{Page, page};
use super::reply::Reply;
use super::show;
use crate::engine::process::command::{ListFilter, ListPage};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::NAME_BYTES_MAX;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, NamedLine};
use crate::types::process::OperatorAction;
use crate::types::{Disposition, ResultCode};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a route answers.
pub(in crate::gateway) type Answer = Result<Reply, Problem>;

/// Why, for decisions that need nothing else.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Because {
    /// In words, for the audit trail; at most 240 bytes without control characters.
    pub reason: String,
}

/// `GET /v1/orders?state=&limit=&after=`: orders in process, oldest first.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let wanted = Page::of(query.as_deref(), true)?;
    summaries(&shared, &caller, wanted).await
}

/// A page of orders in process, a line each.
pub(super) async fn summaries(shared: &Shared, caller: &Caller, wanted: Page) -> Answer {
    let found = ask_list(shared, caller, wanted, false).await?;
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let orders = found.orders.iter().map(|view| show::summary(view, shard));
    Ok(Reply::of(page("orders", orders.collect(), found.next)))
}

/// One page of orders in process.
pub(super) async fn ask_list(
    shared: &Shared,
    caller: &Caller,
    wanted: Page,
    dead_letters: bool,
) -> Result<ListPage, Problem> {
    let filter = ListFilter {
        state: wanted.state,
        dead_letters,
        after: wanted.after,
        limit: wanted.limit,
        ..ListFilter::default()
    };
    let question = LocalRequest::Query(LocalQuery::List(filter));
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::List(found) => Ok(found),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

/// `GET /v1/orders/ORDER`.
pub(in crate::gateway) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
) -> Answer {
    let order = operate::order(&shared, &caller, &order).await?;
    let detail = operate::detail(&shared, &caller, order).await?;
    let names = operate::names(&shared, &caller).await?;
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let track = shared.track.path(&caller.asker.tenant, order);
    let shown = show::detail(
        &detail,
        &order.to_string(),
        (shard, &names),
        track.as_deref(),
    );
    Ok(Reply::of(shown).stamped(detail.stamp(), &caller))
}

/// Decisions about an order that need a reason at most: cancel, deliver, approve, decline.
pub(super) async fn decided(
    shared: &Shared,
    caller: &Caller,
    (action, order): (OperatorAction, &str),
    headers: &HeaderMap,
    body: Body,
) -> Answer {
    let because: Because = body::json(headers, body).await?;
    let order = operate::order(shared, caller, order).await?;
    let decision = Decision::plain(action, because.reason);
    decide(shared, caller, order, decision).await
}

/// How the parcel left.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Shipment {
    /// Name of the carrier.
    carrier: String,
    /// Its number for the parcel.
    tracking: String,
}

/// `POST /v1/orders/ORDER/ship`: everything not shipped has left.
pub(in crate::gateway) async fn ship(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let shipment: Shipment = body::json(&headers, body).await?;
    let order = operate::order(&shared, &caller, &order).await?;
    let longest = shipment.carrier.len().max(shipment.tracking.len());
    if longest > NAME_BYTES_MAX {
        let detail = format!("`carrier` and `tracking` have at most {NAME_BYTES_MAX} bytes");
        return Err(Problem::refused(ResultCode::InvalidField, detail));
    }
    let reason = format!("{} {}", shipment.carrier, shipment.tracking);
    let decision = Decision::plain(OperatorAction::Ship, reason.trim().to_owned());
    decide(&shared, &caller, order, decision).await
}

/// How much goes back.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Refund {
    /// Minor units; 0 or absent: everything captured and not given back.
    amount: u64,
    /// In words, for the audit trail.
    reason: String,
}

/// `POST /v1/orders/ORDER/refund`.
pub(in crate::gateway) async fn refund(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let refund: Refund = body::json(&headers, body).await?;
    let order = operate::order(&shared, &caller, &order).await?;
    let decision = Decision {
        amount: refund.amount,
        ..Decision::plain(OperatorAction::Refund, refund.reason)
    };
    decide(&shared, &caller, order, decision).await
}

/// One line by names, as in bodies.
#[derive(Deserialize, Serialize, ToSchema, Clone, Debug)]
#[serde(deny_unknown_fields)]
#[schema(as = Line)]
pub(in crate::gateway) struct LineBody {
    /// Name of the SKU.
    sku: String,
    /// Units.
    quantity: u32,
    /// Name of the location; absent: any.
    #[serde(default)]
    location: Option<String>,
}

impl From<LineBody> for NamedLine {
    fn from(line: LineBody) -> Self {
        Self {
            sku: line.sku,
            location: line.location,
            quantity: line.quantity,
        }
    }
}

/// What came back.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Returned {
    /// `restock` (default), `damaged` or `quality_control`.
    #[schema(pattern = "^(restock|damaged|quality_control)$")]
    disposition: Option<String>,
    /// Which units; absent: all that are out.
    lines: Vec<LineBody>,
}

/// `POST /v1/orders/ORDER/return`: shipped units came back; without lines, all of them.
pub(in crate::gateway) async fn give_back(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let returned: Returned = body::json(&headers, body).await?;
    let order = operate::order(&shared, &caller, &order).await?;
    let disposition = disposition(returned.disposition.as_deref())?;
    // Without lines the engine takes what is out: a repeat asks for the same, whatever is out then.
    let lines = returned.lines.into_iter().map(NamedLine::from).collect();
    let request = LocalRequest::Return {
        key: caller.key,
        order,
        disposition,
        lines,
    };
    operate::command(&shared, &caller, order, request).await
}

fn disposition(name: Option<&str>) -> Result<Disposition, Problem> {
    match name.unwrap_or("restock") {
        "restock" => Ok(Disposition::Restock),
        "damaged" => Ok(Disposition::Damaged),
        "quality_control" => Ok(Disposition::QualityControl),
        _ => {
            let detail = "`disposition` must be restock, damaged or quality_control";
            Err(Problem::refused(ResultCode::InvalidField, detail))
        }
    }
}
