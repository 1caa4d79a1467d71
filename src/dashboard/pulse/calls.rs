//! Calls to providers: how many are out, how fast they answer, which fail, and which wait for
//! their next attempt.

use super::news::News;
use super::sale::round;
use super::window::{Durations, Rate};
use crate::engine::record::{EffectEnded, EffectStarted};
use crate::limits::DASHBOARD_CALLS_MAX;
use crate::types::OrderKey;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Lane, Milestone};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Waits for a next attempt that are shown.
const RETRIES_SHOWN: usize = 10;

/// Failures of a provider that are shown.
const ERRORS_KEPT: usize = 5;

/// A wait that was due so long ago ended without a record of its own, in milliseconds.
const OVERDUE_MS: u64 = 60_000;

/// One effect that is not over.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: EffectKind,
    provider: usize,
    attempt: u8,
    milestone: Option<Milestone>,
    /// When the next attempt is due; 0 while a call is out.
    due_ms: u64,
    /// When its first attempt left.
    since_ms: u64,
}

/// How calls of one group went.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    ended: Rate,
    failed: Rate,
    refused: Rate,
    declined: Rate,
    latency: Durations,
}

impl Traffic {
    fn count(&mut self, time_ms: u64, ended: &EffectEnded<'_>) {
        let second = time_ms / 1_000;
        self.ended.add(second, 1);
        let answer = match ended.class {
            EffectClass::Retry | EffectClass::Unknown => Some(&mut self.failed),
            EffectClass::Refused => Some(&mut self.refused),
            EffectClass::Declined => Some(&mut self.declined),
            _ => None,
        };
        if let Some(answer) = answer {
            answer.add(second, 1);
        }
        // Without an answer and a duration no call was made.
        if ended.latency_ms > 0 || ended.status > 0 {
            self.latency.record(time_ms, u64::from(ended.latency_ms));
        }
    }

    /// Rate, latency, and of the answers the shares that are errors of the provider, refusals of
    /// the request, and declined by the business.
    pub fn json(&mut self, now_ms: u64) -> Value {
        let second = now_ms / 1_000;
        let ended = self.ended.recent(second);
        let share = |some: &Rate| {
            let part = some.recent(second) as f64 / ended as f64;
            (ended > 0).then(|| (part * 1_000.0).round() / 1_000.0)
        };
        let latency = self.latency.percentiles(now_ms);
        json!({
            "rate": round(self.ended.per_second(second)),
            "errors": share(&self.failed),
            "refused": share(&self.refused),
            "declined": share(&self.declined),
            "p50": latency.map(|(_, median, _)| median),
            "p99": latency.map(|(_, _, last)| last),
        })
    }
}

/// What an operator wants to read: errors of the provider, and requests that it refuses. A declined
/// card is neither.
fn is_failure(class: EffectClass) -> bool {
    matches!(
        class,
        EffectClass::Retry | EffectClass::Unknown | EffectClass::Refused
    )
}

/// A failure as it is shown.
#[derive(Clone, Debug)]
struct Failure {
    at_ms: u64,
    kind: EffectKind,
    class: EffectClass,
    status: u16,
    order: OrderKey,
    text: String,
}

/// One provider's calls.
#[derive(Clone, Debug, Default)]
struct Provider {
    traffic: Traffic,
    out: u64,
    failures: VecDeque<Failure>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    open: HashMap<(OrderKey, u16), Open>,
    waits: BTreeSet<(u64, OrderKey, u16)>,
    lanes: HashMap<u8, Traffic>,
    /// By lane: from the first attempt to the end, waits and retries included.
    spent: HashMap<u8, Durations>,
    providers: Vec<Provider>,
}

/// A record's place in time and its provider's name, for texts.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    pub time_ms: u64,
    pub provider: usize,
    pub name: &'a str,
}

impl Calls {
    fn provider(&mut self, place: usize) -> Option<&mut Provider> {
        if place >= self.providers.len() && place < crate::limits::PROVIDERS_MAX * 4 {
            self.providers.resize_with(place + 1, Provider::default);
        }
        self.providers.get_mut(place)
    }

    /// A call leaves, or begins to wait.
    pub fn started(&mut self, heard: Heard<'_>, started: &EffectStarted<'_>) {
        let key = (started.order, started.number);
        let before = self.close(key);
        if before.is_none() && self.open.len() >= DASHBOARD_CALLS_MAX {
            return;
        }
        let open = Open {
            kind: started.kind,
            provider: heard.provider,
            attempt: started.attempt,
            milestone: started.milestone,
            due_ms: 0,
            since_ms: before.map_or(heard.time_ms, |open| open.since_ms),
        };
        self.open.insert(key, open);
        if let Some(provider) = self.provider(heard.provider) {
            provider.out += 1;
        }
    }

    /// Takes an effect out of everything that counts open ones.
    fn close(&mut self, key: (OrderKey, u16)) -> Option<Open> {
        let open = self.open.remove(&key)?;
        if open.due_ms > 0 {
            self.waits.remove(&(open.due_ms, key.0, key.1));
        } else if let Some(provider) = self.providers.get_mut(open.provider) {
            provider.out = provider.out.saturating_sub(1);
        }
        Some(open)
    }

    /// An attempt ended.
    pub fn ended(&mut self, heard: Heard<'_>, ended: &EffectEnded<'_>, news: &mut News) {
        let key = (ended.order, ended.number);
        let before = self.close(key);
        if ended.attempt > 0 {
            let lane = self.lanes.entry(ended.kind.lane() as u8).or_default();
            lane.count(heard.time_ms, ended);
            if let Some(provider) = self.provider(heard.provider) {
                provider.count(heard.time_ms, ended);
            }
        }
        if ended.next == EffectNext::RetryWait && self.open.len() < DASHBOARD_CALLS_MAX {
            let open = Open {
                kind: ended.kind,
                provider: heard.provider,
                attempt: ended.attempt,
                milestone: before.and_then(|open| open.milestone),
                due_ms: ended.due_ms,
                since_ms: before.map_or(heard.time_ms, |open| open.since_ms),
            };
            self.open.insert(key, open);
            self.waits.insert((ended.due_ms, ended.order, ended.number));
        }
        if let Some(open) = before.filter(|_| is_over(ended.next)) {
            let spent = self.spent.entry(ended.kind.lane() as u8).or_default();
            spent.record(heard.time_ms, heard.time_ms.saturating_sub(open.since_ms));
        }
        tell(heard, ended, before.and_then(|open| open.milestone), news);
    }

    /// Effects of a lane that are not over.
    pub fn live(&self, lane: Lane) -> u64 {
        self.open
            .values()
            .filter(|open| open.kind.lane() == lane)
            .count() as u64
    }

    /// Rate, errors and latency of a lane, and how long its calls take until they are over.
    pub fn lane(&mut self, lane: Lane, now_ms: u64) -> Value {
        let spent = self.spent.entry(lane as u8).or_default();
        let spent = spent.percentiles(now_ms);
        let mut shown = self.lanes.entry(lane as u8).or_default().json(now_ms);
        if let (Value::Object(members), Some((count, median, last))) = (&mut shown, spent) {
            let spent = json!({ "n": count, "p50": median, "p99": last });
            members.insert("spent".to_owned(), spent);
        }
        shown
    }

    /// The waits that end next.
    pub fn retries(&mut self, now_ms: u64, names: &[String]) -> Value {
        let gone = now_ms.saturating_sub(OVERDUE_MS);
        while let Some(&(due_ms, order, number)) = self.waits.first()
            && due_ms < gone
        {
            self.close((order, number));
        }
        let rows = self.waits.iter().take(RETRIES_SHOWN);
        let rows = rows.filter_map(|(due_ms, order, number)| {
            let open = self.open.get(&(*order, *number))?;
            Some(json!({
                "order": order.to_string(),
                "effect": number,
                "kind": open.kind.name(),
                "provider": names.get(open.provider),
                "attempt": open.attempt,
                "due": due_ms,
            }))
        });
        let rows: Vec<Value> = rows.collect();
        json!({ "waiting": self.waits.len(), "next": rows })
    }

    /// One provider: traffic, calls out, latest failures.
    pub fn provider_json(&mut self, place: usize, now_ms: u64) -> Value {
        let Some(provider) = self.provider(place) else {
            return Value::Null;
        };
        let mut shown = provider.traffic.json(now_ms);
        let failures = provider.failures.iter().rev().map(Failure::json);
        if let Value::Object(members) = &mut shown {
            members.insert("out".to_owned(), json!(provider.out));
            members.insert("failures".to_owned(), failures.collect());
        }
        shown
    }
}

impl Provider {
    fn count(&mut self, time_ms: u64, ended: &EffectEnded<'_>) {
        self.traffic.count(time_ms, ended);
        let fresh = self
            .failures
            .back()
            .is_none_or(|last| last.at_ms + 250 < time_ms);
        if is_failure(ended.class) && fresh {
            self.failures.push_back(Failure {
                at_ms: time_ms,
                kind: ended.kind,
                class: ended.class,
                status: ended.status,
                order: ended.order,
                text: cause(ended),
            });
            if self.failures.len() > ERRORS_KEPT {
                self.failures.pop_front();
            }
        }
    }
}

impl Failure {
    fn json(&self) -> Value {
        json!({
            "at": self.at_ms,
            "kind": self.kind.name(),
            "class": self.class.name(),
            "status": self.status,
            "order": self.order.to_string(),
            "text": self.text,
        })
    }
}

/// Nothing follows any more.
fn is_over(next: EffectNext) -> bool {
    matches!(
        next,
        EffectNext::Done
            | EffectNext::Failed
            | EffectNext::Dead
            | EffectNext::Abandoned
            | EffectNext::Discarded
    )
}

fn cause(ended: &EffectEnded<'_>) -> String {
    let said = format!("{} {}", ended.code, ended.message);
    said.trim().chars().take(100).collect()
}

/// What of an attempt's end is news.
fn tell(heard: Heard<'_>, ended: &EffectEnded<'_>, milestone: Option<Milestone>, news: &mut News) {
    let order = || Some(ended.order.to_string());
    let kind = ended.kind.name().replace('_', " ");
    let name = heard.name;
    match (ended.next, ended.kind) {
        (EffectNext::RetryWait, _) if ended.attempt > 0 => {
            news.add(heard.time_ms, "retry", order(), || {
                let wait_s = ended.due_ms.saturating_sub(heard.time_ms) as f64 / 1_000.0;
                let (attempt, cause) = (ended.attempt, cause(ended));
                format!(
                    "{kind} at {name}: attempt {attempt} failed ({cause}), next in {wait_s:.0} s"
                )
            });
        }
        (EffectNext::Dead, _) => news.add(heard.time_ms, "dead_letter", order(), || {
            format!("{kind} at {name} gave up after {} attempts", ended.attempt)
        }),
        (EffectNext::Done, EffectKind::Notify) => {
            // Confirmations go out with every order; these tell of trouble.
            let milestone = milestone.filter(|one| is_trouble(*one));
            if let Some(milestone) = milestone {
                news.add(heard.time_ms, "message", order(), || {
                    format!("customer told by {name}: {}", milestone.name())
                });
            }
        }
        (EffectNext::Done, EffectKind::Alert) => news.add(heard.time_ms, "alert", order(), || {
            format!("team alerted by {name}")
        }),
        _ => {}
    }
}

fn is_trouble(milestone: Milestone) -> bool {
    matches!(
        milestone,
        Milestone::Delayed
            | Milestone::Declined
            | Milestone::Cancelled
            | Milestone::Refunded
            | Milestone::ActionRequired
            | Milestone::Expired
            | Milestone::AddressMissing
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TenantId;
    use crate::types::effect::ProviderId;

    fn ended(class: EffectClass, next: EffectNext) -> EffectEnded<'static> {
        EffectEnded {
            order: OrderKey(1),
            tenant: TenantId(0),
            number: 1,
            kind: EffectKind::PaymentAuthorise,
            provider: ProviderId(0),
            attempt: 1,
            class,
            next,
            counted: false,
            due_ms: 0,
            latency_ms: 5,
            status: 200,
            amount: 0,
            currency: 0,
            score: u8::MAX,
            reference: "",
            code: "",
            message: "",
        }
    }

    #[test]
    fn a_declined_card_and_a_refused_request_are_no_errors_of_the_provider() {
        let mut traffic = Traffic::default();
        let classes = [
            EffectClass::Done,
            EffectClass::Declined,
            EffectClass::Refused,
            EffectClass::Retry,
            EffectClass::Unknown,
        ];
        for class in classes {
            traffic.count(1_000_000, &ended(class, EffectNext::Done));
        }
        let shown = traffic.json(1_001_000);
        assert_eq!(shown["errors"], 0.4, "{shown}");
        assert_eq!(
            (&shown["refused"], &shown["declined"]),
            (&json!(0.2), &json!(0.2))
        );
        let nothing = traffic.json(2_000_000);
        assert!(nothing["errors"].is_null(), "{nothing}");
    }
}
