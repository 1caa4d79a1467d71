//! What the journal costs: append and sync by batch size, beside the ceiling of a plain write and
//! fdatasync on the same disk in the same run, and the ways in which mapped bytes can be synced.
//!
//! `cargo bench --bench journal` prints medians. Set `ONHAND_BENCH_DIR` to
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
/// Bytes appended for one figure, at most.
const TOTAL_BYTES: usize = 192 << 20;
/// Syncs for one figure, at most.
const SYNCS_MAX: usize = 500;
/// Appends without a sync for one figure, at most.
const APPENDS_MAX: usize = 20_000;
/// Size of the file of the plain writes.
const PLAIN_BYTES: u64 = 64 << 20;
/// Times that the replay is measured.
const REPLAYS: usize = 5;

fn main() -> Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run with `cargo bench --bench journal`");
        return Ok(());
    }
    let directory = directory()?;
    print_conditions(directory.path());
    println!("\nappend only, no sync: median");
    println!(
        "{:>10} {:>12} {:>14} {:>12}",
        "records", "bytes", "ns/record", "MB/s"
    );
    for records in BATCH_RECORDS {
        let (append_ns, _) = append(directory.path(), records, false)?;
        let (bytes, ns) = (batch_bytes(records) as f64, append_ns.median());
        let per_record = ns / records as f64;
        let rate = bytes * 1e3 / ns;
        println!("{records:>10} {bytes:>12.0} {per_record:>14.2} {rate:>12.0}");
    }
    println!("\nappend and sync, in turns with a plain write and fdatasync of the same bytes");
    println!(
        "{:>10} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "records", "bytes", "journal µs", "p90", "plain µs", "p90", "MB/s"
    );
    for records in BATCH_RECORDS {
        let (journal_ns, plain_ns) = append(directory.path(), records, true)?;
        let bytes = batch_bytes(records) as f64;
        println!(
            "{records:>10} {bytes:>12.0} {:>12.1} {:>12.1} {:>12.1} {:>12.1} {:>12.0}",
            journal_ns.median() / 1e3,
            journal_ns.at(0.9) / 1e3,
            plain_ns.median() / 1e3,
            plain_ns.at(0.9) / 1e3,
            bytes * 1e3 / journal_ns.median(),
        );
    }
    for (piece, count) in [(136, 400), (1 << 20, 16)] {
        println!("\nways to write and sync {piece} bytes of a prepared file, in turns");
        for (name, times) in ways(directory.path(), piece, count)? {
            println!(
                "{name:>28} median {:>8.1} µs, p90 {:>8.1} µs",
                times.median() / 1e3,
                times.at(0.9) / 1e3
            );
        }
    }
    println!("\nreplay of the journal just written, from the page cache");
    replay(directory.path())
}

/// Durations of the same work, in nanoseconds.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn add(&mut self, started_ns: u64) {
        self.0.push((monotonic_ns() - started_ns) as f64);
    }

    /// The duration that this share of them does not exceed.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index).copied().unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.at(0.5)
    }
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
            &["--output=source,fstype", &directory.display().to_string()]
        )
        .lines()
        .last()
        .unwrap_or_default()
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

fn maintain(opened: &mut Opened<MappedStorage>) -> Result<()> {
    while opened.maintenance.step()? != MaintenanceProgress::Idle {}
    Ok(())
}

/// Bytes of a batch of so many records: header, then each with its frame.
fn batch_bytes(records: usize) -> usize {
    64 + records * (RECORD_BYTES + 8)
}

/// Times of appending batches of so many records, with their sync if asked for; and then of the
/// same bytes by a plain write and fdatasync, one after each: the ceiling, in the same noise.
fn append(directory: &Path, records: usize, sync: bool) -> Result<(Times, Times)> {
    let data = directory.join("journal");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let storage = Arc::new(MappedStorage::create(&data)?);
    let options = JournalOptions::default();
    let mut opened = open(storage, options, 1, Box::new(OsEntropy), &mut |_| Ok(()))?;
    maintain(&mut opened)?;
    let bytes = batch_bytes(records);
    let (path, plain) = (directory.join("plain"), vec![7; bytes]);
    let file = zeroed(&path, PLAIN_BYTES)?;
    let turns = (TOTAL_BYTES / bytes).clamp(1, if sync { SYNCS_MAX } else { APPENDS_MAX });
    let (mut journal_ns, mut plain_ns) = (Times::default(), Times::default());
    let mut buffer = RecordBuffer::default();
    let payload = [7; RECORD_BYTES];
    for turn in 0..turns {
        opened.appender.begin(&mut buffer);
        for _ in 0..records {
            buffer.push(20, 1, ActorId(1), |out| out.extend_from_slice(&payload));
        }
        let time_ms = opened.appender.last_time_ms() + 1;
        let started_ns = monotonic_ns();
        opened.appender.append(time_ms, &buffer)?;
        if sync && opened.syncer.step() == SyncProgress::Failed {
            return Err("a sync failed".into());
        }
        journal_ns.add(started_ns);
        if sync {
            let at = (turn * bytes) as u64 % (PLAIN_BYTES - bytes as u64);
            let started_ns = monotonic_ns();
            file.write_all_at(&plain, at)?;
            file.sync_data()?;
            plain_ns.add(started_ns);
        }
        maintain(&mut opened)?;
    }
    std::fs::remove_file(path)?;
    Ok((journal_ns, plain_ns))
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

/// Writes and syncs three prepared files piece by piece: as the journal does, with `pwrite` and
/// `fdatasync`, and as the journal would if the page cache held the file in large folios.
fn ways(directory: &Path, piece: usize, count: usize) -> Result<[(&'static str, Times); 3]> {
    const SIZE: u64 = 64 << 20;
    let data = directory.join("ways");
    let storage = MappedStorage::create(&data)?;
    let mut files = Vec::new();
    for name in ["store", "pwrite", "large"] {
        let mapped = storage.create(name, SIZE)?;
        let file = OpenOptions::new().write(true).open(data.join(name))?;
        for at in (0..SIZE).step_by(1 << 20) {
            if name == "large" {
                file.write_all_at(&vec![0; 1 << 20], at)?;
            } else {
                mapped.fill(at, 1 << 20)?;
            }
        }
        file.sync_all()?;
        if name != "pwrite" {
            mapped.populate(0, SIZE / 4)?;
        }
        files.push((mapped, file, Times::default()));
    }
    let batch = vec![7; piece];
    for at in (0..count).map(|turn| (turn * piece) as u64) {
        for (way, (mapped, file, times)) in files.iter_mut().enumerate() {
            let started_ns = monotonic_ns();
            if way == 1 {
                file.write_all_at(&batch, at)?;
                file.sync_data()?;
            } else {
                mapped.write(at, &batch)?;
                mapped.sync(at, piece as u64)?;
            }
            times.add(started_ns);
        }
    }
    std::fs::remove_dir_all(data)?;
    let mut times = files.into_iter().map(|(_, _, times)| times);
    let mut next = || times.next().unwrap_or_default();
    Ok([
        ("store, msync of the range", next()),
        ("pwrite, fdatasync", next()),
        ("store, msync, large folios", next()),
    ])
}

fn replay(directory: &Path) -> Result<()> {
    let mut best = f64::MAX;
    let mut records = 0;
    for _ in 0..REPLAYS {
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
