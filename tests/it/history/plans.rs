//! One order or customer among many is found by an index, and so is what happened lately, in
//! PostgreSQL; for SQLite unit tests say so.

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

/// The question without the names of indexes and the collation, which are words to SQLite only.
fn plain(text: &str) -> String {
    let mut parts = text.split(" INDEXED BY ");
    let first = parts.next().unwrap().to_owned();
    parts
        .fold(first, |text, part| {
            text + &part[part.find(char::is_whitespace).unwrap()..]
        })
        .replace("COLLATE BINARY", "COLLATE \"default\"")
}

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
            let plain = plain(text);
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

#[test]
fn postgresql_knows_how_many_orders_a_first_burst_brought_before_it_looks_by_itself() {
    let Some(server) = Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    for order in 0..200 {
        rig.placed(10_000 + order);
    }
    runtime().block_on(async {
        let target = server.database("burst").await;
        let (_, written) = read_all(&target, &[&rig]).await;
        assert!(written > 1_000, "{written} rows");
        let url = server.url("burst", "sslmode=disable");
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let looked_at = "SELECT DISTINCT tablename::text FROM pg_stats \
                         WHERE tablename IN ('orders', 'order_events', 'effects') ORDER BY 1";
        let rows = sqlx::query(looked_at).fetch_all(&mut connection).await;
        let names: Vec<String> = rows.unwrap().iter().map(|row| row.get(0)).collect();
        assert_eq!(names, ["effects", "order_events", "orders"]);
    });
}

/// Fill the tables with what happened one second after the other.
const LATELY: [&str; 7] = [
    "INSERT INTO orders (shard, tenant, order_key, accepted_ms, channel, shipped_ms) \
     SELECT 0, 0, md5(g::text), g * 1000, 0, g * 1000 + 9 FROM generate_series(1000, 30000) AS g",
    "INSERT INTO order_events (shard, sequence, time_ms, tenant, order_key, to_state) \
     SELECT 0, g + 1000000, g * 1000, 0, md5(g::text), 'PAYMENT' \
     FROM generate_series(1000, 30000) AS g",
    "INSERT INTO effects (shard, tenant, order_key, effect, kind, started_ms, ended_ms) \
     SELECT 0, 0, md5(g::text), 1, 'label', g * 1000, g * 1000 + 5 \
     FROM generate_series(1000, 30000) AS g",
    "INSERT INTO decisions (shard, sequence, time_ms, actor, tenant, order_key, action) \
     SELECT 0, g + 1000000, g * 1000, 0, 0, md5(g::text), 'cancel' \
     FROM generate_series(1000, 30000) AS g",
    "INSERT INTO stock_movements (shard, sequence, time_ms, actor, kind, sku, location, quantity) \
     SELECT 0, g + 1000000, g * 1000, 0, 'received', 0, 0, 1 \
     FROM generate_series(1000, 30000) AS g",
    "INSERT INTO refused_commands (shard, sequence, time_ms, actor, tenant, code) \
     SELECT 0, g + 1000000, g * 1000, 0, 0, 'STALE' FROM generate_series(1000, 30000) AS g",
    "INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action) \
     SELECT 0, g + 1000000, g * 1000, 0, 0, \
            CASE WHEN g % 3 = 0 THEN 'hold' WHEN g % 3 = 1 THEN 'order' ELSE 'rule' END, \
            md5(g::text), 'cancel' FROM generate_series(1000, 30000) AS g",
];

#[test]
fn postgresql_finds_what_happened_lately_by_an_index() {
    let Some(server) = Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let rig = story(data.path(), 0);
    runtime().block_on(async {
        let target = server.database("lately").await;
        read_all(&target, &[&rig]).await;
        let url = server.url("lately", "sslmode=disable");
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        for text in LATELY.into_iter().chain(["ANALYZE"]) {
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
        }
        let (from, to) = ("29990000", "30001000");
        let of_time = ["acme", from, to, "0"];
        let of_orders = ["acme", from, to, "0", "3"];
        let of_actions = ["acme", to, "0", from, "0", "", "", ""];
        for (text, values) in [
            (
                include_str!("../../../src/history/questions/orders_of_time.sql"),
                &of_time[..],
            ),
            (
                include_str!("../../../src/history/questions/dwell_steps.sql"),
                &of_orders,
            ),
            (
                include_str!("../../../src/history/questions/dwell_providers.sql"),
                &of_orders,
            ),
            (
                include_str!("../../../src/history/questions/dwell_carriers.sql"),
                &of_orders,
            ),
            (
                include_str!("../../../src/history/questions/dwell_channels.sql"),
                &of_orders,
            ),
            (
                include_str!("../../../src/history/questions/audit.sql"),
                &of_actions,
            ),
        ] {
            let text = format!("EXPLAIN {}", plain(text));
            let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
            for value in values {
                query = query.bind(*value);
            }
            let rows = query.fetch_all(&mut connection).await.unwrap();
            let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let plan = lines.join("\n");
            assert!(plan.contains("_ms >= "), "{plan}");
            let large = [
                "orders",
                "order_events",
                "effects",
                "decisions",
                "stock_movements",
                "refused_commands",
                "actions",
            ];
            for line in lines.iter().filter(|line| line.contains("Seq Scan on")) {
                let reads = large
                    .iter()
                    .any(|name| line.contains(&format!("on {name} ")));
                assert!(!reads, "{plan}");
            }
        }
    });
}
