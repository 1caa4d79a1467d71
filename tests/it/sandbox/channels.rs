//! The marketplaces: what their APIs take and refuse, and how they tell of orders.

use super::pairs::{Pair, pair, run, sandbox};
use super::world::{effects, moving};
use onhand::sandbox::channels::{meta, shopee, shopify, tiktok, woocommerce};
use onhand::sandbox::sign;
use serde_json::json;

const ITEMS: &str =
    r#"{"items":[{"sku":"MUG","stock":5},{"sku":"TEA","stock":3,"price_minor":1200}]}"#;

fn control(channel: &str, what: &str, action: &str, body: &str) -> Pair {
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

/// The path of a Shopee call with its signature.
fn shopee_path(path: &str, query: &str) -> String {
    let now_s = onhand::clock::now_ms() / 1_000;
    let (partner, token, shop) = (shopee::PARTNER_ID, shopee::ACCESS_TOKEN, shopee::SHOP);
    let base = format!("{partner}{path}{now_s}{token}{shop}");
    let digest = sign::sha256(shopee::PARTNER_KEY.as_bytes(), &[base.as_bytes()]);
    let digest = hex::encode(digest);
    format!(
        "{path}?partner_id={partner}&timestamp={now_s}&access_token={token}&shop_id={shop}\
         &sign={digest}{query}"
    )
}

#[tokio::test]
async fn shopee_tells_id_and_status_and_gives_the_order_on_request() {
    let (sandbox, receiver) = moving().await;
    let stock = "/api/v2/product/update_stock";
    let detail = "/api/v2/order/get_order_detail";
    let call =
        |what: &str, method, path: &str, query: &str| pair(what, method, &shopee_path(path, query));
    let pairs = [
        control("shopee", "products get ids", "items", ITEMS).says("/items/0/model_id", 900_101),
        pair("an unsigned call", "POST", stock).json("{}").answers(403).says("/error", "error_sign"),
        call("a model takes its stock", "POST", stock, "")
            .json(r#"{"item_id":200101,"stock_list":[{"model_id":900101,"seller_stock":[{"stock":4}]}]}"#)
            .says("/error", "")
            .says("/response/success_list/0/model_id", 900_101),
        call("a model of another item fails alone", "POST", stock, "")
            .json(r#"{"item_id":200101,"stock_list":[{"model_id":900102,"seller_stock":[{"stock":4}]}]}"#)
            .says("/response/failure_list/0/model_id", 900_102),
        call("below zero is no stock", "POST", stock, "")
            .json(r#"{"item_id":200101,"stock_list":[{"model_id":900101,"seller_stock":[{"stock":-1}]}]}"#)
            .says("/response/failure_list/0/model_id", 900_101),
        call("an empty list", "POST", stock, "")
            .json(r#"{"item_id":200101,"stock_list":[]}"#)
            .says("/error", "error_param"),
        control("shopee", "a buyer orders", "sell", r#"{"sku":"MUG","quantity":2}"#)
            .says("/orders/0", "260504SBX0000001"),
        call("fields come when asked for", "GET", detail, "&order_sn_list=260504SBX0000001")
            .says("/response/order_list/0/order_status", "READY_TO_SHIP")
            .says("/response/order_list/0/item_list", json!(null)),
        call(
            "the items of an order",
            "GET",
            detail,
            "&order_sn_list=260504SBX0000001&response_optional_fields=item_list,total_amount",
        )
        .says("/response/order_list/0/item_list/0/model_quantity_purchased", 2)
        .says("/response/order_list/0/total_amount", 39.8),
        call("no order at all", "GET", detail, "&order_sn_list=").says("/error", "error_param"),
        call("changed orders", "GET", "/api/v2/order/get_order_list", "&time_from=0&page_size=10")
            .says("/response/order_list/0/order_sn", "260504SBX0000001"),
        call("pushes that were lost", "GET", "/api/v2/push/get_lost_push_message", "")
            .says("/response/push_message_list/0/code", 3),
        call("the seller cancels", "POST", "/api/v2/order/cancel_order", "")
            .json(r#"{"order_sn":"260504SBX0000001","cancel_reason":"OUT_OF_STOCK"}"#)
            .says("/error", ""),
        control("shopee", "the truth", "truth", "{}").says("/items/0/stock", 4),
    ];
    run(&sandbox, "shopee", &pairs).await;
    let arrived = receiver.wait_for(2).await;
    let push = &arrived[0];
    assert_eq!(push.path, "/webhooks/shopee/727000001");
    let url = format!("{}{}", receiver.url, push.path);
    let parts: [&[u8]; 3] = [url.as_bytes(), b"|", &push.body];
    let digest = hex::encode(sign::sha256(shopee::PARTNER_KEY.as_bytes(), &parts));
    assert_eq!(push.header("authorization"), digest);
    assert_eq!(push.json()["data"]["status"], "READY_TO_SHIP");
    assert_eq!(arrived[1].json()["data"]["status"], "CANCELLED");
}

/// The path of a TikTok call with its signature.
fn tiktok_path(path: &str, query: &str, body: &str) -> String {
    let now_s = onhand::clock::now_ms() / 1_000;
    let (key, cipher) = (tiktok::APP_KEY, tiktok::SHOP_CIPHER);
    let all = format!("app_key={key}&shop_cipher={cipher}&timestamp={now_s}{query}");
    let mut fields: Vec<&str> = all.split('&').collect();
    fields.sort_unstable();
    let joined = fields.concat().replace('=', "");
    let secret = tiktok::APP_SECRET;
    let text = format!("{secret}{path}{joined}{body}{secret}");
    let digest = sign::sha256(secret.as_bytes(), &[text.as_bytes()]);
    format!("{path}?{all}&sign={}", hex::encode(digest))
}

#[tokio::test]
async fn tiktok_sells_by_the_unit_and_says_cancel_two_ways() {
    let (sandbox, receiver) = moving().await;
    let stock = "/product/202309/products/1729000001/inventory/update";
    let call = |what: &str, method, path: &str, query: &str, body: &str| {
        pair(what, method, &tiktok_path(path, query, body))
            .header("x-tts-access-token", tiktok::ACCESS_TOKEN)
            .json(body)
    };
    let order = "576653688135000001";
    let inventory = |sku: &str, quantity: i64| {
        format!(
            r#"{{"skus":[{{"id":"{sku}","inventory":[{{"warehouse_id":"7000000000000000001","quantity":{quantity}}}]}}]}}"#
        )
    };
    let orders = format!("&ids={order}");
    let pairs = [
        control("tiktok", "products get ids", "items", ITEMS).says("/items/0/sku_id", "1729100001"),
        pair("an unsigned call", "POST", stock)
            .json("{}")
            .answers(401)
            .says("/code", 106_001),
        pair("a wrong token", "POST", &tiktok_path(stock, "", "{}"))
            .header("x-tts-access-token", "other")
            .json("{}")
            .answers(401)
            .says("/code", 105_002),
        call(
            "a SKU takes its stock",
            "POST",
            stock,
            "",
            &inventory("1729100001", 4),
        )
        .says("/code", 0)
        .says("/data/errors", json!([])),
        call(
            "a SKU of another product is an error in success",
            "POST",
            stock,
            "",
            &inventory("1729100002", 4),
        )
        .says("/code", 0)
        .says("/data/errors/0/detail/sku_id", "1729100002"),
        call(
            "below zero",
            "POST",
            stock,
            "",
            &inventory("1729100001", -1),
        )
        .says("/data/errors/0/detail/sku_id", "1729100001"),
        call("no SKUs", "POST", stock, "", r#"{"skus":[]}"#).answers(400),
        control(
            "tiktok",
            "a buyer orders two",
            "sell",
            r#"{"sku":"MUG","quantity":2}"#,
        )
        .says("/orders/0", order),
        call(
            "a line is one unit",
            "GET",
            "/order/202507/orders",
            &orders,
            "",
        )
        .says("/data/orders/0/line_items/1/sku_id", "1729100001")
        .says("/data/orders/0/payment/total_amount", "39.80"),
        call(
            "changed orders",
            "POST",
            "/order/202309/orders/search",
            "",
            r#"{"update_time_ge":0}"#,
        )
        .says("/data/orders/0/id", order),
        call(
            "the seller cancels",
            "POST",
            "/return_refund/202309/cancellations",
            "",
            &format!(r#"{{"order_id":"{order}"}}"#),
        )
        .says("/code", 0),
        call(
            "then the order is CANCELLED",
            "GET",
            "/order/202507/orders",
            &orders,
            "",
        )
        .says("/data/orders/0/status", "CANCELLED"),
    ];
    run(&sandbox, "tiktok", &pairs).await;
    let arrived = receiver.wait_for(2).await;
    let told = &arrived[1];
    assert_eq!(told.path, "/webhooks/tiktok/7495540735365777507");
    let parts: [&[u8]; 2] = [tiktok::APP_KEY.as_bytes(), &told.body];
    let digest = hex::encode(sign::sha256(tiktok::APP_SECRET.as_bytes(), &parts));
    assert_eq!(told.header("authorization"), digest);
    assert_eq!(
        told.json()["data"]["order_status"],
        "CANCEL",
        "the notification's word"
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
