//! The API document (OpenAPI 3.1), made of the table of operations.

use super::operation::{Answers, Operation, Shape};
use super::{bounds, operations, parameters, shapes};
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// What a reader has to know beside the operations.
const ABOUT: &str = "Orders, stock and operation of an Onhand server. Every answer is an \
    acknowledgement: it leaves when what it reveals is durable. Commands take an Idempotency-Key; \
    refusals are problem details (RFC 9457) with a stable `code`.\n\nBeside `/v1`, providers send \
    their reports to `/callbacks/KIND[/NAME]` and marketplaces their webhooks to \
    `/webhooks/KIND[/SHOP]`; both are signed as the sender documents it, and answered 2xx when \
    they are durable. `/metrics`, `/healthz` and `/readyz` are for monitoring, `/track/TOKEN` is \
    the buyers' page.";

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = vec![(
        shapes::Problem::name().into_owned(),
        shapes::Problem::schema(),
    )];
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations::all() {
        collect(&operation, &mut schemas);
        let path = format!("/v1{}", operation.path);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = item {
            methods.insert(operation.method.to_owned(), described(&operation));
        }
    }
    let schemas = schemas.into_iter();
    let mut schemas: Map<String, Value> = schemas
        .map(|(name, schema)| (name, plain(&schema)))
        .collect();
    bounds::apply(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Onhand",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": {
                "type": "http", "scheme": "bearer",
                "description": "A token of the server's token file (`onhand token new`).",
            } },
        },
        "security": [{ "bearer": [] }],
    })
}

/// A schema as JSON; bodies say themselves that they take no other member.
fn plain(schema: &RefOr<Schema>) -> Value {
    // Schemas are data without anything that could fail to be written.
    serde_json::to_value(schema).unwrap_or_default()
}

fn collect(operation: &Operation, into: &mut Vec<(String, RefOr<Schema>)>) {
    let answer = match operation.answers {
        Answers::Json(shape) | Answers::Created(shape) => Some(shape),
        Answers::Stream => None,
    };
    for shape in operation
        .body
        .map(|(shape, _)| shape)
        .into_iter()
        .chain(answer)
    {
        into.push(((shape.name)().into_owned(), (shape.schema)()));
        (shape.schemas)(into);
    }
}

fn reference(shape: Shape) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", (shape.name)()) })
}

fn described(operation: &Operation) -> Value {
    let is_read = operation.method == "get";
    let mut about = json!({
        "operationId": id(operation),
        "tags": [operation.path.split('/').nth(1).unwrap_or_default()],
        "summary": operation.about,
        "description": format!("For the role {} and above.", operation.role.name()),
        "x-onhand-role": operation.role.name(),
        "parameters": parameters_of(operation, is_read),
        "responses": responses(operation, is_read),
    });
    if let (Some((shape, must)), Value::Object(members)) = (operation.body, &mut about) {
        let content = json!({ "application/json": { "schema": reference(shape) } });
        let body = json!({ "required": must, "content": content });
        members.insert("requestBody".to_owned(), body);
    }
    about
}

/// Such as `post_orders_order_cancel`.
fn id(operation: &Operation) -> String {
    let path = operation
        .path
        .replace(['/', '-'], "_")
        .replace(['{', '}'], "");
    format!("{}{path}", operation.method)
}

fn parameters_of(operation: &Operation, is_read: bool) -> Vec<Value> {
    let parts = operation.path.split('/');
    let names = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = names.map(parameters::of_path).collect();
    all.extend(
        operation
            .query
            .iter()
            .map(|name| parameters::of_query(name, operation.path)),
    );
    all.push(parameters::tenant());
    if is_read {
        all.push(parameters::after_sequence());
    } else {
        all.push(parameters::idempotency_key());
    }
    match (operation.stamped, is_read) {
        (true, true) => all.push(parameters::if_none_match()),
        (true, false) => all.push(parameters::if_match()),
        _ => {}
    }
    if matches!(operation.answers, Answers::Stream) {
        all.push(parameters::last_event_id());
    }
    all
}

/// Statuses that any operation may answer with, and why.
const REFUSALS: &[(u16, &str)] = &[
    (
        400,
        "The body, a header or a query parameter cannot be read.",
    ),
    (401, "No token, or not one of the file."),
    (403, "The token may not do this, or not for this tenant."),
    (404, "There is nothing of this name."),
    (408, "The body did not arrive in time."),
    (413, "The body is longer than 1 MiB."),
    (422, "The request is understood and wrong; nothing changed."),
    (
        429,
        "Too many requests of this token or address; wait for `Retry-After`.",
    ),
    (
        503,
        "Busy or shutting down; wait, then repeat with the same key.",
    ),
];

fn responses(operation: &Operation, is_read: bool) -> Value {
    let mut all = Map::new();
    match operation.answers {
        Answers::Json(shape) => {
            all.insert("200".to_owned(), done("Done.", shape, operation, is_read));
        }
        Answers::Created(shape) => {
            all.insert(
                "201".to_owned(),
                done("It is new.", shape, operation, is_read),
            );
            let repeat = "It was there: nothing changed now.";
            all.insert("200".to_owned(), done(repeat, shape, operation, is_read));
        }
        Answers::Stream => {
            let content = json!({ "text/event-stream": {} });
            let about = "Events until the client goes away; every piece has `id`, the cursor.";
            all.insert(
                "200".to_owned(),
                json!({ "description": about, "content": content }),
            );
        }
    }
    for (status, about) in REFUSALS {
        all.insert(status.to_string(), problem(about));
    }
    if is_read && operation.stamped {
        all.insert(
            "304".to_owned(),
            json!({ "description": "It is as the caller has it." }),
        );
    }
    if is_read {
        let about = "The journal has no such sequence as `Onhand-After-Sequence`.";
        all.insert("412".to_owned(), problem(about));
    } else {
        all.insert(
            "409".to_owned(),
            problem("The state does not allow it; nothing changed."),
        );
        all.insert(
            "415".to_owned(),
            problem("The body is not application/json."),
        );
    }
    if !is_read && operation.stamped {
        let about = "The order is not as `If-Match` says; nothing was done.";
        all.insert("412".to_owned(), problem(about));
    }
    Value::Object(all)
}

fn done(about: &str, shape: Shape, operation: &Operation, is_read: bool) -> Value {
    let text = json!({ "schema": { "type": "string" } });
    let mut headers = Map::new();
    if !is_read {
        let about = json!({
            "description": "Sequence of the journal record.",
            "schema": { "type": "integer" },
        });
        headers.insert("Onhand-Sequence".to_owned(), about);
    }
    if is_read && operation.stamped {
        headers.insert("ETag".to_owned(), text.clone());
    }
    if matches!(operation.answers, Answers::Created(_)) {
        headers.insert("Location".to_owned(), text);
    }
    json!({
        "description": about,
        "headers": headers,
        "content": { "application/json": { "schema": reference(shape) } },
    })
}

fn problem(about: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({
        "description": about,
        "content": { "application/problem+json": { "schema": schema } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `docs/openapi.json` is made from the table; `ONHAND_BLESS=1` rewrites it.
    #[test]
    fn the_document_is_the_one_in_the_repository() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
        let made = serde_json::to_string_pretty(&document()).expect("JSON") + "\n";
        if std::env::var_os("ONHAND_BLESS").is_some() {
            std::fs::write(&path, &made).expect("written");
        }
        let kept = std::fs::read_to_string(&path).expect("the document");
        assert_eq!(
            kept, made,
            "run `ONHAND_BLESS=1 cargo test` and commit docs/openapi.json"
        );
    }

    #[test]
    fn every_operation_is_described_once_with_its_role_and_its_refusals() {
        let document = document();
        let mut ids = std::collections::BTreeSet::new();
        for operation in operations::all() {
            let found = &document["paths"][format!("/v1{}", operation.path)][operation.method];
            assert_eq!(
                found["x-onhand-role"],
                operation.role.name(),
                "{operation:?}"
            );
            assert!(!operation.about.is_empty(), "{operation:?} says nothing");
            assert!(
                ids.insert(found["operationId"].to_string()),
                "{operation:?} twice"
            );
            for status in ["401", "403", "422", "503"] {
                assert!(
                    found["responses"][status].is_object(),
                    "{operation:?} {status}"
                );
            }
        }
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let schemas = &document["components"]["schemas"];
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().expect("a name");
            assert!(schemas[name].is_object(), "no schema {name}");
        }
    }

    /// The table of routes in `docs/API.md`; `ONHAND_BLESS=1` rewrites it.
    #[test]
    fn the_page_lists_every_operation() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
        let page = std::fs::read_to_string(&path).expect("the page");
        let (begin, end) = ("<!-- operations -->\n", "<!-- end of operations -->");
        let (before, rest) = page.split_once(begin).expect("a mark");
        let (_, after) = rest.split_once(end).expect("a mark");
        let mut table =
            "| method and path | role | body | what it does |\n|---|---|---|---|\n".to_owned();
        for operation in operations::all() {
            let method = operation.method.to_ascii_uppercase();
            let body = operation
                .body
                .map_or(String::new(), |(shape, _)| format!("`{}`", (shape.name)()));
            let row = format!(
                "| {method} `/v1{}` | {} | {body} | {} |\n",
                operation.path,
                operation.role.name(),
                operation.about
            );
            table.push_str(&row);
        }
        let made = format!("{before}{begin}{table}{end}{after}");
        if std::env::var_os("ONHAND_BLESS").is_some() {
            std::fs::write(&path, &made).expect("written");
        }
        let kept = std::fs::read_to_string(&path).expect("the page");
        assert_eq!(
            kept, made,
            "run `ONHAND_BLESS=1 cargo test` and commit docs/API.md"
        );
    }
}
