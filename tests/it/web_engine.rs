//! HTTP before an engine of the test's own, which notes what it is asked.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam::channel::{Sender, unbounded};
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusBuilder;
use onhand::channels::ChannelOptions;
use onhand::engine::command::CommandOutcome;
use onhand::gateway::callbacks::{Follow, Source};
use onhand::gateway::engines::{
    Engines, FindOrder, FoundOrder, LookUpError, LookedUp, LookedUpDetails,
};
use onhand::gateway::track::TrackKey;
use onhand::gateway::{Bound, Gateway, HttpLimits, Services};
use onhand::net::token::TokenFile;
use onhand::shard::local::{Local, LocalAnswer, LocalQueue, LocalRequest, OwnedReport};
use onhand::types::{OrderDetails, OrderKey, Resolution, ResultCode};

/// An order that the find-by-number of the test knows: number `0-7`.
pub const ORDER: OrderKey = OrderKey(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

/// A key under which two tenants, `acme` and `globex`, have an order each.
pub const SHARED: OrderKey = OrderKey(0x5ba2);

/// The sequence of an order that the journal does not give out.
pub const UNREADABLE: u64 = 99;

/// An order with details in the journal.
pub const DETAILED: OrderKey = OrderKey(0xde7a);

/// The sequence of [`DETAILED`].
pub const DETAILED_AT: u64 = 55;

/// The details of [`DETAILED`]: everything but where it is to go.
pub fn details() -> OrderDetails {
    OrderDetails {
        external_id: "wamid.1".to_owned(),
        contact_name: "Ana".to_owned(),
        phone: "+34600000000".to_owned(),
        unit_prices: vec![2_235],
        custom_handling: "gift wrap".to_owned(),
        ..OrderDetails::default()
    }
}

/// What the engine was asked, in order.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<(String, String, LocalRequest)>>>);

impl Asked {
    /// The reports, and takes them away.
    pub fn reports(&self) -> Vec<OwnedReport> {
        let asked = std::mem::take(&mut *self.0.lock().unwrap());
        let report = |(_, _, request)| match request {
            LocalRequest::Report(report) => report,
            other => panic!("not a report: {other:?}"),
        };
        asked.into_iter().map(report).collect()
    }

    /// Everything: tenant, actor, request; and takes it away.
    pub fn all(&self) -> Vec<(String, String, LocalRequest)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A gateway with its engine.
pub struct Web {
    pub address: SocketAddr,
    pub asked: Asked,
    pub queue: Arc<LocalQueue>,
    gateway: Option<Gateway>,
    engine: Option<(Sender<bool>, JoinHandle<()>)>,
}

/// How the engine of a test answers.
pub type Answer = Box<dyn Fn(&LocalRequest) -> LocalAnswer + Send>;

impl Web {
    /// Starts it; `answer` is asked for everything but repeated reports.
    pub fn start(sources: Vec<Source>, tokens: Option<TokenFile>, answer: Answer) -> Self {
        let (wake, woken) = unbounded();
        let waker = wake.clone();
        let queue = LocalQueue::new(Box::new(move || {
            let _ = waker.send(true);
        }));
        let asked = Asked::default();
        let engine = {
            let (queue, asked) = (Arc::clone(&queue), asked.clone());
            std::thread::spawn(move || {
                let (mut seen, mut taken) = (HashSet::new(), VecDeque::new());
                while let Ok(true) = woken.recv() {
                    queue.take_all(&mut taken);
                    for local in taken.drain(..) {
                        serve(local, &asked, &mut seen, &answer);
                    }
                }
            })
        };
        let mut web = Self::around(queue, sources, Vec::new(), tokens);
        web.asked = asked;
        web.engine = Some((wake, engine));
        web
    }

    /// Starts it before a queue that nobody serves.
    pub fn unserved(sources: Vec<Source>) -> Self {
        Self::around(LocalQueue::new(Box::new(|| {})), sources, Vec::new(), None)
    }

    /// The same with sales channels.
    pub fn unserved_channels(channels: Vec<ChannelOptions>) -> Self {
        Self::around(LocalQueue::new(Box::new(|| {})), Vec::new(), channels, None)
    }

    fn around(
        queue: Arc<LocalQueue>,
        sources: Vec<Source>,
        channels: Vec<ChannelOptions>,
        tokens: Option<TokenFile>,
    ) -> Self {
        let bound = Bound::listen("127.0.0.1:0".parse().unwrap()).expect("a port");
        let services = Services {
            subscribers: onhand::events::subscribers::Board::empty(),
            engines: Engines::new(vec![Arc::clone(&queue)], Arc::new(|_| 0), Arc::new(One)),
            tokens: tokens.map(Arc::new),
            callbacks: sources.into(),
            channels: channels.into(),
            follow: Arc::new(One),
            dashboard: None,
            journals: Arc::new([]),
            requests_per_second: NonZeroU32::MAX,
            limits: HttpLimits::default(),
            track: TrackKey::derive(b"test"),
            tls: None,
        };
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let gateway = bound.serve(metrics, services).expect("a thread");
        Self {
            address: gateway.address,
            asked: Asked::default(),
            queue,
            gateway: Some(gateway),
            engine: None,
        }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.gateway.take());
        if let Some((wake, engine)) = self.engine.take() {
            let _ = wake.send(false);
            let _ = engine.join();
        }
    }
}

fn serve(local: Local, asked: &Asked, seen: &mut HashSet<u128>, answer: &Answer) {
    let repeated = match &local.request {
        LocalRequest::Report(report) => !seen.insert(report.event),
        _ => false,
    };
    let said = if repeated {
        LocalAnswer::Command(CommandOutcome {
            replayed: true,
            ..done()
        })
    } else {
        answer(&local.request)
    };
    if !repeated {
        let noted = (local.tenant, local.actor, local.request);
        asked.0.lock().unwrap().push(noted);
    }
    if let Some(answerer) = local.answer {
        answerer(said);
    }
}

/// What came of a command that was done.
pub fn done() -> CommandOutcome {
    CommandOutcome {
        code: ResultCode::Ok,
        replayed: false,
        sequence: 42,
        handle: 0,
        state: None,
        resolution: Resolution::Open,
        expires_at_ms: 0,
        cell: onhand::engine::command::CellQuantities::default(),
    }
}

/// Knows one order, and one list of shipments.
struct One;

fn on_fire() -> LookUpError {
    LookUpError::NotNow("the disk is on fire".to_owned())
}

impl FindOrder for One {
    fn by_number(&self, shard: u16, sequence: u64) -> BoxFuture<'_, LookedUp> {
        if sequence == UNREADABLE {
            return Box::pin(std::future::ready(Err(on_fire())));
        }
        let found = (shard == 0 && sequence == 7).then(|| FoundOrder {
            tenant: "acme".to_owned(),
            order: ORDER,
        });
        Box::pin(std::future::ready(Ok(found)))
    }

    fn details(&self, _: u16, sequence: u64) -> BoxFuture<'_, LookedUpDetails> {
        let found = match sequence {
            UNREADABLE => Err(on_fire()),
            DETAILED_AT => Ok(Some(details())),
            _ => Ok(None),
        };
        Box::pin(std::future::ready(found))
    }

    fn by_key(&self, order: OrderKey) -> Vec<(u16, String)> {
        let of = |tenant: &str| (0, tenant.to_owned());
        match order {
            SHARED => vec![of("acme"), of("globex")],
            _ => Vec::new(),
        }
    }
}

impl Follow for One {
    fn get<'a>(
        &'a self,
        provider: &'a str,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        assert_eq!(provider, "shipstation");
        let listed = serde_json::json!({"shipments": [{
            "shipmentId": 200_000_001, "orderId": 7, "orderKey": format!("{ORDER}-9-4"),
            "orderNumber": "0-7", "carrierCode": "usps", "trackingNumber": "94001",
            "voided": false,
        }]});
        let found = url
            .ends_with("batchId=1")
            .then(|| listed.to_string().into_bytes());
        Box::pin(std::future::ready(found.ok_or_else(|| "503".to_owned())))
    }
}
