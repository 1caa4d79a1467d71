//! A disk that fails: a full one costs no more than room, a failed sync ends the journal.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_failed_sync_poisons_and_is_never_tried_again() {
    let mut rig = Rig::new();
    let woken = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&woken);
    rig.opened.syncer.set_waker(Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    rig.append(&[b"told to nobody"]);
    let mark = rig.opened.appender.acknowledged();
    assert!(rig.opened.appender.handover().engine_sleeps(mark));
    rig.disk.fail_syncs(1);
    assert_eq!(rig.sync(), SyncProgress::Failed);
    assert_eq!(woken.load(Ordering::Relaxed), 1, "the engine is told");
    assert!(rig.opened.syncer.error().is_some());
    let syncs = rig.disk.syncs();
    assert_eq!(rig.sync(), SyncProgress::Failed);
    assert_eq!(rig.disk.syncs(), syncs, "no second try");
    assert_eq!(rig.opened.appender.acknowledged(), mark);
    assert!(rig.opened.appender.is_failed());
    assert_eq!(rig.opened.appender.room(), Room::None);
    assert!(matches!(
        rig.try_append(&[b"more"]),
        Err(AppendError::Poisoned)
    ));
    assert!(
        !rig.opened.appender.handover().engine_sleeps(mark),
        "and must not sleep over it"
    );
}

#[test]
fn what_a_restart_shows_after_a_failed_sync_survives_a_power_cut() {
    let mut rig = Rig::new();
    rig.run(2, 1, 100);
    rig.append(&[&[1; 3_000]]);
    rig.disk.fail_syncs(1);
    assert_eq!(rig.sync(), SyncProgress::Failed);
    // The process ends; the page cache still shows the batch, clean, though it is not on disk.
    let shown = Rig::on(rig.disk, 5);
    assert_eq!(shown.facts.len(), 3);
    assert!(shown.opened.report.rewritten_bytes > 3_000);
    shown.disk.crash(|| false);
    assert_eq!(Rig::on(shown.disk, 6).facts, shown.facts);
}

#[cfg(feature = "mutants")]
#[test]
fn a_recovery_that_trusts_the_cache_loses_what_it_showed() {
    use crate::mutants::{Mutant, set};
    let mut rig = Rig::new();
    rig.append(&[&[1; 3_000]]);
    rig.disk.fail_syncs(1);
    assert_eq!(rig.sync(), SyncProgress::Failed);
    set(Some(Mutant::TrustCacheAfterFailedSync));
    let shown = Rig::on(rig.disk, 5);
    set(None);
    shown.disk.crash(|| false);
    let caught = match open_on(&shown.disk, 6, 2_000) {
        Ok((_, facts)) => facts != shown.facts,
        Err(_) => true,
    };
    assert!(caught);
}

#[cfg(feature = "mutants")]
#[test]
fn an_acknowledgement_before_the_sync_is_visible_as_such() {
    use crate::mutants::{Mutant, set};
    let mut rig = Rig::new();
    rig.append(&[b"x"]);
    set(Some(Mutant::AckBeforeSync));
    assert_eq!(
        rig.opened.appender.acknowledged(),
        rig.opened.appender.next_sequence()
    );
    set(None);
    assert!(rig.opened.appender.acknowledged() < rig.opened.appender.next_sequence());
}

#[test]
fn a_full_disk_is_an_error_of_preparation_and_room_comes_back_with_space() {
    let mut rig = Rig::new();
    rig.disk.set_full(true);
    let payload = vec![1; 20_000];
    let error = loop {
        match rig.opened.maintenance.step() {
            Ok(MaintenanceProgress::Idle) => panic!("prepared on a full disk"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.source.kind(), std::io::ErrorKind::StorageFull);
    while rig.opened.appender.room() > Room::None {
        rig.append(&[&payload]);
        assert_eq!(rig.sync(), SyncProgress::Synced);
    }
    assert!(
        (0..4).any(|_| rig.opened.maintenance.step().is_err()),
        "it tries again"
    );
    rig.disk.set_full(false);
    rig.maintain();
    assert_eq!(rig.opened.appender.room(), Room::Normal);
    rig.append(&[&payload]);
    rig.sync();
    let (disk, facts) = rig.close();
    assert_eq!(Rig::on(disk, 3).facts, facts);
}

#[test]
fn a_disk_that_fills_up_during_a_preparation_gets_its_space_back() {
    for steps in 1..6 {
        let mut rig = Rig::new();
        for _ in 0..steps {
            rig.opened.maintenance.step().unwrap();
        }
        rig.disk.set_full(true);
        for _ in 0..5 {
            let _ = rig.opened.maintenance.step(); // whether it fails depends on where it is
        }
        let names = rig.disk.list_names();
        assert!(
            !names.iter().any(|name| name.ends_with(".tmp")),
            "{names:?}"
        );
        rig.disk.set_full(false);
        rig.run(60, 3, 1_000);
        let (disk, facts) = rig.close();
        assert_eq!(Rig::on(disk, 3).facts, facts);
    }
}

#[test]
fn a_sync_that_fails_while_a_segment_is_prepared_costs_that_segment_only() {
    for steps in 0..8 {
        let mut rig = Rig::new();
        for _ in 0..steps {
            rig.opened.maintenance.step().unwrap();
        }
        rig.disk.fail_syncs(1);
        let mut failed = 0;
        for _ in 0..8 {
            failed += u32::from(rig.opened.maintenance.step().is_err());
        }
        rig.disk.fail_syncs(0);
        rig.run(60, 3, 1_000);
        let facts = rig.facts.clone();
        rig.disk.crash(|| false);
        assert_eq!(
            Rig::on(rig.disk, 3).facts,
            facts,
            "after {steps} steps, {failed} failed"
        );
    }
}

#[test]
fn a_refused_replay_names_the_batch() {
    let mut rig = Rig::new();
    rig.run(2, 1, 8);
    let storage = Arc::new(rig.disk);
    let entropy = Box::new(CountedEntropy(1));
    let Err(error) = open(storage, options(), 1, entropy, &mut |batch| {
        if batch.sequence == 3 {
            return Err("no such order".into());
        }
        Ok(())
    }) else {
        panic!("opened");
    };
    let text = error.to_string();
    assert!(
        text.contains("sequence 3") && text.contains("no such order"),
        "{text}"
    );
}
