//! One load sent to one system: how soon it answers, decides, and tells the customer, and whether
//! its books are right.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};
use onhand::clock::{monotonic_ns, sleep_ms};

use super::load::Load;
use super::messages::Messages;
use crate::channels::sender::{Sent, send};
use crate::channels::stand::runtime;
use crate::tally::{Latency, LatencySummary};

/// Longest wait behind the last delivery for decisions, and then for messages, in nanoseconds.
const WAIT_NS_MAX: u64 = 120_000_000_000;

/// Between two looks at the messages, in milliseconds.
const LOOK_MS: u64 = 100;

/// How long nothing may be told before it counts as told, in milliseconds: a message that comes
/// twice is to be seen.
const QUIET_MS: u64 = 1_000;

/// A system under comparison.
pub trait System: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Where webhooks are sent.
    fn http(&self) -> SocketAddr;

    /// The sandbox by which it tells customers.
    fn sandbox(&self) -> SocketAddr;

    /// Puts units of a new SKU on hand.
    fn put_on_hand(&self, sku: &str, units: u32) -> Result<()>;

    /// Waits until the stock of every watched order is decided durably, `wait` is over, or `stop`
    /// is set; returns when each was, by the monotonic clock.
    fn decided_ns(&self, load: &Load, wait: &Wait) -> Result<Vec<Option<u64>>>;

    /// What it has in its books about the load.
    fn books(&self, load: &Load) -> Result<Books>;
}

/// How long to wait.
pub struct Wait {
    end_ns: u64,
    stop: AtomicBool,
}

impl Wait {
    fn new(load: &Load) -> Self {
        let sending_ns = load.plan.count as u64 * load.plan.gap_ns;
        Self {
            end_ns: monotonic_ns() + sending_ns + WAIT_NS_MAX,
            stop: AtomicBool::new(false),
        }
    }

    /// Nobody waits any longer.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || monotonic_ns() > self.end_ns
    }
}

/// A system's own account of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Books {
    /// Orders that it has.
    pub known: u64,
    /// Orders that it confirmed.
    pub confirmed: u64,
    /// Units that it counts for all of them, those that it has not included.
    pub counted: u64,
}

/// What was measured.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Measured {
    /// Deliveries sent.
    pub deliveries: usize,
    /// Different orders among them, of one unit each.
    pub orders: usize,
    /// Units that there were.
    pub units: u32,
    /// From the intended time to the answer, in microseconds.
    pub answer_us: LatencySummary,
    /// Answers 503.
    pub busy: u64,
    /// From the first request to the last answer.
    pub answered_s: f64,
    /// From the intended time until the stock decision was durable, in microseconds.
    pub decided_us: LatencySummary,
    /// Orders watched for that.
    pub watched: usize,
    /// Of these, decided.
    pub decided: usize,
    /// From the intended time until the customer was told, in microseconds.
    pub told_us: LatencySummary,
    /// Customers told.
    pub told: u64,
    /// Messages beyond one a customer.
    pub told_again: u64,
    /// By its own account.
    pub books: Books,
}

impl Measured {
    /// Orders that the system does not have.
    pub fn lost(&self) -> u64 {
        (self.orders as u64).saturating_sub(self.books.known)
    }

    /// Units promised to customers beyond what there was.
    pub fn oversold(&self) -> u64 {
        let promised = self.books.confirmed.max(self.told);
        promised.saturating_sub(u64::from(self.units))
    }

    /// Orders counted and customers told more than once.
    pub fn duplicates(&self) -> u64 {
        self.books.counted.saturating_sub(self.books.known) + self.told_again
    }

    /// Every order is there once, every unit is sold once, and exactly its buyers were told.
    pub fn is_right(&self) -> bool {
        let wanted = u64::from(self.units).min(self.orders as u64);
        self.lost() + self.oversold() + self.duplicates() == 0
            && (self.books.confirmed, self.told) == (wanted, wanted)
            && self.decided == self.watched
    }
}

/// Sends the load and waits for all that becomes of it.
pub fn run(system: &dyn System, load: &Load) -> Result<Measured> {
    eprintln!(
        "peer: {}: {} deliveries of {} orders for {} units",
        system.name(),
        load.plan.count,
        load.orders.len(),
        load.units
    );
    system.put_on_hand(&load.sku, load.units)?;
    let mut messages = Messages::new(system.sandbox())?;
    let wait = Wait::new(load);
    let (sent, decided) = std::thread::scope(|scope| {
        let decided = scope.spawn(|| system.decided_ns(load, &wait));
        let sent = deliver(system.http(), load);
        if sent.is_err() {
            wait.stop.store(true, Ordering::Relaxed);
        }
        (sent, decided.join())
    });
    let sent = sent?;
    let decided = decided.map_err(|_| anyhow!("watching the decisions failed"))??;
    let told = told(&mut messages, load, sent.start_ms)?;
    let mut decided_after = Latency::default();
    let watched = load.watched();
    for (order, at_ns) in watched.iter().zip(&decided) {
        if let Some(at_ns) = at_ns {
            let due_ns = sent.start_ns + load.due_ns(order);
            decided_after.record(at_ns.saturating_sub(due_ns), 1);
        }
    }
    Ok(Measured {
        deliveries: load.plan.count,
        orders: load.orders.len(),
        units: load.units,
        answer_us: sent.latency(),
        busy: sent.busy,
        answered_s: sent.seconds,
        decided_us: decided_after.summary(),
        watched: watched.len(),
        decided: decided.iter().flatten().count(),
        told_us: told.after.summary(),
        told: told.customers,
        told_again: told.again,
        books: system.books(load)?,
    })
}

fn deliver(http: SocketAddr, load: &Load) -> Result<Sent> {
    let deliveries: Arc<[_]> = load.deliveries.clone().into();
    runtime()?.block_on(send(load.plan, move |client, number| {
        #[allow(clippy::indexing_slicing)] // the plan counts as many as there are
        deliveries[number % deliveries.len()].request(client, http)
    }))
}

/// What customers were told.
#[derive(Default)]
struct Told {
    after: Latency,
    customers: u64,
    again: u64,
}

/// Waits until as many customers were told as there are units, and no message came for a while.
fn told(messages: &mut Messages, load: &Load, start_ms: u64) -> Result<Told> {
    let due_ms: HashMap<&str, u64> = load
        .orders
        .iter()
        .map(|order| {
            let due_ms = start_ms + load.due_ns(order) / 1_000_000;
            (order.phone.as_str(), due_ms)
        })
        .collect();
    let mut first_ms: HashMap<String, u64> = HashMap::new();
    let mut told = Told::default();
    let mut last_ns = monotonic_ns();
    let end_ns = last_ns + WAIT_NS_MAX;
    loop {
        for message in messages.newer()? {
            last_ns = monotonic_ns();
            let Some(due_ms) = due_ms.get(message.to.as_str()) else {
                continue; // of the load before
            };
            if first_ms.contains_key(&message.to) {
                told.again += 1;
                continue;
            }
            let after_ms = message.at_ms.saturating_sub(*due_ms);
            told.after.record(after_ms * 1_000_000, 1);
            first_ms.insert(message.to, message.at_ms);
        }
        told.customers = first_ms.len() as u64;
        let quiet = monotonic_ns() - last_ns > QUIET_MS * 1_000_000;
        let all = told.customers >= u64::from(load.units);
        if (quiet && all) || monotonic_ns() > end_ns {
            return Ok(told);
        }
        sleep_ms(LOOK_MS);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A load of 20 deliveries that went as it should.
    pub fn right() -> Measured {
        Measured {
            deliveries: 20,
            orders: 19,
            units: 17,
            watched: 19,
            decided: 19,
            told: 17,
            books: Books {
                known: 19,
                confirmed: 17,
                counted: 19,
            },
            ..Measured::default()
        }
    }

    #[test]
    fn what_is_lost_oversold_or_done_twice_is_counted_and_wrong() {
        assert!(right().is_right());
        let with = |change: fn(&mut Measured)| {
            let mut one = right();
            change(&mut one);
            assert!(!one.is_right());
            [one.lost(), one.oversold(), one.duplicates()]
        };
        assert_eq!(with(|it| it.books.known = 18), [1, 0, 1]);
        assert_eq!(with(|it| it.books.confirmed = 19), [0, 2, 0]);
        assert_eq!(with(|it| it.told = 18), [0, 1, 0]);
        assert_eq!(with(|it| it.told_again = 3), [0, 0, 3]);
        assert_eq!(with(|it| it.books.counted = 20), [0, 0, 1]);
        assert_eq!(with(|it| it.decided = 18), [0, 0, 0]);
        assert_eq!(with(|it| it.told = 16), [0, 0, 0], "somebody was not told");
    }
}
