//! Which thread may run on which core.
//!
//! Engine thread i is pinned to the i-th core this process may use; everything else is confined to
//! the remaining cores. Sync threads are real-time there, where the kernel allows it and there are as
//! many such cores as engines; else they may use any core. With one core, or where pinning is
//! switched off or refused by the kernel, nothing is pinned.

mod turns;

pub use turns::{may_run_in_real_time, take_short_turns};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores this process may use when it starts, in ascending order, and how they are dealt out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorePlan {
    cores: Vec<usize>,
    pinned: usize,
}

impl CorePlan {
    /// Reads the kernel's view and reserves one core for each of `shards` engine threads, as long
    /// as one core is left for everything else. Call before the first thread is started.
    #[must_use]
    pub fn detect(shards: usize, pin: bool) -> Self {
        let cores = allowed_cores();
        let spare = cores.len().saturating_sub(1);
        let pinned = if pin && shards <= spare { shards } else { 0 };
        Self { cores, pinned }
    }

    /// How many engine threads get a core of their own: all or none.
    #[must_use]
    pub fn pinned(&self) -> usize {
        self.pinned
    }

    /// The core of engine thread `shard`, if it is pinned.
    #[must_use]
    pub fn engine_core(&self, shard: usize) -> Option<usize> {
        if shard < self.pinned {
            self.cores.get(shard).copied()
        } else {
            None
        }
    }

    /// Confines the calling thread to the core of engine `shard`. Returns whether it is pinned.
    ///
    /// # Errors
    /// The kernel's, if it refuses; the thread then runs where it did.
    pub fn pin_engine(&self, shard: usize) -> rustix::io::Result<bool> {
        let Some(core) = self.engine_core(shard) else {
            return Ok(false);
        };
        confine(&[core])?;
        Ok(true)
    }

    /// Confines the calling thread (and threads it starts later) to the cores without an engine.
    ///
    /// # Errors
    /// The kernel's, if it refuses; the thread then runs where it did.
    pub fn confine_background(&self) -> rustix::io::Result<()> {
        match self.cores.get(self.pinned..) {
            Some(rest) if self.pinned > 0 && !rest.is_empty() => confine(rest),
            _ => Ok(()),
        }
    }

    /// True where each sync thread can have a core without an engine: more real-time threads than
    /// cores would leave nothing to the others there.
    fn has_room_for_real_time(&self) -> bool {
        self.pinned > 0 && self.pinned <= self.cores.len() - self.pinned
    }

    /// Places the calling thread, which every answer waits for (a sync thread): real-time on the
    /// cores without an engine, or, where that cannot be, with short turns on every core. A
    /// real-time thread does not look for an idle core, so it must not meet an engine. Returns
    /// whether it is real-time.
    ///
    /// # Errors
    /// The kernel's, if it refuses the cores; the thread then runs where it did.
    pub fn place_sync(&self) -> rustix::io::Result<bool> {
        if self.has_room_for_real_time() {
            self.confine_background()?;
            match turns::run_in_real_time() {
                Ok(()) => return Ok(true),
                Err(error) => tracing::debug!(%error, "a sync thread is not real-time"),
            }
        }
        take_short_turns();
        confine(&self.cores).map(|()| false)
    }
}

/// The cores that the calling thread may use, ascending; empty where the kernel does not say.
#[must_use]
pub fn allowed_cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else {
        return Vec::new();
    };
    (0..CpuSet::MAX_CPU)
        .filter(|&core| set.is_set(core))
        .collect()
}

fn confine(cores: &[usize]) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    sched_setaffinity(None, &set)
}

/// Niceness of threads that work behind the engines. With less weight than this a busy machine starves
/// the history, and a stop waits for it.
const BEHIND_NICENESS: i32 = 10;

/// Niceness of threads that learn of sales and tell stock: behind the engines as well, but ahead of
/// what can wait. Each millisecond that a marketplace's order waits for them, others sell its units.
const CHANNEL_NICENESS: i32 = 5;

/// Lowers the priority of the calling thread and of those that it starts: what happens to an order
/// after its answer never takes a processor from the threads that answer.
pub fn yield_to_engines() {
    yield_by(BEHIND_NICENESS);
}

/// As [`yield_to_engines`], for threads between marketplaces and stock.
pub fn yield_to_engines_only() {
    yield_by(CHANNEL_NICENESS);
}

fn yield_by(niceness: i32) {
    // On Linux this is the thread's own niceness.
    if let Err(error) = rustix::process::setpriority_process(None, niceness) {
        tracing::debug!(%error, "a thread behind the engines keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(cores: &[usize], pinned: usize) -> CorePlan {
        CorePlan {
            cores: cores.to_vec(),
            pinned,
        }
    }

    #[test]
    fn engines_get_the_first_cores_and_nothing_is_pinned_on_one_core() {
        let two = plan(&[0, 1], 1);
        assert_eq!((two.engine_core(0), two.engine_core(1)), (Some(0), None));
        assert_eq!(plan(&[0], 0).engine_core(0), None);
    }

    #[test]
    fn sync_threads_are_real_time_only_where_each_has_a_core_without_an_engine() {
        for (cores, pinned, room) in [
            (&[0_usize, 1][..], 1, true),
            (&[0, 1, 2, 3], 2, true),
            (&[0, 1, 2, 3], 3, false),
            (&[0, 1], 0, false),
            (&[0], 0, false),
        ] {
            let plan = plan(cores, pinned);
            assert_eq!(plan.has_room_for_real_time(), room, "{plan:?}");
        }
    }

    #[test]
    fn a_confined_thread_is_seen_so_by_the_kernel() {
        let cores = allowed_cores();
        let Some(&last) = cores.last() else { return };
        std::thread::spawn(move || {
            confine(&[last]).expect("the kernel allows an allowed core");
            assert_eq!(allowed_cores(), vec![last]);
        })
        .join()
        .expect("no panic");
    }
}
