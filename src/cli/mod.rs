//! Command line: arguments to subcommands, one file each.
//!
//! Each file has `Args`, what the subcommand accepts, and `run`, what it does. Exit codes are the
//! same everywhere: 0 done, 1 refused by a business rule or a failed check, 2 wrong arguments or
//! no connection. Results go to standard output (`--json` for programs), the rest to standard
//! error.

// Every subcommand consumes its arguments, also where it only reads them.
#![allow(clippy::needless_pass_by_value)]

mod audit;
mod breakers;
mod channels;
mod completions;
mod config;
mod demo;
mod dlq;
mod doctor;
mod explain;
mod export;
mod history;
mod import;
mod inspect;
mod location;
mod mappings;
mod order;
mod orders;
mod output;
mod ping;
mod pipelines;
mod quarantine;
mod review;
mod sandbox;
mod serve;
mod session;
mod sku;
pub mod startup;
mod stock;
mod subscribers;
mod token;
mod verify;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An inventory and order engine for flash sales: never sells a unit twice, never loses an order
/// that it acknowledged.
///
/// Exit codes: 0 done, 1 refused by a business rule or a failed check, 2 wrong arguments or no
/// connection. The environment variable ONHAND_LOG selects what is logged to standard error
/// [default: info for `serve`, else warn].
#[derive(Parser, Debug)]
#[command(name = "onhand", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

macro_rules! commands {
    ($($(#[$attribute:meta])* $variant:ident = $module:ident;)+) => {
        #[derive(Subcommand, Debug)]
        enum Command {
            $($(#[$attribute])* $variant($module::Args),)+
        }

        impl Cli {
            /// Runs the subcommand.
            ///
            /// # Errors
            /// What could not be done, for the person who asked; see [`startup::report`].
            pub fn run(self) -> anyhow::Result<ExitCode> {
                startup::end_with_parent();
                match self.command {
                    $(Command::$variant(args) => $module::run(args),)+
                }
            }
        }
    };
}

commands! {
    /// Kill a flash sale half-way and show that nothing was lost and nothing sold twice.
    Demo = demo;
    /// Run the server until SIGTERM or SIGINT.
    Serve = serve;
    /// Serve the providers' interfaces locally, with faults on demand, until SIGTERM or SIGINT.
    Sandbox = sandbox;
    /// Define and list what is sold, on a running server.
    Sku = sku;
    /// Define and list where stock is, on a running server.
    Location = location;
    /// Receive, correct, move, show and watch stock, on a running server.
    Stock = stock;
    /// Define sales channels, what each may sell, and campaigns, over a running server's HTTP.
    Channels = channels;
    /// Take orders and follow them to their end, on a running server.
    Order = order;
    /// Follow orders through their process, and act on them, over a running server's HTTP.
    Orders = orders;
    /// Decide about orders that wait for a person.
    Review = review;
    /// Look at effects that exhausted their attempts, try them again or give them up.
    Dlq = dlq;
    /// Look at what channels sent and nobody could use, work it off again or give it up.
    Quarantine = quarantine;
    /// Say which SKU each item of a channel stands for.
    Mappings = mappings;
    /// See how far subscribers of events are, and send one events again.
    Subscribers = subscribers;
    /// See and change whether calls to the providers go out.
    Breakers = breakers;
    /// Time a round trip to a running server.
    Ping = ping;
    /// Print a commented configuration file, check one, or show what is in force.
    Config = config;
    /// Print a process file to start from, check one, or show which way orders take.
    Pipelines = pipelines;
    /// Make and list the tokens that clients present.
    Token = token;
    /// Look at this machine: is it fit to run the server, and what should be changed?
    Doctor = doctor;
    /// Check every claim about a data directory with code of its own; changes nothing.
    Verify = verify;
    /// Show segments and records of a data directory, and where it is damaged.
    Inspect = inspect;
    /// Write stock or orders of a data directory as CSV.
    Export = export;
    /// Send the rows of a CSV file to a server, each of them once.
    Import = import;
    /// Tell what happened to an order or a SKU, at any past moment.
    Explain = explain;
    /// Tell who did what, and report what can be proved of a data directory.
    Audit = audit;
    /// Look after the history, the journal's copy in SQL.
    History = history;
    /// Print the completions of a shell, to be sourced by it.
    Completions = completions;
}

impl Cli {
    /// What is logged unless `ONHAND_LOG` says otherwise.
    #[must_use]
    pub fn log_level(&self) -> &'static str {
        match self.command {
            Command::Serve(_) => "info",
            _ => "warn",
        }
    }
}

#[cfg(test)]
mod tests;
