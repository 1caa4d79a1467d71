//! The next version of an order: what it keeps of the one before, and when it is not made.

use super::super::web_engine::{DETAILED, ORDER, SHARED, Web, details};
use super::{post, web};
use onhand::shard::local::{LocalRequest, PlaceRequest};
use onhand::types::{OrderDetails, OrderMode};
use serde_json::json;

/// The version that the engine was asked to make last.
fn asked(web: &Web) -> Box<PlaceRequest> {
    let (_, _, request) = web.asked.all().pop().expect("a command");
    match request {
        LocalRequest::Edit { place, .. } => place,
        other => panic!("not an edit: {other:?}"),
    }
}

/// Whether the engine was asked to make any.
fn asks_none(web: &Web) {
    let asked = web.asked.all();
    let edits =
        |(_, _, request): &(_, _, LocalRequest)| matches!(request, LocalRequest::Edit { .. });
    assert!(!asked.iter().any(edits), "{asked:?}");
}

#[test]
fn an_address_is_put_into_the_details_that_there_are() {
    let web = web();
    let path = format!("/orders/{DETAILED}/edit");
    let body = json!({"shipping_address": ["Calle Sol 4", "28013 Madrid"], "country": "ES"});
    post(&web, &path, &body).is(200);
    let place = asked(&web);
    let wanted = OrderDetails {
        shipping_address: vec!["Calle Sol 4".to_owned(), "28013 Madrid".to_owned()],
        country: "ES".to_owned(),
        unit_prices: Vec::new(), // those of its lines
        ..details()
    };
    assert_eq!(place.details, Some(wanted));
    assert_eq!((place.version, place.mode), (2, OrderMode::Place));
    assert_eq!(
        (place.total, place.currency, place.lines.len()),
        (4_470, 978, 1)
    );
    // Without an address it waits on, whatever else was changed of it.
    post(&web, &path, &json!({"country": "ES"})).is(200);
    let place = asked(&web);
    assert_eq!(place.mode, OrderMode::Incomplete);
    let country = place.details.map(|details| details.country);
    assert_eq!(country.as_deref(), Some("ES"));
    // What has no details gets them.
    post(&web, &format!("/orders/{ORDER}/edit"), &body).is(200);
    let lines = asked(&web).details.map(|details| details.shipping_address);
    assert_eq!(lines.map_or(0, |lines| lines.len()), 2);
}

#[test]
fn an_address_that_cannot_be_is_refused_with_the_member_that_is_wrong() {
    let web = web();
    let path = format!("/orders/{DETAILED}/edit");
    let line = "Calle Sol 4";
    for (body, code, member) in [
        (
            json!({"shipping_address": [], "country": "ES"}),
            "DETAILS_MALFORMED",
            "shipping_address",
        ),
        (
            json!({"shipping_address": [line, " "], "country": "ES"}),
            "DETAILS_MALFORMED",
            "shipping_address",
        ),
        (
            json!({"shipping_address": vec![line; 17], "country": "ES"}),
            "DETAILS_MALFORMED",
            "shipping_address",
        ),
        (
            json!({"shipping_address": ["4242 4242 4242 4242"], "country": "ES"}),
            "CARD_NUMBER",
            "shipping_address",
        ),
        (
            json!({"shipping_address": [line], "country": "Spain"}),
            "DETAILS_MALFORMED",
            "country",
        ),
        (
            json!({"details": {}, "country": "ES"}),
            "INVALID_FIELD",
            "country",
        ),
        (
            json!({"details": {}, "shipping_address": [line]}),
            "INVALID_FIELD",
            "shipping_address",
        ),
    ] {
        let refused = post(&web, &path, &body);
        refused.is_problem(422, code);
        let problem = refused.json();
        assert_eq!(problem["member"], member, "{body}");
        let detail = problem["detail"].as_str().expect("a sentence");
        assert!(detail.ends_with("nothing was done"), "{detail}");
        asks_none(&web);
    }
    for unreadable in [
        json!({"shipping_address": "Calle Sol 4"}),
        json!({"country": 34}),
    ] {
        post(&web, &path, &unreadable).is_problem(400, "BAD_REQUEST");
    }
    // Details that cannot be read are not replaced by an address alone.
    let body = json!({"shipping_address": [line], "country": "ES"});
    post(&web, &format!("/orders/{SHARED}/edit"), &body).is_problem(503, "OVERLOADED");
    asks_none(&web);
}

#[test]
fn an_edit_that_cannot_read_what_it_is_to_keep_changes_nothing() {
    let web = web();
    let path = format!("/orders/{SHARED}/edit");
    let lines = json!([{"sku": "MUG-BLUE", "quantity": 3}]);
    let blind = json!({"lines": lines, "total": 6705});
    post(&web, &path, &blind).is_problem(503, "OVERLOADED");
    asks_none(&web);
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
    assert_eq!(asked(&web).mode, OrderMode::Fact);
}
