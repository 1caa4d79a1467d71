//! The journal: memory-mapped, append-only segments; append, sync, recovery, readers.
//!
//! ```text
//!  engine thread      sync thread          maintenance thread           other threads
//!  Appender ────────▶ Syncer               Maintenance                  Reader
//!    │  position,       │ msync of           │ populates ahead            │ batches below the
//!    │  sequence        │ the range          │ prepares, recycles         │ acknowledged mark
//!    │                  ▼                    │ hashes finished segments   ▼
//!    └◀──────── synced mark                  └─▶ seal, into a later batch
//! ```
//!
//! [`open`] recovers the journal of one shard and gives out these parts. What is in a record of
//! the engine is opaque here. `docs/JOURNAL.md` has every byte, and the argument why no crash loses
//! what was acknowledged.
//!
//! Invariants:
//! - No record is acknowledged before it is durable (in mode `always`), and none below the synced
//!   mark is ever missing: otherwise the journal is refused as damaged.
//! - What a start finds is a prefix of what was appended, batch by batch.
//! - The append path takes no lock, allocates nothing and makes no system call.
//! - A failed write or sync is final: nothing is acknowledged after it, and no sync is tried again.
//!
//! When the disk is full, preparation fails and [`Appender::room`] shrinks to the reserved share
//! and then to none; it comes back with the space. When syncing is slow, the mark lags and replies
//! wait; the engine's own bounds then stop its intake.

mod append;
pub mod error;
pub mod handover;
pub mod layout;
#[cfg(all(test, feature = "loom"))]
mod loom_tests;
mod maintain;
pub mod mapped;
pub mod options;
mod primitive;
mod queues;
mod reader;
pub mod record;
mod recover;
mod scan;
mod seal;
mod segment;
pub mod storage;
mod sync;
#[cfg(test)]
mod tests;

pub use append::{Appender, Room};
pub use error::{
    AppendError, CloseError, Damage, DamageKind, MaintenanceError, OpenError, ReadError,
    ReplayError,
};
pub use handover::SyncHandover;
pub use layout::Position;
pub use maintain::{Maintenance, MaintenanceProgress, run as run_maintenance};
pub use mapped::MappedStorage;
pub use options::{Entropy, JournalOptions, OsEntropy, SyncMode};
pub use reader::{Reader, Tail, segment_numbers};
pub use recover::{Opened, RecoveryReport, open};
pub use scan::Batch;
pub use seal::{SealReport, verify_seals};
pub use sync::{SyncProgress, Syncer, Waker};
