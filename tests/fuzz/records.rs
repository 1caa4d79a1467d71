//! Records of the journal, as a reader of a damaged or a newer one meets them.

use super::edit::{Edit, apply, edits};
use super::run::run;
use onhand::engine::record::{RECORD_VERSION, Record};
use onhand::journal::{MappedStorage, Reader};
use onhand::types::ActorId;
use onhand::types::record::{ENGINE_KIND_MIN, RawRecord, RecordBuffer, Records, record_bytes};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Records of a real journal, two of each kind that it has, one behind the other.
const CORPUS: &[u8] = include_bytes!("corpus/records.bin");

fn corpus() -> Vec<RawRecord<'static>> {
    let mut records = Records::new(CORPUS);
    let all: Vec<_> = records.by_ref().collect();
    assert!(records.is_finished() && all.len() > 40, "{}", all.len());
    all
}

/// The payload of a real record, or of none, for a kind.
#[derive(Clone, Debug)]
enum Payload {
    Real { of: usize, edits: Vec<Edit> },
    Made { kind: u8, bytes: Vec<u8> },
}

fn payload() -> impl Strategy<Value = Payload> {
    let small = prop_oneof![3 => 0..4_u8, 1 => any::<u8>()];
    prop_oneof![
        3 => (any::<usize>(), edits()).prop_map(|(of, edits)| Payload::Real { of, edits }),
        1 => (any::<u8>(), vec(small, 0..160))
            .prop_map(|(kind, bytes)| Payload::Made { kind, bytes }),
    ]
}

#[test]
fn a_record_that_is_read_is_the_one_that_its_bytes_say() {
    let corpus = corpus();
    run("tests/fuzz/regressions/records.txt", payload(), |payload| {
        let (kind, bytes) = match payload {
            Payload::Real { of, edits } => {
                let real = &corpus[of % corpus.len()];
                (real.kind, apply(real.payload, &edits))
            }
            Payload::Made { kind, bytes } => (kind, bytes),
        };
        let raw = RawRecord {
            kind,
            version: RECORD_VERSION,
            actor: ActorId(1),
            payload: &bytes,
        };
        if let Some(record) = Record::decode(&raw) {
            assert_eq!(record.kind(), kind);
            let mut again = Vec::new();
            record.put(&mut again);
            assert_eq!(again, bytes, "{record:?}");
        }
    });
}

#[test]
fn a_batch_is_walked_record_by_record_to_where_it_is_damaged() {
    let corpus = corpus();
    let mut buffer = RecordBuffer::default();
    buffer.start(1);
    for raw in &corpus {
        let put = |out: &mut Vec<u8>| out.extend_from_slice(raw.payload);
        buffer.push(raw.kind, raw.version, raw.actor, put);
    }
    let sound = buffer.bytes();
    run("tests/fuzz/regressions/batches.txt", edits(), |edits| {
        let bytes = apply(sound, &edits);
        let mut records = Records::new(&bytes);
        let walked: usize = records
            .by_ref()
            .map(|raw| record_bytes(raw.payload.len()))
            .sum();
        assert!(walked <= bytes.len());
        assert_eq!(walked == bytes.len(), records.is_finished());
        // Nothing before the first edit is read as anything else.
        let same = bytes.iter().zip(sound).take_while(|(a, b)| a == b).count();
        let mut end = 0;
        for (raw, wanted) in Records::new(&bytes).zip(&corpus) {
            end += record_bytes(raw.payload.len());
            if end > same {
                break;
            }
            assert_eq!(raw, *wanted);
        }
    });
}

/// Records of journals at rest in these shards' directories, two of each kind and none that is long.
fn collected(directories: &str) -> RecordBuffer {
    let mut buffer = RecordBuffer::default();
    buffer.start(1);
    let mut taken: BTreeMap<u8, u32> = BTreeMap::new();
    for directory in directories.split(':') {
        let storage = Arc::new(MappedStorage::read_only(Path::new(directory)));
        let mut reader = Reader::new(storage, 0);
        while let Some(batch) = reader.next(u64::MAX).unwrap() {
            for raw in Records::new(batch.payload) {
                let taken = taken.entry(raw.kind).or_default();
                if raw.kind < ENGINE_KIND_MIN || *taken == 2 || raw.payload.len() > 2_000 {
                    continue;
                }
                *taken += 1;
                let put = |out: &mut Vec<u8>| out.extend_from_slice(raw.payload);
                buffer.push(raw.kind, raw.version, raw.actor, put);
            }
        }
    }
    buffer
}

/// With `FUZZ_JOURNALS`, shards' directories with `:` between them, the corpus is made anew first.
#[test]
fn the_corpus_has_records_of_many_kinds_and_two_of_each() {
    if let Ok(directories) = std::env::var("FUZZ_JOURNALS") {
        let collected = collected(&directories);
        std::fs::write("tests/fuzz/corpus/records.bin", collected.bytes()).unwrap();
        return; // this program was built with the one before
    }
    let mut of_kind: BTreeMap<u8, u32> = BTreeMap::new();
    for raw in corpus() {
        assert!(Record::decode(&raw).is_some(), "kind {}", raw.kind);
        *of_kind.entry(raw.kind).or_default() += 1;
    }
    assert!(of_kind.len() >= 25, "{of_kind:?}");
    assert!(of_kind.values().all(|count| *count <= 2), "{of_kind:?}");
}
