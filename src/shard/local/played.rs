//! For tests: a shard as the engine thread drives it.

use crate::clock;
use crate::engine::{Engine, EngineOptions};
use crate::journal::{JournalOptions, MappedStorage, OsEntropy, SyncMode, Syncer, open};
use crate::shard::Shard;
use std::path::Path;
use std::sync::Arc;

/// A shard on a real journal that the test syncs when it wants.
pub fn shard_on(directory: &Path) -> (Shard<MappedStorage>, Syncer<MappedStorage>) {
    let storage = Arc::new(MappedStorage::create(directory).expect("a directory"));
    let options = JournalOptions {
        segment_bytes: 8 << 20,
        ..JournalOptions::default()
    };
    let (now_ms, entropy) = (clock::now_ms(), Box::new(OsEntropy));
    let opened = open(storage, options, now_ms, entropy, &mut |_| Ok(()));
    let opened = opened.expect("a new journal");
    let engine = Engine::new(EngineOptions::default());
    let epoch = opened.report.epoch;
    let shard = Shard::new(0, epoch, SyncMode::Always, engine, opened.appender);
    (shard, opened.syncer)
}
