//! The program is killed between a delivery's record and its order.

use onhand::client::{ConnectOptions, Connection};
use onhand::types::{ChannelId, CommandKey, LocationId, OrderState, SkuId};
use onhand::wire::key::order_key;
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{LocationDefinition, Receive, SkuDefinition};
use std::net::SocketAddr;
use std::path::Path;

use super::super::process::{Server, run};
use super::super::served::PATIENCE;
use super::super::web::send;
use super::rig::{SECRET, base64, channels_file, shopify_order};

const ROUNDS: u64 = 3;
const ORDERS: u64 = 25;

fn start(directory: &Path) -> (Server, SocketAddr) {
    let channels = channels_file(directory, "");
    let channels = channels.to_str().unwrap();
    let arguments = [
        "--http",
        "127.0.0.1:0",
        "--channels",
        channels,
        "--shards=1",
    ];
    let server = Server::start(&directory.join("data"), &arguments);
    let http = server.http();
    (server, http)
}

fn client(server: &Server) -> Connection {
    Connection::connect(&ConnectOptions::new(&server.address, "", "acme")).unwrap()
}

#[test]
fn every_acknowledged_delivery_is_one_order_after_kills_in_between() {
    let directory = tempfile::tempdir().unwrap();
    let (mut server, mut http) = start(directory.path());
    let mut shop = client(&server);
    shop.define_skus(&[SkuDefinition {
        name: "shirt",
        flags: SKU_ON_SALE,
    }])
    .unwrap();
    shop.define_locations(&[LocationDefinition {
        name: "berlin",
        priority: 0,
        x: 0,
        y: 0,
    }])
    .unwrap();
    let received = Receive {
        key: CommandKey(1),
        sku: SkuId(0),
        quantity: 1_000,
        location: LocationId(0),
    };
    shop.receive_stock(&[received]).unwrap();
    for round in 0..ROUNDS {
        for number in 0..ORDERS {
            let id = round * ORDERS + number + 1;
            let body = shopify_order(id, 1, "2026-05-04T10:12:31+02:00").to_string();
            let signature = base64(SECRET, &[body.as_bytes()]);
            let webhook = format!("w-{id}");
            let headers = [
                ("x-shopify-hmac-sha256", signature.as_str()),
                ("x-shopify-topic", "orders/create"),
                ("x-shopify-webhook-id", webhook.as_str()),
            ];
            let path = "/webhooks/shopify/eu.myshopify.com";
            send(http, "POST", path, &headers, body.as_bytes()).is(200);
        }
        server.kill(); // with the last orders still on their way
        (server, http) = start(directory.path());
    }
    let keys: Vec<_> = (1..=ROUNDS * ORDERS)
        .map(|id| order_key(ChannelId(1), id.to_string().as_bytes()))
        .collect();
    let mut shop = client(&server);
    let deadline_ns = onhand::clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
    loop {
        let orders = shop.query_orders(&keys).unwrap();
        let placed = |state| state == Some(OrderState::FraudCheck);
        if orders.iter().all(|order| placed(order.summary.state)) {
            assert!(orders.iter().all(|order| order.summary.version == 1));
            break;
        }
        assert!(
            onhand::clock::monotonic_ns() < deadline_ns,
            "not all are placed"
        );
        onhand::clock::sleep_ms(10);
    }
    let stock = shop.query_stock(&[SkuId(0)]).unwrap().remove(0);
    let reserved: u32 = stock.cells.iter().map(|cell| cell.values.reserved).sum();
    assert_eq!(
        u64::from(reserved),
        ROUNDS * ORDERS,
        "each order holds its unit once"
    );
    server.kill();
    let data = directory.path().join("data");
    run(&["verify", "--data", data.to_str().unwrap()]).exits(0);
}
