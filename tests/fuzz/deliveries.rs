//! Deliveries of marketplaces: their fields, and their bytes.

use super::edit::{self, Edit};
use super::json::{self, JsonEdit};
use super::run::run;
use onhand::channels::{ChannelOrder, Delivery, Incoming, Unreadable, What, read};
use onhand::limits::ORDER_LINES_MAX;
use onhand::types::ChannelKind;
use onhand::wire::details;
use proptest::prelude::*;
use serde_json::Value;

/// What stands in each corpus where a person's name, address or mail does.
const CANARY: &str = "canary";

fn headers(kind: ChannelKind) -> Vec<(String, String)> {
    let headers: &[(&str, &str)] = match kind {
        ChannelKind::Shopify => &[
            ("x-shopify-topic", "orders/create"),
            ("x-shopify-webhook-id", "w-1"),
        ],
        ChannelKind::WooCommerce => &[
            ("x-wc-webhook-topic", "order.updated"),
            ("x-wc-webhook-source", "https://tea.example/"),
        ],
        _ => &[],
    };
    let owned = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    owned.collect()
}

fn deliver(kind: ChannelKind, body: Vec<u8>) -> Result<Vec<Incoming>, Unreadable> {
    let delivery = Delivery {
        headers: headers(kind),
        body: body.into(),
        registered_url: String::new(),
    };
    let found = read(kind, &delivery);
    assert_eq!(found, read(kind, &delivery), "a repeat says the same");
    found
}

fn check_order(order: &ChannelOrder) {
    assert!(!order.order_id.is_empty());
    assert!((1..=ORDER_LINES_MAX).contains(&order.lines.len()));
    assert!(order.lines.iter().all(|line| line.quantity > 0));
    // Whatever was sent, the engine takes what was made of it.
    details::encode(&order.details, order.lines.len()).unwrap();
}

fn check(found: Result<Vec<Incoming>, Unreadable>, tells_nothing: bool) {
    let told = |unreadable: &Unreadable| {
        let text = format!("{unreadable} {unreadable:?}").to_lowercase();
        assert!(!tells_nothing || !text.contains(CANARY), "{text}");
        assert!(text.len() < 1_000, "{} characters", text.len());
    };
    let found = match found {
        Ok(found) => found,
        Err(unreadable) => return told(&unreadable),
    };
    for one in &found {
        assert_ne!(one.event, 0, "{one:?}");
        match &one.what {
            What::Order(order) => check_order(order),
            What::Unreadable(unreadable) => told(unreadable),
            What::Fetch => assert!(!one.order_id.is_empty(), "{one:?}"),
            _ => {}
        }
    }
}

fn fuzz(kind: ChannelKind, regressions: &'static str, corpus: &str) {
    let sound: Value = serde_json::from_str(corpus).unwrap();
    let found = deliver(kind, corpus.as_bytes().to_vec()).unwrap();
    assert!(
        matches!(found[0].what, What::Order(_) | What::Fetch),
        "{found:?}"
    );
    let inputs: (_, _) = (
        json::edits(),
        prop_oneof![4 => Just(Vec::new()), 1 => edit::edits()],
    );
    run(
        regressions,
        inputs,
        |(fields, bytes): (Vec<JsonEdit>, Vec<Edit>)| {
            let body = json::apply(&sound, &fields).to_string();
            // Edited bytes may move a name to where none belongs.
            check(
                deliver(kind, edit::apply(body.as_bytes(), &bytes)),
                bytes.is_empty(),
            );
        },
    );
}

#[test]
fn shopify_is_read_or_refused() {
    let corpus = include_str!("corpus/channels/shopify.json");
    let regressions = "tests/fuzz/regressions/shopify.txt";
    fuzz(ChannelKind::Shopify, regressions, corpus);
}

#[test]
fn woocommerce_is_read_or_refused() {
    let corpus = include_str!("corpus/channels/woocommerce.json");
    let regressions = "tests/fuzz/regressions/woocommerce.txt";
    fuzz(ChannelKind::WooCommerce, regressions, corpus);
}

#[test]
fn shopee_is_read_or_refused() {
    let corpus = include_str!("corpus/channels/shopee.json");
    let regressions = "tests/fuzz/regressions/shopee.txt";
    fuzz(ChannelKind::Shopee, regressions, corpus);
}

#[test]
fn tiktok_is_read_or_refused() {
    let corpus = include_str!("corpus/channels/tiktok.json");
    let regressions = "tests/fuzz/regressions/tiktok.txt";
    fuzz(ChannelKind::TikTok, regressions, corpus);
}

#[test]
fn whatsapp_is_read_or_refused() {
    let corpus = include_str!("corpus/channels/whatsapp.json");
    let regressions = "tests/fuzz/regressions/whatsapp.txt";
    fuzz(ChannelKind::WhatsApp, regressions, corpus);
}
