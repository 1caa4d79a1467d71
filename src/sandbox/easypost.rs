//! EasyPost: rates, labels and parcels on their way.
//!
//! Rates follow from weight and postcodes alone ([`rates`]), so a rate kept from an earlier call
//! can be compared with the one asked for. A parcel moves one step at a time after its label was
//! bought. What becomes of it is in the recipient's second line of address: `SANDBOX LOST` fails,
//! `SANDBOX RETURN` goes back to the sender, anything else arrives.

use super::shape::{At, Object, date, members, next_step, note, origin, text};
use super::{Callback, Core, Provider, Reply, Request, sign};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const NAME: &str = "easypost";

const DATE: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The key: the name of Basic authentication, with an empty password.
pub const KEY: &str = "EZTKsandbox";

/// The secret that signs callbacks.
pub const CALLBACK_SECRET: &str = "sandbox-easypost-callback";

/// The provider.
#[derive(Debug, Default)]
pub struct EasyPost {
    account: Mutex<Account>,
}

impl Provider for EasyPost {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, request: &Request) -> &'static str {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v2/shipments") => "rates",
            ("POST", "/v2/trackers") => "track",
            ("POST", path) if path.ends_with("/buy") => "buy",
            ("POST", path) if path.ends_with("/refund") => "refund",
            _ => "read",
        }
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        let (code, message) = match status {
            429 => ("RATE_LIMITED", "Too many requests."),
            _ => (
                "INTERNAL_SERVER_ERROR",
                "We are sorry, something went wrong.",
            ),
        };
        error(status, code, message, &[])
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        if request.basic() != Some((core.secret("easypost.key", KEY).to_owned(), String::new())) {
            return error(401, "UNAUTHORIZED", "The API key is not valid.", &[]);
        }
        self.account.lock().route(request, core)
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        let code = request.query_value("tracking_code")?;
        (action == "advance").then(|| {
            let moved = self.account.lock().advance_code(&code, core);
            Reply::json(200, &json!({"moved": moved}))
        })
    }

    fn timer(&self, token: &str, core: &Core) {
        let mut account = self.account.lock();
        if account.advance(token, core) {
            next_step(core, NAME, token);
        }
    }
}

/// The state of the account.
#[derive(Debug, Default)]
struct Account {
    shipments: HashMap<String, Object>,
    by_reference: HashMap<String, String>,
    trackers: BTreeMap<String, Tracker>,
    made: u64,
}

#[derive(Debug)]
struct Tracker {
    shown: Object,
    /// What is still to come.
    journey: &'static [&'static str],
}

impl Account {
    fn route(&mut self, request: &Request, core: &Core) -> Reply {
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["v2", "shipments"]) => self.create(request, core),
            ("GET", ["v2", "shipments", id]) => match self.shipment(id) {
                Some(shipment) => Reply::json(200, &Value::Object(shipment.clone())),
                None => not_found(),
            },
            ("POST", ["v2", "shipments", id, "buy"]) => self.buy(id, request, core),
            ("POST", ["v2", "shipments", id, "refund"]) => self.refund(id, core),
            ("POST", ["v2", "trackers"]) => self.track(request, core),
            ("GET", ["v2", "trackers"]) => self.list_trackers(request),
            ("GET", ["v2", "trackers", id]) => match self.trackers.get(*id) {
                Some(tracker) => Reply::json(200, &Value::Object(tracker.shown.clone())),
                None => not_found(),
            },
            _ => not_found(),
        }
    }

    /// A shipment by its id or, as the provider allows, by the caller's reference.
    fn shipment(&self, id: &str) -> Option<&Object> {
        let id = self.by_reference.get(id).map_or(id, String::as_str);
        self.shipments.get(id)
    }

    fn id(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{:032x}", self.made)
    }

    fn create(&mut self, request: &Request, core: &Core) -> Reply {
        let body = request.json();
        let Some(asked) = body
            .as_ref()
            .and_then(|body| body.at("/shipment").as_object())
        else {
            return required(&["shipment"]);
        };
        let missing = missing_fields(asked);
        if !missing.is_empty() {
            return required(&missing);
        }
        let id = self.id("shp");
        let time = date(core.now_ms(), DATE);
        let mut shipment = asked.clone();
        let mut listed = Vec::new();
        for quote in rates(
            asked.at("/from_address"),
            asked.at("/to_address"),
            ounces(asked),
        ) {
            listed.push(
                json!({"id": self.id("rate"), "object": "Rate", "mode": "test",
                "service": quote.service, "carrier": quote.carrier, "currency": "USD",
                "rate": format!("{}.{:02}", quote.cents / 100, quote.cents % 100),
                "delivery_days": quote.days, "shipment_id": id, "created_at": time}),
            );
        }
        for (name, kind) in [
            ("from_address", "adr"),
            ("to_address", "adr"),
            ("parcel", "prcl"),
        ] {
            let part_id = self.id(kind);
            if let Some(part) = shipment.get_mut(name).and_then(Value::as_object_mut) {
                part.insert("id".to_owned(), json!(part_id));
            }
        }
        let fixed = json!({"id": id, "object": "Shipment", "mode": "test", "status": "unknown",
            "tracking_code": null, "rates": listed, "selected_rate": null, "tracker": null,
            "postage_label": null, "refund_status": null, "messages": [], "is_return": false,
            "created_at": time, "updated_at": time});
        shipment.extend(members(fixed));
        shipment.entry("reference").or_insert(Value::Null);
        let reference = text(&shipment, "reference");
        if !reference.is_empty() {
            self.by_reference.insert(reference.clone(), id.clone());
        }
        let data = json!({"rates": shipment.at("/rates").as_array().map_or(0, Vec::len)});
        note(core, (NAME, "parcel"), &id, &reference, data);
        self.shipments.insert(id, shipment.clone());
        Reply::json(201, &Value::Object(shipment))
    }

    fn buy(&mut self, id: &str, request: &Request, core: &Core) -> Reply {
        let Some(shipment) = self.shipment(id).cloned() else {
            return not_found();
        };
        let id = text(&shipment, "id");
        if !shipment.at("/postage_label").is_null() {
            let message = "Postage already exists for this shipment.";
            return error(422, "SHIPMENT.POSTAGE.EXISTS", message, &[]);
        }
        let wanted = request.json().unwrap_or_default();
        let Some(wanted) = wanted.at("/rate/id").as_str() else {
            return required(&["rate"]);
        };
        let rates = shipment.at("/rates").as_array();
        let Some(rate) = rates.and_then(|all| all.iter().find(|rate| rate.at("/id") == wanted))
        else {
            let message = "The rate is not one of this shipment's.";
            return error(422, "SHIPMENT.RATES.NOT_FOUND", message, &[]);
        };
        let carrier = rate.at("/carrier").as_str().unwrap_or("USPS").to_owned();
        let code = format!("9400136{:015}", self.made + 1);
        let journey = journey(shipment.at("/to_address"));
        let tracker = self.start(&code, &carrier, &id, journey, core);
        let label_id = self.id("pl");
        let address = format!("{}/easypost/labels/{label_id}.pdf", origin(request));
        let reference = text(&shipment, "reference");
        let (price, service) = (rate.at("/rate").clone(), rate.at("/service").clone());
        let bought = json!({"tracking_code": code, "selected_rate": rate, "tracker": tracker,
            "status": "pre_transit", "updated_at": date(core.now_ms(), DATE),
            "postage_label": {"id": label_id, "object": "PostageLabel",
                "label_date": date(core.now_ms(), DATE), "label_url": address,
                "label_file_type": "application/pdf", "label_size": "4x6"}});
        let mut shipment = shipment;
        shipment.extend(members(bought));
        let data = json!({"tracking": code, "carrier": carrier, "service": service, "rate": price});
        note(core, (NAME, "label"), &id, &reference, data);
        self.shipments.insert(id, shipment.clone());
        Reply::json(200, &Value::Object(shipment))
    }

    fn refund(&mut self, id: &str, core: &Core) -> Reply {
        let Some(id) = self.shipment(id).map(|shipment| text(shipment, "id")) else {
            return not_found();
        };
        let Some(shipment) = self.shipments.get_mut(&id) else {
            return not_found();
        };
        let tracker = shipment.at("/tracker/id").as_str().unwrap_or("");
        let moved = self
            .trackers
            .get(tracker)
            .map(|one| text(&one.shown, "status"));
        let message = match (shipment.at("/refund_status").as_str(), moved.as_deref()) {
            (_, None) => "The shipment has no postage to refund.",
            (Some(_), _) => "A refund was requested for this shipment already.",
            (None, Some("pre_transit" | "unknown")) => "",
            (None, Some(_)) => "The label has been used and cannot be refunded.",
        };
        if !message.is_empty() {
            return error(422, "SHIPMENT.REFUND.UNAVAILABLE", message, &[]);
        }
        shipment.insert("refund_status".to_owned(), json!("submitted"));
        shipment.insert("updated_at".to_owned(), json!(date(core.now_ms(), DATE)));
        let (reference, tracker) = (text(shipment, "reference"), tracker_id(shipment));
        let data = json!({"tracking": shipment.at("/tracking_code")});
        note(core, (NAME, "label_void"), &id, &reference, data);
        let reply = Reply::json(200, &Value::Object(shipment.clone()));
        // A cancelled label goes nowhere.
        if let Some(tracker) = self.trackers.get_mut(&tracker) {
            tracker
                .shown
                .insert("status".to_owned(), json!("cancelled"));
            tracker.journey = &[];
        }
        reply
    }

    fn track(&mut self, request: &Request, core: &Core) -> Reply {
        let body = request.json().unwrap_or_default();
        let Some(code) = body.at("/tracker/tracking_code").as_str() else {
            return required(&["tracking_code"]);
        };
        let carrier = body.at("/tracker/carrier").as_str().unwrap_or("USPS");
        let tracker = self.start(code, carrier, "", ARRIVES, core);
        Reply::json(201, &Value::Object(tracker))
    }

    fn list_trackers(&self, request: &Request) -> Reply {
        let wanted = request.query_value("tracking_code");
        let all = self.trackers.values().map(|tracker| &tracker.shown);
        let fits = |tracker: &&Object| {
            let code = tracker.at("/tracking_code").as_str();
            wanted.is_none() || wanted.as_deref() == code
        };
        let found: Vec<&Object> = all.filter(fits).collect();
        Reply::json(200, &json!({"trackers": found, "has_more": false}))
    }

    /// A tracker at the start of its journey.
    fn start(
        &mut self,
        code: &str,
        carrier: &str,
        shipment: &str,
        journey: &'static [&'static str],
        core: &Core,
    ) -> Object {
        let id = self.id("trk");
        let of = Some(shipment).filter(|id| !id.is_empty());
        let tracker = json!({"id": id, "object": "Tracker", "mode": "test", "carrier": carrier,
            "tracking_code": code, "status": "pre_transit", "shipment_id": of,
            "tracking_details": [], "est_delivery_date": null, "signed_by": null,
            "created_at": date(core.now_ms(), DATE), "updated_at": date(core.now_ms(), DATE)});
        let tracker = members(tracker);
        next_step(core, NAME, &id);
        let shown = tracker.clone();
        self.trackers.insert(id, Tracker { shown, journey });
        tracker
    }

    fn advance_code(&mut self, code: &str, core: &Core) -> bool {
        let mut all = self.trackers.iter();
        let found = all.find(|(_, tracker)| text(&tracker.shown, "tracking_code") == code);
        let id = found.map(|(id, _)| id.clone());
        id.is_some_and(|id| self.advance(&id, core))
    }

    /// Moves a parcel by one step and says so; whether there was a step to take.
    fn advance(&mut self, id: &str, core: &Core) -> bool {
        let event = self.id("evt");
        let Some(tracker) = self.trackers.get_mut(id) else {
            return false;
        };
        let Some((status, rest)) = tracker.journey.split_first() else {
            return false;
        };
        tracker.journey = rest;
        let shown = &mut tracker.shown;
        let (before, code) = (text(shown, "status"), text(shown, "tracking_code"));
        let time = date(core.now_ms(), DATE);
        let detail = json!({"object": "TrackingDetail", "status": status, "message": status,
            "datetime": time});
        shown.insert("status".to_owned(), json!(status));
        shown.insert("updated_at".to_owned(), json!(time));
        if let Some(Value::Array(details)) = shown.get_mut("tracking_details") {
            details.push(detail);
        }
        let mut order = code.clone();
        if let Some(shipment) = self.shipments.get_mut(&text(shown, "shipment_id")) {
            shipment.insert("status".to_owned(), json!(status));
            shipment.insert("tracker".to_owned(), Value::Object(shown.clone()));
            order = text(shipment, "reference");
        }
        let data = json!({"status": status, "tracking": code});
        note(core, (NAME, "carrier_report"), id, &order, data);
        core.callbacks.send(updated(&event, &before, shown, &time));
        true
    }
}

const ARRIVES: &[&str] = &["in_transit", "out_for_delivery", "delivered"];

fn journey(to: &Value) -> &'static [&'static str] {
    match to["street2"].as_str() {
        Some("SANDBOX LOST") => &["in_transit", "failure"],
        Some("SANDBOX RETURN") => &["in_transit", "return_to_sender"],
        _ => ARRIVES,
    }
}

/// `tracker.updated`, signed.
fn updated(event: &str, before: &str, tracker: &Object, time: &str) -> Callback {
    let body = json!({"id": event, "object": "Event", "mode": "test",
        "description": "tracker.updated", "previous_attributes": {"status": before},
        "result": tracker, "status": "pending", "pending_urls": [], "completed_urls": [],
        "created_at": time, "updated_at": time});
    Callback {
        provider: NAME,
        secret: ("easypost.callback_secret", CALLBACK_SECRET),
        content_type: "application/json",
        body: body.to_string().into(),
        sign: Arc::new(|signing| {
            let mac = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
            vec![(
                "x-hmac-signature",
                format!("hmac-sha256-hex={}", hex::encode(mac)),
            )]
        }),
    }
}

/// One carrier's price for a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The carrier.
    pub carrier: &'static str,
    /// Its service.
    pub service: &'static str,
    /// The price in US cents.
    pub cents: u64,
    /// Days on the way.
    pub days: u64,
}

/// Carrier, service, base price, price per started pound and zone, days without distance.
const SERVICES: [(&str, &str, u64, u64, u64); 4] = [
    ("USPS", "GroundAdvantage", 395, 45, 3),
    ("USPS", "Priority", 620, 65, 1),
    ("UPS", "Ground", 810, 55, 2),
    ("FedEx", "FEDEX_2_DAY", 1_450, 110, 1),
];

/// The prices of a parcel of `ounces` between two addresses: the same for the same weight and
/// postcodes, whoever asks and whenever. Abroad counts as the farthest zone and three times the
/// price.
pub fn rates(from: &Value, to: &Value, ounces: f64) -> Vec<Quote> {
    let abroad =
        from.at("/country").as_str().unwrap_or("US") != to.at("/country").as_str().unwrap_or("US");
    let zone = if abroad {
        8
    } else {
        1 + prefix(from.at("/zip")).abs_diff(prefix(to.at("/zip"))) / 130
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to 1..=2,400
    let pounds = (ounces / 16.0).ceil().clamp(1.0, 2_400.0) as u64;
    let quote = |&(carrier, service, base, step, days): &(_, _, u64, u64, u64)| {
        let cents = (base + step * pounds * zone) * if abroad { 3 } else { 1 };
        Quote {
            carrier,
            service,
            cents,
            days: days + zone / 3,
        }
    };
    SERVICES.iter().map(quote).collect()
}

/// The region of a postcode: the first three of its digits.
fn prefix(zip: &Value) -> u64 {
    let digits = zip
        .as_str()
        .unwrap_or("")
        .chars()
        .filter_map(|c| c.to_digit(10));
    digits
        .take(3)
        .fold(0, |number, digit| number * 10 + u64::from(digit))
}

fn ounces(shipment: &Object) -> f64 {
    let weight = shipment.get("parcel").map(|parcel| parcel.at("/weight"));
    match weight {
        Some(Value::String(text)) => text.parse().unwrap_or(0.0),
        Some(number) => number.as_f64().unwrap_or(0.0),
        None => 0.0,
    }
}

fn missing_fields(shipment: &Object) -> Vec<&'static str> {
    let present = |name: &str| shipment.get(name).is_some_and(Value::is_object);
    let mut missing = Vec::new();
    for name in ["from_address", "to_address", "parcel"] {
        if !present(name) {
            missing.push(name);
        }
    }
    if missing.is_empty() && ounces(shipment) <= 0.0 {
        missing.push("parcel.weight");
    }
    missing
}

fn required(fields: &[&str]) -> Reply {
    error(
        422,
        "PARAMETER.REQUIRED",
        "Missing required parameter.",
        fields,
    )
}

fn error(status: u16, code: &str, message: &str, fields: &[&str]) -> Reply {
    let blank = |field: &&str| json!({"field": field, "message": "cannot be blank"});
    let errors: Vec<Value> = fields.iter().map(blank).collect();
    let error = json!({"code": code, "message": message, "errors": errors});
    Reply::json(status, &json!({"error": error}))
}

fn not_found() -> Reply {
    error(
        404,
        "NOT_FOUND",
        "The requested resource could not be found.",
        &[],
    )
}

fn tracker_id(shipment: &Object) -> String {
    shipment.at("/tracker/id").as_str().unwrap_or("").to_owned()
}
