//! Crashes: whatever part of the unsynced bytes reached the disk, everything acknowledged is
//! there, in order, and nothing is there that was not appended.

use super::*;

/// A pseudo-random choice from a seed, good enough to pick sectors: "no" one time in 2, 8, 32, or
/// 128, by the seed.
pub fn coin(seed: u64) -> impl FnMut() -> bool {
    let mask = (2 << (seed % 4 * 2)) - 1;
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) & mask != 0
    }
}

fn is_prefix(short: &[Fact], long: &[Fact]) -> bool {
    long.get(..short.len()) == Some(short)
}

#[test]
fn every_choice_of_surviving_sectors_keeps_what_was_acknowledged() {
    let mut holes = 0;
    let mut recycled = 0;
    for seed in 0..400_u64 {
        let mut rig = Rig::new();
        rig.run(1 + seed as usize % 5, 3, 700);
        // Unsynced: up to several segments.
        for turn in 0..seed % 23 {
            if rig.opened.appender.room() == Room::Normal {
                rig.append(&[&[turn as u8; 900], &[9; 4_000], &[turn as u8; 33]]);
            }
        }
        let acknowledged = rig.acknowledged();
        let mut facts = rig.facts.clone();
        rig.disk.crash(coin(seed));
        for again in 0..3 {
            rig = Rig::on(rig.disk, (seed + again) as u8);
            assert!(
                is_prefix(&acknowledged, &rig.facts),
                "seed {seed}: acknowledged are there"
            );
            assert!(
                is_prefix(&rig.facts, &facts),
                "seed {seed}: and nothing unheard of"
            );
            let report = &rig.opened.report;
            holes += u32::from(report.cut_batches_seen > 0);
            recycled += report.recycled;
            assert!(
                !report.torn || again == 0,
                "seed {seed}: cut once, cut for good"
            );
            rig.append(&[b"after"]);
            rig.sync();
            facts = rig.facts.clone();
        }
        rig.maintain();
        rig.run(30, 3, 1_000);
        let expected = rig.facts.clone();
        assert_eq!(Rig::on(rig.disk, 99).facts, expected);
    }
    assert!(holes > 50, "{holes} holes below whole batches");
    assert!(recycled > 50, "{recycled} recycled segments");
}

#[test]
fn every_truncation_of_the_unsynced_tail_is_cut_to_whole_batches() {
    let mut rig = Rig::new();
    rig.run(3, 2, 40);
    let kept = rig.facts.len();
    let start = rig.opened.syncer.done.offset as usize;
    rig.append(&[&[1; 100], &[2; 61]]);
    let middle = rig.opened.appender.offset as usize;
    rig.append(&[&[3; 90]]);
    let end = rig.opened.appender.offset as usize;
    for cut in start..=end {
        let disk = rig.disk.fork();
        disk.alter("segment-0000000001.log", |bytes| bytes[cut..].fill(0));
        let found = Rig::on(disk, 2);
        // Trailing padding is zero anyway, so a batch may be whole a few bytes early.
        let whole = found.facts.len() - kept;
        let least = usize::from(cut >= middle) * 2 + usize::from(cut >= end);
        assert!(
            whole >= least && whole <= least + 2,
            "cut at {cut}: {whole} records"
        );
        assert_eq!(found.facts[..], rig.facts[..kept + whole]);
        assert!(cut >= middle - 8 || whole == 0, "cut at {cut}");
    }
}

#[test]
fn every_flipped_bit_of_the_unsynced_tail_cuts_there_and_no_earlier() {
    let mut rig = Rig::new();
    rig.run(2, 1, 40);
    rig.append(&[&[5; 60]]);
    let (kept, start) = (rig.facts.len(), rig.opened.appender.offset as usize);
    rig.append(&[&[6; 40]]);
    let end = rig.opened.appender.offset as usize;
    for bit in start * 8..end * 8 {
        let disk = rig.disk.fork();
        disk.alter("segment-0000000001.log", |bytes| {
            bytes[bit / 8] ^= 1 << (bit % 8)
        });
        let found = Rig::on(disk, 2);
        assert_eq!(found.facts[..], rig.facts[..kept], "bit {bit}");
    }
}

#[test]
fn a_segment_half_prepared_at_a_crash_is_made_again() {
    for steps in 0..9 {
        for keep in [true, false] {
            let mut rig = Rig::new();
            rig.run(1, 1, 10);
            for _ in 0..steps {
                rig.opened.maintenance.step().unwrap();
            }
            rig.disk.crash(|| keep);
            let acknowledged = rig.facts.clone();
            let mut rig = Rig::on(rig.disk, 7);
            assert_eq!(rig.facts, acknowledged);
            rig.run(60, 3, 1_000);
            let names = rig.disk.list_names();
            assert!(
                !names.iter().any(|name| name.ends_with(".tmp")),
                "{names:?}"
            );
        }
    }
}

/// Two lives of segment 2 with batches of the same length, so that old ones stand exactly where
/// the new ones end. Returns what was appended durably, and what a restart finds (or why not).
fn two_lives(second: u8) -> (Vec<Fact>, Result<Vec<Fact>, String>) {
    let mut rig = Rig::new();
    rig.maintain();
    rig.append(&[&[1; 20_000]]);
    rig.append(&[&[1; 20_000]]);
    rig.append(&[&[1; 15_000]]);
    rig.sync();
    for turn in 0..8 {
        rig.append(&[&[turn; 5_000]]);
    }
    assert_eq!(rig.opened.appender.position().segment, 2);
    // The first unsynced batch is lost, all later ones are on disk.
    let synced = rig.opened.syncer.done.offset as usize;
    rig.disk.crash(|| true);
    rig.disk
        .alter("segment-0000000001.log", |bytes| bytes[synced..].fill(0));
    let (mut opened, mut facts) = match open_on(&rig.disk, 30, 2_000) {
        Ok(opened) => opened,
        Err(error) => return (rig.facts, Err(error.to_string())),
    };
    assert!(opened.report.recycled > 0);
    while opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
    let mut buffer = RecordBuffer::default();
    for turn in 0..second {
        opened.appender.begin(&mut buffer);
        let payload = [100 + turn; 5_000];
        let (sequence, _) = buffer.push(20, 1, ActorId(1), |out| out.extend_from_slice(&payload));
        opened.appender.append(3_000, &buffer).unwrap();
        facts.push((sequence, payload.to_vec()));
    }
    assert_ne!(opened.syncer.step(), SyncProgress::Failed);
    rig.disk.crash(|| true);
    let found = open_on(&rig.disk, 60, 4_000);
    (
        facts,
        found
            .map(|(_, facts)| facts)
            .map_err(|error| error.to_string()),
    )
}

#[test]
fn a_recycled_segment_gives_back_nothing_of_its_earlier_life() {
    for second in 0..6 {
        let (expected, found) = two_lives(second);
        assert_eq!(
            found.unwrap(),
            expected,
            "{second} batches in the second life"
        );
    }
}

#[cfg(feature = "mutants")]
#[test]
fn a_recovery_that_takes_stale_bytes_is_seen_to_do_so() {
    use crate::mutants::{Mutant, set};
    set(Some(Mutant::StaleRecycled));
    let caught = std::panic::catch_unwind(|| {
        let (expected, found) = two_lives(0);
        found != Ok(expected)
    });
    set(None);
    assert!(caught.unwrap_or(true));
}

#[test]
fn a_crash_at_any_sync_of_recovery_loses_nothing_acknowledged() {
    for seed in 0..60_u64 {
        let mut rig = Rig::new();
        rig.run(2, 3, 700);
        for turn in 0..12 {
            if rig.opened.appender.room() == Room::Normal {
                rig.append(&[&[turn; 900], &[9; 4_000]]);
            }
        }
        let acknowledged = rig.acknowledged();
        rig.disk.crash(coin(seed));
        for fail_after in 0..6 {
            let disk = rig.disk.fork();
            disk.fail_sync_number(fail_after);
            let first = open_on(&disk, 40, 1_000);
            let failed = first.is_err();
            drop(first);
            if seed % 2 == 0 {
                disk.crash(coin(seed + 1_000)); // power cut; else the process alone ends
            }
            disk.fail_syncs(0);
            let again = Rig::on(disk, 41);
            assert!(
                is_prefix(&acknowledged, &again.facts),
                "seed {seed}, sync {fail_after}"
            );
            again.disk.crash(|| false);
            let last = Rig::on(again.disk, 42);
            assert_eq!(
                last.facts, again.facts,
                "what recovery showed stays; failed: {failed}"
            );
        }
    }
}
