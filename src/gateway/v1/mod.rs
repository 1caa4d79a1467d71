//! The REST API, first version: orders in process, reviews, dead letters, breakers.
//!
//! Every answer waits until what it reveals is acknowledged. What changes state takes an
//! `Idempotency-Key`, so that it can be repeated; refusals are problem details with the result code.
//! Shapes are a contract (`docs/API.md`): members are added, never renamed or removed.

mod auth;
mod breakers;
mod dead_letters;
mod edit;
mod operate;
mod orders;
mod pages;
mod pipelines;
mod recovery;
mod review;
mod show;

use super::problem::Problem;
use super::state::Shared;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

pub(super) use auth::{Caller, is_loopback};
pub(super) use operate::order as order_of;

/// The routes below `/v1`.
pub(super) fn routes() -> Router<Shared> {
    let letter = |action: &str| format!("/dead-letters/{{order}}/{{effect}}{action}");
    Router::new()
        .route("/orders", get(orders::list))
        .route("/orders/{order}", get(orders::show))
        .route("/orders/{order}/cancel", post(orders::cancel))
        .route("/orders/{order}/ship", post(orders::ship))
        .route("/orders/{order}/deliver", post(orders::deliver))
        .route("/orders/{order}/refund", post(orders::refund))
        .route("/orders/{order}/return", post(orders::give_back))
        .route("/orders/{order}/edit", post(edit::edit))
        .route("/review", get(review::list))
        .route("/review/{order}/approve", post(review::approve))
        .route("/review/{order}/decline", post(review::decline))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/redrive", post(dead_letters::redrive_all))
        .route(&letter(""), get(dead_letters::show))
        .route(&letter("/redrive"), post(dead_letters::redrive))
        .route(&letter("/discard"), post(dead_letters::discard))
        .route(&letter("/edit"), post(dead_letters::edit))
        .route("/pipelines", get(pipelines::show))
        .route("/breakers", get(breakers::list))
        .route("/breakers/{provider}/isolate", post(breakers::isolate))
        .route("/breakers/{provider}/reset", post(breakers::reset))
}

/// No such path.
pub(super) async fn no_route() -> Problem {
    let title = "There is nothing at this path.";
    Problem::new(StatusCode::NOT_FOUND, "NO_ROUTE", title).because("see docs/API.md for the paths")
}

/// The path is there, but not with this method.
pub(super) async fn no_method() -> Problem {
    let title = "This path does not take this method.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "NO_METHOD", title)
}
