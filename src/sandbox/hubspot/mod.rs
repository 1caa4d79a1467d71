//! HubSpot: contacts, orders and deals of the CRM, and custom behavioural events.

mod property;

use self::property::{
    KINDS, Refusal, check_names, check_properties, check_required, known, reference,
    shown_by_default, singular, unique_form,
};
use super::shape::{At, Object, date, note, set};
use super::{Core, Limit, LimitState, Provider, Reply, Request};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

const NAME: &str = "hubspot";

const LIMITS: &[Limit] = &[Limit::all(100, 10_000)];

const DATE: &str = "%Y-%m-%dT%H:%M:%S.%3fZ";

/// The Bearer token of the private app.
pub const TOKEN: &str = "pat-sandbox-hubspot";

const INPUTS_MAX: usize = 100;

/// The provider.
#[derive(Debug, Default)]
pub struct HubSpot {
    account: Mutex<Account>,
}

impl Provider for HubSpot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, request: &Request) -> &'static str {
        let path = request.path.as_str();
        match request.method.as_str() {
            "GET" => "read",
            _ if path.ends_with("/batch/upsert") => "upsert",
            _ if path == "/events/v3/send" => "event",
            "PUT" => "associate",
            "PATCH" => "update",
            _ => "create",
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, at: LimitState) -> Reply {
        limited(self.fail(request, 429), Some(at))
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        if status != 429 {
            return error(status, "INTERNAL_ERROR", "Internal error.");
        }
        let message = "You have reached your ten_secondly_rolling limit.";
        let body = json!({"status": "error", "message": message, "errorType": "RATE_LIMIT",
            "category": "RATE_LIMITS", "correlationId": CORRELATION,
            "policyName": "TEN_SECONDLY_ROLLING"});
        Reply::json(429, &body)
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        if request.bearer() != Some(core.secret("hubspot.token", TOKEN)) {
            let message = "Authentication credentials not found or not valid.";
            return error(401, "INVALID_AUTHENTICATION", message);
        }
        limited(self.account.lock().route(request, core), request.limit)
    }
}

fn limited(reply: Reply, at: Option<LimitState>) -> Reply {
    let (most, left) = at.map_or((100, 100), |at| (at.most, at.remaining));
    reply
        .with("x-hubspot-ratelimit-max", most.to_string())
        .with("x-hubspot-ratelimit-remaining", left.to_string())
        .with("x-hubspot-ratelimit-interval-milliseconds", "10000")
}

const CORRELATION: &str = "00000000-0000-4000-8000-000000000001";

fn error(status: u16, category: &str, message: &str) -> Reply {
    let body = json!({"status": "error", "message": message, "category": category,
        "correlationId": CORRELATION});
    Reply::json(status, &body)
}

/// The state of the account.
#[derive(Debug, Default)]
struct Account {
    /// Kind and id to the object.
    objects: HashMap<(String, String), Record>,
    /// Kind, property and value to the id.
    unique: HashMap<(String, String, String), String>,
    ids: HashSet<String>,
    made: u64,
}

#[derive(Debug)]
struct Record {
    properties: Object,
    created: String,
    updated: String,
}

impl Account {
    fn route(&mut self, request: &Request, core: &Core) -> Reply {
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if request.method.as_str() == "GET" {
            return match parts.as_slice() {
                ["crm", "v3", "objects", kind, id] => self.read(request, kind, id),
                _ => error(404, "OBJECT_NOT_FOUND", "There is nothing at this address."),
            };
        }
        if let (
            "PUT",
            [
                "crm",
                "v4",
                "objects",
                from,
                id,
                "associations",
                "default",
                to,
                other,
            ],
        ) = (request.method.as_str(), parts.as_slice())
        {
            return self.associate((from, id), (to, other), core);
        }
        if !request.is("application/json") {
            return error(415, "VALIDATION_ERROR", "The content type must be JSON.");
        }
        let Some(Value::Object(body)) = request.json() else {
            let message = "Invalid input JSON.";
            return error(400, "VALIDATION_ERROR", message);
        };
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["crm", "v3", "objects", kind, "batch", "upsert"]) if known(kind) => {
                self.upsert(kind, &body, core)
            }
            ("POST", ["crm", "v3", "objects", kind]) if known(kind) => {
                self.create(kind, &body, core)
            }
            ("PATCH", ["crm", "v3", "objects", kind, id]) if known(kind) => {
                self.update(request, kind, id, &body, core)
            }
            ("POST", ["events", "v3", "send"]) => Self::event(&body, core),
            _ => error(404, "OBJECT_NOT_FOUND", "There is nothing at this address."),
        }
    }

    fn find(&self, kind: &str, property: Option<&str>, id: &str) -> Option<String> {
        if let Some(property) = property {
            let key = (
                kind.to_owned(),
                property.to_owned(),
                unique_form(property, id),
            );
            self.unique.get(&key).cloned()
        } else {
            let key = (kind.to_owned(), id.to_owned());
            self.objects.contains_key(&key).then(|| id.to_owned())
        }
    }

    fn read(&self, request: &Request, kind: &str, id: &str) -> Reply {
        let property = request.query_value("idProperty");
        match self.find(kind, property.as_deref(), id) {
            Some(id) => {
                let mut shown = self.shown(kind, &id, None);
                let asked = request.query_value("properties").unwrap_or_default();
                let asked: Vec<&str> = asked.split(',').collect();
                if let Some(Value::Object(properties)) = shown.get_mut("properties") {
                    properties.retain(|name, _| {
                        asked.contains(&name.as_str())
                            || shown_by_default(kind).contains(&name.as_str())
                    });
                }
                Reply::json(200, &shown)
            }
            None => error(404, "OBJECT_NOT_FOUND", "Object not found."),
        }
    }

    /// Joins two objects that exist; kinds are named in the singular or the plural.
    fn associate(&self, from: (&str, &str), to: (&str, &str), core: &Core) -> Reply {
        let exists = |(kind, id): (&str, &str)| {
            let kind = format!("{}s", kind.trim_end_matches('s'));
            self.objects.contains_key(&(kind, id.to_owned()))
        };
        if !exists(from) || !exists(to) {
            return error(404, "OBJECT_NOT_FOUND", "Object not found.");
        }
        let detail = json!({"from": from.0, "to": to.0, "to_id": to.1});
        note(core, (NAME, "association"), from.1, to.1, detail);
        let body = json!({"status": "COMPLETE", "results": [{"from": {"id": from.1},
            "to": {"id": to.1}}]});
        Reply::json(200, &body)
    }

    fn shown(&self, kind: &str, id: &str, new: Option<bool>) -> Value {
        let Some(object) = self.objects.get(&(kind.to_owned(), id.to_owned())) else {
            return Value::Null;
        };
        let mut shown = json!({"id": id, "properties": object.properties, "archived": false,
            "createdAt": object.created, "updatedAt": object.updated});
        if let (Some(new), Some(map)) = (new, shown.as_object_mut()) {
            map.insert("new".to_owned(), Value::Bool(new));
        }
        shown
    }

    fn upsert(&mut self, kind: &str, body: &Object, core: &Core) -> Reply {
        let inputs = body.get("inputs").and_then(Value::as_array);
        let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else {
            return error(400, "VALIDATION_ERROR", "inputs: some fields were not set.");
        };
        if inputs.len() > INPUTS_MAX {
            let message = "The maximum number of inputs supported in a batch request is 100.";
            return error(400, "VALIDATION_ERROR", message);
        }
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            match self.upsert_one(kind, input, core) {
                Ok((id, new)) => results.push(self.shown(kind, &id, Some(new))),
                Err((category, message)) => errors.push(json!({"status": "error",
                    "category": category, "message": message,
                    "context": {"ids": [input.at("/id")]}})),
            }
        }
        if results.is_empty() {
            let message = errors
                .first()
                .map_or("", |error| error.at("/message").as_str().unwrap_or(""));
            return error(400, "VALIDATION_ERROR", message);
        }
        let time = date(core.now_ms(), DATE);
        let mut reply = json!({"status": "COMPLETE", "results": results,
            "startedAt": time, "completedAt": time});
        if errors.is_empty() {
            return Reply::json(200, &reply);
        }
        set(&mut reply, "numErrors", json!(errors.len()));
        set(&mut reply, "errors", json!(errors));
        Reply::json(207, &reply)
    }

    fn upsert_one(
        &mut self,
        kind: &str,
        input: &Value,
        core: &Core,
    ) -> Result<(String, bool), Refusal> {
        let Some(id) = input.at("/id").as_str().filter(|id| !id.is_empty()) else {
            return Err(("VALIDATION_ERROR", "id: the field is required.".to_owned()));
        };
        let Some(property) = input.at("/idProperty").as_str() else {
            let message = "idProperty: an upsert needs a unique property.".to_owned();
            return Err(("VALIDATION_ERROR", message));
        };
        if kind == "contacts" && property != "email" && property != "hs_object_id" {
            check_names(std::iter::once(property))?;
        }
        let mut properties = input
            .at("/properties")
            .as_object()
            .cloned()
            .unwrap_or_default();
        properties.entry(property).or_insert_with(|| json!(id));
        if properties.get(property).and_then(Value::as_str) != Some(id) {
            let message = format!("{property}: differs from the input's id.");
            return Err(("VALIDATION_ERROR", message));
        }
        check_properties(&properties)?;
        if let Some(known) = self.find(kind, Some(property), id) {
            self.change(kind, &known, &properties, core);
            return Ok((known, false));
        }
        check_required(kind, &properties)?;
        let made = self.insert(kind, properties, Some(property), core);
        Ok((made, true))
    }

    fn create(&mut self, kind: &str, body: &Object, core: &Core) -> Reply {
        let Some(properties) = body.get("properties").and_then(Value::as_object) else {
            return error(
                400,
                "VALIDATION_ERROR",
                "properties: the field is required.",
            );
        };
        let checked = check_properties(properties).and_then(|()| check_required(kind, properties));
        if let Err((category, message)) = checked {
            return error(400, category, &message);
        }
        if let Err(message) = self.check_associations(body) {
            return error(400, "VALIDATION_ERROR", &message);
        }
        let unique = KINDS
            .iter()
            .find(|(name, ..)| *name == kind)
            .map_or("", |kind| kind.1);
        let value = properties.get(unique).and_then(Value::as_str);
        if let Some(id) = value.and_then(|value| self.find(kind, Some(unique), value)) {
            let message = format!("Contact already exists. Existing ID: {id}");
            return error(409, "CONFLICT", &message);
        }
        let id = self.insert(kind, properties.clone(), None, core);
        Reply::json(201, &self.shown(kind, &id, None))
    }

    /// An association must name an object that exists and at least one type.
    fn check_associations(&self, body: &Object) -> Result<(), String> {
        let associations = body.get("associations").and_then(Value::as_array);
        for association in associations.into_iter().flatten() {
            let id = association.at("/to/id").as_str().unwrap_or("");
            if !self.ids.contains(id) {
                return Err(format!("associations: no object has the id {id}."));
            }
            if association
                .at("/types/0/associationTypeId")
                .as_u64()
                .is_none()
            {
                return Err("associations: a type is required.".to_owned());
            }
        }
        Ok(())
    }

    fn update(
        &mut self,
        request: &Request,
        kind: &str,
        id: &str,
        body: &Object,
        core: &Core,
    ) -> Reply {
        let property = request.query_value("idProperty");
        let Some(id) = self.find(kind, property.as_deref(), id) else {
            return error(404, "OBJECT_NOT_FOUND", "Object not found.");
        };
        let Some(properties) = body.get("properties").and_then(Value::as_object) else {
            return error(
                400,
                "VALIDATION_ERROR",
                "properties: the field is required.",
            );
        };
        if let Err((category, message)) = check_properties(properties) {
            return error(400, category, &message);
        }
        self.change(kind, &id, properties, core);
        Reply::json(200, &self.shown(kind, &id, None))
    }

    fn insert(
        &mut self,
        kind: &str,
        properties: Object,
        property: Option<&str>,
        core: &Core,
    ) -> String {
        self.made += 1;
        let id = (500 + self.made).to_string();
        self.ids.insert(id.clone());
        let named = KINDS
            .iter()
            .find(|(name, ..)| *name == kind)
            .map(|kind| kind.1);
        for property in [property, named].into_iter().flatten() {
            if let Some(value) = properties.get(property).and_then(Value::as_str) {
                let value = unique_form(property, value);
                let key = (kind.to_owned(), property.to_owned(), value);
                self.unique.insert(key, id.clone());
            }
        }
        note(
            core,
            (NAME, singular(kind)),
            &id,
            &reference(&properties),
            json!(properties),
        );
        let time = date(core.now_ms(), DATE);
        let object = Record {
            properties,
            created: time.clone(),
            updated: time,
        };
        self.objects.insert((kind.to_owned(), id.clone()), object);
        id
    }

    fn change(&mut self, kind: &str, id: &str, properties: &Object, core: &Core) {
        if let Some(object) = self.objects.get_mut(&(kind.to_owned(), id.to_owned())) {
            object.properties.extend(properties.clone());
            object.updated = date(core.now_ms(), DATE);
            let reference = reference(&object.properties);
            note(
                core,
                (NAME, singular(kind)),
                id,
                &reference,
                json!(properties),
            );
        }
    }

    fn event(body: &Object, core: &Core) -> Reply {
        let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("");
        let name = field("eventName");
        if name.is_empty() {
            return error(400, "VALIDATION_ERROR", "eventName: the field is required.");
        }
        let who = ["email", "objectId", "utk"]
            .into_iter()
            .find(|id| !field(id).is_empty());
        let Some(who) = who else {
            let message = "One of email, objectId and utk is required.";
            return error(400, "VALIDATION_ERROR", message);
        };
        note(core, (NAME, "event"), name, field(who), json!(body));
        Reply::empty(204)
    }
}
