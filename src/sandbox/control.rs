//! `/_sandbox/…`: the sandbox's own routes, for tests, demos and people.

use super::callbacks::Mode;
use super::core::Core;
use super::faults::Rule;
use super::ledger::Filter;
use super::limits::Limiting;
use super::{Reply, Request};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most effects that one reply shows; `next` tells where the following ones begin.
const PAGE: usize = 100_000;

pub(super) fn handle(request: &Request, core: &Core) -> Reply {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = &request.method;
    match parts.as_slice() {
        ["health"] if *method == get => Reply::json(200, &json!({"status": "ok"})),
        ["ledger"] if *method == get => ledger(request, core),
        ["ledger"] if *method == delete => {
            core.ledger.clear();
            Reply::empty(204)
        }
        ["ledger", "summary"] if *method == get => summary(core),
        ["faults"] if *method == get => Reply::json(200, &json!({"faults": core.faults.list()})),
        ["faults"] if *method == post => set_fault(request, core),
        ["faults"] if *method == delete => {
            let id = request.query_value("id").and_then(|id| id.parse().ok());
            core.faults
                .clear(request.query_value("provider").as_deref(), id);
            Reply::empty(204)
        }
        ["limits"] if *method == get => limits(core),
        ["limits"] if *method == post => set_limits(request, core),
        ["callbacks"] if *method == get => callbacks(core),
        ["callbacks"] if *method == post => set_callbacks(request, core),
        [name, action] if *method == post => core
            .provider(name)
            .and_then(|provider| provider.control(action, request, core))
            .unwrap_or_else(|| unknown(request)),
        _ => unknown(request),
    }
}

fn unknown(request: &Request) -> Reply {
    refuse(
        404,
        &format!(
            "no {} /_sandbox{}; see docs/SANDBOX.md",
            request.method, request.path
        ),
    )
}

/// An error reply of the sandbox itself.
pub(super) fn refuse(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}

fn ledger(request: &Request, core: &Core) -> Reply {
    let most = request
        .query_value("limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(PAGE)
        .min(PAGE);
    let filter = Filter {
        provider: request.query_value("provider"),
        kind: request.query_value("kind"),
        order: request.query_value("order"),
        after: request
            .query_value("after")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
    };
    let effects = core.ledger.effects(&filter, most);
    let next = (effects.len() == most)
        .then(|| effects.last().map(|effect| effect.sequence))
        .flatten();
    Reply::json(200, &json!({"effects": effects, "next": next}))
}

fn summary(core: &Core) -> Reply {
    let mut providers = serde_json::Map::new();
    for ((provider, kind), count) in core.ledger.counts() {
        let entry = providers.entry(provider).or_insert_with(|| json!({}));
        if let Some(kinds) = entry.as_object_mut() {
            kinds.insert(kind.to_owned(), json!(count));
        }
    }
    Reply::json(
        200,
        &json!({"effects": core.ledger.len(), "bound": core.ledger.bound(), "providers": providers}),
    )
}

fn parsed<T: for<'a> Deserialize<'a>>(request: &Request) -> Result<T, Reply> {
    serde_json::from_slice(&request.body).map_err(|error| refuse(400, &error.to_string()))
}

fn set_fault(request: &Request, core: &Core) -> Reply {
    let rule: Rule = match parsed(request) {
        Ok(rule) => rule,
        Err(reply) => return reply,
    };
    match core.faults.set(rule, &core.names()) {
        Ok(id) => Reply::json(201, &json!({"id": id})),
        Err(text) => refuse(400, &text),
    }
}

fn limits(core: &Core) -> Reply {
    Reply::json(200, &json!({"limits": core.limits.get()}))
}

fn set_limits(request: &Request, core: &Core) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        limits: Limiting,
    }
    match parsed::<Body>(request) {
        Ok(body) => {
            core.limits.set(body.limits);
            limits(core)
        }
        Err(reply) => reply,
    }
}

fn callbacks(core: &Core) -> Reply {
    let modes: serde_json::Map<String, Value> = core
        .callbacks
        .modes()
        .into_iter()
        .map(|(name, (mode, delay_ms))| (name, json!({"mode": mode, "delay_ms": delay_ms})))
        .collect();
    let body = json!({
        "target": core.callbacks.target(),
        "modes": modes,
        "callbacks": core.callbacks.tallies(),
    });
    Reply::json(200, &body)
}

fn set_callbacks(request: &Request, core: &Core) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        target: Option<String>,
        #[serde(default)]
        provider: Option<String>,
        #[serde(default)]
        mode: Option<Mode>,
        #[serde(default)]
        delay_ms: u64,
    }
    let body: Body = match parsed(request) {
        Ok(body) => body,
        Err(reply) => return reply,
    };
    let provider = body.provider.as_deref().unwrap_or("*");
    if provider != "*" && core.provider(provider).is_none() {
        return refuse(400, &format!("no provider `{provider}`"));
    }
    if let Some(target) = body.target {
        if !target.is_empty() && url::Url::parse(&target).is_err() {
            return refuse(400, &format!("`{target}` is no URL"));
        }
        core.callbacks
            .set_target(Some(target).filter(|target| !target.is_empty()));
    }
    if let Some(mode) = body.mode {
        core.callbacks.set_mode(provider, mode, body.delay_ms);
    }
    callbacks(core)
}
