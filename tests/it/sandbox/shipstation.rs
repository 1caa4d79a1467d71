//! ShipStation in the sandbox.

use super::pairs::{Pair, client, pair, run};
use super::world::{effects, limited, moving, still};
use onhand::sandbox::shipstation::{CALLBACK_HEADER, CALLBACK_SECRET, KEY, SECRET};
use serde_json::json;

fn order(key: &str, number: &str, status: &str) -> String {
    json!({"orderNumber": number, "orderKey": key, "orderDate": "2026-05-04T08:12:30.0000000",
        "orderStatus": status, "customerEmail": "ana@example.com", "amountPaid": 44.7,
        "billTo": {"name": "Ana Ruiz"},
        "shipTo": {"name": "Ana Ruiz", "street1": "Calle Sol 4", "city": "Madrid", "state": "M",
            "postalCode": "28013", "country": "ES", "phone": null},
        "items": [{"lineItemKey": "1", "sku": "MUG-RED", "name": "Mug", "quantity": 2,
            "unitPrice": 19.9}]})
    .to_string()
}

fn post(what: &str, path: &str, body: &str) -> Pair {
    pair(what, "POST", path).basic(KEY, SECRET).json(body)
}

fn get(what: &str, path: &str) -> Pair {
    pair(what, "GET", path).basic(KEY, SECRET)
}

const CREATE: &str = "/orders/createorder";

#[tokio::test]
async fn an_order_is_upserted_by_its_key_and_locked_once_it_has_shipped() {
    let sandbox = still();
    let open = order("k-1", "1042", "awaiting_shipment");
    let mark = r#"{"orderId":{id},"carrierCode":"ups","trackingNumber":"1Z1"}"#;
    let pairs = [
        post("create", CREATE, &open)
            .says("/orderKey", "k-1")
            .says("/orderStatus", "awaiting_shipment")
            .has("x-rate-limit-limit", "40")
            .keep("id", "/orderId"),
        post("hold", CREATE, &order("k-1", "1042", "on_hold")).says("/orderStatus", "on_hold"),
        post("open again", CREATE, &open).says("/items/0/quantity", 2),
        get("look up by number", "/orders?orderNumber=1042")
            .says("/total", 1)
            .says("/orders/0/orderKey", "k-1"),
        get("no such number", "/orders?orderNumber=77").says("/total", 0),
        get("read", "/orders/{id}").says("/orderNumber", "1042"),
        post(
            "ship without a carrier",
            "/orders/markasshipped",
            r#"{"orderId":{id}}"#,
        )
        .answers(400)
        .says(
            "/ModelState/carrierCode/0",
            "The carrierCode field is required.",
        ),
        post("ship", "/orders/markasshipped", mark).says("/orderNumber", "1042"),
        post("ship twice", "/orders/markasshipped", mark).answers(400),
        post("change what has shipped", CREATE, &open)
            .answers(400)
            .text("is shipped and cannot be changed"),
        get("the shipment", "/shipments?orderNumber=1042")
            .says("/shipments/0/trackingNumber", "1Z1")
            .says("/shipments/0/carrierCode", "ups")
            .keep("shipment", "/shipments/0/shipmentId"),
        post(
            "void",
            "/shipments/voidlabel",
            r#"{"shipmentId":{shipment}}"#,
        )
        .says("/approved", true),
        post(
            "void twice",
            "/shipments/voidlabel",
            r#"{"shipmentId":{shipment}}"#,
        )
        .says("/approved", false),
    ];
    run(&sandbox, "shipstation", &pairs).await;
    let orders = effects(&sandbox, "shipstation", "wms_order");
    let new: Vec<bool> = orders
        .iter()
        .map(|one| one["detail"]["new"] == true)
        .collect();
    assert_eq!(new, [true, false, false], "one order, two updates");
    let shipped = effects(&sandbox, "shipstation", "shipment");
    assert_eq!(shipped.len(), 1);
    assert_eq!(shipped[0]["order"], "k-1");
    assert_eq!(shipped[0]["detail"]["units"], 2);
}

#[tokio::test]
async fn what_the_provider_refuses_is_refused() {
    let sandbox = still();
    let open = order("k-1", "1042", "awaiting_shipment");
    let long = order("k-2", &"9".repeat(51), "awaiting_shipment");
    let odd = order("k-2", "2", "packed");
    let nameless = open.replace("\"orderNumber\":\"1042\",", "");
    let homeless = open.replace("\"shipTo\"", "\"shipFrom\"");
    let cancelled = order("k-1", "1042", "cancelled");
    let many = format!("[{}]", vec![open.as_str(); 101].join(","));
    let mixed = format!("[{open},{odd}]");
    let pairs = [
        pair("no credentials", "POST", CREATE)
            .json(&open)
            .answers(401)
            .text("401"),
        pair("wrong secret", "POST", CREATE)
            .basic(KEY, "x")
            .json(&open)
            .answers(401),
        post("no JSON", CREATE, "orderNumber=1")
            .answers(400)
            .text("not valid JSON"),
        post("no number", CREATE, &nameless)
            .answers(400)
            .says("/Message", "The request is invalid.")
            .text("apiOrder.orderNumber"),
        post("no address", CREATE, &homeless)
            .answers(400)
            .text("apiOrder.shipTo"),
        post("a long number", CREATE, &long)
            .answers(400)
            .text("maximum length of 50"),
        post("an odd status", CREATE, &odd)
            .answers(400)
            .text("not a valid order status"),
        post("too many", "/orders/createorders", &many).answers(400),
        post("one good, one bad", "/orders/createorders", &mixed)
            .says("/hasErrors", true)
            .says("/results/0/success", true)
            .says("/results/1/success", false),
        post("cancel", CREATE, &cancelled).says("/orderStatus", "cancelled"),
        post("change what is cancelled", CREATE, &open).answers(400),
        get("no such order", "/orders/1").answers(404),
        pair("delete nothing", "DELETE", "/orders/1")
            .basic(KEY, SECRET)
            .answers(404),
        get("no such path", "/customers").answers(404),
    ];
    run(&sandbox, "shipstation", &pairs).await;
    assert_eq!(effects(&sandbox, "shipstation", "shipment").len(), 0);
}

#[tokio::test]
async fn forty_requests_a_minute_pass_and_the_next_is_told_when_to_come_back() {
    let sandbox = limited();
    let mut pairs: Vec<Pair> = Vec::new();
    for left in (0..40).rev() {
        pairs.push(get("in time", "/orders").has("x-rate-limit-remaining", &left.to_string()));
    }
    pairs.push(
        get("too many", "/orders")
            .answers(429)
            .has("x-rate-limit-remaining", "0"),
    );
    run(&sandbox, "shipstation", &pairs).await;
}

#[tokio::test]
async fn an_order_leaves_by_itself_and_the_callback_says_where_to_read_its_shipment() {
    let (sandbox, receiver) = moving().await;
    let open = order("k-1", "1042", "awaiting_shipment");
    run(&sandbox, "shipstation", &[post("create", CREATE, &open)]).await;
    let arrived = receiver.wait_for(1).await;
    assert_eq!(arrived[0].path, "/callbacks/shipstation");
    assert_eq!(arrived[0].header(CALLBACK_HEADER), CALLBACK_SECRET);
    let event = arrived[0].json();
    assert_eq!(event["resource_type"], "SHIP_NOTIFY");
    let address = event["resource_url"].as_str().unwrap();
    let reply = client()
        .get(address)
        .basic_auth(KEY, Some(SECRET))
        .send()
        .await
        .unwrap();
    let shipments: serde_json::Value = reply.json().await.unwrap();
    assert_eq!(shipments["total"], 1);
    assert_eq!(shipments["shipments"][0]["orderKey"], "k-1");
    assert!(
        shipments["shipments"][0]["trackingNumber"]
            .as_str()
            .unwrap()
            .len()
            > 10
    );
}

#[tokio::test]
async fn a_cancelled_order_does_not_leave() {
    let (sandbox, _receiver) = moving().await;
    let (open, cancelled) = (
        order("k-1", "1", "awaiting_shipment"),
        order("k-1", "1", "cancelled"),
    );
    let other = order("k-2", "2", "awaiting_shipment");
    // An order and its cancellation in one request, so that no step comes between them.
    let both = format!("[{open},{cancelled}]");
    let pairs = [
        post("create and cancel", "/orders/createorders", &both).says("/hasErrors", false),
        post("another", CREATE, &other),
    ];
    run(&sandbox, "shipstation", &pairs).await;
    super::world::effect(&sandbox, "shipstation", "shipment").await;
    let shipped = effects(&sandbox, "shipstation", "shipment");
    let keys: Vec<_> = shipped.iter().map(|one| one["order"].clone()).collect();
    assert_eq!(keys, ["k-2"]);
}

#[tokio::test]
async fn where_the_world_stands_still_an_order_leaves_when_it_is_told_to() {
    let sandbox = still();
    let open = order("k-1", "1042", "awaiting_shipment");
    let ship = "/_sandbox/shipstation/ship?order=k-1";
    let pairs = [
        post("create", CREATE, &open).keep("id", "/orderId"),
        pair("ship", "POST", ship).says("/shipped", true),
        pair("again", "POST", ship).says("/shipped", false),
        get("read", "/orders/{id}").says("/orderStatus", "shipped"),
    ];
    run(&sandbox, "shipstation", &pairs).await;
}
