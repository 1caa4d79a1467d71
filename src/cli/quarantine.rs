//! `onhand quarantine`: what channels sent and a person has to see to, over the server's HTTP.

use std::process::ExitCode;

use serde_json::Value;

use super::orders::{Why, listed};
use super::session::CommandKeyArgs;
use super::web::{PageArgs, WebArgs, body, entries, member, more, segment};

/// What to do with events that wait for a person.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List events that wait for a person, oldest first, with the reason of each.
    List {
        /// Only those that are parked, unmapped, quarantined, or open [default: the first three]
        #[arg(long, value_name = "FATE")]
        fate: Option<String>,
        /// Only those of this channel, by number or name [default: all]
        #[arg(long, value_name = "CHANNEL")]
        channel: Option<String>,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Show one event with what was received.
    Show {
        #[command(flatten)]
        event: EventArg,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Work an event off once more, as if it had just come.
    Redrive {
        #[command(flatten)]
        change: Change,
    },
    /// Give an event up.
    Discard {
        #[command(flatten)]
        change: Change,
    },
}

/// Which event.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct EventArg {
    /// The event, 32 hex digits as the list shows it
    #[arg(value_name = "EVENT")]
    event: String,
}

/// What to do with which event.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct Change {
    #[command(flatten)]
    event: EventArg,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    key: CommandKeyArgs,
    #[command(flatten)]
    web: WebArgs,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List {
            fate,
            channel,
            page,
            web,
        } => web.run(|web| {
            let more = [("fate", fate.as_deref()), ("channel", channel.as_deref())];
            let found = web.get(&format!("/quarantine?{}", page.query(&more)))?;
            web.show(&found, list)
        }),
        Action::Show { event, web } => web.run(|web| {
            let found = web.get(&format!("/quarantine/{}", segment(&event.event)))?;
            web.show(&found, show)
        }),
        Action::Redrive { change } => change.post("redrive", "is worked off once more"),
        Action::Discard { change } => change.post("discard", "was given up"),
    }
}

impl Change {
    fn post(&self, action: &str, becomes: &str) -> anyhow::Result<ExitCode> {
        self.web.run(|web| {
            let path = format!("/quarantine/{}/{action}", segment(&self.event.event));
            let done = web.post(&path, body(&[("reason", self.why.given())]), self.key)?;
            web.show(&done, |done| {
                format!("Event {} {becomes}.", member(done, "event"))
            })
        })
    }
}

fn list(found: &Value) -> String {
    let columns = ["event", "channel", "topic", "fate", "order", "note"];
    match listed(entries(found, "events"), &columns) {
        none if none.is_empty() => "No event waits for a person.".to_owned(),
        table => table + &more(found),
    }
}

fn show(found: &Value) -> String {
    let names = [
        "event", "channel", "topic", "fate", "order", "note", "sequence",
    ];
    let mut lines: Vec<String> = names
        .iter()
        .map(|name| format!("{name:<9} {}", member(found, name)))
        .collect();
    if let Some(Value::Object(headers)) = found.get("headers") {
        lines.extend(
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())),
        );
    }
    lines.push(String::new());
    lines.push(member(found, "body"));
    lines.join("\n")
}
