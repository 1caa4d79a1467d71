//! The journal: memory-mapped, append-only segments; append, sync, recovery, readers.

pub mod storage;
