//! WhatsApp Cloud API: template messages, and reports of what became of them.
//!
//! 15550000026 takes a message and cannot be reached (131026), 15550000049 has had its share of
//! marketing (131049). The template `not_approved` does not exist.

use super::shape::{At, Object, next_step, note, set};
use super::{Callback, Core, Limit, LimitState, Provider, Reply, Request, sign};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

const NAME: &str = "whatsapp";

const LIMITS: &[Limit] = &[Limit::of("send", 80, 1_000)];

/// The access token.
pub const TOKEN: &str = "EAAsandbox";

/// The id of the sender's number.
pub const PHONE_NUMBER_ID: &str = "106000";

/// The app's secret, which signs callbacks.
pub const APP_SECRET: &str = "sandbox-whatsapp-app-secret";

/// How far apart messages to one recipient must be, where limits are on.
const PAIR_MS: u64 = 6_000;

/// Recipients that are not reached: number, code, title.
const UNREACHED: [(&str, u32, &str); 2] = [
    ("15550000026", 131_026, "Message undeliverable"),
    (
        "15550000049",
        131_049,
        "This message was not delivered to maintain healthy engagement",
    ),
];

/// The provider.
#[derive(Debug, Default)]
pub struct WhatsApp {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    messages: HashMap<String, Message>,
    last_ms: HashMap<String, u64>,
}

#[derive(Debug)]
struct Message {
    to: String,
    status: &'static str,
    data: Option<String>,
}

/// Status, code, message, details.
type Refusal = (u16, u32, &'static str, String);

impl Provider for WhatsApp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, _: &Request) -> &'static str {
        "send"
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, _: LimitState) -> Reply {
        self.fail(request, 429)
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        let (code, text) = match status {
            401 => (190, "Access token has expired"),
            429 => (130_429, "Rate limit hit"),
            503 => (2, "Temporary downtime"),
            _ => (131_000, "Something went wrong"),
        };
        error(status, code, text, "")
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        if request.bearer() != Some(core.secret("whatsapp.token", TOKEN)) {
            return error(401, 190, "Invalid OAuth access token.", "");
        }
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let number = core.secret("whatsapp.phone_number_id", PHONE_NUMBER_ID);
        let path = match (request.method.as_str(), parts.as_slice()) {
            ("POST", [version, id, "messages"]) => version.starts_with('v') && *id == number,
            _ => false,
        };
        if !path {
            let text = "Unsupported request. Object does not exist or cannot be loaded.";
            return error(400, 100, text, "");
        }
        let Some(Value::Object(body)) = request.json() else {
            return error(
                400,
                100,
                "Invalid parameter",
                "the body is not a JSON object",
            );
        };
        match check(&body).and_then(|to| self.send(&to, &body, core)) {
            Ok(reply) => reply,
            Err((status, code, text, details)) => error(status, code, text, &details),
        }
    }

    fn timer(&self, token: &str, core: &Core) {
        let mut state = self.state.lock();
        let Some(message) = state.messages.get_mut(token) else {
            return;
        };
        let failure = UNREACHED.iter().find(|(number, ..)| *number == message.to);
        message.status = match (message.status, failure) {
            ("accepted", Some(_)) => "failed",
            ("accepted", None) => "sent",
            _ => "delivered",
        };
        let mut status = json!({"id": token, "status": message.status, "recipient_id": message.to,
            "timestamp": (core.now_ms() / 1_000).to_string()});
        if let Some(data) = &message.data {
            set(&mut status, "biz_opaque_callback_data", json!(data));
        }
        if let (Some((_, code, title)), "failed") = (failure, message.status) {
            set(
                &mut status,
                "errors",
                json!([{"code": code, "title": title,
                "error_data": {"details": title}}]),
            );
        }
        core.callbacks.send(report(&status, core));
        if message.status == "sent" {
            next_step(core, NAME, token);
        } else {
            let detail = json!({"code": failure.map(|(_, code, _)| code)});
            note(core, (NAME, message.status), token, &message.to, detail);
            state.messages.remove(token);
        }
    }
}

impl WhatsApp {
    fn send(&self, to: &str, body: &Object, core: &Core) -> Result<Reply, Refusal> {
        let mut state = self.state.lock();
        let now = core.now_ms();
        if core.limits.get() == super::limits::Limiting::Real {
            let last = state.last_ms.insert(to.to_owned(), now);
            if last.is_some_and(|last| now < last + PAIR_MS) {
                let details = "Too many messages to this phone number.".to_owned();
                return Err((400, 131_056, "Pair rate limit hit", details));
            }
        }
        let id = format!("wamid.SANDBOX{:016X}", core.next_id());
        let template = body.at("/template");
        let parameters = template.at("/components").as_array().into_iter().flatten();
        let parameters = parameters
            .filter_map(|part| part.at("/parameters").as_array())
            .flatten();
        let texts: Vec<&Value> = parameters.map(|parameter| parameter.at("/text")).collect();
        let detail = json!({"to": to, "template": template.at("/name"),
            "language": template.at("/language/code"), "parameters": texts,
            "text": body.get("text").map(|text| text.at("/body"))});
        note(core, (NAME, "message"), &id, to, detail);
        let data = body.get("biz_opaque_callback_data").and_then(Value::as_str);
        let message = Message {
            to: to.to_owned(),
            status: "accepted",
            data: data.map(str::to_owned),
        };
        state.messages.insert(id.clone(), message);
        next_step(core, NAME, &id);
        let body = json!({"messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": to}], "messages": [{"id": id}]});
        Ok(Reply::json(200, &body))
    }
}

/// The recipient of a message with nothing missing.
fn check(body: &Object) -> Result<String, Refusal> {
    let missing = |name: &str| {
        let details = format!("Parameter '{name}' is mandatory.");
        (400, 131_008, "Required parameter is missing", details)
    };
    let invalid = |details: &str| (400, 100, "Invalid parameter", details.to_owned());
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    if body.get("messaging_product") != Some(&json!("whatsapp")) {
        return Err(invalid(
            "The parameter messaging_product is required and must be whatsapp.",
        ));
    }
    let to = body.get("to").map(text).unwrap_or_default();
    let to = to.trim_start_matches('+').to_owned();
    if to.is_empty() {
        return Err(missing("to"));
    }
    if !(8..=15).contains(&to.len()) || !to.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("Param to is not a valid WhatsApp number."));
    }
    match body.get("type").and_then(Value::as_str) {
        Some("template") => {}
        Some("text") => {
            let details = "Message failed to send because more than 24 hours have passed since the \
                           customer last replied to this number.";
            return Err((400, 131_047, "Re-engagement message", details.to_owned()));
        }
        _ => return Err(invalid("Param type must be template or text.")),
    }
    let template = body.get("template").unwrap_or(&Value::Null);
    let name = text(template.at("/name"));
    if name.is_empty() {
        return Err(missing("template['name']"));
    }
    if text(template.at("/language/code")).is_empty() {
        return Err(missing("template['language']"));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name == "not_approved" || !name.chars().all(allowed) {
        let details = format!("template name ({name}) does not exist in this language");
        return Err((
            404,
            132_001,
            "Template name does not exist in the translation",
            details,
        ));
    }
    Ok(to)
}

/// A status report, signed.
fn report(status: &Value, core: &Core) -> Callback {
    let number = core.secret("whatsapp.phone_number_id", PHONE_NUMBER_ID);
    let value = json!({"messaging_product": "whatsapp", "statuses": [status],
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": number}});
    let body = json!({"object": "whatsapp_business_account",
        "entry": [{"id": "1020", "changes": [{"field": "messages", "value": value}]}]});
    Callback {
        provider: NAME,
        secret: ("whatsapp.app_secret", APP_SECRET),
        content_type: "application/json",
        body: body.to_string().into(),
        sign: Arc::new(|signing| {
            let mac = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
            vec![(
                "x-hub-signature-256",
                format!("sha256={}", hex::encode(mac)),
            )]
        }),
    }
}

fn error(status: u16, code: u32, message: &str, details: &str) -> Reply {
    let data = json!({"messaging_product": "whatsapp", "details": details});
    let error = json!({"message": format!("(#{code}) {message}"), "type": "OAuthException",
        "code": code, "error_data": data, "fbtrace_id": "Asandbox"});
    Reply::json(status, &json!({"error": error}))
}
