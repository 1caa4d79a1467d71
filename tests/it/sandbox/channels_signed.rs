//! The marketplaces whose calls are signed: what they take and refuse, and how they tell of orders.

use super::channels::{ITEMS, control};
use super::pairs::{pair, run};
use super::world::moving;
use onhand::sandbox::channels::{shopee, tiktok};
use onhand::sandbox::sign;
use serde_json::json;

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
