//! loom explores every interleaving, within a bound on preemptions, of the hand-over that ships.
//!
//! Run with `cargo test --features loom --lib loom_`.
#![allow(clippy::unwrap_used)] // a panic is how a test reports

use super::handover::SyncHandover;
use super::layout::Position;
use super::options::SyncMode;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

/// Batches appended in each scenario, one record of 64 bytes each.
const BATCHES: u32 = 2;

fn at(batches: u32) -> Position {
    Position {
        segment: 1,
        offset: 4_096 + 64 * batches,
    }
}

fn start() -> (u64, Position) {
    end(0)
}

fn end(batches: u32) -> (u64, Position) {
    (1 + u64::from(batches), at(batches))
}

fn check(scenario: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(scenario);
}

struct Scene {
    handover: SyncHandover,
    /// What the medium has: the offset of the last sync that finished.
    disk: AtomicU32,
}

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            handover: SyncHandover::new(SyncMode::Always, 1, at(0)),
            disk: AtomicU32::new(at(0).offset),
        })
    }

    fn append(&self, batches: u32) {
        self.handover
            .publish_append(1 + u64::from(batches), at(batches));
    }

    /// One step as the sync thread does it; wakes `engine` where it sleeps.
    fn sync(&self, done: &mut (u64, Position), engine: Option<&thread::Thread>) {
        let (sequence, position) = self.handover.appended();
        assert!(sequence >= done.0 && position >= done.1);
        if position > done.1 {
            self.disk.store(position.offset, Ordering::Relaxed);
        }
        let news = sequence > done.0;
        *done = (sequence, position);
        if news
            && self.handover.publish_synced(sequence)
            && let Some(engine) = engine
        {
            engine.unpark();
        }
    }

    /// What the engine may reveal is on the medium.
    fn assert_mark_is_durable(&self) -> u64 {
        let mark = self.handover.acknowledged();
        let batches = u32::try_from(mark - 1).unwrap();
        assert!(self.disk.load(Ordering::Relaxed) >= at(batches).offset);
        mark
    }
}

#[test]
fn loom_the_mark_is_never_ahead_of_a_finished_sync() {
    check(|| {
        let scene = Scene::new();
        let syncing = {
            let scene = Arc::clone(&scene);
            thread::spawn(move || {
                let mut done = start();
                scene.sync(&mut done, None);
                scene.sync(&mut done, None);
            })
        };
        let mut last = 1;
        for batches in 1..=BATCHES {
            scene.append(batches);
            let mark = scene.assert_mark_is_durable();
            assert!(
                mark >= last && mark <= 1 + u64::from(batches),
                "monotone, never ahead"
            );
            last = mark;
        }
        syncing.join().unwrap();
        scene.assert_mark_is_durable();
    });
}

#[test]
fn loom_the_sync_thread_misses_no_append() {
    check(|| {
        let scene = Scene::new();
        let syncing = {
            let scene = Arc::clone(&scene);
            thread::spawn(move || {
                let mut done = start();
                while done != end(BATCHES) {
                    // A wake-up lost here is a deadlock, which loom reports.
                    scene.handover.wait_for_append(done);
                    scene.sync(&mut done, None);
                }
            })
        };
        for batches in 1..=BATCHES {
            scene.append(batches);
        }
        syncing.join().unwrap();
        assert_eq!(scene.assert_mark_is_durable(), 1 + u64::from(BATCHES));
    });
}

/// The engine's side: blocks until the mark reaches `target` or the journal fails.
fn await_mark(scene: &Scene, target: u64) {
    loop {
        let mark = scene.assert_mark_is_durable();
        if mark >= target || scene.handover.is_failed() {
            return;
        }
        if scene.handover.engine_sleeps(mark) {
            thread::park();
        }
        scene.handover.engine_woke();
    }
}

/// Runs both sides as threads of their own: the one that waits for them is never unparked.
fn both(
    engine: impl FnOnce(&Scene) + 'static,
    syncer: impl FnOnce(&Scene, &thread::Thread) + 'static,
) {
    let scene = Scene::new();
    let for_engine = Arc::clone(&scene);
    let engine = thread::spawn(move || engine(&for_engine));
    let waker = engine.thread().clone();
    let syncer = thread::spawn(move || syncer(&scene, &waker));
    engine.join().unwrap();
    syncer.join().unwrap();
}

#[test]
fn loom_the_engine_misses_no_mark() {
    check(|| {
        both(
            |scene| {
                for batches in 1..=BATCHES {
                    scene.append(batches);
                    await_mark(scene, 1 + u64::from(batches));
                }
            },
            |scene, engine| {
                let mut done = start();
                while done != end(BATCHES) {
                    scene.handover.wait_for_append(done);
                    scene.sync(&mut done, Some(engine));
                }
            },
        );
    });
}

#[test]
fn loom_the_engine_misses_no_failure() {
    check(|| {
        both(
            |scene| {
                scene.append(1);
                await_mark(scene, 2);
                assert_eq!(scene.handover.acknowledged(), 1, "the mark stands still");
            },
            |scene, engine| {
                scene.handover.wait_for_append(start());
                if scene.handover.publish_failed() {
                    engine.unpark();
                }
            },
        );
    });
}

#[test]
fn loom_a_stop_reaches_a_waiting_sync_thread() {
    check(|| {
        let scene = Scene::new();
        let syncing = {
            let scene = Arc::clone(&scene);
            thread::spawn(move || {
                let mut done = start();
                loop {
                    let stopping = scene.handover.is_stopping();
                    scene.sync(&mut done, None);
                    if stopping {
                        return;
                    }
                    scene.handover.wait_for_append(done);
                }
            })
        };
        scene.append(1);
        scene.handover.stop();
        syncing.join().unwrap();
        assert_eq!(
            scene.assert_mark_is_durable(),
            2,
            "what came before the stop is synced"
        );
    });
}
