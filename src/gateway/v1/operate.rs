//! What the routes have in common: which order, one command, one question.

use super::auth::Caller;
use super::orders::Answer;
use super::reply::Reply;
use super::show::Names;
use crate::gateway::callbacks::order_named;
use crate::gateway::engines::LookUpError;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::PROVIDER_MESSAGE_BYTES_MAX;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, OrderDetail};
use crate::types::process::OperatorAction;
use crate::types::{CodeClass, OrderKey, OrderState, ResultCode, card};
use axum::http::StatusCode;
use serde_json::json;

/// A decision about one order.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub action: OperatorAction,
    /// The dead letter it is about, or 0.
    pub effect: u16,
    /// Minor units, or 0.
    pub amount: u64,
    pub reason: String,
}

impl Decision {
    /// One without effect and amount.
    pub fn plain(action: OperatorAction, reason: String) -> Self {
        Self {
            action,
            effect: 0,
            amount: 0,
            reason,
        }
    }

    pub fn request(self, caller: &Caller, order: OrderKey) -> LocalRequest {
        LocalRequest::Operate {
            key: caller.key,
            order,
            action: self.action,
            effect: self.effect,
            amount: self.amount,
            reason: self.reason,
        }
    }
}

/// What became of a command about an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub code: ResultCode,
    state: Option<OrderState>,
    replayed: bool,
    sequence: u64,
}

/// The order that a path names, by key or by number.
pub(in crate::gateway) async fn order(
    shared: &Shared,
    caller: &Caller,
    text: &str,
) -> Result<OrderKey, Problem> {
    let tenant = &caller.asker.tenant;
    let unknown = || {
        let shown: String = text.chars().take(64).collect();
        let detail = format!("no order `{}` of tenant `{tenant}`", shown.escape_debug());
        Problem::refused(ResultCode::UnknownOrder, detail)
    };
    let key = match order_named(text) {
        Ok(key) => key,
        Err(Some((shard, sequence))) => {
            let found = shared.engines.find(shard, sequence).await;
            let found = found.map_err(|error| not_found_out(&error))?;
            let found = found.filter(|found| found.tenant == *tenant);
            found.ok_or_else(unknown)?.order
        }
        Err(None) => return Err(unknown()),
    };
    tracing::Span::current().record("order", tracing::field::display(key));
    if key.0 == 0 { Err(unknown()) } else { Ok(key) }
}

/// What an order has cannot be looked up: nothing was done.
pub(super) fn not_found_out(error: &LookUpError) -> Problem {
    let code = match error {
        LookUpError::Unreadable(_) => ResultCode::NotReplaceable,
        LookUpError::NotNow(_) => ResultCode::Overloaded,
    };
    Problem::refused(code, format!("nothing was changed: {error}"))
}

/// Sends a decision and says what became of it.
pub(super) async fn decide(
    shared: &Shared,
    caller: &Caller,
    order: OrderKey,
    decision: Decision,
) -> Answer {
    reason_fits(decision.action, &decision.reason)?;
    command(shared, caller, order, decision.request(caller, order)).await
}

/// Sends a command about an order; a refusal is a problem.
pub(super) async fn command(
    shared: &Shared,
    caller: &Caller,
    order: OrderKey,
    request: LocalRequest,
) -> Answer {
    let request = match &caller.if_match {
        None => request,
        Some(stamps) => LocalRequest::IfUnchanged {
            order,
            stamps: stamps.clone(),
            request: Box::new(request),
        },
    };
    let done = send(shared, caller, request).await?;
    if done.code == ResultCode::NotInState {
        return Err(not_in_state(shared, caller, order, done).await);
    }
    if done.code != ResultCode::Ok {
        return Err(refusal(caller, order, done));
    }
    Ok(Reply::of(json!({
        "code": done.code.name(),
        "order": order.to_string(),
        "state": done.state.map(OrderState::name),
        "replayed": done.replayed,
        "sequence": done.sequence,
        "key": caller.key.to_string(),
    })))
}

/// Sends a command and waits for what became of it.
pub(super) async fn send(
    shared: &Shared,
    caller: &Caller,
    request: LocalRequest,
) -> Result<Done, Problem> {
    match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) => Ok(Done {
            code: done.code,
            state: done.state,
            replayed: done.replayed,
            sequence: done.sequence,
        }),
        LocalAnswer::Placed(done) => Ok(Done {
            code: done.code,
            state: done.state,
            replayed: done.replayed,
            sequence: done.sequence,
        }),
        LocalAnswer::Refused(code) => Ok(Done {
            code,
            state: None,
            replayed: false,
            sequence: 0,
        }),
        LocalAnswer::Changed => {
            let title = "The order is not as `If-Match` says.";
            let detail = "nothing was done; read the order again, and decide again";
            let status = StatusCode::PRECONDITION_FAILED;
            Err(Problem::new(status, "CHANGED", title).because(detail))
        }
        other => Err(unexpected(&other)),
    }
}

fn refusal(caller: &Caller, order: OrderKey, done: Done) -> Problem {
    let state = done.state.map(OrderState::name);
    let what = match (done.code.class(), state) {
        (CodeClass::Transient, _) => "nothing was done; send it again".to_owned(),
        (_, Some(state)) => format!("order {order} is {state}; nothing changed"),
        (_, None) => format!("order {order} of tenant `{}`", caller.asker.tenant),
    };
    let problem = Problem::refused(done.code, what).with("order", order.to_string());
    match state {
        Some(state) => problem.with("state", state),
        None => problem,
    }
}

/// Of an order in process its state says what can be decided; of one in none, that is to be said.
async fn not_in_state(shared: &Shared, caller: &Caller, order: OrderKey, done: Done) -> Problem {
    let problem = refusal(caller, order, done);
    match detail(shared, caller, order).await {
        Ok(found) if found.process.is_none() => problem.because(format!(
            "order {order} is in no process (the server runs without `--process`, or the order came \
             before it, or is over): cancel it, confirm or release a hold below `/v1/holds`, and \
             ship over TCP (`onhand order ship`)"
        )),
        _ => problem,
    }
}

/// Everything about one order.
pub(super) async fn detail(
    shared: &Shared,
    caller: &Caller,
    order: OrderKey,
) -> Result<Box<OrderDetail>, Problem> {
    let question = LocalRequest::Query(LocalQuery::Order(order));
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Order(Some(detail)) => Ok(detail),
        LocalAnswer::Order(None) => {
            let detail = format!("no order {order} of tenant `{}`", caller.asker.tenant);
            Err(Problem::refused(ResultCode::UnknownOrder, detail))
        }
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(unexpected(&other)),
    }
}

/// Names of the providers of the caller's shard.
pub(super) async fn names(shared: &Shared, caller: &Caller) -> Result<Names, Problem> {
    let question = LocalRequest::Query(LocalQuery::Breakers);
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Breakers(breakers) => Ok(Names::of(&breakers)),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(unexpected(&other)),
    }
}

/// A reason that the journal can hold.
pub(super) fn reason_fits(action: OperatorAction, reason: &str) -> Result<(), Problem> {
    if reason.len() > PROVIDER_MESSAGE_BYTES_MAX || reason.chars().any(char::is_control) {
        let detail = format!(
            "the reason must have at most {PROVIDER_MESSAGE_BYTES_MAX} bytes and no control \
             characters"
        );
        return Err(Problem::refused(ResultCode::InvalidField, detail));
    }
    let has_card = match action {
        OperatorAction::Ship => false, // a tracking number may look like a card's
        OperatorAction::EditEffect => card::in_phone(reason),
        _ => card::in_text(reason),
    };
    if has_card {
        let detail = "the reason has what looks like a payment card number; nothing was done";
        return Err(Problem::refused(ResultCode::CardNumber, detail));
    }
    Ok(())
}

/// The engine answered another question: a fault of the server's.
pub(super) fn unexpected(answer: &LocalAnswer) -> Problem {
    tracing::error!(?answer, "the engine's answer does not fit the question");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(
        status,
        "INTERNAL",
        "The server made a mistake; it is in its log.",
    )
}
