//! The one child process that lives at a time: never left behind, ended by its process id.

use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::Context;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Holds the child of this process. It ends with the last ward, with an error, and with a signal
/// to this process; where this process is killed outright, the kernel ends it
/// ([`super::super::startup::end_with_parent`]).
#[derive(Clone, Debug, Default)]
pub(super) struct Ward {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    child: Mutex<Option<Child>>,
    /// The signal that asked this process to end; 0 before.
    interrupted: AtomicI32,
}

impl Ward {
    /// A ward that ends its child, and with it the demo, on SIGINT and SIGTERM.
    pub(super) fn new() -> anyhow::Result<Self> {
        let ward = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle signals")?;
        let watch = ward.clone();
        std::thread::Builder::new()
            .name("onhand-signals".to_owned())
            .spawn(move || {
                for signal in &mut signals {
                    if watch.shared.interrupted.swap(signal, Ordering::SeqCst) != 0 {
                        std::process::exit(128 + signal);
                    }
                    watch.kill();
                }
            })
            .context("cannot start a thread")?;
        Ok(ward)
    }

    /// The signal that asked for the end, if one did.
    pub(super) fn interrupted(&self) -> Option<i32> {
        match self.shared.interrupted.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }

    /// Takes over a child; one that was not reaped is ended.
    pub(super) fn adopt(&self, child: Child) {
        self.kill();
        *self.shared.child.lock() = Some(child);
        if self.interrupted().is_some() {
            self.kill();
        }
    }

    /// SIGKILL to the child, if there is one, and waits for its end.
    pub(super) fn kill(&self) {
        if let Some(mut child) = self.shared.child.lock().take() {
            end(&mut child);
        }
    }

    /// SIGTERM to the child, if there is one. It is not reaped yet, so its id is still its own.
    pub(super) fn terminate(&self) -> std::io::Result<()> {
        match &*self.shared.child.lock() {
            Some(child) => Ok(kill_process(Pid::from_child(child), Signal::TERM)?),
            None => Ok(()),
        }
    }

    /// The status of a child that is about to end by itself: call it once its output has ended.
    pub(super) fn reap(&self) -> std::io::Result<Option<ExitStatus>> {
        let child = self.shared.child.lock().take();
        child.map(|mut child| child.wait()).transpose()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(child) = self.child.get_mut() {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    // Both fail only for a child that has ended.
    let _ = child.kill();
    let _ = child.wait();
}
