//! Everything that the dashboard shows about one tenant.

use super::calls::{Calls, Heard};
use super::channels::Channels;
use super::news::News;
use super::sale::Sale;
use super::window::{Durations, Rate};
use crate::engine::record::{OrderMoved, ProcessRecord, Record};
use crate::limits::DASHBOARD_DWELL_ORDERS_MAX;
use crate::types::effect::Lane;
use crate::types::process::ProcessEvent;
use crate::types::{OrderKey, OrderState, TenantId};
use std::collections::{BTreeMap, HashMap};

/// Where orders are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    Intake,
    Fraud,
    Payment,
    Fulfilment,
    Crm,
    Notification,
    Review,
    Done,
}

impl Node {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Fraud => "fraud",
            Self::Payment => "payment",
            Self::Fulfilment => "fulfilment",
            Self::Crm => "crm",
            Self::Notification => "notification",
            Self::Review => "review",
            Self::Done => "done",
        }
    }

    /// Where an order in this state is.
    pub fn of(state: OrderState) -> Self {
        match state {
            OrderState::Held | OrderState::Backordered => Self::Intake,
            OrderState::FraudCheck => Self::Fraud,
            OrderState::Payment => Self::Payment,
            OrderState::Review => Self::Review,
            OrderState::Webhook
            | OrderState::Confirmed
            | OrderState::Fulfilling
            | OrderState::Shipped
            | OrderState::Delivered => Self::Fulfilment,
            _ => Self::Done,
        }
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    /// Its number in each shard that has it.
    pub numbers: BTreeMap<u16, TenantId>,
    pub sale: Sale,
    pub calls: Calls,
    pub news: News,
    /// Orders in process by state.
    pub states: BTreeMap<OrderState, i64>,
    /// How long orders stayed in each state.
    pub dwell: BTreeMap<OrderState, Durations>,
    /// Orders that went from one node to another.
    pub moves: BTreeMap<(Node, Node), Rate>,
    pub channels: Channels,
    since: HashMap<OrderKey, u64>,
}

/// Where a record stands, and the names that it needs.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    pub shard: u16,
    pub sequence: u64,
    pub time_ms: u64,
    /// Places of the shard's providers among all, by number.
    pub places: &'a [usize],
    /// Names of all providers.
    pub names: &'a [String],
}

impl<'a> At<'a> {
    fn heard(&self, provider: crate::types::effect::ProviderId) -> Heard<'a> {
        let place = self.places.get(usize::from(provider.0));
        let place = place.copied().unwrap_or(usize::MAX);
        Heard {
            time_ms: self.time_ms,
            provider: place,
            name: self.names.get(place).map_or("", String::as_str),
        }
    }
}

impl Tenant {
    /// Takes one record about it.
    pub fn take(&mut self, at: &At<'_>, record: &Record<'_>) {
        let second = at.time_ms / 1_000;
        match record {
            Record::OrderAccepted(order) => self.sale.accepted(at.shard, second, order),
            Record::OrderRejected(order) => self.sale.rejected(second, order),
            Record::Process(ProcessRecord::Oversold(oversold)) => {
                for line in oversold.lines.iter() {
                    self.sale.shortage((at.shard, line.sku), at.sequence);
                }
            }
            Record::Process(ProcessRecord::Moved(moved)) => self.moved(at, moved),
            Record::Process(ProcessRecord::Started(started)) => {
                self.calls.started(at.heard(started.provider), started);
                let node = match started.kind.lane() {
                    Lane::Crm => Node::Crm,
                    Lane::Notification => Node::Notification,
                    _ => return,
                };
                self.flow(Node::Fulfilment, node, second);
            }
            Record::Process(ProcessRecord::Ended(ended)) => {
                let heard = at.heard(ended.provider);
                self.calls.ended(heard, ended, &mut self.news);
            }
            _ => {}
        }
    }

    fn flow(&mut self, from: Node, to: Node, second: u64) {
        self.moves.entry((from, to)).or_default().add(second, 1);
    }

    fn moved(&mut self, at: &At<'_>, moved: &OrderMoved<'_>) {
        let (from, to) = (moved.from, moved.to);
        self.tell(at, moved);
        if from == Some(to) {
            return;
        }
        if let Some(from) = from.filter(|from| !from.is_terminal()) {
            *self.states.entry(from).or_default() -= 1;
        }
        if !to.is_terminal() {
            *self.states.entry(to).or_default() += 1;
        }
        let before = self.since.remove(&moved.order);
        if let (Some(since_ms), Some(from)) = (before, from) {
            let stayed_ms = at.time_ms.saturating_sub(since_ms);
            let dwell = self.dwell.entry(from).or_default();
            dwell.record(at.time_ms, stayed_ms);
        }
        if !to.is_terminal() && self.since.len() < DASHBOARD_DWELL_ORDERS_MAX {
            self.since.insert(moved.order, at.time_ms);
        }
        let from = from.map_or(Node::Intake, Node::of);
        let to = Node::of(to);
        if from != to {
            self.flow(from, to, at.time_ms / 1_000);
        }
    }

    fn tell(&mut self, at: &At<'_>, moved: &OrderMoved<'_>) {
        let order = || Some(moved.order.to_string());
        let processor = at.heard(moved.image.processor).name;
        let (kind, text): (_, Box<dyn FnOnce() -> String + '_>) = match moved.event {
            ProcessEvent::PaymentFailedOver => (
                "failover",
                Box::new(|| match processor {
                    "" => said("payment goes on at the next processor", moved.note),
                    processor => format!("payment goes on at {processor}"),
                }),
            ),
            ProcessEvent::ReviewApproved => ("decision", Box::new(|| said("approved", moved.note))),
            ProcessEvent::ReviewDeclined => ("decision", Box::new(|| said("declined", moved.note))),
            ProcessEvent::CancelRequested => {
                ("decision", Box::new(|| said("cancelled", moved.note)))
            }
            ProcessEvent::AbandonedAttemptPaid => (
                "failover",
                Box::new(|| "an attempt given up turned out paid; its money goes back".to_owned()),
            ),
            _ if moved.to == OrderState::Review && moved.from != Some(OrderState::Review) => {
                let reason = moved.image.review.name().replace('_', " ");
                (
                    "review",
                    Box::new(move || format!("a person has to decide: {reason}")),
                )
            }
            _ => return,
        };
        self.news.add(at.time_ms, kind, order(), text);
    }
}

fn said(what: &str, note: &str) -> String {
    if note.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {note}")
    }
}
