//! Who asks: bearer token, tenant, role, and the key that makes a request safe to repeat.

use super::operation::Needs;
use super::status;
use crate::gateway::connections::Peer;
use crate::gateway::dashboard::session;
use crate::gateway::engines::Asker;
use crate::gateway::problem::Problem;
use crate::gateway::rate::Who;
use crate::gateway::state::Shared;
use crate::limits::NAME_BYTES_MAX;
use crate::net::listener::ANONYMOUS;
use crate::net::token::{AuthError, TokenFile};
use crate::types::{CommandKey, ResultCode, Role};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::IpAddr;

/// Names the tenant to act for.
const TENANT_HEADER: &str = "onhand-tenant";

/// The tenant of requests that name none.
const TENANT_DEFAULT: &str = "default";

/// A sequence that the answer must contain.
const AFTER_HEADER: &str = "onhand-after-sequence";

/// Makes a request safe to repeat.
const KEY_HEADER: &str = "idempotency-key";

/// Longest `Idempotency-Key`, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// An admitted caller.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct Caller {
    /// Tenant and actor.
    pub asker: Asker,
    /// What it may do.
    pub role: Role,
    /// The command's key: from the header, or drawn.
    pub key: CommandKey,
    /// `If-Match`: the stamps that the order may have.
    pub if_match: Option<Vec<u64>>,
    /// `If-None-Match`: the stamps that the caller has.
    if_none_match: Vec<u64>,
}

impl Caller {
    /// Requires a role.
    ///
    /// # Errors
    /// `FORBIDDEN_ROLE`, with the role that is needed.
    pub fn may(&self, needed: Role) -> Result<(), Problem> {
        if self.role >= needed {
            return Ok(());
        }
        let detail = format!(
            "the token `{}` has the role {}; this needs {}",
            self.asker.actor,
            self.role.name(),
            needed.name()
        );
        Err(Problem::refused(ResultCode::ForbiddenRole, detail))
    }

    /// True where the caller has what has this stamp.
    pub fn has_seen(&self, stamp: u64) -> bool {
        self.if_none_match.contains(&stamp)
    }

    /// What a caller was told, it sees: the answer contains the record with this sequence.
    async fn has_reached(&self, shared: &Shared, wanted: u64) -> Result<(), Problem> {
        let found = status::ask(shared, self).await?.sequence;
        if found >= wanted {
            return Ok(());
        }
        let title = "The journal of this tenant has no such sequence.";
        let detail = format!("`{AFTER_HEADER}` is {wanted}, but the journal ends at {found}");
        let status = StatusCode::PRECONDITION_FAILED;
        Err(Problem::new(status, "SEQUENCE_AHEAD", title).because(detail))
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let tenant = text(headers, TENANT_HEADER)?.unwrap_or(TENANT_DEFAULT);
        if tenant.is_empty() || tenant.len() > NAME_BYTES_MAX {
            let detail = format!("`{TENANT_HEADER}` must have 1 to {NAME_BYTES_MAX} bytes");
            return Err(Problem::refused(ResultCode::InvalidName, detail));
        }
        let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let (actor, role) = admitted(shared, parts, tenant).map_err(|problem| {
            let is_guess = problem.status == StatusCode::UNAUTHORIZED;
            // Whoever guesses is slowed down before it is told more.
            let limited = is_guess.then(|| shared.rates.failed(&Who::at(address)).err());
            limited.flatten().unwrap_or(problem)
        })?;
        shared.rates.admit(&match &shared.tokens {
            None => Who::at(address),
            Some(_) => Who::Token(actor.clone()),
        })?;
        let asker = Asker {
            tenant: tenant.to_owned(),
            actor,
        };
        let caller = Self {
            asker,
            role,
            key: command_key(headers)?,
            if_match: match text(headers, header::IF_MATCH.as_str())?.map(str::trim) {
                None | Some("*") => None,
                Some(list) => Some(stamps(list)),
            },
            if_none_match: text(headers, header::IF_NONE_MATCH.as_str())?
                .map(stamps)
                .unwrap_or_default(),
        };
        if let Some(Needs(role)) = parts.extensions.get() {
            caller.may(*role)?;
        }
        if let Some(wanted) = text(headers, AFTER_HEADER)? {
            let bad = |_| Problem::bad_request(format!("`{AFTER_HEADER}` is no sequence"));
            caller
                .has_reached(shared, wanted.parse().map_err(bad)?)
                .await?;
        }
        Ok(caller)
    }
}

/// Who asks, and what it may do.
fn admitted(shared: &Shared, parts: &Parts, tenant: &str) -> Result<(String, Role), Problem> {
    let Some(tokens) = &shared.tokens else {
        return Ok((ANONYMOUS.to_owned(), local_admin(parts)?));
    };
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        let sessions = shared.dashboard.as_ref().map(|one| &one.sessions);
        let grant = sessions.map(|sessions| sessions.grant(parts, tenant));
        let grant = grant.transpose()?.flatten().ok_or_else(unauthenticated)?;
        return Ok((grant.name, grant.role));
    }
    let granted = tokens.authenticate(bearer(&parts.headers)?, tenant);
    let grant = granted.map_err(|error| refused(error, tenant))?;
    Ok((grant.name, grant.role))
}

fn refused(error: AuthError, tenant: &str) -> Problem {
    match error {
        AuthError::Unauthenticated => unauthenticated(),
        AuthError::Expired => {
            let detail = "the token has expired; ask whoever made it for another";
            Problem::refused(ResultCode::Unauthenticated, detail)
        }
        AuthError::ForbiddenTenant => {
            let detail = format!("the token does not belong to tenant `{tenant}`");
            Problem::refused(ResultCode::ForbiddenTenant, detail)
        }
    }
}

/// Requires a token of the file, whatever its tenant and role.
///
/// # Errors
/// `UNAUTHENTICATED`.
pub(in crate::gateway) fn is_known(tokens: &TokenFile, headers: &HeaderMap) -> Result<(), Problem> {
    let known = tokens.entry(bearer(headers)?);
    known.map(|_| ()).map_err(|error| refused(error, ""))
}

/// The stamps of a list of entity tags; others are none of ours and match nothing.
fn stamps(list: &str) -> Vec<u64> {
    let tags = list
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
    let digits = tags.filter(|tag| tag.len() == 16);
    digits
        .filter_map(|tag| u64::from_str_radix(tag, 16).ok())
        .collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let bad = |_| Problem::bad_request(format!("the header `{name}` has bytes that are no text"));
    value.to_str().map(Some).map_err(bad)
}

fn unauthenticated() -> Problem {
    let detail = "send `Authorization: Bearer TOKEN` with a token of the server's token file \
                  (`onhand token new` makes one)";
    Problem::refused(ResultCode::Unauthenticated, detail)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let header = text(headers, header::AUTHORIZATION.as_str())?.ok_or_else(unauthenticated)?;
    let (scheme, token) = header.split_once(' ').ok_or_else(unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated());
    }
    Ok(token.trim())
}

/// Without a token file whoever works on this machine is admin, as over TCP. A page in a browser
/// does not count as that: one that has its own name resolve to this machine comes with that name.
fn local_admin(parts: &Parts) -> Result<Role, Problem> {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let host = text(&parts.headers, header::HOST.as_str())?.unwrap_or_default();
    session::same_origin(&parts.headers)?;
    if peer.is_some_and(|peer| peer.is_loopback()) && is_loopback(host) {
        if session::changes(&parts.method) {
            session::same_origin(&parts.headers)?;
        }
        return Ok(Role::Admin);
    }
    let detail = "the server has no token file, so it takes requests from its own machine only: \
                  start it with --token-file";
    Err(Problem::refused(ResultCode::Unauthenticated, detail))
}

/// Whether a `Host` header names this machine.
pub(in crate::gateway) fn is_loopback(host: &str) -> bool {
    let is_local = |name: &str| {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || name
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    };
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    let without_port = host.rsplit_once(':').filter(|(_, port)| is_port(port));
    is_local(host) || without_port.is_some_and(|(name, _)| is_local(name))
}

/// 32 hex digits are the key itself; any other text stands for the key that is its hash.
fn command_key(headers: &HeaderMap) -> Result<CommandKey, Problem> {
    let invalid = |detail: String| Problem::refused(ResultCode::InvalidKey, detail);
    let Some(text) = text(headers, KEY_HEADER)? else {
        let mut random = [0; 16];
        let failed = |_| Problem::refused(ResultCode::Overloaded, "no randomness from the system");
        getrandom::fill(&mut random).map_err(failed)?;
        return Ok(CommandKey(u128::from_le_bytes(random).max(1)));
    };
    let text = text.trim().trim_matches('"');
    if text.is_empty() || text.len() > KEY_BYTES_MAX {
        let detail = format!("`Idempotency-Key` must have 1 to {KEY_BYTES_MAX} bytes");
        return Err(invalid(detail));
    }
    if text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let key: Option<CommandKey> = text.parse().ok();
        let zero = || invalid("`Idempotency-Key` is zero".to_owned());
        return key.filter(|key| key.0 != 0).ok_or_else(zero);
    }
    let hash = blake3::hash(text.as_bytes());
    let first = hash.as_bytes().first_chunk().copied();
    Ok(CommandKey(first.map_or(1, u128::from_le_bytes).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn hosts_of_this_machine_are_told_from_others() {
        for local in [
            "localhost",
            "LOCALHOST:7172",
            "127.0.0.1:7172",
            "[::1]:7172",
            "::1",
        ] {
            assert!(is_loopback(local), "{local}");
        }
        for other in [
            "",
            "evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1:7172",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn one_idempotency_key_is_one_command_key() {
        let key = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(KEY_HEADER, HeaderValue::from_str(text).expect("a value"));
            command_key(&headers)
        };
        let hex = "000102030405060708090a0b0c0d0e0f";
        assert_eq!(key(hex).map(|key| key.to_string()), Ok(hex.to_owned()));
        assert_eq!(key("refund of order 7"), key("\"refund of order 7\""));
        assert_ne!(key("refund of order 7"), key("refund of order 8"));
        assert!(key("").is_err());
        assert!(key(&"0".repeat(32)).is_err());
        assert!(key(&"x".repeat(256)).is_err());
        let drawn = |headers: &HeaderMap| command_key(headers).expect("drawn");
        assert_ne!(drawn(&HeaderMap::new()), drawn(&HeaderMap::new()));
    }
}
