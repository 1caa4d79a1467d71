//! `onhand import`: the rows of a CSV file, each of them once.

mod orders;
mod rows;
mod stock;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use self::rows::{Refusal, Table, read};
use super::export;
use super::output::{counted, print};
use super::session::{ServerArgs, Session};
use super::startup::REFUSED;
use crate::client::ClientError;
use crate::types::pipeline::BackorderQueue;
use crate::types::{LocationId, ResultCode, SkuId};
use crate::wire::request::catalog::{SKU_ON_SALE, queue_flags};
use crate::wire::request::{LocationDefinition, Name, SkuDefinition};

/// Rows sent before their answers are waited for.
const ROWS_IN_FLIGHT: usize = 500;

/// Send the rows of a CSV file to a server, each of them once: after a failure run it again with
/// the same file, and what was done before is recognised and not done twice.
///
/// The first row names the columns, in any order. Stock: `sku`, `location`, and either `quantity`
/// (so many arrived) or `on_hand` (set on hand to this; with `expect`, only if it is that now);
/// `backorder_queue` (strict, skip or default) is what a SKU that --define defines gets.
/// Orders: `sku`, `quantity`, and either `external_id` (with `channel`) or `order` (a key of 32 hex
/// digits); optional are `location` (else any), `version` (1), `customer` (0), `channel` (0),
/// `currency` (840), `total` (0, minor units), `ttl_ms` (900000), `mode` (hold or place) and
/// `partial` (yes or no); rows of one order follow each other and are its lines. A column `tenant`
/// is compared with --tenant; other columns that `onhand export` writes are ignored.
///
/// A row of stock is recognised by its `row_key`, where there is such a column (any text, the same
/// in whatever file it comes), else by the import's name and what the row says; the server
/// remembers its newest million commands. An order is recognised by its key. Refused rows are
/// printed with line and reason, and the others are done nevertheless.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What the rows are [no default]
    #[arg(long, value_enum, value_name = "TABLE")]
    csv: export::Table,
    /// The CSV file, UTF-8, fields separated by commas [no default]
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of this import: equal rows of imports with the same name are done once, those of
    /// another one again [default: the name of the file]
    #[arg(long, value_name = "TEXT")]
    import_id: Option<String>,
    /// Define SKUs and locations that the server does not know, instead of refusing their rows
    /// [default: off]
    #[arg(long)]
    define: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Imports: exit code 0, 1 where a row was refused, 2 where the file or server cannot be used.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let id = args.import_id.clone().unwrap_or_else(|| name.into_owned());
    let table = read(&args.file, args.csv)?;
    let tenant = args.server.tenant().to_owned();
    let mut refused = 0;
    let code = args.server.run(|session| {
        let mut import = Import {
            session,
            tenant,
            id,
            define: args.define,
            skus: HashMap::new(),
            queues: HashMap::new(),
            locations: HashMap::new(),
            total: Total::default(),
            refusals: Vec::new(),
        };
        let done = match args.csv {
            export::Table::Stock => stock::send(&mut import, &table),
            export::Table::Orders => orders::send(&mut import, &table),
        };
        done.context("the import ended early; run it again to go on where it stopped")?;
        refused = import.total.refused;
        import.finish(match args.csv {
            export::Table::Stock => "row",
            export::Table::Orders => "order",
        })
    })?;
    Ok(if refused > 0 {
        ExitCode::from(REFUSED)
    } else {
        code
    })
}

/// What became of the rows (of the orders, where those are imported).
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    done: u64,
    before: u64,
    refused: u64,
}

/// One import over one connection.
struct Import<'a> {
    session: &'a mut Session,
    tenant: String,
    id: String,
    define: bool,
    skus: HashMap<String, Result<SkuId, ResultCode>>,
    /// What rows say about who waits for a SKU first, the last row of each.
    queues: HashMap<String, BackorderQueue>,
    locations: HashMap<String, Result<LocationId, ResultCode>>,
    total: Total,
    refusals: Vec<Refusal>,
}

impl Import<'_> {
    fn refuse(&mut self, refusal: Refusal) {
        self.total.refused += 1;
        self.refusals.push(refusal);
    }

    /// Prints what was refused since the last call, in order of the lines.
    fn tell_refusals(&mut self) -> anyhow::Result<()> {
        self.refusals.sort_by_key(|refusal| refusal.line);
        for Refusal { line, code, reason } in self.refusals.drain(..) {
            if self.session.json() {
                let code = code.map(ResultCode::name);
                let value = serde_json::json!({ "line": line, "code": code, "reason": reason });
                print(value)?;
            } else {
                let code = code.map_or_else(String::new, |code| format!("{code}: "));
                print(format_args!("line {line}: {code}{reason}"))?;
            }
        }
        Ok(())
    }

    fn count(&mut self, replayed: bool) {
        if replayed {
            self.total.before += 1;
        } else {
            self.total.done += 1;
        }
    }

    fn finish(&self, noun: &str) -> anyhow::Result<()> {
        let Total {
            done,
            before,
            refused,
        } = self.total;
        if self.session.json() {
            let value = serde_json::json!({
                "done": done,
                "done_before": before,
                "refused": refused,
            });
            print(value)?;
        } else {
            let done = counted(done, noun);
            print(format_args!(
                "{done} done, {before} done before, {refused} refused"
            ))?;
        }
        Ok(())
    }

    /// Learns the handles of all these names, defining them where that is asked for.
    fn learn<'n>(
        &mut self,
        skus: impl Iterator<Item = &'n str>,
        locations: impl Iterator<Item = &'n str>,
    ) -> Result<(), ClientError> {
        let new_skus = unknown(skus, &self.skus);
        let connection = &mut self.session.connection;
        if !new_skus.is_empty() {
            let names: Vec<_> = new_skus.iter().map(|&name| Name { name }).collect();
            let mut replies = connection.resolve_skus(&names)?;
            if self.define {
                let definitions: Vec<_> = new_skus
                    .iter()
                    .map(|&name| SkuDefinition {
                        name,
                        flags: SKU_ON_SALE | queue_flags(self.queues.get(name).copied()),
                    })
                    .collect();
                for (reply, definition) in replies.iter_mut().zip(definitions) {
                    // One that is defined keeps its place on or off sale.
                    if reply.code == ResultCode::UnknownSku
                        && let Some(defined) = connection.define_skus(&[definition])?.first()
                    {
                        *reply = *defined;
                    }
                }
            }
            for (name, reply) in new_skus.iter().zip(&replies) {
                let known = (reply.code == ResultCode::Ok).then_some(SkuId(reply.handle));
                self.skus
                    .insert((*name).to_owned(), known.ok_or(reply.code));
            }
        }
        let new_locations = unknown(locations, &self.locations);
        if !new_locations.is_empty() {
            let names: Vec<_> = new_locations.iter().map(|&name| Name { name }).collect();
            let mut replies = connection.resolve_locations(&names)?;
            for (reply, name) in replies.iter_mut().zip(&new_locations) {
                let definition = LocationDefinition {
                    name,
                    priority: 0,
                    x: 0,
                    y: 0,
                };
                if self.define
                    && reply.code == ResultCode::UnknownLocation
                    && let Some(defined) = connection.define_locations(&[definition])?.first()
                {
                    *reply = *defined;
                }
            }
            for (name, reply) in new_locations.iter().zip(&replies) {
                let handle = u16::try_from(reply.handle).ok().map(LocationId);
                let known = handle.filter(|_| reply.code == ResultCode::Ok);
                let known = known.ok_or(reply.code);
                self.locations.insert((*name).to_owned(), known);
            }
        }
        Ok(())
    }

    fn sku(&self, line: u64, name: &str) -> Result<SkuId, Refusal> {
        let known = self.skus.get(name).copied();
        known
            .unwrap_or(Err(ResultCode::UnknownSku))
            .map_err(|code| refused(line, code, format!("SKU `{name}`")))
    }

    fn location(&self, line: u64, name: &str) -> Result<LocationId, Refusal> {
        let known = self.locations.get(name).copied();
        known
            .unwrap_or(Err(ResultCode::UnknownLocation))
            .map_err(|code| refused(line, code, format!("location `{name}`")))
    }

    /// That the row is of this tenant.
    fn check_tenant(&self, line: u64, row: &rows::Row<'_>) -> Result<(), Refusal> {
        match row.text("tenant") {
            Some(tenant) if tenant != self.tenant => {
                let own = &self.tenant;
                let reason = format!("belongs to tenant `{tenant}`, this import is for `{own}`");
                Err(Refusal {
                    line,
                    code: None,
                    reason,
                })
            }
            _ => Ok(()),
        }
    }
}

fn refused(line: u64, code: ResultCode, reason: String) -> Refusal {
    Refusal {
        line,
        code: Some(code),
        reason,
    }
}

/// The names not known yet, each once.
fn unknown<'n, T>(
    names: impl Iterator<Item = &'n str>,
    known: &HashMap<String, T>,
) -> Vec<&'n str> {
    let mut new: Vec<&str> = names.filter(|name| !known.contains_key(*name)).collect();
    new.sort_unstable();
    new.dedup();
    new
}

/// The rows of a table in portions.
fn portions(table: &Table) -> impl Iterator<Item = &[rows::Line]> {
    table.lines.chunks(ROWS_IN_FLIGHT)
}
