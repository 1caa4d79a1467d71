//! Callbacks of providers: whose they are, what they mean, and when they are acknowledged.

pub mod cases;

use onhand::gateway::callbacks::Source;
use onhand::sandbox::sign;
use onhand::shard::local::{LocalAnswer, OwnedReport};
use onhand::types::ResultCode;
use serde_json::json;

use self::cases::{Headers, TWILIO_URL, cases, header, standard, stripe};
use super::web::{Answered, send};
use super::web_engine::{ORDER, SHARED, UNREADABLE, Web, done};

pub const SECRET: &str = "whsec_dG9wc2VjcmV0"; // "topsecret" for those who decode it

pub fn source(kind: &str, secrets: &[&str]) -> Source {
    let mut source = Source {
        name: kind.to_owned(),
        kind: kind.to_owned(),
        tenant: "acme".to_owned(),
        secrets: secrets
            .iter()
            .map(|secret| secret.as_bytes().to_vec())
            .collect(),
        verify_token: b"handshake".to_vec(),
        ..Source::default()
    };
    let setting = match kind {
        "twilio" => Some(("url", TWILIO_URL)),
        "wms" | "webhook" => Some(("tenant", "*")),
        _ => None,
    };
    let setting = setting.map(|(name, value)| (name.to_owned(), value.to_owned()));
    source.settings.extend(setting);
    source.check().expect("good settings");
    source
}

pub fn seconds() -> u64 {
    onhand::clock::now_ms() / 1_000
}

pub fn deliver(web: &Web, kind: &str, headers: &Headers, body: &[u8]) -> Answered {
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    send(
        web.address,
        "POST",
        &format!("/callbacks/{kind}"),
        &headers,
        body,
    )
}

pub fn accepting(sources: Vec<Source>) -> Web {
    Web::start(sources, None, Box::new(|_| LocalAnswer::Command(done())))
}

#[test]
fn a_signed_delivery_is_acknowledged_once_what_it_says_is_journaled() {
    for case in cases() {
        let web = accepting(vec![source(case.kind, &[SECRET])]);
        let body = case.body.as_bytes();
        let headers = (case.sign)(SECRET, body, seconds());
        deliver(&web, case.kind, &headers, body).is(200);
        let reports = web.asked.reports();
        let said: Vec<_> = reports
            .iter()
            .map(|r| {
                (
                    r.kind,
                    r.order,
                    r.reference.as_str(),
                    r.amount,
                    r.text.as_str(),
                )
            })
            .collect();
        let mut expected = case.says.clone();
        if case.kind == "sift" {
            expected[0].2 = said[0].2; // the order's own id stands for the reference
            assert_eq!(expected[0].2, ORDER.to_string());
        }
        assert_eq!(said, expected, "{}", case.kind);
        assert!(reports.iter().all(|report| report.provider == case.kind));
        // The provider sends it again: the engine is asked, and knows each event.
        deliver(&web, case.kind, &headers, body).is(200);
        assert_eq!(web.asked.reports(), [], "{}", case.kind);
    }
}

#[test]
fn what_is_not_signed_by_the_provider_is_refused_and_changes_nothing() {
    for case in cases() {
        let web = accepting(vec![source(case.kind, &[SECRET])]);
        let body = case.body.as_bytes();
        let right = (case.sign)(SECRET, body, seconds());
        let mut refused = vec![
            ("no signature", vec![], body.to_vec()),
            (
                "another secret",
                (case.sign)("another", body, seconds()),
                body.to_vec(),
            ),
            (
                "no digits",
                right
                    .iter()
                    .map(|(n, _)| (n.clone(), "zz".to_owned()))
                    .collect(),
                body.to_vec(),
            ),
            (
                "empty",
                right
                    .iter()
                    .map(|(n, _)| (n.clone(), String::new()))
                    .collect(),
                body.to_vec(),
            ),
        ];
        let shared = matches!(case.kind, "shipstation" | "sendgrid");
        if !shared {
            let altered = [body, if case.kind == "twilio" { b"&a=b" } else { b" " }].concat();
            refused.push(("another body", right.clone(), altered));
        }
        if case.timed {
            let old = (case.sign)(SECRET, body, seconds() - 301);
            refused.push(("an old signature", old, body.to_vec()));
            let ahead = (case.sign)(SECRET, body, seconds() + 400);
            refused.push(("a signature from the future", ahead, body.to_vec()));
        }
        for (what, headers, body) in refused {
            let answered = deliver(&web, case.kind, &headers, &body);
            assert_eq!(answered.status, 401, "{}: {what}: {answered:?}", case.kind);
            answered.is_problem(401, "UNAUTHENTICATED");
        }
        assert_eq!(web.asked.reports(), [], "{}", case.kind);
    }
}

#[test]
fn a_secret_is_replaced_without_losing_a_delivery() {
    for case in cases() {
        let web = accepting(vec![source(case.kind, &["new secret", SECRET])]);
        let body = case.body.as_bytes();
        for secret in ["new secret", SECRET] {
            let headers = (case.sign)(secret, body, seconds());
            deliver(&web, case.kind, &headers, body).is(200);
        }
        assert_eq!(web.asked.reports().len(), case.says.len(), "{}", case.kind);
    }
}

#[test]
fn without_a_secret_nothing_is_believed() {
    for case in cases() {
        let web = accepting(vec![source(case.kind, &[])]);
        let body = case.body.as_bytes();
        for secret in ["", SECRET] {
            let headers = (case.sign)(secret, body, seconds());
            deliver(&web, case.kind, &headers, body).is_problem(401, "UNAUTHENTICATED");
        }
        // A provider that is not configured is not told from one whose secret is missing.
        let other = accepting(vec![]);
        let headers = (case.sign)(SECRET, body, seconds());
        deliver(&other, case.kind, &headers, body).is_problem(401, "UNAUTHENTICATED");
    }
}

#[test]
fn bodies_that_cannot_be_read_are_told_apart_from_strangers() {
    for case in cases() {
        let web = accepting(vec![source(case.kind, &[SECRET])]);
        let bad: [&[u8]; 5] = [b"", b"{", b"[1]", b"{\"id\":\"x\"}", b"\xff\xfe{}"];
        for body in bad {
            let headers = (case.sign)(SECRET, body, seconds());
            let answered = deliver(&web, case.kind, &headers, body);
            assert_eq!(answered.status, 400, "{} {body:?}: {answered:?}", case.kind);
            answered.is_problem(400, "BAD_REQUEST");
        }
        let long = vec![b' '; (1 << 20) + 1];
        let headers = (case.sign)(SECRET, &long, seconds());
        deliver(&web, case.kind, &headers, &long).is_problem(413, "BODY_TOO_LARGE");
        assert_eq!(web.asked.reports(), [], "{}", case.kind);
    }
}

#[test]
fn events_of_no_consequence_are_acknowledged_and_not_journaled() {
    let web = accepting(vec![source("stripe", &[SECRET])]);
    let body = json!({"id": "evt_9", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}});
    let body = body.to_string();
    let headers = stripe(SECRET, body.as_bytes(), seconds());
    deliver(&web, "stripe", &headers, body.as_bytes()).is(200);
    assert_eq!(web.asked.reports(), []);
}

#[test]
fn a_full_queue_makes_the_provider_send_again() {
    let web = Web::unserved(vec![source("stripe", &[SECRET])]);
    while web.queue.len() < onhand::limits::LOCAL_COMMANDS_MAX {
        let local = onhand::shard::local::Local {
            tenant: String::new(),
            actor: String::new(),
            request: onhand::shard::local::LocalRequest::Breaker {
                provider: String::new(),
                isolate: false,
            },
            answer: None,
        };
        web.queue.push(local).expect("room");
    }
    let case = cases().remove(0);
    let headers = stripe(SECRET, case.body.as_bytes(), seconds());
    let answered = deliver(&web, "stripe", &headers, case.body.as_bytes());
    answered.is_problem(503, "OVERLOADED");
    assert_eq!(answered.headers["retry-after"], "1");
}

#[test]
fn an_engine_that_cannot_journal_makes_the_provider_send_again() {
    let refuses = |_: &_| LocalAnswer::Refused(ResultCode::Overloaded);
    let web = Web::start(vec![source("stripe", &[SECRET])], None, Box::new(refuses));
    let case = cases().remove(0);
    let headers = stripe(SECRET, case.body.as_bytes(), seconds());
    deliver(&web, "stripe", &headers, case.body.as_bytes()).is_problem(503, "OVERLOADED");
}

#[test]
fn two_providers_of_a_kind_are_told_apart_by_the_path() {
    let named = |name: &str, secret: &str| Source {
        name: name.to_owned(),
        ..source("stripe", &[secret])
    };
    let web = accepting(vec![named("stripe_eu", "eu"), named("stripe_us", "us")]);
    let case = cases().remove(0);
    let body = case.body.as_bytes();
    let eu = stripe("eu", body, seconds());
    deliver(&web, "stripe", &eu, body).is(401);
    deliver(&web, "stripe/stripe_us", &eu, body).is(401);
    deliver(&web, "stripe/stripe_eu", &eu, body).is(200);
    let reports: Vec<OwnedReport> = web.asked.reports();
    assert_eq!(reports[0].provider, "stripe_eu");
    let us = stripe("us", body, seconds());
    deliver(&web, "stripe/stripe_us", &us, body).is(200);
    assert_ne!(
        web.asked.reports()[0].event,
        reports[0].event,
        "each has ids of its own"
    );
}

#[test]
fn a_notification_whose_shipments_cannot_be_read_is_sent_again() {
    let web = accepting(vec![source("shipstation", &[SECRET])]);
    let body = json!({"resource_type": "SHIP_NOTIFY",
        "resource_url": "https://ssapi.shipstation.com/shipments?batchId=2"});
    let body = body.to_string();
    let headers = header("x-shipstation-secret", SECRET.to_owned());
    deliver(&web, "shipstation", &headers, body.as_bytes()).is(503);
    assert_eq!(web.asked.reports(), []);
}

#[test]
fn an_order_number_decides_the_tenant_and_a_key_leaves_it_to_the_setting() {
    let tenant_of = |order: &str| {
        let web = accepting(vec![Source {
            tenant: "globex".to_owned(),
            ..source("wms", &[SECRET])
        }]);
        let body = json!({"type": "delivered", "order": order}).to_string();
        let headers = standard(SECRET, body.as_bytes(), seconds());
        deliver(&web, "wms", &headers, body.as_bytes()).is(200);
        let (tenant, actor, _) = web.asked.all().remove(0);
        assert_eq!(actor, "provider:wms");
        tenant
    };
    assert_eq!(tenant_of("0-7"), "acme");
    assert_eq!(
        tenant_of("0-8"),
        "globex",
        "an unknown number waits for its order there"
    );
    assert_eq!(tenant_of(&ORDER.to_string()), "globex");
}

#[test]
fn whatsapp_proves_the_address_by_its_handshake() {
    let web = accepting(vec![
        source("whatsapp", &[SECRET]),
        source("stripe", &[SECRET]),
    ]);
    let get = |query: &str| send(web.address, "GET", &format!("/callbacks/{query}"), &[], b"");
    let right = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=handshake";
    let answered = get(&format!("whatsapp?{right}")).is(200);
    assert_eq!(answered.body, "1158201444");
    for wrong in [
        "whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=other",
        "whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        "whatsapp?hub.challenge=1&hub.verify_token=handshake",
        "whatsapp",
    ] {
        get(wrong).is(403);
    }
    get(&format!("stripe?{right}")).is(401);
}

#[test]
fn settings_replace_header_and_algorithm_where_no_primary_source_fixes_them() {
    let mut configured = source("sift", &[SECRET]);
    for (name, value) in [
        ("header", "X-Other"),
        ("algorithm", "hmac-sha1-hex"),
        ("prefix", "sha1="),
    ] {
        configured
            .settings
            .insert(name.to_owned(), value.to_owned());
    }
    configured.check().expect("good settings");
    let web = accepting(vec![configured.clone()]);
    let sift = cases()
        .into_iter()
        .find(|case| case.kind == "sift")
        .expect("it");
    let body = sift.body.as_bytes();
    let digest = hex::encode(sign::sha1(SECRET.as_bytes(), &[body]));
    deliver(
        &web,
        "sift",
        &header("X-Other", format!("sha1={digest}")),
        body,
    )
    .is(200);
    deliver(&web, "sift", &(sift.sign)(SECRET, body, seconds()), body).is(401);
    configured
        .settings
        .insert("algorithm".to_owned(), "md5".to_owned());
    let error = configured.check().expect_err("unknown algorithm");
    assert!(error.contains("hmac-sha256-hex"), "{error}");
    let mut fixed = source("stripe", &[SECRET]);
    fixed
        .settings
        .insert("algorithm".to_owned(), "shared-secret".to_owned());
    let error = fixed.check().expect_err("Stripe's scheme is fixed");
    assert!(error.contains("`algorithm` is not known"), "{error}");
}

#[test]
fn sendgrids_signed_events_are_checked_with_its_public_key() {
    use rcgen::{PublicKeyData, SigningKey};
    let pair = rcgen::KeyPair::generate().expect("a key pair");
    let public = sign::base64(&pair.subject_public_key_info());
    let mut signed = source("sendgrid", &[&public]);
    signed
        .settings
        .insert("algorithm".to_owned(), "ecdsa-p256".to_owned());
    let web = accepting(vec![signed]);
    let body = cases()
        .into_iter()
        .find(|case| case.kind == "sendgrid")
        .expect("it")
        .body;
    let deliver_at = |time: u64, body: &str| {
        let message = [time.to_string().as_bytes(), body.as_bytes()].concat();
        let signature = sign::base64(&pair.sign(&message).expect("signed"));
        let headers = vec![
            (
                "X-Twilio-Email-Event-Webhook-Signature".to_owned(),
                signature,
            ),
            (
                "X-Twilio-Email-Event-Webhook-Timestamp".to_owned(),
                time.to_string(),
            ),
        ];
        deliver(&web, "sendgrid", &headers, body.as_bytes()).status
    };
    assert_eq!(deliver_at(seconds(), &body), 200);
    assert_eq!(deliver_at(seconds() - 400, &body), 401);
    assert_eq!(web.asked.reports().len(), 2);
}

/// What a warehouse says about an order, signed.
fn shipped(web: &Web, order: &str, number: u32) -> Answered {
    shipped_by(web, "wms", order, number)
}

/// What a partner of a kind says about an order, signed.
fn shipped_by(web: &Web, kind: &str, order: &str, number: u32) -> Answered {
    let body = json!({"type": "shipped", "order": order}).to_string();
    let id = format!("msg_{number}");
    let time = seconds().to_string();
    let signature = sign::standard(SECRET, &id, &time, body.as_bytes());
    let headers = vec![
        ("webhook-id".to_owned(), id),
        ("webhook-timestamp".to_owned(), time),
        ("webhook-signature".to_owned(), signature),
    ];
    deliver(web, kind, &headers, body.as_bytes())
}

#[test]
fn an_event_about_a_key_that_two_tenants_have_goes_to_the_one_that_its_mark_names() {
    let mark = onhand::types::effect::tenant_mark;
    let web = accepting(vec![source("wms", &[SECRET])]);
    for (number, tenant) in [(1, "acme"), (2, "globex")] {
        let named = format!("{SHARED}-9-4{}", mark(tenant));
        shipped(&web, &named, number).is(200);
        let asked = web.asked.all();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].0, tenant);
    }
    // Nothing says which of both: no order is moved by its key.
    shipped(&web, &SHARED.to_string(), 3).is(200);
    let reports = web.asked.reports();
    assert!(
        reports.iter().all(|report| report.order.0 == 0),
        "{reports:?}"
    );
}

#[test]
fn a_provider_of_one_tenant_reports_on_that_tenants_orders_only() {
    let fenced = |tenant: &str| {
        let mut source = source("wms", &[SECRET]);
        source.tenant = tenant.to_owned();
        source
            .settings
            .insert("tenant".to_owned(), tenant.to_owned());
        source
    };
    let web = accepting(vec![fenced("acme")]);
    shipped(&web, "0-7", 1).is(200); // acme's
    shipped(&web, &SHARED.to_string(), 2).is(200); // acme's, and globex's
    let asked = web.asked.all();
    let tenants: Vec<&str> = asked.iter().map(|(tenant, ..)| tenant.as_str()).collect();
    assert_eq!(tenants, ["acme", "acme"]);
    let web = accepting(vec![fenced("initech")]);
    shipped(&web, "0-7", 3).is(200);
    shipped(&web, &SHARED.to_string(), 4).is(200);
    assert_eq!(web.asked.reports(), [], "they are of others");
}

#[test]
fn a_partner_without_a_tenant_reports_on_orders_of_the_default_tenant_only() {
    for kind in ["wms", "webhook"] {
        let of_all = Source {
            tenant: "default".to_owned(),
            ..source(kind, &[SECRET])
        };
        let mut plain = of_all.clone();
        plain.settings.clear();
        let web = accepting(vec![plain]);
        let mark = onhand::types::effect::tenant_mark("acme");
        let foreign = [
            "0-7".to_owned(),              // acme's, by its number
            SHARED.to_string(),            // acme's, and globex's, by its key
            format!("{SHARED}-9-4{mark}"), // the same, with acme's mark
        ];
        for (number, order) in (1..).zip(&foreign) {
            shipped_by(&web, kind, order, number).is(200);
            assert_eq!(
                web.asked.reports(),
                [],
                "{kind}: {order} is another tenant's"
            );
        }
        // A key that nobody is known to have is the default tenant's, which the shard looks up.
        shipped_by(&web, kind, &ORDER.to_string(), 9).is(200);
        let asked = web.asked.all();
        assert_eq!((asked.len(), asked[0].0.as_str()), (1, "default"), "{kind}");
        let web = accepting(vec![of_all]);
        shipped_by(&web, kind, "0-7", 10).is(200);
        assert_eq!(web.asked.all()[0].0, "acme", "{kind}: `*` is all tenants");
    }
    // A processor knows orders by ids that we gave it: it serves all tenants as ever.
    let web = accepting(vec![source("easypost", &[SECRET])]);
    let mut case = cases().into_iter().filter(|case| case.kind == "easypost");
    let case = case.next().expect("a case");
    let headers = (case.sign)(SECRET, case.body.as_bytes(), seconds());
    deliver(&web, "easypost", &headers, case.body.as_bytes()).is(200);
    assert_eq!(web.asked.reports().len(), case.says.len());
}

#[test]
fn an_event_whose_order_cannot_be_looked_up_is_to_be_sent_again() {
    let web = accepting(vec![source("wms", &[SECRET])]);
    shipped(&web, &format!("0-{UNREADABLE}"), 1).is_problem(503, "OVERLOADED");
    assert_eq!(web.asked.reports(), []);
}
