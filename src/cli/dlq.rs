//! `onhand dlq`: effects that exhausted their attempts, over the server's HTTP.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use super::orders::{OrderArg, Why, listed};
use super::session::CommandKeyArgs;
use super::web::{PageArgs, WebArgs, body, entries, member, more, outcome, segment};

/// What to do with dead letters.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List dead letters with their causes.
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Show one dead letter: what was asked of whom, how often, and what came of it.
    Show {
        #[command(flatten)]
        letter: Letter,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Try again with the same key: one dead letter, or all of one cause.
    Redrive {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Give one up: the order goes on without it.
    Discard {
        #[command(flatten)]
        letter: Letter,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Change the reference or recipient of one, before it is tried again.
    Edit {
        #[command(flatten)]
        letter: Letter,
        /// The new reference or recipient
        #[arg(long, value_name = "TEXT")]
        reference: String,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
}

/// One dead letter.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct Letter {
    #[command(flatten)]
    order: OrderArg,
    /// Number of the effect within its order
    #[arg(value_name = "EFFECT")]
    effect: u16,
}

impl Letter {
    fn path(&self) -> String {
        format!(
            "/dead-letters/{}/{}",
            segment(self.order.text()),
            self.effect
        )
    }
}

/// One dead letter, or all that fit.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct Which {
    /// Key or number of the order [default: all that fit the cause]
    #[arg(value_name = "ORDER", requires = "effect", conflicts_with = "all")]
    order: Option<String>,
    /// Number of the effect within its order [default: all that fit the cause]
    #[arg(value_name = "EFFECT")]
    effect: Option<u16>,
    /// Every dead letter that fits the cause given by the options below [default: off]
    #[arg(long)]
    all: bool,
    /// Only those of this provider [default: any]
    #[arg(long, value_name = "NAME", requires = "all")]
    provider: Option<String>,
    /// Only effects of this kind, such as crm_update [default: any]
    #[arg(long, value_name = "KIND", requires = "all")]
    kind: Option<String>,
    /// Only those that failed with this code [default: any]
    #[arg(long, value_name = "CODE", requires = "all")]
    code: Option<String>,
    /// At most so many, 1 to 1000
    #[arg(
        long,
        value_name = "LETTERS",
        default_value_t = 1_000,
        requires = "all"
    )]
    most: u16,
    /// Wait so long for what becomes of them, in milliseconds, at most 30000
    #[arg(long, value_name = "MS", default_value_t = 5_000, requires = "all")]
    wait_ms: u64,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { page, web } => web.run(|web| {
            let found = web.get(&format!("/dead-letters?{}", page.query(&[])))?;
            web.show(&found, list)
        }),
        Action::Show { letter, web } => web.run(|web| {
            let found = web.get(&letter.path())?;
            web.show(&found, |found| list(&json!({ "dead_letters": [found] })))
        }),
        Action::Redrive {
            which,
            why,
            key,
            web,
        } => redrive(&which, &why, key, &web),
        Action::Discard {
            letter,
            why,
            key,
            web,
        } => web.run(|web| {
            let members = body(&[("reason", why.given())]);
            let done = web.post(&format!("{}/discard", letter.path()), members, key)?;
            web.show(&done, outcome)
        }),
        Action::Edit {
            letter,
            reference,
            key,
            web,
        } => web.run(|web| {
            let members = body(&[("reference", Some(json!(reference)))]);
            let done = web.post(&format!("{}/edit", letter.path()), members, key)?;
            web.show(&done, outcome)
        }),
    }
}

fn redrive(
    which: &Which,
    why: &Why,
    key: CommandKeyArgs,
    web: &WebArgs,
) -> anyhow::Result<ExitCode> {
    let (path, members) = match (&which.order, which.effect) {
        (Some(order), Some(effect)) => {
            let path = format!("/dead-letters/{}/{effect}/redrive", segment(order));
            (path, body(&[("reason", why.given())]))
        }
        _ if which.all => {
            let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
            let members = body(&[
                ("provider", text(&which.provider)),
                ("kind", text(&which.kind)),
                ("code", text(&which.code)),
                ("limit", Some(json!(which.most))),
                ("wait_ms", Some(json!(which.wait_ms))),
                ("reason", why.given()),
            ]);
            ("/dead-letters/redrive".to_owned(), members)
        }
        _ => bail!("name one by ORDER and EFFECT, or say --all (with --provider, --kind, --code)"),
    };
    web.run(|web| {
        let done = web.post(&path, members, key)?;
        web.show(&done, |done| {
            if which.all {
                counted(done)
            } else {
                outcome(done)
            }
        })
    })
}

fn list(found: &Value) -> String {
    let letters = entries(found, "dead_letters");
    if letters.is_empty() {
        return "No dead letter.".to_owned();
    }
    let flat = |letter: &Value| {
        let mut flat = letter.clone();
        if let (Value::Object(members), Some(cause)) = (&mut flat, letter.get("cause")) {
            members.insert("code".to_owned(), json!(member(cause, "code")));
            members.insert("message".to_owned(), json!(member(cause, "message")));
        }
        flat
    };
    let letters: Vec<Value> = letters.iter().map(flat).collect();
    let columns = [
        "order", "effect", "kind", "provider", "attempts", "since", "code", "message",
    ];
    format!("{}{}", listed(&letters, &columns), more(found))
}

fn counted(done: &Value) -> String {
    let text = |name: &str| member(done, name);
    let rate = done.get("recovery_rate").and_then(Value::as_f64);
    let rate = rate.map_or_else(
        || "none ended yet".to_owned(),
        |rate| format!("{:.1} % of those that ended", rate * 100.0),
    );
    format!(
        "{} matched, {} tried again: {} recovered, {} failed again, {} still out ({rate}).",
        text("matched"),
        text("redriven"),
        text("recovered"),
        text("dead_again"),
        text("pending")
    )
}
