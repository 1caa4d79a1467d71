//! `onhand mappings`: which SKU each item of a channel stands for, over the server's HTTP.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value, json};

use super::orders::listed;
use super::session::CommandKeyArgs;
use super::web::{PageArgs, WebArgs, entries, member, more, segment};

/// Mappings sent at once.
const BATCH: usize = 500;

/// What to do with mappings.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List the items of a channel with their SKUs.
    List {
        #[command(flatten)]
        channel: ChannelArg,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Set the mappings of a CSV file: columns `item` and `sku` (empty: none any more), and any
    /// further one for writing stock. Doing it twice changes nothing.
    Import {
        #[command(flatten)]
        channel: ChannelArg,
        /// The CSV file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        web: WebArgs,
    },
}

/// Which channel.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
struct ChannelArg {
    /// The channel, by number or name
    #[arg(value_name = "CHANNEL")]
    channel: String,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { channel, page, web } => web.run(|web| {
            let path = format!("/mappings/{}", segment(&channel.channel));
            let found = web.get(&format!("{path}?{}", page.query(&[])))?;
            web.show(&found, list)
        }),
        Action::Import { channel, file, web } => {
            let rows = read(&file)?;
            let mut refused = 0;
            let code = web.run(|web| {
                let path = format!("/mappings/{}", segment(&channel.channel));
                for batch in rows.chunks(BATCH) {
                    let mut body = Map::new();
                    body.insert("mappings".to_owned(), Value::Array(batch.to_vec()));
                    let done = web.post(&path, body, CommandKeyArgs::default())?;
                    refused += entries(&done, "refused").len();
                    web.show(&done, imported)?;
                }
                Ok(())
            })?;
            Ok(if refused > 0 { ExitCode::from(1) } else { code })
        }
    }
}

fn list(found: &Value) -> String {
    match listed(entries(found, "mappings"), &["item", "sku", "write_back"]) {
        none if none.is_empty() => "No item of this channel is mapped.".to_owned(),
        table => table + &more(found),
    }
}

fn imported(done: &Value) -> String {
    let mut text = format!(
        "{} set, {} as before.",
        member(done, "changed"),
        member(done, "unchanged")
    );
    let refused = entries(done, "refused");
    if !refused.is_empty() {
        text.push('\n');
        text.push_str(&listed(refused, &["item", "sku", "code", "title"]));
    }
    text
}

fn read(file: &Path) -> anyhow::Result<Vec<Value>> {
    let shown = file.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("cannot read {shown}"))?;
    let heading = reader
        .headers()
        .with_context(|| format!("cannot read {shown}"))?
        .clone();
    let has = |name: &str| heading.iter().any(|column| column == name);
    if !has("item") || !has("sku") {
        bail!("{shown} line 1: the columns `item` and `sku` must be named");
    }
    let mut rows = Vec::new();
    for (place, row) in reader.records().enumerate() {
        let row = row.with_context(|| format!("{shown} line {}", place + 2))?;
        let (mut item, mut sku, mut write_back) = ("", "", Map::new());
        for (column, value) in heading.iter().zip(row.iter()) {
            match column {
                "item" => item = value,
                "sku" => sku = value,
                _ if value.is_empty() => {}
                other => {
                    write_back.insert(other.to_owned(), json!(value));
                }
            }
        }
        ensure!(
            !item.is_empty(),
            "{shown} line {}: `item` is empty",
            place + 2
        );
        rows.push(json!({ "item": item, "sku": sku, "write_back": write_back }));
    }
    Ok(rows)
}
