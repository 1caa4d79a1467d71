//! The core alone, on one thread: nanoseconds an order, without sockets or journal.
//!
//! Orders come in batches of 8,190 with both prefetch stages running ahead, as in a shard. Each
//! figure is the median of five parts of its run, with the spread.
//!
//! ```text
//! cargo bench --bench engine              1 M and 10 M orders
//! cargo bench --bench engine -- 1000000   that many
//! ```
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use onhand::engine::command::{Command, Context, LineNote, OrderRequest};
use onhand::engine::record::Allocation;
use onhand::engine::{Engine, EngineOptions, OrderProbe};
use onhand::types::record::{RecordBuffer, Records};
use onhand::types::{
    ChannelId, CommandKey, LocationId, OrderKey, OrderMode, Policy, ResultCode, SkuId,
};

const SEED: u64 = 42;
const BATCH: usize = 8_190;
const PARTS: usize = 5;
/// Orders of each load after the first.
const LATER: u64 = 1_000_000;
/// Batches of the log before the first order.
const SET_UP_BATCHES: usize = 2;
const WINDOW: usize = 48;
const SKUS: u32 = 1_000_000;
const START_MS: u64 = 1_700_000_000_000;

fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ SEED;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Processor time of this thread: what else runs on the machine disturbs it less than a clock.
fn thread_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// The key of order `n`: 128 random-looking bits.
fn key(n: u64) -> OrderKey {
    OrderKey(u128::from(splitmix(n)) << 64 | u128::from(splitmix(!n)))
}

fn request(key: OrderKey, lines: &[Allocation]) -> OrderRequest<'_> {
    OrderRequest {
        key,
        version: 1,
        customer: 7,
        channel: ChannelId(0),
        ttl_ms: 900_000,
        mode: OrderMode::Hold,
        policy: Policy::AllOrNothing,
        currency: 978,
        total: 4_999,
        destination: None,
        lines,
        details: &[],
        details_version: 0,
    }
}

struct Bench {
    engine: Engine,
    context: Context,
    out: RecordBuffer,
    probes: Vec<OrderProbe>,
    notes: Vec<LineNote>,
    sequence: u64,
    now_ms: u64,
    /// Records of every batch, where they are kept for replay.
    log: Option<Vec<(u64, Vec<u8>)>>,
}

/// What one run of orders is like.
struct Load<'a> {
    name: &'a str,
    orders: u64,
    expected: ResultCode,
    replayed: bool,
    key: &'a dyn Fn(u64) -> OrderKey,
    sku: &'a dyn Fn(u64) -> SkuId,
}

impl Bench {
    fn new(orders: u64, keep_log: bool) -> Self {
        let mut engine = Engine::new(EngineOptions {
            secret: [9; 32],
            orders_expected: orders as usize + 2 * LATER as usize,
            ..EngineOptions::default()
        });
        let mut out = RecordBuffer::default();
        out.start(1);
        let actor = engine.define_actor("bench", &mut out).unwrap();
        let tenant = engine.define_tenant("bench", actor, &mut out).unwrap();
        let mut bench = Self {
            engine,
            context: Context { tenant, actor },
            probes: Vec::new(),
            notes: Vec::new(),
            sequence: out.next_sequence(),
            log: keep_log.then(|| vec![(0, out.bytes().to_vec())]),
            out,
            now_ms: START_MS,
        };
        bench.stock_up();
        bench
    }

    /// One location, `SKUS` SKUs with stock, and one more without.
    fn stock_up(&mut self) {
        self.begin();
        let (context, out) = (self.context, &mut self.out);
        let here = Command::DefineLocation {
            name: "here",
            x: 0,
            y: 0,
            priority: 0,
        };
        self.engine.execute(context, &here, out);
        for n in 0..=SKUS {
            let name = format!("sku {n}");
            let define = Command::DefineSku {
                name: &name,
                on_sale: true,
                queue: None,
            };
            self.engine.execute(context, &define, out);
            if n < SKUS {
                let receive = Command::Receive {
                    key: CommandKey(u128::from(n) + 1),
                    sku: SkuId(n),
                    location: LocationId(0),
                    quantity: 1 << 30,
                };
                self.engine.execute(context, &receive, out);
            }
        }
        self.end();
    }

    fn begin(&mut self) {
        self.now_ms += 1;
        self.engine.begin_turn(self.now_ms);
        self.out.start(self.sequence);
    }

    fn end(&mut self) {
        self.sequence = self.out.next_sequence();
        if let Some(log) = &mut self.log {
            log.push((self.now_ms, self.out.bytes().to_vec()));
        }
    }

    /// Runs the orders in `PARTS` parts; returns nanoseconds an order of each, sorted.
    fn run(&mut self, load: &Load<'_>) -> Vec<f64> {
        let mut parts = Vec::new();
        let each = load.orders / PARTS as u64;
        for part in 0..PARTS as u64 {
            let mut nanoseconds = 0;
            let mut from = part * each;
            while from < (part + 1) * each {
                let to = ((part + 1) * each).min(from + BATCH as u64);
                nanoseconds += self.batch(load, from, to);
                from = to;
            }
            parts.push(nanoseconds as f64 / each as f64);
        }
        parts.sort_by(f64::total_cmp);
        parts
    }

    fn batch(&mut self, load: &Load<'_>, from: u64, to: u64) -> u64 {
        let orders: Vec<(OrderKey, [Allocation; 1])> = (from..to)
            .map(|n| {
                let line = Allocation {
                    sku: (load.sku)(n),
                    quantity: 1,
                    location: LocationId::ANY,
                };
                ((load.key)(n), [line])
            })
            .collect();
        let mut probes = std::mem::take(&mut self.probes);
        let mut notes = std::mem::take(&mut self.notes);
        probes.clear();
        notes.clear();
        self.begin();
        let start = thread_ns();
        // Three stages over windows of orders: far enough ahead to hide memory, near enough to stay
        // in the second-level cache.
        for at in 0..orders.len() + 2 * WINDOW {
            if let Some((key, [line])) = orders.get(at) {
                probes.push(self.engine.prefetch_order_key(self.context.tenant, *key));
                self.engine.prefetch_sku(line.sku);
            }
            let second = at.wrapping_sub(WINDOW);
            if let (Some(probe), Some((_, [line]))) = (probes.get(second), orders.get(second)) {
                self.engine.prefetch_order_slot(probe);
                self.engine.prefetch_cell(line.sku);
            }
            let third = at.wrapping_sub(2 * WINDOW);
            let (Some(probe), Some((key, lines))) = (probes.get(third), orders.get(third)) else {
                continue;
            };
            let request = request(*key, lines);
            let outcome = self.engine.reserve_probed(
                self.context,
                &request,
                probe,
                &mut self.out,
                &mut notes,
            );
            assert_eq!(
                (outcome.code, outcome.replayed),
                (load.expected, load.replayed)
            );
        }
        let taken = thread_ns() - start;
        (self.probes, self.notes) = (probes, notes);
        self.end();
        taken
    }

    fn report(&mut self, load: &Load<'_>) {
        let parts = self.run(load);
        println!(
            "{:<34} {:>7.1} ns an order  ({:.1} .. {:.1})",
            load.name,
            parts[PARTS / 2],
            parts[0],
            parts[PARTS - 1]
        );
    }
}

fn spread(n: u64) -> SkuId {
    SkuId((splitmix(n ^ 0x5EED) % u64::from(SKUS)) as u32)
}

fn scale(orders: u64) {
    println!("\n{orders} orders kept");
    memory(orders);
    let mut bench = Bench::new(orders, true);
    let load = Load {
        name: "accept, 1 M SKUs uniform",
        orders,
        expected: ResultCode::Ok,
        replayed: false,
        key: &key,
        sku: &spread,
    };
    bench.report(&load);
    let some = orders.min(LATER);
    let every = |n: u64| splitmix(n ^ 0xD0D0) % orders;
    bench.log_off_after(|bench, log| {
        bench.report(&Load {
            name: "duplicate, uniform over all",
            orders: some,
            replayed: true,
            key: &|n| key(every(n)),
            sku: &|n| spread(every(n)),
            ..load
        });
        bench.report(&Load {
            name: "reject, sold out",
            orders: some,
            expected: ResultCode::InsufficientStock,
            key: &|n| key(n | 1 << 40),
            sku: &|_| SkuId(SKUS),
            ..load
        });
        bench.report(&Load {
            name: "accept, one hot SKU",
            orders: some,
            key: &|n| key(n | 1 << 41),
            sku: &|_| SkuId(5),
            ..load
        });
        replay(&log, orders);
    });
}

impl Bench {
    fn log_off_after(&mut self, run: impl FnOnce(&mut Self, Vec<(u64, Vec<u8>)>)) {
        let log = self.log.take().unwrap_or_default();
        run(self, log);
    }
}

/// Replays the log; the rate is that of the first load, records prefetched ahead.
fn replay(log: &[(u64, Vec<u8>)], orders: u64) {
    let mut engine = Engine::new(EngineOptions {
        secret: [9; 32],
        orders_expected: orders as usize,
        ..EngineOptions::default()
    });
    let (mut start, mut sequence, mut set_up) = (thread_ns(), 0, 0);
    for (at, (time_ms, bytes)) in log.iter().enumerate() {
        if at == SET_UP_BATCHES {
            (start, set_up) = (thread_ns(), sequence);
        }
        let (mut far, mut near) = (Records::new(bytes), Records::new(bytes));
        for raw in far.by_ref().take(2 * WINDOW) {
            engine.prefetch_record(&raw);
        }
        for raw in near.by_ref().take(WINDOW) {
            engine.prefetch_record_near(&raw);
        }
        for raw in Records::new(bytes) {
            if let Some(next) = far.next() {
                engine.prefetch_record(&next);
            }
            if let Some(next) = near.next() {
                engine.prefetch_record_near(&next);
            }
            sequence += 1;
            engine.replay(*time_ms, sequence, &raw).unwrap();
        }
    }
    let seconds = (thread_ns() - start) as f64 / 1e9;
    println!(
        "{:<34} {:>7.2} M records/s  ({} records)",
        "replay of the first load",
        (sequence - set_up) as f64 / seconds / 1e6,
        sequence - set_up
    );
}

fn main() {
    let asked: Vec<u64> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let scales = if asked.is_empty() {
        vec![1_000_000, 10_000_000]
    } else {
        asked
    };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let cores = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let commit = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    let commit = commit.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    println!(
        "machine  {} x {cores}, load {}",
        model.unwrap_or("unknown"),
        read("/proc/loadavg").trim()
    );
    println!("command  cargo bench --bench engine");
    println!("commit   {}", commit.unwrap_or_default());
    println!(
        "seed     {SEED}, batches of {BATCH}, median of {PARTS} parts (least .. most), thread time"
    );
    for orders in scales {
        scale(orders);
    }
}

/// Bytes an order, with memory grown as it is needed and not ahead.
fn memory(orders: u64) {
    let mut engine = Engine::new(EngineOptions::default());
    let mut out = RecordBuffer::default();
    out.start(1);
    let actor = engine.define_actor("bench", &mut out).unwrap();
    let tenant = engine.define_tenant("bench", actor, &mut out).unwrap();
    let context = Context { tenant, actor };
    let name = "here";
    let (x, y, priority) = (0, 0, 0);
    engine.execute(
        context,
        &Command::DefineLocation {
            name,
            x,
            y,
            priority,
        },
        &mut out,
    );
    engine.execute(
        context,
        &Command::DefineSku {
            name: "sku",
            on_sale: true,
            queue: None,
        },
        &mut out,
    );
    let (sku, location, quantity) = (SkuId(0), LocationId(0), 1 << 30);
    let key_of = CommandKey(1);
    let receive = Command::Receive {
        key: key_of,
        sku,
        location,
        quantity,
    };
    engine.execute(context, &receive, &mut out);
    let before = engine.statistics().memory_bytes;
    let mut notes = Vec::new();
    for n in 0..orders {
        if n % 1_000 == 0 {
            engine.begin_turn(START_MS + n / 1_000);
            out.start(1);
        }
        let lines = [Allocation {
            sku,
            quantity: 1,
            location,
        }];
        engine.reserve(context, &request(key(n), &lines), &mut out, &mut notes);
    }
    let bytes = engine.statistics().memory_bytes - before;
    println!(
        "{:<34} {:>7.1} bytes an order kept  (1,000 orders a millisecond)",
        "memory",
        bytes as f64 / orders as f64
    );
}
