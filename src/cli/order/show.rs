//! `onhand order show`: where an order is, and what became of its units.

use anyhow::Context;

use super::time_text;
use crate::cli::output::{print, table};
use crate::cli::session::{Session, refused};
use crate::client::OrderAnswer;
use crate::types::{OrderKey, OrderState, Resolution, ResultCode};
use crate::wire::reply::query::PLACED;
use crate::wire::reply::{OrderLine, OrderShortLine, OrderSummary};

/// Asks for one order; `UNKNOWN_ORDER` is a refusal.
pub(super) fn query(session: &mut Session, key: OrderKey) -> anyhow::Result<OrderAnswer> {
    let mut answers = session.connection.query_orders(&[key])?;
    let order = answers
        .pop()
        .context("the server answered without an item")?;
    if order.summary.code == ResultCode::UnknownOrder {
        return Err(refused(ResultCode::UnknownOrder, format!("key {key}")));
    }
    Ok(order)
}

/// The lower-case name of a resolution.
pub(super) const fn resolution_name(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Open => "open",
        Resolution::Confirmed => "confirmed",
        Resolution::Released => "released",
        Resolution::Expired => "expired",
    }
}

pub(super) fn show(session: &mut Session, key: OrderKey) -> anyhow::Result<()> {
    let order = query(session, key)?;
    let locations = session.location_names()?;
    let mut lines = Vec::new();
    for line in &order.lines {
        let location = locations.of(line.location);
        lines.push((session.sku_name(line.sku)?, location, *line));
    }
    let mut short_lines = Vec::new();
    for line in &order.short_lines {
        short_lines.push((session.sku_name(line.sku)?, *line));
    }
    let value = json(&order, &lines, &short_lines);
    if session.json() {
        print(value)?;
        return Ok(());
    }
    print(headline(&order.summary))?;
    for (name, line) in &short_lines {
        print(format_args!(
            "{name}: {} left for line {}",
            line.left, line.line
        ))?;
    }
    if !lines.is_empty() {
        print(lines_table(&lines))?;
    }
    Ok(())
}

fn headline(order: &OrderSummary) -> String {
    let key = order.key;
    if order.code != ResultCode::Ok {
        let (code, meaning) = (order.code, order.code.meaning().trim());
        return format!("Order {key} was refused: {code}. {meaning}");
    }
    let state = order.state.map_or("unknown", OrderState::name);
    let kind = if order.flags & PLACED == 0 {
        "a hold"
    } else {
        "placed"
    };
    let ends = match order.expires_at_ms {
        0 => String::new(),
        ms => format!(", held until {}", time_text(ms)),
    };
    format!(
        "Order {key} is {state}: {kind}, number {}, version {}, channel {}, customer {}{ends}.",
        order.sequence, order.version, order.channel.0, order.customer
    )
}

fn lines_table(lines: &[(String, String, OrderLine)]) -> String {
    let heading = [
        "SKU",
        "LOCATION",
        "ORDERED",
        "RESERVED",
        "COMMITTED",
        "SHIPPED",
        "RETURNED",
        "CANCELLED",
    ];
    let rows: Vec<_> = lines
        .iter()
        .map(|(sku, location, line)| {
            let mut row = vec![sku.clone(), location.clone()];
            row.extend(
                [
                    line.ordered,
                    line.reserved,
                    line.committed,
                    line.shipped,
                    line.returned,
                    line.cancelled,
                ]
                .map(|number| number.to_string()),
            );
            row
        })
        .collect();
    table(&heading, &rows)
}

fn json(
    order: &OrderAnswer,
    lines: &[(String, String, OrderLine)],
    short_lines: &[(String, OrderShortLine)],
) -> serde_json::Value {
    let lines: Vec<_> = lines
        .iter()
        .map(|(sku, location, line)| {
            serde_json::json!({
                "sku": sku,
                "location": location,
                "ordered": line.ordered,
                "reserved": line.reserved,
                "committed": line.committed,
                "shipped": line.shipped,
                "returned": line.returned,
                "cancelled": line.cancelled,
            })
        })
        .collect();
    let short_lines: Vec<_> = short_lines
        .iter()
        .map(|(sku, line)| serde_json::json!({ "sku": sku, "line": line.line, "left": line.left }))
        .collect();
    let summary = &order.summary;
    serde_json::json!({
        "key": summary.key.to_string(),
        "code": summary.code.name(),
        "state": summary.state.map(OrderState::name),
        "resolution": resolution_name(summary.resolution),
        "placed": summary.flags & PLACED != 0,
        "version": summary.version,
        "channel": summary.channel.0,
        "customer": summary.customer,
        "number": summary.sequence,
        "expires_at_ms": summary.expires_at_ms,
        "lines": lines,
        "short": short_lines,
    })
}
