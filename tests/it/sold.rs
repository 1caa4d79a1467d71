//! Orders that a marketplace has sold already, over a real server with its sandbox: more than there
//! is, then decided about, then audited.

use onhand::client::{ConnectOptions, Connection};
use onhand::clock;
use onhand::sandbox::{Options, Sandbox};
use onhand::types::{
    ChannelId, CommandKey, LocationId, OrderDetails, OrderState, ResultCode, SkuId,
};
use onhand::wire::details;
use onhand::wire::key::order_key;
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    Line, Lines, LocationDefinition, Receive, ReserveItem, SkuDefinition, reserve_flags,
};
use serde_json::Value;

use super::process::{Server, run};
use super::web::{Answered, send};

const TENANT: &str = "market";
const CHANNEL: ChannelId = ChannelId(7);
const TOTAL_CENTS: u64 = 4_470;
/// How often somebody looks, and how long everything may take, in milliseconds.
const LOOK_MS: u64 = 5;
const PATIENCE_MS: u64 = 30_000;

fn stock_up(connection: &mut Connection) {
    let (name, flags) = ("mug", SKU_ON_SALE);
    let sku = connection.define_skus(&[SkuDefinition { name, flags }]);
    assert_eq!(sku.expect("an answer")[0].code, ResultCode::Ok);
    let place = LocationDefinition {
        name: "berlin",
        priority: 0,
        x: 0,
        y: 0,
    };
    let place = connection.define_locations(&[place]);
    assert_eq!(place.expect("an answer")[0].code, ResultCode::Ok);
}

fn receive(connection: &mut Connection, key: u128, quantity: u32) {
    let arrival = Receive {
        key: CommandKey(key),
        sku: SkuId(0),
        quantity,
        location: LocationId(0),
    };
    let received = connection.receive_stock(&[arrival]).expect("an answer");
    assert_eq!(received[0].code, ResultCode::Ok);
}

/// A marketplace's order of so many mugs; its key as text.
fn sell(connection: &mut Connection, name: &str, quantity: u32) -> (String, Option<OrderState>) {
    let line = [Line {
        sku: SkuId(0),
        quantity,
        location: LocationId::ANY,
    }];
    let address = vec!["Calle Sol 1".to_owned(), "28013 Madrid".to_owned()];
    let order = OrderDetails {
        external_id: name.to_owned(),
        contact_name: "Ana Ruiz".to_owned(),
        email: format!("{name}@example.com"),
        phone: "+34600000001".to_owned(),
        shipping_address: address.clone(),
        billing_address: address,
        country: "ES".to_owned(),
        payment_token: "pm_card_visa".to_owned(),
        unit_prices: vec![TOTAL_CENTS],
        checkout_seconds: 90,
        ..OrderDetails::default()
    };
    let key = order_key(CHANNEL, name.as_bytes());
    let item = ReserveItem {
        key,
        customer: 1_000,
        total: TOTAL_CENTS,
        ttl_ms: 900_000,
        version: 1,
        channel: CHANNEL,
        currency: 978,
        flags: reserve_flags::FACT,
        destination: None,
        lines: Lines::new(&line),
        details: &details::encode(&order, 1).expect("details"),
    };
    let answers = connection.reserve(&[item]).expect("an answer");
    assert_eq!(answers[0].item.code, ResultCode::Ok);
    (key.to_string(), answers[0].item.state)
}

fn order(server: &Server, key: &str) -> Value {
    let headers = [("onhand-tenant", TENANT)];
    let path = format!("/v1/orders/{key}");
    send(server.http(), "GET", &path, &headers, b"")
        .is(200)
        .json()
}

fn post(server: &Server, path: &str, command: &str, body: &str) -> Answered {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", command),
        ("onhand-tenant", TENANT),
    ];
    send(server.http(), "POST", path, &headers, body.as_bytes())
}

/// Waits until the order has left review for the end of its way.
fn wait_for(server: &Server, key: &str, states: &[&str]) {
    let end_ns = clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
    loop {
        let shown = order(server, key);
        if states.iter().any(|state| shown["state"] == *state) {
            return;
        }
        assert!(clock::monotonic_ns() < end_ns, "{shown:#}");
        clock::sleep_ms(LOOK_MS);
    }
}

#[test]
fn what_a_marketplace_sold_beyond_stock_is_reviewed_decided_and_accounted_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
    let address = sandbox.address().to_string();
    let server = Server::start(&data, &["--http", "127.0.0.1:0", "--sandbox", &address]);
    let target = format!("http://{}", server.http());
    sandbox.callbacks().set_target(Some(target));
    let options = ConnectOptions::new(&server.address, "", TENANT);
    let mut connection = Connection::connect(&options).expect("a session");
    stock_up(&mut connection);
    receive(&mut connection, 1, 2);

    let (first, state) = sell(&mut connection, "first", 3);
    assert_eq!(state, Some(OrderState::Review));
    let (second, state) = sell(&mut connection, "second", 4);
    assert_eq!(state, Some(OrderState::Review));
    let shown = order(&server, &first).to_string();
    assert!(shown.contains("channel_oversold"), "{shown}");

    let approve = format!("/v1/review/{first}/approve");
    let why = r#"{"reason": "counted again"}"#;
    let refused = post(&server, &approve, &"a".repeat(32), why);
    assert!(refused.body.contains("INSUFFICIENT_STOCK"), "{refused:?}");
    receive(&mut connection, 2, 1);
    post(&server, &approve, &"b".repeat(32), why).is(200);
    wait_for(
        &server,
        &first,
        &["FULFILLING", "SHIPPED", "DELIVERED", "COMPLETED"],
    );

    // The buyer of the second one takes fewer, and those there are.
    receive(&mut connection, 3, 1);
    let edit = format!("/v1/orders/{second}/edit");
    let fewer = r#"{"lines": [{"sku": "mug", "quantity": 1}]}"#;
    post(&server, &edit, &"c".repeat(32), fewer).is(200);
    wait_for(
        &server,
        &second,
        &["FULFILLING", "SHIPPED", "DELIVERED", "COMPLETED"],
    );

    drop(connection);
    assert_eq!(server.stop(), Some(0));
    let verified = run(&["verify", "--data", data.to_str().expect("a path")]);
    verified.exits(0);
}
