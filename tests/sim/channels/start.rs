//! Starts and ends of the process, and what must have survived.

use super::intake::Intake;
use super::lane::Lane;
use super::run::{Inbox, Run};
use crate::sim::disk::{SimDisk, Survival};
use crate::sim::node::Node;
use crate::sim::process::Adapters;
use onhand::engine::record::{
    ChannelEventRecord, ChannelRecord, ProcessRecord, Record, accepted_flags,
};
use onhand::journal::Reader;
use onhand::shard::local::LocalQueue;
use onhand::types::record::Records;
use onhand::types::{OrderKey, OrderState, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the journal says about events and orders, counted by hand.
#[derive(Default)]
pub struct Story {
    /// How often each event was received.
    pub received: BTreeMap<u128, u64>,
    /// Events that are over.
    pub settled: BTreeSet<u128>,
    /// How often each order was placed.
    pub placed: BTreeMap<OrderKey, u64>,
    /// Orders that took units which were not there.
    pub oversold: BTreeSet<OrderKey>,
    /// Orders that waited for a person.
    pub reviewed: BTreeSet<OrderKey>,
}

impl Story {
    pub fn read(disk: &SimDisk) -> Self {
        let mut story = Self::default();
        let mut shown = BTreeMap::new();
        let mut reader = Reader::new(Arc::new(disk.clone()), 0);
        while let Ok(Some(batch)) = reader.next(u64::MAX) {
            for raw in Records::new(batch.payload) {
                let Some(record) = Record::decode(&raw) else {
                    continue;
                };
                if let Record::Channel(ChannelRecord::Published { channel, items, .. }) = record {
                    for item in items.iter() {
                        let before = shown.insert((channel, item.sku), item.sequence);
                        assert!(before.unwrap_or(0) <= item.sequence, "older after newer");
                    }
                }
                story.note(&record);
            }
        }
        story
    }

    fn note(&mut self, record: &Record<'_>) {
        match record {
            Record::ChannelEvent(ChannelEventRecord::Received(it)) if it.part == 0 => {
                *self.received.entry(it.event).or_default() += 1;
            }
            Record::ChannelEvent(ChannelEventRecord::Settled(it)) if it.fate.is_final() => {
                self.settled.insert(it.event);
            }
            Record::OrderAccepted(it) if it.flags & accepted_flags::REPLACES == 0 => {
                *self.placed.entry(it.key).or_default() += 1;
            }
            Record::Process(ProcessRecord::Oversold(it)) => {
                self.oversold.insert(it.order);
            }
            Record::Process(ProcessRecord::Moved(it)) if it.to == OrderState::Review => {
                self.reviewed.insert(it.order);
            }
            _ => {}
        }
    }
}

impl Run {
    pub(super) fn start(&mut self) {
        self.lives += 1;
        let (now_ms, seed, lives) = (self.now_ms, self.seed, self.lives);
        let node = Node::start(&self.disk, &self.options, now_ms, seed, lives);
        let mut node = node.expect("the journal opens");
        // What waited in the queue of the process before is gone with it, and so are answers.
        self.queue = LocalQueue::new(Box::new(|| ()));
        self.inbox = Inbox::default();
        node.shard.set_local_queue(Arc::clone(&self.queue));
        let (sequence, position) = node.shard.journal().handover().appended();
        let disk = Arc::new(self.disk.clone());
        self.reader = Some(Reader::resume(disk, 0, position, sequence));
        self.effects = Some(Adapters::start(
            &node,
            &self.disk,
            now_ms,
            &mut self.providers,
        ));
        let open = node.shard.engine().open_channel_events();
        self.node = Some(node);
        let lanes = self.markets.iter().map(|it| Lane::new(it, &self.skus));
        self.lanes = lanes.collect();
        self.intake = Intake {
            todo: open.iter().map(|it| it.event).collect(),
            listed: std::mem::take(&mut self.intake.listed),
            ..Intake::default()
        };
        self.find_orders();
        // First of all each marketplace is asked for its orders.
        for market in 0..self.markets.len() {
            let number = self.markets[market].number;
            let own = open.iter().filter(|it| it.channel.0 == number);
            let mut must: BTreeSet<u128> = own.map(|it| it.event).collect();
            must.extend(self.list_orders(market));
            self.intake.must.push(must);
        }
    }

    /// What of the orders was recovered; what the shop had not acknowledged may be gone.
    fn find_orders(&mut self) {
        let node = self.node.as_ref().expect("a process runs");
        let engine = node.shard.engine();
        self.orders.retain(|key, sold| {
            let (mut lines, mut shorts) = (Vec::new(), Vec::new());
            let found = engine.order(TenantId(0), *key, &mut lines, &mut shorts);
            let accepted = found.filter(|it| it.state != OrderState::Rejected);
            let own = sold.channel == 0;
            assert!(
                !own || !sold.told || accepted.is_some(),
                "acknowledged order {key} is lost"
            );
            sold.accepted = accepted.as_ref().map(|it| it.sequence);
            !own || accepted.is_some()
        });
    }

    /// The process ends, with or without the machine, and starts again.
    pub(super) fn crash(&mut self) {
        self.excused |= self.on_sale[super::market::QUOTA];
        self.drop_calls();
        let digest = self.engine().digest();
        self.node = None;
        let killed = self.faults.chance(500);
        self.disk = if killed {
            self.coverage.kills += 1;
            self.disk.kill()
        } else {
            self.coverage.crashes += 1;
            self.disk.crash(Survival {
                kept_per_mille: *self.faults.pick(&[0, 500, 1_000]),
                torn_per_mille: *self.faults.pick(&[0, 500]),
                changes_per_mille: *self.faults.pick(&[0, 500, 1_000]),
            })
        };
        self.start();
        if killed {
            assert_eq!(self.engine().digest(), digest, "replay gives the same");
        }
        self.check_events();
    }

    /// Acknowledged events are in the journal, and waiting or over; none is there twice.
    pub(super) fn check_events(&self) {
        let story = self.story();
        for (event, times) in &story.received {
            assert_eq!(*times, 1, "event {event} is in the journal {times} times");
        }
        for (order, times) in &story.placed {
            assert_eq!(*times, 1, "order {order} is placed {times} times");
        }
        for event in self.acknowledged() {
            let waits = self.engine().channel_event(TenantId(0), event).is_some();
            assert!(
                story.received.contains_key(&event) && (waits || story.settled.contains(&event)),
                "acknowledged event {event} is lost"
            );
        }
    }
}
