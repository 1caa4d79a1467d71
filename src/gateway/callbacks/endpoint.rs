//! The routes of callbacks: from a request to journaled reports.

use super::{BadPayload, Delivery, Event, Named, Read, Source, event_hash, scheme, shipstation};
use crate::clock;
use crate::gateway::body;
use crate::gateway::connections::Peer;
use crate::gateway::engines::{Asked, Asker, LookUpError, NoAnswer};
use crate::gateway::problem::Problem;
use crate::gateway::rate::Who;
use crate::gateway::state::Shared;
use crate::limits::{PROVIDER_MESSAGE_BYTES_MAX, REFERENCE_BYTES_MAX};
use crate::metrics;
use crate::shard::local::{LocalAnswer, LocalRequest, OwnedReport};
use crate::types::effect::tenant_mark;
use crate::types::process::ReportKind;
use crate::types::{CodeClass, OrderKey, ResultCode};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// `POST /callbacks/KIND` and `POST /callbacks/KIND/NAME`.
pub(crate) async fn receive(
    State(shared): State<Shared>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request<Body>,
) -> Response {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    // Whoever guesses providers or signatures fills no log.
    let is_told = || shared.rates.failed(&Who::at(address)).is_ok();
    let Some(source) = source(&shared, &path) else {
        return unknown(&path, is_told()).into_response();
    };
    let outcome = take(&shared, source, request).await;
    let result = match &outcome {
        Ok(()) => "accepted",
        Err(refused) => refused.result,
    };
    count(source, result, 1);
    match outcome {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => {
            let provider = &source.name;
            let is_guess = refused.problem.status == StatusCode::UNAUTHORIZED;
            if !is_guess || is_told() {
                tracing::warn!(
                    provider,
                    result,
                    reason = refused.problem.detail,
                    "callback refused"
                );
            }
            refused.problem.into_response()
        }
    }
}

/// `GET /callbacks/whatsapp`: the handshake that proves who owns the address.
pub(crate) async fn handshake(
    State(shared): State<Shared>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request<Body>,
) -> Response {
    let Some(source) = source(&shared, &path).filter(|source| source.kind == "whatsapp") else {
        let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        let is_told = shared.rates.failed(&Who::at(address)).is_ok();
        return unknown(&path, is_told).into_response();
    };
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let field = |name: &str| {
        let found = url::form_urlencoded::parse(query).find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let presented = field("hub.verify_token");
    let known = source.verify_token.as_slice();
    let right = !known.is_empty() && super::signature::equal(known, presented.as_bytes());
    if field("hub.mode") != "subscribe" || !right {
        count(source, "wrong_verify_token", 1);
        return StatusCode::FORBIDDEN.into_response();
    }
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (plain, field("hub.challenge")).into_response()
}

/// A delivery that is not acknowledged: what is counted, and what the sender is told.
struct Refused {
    result: &'static str,
    problem: Problem,
}

impl From<BadPayload> for Refused {
    fn from(BadPayload(what): BadPayload) -> Self {
        Self {
            result: "bad_payload",
            problem: Problem::bad_request(what),
        }
    }
}

impl From<LookUpError> for Refused {
    fn from(why: LookUpError) -> Self {
        let detail = format!("the event was not journaled, send it again: {why}");
        Self {
            result: "no_answer",
            problem: Problem::refused(ResultCode::Overloaded, detail),
        }
    }
}

impl From<NoAnswer> for Refused {
    fn from(why: NoAnswer) -> Self {
        Self {
            result: "no_answer",
            problem: Problem::no_answer(why),
        }
    }
}

async fn take(shared: &Shared, source: &Source, request: Request<Body>) -> Result<(), Refused> {
    let scheme = scheme(&source.kind).ok_or_else(|| BadPayload("no such kind".to_owned()))?;
    let (head, body) = request.into_parts();
    let body = body::read(body).await.map_err(|problem| Refused {
        result: "bad_body",
        problem,
    })?;
    let urls = addresses(&head.headers, &head.uri);
    let delivery = Delivery {
        headers: &head.headers,
        body: &body,
        urls: &urls,
        now_ms: clock::now_ms(),
    };
    (scheme.verify)(source, &delivery).map_err(|why| Refused {
        result: why.name(),
        problem: Problem::refused(
            ResultCode::Unauthenticated,
            "the signature is missing or wrong",
        ),
    })?;
    let events = match (scheme.read)(&delivery)? {
        Read::Events(events) => events,
        Read::Follow(url) => {
            let page = shared.follow.get(&source.name, &url).await;
            let page = page.map_err(|why| Refused {
                result: "not_followed",
                problem: Problem::refused(ResultCode::Overloaded, why),
            })?;
            shipstation::shipments(&page)?
        }
    };
    journal(shared, source, events).await
}

/// Hands the events to the engines in their order, then waits for all of them.
async fn journal(shared: &Shared, source: &Source, events: Vec<Event>) -> Result<(), Refused> {
    let mut asked = Vec::with_capacity(events.len());
    for event in events {
        if event.kind == ReportKind::Other {
            count(source, "other", 1);
            continue;
        }
        asked.push(push(shared, source, event).await?);
    }
    for one in asked.into_iter().flatten() {
        match one.answer().await? {
            LocalAnswer::Command(outcome) if outcome.code == ResultCode::Ok => {
                let result = if outcome.replayed {
                    "repeated"
                } else {
                    "journaled"
                };
                count(source, result, 1);
            }
            LocalAnswer::Command(outcome) => refuse(outcome.code)?,
            LocalAnswer::Refused(code) => refuse(code)?,
            other => tracing::error!(?other, "another answer than a report has"),
        }
    }
    Ok(())
}

fn refuse(code: ResultCode) -> Result<(), Refused> {
    if code.class() == CodeClass::Transient {
        return Err(Refused {
            result: "refused",
            problem: Problem::refused(code, "the event was not journaled; send it again"),
        });
    }
    // Sending it again would change nothing: it is logged, and the sender may forget it.
    tracing::warn!(%code, "the engine refused an event of a callback");
    Ok(())
}

/// Whose order an event is about.
struct Whose {
    tenant: String,
    /// 0 where only the event's reference says which.
    order: OrderKey,
    /// `None`: any of them.
    shard: Option<usize>,
}

/// Whose order an event names; `None` where the provider is one tenant's, and it is another's.
async fn whose(
    shared: &Shared,
    source: &Source,
    named: &str,
) -> Result<Option<Whose>, LookUpError> {
    let engines = &shared.engines;
    let only = source.only();
    let home = |order, shard| Whose {
        tenant: source.tenant.clone(),
        order,
        shard,
    };
    let at_home = Some(engines.shard_of(&source.tenant));
    let by_reference = || home(OrderKey::default(), at_home.filter(|_| only.is_some()));
    let (order, shard, tenant) = match Named::parse(named) {
        Named::Key(key) => {
            let mut owners = engines.owners(key);
            if owners.is_empty() {
                return Ok(Some(home(key, at_home)));
            }
            owners.retain(|(_, owner)| only.is_none_or(|only| only == *owner));
            if only.is_some() && owners.is_empty() {
                return Ok(None);
            }
            match owner(owners, named) {
                Some((shard, tenant)) => (key, shard, tenant),
                None => return Ok(Some(by_reference())),
            }
        }
        Named::Number(shard, sequence) => match engines.find(shard, sequence).await? {
            Some(found) => (found.order, shard, found.tenant),
            None => return Ok(Some(home(OrderKey::default(), at_home))),
        },
        Named::Nothing => return Ok(Some(by_reference())),
    };
    if only.is_some_and(|only| only != tenant) {
        return Ok(None);
    }
    let shard = Some(usize::from(shard));
    Ok(Some(Whose {
        tenant,
        order,
        shard,
    }))
}

/// Who of the owners of one key is meant: the key of an effect ends in its tenant's mark.
fn owner(mut owners: Vec<(u16, String)>, named: &str) -> Option<(u16, String)> {
    if owners.len() > 1 && named.len() > 32 {
        let mark = named.get(32..).and_then(|rest| rest.rsplit('-').next());
        let mark = mark.filter(|mark| mark.len() == 8).unwrap_or_default();
        owners.retain(|(_, owner)| tenant_mark(owner).trim_start_matches('-') == mark);
    }
    let first = owners.pop()?;
    owners.is_empty().then_some(first)
}

/// Puts one event into the queue of the shard that has its order; into all of them where nothing
/// says which.
async fn push(shared: &Shared, source: &Source, event: Event) -> Result<Vec<Asked>, Refused> {
    let engines = &shared.engines;
    let Some(whose) = whose(shared, source, &event.order).await? else {
        count(source, "other_tenant", 1);
        tracing::warn!(
            provider = source.name,
            order = event.order,
            "a callback about an order of another tenant than its provider's was not applied; \
             `tenant` under its callback's settings names the tenant, or `*` for all"
        );
        return Ok(Vec::new());
    };
    let (tenant, order) = (whose.tenant, whose.order);
    let shards = match whose.shard {
        Some(shard) => shard..shard + 1,
        None => 0..engines.shards(),
    };
    tracing::info!(
        provider = source.name,
        event = event.id,
        kind = event.kind.name(),
        %order,
        reference = event.reference,
        "callback"
    );
    let asker = Asker {
        tenant,
        actor: format!("provider:{}", source.name),
    };
    let report = OwnedReport {
        event: event_hash(&source.name, &event.id),
        provider: source.name.clone(),
        kind: event.kind,
        order,
        reference: cut(event.reference, REFERENCE_BYTES_MAX),
        amount: event.amount,
        text: cut(event.text, PROVIDER_MESSAGE_BYTES_MAX),
    };
    let mut asked = Vec::new();
    for shard in shards {
        asked.push(engines.push_soon(shard, &asker, LocalRequest::Report(report.clone()))?);
    }
    Ok(asked)
}

/// At most `bytes` of a text, cut at a character, without control characters.
fn cut(mut text: String, bytes: usize) -> String {
    text.retain(|character| !character.is_control());
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// What the sender may have called, by the headers: the scheme is not known behind a proxy.
fn addresses(headers: &HeaderMap, uri: &axum::http::Uri) -> Vec<String> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = host.unwrap_or_default();
    ["https", "http"]
        .map(|scheme| format!("{scheme}://{host}{path}"))
        .to_vec()
}

/// The configured provider of a path: by kind alone where only one has it.
fn source<'a>(shared: &'a Shared, path: &[(String, String)]) -> Option<&'a Source> {
    let part = |name: &str| {
        let found = path.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let kind = part("kind")?;
    let mut fitting = shared.callbacks.iter().filter(|source| {
        source.kind == kind && part("name").is_none_or(|name| source.name == name)
    });
    let first = fitting.next()?;
    // Which of several has sent it cannot be told without the name in the path.
    fitting.next().is_none().then_some(first)
}

fn unknown(path: &[(String, String)], is_told: bool) -> Problem {
    metrics::count_callback("unknown", "unknown_source", 1);
    // As for a bad signature: a stranger does not learn which providers there are.
    let detail = "the signature is missing or wrong";
    if is_told {
        let words: Vec<&str> = path.iter().map(|(_, value)| value.as_str()).collect();
        tracing::warn!(
            path = words.join("/"),
            "a callback for a provider that is not configured"
        );
    }
    Problem::refused(ResultCode::Unauthenticated, detail)
}

fn count(source: &Source, result: &'static str, number: u64) {
    metrics::count_callback(&source.name, result, number);
}
