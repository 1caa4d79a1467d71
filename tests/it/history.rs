//! The history over real journals and real databases: exactly once, whatever happens when.

mod actions;
mod channels;
mod commands;
mod killed;
mod locks;
mod look;
mod plans;
pub(super) mod postgres;
mod records;
mod rig;
mod versions;

use look::{dump, rows};
use onhand::clock::now_ms;
use onhand::history::{
    History, HistoryError, HistoryProgress, HistoryTarget, SQLITE_FILE, catch_up, clear, spawn,
};
use onhand::journal::MappedStorage;
use rig::{EMAIL, Rig, TOKEN};
use std::path::Path;

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn sqlite(directory: &Path) -> HistoryTarget {
    HistoryTarget::Sqlite(directory.join(SQLITE_FILE))
}

/// A journal with a bit of everything.
fn story(data: &Path, shard: u16) -> Rig {
    let mut rig = Rig::new(data, shard);
    rig.definitions();
    rig.hold(100);
    rig.placed(200);
    rig
}

async fn read_all(target: &HistoryTarget, rigs: &[&Rig]) -> (u64, u64) {
    let sources: Vec<_> = rigs.iter().map(|rig| rig.source()).collect();
    let mut history = History::open(target, &sources).await.unwrap();
    let (mut all, mut written) = (0, 0);
    while let HistoryProgress::Wrote { records, rows } = history.step(1_000).await.unwrap() {
        all += records;
        written += rows;
    }
    history.close().await;
    (all, written)
}

async fn open_error(target: &HistoryTarget, rig: &Rig) -> HistoryError {
    match History::open(target, &[rig.source()]).await {
        Ok(_) => panic!("the database should be refused"),
        Err(error) => error,
    }
}

/// What the story must look like, in whichever database.
async fn check_story(target: &HistoryTarget) {
    let one = async |query: &str| rows(target, query).await.join("; ");
    let orders = "SELECT order_key, state, units, units_shipped, units_returned, customer, touched, \
                  exception, carrier, captured FROM orders";
    let zeros = "0".repeat(29);
    assert_eq!(
        one(orders).await,
        format!("{zeros}064|SHIPPED|1|1|1|77|0|0|-|-; {zeros}0c8|COMPLETED|1|0|0|77|1|1|ups|0")
    );
    assert_eq!(
        one("SELECT name, on_sale, tenant FROM skus").await,
        "LAMP|0|0"
    );
    assert_eq!(
        one("SELECT customer, reason FROM rejections").await,
        "18446744073709551615|UNKNOWN_SKU"
    );
    assert_eq!(
        one("SELECT email, shipping_address FROM personal_data").await,
        format!("{EMAIL}|1 Way\nTown")
    );
    let effects = "SELECT effect, attempts, outcome, reference, dead_code FROM effects";
    assert_eq!(
        one(effects).await,
        "1|2|done|pi_1|-; 2|2|done|-|unavailable"
    );
    let attempts = "SELECT effect, attempt, class, status, ended_ms - started_ms FROM attempts";
    assert_eq!(
        one(attempts).await,
        "1|1|retry|503|200; 1|2|done|200|300; 2|1|retry|503|10; 2|2|done|503|10"
    );
    for (view, expected) in [
        (
            "SELECT reason, open_for_ms, closed_by_event, next_state, decided_by FROM reviews",
            "fraud|1000|review_approved|PAYMENT|clerk",
        ),
        ("SELECT order_to_cash_ms FROM order_to_cash", "3600"),
        (
            "SELECT tenant, ended_orders, zero_touch_orders, share FROM zero_touch_share",
            "acme|1|0|0.0000",
        ),
        (
            "SELECT orders, exception_orders, share FROM exception_share",
            "1|1|1.0000",
        ),
        (
            "SELECT provider, kind, attempts, errors, rate FROM error_rate",
            "slack|notify|2|1|0.5000; stripe|payment_authorise|2|1|0.5000",
        ),
        (
            "SELECT kind, cause, dead_letters, recovered, rate FROM dead_letter_recovery",
            "notify|retry|1|1|1.0000",
        ),
        (
            "SELECT carrier, parcels, average_ms FROM dwell_by_carrier",
            "ups|1|60000.0000",
        ),
        (
            "SELECT processor, kind, calls, longest_ms FROM dwell_by_processor",
            "stripe|payment_authorise|1|2500",
        ),
        (
            "SELECT pipeline_name, step_name, state, longest_ms FROM dwell_by_step \
          WHERE state IN ('REVIEW', 'PAYMENT')",
            "standard|pay|PAYMENT|2500; standard|risk|REVIEW|1000",
        ),
        (
            "SELECT channel, orders, to_shipped_ms FROM dwell_by_channel",
            "4|2|4320.0000",
        ),
    ] {
        assert_eq!(one(view).await, expected, "{view}");
    }
}

#[test]
fn everything_in_the_journal_is_in_the_tables_and_the_views_answer() {
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    runtime().block_on(async {
        let target = sqlite(data.path());
        let (records, written) = read_all(&target, &[&rig]).await;
        assert_eq!(
            records + 1,
            rig.next_sequence() - 1,
            "all but the start record"
        );
        assert!(written > records);
        check_story(&target).await;
        assert_eq!(read_all(&target, &[&rig]).await, (0, 0), "nothing twice");
    });
}

#[test]
fn no_payment_token_reaches_the_database_and_the_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    let target = sqlite(data.path());
    runtime().block_on(read_all(&target, &[&rig]));
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(TOKEN.len())
            .any(|part| part == TOKEN.as_bytes());
        assert!(!found, "the payment token is in {}", path.display());
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} may be read by others", path.display());
    }
}

#[test]
fn a_locked_database_is_waited_for_and_orders_never_notice() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    let target = sqlite(data.path());
    runtime().block_on(async {
        let mut history = History::open(&target, &[rig.source()]).await.unwrap();
        let url = format!("sqlite://{}", data.path().join(SQLITE_FILE).display());
        let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
            .await
            .unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .unwrap();
        let error = history.step(1_000).await.unwrap_err();
        assert!(matches!(error, HistoryError::Locked { .. }), "{error:?}");
        assert!(error.is_transient());
        rig.placed(300); // the journal goes on meanwhile
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        drop(history);
        read_all(&target, &[&rig]).await;
        let orders = rows(&target, "SELECT COUNT(*) FROM orders").await;
        assert_eq!(orders, ["3"]);
    });
}

#[test]
fn a_full_disk_is_waited_for_and_the_history_goes_on_once_there_is_room() {
    // /dev/full refuses every write with ENOSPC, but a database needs a real file: SQLite's own
    // limit of pages gives the same error.
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    let target = sqlite(data.path());
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        for order in 0..200 {
            rig.placed(10_000 + order);
        }
        let mut history = History::open(&target, &[rig.source()]).await.unwrap();
        history.limit_pages(1).await.unwrap();
        let error = history.step(100_000).await.unwrap_err();
        assert!(matches!(error, HistoryError::Full { .. }), "{error:?}");
        assert!(error.is_transient());
        drop(history);
        read_all(&target, &[&rig]).await;
        let orders = rows(&target, "SELECT COUNT(*) FROM orders").await;
        assert_eq!(orders, ["202"]);
    });
}

#[test]
fn a_missing_database_is_written_anew_from_the_first_record() {
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    let target = sqlite(data.path());
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        let before = dump(&target).await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(data.path().join(format!("{SQLITE_FILE}{suffix}")));
        }
        read_all(&target, &[&rig]).await;
        assert_eq!(dump(&target).await, before);
        // A directory that is not there is told, and waited for.
        let gone = HistoryTarget::Sqlite(data.path().join("gone/history.sqlite"));
        let error = open_error(&gone, &rig).await;
        assert!(matches!(error, HistoryError::Open { .. }), "{error:?}");
        assert!(error.is_transient() && error.to_string().contains("gone"));
    });
}

#[test]
fn an_older_copy_catches_up_from_its_own_cursor() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    let target = sqlite(data.path());
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        let copy = data.path().join("copy.sqlite");
        std::fs::copy(data.path().join(SQLITE_FILE), &copy).unwrap();
        rig.placed(300);
        read_all(&target, &[&rig]).await;
        let copy = HistoryTarget::Sqlite(copy);
        let (records, _) = read_all(&copy, &[&rig]).await;
        assert!(records > 0);
        assert_eq!(dump(&copy).await, dump(&target).await);
    });
}

#[test]
fn a_copy_ahead_of_the_journal_is_refused_and_so_is_one_of_another_journal() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    rig.placed(300);
    let target = sqlite(data.path());
    let others = tempfile::tempdir().unwrap();
    let shorter = story(others.path(), 0);
    let another = tempfile::tempdir().unwrap();
    let mut longer = story(another.path(), 0);
    longer.wait(1);
    longer.placed(300);
    longer.placed(400);
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        let error = open_error(&target, &shorter).await;
        let HistoryError::AheadOfJournal { cursor, end, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (*cursor, *end),
            (rig.next_sequence(), shorter.next_sequence())
        );
        assert!(error.to_string().contains("onhand history rebuild") && !error.is_transient());
        let error = open_error(&target, &longer).await;
        assert!(
            matches!(error, HistoryError::OtherJournal { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("onhand history rebuild") && !error.is_transient());
    });
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    let file = data.path().join(SQLITE_FILE);
    let text = "these are somebody's notes, and no database at all. ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    runtime().block_on(async {
        let error = open_error(&sqlite(data.path()), &rig).await;
        assert!(matches!(error, HistoryError::Damaged { .. }), "{error:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    });
}

#[test]
fn a_rebuild_gives_the_same_rows_and_a_running_reader_follows_it() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    let target = sqlite(data.path());
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
    });
    let before = runtime().block_on(dump(&target));
    clear(&target).unwrap();
    let shards = [(0, rig.directory.clone())];
    let rebuilt = catch_up(&target, &shards, &mut |_| ()).unwrap();
    assert!(rebuilt.records > 0 && rebuilt.rows > rebuilt.records);
    // At rest the last batch is known to be durable only once a later one says so.
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        assert_eq!(dump(&target).await, before);
        let mut history = History::open(&target, &[rig.source()]).await.unwrap();
        let other = target.clone();
        std::thread::spawn(move || clear(&other))
            .join()
            .unwrap()
            .unwrap();
        rig.hold(500);
        let error = history.step(1_000).await.unwrap_err();
        assert!(
            matches!(error, HistoryError::CursorMoved { .. }),
            "{error:?}"
        );
        assert!(error.is_transient());
        drop(history);
        read_all(&target, &[&rig]).await;
        assert_eq!(rows(&target, "SELECT COUNT(*) FROM orders").await, ["3"]);
    });
}

#[test]
fn postgresql_holds_the_same_rows_as_sqlite_and_gives_the_same_answers() {
    let Some(server) = postgres::Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let mut rigs = [story(data.path(), 0), story(data.path(), 1)];
    runtime().block_on(async {
        let one = server.database("one").await;
        read_all(&one, &[&rigs[0]]).await;
        check_story(&one).await;
        rigs[0].channel_day(1);
        read_all(&one, &[&rigs[0]]).await;
        channels::check_day(&one).await;
        let target = server.database("killed").await;
        killed::check_killed(&target, &sqlite(data.path()), &mut rigs).await;
    });
}

#[test]
fn postgresql_is_reached_over_tls_and_its_certificate_is_checked_where_that_is_asked() {
    let Some(server) = postgres::Server::start_encrypted() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    let target = |options: &str| {
        let url = server.url("postgres", options);
        let target = HistoryTarget::parse(&url, Path::new("/")).unwrap();
        target.expect("a database")
    };
    let checked = |file: &Path| format!("sslmode=verify-full&sslrootcert={}", file.display());
    let other = data.path().join("other.pem");
    let (authority, key) = postgres::authority();
    std::fs::write(&other, authority.self_signed(&key).unwrap().pem()).unwrap();
    runtime().block_on(async {
        for options in ["sslmode=require".to_owned(), checked(&server.authority())] {
            let target = target(&options);
            read_all(&target, &[&rig]).await;
            assert_eq!(rows(&target, "SELECT COUNT(*) FROM orders").await, ["2"]);
            let encrypted = "SELECT COUNT(*) FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()";
            assert_eq!(rows(&target, encrypted).await, ["1"], "{options}");
        }
        // Without TLS the server lets nobody in, and a certificate of others is not believed.
        for options in ["sslmode=disable".to_owned(), checked(&other)] {
            let error = open_error(&target(&options), &rig).await;
            assert!(
                matches!(error, HistoryError::Open { .. }),
                "{options}: {error:?}"
            );
        }
    });
}

#[test]
fn a_postgresql_server_that_goes_away_is_waited_for() {
    let Some(mut server) = postgres::Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    runtime().block_on(async {
        let target = server.database("history").await;
        read_all(&target, &[&rig]).await;
        let mut history = History::open(&target, &[rig.source()]).await.unwrap();
        server.stop();
        rig.placed(300);
        let error = history.step(1_000).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        let error = open_error(&target, &rig).await;
        assert!(matches!(error, HistoryError::Open { .. }), "{error:?}");
        assert!(error.is_transient());
        server.restart();
        read_all(&target, &[&rig]).await;
        assert_eq!(rows(&target, "SELECT COUNT(*) FROM orders").await, ["3"]);
    });
}

#[test]
fn the_thread_follows_the_journal_survives_a_lost_directory_and_ends_caught_up() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    let folder = data.path().join("later");
    let target = sqlite(&folder);
    let thread = spawn::<MappedStorage>(target.clone(), vec![rig.source()]).unwrap();
    std::fs::create_dir(&folder).unwrap();
    let until = now_ms() + 30_000;
    while !folder.join(SQLITE_FILE).exists() {
        assert!(now_ms() < until, "no database after 30 s");
        std::thread::yield_now();
    }
    rig.placed(300);
    thread.stop();
    let runtime = runtime();
    let events = runtime.block_on(rows(&target, "SELECT MAX(sequence) FROM order_events"));
    assert_eq!(events, [(rig.next_sequence() - 1).to_string()]);
}
