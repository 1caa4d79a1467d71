//! What the history takes in: records a second into SQLite, from a journal of orders that walk
//! through their process; and how long the dashboard's questions to it take then.
//!
//! `cargo bench --bench history` prints the figures. Set `ONHAND_BENCH_DIR` to choose the disk
//! (default: the build's target directory), `ONHAND_BENCH_ORDERS` to have other than 20,000 orders.
//! They are spread evenly over 24 hours, which is the time that pages ask about.

use onhand::clock::monotonic_ns;
use onhand::engine::record::{
    Allocation, EffectEnded, EffectStarted, Lines, OperatorDecided, OrderAccepted, OrderMoved,
    OrderRef, ProcessImage, ProcessRecord, Record, accepted_flags, put_lines,
};
use onhand::history::{
    History, HistoryProgress, HistorySource, HistoryTarget, Question, Questions, SQLITE_FILE,
    STEP_RECORDS,
};
use onhand::journal::{
    JournalOptions, MaintenanceProgress, MappedStorage, Opened, OsEntropy, SyncProgress, open,
};
use onhand::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId};
use onhand::types::process::{OperatorAction, ProcessEvent, ReviewReason, SubState, TimerKind};
use onhand::types::record::RecordBuffer;
use onhand::types::{
    ActorId, ChannelId, CommandKey, LocationId, OrderKey, OrderState, SkuId, TenantId,
};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ORDERS: u64 = 20_000;
const ORDERS_PER_BATCH: u64 = 50;
const TENANT: TenantId = TenantId(0);

/// When the first batch was written, in milliseconds since 1970, and how long orders come.
const FROM_MS: u64 = 1_700_000_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// One order in so many is cancelled by an operator after all.
const DECIDED_EVERY: u64 = 100;

/// Orders that one customer has.
const ORDERS_PER_CUSTOMER: u64 = 5;

/// Of how many orders the page of bottlenecks reads at most about.
const PAGE_READS_MAX: u64 = 20_000;

/// How often each question is asked.
const ASKED: usize = 5;

fn main() -> Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run with `cargo bench --bench history`");
        return Ok(());
    }
    let root = std::env::var_os("ONHAND_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let directory = tempfile::tempdir_in(root)?;
    let storage = Arc::new(MappedStorage::create(&directory.path().join("shard-0000"))?);
    let options = JournalOptions::default();
    let mut opened = open(
        Arc::clone(&storage),
        options,
        1,
        Box::new(OsEntropy),
        &mut |_| Ok(()),
    )?;
    let orders = std::env::var("ONHAND_BENCH_ORDERS").map_or(Ok(ORDERS), |it| it.parse())?;
    let written = write(&mut opened, orders)?;
    let source = HistorySource {
        shard: 0,
        storage,
        handover: Arc::clone(opened.appender.handover()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let target = HistoryTarget::Sqlite(directory.path().join(SQLITE_FILE));
    let started_ns = monotonic_ns();
    let (records, rows) = runtime.block_on(read(&target, &source))?;
    let seconds = (monotonic_ns() - started_ns) as f64 / 1e9;
    assert_eq!(records, written, "every record once");
    println!("{records} records of {orders} orders as {rows} rows in {seconds:.2} s");
    let rate = records as f64 / seconds;
    println!("{rate:.0} records/s, {:.0} rows/s", rows as f64 / seconds);
    let size = std::fs::metadata(directory.path().join(SQLITE_FILE))?.len();
    println!("{} bytes an order in SQLite", size / orders.max(1));
    runtime.block_on(ask(target, orders))
}

/// Asks what the dashboard's pages ask, of all the orders there are.
async fn ask(target: HistoryTarget, orders: u64) -> Result<()> {
    let questions = Questions::new(target);
    let key = key_of(orders / 2).to_string();
    let (from, to) = (FROM_MS.to_string(), (FROM_MS + DAY_MS).to_string());
    let end = i64::MAX.to_string();
    let (key, from, to, end) = (key.as_str(), from.as_str(), to.as_str(), end.as_str());
    let count = ["default", from, to, "0"];
    let counted = questions.ask(Question::OrdersOfTime, &count).await?;
    let counted = counted.rows.first().and_then(|row| row.first().cloned());
    assert_eq!(counted.flatten(), Some(orders.to_string()), "every order");
    let time = ["default", from, to, "0", "1"];
    // As the page asks.
    let one_in = orders.div_ceil(PAGE_READS_MAX).max(1).to_string();
    let page = ["default", from, to, "0", &one_in];
    let audit = ["default", end, "0", from, "0", "", "", ""];
    let all: [(&str, Question, &[&str]); 14] = [
        ("search, a key", Question::Search, &["default", key, key]),
        (
            "search, a customer",
            Question::Search,
            &["default", "7", "7"],
        ),
        ("an order", Question::Order, &["default", key]),
        ("its timeline", Question::Timeline, &["default", key]),
        ("all orders, steps", Question::DwellBySteps, &time),
        ("all orders, providers", Question::DwellByProviders, &time),
        ("all orders, carriers", Question::DwellByCarriers, &time),
        ("all orders, channels", Question::DwellByChannels, &time),
        ("bottlenecks, orders", Question::OrdersOfTime, &count),
        ("bottlenecks, steps", Question::DwellBySteps, &page),
        ("bottlenecks, providers", Question::DwellByProviders, &page),
        ("bottlenecks, carriers", Question::DwellByCarriers, &page),
        ("bottlenecks, channels", Question::DwellByChannels, &page),
        ("audit, newest page", Question::Audit, &audit),
    ];
    for (name, question, given) in all {
        let mut took_ms = [0.0; ASKED];
        let mut rows = 0;
        for took_ms in &mut took_ms {
            let asked_ns = monotonic_ns();
            rows = questions.ask(question, given).await?.rows.len();
            *took_ms = (monotonic_ns() - asked_ns) as f64 / 1e6;
        }
        took_ms.sort_by(f64::total_cmp);
        let [.., slowest] = took_ms;
        let (_, [median, ..]) = took_ms.split_at(ASKED / 2) else {
            continue;
        };
        println!("{name}: {rows} rows, median {median:.1} ms, slowest {slowest:.1} ms");
    }
    Ok(())
}

/// Keys are hashes: they come in no order.
fn key_of(number: u64) -> OrderKey {
    OrderKey(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

async fn read(target: &HistoryTarget, source: &HistorySource<MappedStorage>) -> Result<(u64, u64)> {
    let mut history = History::open(target, std::slice::from_ref(source)).await?;
    let mut sums = (0, 0);
    while let HistoryProgress::Wrote { records, rows } = history.step(STEP_RECORDS).await? {
        sums = (sums.0 + records, sums.1 + rows);
    }
    history.close().await;
    Ok(sums)
}

/// Writes the orders batch by batch; returns the number of records.
fn write(opened: &mut Opened<MappedStorage>, orders: u64) -> Result<u64> {
    let mut line = Vec::new();
    let allocation = Allocation {
        sku: SkuId(0),
        quantity: 1,
        location: LocationId(0),
    };
    put_lines(&mut line, &[allocation]);
    let mut buffer = RecordBuffer::default();
    let mut count = 0;
    let batches = orders / ORDERS_PER_BATCH;
    for batch in 0..batches {
        opened.appender.begin(&mut buffer);
        let mut push = |record: &Record<'_>| {
            record.push(&mut buffer, ActorId(1));
            count += 1;
        };
        if batch == 0 {
            definitions().iter().for_each(&mut push);
        }
        for order in 0..ORDERS_PER_BATCH {
            let number = batch * ORDERS_PER_BATCH + order + 1;
            let key = key_of(number);
            walk(key, number / ORDERS_PER_CUSTOMER, &line)
                .iter()
                .for_each(&mut push);
            if number.is_multiple_of(DECIDED_EVERY) {
                push(&decided(key));
            }
        }
        opened
            .appender
            .append(FROM_MS + batch * DAY_MS / batches, &buffer)?;
        if opened.syncer.step() == SyncProgress::Failed {
            return Err("the journal could not be synced".into());
        }
        while opened.maintenance.step()? != MaintenanceProgress::Idle {}
    }
    Ok(count)
}

/// Who and what there is.
fn definitions() -> [Record<'static>; 4] {
    [
        Record::TenantDefined {
            tenant: TENANT,
            name: "default",
        },
        Record::ActorDefined {
            actor: ActorId(1),
            name: "mia",
        },
        Record::SkuDefined {
            sku: SkuId(0),
            tenant: TENANT,
            on_sale: true,
            name: "mug",
        },
        Record::LocationDefined {
            location: LocationId(0),
            tenant: TENANT,
            x: 0,
            y: 0,
            priority: 0,
            name: "berlin",
        },
    ]
}

/// An operator cancels an order.
fn decided(key: OrderKey) -> Record<'static> {
    Record::Process(ProcessRecord::Decided(OperatorDecided {
        order: OrderRef {
            order: key,
            key: CommandKey(key.0),
            fingerprint: 1,
            tenant: TENANT,
        },
        action: OperatorAction::Cancel,
        effect: 0,
        amount: 0,
        reason: "the buyer changed her mind",
    }))
}

/// One order from acceptance to its end.
fn walk(key: OrderKey, customer: u64, line: &[u8]) -> Vec<Record<'_>> {
    let accepted = OrderAccepted {
        key,
        fingerprint: 1,
        customer,
        total: 1_999,
        ttl_ms: 900_000,
        tenant: TENANT,
        channel: ChannelId(1),
        version: 1,
        currency: 978,
        flags: accepted_flags::PLACED,
        allocations: Lines::from_bytes(line),
        requested: Lines::default(),
        destination: None,
        details: &[],
        details_version: 0,
    };
    let mut records = vec![Record::OrderAccepted(accepted)];
    let mut state = None;
    let mut to = |records: &mut Vec<Record<'_>>, event, next| {
        let moved = moved(key, event, state, next);
        records.push(Record::Process(ProcessRecord::Moved(moved)));
        state = Some(next);
    };
    to(&mut records, ProcessEvent::Placed, OrderState::FraudCheck);
    effect(&mut records, key, 1, EffectKind::FraudScore);
    to(&mut records, ProcessEvent::FraudScored, OrderState::Payment);
    effect(&mut records, key, 2, EffectKind::PaymentAuthorise);
    to(&mut records, ProcessEvent::Confirmed, OrderState::Confirmed);
    effect(&mut records, key, 3, EffectKind::PaymentCapture);
    to(
        &mut records,
        ProcessEvent::PaymentCaptured,
        OrderState::Confirmed,
    );
    effect(&mut records, key, 4, EffectKind::Label);
    effect(&mut records, key, 5, EffectKind::Notify);
    to(&mut records, ProcessEvent::Shipped, OrderState::Shipped);
    to(&mut records, ProcessEvent::Delivered, OrderState::Delivered);
    to(&mut records, ProcessEvent::Completed, OrderState::Completed);
    records
}

fn moved(
    order: OrderKey,
    event: ProcessEvent,
    from: Option<OrderState>,
    to: OrderState,
) -> OrderMoved<'static> {
    let image = ProcessImage {
        set: 1,
        pipeline: 0,
        step: 0,
        sub: SubState::None,
        review: ReviewReason::None,
        resume_to: None,
        timer: TimerKind::None,
        timer_at_ms: 0,
        flags: 0,
        score: 3,
        processor: ProviderId(0),
        authorised: 1_999,
        captured: 1_999,
        refunded: 0,
        country: 0,
        tags: 0,
        effects: 5,
        declines: 0,
        total: 1_999,
        currency: 978,
    };
    OrderMoved {
        order,
        tenant: TENANT,
        accepted: 1,
        event,
        from,
        to,
        image,
        note: "",
    }
}

fn effect(records: &mut Vec<Record<'_>>, order: OrderKey, number: u16, kind: EffectKind) {
    let started = EffectStarted {
        order,
        tenant: TENANT,
        accepted: 1,
        number,
        kind,
        provider: ProviderId(0),
        attempt: 1,
        step: 1,
        milestone: None,
        target: 0,
        target_kind: 0,
        amount: 1_999,
        reference: "",
        note: "pay",
    };
    let ended = EffectEnded {
        order,
        tenant: TENANT,
        number,
        kind,
        provider: ProviderId(0),
        attempt: 1,
        class: EffectClass::Done,
        next: EffectNext::Done,
        counted: false,
        due_ms: 0,
        latency_ms: 42,
        status: 200,
        amount: 1_999,
        currency: 978,
        score: 3,
        reference: "pi_3OxZ2eKZ0000",
        code: "",
        message: "",
    };
    records.push(Record::Process(ProcessRecord::Started(started)));
    records.push(Record::Process(ProcessRecord::Ended(ended)));
}
