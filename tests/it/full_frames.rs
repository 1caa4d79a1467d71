//! The largest frames while pipelines are in force: each item might undo much, and hardly one does.

use std::path::Path;

use onhand::types::{CommandKey, OrderKey, OrderState, ResultCode};
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::{OrderCommandItem, ReserveItem, reserve_flags};

use super::process::run;
use super::served::{Received, Served, config, hold};

/// Orders in the frame: as many as one may have.
const ORDERS: u128 = 8_190;
/// Orders of one placing frame.
const PLACED: usize = 390;

/// Everything is served by a port that nobody listens at: orders wait in review, without a score.
const PROCESS: &str = r#"
[providers.sift]
base_url = "http://127.0.0.1:1"
secrets = { api_key = { published = "nobody" } }
[providers.stripe]
base_url = "http://127.0.0.1:1"
secrets = { secret_key = { published = "nobody" } }
[[pipelines]]
name = "standard"
steps = [
  { kind = "fraud", providers = ["sift"] },
  { kind = "payment", providers = ["stripe"], backup = false },
]
[settings]
fail_open_below = 0
"#;

fn served(directory: &Path) -> Served {
    let file = directory.join("process.toml");
    std::fs::write(&file, PROCESS).unwrap();
    let mut config = config(&directory.join("data"));
    config.process = Some(file);
    config.history = "off".parse().unwrap();
    config.orders_expected = 10_000;
    Served::start(&config)
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
