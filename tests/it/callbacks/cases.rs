//! One delivery of each provider, signed as it signs, and what it means.

use onhand::sandbox::sign;
use onhand::types::OrderKey;
use onhand::types::process::ReportKind;
use serde_json::json;

use super::super::web_engine::ORDER;

pub type Headers = Vec<(String, String)>;

/// How one provider signs, what it sends, and what that means.
pub struct Case {
    pub kind: &'static str,
    /// Headers of a delivery under a secret, sent to an address at a time.
    pub sign: fn(&str, &[u8], u64) -> Headers,
    /// A time is signed, so an old delivery is refused.
    pub timed: bool,
    pub body: String,
    /// Kind, order, reference, amount, text.
    pub says: Vec<(ReportKind, OrderKey, &'static str, u64, &'static str)>,
}

pub fn header(name: &str, value: String) -> Headers {
    vec![(name.to_owned(), value)]
}

fn hmac256(secret: &str, parts: &[&[u8]]) -> String {
    hex::encode(sign::sha256(secret.as_bytes(), parts))
}

pub fn stripe(secret: &str, body: &[u8], seconds: u64) -> Headers {
    let time = seconds.to_string();
    let digest = hmac256(secret, &[time.as_bytes(), b".", body]);
    let value = format!("t={time},v1={},v1={digest},v0=00", "00".repeat(32));
    header("Stripe-Signature", value)
}

pub fn standard(secret: &str, body: &[u8], seconds: u64) -> Headers {
    let (id, time) = ("msg_1", seconds.to_string());
    let signature = sign::standard(secret, id, &time, body);
    vec![
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), time),
        (
            "webhook-signature".to_owned(),
            format!("v1,AAAA {signature}"),
        ),
    ]
}

pub const TWILIO_URL: &str = "https://shop.example/callbacks/twilio";

fn twilio(secret: &str, body: &[u8], _: u64) -> Headers {
    let mut fields: Vec<(String, String)> =
        url::form_urlencoded::parse(body).into_owned().collect();
    fields.sort();
    let signed: String = fields
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .collect();
    let parts = [TWILIO_URL.as_bytes(), signed.as_bytes()];
    header(
        "X-Twilio-Signature",
        sign::base64(&sign::sha1(secret.as_bytes(), &parts)),
    )
}

pub fn cases() -> Vec<Case> {
    let none = OrderKey::default();
    let intent = json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {
        "object": "payment_intent", "id": "pi_1", "amount_received": 4470,
        "metadata": {"order_id": ORDER.to_string()}}}});
    let notice = json!({"notificationId": "n-1", "webhookId": "w", "payload": {
        "responseCode": 1, "authAmount": 44.7, "invoiceNumber": "0-7-2", "id": "60000000001"},
        "eventType": "net.authorize.payment.authorization.created"});
    let decided = json!({"signifydId": 123, "orderId": "0-7", "decision": {
        "createdAt": "2026-05-04T08:12:30Z", "checkpointAction": "REJECT",
        "checkpointActionReason": "stolen card"}});
    let sift = json!({"entity": {"type": "order", "id": ORDER.to_string()},
        "decision": {"id": "block_order_payment_abuse"}, "time": 1_777_882_351_000_u64});
    let shipped = json!({"resource_type": "SHIP_NOTIFY",
        "resource_url": "https://ssapi.shipstation.com/shipments?batchId=1"});
    let tracker = json!({"id": "evt_2", "description": "tracker.updated", "result": {
        "carrier": "USPS", "tracking_code": "94001", "shipment_id": "shp_1",
        "status": "delivered"}});
    let mails = json!([
        {"sg_event_id": "e-1", "event": "delivered", "sg_message_id": "m1.filter-0",
            "onhand_order": ORDER.to_string()},
        {"sg_event_id": "e-2", "event": "open", "sg_message_id": "m1.filter-0"},
        {"sg_event_id": "e-3", "event": "bounce", "sg_message_id": "m2.filter-0",
            "reason": "550 no such mailbox"}]);
    let receipts = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
        {"field": "messages", "value": {"statuses": [
            {"id": "wamid.1", "status": "sent"}, {"id": "wamid.1", "status": "delivered"}]}},
        {"field": "messages", "value": {"statuses": [{"id": "wamid.2", "status": "failed",
            "errors": [{"code": 131_026, "title": "Message undeliverable"}]}]}}]}]});
    let left = json!({"type": "shipped", "order": "0-7", "carrier": "dhl", "tracking": "JD01"});
    let case = |kind, sign, timed, body: serde_json::Value, says| Case {
        kind,
        sign,
        timed,
        body: body.to_string(),
        says,
    };
    let mut cases = vec![
        case(
            "stripe",
            stripe,
            true,
            intent,
            vec![(ReportKind::PaymentCaptured, ORDER, "pi_1", 4470, "")],
        ),
        case(
            "authorize_net",
            |secret, body, _| {
                let digest = hex::encode_upper(sign::sha512(secret.as_bytes(), &[body]));
                header("X-ANET-Signature", format!("sha512={digest}"))
            },
            false,
            notice,
            vec![(
                ReportKind::PaymentAuthorised,
                ORDER,
                "60000000001",
                4470,
                "",
            )],
        ),
        case(
            "signifyd",
            |secret, body, _| {
                let digest = sign::base64(&sign::sha256(secret.as_bytes(), &[body]));
                header("SIGNIFYD-SEC-HMAC-SHA256", digest)
            },
            false,
            decided,
            vec![(
                ReportKind::FraudDecision,
                ORDER,
                "123",
                100,
                "decline stolen card",
            )],
        ),
        case(
            "sift",
            |secret, body, _| {
                header(
                    "X-Sift-Science-Signature",
                    format!("sha256={}", hmac256(secret, &[body])),
                )
            },
            false,
            sift,
            vec![(
                ReportKind::FraudDecision,
                ORDER,
                "",
                100,
                "decline block_order_payment_abuse",
            )],
        ),
        case(
            "shipstation",
            |secret, _, _| header("x-shipstation-secret", secret.to_owned()),
            false,
            shipped,
            vec![(ReportKind::Shipped, ORDER, "7", 0, "usps 94001")],
        ),
        case(
            "easypost",
            |secret, body, _| {
                header(
                    "X-Hmac-Signature",
                    format!("hmac-sha256-hex={}", hmac256(secret, &[body])),
                )
            },
            false,
            tracker,
            vec![(
                ReportKind::Delivered,
                none,
                "shp_1",
                0,
                "USPS 94001 delivered",
            )],
        ),
        case(
            "sendgrid",
            |secret, _, _| header("x-sendgrid-secret", secret.to_owned()),
            false,
            mails,
            vec![
                (ReportKind::MessageDelivered, ORDER, "m1", 0, "delivered"),
                (
                    ReportKind::MessageFailed,
                    none,
                    "m2",
                    0,
                    "bounce 550 no such mailbox",
                ),
            ],
        ),
        case(
            "whatsapp",
            |secret, body, _| {
                header(
                    "X-Hub-Signature-256",
                    format!("sha256={}", hmac256(secret, &[body])),
                )
            },
            false,
            receipts,
            vec![
                (
                    ReportKind::MessageDelivered,
                    none,
                    "wamid.1",
                    0,
                    "delivered",
                ),
                (
                    ReportKind::MessageFailed,
                    none,
                    "wamid.2",
                    0,
                    "failed 131026 Message undeliverable",
                ),
            ],
        ),
        case(
            "wms",
            standard,
            true,
            left,
            vec![(ReportKind::Shipped, ORDER, "", 0, "dhl JD01")],
        ),
    ];
    cases.push(Case {
        kind: "twilio",
        sign: twilio,
        timed: false,
        body: "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003&To=%2B34600".to_owned(),
        says: vec![(
            ReportKind::MessageFailed,
            none,
            "SM1",
            0,
            "undelivered (30003)",
        )],
    });
    cases
}
