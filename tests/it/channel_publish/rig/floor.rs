//! The merchant's side of webhooks: read, and placed at the shard.

use super::WAIT_MS;
use super::shops::Shop;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;
use onhand::channels::{self, Delivery, Incoming, What};
use onhand::clock;
use onhand::shard::local::{Local, LocalAnswer, LocalQueue, LocalRequest, NamedLine, PlaceRequest};
use onhand::types::{ChannelKind, OrderMode, Policy, ResultCode};
use onhand::wire::key::order_key;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the webhook receiver and the tests share.
#[derive(Clone)]
pub struct Floor {
    pub queue: Arc<LocalQueue>,
    pub shops: Arc<parking_lot::Mutex<Vec<Shop>>>,
    pub refused: Arc<AtomicU64>,
}

/// Listens for webhooks; returns the base URL.
pub async fn receive(floor: Floor) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new()
        .route("/webhooks/{kind}/{shop}", post(take))
        .with_state(floor);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    target
}

/// Reads a delivery and places what it says, after its answer.
async fn take(
    State(floor): State<Floor>,
    Path((kind, _)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) {
    let kind = ChannelKind::from_name(&kind).unwrap();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)));
    let delivery = Delivery {
        headers: headers.collect(),
        body,
        registered_url: String::new(),
    };
    let shops = floor.shops.lock().clone();
    let shop = shops
        .into_iter()
        .find(|shop| shop.options.kind == kind)
        .unwrap();
    tokio::spawn(async move {
        for incoming in channels::read(kind, &delivery).unwrap() {
            place(&floor, &shop, incoming).await;
        }
    });
}

async fn place(floor: &Floor, shop: &Shop, incoming: Incoming) {
    match incoming.what {
        What::Order(order) => {
            let is_cart = shop.options.kind == ChannelKind::WhatsApp;
            let lines = order.lines.iter().map(|line| NamedLine {
                sku: line.sku.clone(),
                location: None,
                quantity: line.quantity,
            });
            let key = order_key(shop.options.number, order.order_id.as_bytes());
            shop.standing.note_made(key, order.made_ms);
            let request = LocalRequest::Place(Box::new(PlaceRequest {
                key,
                version: 1,
                customer: 7,
                channel: shop.options.number,
                ttl_ms: 3_600_000,
                mode: if is_cart {
                    OrderMode::Place
                } else {
                    OrderMode::Fact
                },
                policy: Policy::AllOrNothing,
                currency: order.currency,
                total: order.total,
                lines: lines.collect(),
                details: Some(order.details),
            }));
            let queue = Arc::clone(&floor.queue);
            let asked = tokio::task::spawn_blocking(move || ask(&queue, request)).await;
            if let LocalAnswer::Placed(outcome) = asked.unwrap()
                && outcome.code != ResultCode::Ok
            {
                floor.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        What::Fetch => {
            let ids = [incoming.order_id];
            for fetched in shop.api.orders(&ids).await.unwrap() {
                assert!(fetched.what != What::Fetch, "fetched orders have a detail");
                Box::pin(place(floor, shop, fetched)).await;
            }
        }
        What::Ignored(_) => {}
        other => panic!("{other:?}"),
    }
}

/// Asks the shard and waits for the answer.
pub fn ask(queue: &LocalQueue, request: LocalRequest) -> LocalAnswer {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut local = Local {
        tenant: "acme".to_owned(),
        actor: "test".to_owned(),
        request,
        answer: Some(Box::new(move |answer| drop(sender.send(answer)))),
    };
    while let Err(back) = queue.push(local) {
        local = *back;
        clock::sleep_ms(1);
    }
    receiver
        .recv_timeout(std::time::Duration::from_millis(WAIT_MS))
        .unwrap()
}
