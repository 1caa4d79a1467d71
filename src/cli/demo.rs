//! `onhand demo`: a flash sale over real sockets, killed half-way, restarted, and held to account;
//! then orders on their way through providers, with a payment failure in three acts.
//!
//! ```text
//! start ─▶ stock ─▶ sale ─▶ SIGKILL ─▶ restart ─▶ everybody retries ─▶ query each order ─▶ acts ─▶ verify
//!                    └──────── what every customer was told ──────────────┴─▶ compared ◀──┘
//! ```
//!
//! The engine runs as a process of its own in a fresh directory. Half of the hot SKU's units are
//! there from the start, the other half arrive in the middle of the sale, and the engine is killed
//! while those are being sold: with outcomes of both kinds on their way.

mod account;
mod acts;
mod crowd;
mod engine;
mod inquiry;
mod markets;
mod mix;
mod place;
mod report;
mod sale;
mod shop;
mod stages;
mod stay;
mod story;
mod verdict;
mod ward;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};

use super::output::print;
use super::startup::{DONE, REFUSED};
use place::Place;
use report::Figures;
use story::Story;
use ward::Ward;

/// How large a sale, and where.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// How many customers order, one unit each: at least 4 times --stock and 10 times --connections
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(200..=1_000_000)
    )]
    customers: u32,
    /// Units of the hot SKU
    #[arg(
        long,
        value_name = "UNITS",
        default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(10..=250_000)
    )]
    stock: u32,
    /// Connections of the customers; the background mix has 16 more
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 250,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    connections: u32,
    /// Decides keys, the background mix and the moment of the kill
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Directory to make the fresh directory in [default: the one for temporary files, or the
    /// current one if that is in memory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only the sale and the crash, without orders on their way through providers [default: off]
    #[arg(long)]
    sale_only: bool,
    /// A sale on five simulated marketplaces instead: their webhooks come in, stock is written back
    /// [default: off]
    #[arg(long, conflicts_with_all = ["customers", "stock", "connections", "sale_only"])]
    channels: bool,
    /// With --channels: buyers a second at each marketplace
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 40,
        requires = "channels",
        value_parser = clap::value_parser!(u32).range(2..=1_000)
    )]
    rate: u32,
    /// With --channels: how long buyers come, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        requires = "channels",
        value_parser = clap::value_parser!(u32).range(1..=60)
    )]
    seconds: u32,
    /// Keep the directory also on success [default: off]
    #[arg(long)]
    keep: bool,
    /// Keep the dashboard up afterwards, with orders on their way [default: in a terminal]
    #[arg(long, conflicts_with = "exit")]
    stay: bool,
    /// End when the story is told [default: outside a terminal]
    #[arg(long)]
    exit: bool,
    /// Write every figure to this file as one JSON object [default: none]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Args {
    /// Somebody is there to look at the dashboard.
    fn stays(&self) -> bool {
        self.stay || !self.exit && !self.sale_only && std::io::stdout().is_terminal()
    }
}

/// Exit code 0 only if every claim holds, otherwise 1 with a sentence that says which does not.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.channels {
        return run_markets(&args);
    }
    let (customers, stock) = (args.customers, args.stock);
    ensure!(
        customers / 4 >= stock && customers / 10 >= args.connections,
        "{customers} customers are too few for {stock} units and {} connections: name at least 4 \
         times --stock and 10 times --connections",
        args.connections
    );
    let place = Place::new(args.data.as_deref(), story::disk_bytes(customers))?;
    let ward = Ward::new()?;
    let outcome = Story::new(&args, &place, &ward).and_then(Story::run);
    ward.kill();
    if let Some(signal) = ward.interrupted() {
        return interrupted(place, signal);
    }
    let figures = match outcome {
        Ok(figures) => figures,
        Err(error) => return Ok(failed(place, &error)),
    };
    print(figures.tables())?;
    write_json(&args, || Ok(serde_json::to_string_pretty(&figures)?))?;
    if figures.ok && args.stays() {
        print("\nNothing lost, nothing sold twice.")?;
        stay::stay(&args, &place, &ward)?;
        ward.kill();
    }
    conclude(&args, &figures, place)
}

/// The sale on marketplaces, as [`run`].
fn run_markets(args: &Args) -> anyhow::Result<ExitCode> {
    let place = Place::new(args.data.as_deref(), markets::disk_bytes(args))?;
    let ward = Ward::new()?;
    let outcome = markets::run(args, &place, &ward);
    ward.kill();
    if let Some(signal) = ward.interrupted() {
        return interrupted(place, signal);
    }
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return Ok(failed(place, &error)),
    };
    print(outcome.tables())?;
    write_json(args, || outcome.json())?;
    if !outcome.ok() {
        let failures = outcome.failures().join("; ");
        let path = place.keep();
        print(format!(
            "\nFAILED: {failures}. The directory is kept: {}",
            path.display()
        ))?;
        return Ok(ExitCode::from(REFUSED));
    }
    print("\nEvery sale is one order here, and no quota is oversold.")?;
    if args.stays() {
        outcome.stay(&ward)?;
        ward.kill();
    }
    if args.keep {
        print(format!("The directory is kept: {}", place.keep().display()))?;
    } else {
        place.delete()?;
    }
    Ok(ExitCode::from(DONE))
}

/// A signal ended it.
fn interrupted(place: Place, signal: i32) -> anyhow::Result<ExitCode> {
    place.delete()?;
    eprintln!("onhand: interrupted; the engine is ended and the directory deleted");
    Ok(ExitCode::from(
        u8::try_from(128 + signal).unwrap_or(REFUSED),
    ))
}

/// It could not be finished.
fn failed(place: Place, error: &anyhow::Error) -> ExitCode {
    let path = place.keep();
    eprintln!("onhand: the demo failed: {error:#}");
    eprintln!("onhand: everything is kept in {}", path.display());
    ExitCode::from(REFUSED)
}

fn write_json(args: &Args, text: impl Fn() -> anyhow::Result<String>) -> anyhow::Result<()> {
    if let Some(path) = &args.json {
        std::fs::write(path, text()? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The last lines, the fate of the directory, and the exit code.
fn conclude(args: &Args, figures: &Figures, place: Place) -> anyhow::Result<ExitCode> {
    let (data, ledger) = (place.data(), place.ledger());
    if figures.ok && !args.keep {
        place.delete()?;
        if !args.stays() {
            print("\nNothing lost, nothing sold twice.")?;
        }
        return Ok(ExitCode::from(DONE));
    }
    place.keep();
    let look = format!(
        "look at it with `onhand verify --data {} --ledger {}`",
        data.display(),
        ledger.display()
    );
    if figures.ok {
        print(format!(
            "\nNothing lost, nothing sold twice. The directory is kept:\n{look}"
        ))?;
        return Ok(ExitCode::from(DONE));
    }
    print(format!(
        "\nFAILED: {}. The directory is kept:\n{look}",
        figures.failures.join("; ")
    ))?;
    Ok(ExitCode::from(REFUSED))
}
