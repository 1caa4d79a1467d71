//! The REST API: shapes that are a contract, who may do what, and what bad requests are told.

mod edits;
mod known;

use onhand::net::token::{Token, TokenFile};
use onhand::shard::local::{LocalAnswer, LocalRequest};
use onhand::types::process::OperatorAction;
use onhand::types::{CommandKey, Disposition, OrderKey, OrderMode, ResultCode, Role};
use serde_json::{Value, json};

use self::known::answer;
use super::web::{Answered, raw, send};
use super::web_engine::{ORDER, Web};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: &str = "000102030405060708090a0b0c0d0e0f";

fn web() -> Web {
    Web::start(vec![], None, Box::new(answer))
}

fn get(web: &Web, path: &str) -> Answered {
    send(web.address, "GET", &format!("/v1{path}"), &[], b"")
}

fn post(web: &Web, path: &str, body: &Value) -> Answered {
    let headers = [JSON, ("idempotency-key", KEY), ("onhand-tenant", "acme")];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(
        web.address,
        "POST",
        &format!("/v1{path}"),
        &headers,
        body.as_bytes(),
    )
}

#[test]
fn lists_and_orders_have_the_shapes_of_the_contract() {
    let web = web();
    let order = ORDER.to_string();
    let summary = json!({
        "order": order, "number": "0-7", "state": "REVIEW", "since": "2026-05-04T08:12:30.000Z",
        "pipeline": "standard", "step": "payment", "sub_state": null,
        "review_reason": "payment", "customer": 71, "total": 4470, "currency": 978,
        "timer": {"kind": "review", "at": "2026-05-05T08:12:30.000Z"},
    });
    let listed = get(&web, "/orders").is(200);
    assert_eq!(listed.headers["content-type"], "application/json");
    assert_eq!(listed.json(), json!({"next": null, "orders": [summary]}));
    let review = json!({"next": "1f", "orders": [summary]});
    assert_eq!(get(&web, "/review?limit=1").is(200).json(), review);
    let after = get(&web, "/review?limit=1&after=1f").is(200).json();
    assert_eq!(after, json!({"next": null, "orders": []}));
    let none = get(&web, "/orders?state=SHIPPED").is(200).json();
    assert_eq!(none["orders"], json!([]));
    let shown = json!({
        "order": order, "number": "0-7", "code": "OK", "state": "REVIEW", "placed": true,
        "version": 1, "channel": 2, "customer": 71, "held_until": "2026-05-04T08:27:30.000Z",
        "lines": [{"sku": "MUG-RED", "location": "berlin", "ordered": 2, "reserved": 0,
            "committed": 0, "shipped": 2, "returned": 1, "cancelled": 0}],
        "process": {
            "since": "2026-05-04T08:12:30.000Z", "pipeline": "standard", "step": "payment",
            "sub_state": null, "review_reason": "payment", "resume_to": "PAYMENT",
            "timer": {"kind": "review", "at": "2026-05-05T08:12:30.000Z"},
            "score": 12, "processor": "stripe", "total": 4470, "currency": 978,
            "authorised": 4470, "captured": 0, "refunded": 0,
            "effects": [{"effect": 3, "kind": "notify", "provider": "sendgrid", "attempt": 4,
                "next": "dead", "due": null, "since": "2026-05-04T08:12:31.000Z",
                "milestone": "confirmed", "amount": 0, "reference": "", "code": "503",
                "message": "unavailable"}],
        },
    });
    let mut found = get(&web, &format!("/orders/{order}")).is(200).json();
    let track = found
        .as_object_mut()
        .and_then(|members| members.remove("track"));
    let track = track.expect("a member");
    assert!(
        track.as_str().expect("a path").starts_with("/track/"),
        "{track}"
    );
    assert_eq!(found, shown);
}

#[test]
fn dead_letters_and_breakers_have_the_shapes_of_the_contract() {
    let web = web();
    let order = ORDER.to_string();
    let letter = json!({
        "order": order, "number": "0-7", "effect": 3, "key": format!("{order}-13-3"),
        "kind": "notify", "provider": "sendgrid", "order_state": "REVIEW", "attempts": 4,
        "since": "2026-05-04T08:12:31.000Z", "milestone": "confirmed", "amount": 0,
        "currency": 978, "reference": "", "cause": {"code": "503", "message": "unavailable"},
    });
    let listed = get(&web, "/dead-letters").is(200).json();
    assert_eq!(listed, json!({"next": null, "dead_letters": [letter]}));
    assert_eq!(
        get(&web, &format!("/dead-letters/{order}/3"))
            .is(200)
            .json(),
        letter
    );
    get(&web, &format!("/dead-letters/{order}/4")).is_problem(404, "UNKNOWN_DEAD_LETTER");
    let open = json!({"provider": "stripe", "state": "open", "generation": 3, "failures": 5,
        "open_until": "2026-05-04T08:13:00.000Z", "baseline_ms": 120, "in_flight": 2});
    let breakers = get(&web, "/breakers").is(200).json();
    assert_eq!(breakers["breakers"][0], open);
    assert_eq!(breakers["breakers"][1]["state"], "closed");
    let pipelines = json!({"version": 3, "pipelines": [{"name": "standard", "payment": "gateway", "method": "two_step",
        "steps": [{"name": "payment", "kind": "payment", "warehouses": [], "compensated": false,
            "providers": ["stripe", "authorize_net"]}]}]});
    assert_eq!(get(&web, "/pipelines").is(200).json(), pipelines);
}

#[test]
fn a_decision_is_sent_as_asked_and_answered_with_its_outcome() {
    let web = web();
    let order = ORDER.to_string();
    let reason = json!({"reason": "checked by phone"});
    let approved = post(&web, &format!("/review/{order}/approve"), &reason)
        .is(200)
        .json();
    let outcome = json!({"code": "OK", "order": order, "state": "PAYMENT", "replayed": false,
        "sequence": 42, "key": KEY});
    assert_eq!(approved, outcome);
    let key: CommandKey = KEY.parse().unwrap();
    let expect = |action: OperatorAction, effect: u16, amount: u64, reason: &str| {
        let (tenant, actor, request) = web.asked.all().pop().expect("a command");
        assert_eq!((tenant.as_str(), actor.as_str()), ("acme", "anonymous"));
        let LocalRequest::Operate {
            key: k,
            order: o,
            action: a,
            effect: e,
            amount: m,
            reason: r,
        } = request
        else {
            panic!("not a decision: {request:?}");
        };
        assert_eq!(
            (k, o, a, e, m, r.as_str()),
            (key, ORDER, action, effect, amount, reason)
        );
    };
    expect(OperatorAction::Approve, 0, 0, "checked by phone");
    let decisions = [
        (
            format!("/review/{order}/decline"),
            reason.clone(),
            OperatorAction::Decline,
            0,
            0,
            "checked by phone",
        ),
        (
            format!("/orders/{order}/deliver"),
            Value::Null,
            OperatorAction::Deliver,
            0,
            0,
            "",
        ),
        (
            format!("/orders/{order}/ship"),
            json!({"carrier": "dhl", "tracking": "JD01"}),
            OperatorAction::Ship,
            0,
            0,
            "dhl JD01",
        ),
        (
            format!("/orders/{order}/refund"),
            json!({"amount": 500, "reason": "broken"}),
            OperatorAction::Refund,
            0,
            500,
            "broken",
        ),
        (
            format!("/dead-letters/{order}/3/redrive"),
            Value::Null,
            OperatorAction::Redrive,
            3,
            0,
            "",
        ),
        (
            format!("/dead-letters/{order}/3/discard"),
            reason,
            OperatorAction::Discard,
            3,
            0,
            "checked by phone",
        ),
        (
            format!("/dead-letters/{order}/3/edit"),
            json!({"reference": "ana@example.com"}),
            OperatorAction::EditEffect,
            3,
            0,
            "ana@example.com",
        ),
    ];
    for (path, body, action, effect, amount, reason) in decisions {
        post(&web, &path, &body).is(200);
        expect(action, effect, amount, reason);
    }
    // An order by its number is the same order.
    post(&web, "/review/0-7/approve", &Value::Null).is(200);
    expect(OperatorAction::Approve, 0, 0, "");
}

#[test]
fn a_refusal_of_the_engine_is_a_problem_with_its_code() {
    let web = web();
    let refused = post(&web, &format!("/orders/{ORDER}/cancel"), &Value::Null);
    refused.is_problem(409, "ALREADY_SHIPPED");
    assert_eq!(refused.json()["state"], "SHIPPED");
    let other = OrderKey(9).to_string();
    for unknown in [&other, "0-8", "9-9", "x", "00", "é", "1-"] {
        let path = format!("/orders/{}", unknown.replace('é', "%C3%A9"));
        get(&web, &path).is_problem(404, "UNKNOWN_ORDER");
        post(&web, &format!("{path}/deliver"), &Value::Null).is_problem(404, "UNKNOWN_ORDER");
    }
    // The order with this number is another tenant's.
    let headers = [("onhand-tenant", "globex")];
    send(web.address, "GET", "/v1/orders/0-7", &headers, b"").is_problem(404, "UNKNOWN_ORDER");
}

#[test]
fn returns_and_edits_take_what_is_absent_from_the_order() {
    let web = web();
    post(
        &web,
        &format!("/orders/{ORDER}/return"),
        &json!({"disposition": "damaged"}),
    )
    .is(200);
    let (_, _, request) = web.asked.all().pop().expect("a command");
    match request {
        LocalRequest::Return {
            order,
            disposition,
            lines,
            ..
        } => {
            assert_eq!((order, disposition), (ORDER, Disposition::Damaged));
            assert_eq!(lines, [], "the engine knows what is out");
        }
        other => panic!("not a return: {other:?}"),
    }
    let edit = json!({"lines": [{"sku": "MUG-BLUE", "quantity": 3}], "total": 6705});
    post(&web, &format!("/orders/{ORDER}/edit"), &edit).is(200);
    let (_, _, request) = web.asked.all().pop().expect("a command");
    match request {
        LocalRequest::Edit { key, place, .. } => {
            assert_eq!(key.to_string(), KEY);
            assert_eq!(
                (place.key, place.version, place.mode),
                (ORDER, 2, OrderMode::Place)
            );
            assert_eq!(
                (place.total, place.currency, place.customer),
                (6_705, 978, 71)
            );
            assert_eq!(place.lines[0].sku, "MUG-BLUE");
        }
        other => panic!("not an edit: {other:?}"),
    }
}

#[test]
fn a_breaker_is_changed_by_name() {
    let web = web();
    let isolated = post(&web, "/breakers/stripe/isolate", &Value::Null)
        .is(200)
        .json();
    let said = json!({"code": "OK", "provider": "stripe", "state": "isolated", "sequence": 42});
    assert_eq!(isolated, said);
    let asked = web.asked.all();
    let changed = |wanted: bool| {
        move |request: &LocalRequest| match request {
            LocalRequest::Breaker { provider, isolate } => {
                provider == "stripe" && *isolate == wanted
            }
            _ => false,
        }
    };
    assert!(asked.iter().any(|(_, _, request)| changed(true)(request)));
    post(&web, "/breakers/stripe/reset", &Value::Null).is(200);
    assert!(
        web.asked
            .all()
            .iter()
            .any(|(_, _, request)| changed(false)(request))
    );
    let unknown = post(&web, "/breakers/strip/reset", &Value::Null);
    unknown.is_problem(404, "UNKNOWN_PROVIDER");
    assert!(
        unknown.json()["detail"]
            .as_str()
            .unwrap()
            .contains("stripe, sendgrid")
    );
}

#[test]
fn dead_letters_of_one_cause_are_driven_again_and_counted() {
    let web = web();
    let cause = json!({"provider": "sendgrid", "code": "503", "wait_ms": 500});
    let counted = post(&web, "/dead-letters/redrive", &cause).is(200).json();
    // The order still lists the effect as dead: it was tried and failed again.
    let expected = json!({"matched": 1, "redriven": 1, "refused": 0, "recovered": 0,
        "dead_again": 1, "pending": 0, "recovery_rate": 0.0});
    assert_eq!(counted, expected);
    let other = post(&web, "/dead-letters/redrive", &json!({"code": "other"}))
        .is(200)
        .json();
    assert_eq!(
        (&other["matched"], &other["recovery_rate"]),
        (&json!(0), &Value::Null)
    );
    for bad in [
        json!({"limit": 0}),
        json!({"limit": 1001}),
        json!({"wait_ms": 30_001}),
    ] {
        post(&web, "/dead-letters/redrive", &bad).is_problem(422, "INVALID_FIELD");
    }
}

#[test]
fn roles_decide_what_a_token_may_do() {
    let mut tokens = TokenFile::default();
    let mut secrets = Vec::new();
    for role in [Role::ReadOnly, Role::Connector, Role::Operator, Role::Admin] {
        let (secret, token) = Token::draw(role.name(), role, "acme").expect("a token");
        tokens.add(token).expect("room");
        secrets.push((role, secret));
    }
    let web = Web::start(vec![], Some(tokens), Box::new(answer));
    let needs: [(&str, String, Role); 9] = [
        ("GET", "/v1/orders".to_owned(), Role::ReadOnly),
        ("GET", format!("/v1/orders/{ORDER}"), Role::ReadOnly),
        ("GET", "/v1/breakers".to_owned(), Role::ReadOnly),
        (
            "POST",
            format!("/v1/orders/{ORDER}/cancel"),
            Role::Connector,
        ),
        ("POST", format!("/v1/orders/{ORDER}/edit"), Role::Connector),
        ("POST", format!("/v1/orders/{ORDER}/refund"), Role::Operator),
        (
            "POST",
            format!("/v1/review/{ORDER}/approve"),
            Role::Operator,
        ),
        (
            "POST",
            format!("/v1/dead-letters/{ORDER}/3/redrive"),
            Role::Operator,
        ),
        (
            "POST",
            "/v1/breakers/stripe/isolate".to_owned(),
            Role::Operator,
        ),
    ];
    for (method, path, needed) in &needs {
        for (role, secret) in &secrets {
            let bearer = format!("Bearer {secret}");
            let headers = [
                ("authorization", bearer.as_str()),
                ("onhand-tenant", "acme"),
            ];
            let answered = send(web.address, method, path, &headers, b"");
            if role >= needed {
                assert_ne!(answered.status, 403, "{path} {role:?}: {answered:?}");
            } else {
                answered.is_problem(403, "FORBIDDEN_ROLE");
            }
        }
    }
    web.asked.all();
    let bearer = format!("Bearer {}", secrets[3].1);
    let path = format!("/v1/review/{ORDER}/approve");
    let with = |headers: &[(&str, &str)]| send(web.address, "POST", &path, headers, b"");
    with(&[]).is_problem(401, "UNAUTHENTICATED");
    with(&[("authorization", "Bearer oh_wrong")]).is_problem(401, "UNAUTHENTICATED");
    with(&[("authorization", "Basic b25oYW5k")]).is_problem(401, "UNAUTHENTICATED");
    let other = [
        ("authorization", bearer.as_str()),
        ("onhand-tenant", "globex"),
    ];
    with(&other).is_problem(403, "FORBIDDEN_TENANT");
    assert!(
        web.asked.all().is_empty(),
        "who is not admitted asks nothing"
    );
}

#[test]
fn bad_requests_are_told_what_is_wrong_and_change_nothing() {
    let web = web();
    let path = format!("/v1/orders/{ORDER}/refund");
    let with =
        |headers: &[(&str, &str)], body: &[u8]| send(web.address, "POST", &path, headers, body);
    let long = vec![b' '; (1 << 20) + 1];
    with(&[JSON], &long).is_problem(413, "BODY_TOO_LARGE");
    with(&[JSON], b"{").is_problem(400, "BAD_REQUEST");
    with(&[JSON], b"\xff").is_problem(400, "BAD_REQUEST");
    with(&[JSON], b"{\"amount\": -1}").is_problem(400, "BAD_REQUEST");
    with(&[JSON], b"{\"amuont\": 1}").is_problem(400, "BAD_REQUEST");
    let form = ("content-type", "application/x-www-form-urlencoded");
    with(&[form], b"amount=1").is_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    with(&[], b"{}").is_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let reason = json!({"reason": "x".repeat(241)}).to_string();
    with(&[JSON], reason.as_bytes()).is_problem(422, "INVALID_FIELD");
    let zero = "0".repeat(32);
    with(&[JSON, ("idempotency-key", &zero)], b"{}").is_problem(422, "INVALID_KEY");
    with(&[JSON, ("onhand-tenant", &"t".repeat(65))], b"{}").is_problem(422, "INVALID_NAME");
    for query in ["limit=0", "limit=501", "after=x", "sort=asc"] {
        get(&web, &format!("/orders?{query}")).is_problem(400, "BAD_REQUEST");
    }
    get(&web, "/orders?state=LOST").is_problem(422, "INVALID_FIELD");
    get(&web, "/nothing").is_problem(404, "NO_ROUTE");
    send(web.address, "DELETE", "/v1/orders", &[], b"").is_problem(405, "NO_METHOD");
    let empty = post(&web, &format!("/dead-letters/{ORDER}/3/edit"), &Value::Null);
    empty.is_problem(400, "BAD_REQUEST");
    let commands = web
        .asked
        .all()
        .into_iter()
        .filter(|(_, _, request)| !matches!(request, LocalRequest::Query(_)));
    assert_eq!(commands.count(), 0);
}

#[test]
fn a_page_of_another_origin_is_not_taken_for_the_local_admin() {
    let web = web();
    let rebound = format!(
        "GET /v1/orders HTTP/1.1\r\nhost: evil.example:{}\r\nconnection: close\r\n\r\n",
        web.address.port()
    );
    raw(web.address, rebound.as_bytes()).is_problem(401, "UNAUTHENTICATED");
}

#[test]
fn answers_join_the_callers_trace() {
    let web = web();
    let parent = (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    let answered = send(web.address, "GET", "/v1/breakers", &[parent], b"").is(200);
    let own = &answered.headers["traceparent"];
    assert!(own.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && own.ends_with("-01"));
    assert_ne!(own, parent.1);
}

#[test]
fn an_engine_that_is_full_is_told_as_overload() {
    let web = Web::start(
        vec![],
        None,
        Box::new(|_| LocalAnswer::Refused(ResultCode::Overloaded)),
    );
    let answered = post(&web, &format!("/orders/{ORDER}/deliver"), &Value::Null);
    answered.is_problem(503, "OVERLOADED");
    assert_eq!(answered.headers["retry-after"], "1");
}
