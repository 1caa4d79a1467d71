//! What must be so when a run has come to rest.

use super::people::TOTALS;
use super::providers::Payment;
use super::run::{HOLD_MS, Run};
use crate::sim::audit::audit_is_content;
use crate::sim::node::Node;
use onhand::engine::record::{ProcessRecord, Record, accepted_flags};
use onhand::journal::Reader;
use onhand::types::pipeline::BackorderQueue;
use onhand::types::record::Records;
use onhand::types::{OrderKey, OrderState, SkuId, TenantId};
use std::sync::Arc;

impl Run {
    pub(super) fn check_end(&mut self) {
        // Holds that nobody paid end by time.
        self.now_ms += u64::from(HOLD_MS);
        self.turn();
        self.sync();
        let mut shipped = 0;
        for order in self.placed.keys().copied().collect::<Vec<_>>() {
            let Some(state) = self.state(order) else {
                continue; // the crash took it before it was acknowledged
            };
            let (paid, open) = self.providers.balance(order);
            let payments = self.providers.payments.values();
            let payments: Vec<&Payment> = payments.filter(|it| it.order == order).collect();
            assert_eq!(
                open,
                0,
                "order {order} ({state:?}) leaves an authorisation open: {payments:#?}\n{}",
                self.story_of(order)
            );
            match state {
                OrderState::Completed => {
                    self.coverage.completed += 1;
                    self.coverage.captured += u64::from(paid > 0);
                    self.coverage.refunded += u64::from(paid == 0);
                    assert!(paid == 0 || TOTALS.contains(&paid), "{order}: {paid} paid");
                    shipped += 1;
                }
                OrderState::Cancelled => self.coverage.cancelled += 1,
                OrderState::Declined => self.coverage.declined += 1,
                OrderState::Expired => self.coverage.expired += 1,
                OrderState::Rejected => {}
                other => panic!("order {order} ended as {other:?}"),
            }
            if state != OrderState::Completed {
                assert_eq!(paid, 0, "order {order} ended as {state:?} and is paid");
            }
        }
        let processors = self.providers.payments.keys();
        self.coverage.failovers += processors.filter(|(provider, _)| *provider == 2).count() as u64;
        let engine = self.engine();
        let cells = [SkuId(0), SkuId(1)].map(|sku| engine.stock(TenantId(0), sku));
        for cell in cells.into_iter().flat_map(|cells| cells.expect("the SKU")) {
            let held = cell.quantities;
            assert_eq!((held.reserved, held.committed), (0, 0), "nothing is held");
            assert!(shipped <= u64::from(u32::MAX));
        }
        self.check_audit();
        self.check_replay();
    }

    /// Other code that reads the same journal finds nothing wrong.
    fn check_audit(&mut self) {
        self.turn();
        self.sync();
        let coverage = &mut self.coverage;
        audit_is_content(&self.disk, |record| match record {
            Record::Process(ProcessRecord::Oversold(_)) => coverage.oversold += 1,
            Record::Process(ProcessRecord::Early(_)) => coverage.early += 1,
            Record::Process(ProcessRecord::Preempted(_)) => coverage.preempted += 1,
            Record::OrderAccepted(it) => {
                let waits = it.flags & accepted_flags::BACKORDERED != 0;
                coverage.waited += u64::from(waits);
            }
            Record::BackorderAllocated { .. } => coverage.served += 1,
            Record::SkuQueueSet { queue, .. } => match queue {
                BackorderQueue::Default => {}
                BackorderQueue::Strict => coverage.strict += 1,
                BackorderQueue::Skip => coverage.skip += 1,
            },
            _ => {}
        });
    }

    /// A second engine that reads the journal is in the same state.
    pub(super) fn check_replay(&mut self) {
        self.turn();
        self.sync();
        let digest = self.engine().digest();
        self.node = None;
        self.disk = self.disk.kill();
        self.lives += 1;
        let node = Node::start(
            &self.disk,
            &self.options,
            self.now_ms,
            self.seed,
            self.lives,
        );
        let node = node.expect("the journal opens");
        assert_eq!(
            node.shard.engine().digest(),
            digest,
            "replay gives the same"
        );
    }

    /// What the journal says about an order's process, for messages.
    fn story_of(&self, order: OrderKey) -> String {
        let mut reader = Reader::new(Arc::new(self.disk.clone()), 0);
        let mut story = String::new();
        while let Ok(Some(batch)) = reader.next(u64::MAX) {
            for raw in Records::new(batch.payload) {
                let Some(Record::Process(record)) = Record::decode(&raw) else {
                    continue;
                };
                let about = match record {
                    ProcessRecord::Moved(it) => (it.order == order)
                        .then(|| format!("{:?} → {:?}: {:?}", it.from, it.to, it.event)),
                    ProcessRecord::Started(it) => (it.order == order).then(|| {
                        let (kind, number, attempt) = (it.kind, it.number, it.attempt);
                        format!(
                            "start {kind:?} {number}.{attempt} at {} for {}",
                            it.provider.0, it.target
                        )
                    }),
                    ProcessRecord::Ended(it) => (it.order == order).then(|| {
                        let (kind, number, attempt) = (it.kind, it.number, it.attempt);
                        format!(
                            "end {kind:?} {number}.{attempt}: {:?}, {:?}",
                            it.class, it.next
                        )
                    }),
                    ProcessRecord::Decided(it) => {
                        (it.order.order == order).then(|| format!("decided {:?}", it.action))
                    }
                    _ => None,
                };
                if let Some(about) = about {
                    story += &format!("{} {about}\n", batch.time_ms);
                }
            }
        }
        story
    }
}
