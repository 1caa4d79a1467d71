//! The real program under load, killed and stopped: what was told is compared with what is there.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use onhand::client::swarm::{Disconnect, Driver, Outbox, Swarm, SwarmOptions};
use onhand::client::{ConnectOptions, Connection, OrderAnswer};
use onhand::clock;
use onhand::types::{ChannelId, LocationId, OrderKey, OrderState, ResultCode, SkuId};
use onhand::wire::key::order_key;
use onhand::wire::reply::{REPLAYED, Reply, ReserveReplyItem};
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    self, Line, Lines, LocationDefinition, Receive, ReserveItem, SkuDefinition,
};
use onhand::wire::{Frame, Opcode};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::process::run;
use super::serving::Serving;

const TENANT: &str = "crash";
const CONNECTIONS: usize = 24;
const SKUS: usize = 5;
/// So few that the SKUs sell out in the middle of the rounds.
const UNITS: u32 = 700;
const TTL_MS: u32 = 3_600_000;
/// Far longer than a start or a drain takes, on a busy machine as well.
const TIMEOUT_MS: u64 = 30_000;

/// One order, and what its client knows about it.
struct Order {
    key: OrderKey,
    lines: Vec<Line>,
    told: Option<ReserveReplyItem>,
}

/// A closed loop of baskets of one to three lines over a few SKUs, with a ledger.
struct Load {
    rng: ChaCha8Rng,
    orders: Vec<Order>,
    /// Sent in an earlier life of the server, and not answered: sent again first.
    again: Vec<usize>,
    serving: Vec<Option<usize>>,
    answered: usize,
    replayed: usize,
    doomed: bool,
    ledger: String,
}

impl Load {
    fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            orders: Vec::new(),
            again: Vec::new(),
            serving: vec![None; CONNECTIONS],
            answered: 0,
            replayed: 0,
            doomed: false,
            ledger: String::new(),
        }
    }

    /// The server is gone: what it left unanswered is sent again.
    fn restart(&mut self) {
        self.again
            .extend(self.serving.iter_mut().filter_map(Option::take));
        self.answered = 0;
        self.doomed = false;
    }

    fn new_order(&mut self) -> usize {
        let index = self.orders.len();
        let first = self.rng.random_range(0..SKUS);
        let count = self.rng.random_range(1..=3);
        let lines = (0..count).map(|step| Line {
            sku: SkuId(((first + step) % SKUS) as u32),
            quantity: self.rng.random_range(1..=3),
            location: LocationId::ANY,
        });
        let lines = lines.collect();
        let key = order_key(ChannelId(3), format!("crash-{index}").as_bytes());
        let told = None;
        self.orders.push(Order { key, lines, told });
        index
    }

    /// Units of each SKU in the orders that `accepted` says yes to.
    fn units(&self, accepted: impl Fn(&Order) -> bool) -> Vec<u32> {
        let mut units = vec![0; SKUS];
        for order in self.orders.iter().filter(|order| accepted(order)) {
            for line in &order.lines {
                units[line.sku.0 as usize] += line.quantity;
            }
        }
        units
    }
}

impl Driver for Load {
    fn ready(&mut self, connection: usize, _now_ns: u64, out: &mut Vec<u8>) {
        if self.serving[connection].is_some() {
            return;
        }
        let index = match self.again.pop() {
            Some(index) => index,
            None => self.new_order(),
        };
        self.serving[connection] = Some(index);
        let order = &self.orders[index];
        let item = ReserveItem {
            key: order.key,
            customer: index as u64 + 1,
            total: 100,
            ttl_ms: TTL_MS,
            version: 1,
            channel: ChannelId(3),
            currency: 978,
            flags: 0,
            destination: None,
            lines: Lines::new(&order.lines),
            details: &[],
        };
        request::encode(out, Opcode::Reserve, index as u64, &[item]).expect("it fits");
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, _received_ns: u64) {
        let reply = Reply::decode(frame).expect("a good reply");
        let item = match reply {
            Reply::Reserve(mut reply) => reply.items.next().expect("one order, one answer"),
            // Drained: not executed, to be sent again.
            Reply::Error(error) if error.code == ResultCode::ShuttingDown && self.doomed => return,
            other => panic!("not an answer to an order: {other:?}"),
        };
        let index = self.serving[connection].take().expect("an order was sent");
        assert_eq!(index as u64, frame.header.request_id);
        let order = &mut self.orders[index];
        assert!(order.told.is_none(), "answered orders are not sent again");
        let state = item.state.map_or("", OrderState::name);
        self.ledger.push_str(&format!(
            "{{\"tenant\":\"{TENANT}\",\"key\":\"{}\",\"version\":1,\"code\":\"{}\",\
             \"sequence\":{},\"replayed\":{},\"state\":\"{state}\"}}\n",
            order.key,
            item.code,
            item.sequence,
            item.flags & REPLAYED != 0
        ));
        order.told = Some(item);
        self.answered += 1;
        self.replayed += usize::from(item.flags & REPLAYED != 0);
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        assert!(self.doomed, "connection {connection} ended: {reason}");
    }

    fn tick(&mut self, _now_ns: u64, _outbox: &mut Outbox<'_>) -> Option<u64> {
        None
    }
}

fn swarm() -> Swarm {
    Swarm::new(&SwarmOptions {
        connections: CONNECTIONS,
        tenant: TENANT.to_owned(),
        token: String::new(),
        client: "crash-test".to_owned(),
    })
    .expect("a swarm")
}

fn connect(server: &Serving) -> Connection {
    let options = ConnectOptions::new(&server.address.to_string(), "", TENANT);
    Connection::connect(&options).expect("a session")
}

/// Small journal files, so that the load goes over several of them.
fn serve(data: &Path) -> Serving {
    let options = [
        "--segment-bytes=131_072",
        "--orders-expected=10_000",
        "--pin=false",
    ];
    Serving::start(data, &options)
}

fn define_and_stock(server: &Serving) {
    let mut connection = connect(server);
    let location = LocationDefinition {
        name: "main",
        priority: 1,
        x: 0,
        y: 0,
    };
    connection
        .define_locations(&[location])
        .expect("a location");
    let names: Vec<String> = (0..SKUS).map(|number| format!("sku-{number}")).collect();
    let skus: Vec<_> = names
        .iter()
        .map(|name| SkuDefinition {
            name,
            flags: SKU_ON_SALE,
        })
        .collect();
    connection.define_skus(&skus).expect("SKUs");
    let arrivals: Vec<_> = (0..SKUS as u32)
        .map(|sku| Receive {
            key: onhand::client::command_key().expect("a key"),
            sku: SkuId(sku),
            quantity: UNITS,
            location: LocationId(0),
        })
        .collect();
    for answer in connection.receive_stock(&arrivals).expect("an answer") {
        assert_eq!(answer.code, ResultCode::Ok);
    }
}

/// Loads the server until `answered` orders of this round were answered, then calls `end` from
/// another thread some milliseconds later, and hears what there is to hear until every connection
/// has ended.
fn load_until(server: &Serving, load: &mut Load, answered: usize, end: impl FnOnce() + Send) {
    let wait_ms = load.rng.random_range(0..=3);
    let mut swarm = swarm();
    swarm
        .greet_all(server.address, TIMEOUT_MS, load)
        .expect("greeted");
    let end_ns = clock::monotonic_ns() + TIMEOUT_MS * 1_000_000;
    let mut step = |load: &mut Load| {
        swarm.step(load, Duration::from_millis(50)).expect("a poll");
        assert!(
            clock::monotonic_ns() < end_ns,
            "no end after {TIMEOUT_MS} ms"
        );
        swarm.open()
    };
    while load.answered < answered {
        step(load);
    }
    load.doomed = true;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            clock::sleep_ms(wait_ms);
            end();
        });
        while step(load) > 0 {}
    });
}

/// Every order ever sent, asked for by itself.
fn query(server: &Serving, load: &Load) -> Vec<OrderAnswer> {
    let keys: Vec<OrderKey> = load.orders.iter().map(|order| order.key).collect();
    let mut connection = connect(server);
    let answers = connection.query_orders(&keys).expect("answers");
    assert_eq!(answers.len(), keys.len());
    answers
}

/// Compares the server with the client's account. Returns how many orders exist that were never
/// answered.
fn check_books(server: &Serving, load: &Load) -> usize {
    let answers = query(server, load);
    let mut unanswered = 0;
    let mut held = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    for (order, answer) in load.orders.iter().zip(&answers) {
        let summary = &answer.summary;
        match order.told {
            Some(told) => {
                let found = (summary.code, summary.sequence, summary.state);
                assert_eq!(
                    found,
                    (told.code, told.sequence, told.state),
                    "order {}",
                    order.key
                );
            }
            None if summary.code == ResultCode::UnknownOrder => continue,
            None => unanswered += 1,
        }
        if summary.code != ResultCode::Ok {
            assert!(
                answer.lines.is_empty(),
                "a refused order holds units: {answer:?}"
            );
            continue;
        }
        let twice = numbers.insert(summary.sequence, order.key);
        assert_eq!(twice, None, "two orders have number {}", summary.sequence);
        for line in &order.lines {
            let found = answer.lines.iter().find(|found| found.sku == line.sku);
            let found = found.unwrap_or_else(|| panic!("half an order: {answer:?}"));
            assert_eq!(
                (found.ordered, found.reserved),
                (line.quantity, line.quantity)
            );
            *held.entry(line.sku).or_insert(0) += line.quantity;
        }
    }
    let skus: Vec<SkuId> = (0..SKUS as u32).map(SkuId).collect();
    for stock in connect(server).query_stock(&skus).expect("stock") {
        let values = stock.cells[0].values;
        let held = held.get(&stock.sku).copied().unwrap_or(0);
        assert_eq!(
            (values.on_hand, values.reserved, values.short),
            (UNITS, held, 0)
        );
        assert_eq!(values.available, UNITS - held, "SKU {}", stock.sku.0);
    }
    unanswered
}

/// Holds the client's ledger against the journal of a stopped server.
fn verify(data: &Path, load: &Load) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(load.ledger.as_bytes())
        .expect("a written ledger");
    let data = data.display().to_string();
    let ledger = file.path().display().to_string();
    let report = run(&["verify", "--json", "--data", &data, "--ledger", &ledger])
        .exits(0)
        .json();
    let lines = load.ledger.lines().count();
    assert_eq!(report["acknowledgements"], lines);
    assert_eq!(report["violations"], 0, "{report}");
}

#[test]
fn killed_under_load_again_and_again_it_keeps_every_acknowledged_order_once() {
    let data = tempfile::tempdir().expect("a directory");
    let mut load = Load::new(0x0C0A_57ED);
    let mut server = serve(data.path());
    define_and_stock(&server);
    let mut rescued = 0;
    for _ in 0..6 {
        let answered = load.rng.random_range(100..500);
        load_until(&server, &mut load, answered, server.killer());
        server.kill();
        load.restart();
        assert!(
            !load.again.is_empty(),
            "requests were in flight at the kill"
        );
        server = serve(data.path());
        rescued += check_books(&server, &load);
    }
    // Every request that was in flight is sent again, and answered once and for all.
    load_until(&server, &mut load, 100, server.terminator());
    server.ends_cleanly();
    load.restart();
    let mut server = serve(data.path());
    check_books(&server, &load);
    let accepted = load.units(|order| order.told.is_some_and(|told| told.code == ResultCode::Ok));
    assert!(
        accepted.iter().all(|units| *units <= UNITS),
        "oversold: {accepted:?}"
    );
    let refused = |order: &&Order| {
        let insufficient = ResultCode::InsufficientStock;
        order.told.is_some_and(|told| told.code == insufficient)
    };
    assert!(
        load.orders.iter().any(|order| refused(&order)),
        "nothing sold out"
    );
    assert!(
        load.replayed <= rescued,
        "an answer was replayed that was not owed"
    );
    server.terminate();
    server.ends_cleanly();
    verify(data.path(), &load);
}

#[test]
fn a_second_start_on_a_directory_in_use_is_refused_with_the_owners_pid() {
    let data = tempfile::tempdir().expect("a directory");
    let server = serve(data.path());
    let path = data.path().display().to_string();
    run(&[
        "serve",
        "--data",
        &path,
        "--listen",
        "127.0.0.1:0",
        "--http",
        "off",
    ])
    .exits(2)
    .warns(&format!("process {}", server.pid()))
    .warns("in use");
    // The first one did not notice.
    connect(&server).ping(b"still there").expect("an answer");
}

#[test]
fn sigterm_answers_what_was_executed_and_the_next_start_is_clean() {
    let data = tempfile::tempdir().expect("a directory");
    let mut load = Load::new(7);
    let mut server = serve(data.path());
    define_and_stock(&server);
    load_until(&server, &mut load, 300, server.terminator());
    server.ends_cleanly();
    load.restart();
    let server = serve(data.path());
    let log = server.log();
    assert!(log.contains("clean=true"), "{log}");
    let unanswered = check_books(&server, &load);
    assert_eq!(
        unanswered, 0,
        "an order was executed and its client not told"
    );
}
