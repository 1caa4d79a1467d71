//! A reader that is killed, between its transactions and within them.

use super::look::{TABLES, VIEWS, dump};
use super::rig::Rig;
use super::{read_all, runtime, story};
use onhand::history::{History, HistoryError, HistoryProgress, HistoryTarget};
use std::time::Duration;

/// Reads to the end as the server does. A killed reader's connection may have a last transaction under
/// way in a thread of the database's library: where that ends behind the opening, it opens again.
async fn read_behind_the_killed(target: &HistoryTarget, rigs: &[&Rig]) {
    let sources: Vec<_> = rigs.iter().map(|rig| rig.source()).collect();
    for _ in 0..10 {
        let mut history = History::open(target, &sources).await.unwrap();
        loop {
            match history.step(1_000).await {
                Ok(HistoryProgress::CaughtUp) => return history.close().await,
                Ok(_) => {}
                Err(HistoryError::CursorMoved { .. }) => break,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    panic!("somebody else still writes into {target:?}");
}

/// Kills the reader between transactions and within them, and compares with a reader that nobody
/// disturbed.
pub async fn check_killed(killed: &HistoryTarget, quiet: &HistoryTarget, rigs: &mut [Rig]) {
    let mut kills = 0;
    for round in 0..40_u32 {
        for rig in rigs.iter_mut() {
            rig.hold(1_000 + u128::from(round) * 10);
            rig.placed(2_000 + u128::from(round) * 10);
            if round % 8 == 0 {
                rig.channel_day(100 + round);
            }
        }
        let sources: Vec<_> = rigs.iter().map(Rig::source).collect();
        let mut history = History::open(killed, &sources).await.unwrap();
        for turn in 0..round % 5 {
            // Some steps end, some are cut in the middle of their transaction.
            let limit = Duration::from_micros(u64::from(round * 97 + turn * 131) % 4_000);
            if tokio::time::timeout(limit, history.step(7)).await.is_err() {
                kills += 1;
                break;
            }
        }
        drop(history);
    }
    assert!(kills > 3, "only {kills} transactions were cut");
    let rigs: Vec<&Rig> = rigs.iter().collect();
    read_behind_the_killed(killed, &rigs).await;
    read_all(quiet, &rigs).await;
    let (left, right) = (dump(killed).await, dump(quiet).await);
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), TABLES.len() + VIEWS.len());
}

#[test]
fn a_reader_killed_between_and_within_transactions_writes_every_record_exactly_once() {
    let data = tempfile::tempdir().unwrap();
    let mut rigs = [story(data.path(), 0), story(data.path(), 1)];
    runtime().block_on(async {
        let killed = HistoryTarget::Sqlite(data.path().join("killed"));
        let quiet = HistoryTarget::Sqlite(data.path().join("quiet"));
        check_killed(&killed, &quiet, &mut rigs).await;
    });
}
