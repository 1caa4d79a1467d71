//! `onhand export`: stock or orders of a data directory as CSV.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::output::{PrintError, counted, print_either};
use super::startup::DONE;
use crate::audit::export::{ExportError, orders, stock};
use crate::audit::source::DataDirectory;

/// What the rows are.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Stock, one row a SKU and location.
    Stock,
    /// Orders, one row an order line.
    Orders,
}

/// Write stock or orders of a data directory as CSV, as they are at the end of the journal.
///
/// Stock has the columns tenant, sku, location, on_hand, reserved, committed, safety, damaged,
/// quality_control, available, short, all in units. Orders have one row a line with the columns
/// tenant, order, external_id, channel, customer, version, state, reason, total, currency,
/// sequence, accepted_at, expires_at, sku, location, ordered, reserved, committed, shipped,
/// returned, cancelled; a refused order has one row with its reason. Times are RFC 3339. Texts that
/// a spreadsheet would take for a formula start with an apostrophe; `onhand import` takes it off.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What to write [no default]
    #[arg(long, value_enum, value_name = "TABLE")]
    csv: Table,
    /// File to write, replaced as a whole at the end [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the number of rows as JSON; needs --out [default: off]
    #[arg(long, requires = "out")]
    json: bool,
}

/// Exports: exit code 0, or 2 where the directory cannot be read or the file not written.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let source = DataDirectory::open(&args.data)?;
    if let Some(pid) = source.owner {
        eprintln!(
            "{} is served by process {pid}: exported is what is known to be durable.",
            args.data.display()
        );
    }
    let Some(path) = &args.out else {
        let out = BufWriter::new(std::io::stdout().lock());
        write(&source, args.csv, out).map_err(printable)?;
        return Ok(ExitCode::from(DONE));
    };
    let rows = to_file(&source, args.csv, path)?;
    let text = format!("{} in {}", counted(rows, "row"), path.display());
    print_either(
        args.json,
        text,
        &serde_json::json!({ "rows": rows, "file": path }),
    )?;
    Ok(ExitCode::from(DONE))
}

fn write(source: &DataDirectory, table: Table, out: impl Write) -> Result<u64, ExportError> {
    match table {
        Table::Stock => stock(source, out),
        Table::Orders => orders(source, out),
    }
}

/// Writes beside the file and puts it in place when it is whole.
fn to_file(source: &DataDirectory, table: Table, path: &Path) -> anyhow::Result<u64> {
    let failed = || format!("cannot write {}", path.display());
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let file = File::create(&part).with_context(failed)?;
    let rows = write(source, table, BufWriter::new(&file))?;
    file.sync_all()
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(failed)?;
    Ok(rows)
}

/// Lets a reader that went away be told from other trouble.
fn printable(error: ExportError) -> anyhow::Error {
    if let ExportError::Write(error) = error {
        return match error.into_kind() {
            csv::ErrorKind::Io(error) => PrintError(error).into(),
            other => anyhow::anyhow!("cannot write the CSV: {other:?}"),
        };
    }
    error.into()
}
