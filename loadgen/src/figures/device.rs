//! What the device below a directory does by itself: the ceiling of everything durable.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};
use onhand::clock::monotonic_ns;

use crate::tally::{Latency, LatencySummary};

/// Bytes written before each sync.
const BLOCK_BYTES: usize = 4_096;

/// Size of the file that blocks are synced in, in blocks: allocated and written before.
const BLOCKS: u64 = 4_096;

/// Bytes of one sequential write.
const CHUNK_BYTES: usize = 1 << 20;

/// The device without Onhand.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct DeviceCeiling {
    /// Overwriting 4 KiB of a file and fdatasync, in microseconds.
    pub sync_4k_us: LatencySummary,
    /// Such writes a second, one after the other.
    pub syncs_per_s: f64,
    /// Sequential writes of 1 MiB into a file that is there, synced at the end, in MB/s.
    pub sequential_mb_per_s: f64,
    /// MB written for the sequential figure.
    pub sequential_mb: u64,
}

/// Measures in a temporary file of `directory`, which is gone afterwards.
pub fn measure(directory: &Path, quick: bool) -> Result<DeviceCeiling> {
    let (syncs, chunks) = if quick { (1_000, 256) } else { (5_000, 1_024) };
    let mut file = tempfile::tempfile_in(directory)
        .with_context(|| format!("cannot write in {}", directory.display()))?;
    let latency = measure_syncs(&mut file, syncs)?;
    let sequential_ns = measure_sequential(&file, chunks)?;
    let bytes = chunks * CHUNK_BYTES as u64;
    Ok(DeviceCeiling {
        sync_4k_us: latency.summary(),
        syncs_per_s: 1e9 / latency.mean_ns().max(1.0),
        sequential_mb_per_s: bytes as f64 * 1e3 / sequential_ns.max(1) as f64,
        sequential_mb: bytes / 1_000_000,
    })
}

fn measure_syncs(file: &mut File, syncs: u64) -> Result<Latency> {
    let mut block = vec![0x5a; BLOCK_BYTES];
    for _ in 0..BLOCKS {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    let mut latency = Latency::default();
    for number in 0..syncs {
        #[allow(clippy::cast_possible_truncation)] // below 251
        block.fill((number % 251) as u8);
        let start_ns = monotonic_ns();
        file.write_all_at(&block, number % BLOCKS * BLOCK_BYTES as u64)?;
        file.sync_data()?;
        latency.record(monotonic_ns() - start_ns, 1);
    }
    Ok(latency)
}

/// Nanoseconds of writing `chunks` over what is there.
fn measure_sequential(file: &File, chunks: u64) -> Result<u64> {
    let mut chunk = vec![0xa5; CHUNK_BYTES];
    let mut write = |fill: u8| -> Result<u64> {
        chunk.fill(fill);
        let start_ns = monotonic_ns();
        for number in 0..chunks {
            file.write_all_at(&chunk, number * CHUNK_BYTES as u64)?;
        }
        file.sync_data()?;
        Ok(monotonic_ns() - start_ns)
    };
    // Once to allocate, as a journal does before its first record, and once to measure.
    write(1)?;
    write(2)
}
