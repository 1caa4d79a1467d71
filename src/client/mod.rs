//! The Rust client.

pub mod swarm;
