//! What somebody else's lock in PostgreSQL does to the history: it is said, and holds up no stop.

use super::look::rows;
use super::{postgres, read_all, runtime, story};
use onhand::clock::now_ms;
use onhand::history::{History, HistoryError, spawn};
use onhand::journal::MappedStorage;
use sqlx::Connection as _;
use std::time::Duration;

#[test]
fn a_lock_in_postgresql_is_said_and_holds_up_no_stop() {
    let Some(server) = postgres::Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    runtime().block_on(async {
        let target = server.database("locked").await;
        read_all(&target, &[&rig]).await;
        let url = server.url("locked", "");
        let mut other = sqlx::PgConnection::connect(&url).await.unwrap();
        let lock = sqlx::raw_sql("BEGIN; LOCK TABLE orders IN SHARE MODE");
        lock.execute(&mut other).await.unwrap();
        let mut history = History::open(&target, &[rig.source()]).await.unwrap();
        rig.placed(300);
        let step = tokio::time::timeout(Duration::from_secs(40), history.step(1_000));
        let error = step.await.expect("not for ever").unwrap_err();
        assert!(matches!(error, HistoryError::Locked { .. }), "{error:?}");
        drop(history);
        let thread = spawn::<MappedStorage>(target.clone(), vec![rig.source()]).unwrap();
        let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted";
        let until = now_ms() + 30_000;
        while rows(&target, waiting).await == ["0"] {
            assert!(now_ms() < until, "it never asked for the lock");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let begun = now_ms();
        thread.stop();
        assert!(
            now_ms() - begun < 15_000,
            "a stop waited for somebody's lock"
        );
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        read_all(&target, &[&rig]).await;
        assert_eq!(rows(&target, "SELECT COUNT(*) FROM orders").await, ["3"]);
    });
}
