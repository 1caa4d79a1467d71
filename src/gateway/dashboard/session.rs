//! Sessions of browsers: a token once, a cookie from then on.
//!
//! ```text
//!  POST /dashboard/login {token} ─▶ token file ─▶ Set-Cookie: id, HttpOnly, SameSite=Strict
//!  every request with the cookie ─▶ session ─▶ the token's grant for the tenant
//!      not GET or HEAD: also the session's own word in `X-Onhand-Csrf`, and from this origin
//! ```
//!
//! The table holds hashes of ids, so that what is in memory lets nobody in. A session ends 12 hours
//! after its last use (a page that is open uses it) and 7 days after the sign-in, at sign-out, and
//! with the process.

use crate::clock;
use crate::gateway::problem::Problem;
use crate::limits::{DASHBOARD_SESSION_MS, DASHBOARD_SESSION_WHOLE_MS, DASHBOARD_SESSIONS_MAX};
use crate::net::token::{AuthError, Grant, Token};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use parking_lot::Mutex;
use std::collections::HashMap;
use subtle::ConstantTimeEq;

/// Name of the cookie.
pub const COOKIE: &str = "onhand_session";

/// Header with the session's own word.
pub const CSRF_HEADER: &str = "x-onhand-csrf";

type IdHash = [u8; 32];

/// One browser's session.
#[derive(Clone, Debug)]
struct Session {
    token: Token,
    csrf: String,
    opened_ms: u64,
    until_ms: u64,
}

/// All sessions of the process.
#[derive(Debug, Default)]
pub struct Sessions {
    table: Mutex<HashMap<IdHash, Session>>,
}

/// What a new session's browser is told.
#[derive(Debug)]
pub struct Opened {
    /// The secret id, for the cookie.
    pub id: String,
    /// The word that it sends with every change.
    pub csrf: String,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The token's entry.
    pub token: Token,
    /// The session's own word.
    pub csrf: String,
}

impl Sessions {
    /// Opens a session for a token that was presented.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn open(&self, token: Token) -> Result<Opened, Problem> {
        let (id, csrf) = (random()?, random()?);
        let now_ms = monotonic_ms();
        let session = Session {
            token,
            csrf: csrf.clone(),
            opened_ms: now_ms,
            until_ms: now_ms + DASHBOARD_SESSION_MS,
        };
        let mut table = self.table.lock();
        table.retain(|_, one| one.until_ms > now_ms);
        if table.len() >= DASHBOARD_SESSIONS_MAX {
            let oldest = table.iter().min_by_key(|(_, one)| one.until_ms);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                table.remove(&oldest);
            }
        }
        tracing::info!(actor = session.token.name, "signed in to the dashboard");
        table.insert(hash(&id), session);
        Ok(Opened { id, csrf })
    }

    /// Ends the session of these headers, if they have one.
    pub fn close(&self, headers: &HeaderMap) {
        let closed = cookie(headers).and_then(|id| self.table.lock().remove(&hash(id)));
        if let Some(session) = closed {
            tracing::info!(actor = session.token.name, "signed out of the dashboard");
        }
    }

    /// Who these headers belong to. To be asked is to be used: the session goes on from here.
    #[must_use]
    pub fn signed_in(&self, headers: &HeaderMap) -> Option<SignedIn> {
        self.signed_in_at(headers, monotonic_ms())
    }

    fn signed_in_at(&self, headers: &HeaderMap, now_ms: u64) -> Option<SignedIn> {
        let id = hash(cookie(headers)?);
        let mut table = self.table.lock();
        let session = table.get_mut(&id).filter(|one| one.until_ms > now_ms)?;
        let last_ms = session.opened_ms + DASHBOARD_SESSION_WHOLE_MS;
        session.until_ms = last_ms.min(now_ms + DASHBOARD_SESSION_MS);
        Some(SignedIn {
            token: session.token.clone(),
            csrf: session.csrf.clone(),
        })
    }

    /// What the session of a request may do for `tenant`; `None` without a session.
    ///
    /// # Errors
    /// The token is not for this tenant, or the request changes something and does not come from
    /// the dashboard's own pages.
    pub fn grant(&self, parts: &Parts, tenant: &str) -> Result<Option<Grant>, Problem> {
        let Some(session) = self.signed_in(&parts.headers) else {
            return Ok(None);
        };
        if changes(&parts.method) {
            same_origin(&parts.headers)?;
            let sent = parts.headers.get(CSRF_HEADER);
            let sent = sent.map(axum::http::HeaderValue::as_bytes);
            let same = sent.is_some_and(|sent| sent.ct_eq(session.csrf.as_bytes()).into());
            if !same {
                return Err(cross_site("the header `X-Onhand-Csrf` is missing or wrong"));
            }
        }
        let granted = session.token.grant(tenant);
        let forbidden = |_: AuthError| {
            let detail = format!("the token of this session does not belong to tenant `{tenant}`");
            Problem::refused(crate::types::ResultCode::ForbiddenTenant, detail)
        };
        granted.map(Some).map_err(forbidden)
    }
}

/// True for methods that may change something.
pub fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses a request that a browser says comes from another site. Programs that are no browsers
/// send neither header.
///
/// # Errors
/// `CROSS_SITE`.
pub fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return Err(cross_site("the browser says that another site sent it"));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(|text| text.split_once("://"));
        let host = text(header::HOST.as_str()).unwrap_or_default();
        if !origin.is_some_and(|(_, from)| !host.is_empty() && from.eq_ignore_ascii_case(host)) {
            return Err(cross_site("its `Origin` is not this server"));
        }
    }
    Ok(())
}

fn cross_site(why: &str) -> Problem {
    let title = "The request does not come from the dashboard's own pages.";
    let detail = format!("{why}; nothing was done. Reload the page and try again");
    Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE", title).because(detail)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let mut pairs = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(name, _)| *name == COOKIE);
    found.map(|(_, id)| id).filter(|id| id.len() == 64)
}

fn hash(id: &str) -> IdHash {
    *blake3::hash(id.as_bytes()).as_bytes()
}

fn random() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| {
        let detail = "no randomness from the system";
        Problem::refused(crate::types::ResultCode::Overloaded, detail)
    })?;
    Ok(hex::encode(bytes))
}

fn monotonic_ms() -> u64 {
    clock::monotonic_ns() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Role;
    use axum::http::{HeaderName, HeaderValue, Request};

    fn parts(method: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/v1/orders");
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request = request.header(name, HeaderValue::from_str(value).expect("a value"));
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn opened(sessions: &Sessions, tenant: &str) -> Opened {
        let (_, token) = Token::draw("desk", Role::Operator, tenant).expect("a token");
        sessions.open(token).expect("a session")
    }

    #[test]
    fn a_session_acts_for_its_token_and_changes_need_its_own_word() {
        let sessions = Sessions::default();
        let opened = opened(&sessions, "acme");
        let cookie = format!("a=b; {COOKIE}={}", opened.id);
        let read = parts("GET", &[("cookie", &cookie)]);
        let grant = sessions.grant(&read, "acme").expect("granted");
        assert_eq!(grant.map(|grant| grant.name), Some("desk".to_owned()));
        assert!(sessions.grant(&read, "globex").is_err(), "another tenant");
        let change = |headers: &[(&'static str, &str)]| {
            let mut all = vec![("cookie", cookie.as_str()), ("host", "127.0.0.1:7172")];
            all.extend_from_slice(headers);
            sessions.grant(&parts("POST", &all), "acme")
        };
        assert!(change(&[]).is_err(), "no word");
        assert!(change(&[(CSRF_HEADER, "00")]).is_err(), "a wrong word");
        let word = (CSRF_HEADER, opened.csrf.as_str());
        assert!(change(&[word]).is_ok_and(|grant| grant.is_some()));
        assert!(change(&[word, ("origin", "http://127.0.0.1:7172")]).is_ok());
        assert!(change(&[word, ("origin", "http://evil.example")]).is_err());
        assert!(change(&[word, ("origin", "null")]).is_err());
        assert!(change(&[word, ("sec-fetch-site", "cross-site")]).is_err());
        sessions.close(&read.headers);
        assert!(sessions.grant(&read, "acme").expect("no error").is_none());
    }

    #[test]
    fn a_session_goes_on_while_it_is_used_but_not_for_ever() {
        let sessions = Sessions::default();
        let cookie = format!("{COOKIE}={}", opened(&sessions, "acme").id);
        let headers = parts("GET", &[("cookie", &cookie)]).headers;
        let (start_ms, hour_ms) = (monotonic_ms(), 3_600 * 1_000);
        let lasts = |hours: u64| {
            let at_ms = start_ms + hours * hour_ms;
            sessions.signed_in_at(&headers, at_ms).is_some()
        };
        assert!((0..24 * 7).step_by(11).all(lasts), "used twice a day");
        assert!(!lasts(24 * 7 + 1), "a week is over");
        let cookie = format!("{COOKIE}={}", opened(&sessions, "acme").id);
        let headers = parts("GET", &[("cookie", &cookie)]).headers;
        let late_ms = monotonic_ms() + 12 * hour_ms + 1_000;
        assert!(sessions.signed_in_at(&headers, late_ms).is_none(), "unused");
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let sessions = Sessions::default();
        for _ in 0..=DASHBOARD_SESSIONS_MAX {
            opened(&sessions, "acme");
        }
        assert_eq!(sessions.table.lock().len(), DASHBOARD_SESSIONS_MAX);
    }
}
