#[test]
fn a_mapped_journal_gives_back_what_was_appended_after_a_restart() {
    use super::*;
    use crate::types::record::RecordBuffer;
    use std::sync::Arc;
    let directory = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    for start in 0..3_u64 {
        let storage = Arc::new(MappedStorage::create(directory.path()).unwrap());
        let options = JournalOptions {
            segment_bytes: 64 << 10,
            ..JournalOptions::default()
        };
        let mut seen = Vec::new();
        let mut opened = open(
            storage,
            options,
            1000 + start,
            Box::new(OsEntropy),
            &mut |batch| {
                seen.push((batch.sequence, batch.payload.to_vec()));
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(seen[..written.len()], written[..], "start {start}");
        assert_eq!(opened.report.clean, start > 0);
        written = seen;
        let mut buffer = RecordBuffer::default();
        for turn in 0..100_u64 {
            opened.appender.begin(&mut buffer);
            assert_eq!(opened.appender.room(), Room::Normal, "{turn}");
            for _ in 0..turn {
                buffer.push(20, 1, crate::types::ActorId(0), |out| {
                    out.extend_from_slice(&[7; 54])
                });
            }
            if !buffer.is_empty() {
                written.push((buffer.first_sequence(), buffer.bytes().to_vec()));
            }
            opened
                .appender
                .append(3000 * start + 1000, &buffer)
                .unwrap();
            assert_ne!(opened.syncer.step(), SyncProgress::Failed);
            assert_eq!(
                opened.appender.acknowledged(),
                opened.appender.next_sequence()
            );
            while opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
        }
        opened
            .appender
            .close(&mut opened.syncer, 3000 * start + 2000)
            .unwrap();
        written.push((
            written
                .last()
                .map(|(s, p)| s + crate::types::record::Records::new(p).count() as u64)
                .unwrap(),
            vec![],
        ));
    }
}
