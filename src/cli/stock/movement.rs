//! Stock movements: each carries a command key, so that a retry is not done twice.

use anyhow::Context;

use super::{Bucket, Cell};
use crate::cli::output::{counted, print_either};
use crate::cli::session::{CommandKeyArgs, Session, refused_with};
use crate::types::{CommandKey, LocationId, ResultCode, SkuId, StockBucket};
use crate::wire::reply::{self, CellValues, StockReply};
use crate::wire::request::{Adjust, Move, Receive, SetOnHand, Transfer};

pub(super) fn receive(
    session: &mut Session,
    cell: &Cell,
    quantity: u32,
    key: CommandKeyArgs,
) -> anyhow::Result<()> {
    let (sku, location) = resolve(session, cell)?;
    let key = key.announce()?;
    let item = Receive {
        key,
        sku,
        quantity,
        location,
    };
    let units = counted(quantity, "unit");
    let done = format!("{units} of {} arrived at {}", cell.sku, cell.location);
    let answer = session.connection.receive_stock(&[item])?;
    let answer = answer
        .first()
        .context("the server answered without an item")?;
    tell(session, answer, key, &done)
}

pub(super) fn adjust(
    session: &mut Session,
    cell: &Cell,
    delta: i64,
    reason: &str,
    key: CommandKeyArgs,
) -> anyhow::Result<()> {
    let (sku, location) = resolve(session, cell)?;
    let key = key.announce()?;
    let item = Adjust {
        key,
        delta,
        sku,
        location,
        reason,
    };
    let done = format!(
        "On hand of {} at {} moved by {delta}",
        cell.sku, cell.location
    );
    let answer = session.connection.adjust(&item)?;
    tell(session, &answer, key, &done)
}

pub(super) fn set(
    session: &mut Session,
    cell: &Cell,
    on_hand: u32,
    expect: Option<u32>,
    key: CommandKeyArgs,
) -> anyhow::Result<()> {
    let (sku, location) = resolve(session, cell)?;
    let key = key.announce()?;
    let item = SetOnHand {
        key,
        sku,
        on_hand,
        expect,
        location,
    };
    let done = format!(
        "On hand of {} at {} set to {on_hand}",
        cell.sku, cell.location
    );
    let answer = session.connection.set_on_hand(&item)?;
    tell(session, &answer, key, &done)
}

pub(super) fn transfer(
    session: &mut Session,
    sku: &str,
    (from, to): (&str, &str),
    quantity: u32,
    key: CommandKeyArgs,
) -> anyhow::Result<()> {
    let item_sku = session.connection.sku(sku)?;
    let (leaves, arrives) = (
        session.connection.location(from)?,
        session.connection.location(to)?,
    );
    let key = key.announce()?;
    let item = Transfer {
        key,
        sku: item_sku,
        quantity,
        from: leaves,
        to: arrives,
    };
    let units = counted(quantity, "unit");
    let done = format!("{units} of {sku} moved from {from} to {to}; at {from}");
    let answer = session.connection.transfer(&item)?;
    tell(session, &answer, key, &done)
}

pub(super) fn between(
    session: &mut Session,
    cell: &Cell,
    (from, to): (Bucket, Bucket),
    quantity: u32,
    key: CommandKeyArgs,
) -> anyhow::Result<()> {
    let (sku, location) = resolve(session, cell)?;
    let (from, to) = (StockBucket::from(from), StockBucket::from(to));
    let key = key.announce()?;
    let item = Move {
        key,
        sku,
        quantity,
        location,
        from: from as u8,
        to: to as u8,
    };
    let done = format!(
        "{} of {} at {} moved from {} to {}",
        counted(quantity, "unit"),
        cell.sku,
        cell.location,
        from.name(),
        to.name()
    );
    let answer = session.connection.move_units(&item)?;
    tell(session, &answer, key, &done)
}

impl From<Bucket> for StockBucket {
    fn from(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Available => Self::Available,
            Bucket::Safety => Self::Safety,
            Bucket::Damaged => Self::Damaged,
            Bucket::QualityControl => Self::QualityControl,
        }
    }
}

fn resolve(session: &mut Session, cell: &Cell) -> anyhow::Result<(SkuId, LocationId)> {
    Ok((
        session.connection.sku(&cell.sku)?,
        session.connection.location(&cell.location)?,
    ))
}

/// Says what came of it.
fn tell(session: &Session, answer: &StockReply, key: CommandKey, done: &str) -> anyhow::Result<()> {
    let value = json(answer, key);
    let cell = &answer.cell;
    if answer.code != ResultCode::Ok {
        let what = format!(
            "nothing moved (on hand {}, available {})",
            cell.on_hand, cell.available
        );
        return Err(refused_with(answer.code, what, value));
    }
    let replayed = replayed_note(answer.flags);
    let short = match cell.short {
        0 => String::new(),
        short => format!("; {short} more are promised than there are"),
    };
    let text = format!(
        "{done}: on hand {}, available {}{short}{replayed}.",
        cell.on_hand, cell.available
    );
    print_either(session.json(), text, &value)?;
    Ok(())
}

fn replayed_note(flags: u8) -> &'static str {
    if flags & reply::REPLAYED == 0 {
        ""
    } else {
        " (done before with this key, nothing changed now)"
    }
}

fn json(answer: &StockReply, key: CommandKey) -> serde_json::Value {
    serde_json::json!({
        "code": answer.code.name(),
        "key": key.to_string(),
        "replayed": answer.flags & reply::REPLAYED != 0,
        "sequence": answer.sequence,
        "cell": cell_json(&answer.cell),
    })
}

/// The quantities of a cell as JSON.
pub(super) fn cell_json(cell: &CellValues) -> serde_json::Value {
    serde_json::json!({
        "on_hand": cell.on_hand,
        "available": cell.available,
        "reserved": cell.reserved,
        "committed": cell.committed,
        "safety": cell.safety,
        "damaged": cell.damaged,
        "quality_control": cell.quality_control,
        "short": cell.short,
    })
}
