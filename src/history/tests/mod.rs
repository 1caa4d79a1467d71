//! The schema in code against the schema in SQL.

use super::cell::Kind;
use super::schema::TABLES;

/// Tables and their columns with types, in order, as a migration's text declares them.
fn declared(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tables = Vec::new();
    for part in text.split("CREATE TABLE ").skip(1) {
        let (name, rest) = part.split_once(" (").expect("a name");
        let (body, _) = rest.split_once("\n)").expect("a body");
        let columns = body
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("PRIMARY KEY"))
            .map(|line| {
                let mut words = line.trim_end_matches(',').split(' ');
                let name = words.next().expect("a column").to_owned();
                (name, words.next().expect("a type").to_owned())
            });
        tables.push((name.to_owned(), columns.collect::<Vec<_>>()));
    }
    for part in text.split("ALTER TABLE ").skip(1) {
        let (line, _) = part.split_once(';').expect("an end");
        let mut words = line.split_whitespace();
        let name = words.next().expect("a table");
        assert_eq!((words.next(), words.next()), (Some("ADD"), Some("COLUMN")));
        let mut word = || words.next().expect("a column and its type").to_owned();
        let added = (word(), word());
        let table = tables.iter_mut().find(|(table, _)| table == name);
        table.expect("a known table").1.push(added);
    }
    tables
}

#[test]
fn both_databases_have_exactly_the_columns_that_records_are_written_into() {
    let sqlite = declared(concat!(
        include_str!("../migrations/sqlite/0001_tables.sql"),
        include_str!("../migrations/sqlite/0003_channel_events.sql"),
        include_str!("../migrations/sqlite/0004_channels.sql"),
        include_str!("../migrations/sqlite/0007_by_time.sql"),
        include_str!("../migrations/sqlite/0008_actions.sql"),
    ));
    let postgres = declared(concat!(
        include_str!("../migrations/postgres/0001_tables.sql"),
        include_str!("../migrations/postgres/0003_channel_events.sql"),
        include_str!("../migrations/postgres/0004_channels.sql"),
        include_str!("../migrations/postgres/0007_by_time.sql"),
        include_str!("../migrations/postgres/0008_actions.sql"),
    ));
    assert_eq!(sqlite, postgres);
    let written: Vec<(String, Vec<(String, String)>)> = TABLES
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| {
                let kind = match column.kind {
                    Kind::Number => "BIGINT",
                    Kind::Text => "TEXT",
                };
                (column.name.to_owned(), kind.to_owned())
            });
            (table.name.to_owned(), columns.collect())
        })
        .collect();
    let cursors = sqlite.first().expect("the cursors come first");
    assert_eq!(cursors.0, "shards");
    assert_eq!(sqlite.get(1..), Some(written.as_slice()));
}

#[test]
fn the_page_explains_every_table_column_and_view() {
    let page = include_str!("../../../docs/HISTORY.md");
    for table in TABLES {
        let heading = format!("### `{}`\n", table.name);
        let (_, rest) = page.split_once(&heading).expect(table.name);
        let section = rest.split("\n#").next().unwrap_or(rest);
        for column in table.columns {
            let row = format!("| `{}` |", column.name);
            assert!(section.contains(&row), "{}.{}", table.name, column.name);
        }
    }
    for (sqlite, postgres) in [
        (
            include_str!("../migrations/sqlite/0002_views.sql"),
            include_str!("../migrations/postgres/0002_views.sql"),
        ),
        (
            include_str!("../migrations/sqlite/0005_channel_views.sql"),
            include_str!("../migrations/postgres/0005_channel_views.sql"),
        ),
    ] {
        for part in sqlite.split("CREATE VIEW ").skip(1) {
            let name = part.split_whitespace().next().expect("a name");
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
        assert_eq!(sqlite, postgres);
    }
}

#[test]
fn clearing_empties_every_table() {
    let mut cleared: Vec<&str> = super::sql::WRITTEN
        .iter()
        .filter_map(|text| text.strip_prefix("DELETE FROM "))
        .collect();
    let mut tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    tables.push("shards");
    cleared.sort_unstable();
    tables.sort_unstable();
    assert_eq!(cleared, tables);
}

#[test]
fn a_statement_marks_its_values_and_keeps_what_a_record_does_not_say() {
    use super::sql::{Marks, insert};
    let table = TABLES.iter().find(|table| table.name == "skus").unwrap();
    assert_eq!(
        insert(table, 2, Marks::Numbered),
        "INSERT INTO skus (shard, sku, tenant, name, on_sale) VALUES ($1, $2, $3, $4, $5), \
         ($6, $7, $8, $9, $10) ON CONFLICT (shard, sku) DO UPDATE SET \
         tenant = COALESCE(excluded.tenant, skus.tenant), \
         name = COALESCE(excluded.name, skus.name), \
         on_sale = COALESCE(excluded.on_sale, skus.on_sale)"
    );
    // A number would be a name to SQLite, which is searched for by reading all of them.
    let bare = insert(table, 2, Marks::Bare);
    assert!(bare.contains("VALUES (?, ?, ?, ?, ?), (?, ?, ?, ?, ?) ON CONFLICT"));
    assert!(!bare.contains('$'), "{bare}");
}

/// How SQLite answers a question, step by step.
async fn plan(path: &std::path::Path, text: &str) -> Vec<String> {
    use sqlx::{Connection as _, Row as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await;
    let connection = connection.as_mut().expect("a connection");
    let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = sqlx::query(text)
        .fetch_all(connection)
        .await
        .expect("a plan");
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn one_order_or_customer_is_found_by_an_index_whatever_else_there_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.sqlite");
    let target = super::HistoryTarget::Sqlite(path.clone());
    let database = super::database::Database::open(&target).await;
    database.expect("a database").close().await;
    for question in super::ask::Question::OF_ONE {
        let steps = plan(&path, question.sql()).await;
        for step in &steps {
            let named = [
                "order_key",
                "external_id",
                "customer",
                "email",
                "actor",
                "provider",
            ];
            let by_name = named.iter().any(|name| step.contains(&format!("{name}=?")));
            // Tenants are few, and what the inner questions found is little.
            let is_little = ["SCAN t", "SCAN f", "SCAN x"].contains(&step.as_str());
            let reads = step.starts_with("SCAN") || step.starts_with("SEARCH");
            assert!(!reads || by_name || is_little, "{question:?}: {steps:#?}");
        }
        assert!(!question.postgres_sql().contains("INDEXED"), "{question:?}");
    }
}

#[tokio::test]
async fn what_happened_lately_is_found_by_time_and_not_by_reading_whole_tables() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.sqlite");
    let target = super::HistoryTarget::Sqlite(path.clone());
    let database = super::database::Database::open(&target).await;
    database.expect("a database").close().await;
    for question in super::ask::Question::OF_A_TIME {
        let steps = plan(&path, question.sql()).await;
        // Tenants are few; what has no table's name or short name is what an inner question found.
        let inner = ["of_", "x", "v", "m", "(", "t"];
        for step in &steps {
            let Some(what) = step.strip_prefix("SCAN ") else {
                continue;
            };
            let is_inner = inner.iter().any(|name| what.starts_with(name));
            let is_table = TABLES.iter().any(|table| what.starts_with(table.name));
            assert!(is_inner && !is_table, "{question:?}, {what}: {steps:#?}");
        }
        let by_time = steps.iter().filter(|step| step.contains("_ms>? AND"));
        let wanted = question.sql().matches(" INDEXED BY ").count();
        let by_key = ["order_events_of_order", "actions_of_thing"]
            .map(|index| format!(" INDEXED BY {index}"))
            .map(|words| question.sql().matches(words.as_str()).count());
        let by_key: usize = by_key.iter().sum();
        assert_eq!(by_time.count(), wanted - by_key, "{question:?}: {steps:#?}");
        assert!(!question.postgres_sql().contains("INDEXED"), "{question:?}");
    }
    // Each part of the audit is read newest first, and no further than one page.
    let steps = plan(&path, super::ask::Question::Audit.sql()).await;
    let sorts = steps.iter().filter(|step| step.contains("TEMP B-TREE"));
    assert_eq!(sorts.count(), 1, "only the pages together: {steps:#?}");
}

#[tokio::test]
async fn programs_that_open_a_new_history_at_once_make_its_tables_once() {
    for _ in 0..4 {
        let directory = tempfile::tempdir().expect("a directory");
        let target = super::HistoryTarget::Sqlite(directory.path().join("history.sqlite"));
        let open = || super::database::Database::open(&target);
        let opened = tokio::join!(open(), open(), open(), open());
        for opened in [opened.0, opened.1, opened.2, opened.3] {
            opened.expect("a database").close().await;
        }
    }
}

#[tokio::test]
async fn one_order_in_so_many_stands_for_all_and_volumes_say_so() {
    use super::ask::{Question, Questions};
    use sqlx::Connection as _;
    const ORDERS: u64 = 60_000;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.sqlite");
    let target = super::HistoryTarget::Sqlite(path.clone());
    let database = super::database::Database::open(&target).await;
    database.expect("a database").close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let connection = sqlx::SqliteConnection::connect_with(&options).await;
    let mut connection = connection.expect("a connection");
    let named = "INSERT INTO tenants (shard, tenant, name) VALUES (0, 0, 'acme'), (0, 1, 'other')";
    let done = sqlx::raw_sql(named).execute(&mut connection).await;
    done.expect("two tenants");
    let questions = Questions::new(target);
    // Records between two acceptances: none, one, and as many as an order's whole way has.
    for apart in [1, 2, 18] {
        let orders = format!(
            "DELETE FROM orders; WITH RECURSIVE n(n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ORDERS}) \
             INSERT INTO orders (shard, tenant, order_key, accepted_sequence, accepted_ms, \
             channel, shipped_ms) \
             SELECT 0, n % 2, printf('%032x', n), n * {apart}, n, 3, n + n % 100 FROM n"
        );
        let orders = sqlx::AssertSqlSafe(orders);
        let done = sqlx::raw_sql(orders).execute(&mut connection).await;
        done.expect("orders");
        let given = ["acme", "1", "50001", "0"];
        let counted = questions.ask(Question::OrdersOfTime, &given).await;
        let counted = counted.expect("a count").rows;
        assert_eq!(counted, [[Some("25000".to_owned())]]);
        for every in ["1", "3", "10"] {
            let given = ["acme", "1", "50001", "0", every];
            let told = questions.ask(Question::DwellByChannels, &given).await;
            let told = told.expect("an answer").rows;
            let number = |place: usize| told[0][place].as_ref().map(|text| text.parse::<f64>());
            let [volume, average] = [2, 3].map(|place| number(place).expect("one").expect("it"));
            assert!((volume / 25_000.0 - 1.0).abs() < 0.05, "{every}: {volume}");
            assert!((average / 49.0 - 1.0).abs() < 0.05, "{every}: {average}");
            assert!(
                every != "1" || (volume - 25_000.0).abs() < 0.5,
                "exactly all: {volume}"
            );
        }
    }
}

/// The migrations of SQLite up to the one before the trail.
const BEFORE_ACTIONS: [&str; 7] = [
    include_str!("../migrations/sqlite/0001_tables.sql"),
    include_str!("../migrations/sqlite/0002_views.sql"),
    include_str!("../migrations/sqlite/0003_channel_events.sql"),
    include_str!("../migrations/sqlite/0004_channels.sql"),
    include_str!("../migrations/sqlite/0005_channel_views.sql"),
    include_str!("../migrations/sqlite/0006_search.sql"),
    include_str!("../migrations/sqlite/0007_by_time.sql"),
];

/// One action of each table that held some before there was a trail.
const ACTIONS_BEFORE: &str = "
    INSERT INTO skus (shard, sku, tenant, name) VALUES (0, 5, 2, 'lamp');
    INSERT INTO decisions (shard, sequence, actor, tenant, order_key, action, reason)
        VALUES (0, 1, 1, 2, 'aa', 'refund', 'late');
    INSERT INTO order_events
        (shard, sequence, actor, tenant, order_key, event, from_state, to_state)
        VALUES (0, 2, 1, 2, 'aa', 'edited', 'PAYMENT', 'PAYMENT'),
               (0, 3, 0, 2, 'aa', 'edited', 'PAYMENT', 'PAYMENT'),
               (0, 4, 1, 2, 'aa', 'order_returned', NULL, NULL);
    INSERT INTO stock_movements
        (shard, sequence, actor, kind, sku, location, quantity, on_hand, reason)
        VALUES (0, 5, 1, 'set', 5, 3, -2, 8, NULL), (0, 6, 1, 'adjusted', 5, 3, -1, NULL, 'lost'),
               (0, 7, 1, 'shortage', 5, 3, 1, NULL, NULL);
    INSERT INTO breaker_changes (shard, sequence, actor, provider, from_state, to_state, cause)
        VALUES (0, 8, 1, 4, 'closed', 'isolated', 'operator'),
               (0, 9, 0, 4, 'closed', 'open', 'failures');
    INSERT INTO refused_commands (shard, sequence, actor, tenant, command_key, code)
        VALUES (0, 10, 1, 2, 'cc', 'STALE');
    INSERT INTO channel_events (shard, sequence, actor, tenant, channel, event_id, fate)
        VALUES (0, 11, 1, 2, 4, 'ee', 'discarded'), (0, 12, 0, 2, 4, 'ff', 'applied');
    INSERT INTO item_mappings (shard, sequence, actor, tenant, channel, item, sku)
        VALUES (0, 13, 1, 2, 4, 'x9', 5), (0, 14, 1, 2, 4, 'x9', NULL);
    INSERT INTO subscriber_moves (shard, sequence, actor, tenant, subscriber, before_sequence,
                                  after_sequence, reason)
        VALUES (0, 15, 1, 2, 'crm', 9, 0, 'again');
    INSERT INTO channel_rules (shard, sequence, actor, tenant, channel, sku, rule, units, then_pool)
        VALUES (0, 16, 1, 2, 4, 5, 'quota', 6, 1), (0, 17, 1, 2, 4, NULL, NULL, NULL, NULL);
";

#[tokio::test]
async fn a_history_of_before_the_trail_brings_along_the_actions_that_its_tables_hold() {
    use sqlx::{Connection as _, Row as _};
    let connection = sqlx::SqliteConnection::connect("sqlite::memory:").await;
    let mut connection = connection.expect("a database");
    let trail = include_str!("../migrations/sqlite/0008_actions.sql");
    for text in BEFORE_ACTIONS.into_iter().chain([ACTIONS_BEFORE, trail]) {
        let done = sqlx::raw_sql(text).execute(&mut connection).await;
        done.expect("statements that hold");
    }
    let told = "SELECT sequence || '|' || about || '|' || action || '|' || thing || '|' \
                || COALESCE(tenant, '-') || '|' || outcome || '|' || COALESCE(before_value, '-') \
                || '|' || COALESCE(after_value, '-') || '|' || COALESCE(reason, '-') \
                FROM actions ORDER BY sequence";
    let rows = sqlx::query(told).fetch_all(&mut connection).await;
    let rows: Vec<String> = rows.expect("rows").iter().map(|row| row.get(0)).collect();
    assert_eq!(
        rows,
        [
            "1|order|refund|aa|2|done|-|-|late",
            "2|order|edit|aa|2|done|PAYMENT|PAYMENT|-",
            "4|order|return|aa|2|done|-|-|-",
            "5|stock|set|5@3|2|done|10|8|",
            "6|stock|adjusted|5@3|2|done|-|-|-1 units: lost",
            "8|breaker|isolate|4|-|done|closed|isolated|-",
            "10|command|attempt|cc|2|refused: STALE|-|-|-",
            "11|event|discard|ee|2|done|-|discarded|-",
            "13|mapping|map|4/x9|2|done|-|-|-",
            "14|mapping|unmap|4/x9|2|done|-|nothing|-",
            "15|subscriber|rewind|crm|2|done|9|0|again",
            "16|rule|set|4/5|2|done|-|a quota of 6 units, then the pool|-",
            "17|rule|remove|4/*|2|done|-|no rule|-",
        ]
    );
}
