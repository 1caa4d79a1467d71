//! loom explores every interleaving, within a bound on preemptions, of the reply gate with the
//! hand-over to the sync thread: what is released is on the medium.
//!
//! Run with `cargo test --features loom --lib loom_`.

use super::gate::ReplyGate;
use crate::journal::{Position, SyncHandover, SyncMode};
use crate::types::SessionId;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

fn at(batches: u32) -> Position {
    Position {
        segment: 1,
        offset: 4_096 + 64 * batches,
    }
}

/// One turn of the engine thread: a reply, one record, its batch.
fn turn(gate: &mut ReplyGate, handover: &SyncHandover, number: u32) {
    gate.begin(0);
    gate.buffer().push(u8::try_from(number).unwrap_or(u8::MAX));
    gate.note(SessionId(1), 1, false);
    handover.publish_append(1 + u64::from(number), at(number));
    gate.end(1 + u64::from(number), 0);
}

#[test]
fn loom_a_released_reply_is_on_the_medium() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let handover = Arc::new(SyncHandover::new(SyncMode::Always, 1, at(0)));
        // What the medium has: every record below this sequence.
        let medium = Arc::new(AtomicU64::new(1));
        let syncer = {
            let (handover, medium) = (Arc::clone(&handover), Arc::clone(&medium));
            thread::spawn(move || {
                for _ in 0..2 {
                    let (sequence, _) = handover.appended();
                    medium.store(sequence, Ordering::Relaxed);
                    let _ = handover.publish_synced(sequence); // nobody sleeps here
                }
            })
        };
        let mut gate = ReplyGate::default();
        let mut released = 0;
        let mut release = |gate: &mut ReplyGate| {
            gate.release(
                handover.acknowledged(),
                |reply| {
                    for number in reply.bytes {
                        assert!(medium.load(Ordering::Relaxed) > u64::from(*number));
                        released += 1;
                        assert_eq!(u32::from(*number), released, "turns stay in order");
                    }
                },
                |_| (),
            );
        };
        for number in 1..=2 {
            turn(&mut gate, &handover, number);
            release(&mut gate);
        }
        assert!(syncer.join().is_ok());
        // The last step of the sync thread may have come before the last append.
        let (sequence, _) = handover.appended();
        medium.store(sequence, Ordering::Relaxed);
        let _ = handover.publish_synced(sequence);
        release(&mut gate);
        assert!(gate.is_empty(), "nothing is held back for ever");
    });
}
