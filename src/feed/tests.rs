//! Feeds over a real journal: at least once, in order, never past the mark, never in the way.

#![allow(clippy::cast_possible_truncation)] // bytes from small numbers

use super::*;
use crate::journal::{
    JournalOptions, MaintenanceProgress, MappedStorage, Opened, OsEntropy, SyncProgress, open,
};
use crate::types::ActorId;
use crate::types::record::{RecordBuffer, Records};

struct Rig {
    storage: Arc<MappedStorage>,
    opened: Opened<MappedStorage>,
    appended: Vec<Vec<u8>>,
    time_ms: u64,
}

fn rig(directory: &std::path::Path) -> Rig {
    let storage = Arc::new(MappedStorage::create(directory).unwrap());
    let options = JournalOptions {
        segment_bytes: 64 << 10,
        ..JournalOptions::default()
    };
    let entropy = Box::new(OsEntropy);
    let opened = open(Arc::clone(&storage), options, 5, entropy, &mut |_| Ok(())).unwrap();
    Rig {
        storage,
        time_ms: opened.appender.last_time_ms(),
        opened,
        appended: Vec::new(),
    }
}

impl Rig {
    fn append(&mut self, count: usize) {
        let mut buffer = RecordBuffer::default();
        for _ in 0..count {
            let payload = vec![self.appended.len() as u8; 900];
            self.time_ms += 10;
            self.opened.appender.begin(&mut buffer);
            buffer.push(20, 1, ActorId(0), |out| out.extend_from_slice(&payload));
            self.opened.appender.append(self.time_ms, &buffer).unwrap();
            self.appended.push(payload);
        }
    }

    fn sync(&mut self) {
        assert_ne!(self.opened.syncer.step(), SyncProgress::Failed);
        while self.opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
    }

    fn feed(&self, name: &str) -> Result<Feed<MappedStorage>, FeedError> {
        let handover = Arc::clone(self.opened.appender.handover());
        Feed::open(Arc::clone(&self.storage), 0, name, handover)
    }
}

fn drain(feed: &mut Feed<MappedStorage>, into: &mut Vec<Vec<u8>>) {
    let mut deliver = |batch: &Batch<'_>| {
        let records = Records::new(batch.payload).filter(|record| record.kind >= 16);
        into.extend(records.map(|record| record.payload.to_vec()));
    };
    while feed.step(&mut deliver).unwrap() == FeedProgress::Delivered {}
}

#[test]
fn a_feed_reads_what_is_acknowledged_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let mut rig = rig(directory.path());
    let mut feed = rig.feed("history").unwrap();
    let mut seen = Vec::new();
    rig.append(30);
    drain(&mut feed, &mut seen);
    assert!(seen.is_empty(), "nothing is acknowledged yet");
    for _ in 0..10 {
        rig.sync();
        drain(&mut feed, &mut seen);
        assert_eq!(seen, rig.appended);
        rig.append(30);
        drain(&mut feed, &mut seen);
        assert_eq!(seen.len() + 30, rig.appended.len());
    }
    assert!(feed.position().segment > 3, "over several segments");
}

#[test]
fn a_feed_goes_on_from_its_last_commit_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let mut expected = Vec::new();
    for start in 0..4 {
        let mut rig = rig(directory.path());
        let mut feed = rig.feed("history").unwrap();
        rig.append(50);
        rig.sync();
        expected.extend(rig.appended.clone());
        drain(&mut feed, &mut seen);
        assert_eq!(seen, expected, "start {start}");
        feed.commit().unwrap();
        feed.commit().unwrap();
        // Delivered but not committed: comes again.
        rig.append(7);
        rig.sync();
        drain(&mut feed, &mut Vec::new());
        expected.extend(rig.appended[50..].to_vec());
        let Opened {
            appender,
            mut syncer,
            ..
        } = rig.opened;
        appender.close(&mut syncer, rig.time_ms).unwrap();
    }
}

#[test]
fn lag_counts_records_and_milliseconds_and_is_nothing_when_caught_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut rig = rig(directory.path());
    let mut feed = rig.feed("slow").unwrap();
    rig.append(1);
    rig.sync();
    drain(&mut feed, &mut Vec::new());
    let read = rig.time_ms;
    assert_eq!(feed.lag(read + 500), FeedLag { records: 0, ms: 0 });
    rig.append(5);
    rig.sync();
    assert_eq!(
        feed.lag(read + 500),
        FeedLag {
            records: 5,
            ms: 500
        }
    );
}

#[test]
fn every_flipped_bit_of_the_newer_slot_falls_back_and_of_both_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut rig = rig(directory.path());
    let mut feed = rig.feed("history").unwrap();
    for _ in 0..2 {
        rig.append(3);
        rig.sync();
        drain(&mut feed, &mut Vec::new());
        feed.commit().unwrap();
    }
    let newest = feed.next_sequence();
    drop(feed);
    let path = directory.path().join("cursors/history");
    let good = std::fs::read(&path).unwrap();
    for bit in 0..64 * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).unwrap();
        assert!(
            rig.feed("history").unwrap().next_sequence() < newest,
            "bit {bit}"
        );
        bytes[2_048 + bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).unwrap();
        let error = rig.feed("history").err().unwrap().to_string();
        assert!(error.contains("cursors/history is damaged"), "{error}");
    }
    std::fs::write(&path, &good[..100]).unwrap();
    assert!(rig.feed("history").is_err());
    std::fs::write(&path, good).unwrap();
    assert_eq!(rig.feed("history").unwrap().next_sequence(), newest);
}

#[test]
fn a_cursor_ahead_of_the_journal_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut rig_before = rig(directory.path());
    rig_before.append(9);
    rig_before.sync();
    let mut feed = rig_before.feed("history").unwrap();
    drain(&mut feed, &mut Vec::new());
    feed.commit().unwrap();
    drop((feed, rig_before));
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let after = rig(directory.path());
    let error = after.feed("history").err().unwrap();
    assert!(matches!(error, FeedError::AheadOfJournal { .. }), "{error}");
}

#[test]
fn names_that_could_leave_the_directory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let rig = rig(directory.path());
    for name in ["", "..", "a/b", "A", "a b", &"a".repeat(65)] {
        assert!(rig.feed(name).is_err(), "{name}");
    }
    assert!(rig.feed("open-orders-2").is_ok());
}

#[test]
fn a_transient_feed_begins_at_the_first_record_every_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut rig = rig(directory.path());
    rig.append(20);
    rig.sync();
    for _ in 0..2 {
        let handover = Arc::clone(rig.opened.appender.handover());
        let mut feed = Feed::transient(Arc::clone(&rig.storage), 0, "open-orders", handover);
        let mut seen = Vec::new();
        drain(&mut feed, &mut seen);
        feed.commit().unwrap();
        assert_eq!(seen, rig.appended);
    }
}
