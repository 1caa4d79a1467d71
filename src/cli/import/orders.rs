//! Rows of orders: rows of one order follow each other and are its lines.

use super::rows::{Line as CsvLine, Refusal, Row, Table};
use super::{Import, ROWS_IN_FLIGHT, refused};
use crate::client::ReserveAnswer;
use crate::limits::HOLD_TTL_MS_DEFAULT;
use crate::types::{ChannelId, LocationId, OrderDetails, OrderKey, ResultCode};
use crate::wire::reply::{self, NoteKind};
use crate::wire::request::{Line, Lines, ReserveItem, reserve_flags};
use crate::wire::{details, order_key};

/// One order, checked but for its names.
struct Order<'a> {
    /// Line of its first row.
    line: u64,
    key: OrderKey,
    external_id: Option<&'a str>,
    version: u16,
    customer: u64,
    channel: u16,
    currency: u16,
    total: u64,
    ttl_ms: u32,
    flags: u8,
    lines: Vec<OrderLine<'a>>,
}

struct OrderLine<'a> {
    line: u64,
    sku: &'a str,
    location: Option<&'a str>,
    quantity: u32,
}

/// Sends every order; says which were refused.
pub(super) fn send(import: &mut Import<'_>, table: &Table) -> anyhow::Result<()> {
    let mut orders: Vec<Order<'_>> = Vec::new();
    let mut open: Option<Result<Order<'_>, Refusal>> = None;
    for line in &table.lines {
        let (key, parsed) = parse(import, table, line);
        open = Some(match open.take() {
            Some(Ok(mut order)) if Some(order.key) == key => match parsed {
                Ok(more) => {
                    order.lines.extend(more.lines);
                    Ok(order)
                }
                Err(refusal) => Err(refusal),
            },
            before => {
                close(import, &mut orders, before);
                parsed
            }
        });
        if orders.len() >= ROWS_IN_FLIGHT {
            send_portion(import, &std::mem::take(&mut orders))?;
        }
    }
    close(import, &mut orders, open);
    send_portion(import, &orders)
}

fn close<'a>(
    import: &mut Import<'_>,
    orders: &mut Vec<Order<'a>>,
    order: Option<Result<Order<'a>, Refusal>>,
) {
    match order {
        Some(Ok(order)) => orders.push(order),
        Some(Err(refusal)) => import.refuse(refusal),
        None => {}
    }
}

/// One row as an order of one line, and its key where that much is clear.
fn parse<'a>(
    import: &Import<'_>,
    table: &'a Table,
    line: &'a CsvLine,
) -> (Option<OrderKey>, Result<Order<'a>, Refusal>) {
    let (line, row) = match line {
        Ok((line, record)) => (*line, table.row(record)),
        Err(refusal) => return (None, Err(refusal.clone())),
    };
    match head(line, &row) {
        Ok((key, channel)) => (Some(key), order(import, line, &row, key, channel)),
        Err(refusal) => (None, Err(refusal)),
    }
}

/// Key and channel of a row.
fn head(line: u64, row: &Row<'_>) -> Result<(OrderKey, u16), Refusal> {
    let channel = row.parsed(line, "channel")?.unwrap_or(0);
    if let Some(key) = row.parsed::<OrderKey>(line, "order")? {
        return Ok((key, channel));
    }
    let missing = || Refusal::new(line, "neither `external_id` nor `order` says which order");
    let external_id = row.text("external_id").ok_or_else(missing)?;
    Ok((
        order_key(ChannelId(channel), external_id.as_bytes()),
        channel,
    ))
}

fn order<'a>(
    import: &Import<'_>,
    line: u64,
    row: &Row<'a>,
    key: OrderKey,
    channel: u16,
) -> Result<Order<'a>, Refusal> {
    import.check_tenant(line, row)?;
    let mut flags = 0;
    match row.text("mode") {
        None | Some("hold") => {}
        Some("place") => flags |= reserve_flags::PLACE,
        Some(other) => {
            let reason = format!("`mode` has `{other}`: use hold or place");
            return Err(Refusal::new(line, reason));
        }
    }
    match row.text("partial") {
        None | Some("no" | "false") => {}
        Some("yes" | "true") => flags |= reserve_flags::PARTIAL,
        Some(other) => {
            let reason = format!("`partial` has `{other}`: use yes or no");
            return Err(Refusal::new(line, reason));
        }
    }
    Ok(Order {
        line,
        key,
        external_id: row.text("external_id"),
        version: row.parsed(line, "version")?.unwrap_or(1),
        customer: row.parsed(line, "customer")?.unwrap_or(0),
        channel,
        currency: row.parsed(line, "currency")?.unwrap_or(840),
        total: row.parsed(line, "total")?.unwrap_or(0),
        ttl_ms: row.parsed(line, "ttl_ms")?.unwrap_or(HOLD_TTL_MS_DEFAULT),
        flags,
        lines: vec![OrderLine {
            line,
            sku: row.needed(line, "sku")?,
            location: row.text("location"),
            quantity: row.number(line, "quantity")?,
        }],
    })
}

fn send_portion(import: &mut Import<'_>, orders: &[Order<'_>]) -> anyhow::Result<()> {
    let lines = || orders.iter().flat_map(|order| &order.lines);
    import.learn(
        lines().map(|line| line.sku),
        lines().filter_map(|line| line.location),
    )?;
    let mut ready: Vec<(&Order<'_>, Vec<Line>, Vec<u8>)> = Vec::with_capacity(orders.len());
    for order in orders {
        match resolve(import, order) {
            Ok((lines, details)) => ready.push((order, lines, details)),
            Err(refusal) => import.refuse(refusal),
        }
    }
    let items: Vec<ReserveItem<'_>> = ready
        .iter()
        .map(|(order, lines, details)| item(order, lines, details))
        .collect();
    // A frame of these at their largest stays below its bound.
    for (items, ready) in items.chunks(64).zip(ready.chunks(64)) {
        let answers = import.session.connection.reserve(items)?;
        for (answer, (order, _, _)) in answers.iter().zip(ready) {
            if answer.item.code == ResultCode::Ok {
                import.count(answer.item.flags & reply::REPLAYED != 0);
            } else {
                let reason = reason(order, answer);
                import.refuse(refused(order.line, answer.item.code, reason));
            }
        }
    }
    import.tell_refusals()
}

fn resolve(import: &Import<'_>, order: &Order<'_>) -> Result<(Vec<Line>, Vec<u8>), Refusal> {
    let mut lines = Vec::with_capacity(order.lines.len());
    for line in &order.lines {
        lines.push(Line {
            sku: import.sku(line.line, line.sku)?,
            quantity: line.quantity,
            location: match line.location {
                Some(name) => import.location(line.line, name)?,
                None => LocationId::ANY,
            },
        });
    }
    let Some(external_id) = order.external_id else {
        return Ok((lines, Vec::new()));
    };
    let found = OrderDetails {
        external_id: external_id.to_owned(),
        ..OrderDetails::default()
    };
    let wrong = |error| Refusal::new(order.line, format!("`external_id`: {error}"));
    let details = details::encode(&found, lines.len()).map_err(wrong)?;
    Ok((lines, details))
}

fn item<'a>(order: &Order<'_>, lines: &'a [Line], details: &'a [u8]) -> ReserveItem<'a> {
    let with_details = if details.is_empty() {
        0
    } else {
        reserve_flags::DETAILS
    };
    ReserveItem {
        key: order.key,
        customer: order.customer,
        total: order.total,
        ttl_ms: order.ttl_ms,
        version: order.version,
        channel: ChannelId(order.channel),
        currency: order.currency,
        flags: order.flags | with_details,
        destination: None,
        lines: Lines::new(lines),
        details,
    }
}

/// What the server says of the lines of a refused order.
fn reason(order: &Order<'_>, answer: &ReserveAnswer) -> String {
    let mut parts = vec![format!("order {}", order.key)];
    for note in &answer.notes {
        if note.kind == NoteKind::Short {
            let sku = order.lines.get(usize::from(note.line));
            let sku = sku.map_or("?", |line| line.sku);
            parts.push(format!("{sku}: {} left", note.value));
        }
    }
    parts.join("; ")
}
