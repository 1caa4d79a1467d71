//! Archives in records: they come from the disk, and their checksum may be that of damaged bytes.

use super::details::full;
use super::edit::{apply, edits};
use super::run::run;
use onhand::config::process::{ChannelMoney, ProcessConfig};
use onhand::types::OrderDetails;
use onhand::types::pipeline::{PIPELINES_ARCHIVE_VERSION, PipelineSet};
use std::net::SocketAddr;

#[test]
fn archived_details_are_read_or_refused() {
    let sound = rkyv::to_bytes::<rkyv::rancor::Error>(&full()).unwrap();
    assert_eq!(OrderDetails::from_archive(&sound), Some(full()));
    run(
        "tests/fuzz/regressions/archived_details.txt",
        edits(),
        |edits| {
            if let Some(read) = OrderDetails::from_archive(&apply(&sound, &edits)) {
                let again = rkyv::to_bytes::<rkyv::rancor::Error>(&read).unwrap();
                assert_eq!(OrderDetails::from_archive(&again), Some(read));
            }
        },
    );
}

#[test]
fn archived_pipelines_are_read_or_refused() {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let config = ProcessConfig::sandbox(address, &ChannelMoney::default()).unwrap();
    let sound = config.set.archive();
    let inputs = (0..=PIPELINES_ARCHIVE_VERSION + 1, edits());
    run(
        "tests/fuzz/regressions/archived_pipelines.txt",
        inputs,
        |(version, edits)| {
            if let Some(read) = PipelineSet::from_archive(version, &apply(&sound, &edits)) {
                let again = PipelineSet::from_archive(PIPELINES_ARCHIVE_VERSION, &read.archive());
                assert_eq!(again.map(|set| set.archive()), Some(read.archive()));
            }
        },
    );
}
