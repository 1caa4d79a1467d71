//! The simulated disk keeps its own promises, and breaks the ones that it may.

use super::disk::{SimDisk, SimFile, Survival};
use onhand::journal::storage::{Storage, StorageFile};
use std::collections::BTreeSet;

const NOTHING: Survival = Survival {
    kept_per_mille: 0,
    torn_per_mille: 0,
    changes_per_mille: 0,
};

fn read(disk: &SimDisk, offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let file = disk.open("a").expect("the file is there");
    file.read(offset, &mut bytes).expect("inside the file");
    bytes
}

fn settled(seed: u64) -> (SimDisk, SimFile) {
    let disk = SimDisk::new(seed);
    let file = disk.create("a", 4_096).unwrap();
    file.fill(0, 4_096).unwrap();
    file.sync(0, 4_096).unwrap();
    disk.sync_directory().unwrap();
    (disk, file)
}

#[test]
fn a_crash_keeps_what_was_synced_to_the_byte_and_may_drop_the_rest() {
    let (disk, file) = settled(1);
    file.write(100, &[1; 1_000]).unwrap();
    file.sync(100, 300).unwrap();
    let disk = disk.crash(NOTHING);
    assert_eq!(read(&disk, 100, 300), vec![1; 300]);
    assert_eq!(read(&disk, 400, 700), vec![0; 700]);
    assert!(
        file.write(0, &[1]).is_err(),
        "a handle of the process before"
    );
}

#[test]
fn a_kill_keeps_what_was_written_until_the_machine_crashes() {
    let (disk, file) = settled(2);
    file.write(0, &[7; 10]).unwrap();
    let disk = disk.kill();
    assert_eq!(read(&disk, 0, 10), vec![7; 10]);
    let disk = disk.crash(NOTHING);
    assert_eq!(read(&disk, 0, 10), vec![0; 10]);
}

#[test]
fn after_a_failed_sync_only_writing_again_helps() {
    for seed in 0..20 {
        let (disk, file) = settled(seed);
        file.write(0, &[7; 4_096]).unwrap();
        disk.fail_syncs(0, 1);
        assert!(file.sync(0, 4_096).is_err());
        file.sync(0, 4_096).unwrap();
        assert_eq!(read(&disk, 0, 4_096), vec![7; 4_096], "the cache shows it");
        let again = disk.fork();
        let crashed = disk.crash(NOTHING);
        assert_ne!(read(&crashed, 0, 4_096), vec![7; 4_096], "the medium lacks");
        let file = again.open("a").unwrap();
        file.write(0, &[7; 4_096]).unwrap();
        file.sync(0, 4_096).unwrap();
        assert_eq!(read(&again.crash(NOTHING), 0, 4_096), vec![7; 4_096]);
    }
}

#[test]
fn an_unsynced_name_may_be_lost_and_an_unsynced_file_may_be_cut() {
    let disk = SimDisk::new(3);
    disk.create("a", 4_096).unwrap();
    assert!(disk.fork().crash(NOTHING).open("a").is_err());
    disk.sync_directory().unwrap();
    let sizes: BTreeSet<u64> = (0..50)
        .map(|seed| {
            let fork = disk.fork_seeded(seed);
            fork.crash(NOTHING).open("a").unwrap().size_bytes()
        })
        .collect();
    assert!(sizes.contains(&0) && sizes.contains(&4_096) && sizes.len() > 2);
}

#[test]
fn a_full_disk_refuses_new_files_and_takes_old_bytes() {
    let (disk, file) = settled(4);
    disk.set_full(true);
    assert!(disk.create("b", 512).is_err());
    assert!(file.fill(0, 512).is_err());
    file.write(0, &[1]).unwrap();
}
