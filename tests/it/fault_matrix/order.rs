//! One order: what it carries, and what became of it by the server and by the providers' ledger.

use std::collections::BTreeSet;
use std::fmt;

use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Effect, Sandbox};
use onhand::types::{ChannelId, LocationId, OrderDetails, OrderKey, SkuId};
use onhand::wire::request::{Line, Lines, ReserveItem, reserve_flags};
use onhand::wire::{details, key};
use serde_json::Value;

/// How an order ended, as a row of the page says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its state, behind it why it is reviewed.
    pub state: String,
    /// `primary`, `backup` or `nobody`.
    pub captured: String,
    /// Kinds of effects that were given up; `none`.
    pub dead: String,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            state,
            captured,
            dead,
        } = self;
        write!(f, "{state} | {captured} | {dead}")
    }
}

const CHANNEL: ChannelId = ChannelId(1);

/// The key of a stand's order.
pub fn key_of(number: u64) -> OrderKey {
    key::order_key(CHANNEL, external_id(number).as_bytes())
}

fn external_id(number: u64) -> String {
    format!("m{number:05}")
}

/// The details of an order, encoded.
pub fn details_of(number: u64, total: u64, handling: bool) -> Vec<u8> {
    let address = vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()];
    let details = OrderDetails {
        external_id: external_id(number),
        contact_name: format!("Ana Ruiz {number}"),
        email: format!("ana.{number}@example.com"),
        phone: format!("+3460{number:07}"),
        shipping_address: address.clone(),
        billing_address: address,
        country: "ES".to_owned(),
        payment_token: "stripe=pm_card_visa authorize_net=tok-1".to_owned(),
        unit_prices: vec![total],
        ip: "10.0.0.1".to_owned(),
        device: format!("device-{number}"),
        session: format!("session-{number}"),
        checkout_seconds: 90,
        custom_handling: if handling {
            "engrave".into()
        } else {
            String::new()
        },
    };
    details::encode(&details, 1).expect("details that fit")
}

/// A placed order of one unit.
pub fn item<'a>(number: u64, total: u64, line: &'a Line, details: &'a [u8]) -> ReserveItem<'a> {
    ReserveItem {
        key: key_of(number),
        customer: 1_000 + number,
        total,
        ttl_ms: 900_000,
        version: 1,
        channel: CHANNEL,
        currency: 978,
        flags: reserve_flags::PLACE,
        destination: None,
        lines: Lines::new(std::slice::from_ref(line)),
        details,
    }
}

/// One unit of the only SKU.
pub const LINE: Line = Line {
    sku: SkuId(0),
    quantity: 1,
    location: LocationId::ANY,
};

/// The effects at the providers that belong to an order, whose mark each provider keeps elsewhere.
pub fn effects(sandbox: &Sandbox, order: &str) -> Vec<Effect> {
    let mut effects = sandbox.ledger().effects(&Filter::default(), usize::MAX);
    effects.retain(|effect| {
        let key = effect.key.as_deref().unwrap_or_default();
        let mark = effect.reference.as_deref().unwrap_or_default();
        [&effect.order, key, mark]
            .iter()
            .any(|text| text.starts_with(order))
    });
    effects
}

fn objects<'a>(effects: &'a [Effect], kind: &str) -> BTreeSet<&'a str> {
    let found = effects.iter().filter(|effect| effect.kind == kind);
    found.map(|effect| &*effect.object).collect()
}

fn count(effects: &[Effect], kind: &str) -> usize {
    effects.iter().filter(|effect| effect.kind == kind).count()
}

/// Whether an effect of an order is not over.
pub fn is_busy(shown: &Value) -> bool {
    let open = ["in_flight", "retry_wait", "unknown", "waiting"];
    let effects = shown["process"]["effects"].as_array();
    effects.into_iter().flatten().any(|effect| {
        let next = effect["next"].as_str().unwrap_or_default();
        open.contains(&next)
    })
}

/// Whether the server has nothing to do about an order any more.
pub fn is_at_rest(shown: &Value) -> bool {
    let ended = [
        "COMPLETED",
        "DECLINED",
        "EXPIRED",
        "CANCELLED",
        "REJECTED",
        "REVIEW",
    ];
    let state = shown["state"].as_str().unwrap_or_default();
    ended.contains(&state) && !is_busy(shown)
}

/// What became of an order at rest.
///
/// # Errors
/// What is wrong whatever the fault was: charged twice, two labels, money that is left behind.
pub fn ending(
    sandbox: &Sandbox,
    primary: &str,
    order: &str,
    shown: &Value,
) -> Result<Ending, String> {
    let effects = effects(sandbox, order);
    let captures: Vec<&str> = effects
        .iter()
        .filter(|effect| effect.kind == "capture")
        .map(|effect| effect.provider)
        .collect();
    let captured = match captures[..] {
        [] => "nobody",
        [provider] if provider == primary => "primary",
        [_] => "backup",
        _ => return Err(format!("captured {captures:?}")),
    };
    let state = shown["state"].as_str().unwrap_or_default();
    check(&effects, state)?;
    let mut dead: Vec<&str> = shown["process"]["effects"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|effect| effect["next"] == "dead")
        .filter_map(|effect| effect["kind"].as_str())
        .collect();
    dead.sort_unstable();
    if dead.is_empty() {
        dead.push("none");
    }
    let reason = shown["process"]["review_reason"].as_str();
    Ok(Ending {
        state: reason.map_or(state.into(), |reason| format!("{state} {reason}")),
        captured: captured.into(),
        dead: dead.join(", "),
    })
}

fn check(effects: &[Effect], state: &str) -> Result<(), String> {
    let (made, undone) = (objects(effects, "authorise"), objects(effects, "void"));
    let kept = made.difference(&undone).count();
    let captures = count(effects, "capture");
    if kept > 1 {
        return Err(format!("{kept} authorisations are kept"));
    }
    let labels = count(effects, "label") - count(effects, "label_void");
    if labels > 1 {
        return Err(format!("{labels} labels"));
    }
    let parcels = objects(effects, "wms_order").len();
    if parcels > 1 {
        return Err(format!("{parcels} orders at the warehouse"));
    }
    let paid = (captures, labels, parcels);
    if state == "COMPLETED" && paid != (1, 1, 1) {
        return Err(format!(
            "COMPLETED with (captures, labels, parcels) = {paid:?}"
        ));
    }
    if matches!(state, "DECLINED" | "EXPIRED" | "CANCELLED") && (captures, kept) != (0, 0) {
        return Err(format!(
            "{state} with {captures} captures, {kept} authorisations"
        ));
    }
    Ok(())
}
