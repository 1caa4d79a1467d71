//! The next version of an order: what it keeps of the one before, and when it is not made.

use super::super::web_engine::SHARED;
use super::{post, web};
use onhand::shard::local::LocalRequest;
use onhand::types::OrderMode;
use serde_json::json;

#[test]
fn an_edit_that_cannot_read_what_it_is_to_keep_changes_nothing() {
    let web = web();
    let path = format!("/orders/{SHARED}/edit");
    let lines = json!([{"sku": "MUG-BLUE", "quantity": 3}]);
    let blind = json!({"lines": lines, "total": 6705});
    post(&web, &path, &blind).is_problem(503, "OVERLOADED");
    let asked = web.asked.all();
    let places =
        |(_, _, request): &(_, _, LocalRequest)| matches!(request, LocalRequest::Edit { .. });
    assert!(!asked.iter().any(places), "{asked:?}");
    // Nothing is to be kept where all of it is given.
    let details = json!({"external_id": "5", "contact_name": "Ana"});
    let whole = json!({"lines": lines, "total": 6705, "details": details});
    post(&web, &path, &whole).is(200);
}

#[test]
fn an_edit_of_an_order_that_a_channel_had_sold_stays_one_of_that_channels_order() {
    let web = web();
    let details = json!({"external_id": "5", "contact_name": "Ana"});
    let path = format!("/orders/{SHARED}/edit");
    post(&web, &path, &json!({"details": details})).is(200);
    let (_, _, request) = web.asked.all().pop().expect("a command");
    match request {
        LocalRequest::Edit { place, .. } => assert_eq!(place.mode, OrderMode::Fact),
        other => panic!("not an edit: {other:?}"),
    }
}
