//! Kernel and processor: descriptors, cores, huge pages, clock, memory.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::{Check, size};
use crate::cli::startup::descriptors_needed;
use crate::config::Config;
use crate::{affinity, clock};

/// 2025-01-01: a wall clock before this was never set.
const WALL_CLOCK_MIN_MS: u64 = 1_735_689_600_000;
/// A wall clock that moves this much against the boot clock during the checks is being stepped.
const CLOCK_STEP_MS: u64 = 50;

pub(super) fn checks() -> Vec<Check> {
    vec![
        descriptors(),
        cores(),
        real_time(),
        huge_pages(),
        clock_source(),
        memory(),
    ]
}

fn descriptors() -> Check {
    const NAME: &str = "open files";
    let limit = getrlimit(Resource::Nofile);
    let needed = descriptors_needed(&Config::default());
    let shown = |limit: Option<u64>| limit.map_or("unlimited".to_owned(), |n| n.to_string());
    let found = format!(
        "limit {} (at most {})",
        shown(limit.current),
        shown(limit.maximum)
    );
    // A server raises its own limit as far as it may.
    if limit.maximum.is_none_or(|limit| limit >= needed) {
        return Check::ok(NAME, found);
    }
    let advice = format!(
        "the defaults of `connections_max` and `http_connections_max` need {needed}: \
         `ulimit -Hn {needed}`, or `LimitNOFILE={needed}` in the service"
    );
    Check::warn(NAME, found, advice)
}

fn cores() -> Check {
    const NAME: &str = "cores";
    let allowed = affinity::allowed_cores();
    let machine = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let found = format!(
        "{} usable ({:?}), online {}",
        allowed.len(),
        allowed,
        machine.trim()
    );
    if allowed.len() >= 2 {
        return Check::ok(NAME, found);
    }
    Check::warn(
        NAME,
        found,
        "engine and sync thread share one core and nothing is pinned: allow at least 2",
    )
}

fn real_time() -> Check {
    const NAME: &str = "real time";
    if affinity::may_run_in_real_time() {
        return Check::ok(NAME, "allowed");
    }
    Check::warn(
        NAME,
        "not allowed",
        "answers wait up to some milliseconds longer while orders are on their way through \
         providers: `ulimit -r 1`, or `LimitRTPRIO=1` in the service",
    )
}

fn huge_pages() -> Check {
    const NAME: &str = "huge pages";
    let Ok(text) = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled") else {
        return Check::warn(
            NAME,
            "the kernel has none",
            "use a kernel with transparent huge pages: large indexes are slower without",
        );
    };
    let mode = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("unknown", |(mode, _)| mode);
    if mode == "always" || mode == "madvise" {
        return Check::ok(NAME, mode);
    }
    Check::warn(
        NAME,
        mode,
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    )
}

fn clock_source() -> Check {
    const NAME: &str = "clock source";
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let Ok(source) = fs::read_to_string(path) else {
        return Check::warn(
            NAME,
            "unknown",
            "mount /sys so that it can be read, and look for tsc or arch_sys_counter",
        );
    };
    let source = source.trim().to_owned();
    let fast = [
        "tsc",
        "kvm-clock",
        "arch_sys_counter",
        "hyperv_clocksource_tsc_page",
    ];
    if fast.contains(&source.as_str()) {
        return Check::ok(NAME, source);
    }
    Check::warn(
        NAME,
        source,
        "reading the time needs a system call with this source: boot with clocksource=tsc",
    )
}

fn memory() -> Check {
    const NAME: &str = "memory";
    let available = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| meminfo_bytes(&text, "MemAvailable:"));
    let Some(available) = available else {
        return Check::warn(NAME, "unknown", "mount /proc so that it can be read");
    };
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let usable = group.map_or(available, |limit: u64| limit.min(available));
    let needed = memory_needed(&Config::default());
    let found = format!("{} available", size(usable));
    if usable >= needed {
        return Check::ok(NAME, found);
    }
    let advice = format!(
        "the defaults take up to {}: lower `orders_expected`, `rejections_kept` and \
         `commands_kept`",
        size(needed)
    );
    Check::warn(NAME, found, advice)
}

/// What the tables of all shards take once the expected orders are there.
fn memory_needed(config: &Config) -> u64 {
    let shard =
        config.orders_expected * 96 + config.rejections_kept * 40 + config.commands_kept * 96;
    u64::from(config.shards) * shard as u64
}

fn meminfo_bytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Compares wall and boot clock at the start and at the end of the checks.
pub(super) struct ClockProbe {
    offset_ms: u64,
}

impl ClockProbe {
    pub(super) fn start() -> Self {
        Self {
            offset_ms: wall_offset_ms(),
        }
    }

    pub(super) fn finish(self) -> Check {
        const NAME: &str = "wall clock";
        let wall_ms = clock::now_ms();
        if wall_ms < WALL_CLOCK_MIN_MS {
            return Check::fail(
                NAME,
                "not set: it is before 2025",
                "set it, and keep it with chrony or systemd-timesyncd: holds end by it",
            );
        }
        let moved = wall_offset_ms().abs_diff(self.offset_ms);
        let found = format!("{moved} ms against the boot clock while checking");
        if moved <= CLOCK_STEP_MS {
            return Check::ok(NAME, found);
        }
        Check::warn(
            NAME,
            found,
            "something sets the clock in steps: let chrony or systemd-timesyncd slew it",
        )
    }
}

fn wall_offset_ms() -> u64 {
    clock::now_ms().saturating_sub(clock::boottime_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernels_table() {
        let text = "MemTotal:  10 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(meminfo_bytes(text, "MemAvailable:"), Some(2 << 20));
        assert_eq!(meminfo_bytes(text, "SwapFree:"), None);
    }
}
