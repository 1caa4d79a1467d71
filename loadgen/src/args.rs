//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::arrivals::Arrivals;
use crate::scenario::Scenario;

/// Load generator for Onhand: measures a running server and checks its books.
#[derive(Debug, Parser)]
#[command(name = "onhand-loadgen", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send orders to a running server, measure the answers and check the books.
    Run(RunArguments),
    /// Measure the figures of docs/PERFORMANCE.md with servers of its own.
    Figures(FiguresArguments),
    /// Measure orders that walk through providers, with servers and sandboxes of its own.
    Process(ProcessArguments),
    /// Measure webhooks, dashboards and stock told to marketplaces, with servers and sandboxes of
    /// its own.
    Channels(ChannelsArguments),
}

/// `onhand-loadgen run`.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// Address and port of the server.
    #[arg(long, default_value = "127.0.0.1:7171")]
    pub target: SocketAddr,

    /// Allow a target that is not on the loopback interface of this machine.
    #[arg(long)]
    pub allow_remote: bool,

    /// Tenant to work for. No one else may use it during the run, or the books will not match.
    #[arg(long, default_value = "loadgen")]
    pub tenant: String,

    /// File whose first line is the token of a role that may move stock (operator or admin).
    /// Without it no token is sent.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// What is ordered.
    #[arg(long, value_enum, default_value_t = Scenario::FlashSale)]
    pub scenario: Scenario,

    /// Stop after this many orders. Without --orders and --seconds the run lasts 10 seconds.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub orders: Option<u64>,

    /// Stop after this many seconds.
    #[arg(long, value_parser = parse_seconds)]
    pub seconds: Option<f64>,

    /// Orders in one frame, 1 to 8190.
    #[arg(long, default_value_t = 100, value_name = "ORDERS",
          value_parser = clap::value_parser!(u16).range(1..=FRAME_ITEMS_MAX))]
    pub batch: u16,

    /// Connections, 1 to 10000.
    #[arg(long, default_value_t = 50, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,

    /// Closed loop: frames that each connection keeps in flight, 1 to 1024.
    #[arg(long, default_value_t = 2, value_name = "FRAMES",
          value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub in_flight: u32,

    /// Open loop: orders a second, whatever the server does; latency counts from the moment an
    /// order was meant to be sent. Without it the loop is closed.
    #[arg(long, value_name = "ORDERS/S", value_parser = parse_rate)]
    pub rate: Option<f64>,

    /// Open loop: how the gaps between frames are drawn.
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson)]
    pub arrivals: Arrivals,

    /// SKUs to order from [default: 10000; sell-out: 100].
    #[arg(long, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub skus: Option<u32>,

    /// Units of each SKU (flash-sale: of the hot SKU) that are put on hand before the run
    /// [default: 1000000000, which does not run out; flash-sale: 10000; sell-out: 100].
    #[arg(long, value_name = "UNITS",
          value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub stock: Option<u32>,

    /// Flash sale: share of the orders that want the hot SKU, in percent.
    #[arg(long, default_value_t = 80, value_name = "PERCENT",
          value_parser = clap::value_parser!(u8).range(0..=100))]
    pub hot_percent: u8,

    /// Time to live of the holds in seconds: longer than the run, or expiry shows in the books.
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub hold: u32,

    /// Seed of all orders and arrivals; the same seed sends the same orders, which a server that
    /// knows them answers as repeats [default: drawn at random and printed].
    #[arg(long)]
    pub seed: Option<u64>,

    /// Most MiB by which the server's journal may grow, by estimate. A run of --orders that would
    /// need more is refused; a run of --seconds ends early.
    #[arg(long, default_value_t = 4_096, value_name = "MIB",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub max_disk: u64,

    /// Write one JSON line for every acknowledgement, for `onhand verify --ledger`.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,

    /// Write the result as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// `onhand-loadgen figures`.
#[derive(Clone, Debug, Args)]
pub struct FiguresArguments {
    /// Three short runs a row instead of five.
    #[arg(long)]
    pub quick: bool,

    /// Measure only rows whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,

    /// The server to measure [default: `onhand` beside this program].
    #[arg(long, value_name = "FILE")]
    pub server_bin: Option<PathBuf>,

    /// Directory for the servers' data: on the disk to be measured. A fresh directory is made in
    /// it for every run and deleted afterwards; at most 8 GiB are needed.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// When the server syncs: always, interval=MS or os.
    #[arg(long, default_value = "always")]
    pub sync: String,

    /// Seed of the first run; each further run adds one.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Replace the table between the figures markers of this Markdown file.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// `onhand-loadgen process`.
#[derive(Clone, Debug, Args)]
pub struct ProcessArguments {
    /// Fewer orders.
    #[arg(long)]
    pub quick: bool,

    /// Measure only this figure.
    #[arg(long, value_enum)]
    pub only: Option<ProcessFigure>,

    /// The program to measure [default: `onhand` beside this program].
    #[arg(long, value_name = "FILE")]
    pub server_bin: Option<PathBuf>,

    /// Directory for the servers' data: on the disk to be measured. A fresh directory is made in
    /// it for every run and deleted afterwards; at most 8 GiB are needed.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// When the server syncs: always, interval=MS or os.
    #[arg(long, default_value = "always")]
    pub sync: String,

    /// Seed of the first run; each further run adds one.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Orders a second of the steady run.
    #[arg(long, default_value_t = 300, value_name = "ORDERS",
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub rate: u64,

    /// Orders a second of the engine's load, alone and beside orders in process.
    #[arg(long, default_value_t = 20_000, value_name = "ORDERS",
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub beside_rate: u64,

    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What `onhand-loadgen process` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProcessFigure {
    /// The engine's open-loop load alone and beside orders in process.
    Beside,
    /// Orders to SHIPPED a second, beside a plain client making the same calls.
    Shipped,
    /// Bursts: received to CONFIRMED, lost, charged twice.
    Burst,
    /// 20,000 orders at a steady rate: received to CONFIRMED, lost, charged twice.
    Paced,
}

/// `onhand-loadgen channels`.
#[derive(Clone, Debug, Args)]
pub struct ChannelsArguments {
    /// Fewer orders, slower loads and shorter times: to see that it works, not for figures.
    #[arg(long)]
    pub quick: bool,

    /// Measure only this figure.
    #[arg(long, value_enum)]
    pub only: Option<ChannelsFigure>,

    /// How long webhooks are sustained, and each load of the engine lasts [default: 10; quick: 2].
    #[arg(long, value_parser = parse_seconds)]
    pub seconds: Option<f64>,

    /// The program to measure [default: `onhand` beside this program].
    #[arg(long, value_name = "FILE")]
    pub server_bin: Option<PathBuf>,

    /// Directory for the servers' data: on the disk to be measured. A fresh directory is made in
    /// it for every run and deleted afterwards; at most 8 GiB are needed.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// When the server syncs: always, interval=MS or os.
    #[arg(long, default_value = "always")]
    pub sync: String,

    /// Seed of the first run; each further run adds one.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What `onhand-loadgen channels` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ChannelsFigure {
    /// 2,000 signed deliveries at once, then 500/s beside the engine's own load.
    Webhooks,
    /// The engine's throughput with five dashboards open, and without.
    Dashboards,
    /// How old the stock is that five marketplaces acknowledge during a sale; oversold units.
    Publish,
    /// At which speed a shared pool is oversold, and the buffer that prevents it.
    Pool,
    /// The same deliveries to Onhand and to a chain of gateway, Redis, workers and PostgreSQL: the
    /// answer, the durable stock decision, the message to the customer.
    Peer,
}

impl ChannelsArguments {
    /// How long a load lasts, in seconds.
    pub fn load_seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.quick { 2.0 } else { 10.0 })
    }
}

/// Most orders of one frame, as the argument parser wants it.
#[allow(clippy::cast_possible_wrap)] // a few thousand
const FRAME_ITEMS_MAX: i64 = onhand::limits::FRAME_ITEMS_MAX as i64;

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=1e8).contains(&rate) => Ok(rate),
        _ => Err("give orders a second, between 0.001 and 100000000".into()),
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("give seconds, between 0.01 and 86400".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_every_flag_is_documented() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for subcommand in command.get_subcommands() {
            for argument in subcommand.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} has no help",
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn unbounded_or_nonsensical_loads_are_refused() {
        let parse = |flags: &[&str]| {
            let all = ["onhand-loadgen", "run"].iter().chain(flags);
            Arguments::try_parse_from(all).map(drop)
        };
        assert!(parse(&[]).is_ok());
        assert!(parse(&["--rate", "20000", "--arrivals", "constant"]).is_ok());
        for flags in [
            ["--rate", "0"],
            ["--rate", "nan"],
            ["--seconds", "inf"],
            ["--orders", "0"],
            ["--batch", "8191"],
            ["--hot-percent", "101"],
            ["--connections", "0"],
        ] {
            assert!(parse(&flags).is_err(), "{flags:?}");
        }
    }
}
