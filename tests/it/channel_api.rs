//! The marketplaces' API clients against the sandbox over HTTP: changed orders, cancelling,
//! throttling, access tokens that run out.

mod rig;
mod tokens;

use onhand::channels::What;
use onhand::channels::api::ApiError;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::types::ChannelKind;
use rig::{Market, SELLERS, until};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn changed_orders_come_page_by_page_each_once_with_its_detail() {
    let market = Market::open();
    for kind in SELLERS {
        let shop = market.shop(kind);
        shop.sell(130).await;
        let mut found = BTreeSet::new();
        let mut pages = 0;
        let mut cursor = String::new();
        loop {
            let page = shop.api.changed(0, &cursor).await.unwrap();
            pages += 1;
            for incoming in &page.incoming {
                let What::Order(order) = &incoming.what else {
                    panic!("{kind:?}: {incoming:?}");
                };
                assert_eq!((order.lines.len(), order.lines[0].quantity), (1, 1));
                assert!(order.paid && order.total > 0 && incoming.changed_ms > 0);
                found.insert(incoming.order_id.clone());
            }
            match page.next {
                Some(next) => cursor = next,
                None => break,
            }
            assert!(pages < 10, "{kind:?}");
        }
        assert_eq!(found.len(), 130, "{kind:?}");
        assert!(kind == ChannelKind::Shopify || pages >= 2, "{kind:?}");
        // What is known is not listed, but for a second or what clocks may differ.
        let later_ms = onhand::clock::now_ms() + 3_600_000;
        let page = shop.api.changed(later_ms, "").await.unwrap();
        let listed = page.incoming.len();
        // Shopee lists pushes that nobody has confirmed whenever it is asked.
        let unconfirmed = if kind == ChannelKind::Shopee { 100 } else { 0 };
        assert_eq!(listed, unconfirmed, "{kind:?}");
    }
    let nothing = market.shop(ChannelKind::WhatsApp).api.changed(0, "").await;
    assert_eq!(nothing.unwrap().incoming.len(), 0, "messages have no list");
}

#[tokio::test]
async fn orders_that_change_while_their_list_is_read_push_no_other_one_past_its_page() {
    let market = Market::open();
    // More than two pages, most of them of one second.
    for (kind, orders) in [(ChannelKind::WooCommerce, 330), (ChannelKind::Shopify, 620)] {
        let shop = market.shop(kind);
        let sold: BTreeSet<String> = shop.sell(orders).await.into_iter().collect();
        let (mut found, mut cursor, mut pages) = (BTreeSet::new(), String::new(), 0);
        loop {
            let page = shop.api.changed(0, &cursor).await.unwrap();
            pages += 1;
            // Between two pages some of those that were read move to the end of the list.
            for incoming in page.incoming.iter().take(7) {
                let order = json!({"order": incoming.order_id});
                shop.control("cancel", &order).await;
            }
            found.extend(page.incoming.into_iter().map(|order| order.order_id));
            match page.next {
                Some(next) => cursor = next,
                None => break,
            }
            assert!(pages < 20, "{kind:?}");
        }
        assert!(pages >= 3, "{kind:?}");
        let missed: Vec<&String> = sold.difference(&found).collect();
        assert_eq!(missed, [] as [&String; 0], "{kind:?}");
    }
}

#[tokio::test]
async fn pushes_that_shopee_could_not_deliver_are_listed_until_they_are_confirmed() {
    let market = Market::open();
    let shop = market.shop(ChannelKind::Shopee);
    shop.sell(130).await;
    let later_ms = onhand::clock::now_ms() + 3_600_000;
    let first = shop.api.changed(later_ms, "").await.unwrap();
    assert_eq!(first.incoming.len(), 100);
    // Not confirmed, not gone.
    let again = shop.api.changed(later_ms, "").await.unwrap();
    assert_eq!(again.confirm, first.confirm);
    shop.api.confirm(&first.confirm.unwrap()).await.unwrap();
    let second = shop.api.changed(later_ms, "").await.unwrap();
    assert_eq!(second.incoming.len(), 30);
    shop.api.confirm(&second.confirm.unwrap()).await.unwrap();
    let none = shop.api.changed(later_ms, "").await.unwrap();
    assert_eq!((none.incoming.len(), none.confirm), (0, None));
}

#[tokio::test]
async fn a_seller_cancels_at_each_marketplace_that_has_a_call_for_it() {
    let market = Market::open();
    for kind in SELLERS {
        let shop = market.shop(kind);
        let id = shop.sell(1).await.remove(0);
        let ids = [id.clone()];
        let order = shop.api.orders(&ids).await.unwrap().remove(0);
        let What::Order(order) = order.what else {
            panic!("{kind:?}: {order:?}");
        };
        shop.api.cancel(&id, &order.lines).await.unwrap();
        let after = shop.api.orders(&ids).await.unwrap().remove(0);
        assert!(matches!(after.what, What::Cancelled { .. }), "{after:?}");
        let truth = shop.control("truth", &json!({})).await;
        assert_eq!(truth["cancelled_orders"], 1, "{kind:?}");
        let foreign = shop.foreign();
        let error = shop.api.cancel(foreign, &order.lines).await.unwrap_err();
        assert_eq!(error.class(), "rejected", "{kind:?}: {error}");
        let unknown = shop.api.orders(&[foreign.to_owned()]).await.unwrap();
        assert_eq!(unknown, []);
    }
    let whatsapp = market.shop(ChannelKind::WhatsApp);
    let error = whatsapp.api.cancel("wamid.1", &[]).await.unwrap_err();
    assert!(error.to_string().contains("another message"), "{error}");
}

/// A fault of every call of a marketplace.
fn rule(place: &str, status: u16, body: &str) -> Rule {
    let kind = if status == 200 {
        Kind::MalformedBody
    } else {
        Kind::Status
    };
    let mut rule = Rule::new(place, kind);
    rule.executed = Some(false);
    rule.status = (status != 200).then_some(status);
    rule.body = (!body.is_empty()).then(|| body.to_owned());
    rule
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart_by_each_marketplaces_own_words() {
    use ChannelKind::{Shopee, Shopify, TikTok, WhatsApp, WooCommerce};
    let throttled = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],
        "extensions":{"cost":{"requestedQueryCost":110,"throttleStatus":
        {"maximumAvailable":1000.0,"currentlyAvailable":10,"restoreRate":50.0}}}}"#;
    let market = Market::open();
    for (kind, status, body, class, wait_ms) in [
        (Shopify, 200, throttled, "rate_limited", Some(2_000)),
        (Shopify, 429, "", "rate_limited", Some(3_000)),
        (Shopify, 503, "", "retry", None),
        (Shopify, 200, r#"{"data":"#, "retry", None),
        (WooCommerce, 429, "", "rate_limited", Some(3_000)),
        (WooCommerce, 502, "<html>", "retry", None),
        (
            WooCommerce,
            401,
            r#"{"code":"x","message":"y"}"#,
            "unauthorised",
            None,
        ),
        (
            Shopee,
            200,
            r#"{"error":"error_rate_limit","message":"slow"}"#,
            "rate_limited",
            Some(0),
        ),
        (
            Shopee,
            200,
            r#"{"error":"product.error_system_busy"}"#,
            "retry",
            None,
        ),
        (
            Shopee,
            200,
            r#"{"error":"error_inner","message":""}"#,
            "retry",
            None,
        ),
        (
            Shopee,
            200,
            r#"{"error":"error_param","message":"no"}"#,
            "rejected",
            None,
        ),
        (
            Shopee,
            200,
            r#"{"error":"error_sign","message":"no"}"#,
            "unauthorised",
            None,
        ),
        (Shopee, 429, "", "rate_limited", Some(0)),
        (
            TikTok,
            200,
            r#"{"code":36009002,"message":"slow"}"#,
            "rate_limited",
            Some(0),
        ),
        (TikTok, 429, "", "rate_limited", Some(3_000)),
        (
            TikTok,
            200,
            r#"{"code":36009003,"message":"oh"}"#,
            "retry",
            None,
        ),
        (
            TikTok,
            200,
            r#"{"code":12052217,"message":"no"}"#,
            "rejected",
            None,
        ),
        (TikTok, 200, r#"{"message":"half"}"#, "retry", None),
        (
            WhatsApp,
            400,
            r#"{"error":{"code":80007,"message":"slow"}}"#,
            "rate_limited",
            Some(0),
        ),
        (
            WhatsApp,
            500,
            r#"{"error":{"code":2,"message":"oh"}}"#,
            "retry",
            None,
        ),
        (
            WhatsApp,
            401,
            r#"{"error":{"code":190,"message":"no"}}"#,
            "unauthorised",
            None,
        ),
    ] {
        let shop = market.shop(kind);
        let mut rule = rule(shop.place, status, body);
        rule.headers
            .insert("retry-after".to_owned(), "3".to_owned());
        shop.goes_wrong(&rule).await;
        let error = shop.write(4).await.unwrap_err();
        let said = format!("{kind:?} {status} {body}: {error:?}");
        assert_eq!(error.class(), class, "{said}");
        if let ApiError::RateLimited { wait_ms: found, .. } = error {
            assert_eq!(Some(found), wait_ms, "{said}");
        }
        shop.goes_well().await;
        shop.write(5).await.unwrap();
    }
    // A daily quota comes back at midnight of its zone.
    let shop = market.shop(Shopee);
    let body = r#"{"error":"error_limit","message":"daily"}"#;
    shop.goes_wrong(&rule("shopee", 200, body)).await;
    let error = shop.write(4).await.unwrap_err();
    let ApiError::RateLimited { wait_ms, .. } = error else {
        panic!("{error:?}");
    };
    assert!(wait_ms > 0 && wait_ms <= 24 * 3_600 * 1_000);
}

#[tokio::test]
async fn real_limits_are_met_and_the_wait_that_they_ask_for_is_enough() {
    let market = Market::limited();
    let shop = market.shop(ChannelKind::Shopify);
    let mut waits = Vec::new();
    for units in 0..30 {
        match shop.write(units).await {
            Ok(()) => {}
            Err(ApiError::RateLimited { wait_ms, .. }) => waits.push(wait_ms),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(
        !waits.is_empty() && waits.iter().all(|ms| (1..=1_000).contains(ms)),
        "{waits:?}"
    );
    until("calls are taken again", async || {
        shop.write(7).await.is_ok()
    })
    .await;
    // The list of orders has a limit of its own, told by a header.
    let mut asked_wait = None;
    for _ in 0..10 {
        if let Err(ApiError::RateLimited { wait_ms, .. }) = shop.api.changed(0, "").await {
            asked_wait = Some(wait_ms);
            break;
        }
    }
    assert_eq!(asked_wait, Some(1_000));
}
