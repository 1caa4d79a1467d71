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
        tables.push((name.to_owned(), columns.collect()));
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
    ));
    let postgres = declared(concat!(
        include_str!("../migrations/postgres/0001_tables.sql"),
        include_str!("../migrations/postgres/0003_channel_events.sql"),
        include_str!("../migrations/postgres/0004_channels.sql"),
        include_str!("../migrations/postgres/0007_by_time.sql"),
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
fn a_statement_numbers_its_values_and_keeps_what_a_record_does_not_say() {
    let table = TABLES.iter().find(|table| table.name == "skus").unwrap();
    assert_eq!(
        super::sql::insert(table, 2),
        "INSERT INTO skus (shard, sku, tenant, name, on_sale) VALUES ($1, $2, $3, $4, $5), \
         ($6, $7, $8, $9, $10) ON CONFLICT (shard, sku) DO UPDATE SET \
         tenant = COALESCE(excluded.tenant, skus.tenant), \
         name = COALESCE(excluded.name, skus.name), \
         on_sale = COALESCE(excluded.on_sale, skus.on_sale)"
    );
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
        let by_key = question
            .sql()
            .matches(" INDEXED BY order_events_of_order")
            .count();
        assert_eq!(by_time.count(), wanted - by_key, "{question:?}: {steps:#?}");
        assert!(!question.postgres_sql().contains("INDEXED"), "{question:?}");
    }
    // Each part of the audit is read newest first, and no further than one page.
    let steps = plan(&path, super::ask::Question::Audit.sql()).await;
    let sorts = steps.iter().filter(|step| step.contains("TEMP B-TREE"));
    assert_eq!(sorts.count(), 1, "only the pages together: {steps:#?}");
}
