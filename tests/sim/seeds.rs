//! Many seeds on two threads, or one of them with a trace.

use super::coverage::Coverage;
use super::harness::{Length, Sim};
use super::trace::Trace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Threads that run seeds, each seed on one of them.
const THREADS: usize = 2;

/// How long each seed's run is.
pub const LENGTH: Length = Length {
    commands: 2_000,
    crashes: 3,
    flips: true,
};

/// One run; panics where something is wrong.
pub fn run_seed(seed: u64, length: Length, trace: Trace) -> (Coverage, Trace) {
    let mut sim = Sim::new(seed, trace);
    sim.run(length);
    (sim.coverage, sim.trace)
}

/// What came of many seeds.
#[derive(Default)]
pub struct Outcome {
    pub coverage: Coverage,
    pub seeds: u64,
    /// The failing seed with the lowest number, and what it says.
    pub failure: Option<(u64, String)>,
}

/// Runs seeds from `first` on, until `count` have run or one has failed; `before` prepares each
/// thread.
pub fn run_seeds(first: u64, count: u64, length: Length, before: impl Fn() + Sync) -> Outcome {
    let next = AtomicU64::new(first);
    let outcome = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                before();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - first >= count {
                        return;
                    }
                    let run =
                        catch_unwind(AssertUnwindSafe(|| run_seed(seed, length, Trace::Off).0));
                    let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                    outcome.seeds += 1;
                    match run {
                        Ok(coverage) => outcome.coverage.add(&coverage),
                        Err(panic) => {
                            next.store(first + count, Ordering::Relaxed);
                            let text = message(panic.as_ref());
                            if outcome
                                .failure
                                .as_ref()
                                .is_none_or(|(other, _)| seed < *other)
                            {
                                outcome.failure = Some((seed, text));
                            }
                        }
                    }
                }
            });
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// The command that runs one seed again.
pub fn replay_command(seed: u64) -> String {
    format!("SIM_SEED={seed} cargo test --test sim -- --nocapture seeds")
}
