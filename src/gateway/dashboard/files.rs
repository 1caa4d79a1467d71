//! The pages' files, from the binary.

use crate::dashboard::assets::{self, Asset};
use crate::gateway::problem::Problem;
use crate::gateway::v1;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Nothing from another host, no script or style but the files, and in no other page's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `GET /`.
pub(super) async fn index(headers: HeaderMap) -> Response {
    match assets::find("index.html") {
        Some(asset) => serve(asset, &headers),
        None => v1::no_route().await.into_response(),
    }
}

/// `GET /dashboard/assets/PATH`.
pub(super) async fn asset(
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match assets::find(&path) {
        Some(asset) => Ok(serve(asset, &headers)),
        None => Err(v1::no_route().await),
    }
}

fn serve(asset: &Asset, headers: &HeaderMap) -> Response {
    let hash = blake3::hash(asset.bytes).to_hex();
    let tag = format!("\"{}\"", hash.get(..16).unwrap_or_default());
    let known = headers.get(header::IF_NONE_MATCH);
    let fixed = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    let same = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let tag = [(header::ETAG, tag)];
    if same {
        return (StatusCode::NOT_MODIFIED, fixed, tag).into_response();
    }
    (fixed, tag, asset.bytes).into_response()
}
