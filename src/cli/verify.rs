//! `onhand verify`: a second opinion about a data directory, without changing it.

use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::{counted, print, table};
use super::startup::{DONE, REFUSED};
use crate::audit::fold::Kept;
use crate::audit::verify::{Report, ShardReport, VerifyOptions, verify};
use crate::limits;

/// Fold a data directory with code of its own and check every claim about it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// File of acknowledgements that a client wrote, one JSON object a line with tenant, key,
    /// version, code and, if known, sequence, replayed and state; may be given several times
    /// [default: none]
    #[arg(long, value_name = "FILE")]
    ledger: Vec<PathBuf>,
    /// The providers' ledger, as the sandbox answers to GET /_sandbox/ledger (one file may hold
    /// several pages); its money and parcels are held against the journal; may be given several
    /// times [default: none]
    #[arg(long, value_name = "FILE")]
    provider_ledger: Vec<PathBuf>,
    /// Newest refusals of orders that the server was configured to remember
    #[arg(long, value_name = "COUNT", default_value_t = limits::REJECTIONS_KEPT_DEFAULT as u64)]
    rejections_kept: u64,
    /// Newest keyed commands that the server was configured to remember
    #[arg(long, value_name = "COUNT", default_value_t = limits::COMMANDS_KEPT_DEFAULT as u64)]
    commands_kept: u64,
    /// Print one JSON object instead of a table [default: off]
    #[arg(long)]
    json: bool,
}

/// Verifies: exit code 0 without a violation, 1 with one, 2 where the directory cannot be read.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    // Nothing here can harm the data, so a contradiction that the engine's replay panics at is
    // caught and reported instead of ending the process.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let options = VerifyOptions {
        ledgers: args.ledger,
        provider_ledgers: args.provider_ledger,
        kept: Kept {
            refusals: args.rejections_kept.max(1),
            commands: args.commands_kept.max(1),
        },
    };
    let bar = progress_bar();
    let report = verify(&args.data, &options, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = report?;
    if let Some(pid) = report.served_by {
        eprintln!(
            "{} is served by process {pid}: verified is what was known to be durable when it was \
             read. Stop the server to verify everything.",
            args.data.display()
        );
    }
    if args.json {
        print(serde_json::to_string(&report)?)?;
    } else {
        print(text(&args.data, &report))?;
    }
    let clean = report.violations == 0;
    Ok(ExitCode::from(if clean { DONE } else { REFUSED }))
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} records, {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// The report for people.
fn text(directory: &Path, report: &Report) -> String {
    let shards = report.shards.iter();
    let mut lines: Vec<String> = shards
        .flat_map(|shard| iter::once(shard_line(shard)).chain(channel_lines(shard)))
        .collect();
    lines.insert(0, format!("{}:", directory.display()));
    if report.acknowledgements > 0 {
        let acknowledgements = counted(report.acknowledgements, "acknowledgement");
        lines.push(format!("  ledger: {acknowledgements}"));
    }
    lines.push(String::new());
    let rows: Vec<Vec<String>> = report
        .findings
        .iter()
        .map(|row| {
            vec![
                row.invariant.to_owned(),
                row.verdict().to_owned(),
                row.checked.to_string(),
                row.violations.to_string(),
                row.claim.to_owned(),
            ]
        })
        .collect();
    let heading = [
        "CLAIM",
        "VERDICT",
        "CHECKED",
        "VIOLATIONS",
        "WHAT IS CLAIMED",
    ];
    lines.push(table(&heading, &rows));
    for row in &report.findings {
        for offence in &row.offences {
            lines.push(format!("{}: {offence}", row.invariant));
        }
        let more = row.violations.saturating_sub(row.offences.len() as u64);
        if more > 0 {
            lines.push(format!("{}: … and {more} more", row.invariant));
        }
    }
    lines.push(String::new());
    lines.push(if report.violations == 0 {
        "verified: no violation".to_owned()
    } else {
        let violations = counted(report.violations, "violation");
        let command = "`onhand inspect` and `onhand explain` show the records";
        format!("NOT verified: {violations}; {command}")
    });
    lines.join("\n")
}

fn channel_lines(shard: &ShardReport) -> impl Iterator<Item = String> {
    shard.channels.iter().map(|channel| {
        format!(
            "    channel {} of {}: {} published; its {} were shown after p50 {} ms, p99 {} ms, \
             at most {} ms",
            channel.channel,
            channel.tenant,
            counted(channel.published, "value"),
            counted(channel.changes, "change"),
            channel.lag_p50_ms,
            channel.lag_p99_ms,
            channel.lag_max_ms,
        )
    })
}

fn shard_line(shard: &ShardReport) -> String {
    let tally = &shard.tally;
    format!(
        "  shard {}: {}, sequence {} to {}, in {}; {}\n    orders: {} accepted, {} refused, {} \
         expired, {} kept; {}, {}",
        shard.shard,
        counted(tally.records, "record"),
        shard.first_sequence,
        shard.last_sequence,
        counted(shard.segments as u64, "segment"),
        shard.tail,
        tally.accepted,
        tally.refused,
        tally.expired,
        shard.orders,
        counted(tally.movements, "stock movement"),
        counted(shard.cells as u64, "stock cell"),
    )
}
