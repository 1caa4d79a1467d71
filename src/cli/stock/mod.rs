//! `onhand stock`: units in, out, between places, and how many there are.

mod movement;
mod show;
mod watch;

use std::process::ExitCode;

use super::session::{CommandKeyArgs, ServerArgs};

/// What to do with stock.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Stock arrived: add units to on hand.
    Receive {
        #[command(flatten)]
        cell: Cell,
        /// How many arrived, in units from 1 [no default]
        #[arg(long, value_name = "UNITS")]
        quantity: u32,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Correct on hand by a difference, e.g. after a count or a loss.
    Adjust {
        #[command(flatten)]
        cell: Cell,
        /// Units to add; negative for a loss [no default]
        #[arg(long, value_name = "UNITS", allow_negative_numbers = true)]
        by: i64,
        /// Why, for the journal, at most 64 bytes
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Set on hand to a number, if it still is what you think it is.
    Set {
        #[command(flatten)]
        cell: Cell,
        /// What on hand becomes, in units [no default]
        #[arg(long, value_name = "UNITS")]
        on_hand: u32,
        /// Only if on hand is this now, in units [default: whatever it is]
        #[arg(long, value_name = "UNITS")]
        expect: Option<u32>,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Move available units to another location.
    Transfer {
        /// SKU by name [no default]
        #[arg(long, value_name = "NAME")]
        sku: String,
        /// Location that they leave, by name [no default]
        #[arg(long, value_name = "NAME")]
        from: String,
        /// Location where they arrive, by name [no default]
        #[arg(long, value_name = "NAME")]
        to: String,
        /// How many, in units from 1 [no default]
        #[arg(long, value_name = "UNITS")]
        quantity: u32,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Move units within a location: to or from safety stock, damaged or quality control.
    Move {
        #[command(flatten)]
        cell: Cell,
        /// What they are now [no default]
        #[arg(long, value_enum, value_name = "BUCKET")]
        from: Bucket,
        /// What they become [no default]
        #[arg(long, value_enum, value_name = "BUCKET")]
        to: Bucket,
        /// How many, in units from 1 [no default]
        #[arg(long, value_name = "UNITS")]
        quantity: u32,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show the quantities of SKUs at each location.
    Show {
        /// SKUs by name [default: all]
        #[arg(value_name = "NAME")]
        skus: Vec<String>,
        /// How many SKUs to show at most, where none is named
        #[arg(long, value_name = "COUNT", default_value_t = 1000)]
        limit: usize,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the stock of SKUs whenever it changes, until interrupted.
    Watch {
        /// SKUs by name [default: all]
        #[arg(value_name = "NAME")]
        skus: Vec<String>,
        /// End after so many changes [default: never]
        #[arg(long, value_name = "COUNT")]
        count: Option<u64>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// One SKU at one location.
#[derive(clap::Args, Debug)]
struct Cell {
    /// SKU by name [no default]
    #[arg(long, value_name = "NAME")]
    sku: String,
    /// Location by name [no default]
    #[arg(long, value_name = "NAME")]
    location: String,
}

/// What units at a location are.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Bucket {
    /// Sellable stock.
    Available,
    /// Safety stock, kept back on purpose.
    Safety,
    /// Damaged units.
    Damaged,
    /// Units that wait for quality control.
    QualityControl,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Receive {
            cell,
            quantity,
            key,
            server,
        } => server.run(|session| movement::receive(session, &cell, quantity, key)),
        Action::Adjust {
            cell,
            by,
            reason,
            key,
            server,
        } => server.run(|session| movement::adjust(session, &cell, by, &reason, key)),
        Action::Set {
            cell,
            on_hand,
            expect,
            key,
            server,
        } => server.run(|session| movement::set(session, &cell, on_hand, expect, key)),
        Action::Transfer {
            sku,
            from,
            to,
            quantity,
            key,
            server,
        } => server.run(|session| movement::transfer(session, &sku, (&from, &to), quantity, key)),
        Action::Move {
            cell,
            from,
            to,
            quantity,
            key,
            server,
        } => server.run(|session| movement::between(session, &cell, (from, to), quantity, key)),
        Action::Show {
            skus,
            limit,
            server,
        } => server.run(|session| show::show(session, &skus, limit)),
        Action::Watch {
            skus,
            count,
            server,
        } => server.run(|session| watch::watch(session, &skus, count)),
    }
}
