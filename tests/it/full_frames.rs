//! The largest frames while pipelines are in force: each item might undo much, and hardly one does.

use std::path::Path;

use onhand::types::{CommandKey, LocationId, OrderKey, OrderState, ResultCode, SkuId};
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::{
    LocationDefinition, OrderCommandItem, Receive, ReserveItem, reserve_flags,
};

use super::channel_webhooks::rig::with_process;
use super::process::run;
use super::served::{Received, Served, config, hold};

/// Orders in the frame: as many as one may have.
const ORDERS: u128 = 8_190;
/// Orders of one placing frame.
const PLACED: usize = 390;

fn served(directory: &Path) -> Served {
    let mut config = config(&directory.join("data"));
    with_process(&mut config);
    config.history = "off".parse().unwrap();
    config.orders_expected = 10_000;
    Served::start(&config)
}

/// Codes of the orders of a frame, and what its notes say is left for which of them.
fn placed(received: &Received) -> (Vec<ResultCode>, Vec<(u16, u32)>) {
    match received.reply() {
        Reply::Reserve(reply) => (
            reply.items.map(|item| item.code).collect(),
            reply.notes.map(|note| (note.item, note.value)).collect(),
        ),
        other => panic!("not the reply to orders: {other:?}"),
    }
}

#[test]
fn a_frame_of_8190_orders_is_taken_while_an_order_may_need_many_locations() {
    const THERE: u128 = 8_000;
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client();
    client.stock_up(4_000);
    let names: Vec<String> = (1..12).map(|number| format!("store-{number}")).collect();
    let stores: Vec<LocationDefinition<'_>> = names
        .iter()
        .map(|name| LocationDefinition {
            name,
            priority: 1,
            x: 0,
            y: 0,
        })
        .collect();
    client.request(Opcode::DefineLocation, 10, &stores);
    let more = Receive {
        key: CommandKey(7),
        sku: SkuId(0),
        quantity: 4_000,
        location: LocationId(1),
    };
    client.request(Opcode::Receive, 11, &[more]);
    for _ in 0..2 {
        client.receive().expect("an answer");
    }
    let place = |key: u128| ReserveItem {
        flags: reserve_flags::PLACE,
        ttl_ms: 900_000,
        ..hold(key)
    };
    let items: Vec<ReserveItem<'_>> = (1..=ORDERS).map(place).collect();
    let mut other = server.client();
    client.request(Opcode::Reserve, 12, &items);
    other.is_alive();
    let first = client.receive().unwrap();
    assert_eq!(first.request_id, 12);
    let (codes, notes) = placed(&first);
    let short = (ORDERS - THERE) as usize;
    let mut expected = vec![ResultCode::Ok; THERE as usize];
    expected.resize(ORDERS as usize, ResultCode::InsufficientStock);
    assert_eq!(codes, expected);
    // Each of the last ones is told that nothing is left, by its own place in the frame.
    let nothing: Vec<(u16, u32)> = (THERE as u16..ORDERS as u16).map(|at| (at, 0)).collect();
    assert_eq!((notes.len(), &notes), (short, &nothing));
    client.request(Opcode::Reserve, 13, &items);
    let again = placed(&client.receive().unwrap());
    assert_eq!(again, (codes, notes), "from what is stored");
    client.is_alive();
    server.stop().expect("a clean stop");
    let data = directory.path().join("data").display().to_string();
    run(&["verify", "--data", &data]).exits(0);
}

fn states(received: &Received) -> Vec<(ResultCode, Option<OrderState>)> {
    match received.reply() {
        Reply::OrderCommands(items) => items.map(|item| (item.code, item.state)).collect(),
        other => panic!("not the reply to a command: {other:?}"),
    }
}

#[test]
fn a_frame_of_8190_cancellations_of_orders_in_process_is_answered_in_full() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client();
    client.stock_up(10_000);
    let keys: Vec<u128> = (1..=ORDERS).collect();
    for (number, keys) in (10..).zip(keys.chunks(PLACED)) {
        let place = |key: &u128| ReserveItem {
            flags: reserve_flags::PLACE,
            ttl_ms: 900_000,
            ..hold(*key)
        };
        let items: Vec<ReserveItem<'_>> = keys.iter().map(place).collect();
        client.request(Opcode::Reserve, number, &items);
        let codes = client.receive().unwrap().order_codes();
        assert!(
            codes.iter().all(|code| *code == ResultCode::Ok),
            "{codes:?}"
        );
    }
    // Its journal takes about a third of this frame in one batch; the rest goes on in later turns.
    let cancel = |key: &u128| OrderCommandItem {
        order: OrderKey(*key),
        key: CommandKey(1 << 100 | *key),
    };
    let cancels: Vec<OrderCommandItem> = keys.iter().map(cancel).collect();
    let mut other = server.client();
    client.request(Opcode::Cancel, 100, &cancels);
    other.is_alive();
    let answered = client.receive().unwrap();
    assert_eq!(answered.request_id, 100);
    let states = states(&answered);
    assert_eq!(states.len(), keys.len());
    for (key, state) in keys.iter().zip(&states) {
        let (code, state) = state;
        let ended = matches!(state, Some(OrderState::Cancelled | OrderState::Cancelling));
        assert!(
            *code == ResultCode::Ok && ended,
            "{key}: {code:?} {state:?}"
        );
    }
    // Again, all at once: the same answers, from what is stored.
    client.request(Opcode::Cancel, 101, &cancels);
    let again = self::states(&client.receive().unwrap());
    assert!(again.iter().all(|(code, _)| *code == ResultCode::Ok));
    client.is_alive();
    server.stop().expect("a clean stop");
    let data = directory.path().join("data").display().to_string();
    run(&["verify", "--data", &data]).exits(0);
}
