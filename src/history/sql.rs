//! The statements, as text that both databases understand.

use super::schema::{Counts, Table};
use std::fmt::Write;

pub(super) const PLACE: &str = "SELECT next_sequence, batch_sequence, segment, byte_offset, hash, \
     time_ms FROM shards WHERE shard = $1";

pub(super) const ADVANCE: &str = "UPDATE shards SET next_sequence = $2, batch_sequence = $3, \
     segment = $4, byte_offset = $5, hash = $6, time_ms = $7 \
     WHERE shard = $1 AND next_sequence = $8";

pub(super) const FIRST_PLACE: &str = "INSERT INTO shards \
     (shard, next_sequence, batch_sequence, segment, byte_offset, hash, time_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (shard) DO NOTHING";

pub(super) const PROVIDERS: &str = "SELECT name FROM providers WHERE shard = $1 ORDER BY provider";

/// Whose each SKU is, in the order of their handles, which are counted from 0.
pub(super) const SKU_TENANTS: &str = "SELECT tenant FROM skus WHERE shard = $1 ORDER BY sku";

pub(super) const SHIPPED: &str = "UPDATE orders SET state = 'SHIPPED' \
     WHERE shard = $1 AND tenant = $2 AND order_key = $3 \
     AND state = 'CONFIRMED' AND units_shipped >= units";

/// Empties every table.
pub(super) const WRITTEN: &[&str] = &[
    "DELETE FROM tenants",
    "DELETE FROM actors",
    "DELETE FROM skus",
    "DELETE FROM locations",
    "DELETE FROM providers",
    "DELETE FROM pipeline_steps",
    "DELETE FROM orders",
    "DELETE FROM personal_data",
    "DELETE FROM order_lines",
    "DELETE FROM line_movements",
    "DELETE FROM rejections",
    "DELETE FROM order_events",
    "DELETE FROM effects",
    "DELETE FROM attempts",
    "DELETE FROM breaker_changes",
    "DELETE FROM provider_reports",
    "DELETE FROM decisions",
    "DELETE FROM stock_movements",
    "DELETE FROM refused_commands",
    "DELETE FROM channel_events",
    "DELETE FROM item_mappings",
    "DELETE FROM channels",
    "DELETE FROM channel_rules",
    "DELETE FROM campaigns",
    "DELETE FROM campaign_units",
    "DELETE FROM stock_published",
    "DELETE FROM subscriber_moves",
    "DELETE FROM actions",
    "DELETE FROM shards",
];

/// Has PostgreSQL look how many rows there are of what, in the tables that grow with orders.
pub(super) const LOOK: &str = "ANALYZE orders, personal_data, order_lines, line_movements, rejections, \
     order_events, effects, attempts, provider_reports, decisions, stock_movements, actions";

/// Rows that one statement writes, of `left` rows: few different sizes, so that each statement is
/// prepared once.
pub(super) fn chunk(left: usize) -> usize {
    match left {
        0 => 0,
        1..16 => 1,
        16..128 => 16,
        _ => 128,
    }
}

/// How values are marked in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// `?`. To SQLite each mark with a number has a name, which is searched for one after the other
    /// for each value: with thousands of values that takes three quarters of the time.
    Bare,
    /// `$1`, as PostgreSQL wants them.
    Numbered,
}

/// The statement that writes `rows` rows of `table`.
pub(super) fn insert(table: &Table, rows: usize, marks: Marks) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let mut text = format!("INSERT INTO {} ({}) VALUES ", table.name, names.join(", "));
    let mut number = 0;
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..names.len() {
            number += 1;
            let comma = if column == 0 { "" } else { ", " };
            text.push_str(comma);
            match marks {
                Marks::Bare => text.push('?'),
                // Writing to a string cannot fail.
                Marks::Numbered => drop(write!(text, "${number}")),
            }
        }
        text.push(')');
    }
    if table.keys > 0 {
        text.push_str(&on_conflict(table));
    }
    text
}

/// What becomes of a row that is there: the new word counts where there is one, unless a record
/// begins the row anew, which leaves alone what the row keeps.
fn on_conflict(table: &Table) -> String {
    let (keys, others) = table.columns.split_at(table.keys);
    let keys: Vec<&str> = keys.iter().map(|column| column.name).collect();
    let counts = table.counts;
    let sets = others.iter().map(|column| {
        let (table, name) = (table.name, column.name);
        let said = if column.clears {
            format!("NULLIF(excluded.{name}, 0)")
        } else {
            format!("excluded.{name}")
        };
        (
            name,
            said,
            if column.adds {
                format!("COALESCE({table}.{name}, 0) + excluded.{name}")
            } else if column.clears {
                format!("NULLIF(COALESCE(excluded.{name}, {table}.{name}), 0)")
            } else {
                match counts {
                    Counts::Last => format!("COALESCE(excluded.{name}, {table}.{name})"),
                    Counts::First => format!("COALESCE({table}.{name}, excluded.{name})"),
                }
            },
        )
    });
    let sets: Vec<String> = sets
        .map(|(name, said, joined)| {
            let keeps = table.keeps.filter(|keeps| keeps.columns.contains(&name));
            match keeps.map(|keeps| keeps.origin).or(table.birth) {
                Some(birth) => format!(
                    "{name} = CASE WHEN excluded.{birth} IS NULL THEN {joined} ELSE {said} END"
                ),
                None => format!("{name} = {joined}"),
            }
        })
        .collect();
    format!(
        " ON CONFLICT ({}) DO UPDATE SET {}",
        keys.join(", "),
        sets.join(", ")
    )
}
