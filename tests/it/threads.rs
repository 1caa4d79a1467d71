//! The kernel's view of which thread may run where, beside what the server says of itself.

use super::channel_webhooks::rig::channels_file;
use super::process::onhand;
use super::served::{PATIENCE, Raw};
use onhand::affinity::{allowed_cores, may_run_in_real_time};
use onhand::clock;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

type Cores = BTreeSet<usize>;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server with these arguments besides, and waits for its first durable answer; with the
/// line that says that it is ready.
fn start(directory: &Path, shards: usize, more: &[&OsStr]) -> (Running, String) {
    let child = onhand()
        .args(["serve", "--listen=127.0.0.1:0", "--http=127.0.0.1:0"])
        .args(["--segment-bytes=1048576", "--orders-expected=1000"])
        .arg(format!("--shards={shards}"))
        .arg("--data")
        .arg(directory.join("data"))
        .args(more)
        .env("ONHAND_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut ready = String::new();
    let mut out = BufReader::new(running.0.stdout.take().unwrap());
    out.read_line(&mut ready).unwrap();
    let address = ready
        .split_whitespace()
        .find_map(|word| word.strip_prefix("tcp="));
    // A durable answer: engine and sync thread are where they want to be.
    drop(Raw::hello(
        address.expect(&ready).parse().unwrap(),
        "acme",
        "",
    ));
    (running, ready)
}

/// Each thread of the server: its name, and its folder.
fn tasks(running: &Running) -> Vec<(String, PathBuf)> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", running.0.id())).unwrap();
    let named = tasks.map(|task| {
        let path = task.unwrap().path();
        let name = std::fs::read_to_string(path.join("comm")).unwrap();
        (name.trim().to_owned(), path)
    });
    named.collect()
}

/// Starts a server and returns its `pinned=` and the cores of each thread by name.
fn threads(shards: usize) -> (usize, Vec<(String, Cores)>) {
    let directory = tempfile::tempdir().unwrap();
    let (running, ready) = start(directory.path(), shards, &[]);
    let pinned = ready
        .split_whitespace()
        .find_map(|word| word.strip_prefix("pinned="));
    let found = tasks(&running).into_iter().map(|(name, path)| {
        let status = std::fs::read_to_string(path.join("status")).unwrap();
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .expect("a list of cores");
        (name, cores(list.trim()))
    });
    (pinned.expect(&ready).parse().unwrap(), found.collect())
}

/// Fields of `stat`, by their numbers in proc_pid_stat(5); a policy of 1 is real-time.
const NICENESS: usize = 19;
const POLICY: usize = 41;

/// A field of each thread by name.
fn stat(running: &Running, field: usize) -> BTreeMap<String, i32> {
    let found = tasks(running).into_iter().map(|(name, path)| {
        let stat = std::fs::read_to_string(path.join("stat")).unwrap();
        // Behind the name in brackets comes field 3.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let value = fields.split_whitespace().nth(field - 3).unwrap();
        (name, value.parse().unwrap())
    });
    found.collect()
}

/// `0-2,5` as numbers.
fn cores(list: &str) -> Cores {
    let number = |text: &str| text.parse::<usize>().unwrap();
    list.split(',')
        .flat_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            number(first)..=number(last)
        })
        .collect()
}

#[test]
fn the_kernel_keeps_each_engine_on_a_core_of_its_own_and_the_rest_off_it() {
    let all: Cores = allowed_cores().into_iter().collect();
    let (pinned, threads) = threads(1);
    assert_eq!(pinned, usize::from(all.len() > 1));
    let engines: Vec<&Cores> = threads
        .iter()
        .filter(|(name, _)| name.starts_with("onhand-engine"))
        .map(|(_, cores)| cores)
        .collect();
    assert_eq!(engines.len(), 1, "{threads:?}");
    if pinned == 0 {
        assert!(threads.iter().all(|(_, cores)| *cores == all));
        return;
    }
    assert_eq!(engines[0].len(), 1, "one core");
    for (name, cores) in &threads {
        if name.starts_with("onhand-sync") && !may_run_in_real_time() {
            assert_eq!(cores, &all, "{name}");
        } else if !name.starts_with("onhand-engine") {
            assert!(cores.is_disjoint(engines[0]), "{name} on {cores:?}");
        }
    }
}

#[test]
fn the_sync_thread_waits_for_nobody_where_the_kernel_allows_it_and_no_engine_is_in_its_way() {
    let directory = tempfile::tempdir().unwrap();
    let (running, ready) = start(directory.path(), 1, &[]);
    let has_room = ready.contains("pinned=1");
    let real_time = has_room && may_run_in_real_time();
    let policies = stat(&running, POLICY);
    assert_eq!(policies["onhand-sync-0"], i32::from(real_time));
    assert_eq!(policies["onhand-engine-0"], 0);
    // Without a core of its own it would leave nothing to the engines.
    let shards = allowed_cores().len();
    let directory = tempfile::tempdir().unwrap();
    let (running, _) = start(directory.path(), shards, &[]);
    assert_eq!(stat(&running, POLICY)["onhand-sync-0"], 0);
}

#[test]
fn with_no_core_to_spare_nothing_is_pinned() {
    let all: Cores = allowed_cores().into_iter().collect();
    let (pinned, threads) = threads(all.len());
    assert_eq!(pinned, 0);
    for (name, cores) in &threads {
        assert_eq!(cores, &all, "{name}");
    }
}

#[test]
fn threads_that_answer_give_way_to_nobody_and_those_that_nobody_waits_for_give_way_most() {
    let directory = tempfile::tempdir().unwrap();
    let channels = channels_file(directory.path(), "");
    let more = [OsStr::new("--channels"), channels.as_os_str()];
    let (running, _) = start(directory.path(), 1, &more);
    let expected = [
        ("onhand-engine-0", 0),
        ("onhand-sync-0", 0),
        ("onhand-http", 0),
        ("onhand-channels", 5),
        ("onhand-publish", 5),
        ("onhand-history", 10),
    ];
    let end_ns = clock::monotonic_ns() + u64::try_from(PATIENCE.as_nanos()).unwrap();
    // A thread lowers itself as the first thing that it does, but some time after the server is ready.
    loop {
        let found = stat(&running, NICENESS);
        let is_so = |(name, nice): &(&str, i32)| found.get(*name) == Some(nice);
        if expected.iter().all(is_so) {
            break;
        }
        assert!(clock::monotonic_ns() < end_ns, "{found:?}");
        clock::sleep_ms(5);
    }
}
