//! `onhand inspect`: segments and records of a data directory as they are.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{PrintError, print, table};
use super::startup::{DONE, REFUSED};
use crate::audit::inspect::{Follow, InspectError, Range, SegmentRow, records, segments};
use crate::audit::source::{DataDirectory, Tail};
use crate::audit::verify::tail_text;

/// How long `--follow` waits before it looks again, in milliseconds.
const FOLLOW_PAUSE_MS: u64 = 200;

/// Show segments and records of a data directory, and where it is damaged.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only this shard [default: all shards]
    #[arg(long, value_name = "NUMBER")]
    shard: Option<u16>,
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// The segment files: their records, bytes used, seals; and where the journal ends.
    Segments {
        /// Print JSON, one object a line, instead of a table [default: off]
        #[arg(long)]
        json: bool,
    },
    /// The records, one JSON object a line, with names instead of numbers.
    Records(Records),
}

#[derive(clap::Args, Debug)]
struct Records {
    /// First sequence to print
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    from: u64,
    /// Last sequence to print [default: the last one there is]
    #[arg(long, value_name = "SEQUENCE")]
    to: Option<u64>,
    /// Print at most this many records [default: no bound]
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Go on with records as they become durable, until interrupted [default: off]
    #[arg(long)]
    follow: bool,
}

/// Inspects: exit code 0, or 1 where the journal is damaged.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let source = DataDirectory::open(&args.data)?;
    let shards = match args.shard {
        Some(shard) => vec![shard],
        None => source.shards.clone(),
    };
    match args.what {
        What::Segments { json } => show_segments(&source, &shards, json),
        What::Records(records) => show_records(&source, &shards, &records),
    }
}

fn show_segments(source: &DataDirectory, shards: &[u16], json: bool) -> anyhow::Result<ExitCode> {
    let mut code = DONE;
    let mut rows = Vec::new();
    for &shard in shards {
        let (survey, found) = segments(source, shard)?;
        for row in found {
            if json {
                print(serde_json::to_string(&row)?)?;
            } else {
                rows.push(row_cells(&row));
            }
        }
        code = code.max(report_tail(shard, &survey.tail));
    }
    if !json {
        let heading = [
            "SHARD",
            "FILE",
            "FIRST",
            "LAST",
            "USED",
            "SIZE",
            "LAST TIME",
            "SEALED",
            "RECYCLED",
        ];
        print(table(&heading, &rows))?;
    }
    Ok(ExitCode::from(code))
}

fn row_cells(row: &SegmentRow) -> Vec<String> {
    let sealed = match &row.sealed {
        Some(hash) => hash.get(..16).unwrap_or(hash),
        None if row.batches == 0 => "prepared",
        None => "-",
    };
    vec![
        row.shard.to_string(),
        row.file.clone(),
        row.first_sequence.to_string(),
        row.last_sequence.to_string(),
        row.used_bytes.to_string(),
        row.size_bytes.to_string(),
        row.last_time.clone().unwrap_or_else(|| "-".to_owned()),
        sealed.to_owned(),
        if row.recycled { "yes" } else { "no" }.to_owned(),
    ]
}

/// Says on standard error how the journal ends, where that is not cleanly.
fn report_tail(shard: u16, tail: &Tail) -> u8 {
    if *tail != Tail::Clean {
        eprintln!("shard {shard}: {}", tail_text(tail));
    }
    match tail {
        Tail::Damaged { .. } => REFUSED,
        _ => DONE,
    }
}

fn show_records(
    source: &DataDirectory,
    shards: &[u16],
    wanted: &Records,
) -> anyhow::Result<ExitCode> {
    let mut range = Range {
        from: wanted.from,
        to: wanted.to.unwrap_or(u64::MAX),
        left: wanted.limit.unwrap_or(u64::MAX),
    };
    if wanted.follow {
        follow(source, shards, &mut range).map_err(printable)?;
        return Ok(ExitCode::from(DONE));
    }
    let mut code = DONE;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for &shard in shards {
        let mut line = |record: &serde_json::Value| writeln!(out, "{record}");
        let tail = records(source, shard, &mut range, &mut line).map_err(printable)?;
        out.flush().map_err(PrintError)?;
        code = code.max(report_tail(shard, &tail));
    }
    Ok(ExitCode::from(code))
}

fn follow(source: &DataDirectory, shards: &[u16], range: &mut Range) -> Result<(), InspectError> {
    let mut follows = Vec::new();
    for &shard in shards {
        follows.push(Follow::open(source, shard)?);
    }
    loop {
        let mut open = false;
        for follow in &mut follows {
            let mut out = BufWriter::new(std::io::stdout().lock());
            open |= follow.step(range, &mut |record| writeln!(out, "{record}"))?;
            out.flush().map_err(InspectError::Print)?;
        }
        if !open || range.left == 0 {
            return Ok(());
        }
        pause().map_err(InspectError::Print)?;
    }
}

/// Lets a reader that went away be told from other trouble.
fn printable(error: InspectError) -> anyhow::Error {
    match error {
        InspectError::Print(error) => PrintError(error).into(),
        other => other.into(),
    }
}

/// Waits a little; a pipe that nobody writes to serves as the clock.
fn pause() -> std::io::Result<()> {
    let mut poll = mio::Poll::new()?;
    let wait = std::time::Duration::from_millis(FOLLOW_PAUSE_MS);
    let mut events = mio::Events::with_capacity(1);
    match poll.poll(&mut events, Some(wait)) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
        other => other,
    }
}
