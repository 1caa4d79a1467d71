//! The dashboard over HTTP: its pages, the stream of figures, sessions, and what only its pages ask.
//!
//! ```text
//!  GET /                          the pages; their files below /dashboard/assets/
//!  GET /dashboard/events          server-sent events of one tenant
//!  GET /dashboard/session         who is signed in; POST …/login, …/logout
//!  GET /dashboard/data/…          timelines, search, bottlenecks, audit, by the history's SQL
//!  POST /dashboard/simulate       a payment failure, only where the sandbox serves the providers
//! ```

mod data;
mod events;
mod files;
pub mod session;
mod simulate;

pub use simulate::Rehearse;

use super::connections::Peer;
use super::problem::Problem;
use super::rate::Who;
use super::state::Shared;
use super::v1::Caller;
use crate::dashboard::assets::VERSION;
use crate::dashboard::pulse::Pulse;
use crate::gateway::body;
use crate::history::Questions;
use crate::net::listener::ANONYMOUS;
use crate::types::{ResultCode, Role, money};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use session::{COOKIE, Sessions, same_origin};
use std::fmt;
use std::sync::Arc;

/// What the dashboard is served from.
#[derive(Clone)]
pub struct Dashboard {
    /// The figures.
    pub pulse: Pulse,
    /// Sessions of browsers.
    pub sessions: Arc<Sessions>,
    /// Providers, steps and settings, without secrets.
    pub setup: Arc<Value>,
    /// The history's answers; `None` where there is none.
    pub history: Option<Arc<Questions>>,
    /// The sandbox, where it serves the providers.
    pub rehearsal: Option<Arc<dyn Rehearse>>,
    /// The simulation that runs.
    pub simulation: simulate::Simulation,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard")
            .field("pulse", &self.pulse)
            .field("history", &self.history.is_some())
            .field("rehearsal", &self.rehearsal.is_some())
            .finish_non_exhaustive()
    }
}

/// Its routes; those of the simulation only where there is something to simulate with.
pub(super) fn routes(dashboard: &Dashboard) -> Router<Shared> {
    let routes = Router::new()
        .route("/", get(files::index))
        .route("/dashboard/assets/{*path}", get(files::asset))
        .route("/dashboard/session", get(show))
        .route("/dashboard/login", post(login))
        .route("/dashboard/logout", post(logout))
        .route("/dashboard/events", get(events::stream))
        .route("/dashboard/data/setup", get(setup))
        .route("/dashboard/data/search", get(data::search))
        .route("/dashboard/data/timeline/{order}", get(data::timeline))
        .route("/dashboard/data/bottlenecks", get(data::bottlenecks))
        .route("/dashboard/data/audit", get(data::audit));
    if dashboard.rehearsal.is_none() {
        return routes;
    }
    routes.route(
        "/dashboard/simulate",
        get(simulate::show).post(simulate::start),
    )
}

/// The dashboard of a request; the routes are there only where it is.
fn of(shared: &Shared) -> Result<&Dashboard, Problem> {
    shared.dashboard.as_ref().ok_or_else(|| {
        let title = "This server has no dashboard.";
        Problem::new(StatusCode::NOT_FOUND, "NO_ROUTE", title)
    })
}

async fn show(State(shared): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let dashboard = of(&shared)?;
    let signed_in = dashboard.sessions.signed_in(&headers);
    let needs_token = shared.tokens.is_some();
    let (actor, role, tenant) = match &signed_in {
        Some(one) => (
            one.token.name.as_str(),
            Some(one.token.role),
            one.token.tenant.as_deref(),
        ),
        None => (ANONYMOUS, (!needs_token).then_some(Role::Admin), None),
    };
    Ok(Json(json!({
        "signed_in": role.is_some(),
        "needs_token": needs_token,
        "actor": role.map(|_| actor),
        "role": role.map(Role::name),
        "tenant": tenant,
        "csrf": signed_in.as_ref().map(|one| one.csrf.as_str()),
        "rehearsal": dashboard.rehearsal.is_some(),
        "history": dashboard.history.is_some(),
        "currencies": currencies(),
        "pages": VERSION.as_str(),
    })))
}

/// Codes and digits of currencies by their ISO 4217 number, so that pages show and read amounts as the
/// server counts them.
fn currencies() -> Value {
    let all = money::currencies().map(|(number, code, digits)| {
        let known = json!({ "code": code, "digits": digits });
        (number.to_string(), known)
    });
    Value::Object(all.collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presented {
    token: String,
}

async fn login(
    State(shared): State<Shared>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    same_origin(&headers)?;
    let dashboard = of(&shared)?;
    let presented: Option<Presented> = body::json(&headers, body).await?;
    let presented = presented.map(|one| one.token).unwrap_or_default();
    let unknown = || {
        let detail = "no token of the server's token file; `onhand token new` makes one";
        let address = peer.map(|Extension(peer)| peer.0.ip());
        // Whoever guesses is slowed down before it is told more.
        let limited = shared.rates.failed(&Who::at(address)).err();
        limited.unwrap_or_else(|| Problem::refused(ResultCode::Unauthenticated, detail))
    };
    let tokens = shared.tokens.as_ref().ok_or_else(unknown)?;
    let token = tokens.entry(presented.trim()).map_err(|_| unknown())?;
    let opened = dashboard.sessions.open(token.clone())?;
    let cookie = cookie(&headers, &opened.id, None);
    let told = Json(json!({ "csrf": opened.csrf }));
    Ok(([(header::SET_COOKIE, cookie)], told).into_response())
}

async fn logout(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    same_origin(&headers)?;
    of(&shared)?.sessions.close(&headers);
    let cookie = cookie(&headers, "", Some(0));
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Off this machine the cookie goes over TLS only.
fn cookie(headers: &HeaderMap, id: &str, age_s: Option<u64>) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let secure = match host {
        Some(host) if super::v1::is_loopback(host) => "",
        _ => "; Secure",
    };
    let age = age_s.map_or(String::new(), |age_s| format!("; Max-Age={age_s}"));
    format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

/// `GET /dashboard/data/setup`: what is configured, and the caller's channels of the channels file.
async fn setup(State(shared): State<Shared>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.may(Role::ReadOnly)?;
    let tenant = &caller.asker.tenant;
    let own = shared.channels.iter().filter(|it| it.tenant == *tenant);
    let channels = own.map(|it| {
        json!({
            "number": it.number.0,
            "name": it.name,
            "kind": it.kind.name(),
            "path": format!("/webhooks/{}/{}", it.kind.name(), it.shop),
        })
    });
    let channels: Value = channels.collect();
    let mut setup = (*of(&shared)?.setup).clone();
    if let Value::Object(members) = &mut setup {
        members.insert("channels".to_owned(), channels);
    }
    Ok(Json(setup))
}
