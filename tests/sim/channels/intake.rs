//! Marketplaces tell what they sold; what the intake makes of it, behind the acknowledgement.

use super::market::Sold;
use super::run::{Asked, Event, Run, Says};
use onhand::engine::channel_event::command::{ChannelOrder, EventHead, Settlement};
use onhand::shard::local::{LocalAnswer, LocalRequest, NamedLine, OwnedDelivery, PlaceRequest};
use onhand::types::channel_event::EventFate;
use onhand::types::{ChannelId, CommandKey, OrderDetails, OrderKey, Policy, ResultCode, TenantId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The intake of one life of the process.
#[derive(Default)]
pub struct Intake {
    /// Events to be worked off, in the order of their records.
    pub todo: VecDeque<u128>,
    /// Orders of which an event is being worked off.
    pub busy: BTreeSet<OrderKey>,
    /// What each channel's events must be settled before its figures are raised.
    pub must: Vec<BTreeSet<u128>>,
    /// The event by which a marketplace's list tells of something.
    pub listed: BTreeMap<(OrderKey, bool), u128>,
}

/// The request of an order.
pub fn place(key: OrderKey, sold: &Sold, sku: &str, ttl_ms: u32) -> PlaceRequest {
    PlaceRequest {
        key,
        version: 1,
        customer: 7,
        channel: ChannelId(sold.channel),
        ttl_ms,
        mode: sold.mode,
        policy: Policy::AllOrNothing,
        currency: 978,
        total: 1_000,
        lines: vec![NamedLine {
            sku: sku.to_owned(),
            location: None,
            quantity: sold.units,
        }],
        details: Some(OrderDetails {
            email: "ana@example.com".to_owned(),
            country: "ES".to_owned(),
            ..OrderDetails::default()
        }),
    }
}

impl Says {
    pub(super) fn order(self) -> Option<OrderKey> {
        match self {
            Self::Sold(order) | Self::Cancelled(order) => Some(order),
            Self::Privacy => None,
        }
    }
}

impl Run {
    /// A marketplace has something to tell, under a new id.
    pub(super) fn new_event(&mut self, market: usize, says: Says) -> u128 {
        let event = self.events.len() as u128 + 1;
        let acknowledged = false;
        self.events.insert(
            event,
            Event {
                market,
                says,
                acknowledged,
            },
        );
        event
    }

    /// It tells after a while, perhaps twice, perhaps by two events, perhaps never.
    pub(super) fn tell(&mut self, market: usize, says: Says) {
        let event = self.new_event(market, says);
        let late_ms = *self.faults.pick(&[20, 20, 20, 200, 3_000]);
        let due_ms = self.now_ms + self.faults.between(1, late_ms);
        if !self.well && self.faults.chance(self.markets[market].loses_per_mille) {
            self.coverage.events_lost += 1;
            return;
        }
        self.mail.push((due_ms, event, false));
        if self.faults.chance(100) {
            let again_ms = due_ms + self.faults.between(1, 2_000);
            self.mail.push((again_ms, event, true));
        }
        if self.faults.chance(100) {
            let other = self.new_event(market, says);
            self.mail.push((due_ms + 1, other, false));
        }
    }

    /// Events arrive that are due; what is not acknowledged comes again.
    pub(super) fn deliver(&mut self) {
        let now_ms = self.now_ms;
        let mut mail = std::mem::take(&mut self.mail);
        mail.sort_unstable();
        let due = mail.partition_point(|(due_ms, ..)| *due_ms <= now_ms);
        let later = mail.split_off(due);
        for (_, event, again) in mail {
            let Event {
                market,
                says,
                acknowledged,
            } = self.events[&event];
            if acknowledged && !again {
                continue;
            }
            let delivery = OwnedDelivery {
                channel: ChannelId(self.markets[market].number),
                events: vec![EventHead {
                    event,
                    topic: format!("{says:?}").chars().take(12).collect(),
                }],
                head: String::new(),
                body: format!("{says:?}").into_bytes(),
            };
            self.ask(LocalRequest::Event(delivery), Asked::Received(event));
            let again_ms = now_ms + self.faults.between(500, 4_000);
            if !again {
                self.mail.push((again_ms, event, false));
            }
        }
        self.mail.extend(later);
    }

    /// A marketplace is asked for its orders: what was not told comes by the list.
    pub(super) fn list_orders(&mut self, market: usize) -> BTreeSet<u128> {
        let number = self.markets[market].number;
        let mut untold = Vec::new();
        for (key, sold) in self.orders.iter().filter(|(_, it)| it.channel == number) {
            if !sold.told {
                untold.push((*key, false));
            }
            if sold.cancelled && !sold.cancel_told {
                untold.push((*key, true));
            }
        }
        let mut listed = BTreeSet::new();
        for (key, cancelled) in untold {
            let known = self.intake.listed.get(&(key, cancelled)).copied();
            let event = known.unwrap_or_else(|| {
                let says = if cancelled {
                    Says::Cancelled(key)
                } else {
                    Says::Sold(key)
                };
                self.new_event(market, says)
            });
            self.intake.listed.insert((key, cancelled), event);
            self.mail.push((self.now_ms, event, false));
            listed.insert(event);
        }
        listed
    }

    /// What a channel sold while nobody listened is known to the shard.
    pub(super) fn is_caught_up(&self, market: usize) -> bool {
        let is_settled = |event: &u128| {
            let waits = self.engine().channel_event(TenantId(0), *event);
            let open = waits.is_some_and(|it| it.fate == EventFate::Open);
            self.events[event].acknowledged && !open
        };
        self.intake.must[market].iter().all(is_settled)
    }

    /// Begins some events, of each order one at a time.
    pub(super) fn work_off(&mut self) {
        let mut put_back = VecDeque::new();
        for _ in 0..self.schedule.between(1, 6) {
            let Some(event) = self.intake.todo.pop_front() else {
                break;
            };
            let says = self.events[&event].says;
            if let Some(order) = says.order()
                && !self.intake.busy.insert(order)
            {
                put_back.push_back(event);
                continue;
            }
            match says {
                Says::Sold(key) => {
                    let sold = &self.orders[&key];
                    let place = place(key, sold, super::market::SKUS[sold.sku], 600_000);
                    self.ask(LocalRequest::Place(Box::new(place)), Asked::Placed(event));
                }
                Says::Cancelled(order) => {
                    let cancel = LocalRequest::CancelAhead {
                        key: CommandKey(event << 64),
                        order,
                        reason: "simulated".to_owned(),
                    };
                    self.ask(cancel, Asked::Cancelled(event));
                }
                Says::Privacy => self.settle(event, EventFate::Parked),
            }
        }
        // In their order, behind what is being worked off.
        while let Some(event) = put_back.pop_back() {
            self.intake.todo.push_front(event);
        }
    }

    pub(super) fn settle(&mut self, event: u128, fate: EventFate) {
        let order = self.events[&event].says.order().unwrap_or(OrderKey(0));
        let cancelled = matches!(self.events[&event].says, Says::Cancelled(_));
        let settlement = Settlement {
            event,
            fate,
            order,
            state: ChannelOrder {
                changed_ms: self.now_ms,
                content: 1,
                version: 1,
                cancelled,
            },
            note: String::new(),
        };
        self.ask(
            LocalRequest::EventSettled(settlement),
            Asked::Settled(event),
        );
    }

    /// Answers about events.
    pub(super) fn hear_of_event(&mut self, asked: Asked, answer: LocalAnswer) {
        match (asked, answer) {
            (Asked::Received(event), LocalAnswer::Command(outcome)) => {
                assert_eq!(outcome.code, ResultCode::Ok, "event {event}");
                self.coverage.events_repeated += u64::from(outcome.replayed);
                self.acknowledge(event);
            }
            (Asked::Placed(event), LocalAnswer::Placed(outcome)) => {
                let fate = match outcome.code {
                    ResultCode::Ok if outcome.replayed => EventFate::Duplicate,
                    ResultCode::Ok => EventFate::Applied,
                    ResultCode::InsufficientStock | ResultCode::QuotaExhausted => {
                        let market = self.events[&event].market;
                        assert!(!self.markets[market].counts, "a sale is never refused");
                        self.coverage.carts_refused += u64::from(!outcome.replayed);
                        EventFate::Quarantined
                    }
                    code => panic!("event {event} is answered {code:?}"),
                };
                self.coverage.events_duplicate += u64::from(fate == EventFate::Duplicate);
                self.settle(event, fate);
            }
            (Asked::Cancelled(event), LocalAnswer::Command(outcome)) => {
                self.coverage.cancelled_ahead += u64::from(outcome.state.is_none());
                let done = outcome.code == ResultCode::Ok;
                let fate = if done {
                    EventFate::Applied
                } else {
                    EventFate::Quarantined
                };
                self.settle(event, fate);
            }
            (Asked::Settled(event), LocalAnswer::Command(outcome)) => {
                assert!(
                    matches!(outcome.code, ResultCode::Ok | ResultCode::UnknownEvent),
                    "event {event} is settled with {:?}",
                    outcome.code
                );
                if let Some(order) = self.events[&event].says.order() {
                    self.intake.busy.remove(&order);
                }
            }
            (asked, answer) => panic!("{asked:?} is answered {answer:?}"),
        }
    }

    fn acknowledge(&mut self, event: u128) {
        let known = self.events.get_mut(&event).expect("an event of this run");
        known.acknowledged = true;
        let says = known.says;
        let Some(order) = says.order() else {
            return;
        };
        let sold = self.orders.get_mut(&order).expect("a marketplace's order");
        match says {
            Says::Cancelled(_) => sold.cancel_told = true,
            _ => sold.told = true,
        }
    }
}
