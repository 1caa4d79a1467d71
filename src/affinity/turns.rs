//! How long a thread's turns on a processor are, and whether it waits for those of others.
//!
//! A thread that is woken while another one runs waits until that one's turn ends. Linux (6.12 and
//! later) lets a thread ask for shorter turns of its own; for them it is chosen the sooner. What an
//! answer waits for needs tens of microseconds at a time and asks for the shortest: its share of
//! the processor stays what it was, and it needs no privilege for it. It still waits, up to a tick of
//! 4 ms, where it slept for so short a time that it has had its share. A real-time thread does not:
//! it needs the privilege `CAP_SYS_NICE`, or a limit `RLIMIT_RTPRIO` of 1.
//!
//! Source: sched(7) and `Documentation/scheduler/sched-eevdf.rst` of the kernel.
#![allow(unsafe_code)] // no safe wrapper knows these two calls; each block says why it is sound

use std::io;

/// The shortest turn that the kernel grants, in nanoseconds.
const SHORTEST_NS: u64 = 100_000;

/// Asks for the shortest turns for the calling thread, and for threads that it starts. An older
/// kernel does nothing; a refusal leaves the turns as they are and is logged for whoever measures.
pub fn take_short_turns() {
    if let Err(error) = set_turn_ns(SHORTEST_NS) {
        tracing::debug!(%error, "a thread that answers keeps the usual turns");
    }
}

/// Makes the calling thread real-time, of the lowest such priority: it runs as soon as it can.
///
/// # Errors
/// The kernel's, where it is not allowed to; nothing changed then.
pub(super) fn run_in_real_time() -> io::Result<()> {
    let mut attributes = current()?;
    attributes.sched_policy = libc::SCHED_FIFO.cast_unsigned();
    attributes.sched_priority = 1;
    attributes.sched_nice = 0;
    attributes.sched_runtime = 0;
    set(&attributes)
}

/// Whether the kernel lets a thread of this process be real-time.
#[must_use]
pub fn may_run_in_real_time() -> bool {
    let tried = std::thread::spawn(|| run_in_real_time().is_ok());
    tried.join().unwrap_or(false)
}

fn set_turn_ns(turn_ns: u64) -> io::Result<()> {
    let mut attributes = current()?;
    attributes.sched_runtime = turn_ns;
    set(&attributes)
}

/// Gives the calling thread this scheduling.
fn set(attributes: &libc::sched_attr) -> io::Result<()> {
    // SAFETY: the kernel reads `size` bytes of the structure, which lives through the call; thread 0
    // is the caller, and no flag is set.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const *attributes, 0) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The scheduling of the calling thread.
fn current() -> io::Result<libc::sched_attr> {
    let size = size_of::<libc::sched_attr>();
    let mut attributes = libc::sched_attr {
        size: 0,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel writes at most `size` bytes, which is the size of the structure that the
    // pointer is to; thread 0 is the caller, and no flag exists.
    let done = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    if done == 0 {
        Ok(attributes)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_turns_leave_policy_and_niceness_as_they_were() {
        std::thread::spawn(|| {
            crate::affinity::yield_to_engines();
            let before = current().expect("the kernel tells a thread its scheduling");
            set_turn_ns(SHORTEST_NS).expect("asking for less is allowed");
            let after = current().expect("as before");
            assert_eq!(after.sched_policy, before.sched_policy);
            assert_eq!(after.sched_nice, 10);
            // A kernel that knows turns tells their length; an older one tells zero.
            assert!([0, SHORTEST_NS].contains(&after.sched_runtime));
        })
        .join()
        .expect("no panic");
    }

    #[test]
    fn a_thread_is_real_time_where_the_kernel_says_so_and_as_before_where_not() {
        let allowed = may_run_in_real_time();
        std::thread::spawn(move || {
            let before = current().expect("the kernel tells a thread its scheduling");
            assert_eq!(run_in_real_time().is_ok(), allowed);
            let after = current().expect("as before");
            let fifo = (libc::SCHED_FIFO.cast_unsigned(), 1);
            let usual = (before.sched_policy, before.sched_priority);
            let wanted = if allowed { fifo } else { usual };
            assert_eq!((after.sched_policy, after.sched_priority), wanted);
        })
        .join()
        .expect("no panic");
    }
}
