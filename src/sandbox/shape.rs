//! What the files of several providers need to read and write JSON, forms and times.

use super::{Core, Effect, Request};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Writes what happened into the ledger: `object` is the provider's id, `order` what the caller
/// knows it by.
pub(super) fn note(
    core: &Core,
    (provider, kind): (&'static str, &'static str),
    object: &str,
    order: &str,
    detail: Value,
) {
    core.ledger.record(Effect {
        provider,
        kind,
        order: order.into(),
        object: object.into(),
        detail,
        ..Effect::default()
    });
}

/// A member that is a text; empty where it is missing or something else.
pub(super) fn text(object: &Object, name: &str) -> String {
    let value = object.get(name).and_then(Value::as_str);
    value.unwrap_or("").to_owned()
}

/// The members of a JSON object.
pub(super) fn members(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// A field of a form-encoded body; an empty one counts as missing.
pub(super) fn field(form: &[(String, String)], name: &str) -> Option<String> {
    let found = form.iter().find(|(found, _)| found == name);
    found
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty())
}

/// Where the caller reached the sandbox, for links back to it.
pub(super) fn origin(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}

/// A time in UTC, written by a `strftime` pattern.
pub(super) fn date(now_ms: u64, pattern: &str) -> String {
    let time = Timestamp::from_millisecond(i64::try_from(now_ms).unwrap_or(0)).unwrap_or_default();
    time.strftime(pattern).to_string()
}

/// Asks for [`super::Provider::timer`] one step of the sandbox's world from now, unless the world
/// stands still.
pub(super) fn next_step(core: &Core, provider: &'static str, token: &str) {
    let step_ms = core.options().step_ms;
    if step_ms > 0 {
        core.later(provider, step_ms, token);
    }
}

/// Reading members without a panic: what is missing reads as null.
pub(super) trait At {
    /// The value at a JSON pointer such as `/tracker/id`.
    fn at(&self, pointer: &str) -> &Value;
}

impl At for Value {
    fn at(&self, pointer: &str) -> &Value {
        self.pointer(pointer).unwrap_or(&Value::Null)
    }
}

impl At for Object {
    fn at(&self, pointer: &str) -> &Value {
        let path = pointer.strip_prefix('/').unwrap_or(pointer);
        let (first, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        self.get(first).map_or(&Value::Null, |value| value.at(rest))
    }
}

/// Sets a member of a JSON object; anything else stays as it is.
pub(super) fn set(value: &mut Value, name: &str, member: Value) {
    if let Value::Object(object) = value {
        object.insert(name.to_owned(), member);
    }
}
