//! `onhand sku`: what is sold.

use std::process::ExitCode;

use super::output::{counted, print, table};
use super::session::{ServerArgs, Session, refused_with};
use crate::types::ResultCode;
use crate::types::pipeline::BackorderQueue;
use crate::wire::reply;
use crate::wire::request::SkuDefinition;
use crate::wire::request::catalog::{SKU_ON_SALE, queue_flags};

/// What to do with SKUs.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Define SKUs, or change whether they are on sale and who waits for them first; safe to
    /// repeat.
    Add {
        /// Names of the SKUs, 1 to 64 bytes each [no default]
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Define them, but refuse orders for them until they are added again without this
        /// [default: off, that is on sale]
        #[arg(long)]
        off_sale: bool,
        /// Who gets units of them that orders wait for: strict (what an earlier order waits for goes
        /// to no later one), skip (the earliest order that can be covered in full) or default (as
        /// `backorder` of the pipelines says) [default: as before; of new ones, default]
        #[arg(long, value_name = "RULE", value_parser = parse_queue)]
        backorder_queue: Option<BackorderQueue>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the tenant's SKUs in order of their definition.
    List {
        /// Where to start: a handle of an earlier list
        #[arg(long, value_name = "HANDLE", default_value_t = 0)]
        from: u32,
        /// How many to list at most, in SKUs
        #[arg(long, value_name = "COUNT", default_value_t = 1000)]
        limit: usize,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Add {
            names,
            off_sale,
            backorder_queue,
            server,
        } => server.run(|session| add(session, &names, !off_sale, backorder_queue)),
        Action::List {
            from,
            limit,
            server,
        } => server.run(|session| list(session, from, limit)),
    }
}

/// A queue's rule by its name.
pub(super) fn parse_queue(name: &str) -> Result<BackorderQueue, &'static str> {
    BackorderQueue::from_name(name).ok_or("neither strict nor skip nor default")
}

fn add(
    session: &mut Session,
    names: &[String],
    on_sale: bool,
    queue: Option<BackorderQueue>,
) -> anyhow::Result<()> {
    let flags = queue_flags(queue) | if on_sale { SKU_ON_SALE } else { 0 };
    let waits = match queue.map(BackorderQueue::name) {
        Some(rule) => format!(", backorders by {rule}"),
        None => String::new(),
    };
    let items: Vec<_> = names
        .iter()
        .map(|name| SkuDefinition { name, flags })
        .collect();
    let answers = session.connection.define_skus(&items)?;
    let mut first_refusal = None;
    let mut values = Vec::new();
    for (name, answer) in names.iter().zip(&answers) {
        values.push(serde_json::json!({
            "name": name,
            "code": answer.code.name(),
            "sku": answer.handle,
            "on_sale": on_sale,
            "backorder_queue": queue.map(BackorderQueue::name),
            "replayed": answer.flags & reply::REPLAYED != 0,
            "sequence": answer.sequence,
        }));
        if answer.code != ResultCode::Ok {
            first_refusal.get_or_insert((name, answer.code));
        } else if !session.json() {
            let sale = if on_sale { "on sale" } else { "not on sale" };
            let before = if answer.flags & reply::REPLAYED == 0 {
                ""
            } else {
                " (as before)"
            };
            print(format_args!(
                "{name} is SKU {}, {sale}{waits}{before}.",
                answer.handle
            ))?;
        }
    }
    let value = serde_json::json!({ "skus": values });
    if let Some((name, code)) = first_refusal {
        return Err(refused_with(
            code,
            format!("SKU `{name}` was not defined"),
            value,
        ));
    }
    if session.json() {
        print(value)?;
    }
    Ok(())
}

fn list(session: &mut Session, from: u32, limit: usize) -> anyhow::Result<()> {
    let (entries, next) = session.sku_page(from, limit)?;
    if session.json() {
        let skus: Vec<_> = entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "name": entry.name,
                    "sku": entry.sku.0,
                    "on_sale": entry.on_sale,
                })
            })
            .collect();
        print(serde_json::json!({ "skus": skus, "next": next }))?;
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let sale = if entry.on_sale { "yes" } else { "no" };
            vec![entry.name.clone(), entry.sku.0.to_string(), sale.to_owned()]
        })
        .collect();
    print(table(&["NAME", "SKU", "ON SALE"], &rows))?;
    if let Some(next) = next {
        let shown = counted(entries.len() as u64, "SKU");
        eprintln!("{shown} shown; go on with --from {next}");
    }
    Ok(())
}
