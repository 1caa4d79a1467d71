//! The hand-over between the engine thread and the sync thread: a few atomics, no lock.
//!
//! ```text
//!  engine: append ─▶ position, appended ─▶ [wake] ─▶ sync thread: sync ─▶ synced ─▶ [wake] ─▶ engine
//! ```
//!
//! Each side sleeps only after it has said so and looked again; each side looks at the other's
//! flag only after it has published. A sequentially consistent fence stands between the two steps
//! on both sides, so at least one of them sees the other: no wake-up is lost, and none is sent to
//! a side that is awake (waking a blocked engine costs about 34 µs). Each flag is written by the
//! side that sleeps only, so the worst of a race is one spare wake-up.

use super::layout::Position;
use super::options::SyncMode;
use super::primitive::{AtomicBool, AtomicU64, Ordering, Thread, current, fence, park, park_ms};
use crate::mutants::{self, Mutant};
use crossbeam::utils::CachePadded;
use std::sync::OnceLock;

/// What the engine thread and the sync thread of one journal share.
#[derive(Debug)]
pub struct SyncHandover {
    /// Written by the engine thread only.
    appended: CachePadded<Appended>,
    /// Written by the sync thread only.
    synced: CachePadded<AtomicU64>,
    failed: AtomicBool,
    stopping: AtomicBool,
    syncer_sleeping: CachePadded<AtomicBool>,
    engine_sleeping: CachePadded<AtomicBool>,
    syncer: OnceLock<Thread>,
    mode: SyncMode,
}

#[derive(Debug)]
struct Appended {
    /// Sequence after the last appended record.
    sequence: AtomicU64,
    /// Packed position after the last appended batch.
    position: AtomicU64,
}

impl SyncHandover {
    /// A hand-over in which everything up to `position`, with sequences below `sequence`, is
    /// durable.
    #[must_use]
    pub fn new(mode: SyncMode, sequence: u64, position: Position) -> Self {
        Self {
            appended: CachePadded::new(Appended {
                sequence: AtomicU64::new(sequence),
                position: AtomicU64::new(position.pack()),
            }),
            synced: CachePadded::new(AtomicU64::new(sequence)),
            failed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            syncer_sleeping: CachePadded::new(AtomicBool::new(false)),
            engine_sleeping: CachePadded::new(AtomicBool::new(false)),
            syncer: OnceLock::new(),
            mode,
        }
    }

    /// Engine thread: a batch is written up to `position`; `sequence` comes next.
    pub fn publish_append(&self, sequence: u64, position: Position) {
        // The position first: who sees the sequence then sees at least this position.
        // Both Release here, Acquire in `appended`.
        self.appended
            .position
            .store(position.pack(), Ordering::Release);
        self.appended.sequence.store(sequence, Ordering::Release);
        self.wake_syncer();
    }

    /// Sync thread: what is appended. Syncing up to the position covers at least the sequence.
    #[must_use]
    pub fn appended(&self) -> (u64, Position) {
        let sequence = self.appended.sequence.load(Ordering::Acquire);
        let position = self.appended.position.load(Ordering::Acquire);
        (sequence, Position::unpack(position))
    }

    /// Sync thread: every record below `sequence` is durable. True where the engine sleeps and
    /// must be woken by the caller.
    #[must_use]
    pub fn publish_synced(&self, sequence: u64) -> bool {
        // Release here, Acquire in `synced`.
        self.synced.store(sequence, Ordering::Release);
        self.engine_must_be_woken()
    }

    /// Sync thread, or the engine thread after a failed write: the journal is poisoned for good.
    /// True where the engine sleeps and must be woken by the caller.
    #[must_use]
    pub fn publish_failed(&self) -> bool {
        self.failed.store(true, Ordering::Release);
        self.engine_must_be_woken()
    }

    fn engine_must_be_woken(&self) -> bool {
        fence(Ordering::SeqCst); // pairs with the one in `engine_sleeps`
        self.engine_sleeping.load(Ordering::Relaxed)
    }

    /// Every record with a lower sequence is durable.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Every record with a lower sequence may be revealed. After a failure the mark stands still.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        if self.mode == SyncMode::Always && !mutants::is(Mutant::AckBeforeSync) {
            self.synced()
        } else {
            self.appended.sequence.load(Ordering::Acquire)
        }
    }

    /// True after a failed write or sync: nothing may be acknowledged any more.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Engine thread: announces that it is about to block. Returns false where it must not,
    /// because the acknowledged mark is past `seen` or the journal has failed; then, and after
    /// waking, call [`SyncHandover::engine_woke`].
    #[must_use]
    pub fn engine_sleeps(&self, seen: u64) -> bool {
        self.engine_sleeping.store(true, Ordering::Release);
        fence(Ordering::SeqCst); // pairs with the one in `engine_must_be_woken`
        self.acknowledged() <= seen && !self.is_failed()
    }

    /// Engine thread: it is awake and wants no wake-up.
    pub fn engine_woke(&self) {
        // A wake-up sent because of an older value is spare, so Relaxed is enough.
        if self.engine_sleeping.load(Ordering::Relaxed) {
            self.engine_sleeping.store(false, Ordering::Relaxed);
        }
    }

    /// Asks the sync thread to sync what there is and return.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        fence(Ordering::SeqCst); // pairs with the one in `wait_for_append`
        if let Some(thread) = self.syncer.get() {
            thread.unpark();
        }
    }

    /// True after [`SyncHandover::stop`].
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn wake_syncer(&self) {
        fence(Ordering::SeqCst); // pairs with the one in `wait_for_append`
        if self.syncer_sleeping.load(Ordering::Relaxed)
            && let Some(thread) = self.syncer.get()
        {
            thread.unpark();
        }
    }

    /// Sync thread: blocks until what is appended is no longer `seen`, or a stop is asked for. The
    /// sequence counts as well as the position: between the two stores of an append the sync
    /// thread may have synced up to the position already, for the sequence before.
    pub fn wait_for_append(&self, seen: (u64, Position)) {
        // Set before the flag below is, so whoever sees the flag finds the thread.
        self.syncer.get_or_init(current);
        loop {
            self.syncer_sleeping.store(true, Ordering::Release);
            fence(Ordering::SeqCst); // pairs with the one in `wake_syncer`
            if self.appended() != seen || self.is_stopping() {
                self.syncer_sleeping.store(false, Ordering::Relaxed);
                return;
            }
            park();
        }
    }

    /// Sync thread: waits `milliseconds`, less after a stop.
    pub fn pause(&self, milliseconds: u64) {
        self.syncer.get_or_init(current);
        self.syncer_sleeping.store(false, Ordering::Relaxed);
        if !self.is_stopping() {
            park_ms(milliseconds);
        }
    }
}
