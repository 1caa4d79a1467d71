//! `onhand orders`: orders in process, over the server's HTTP.

use std::process::ExitCode;

use anyhow::ensure;
use serde_json::{Value, json};

use super::output::table;
use super::session::CommandKeyArgs;
use super::web::{PageArgs, Web, WebArgs, body, entries, member, more, outcome, segment};

/// What to do with orders in process.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List orders in process, oldest first.
    List {
        /// Only orders in this state, such as REVIEW or PAYMENT [default: all]
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Show an order: its state, units, process and effects.
    Show {
        #[command(flatten)]
        order: OrderArg,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Cancel an order that has not shipped; what was done for it is undone.
    Cancel {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        why: Why,
    },
    /// Change lines or total of an order that is not confirmed: all or nothing.
    Edit {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        lines: Lines,
        /// New total in minor units [default: as before]
        #[arg(long, value_name = "MINOR")]
        total: Option<u64>,
    },
    /// Record that everything not shipped has left.
    Ship {
        #[command(flatten)]
        common: Common,
        /// Who carries it [default: not said]
        #[arg(long, value_name = "NAME")]
        carrier: Option<String>,
        /// The carrier's number [default: not said]
        #[arg(long, value_name = "NUMBER")]
        tracking: Option<String>,
    },
    /// Record that the parcel arrived.
    Deliver {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        why: Why,
    },
    /// Take shipped units back. Without lines, all that are out.
    Return {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        lines: Lines,
        /// What happens to the units: restock, damaged or quality_control
        #[arg(long, value_name = "WHAT", default_value = "restock")]
        disposition: String,
    },
    /// Give captured money back.
    Refund {
        #[command(flatten)]
        common: Common,
        /// Minor units; 0 is everything captured and not given back yet
        #[arg(long, value_name = "MINOR", default_value_t = 0)]
        amount: u64,
        #[command(flatten)]
        why: Why,
    },
}

/// Which order.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub(super) struct OrderArg {
    /// Key of the order (32 hex digits) or its number (such as 0-4711)
    #[arg(value_name = "ORDER")]
    order: String,
}

impl OrderArg {
    /// As typed.
    pub(super) fn text(&self) -> &str {
        &self.order
    }
}

/// Which order, by what command, where.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub(super) struct Common {
    #[command(flatten)]
    order: OrderArg,
    #[command(flatten)]
    key: CommandKeyArgs,
    #[command(flatten)]
    web: WebArgs,
}

/// A reason for the journal.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub(super) struct Why {
    /// Why, at most 240 bytes; it is journaled with your name [default: not said]
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Why {
    pub(super) fn given(&self) -> Option<Value> {
        self.reason.as_ref().map(|reason| json!(reason))
    }
}

/// Lines: `--sku` and `--quantity` as often as there are lines, in the same order.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct Lines {
    /// SKU by name; once for each line [default: see the command]
    #[arg(long = "sku", value_name = "NAME")]
    skus: Vec<String>,
    /// Units of each --sku, in the same order [default: 1 each]
    #[arg(long = "quantity", value_name = "UNITS", requires = "skus")]
    quantities: Vec<u32>,
    /// Location of all lines by name [default: the engine chooses]
    #[arg(long, value_name = "NAME", requires = "skus")]
    location: Option<String>,
}

impl Lines {
    fn given(&self) -> anyhow::Result<Option<Value>> {
        if self.skus.is_empty() {
            return Ok(None);
        }
        let (skus, quantities) = (self.skus.len(), self.quantities.len());
        ensure!(
            quantities == 0 || quantities == skus,
            "{skus} × --sku, but {quantities} × --quantity: give one quantity for each SKU"
        );
        let line = |(index, sku): (usize, &String)| {
            let quantity = self.quantities.get(index).copied().unwrap_or(1);
            json!({ "sku": sku, "quantity": quantity, "location": self.location })
        };
        Ok(Some(self.skus.iter().enumerate().map(line).collect()))
    }
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { state, page, web } => web.run(|web| {
            let query = page.query(&[("state", state.as_deref())]);
            list(web, &format!("/orders?{query}"))
        }),
        Action::Show { order, web } => web.run(|web| {
            let found = web.get(&format!("/orders/{}", segment(&order.order)))?;
            web.show(&found, shown)
        }),
        Action::Cancel { common, why } => common.post("cancel", &[("reason", why.given())]),
        Action::Edit {
            common,
            lines,
            total,
        } => {
            let total = total.map(|total| json!(total));
            common.post("edit", &[("lines", lines.given()?), ("total", total)])
        }
        Action::Ship {
            common,
            carrier,
            tracking,
        } => {
            let text = |text: Option<String>| text.map(|text| json!(text));
            let members = [("carrier", text(carrier)), ("tracking", text(tracking))];
            common.post("ship", &members)
        }
        Action::Deliver { common, why } => common.post("deliver", &[("reason", why.given())]),
        Action::Return {
            common,
            lines,
            disposition,
        } => {
            let disposition = Some(json!(disposition));
            common.post(
                "return",
                &[("lines", lines.given()?), ("disposition", disposition)],
            )
        }
        Action::Refund {
            common,
            amount,
            why,
        } => common.post(
            "refund",
            &[("amount", Some(json!(amount))), ("reason", why.given())],
        ),
    }
}

impl Common {
    fn post(&self, action: &str, members: &[(&str, Option<Value>)]) -> anyhow::Result<ExitCode> {
        self.post_below("orders", action, members)
    }

    /// A command below another path.
    pub(super) fn post_below(
        &self,
        path: &str,
        action: &str,
        members: &[(&str, Option<Value>)],
    ) -> anyhow::Result<ExitCode> {
        self.web.run(|web| {
            let order = segment(&self.order.order);
            let path = format!("/{path}/{order}/{action}");
            let done = web.post(&path, body(members), self.key)?;
            web.show(&done, outcome)
        })
    }
}

/// Prints a list of orders.
pub(super) fn list(web: &Web, path: &str) -> anyhow::Result<()> {
    let found = web.get(path)?;
    web.show(&found, |found| {
        let orders = entries(found, "orders");
        if orders.is_empty() {
            return "No order.".to_owned();
        }
        let heading = [
            "ORDER", "NUMBER", "STATE", "SINCE", "STEP", "WHY", "TOTAL", "CURRENCY",
        ];
        let row = |order: &Value| {
            [
                "order",
                "number",
                "state",
                "since",
                "step",
                "review_reason",
                "total",
                "currency",
            ]
            .map(|name| member(order, name))
            .to_vec()
        };
        let rows: Vec<Vec<String>> = orders.iter().map(row).collect();
        format!("{}{}", table(&heading, &rows), more(found))
    })
}

fn shown(order: &Value) -> String {
    let text = |name: &str| member(order, name);
    let mut lines = vec![format!(
        "Order {} ({}) is {}: version {}, channel {}, customer {}.",
        text("order"),
        text("number"),
        text("state"),
        text("version"),
        text("channel"),
        text("customer")
    )];
    let columns = [
        "sku",
        "location",
        "ordered",
        "reserved",
        "committed",
        "shipped",
        "returned",
        "cancelled",
    ];
    lines.push(listed(entries(order, "lines"), &columns));
    if let Some(process) = order.get("process").filter(|process| !process.is_null()) {
        lines.push(process_text(process));
        let columns = [
            "effect",
            "kind",
            "provider",
            "attempt",
            "next",
            "due",
            "reference",
            "code",
            "message",
        ];
        lines.push(listed(entries(process, "effects"), &columns));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn process_text(process: &Value) -> String {
    let text = |name: &str| member(process, name);
    let mut words = vec![
        format!(
            "Pipeline {}, step {}, since {}.",
            text("pipeline"),
            text("step"),
            text("since")
        ),
        format!(
            "Total {}, authorised {}, captured {}, refunded {} (minor units of {}).",
            text("total"),
            text("authorised"),
            text("captured"),
            text("refunded"),
            text("currency")
        ),
    ];
    if let Some(timer) = process.get("timer").filter(|timer| !timer.is_null()) {
        words.push(format!(
            "Timer {} at {}.",
            member(timer, "kind"),
            member(timer, "at")
        ));
    }
    if !text("review_reason").is_empty() {
        words.push(format!(
            "In review for {}; an approval leads to {}.",
            text("review_reason"),
            text("resume_to")
        ));
    }
    words.join("\n")
}

/// Entries as a table with these members as columns; nothing without entries.
pub(super) fn listed(entries: &[Value], columns: &[&str]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let heading: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
    let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
    let row = |entry: &Value| columns.iter().map(|name| member(entry, name)).collect();
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    table(&heading, &rows)
}
