//! What the journal costs: append and sync by batch size, beside the ceiling of a plain write and
//! fdatasync on the same disk in the same run, and the ways in which mapped bytes can be synced.
//!
//! `cargo bench --bench journal` prints medians over several rounds. Set `ONHAND_BENCH_DIR` to
//! choose the disk (default: the build's target directory).

use onhand::clock::monotonic_ns;
use onhand::journal::storage::{Storage, StorageFile};
use onhand::journal::{
    JournalOptions, MaintenanceProgress, MappedStorage, Opened, OsEntropy, SyncProgress, open,
};
use onhand::types::ActorId;
use onhand::types::record::RecordBuffer;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Payload bytes of one record: with its frame 72 bytes, about a single-line order.
const RECORD_BYTES: usize = 64;
/// Records of a batch: from one order in flight to two full frames.
const BATCH_RECORDS: [usize; 5] = [1, 10, 100, 1_000, 16_380];
/// Bytes appended in a round, at most.
const ROUND_BYTES: usize = 48 << 20;
/// Syncs of a round, at most.
const ROUND_SYNCS: usize = 300;
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run with `cargo bench --bench journal`");
        return Ok(());
    }
    let directory = directory()?;
    print_conditions(directory.path());
    println!("\nappend only (no sync), median of {ROUNDS}");
    println!(
        "{:>10} {:>12} {:>14} {:>12}",
        "records", "bytes", "ns/record", "MB/s"
    );
    for records in BATCH_RECORDS {
        let rounds = rounds(|| append_round(directory.path(), records, false))?;
        let (bytes, ns) = rounds;
        let per_record = ns / records as f64;
        println!(
            "{records:>10} {bytes:>12.0} {per_record:>14.2} {:>12.0}",
            bytes * 1e3 / ns
        );
    }
    println!("\nappend and sync, beside a plain write and fdatasync of the same bytes");
    println!(
        "{:>10} {:>12} {:>14} {:>12} {:>14} {:>12} {:>8}",
        "records", "bytes", "journal µs", "MB/s", "plain µs", "MB/s", "share"
    );
    for records in BATCH_RECORDS {
        let (bytes, ns) = rounds(|| append_round(directory.path(), records, true))?;
        let (_, plain_ns) = rounds(|| plain_round(directory.path(), batch_bytes(records)))?;
        println!(
            "{records:>10} {bytes:>12.0} {:>14.1} {:>12.0} {:>14.1} {:>12.0} {:>7.0}%",
            ns / 1e3,
            bytes * 1e3 / ns,
            plain_ns / 1e3,
            bytes * 1e3 / plain_ns,
            100.0 * plain_ns / ns
        );
    }
    println!("\nways to sync 1 MiB of a mapping of which the next 16 MiB are populated");
    for (name, way) in [
        ("msync of the range", Way::Range),
        ("fdatasync of the file", Way::Whole),
    ] {
        let (bytes, ns) = rounds(|| sync_round(directory.path(), way))?;
        println!(
            "{name:>24} {:>10.1} µs {:>8.0} MB/s",
            ns / 1e3,
            bytes * 1e3 / ns
        );
    }
    println!("\nreplay of the journal just written, from the page cache");
    replay(directory.path())
}

fn directory() -> Result<tempfile::TempDir> {
    let parent = match std::env::var_os("ONHAND_BENCH_DIR") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf),
    };
    Ok(tempfile::tempdir_in(parent)?)
}

fn print_conditions(directory: &Path) {
    let shown = |program: &str, arguments: &[&str]| {
        std::process::Command::new(program)
            .args(arguments)
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default()
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([' ', '\t', ':']);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "machine  {} cores, {model}, {}",
        cores(),
        shown("uname", &["-sr"])
    );
    println!(
        "disk     {}",
        shown(
            "df",
            &[
                "-T",
                "--output=source,fstype",
                &directory.display().to_string()
            ]
        )
        .replace('\n', " ")
    );
    println!(
        "commit   {}",
        shown("git", &["rev-parse", "--short", "HEAD"])
    );
    println!("load     {}", load.trim());
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Medians of bytes and nanoseconds over the rounds.
fn rounds(mut round: impl FnMut() -> Result<(f64, f64)>) -> Result<(f64, f64)> {
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        all.push(round()?);
    }
    all.sort_by(|one, two| one.1.total_cmp(&two.1));
    all.get(ROUNDS / 2)
        .copied()
        .ok_or_else(|| "no rounds".into())
}

fn maintain(opened: &mut Opened<MappedStorage>) -> Result<()> {
    while opened.maintenance.step()? != MaintenanceProgress::Idle {}
    Ok(())
}

/// Bytes of a batch of so many records: header, then each with its frame.
fn batch_bytes(records: usize) -> usize {
    64 + records * (RECORD_BYTES + 8)
}

/// Bytes of one batch, and the nanoseconds that it takes.
fn append_round(directory: &Path, records: usize, sync: bool) -> Result<(f64, f64)> {
    let data = directory.join("journal");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let storage = Arc::new(MappedStorage::create(&data)?);
    let options = JournalOptions::default();
    let mut opened = open(storage, options, 1, Box::new(OsEntropy), &mut |_| Ok(()))?;
    maintain(&mut opened)?;
    let mut buffer = RecordBuffer::default();
    let payload = [7; RECORD_BYTES];
    let bytes = batch_bytes(records);
    let turns = (ROUND_BYTES / bytes).clamp(1, if sync { ROUND_SYNCS } else { 200_000 });
    let mut spent_ns = 0;
    for _ in 0..turns {
        opened.appender.begin(&mut buffer);
        for _ in 0..records {
            buffer.push(20, 1, ActorId(0), |out| out.extend_from_slice(&payload));
        }
        let time_ms = opened.appender.last_time_ms() + 1;
        let started = monotonic_ns();
        opened.appender.append(time_ms, &buffer)?;
        if sync && opened.syncer.step() == SyncProgress::Failed {
            return Err("a sync failed".into());
        }
        spent_ns += monotonic_ns() - started;
        maintain(&mut opened)?;
    }
    Ok((bytes as f64, spent_ns as f64 / turns as f64))
}

/// A file of zeros, written through and synced.
fn zeroed(path: &Path, bytes: u64) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    let zeros = vec![0; 1 << 20];
    for at in (0..bytes).step_by(zeros.len()) {
        file.write_all_at(&zeros, at)?;
    }
    file.sync_all()?;
    Ok(file)
}

/// The ceiling: one `pwrite` and one `fdatasync` a batch, into blocks that exist.
fn plain_round(directory: &Path, bytes: usize) -> Result<(f64, f64)> {
    let path = directory.join("plain");
    let file = zeroed(&path, 64 << 20)?;
    let batch = vec![7; bytes];
    let turns = (ROUND_BYTES / bytes).clamp(1, ROUND_SYNCS);
    let started = monotonic_ns();
    for turn in 0..turns {
        file.write_all_at(&batch, (turn * bytes) as u64)?;
        file.sync_data()?;
    }
    let spent_ns = monotonic_ns() - started;
    std::fs::remove_file(path)?;
    Ok((bytes as f64, spent_ns as f64 / turns as f64))
}

#[derive(Clone, Copy)]
enum Way {
    Range,
    Whole,
}

/// Writes and syncs a mapped file in pieces while the next 16 MiB are always populated.
fn sync_round(directory: &Path, way: Way) -> Result<(f64, f64)> {
    const PIECE: u64 = 1 << 20;
    const SIZE: u64 = 64 << 20;
    let data = directory.join("ways");
    let storage = MappedStorage::create(&data)?;
    let mapped = storage.create("segment", SIZE)?;
    for at in (0..SIZE).step_by(1 << 20) {
        mapped.fill(at, 1 << 20)?;
    }
    let file = OpenOptions::new().write(true).open(data.join("segment"))?;
    file.sync_all()?;
    let batch = vec![7; usize::try_from(PIECE)?];
    let mut spent_ns = 0;
    mapped.populate(0, 16 << 20)?;
    let turns = (SIZE >> 20) - 16;
    for turn in 0..turns {
        let at = turn * PIECE;
        mapped.populate(at + (16 << 20) - PIECE, PIECE)?;
        let started = monotonic_ns();
        mapped.write(at, &batch)?;
        match way {
            Way::Range => mapped.sync(at, PIECE)?,
            Way::Whole => file.sync_data()?,
        }
        spent_ns += monotonic_ns() - started;
    }
    std::fs::remove_dir_all(data)?;
    Ok((PIECE as f64, spent_ns as f64 / turns as f64))
}

fn replay(directory: &Path) -> Result<()> {
    let mut best = f64::MAX;
    let mut records = 0;
    for _ in 0..ROUNDS {
        let storage = Arc::new(MappedStorage::create(&directory.join("journal"))?);
        let started = monotonic_ns();
        let options = JournalOptions::default();
        let opened = open(storage, options, 1, Box::new(OsEntropy), &mut |_| Ok(()))?;
        best = best.min((monotonic_ns() - started) as f64);
        records = opened.report.records;
    }
    println!(
        "{records} records in {:.1} ms: {:.1} M records/s (before the engine applies them)",
        best / 1e6,
        records as f64 * 1e3 / best
    );
    Ok(())
}
