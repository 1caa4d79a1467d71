//! Salesforce: records upserted by an external id, one by one or in a collection.
//!
//! Any standard object of sales and any custom one (`…__c`, and platform events `…__e`) may be
//! written; a custom field needs no declaration.

use super::shape::{At, Object, date, field, note, origin, set};
use super::{Core, Limit, LimitState, Provider, Reply, Request};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

const NAME: &str = "salesforce";

const DATE: &str = "%Y-%m-%dT%H:%M:%S.%3f+0000";

const LIMITS: &[Limit] = &[Limit::all(100_000, 86_400_000)];

/// The consumer key of the connected app.
pub const CLIENT_ID: &str = "sandbox-salesforce-client";

/// The consumer secret of the connected app.
pub const CLIENT_SECRET: &str = "sandbox-salesforce-secret";

/// A refresh token; one never runs out.
pub const REFRESH_TOKEN: &str = "sandbox-salesforce-refresh";

/// An access token that is valid from the start, until it is revoked.
pub const ACCESS_TOKEN: &str = "00Dsandbox!start";

const RECORDS_MAX: usize = 200;

/// From this version on an update is answered with a body.
const BODY_SINCE_VERSION: u32 = 46;

const STANDARD: [&str; 8] = [
    "Account",
    "Case",
    "Contact",
    "Lead",
    "Opportunity",
    "Order",
    "Product2",
    "Task",
];

/// What a new record of a standard object must have.
const REQUIRED: [(&str, &[&str]); 5] = [
    ("Account", &["Name"]),
    ("Contact", &["LastName"]),
    ("Lead", &["LastName", "Company"]),
    ("Opportunity", &["Name", "StageName", "CloseDate"]),
    ("Order", &["AccountId", "EffectiveDate", "Status"]),
];

/// The provider.
#[derive(Debug, Default)]
pub struct Salesforce {
    org: Mutex<Org>,
}

impl Provider for Salesforce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, request: &Request) -> &'static str {
        let path = request.path.as_str();
        match request.method.as_str() {
            _ if path.starts_with("/services/oauth2/") => "token",
            "PATCH" if path.contains("/composite/") => "upsert_many",
            "PATCH" => "upsert",
            "POST" => "create",
            _ => "read",
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, _: &Request, _: LimitState) -> Reply {
        error(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
            &[],
        )
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        match status {
            400 => {
                let message = "unable to obtain exclusive access to this record or 1 records";
                error(400, "UNABLE_TO_LOCK_ROW", message, &[])
            }
            401 => error(401, "INVALID_SESSION_ID", "Session expired or invalid", &[]),
            403 => error(
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
                &[],
            ),
            503 => error(503, "SERVER_UNAVAILABLE", "Server is too busy.", &[]),
            _ => error(
                status,
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred.",
                &[],
            ),
        }
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let mut org = self.org.lock();
        if request.path.starts_with("/services/oauth2/") {
            return org.token(request, core);
        }
        let token = request.bearer().unwrap_or("");
        let first = token == ACCESS_TOKEN && !org.revoked.contains(token);
        if !first && !org.tokens.contains(token) {
            return error(401, "INVALID_SESSION_ID", "Session expired or invalid", &[]);
        }
        org.used += 1;
        let usage = format!("api-usage={}/100000", org.used);
        org.route(request, core).with("sforce-limit-info", usage)
    }
}

fn error(status: u16, code: &str, message: &str, fields: &[&str]) -> Reply {
    Reply::json(status, &json!([problem(code, message, fields)]))
}

fn problem(code: &str, message: &str, fields: &[&str]) -> Value {
    let mut problem = json!({"message": message, "errorCode": code});
    if !fields.is_empty() {
        set(&mut problem, "fields", json!(fields));
    }
    problem
}

/// Why a record was refused: status and error.
type Refusal = (u16, Value);

fn refusal(code: &str, message: &str, fields: &[&str]) -> Refusal {
    (400, problem(code, message, fields))
}

/// Object, field and value to the ids of the records that have it.
type External = HashMap<(String, String, String), Vec<String>>;

/// The state of the organisation.
#[derive(Debug, Default)]
struct Org {
    tokens: HashSet<String>,
    revoked: HashSet<String>,
    records: HashMap<String, Object>,
    external: External,
    used: u64,
}

impl Org {
    fn token(&mut self, request: &Request, core: &Core) -> Reply {
        let refuse = |error: &str, text: &str| {
            Reply::json(400, &json!({"error": error, "error_description": text}))
        };
        if request.method != "POST" || !request.is("application/x-www-form-urlencoded") {
            return refuse("invalid_request", "the request must be a form-encoded POST");
        }
        let form = request.form();
        let value = |name| field(&form, name).unwrap_or_default();
        if request.path == "/services/oauth2/revoke" {
            let token = value("token");
            self.tokens.remove(&token);
            self.revoked.insert(token);
            return Reply::empty(200);
        }
        let (id, secret) = (
            core.secret("salesforce.client_id", CLIENT_ID),
            core.secret("salesforce.client_secret", CLIENT_SECRET),
        );
        match value("grant_type").as_str() {
            "client_credentials" => {}
            "refresh_token" if value("refresh_token") == REFRESH_TOKEN => {}
            "refresh_token" => return refuse("invalid_grant", "expired access/refresh token"),
            _ => return refuse("unsupported_grant_type", "grant type not supported"),
        }
        if value("client_id") != id {
            return refuse("invalid_client_id", "client identifier invalid");
        }
        if value("client_secret") != secret {
            return refuse("invalid_client", "invalid client credentials");
        }
        let token = format!("00Dsandbox!{:016x}", core.next_id());
        self.tokens.insert(token.clone());
        let body = json!({"access_token": token, "token_type": "Bearer", "scope": "api",
            "instance_url": format!("{}/salesforce", origin(request)),
            "issued_at": core.now_ms().to_string()});
        Reply::json(200, &body)
    }

    fn route(&mut self, request: &Request, core: &Core) -> Reply {
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["services", "data", version, rest @ ..] = parts.as_slice() else {
            return not_found();
        };
        let number = version
            .strip_prefix('v')
            .and_then(|text| text.strip_suffix(".0"));
        let Some(version) = number.and_then(|text| text.parse::<u32>().ok()) else {
            return not_found();
        };
        if let (&axum::http::Method::GET, ["sobjects", object, name, value]) =
            (&request.method, rest)
        {
            return self.read(object, name, value);
        }
        let Some(body) = request.json().and_then(|body| body.as_object().cloned()) else {
            return error(
                400,
                "JSON_PARSER_ERROR",
                "Unexpected character in the body",
                &[],
            );
        };
        match (request.method.as_str(), rest) {
            ("PATCH", ["sobjects", object, name, value]) => {
                match self.upsert(object, name, value, &body, core) {
                    Ok((id, true)) => Reply::json(201, &done(&id, true)),
                    Ok((_, false)) if version < BODY_SINCE_VERSION => Reply::empty(204),
                    Ok((id, false)) => Reply::json(200, &done(&id, false)),
                    Err((300, links)) => Reply::json(300, &links),
                    Err((status, problem)) => Reply::json(status, &json!([problem])),
                }
            }
            ("PATCH", ["composite", "sobjects", object, name]) => {
                self.upsert_many(object, name, &body, core)
            }
            ("POST", ["sobjects", object]) => match check(object, &body, true) {
                Ok(()) => {
                    let id = self.insert(object, None, &body, core);
                    Reply::json(201, &json!({"id": id, "success": true, "errors": []}))
                }
                Err((status, problem)) => Reply::json(status, &json!([problem])),
            },
            _ => not_found(),
        }
    }

    fn read(&self, object: &str, name: &str, value: &str) -> Reply {
        let key = (object.to_owned(), name.to_owned(), value.to_owned());
        let ids = self.external.get(&key).map_or(&[][..], Vec::as_slice);
        match ids {
            [id] => {
                let mut shown = json!({"attributes": {"type": object}, "Id": id});
                let record = self.records.get(id).cloned().unwrap_or_default();
                if let Some(map) = shown.as_object_mut() {
                    map.extend(record);
                }
                Reply::json(200, &shown)
            }
            [] => not_found(),
            several => Reply::json(300, &links(object, several)),
        }
    }

    /// Upserts a record: its id and whether it is new.
    fn upsert(
        &mut self,
        object: &str,
        name: &str,
        value: &str,
        body: &Object,
        core: &Core,
    ) -> Result<(String, bool), Refusal> {
        if body.keys().any(|field| field.eq_ignore_ascii_case(name)) {
            let message = format!("The {name} field should not be specified in the sobject data.");
            return Err(refusal("INVALID_FIELD", &message, &[name]));
        }
        if !name.ends_with("__c") && name != "Email" {
            let message = "Provided external ID field does not exist or is not accessible";
            let found = format!("{message}: {name}");
            return Err((404, problem("NOT_FOUND", &found, &[])));
        }
        let key = (object.to_owned(), name.to_owned(), value.to_owned());
        let known = self.external.get(&key).cloned().unwrap_or_default();
        check(object, body, known.is_empty())?;
        self.check_relations(body)?;
        match known.as_slice() {
            [] => Ok((self.insert(object, Some((name, value)), body, core), true)),
            [id] => {
                let record = self.records.entry(id.clone()).or_default();
                record.extend(body.clone());
                let detail = json!({"object": object, "fields": body, "new": false});
                note(core, (NAME, "record"), id, value, detail);
                Ok((id.clone(), false))
            }
            several => Err((300, links(object, several))),
        }
    }

    /// A relation (`Contact__r`) names a record by its external id, which must exist.
    fn check_relations(&self, body: &Object) -> Result<(), Refusal> {
        for (relation, target) in body {
            let stem = relation.strip_suffix("__r");
            let target = target.as_object().and_then(|target| target.iter().next());
            let (Some(stem), Some((name, value))) = (stem, target) else {
                continue;
            };
            let value = value.as_str().unwrap_or("");
            let known = [stem.to_owned(), format!("{stem}__c")]
                .into_iter()
                .any(|object| {
                    let key = (object, name.clone(), value.to_owned());
                    self.external.contains_key(&key)
                });
            if !known {
                let message = format!(
                    "Foreign key external ID: {value} not found for field {name} in entity {stem}"
                );
                return Err(refusal("INVALID_FIELD", &message, &[]));
            }
        }
        Ok(())
    }

    fn insert(
        &mut self,
        object: &str,
        external: Option<(&str, &str)>,
        body: &Object,
        core: &Core,
    ) -> String {
        let prefix = match object {
            "Account" => "001",
            "Contact" => "003",
            "Opportunity" => "006",
            "Order" => "801",
            _ => "a01",
        };
        let id = format!("{prefix}{:015}", self.records.len() + 1);
        let mut record = body.clone();
        if let Some((name, value)) = external {
            record.insert(name.to_owned(), json!(value));
        }
        record.insert("CreatedDate".to_owned(), json!(date(core.now_ms(), DATE)));
        // Every custom field may serve as an external id; nothing forces its values apart.
        for (name, value) in &record {
            if let (true, Some(value)) = (name.ends_with("__c") || name == "Email", value.as_str())
            {
                let key = (object.to_owned(), name.clone(), value.to_owned());
                self.external.entry(key).or_default().push(id.clone());
            }
        }
        let detail = json!({"object": object, "fields": body, "new": true});
        let kind = if object.ends_with("__e") {
            "event"
        } else {
            "record"
        };
        note(
            core,
            (NAME, kind),
            &id,
            external.map_or("", |(_, value)| value),
            detail,
        );
        self.records.insert(id.clone(), record);
        id
    }

    fn upsert_many(&mut self, object: &str, name: &str, body: &Object, core: &Core) -> Reply {
        let records = body.get("records").and_then(Value::as_array);
        let Some(records) = records.filter(|records| !records.is_empty()) else {
            return error(
                400,
                "REQUIRED_FIELD_MISSING",
                "records is required",
                &["records"],
            );
        };
        if records.len() > RECORDS_MAX {
            let message = "record limit reached. cannot submit more than 200 records";
            return error(400, "EXCEEDED_ID_LIMIT", message, &[]);
        }
        let one = |record: &Value| {
            let mut fields = record.as_object().cloned().unwrap_or_default();
            let attributes = fields.remove("attributes").unwrap_or_default();
            let value = fields.remove(name).unwrap_or_default();
            let value = value.as_str().map(str::to_owned);
            (
                fields,
                value,
                attributes.at("/type").as_str() == Some(object),
            )
        };
        let records: Vec<(Object, Option<String>, bool)> = records.iter().map(one).collect();
        let whole = body.get("allOrNone") == Some(&Value::Bool(true));
        let sound = |(fields, value, typed): &(Object, Option<String>, bool)| {
            *typed && value.is_some() && check(object, fields, false).is_ok()
        };
        let rolled_back = whole && !records.iter().all(sound);
        let mut results = Vec::with_capacity(records.len());
        for (fields, value, typed) in &records {
            let result = match value {
                _ if !typed => Err(refusal("INVALID_TYPE", "The record has another type", &[])),
                None => Err(refusal(
                    "MISSING_ARGUMENT",
                    "The external id is missing",
                    &[name],
                )),
                Some(_) if rolled_back => {
                    let message = "Record rolled back because not all records were valid";
                    Err(refusal("ALL_OR_NONE_OPERATION_ROLLED_BACK", message, &[]))
                }
                Some(value) => self.upsert(object, name, value, fields, core),
            };
            results.push(match result {
                Ok((id, created)) => done(&id, created),
                Err((_, problem)) => {
                    let error = json!({"statusCode": problem.at("/errorCode"),
                        "message": problem.at("/message"), "fields": problem.at("/fields")});
                    json!({"success": false, "errors": [error]})
                }
            });
        }
        Reply::json(200, &json!(results))
    }
}

fn done(id: &str, created: bool) -> Value {
    json!({"id": id, "success": true, "errors": [], "created": created})
}

fn links(object: &str, ids: &[String]) -> Value {
    let link = |id: &String| format!("/services/data/v61.0/sobjects/{object}/{id}");
    json!(ids.iter().map(link).collect::<Vec<String>>())
}

fn check(object: &str, body: &Object, new: bool) -> Result<(), Refusal> {
    let custom = object.ends_with("__c") || object.ends_with("__e");
    if !custom && !STANDARD.contains(&object) {
        return Err((
            404,
            problem("NOT_FOUND", "The requested resource does not exist", &[]),
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(name) = body.keys().find(|name| !name.chars().all(allowed)) {
        let message = format!("No such column '{name}' on sobject of type {object}");
        return Err(refusal("INVALID_FIELD", &message, &[]));
    }
    let required = REQUIRED.iter().find(|(name, _)| *name == object);
    let required = required
        .filter(|_| new)
        .map_or(&[][..], |(_, fields)| fields);
    let empty = |name: &&str| {
        body.get(*name)
            .is_none_or(|value| value.is_null() || value == "")
    };
    let missing: Vec<&str> = required.iter().copied().filter(empty).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    Err(refusal("REQUIRED_FIELD_MISSING", &message, &missing))
}

fn not_found() -> Reply {
    error(
        404,
        "NOT_FOUND",
        "The requested resource does not exist",
        &[],
    )
}
