//! No byte of an outcome is readable on any path before its record is on disk.
//!
//! A killed process keeps its page cache, so a crash test cannot show this. Here a storage wrapper
//! holds the sync back, and then lets it go or fails it.

use super::served::{Raw, Served, config, hold};
use onhand::journal::mapped::{MappedFile, MappedStorage};
use onhand::journal::storage::{Storage, StorageFile};
use onhand::types::{OrderKey, ResultCode};
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::StockQueryItem;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What syncs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Pass,
    Hold,
    Fail,
}

/// Shared by the test and every file of its storage.
#[derive(Debug)]
struct Valve {
    state: Mutex<(Rule, u64)>,
    changed: Condvar,
}

impl Valve {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new((Rule::Pass, 0)),
            changed: Condvar::new(),
        })
    }

    fn set(&self, rule: Rule) {
        self.state.lock().unwrap().0 = rule;
        self.changed.notify_all();
    }

    /// Waits until a sync is being held back.
    fn wait_for_held_sync(&self) {
        let state = self.state.lock().unwrap();
        drop(
            self.changed
                .wait_while(state, |(_, held)| *held == 0)
                .unwrap(),
        );
    }

    fn pass(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        if state.0 == Rule::Hold {
            state.1 += 1;
            self.changed.notify_all();
            state = self
                .changed
                .wait_while(state, |(rule, _)| *rule == Rule::Hold)
                .unwrap();
            state.1 -= 1;
        }
        match state.0 {
            Rule::Fail => Err(io::Error::other("the test fails this sync")),
            _ => Ok(()),
        }
    }
}

struct Valved {
    inner: MappedStorage,
    valve: Arc<Valve>,
}

struct ValvedFile {
    inner: MappedFile,
    valve: Arc<Valve>,
}

impl Valved {
    fn open(path: &Path, valve: &Arc<Valve>) -> io::Result<Arc<Self>> {
        let inner = MappedStorage::create(path)?;
        Ok(Arc::new(Self {
            inner,
            valve: Arc::clone(valve),
        }))
    }

    fn wrap(&self, inner: MappedFile) -> ValvedFile {
        ValvedFile {
            inner,
            valve: Arc::clone(&self.valve),
        }
    }
}

impl Storage for Valved {
    type File = ValvedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn create(&self, name: &str, size: u64) -> io::Result<ValvedFile> {
        self.inner.create(name, size).map(|file| self.wrap(file))
    }
    fn open(&self, name: &str) -> io::Result<ValvedFile> {
        self.inner.open(name).map(|file| self.wrap(file))
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

impl StorageFile for ValvedFile {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, into)
    }
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write(offset, bytes)
    }
    fn sync(&self, offset: u64, length: u64) -> io::Result<()> {
        self.valve.pass()?;
        self.inner.sync(offset, length)
    }
    fn fill(&self, offset: u64, length: u64) -> io::Result<()> {
        self.inner.fill(offset, length)
    }
    fn populate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.inner.populate(offset, length)
    }
}

/// How long a path is watched for a byte that must not come. The engine has executed the request by
/// then in all likelihood; if it has not, the test is weaker but never wrong.
const WATCH: Duration = Duration::from_millis(300);

/// A server with one order decided and its sync held back, and one client a path to the outcome.
fn one_order_held_back() -> (Served, Arc<Valve>, [Raw; 4], tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let valve = Valve::new();
    let server = Served::start_with(&config(directory.path()), |path| Valved::open(path, &valve));
    let mut clients = [(); 4].map(|()| server.client());
    clients[0].stock_up(10);
    valve.set(Rule::Hold);
    let [order, replay, query, stock] = &mut clients;
    order.request(Opcode::Reserve, 10, &[hold(1)]);
    valve.wait_for_held_sync();
    replay.request(Opcode::Reserve, 11, &[hold(1)]);
    query.request(Opcode::QueryOrder, 12, &[OrderKey(1)]);
    let from = onhand::types::LocationId(0);
    stock.request(
        Opcode::QueryStock,
        13,
        &[StockQueryItem {
            sku: onhand::types::SkuId(0),
            from,
        }],
    );
    (server, valve, clients, directory)
}

#[test]
fn no_path_reveals_an_outcome_before_its_sync_is_done() {
    let (server, valve, mut clients, _directory) = one_order_held_back();
    for (path, client) in ["reply", "replay", "order query", "stock query"]
        .iter()
        .zip(&mut clients)
    {
        assert!(
            client.is_silent_for(WATCH),
            "{path} revealed an outcome before the sync"
        );
    }
    valve.set(Rule::Pass);
    let [order, replay, query, stock] = &mut clients;
    assert_eq!(order.receive().unwrap().order_codes(), [ResultCode::Ok]);
    assert_eq!(replay.receive().unwrap().order_codes(), [ResultCode::Ok]);
    match query.receive().unwrap().reply() {
        Reply::QueryOrder(mut orders) => {
            assert_eq!(orders.next().unwrap().summary.code, ResultCode::Ok);
        }
        other => panic!("{other:?}"),
    }
    match stock.receive().unwrap().reply() {
        Reply::QueryStock(mut stock) => {
            assert_eq!(
                stock.next().unwrap().cells.next().unwrap().values.reserved,
                1
            );
        }
        other => panic!("{other:?}"),
    }
    drop(clients);
    server.stop().expect("a clean end");
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_the_server_ends_with_the_reason() {
    let (server, valve, mut clients, directory) = one_order_held_back();
    valve.set(Rule::Fail);
    let error = server.ended().expect_err("the server must not end well");
    let text = format!("{error}");
    assert!(text.contains("sync"), "{text}");
    for client in &mut clients {
        client.is_closed();
    }
    // What was not acknowledged may be there or not; what was acknowledged is.
    let server = Served::start(&config(directory.path()));
    let mut client = server.client();
    client.request(
        Opcode::ResolveSku,
        20,
        &[onhand::wire::request::Name { name: "shirt" }],
    );
    match client.receive().unwrap().reply() {
        Reply::Names(mut names) => assert_eq!(names.next().unwrap().code, ResultCode::Ok),
        other => panic!("{other:?}"),
    }
}
