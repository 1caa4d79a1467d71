//! What the history knows about orders, asked by the dashboard, in either database.

use super::browser::{Browser, ENTER, Size};
use super::stage::Stage;
use crate::it::history::postgres::Server;
use onhand::history::SQLITE_FILE;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

/// The key of an order that [`Stage::offer`] places.
fn offered(number: u64) -> String {
    format!("{:032x}", 1_u128 << 100 | u128::from(number))
}

/// Orders that [`check`] has accepted: three to be shipped, and of sixty offers all but two.
const ACCEPTED: u64 = 61;

/// Asks everything that the pages ask.
fn check(stage: &mut Stage) {
    let orders = stage.place(3);
    stage.offer(1_000, 60); // of the second SKU there are ten, and twelve are wanted
    for order in &orders {
        let shipped = ["DELIVERED", "COMPLETED"];
        stage.until_state(order, |state| shipped.contains(&state));
    }
    let broken = json!({ "location": "berlin", "delta": -1, "reason": "broken" });
    stage.change("POST", "/v1/stock/shoe-42/adjust", &broken);

    let search = |text: &str| format!("/dashboard/data/search?q={text}");
    let one = |told: &Value| {
        told["orders"]
            .as_array()
            .is_some_and(|found| found.len() == 1)
    };
    let address = "ana.1@example.com";
    for text in [
        "w00001",
        "1001",
        address,
        "Ana.1@Example.com",
        orders[1].as_str(),
    ] {
        let told = stage.until(&search(text), one);
        assert_eq!(told["orders"][0]["external_id"], "w00001", "{text}: {told}");
    }
    let upper = orders[1].to_ascii_uppercase();
    assert!(one(&stage.get(&search(&upper))), "a key in capitals");
    let none = stage.get(&search("w0000"));
    assert_eq!(none["orders"], json!([]), "part of an id is none");
    let rejected = stage.until(&search(&offered(1_055)), one);
    let rejected = &rejected["orders"][0];
    assert_eq!(
        (&rejected["state"], &rejected["review_reason"]),
        (&json!("REJECTED"), &json!("INSUFFICIENT_STOCK"))
    );

    let timeline = format!("/dashboard/data/timeline/{}", orders[1]);
    let told = stage.until(&timeline, |told| {
        told["events"].as_array().is_some_and(|all| all.len() > 8)
    });
    let kinds: Vec<&str> = told["events"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|event| event["what"].as_str())
        .collect();
    for kind in ["event", "call", "answer"] {
        assert!(kinds.contains(&kind), "{kind}: {told}");
    }
    assert_eq!(told["about"]["external_id"], "w00001");

    let told = stage.until("/dashboard/data/bottlenecks", |told| {
        let rows = told["bottlenecks"].as_array().expect("a list");
        let has = |kind: &str| rows.iter().any(|row| row["kind"] == kind);
        ["step", "provider", "carrier", "channel"]
            .into_iter()
            .all(has)
    });
    assert_eq!(
        (&told["orders"], &told["every"]),
        (&json!(ACCEPTED), &json!(1))
    );
    let row = &told["bottlenecks"][0];
    for number in ["volume", "average_ms", "longest_ms"] {
        let value = row[number]
            .as_str()
            .and_then(|text| text.parse::<i64>().ok());
        assert!(value.is_some_and(|value| value >= 0), "{number}: {row}");
    }

    let told = stage.until("/dashboard/data/audit", |told| {
        told.to_string().contains("broken")
    });
    let last = &told["audit"][0];
    let text = |name: &str| last[name].as_str().expect("a text").to_owned();
    assert_eq!(
        (text("actor"), text("subject")),
        ("anonymous".into(), "shoe-42 at berlin".into())
    );
    let before = format!(
        "/dashboard/data/audit?before={}&sequence={}",
        text("time_ms"),
        text("sequence")
    );
    let earlier = stage.get(&before);
    let all = told["audit"].as_array().expect("a list");
    assert_eq!(earlier["audit"].as_array().expect("a list"), &all[1..]);
}

/// Orders in a history of many, beside those that the stage placed.
const MANY: u64 = 45_000;

/// Shipped orders of a channel, as the history would have them: on average 49.5 ms after acceptance.
fn many() -> AssertSqlSafe<String> {
    let now_ms = onhand::clock::now_ms();
    AssertSqlSafe(format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY}) \
         INSERT INTO orders (shard, tenant, order_key, accepted_sequence, accepted_ms, channel, \
         shipped_ms) SELECT t.shard, t.tenant, CAST(n.n AS TEXT), n.n * 18 + 1000000, {now_ms}, 9, \
         {now_ms} + n.n % 100 FROM n, tenants AS t WHERE t.name = 'default'"
    ))
}

/// With many orders a part is read, volumes are estimates of all, and the answer says so.
fn check_many(stage: &Stage) {
    let told = stage.get("/dashboard/data/bottlenecks");
    assert_eq!(
        (&told["orders"], &told["every"]),
        (&json!(MANY + ACCEPTED), &json!(3))
    );
    let rows = told["bottlenecks"].as_array().expect("a list");
    let row = rows
        .iter()
        .find(|row| row["name"] == "channel 9 to shipment");
    let row = row.unwrap_or_else(|| panic!("no such channel: {told}"));
    let number = |name: &str| row[name].as_str().and_then(|text| text.parse::<f64>().ok());
    let [volume, average] = ["volume", "average_ms"].map(|name| number(name).expect("a number"));
    assert!((volume / 45_000.0 - 1.0).abs() < 0.05, "{row}");
    assert!((average / 49.5 - 1.0).abs() < 0.05, "{row}");
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

#[test]
fn sqlite_answers_what_the_pages_ask() {
    let mut stage = Stage::start(300);
    check(&mut stage);
    let options = SqliteConnectOptions::new().filename(stage.data().join(SQLITE_FILE));
    runtime().block_on(async {
        let mut history = SqliteConnection::connect_with(&options).await.expect("it");
        sqlx::query(many())
            .execute(&mut history)
            .await
            .expect("orders");
    });
    check_many(&stage);
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    browser.go(&stage.page("bottlenecks"));
    browser.until_main("of 45,061 orders one in 3 is read");
    browser.shot("bottlenecks-of-many");
}

#[test]
fn postgresql_answers_what_the_pages_ask() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url("postgres", "sslmode=disable");
    let mut stage = Stage::with_history(300, &url);
    check(&mut stage);
    runtime().block_on(async {
        let mut history = PgConnection::connect(&url).await.expect("a connection");
        sqlx::query(many())
            .execute(&mut history)
            .await
            .expect("orders");
        // As the server does for rows that it has written itself.
        let looked = sqlx::raw_sql("ANALYZE orders").execute(&mut history).await;
        looked.expect("a look");
    });
    check_many(&stage);
}

#[test]
fn a_rejected_order_is_found_by_its_key_and_says_why() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(1_000);
    stage.offer(0, 60);
    browser.go(&stage.page("orders"));
    browser.until_main("Find an order");
    browser.js("document.querySelector('input[name=q]').focus()");
    browser.press(&offered(55));
    browser.press(ENTER);
    browser.until(
        "its page",
        "return document.querySelector('h1').textContent.includes('rejected')",
    );
    browser.until_main("insufficient stock");
    browser.until_main("1 line could not be covered");
    browser.accessible("a rejected order");
    browser.shot("rejected");
}
