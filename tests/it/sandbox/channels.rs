//! The marketplaces: what their APIs take and refuse, and how they tell of orders.

use super::pairs::{Pair, pair, run, sandbox};
use super::world::{effects, moving};
use onhand::sandbox::channels::{meta, shopify, woocommerce};
use onhand::sandbox::sign;
use serde_json::json;

/// Two products.
pub const ITEMS: &str =
    r#"{"items":[{"sku":"MUG","stock":5},{"sku":"TEA","stock":3,"price_minor":1200}]}"#;

/// Something that is made to happen at a marketplace.
pub fn control(channel: &str, what: &str, action: &str, body: &str) -> Pair {
    let path = format!("/_sandbox/{channel}/{action}");
    pair(what, "POST", &path).json(body)
}

fn graphql(what: &str, key: &str, quantities: &str) -> Pair {
    let query = "mutation S($i: InventorySetQuantitiesInput!, $k: String!) { \
                 inventorySetQuantities(input: $i) @idempotent(key: $k) { userErrors { code } } }";
    let body = format!(
        r#"{{"query":"{query}","variables":{{"k":"{key}","i":{{"name":"available",
        "reason":"correction","quantities":[{quantities}]}}}}}}"#
    );
    pair(what, "POST", "/admin/api/2026-10/graphql.json")
        .header("x-shopify-access-token", shopify::TOKEN)
        .json(&body)
}

fn set(item: u64, quantity: i64, from: &str) -> String {
    format!(
        r#"{{"inventoryItemId":"gid://shopify/InventoryItem/{item}",
        "locationId":"gid://shopify/Location/77","quantity":{quantity},"changeFromQuantity":{from}}}"#
    )
}

#[tokio::test]
async fn shopify_sets_quantities_all_or_none_and_compares_them() {
    const CODE: &str = "/data/inventorySetQuantities/userErrors/0/code";
    let sandbox = sandbox();
    let levels =
        json!({"query": "query L($ids: [ID!]!) { nodes(ids: $ids) { ... on InventoryItem { id \
        inventoryLevel(locationId: \"gid://shopify/Location/77\") { quantities(names: \
        [\"available\"]) { quantity } } } } }", "variables": {"ids":
        ["gid://shopify/InventoryItem/30002", "gid://shopify/InventoryItem/30001"]}})
        .to_string();
    let orders = "/admin/api/2026-10/orders.json?status=any&updated_at_min=2026-01-01T00:00:00Z";
    let pairs = [
        control("shopify", "products get ids", "items", ITEMS)
            .says(
                "/items/0/inventory_item_id",
                "gid://shopify/InventoryItem/30001",
            )
            .says("/items/1/variant_id", 4_400_000_000_002_u64),
        pair(
            "a wrong token is refused",
            "POST",
            "/admin/api/2026-10/graphql.json",
        )
        .header("x-shopify-access-token", "shpat_other")
        .json("{}")
        .answers(401),
        graphql(
            "a figure that is the present one is replaced",
            "k1",
            &set(30_001, 9, "5"),
        )
        .says("/data/inventorySetQuantities/userErrors", json!([])),
        graphql(
            "the same key replays the answer",
            "k1",
            &set(30_001, 9, "5"),
        )
        .says("/data/inventorySetQuantities/userErrors", json!([])),
        graphql(
            "the same key with another input is refused",
            "k1",
            &set(30_001, 8, "9"),
        )
        .says(CODE, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"),
        graphql("a figure from before is stale", "k2", &set(30_001, 4, "5"))
            .says(CODE, "CHANGE_FROM_QUANTITY_STALE"),
        graphql("null compares with nothing", "k3", &set(30_001, 4, "null"))
            .says("/data/inventorySetQuantities/userErrors", json!([])),
        graphql("no key, no mutation", "", &set(30_001, 4, "null"))
            .says("/errors/0/extensions/code", "BAD_REQUEST"),
        graphql(
            "an unknown item is named by its place",
            "k4",
            &set(39_999, 4, "null"),
        )
        .says(CODE, "INVALID_INVENTORY_ITEM")
        .says("/data/inventorySetQuantities/userErrors/0/field/2", "0"),
        graphql(
            "one that is wrong spoils the call",
            "k5",
            &format!("{},{}", set(30_002, 1, "null"), set(39_999, 4, "null")),
        )
        .says("/data/inventorySetQuantities/userErrors/0/field/2", "1"),
        pair("levels are read", "POST", "/admin/api/2026-10/graphql.json")
            .header("x-shopify-access-token", shopify::TOKEN)
            .json(&levels)
            .says("/data/nodes/0/inventoryLevel/quantities/0/quantity", 3)
            .says("/data/nodes/1/inventoryLevel/quantities/0/quantity", 4),
        control(
            "shopify",
            "a buyer orders",
            "sell",
            r#"{"sku":"MUG","quantity":2}"#,
        )
        .says("/sold", 1)
        .keep("order", "/orders/0"),
        control(
            "shopify",
            "more than is shown is sold out",
            "sell",
            r#"{"sku":"MUG","quantity":3}"#,
        )
        .says("/sold_out", 1),
        pair("orders are listed", "GET", orders)
            .header("x-shopify-access-token", shopify::TOKEN)
            .says("/orders/0/total_price", "39.80")
            .says("/orders/0/line_items/0/sku", "MUG"),
        pair(
            "a cursor stands alone",
            "GET",
            "/admin/api/2026-10/orders.json?status=any&page_info=3020",
        )
        .header("x-shopify-access-token", shopify::TOKEN)
        .answers(400),
        control(
            "shopify",
            "a buyer cancels",
            "cancel",
            r#"{"order":"{order}"}"#,
        ),
        control("shopify", "the truth", "truth", "{}")
            .says("/items/0/stock", 4)
            .says("/items/0/sold", 2)
            .says("/items/0/stale", 1)
            .says("/cancelled_orders", 1),
    ];
    run(&sandbox, "shopify", &pairs).await;
    assert_eq!(effects(&sandbox, "shopify", "stock").len(), 2);
}

fn woo(what: &str, method: &'static str, path: &str) -> Pair {
    pair(what, method, &format!("/wp-json/wc/v3{path}"))
        .basic(woocommerce::KEY, woocommerce::SECRET)
}

#[tokio::test]
async fn woocommerce_takes_absolute_figures_item_by_item() {
    let sandbox = sandbox();
    let pairs = [
        control("woocommerce", "products get ids", "items", ITEMS).says("/items/0/product_id", 91),
        pair("no credentials", "GET", "/wp-json/wc/v3/products/91")
            .answers(401)
            .says("/data/status", 401),
        woo("a product shows its stock", "GET", "/products/91").says("/stock_quantity", 5),
        woo("an unknown product", "GET", "/products/7").answers(404),
        woo("an absolute figure is taken", "PUT", "/products/91")
            .json(r#"{"manage_stock":true,"stock_quantity":14}"#)
            .says("/stock_quantity", 14),
        woo(
            "of a variation as well",
            "PUT",
            "/products/90/variations/92",
        )
        .json(r#"{"manage_stock":true,"stock_quantity":7}"#)
        .says("/stock_quantity", 7),
        woo("a figure is a number", "PUT", "/products/91")
            .json(r#"{"stock_quantity":"many"}"#)
            .answers(400),
        control(
            "woocommerce",
            "an item turns bad",
            "refuse",
            r#"{"sku":"TEA"}"#,
        ),
        woo("a batch answers for each item", "POST", "/products/batch")
            .json(r#"{"update":[{"id":91,"stock_quantity":2},{"id":92,"stock_quantity":1}]}"#)
            .says("/update/0/stock_quantity", 2)
            .says(
                "/update/1/error/code",
                "woocommerce_rest_product_not_managed",
            ),
        control(
            "woocommerce",
            "a buyer orders",
            "sell",
            r#"{"sku":"MUG","paid":false}"#,
        )
        .keep("order", "/orders/0"),
        woo(
            "orders are listed since a time",
            "GET",
            "/orders?modified_after=2026-01-01T00:00:00",
        )
        .says("/0/status", "pending")
        .says("/0/line_items/0/price", 19.9),
        woo(
            "orders are left out by name",
            "GET",
            "/orders?modified_after=2026-01-01T00:00:00&exclude={order},7",
        )
        .text("[]"),
        woo(
            "nothing has changed since",
            "GET",
            "/orders?modified_after=2999-01-01T00:00:00",
        )
        .text("[]"),
        control(
            "woocommerce",
            "a change",
            "change",
            r#"{"order":"{order}","quantity":2}"#,
        ),
        woo("an order is read", "GET", "/orders/{order}").says("/total", "39.80"),
        woo("an unknown route", "GET", "/coupons").answers(404),
    ];
    run(&sandbox, "woocommerce", &pairs).await;
}

#[tokio::test]
async fn meta_takes_a_batch_and_applies_it_later() {
    let (sandbox, receiver) = moving().await;
    let batch = r#"{"item_type":"PRODUCT_ITEM","allow_upsert":false,"requests":[
        {"method":"UPDATE","data":{"id":"MUG","quantity_to_sell_on_facebook":14}},
        {"method":"UPDATE","data":{"id":"NONE","quantity_to_sell_on_facebook":1}}]}"#;
    let call = |what: &str, method, path: &str| pair(what, method, path).bearer(meta::TOKEN);
    let pairs = [
        control("meta", "products", "items", ITEMS).says("/items/0/product_retailer_id", "MUG"),
        pair("a wrong token", "POST", "/v23.0/30300/items_batch")
            .json(batch)
            .answers(401)
            .says("/error/code", 190),
        call("no items", "POST", "/v23.0/30300/items_batch")
            .json(r#"{"item_type":"PRODUCT_ITEM","requests":[]}"#)
            .answers(400),
        call("no type", "POST", "/v23.0/30300/items_batch")
            .json(r#"{"requests":[{}]}"#)
            .answers(400),
        call("another catalogue", "POST", "/v23.0/1/items_batch")
            .json(batch)
            .answers(404),
        call("a batch gets a handle", "POST", "/v23.0/30300/items_batch")
            .json(batch)
            .keep("handle", "/handles/0"),
        call(
            "it is not done yet",
            "GET",
            "/v23.0/30300/check_batch_request_status?handle={handle}",
        )
        .says("/data/0/handle", "AcH1"),
        call(
            "an unknown handle",
            "GET",
            "/v23.0/30300/check_batch_request_status?handle=x",
        )
        .answers(400),
        control(
            "meta",
            "a buyer sends a cart",
            "sell",
            r#"{"sku":"TEA","quantity":2}"#,
        )
        .says("/sold", 1),
        control("meta", "the truth", "truth", "{}").says("/items/1/stock", 1),
    ];
    let kept = run(&sandbox, "meta", &pairs).await;
    let written = super::world::effect(&sandbox, "meta", "stock").await;
    assert_eq!(written["object"], "MUG");
    let path = format!(
        "/v23.0/30300/check_batch_request_status?handle={}",
        kept["handle"]
    );
    let after = [call("then it is, with what was wrong", "GET", &path)
        .says("/data/0/status", "finished")
        .says("/data/0/errors/0/id", "NONE")];
    run(&sandbox, "meta", &after).await;
    let arrived = receiver.wait_for(1).await;
    let message = &arrived[0];
    assert_eq!(message.path, "/webhooks/whatsapp/106000");
    let digest = hex::encode(sign::sha256(meta::APP_SECRET.as_bytes(), &[&message.body]));
    assert_eq!(
        message.header("x-hub-signature-256"),
        format!("sha256={digest}")
    );
    let order = "/entry/0/changes/0/value/messages/0/order/product_items/0";
    assert_eq!(
        message.json().pointer(order).expect("an item")["quantity"],
        2
    );
}

#[tokio::test]
async fn buyers_order_by_themselves_until_the_shown_stock_is_sold() {
    let (sandbox, receiver) = moving().await;
    let pairs = [
        control(
            "woocommerce",
            "products",
            "items",
            r#"{"items":[{"sku":"MUG","stock":5}]}"#,
        ),
        control(
            "woocommerce",
            "a rush",
            "run",
            r#"{"rate":500,"seconds":0.1}"#,
        )
        .answers(202),
    ];
    run(&sandbox, "woocommerce", &pairs).await;
    let arrived = receiver.wait_for(5).await;
    let first = &arrived[0];
    assert_eq!(first.path, "/webhooks/woocommerce/shop.sandbox.example");
    let digest = sign::sha256(woocommerce::WEBHOOK_SECRET.as_bytes(), &[&first.body]);
    assert_eq!(
        first.header("x-wc-webhook-signature"),
        sign::base64(&digest)
    );
    let truth = [
        control("woocommerce", "all is sold, nothing more", "truth", "{}")
            .says("/items/0/stock", 0)
            .says("/items/0/sold", 5),
    ];
    run(&sandbox, "woocommerce", &truth).await;
}
