//! One order or customer among many is found by an index, in PostgreSQL; for SQLite a unit test
//! says so.

use super::postgres::Server;
use super::{read_all, runtime, story};
use sqlx::{Connection as _, Row as _};

/// Fill the tables with rows of other orders.
const OTHERS: [&str; 7] = [
    "INSERT INTO orders (shard, tenant, order_key, external_id, customer) \
     SELECT 0, 0, md5(g::text), g::text, g::text FROM generate_series(1000, 30000) AS g",
    "INSERT INTO personal_data (shard, tenant, order_key, email) \
     SELECT 0, 0, md5(g::text), g::text FROM generate_series(1000, 30000) AS g",
    "INSERT INTO order_events (shard, sequence, tenant, order_key) \
     SELECT 0, g + 1000000, 0, md5(g::text) FROM generate_series(1000, 30000) AS g",
    "INSERT INTO attempts (shard, tenant, order_key, effect, attempt) \
     SELECT 0, 0, md5(g::text), 1, 1 FROM generate_series(1000, 30000) AS g",
    "INSERT INTO decisions (shard, sequence, tenant, order_key) \
     SELECT 0, g + 1000000, 0, md5(g::text) FROM generate_series(1000, 30000) AS g",
    "INSERT INTO provider_reports (shard, sequence, tenant, order_key) \
     SELECT 0, g + 1000000, 0, md5(g::text) FROM generate_series(1000, 30000) AS g",
    "INSERT INTO rejections (shard, sequence, tenant, order_key, customer) \
     SELECT 0, g + 1000000, 0, md5(g::text), g::text FROM generate_series(1000, 30000) AS g",
];

#[test]
fn postgresql_finds_one_order_or_customer_by_an_index() {
    let Some(server) = Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    runtime().block_on(async {
        let target = server.database("one").await;
        read_all(&target, &[&rig]).await;
        let url = server.url("one", "sslmode=disable");
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        for text in OTHERS.into_iter().chain(["ANALYZE"]) {
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
        }
        for (text, values) in [
            (include_str!("../../../src/history/questions/search.sql"), 3),
            (include_str!("../../../src/history/questions/order.sql"), 2),
            (
                include_str!("../../../src/history/questions/timeline.sql"),
                2,
            ),
        ] {
            let mut parts = text.split(" INDEXED BY "); // a word to SQLite only
            let first = parts.next().unwrap().to_owned();
            let plain = parts.fold(first, |text, part| {
                text + &part[part.find(char::is_whitespace).unwrap()..]
            });
            let text = format!("EXPLAIN {plain}");
            let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
            for value in ["acme", "77", "77"].into_iter().take(values) {
                query = query.bind(value);
            }
            let rows = query.fetch_all(&mut connection).await.unwrap();
            let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let plan = lines.join("\n");
            assert!(plan.contains("order_key = "), "{plan}");
            let small = ["tenants", "actors", "providers", "channel_events"];
            for line in lines.iter().filter(|line| line.contains("Seq Scan on")) {
                assert!(small.iter().any(|table| line.contains(table)), "{plan}");
            }
        }
    });
}
