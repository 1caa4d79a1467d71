//! Records about sales channels as people and scripts read them.

use super::{object, rfc3339};
use crate::audit::names::Names;
use crate::engine::record::{CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef};
use crate::types::ChannelId;
use crate::types::channel_stock::ChannelRule;
use serde_json::{Map, Value, json};

/// Every field of the record.
#[must_use]
pub fn fields(record: &ChannelRecord<'_>, names: &Names) -> Map<String, Value> {
    let mut shown = match *record {
        ChannelRecord::Defined { kind, name, .. } => object(json!({
            "channel_kind": kind.map_or("own", |kind| kind.name()),
            "name": name,
        })),
        ChannelRecord::RuleSet {
            head,
            sku,
            rule,
            anew,
        } => with_key(
            &head,
            rule_fields(&json!(sku.map(|sku| names.sku_name(sku))), rule, anew),
        ),
        ChannelRecord::CampaignDefined(planned) => {
            let items = planned.wants.iter().map(|it| units(it, "wanted", names));
            with_key(
                &planned.head,
                json!({
                    "campaign": planned.campaign,
                    "name": planned.name,
                    "from": rfc3339(planned.from_ms),
                    "to": rfc3339(planned.to_ms),
                    "then_pool": planned.then_pool,
                    "items": items.collect::<Vec<_>>(),
                }),
            )
        }
        ChannelRecord::CampaignStarted {
            campaign, given, ..
        } => {
            let items = given.iter().map(|it| units(it, "given", names));
            object(json!({ "campaign": campaign, "items": items.collect::<Vec<_>>() }))
        }
        ChannelRecord::CampaignEnded {
            head,
            campaign,
            cause,
            items,
        } => {
            let items = items.iter().map(|it| returned(&it, names));
            with_key(
                &head,
                json!({
                    "campaign": campaign,
                    "cause": cause.name(),
                    "items": items.collect::<Vec<_>>(),
                }),
            )
        }
        ChannelRecord::Published { items, .. } => {
            let items = items.iter().map(|item| {
                json!({
                    "sku": names.sku_name(item.sku),
                    "quantity": item.quantity,
                    "as_of": item.sequence,
                })
            });
            object(json!({ "items": items.collect::<Vec<_>>() }))
        }
    };
    let (tenant, channel) = record.channel();
    shown.insert("tenant".to_owned(), json!(names.tenant(tenant)));
    shown.insert("channel".to_owned(), json!(channel.0));
    shown
}

fn with_key(head: &ChannelRef, more: Value) -> Map<String, Value> {
    let mut shown = object(more);
    shown.insert("key".to_owned(), json!(head.key.to_string()));
    let fingerprint = format!("{:016x}", head.fingerprint);
    shown.insert("fingerprint".to_owned(), json!(fingerprint));
    shown
}

fn units(item: CampaignUnits, name: &str, names: &Names) -> Value {
    json!({ "sku": names.sku_name(item.sku), name: item.units })
}

fn returned(item: &CampaignReturn, names: &Names) -> Value {
    json!({
        "sku": names.sku_name(item.sku),
        "given": item.given,
        "sold": item.sold,
        "returned": item.returned,
    })
}

fn rule_fields(sku: &Value, rule: Option<ChannelRule>, anew: bool) -> Value {
    json!({
        "sku": sku,
        "rule": rule.map_or("none", ChannelRule::name),
        "units": rule.map_or(0, ChannelRule::units),
        "then_pool": rule.is_some_and(ChannelRule::then_pool),
        "anew": anew,
    })
}

/// The record in one sentence.
#[must_use]
pub fn sentence(record: &ChannelRecord<'_>, names: &Names) -> String {
    let (_, ChannelId(channel)) = record.channel();
    match *record {
        ChannelRecord::Defined { kind, name, .. } => {
            let kind = kind.map_or("own", |kind| kind.name());
            format!("channel {channel} is `{name}` ({kind})")
        }
        ChannelRecord::RuleSet {
            sku, rule, anew, ..
        } => {
            let about = match sku {
                Some(sku) => format!("SKU {}", names.sku_name(sku)),
                None => "SKUs without a rule".to_owned(),
            };
            let rule = ChannelRule::told(rule);
            let counts = if anew {
                ", and counts from now on while its campaign runs"
            } else {
                ""
            };
            format!("of {about}, channel {channel} gets {rule}{counts}")
        }
        ChannelRecord::CampaignDefined(planned) => format!(
            "campaign {} `{}` of channel {channel} is planned from {} to {} for {} SKUs",
            planned.campaign,
            planned.name,
            rfc3339(planned.from_ms),
            rfc3339(planned.to_ms),
            planned.wants.len()
        ),
        ChannelRecord::CampaignStarted {
            campaign, given, ..
        } => {
            let units: u64 = given.iter().map(|it| u64::from(it.units)).sum();
            format!("campaign {campaign} of channel {channel} began and was given {units} units")
        }
        ChannelRecord::CampaignEnded {
            campaign,
            cause,
            items,
            ..
        } => {
            let sold: u64 = items.iter().map(|it| u64::from(it.sold)).sum();
            let back: u64 = items.iter().map(|it| u64::from(it.returned)).sum();
            format!(
                "campaign {campaign} of channel {channel} ended ({}): {sold} units sold, {back} \
                 back in the pool",
                cause.name()
            )
        }
        ChannelRecord::Published { items, .. } => {
            let quantities: Vec<String> = items
                .iter()
                .map(|item| format!("{} of {}", item.quantity, names.sku_name(item.sku)))
                .collect();
            format!("channel {channel} acknowledged {}", quantities.join(", "))
        }
    }
}
