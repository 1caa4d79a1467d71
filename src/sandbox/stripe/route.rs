//! Stripe's routes: parameters in, state changes, objects out.

use super::Made;
use super::error::Failure;
use super::intent::{Intent, Intents, Metadata, Page};
use crate::sandbox::{Core, Reply, Request};
use axum::http::Method;
use serde_json::{Value, json};

/// What a request asks for.
pub(super) fn operation(request: &Request) -> &'static str {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (&request.method, parts.as_slice()) {
        (&Method::POST, ["v1", "payment_intents"]) => "authorise",
        (&Method::POST, ["v1", "payment_intents", _, "confirm"]) => "confirm",
        (&Method::POST, ["v1", "payment_intents", _, "capture"]) => "capture",
        (&Method::POST, ["v1", "payment_intents", _, "cancel"]) => "cancel",
        (&Method::POST, ["v1", "refunds"]) => "refund",
        (&Method::GET, ["v1", "payment_intents", "search"]) => "search",
        (&Method::GET, ["v1", "payment_intents"]) => "list",
        (&Method::GET, ["v1", "payment_intents", _]) => "status",
        (&Method::GET, ["v1", "refunds", ..]) => "refund_status",
        _ => "unknown",
    }
}

/// Form fields by their name with brackets.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn of(request: &Request, allowed: &[&str]) -> Result<Self, Failure> {
        if !request.body.is_empty() && !request.is("application/x-www-form-urlencoded") {
            return Err(Failure::not_form());
        }
        let fields = request.form();
        for (name, _) in &fields {
            let root = name.split('[').next().unwrap_or(name);
            if !allowed.contains(&root) {
                return Err(Failure::unknown_parameter(root));
            }
        }
        Ok(Self(fields))
    }

    fn text(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, Failure> {
        let found = self.text(name).filter(|value| !value.is_empty());
        found.ok_or_else(|| Failure::missing(name))
    }

    fn amount(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let amount: i64 = text.parse().map_err(|_| Failure::not_integer(name, text))?;
        if amount < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(Failure::invalid("parameter_invalid_integer", name, message));
        }
        if amount > 99_999_999 {
            let message = "Amount must be no more than 999,999.99";
            return Err(Failure::invalid("amount_too_large", name, message));
        }
        Ok(Some(amount))
    }

    fn metadata(&self) -> Metadata {
        let named = |name: &str| Some(name.strip_prefix("metadata[")?.strip_suffix(']')?.into());
        let fields = self.0.iter();
        fields
            .filter_map(|(name, value)| Some((named(name)?, value.as_str().into())))
            .collect()
    }
}

/// Answers a request with a right key.
pub(super) fn handle(intents: &mut Intents, request: &Request, core: &Core) -> Made {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let key = request.header("idempotency-key");
    let made = match (&request.method, parts.as_slice()) {
        (&Method::POST, ["v1", "payment_intents"]) => create(intents, request, key, core)?,
        (&Method::POST, ["v1", "payment_intents", id, "confirm"]) => {
            let allowed = ["payment_method", "return_url", "off_session", "expand"];
            let fields = Fields::of(request, &allowed)?;
            let method = method(&fields)?;
            intents.confirm(id, method, key, core)?
        }
        (&Method::POST, ["v1", "payment_intents", id, "capture"]) => {
            let fields = Fields::of(request, &["amount_to_capture", "metadata", "expand"])?;
            intents.capture(id, fields.amount("amount_to_capture")?, key, core)?
        }
        (&Method::POST, ["v1", "payment_intents", id, "cancel"]) => {
            cancel(intents, id, request, core)?
        }
        (&Method::POST, ["v1", "refunds"]) => refund(intents, request, key, core)?,
        (&Method::GET, ["v1", "payment_intents", "search"]) => search(intents, request)?,
        (&Method::GET, ["v1", "payment_intents"]) => list(intents, request)?,
        (&Method::GET, ["v1", "payment_intents", id]) => intents.get(id)?.json(),
        (&Method::GET, ["v1", "refunds"]) => {
            let intent = request.query_value("payment_intent").unwrap_or_default();
            json!({"object": "list", "url": "/v1/refunds", "has_more": false,
                   "data": intents.refunds_of(&intent)})
        }
        (&Method::GET, ["v1", "refunds", id]) => intents.refund_json(id)?,
        (method, _) => return Err(Failure::no_route(method.as_str(), &request.path)),
    };
    Ok(Reply::json(200, &made))
}

/// The payment method that was given, if it is one.
fn method(fields: &Fields) -> Result<Option<&str>, Failure> {
    match fields.text("payment_method") {
        Some(id) if !id.starts_with("pm_") => {
            Err(Failure::no_such("PaymentMethod", "payment_method", id))
        }
        given => Ok(given),
    }
}

fn create(
    intents: &mut Intents,
    request: &Request,
    key: Option<&str>,
    core: &Core,
) -> Result<Value, Failure> {
    let allowed = [
        "amount",
        "currency",
        "capture_method",
        "payment_method",
        "confirm",
        "metadata",
        "description",
        "customer",
        "receipt_email",
        "payment_method_types",
        "off_session",
        "automatic_payment_methods",
        "return_url",
        "shipping",
        "statement_descriptor_suffix",
        "expand",
    ];
    let fields = Fields::of(request, &allowed)?;
    fields.required("amount")?;
    let amount = fields.amount("amount")?.unwrap_or_default();
    let currency = fields.required("currency")?;
    let sound = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !sound {
        let message = format!("Invalid currency: {currency}.");
        return Err(Failure::invalid("", "currency", message));
    }
    let manual = match fields.text("capture_method") {
        None | Some("automatic" | "automatic_async") => false,
        Some("manual") => true,
        Some(other) => {
            let message = format!(
                "Invalid capture_method: must be one of automatic, automatic_async, or manual; \
                 got {other}"
            );
            return Err(Failure::invalid("", "capture_method", message));
        }
    };
    let confirm = match fields.text("confirm") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            let message = format!("Invalid boolean: {other}");
            return Err(Failure::invalid("", "confirm", message));
        }
    };
    let method = method(&fields)?;
    if confirm && method.is_none() {
        return Err(Failure::missing("payment_method"));
    }
    let mut intent = Intent::new(amount, currency, manual, core);
    intent.metadata = fields.metadata();
    intent.description = fields.text("description").map(Into::into);
    intent.method = method.map(Into::into);
    intents.create(intent, confirm, key, core)
}

fn cancel(
    intents: &mut Intents,
    id: &str,
    request: &Request,
    core: &Core,
) -> Result<Value, Failure> {
    const REASONS: [&str; 4] = [
        "duplicate",
        "fraudulent",
        "requested_by_customer",
        "abandoned",
    ];
    let fields = Fields::of(request, &["cancellation_reason", "expand"])?;
    let reason = fields.text("cancellation_reason").unwrap_or_default();
    if !reason.is_empty() && !REASONS.contains(&reason) {
        let message = format!(
            "Invalid cancellation_reason: must be one of {}",
            REASONS.join(", ")
        );
        return Err(Failure::invalid("", "cancellation_reason", message));
    }
    intents.cancel(id, reason, request.header("idempotency-key"), core)
}

fn refund(
    intents: &mut Intents,
    request: &Request,
    key: Option<&str>,
    core: &Core,
) -> Result<Value, Failure> {
    const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];
    let fields = Fields::of(
        request,
        &["payment_intent", "amount", "reason", "metadata", "expand"],
    )?;
    let intent = fields.required("payment_intent")?;
    let reason = fields.text("reason");
    if reason.is_some_and(|reason| !REASONS.contains(&reason)) {
        let message = format!("Invalid reason: must be one of {}", REASONS.join(", "));
        return Err(Failure::invalid("", "reason", message));
    }
    let told = (reason, fields.metadata());
    intents.refund(intent, fields.amount("amount")?, told, key, core)
}

fn listed(url: &str, found: &[&Intent], more: bool) -> Value {
    let data: Vec<Value> = found.iter().map(|intent| intent.json()).collect();
    json!({"object": "list", "url": url, "has_more": more, "data": data})
}

/// How many objects a list shows.
fn limit(text: Option<&str>) -> Result<usize, Failure> {
    let Some(text) = text else {
        return Ok(10);
    };
    match text.parse() {
        Ok(most @ 1..=100) => Ok(most),
        _ => Err(Failure::not_integer("limit", text)),
    }
}

/// A list with `limit`, `starting_after` and `created[gte]`, `[gt]`, `[lte]`, `[lt]`.
fn list(intents: &Intents, request: &Request) -> Result<Value, Failure> {
    let mut page = Page {
        created: (0, u64::MAX),
        most: limit(request.query_value("limit").as_deref())?,
        after: None,
    };
    for (name, value) in request.query() {
        let time = || {
            let parsed: Result<u64, _> = value.parse();
            parsed.map_err(|_| Failure::not_integer("created", &value))
        };
        match name.as_str() {
            "limit" => {}
            "starting_after" => {
                intents.get(&value)?;
                page.after = Some(value);
            }
            "created[gte]" => page.created.0 = time()?,
            "created[gt]" => page.created.0 = time()?.saturating_add(1),
            "created[lte]" => page.created.1 = time()?,
            "created[lt]" => page.created.1 = time()?.saturating_sub(1),
            other => return Err(Failure::unknown_parameter(other)),
        }
    }
    let (found, more) = intents.page(&page);
    Ok(listed("/v1/payment_intents", &found, more))
}

/// `query=metadata['order_id']:'o-1'`: the one kind of query that is understood.
fn search(intents: &Intents, request: &Request) -> Result<Value, Failure> {
    let query = request.query_value("query").unwrap_or_default();
    if query.is_empty() {
        return Err(Failure::missing("query"));
    }
    let unquoted = query.replace('"', "'");
    let terms = unquoted
        .strip_prefix("metadata['")
        .and_then(|rest| rest.split_once("']:'"))
        .and_then(|(name, rest)| Some((name, rest.strip_suffix('\'')?)));
    let Some((name, value)) = terms else {
        let message = "We were unable to parse your search query.";
        return Err(Failure::invalid("", "query", message));
    };
    let found: Vec<&Intent> = if name == "order_id" {
        intents.of_order(value)
    } else {
        intents.with(name, value)
    };
    let most = limit(request.query_value("limit").as_deref())?;
    let page: Vec<&Intent> = found.iter().copied().take(most).collect();
    let more = found.len() > most;
    let mut result = listed("/v1/payment_intents/search", &page, more);
    if let Some(members) = result.as_object_mut() {
        members.insert("object".to_owned(), json!("search_result"));
        members.insert("next_page".to_owned(), Value::Null);
    }
    Ok(result)
}

/// `POST /_sandbox/stripe/complete_action?intent=ID[&outcome=fail]`: the buyer completes 3-D
/// Secure. `POST /_sandbox/stripe/expire?intent=ID`: the hold runs out.
pub(super) fn control(
    intents: &mut Intents,
    action: &str,
    request: &Request,
    core: &Core,
) -> Option<Reply> {
    let id = request.query_value("intent").unwrap_or_default();
    let made = match action {
        "complete_action" => {
            let passes = request.query_value("outcome").as_deref() != Some("fail");
            intents.complete_action(&id, passes, core)
        }
        "expire" => intents.cancel(&id, "automatic", None, core),
        _ => return None,
    };
    Some(match made {
        Ok(object) => Reply::json(200, &object),
        Err(failure) => failure.reply(),
    })
}
