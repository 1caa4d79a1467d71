//! `/docs`: the API's document to read and to try out. The page is Swagger UI in a frame of our own,
//! which gives it what its markup lacks: names for its fields, and colours that weak eyes can read.

use super::problem::Problem;
use super::v1;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;
use utoipa_swagger_ui::Config;

const DOCUMENT: &str = "/openapi.json";

/// Nothing from another host, and in no other page's frame. Swagger UI sets styles of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The document, and the page with its files.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let document = Arc::new(v1::document());
    // No field for other documents, and the schemas closed.
    let config = Config::from(DOCUMENT).use_base_layout();
    let config = Arc::new(config.default_models_expand_depth(0));
    Router::new()
        .route(
            DOCUMENT,
            get(move || std::future::ready(Json(Arc::clone(&document)).into_response())),
        )
        .route("/docs", get(|| std::future::ready(Redirect::to("/docs/"))))
        .route("/docs/", get(|| std::future::ready(own("index.html"))))
        .route(
            "/docs/{*file}",
            get(move |Path(file): Path<String>| serve(file, Arc::clone(&config))),
        )
}

/// A file of our own, or the page where there is none of this name.
fn own(file: &str) -> Response {
    let (kind, text) = match file {
        "docs.css" => ("text/css", include_str!("docs/docs.css")),
        "docs.js" => ("text/javascript", include_str!("docs/docs.js")),
        _ => ("text/html; charset=utf-8", include_str!("docs/index.html")),
    };
    with_policy(kind.to_owned(), text)
}

async fn serve(file: String, config: Arc<Config<'static>>) -> Result<Response, Problem> {
    if matches!(&*file, "index.html" | "docs.css" | "docs.js") {
        return Ok(own(&file));
    }
    // An error is of a configuration that is no JSON: ours is a constant.
    match utoipa_swagger_ui::serve(&file, config).ok().flatten() {
        Some(found) => Ok(with_policy(found.content_type, found.bytes.into_owned())),
        None => Err(v1::no_route().await),
    }
}

fn with_policy(kind: String, body: impl IntoResponse) -> Response {
    let fixed = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (fixed, [(header::CONTENT_TYPE, kind)], body).into_response()
}
