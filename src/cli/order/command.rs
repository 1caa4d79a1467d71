//! Commands on an order: each carries a command key, so that a retry is not done twice.

use anyhow::Context;

use super::show::{self, resolution_name};
use super::time_text;
use crate::cli::output::print_either;
use crate::cli::session::{CommandKeyArgs, Session, refused_with};
use crate::types::{CommandKey, Disposition, OrderKey, OrderState, ResultCode};
use crate::wire::reply::{self, OrderCommandReply, OrderLine};
use crate::wire::request::{ExtendItem, Line, Lines, LinesCommand, OrderCommandItem};

/// Commands without any argument.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain {
    Confirm,
    Release,
    Cancel,
}

/// Does one of them.
pub(super) fn plain(
    session: &mut Session,
    what: Plain,
    order: OrderKey,
    key: CommandKeyArgs,
) -> anyhow::Result<()> {
    let key = key.announce()?;
    let item = [OrderCommandItem { order, key }];
    let answers = match what {
        Plain::Confirm => session.connection.confirm(&item)?,
        Plain::Release => session.connection.release(&item)?,
        Plain::Cancel => session.connection.cancel(&item)?,
    };
    tell(session, answers.first(), order, key)
}

/// Confirm in full, or only some lines.
pub(super) fn confirm(
    session: &mut Session,
    order: OrderKey,
    key: CommandKeyArgs,
    lines: &[Line],
) -> anyhow::Result<()> {
    if lines.is_empty() {
        return plain(session, Plain::Confirm, order, key);
    }
    let key = key.announce()?;
    let command = with_lines(order, key, lines);
    let answer = session.connection.confirm_lines(&command)?;
    tell(session, Some(&answer), order, key)
}

pub(super) fn extend(
    session: &mut Session,
    order: OrderKey,
    key: CommandKeyArgs,
    ttl_ms: u32,
) -> anyhow::Result<()> {
    let key = key.announce()?;
    let item = ExtendItem { order, key, ttl_ms };
    let answers = session.connection.extend(&[item])?;
    tell(session, answers.first(), order, key)
}

/// Ship these lines, or everything that is committed.
pub(super) fn ship(
    session: &mut Session,
    order: OrderKey,
    key: CommandKeyArgs,
    lines: Vec<Line>,
) -> anyhow::Result<()> {
    let lines = lines_or_all(session, order, lines, |line| line.committed)?;
    let key = key.announce()?;
    let answer = session.connection.ship(&with_lines(order, key, &lines))?;
    tell(session, Some(&answer), order, key)
}

/// Take these lines back, or everything that has shipped and not come back.
pub(super) fn give_back(
    session: &mut Session,
    order: OrderKey,
    key: CommandKeyArgs,
    lines: Vec<Line>,
    disposition: Disposition,
) -> anyhow::Result<()> {
    let out = |line: &OrderLine| line.shipped.saturating_sub(line.returned);
    let lines = lines_or_all(session, order, lines, out)?;
    let key = key.announce()?;
    let command = LinesCommand {
        disposition: disposition as u8,
        ..with_lines(order, key, &lines)
    };
    let answer = session.connection.return_units(&command)?;
    tell(session, Some(&answer), order, key)
}

/// The lines given, or without any those of the order with what `units` says of each.
fn lines_or_all(
    session: &mut Session,
    order: OrderKey,
    lines: Vec<Line>,
    units: impl Fn(&OrderLine) -> u32,
) -> anyhow::Result<Vec<Line>> {
    if !lines.is_empty() {
        return Ok(lines);
    }
    let found = show::query(session, order)?;
    Ok(found
        .lines
        .iter()
        .map(|line| Line {
            sku: line.sku,
            quantity: units(line),
            location: line.location,
        })
        .filter(|line| line.quantity > 0)
        .collect())
}

fn with_lines(order: OrderKey, key: CommandKey, lines: &[Line]) -> LinesCommand<'_> {
    LinesCommand {
        order,
        key,
        disposition: 0,
        lines: Lines::new(lines),
    }
}

/// Says what came of it.
fn tell(
    session: &Session,
    answer: Option<&OrderCommandReply>,
    order: OrderKey,
    key: CommandKey,
) -> anyhow::Result<()> {
    let answer = answer.context("the server answered without an item")?;
    let value = json(answer, order, key);
    let state = answer.state.map_or("unknown", OrderState::name);
    if answer.code != ResultCode::Ok {
        let what = match answer.state {
            Some(_) => format!(
                "order {order} is {state}, its hold {}",
                resolution_name(answer.resolution)
            ),
            None => format!("key {order}"),
        };
        return Err(refused_with(answer.code, what, value));
    }
    let replayed = if answer.flags & reply::REPLAYED == 0 {
        ""
    } else {
        " (done before with this key, nothing changed now)"
    };
    let ends = match answer.expires_at_ms {
        0 => String::new(),
        ms => format!(", held until {}", time_text(ms)),
    };
    let text = format!("Order {order} is {state}{ends}{replayed}.");
    print_either(session.json(), text, &value)?;
    Ok(())
}

fn json(answer: &OrderCommandReply, order: OrderKey, key: CommandKey) -> serde_json::Value {
    serde_json::json!({
        "code": answer.code.name(),
        "order": order.to_string(),
        "key": key.to_string(),
        "state": answer.state.map(OrderState::name),
        "resolution": resolution_name(answer.resolution),
        "replayed": answer.flags & reply::REPLAYED != 0,
        "sequence": answer.sequence,
        "expires_at_ms": answer.expires_at_ms,
    })
}
