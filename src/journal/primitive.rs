//! The atomics and thread parking that the hand-over is made of: the standard library's, or loom's
//! under the feature `loom`, so that loom explores the very code that ships.

#[cfg(not(feature = "loom"))]
pub use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering, fence},
    thread::{Thread, current, park},
};

#[cfg(feature = "loom")]
pub use loom::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering, fence},
    thread::{Thread, current, park},
};

/// Blocks until unparked or until `milliseconds` have passed; may return early.
#[cfg(not(feature = "loom"))]
pub fn park_ms(milliseconds: u64) {
    std::thread::park_timeout(std::time::Duration::from_millis(milliseconds));
}

/// Blocks until unparked: loom has no time.
#[cfg(feature = "loom")]
pub fn park_ms(_milliseconds: u64) {
    park();
}
