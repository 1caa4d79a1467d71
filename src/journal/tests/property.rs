//! Any order of appends, syncs, crashes, kills and failures keeps the two promises: what was
//! acknowledged is there, and what is there was appended, in that order, without gaps.

use super::torn::coin;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

#[derive(Clone, Debug)]
enum Act {
    Append { records: usize, bytes: usize },
    Sync,
    Maintain { steps: usize },
    Idle,
    Crash { seed: u64 },
    Kill,
    FailSync,
    Full(bool),
    Close,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (1..6_usize, 0..5_000_usize)
            .prop_map(|(records, bytes)| Act::Append { records, bytes }),
        6 => Just(Act::Sync),
        4 => (1..6_usize).prop_map(|steps| Act::Maintain { steps }),
        2 => Just(Act::Idle),
        2 => any::<u64>().prop_map(|seed| Act::Crash { seed }),
        1 => Just(Act::Kill),
        1 => Just(Act::FailSync),
        1 => any::<bool>().prop_map(Act::Full),
        1 => Just(Act::Close),
    ]
}

struct Model {
    rig: Option<Rig>,
    salt: u8,
    /// The longest list of facts that anybody was told.
    told: Vec<Fact>,
    counter: u8,
}

impl Model {
    /// Opens again after the process ended; `before` is what it had appended.
    fn restart(&mut self, disk: Disk, before: &[Fact]) {
        self.salt = self.salt.wrapping_add(7);
        disk.fail_syncs(0);
        disk.set_full(false);
        let rig = Rig::on(disk, self.salt);
        assert!(rig.facts.starts_with(&self.told), "what was told is there");
        assert!(
            before.starts_with(&rig.facts),
            "and nothing that was not appended"
        );
        self.told.clone_from(&rig.facts); // recovery answers from what it shows
        self.rig = Some(rig);
    }

    fn step(&mut self, act: &Act) {
        let mut rig = self.rig.take().unwrap();
        let mut ended = false;
        match *act {
            Act::Append { records, bytes } => {
                self.counter = self.counter.wrapping_add(1);
                let payload = vec![self.counter; bytes.min(22_000 / records)];
                if rig.opened.appender.room() > Room::None {
                    rig.append(&vec![&payload[..]; records]);
                }
            }
            Act::Sync => ended = rig.sync() == SyncProgress::Failed,
            Act::Maintain { steps } => {
                for _ in 0..steps {
                    let _ = rig.opened.maintenance.step(); // a full disk or a failed sync
                }
            }
            Act::Idle => {
                if rig.opened.appender.room() > Room::None {
                    rig.opened.appender.idle(rig.time_ms).unwrap();
                }
            }
            Act::FailSync => rig.disk.fail_syncs(1),
            Act::Full(full) => rig.disk.set_full(full),
            Act::Crash { seed } => {
                rig.disk.crash(coin(seed));
                ended = true;
            }
            Act::Kill => ended = true,
            Act::Close => {
                if rig.opened.appender.room() > Room::None {
                    let (disk, facts) = (rig.disk.clone(), rig.facts.clone());
                    let closed = rig
                        .opened
                        .appender
                        .close(&mut rig.opened.syncer, rig.time_ms);
                    if closed.is_ok() {
                        self.told = facts.clone();
                    }
                    self.restart(disk, &facts);
                    return;
                }
            }
        }
        let acknowledged = rig.acknowledged();
        if acknowledged.len() > self.told.len() {
            self.told = acknowledged;
        }
        if ended {
            let facts = rig.facts.clone();
            self.restart(rig.disk, &facts);
        } else {
            self.rig = Some(rig);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_order_of_faults_keeps_both_promises(acts in prop::collection::vec(act(), 1..120)) {
        let mut model = Model {
            rig: Some(Rig::new()),
            salt: 1,
            told: Vec::new(),
            counter: 0,
        };
        for act in &acts {
            model.step(act);
        }
        let rig = model.rig.unwrap();
        let facts = rig.facts.clone();
        rig.disk.fail_syncs(0);
        rig.disk.crash(|| false);
        model.rig = None;
        let told = model.told.clone();
        let last = Rig::on(rig.disk, 200);
        prop_assert!(last.facts.starts_with(&told));
        prop_assert!(facts.starts_with(&last.facts));
        let sealed = verify_seals(&Arc::new(last.disk.clone()), options().shard);
        prop_assert!(sealed.is_ok(), "{sealed:?}");
    }
}
