//! `onhand order`: take orders, and follow them to their end.

mod command;
mod reserve;
mod show;

use std::process::ExitCode;

use anyhow::bail;

use self::command::Plain;
use super::session::{CommandKeyArgs, ServerArgs, Session, parse_key};
use crate::limits::HOLD_TTL_MS_DEFAULT;
use crate::types::{ChannelId, Disposition, LocationId, OrderKey, OrderMode};
use crate::wire::order_key;
use crate::wire::request::Line;

/// What to do with orders.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Place an order: it enters its pipeline at once, and its process confirms it.
    Place {
        #[command(flatten)]
        order: reserve::NewOrder,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Hold units for a buyer until the hold is confirmed, released, or ends by time.
    Hold {
        #[command(flatten)]
        order: reserve::NewOrder,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show an order: its state, and what became of every unit.
    Show {
        #[command(flatten)]
        order: OrderRef,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Confirm a hold: its units are paid for. With lines, only those; the rest is released.
    Confirm {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        lines: LineArgs,
    },
    /// Give a hold back.
    Release {
        #[command(flatten)]
        common: Common,
    },
    /// Cancel an order that has not shipped.
    Cancel {
        #[command(flatten)]
        common: Common,
    },
    /// Let a hold end later.
    Extend {
        #[command(flatten)]
        common: Common,
        /// Time to live from now on, in milliseconds, at most 7 days
        #[arg(long, value_name = "MS", default_value_t = HOLD_TTL_MS_DEFAULT)]
        ttl_ms: u32,
    },
    /// Ship units of a confirmed order: they leave for good. Without lines, all that are left.
    Ship {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        lines: LineArgs,
    },
    /// Take shipped units back. Without lines, all that are out.
    Return {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        lines: LineArgs,
        /// What happens to the units
        #[arg(long, value_enum, value_name = "WHAT", default_value = "restock")]
        disposition: ReturnAs,
    },
}

/// Which order, by what command, where.
#[derive(clap::Args, Debug)]
struct Common {
    #[command(flatten)]
    order: OrderRef,
    #[command(flatten)]
    key: CommandKeyArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// An order by its key, or by what its channel calls it.
#[derive(clap::Args, Debug)]
#[group(skip)]
struct OrderRef {
    /// Key of the order, 32 hex digits [default: made from --external-id]
    #[arg(
        value_name = "KEY",
        required_unless_present = "external_id",
        value_parser = parse_key::<OrderKey>
    )]
    order: Option<OrderKey>,
    /// What its channel calls the order [default: none, KEY is given]
    #[arg(long, value_name = "ID", conflicts_with = "order")]
    external_id: Option<String>,
    /// Number of the channel it was sold on; 0 is the own shop
    #[arg(long, value_name = "CHANNEL", default_value_t = 0)]
    channel: u16,
}

impl OrderRef {
    fn key(&self) -> OrderKey {
        match (&self.order, &self.external_id) {
            (Some(key), _) => *key,
            (None, Some(id)) => order_key(ChannelId(self.channel), id.as_bytes()),
            (None, None) => OrderKey::default(), // the arguments require one of the two
        }
    }
}

/// Lines: `--sku` and `--quantity` as often as there are lines, in the same order.
#[derive(clap::Args, Debug)]
#[group(skip)]
struct LineArgs {
    /// SKU by name; once for each line [default: see the command]
    #[arg(long = "sku", value_name = "NAME")]
    skus: Vec<String>,
    /// Units of each --sku, in the same order [default: 1 each]
    #[arg(long = "quantity", value_name = "UNITS", requires = "skus")]
    quantities: Vec<u32>,
    /// Location of each --sku by name, in the same order; one alone is for all
    /// [default: the engine chooses]
    #[arg(long = "location", value_name = "NAME", requires = "skus")]
    locations: Vec<String>,
}

impl LineArgs {
    fn resolve(&self, session: &mut Session) -> anyhow::Result<Vec<Line>> {
        let count = self.skus.len();
        if !self.quantities.is_empty() && self.quantities.len() != count {
            bail!(
                "{count} × --sku, but {} × --quantity: give one quantity for each SKU",
                self.quantities.len()
            );
        }
        if self.locations.len() > 1 && self.locations.len() != count {
            bail!(
                "{count} × --sku, but {} × --location: give one for all, or one for each SKU",
                self.locations.len()
            );
        }
        let skus = session.skus(&self.skus)?;
        let mut lines = Vec::with_capacity(count);
        for (index, (sku, _)) in skus.into_iter().enumerate() {
            let location = match self.locations.get(index).or(self.locations.first()) {
                Some(name) => session.connection.location(name)?,
                None => LocationId::ANY,
            };
            let quantity = self.quantities.get(index).copied().unwrap_or(1);
            lines.push(Line {
                sku,
                quantity,
                location,
            });
        }
        Ok(lines)
    }
}

/// What happens to returned units.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum ReturnAs {
    /// They can be sold again.
    Restock,
    /// They are there, but damaged.
    Damaged,
    /// They are there and wait for quality control.
    QualityControl,
}

impl From<ReturnAs> for Disposition {
    fn from(disposition: ReturnAs) -> Self {
        match disposition {
            ReturnAs::Restock => Self::Restock,
            ReturnAs::Damaged => Self::Damaged,
            ReturnAs::QualityControl => Self::QualityControl,
        }
    }
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Place { order, server } => {
            server.run(|session| reserve::reserve(session, &order, OrderMode::Place))
        }
        Action::Hold { order, server } => {
            server.run(|session| reserve::reserve(session, &order, OrderMode::Hold))
        }
        Action::Show { order, server } => server.run(|session| show::show(session, order.key())),
        Action::Confirm { common, lines } => common.run(|session, order, key| {
            let lines = lines.resolve(session)?;
            command::confirm(session, order, key, &lines)
        }),
        Action::Release { common } => {
            common.run(|session, order, key| command::plain(session, Plain::Release, order, key))
        }
        Action::Cancel { common } => {
            common.run(|session, order, key| command::plain(session, Plain::Cancel, order, key))
        }
        Action::Extend { common, ttl_ms } => {
            common.run(|session, order, key| command::extend(session, order, key, ttl_ms))
        }
        Action::Ship { common, lines } => common.run(|session, order, key| {
            let lines = lines.resolve(session)?;
            command::ship(session, order, key, lines)
        }),
        Action::Return {
            common,
            lines,
            disposition,
        } => common.run(|session, order, key| {
            let lines = lines.resolve(session)?;
            command::give_back(session, order, key, lines, disposition.into())
        }),
    }
}

impl Common {
    fn run(
        self,
        work: impl FnOnce(&mut Session, OrderKey, CommandKeyArgs) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let (order, key) = (self.order.key(), self.key);
        self.server.run(|session| work(session, order, key))
    }
}

/// A time for people: `2026-11-21T12:00:00Z`.
fn time_text(ms: u64) -> String {
    i64::try_from(ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| format!("{ms} ms"), |time| format!("{time:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(time_text(1_763_726_400_000), "2025-11-21T12:00:00Z");
    }
}
