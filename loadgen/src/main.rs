//! The `onhand-loadgen` program: loads a server with orders, measures the answers and checks the
//! books.
//!
//! ```text
//!  args ─▶ run ─▶ control (define, put stock on hand)
//!             ─▶ closed │ open ─▶ workload ─▶ scenario (what)   ─▶ client::swarm ─▶ server
//!                                          ◀─ tally, books, ledger ◀─
//!             ─▶ control (stock) ─▶ books.compare ─▶ report
//! ```

mod args;
mod arrivals;
mod books;
mod channels;
mod closed;
mod conditions;
mod control;
mod figures;
mod ledger;
mod mix;
mod open;
mod process;
mod report;
mod run;
mod scenario;
mod steal;
mod tally;
mod workload;
mod zipf;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use args::{
    Arguments, ChannelsArguments, Command, FiguresArguments, ProcessArguments, RunArguments,
};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(arguments) => run(&arguments),
        Command::Figures(arguments) => figures(&arguments).map(|()| true),
        Command::Process(arguments) => process(&arguments),
        Command::Channels(arguments) => channels(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("onhand-loadgen: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// False where the books do not match or the server misbehaved.
fn run(arguments: &RunArguments) -> Result<bool> {
    let report = run::run(arguments)?;
    if let Some(path) = &arguments.json {
        write_json(path, &report)?;
    }
    writeln!(std::io::stdout(), "{report}")?;
    Ok(report.is_right())
}

/// Measures all rows and writes what was asked for.
fn figures(arguments: &FiguresArguments) -> Result<()> {
    let report = figures::figures(arguments)?;
    if let Some(path) = &arguments.json {
        write_json(path, &report)?;
    }
    if let Some(path) = &arguments.markdown {
        figures::write_markdown(path, &report)?;
    }
    writeln!(std::io::stdout(), "{}", figures::table(&report))?;
    Ok(())
}

/// Measures the order process. False where an order was lost or charged twice.
fn process(arguments: &ProcessArguments) -> Result<bool> {
    let report = process::process(arguments)?;
    if let Some(path) = &arguments.json {
        write_json(path, &report)?;
    }
    writeln!(std::io::stdout(), "{report}")?;
    Ok(report.is_right())
}

/// Measures the sales channels. False where a delivery became no order, or a guaranteed unit was
/// sold twice.
fn channels(arguments: &ChannelsArguments) -> Result<bool> {
    let report = channels::channels(arguments)?;
    if let Some(path) = &arguments.json {
        write_json(path, &report)?;
    }
    writeln!(std::io::stdout(), "{report}")?;
    Ok(report.is_right())
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}
