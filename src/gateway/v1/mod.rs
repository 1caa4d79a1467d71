//! The REST API, first version: orders, holds, stock, definitions, events, and what operators do.
//!
//! Every answer waits until what it reveals is acknowledged. What changes state takes an
//! `Idempotency-Key`, so that it can be repeated; refusals are problem details with the result code.
//! Shapes are a contract (`docs/API.md`): members are added, never renamed or removed.

mod address;
mod auth;
mod bounds;
mod breakers;
mod catalog;
mod channel_shapes;
mod channels;
mod dead_letters;
mod edit;
mod events;
mod holds;
mod mappings;
mod openapi;
mod operate;
mod operation;
mod operations;
mod orders;
mod pages;
mod parameters;
mod pipelines;
mod place;
mod quarantine;
mod recovery;
mod reply;
mod review;
pub mod shapes;
mod show;
mod status;
mod stock;
mod subscribers;

pub(super) use auth::is_known;
pub(super) use openapi::document;

use super::problem::Problem;
use super::state::Shared;
use axum::Router;
use axum::http::StatusCode;

pub(super) use auth::{Caller, is_loopback};
pub(super) use operate::order as order_of;

/// The routes below `/v1`: those of the table, each with the role that it needs.
pub(super) fn routes() -> Router<Shared> {
    let operations = operations::all().into_iter();
    operations.fold(Router::new(), |router, operation| {
        let (path, route) = operation.into_route();
        router.route(path, route)
    })
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
