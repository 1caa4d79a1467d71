//! The medium under the data directory: kind, sync latency, room.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Check, size};
use crate::clock;
use crate::config::Config;

/// How many syncs are timed.
const SYNCS: usize = 64;
/// How much is written before each.
const BLOCK_BYTES: usize = 4096;
/// Below this much free space a busy server fills the disk within the hour.
const ROOM_COMFORTABLE_BYTES: u64 = 10 << 30;

pub(super) fn checks(directory: &Path) -> Vec<Check> {
    vec![
        file_system(directory),
        sync_latency(directory),
        room(directory),
    ]
}

fn file_system(directory: &Path) -> Check {
    const NAME: &str = "file system";
    let stat = match rustix::fs::statfs(directory) {
        Ok(stat) => stat,
        Err(error) => return Check::warn(NAME, format!("unknown: {error}"), READABLE),
    };
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // a bit pattern, signed on some CPUs
    let magic = stat.f_type as u64 & 0xffff_ffff;
    let advice = "put the data directory on ext4 or xfs, on a local disk";
    match magic {
        0xef53 => Check::ok(NAME, "ext4 (or ext2, ext3)"),
        0x5846_5342 => Check::ok(NAME, "xfs"),
        0x0102_1994 => Check::warn(NAME, "tmpfs: gone when the machine stops", advice),
        0x794c_7630 => Check::warn(NAME, "overlay: gone with the container", advice),
        0x6969 => Check::warn(NAME, "nfs: not supported", advice),
        0x9123_683e => Check::warn(NAME, "btrfs: not tested", advice),
        0x2fc1_2fc1 => Check::warn(NAME, "zfs: not tested", advice),
        0x6573_5546 => Check::warn(NAME, "fuse: not tested", advice),
        other => Check::warn(NAME, format!("unknown ({other:#x})"), advice),
    }
}

/// Times what the journal does for every group of orders: a small write into allocated space, made
/// durable.
fn sync_latency(directory: &Path) -> Check {
    const NAME: &str = "sync latency";
    let mut nanoseconds = match time_syncs(directory) {
        Ok(nanoseconds) => nanoseconds,
        Err(error) => {
            let advice = format!(
                "make {} writable for the server's user",
                directory.display()
            );
            return Check::fail(NAME, format!("cannot write here: {error}"), advice);
        }
    };
    nanoseconds.sort_unstable();
    let microseconds = |index: usize| nanoseconds.get(index).copied().unwrap_or(0) / 1_000;
    let (median, worst) = (microseconds(SYNCS / 2), microseconds(SYNCS - 1));
    let found = format!("median {median} µs, worst {worst} µs of {SYNCS} × 4 KiB fdatasync");
    match median {
        0..10 => Check::warn(
            NAME,
            found,
            "too fast to be a disk: something acknowledges before it has written (tmpfs, a \
             library that skips fsync, a volatile cache)",
        ),
        10..5_000 if worst < 100_000 => Check::ok(NAME, found),
        10..5_000 => Check::warn(
            NAME,
            found,
            "another writer on this disk delays syncs now and then: give the journal a disk of \
             its own",
        ),
        _ => Check::warn(
            NAME,
            found,
            "every order waits this long for its acknowledgement: use a solid-state disk with \
             power-loss protection",
        ),
    }
}

fn time_syncs(directory: &Path) -> io::Result<Vec<u64>> {
    let file = tempfile::tempfile_in(directory)?;
    let block = [0x5a; BLOCK_BYTES];
    let offsets = || (0..SYNCS as u64).map(|index| index * BLOCK_BYTES as u64);
    for offset in offsets() {
        file.write_all_at(&[0; BLOCK_BYTES], offset)?;
    }
    file.sync_all()?;
    offsets()
        .map(|offset| {
            let start = clock::monotonic_ns();
            file.write_all_at(&block, offset)?;
            file.sync_data()?;
            Ok(clock::monotonic_ns() - start)
        })
        .collect()
}

fn room(directory: &Path) -> Check {
    const NAME: &str = "disk room";
    let free = match rustix::fs::statvfs(directory) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => return Check::warn(NAME, format!("unknown: {error}"), READABLE),
    };
    let config = Config::default();
    let files = u64::from(config.prepared_segments) + 2;
    let needed = u64::from(config.shards) * files * config.segment_bytes;
    let found = format!("{} free", size(free));
    let advice = format!(
        "the server starts with {} of journal files and takes about 64 to 96 bytes an order from \
         there: use a larger disk, or a smaller `segment_bytes`",
        size(needed)
    );
    if free < needed {
        Check::fail(NAME, found, advice)
    } else if free < ROOM_COMFORTABLE_BYTES {
        Check::warn(NAME, found, advice)
    } else {
        Check::ok(NAME, found)
    }
}

const READABLE: &str = "make the directory readable for the server's user";
