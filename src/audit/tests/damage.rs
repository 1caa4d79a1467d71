//! Torn tails, damage, seals and several shards: what the files themselves say.

use super::story::*;
use super::{assert_offence, finding, offences, verified};
use crate::audit::source::{DataDirectory, Tail};
use crate::audit::verify::{VerifyOptions, verify};
use std::path::{Path, PathBuf};

fn segment(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("shard-0000/segment-{number:010}.log"))
}

/// Changes one byte of a file, `back` bytes before the end of what is used.
fn flip(directory: &Path, number: u32, back: u64) {
    let source = DataDirectory::open(directory).unwrap();
    let survey = source.survey(0).unwrap();
    let used = survey
        .segments
        .iter()
        .find(|info| info.number == number)
        .unwrap()
        .used_bytes;
    let file = segment(directory, number);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[usize::try_from(used - back).unwrap()] ^= 1;
    std::fs::write(&file, bytes).unwrap();
}

/// Every file of a directory with its bytes and modification time.
fn snapshot(directory: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut files: Vec<_> = std::fs::read_dir(directory.join("shard-0000"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let changed = entry.metadata().unwrap().modified().unwrap();
            (entry.path(), std::fs::read(entry.path()).unwrap(), changed)
        })
        .collect();
    files.sort();
    files
}

/// A story of several segments: many small receipts.
fn long() -> Story {
    let mut story = Story::new();
    story.define();
    for _ in 0..3_000 {
        story.wait(1);
        story.receive(LAMP, BERLIN, 1);
    }
    story
}

#[test]
fn a_torn_tail_is_reported_and_is_no_violation_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    Story::valid().write(directory.path());
    flip(directory.path(), 1, 8);
    let before = snapshot(directory.path());
    let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!(offences(&report), "");
    assert!(
        report.shards[0].tail.contains("torn tail"),
        "{}",
        report.shards[0].tail
    );
    assert!(report.shards[0].last_sequence < Story::valid().entries.len() as u64);
    assert_eq!(
        snapshot(directory.path()),
        before,
        "verification only reads"
    );
}

#[test]
fn damage_below_the_synced_mark_is_named_with_file_and_offset() {
    let directory = tempfile::tempdir().unwrap();
    long().write(directory.path());
    flip(directory.path(), 2, 300);
    let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
    let words = ["damaged", "segment-0000000002.log at offset", "was durable"];
    assert_offence(&report, "journal", &words);
}

#[test]
fn a_missing_segment_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    long().write(directory.path());
    std::fs::remove_file(segment(directory.path(), 2)).unwrap();
    let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
    assert_offence(
        &report,
        "journal",
        &["a segment is missing before segment-0000000003.log"],
    );
}

#[test]
fn a_broken_first_header_is_damage_of_everything() {
    let directory = tempfile::tempdir().unwrap();
    long().write(directory.path());
    let file = segment(directory.path(), 1);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
    assert_offence(&report, "journal", &["damaged", "checksum of its header"]);
}

#[test]
fn a_journal_over_several_segments_reads_as_one() {
    let story = long();
    let directory = tempfile::tempdir().unwrap();
    story.write(directory.path());
    let survey = DataDirectory::open(directory.path())
        .unwrap()
        .survey(0)
        .unwrap();
    assert!(
        survey.segments.len() > 2,
        "{} segments",
        survey.segments.len()
    );
    assert_eq!(survey.tail, Tail::Clean);
    assert_eq!(survey.end_sequence, story.entries.len() as u64 + 1);
    let seam = survey.segments.windows(2).all(|pair| match pair {
        [a, b] => a.last_sequence + 1 == b.first_sequence,
        _ => false,
    });
    assert!(seam, "segments follow each other without a gap");
}

#[test]
fn every_shard_is_folded_on_its_own() {
    let directory = tempfile::tempdir().unwrap();
    Story::valid().write_shard(directory.path(), 0);
    let mut other = Story::valid();
    other.accept(1, 1, 0, &[units(LAMP, PARIS, 1)]);
    other.write_shard(directory.path(), 1);
    let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!(report.shards.len(), 2);
    assert_offence(&report, "I6", &["shard 1,", "tenant acme"]);
    assert!(!offences(&report).contains("shard 0"));
}

/// A seal record of segment 1 as `story` writes it, with a change to its hash.
fn sealed(wrong_hash: bool, previous: [u8; 32]) -> Story {
    let mut story = long();
    let directory = tempfile::tempdir().unwrap();
    story.write(directory.path());
    let survey = DataDirectory::open(directory.path())
        .unwrap()
        .survey(0)
        .unwrap();
    let end = survey.segments[0].used_bytes;
    let bytes = std::fs::read(segment(directory.path(), 1)).unwrap();
    let hash = blake3::hash(&bytes[..usize::try_from(end).unwrap()]);
    let mut payload = 1_u64.to_le_bytes().to_vec();
    payload.extend_from_slice(&end.to_le_bytes());
    payload.extend_from_slice(hash.as_bytes());
    payload.extend_from_slice(&previous);
    payload[20] ^= u8::from(wrong_hash);
    let like = story.entries.last().unwrap().clone();
    story.entries.push(Entry {
        kind: 2,
        payload,
        ..like
    });
    story
}

#[test]
fn a_seal_is_held_against_the_bytes_of_its_segment() {
    let report = verified(&sealed(false, [0; 32]));
    assert_eq!(offences(&report), "");
    assert!(finding(&report, "I11").checked > 0);
    let report = verified(&sealed(true, [0; 32]));
    assert_offence(&report, "I11", &["segment 1 is not what was sealed"]);
}

#[test]
fn a_seal_that_does_not_follow_the_one_before_is_named() {
    let report = verified(&sealed(false, [3; 32]));
    assert_offence(&report, "I11", &["the seal of segment 1 names 0303"]);
}

#[test]
fn a_directory_without_a_shard_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let error = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is not a data directory of Onhand"),
        "{error}"
    );
}

#[test]
fn a_served_directory_is_verified_up_to_its_synced_mark() {
    let directory = tempfile::tempdir().unwrap();
    Story::valid().write(directory.path());
    let lock = directory.path().join("lock");
    std::fs::write(&lock, "4711\n").unwrap();
    let held = std::fs::File::open(&lock).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!(report.served_by, Some(4711));
    // The last batch holds one record, and marks everything before it.
    let shard = &report.shards[0];
    assert!(shard.last_sequence < Story::valid().entries.len() as u64);
    assert!(shard.last_sequence + 3 >= Story::valid().entries.len() as u64);
}
