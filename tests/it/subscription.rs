//! Stock subscriptions over a real socket: present values first, then the last value of each change.

use super::served::{Raw, Served, config, hold};
use onhand::types::{ResultCode, SkuId};
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::{Reply, StockEvent};

/// The next event of a subscriber; answers to requests in between are passed over.
fn next_event(client: &mut Raw) -> StockEvent {
    loop {
        let received = client.receive().expect("the session goes on");
        if let Reply::StockEvents(mut events) = received.reply() {
            return events.next().expect("an event frame has events");
        }
    }
}

#[test]
fn a_subscriber_sees_the_present_value_first_and_the_last_value_after_changes() {
    let directory = tempfile::tempdir().unwrap();
    let server = Served::start(&config(directory.path()));
    let mut buyer = server.client();
    buyer.stock_up(10);
    let mut watcher = server.client();
    watcher.request(Opcode::SubscribeStock, 5, &[SkuId(0)]);
    let first = next_event(&mut watcher);
    assert_eq!(
        (first.sku, first.available, first.on_hand),
        (SkuId(0), 10, 10)
    );

    let orders: Vec<_> = (1..=4).map(hold).collect();
    buyer.request(Opcode::Reserve, 6, &orders);
    assert_eq!(buyer.receive().unwrap().order_codes(), [ResultCode::Ok; 4]);
    let mut last = first;
    while last.available != 6 {
        let event = next_event(&mut watcher);
        assert!(event.sequence >= last.sequence, "sequences never go back");
        assert!(event.available <= last.available, "values come in order");
        last = event;
    }
    assert_eq!((last.reserved, last.on_hand), (4, 10));
}

#[test]
fn a_subscription_to_an_unknown_sku_says_so_and_sends_nothing_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Served::start(&config(directory.path()));
    let mut watcher = server.client();
    watcher.stock_up(1);
    watcher.request(Opcode::SubscribeStock, 5, &[SkuId(9), SkuId(0)]);
    match watcher.receive().unwrap().reply() {
        Reply::SubscribeStock(answers) => {
            let codes: Vec<ResultCode> = answers.map(|answer| answer.code).collect();
            assert_eq!(codes, [ResultCode::UnknownSku, ResultCode::Ok]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(next_event(&mut watcher).sku, SkuId(0));
}
