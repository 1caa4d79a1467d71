//! Stripe: PaymentIntents with manual capture, refunds, idempotency keys and events.
//!
//! Base URL `http://ADDRESS/stripe`. Requests are form-encoded with bracket nesting; the secret
//! key is a bearer token or the user of Basic. Magic payment methods:
//!
//! | `payment_method` | what happens |
//! |---|---|
//! | `pm_card_visa`, and any `pm_…` not named here | authorised |
//! | `pm_card_visa_chargeDeclined` | 402 `card_declined`, `generic_decline` |
//! | `pm_card_visa_chargeDeclinedInsufficientFunds` | 402 `card_declined`, `insufficient_funds` |
//! | `pm_card_visa_chargeDeclinedExpiredCard` | 402 `expired_card` |
//! | `pm_card_visa_chargeDeclinedProcessingError` | 402 `processing_error` |
//! | `pm_card_authenticationRequired` | `requires_action` until the action is completed |
//! | `pm_sandbox_processing` | `processing`, authorised one step time later |
//! | `pm_sandbox_processing_fails` | `processing`, declined one step time later |

mod card;
mod error;
mod event;
mod intent;
mod refund;
mod route;

use super::idempotency::{Answers, Known, fingerprint};
use super::{Core, Limit, LimitState, Provider, Reply, Request, sign};
use error::Failure;
use intent::Intents;
use parking_lot::Mutex;

/// The documented secret key (`stripe.secret_key` in the options).
pub const SECRET_KEY: &str = "sk_test_onhand";
/// The documented secret of the webhook endpoint (`stripe.webhook_secret` in the options).
pub const WEBHOOK_SECRET: &str = "whsec_onhand";
/// The API version that answers and events carry.
const API_VERSION: &str = "2026-07-29.dahlia";
/// 100 requests a second, 25 of them to one endpoint.
const LIMITS: &[Limit] = &[Limit::all(100, 1_000), Limit::each(25, 1_000)];

/// Stripe.
#[derive(Debug)]
pub struct Stripe {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    intents: Intents,
    answers: Answers,
}

/// What a route made: a reply, and whether it is kept under the idempotency key. Stripe keeps
/// what came of executing a request, not what failed validation before.
type Made = Result<Reply, Failure>;

impl Stripe {
    /// Stripe without any payment; it keeps at most `most` idempotency keys.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            state: Mutex::new(State {
                intents: Intents::default(),
                answers: Answers::new(most),
            }),
        }
    }

    fn refuse_key(request: &Request, core: &Core) -> Option<Failure> {
        let given = match (request.bearer(), request.basic()) {
            (Some(key), _) => key.to_owned(),
            (None, Some((key, _))) => key,
            (None, None) => return Some(Failure::no_key()),
        };
        let right = core.secret("stripe.secret_key", SECRET_KEY);
        (!sign::equal(given.as_bytes(), right.as_bytes())).then(|| Failure::wrong_key(&given))
    }
}

fn print(request: &Request) -> u64 {
    let parts = [
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
        &request.body,
    ];
    fingerprint(&parts)
}

impl Provider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn operation(&self, request: &Request) -> &'static str {
        route::operation(request)
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, _at: LimitState) -> Reply {
        self.fail(request, 429)
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        Failure::of_status(status).reply()
    }

    fn remember(&self, request: &Request, reply: &Reply, core: &Core) {
        if let Some(key) = request.header("idempotency-key") {
            let mut state = self.state.lock();
            let now_ms = core.now_ms();
            if matches!(state.answers.find(key, print(request), now_ms), Known::New) {
                state
                    .answers
                    .keep(key, print(request), now_ms, reply.clone());
            }
        }
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let stamped = |reply: Reply| {
            reply
                .with("request-id", format!("req_{}", core.next_id()))
                .with("stripe-version", API_VERSION)
        };
        if let Some(failure) = Self::refuse_key(request, core) {
            return stamped(failure.reply());
        }
        let mut state = self.state.lock();
        let key = match request.header("idempotency-key") {
            Some(key) if request.method == axum::http::Method::POST => key,
            _ => {
                let made = route::handle(&mut state.intents, request, core);
                return stamped(made.unwrap_or_else(|failure| failure.reply()));
            }
        };
        if key.len() > 255 {
            return stamped(Failure::long_key().reply());
        }
        let (print, now_ms) = (print(request), core.now_ms());
        match state.answers.find(key, print, now_ms) {
            Known::New => {}
            Known::Busy => {
                let reply = Failure::key_in_use(key).reply();
                return stamped(reply.with("stripe-should-retry", "true"));
            }
            Known::Other => return stamped(Failure::key_of_other(key).reply()),
            Known::Full => return Reply::text(507, "the sandbox keeps no more idempotency keys"),
            Known::Answered(reply) => return stamped(reply.with("idempotent-replayed", "true")),
        }
        let (reply, keep) = match route::handle(&mut state.intents, request, core) {
            Ok(reply) => (reply, true),
            Err(failure) => (failure.reply(), failure.executed),
        };
        let reply = reply.with("idempotency-key", key);
        if keep {
            state
                .answers
                .keep(key, print, now_ms + request.held_ms, reply.clone());
        }
        stamped(reply)
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        let mut state = self.state.lock();
        route::control(&mut state.intents, action, request, core)
    }

    fn timer(&self, token: &str, core: &Core) {
        self.state.lock().intents.finish_processing(token, core);
    }
}
