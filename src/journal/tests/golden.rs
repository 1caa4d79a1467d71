//! The bytes in `docs/JOURNAL.md` are the bytes that are written.

use super::*;
use crate::journal::layout::{BatchHeader, FORMAT_VERSION, Salt, SegmentHeader};
use crate::journal::record::{Seal, Start, push_seal};

const DOCUMENT: &str = include_str!("../../../docs/JOURNAL.md");

/// The hex digits of the block that follows `<!-- golden: NAME -->` in the document.
fn golden(name: &str) -> Vec<u8> {
    let (_, after) = DOCUMENT
        .split_once(&format!("<!-- golden: {name} -->"))
        .expect(name);
    let block = after.split("```").nth(1).expect("a fenced block");
    let digits: String = block
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once("  "))
        .map(|(_, bytes)| bytes.split("  ").next().unwrap_or_default())
        .flat_map(|bytes| bytes.chars().filter(char::is_ascii_hexdigit))
        .collect();
    hex::decode(digits).expect("hex digits")
}

fn assert_golden(name: &str, bytes: &[u8]) {
    if golden(name) != bytes {
        for (index, row) in bytes.chunks(16).enumerate() {
            let digits: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("{:04x}  {}", index * 16, digits.join(" "));
        }
        panic!("the bytes of `{name}` are not the ones in docs/JOURNAL.md; they are above");
    }
}

fn salt() -> Salt {
    Salt::new(std::array::from_fn(|index| 0xA0 + index as u8))
}

#[test]
fn the_documented_segment_header_is_the_written_one() {
    let header = SegmentHeader {
        shard: 3,
        number: 1,
        size_bytes: 67_108_864,
        salt: salt(),
    };
    assert_golden("segment header", &header.encode());
    let bytes: [u8; 64] = golden("segment header").try_into().unwrap();
    assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
}

#[test]
fn the_documented_batch_is_the_written_one() {
    let mut buffer = RecordBuffer::default();
    buffer.start(1);
    Start {
        time_ms: 1_767_225_600_000,
        epoch: 1,
        format_version: FORMAT_VERSION,
        records: 0,
        cut_bytes: 0,
        cut_batches: 0,
        product_version: "0.1.0",
    }
    .push(&mut buffer);
    buffer.push(18, 1, ActorId(7), |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 1, 3, b'm', b'u', b'g']);
    });
    let mut header = BatchHeader {
        length: 0,
        checksum: 0,
        sequence: 1,
        records: 2,
        epoch: 1,
        time_ms: 1_767_225_600_000,
        synced: 1,
        previous: 0,
        shard: 3,
    };
    let mut bytes = header.seal(&salt(), buffer.bytes()).to_vec();
    bytes.extend_from_slice(buffer.bytes());
    assert_golden("batch", &bytes);
    let bytes = golden("batch");
    let decoded = BatchHeader::decode(&salt(), bytes.first_chunk().unwrap()).unwrap();
    assert_eq!(decoded, header);
    assert!(decoded.matches(&salt(), &bytes[64..]));
    let records: Vec<_> = Records::new(&bytes[64..]).collect();
    assert_eq!(Start::decode(&records[0]).unwrap().epoch, 1);
    assert_eq!(records[1].payload[8..], *b"mug");
}

#[test]
fn the_documented_seal_is_the_written_one() {
    let mut buffer = RecordBuffer::default();
    buffer.start(9);
    let seal = Seal {
        segment: 1,
        end_offset: 67_100_000,
        hash: [0x11; 32],
        previous: [0; 32],
    };
    push_seal(&mut buffer, &seal);
    assert_golden("seal", buffer.bytes());
    let bytes = golden("seal");
    assert_eq!(
        Seal::decode(&Records::new(&bytes).next().unwrap()),
        Some(seal)
    );
}

#[test]
fn every_record_kind_of_the_engine_is_documented() {
    let kinds = include_str!("../../engine/record/kind.rs");
    let mut count = 0;
    for line in kinds.lines().filter(|line| line.contains("pub const")) {
        let (name, number) = line
            .trim()
            .trim_end_matches(';')
            .split_once(": u8 = ")
            .unwrap();
        let name = name.trim_start_matches("pub const ");
        let heading = format!("#### {number} {name}");
        assert!(
            DOCUMENT.lines().any(|line| line == heading),
            "`{heading}` is missing"
        );
        count += 1;
    }
    assert!(count >= 24);
}
