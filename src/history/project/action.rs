//! What somebody did on purpose, as an auditor reads it: an operator, a connector or a tool.
//!
//! Orders that come in, and what the order process does by itself, are no actions. What a thing was
//! before is asked of the rows before, unless the record says it.

use super::super::cell::{int, text};
use super::super::schema::ActionRow;
use super::order::{disposition_name, units};
use super::{At, Projector};
use crate::engine::record::{
    CampaignReturn, CampaignUnits, ChannelEventRecord, ChannelRecord, OperatorDecided, OrderRef,
    ProcessRecord, Record, Run, SkuMapped, StockChange, accepted_flags,
};
use crate::types::channel_event::EventFate;
use crate::types::channel_stock::{CampaignState, ChannelRule};
use crate::types::pipeline::PipelineSet;
use crate::types::process::{BreakerCause, BreakerState, ProcessEvent};
use crate::types::{ActorId, ChannelId, OrderKey, SkuId, TenantId};

/// What a mapping row says where the item stands for no SKU.
const NOTHING: &str = "nothing";

impl Projector {
    /// Notes the action that a record tells, if it tells one.
    pub(super) fn action(&mut self, at: &At, record: &Record<'_>) {
        let row = match record {
            Record::OrderAccepted(accepted) => {
                let replaces = accepted.flags & accepted_flags::REPLACES != 0;
                replaces.then(|| ActionRow {
                    reason: text(&format!("version {}", accepted.version)),
                    ..of_order(at, accepted.tenant, accepted.key, ("order", "edit"))
                })
            }
            Record::Stock(change) => self.stock_action(at, change),
            Record::Process(record) => process_action(at, record),
            Record::Channel(record) => channel_action(at, record),
            Record::ChannelEvent(record) => event_action(at, record),
            Record::CommandRefused {
                tenant, key, code, ..
            } => Some(ActionRow {
                outcome: text(&format!("refused: {}", code.name())),
                ..action(at, *tenant, ("command", "attempt"), &key.to_string())
            }),
            Record::Subscriber(moved) => Some(ActionRow {
                before_value: text(&moved.before.to_string()),
                after_value: text(&moved.after.to_string()),
                reason: text(moved.reason),
                ..action(at, moved.tenant, ("subscriber", "rewind"), moved.name)
            }),
            other => order_action(at, other).or_else(|| self.definition_action(at, other)),
        };
        self.rows.actions.extend(row);
    }

    fn stock_action(&self, at: &At, change: &StockChange<'_>) -> Option<ActionRow> {
        let (key, _, cell) = change.head();
        if key.0 == 0 {
            return None; // the order process itself
        }
        let (kind, reason) = match *change {
            StockChange::Received { quantity, .. } => ("received", format!("{quantity} units")),
            StockChange::Adjusted { delta, reason, .. } => {
                ("adjusted", format!("{delta:+} units: {reason}"))
            }
            StockChange::Set { .. } => ("set", String::new()),
            StockChange::Transferred { to, quantity, .. } => {
                let to = to.0;
                ("transferred", format!("{quantity} units to location {to}"))
            }
            StockChange::Moved {
                from, to, quantity, ..
            } => {
                let (from, to) = (from.name(), to.name());
                ("moved", format!("{quantity} units from {from} to {to}"))
            }
        };
        let (before, after) = match *change {
            StockChange::Set {
                before, on_hand, ..
            } => (text(&before.to_string()), text(&on_hand.to_string())),
            _ => (None, None),
        };
        let thing = format!("{}@{}", cell.sku.0, cell.location.0);
        Some(ActionRow {
            tenant: self.tenant_of(cell.sku),
            sku: int(cell.sku.0),
            location: int(cell.location.0),
            before_value: before,
            after_value: after,
            reason: text(reason.trim_end_matches(": ")),
            ..of_all(at, ("stock", kind), &thing)
        })
    }

    fn definition_action(&self, at: &At, record: &Record<'_>) -> Option<ActionRow> {
        let sale = |on_sale: bool| text(if on_sale { "on sale" } else { "off sale" });
        Some(match *record {
            Record::TenantDefined { tenant, name } => {
                action(at, tenant, ("tenant", "define"), name)
            }
            Record::SkuDefined {
                sku,
                tenant,
                on_sale,
                ..
            } => ActionRow {
                sku: int(sku.0),
                after_value: sale(on_sale),
                ..action(at, tenant, ("sku", "define"), &sku.0.to_string())
            },
            Record::SkuChanged { sku, on_sale } => ActionRow {
                tenant: self.tenant_of(sku),
                sku: int(sku.0),
                after_value: sale(on_sale),
                ..of_all(at, ("sku", "change"), &sku.0.to_string())
            },
            Record::SkuQueueSet { sku, queue } => ActionRow {
                tenant: self.tenant_of(sku),
                sku: int(sku.0),
                after_value: text(queue.name()),
                ..of_all(at, ("sku", "queue"), &format!("{}/queue", sku.0))
            },
            Record::LocationDefined {
                location,
                tenant,
                x,
                y,
                priority,
                ..
            } => ActionRow {
                location: int(location.0),
                after_value: text(&format!("at {x}, {y} with priority {priority}")),
                ..action(at, tenant, ("location", "define"), &location.0.to_string())
            },
            _ => return None,
        })
    }
}

/// An action about a thing of every tenant, or of one that is still to be said.
fn of_all(at: &At, (about, action): (&str, &str), thing: &str) -> ActionRow {
    ActionRow {
        shard: int(at.shard),
        sequence: int(at.sequence),
        time_ms: int(at.time_ms),
        actor: int(at.actor.0),
        about: text(about),
        thing: text(thing),
        action: text(action),
        outcome: text("done"),
        ..ActionRow::default()
    }
}

fn action(at: &At, tenant: TenantId, what: (&str, &str), thing: &str) -> ActionRow {
    ActionRow {
        tenant: int(tenant.0),
        ..of_all(at, what, thing)
    }
}

fn of_order(at: &At, tenant: TenantId, order: OrderKey, what: (&str, &str)) -> ActionRow {
    action(at, tenant, what, &order.to_string())
}

/// What a command did to an order. The order process has no command, and so no key.
fn order_action(at: &At, record: &Record<'_>) -> Option<ActionRow> {
    let row = |order: &OrderRef, what: (&str, &str), reason: String| {
        (order.key.0 != 0).then(|| ActionRow {
            reason: text(&reason),
            ..of_order(at, order.tenant, order.order, what)
        })
    };
    match record {
        Record::HoldExtended { order, .. } => row(order, ("hold", "extend"), String::new()),
        Record::OrderReleased { order } => row(order, ("hold", "release"), String::new()),
        Record::OrderCancelled { order } => row(order, ("order", "cancel"), String::new()),
        Record::OrderConfirmed { order, lines } => {
            let part = match units(*lines) {
                0 => String::new(),
                units => format!("{units} units"),
            };
            row(order, ("hold", "confirm"), part)
        }
        Record::OrderShipped { order, lines } => {
            let units = format!("{} units", units(*lines));
            row(order, ("order", "ship"), units)
        }
        Record::OrderReturned {
            order,
            disposition,
            lines,
        } => {
            let disposition = disposition_name(*disposition);
            let units = format!("{} units, {disposition}", units(*lines));
            row(order, ("order", "return"), units)
        }
        _ => None,
    }
}

fn process_action(at: &At, record: &ProcessRecord<'_>) -> Option<ActionRow> {
    match record {
        ProcessRecord::Decided(decided) => Some(decision(at, decided)),
        ProcessRecord::Moved(moved) if moved.event == ProcessEvent::EditRefused => {
            let order = (moved.tenant, moved.order);
            (at.actor != ActorId::SYSTEM).then(|| ActionRow {
                outcome: text("refused"),
                before_value: moved.from.and_then(|state| text(state.name())),
                after_value: text(moved.to.name()),
                reason: text(moved.note),
                ..of_order(at, order.0, order.1, ("order", "edit"))
            })
        }
        ProcessRecord::Breaker(changed) if changed.cause == BreakerCause::Operator => {
            let word = if changed.to == BreakerState::Isolated {
                "isolate"
            } else {
                "reset"
            };
            let provider = changed.provider.0;
            Some(ActionRow {
                provider: int(provider),
                before_value: text(changed.from.name()),
                after_value: text(changed.to.name()),
                ..of_all(at, ("breaker", word), &provider.to_string())
            })
        }
        ProcessRecord::Pipelines(defined) => {
            let set = PipelineSet::from_archive(defined.archive_version, defined.archive.0);
            let pipelines = set.map(|set| set.pipelines).unwrap_or_default();
            let names: Vec<&str> = pipelines.iter().map(|one| one.name.as_str()).collect();
            Some(ActionRow {
                after_value: text(&format!("set {}", defined.set)),
                reason: text(&names.join(", ")),
                ..of_all(at, ("pipelines", "define"), "pipelines")
            })
        }
        _ => None,
    }
}

fn decision(at: &At, decided: &OperatorDecided<'_>) -> ActionRow {
    let mut parts = Vec::new();
    if decided.effect != 0 {
        parts.push(format!("effect {}", decided.effect));
    }
    if decided.amount != 0 {
        parts.push(format!("{} minor units", decided.amount));
    }
    if !decided.reason.is_empty() {
        parts.push(decided.reason.to_owned());
    }
    let order = &decided.order;
    ActionRow {
        reason: text(&parts.join(", ")),
        ..of_order(
            at,
            order.tenant,
            order.order,
            ("order", decided.action.name()),
        )
    }
}

fn channel_action(at: &At, record: &ChannelRecord<'_>) -> Option<ActionRow> {
    let (tenant, channel) = record.channel();
    let row = |what, thing: &str| ActionRow {
        channel: int(channel.0),
        ..action(at, tenant, what, thing)
    };
    let campaign = |number: u32, word, state: CampaignState, reason: &str| ActionRow {
        campaign: int(number),
        after_value: text(state.name()),
        reason: text(reason),
        ..row(("campaign", word), &number.to_string())
    };
    Some(match *record {
        ChannelRecord::Defined { kind, name, .. } => {
            let kind = kind.map_or("own", |kind| kind.name());
            ActionRow {
                after_value: text(&format!("{name} ({kind})")),
                ..row(("channel", "define"), &channel.0.to_string())
            }
        }
        ChannelRecord::RuleSet { sku, rule, .. } => {
            let word = if rule.is_some() { "set" } else { "remove" };
            ActionRow {
                sku: sku.and_then(|sku| int(sku.0)),
                after_value: text(&ChannelRule::told(rule)),
                ..row(("rule", word), &rule_of(channel, sku))
            }
        }
        ChannelRecord::CampaignDefined(planned) => {
            let wanted = format!(
                "{} wanted of {} SKUs, from {} to {}",
                total(&planned.wants, |it: CampaignUnits| it.units),
                planned.wants.len(),
                moment(planned.from_ms),
                moment(planned.to_ms)
            );
            campaign(planned.campaign, "plan", CampaignState::Planned, &wanted)
        }
        ChannelRecord::CampaignStarted {
            campaign: number,
            given,
            ..
        } => {
            let given = format!("{} given", total(&given, |it: CampaignUnits| it.units));
            campaign(number, "open", CampaignState::Running, &given)
        }
        ChannelRecord::CampaignEnded {
            campaign: number,
            cause,
            items,
            ..
        } => {
            let reconciled = format!(
                "by {}: {} given, {} sold, {} back in the pool",
                cause.name(),
                total(&items, |it: CampaignReturn| it.given),
                total(&items, |it: CampaignReturn| it.sold),
                total(&items, |it: CampaignReturn| it.returned)
            );
            campaign(number, "close", CampaignState::Ended, &reconciled)
        }
        ChannelRecord::Published { .. } => return None,
    })
}

fn event_action(at: &At, record: &ChannelEventRecord<'_>) -> Option<ActionRow> {
    match record {
        ChannelEventRecord::Received(_) => None,
        ChannelEventRecord::Settled(settled) => {
            let word = match settled.fate {
                EventFate::Open => "redrive",
                EventFate::Discarded => "discard",
                _ => return None,
            };
            let event = format!("{:032x}", settled.event);
            Some(ActionRow {
                channel: int(settled.channel.0),
                after_value: text(settled.fate.name()),
                reason: text(settled.note),
                ..action(at, settled.tenant, ("event", word), &event)
            })
        }
        ChannelEventRecord::Mapped(mapped) => Some(mapping(at, mapped)),
    }
}

fn mapping(at: &At, mapped: &SkuMapped<'_>) -> ActionRow {
    let is_none = mapped.sku.0 == u32::MAX;
    let thing = format!("{}/{}", mapped.channel.0, mapped.item);
    let word = if is_none { "unmap" } else { "map" };
    ActionRow {
        channel: int(mapped.channel.0),
        sku: if is_none { None } else { int(mapped.sku.0) },
        after_value: if is_none { text(NOTHING) } else { None },
        ..action(at, mapped.tenant, ("mapping", word), &thing)
    }
}

/// Names a rule among those of a tenant.
fn rule_of(ChannelId(channel): ChannelId, sku: Option<SkuId>) -> String {
    match sku {
        Some(SkuId(sku)) => format!("{channel}/{sku}"),
        None => format!("{channel}/*"),
    }
}

fn total<T: crate::engine::record::RunItem>(items: &Run<'_, T>, units: fn(T) -> u32) -> u64 {
    items.iter().map(|item| u64::from(units(item))).sum()
}

/// A time as people write it.
fn moment(time_ms: u64) -> String {
    let time = i64::try_from(time_ms).ok();
    let time = time.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.map_or_else(|| format!("{time_ms} ms"), |time| format!("{time:.0}"))
}
