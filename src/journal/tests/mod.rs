//! Tests of the journal as a whole, on a disk with a live and a durable image.

#![allow(
    clippy::cast_possible_truncation,     // small numbers
    clippy::large_stack_arrays,
    clippy::semicolon_if_nothing_returned, // one-line closures that change a byte
    clippy::case_sensitive_file_extension_comparisons // names that this product chose
)]

mod damage;
mod disk;
mod faults;
mod golden;
mod mapped;
mod property;
mod torn;

use super::*;
use crate::limits::SEGMENT_BYTES_MIN;
use crate::types::ActorId;
use crate::types::record::{RecordBuffer, Records};
use disk::Disk;
use std::sync::Arc;

/// Salts from a counter: every test is the same every time.
pub struct CountedEntropy(pub u8);

impl Entropy for CountedEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.0 = self.0.wrapping_add(1);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.0.wrapping_mul(37).wrapping_add(index as u8);
        }
        Ok(())
    }
}

pub fn options() -> JournalOptions {
    JournalOptions {
        shard: 3,
        segment_bytes: SEGMENT_BYTES_MIN,
        prepared_segments: 2,
        sync: SyncMode::Always,
    }
}

/// One record as a test sees it: its sequence, and what it says.
pub type Fact = (u64, Vec<u8>);

/// A journal on a disk, and what it should hold.
pub struct Rig {
    pub disk: Disk,
    pub opened: Opened<Disk>,
    pub facts: Vec<Fact>,
    pub time_ms: u64,
    buffer: RecordBuffer,
}

/// Opens the journal; returns it with every engine record that was replayed.
pub fn open_on(disk: &Disk, salt: u8, now_ms: u64) -> Result<(Opened<Disk>, Vec<Fact>), OpenError> {
    let mut facts = Vec::new();
    let storage = Arc::new(disk.clone());
    let entropy = Box::new(CountedEntropy(salt));
    let opened = open(storage, options(), now_ms, entropy, &mut |batch| {
        collect(batch, &mut facts);
        Ok(())
    })?;
    Ok((opened, facts))
}

pub fn collect(batch: &Batch<'_>, facts: &mut Vec<Fact>) {
    let mut records = Records::new(batch.payload);
    let mut count = 0;
    for (sequence, record) in (batch.sequence..).zip(&mut records) {
        count += 1;
        if record.kind >= 16 {
            facts.push((sequence, record.payload.to_vec()));
        }
    }
    assert!(records.is_finished(), "a batch is whole records");
    assert_eq!(count, batch.records, "and as many as its header says");
}

impl Rig {
    pub fn new() -> Self {
        Self::on(Disk::default(), 1)
    }

    /// Opens the journal on `disk`; its facts are what was replayed.
    pub fn on(disk: Disk, salt: u8) -> Self {
        let (opened, facts) = open_on(&disk, salt, 1_000).expect("the journal opens");
        let time_ms = opened.appender.last_time_ms();
        Self {
            disk,
            opened,
            facts,
            time_ms,
            buffer: RecordBuffer::default(),
        }
    }

    /// Appends one batch with these payloads, not yet synced.
    pub fn append(&mut self, payloads: &[&[u8]]) {
        self.try_append(payloads).expect("the batch is appended");
    }

    pub fn try_append(&mut self, payloads: &[&[u8]]) -> Result<(), AppendError> {
        let mut facts = Vec::new();
        self.opened.appender.begin(&mut self.buffer);
        for payload in payloads {
            let (sequence, _) = self
                .buffer
                .push(20, 1, ActorId(1), |out| out.extend_from_slice(payload));
            facts.push((sequence, payload.to_vec()));
        }
        self.time_ms += 1;
        self.opened.appender.append(self.time_ms, &self.buffer)?;
        self.facts.extend(facts);
        Ok(())
    }

    pub fn sync(&mut self) -> SyncProgress {
        self.opened.syncer.step()
    }

    pub fn maintain(&mut self) {
        while self.opened.maintenance.step().expect("maintenance works")
            != MaintenanceProgress::Idle
        {}
    }

    /// Appends, syncs and maintains `turns` batches of `records` records of `bytes` bytes.
    pub fn run(&mut self, turns: usize, records: usize, bytes: usize) {
        for turn in 0..turns {
            let payload = vec![turn as u8; bytes];
            self.append(&vec![&payload[..]; records]);
            assert_eq!(self.sync(), SyncProgress::Synced);
            self.maintain();
        }
    }

    pub fn close(mut self) -> (Disk, Vec<Fact>) {
        self.opened
            .appender
            .close(&mut self.opened.syncer, self.time_ms)
            .expect("a clean end");
        (self.disk, self.facts)
    }

    /// Facts with sequences below the acknowledged mark.
    pub fn acknowledged(&self) -> Vec<Fact> {
        let mark = self.opened.appender.acknowledged();
        self.facts
            .iter()
            .filter(|fact| fact.0 < mark)
            .cloned()
            .collect()
    }
}

/// All engine records that a reader sees below `limit`.
pub fn read_all(disk: &Disk, limit: u64) -> Vec<Fact> {
    let mut reader = Reader::new(Arc::new(disk.clone()), options().shard);
    let mut facts = Vec::new();
    while let Some(batch) = reader.next(limit).expect("readable") {
        collect(&batch, &mut facts);
    }
    facts
}

#[test]
fn what_was_appended_comes_back_over_segments_and_restarts() {
    let mut rig = Rig::new();
    for start in 0..4_u32 {
        assert_eq!(rig.opened.report.epoch, start + 1);
        assert_eq!(
            rig.opened.report.clean,
            start > 0,
            "every start follows a clean end"
        );
        assert!(!rig.opened.report.torn);
        rig.run(60, 9, 300);
        let (disk, facts) = rig.close();
        rig = Rig::on(disk, 10 * start as u8);
        assert_eq!(rig.facts, facts);
        assert_eq!(
            rig.opened.report.rewritten_bytes, 64,
            "all but the empty last batch is proven"
        );
    }
    assert!(rig.opened.report.segments >= 4);
    assert_eq!(read_all(&rig.disk, u64::MAX), rig.facts);
}

#[test]
fn nothing_is_acknowledged_before_its_sync() {
    let mut rig = Rig::new();
    let first = rig.opened.appender.next_sequence();
    rig.append(&[b"one", b"two"]);
    assert_eq!(rig.opened.appender.acknowledged(), first);
    assert_eq!(rig.sync(), SyncProgress::Synced);
    assert_eq!(rig.opened.appender.acknowledged(), first + 2);
    assert_eq!(rig.sync(), SyncProgress::Idle);
}

#[test]
fn weaker_modes_acknowledge_at_once_and_os_syncs_finished_segments_only() {
    for sync in [SyncMode::Interval { ms: 5 }, SyncMode::Os] {
        let options = JournalOptions { sync, ..options() };
        let entropy = Box::new(CountedEntropy(1));
        let storage = Arc::new(Disk::default());
        let mut opened = open(storage, options, 1, entropy, &mut |_| Ok(())).unwrap();
        let mut buffer = RecordBuffer::default();
        let mut synced_once = false;
        for turn in 0..40 {
            opened.appender.begin(&mut buffer);
            buffer.push(20, 1, ActorId(1), |out| out.resize(out.len() + 4_000, 1));
            opened.appender.append(10 + turn, &buffer).unwrap();
            assert_eq!(
                opened.appender.acknowledged(),
                opened.appender.next_sequence()
            );
            synced_once |= opened.syncer.step() == SyncProgress::Synced;
            let behind = opened.appender.next_sequence() - opened.appender.synced();
            assert!(sync == SyncMode::Os || behind == 0);
            while opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
        }
        assert!(synced_once);
    }
}

#[test]
fn an_idle_journal_records_its_synced_mark_once() {
    let mut rig = Rig::new();
    rig.append(&[b"x"]);
    assert!(
        !rig.opened.appender.idle(2_000).unwrap(),
        "not everything is synced"
    );
    rig.sync();
    assert!(rig.opened.appender.idle(2_000).unwrap());
    assert!(!rig.opened.appender.idle(2_000).unwrap());
    rig.sync();
    assert!(!rig.opened.appender.idle(2_000).unwrap());
    let mut reader = Reader::new(Arc::new(rig.disk.clone()), options().shard);
    let tail = reader.tail().unwrap();
    assert_eq!(tail.synced, rig.opened.appender.next_sequence());
}

#[test]
fn seals_form_a_chain_that_holds_and_survives_restarts() {
    let mut rig = Rig::new();
    for start in 1..4 {
        rig.run(40, 3, 1_500);
        rig = if start % 2 == 0 {
            Rig::on(rig.close().0, 50 + start)
        } else {
            rig.disk.crash(|| false);
            Rig::on(rig.disk, 50 + start)
        };
    }
    rig.run(40, 3, 1_500);
    let report = verify_seals(&Arc::new(rig.disk.clone()), options().shard).unwrap();
    assert!(report.seals >= 6, "{report:?}");
    assert_eq!(report.seals, u64::from(report.last_segment));
}

#[test]
fn an_altered_byte_of_a_sealed_segment_is_found() {
    let mut rig = Rig::new();
    rig.run(60, 3, 1_500);
    let storage = Arc::new(rig.disk.clone());
    assert!(verify_seals(&storage, options().shard).is_ok());
    // Padding behind the header is covered by no checksum but the seal's.
    rig.disk
        .alter("segment-0000000001.log", |bytes| bytes[4_000] ^= 1);
    let error = verify_seals(&storage, options().shard).unwrap_err();
    assert!(
        error.to_string().contains("segment-0000000001.log"),
        "{error}"
    );
}

#[test]
fn a_reader_stops_at_the_mark_and_resumes_where_it_stopped() {
    let mut rig = Rig::new();
    let storage = Arc::new(rig.disk.clone());
    let mut reader = Reader::new(Arc::clone(&storage), options().shard);
    let mut facts = Vec::new();
    for turn in 0..200 {
        rig.append(&[&[turn; 700], &[turn; 30]]);
        if turn % 3 == 0 {
            rig.sync();
            rig.maintain();
        }
        let mark = rig.opened.appender.acknowledged();
        while let Some(batch) = reader.next(mark).unwrap() {
            assert!(batch.sequence + u64::from(batch.records) <= mark);
            collect(&batch, &mut facts);
        }
        assert_eq!(facts, rig.acknowledged(), "turn {turn}");
        if turn % 7 == 0 {
            let (at, sequence) = (reader.position(), reader.next_sequence());
            reader = Reader::resume(Arc::clone(&storage), options().shard, at, sequence);
        }
    }
    assert!(reader.position().segment > 2);
    let mut near = Reader::near(storage, options().shard, 250).unwrap();
    let first = near.next(u64::MAX).unwrap().unwrap();
    assert!(first.sequence <= 250 && first.position.segment > 1);
}

#[test]
fn room_shrinks_to_the_reserve_and_to_none_and_comes_back() {
    let mut rig = Rig::new();
    rig.maintain();
    let payload = vec![1; 3_000];
    let mut seen = Vec::new();
    while rig.opened.appender.room() != Room::None {
        seen.push(rig.opened.appender.room());
        rig.append(&[&payload[..]; 7]);
        rig.sync();
    }
    assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
    assert!(seen.contains(&Room::Normal) && seen.contains(&Room::Reserved));
    rig.maintain();
    assert_eq!(rig.opened.appender.room(), Room::Normal);
}

#[test]
fn a_batch_beyond_the_bound_or_the_room_is_refused_and_changes_nothing() {
    let mut rig = Rig::new();
    let next = rig.opened.appender.next_sequence();
    let large = vec![1; 30_000];
    let refused = rig.try_append(&[&large]);
    assert!(
        matches!(refused, Err(AppendError::TooLarge { .. })),
        "{refused:?}"
    );
    let payload = vec![1; 20_000];
    rig.append(&[&payload]);
    rig.append(&[&payload]);
    rig.append(&[&payload]);
    let refused = rig.try_append(&[&payload]);
    assert!(
        matches!(refused, Err(AppendError::NoRoom { .. })),
        "{refused:?}"
    );
    assert_eq!(rig.opened.appender.next_sequence(), next + 3);
    rig.maintain();
    rig.append(&[&payload]);
    rig.sync();
    assert_eq!(read_all(&rig.disk, u64::MAX), rig.facts);
}
