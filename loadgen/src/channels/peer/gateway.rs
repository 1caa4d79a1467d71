//! The gateway: takes Shopify's webhooks. It checks the signature over the raw bytes, queues the
//! body, and says 200 when the queue has it on the disk. It reads nothing.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::queue::Queue;

/// Largest body, in bytes.
const BODY_BYTES_MAX: usize = 3 << 20;

/// Headers of Shopify.
const SIGNATURE: &str = "x-shopify-hmac-sha256";
const WEBHOOK: &str = "x-shopify-webhook-id";

#[derive(Clone)]
struct Gateway {
    queue: Queue,
    secret: &'static str,
}

/// The routes, for the shop's webhooks at `path`, signed with `secret`.
pub fn routes(queue: Queue, path: &str, secret: &'static str) -> Router {
    Router::new()
        .route(path, post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Gateway { queue, secret })
}

async fn take(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if !is_signed(gateway.secret, text(SIGNATURE), &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let webhook = text(WEBHOOK).unwrap_or_default();
    match gateway.queue.append(webhook, &body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            eprintln!("peer: the queue takes nothing: {error}");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "1")],
            )
                .into_response()
        }
    }
}

/// Whether a signature is that of these very bytes; compared in constant time.
fn is_signed(secret: &str, signature: Option<&str>, body: &[u8]) -> bool {
    let signature = signature.and_then(|text| STANDARD.decode(text).ok());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(body);
    signature.is_some_and(|signature| mac.verify_slice(&signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::load::shop;
    use super::*;
    use crate::channels::deliveries::shopify_sale;

    #[test]
    fn only_the_bytes_that_were_signed_with_the_secret_are_taken() {
        let shop = shop().unwrap();
        let sale = shopify_sale(shop, 700_000_001, "shirt");
        let mut headers = sale.headers.iter();
        let signature = headers.find(|(name, _)| *name == SIGNATURE);
        let signature = signature.map(|(_, value)| value.as_str());
        let body = sale.body.as_bytes();
        assert!(is_signed(shop.secret, signature, body));
        assert!(!is_signed("another secret", signature, body));
        assert!(!is_signed(shop.secret, None, body));
        assert!(!is_signed(shop.secret, Some("no base64!"), body));
        let spaced = sale.body.replace("\"EUR\"", " \"EUR\"");
        assert!(!is_signed(shop.secret, signature, spaced.as_bytes()));
    }
}
