//! `onhand breakers`: whether calls to the providers go out, over the server's HTTP.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::orders::listed;
use super::session::CommandKeyArgs;
use super::web::{WebArgs, entries, member, segment};

/// What to do with breakers.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List every provider with the state of its breaker.
    List {
        #[command(flatten)]
        web: WebArgs,
    },
    /// Let no call go out to a provider until it is reset: orders take the backup.
    Isolate {
        #[command(flatten)]
        change: Change,
    },
    /// Let calls go out to a provider again.
    Reset {
        #[command(flatten)]
        change: Change,
    },
}

/// Which breaker, where.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct Change {
    /// Name of the provider
    #[arg(value_name = "PROVIDER")]
    provider: String,
    #[command(flatten)]
    key: CommandKeyArgs,
    #[command(flatten)]
    web: WebArgs,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { web } => web.run(|web| {
            let found = web.get("/breakers")?;
            web.show(&found, list)
        }),
        Action::Isolate { change } => change.post("isolate"),
        Action::Reset { change } => change.post("reset"),
    }
}

impl Change {
    fn post(&self, action: &str) -> anyhow::Result<ExitCode> {
        self.web.run(|web| {
            let path = format!("/breakers/{}/{action}", segment(&self.provider));
            let done = web.post(&path, Map::new(), self.key)?;
            web.show(&done, |done| {
                format!(
                    "Breaker of {} is now {}.",
                    member(done, "provider"),
                    member(done, "state")
                )
            })
        })
    }
}

fn list(found: &Value) -> String {
    let columns = [
        "provider",
        "state",
        "failures",
        "open_until",
        "baseline_ms",
        "in_flight",
    ];
    match listed(entries(found, "breakers"), &columns) {
        none if none.is_empty() => "No provider: no pipelines are configured.".to_owned(),
        table => table,
    }
}
