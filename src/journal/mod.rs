//! The journal: memory-mapped, append-only segments; append, sync, recovery, readers.

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
