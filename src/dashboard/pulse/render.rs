//! A tenant's figures as the sections of a frame. `docs/DASHBOARD.md` says what each one means.

use super::channels::Publishing;
use super::frame::Section;
use super::registry::{Latencies, Latency};
use super::sale::round;
use super::shard::BreakerNow;
use super::tenant::{Node, Tenant};
use crate::types::OrderState;
use crate::types::effect::Lane;
use serde_json::{Map, Value, json};

/// What frames of all tenants have in common.
pub struct Shown<'a> {
    /// The time that the figures are of, in milliseconds since the Unix epoch.
    pub as_of_ms: u64,
    /// Records not read yet, and the age of the newest one read, in milliseconds.
    pub behind: (u64, u64),
    /// Sections that come once a second are due.
    pub slow: bool,
    pub providers: &'a [String],
    pub breakers: &'a [BreakerNow],
    pub open_holds: Option<u64>,
    /// The tenant is known, and followed.
    pub followed: bool,
    /// Orders that are not in the journal; none: not known yet.
    pub lost: Option<u64>,
    pub yours: &'a Latency,
    pub sold_out: &'a Latency,
    /// By provider: how long calls wait until they leave.
    pub waits: &'a Latencies,
    pub publishing: &'a Publishing,
    /// A journal could not be read: the figures stand still.
    pub stopped: bool,
}

/// The sections that are due, the important ones first.
pub fn sections(tenant: &mut Tenant, shown: &Shown<'_>, news_sent: &mut u64) -> Vec<Section> {
    let now_ms = shown.as_of_ms;
    let second = now_ms / 1_000;
    let (new, all, last) = tenant.news.frame(*news_sent);
    *news_sent = last;
    let news = Section {
        name: "news".into(),
        delta: Value::Array(new),
        whole: Some(Value::Array(all)),
    };
    let behind = json!({
        "records": shown.behind.0,
        "ms": shown.behind.1,
        "stopped": shown.stopped,
    });
    let mut sections = vec![
        news,
        Section::new("behind", behind),
        Section::new("sale", sale(tenant, shown)),
        Section::new("states", states(tenant)),
        Section::new("systems", systems(tenant, shown)),
        Section::new("flows", flows(tenant, second)),
        Section::new("retries", tenant.calls.retries(now_ms, shown.providers)),
    ];
    let (last, all) = tenant.sale.ticks(second);
    let last = if shown.slow { vec![last] } else { Vec::new() };
    sections.push(Section {
        name: "ticks".into(),
        delta: Value::Array(last),
        whole: Some(Value::Array(all)),
    });
    if shown.slow {
        sections.push(Section::new("skus", tenant.sale.skus(second)));
        sections.push(Section::new("latency", latency(shown)));
        let channels = tenant.channels.json(now_ms, shown.publishing);
        sections.push(Section::new("channels", channels));
        sections.push(Section::new("dwell", dwell(tenant, now_ms)));
        sections.extend(providers(tenant, shown));
    }
    sections
}

fn sale(tenant: &Tenant, shown: &Shown<'_>) -> Value {
    let (now, _) = tenant.sale.ticks(shown.as_of_ms / 1_000);
    let (oversold, sure) = tenant.sale.oversold();
    json!({
        "followed": shown.followed,
        "now": now,
        "total": tenant.sale.total(),
        // What is not known is not zero.
        "oversold": (shown.followed && (sure || oversold > 0)).then_some(oversold),
        "at_least": !sure,
        "lost": shown.lost.filter(|_| shown.followed),
    })
}

fn states(tenant: &Tenant) -> Value {
    let held = tenant.states.iter().filter(|(_, count)| **count > 0);
    let members = held.map(|(state, count)| (state.name().to_owned(), json!(count)));
    Value::Object(members.collect())
}

fn systems(tenant: &mut Tenant, shown: &Shown<'_>) -> Value {
    let second = shown.as_of_ms / 1_000;
    let in_states = |states: &[OrderState]| -> i64 {
        let count = |state| tenant.states.get(state).copied().unwrap_or_default();
        states.iter().map(count).map(|count| count.max(0)).sum()
    };
    let fraud = in_states(&[OrderState::FraudCheck]);
    let payment = in_states(&[OrderState::Payment]);
    let fulfilment = in_states(&[
        OrderState::Webhook,
        OrderState::Confirmed,
        OrderState::Fulfilling,
    ]);
    let review = in_states(&[OrderState::Review]);
    let (now, _) = tenant.sale.ticks(second);
    let rate = |place: usize| now.get(place).and_then(Value::as_u64).unwrap_or_default();
    let offered = rate(1);
    let mut systems = Map::new();
    systems.insert(
        Node::Intake.name().to_owned(),
        json!({
            "live": shown.open_holds,
            "rate": offered,
            "errors": (offered > 0).then(|| round(rate(4) as f64 / offered as f64 * 100.0) / 100.0),
            "p50": shown.yours.quantile_ms(0.5).map(two_digits),
            "p99": shown.yours.quantile_ms(0.99).map(two_digits),
            "lag": shown.behind.1,
        }),
    );
    let lanes = [
        (Node::Fraud, Lane::Fraud, Some(fraud)),
        (Node::Payment, Lane::Payment, Some(payment)),
        (Node::Fulfilment, Lane::Fulfilment, Some(fulfilment)),
        (Node::Crm, Lane::Crm, None),
        (Node::Notification, Lane::Notification, None),
    ];
    for (node, lane, orders) in lanes {
        let mut shown_lane = tenant.calls.lane(lane, shown.as_of_ms);
        let calls = tenant.calls.live(lane);
        if let Value::Object(members) = &mut shown_lane {
            let live = orders.map_or_else(|| json!(calls), |orders| json!(orders));
            members.insert("live".to_owned(), live);
            members.insert("calls".to_owned(), json!(calls));
        }
        systems.insert(node.name().to_owned(), shown_lane);
    }
    systems.insert(Node::Review.name().to_owned(), json!({ "live": review }));
    Value::Object(systems)
}

/// Milliseconds of a latency: two digits behind the point.
fn two_digits(ms: f64) -> f64 {
    (ms * 100.0).round() / 100.0
}

fn flows(tenant: &Tenant, second: u64) -> Value {
    let moving = tenant.moves.iter().filter_map(|((from, to), rate)| {
        let rate = rate.per_second(second);
        (rate > 0.0).then(|| (format!("{}>{}", from.name(), to.name()), json!(round(rate))))
    });
    Value::Object(moving.collect())
}

fn latency(shown: &Shown<'_>) -> Value {
    let of = |latency: &Latency| {
        json!({
            "p50": latency.quantile_ms(0.5).map(two_digits),
            "p99": latency.quantile_ms(0.99).map(two_digits),
        })
    };
    json!({ "yours": of(shown.yours), "sold_out": of(shown.sold_out) })
}

/// One section a provider, so that a frame has room for some where it has none for all. Another one
/// is the first each time.
fn providers(tenant: &mut Tenant, shown: &Shown<'_>) -> Vec<Section> {
    let count = shown.providers.len().max(1);
    let first = usize::try_from(shown.as_of_ms / 1_000).unwrap_or(0) % count;
    let mut all = Vec::with_capacity(count);
    let places = shown.providers.iter().enumerate();
    for (place, name) in places.cycle().skip(first).take(shown.providers.len()) {
        let mut one = tenant.calls.provider_json(place, shown.as_of_ms);
        let breaker = shown.breakers.get(place).copied().unwrap_or_default();
        let wait = shown
            .waits
            .get(name)
            .and_then(|wait| wait.quantile_ms(0.99));
        if let Value::Object(members) = &mut one {
            let state = json!({
                "state": breaker.state.name(),
                "until": breaker.until_ms,
                "failures": breaker.failures,
            });
            members.insert("breaker".to_owned(), state);
            members.insert("wait".to_owned(), json!(wait.map(two_digits)));
        }
        all.push(Section::new(format!("provider:{name}"), one));
    }
    all
}

fn dwell(tenant: &mut Tenant, now_ms: u64) -> Value {
    let mut all = Map::new();
    for (state, durations) in &mut tenant.dwell {
        if let Some((count, median, last)) = durations.percentiles(now_ms) {
            let row = json!({ "n": count, "p50": median, "p99": last });
            all.insert(state.name().to_owned(), row);
        }
    }
    Value::Object(all)
}
