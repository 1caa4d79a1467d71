//! Access tokens that run out, and the pairs that are given out for refresh tokens.
//!
//! A pair is given once for a refresh token: it replaces both, and what was given before is refused.

use crate::sandbox::control::refuse;
use crate::sandbox::{Core, Reply, Request, sign};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;

/// The documented first pair of a shop, and how long what it gives out holds.
#[derive(Debug)]
pub(super) struct First {
    /// Prefix of the options' names: `shopee` for `shopee.access_token`.
    pub name: &'static str,
    pub access: &'static str,
    pub refresh: &'static str,
    pub lifetime_s: u64,
}

/// A shop's tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    first: First,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The pair that was given last; none: the first one holds.
    given: Option<(String, String)>,
    /// When the access token runs out; none before the first call.
    until_ms: Option<u64>,
    lifetime_s: u64,
    renewals: u64,
    /// Nothing is given out any more.
    closed: bool,
}

/// `POST /_sandbox/NAME/tokens`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Wanted {
    /// The access token runs out now.
    expire: bool,
    /// From now on tokens hold so long, the present one included.
    lifetime_s: Option<u64>,
    /// Whether refresh tokens are refused.
    refuse: Option<bool>,
}

impl Tokens {
    pub fn new(first: First) -> Self {
        let state = State {
            given: None,
            until_ms: None,
            lifetime_s: first.lifetime_s,
            renewals: 0,
            closed: false,
        };
        Self {
            first,
            state: Mutex::new(state),
        }
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.first.name)
    }

    /// Whether a call may be made with this access token now.
    pub fn holds(&self, token: &str, core: &Core) -> bool {
        let mut state = self.state.lock();
        let now_ms = core.now_ms();
        let lifetime_ms = state.lifetime_s * 1_000;
        let until_ms = *state.until_ms.get_or_insert(now_ms + lifetime_ms);
        let first = self.name("access_token");
        let wanted = match &state.given {
            Some((access, _)) => access,
            None => core.secret(&first, self.first.access),
        };
        now_ms < until_ms && sign::equal(wanted.as_bytes(), token.as_bytes())
    }

    /// The pair for a refresh token, and for how many seconds its access token holds.
    pub fn renew(&self, refresh: &str, core: &Core) -> Option<(String, String, u64)> {
        let mut state = self.state.lock();
        let first = self.name("refresh_token");
        let wanted = match &state.given {
            Some((_, refresh)) => refresh,
            None => core.secret(&first, self.first.refresh),
        };
        if state.closed || !sign::equal(wanted.as_bytes(), refresh.as_bytes()) {
            return None;
        }
        let number = core.next_id();
        let access = format!("{}-access-{number:08x}", self.first.name);
        let refresh = format!("{}-refresh-{number:08x}", self.first.name);
        state.given = Some((access.clone(), refresh.clone()));
        state.until_ms = Some(core.now_ms() + state.lifetime_s * 1_000);
        state.renewals += 1;
        Some((access, refresh, state.lifetime_s))
    }

    /// The control `tokens`.
    pub fn control(&self, request: &Request, core: &Core) -> Reply {
        let wanted: Wanted = match serde_json::from_slice(&request.body) {
            Ok(wanted) => wanted,
            Err(error) => return refuse(400, &error.to_string()),
        };
        let mut state = self.state.lock();
        if let Some(lifetime_s) = wanted.lifetime_s {
            state.lifetime_s = lifetime_s.min(self.first.lifetime_s);
            state.until_ms = Some(core.now_ms() + state.lifetime_s * 1_000);
        }
        if wanted.expire {
            state.until_ms = Some(0);
        }
        state.closed = wanted.refuse.unwrap_or(state.closed);
        Reply::json(
            200,
            &json!({"renewals": state.renewals, "lifetime_s": state.lifetime_s,
                "refuse": state.closed}),
        )
    }
}
