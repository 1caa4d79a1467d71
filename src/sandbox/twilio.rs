//! Twilio: text messages, and reports of what became of them.
//!
//! The provider's magic numbers work as at the provider: +15005550001 is not valid, +15005550009 is
//! no mobile, +15005550004 has opted out. +15005550030 takes a message and is not reached.

use super::shape::{date, field, next_step, note};
use super::{Callback, Core, Limit, LimitState, Provider, Reply, Request, sign};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const NAME: &str = "twilio";

const LIMITS: &[Limit] = &[Limit::of("send", 100, 1_000)];

/// The account.
pub const ACCOUNT: &str = "AC00000000000000000000000000005a4d";

/// Its token: the password of Basic authentication, and the key of the callbacks' signatures.
pub const TOKEN: &str = "sandbox-twilio-token";

const BODY_CHARS_MAX: usize = 1_600;

/// Recipients that do not take a message: number, code, message.
const REFUSED: [(&str, u32, &str); 3] = [
    (
        "+15005550001",
        21_211,
        "The 'To' number +15005550001 is not a valid phone number.",
    ),
    (
        "+15005550009",
        21_614,
        "'To' number is not a valid mobile number",
    ),
    (
        "+15005550004",
        21_610,
        "Attempt to send to unsubscribed recipient",
    ),
];

const UNREACHED: &str = "+15005550030";

/// The provider.
#[derive(Debug, Default)]
pub struct Twilio {
    /// By the number in their id, which grows with time.
    messages: Mutex<BTreeMap<u64, Message>>,
}

#[derive(Clone, Debug)]
struct Message {
    account: String,
    sid: String,
    to: String,
    from: String,
    body: String,
    status: &'static str,
    error: Option<u32>,
    sent_ms: u64,
    callback: Option<String>,
}

impl Provider for Twilio {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, request: &Request) -> &'static str {
        match request.method.as_str() {
            "POST" => "send",
            _ => "read",
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, _: LimitState) -> Reply {
        self.fail(request, 429)
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        match status {
            429 => error(429, 20_429, "Too Many Requests"),
            _ => error(status, 20_500, "Internal Server Error"),
        }
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let account = core.secret("twilio.account", ACCOUNT);
        let token = core.secret("twilio.token", TOKEN);
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["2010-04-01", "Accounts", named, rest @ ..] = parts.as_slice() else {
            return error(404, 20_404, "The requested resource was not found");
        };
        if request.basic() != Some((account.to_owned(), token.to_owned())) || *named != account {
            return error(401, 20_003, "Authenticate");
        }
        match (request.method.as_str(), rest) {
            ("POST", ["Messages.json"]) => self.send(request, core),
            ("GET", ["Messages.json"]) => self.list(request),
            ("GET", ["Messages", file]) => self.read(file),
            _ => error(404, 20_404, "The requested resource was not found"),
        }
    }

    fn timer(&self, token: &str, core: &Core) {
        let Ok(number) = token.parse() else {
            return;
        };
        let mut messages = self.messages.lock();
        let Some(message) = messages.get_mut(&number) else {
            return;
        };
        message.status = match message.status {
            "queued" => "sent",
            _ if message.to == UNREACHED => "undelivered",
            _ => "delivered",
        };
        if message.status == "undelivered" {
            message.error = Some(30_003);
        }
        if message.status == "sent" {
            next_step(core, NAME, token);
        } else {
            let detail = json!({"error": message.error});
            note(
                core,
                (NAME, message.status),
                &message.sid,
                &message.to,
                detail,
            );
        }
        if let Some(url) = &message.callback {
            core.callbacks.send_to(url.clone(), report(message, core));
        }
    }
}

impl Twilio {
    fn send(&self, request: &Request, core: &Core) -> Reply {
        // A body in another encoding has none of the fields, which is what the caller is told.
        let form = if request.is("application/x-www-form-urlencoded") {
            request.form()
        } else {
            Vec::new()
        };
        let Some(to) = field(&form, "To") else {
            return error(400, 21_604, "A 'To' phone number is required.");
        };
        let from = field(&form, "From").or_else(|| field(&form, "MessagingServiceSid"));
        let Some(from) = from else {
            return error(400, 21_603, "A 'From' phone number is required.");
        };
        let body = field(&form, "Body");
        let Some(body) = body.or_else(|| field(&form, "ContentSid")) else {
            return error(400, 21_602, "Message body is required.");
        };
        if body.chars().count() > BODY_CHARS_MAX {
            let message = "The concatenated message body exceeds the 1600 character limit";
            return error(400, 21_617, message);
        }
        if let Some((_, code, message)) = REFUSED.iter().find(|(number, ..)| *number == to) {
            return error(400, *code, message);
        }
        let digits = to.strip_prefix('+').unwrap_or("");
        if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let message = format!("The 'To' number {to} is not a valid phone number.");
            return error(400, 21_211, &message);
        }
        let callback = field(&form, "StatusCallback");
        if callback
            .as_ref()
            .is_some_and(|url| url::Url::parse(url).is_err())
        {
            return error(400, 21_609, "The 'StatusCallback' URL is not a valid URL.");
        }
        let number = core.next_id();
        let message = Message {
            account: core.secret("twilio.account", ACCOUNT).to_owned(),
            sid: format!("SM{number:032x}"),
            to,
            from,
            body,
            status: "queued",
            error: None,
            sent_ms: core.now_ms(),
            callback,
        };
        let detail = json!({"to": message.to, "from": message.from, "text": message.body});
        note(core, (NAME, "message"), &message.sid, &message.to, detail);
        let reply = Reply::json(201, &shown(&message));
        self.messages.lock().insert(number, message);
        next_step(core, NAME, &number.to_string());
        reply
    }

    fn read(&self, file: &str) -> Reply {
        let sid = file
            .strip_suffix(".json")
            .and_then(|sid| sid.strip_prefix("SM"));
        let number = sid.and_then(|sid| u64::from_str_radix(sid, 16).ok());
        let found = number.and_then(|number| self.messages.lock().get(&number).cloned());
        match found.filter(|message| file.starts_with(&message.sid)) {
            Some(message) => Reply::json(200, &shown(&message)),
            None => error(404, 20_404, "The requested resource was not found"),
        }
    }

    /// The newest first, by recipient and by day or bounds of days, as the provider filters.
    fn list(&self, request: &Request) -> Reply {
        let to = request.query_value("To");
        let day = |name: &str| request.query_value(name);
        // `DateSent>=D` is the name `DateSent>` with the value `D`.
        let (on, since, until) = (day("DateSent"), day("DateSent>"), day("DateSent<"));
        let fits = |message: &&Message| {
            if to.as_ref().is_some_and(|to| *to != message.to) {
                return false;
            }
            let sent = date(message.sent_ms, "%Y-%m-%dT%H:%M:%SZ");
            on.as_ref().is_none_or(|on| sent.starts_with(on.as_str()))
                && since.as_ref().is_none_or(|since| sent >= *since)
                && until
                    .as_ref()
                    .is_none_or(|until| sent < *until || sent.starts_with(until.as_str()))
        };
        let size = request
            .query_value("PageSize")
            .and_then(|size| size.parse().ok());
        let size = size.unwrap_or(50_usize).clamp(1, 1_000);
        let messages = self.messages.lock();
        let found = messages.values().rev().filter(fits).take(size);
        let found: Vec<Value> = found.map(shown).collect();
        let body = json!({"messages": found, "page": 0, "page_size": size, "start": 0,
            "next_page_uri": null, "previous_page_uri": null});
        Reply::json(200, &body)
    }
}

fn shown(message: &Message) -> Value {
    let time = date(message.sent_ms, "%a, %d %b %Y %H:%M:%S +0000");
    json!({"sid": message.sid, "account_sid": message.account, "api_version": "2010-04-01",
        "to": message.to, "from": message.from, "body": message.body, "status": message.status,
        "num_segments": "1", "direction": "outbound-api", "error_code": message.error,
        "error_message": null, "price": null, "date_created": time, "date_sent": time,
        "date_updated": time,
        "uri": format!("/2010-04-01/Accounts/{}/Messages/{}.json", message.account, message.sid)})
}

/// The status callback, signed over its address and its sorted fields.
fn report(message: &Message, core: &Core) -> Callback {
    let mut fields = vec![
        (
            "AccountSid",
            core.secret("twilio.account", ACCOUNT).to_owned(),
        ),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("From", message.from.clone()),
        ("MessageSid", message.sid.clone()),
        ("MessageStatus", message.status.to_owned()),
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", message.status.to_owned()),
        ("To", message.to.clone()),
    ];
    if let Some(code) = message.error {
        fields.insert(2, ("ErrorCode", code.to_string()));
    }
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&fields)
        .finish();
    Callback {
        provider: NAME,
        secret: ("twilio.token", TOKEN),
        content_type: "application/x-www-form-urlencoded",
        body: body.into(),
        sign: Arc::new(move |signing| {
            let mut signed = signing.url.clone();
            for (name, value) in &fields {
                signed.push_str(name);
                signed.push_str(value);
            }
            let mac = sign::sha1(signing.secret.as_bytes(), &[signed.as_bytes()]);
            vec![("x-twilio-signature", sign::base64(&mac))]
        }),
    }
}

fn error(status: u16, code: u32, message: &str) -> Reply {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more, "status": status});
    Reply::json(status, &body)
}
