//! Onhand: a single-node inventory and order engine for flash sales.

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!(
    "Onhand needs Linux on x86_64 or aarch64: its journal relies on Linux's mmap, \
                msync and fdatasync semantics"
);

pub mod adapters;
pub mod affinity;
pub mod audit;
pub mod channels;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod engine;
pub mod events;
pub mod feed;
pub mod gateway;
pub mod history;
pub mod journal;
pub mod limits;
pub mod mailbox;
pub mod memory;
pub mod metrics;
pub mod mutants;
pub mod net;
pub mod sandbox;
pub mod server;
pub mod shard;
pub mod types;
pub mod wire;
