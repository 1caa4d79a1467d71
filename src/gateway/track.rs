//! `/track/TOKEN`: how an order is doing, for its buyer. Words only: nothing about who ordered
//! what, and nothing that leads from one order to another.
//!
//! ```text
//!  token = base64url( 16 bytes of HMAC-SHA256 │ order key 16 │ tenant's name )
//! ```
//!
//! The key of the HMAC is derived from the data directory's secret: a link lives as long as the
//! directory, and nobody outside can make one.

use super::connections::Peer;
use super::engines::Asker;
use super::rate::Who;
use super::state::Shared;
use crate::limits::NAME_BYTES_MAX;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use crate::types::{OrderKey, OrderState};
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Bytes of the HMAC in a token.
const TAG_BYTES: usize = 16;

/// Who asks, in the journal: nothing is ever written for it.
const ACTOR: &str = "buyer";

/// Domain of the derived key.
const CONTEXT: &str = "onhand 2026-11 buyers' tracking links";

/// What links are signed with.
#[derive(Clone)]
pub struct TrackKey([u8; 32]);

impl fmt::Debug for TrackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrackKey")
    }
}

impl TrackKey {
    /// The key of a data directory with this secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self(blake3::derive_key(CONTEXT, secret))
    }

    fn mac(&self, message: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(message);
        Some(mac)
    }

    /// The path of an order's page.
    #[must_use]
    pub fn path(&self, tenant: &str, order: OrderKey) -> Option<String> {
        let message = [&order.0.to_be_bytes(), tenant.as_bytes()].concat();
        let tag = self.mac(&message)?.finalize().into_bytes();
        let token = [tag.first_chunk::<TAG_BYTES>()?.as_slice(), &message].concat();
        Some(format!("/track/{}", BASE64_URL_SAFE_NO_PAD.encode(token)))
    }

    /// The order of a token that this key made. Compares in constant time.
    fn order_of(&self, token: &str) -> Option<(String, OrderKey)> {
        if token.len() > (TAG_BYTES + 16 + NAME_BYTES_MAX).div_ceil(3) * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, message) = bytes.split_first_chunk::<TAG_BYTES>()?;
        self.mac(message)?.verify_truncated_left(tag).ok()?;
        let (order, tenant) = message.split_first_chunk::<16>()?;
        let tenant = std::str::from_utf8(tenant).ok()?.to_owned();
        Some((tenant, OrderKey(u128::from_be_bytes(*order))))
    }
}

/// What a buyer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Milestone {
    Received,
    Confirmed,
    OnItsWay,
    Delivered,
    Cancelled,
}

impl Milestone {
    fn of(state: OrderState) -> Self {
        match state {
            OrderState::Held
            | OrderState::FraudCheck
            | OrderState::Payment
            | OrderState::Review
            | OrderState::Backordered
            | OrderState::Webhook => Self::Received,
            OrderState::Confirmed | OrderState::Fulfilling => Self::Confirmed,
            OrderState::Shipped => Self::OnItsWay,
            OrderState::Delivered | OrderState::Completed => Self::Delivered,
            OrderState::Cancelling
            | OrderState::Rejected
            | OrderState::Expired
            | OrderState::Cancelled
            | OrderState::Declined => Self::Cancelled,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Confirmed => "Confirmed",
            Self::OnItsWay => "On its way",
            Self::Delivered => "Delivered",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// The route.
pub(super) async fn page(
    State(shared): State<Shared>,
    peer: Option<Extension<Peer>>,
    Path(token): Path<String>,
) -> Response {
    let who = Who::at(peer.map(|peer| peer.0.0.ip()));
    if let Err(problem) = shared.rates.admit(&who) {
        return problem.into_response();
    }
    let Some((tenant, order)) = shared.track.order_of(&token) else {
        return html(StatusCode::NOT_FOUND, &unknown());
    };
    let asker = Asker {
        tenant,
        actor: ACTOR.to_owned(),
    };
    let question = LocalRequest::Query(LocalQuery::Order(order));
    match shared.engines.ask(&asker, question).await {
        Ok(LocalAnswer::Order(Some(detail))) => {
            let state = detail.process.as_ref().map(|process| process.state);
            let milestone = Milestone::of(state.unwrap_or(detail.order.state));
            html(StatusCode::OK, &shown(milestone))
        }
        Ok(_) => html(StatusCode::NOT_FOUND, &unknown()),
        Err(_) => html(
            StatusCode::SERVICE_UNAVAILABLE,
            "<h1>One moment please</h1><p>This page is busy. Please try again in a minute.</p>",
        ),
    }
}

fn unknown() -> String {
    "<h1>No such order</h1><p>Please use the link from your order's message, in full.</p>"
        .to_owned()
}

fn shown(reached: Milestone) -> String {
    if reached == Milestone::Cancelled {
        return format!("<h1>Your order: {}</h1>", reached.words());
    }
    let way = [
        Milestone::Received,
        Milestone::Confirmed,
        Milestone::OnItsWay,
        Milestone::Delivered,
    ];
    let mut list = String::new();
    for milestone in way {
        let (mark, current) = match milestone.cmp(&reached) {
            std::cmp::Ordering::Less => ("done", ""),
            std::cmp::Ordering::Equal => ("now", " aria-current=\"step\""),
            std::cmp::Ordering::Greater => ("open", ""),
        };
        list.extend([
            "<li class=\"",
            mark,
            "\"",
            current,
            ">",
            milestone.words(),
            "</li>",
        ]);
    }
    format!("<h1>Your order: {}</h1><ol>{list}</ol>", reached.words())
}

fn html(status: StatusCode, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Your order</title><style>\
         :root{{color-scheme:light dark}}body{{font:1.125rem/1.6 system-ui,sans-serif;\
         max-width:32rem;margin:3rem auto;padding:0 1rem}}.open{{opacity:.65}}\
         .now{{font-weight:bold}}</style></head><body><main>{body}</main></body></html>"
    );
    let head = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    (status, head, page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_order_and_a_changed_one_nowhere() {
        let key = TrackKey::derive(&[7; 32]);
        let path = key.path("acme", OrderKey(0xabc)).expect("a path");
        let token = path.strip_prefix("/track/").expect("a token");
        assert_eq!(
            key.order_of(token),
            Some(("acme".to_owned(), OrderKey(0xabc)))
        );
        for at in 0..token.len() {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("text");
            let found = key.order_of(&changed);
            // The last character has bits that stand for nothing; those are refused as well.
            assert_eq!(found, None, "{at}");
        }
        for bad in ["", "A", &token[..20], &"A".repeat(4_096)] {
            assert_eq!(key.order_of(bad), None, "{bad}");
        }
        assert_eq!(
            TrackKey::derive(&[8; 32]).order_of(token),
            None,
            "another directory"
        );
    }

    #[test]
    fn every_state_has_a_word_and_no_page_says_more() {
        let states = (0..=u8::MAX).filter_map(OrderState::from_u8);
        for state in states {
            let page = shown(Milestone::of(state));
            assert!(!page.contains(state.name()), "{page}");
        }
        assert!(shown(Milestone::OnItsWay).contains("aria-current=\"step\">On its way"));
        assert!(!shown(Milestone::Cancelled).contains("Delivered"));
    }
}
