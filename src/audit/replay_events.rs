//! I11 for what channels send: the engine's replay beside the fold.

use super::fold::{At, Fold};
use super::report::{Checks, Invariant};
use crate::engine::Engine;
use crate::engine::channel_event::command::ItemName;
use crate::limits;

/// Compares waiting events, what was applied to orders, and mappings.
pub(super) fn compare(engine: &Engine, fold: &Fold, end: &At, checks: &mut Checks) {
    let mut waiting = 0_u64;
    for (id, event) in fold.waiting_events() {
        waiting += 1;
        let view = engine.channel_event(event.tenant, id);
        let replayed = view.map(|view| (view.channel, view.sequence, view.fate));
        let own = (event.channel, event.sequence, event.fate);
        checks.check(Invariant::I11, replayed == Some(own), || {
            let what = format!("event {id:032x} is {own:?}, but {replayed:?} after replay");
            fold.names.offence(end, what)
        });
    }
    let replayed = engine.statistics().channel_events_waiting;
    checks.check(Invariant::I11, waiting == replayed, || {
        let what = format!("{waiting} events wait, but {replayed} after replay");
        fold.names.offence(end, what)
    });
    // Far from the bound, which the fold does not know, every order is remembered.
    let all = fold.applied_changes().count() <= limits::CHANNEL_ORDERS_KEPT;
    for (tenant, order, changed_ms) in fold.applied_changes().filter(|_| all) {
        let known = engine.channel_order(tenant, order).map(|it| it.changed_ms);
        checks.check(Invariant::I11, known == Some(changed_ms), || {
            let what = format!("its newest change is of {changed_ms} ms, but {known:?} replayed");
            fold.names.order_offence(end, tenant, order, what)
        });
    }
    for (tenant, channel, item, sku) in fold.mapped_items() {
        let named = ItemName {
            item: item.to_owned(),
            sku: String::new(),
        };
        let replayed = engine
            .sku_of_item(tenant, channel, &named)
            .map(|sku| sku.name);
        let own = fold.names.sku_name(sku);
        checks.check(
            Invariant::I11,
            replayed.as_deref() == Some(own.as_str()),
            || {
                let channel = channel.0;
                let what =
                    format!("item {item} of channel {channel} is {own}, but {replayed:?} replayed");
                fold.names.offence(end, what)
            },
        );
    }
}
