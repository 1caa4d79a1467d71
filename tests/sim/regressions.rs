//! What a seed or a look has found once, on its own and under its name.

use super::codec::{answers_of, frame_of};
use super::disk::SimDisk;
use super::node::{Node, NodeOptions};
use super::request::{Answer, CommandSpec, OrderSpec, Request};
use onhand::engine::EngineOptions;
use onhand::journal::JournalOptions;
use onhand::shard::{SessionOpening, Taken};
use onhand::types::{ResultCode, Role, SessionId};
use onhand::wire::split_frame;

const SESSION: SessionId = SessionId(0);
const CLOCK_MS: u64 = 1_800_000_000_000;

/// A fresh process with one session, whose tenant has one SKU at one location with `stock` units.
fn node_with_stock(segment_bytes: u64, stock: u32) -> Node {
    let options = NodeOptions {
        journal: JournalOptions {
            segment_bytes,
            ..JournalOptions::default()
        },
        engine: EngineOptions::default(),
    };
    let disk = SimDisk::new(1);
    let mut node = Node::start(&disk, &options, CLOCK_MS, 1, 1).expect("an empty disk opens");
    stock_shop(&mut node, "tenant", stock, CLOCK_MS);
    node
}

/// Opens a session whose tenant then has one SKU at one location with `stock` units.
pub fn stock_shop(node: &mut Node, tenant: &str, stock: u32, clock_ms: u64) {
    let opening = SessionOpening {
        tenant: tenant.to_owned(),
        actor: "client".to_owned(),
        role: Role::Admin,
        request_id: 1,
    };
    node.shard.open(SESSION, opening);
    turn(node, clock_ms, None);
    for command in [
        CommandSpec::DefineSku {
            name: "sku".to_owned(),
            on_sale: true,
        },
        CommandSpec::DefineLocation {
            name: "location".to_owned(),
            x: 0,
            y: 0,
            priority: 0,
        },
        CommandSpec::Receive {
            key: 1,
            sku: 0,
            location: 0,
            quantity: stock,
        },
    ] {
        turn(node, clock_ms, Some(&Request::Command(command)));
    }
}

/// More units of that SKU come to that location, in a session of their own.
pub fn more_stock(node: &mut Node, tenant: &str, (key, quantity): (u128, u32), clock_ms: u64) {
    let opening = SessionOpening {
        tenant: tenant.to_owned(),
        actor: "client".to_owned(),
        role: Role::Admin,
        request_id: 1,
    };
    node.shard.open(SESSION, opening);
    turn(node, clock_ms, None);
    let receive = CommandSpec::Receive {
        key,
        sku: 0,
        location: 0,
        quantity,
    };
    turn(node, clock_ms, Some(&Request::Command(receive)));
}

/// One turn with one frame, made durable and answered.
fn turn(node: &mut Node, clock_ms: u64, request: Option<&Request>) -> Vec<Answer> {
    for _ in 0..100 {
        node.maintain();
    }
    assert!(node.shard.begin_turn(clock_ms, 0), "there is room");
    if let Some(request) = request {
        let bytes = frame_of(std::slice::from_ref(request), 2);
        let (frame, _) = split_frame(&bytes).unwrap().unwrap();
        assert_eq!(node.shard.frame(SESSION, &frame), Taken::Yes);
    }
    node.shard.end_turn(0);
    assert!(node.shard.failure().is_none() && node.sync());
    let mut bytes = Vec::new();
    node.shard
        .release(0, |part| bytes.extend_from_slice(part.bytes));
    match request {
        Some(request) => {
            let (frame, _) = split_frame(&bytes).unwrap().unwrap();
            answers_of(&frame, std::slice::from_ref(request)).expect("a frame that fits")
        }
        None => Vec::new(),
    }
}

fn ask(node: &mut Node, request: &Request) -> Answer {
    turn(node, CLOCK_MS, Some(request)).remove(0)
}

fn hold(key: u128, quantity: u32) -> Request {
    Request::Reserve(OrderSpec {
        key,
        version: 1,
        customer: 1,
        channel: 0,
        ttl_ms: 1_000,
        place: false,
        partial: false,
        currency: 978,
        total: 1,
        destination: None,
        lines: vec![(0, 0, quantity)],
    })
}

fn code(answer: &Answer) -> ResultCode {
    match answer {
        Answer::Command(outcome) => outcome.code,
        other => panic!("{other:?} answers no command"),
    }
}

#[test]
fn a_command_with_more_lines_than_an_order_may_ask_for_is_executed_whole() {
    let mut node = node_with_stock(1 << 20, 70);
    ask(&mut node, &hold(1, 70));
    let (key, order) = (2, 1);
    let confirm = CommandSpec::Confirm {
        key,
        order,
        lines: Vec::new(),
    };
    ask(&mut node, &Request::Command(confirm));
    let ship = |key, lines| Request::Command(CommandSpec::Ship { key, order, lines });
    let too_many = ask(&mut node, &ship(3, vec![(0, 0, 1); 129]));
    assert_eq!(code(&too_many), ResultCode::TooManyLines);
    let whole = ask(&mut node, &ship(4, vec![(0, 0, 1); 70]));
    assert_eq!(code(&whole), ResultCode::Ok);
    let Answer::OrderView { lines, .. } = ask(&mut node, &Request::QueryOrder { order }) else {
        panic!("an order query is answered by an order");
    };
    assert_eq!((lines[0].shipped, lines[0].committed), (70, 0));
}

#[test]
fn the_keys_of_a_shipment_are_looked_at_before_its_lines() {
    let mut node = node_with_stock(64 << 10, 1);
    let ship = CommandSpec::Ship {
        key: 1,
        order: 0,
        lines: Vec::new(),
    };
    let answer = ask(&mut node, &Request::Command(ship));
    assert_eq!(code(&answer), ResultCode::InvalidKey);
}

#[test]
fn an_idle_batch_is_never_ahead_of_a_turn_that_stops_at_a_timer() {
    let mut node = node_with_stock(64 << 10, 1_000);
    // Many more holds with one deadline than a turn of this small journal may end.
    for key in 1..=500 {
        ask(&mut node, &hold(key, 1));
    }
    assert!(
        node.shard.idle().unwrap(),
        "everything is synced, and no batch says so"
    );
    let past_deadline = CLOCK_MS + 5_000;
    turn(&mut node, past_deadline, None);
    let after_first = node.shard.engine().statistics().expired;
    assert!(
        (1..500).contains(&after_first),
        "the turn stopped at a timer"
    );
    for _ in 0..20 {
        node.shard.idle().unwrap();
        turn(&mut node, past_deadline, None);
    }
    assert_eq!(node.shard.engine().statistics().expired, 500);
    assert_eq!(node.shard.engine().now_ms(), past_deadline);
}
