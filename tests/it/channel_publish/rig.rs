//! A real shard with its journal, the publisher, and marketplaces that sell on their own; their
//! webhooks are read and placed by the test.

mod floor;
mod shops;

use floor::{Floor, ask, receive};
use onhand::channels::publish::{OnFailure, Publisher, ShardSource};
use onhand::channels::{ChannelOptions, Standing};
use onhand::clock;
use onhand::engine::record::{ChannelRecord, OrderAccepted, Record, kind};
use onhand::engine::{Engine, EngineOptions};
use onhand::feed::{FeedProgress, JournalSource, Place, ShardJournal};
use onhand::journal::{
    JournalOptions, MaintenanceProgress, MappedStorage, OsEntropy, SyncMode, SyncProgress, open,
};
use onhand::sandbox::{Options, Sandbox};
use onhand::shard::Shard;
use onhand::shard::local::{
    ChannelRequest, Definition, LocalAnswer, LocalLocation, LocalQuery, LocalQueue, LocalRequest,
    SkuChoice, StockMove, StockRequest,
};
use onhand::types::channel_stock::ChannelRule;
use onhand::types::record::Records;
use onhand::types::{ChannelKind, CommandKey, ResultCode};
use serde_json::{Value, json};
pub use shops::Shop;
use shops::shops;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// Longest wait for anything.
const WAIT_MS: u64 = 60_000;

/// The one SKU.
pub const SKU: &str = "MUG";

pub struct Rig {
    pub shops: Vec<Shop>,
    floor: Floor,
    sandbox: Sandbox,
    journal: Arc<dyn ShardJournal>,
    publisher: Option<Publisher>,
    engine: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    runtime: tokio::runtime::Runtime,
    from: Place,
    keys: AtomicU64,
    _directory: TempDir,
}

impl Rig {
    /// A shard with `units` of the SKU, and five marketplaces that know it, not yet published to.
    pub fn new(units: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (queue, journal, engine) = start_shard(&directory, Arc::clone(&stop));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let floor = Floor {
            queue: Arc::clone(&queue),
            shops: Arc::default(),
            refused: Arc::default(),
        };
        let target = runtime.block_on(receive(floor.clone()));
        let sandbox = Sandbox::start(Options {
            callback_target: Some(target),
            ..Options::default()
        })
        .unwrap();
        let from = journal.end();
        let shops = shops(&sandbox);
        floor.shops.lock().clone_from(&shops);
        let rig = Self {
            shops,
            floor,
            sandbox,
            journal,
            publisher: None,
            engine: Some(engine),
            stop,
            runtime,
            from,
            keys: AtomicU64::new(1),
            _directory: directory,
        };
        rig.ok(LocalRequest::Define(Definition::Location(LocalLocation {
            location: "berlin".into(),
            x: 0,
            y: 0,
            priority: 0,
        })));
        rig.ok(LocalRequest::Define(Definition::Sku {
            name: SKU.into(),
            on_sale: true,
            queue: None,
        }));
        rig.receive_stock(units);
        for shop in &rig.shops {
            rig.define(shop);
        }
        rig
    }

    fn define(&self, shop: &Shop) {
        let defined = self.control(shop.place, "items", &json!({"items": [{"sku": SKU}]}));
        let ids = &defined["items"][0];
        let text = |name: &str| match &ids[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (item, write_back) = match shop.options.kind {
            ChannelKind::Shopify => {
                let inventory = text("inventory_item_id");
                (text("variant_id"), format!("inventory_item={inventory}"))
            }
            ChannelKind::WooCommerce => (text("product_id"), String::new()),
            ChannelKind::Shopee => {
                let item = format!("{}/{}", text("item_id"), text("model_id"));
                (item, String::new())
            }
            ChannelKind::TikTok => {
                let item = format!("{}/{}", text("product_id"), text("sku_id"));
                (item, String::new())
            }
            ChannelKind::WhatsApp => (SKU.to_owned(), String::new()),
        };
        let channel = shop.options.number;
        self.ok(LocalRequest::Channel(ChannelRequest::Define {
            channel,
            name: shop.options.name.clone(),
            kind: Some(shop.options.kind),
        }));
        self.ok(LocalRequest::MapSku {
            channel,
            item,
            sku: SKU.to_owned(),
            write_back,
        });
    }

    /// Units arrive.
    pub fn receive_stock(&self, units: u32) {
        self.ok(LocalRequest::Stock(StockRequest {
            key: self.key(),
            sku: SKU.into(),
            location: "berlin".into(),
            change: StockMove::Receive(units),
        }));
    }

    /// What a channel gets of the SKU.
    pub fn rule(&self, shop: &Shop, rule: ChannelRule) {
        self.ok(LocalRequest::Channel(ChannelRequest::SetRule {
            key: self.key(),
            channel: shop.options.number,
            sku: Some(SKU.into()),
            rule: Some(rule),
        }));
    }

    pub fn key(&self) -> CommandKey {
        CommandKey(u128::from(self.keys.fetch_add(1, Ordering::Relaxed)))
    }

    /// Starts publishing.
    pub fn publish(&mut self) {
        let source = ShardSource {
            journal: Arc::clone(&self.journal),
            queue: Arc::clone(&self.floor.queue),
            from: self.from,
            tenants: Vec::new(),
        };
        let channels: Vec<(ChannelOptions, usize, Arc<Standing>)> = self
            .shops
            .iter()
            .map(|shop| {
                shop.standing.set_caught_up();
                (shop.options.clone(), 0, Arc::clone(&shop.standing))
            })
            .collect();
        let failed: OnFailure = Arc::new(|name, reason| panic!("{name} failed: {reason}"));
        self.publisher = Some(Publisher::start(vec![source], &channels, failed).unwrap());
    }

    /// Makes something happen at a marketplace.
    pub fn control(&self, place: &str, action: &str, body: &Value) -> Value {
        let address = self.sandbox.address();
        let url = format!("http://{address}/_sandbox/{place}/{action}");
        self.runtime.block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::new();
            let answer = client.post(&url).json(body).send().await.unwrap();
            let status = answer.status();
            let body: Value = answer.json().await.unwrap();
            assert!(status.is_success(), "{url}: {status} {body}");
            body
        })
    }

    /// What a marketplace shows, and how many units it sold.
    pub fn truth(&self, shop: &Shop) -> (i64, u64, Value) {
        let truth = self.control(shop.place, "truth", &json!({}));
        let item = truth["items"][0].clone();
        let shown = item["stock"].as_i64().unwrap();
        (shown, item["sold"].as_u64().unwrap(), item)
    }

    /// What the shard would have a channel show.
    pub fn wanted(&self, shop: &Shop) -> i64 {
        let request = LocalRequest::Query(LocalQuery::ChannelStock {
            channel: shop.options.number,
            skus: SkuChoice::Names(vec![SKU.to_owned()]),
        });
        match ask(&self.floor.queue, request) {
            LocalAnswer::ChannelStock(stock) => i64::from(stock.items[0].stock.quantity),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until every marketplace shows what it should.
    pub fn settle(&self) {
        until("every marketplace shows what it should", || {
            let told = self.shops.iter();
            let mut wrong = told.filter(|shop| self.truth(shop).0 != self.wanted(shop));
            wrong.next().is_none()
        });
    }

    /// Orders that the shard refused: a message's cart, never a marketplace's sale.
    pub fn refused(&self) -> u64 {
        self.floor.refused.load(Ordering::Relaxed)
    }

    pub fn ok(&self, request: LocalRequest) {
        let asked = format!("{request:?}");
        match ask(&self.floor.queue, request) {
            LocalAnswer::Command(outcome) if outcome.code == ResultCode::Ok => {}
            other => panic!("{asked}: {other:?}"),
        }
    }

    /// From the journal: of every channel, how many milliseconds each change took to be shown, and
    /// the units that orders took.
    pub fn lags(&self) -> (BTreeMap<u16, Vec<u64>>, BTreeMap<u16, u64>) {
        let mut tail = self.journal.tail("test", self.from);
        let mut lags: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
        let mut sold: BTreeMap<u16, u64> = BTreeMap::new();
        let mut open: BTreeMap<u16, Vec<(u64, u64)>> = BTreeMap::new();
        let shops: Vec<u16> = self.shops.iter().map(|s| s.options.number.0).collect();
        let mut published = Vec::new();
        loop {
            let progress = tail.next(&mut |batch| {
                for (sequence, record) in (batch.sequence..).zip(Records::new(batch.payload)) {
                    if record.kind == kind::ORDER_ACCEPTED {
                        let order = OrderAccepted::decode(record.payload).unwrap();
                        let units: u64 = order
                            .allocations
                            .iter()
                            .map(|a| u64::from(a.quantity))
                            .sum();
                        *sold.entry(order.channel.0).or_default() += units;
                        for shop in &shops {
                            open.entry(*shop)
                                .or_default()
                                .push((sequence, batch.time_ms));
                        }
                    }
                    if let Some(Record::Channel(ChannelRecord::Published {
                        channel, items, ..
                    })) = Record::decode(&record)
                    {
                        let newest = items.iter().map(|item| item.sequence).max().unwrap();
                        published.push((channel.0, newest, batch.time_ms));
                    }
                }
            });
            for (channel, newest, at_ms) in published.drain(..) {
                let waiting = open.entry(channel).or_default();
                waiting.retain(|(sequence, since_ms)| {
                    let is_shown = *sequence <= newest;
                    if is_shown {
                        lags.entry(channel).or_default().push(at_ms - since_ms);
                    }
                    !is_shown
                });
            }
            if progress.unwrap() == FeedProgress::CaughtUp {
                break;
            }
        }
        for lag in lags.values_mut() {
            lag.sort_unstable();
        }
        (lags, sold)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            publisher.stop();
        }
        self.stop.store(true, Ordering::Release);
        if let Some(engine) = self.engine.take() {
            let _ = engine.join();
        }
    }
}

/// The middle of the upper percent.
pub fn p99(sorted: &[u64]) -> u64 {
    let place = (sorted.len() * 99).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0)
}

/// Waits until `holds`.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline_ms = clock::boottime_ms() + WAIT_MS;
    while !holds() {
        assert!(clock::boottime_ms() < deadline_ms, "not in time: {what}");
        clock::sleep_ms(5);
    }
}

fn start_shard(
    directory: &TempDir,
    stop: Arc<AtomicBool>,
) -> (Arc<LocalQueue>, Arc<dyn ShardJournal>, JoinHandle<()>) {
    let storage = Arc::new(MappedStorage::create(directory.path()).unwrap());
    let options = JournalOptions {
        segment_bytes: 8 << 20,
        ..JournalOptions::default()
    };
    let entropy = Box::new(OsEntropy);
    let now_ms = clock::now_ms();
    let opened = open(Arc::clone(&storage), options, now_ms, entropy, &mut |_| {
        Ok(())
    })
    .unwrap();
    let handover = Arc::clone(opened.appender.handover());
    let journal: Arc<dyn ShardJournal> = Arc::new(JournalSource::new(storage, 0, handover));
    let engine = Engine::new(EngineOptions {
        orders_expected: 1_000,
        ..EngineOptions::default()
    });
    let mut shard = Shard::new(
        0,
        opened.report.epoch,
        SyncMode::Always,
        engine,
        opened.appender,
    );
    let queue = LocalQueue::new(Box::new(|| ()));
    shard.set_local_queue(Arc::clone(&queue));
    let (mut syncer, mut maintenance) = (opened.syncer, opened.maintenance);
    let waiting = Arc::clone(&queue);
    let thread = std::thread::spawn(move || {
        while !stop.load(Ordering::Acquire) {
            if shard.begin_turn(clock::now_ms(), clock::monotonic_ns()) {
                shard.end_turn(clock::monotonic_ns());
            }
            assert_ne!(syncer.step(), SyncProgress::Failed);
            while maintenance.step().unwrap() != MaintenanceProgress::Idle {}
            shard.release(clock::monotonic_ns(), |_| {});
            if waiting.is_empty() {
                clock::sleep_ms(1);
            }
        }
    });
    (queue, journal, thread)
}
