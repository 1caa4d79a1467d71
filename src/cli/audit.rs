//! `onhand audit`: who did what, and a report for an auditor.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{PrintError, print, table};
use super::startup::{DONE, REFUSED};
use crate::audit::source::{DataDirectory, SourceError};
use crate::audit::summary::{Summary, summary};
use crate::audit::trail::{TrailQuestion, TrailRecord, trail};
use crate::audit::verify::VerifyOptions;
use crate::types::OrderKey;

/// How records are written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// One JSON object a line.
    Json,
    /// Comma-separated values with a heading.
    Csv,
}

/// How the report is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ReportFormat {
    /// A table for people.
    Text,
    /// One JSON object.
    Json,
}

/// Tell who did what: every record about an order, by an actor or within a time, each with its
/// sequence, time, actor, action, state before and after, outcome, cause, and the hash of the
/// segment that holds it. Reads the journal without changing it, also beside a running server.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    trail: Trail,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Check everything that can be proved, and count what an auditor asks for.
    Report(Report),
}

#[derive(clap::Args, Debug)]
struct Trail {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR", required = true)]
    data: Option<PathBuf>,
    /// Only about the order with this key, 32 hex digits [default: every order]
    #[arg(long, value_name = "HEX")]
    order: Option<OrderKey>,
    /// Only by the actor of this name; `engine` is the order process and its timers
    /// [default: everybody]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only of this tenant [default: of every tenant]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Not before this time, such as 2026-11-27T09:00:00Z [default: from the first record]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<u64>,
    /// Before this time [default: to the last record]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<u64>,
    /// How records are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "json")]
    format: Format,
}

#[derive(clap::Args, Debug)]
struct Report {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The providers' ledger, as the sandbox answers to GET /_sandbox/ledger; may be given several
    /// times [default: none]
    #[arg(long, value_name = "FILE")]
    provider_ledger: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
}

fn parse_time(text: &str) -> Result<u64, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| "use a time such as 2026-11-27T09:00:00Z".to_owned())?;
    u64::try_from(time.as_millisecond()).map_err(|_| "the time is before 1970".to_owned())
}

/// Why a trail cannot be told.
#[derive(Debug, thiserror::Error)]
enum TellError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Print(#[from] PrintError),
    #[error("cannot write a row: {0}")]
    Row(#[from] csv::Error),
    #[error("cannot write a record: {0}")]
    Json(#[from] serde_json::Error),
}

/// Tells or reports: exit code 0; 1 where a check of the report failed.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        Some(What::Report(args)) => report(args),
        None => tell(args.trail),
    }
}

fn tell(args: Trail) -> anyhow::Result<ExitCode> {
    let source = DataDirectory::open(&args.data.unwrap_or_default())?;
    let question = TrailQuestion {
        order: args.order,
        actor: args.actor,
        tenant: args.tenant,
        from_ms: args.from.unwrap_or(0),
        to_ms: args.to.unwrap_or(0),
    };
    let out = BufWriter::new(std::io::stdout().lock());
    match args.format {
        Format::Json => json_lines(&source, &question, out)?,
        Format::Csv => rows(&source, &question, out)?,
    }
    Ok(ExitCode::from(DONE))
}

fn json_lines(
    source: &DataDirectory,
    question: &TrailQuestion,
    mut out: impl Write,
) -> Result<(), TellError> {
    trail::<TellError>(source, question, |record| {
        let line = serde_json::to_string(record)?;
        Ok(writeln!(out, "{line}").map_err(PrintError)?)
    })?;
    Ok(out.flush().map_err(PrintError)?)
}

const HEADING: [&str; 14] = [
    "sequence",
    "shard",
    "time",
    "actor",
    "action",
    "tenant",
    "order",
    "before",
    "after",
    "outcome",
    "text",
    "cause",
    "segment",
    "segment_hash",
];

fn rows(
    source: &DataDirectory,
    question: &TrailQuestion,
    out: impl Write,
) -> Result<(), TellError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADING)?;
    trail::<TellError>(source, question, |record| {
        Ok(writer.write_record(cells(record))?)
    })?;
    Ok(writer.flush().map_err(PrintError)?)
}

fn cells(record: &TrailRecord) -> [String; 14] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        record.sequence.to_string(),
        record.shard.to_string(),
        record.time.clone(),
        unformula(&record.actor),
        record.action.to_owned(),
        unformula(&or_empty(&record.tenant)),
        or_empty(&record.order),
        or_empty(&record.before),
        or_empty(&record.after),
        record.outcome.clone(),
        unformula(&record.text),
        record.cause.to_string(),
        record.segment.to_string(),
        or_empty(&record.segment_hash),
    ]
}

/// A text that a spreadsheet would take for a formula, with an apostrophe in front.
fn unformula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn report(args: Report) -> anyhow::Result<ExitCode> {
    // A contradiction that the engine's replay panics at is a failed check, not the end.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let options = VerifyOptions {
        provider_ledgers: args.provider_ledger,
        ..VerifyOptions::default()
    };
    let found = summary(&args.data, &options, &mut |_, _| ())?;
    match args.format {
        ReportFormat::Json => print(serde_json::to_string(&found)?)?,
        ReportFormat::Text => print(text(&found))?,
    }
    let code = if found.passed { DONE } else { REFUSED };
    Ok(ExitCode::from(code))
}

fn text(found: &Summary) -> String {
    let rows: Vec<Vec<String>> = found
        .checks
        .iter()
        .map(|check| {
            vec![
                check.name.clone(),
                check.verdict.word().to_owned(),
                check.checked.to_string(),
                check.violations.to_string(),
                check.claim.clone(),
            ]
        })
        .collect();
    let heading = [
        "CHECK",
        "VERDICT",
        "CHECKED",
        "VIOLATIONS",
        "WHAT IS CLAIMED",
    ];
    let mut lines = vec![
        format!("{}: {} records", found.directory.display(), found.records),
        String::new(),
        table(&heading, &rows),
        String::new(),
    ];
    for check in &found.checks {
        let details = check.detail.iter();
        lines.extend(details.map(|detail| format!("{}: {detail}", check.name)));
    }
    lines.push(String::new());
    lines.push(if found.passed {
        "passed: no check failed".to_owned()
    } else {
        "NOT passed: see the checks that failed".to_owned()
    });
    lines.join("\n")
}
