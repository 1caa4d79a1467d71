//! The server's REST API, as subcommands use it: one request, its answer or its refusal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Map, Value};

use super::output::print;
use super::session::{CommandKeyArgs, token_of};
use super::startup::{DONE, REFUSED};
use crate::types::CommandKey;

/// Where the server's HTTP is, and who asks.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Server")]
pub(super) struct WebArgs {
    /// Address of the server's HTTP
    #[arg(
        long,
        value_name = "URL",
        env = "ONHAND_HTTP",
        default_value = "http://127.0.0.1:7172"
    )]
    http: String,
    /// The tenant to work for, 1 to 64 bytes
    #[arg(
        long,
        value_name = "NAME",
        env = "ONHAND_TENANT",
        default_value = "default"
    )]
    tenant: String,
    /// File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no
    /// token]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long to wait for an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 45_000)]
    timeout_ms: u64,
    /// How to print: tables and sentences, or the server's JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// For whom results are printed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// For people.
    Human,
    /// For programs: what the server said, on one line.
    Json,
}

/// Which page of a list.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub(super) struct PageArgs {
    /// Orders of one page, 1 to 500
    #[arg(long, value_name = "ORDERS", default_value_t = 50)]
    limit: u16,
    /// Go on where an earlier page ended, as it said [default: from the start]
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl PageArgs {
    /// The query of a list, with further parameters.
    pub(super) fn query(&self, more: &[(&str, Option<&str>)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        let after = [("after", self.after.as_deref())];
        for (name, value) in after.iter().chain(more) {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

/// The server refused: its problem details.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Refused {
    text: String,
    value: Value,
}

/// An address, a token, and how to print.
pub(super) struct Web {
    base: String,
    token: String,
    tenant: String,
    timeout: Duration,
    json: bool,
}

impl WebArgs {
    /// Does the work, and turns a refusal into exit code 1.
    pub(super) fn run(
        &self,
        work: impl FnOnce(&Web) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let web = Web {
            base: self.http.trim_end_matches('/').to_owned(),
            token: token_of(self.token_file.as_deref())?,
            tenant: self.tenant.clone(),
            timeout: Duration::from_millis(self.timeout_ms),
            json: self.format == Format::Json,
        };
        let Err(error) = work(&web) else {
            return Ok(ExitCode::from(DONE));
        };
        let refused: Refused = error.downcast()?;
        if web.json {
            print(refused.value)?;
        } else {
            print(refused)?;
        }
        Ok(ExitCode::from(REFUSED))
    }
}

impl Web {
    /// Asks.
    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None, None)
    }

    /// Commands: with the key given, or a new one that is told before it is used.
    pub(super) fn post(
        &self,
        path: &str,
        body: Map<String, Value>,
        key: CommandKeyArgs,
    ) -> anyhow::Result<Value> {
        let key = key.announce()?;
        self.send(Method::POST, path, Some(body), Some(key))
    }

    /// As [`Web::post`], for what is set to a value.
    pub(super) fn put(
        &self,
        path: &str,
        body: Map<String, Value>,
        key: CommandKeyArgs,
    ) -> anyhow::Result<Value> {
        let key = key.announce()?;
        self.send(Method::PUT, path, Some(body), Some(key))
    }

    /// Prints the server's JSON, or what `human` makes of it.
    pub(super) fn show(
        &self,
        value: &Value,
        human: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<()> {
        if self.json {
            print(value)?;
        } else {
            print(human(value))?;
        }
        Ok(())
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Map<String, Value>>,
        key: Option<CommandKey>,
    ) -> anyhow::Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime for HTTP")?;
        let (status, text) = runtime.block_on(self.exchange(method, path, body, key))?;
        let value: Value = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} answered {status} with something else than JSON: is it the HTTP address of an \
                 Onhand server?",
                self.base
            )
        })?;
        if (200..300).contains(&status) {
            return Ok(value);
        }
        let text = refusal_text(&value);
        if status == 401 {
            bail!("{text}");
        }
        Err(Refused { text, value }.into())
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Map<String, Value>>,
        key: Option<CommandKey>,
    ) -> anyhow::Result<(u16, String)> {
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(self.timeout).build()?;
        let mut request = client
            .request(method, format!("{}/v1{path}", self.base))
            .header("onhand-tenant", &self.tenant);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key.to_string());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let unanswered = || {
            let repeat = match key {
                None => String::new(),
                Some(key) => {
                    format!("; it may or may not have been done: repeat it with --key {key}")
                }
            };
            format!(
                "no answer from {} (is the server running, with --http?){repeat}",
                self.base
            )
        };
        let response = request.send().await.with_context(unanswered)?;
        let status = response.status().as_u16();
        let text = response.text().await.with_context(unanswered)?;
        Ok((status, text))
    }
}

/// `CODE: title: detail.`
fn refusal_text(problem: &Value) -> String {
    let words = ["code", "title", "detail"].map(|name| member(problem, name));
    let words = words.iter().map(|word| word.trim_end_matches('.'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}.", words.join(": "))
}

/// A member as people read it: nothing for null, digits for numbers.
pub(super) fn member(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Members of an object that are given.
pub(super) fn body(members: &[(&str, Option<Value>)]) -> Map<String, Value> {
    let given = members.iter().filter_map(|(name, value)| {
        let value = value.clone()?;
        Some(((*name).to_owned(), value))
    });
    given.collect()
}

/// The entries of a list under its name.
pub(super) fn entries<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// What to add where a list goes on.
pub(super) fn more(value: &Value) -> String {
    match member(value, "next") {
        none if none.is_empty() => String::new(),
        next => format!("\nThere are more: --after {next}"),
    }
}

/// What became of a command about an order.
pub(super) fn outcome(value: &Value) -> String {
    let replayed = if value.get("replayed") == Some(&Value::Bool(true)) {
        " (done before with this key, nothing changed now)"
    } else {
        ""
    };
    let state = match member(value, "state") {
        none if none.is_empty() => "done".to_owned(),
        state => format!("now {state}"),
    };
    format!("Order {} is {state}{replayed}.", member(value, "order"))
}

/// A segment of a path, as typed by a person.
pub(super) fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refusals_are_one_sentence_with_their_code() {
        let problem = json!({"code": "UNKNOWN_ORDER", "title": "No order with this key.",
            "detail": "no order `7` of tenant `acme`", "status": 404});
        assert_eq!(
            refusal_text(&problem),
            "UNKNOWN_ORDER: No order with this key: no order `7` of tenant `acme`."
        );
    }

    #[test]
    fn outcomes_say_where_the_order_is_and_whether_anything_changed() {
        let done = json!({"order": "7", "state": "PAYMENT", "replayed": false});
        assert_eq!(outcome(&done), "Order 7 is now PAYMENT.");
        let replayed = json!({"order": "7", "state": null, "replayed": true});
        assert!(outcome(&replayed).contains("nothing changed now"));
    }
}
