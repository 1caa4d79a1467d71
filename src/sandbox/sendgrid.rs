//! SendGrid: mail by HTTP, with reports of what became of it.
//!
//! An address at `bounce.example` bounces; any other gets its mail one step later.

use super::shape::{At, Object, next_step, note, text};
use super::{Callback, Core, Limit, LimitState, Provider, Reply, Request};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

const NAME: &str = "sendgrid";

const LIMITS: &[Limit] = &[Limit::of("send", 10_000, 1_000)];

/// The API key.
pub const KEY: &str = "SG.sandbox";

/// The header that carries [`CALLBACK_SECRET`] on a callback.
pub const CALLBACK_HEADER: &str = "x-sendgrid-secret";

/// What shows the engine that a callback is the sandbox's.
pub const CALLBACK_SECRET: &str = "sandbox-sendgrid-callback";

const BOUNCES: &str = "@bounce.example";

/// The provider.
#[derive(Debug, Default)]
pub struct SendGrid {
    /// Messages whose report is to come.
    sent: Mutex<HashMap<String, Sent>>,
}

#[derive(Debug)]
struct Sent {
    recipients: Vec<String>,
    arguments: Object,
}

impl Provider for SendGrid {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, _: &Request) -> &'static str {
        "send"
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, at: LimitState) -> Reply {
        let now_s = crate::clock::now_ms() / 1_000;
        self.fail(request, 429)
            .with("x-ratelimit-limit", at.most.to_string())
            .with("x-ratelimit-remaining", at.remaining.to_string())
            .with(
                "x-ratelimit-reset",
                (now_s + at.reset_ms.div_ceil(1_000)).to_string(),
            )
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        match status {
            429 => error(429, "too many requests", None),
            _ => error(status, "An internal server error occurred.", None),
        }
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        if request.path != "/v3/mail/send" {
            return error(404, "Not Found", None);
        }
        if request.method != "POST" {
            return error(405, "method not allowed", None);
        }
        match request.bearer() {
            None => return error(401, "Permission denied, wrong credentials", None),
            Some(key) if key != core.secret("sendgrid.key", KEY) => {
                let message = "The provided authorization grant is invalid, expired, or revoked";
                return error(401, message, None);
            }
            Some(_) => {}
        }
        if !request.is("application/json") {
            return error(415, "Content-Type should be application/json.", None);
        }
        let Some(Value::Object(mail)) = request.json() else {
            return error(400, "Bad Request", None);
        };
        match check(&mail) {
            Ok(()) => self.send(&mail, core),
            Err((message, field)) => error(400, message, Some(field)),
        }
    }

    fn timer(&self, token: &str, core: &Core) {
        let Some(sent) = self.sent.lock().remove(token) else {
            return;
        };
        let mut events = Vec::with_capacity(sent.recipients.len());
        for (index, email) in sent.recipients.iter().enumerate() {
            let mut event = sent.arguments.clone();
            let bounced = email.ends_with(BOUNCES);
            let kind = if bounced { "bounce" } else { "delivered" };
            event.insert("email".to_owned(), json!(email));
            event.insert("event".to_owned(), json!(kind));
            event.insert("timestamp".to_owned(), json!(core.now_ms() / 1_000));
            event.insert(
                "sg_message_id".to_owned(),
                json!(format!("{token}.filter-0")),
            );
            event.insert("sg_event_id".to_owned(), json!(format!("{token}-{index}")));
            if bounced {
                event.insert("reason".to_owned(), json!("550 5.1.1 no such mailbox"));
                event.insert("status".to_owned(), json!("5.1.1"));
            } else {
                event.insert("response".to_owned(), json!("250 OK"));
            }
            note(core, (NAME, kind), token, email, Value::Null);
            events.push(Value::Object(event));
        }
        core.callbacks.send(Callback {
            provider: NAME,
            secret: ("sendgrid.callback_secret", CALLBACK_SECRET),
            content_type: "application/json",
            body: Value::Array(events).to_string().into(),
            sign: Arc::new(|signing| vec![(CALLBACK_HEADER, signing.secret.clone())]),
        });
    }
}

impl SendGrid {
    fn send(&self, mail: &Object, core: &Core) -> Reply {
        let id = format!("sandbox{:015}", core.next_id());
        let all = mail.get("personalizations").and_then(Value::as_array);
        let content = mail.get("content").and_then(Value::as_array);
        let body = content
            .into_iter()
            .flatten()
            .find_map(|part| part.at("/value").as_str());
        let (mut recipients, mut arguments) = (Vec::new(), Object::new());
        for one in all.into_iter().flatten() {
            let custom = [mail.get("custom_args"), one.get("custom_args")];
            for custom in custom.into_iter().flatten().filter_map(Value::as_object) {
                arguments.extend(custom.clone());
            }
            let subject = one.at("/subject").as_str().map(str::to_owned);
            let to = one.at("/to").as_array().into_iter().flatten();
            for email in to.filter_map(|to| to.at("/email").as_str()) {
                let detail = json!({"to": email, "from": mail.at("/from/email"),
                    "subject": subject.clone().unwrap_or_else(|| text(mail, "subject")),
                    "text": body, "template": mail.get("template_id"),
                    "data": one.at("/dynamic_template_data"), "arguments": arguments});
                note(core, (NAME, "message"), &id, email, detail);
                recipients.push(email.to_owned());
            }
        }
        let sent = Sent {
            recipients,
            arguments,
        };
        self.sent.lock().insert(id.clone(), sent);
        next_step(core, NAME, &id);
        Reply::empty(202).with("x-message-id", id)
    }
}

/// What is wrong and with which field.
type Refusal = (&'static str, &'static str);

fn check(mail: &Object) -> Result<(), Refusal> {
    let all = mail.get("personalizations").and_then(Value::as_array);
    let Some(all) = all.filter(|all| !all.is_empty()) else {
        let message = "The personalizations field is required and must have at least one entry.";
        return Err((message, "personalizations"));
    };
    for one in all {
        let to = one.at("/to").as_array().filter(|to| !to.is_empty());
        let Some(to) = to else {
            let message = "The to array is required for all personalization objects.";
            return Err((message, "personalizations.0.to"));
        };
        if !to.iter().all(|to| is_address(to.at("/email"))) {
            return Err((
                "Does not contain a valid address.",
                "personalizations.0.to.0.email",
            ));
        }
        if one
            .at("/custom_args")
            .as_object()
            .is_some_and(|all| all.values().any(|v| !v.is_string()))
        {
            let message = "The custom_args values must be strings.";
            return Err((message, "personalizations.0.custom_args"));
        }
    }
    if !is_address(
        mail.get("from")
            .map_or(&Value::Null, |from| from.at("/email")),
    ) {
        let message = "The from object must be provided for every email send.";
        return Err((message, "from.email"));
    }
    if mail
        .get("template_id")
        .and_then(Value::as_str)
        .is_some_and(|id| !id.is_empty())
    {
        return Ok(());
    }
    let subject = |one: &Value| {
        one.at("/subject")
            .as_str()
            .is_some_and(|text| !text.is_empty())
    };
    if text(mail, "subject").is_empty() && !all.iter().all(subject) {
        let message = "The subject is required. You can get around this requirement if you use a \
                       template with a subject defined.";
        return Err((message, "subject"));
    }
    let content = mail.get("content").and_then(Value::as_array);
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        let message = "Unless a valid template_id is provided, the content parameter is required.";
        return Err((message, "content"));
    };
    let sound = |part: &Value| {
        let filled = |name: &str| part[name].as_str().is_some_and(|text| !text.is_empty());
        filled("type") && filled("value")
    };
    if content.iter().all(sound) {
        Ok(())
    } else {
        Err((
            "The content value must be a string at least one character in length.",
            "content.0.value",
        ))
    }
}

fn is_address(value: &Value) -> bool {
    let parts = value.as_str().and_then(|email| email.split_once('@'));
    parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
}

fn error(status: u16, message: &str, field: Option<&str>) -> Reply {
    let error = json!({"message": message, "field": field, "help": null});
    Reply::json(status, &json!({"errors": [error]}))
}
