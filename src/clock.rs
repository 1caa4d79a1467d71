//! Clocks: the only place where time enters the process.
//!
//! The engine never sees a clock. Its thread reads an [`EngineClock`] once a turn and hands the
//! value in; everything that must be reproducible comes from that value.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of the monotonic clock: for measuring durations within this process.
#[must_use]
pub fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Milliseconds since the Unix epoch by the wall clock, which may jump.
#[must_use]
pub fn now_ms() -> u64 {
    nanoseconds(clock_gettime(ClockId::Realtime)) / 1_000_000
}

/// Milliseconds since the machine started, time asleep included; never goes back.
#[must_use]
pub fn boottime_ms() -> u64 {
    nanoseconds(clock_gettime(ClockId::Boottime)) / 1_000_000
}

/// Blocks the calling thread. For clients and paced background work only: nothing that waits for
/// an event may use it.
#[allow(clippy::disallowed_methods)] // the one place that may
pub fn sleep_ms(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

/// Engine time: the boot-time clock at an offset fixed when the process starts, so that a wall
/// clock that is set back or forward later cannot expire or revive a hold.
#[derive(Clone, Copy, Debug)]
pub struct EngineClock {
    offset_ms: u64,
}

impl EngineClock {
    /// A clock that shows the wall clock's time now, or `journal_ms` if that is later: engine time
    /// never goes back, not even over a restart.
    #[must_use]
    pub fn start(journal_ms: u64) -> Self {
        Self {
            offset_ms: now_ms().max(journal_ms).saturating_sub(boottime_ms()),
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.offset_ms + boottime_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_time_starts_at_the_later_of_wall_clock_and_journal() {
        let wall = now_ms();
        let clock = EngineClock::start(0);
        assert!(clock.now_ms() + 1 >= wall && clock.now_ms() < wall + 60_000);
        let ahead = EngineClock::start(wall + 3_600_000);
        assert!(ahead.now_ms() + 1 >= wall + 3_600_000);
    }

    #[test]
    fn clocks_do_not_go_back() {
        let (first, boot) = (monotonic_ns(), boottime_ms());
        assert!(monotonic_ns() >= first && boottime_ms() >= boot);
    }
}
