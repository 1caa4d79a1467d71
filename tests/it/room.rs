//! What happens when tables and the disk are full.

use super::served::{Raw, Received, Served, config, hold};
use super::web::{Answered, send};
use onhand::journal::mapped::{MappedFile, MappedStorage};
use onhand::journal::storage::Storage;
use onhand::types::{CommandKey, OrderKey, ResultCode};
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::{OrderCommandItem, ReserveItem};
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn an_order_beyond_the_table_is_refused_and_those_in_it_are_still_served() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.orders_expected = 2;
    config.orders_max = 2;
    let server = Served::start(&config);
    let mut client = server.client();
    client.stock_up(10);
    client.request(Opcode::Reserve, 5, &[hold(1), hold(2), hold(3), hold(1)]);
    let codes = client.receive().unwrap().order_codes();
    let expected = [
        ResultCode::Ok,
        ResultCode::Ok,
        ResultCode::OrderTableFull,
        ResultCode::Ok,
    ];
    assert_eq!(codes, expected);
    assert_eq!(command(&mut client, Opcode::Confirm, 1), ResultCode::Ok);
}

/// Mapped files on a disk that can be full.
struct Disk {
    inner: MappedStorage,
    full: Arc<AtomicBool>,
}

impl Storage for Disk {
    type File = MappedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn create(&self, name: &str, size: u64) -> io::Result<MappedFile> {
        if self.full.load(Ordering::Acquire) {
            return Err(rustix::io::Errno::NOSPC.into());
        }
        self.inner.create(name, size)
    }
    fn open(&self, name: &str) -> io::Result<MappedFile> {
        self.inner.open(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
    fn sync_directory(&self) -> io::Result<()> {
        self.inner.sync_directory()
    }
}

/// What HTTP answers to a command of tenant `acme`.
fn http(server: &Served, path: &str, body: &serde_json::Value) -> Answered {
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    let address = server.http.expect("HTTP");
    let body = body.to_string();
    send(
        address,
        "POST",
        &format!("/v1{path}"),
        &headers,
        body.as_bytes(),
    )
}

#[test]
fn on_a_full_disk_http_takes_no_new_orders_and_lets_holds_end() {
    let directory = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let mut config = config(directory.path());
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config.segment_bytes = 256 << 10;
    config.prepared_segments = 1;
    let server = Served::start_with(&config, |path| {
        let inner = MappedStorage::create(path)?;
        let full = Arc::clone(&full);
        Ok(Arc::new(Disk { inner, full }))
    });
    let mut client = server.client();
    client.stock_up(100_000);
    let lines = json!({"lines": [{"sku": "shirt", "quantity": 1}], "total": 1, "currency": 978});
    let held = http(&server, "/holds", &lines);
    let id = held.is(201).json()["order"]
        .as_str()
        .expect("a key")
        .to_owned();
    full.store(true, Ordering::Release);
    let mut next = 1;
    while !is_overloaded(&reserve(&mut client, next)) {
        next += 20;
        assert!(next < 100_000, "the journal has no end");
    }
    for (path, body) in [
        ("/holds", &lines),
        ("/orders", &lines),
        (
            "/stock/shirt/receive",
            &json!({"location": "berlin", "quantity": 1}),
        ),
    ] {
        http(&server, path, body).is_problem(503, "OVERLOADED");
    }
    http(&server, &format!("/holds/{id}/release"), &json!({})).is(200);
    full.store(false, Ordering::Release);
    drop(client);
    server.stop().unwrap();
}

/// The code of one order command.
fn command(client: &mut Raw, opcode: Opcode, order: u128) -> ResultCode {
    let item = OrderCommandItem {
        order: OrderKey(order),
        key: CommandKey(1 << 64 | order),
    };
    client.request(opcode, 6, &[item]);
    match client.receive().unwrap().reply() {
        Reply::OrderCommands(mut replies) => replies.next().unwrap().code,
        other => panic!("{other:?}"),
    }
}

/// Sends twenty holds from `first` on.
fn reserve(client: &mut Raw, first: u128) -> Received {
    let items: Vec<ReserveItem<'_>> = (first..first + 20).map(hold).collect();
    client.request(Opcode::Reserve, 5, &items);
    client.receive().unwrap()
}

/// Whether the orders were refused for want of room, with a hint.
fn is_overloaded(received: &Received) -> bool {
    match received.reply() {
        Reply::Error(error) => {
            assert_eq!(error.code, ResultCode::Overloaded);
            assert!(error.retry_after_ms > 0, "a hint");
            true
        }
        _ => {
            assert_eq!(received.order_codes(), [ResultCode::Ok; 20]);
            false
        }
    }
}

#[test]
fn on_a_full_disk_orders_wait_while_holds_are_confirmed_and_released() {
    let directory = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let mut config = config(directory.path());
    config.segment_bytes = 64 << 10;
    config.prepared_segments = 1;
    let server = Served::start_with(&config, |path| {
        let inner = MappedStorage::create(path)?;
        let full = Arc::clone(&full);
        Ok(Arc::new(Disk { inner, full }))
    });
    let mut client = server.client();
    client.stock_up(100_000);
    assert!(!is_overloaded(&reserve(&mut client, 1)));
    full.store(true, Ordering::Release);
    let mut next = 21;
    while !is_overloaded(&reserve(&mut client, next)) {
        next += 20;
        assert!(next < 10_000, "the journal has no end");
    }
    assert_eq!(command(&mut client, Opcode::Confirm, 1), ResultCode::Ok);
    assert_eq!(command(&mut client, Opcode::Release, 2), ResultCode::Ok);
    full.store(false, Ordering::Release);
    // The journal tries again now and then, and so does the client.
    while is_overloaded(&reserve(&mut client, next)) {
        assert!(client.is_open_for(Duration::from_millis(50)));
    }
    drop(client);
    server.stop().unwrap();
}
