//! Stock and orders as CSV, for spreadsheets and for `onhand import`.
//!
//! Texts that a spreadsheet would take for a formula get an apostrophe in front, which the import
//! takes off again.

use super::explain::{Moment, Watcher, fold_until};
use super::fold::{At, Fold, Order, Refusal};
use super::show::{self, rfc3339};
use super::source::{DataDirectory, SourceError};
use crate::engine::record::{Record, accepted_flags};
use crate::types::{OrderKey, TenantId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

/// Columns of [`stock`].
pub const STOCK_COLUMNS: [&str; 11] = [
    "tenant",
    "sku",
    "location",
    "on_hand",
    "reserved",
    "committed",
    "safety",
    "damaged",
    "quality_control",
    "available",
    "short",
];

/// Columns of [`orders`].
pub const ORDER_COLUMNS: [&str; 21] = [
    "tenant",
    "order",
    "external_id",
    "channel",
    "customer",
    "version",
    "state",
    "reason",
    "total",
    "currency",
    "sequence",
    "accepted_at",
    "expires_at",
    "sku",
    "location",
    "ordered",
    "reserved",
    "committed",
    "shipped",
    "returned",
    "cancelled",
];

/// Why nothing was exported, or not everything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The data directory cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The output takes no more.
    #[error("cannot write the CSV: {0}")]
    Write(#[from] csv::Error),
}

/// Signs that make a spreadsheet read a text as a formula.
const FORMULA_SIGNS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_SIGNS) || text.starts_with('\'') {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text before [`inert`]; others are returned as they are.
#[must_use]
pub fn original(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA_SIGNS) || rest.starts_with('\'') => rest,
        _ => text,
    }
}

/// Writes every stock cell, one row each; returns the rows.
///
/// # Errors
/// If the directory cannot be read or the output takes no more.
pub fn stock(source: &DataDirectory, out: impl Write) -> Result<u64, ExportError> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(STOCK_COLUMNS)?;
    let mut rows = 0;
    for &shard in &source.shards {
        let fold = fold_until(source, shard, Moment::Now, &mut Extras::default())?;
        for (at, cell) in fold.cells() {
            let tenant = fold
                .names
                .sku(at.sku)
                .map(|sku| fold.names.tenant(sku.tenant));
            out.write_field(inert(&tenant.unwrap_or_default()).as_bytes())?;
            out.write_field(inert(&fold.names.sku_name(at.sku)).as_bytes())?;
            out.write_field(inert(&fold.names.location_name(at.location)).as_bytes())?;
            for units in [
                cell.on_hand,
                cell.reserved,
                cell.committed,
                cell.safety,
                cell.damaged,
                cell.quality_control,
                cell.available(),
                cell.short(),
            ] {
                out.write_field(units.to_string())?;
            }
            out.write_record(None::<&[u8]>)?;
            rows += 1;
        }
    }
    out.flush().map_err(csv::Error::from)?;
    Ok(rows)
}

/// Writes every order that is not forgotten, one row a line, and every refused one in one row;
/// returns the rows.
///
/// # Errors
/// If the directory cannot be read or the output takes no more.
pub fn orders(source: &DataDirectory, out: impl Write) -> Result<u64, ExportError> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(ORDER_COLUMNS)?;
    let mut rows = 0;
    for &shard in &source.shards {
        let mut extras = Extras {
            wanted: true,
            ..Extras::default()
        };
        let fold = fold_until(source, shard, Moment::Now, &mut extras)?;
        for (tenant, key, order) in fold.orders() {
            let extra = extras.found.get(&(tenant, key));
            for row in order_rows(&fold, (tenant, key), order, extra) {
                out.write_record(&row)?;
                rows += 1;
            }
        }
        for (tenant, key, refusal) in fold.refusals_kept() {
            if fold.order(tenant, key).is_none() {
                out.write_record(refused_row(&fold, (tenant, key), refusal))?;
                rows += 1;
            }
        }
    }
    out.flush().map_err(csv::Error::from)?;
    Ok(rows)
}

type Row = [String; ORDER_COLUMNS.len()];

fn order_rows(
    fold: &Fold,
    (tenant, key): (TenantId, OrderKey),
    order: &Order,
    extra: Option<&Extra>,
) -> Vec<Row> {
    let over = order.is_live_hold() && fold.last.time_ms >= order.expires_at_ms;
    let live = order.is_live_hold() && !over;
    let state = if over { "EXPIRED" } else { order.state.name() };
    let text = |text: &str| inert(text).into_owned();
    let external = extra.and_then(|extra| extra.external_id.as_deref());
    let lines = order.lines.as_slice().iter().map(|line| {
        // A hold past its end gives its units back, whether or not its timer was fired.
        let (reserved, ended) = if over {
            (0, line.reserved)
        } else {
            (line.reserved, 0)
        };
        [
            text(&fold.names.tenant(tenant)),
            key.to_string(),
            text(external.unwrap_or_default()),
            order.channel.0.to_string(),
            order.customer.to_string(),
            order.version.to_string(),
            state.to_owned(),
            String::new(),
            extra.map_or_else(String::new, |extra| extra.total.to_string()),
            extra.map_or_else(String::new, |extra| extra.currency.to_string()),
            order.accepted.to_string(),
            rfc3339(order.accepted_ms),
            if live {
                rfc3339(order.expires_at_ms)
            } else {
                String::new()
            },
            text(&fold.names.sku_name(line.sku)),
            text(&fold.names.location_name(line.location)),
            line.ordered.to_string(),
            reserved.to_string(),
            line.committed.to_string(),
            line.shipped.to_string(),
            line.returned.to_string(),
            (line.cancelled + ended).to_string(),
        ]
    });
    lines.collect()
}

fn refused_row(fold: &Fold, (tenant, key): (TenantId, OrderKey), refusal: &Refusal) -> Row {
    let mut row: Row = Default::default();
    let filled = [
        (0, inert(&fold.names.tenant(tenant)).into_owned()),
        (1, key.to_string()),
        (5, refusal.version.to_string()),
        (6, "REJECTED".to_owned()),
        (7, refusal.reason.name().to_owned()),
        (10, refusal.sequence.to_string()),
    ];
    for (column, value) in filled {
        if let Some(place) = row.get_mut(column) {
            *place = value;
        }
    }
    row
}

/// What the fold does not keep of an accepted order.
struct Extra {
    total: u64,
    currency: u16,
    external_id: Option<Box<str>>,
}

#[derive(Default)]
struct Extras {
    wanted: bool,
    found: BTreeMap<(TenantId, OrderKey), Extra>,
}

impl Watcher for Extras {
    fn before(&mut self, _: &At, _: &Record<'_>, _: &Fold) {}

    fn after(&mut self, _: &At, record: &Record<'_>, _: &Fold) {
        let Record::OrderAccepted(accepted) = record else {
            return;
        };
        if !self.wanted {
            return;
        }
        let mut external_id = None;
        if accepted.flags & accepted_flags::DETAILS != 0 {
            let details = show::details(accepted.details);
            external_id = details.map(|details| details.external_id.into_boxed_str());
        }
        let extra = Extra {
            total: accepted.total,
            currency: accepted.currency,
            external_id,
        };
        self.found.insert((accepted.tenant, accepted.key), extra);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_look_like_formulas_are_made_inert_and_come_back() {
        for text in ["=1+1", "+49", "-x", "@sum", "\tx", "\rx", "'quoted", "'=1"] {
            let shown = inert(text);
            assert!(shown.starts_with('\''), "{text:?}");
            assert_eq!(original(&shown), text);
        }
        for text in ["", "lamp", "a=b", "42"] {
            assert_eq!((inert(text).as_ref(), original(text)), (text, text));
        }
    }
}
