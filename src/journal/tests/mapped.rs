//! The real storage, on a real file system.

use super::*;
use crate::journal::storage::{Storage, StorageFile};

fn storage() -> (tempfile::TempDir, MappedStorage) {
    let directory = tempfile::tempdir().unwrap();
    let storage = MappedStorage::create(&directory.path().join("data/shard-0000")).unwrap();
    (directory, storage)
}

#[test]
fn a_mapped_journal_gives_back_what_was_appended_over_restarts() {
    let (_guard, storage) = storage();
    let mut written: Vec<Fact> = Vec::new();
    for start in 0..3_u64 {
        let mut seen = Vec::new();
        let entropy = Box::new(OsEntropy);
        let store = Arc::new(storage.clone());
        let mut opened = open(store, options(), start * 3_000, entropy, &mut |batch| {
            collect(batch, &mut seen);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, written);
        assert_eq!(opened.report.clean, start > 0);
        let mut buffer = RecordBuffer::default();
        for turn in 0..100_u64 {
            assert_eq!(opened.appender.room(), Room::Normal);
            opened.appender.begin(&mut buffer);
            for _ in 0..=turn {
                let payload = [turn as u8; 54];
                let (sequence, _) =
                    buffer.push(20, 1, ActorId(0), |out| out.extend_from_slice(&payload));
                written.push((sequence, payload.to_vec()));
            }
            opened
                .appender
                .append(start * 3_000 + 1_000, &buffer)
                .unwrap();
            assert_eq!(opened.syncer.step(), SyncProgress::Synced);
            while opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
        }
        opened
            .appender
            .close(&mut opened.syncer, start * 3_000 + 2_000)
            .unwrap();
    }
    let reading = Arc::new(MappedStorage::read_only(storage.directory()));
    let mut reader = Reader::new(Arc::clone(&reading), options().shard);
    let mut seen = Vec::new();
    while let Some(batch) = reader.next(u64::MAX).unwrap() {
        collect(&batch, &mut seen);
    }
    assert_eq!(seen, written);
    assert!(verify_seals(&reading, options().shard).unwrap().seals > 5);
}

#[test]
fn prepared_segments_have_no_holes() {
    use std::os::unix::fs::MetadataExt;
    let (_guard, storage) = storage();
    let entropy = Box::new(OsEntropy);
    let store = Arc::new(storage.clone());
    let mut opened = open(store, options(), 1, entropy, &mut |_| Ok(())).unwrap();
    while opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
    let names = storage.list().unwrap();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        let metadata = std::fs::metadata(storage.directory().join(name)).unwrap();
        assert!(metadata.blocks() * 512 >= metadata.len());
        assert_eq!(
            metadata.mode() & 0o777,
            0o600,
            "nobody else reads customers' data"
        );
    }
}

#[test]
fn files_are_never_replaced_and_ranges_never_left() {
    let (_guard, storage) = storage();
    let file = storage.create("a", 8_192).unwrap();
    file.fill(0, 8_192).unwrap();
    assert!(storage.create("a", 8_192).is_err());
    storage.create("b", 4_096).unwrap();
    assert!(storage.rename("a", "b").is_err());
    storage.rename("a", "c").unwrap();
    file.write(8_190, &[1, 2]).unwrap();
    assert!(file.write(8_191, &[1, 2]).is_err());
    assert!(file.write(u64::MAX, &[1]).is_err());
    assert!(file.sync(8_192, 1).is_err() && file.fill(1, 8_192).is_err());
    file.sync(5_000, 3_192).unwrap();
    file.populate(100, 5_000).unwrap();
    let mut byte = [0; 2];
    storage.open("c").unwrap().read(8_190, &mut byte).unwrap();
    assert_eq!(byte, [1, 2]);
    assert!(storage.open("a").is_err());
    let reading = MappedStorage::read_only(storage.directory());
    assert!(reading.open("c").unwrap().write(0, &[1]).is_err());
    assert!(reading.create("d", 1).is_err() && reading.remove("c").is_err());
    storage.remove("c").unwrap();
    assert_eq!(storage.list().unwrap(), ["b"]);
}

#[test]
fn the_threads_of_a_journal_sync_prepare_and_stop() {
    use std::sync::atomic::{AtomicBool, Ordering};
    for sync in [SyncMode::Always, SyncMode::Interval { ms: 2 }, SyncMode::Os] {
        let (_guard, storage) = storage();
        let options = JournalOptions { sync, ..options() };
        let entropy = Box::new(OsEntropy);
        let opened = open(Arc::new(storage), options, 1, entropy, &mut |_| Ok(())).unwrap();
        let Opened {
            mut appender,
            mut syncer,
            maintenance,
            ..
        } = opened;
        let handover = Arc::clone(appender.handover());
        let engine = std::thread::current();
        syncer.set_waker(Arc::new(move || engine.unpark()));
        let syncing = std::thread::spawn(move || {
            assert_ne!(syncer.run(), SyncProgress::Failed);
            syncer
        });
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let maintaining = std::thread::spawn(move || {
            run_maintenance(&mut [maintenance], &stopped, |error| panic!("{error}"));
        });
        let mut buffer = RecordBuffer::default();
        for turn in 0..300 {
            while appender.room() == Room::None {
                std::thread::yield_now();
            }
            appender.begin(&mut buffer);
            buffer.push(20, 1, ActorId(0), |out| out.resize(out.len() + 2_000, 1));
            appender.append(10 + turn, &buffer).unwrap();
            loop {
                let seen = appender.acknowledged();
                if seen == appender.next_sequence() {
                    break;
                }
                if handover.engine_sleeps(seen) {
                    std::thread::park();
                }
                handover.engine_woke();
            }
        }
        handover.stop();
        let mut syncer = syncing.join().unwrap();
        assert_eq!(
            appender.synced(),
            appender.next_sequence(),
            "a stop syncs everything"
        );
        appender.close(&mut syncer, 1_000).unwrap();
        stop.store(true, Ordering::Release);
        maintaining.thread().unpark();
        maintaining.join().unwrap();
    }
}
