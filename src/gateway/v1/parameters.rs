//! Parameters of paths, queries and headers, as the API document describes them.

use serde_json::{Value, json};

/// Longest name of a SKU, location or provider that the document admits.
const NAME: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";

/// A parameter of a path.
pub(super) fn of_path(name: &str) -> Value {
    let (about, schema) = match name {
        "order" => (
            "The order's key, 32 hex digits, or its number.",
            json!({ "type": "string", "pattern": "^([0-9a-fA-F]{32}|[0-9]{1,5}-[0-9]{1,19})$" }),
        ),
        "effect" => (
            "The effect's number.",
            json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
        ),
        "number" => (
            "The channel's number.",
            json!({ "type": "integer", "minimum": 0, "maximum": 65_535 }),
        ),
        "campaign" => (
            "The campaign's number.",
            json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
        ),
        "event" => (
            "The event, as the list shows it.",
            json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
        ),
        "channel" => (
            "The channel's number, or its name in the channels file.",
            json!({ "type": "string" }),
        ),
        other => (
            match other {
                "sku" => "The SKU's name.",
                "location" => "The location's name.",
                "provider" => "The provider's name.",
                "subscriber" => "The subscriber's name.",
                _ => "Its name.",
            },
            json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": NAME }),
        ),
    };
    json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema })
}

/// A parameter of a query.
pub(super) fn of_query(name: &str, path: &str) -> Value {
    let of_events = path.starts_with("/events");
    let (about, schema) = match name {
        "limit" => (
            "Items of one page.",
            json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 50 }),
        ),
        "after" if of_events => (
            "A cursor: `next` of a page, or `id` of an event.",
            json!({ "type": "string", "pattern": "^0-[0-9]{1,18}$" }),
        ),
        "after" if path.starts_with("/mappings") => (
            "`next` of the page before: an item.",
            json!({ "type": "string" }),
        ),
        "fate" => (
            "Only events of this fate; without those that wait for a person.",
            json!({ "type": "string", "enum": ["open", "parked", "unmapped", "quarantined"] }),
        ),
        "channel" => (
            "Only events of this channel, by number or name.",
            json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,64}$" }),
        ),
        "after" => (
            "`next` of the page before.",
            json!({ "type": "string", "pattern": "^[0-9a-f]{1,4}$" }),
        ),
        "sku" => (
            "Only this SKU; may be given several times.",
            json!({ "type": "string" }),
        ),
        "kind" => (
            "Beginnings of event types, separated by commas.",
            json!({ "type": "string", "pattern": "^[a-z0-9._]+(,[a-z0-9._]+)*$", "maxLength": 256 }),
        ),
        "state" => (
            "Only orders in this state.",
            json!({ "type": "string", "enum": states() }),
        ),
        _ => ("", json!({ "type": "string" })),
    };
    json!({ "name": name, "in": "query", "description": about, "schema": schema })
}

fn states() -> Vec<&'static str> {
    let states = (0..=u8::MAX).filter_map(crate::types::OrderState::from_u8);
    states.map(crate::types::OrderState::name).collect()
}

/// A header that every operation takes.
pub(super) fn tenant() -> Value {
    json!({
        "name": "Onhand-Tenant", "in": "header",
        "description": "For whom; `default` without.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$" },
    })
}

/// The header that makes a command safe to repeat.
pub(super) fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header",
        "description": "32 hex digits, or any text that stands for its hash. The same key again \
                        gets the first outcome and changes nothing.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

/// The header that makes a command depend on what was seen.
pub(super) fn if_match() -> Value {
    json!({
        "name": "If-Match", "in": "header",
        "description": "`ETag` of the order as it was read: done only where it has not changed.",
        "schema": { "type": "string" },
    })
}

/// The header that asks for what has changed only.
pub(super) fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match", "in": "header",
        "description": "`ETag` of what the caller has: 304 where it is still that.",
        "schema": { "type": "string" },
    })
}

/// The header that makes a read wait for what a command returned.
pub(super) fn after_sequence() -> Value {
    json!({
        "name": "Onhand-After-Sequence", "in": "header",
        "description": "`Onhand-Sequence` of a command: the answer contains what it did.",
        "schema": { "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64 },
    })
}

/// The header with which a stream goes on.
pub(super) fn last_event_id() -> Value {
    json!({
        "name": "Last-Event-ID", "in": "header",
        "description": "`id` of the last event that was seen; goes before `after`.",
        "schema": { "type": "string", "pattern": "^0-[0-9]{1,18}$" },
    })
}
