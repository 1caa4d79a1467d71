//! `onhand subscribers`: who is sent events as webhooks, and how far, over the server's HTTP.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::orders::{Why, listed};
use super::session::CommandKeyArgs;
use super::web::{WebArgs, body, entries, member, segment};

/// What to do with subscribers of events.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List the tenant's subscribers: whether each is served, and how far behind it is.
    List {
        #[command(flatten)]
        web: WebArgs,
    },
    /// Show one with what it is sent, where it stands, and what went wrong last.
    Show {
        /// Its name in the subscribers file
        #[arg(value_name = "NAME")]
        subscriber: String,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Send it events from somewhere else on, or have it served again where it was given up.
    Rewind {
        /// Its name in the subscribers file
        #[arg(value_name = "NAME")]
        subscriber: String,
        /// The id of the event behind which it goes on (SHARD-SEQUENCE), `start` or `end`
        /// [default: where it stands]
        #[arg(long, value_name = "EVENT")]
        after: Option<String>,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { web } => web.run(|web| {
            let found = web.get("/subscribers")?;
            web.show(&found, list)
        }),
        Action::Show { subscriber, web } => web.run(|web| {
            let found = web.get(&format!("/subscribers/{}", segment(&subscriber)))?;
            web.show(&found, show)
        }),
        Action::Rewind {
            subscriber,
            after,
            why,
            key,
            web,
        } => web.run(|web| {
            let path = format!("/subscribers/{}/rewind", segment(&subscriber));
            let after = after.map(|after| json!(after));
            let asked = body(&[("after", after), ("reason", why.given())]);
            let done = web.post(&path, asked, key)?;
            web.show(&done, moved)
        }),
    }
}

fn list(found: &Value) -> String {
    let columns = [
        "subscriber",
        "state",
        "cursor",
        "lag_records",
        "lag_ms",
        "failures",
        "last_error",
    ];
    match listed(entries(found, "subscribers"), &columns) {
        none if none.is_empty() => {
            "No subscriber of this tenant: the server's subscribers file (`--subscribers`) has none."
                .to_owned()
        }
        table => table,
    }
}

fn show(found: &Value) -> String {
    let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
    let all = |name: &str| match found.get(name).and_then(Value::as_array) {
        Some(some) if !some.is_empty() => some.iter().map(text).collect::<Vec<_>>().join(", "),
        _ => "all".to_owned(),
    };
    let names = [
        "subscriber",
        "state",
        "origin",
        "batch",
        "cursor",
        "lag_records",
        "lag_ms",
        "delivered",
        "failures",
        "next_attempt",
        "last_error",
        "last_error_at",
    ];
    let single = names.iter().map(|name| (*name, member(found, name)));
    let several = ["types", "channels"].map(|name| (name, all(name)));
    let known = single.chain(several).filter(|(_, value)| !value.is_empty());
    let lines = known.map(|(name, value)| format!("{name:<13} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn moved(done: &Value) -> String {
    format!(
        "Subscriber {} goes on behind {} (it was at {}).",
        member(done, "subscriber"),
        member(done, "after"),
        member(done, "before")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_shown_with_what_it_is_sent_and_without_what_is_not_known() {
        let shown = show(&json!({
            "subscriber": "crm", "state": "halted", "types": ["order", "stock"], "channels": [],
            "cursor": "0-42", "lag_records": 7, "next_attempt": null, "last_error": "500",
        }));
        for line in [
            "subscriber    crm",
            "state         halted",
            "cursor        0-42",
            "lag_records   7",
            "last_error    500",
            "types         order, stock",
            "channels      all",
        ] {
            assert!(shown.lines().any(|found| found == line), "{line}: {shown}");
        }
        assert!(!shown.contains("next_attempt"), "{shown}");
    }
}
