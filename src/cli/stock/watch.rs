//! `onhand stock watch`: the stock of SKUs whenever it changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::cli::output::print;
use crate::cli::session::{Session, refused};
use crate::types::{ResultCode, SkuId};
use crate::wire::reply::StockEvent;

/// How long to wait for a change before showing the server that we are still here.
const PING_EVERY_MS: u64 = 30_000;

pub(super) fn watch(
    session: &mut Session,
    names: &[String],
    count: Option<u64>,
) -> anyhow::Result<()> {
    let skus = session.skus(names)?;
    let items: Vec<SkuId> = skus.iter().map(|(sku, _)| *sku).collect();
    let answers = session.connection.subscribe_stock(&items)?;
    if let Some(answer) = answers.iter().find(|answer| answer.code != ResultCode::Ok) {
        return Err(refused(answer.code, "nothing to watch".into()));
    }
    let mut names: HashMap<SkuId, String> = skus.into_iter().collect();
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let events = session.connection.next_events(PING_EVERY_MS)?;
        if events.is_empty() {
            session.connection.ping(b"")?; // or the server would close a silent session
        }
        for event in events {
            let name = match names.entry(event.sku) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(session.sku_name(event.sku)?),
            };
            print_event(session.json(), name, &event)?;
            left -= 1;
            if left == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn print_event(json: bool, name: &str, event: &StockEvent) -> anyhow::Result<()> {
    if json {
        print(serde_json::json!({
            "sku": name,
            "sequence": event.sequence,
            "available": event.available,
            "on_hand": event.on_hand,
            "reserved": event.reserved,
            "committed": event.committed,
        }))?;
    } else {
        print(format_args!(
            "{name}: available {}, on hand {}, reserved {}, committed {} (at {})",
            event.available, event.on_hand, event.reserved, event.committed, event.sequence
        ))?;
    }
    Ok(())
}
