//! Damage: what was durable and is gone is refused with file, offset and what to do, never
//! repaired by guessing.

use super::*;

fn refusal(disk: &Disk) -> String {
    match open_on(disk, 9, 5_000) {
        Ok((opened, facts)) => panic!("opened with {} facts: {:?}", facts.len(), opened.report),
        Err(OpenError::Damage(damage)) => damage.to_string(),
        Err(other) => panic!("not damage: {other}"),
    }
}

#[test]
fn every_flipped_byte_below_the_mark_is_refused_with_file_and_offset() {
    let mut rig = Rig::new();
    rig.run(3, 2, 24);
    let end = rig.opened.syncer.done.offset as usize;
    rig.run(1, 1, 8); // a later batch that records the mark
    let (disk, _) = rig.close();
    for at in 4_096..end {
        let disk = disk.fork();
        disk.alter("segment-0000000001.log", |bytes| bytes[at] ^= 0x40);
        let text = refusal(&disk);
        assert!(text.contains("segment-0000000001.log at offset"), "{text}");
        assert!(text.contains("onhand inspect"), "{text}");
    }
}

#[test]
fn every_flipped_bit_of_a_segment_header_is_refused() {
    let mut rig = Rig::new();
    rig.run(1, 1, 8);
    for bit in 0..64 * 8 {
        let disk = rig.disk.fork();
        disk.alter("segment-0000000001.log", |bytes| {
            bytes[bit / 8] ^= 1 << (bit % 8)
        });
        let text = refusal(&disk);
        assert!(
            text.contains("segment-0000000001.log at offset 0"),
            "bit {bit}: {text}"
        );
    }
}

#[test]
fn damage_is_refused_without_changing_a_byte() {
    let mut rig = Rig::new();
    rig.run(30, 3, 1_500);
    let (disk, _) = rig.close();
    disk.alter("segment-0000000001.log", |bytes| bytes[5_000] ^= 1);
    let before: Vec<_> = disk
        .list_names()
        .iter()
        .map(|name| disk.bytes(name))
        .collect();
    let syncs = disk.syncs();
    refusal(&disk);
    let after: Vec<_> = disk
        .list_names()
        .iter()
        .map(|name| disk.bytes(name))
        .collect();
    assert!(before == after && disk.syncs() == syncs);
}

#[test]
fn a_missing_segment_is_refused_wherever_it_is() {
    let mut rig = Rig::new();
    rig.run(80, 3, 1_500);
    let (disk, _) = rig.close();
    for number in 1..=4 {
        let name = format!("segment-{number:010}.log");
        let disk = disk.fork();
        disk.lose(&name);
        let text = refusal(&disk);
        assert!(text.contains(&name), "{text}");
    }
}

#[test]
fn a_segment_of_another_shard_number_or_size_is_refused() {
    let mut rig = Rig::new();
    rig.run(1, 1, 8);
    let disk = rig.disk.fork();
    disk.alter("segment-0000000001.log", |bytes| bytes.truncate(60_000));
    assert!(refusal(&disk).contains("size of the file is 65536"));
    let options = JournalOptions {
        shard: 4,
        ..options()
    };
    let entropy = Box::new(CountedEntropy(1));
    let Err(error) = open(Arc::new(rig.disk), options, 1, entropy, &mut |_| Ok(())) else {
        panic!("another shard's journal was opened");
    };
    assert!(
        error
            .to_string()
            .contains("shard is 3 in the header, expected 4"),
        "{error}"
    );
}

#[test]
fn a_later_format_version_is_named() {
    let mut rig = Rig::new();
    rig.run(1, 1, 8);
    rig.disk
        .alter("segment-0000000001.log", |bytes| bytes[8] = 2);
    assert!(refusal(&rig.disk).contains("format version 2"));
}

#[test]
fn details_that_imitate_a_batch_are_never_taken_for_one() {
    let mut rig = Rig::new();
    rig.run(2, 1, 200);
    // The bytes of real batches, as a customer who read the file would send them.
    let file = rig.disk.bytes("segment-0000000001.log");
    let real = file[4_096..rig.opened.syncer.done.offset as usize].to_vec();
    rig.append(&[&real, &real]);
    rig.append(&[&[1; 10]]);
    let after = rig.facts.clone();
    let torn = rig.disk.fork();
    rig.sync();
    let (disk, facts) = rig.close();
    assert_eq!(Rig::on(disk, 3).facts, facts);
    // The same as torn tail: with the real head of the batch gone, the imitation stands alone.
    let start = 4_096 + real.len();
    torn.alter("segment-0000000001.log", |bytes| {
        bytes[start..start + 64].fill(0)
    });
    let found = Rig::on(torn, 3);
    assert_eq!(found.facts[..], after[..found.facts.len()]);
    assert_eq!(found.facts.len(), after.len() - 3);
}

#[test]
fn a_reader_refuses_damage_as_recovery_does() {
    let mut rig = Rig::new();
    rig.run(30, 3, 1_500);
    let next = rig.opened.appender.next_sequence();
    let (disk, _) = rig.close();
    disk.alter("segment-0000000001.log", |bytes| bytes[5_000] ^= 1);
    let mut reader = Reader::new(Arc::new(disk.clone()), options().shard);
    assert!(matches!(reader.tail(), Err(ReadError::Damage(_))));
    let mut reader = Reader::new(Arc::new(disk), options().shard);
    let error = loop {
        match reader.next(next) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the damage was taken for the end"),
            Err(error) => break error,
        }
    };
    assert!(
        error.to_string().contains("segment-0000000001.log"),
        "{error}"
    );
}
