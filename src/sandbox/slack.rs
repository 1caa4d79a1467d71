//! Slack: incoming webhooks. The address is the secret.

use super::shape::{At, field, note};
use super::{Core, Limit, LimitState, Provider, Reply, Request};
use serde_json::{Value, json};

const NAME: &str = "slack";

const LIMITS: &[Limit] = &[Limit::of("message", 1, 1_000)];

/// The path of the webhook below the provider's prefix.
pub const PATH: &str = "/services/T0SANDBOX/B0SANDBOX/sandboxsecret";

const TEXT_CHARS_MAX: usize = 40_000;

const BLOCKS_MAX: usize = 50;

/// The provider.
#[derive(Debug, Default)]
pub struct Slack;

impl Provider for Slack {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, _: &Request) -> &'static str {
        "message"
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, at: LimitState) -> Reply {
        let seconds = at.reset_ms.div_ceil(1_000).max(1);
        self.fail(request, 429)
            .with("retry-after", seconds.to_string())
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        let text = match status {
            403 => "action_prohibited",
            404 => "channel_not_found",
            410 => "channel_is_archived",
            429 => "rate_limited",
            _ => "rollup_error",
        };
        Reply::text(status, text)
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let right = core.secret("slack.path", PATH);
        if request.path != right {
            // The right channel with a wrong secret is told from a wrong channel.
            let channel = |path: &str| path.rsplit_once('/').map(|(channel, _)| channel.to_owned());
            let text = if channel(&request.path) == channel(right) {
                "no_service"
            } else {
                "channel_not_found"
            };
            return Reply::text(404, text);
        }
        if request.method != "POST" {
            return Reply::text(400, "invalid_payload");
        }
        let body = if request.is("application/x-www-form-urlencoded") {
            field(&request.form(), "payload").and_then(|text| serde_json::from_str(&text).ok())
        } else {
            request.json()
        };
        let Some(Value::Object(message)) = body else {
            return Reply::text(400, "invalid_payload");
        };
        let text = message.get("text").and_then(Value::as_str).unwrap_or("");
        let blocks = message.get("blocks").unwrap_or(&Value::Null);
        if !blocks.is_null() && !sound(blocks) {
            return Reply::text(400, "invalid_blocks");
        }
        let shown = blocks.as_array().is_some_and(|blocks| !blocks.is_empty());
        if text.is_empty() && !shown && !message.contains_key("attachments") {
            return Reply::text(400, "no_text");
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            return Reply::text(400, "msg_too_long");
        }
        let id = core.next_id().to_string();
        let detail = json!({"to": "#sandbox", "text": text, "blocks": blocks});
        note(core, (NAME, "message"), &id, "#sandbox", detail);
        Reply::text(200, "ok")
    }
}

fn sound(blocks: &Value) -> bool {
    let Some(blocks) = blocks.as_array() else {
        return false;
    };
    let known = [
        "section",
        "divider",
        "header",
        "context",
        "actions",
        "image",
        "rich_text",
    ];
    let sound = |block: &Value| {
        let kind = block.at("/type").as_str().unwrap_or("");
        let filled = match kind {
            "section" => block.at("/text").is_object() || block.at("/fields").is_array(),
            "header" => block.at("/text/type") == "plain_text",
            _ => true,
        };
        known.contains(&kind) && filled
    };
    blocks.len() <= BLOCKS_MAX && blocks.iter().all(sound)
}
