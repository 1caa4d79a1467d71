//! A real journal without an engine: the test writes the records, and takes the results.

use super::fake::Fake;
use onhand::adapters::facts::{OrderFactsStore, ShardHandle};
use onhand::adapters::names::NameKeeper;
use onhand::adapters::runtime::{Adapters, Configured, OnFailure, ShardSource};
use onhand::clock;
use onhand::engine::process::command::OpenEffect;
use onhand::engine::record::{
    Allocation, Blob, EffectStarted, Lines, OrderAccepted, PipelinesDefined, ProcessRecord, Record,
    accepted_flags, put_lines,
};
use onhand::feed::{JournalSource, Place, ShardJournal};
use onhand::journal::{
    JournalOptions, MaintenanceProgress, MappedStorage, Opened, OsEntropy, SyncProgress, open,
};
use onhand::shard::local::{Local, LocalAnswer, LocalQuery, LocalQueue, LocalRequest, OwnedResult};
use onhand::types::details::{DETAILS_ARCHIVE_VERSION, OrderDetails};
use onhand::types::effect::{EffectKind, ProviderId};
use onhand::types::pipeline::{PIPELINES_ARCHIVE_VERSION, PipelineSet};
use onhand::types::record::RecordBuffer;
use onhand::types::{ActorId, ChannelId, LocationId, OrderKey, SkuId, TenantId};
use std::collections::VecDeque;
use std::sync::Arc;
use tempfile::TempDir;

/// Longest wait for anything.
pub const WAIT_MS: u64 = 20_000;

pub struct Rig {
    opened: Opened<MappedStorage>,
    pub queue: Arc<LocalQueue>,
    pub store: Arc<OrderFactsStore>,
    journal: Arc<dyn ShardJournal>,
    adapters: Option<Adapters>,
    time_ms: u64,
    _directory: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = Arc::new(MappedStorage::create(directory.path()).unwrap());
        let options = JournalOptions {
            segment_bytes: 1 << 20,
            ..JournalOptions::default()
        };
        let entropy = Box::new(OsEntropy);
        let opened = open(Arc::clone(&storage), options, 5, entropy, &mut |_| Ok(())).unwrap();
        let handover = Arc::clone(opened.appender.handover());
        let journal: Arc<dyn ShardJournal> =
            Arc::new(JournalSource::new(Arc::clone(&storage), 0, handover));
        let queue = LocalQueue::new(Box::new(|| ()));
        let names = Arc::new(NameKeeper::default());
        names.put_tenant(0, TenantId(0), "acme");
        let handle = ShardHandle {
            journal: Arc::clone(&journal),
            queue: Arc::clone(&queue),
        };
        let mut rig = Self {
            time_ms: clock::now_ms(),
            opened,
            queue,
            store: Arc::new(OrderFactsStore::new(vec![handle], names)),
            journal,
            adapters: None,
            _directory: directory,
        };
        rig.sync();
        rig
    }

    /// Starts lanes over `fakes`; the journal's provider numbers are their places.
    pub fn start(&mut self, fakes: &[&Arc<Fake>], open_effects: Vec<OpenEffect>) {
        let names = fakes.iter().map(|fake| fake.options.name.clone());
        let configured: Vec<Configured> = fakes.iter().map(|fake| fake.configured()).collect();
        self.start_at(&configured, open_effects, names.collect(), self.end());
    }

    pub fn start_at(
        &mut self,
        configured: &[Configured],
        open_effects: Vec<OpenEffect>,
        providers: Vec<String>,
        from: Place,
    ) {
        let source = ShardSource {
            handle: self.store.shards()[0].clone(),
            from,
            open_effects,
            providers,
        };
        let failed: OnFailure = Arc::new(|name, reason| panic!("{name} failed: {reason}"));
        let adapters = Adapters::start(&[source], configured, &self.store, &failed);
        self.adapters = Some(adapters.unwrap());
    }

    pub fn stop(&mut self) {
        if let Some(adapters) = self.adapters.take() {
            adapters.stop();
        }
    }

    pub fn end(&self) -> Place {
        self.journal.end()
    }

    /// Appends one batch and makes it durable; returns the sequence of its first record.
    pub fn append(&mut self, records: &[Record<'_>]) -> u64 {
        let mut buffer = RecordBuffer::default();
        self.opened.appender.begin(&mut buffer);
        let first = buffer.next_sequence();
        for record in records {
            record.push(&mut buffer, ActorId(0));
        }
        self.time_ms = self.time_ms.max(clock::now_ms());
        self.opened.appender.append(self.time_ms, &buffer).unwrap();
        self.sync();
        first
    }

    fn sync(&mut self) {
        assert_ne!(self.opened.syncer.step(), SyncProgress::Failed);
        while self.opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
    }

    /// Accepts an order with one line and details; returns the sequence of its record.
    pub fn accept(&mut self, key: u128) -> u64 {
        let details = OrderDetails {
            email: format!("{key}@example.com"),
            payment_token: "pm_card_visa".to_owned(),
            unit_prices: vec![1_250],
            ..OrderDetails::default()
        };
        let archive = rkyv::to_bytes::<rkyv::rancor::Error>(&details).unwrap();
        let mut lines = Vec::new();
        let line = Allocation {
            sku: SkuId(3),
            quantity: 2,
            location: LocationId(1),
        };
        put_lines(&mut lines, &[line]);
        self.append(&[Record::OrderAccepted(OrderAccepted {
            key: OrderKey(key),
            fingerprint: 1,
            customer: 7,
            total: 2_500,
            ttl_ms: 60_000,
            tenant: TenantId(0),
            channel: ChannelId(1),
            version: 1,
            currency: 978,
            flags: accepted_flags::PLACED | accepted_flags::DETAILS,
            allocations: Lines::from_bytes(&lines),
            requested: Lines::default(),
            destination: None,
            details: &archive,
            details_version: DETAILS_ARCHIVE_VERSION,
        })])
    }

    /// Starts effects in one batch.
    pub fn begin(&mut self, effects: &[OpenEffect]) {
        let records: Vec<Record<'_>> = effects.iter().map(started).collect();
        self.append(&records);
    }

    /// Defines a pipeline set with these providers.
    pub fn define(&mut self, providers: &[&str]) {
        let set = PipelineSet {
            providers: providers.iter().map(|name| (*name).to_owned()).collect(),
            ..PipelineSet::default()
        };
        let archive = set.archive();
        let defined = PipelinesDefined {
            set: 1,
            archive_version: PIPELINES_ARCHIVE_VERSION,
            archive: Blob(&archive),
        };
        self.append(&[Record::Process(ProcessRecord::Pipelines(defined))]);
    }

    /// Takes what waits for the shard; answers questions for names.
    pub fn take(&self, results: &mut Vec<OwnedResult>) {
        let mut waiting = VecDeque::new();
        self.queue.take_all(&mut waiting);
        for local in waiting {
            let Local {
                tenant,
                request,
                answer,
                ..
            } = local;
            assert_eq!(tenant, "acme");
            match (request, answer) {
                (LocalRequest::Result(result), None) => results.push(result),
                (LocalRequest::Query(LocalQuery::Names { skus, locations }), Some(answer)) => {
                    answer(LocalAnswer::Names {
                        skus: skus.iter().map(|sku| format!("SKU-{}", sku.0)).collect(),
                        locations: locations.iter().map(|l| format!("LOC-{}", l.0)).collect(),
                    });
                }
                (request, _) => panic!("unexpected {request:?}"),
            }
        }
    }

    /// Takes results until `enough` holds.
    pub fn results(&self, what: &str, enough: impl Fn(&[OwnedResult]) -> bool) -> Vec<OwnedResult> {
        let mut results = Vec::new();
        until(what, || {
            self.take(&mut results);
            enough(&results)
        });
        results
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until `holds`.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline_ms = clock::boottime_ms() + WAIT_MS;
    while !holds() {
        assert!(
            clock::boottime_ms() < deadline_ms,
            "{what}: not within {WAIT_MS} ms"
        );
        clock::sleep_ms(1);
    }
}

/// Effect `number` of order 1, without an order's facts.
pub fn effect(number: u16, kind: EffectKind, provider: u16) -> OpenEffect {
    OpenEffect {
        order: OrderKey(1),
        tenant: TenantId(0),
        accepted: 0,
        number,
        kind,
        provider: ProviderId(provider),
        attempt: 1,
        milestone: None,
        target: 0,
        target_kind: 0,
        amount: 100,
        reference: String::new(),
        note: "step".to_owned(),
    }
}

fn started(effect: &OpenEffect) -> Record<'_> {
    Record::Process(ProcessRecord::Started(EffectStarted {
        order: effect.order,
        tenant: effect.tenant,
        accepted: effect.accepted,
        number: effect.number,
        kind: effect.kind,
        provider: effect.provider,
        attempt: effect.attempt,
        step: 0,
        milestone: effect.milestone,
        target: effect.target,
        target_kind: effect.target_kind,
        amount: effect.amount,
        reference: &effect.reference,
        note: &effect.note,
    }))
}
