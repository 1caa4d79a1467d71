//! Connections that misbehave, and how long the server bears with each.
//!
//! Where a test must wait for a deadline, the server has shorter ones than the product. A
//! connection is counted before its socket is closed, so who sees the end sees the count.

use super::served::{PATIENCE, Raw, Served, config, hold, request};
use onhand::clock;
use onhand::limits;
use onhand::net::Deadlines;
use onhand::types::{LocationId, ResultCode, SkuId};
use onhand::wire::frame::begin;
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::{Hello, Ping, Statistics, StockQueryItem};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// A deadline that a test waits for.
const SHORT_MS: u64 = 300;

/// How long a trickling client waits between two bytes.
const TRICKLE: Duration = Duration::from_millis(20);

/// A server with metrics.
fn serve(deadlines: Deadlines) -> (Served, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.http = Some("127.0.0.1:0".parse().unwrap());
    (Served::start_strict(&config, deadlines), directory)
}

/// What `/metrics` says of one counter of one reason; 0 where it was never counted.
fn count(server: &Served, metric: &str, reason: &str) -> u64 {
    let mut http = TcpStream::connect(server.http.expect("metrics")).unwrap();
    http.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    http.read_to_string(&mut page).unwrap();
    let series = format!("{metric}{{reason=\"{reason}\"}} ");
    page.lines()
        .find_map(|line| line.strip_prefix(&series))
        .map_or(0, |value| value.parse().unwrap())
}

const CLOSED: &str = "onhand_connections_closed_total";
const REFUSED: &str = "onhand_connections_refused_total";

/// The first bytes of a frame that announces the largest size.
fn endless(opcode: Opcode) -> Vec<u8> {
    let mut out = Vec::new();
    let start = begin(&mut out);
    out.resize(limits::FRAME_BYTES_MAX, 0);
    start.finish(&mut out, opcode as u8, 5, 1);
    out
}

/// Sends byte after byte until the server closes. Returns whether any byte came back before.
fn trickle(client: &mut Raw, bytes: &[u8]) -> bool {
    client.stream.set_read_timeout(Some(TRICKLE)).unwrap();
    let mut answered = false;
    for byte in bytes {
        client.send(&[*byte]);
        match client.stream.read(&mut [0; 64]) {
            Ok(0) => return answered,
            Ok(_) => answered = true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return answered,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the server bears with it for ever");
}

#[test]
fn a_hello_that_comes_byte_by_byte_is_cut_off_at_its_deadline() {
    let (server, _directory) = serve(Deadlines {
        hello_ms: SHORT_MS,
        ..Deadlines::default()
    });
    let before = count(&server, REFUSED, "timeout");
    let mut client = Raw::connect(server.address);
    assert!(!trickle(&mut client, &endless(Opcode::Hello)));
    assert!(count(&server, REFUSED, "timeout") > before);
    server.client().is_alive();
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_cut_off_at_its_deadline() {
    let (server, _directory) = serve(Deadlines {
        frame_ms: SHORT_MS,
        ..Deadlines::default()
    });
    let before = count(&server, CLOSED, "slow_frame");
    let mut other = server.client();
    let mut client = server.client();
    assert!(!trickle(&mut client, &endless(Opcode::Reserve)));
    assert!(count(&server, CLOSED, "slow_frame") > before);
    other.is_alive();
}

#[test]
fn whole_frames_that_come_byte_by_byte_are_answered() {
    let (server, _directory) = serve(Deadlines::default());
    let mut client = server.client();
    for byte in request(Opcode::Ping, 7, &[Ping { echo: b"slow" }]) {
        client.stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(client.receive().unwrap().reply(), Reply::Ping(b"slow"));
}

/// A question whose answer is about 256 KiB.
fn big_question(request_id: u64) -> Vec<u8> {
    let item = StockQueryItem {
        sku: SkuId(0),
        from: LocationId(0),
    };
    request(
        Opcode::QueryStock,
        request_id,
        &vec![item; limits::QUERY_ITEMS_MAX],
    )
}

/// A client whose socket holds little.
fn narrow(server: &Served) -> Raw {
    let client = server.client();
    socket2::SockRef::from(&client.stream)
        .set_recv_buffer_size(4 << 10)
        .unwrap();
    client
}

/// Counts are the process's: one test at a time waits for a slow reader.
static SLOW_READERS: Mutex<()> = Mutex::new(());

/// Serves another session until one more slow reader was closed.
#[track_caller]
fn serve_until_slow_reader_closed(server: &Served, other: &mut Raw, before: u64) {
    let start_ns = clock::monotonic_ns();
    while count(server, CLOSED, "slow_reader") == before {
        other.is_alive();
        let waited_ns = clock::monotonic_ns() - start_ns;
        assert!(u128::from(waited_ns) < PATIENCE.as_nanos(), "still open");
    }
}

/// Reads to the end: the answers are those of the first questions, in order, without a gap.
fn read_to_the_end(client: &mut Raw) -> u64 {
    let mut next = 0;
    while let Some(frame) = client.receive() {
        assert_eq!(frame.request_id, next, "an answer is missing");
        next += 1;
    }
    next
}

#[test]
fn a_client_that_asks_much_and_reads_nothing_is_closed_while_others_are_served() {
    let _alone = SLOW_READERS.lock().unwrap_or_else(PoisonError::into_inner);
    // By its bound of bytes, long before any deadline.
    let (server, _directory) = serve(Deadlines {
        slow_reader_ms: 1_000_000,
        ..Deadlines::default()
    });
    let before = count(&server, CLOSED, "slow_reader");
    let mut other = server.client();
    other.stock_up(10);
    let mut client = server.client();
    // Far more than sockets and the bound of a session hold together.
    let questions = 200;
    for id in 0..questions {
        client.send(&big_question(id));
        if id % 20 == 0 {
            other.is_alive();
        }
    }
    serve_until_slow_reader_closed(&server, &mut other, before);
    assert!(read_to_the_end(&mut client) < questions);
    other.is_alive();
}

#[test]
fn a_client_that_stops_reading_is_closed_at_its_deadline() {
    let _alone = SLOW_READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let (server, _directory) = serve(Deadlines {
        slow_reader_ms: SHORT_MS,
        ..Deadlines::default()
    });
    let before = count(&server, CLOSED, "slow_reader");
    let mut other = server.client();
    other.stock_up(10);
    let mut client = narrow(&server);
    // More than the sockets hold, less than the bound of a session.
    let questions = 30;
    for id in 0..questions {
        client.send(&big_question(id));
    }
    serve_until_slow_reader_closed(&server, &mut other, before);
}

#[test]
fn a_client_that_leaves_in_mid_frame_changes_nothing_and_is_counted() {
    let (server, _directory) = serve(Deadlines::default());
    let mut other = server.client();
    other.stock_up(10);
    let before = count(&server, CLOSED, "peer");
    let mut client = server.client();
    let frame = request(Opcode::Reserve, 5, &[hold(1)]);
    client.send(&frame[..frame.len() - 1]);
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    client.is_closed();
    assert!(count(&server, CLOSED, "peer") > before);
    assert_eq!(statistic(&mut other, "orders"), 0);
}

#[test]
fn an_idle_session_is_closed_and_one_that_pings_stays() {
    let (server, _directory) = serve(Deadlines {
        idle_ms: 1_000,
        ..Deadlines::default()
    });
    let before = count(&server, CLOSED, "idle");
    let mut idle = server.client();
    let mut pinging = server.client();
    while idle.is_open_for(Duration::from_millis(50)) {
        pinging.is_alive();
    }
    assert!(count(&server, CLOSED, "idle") > before);
    pinging.is_alive();
}

#[test]
fn one_connection_too_many_is_told_to_come_again_and_may_when_another_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.connections_max = 2;
    let server = Served::start(&config);
    let (mut first, mut second) = (server.client(), server.client());
    let mut third = Raw::connect(server.address);
    let reply = third.receive().expect("a word before the end");
    match reply.reply() {
        Reply::Error(error) => {
            assert_eq!(error.code, ResultCode::Overloaded);
            assert!(error.retry_after_ms > 0, "a hint");
        }
        other => panic!("{other:?}"),
    }
    third.is_closed();
    first.is_alive();
    second.is_alive();
    first.stream.shutdown(std::net::Shutdown::Write).unwrap();
    first.is_closed();
    // Its place is free a moment after its end is seen.
    loop {
        let mut again = Raw::connect(server.address);
        let hello = Hello {
            token: "",
            tenant: "acme",
            client: "",
        };
        again.request(Opcode::Hello, 1, &[hello]);
        let reply = again.receive().expect("an answer");
        if matches!(reply.reply(), Reply::Hello(_)) {
            return;
        }
        assert_eq!(reply.error(), ResultCode::Overloaded);
    }
}

#[test]
fn a_connection_without_hello_is_told_of_the_shutdown() {
    let directory = tempfile::tempdir().unwrap();
    let server = Served::start(&config(directory.path()));
    let mut newcomer = Raw::connect(server.address);
    // Connections are accepted in order: with this one, the newcomer is in.
    let mut client = server.client();
    server.stop().unwrap();
    newcomer.refuses(0, ResultCode::ShuttingDown);
    newcomer.is_closed();
    client.is_closed();
}

#[test]
fn pipelined_frames_are_answered_in_order_the_hello_among_them() {
    let (server, _directory) = serve(Deadlines::default());
    server.client().stock_up(100);
    let mut client = Raw::connect(server.address);
    let hello = Hello {
        token: "",
        tenant: "acme",
        client: "pipeline",
    };
    let mut bytes = request(Opcode::Hello, 0, &[hello]);
    let last = 600;
    for id in 1..=last {
        bytes.extend(match id % 3 {
            0 => request(Opcode::Ping, id, &[Ping { echo: b"" }]),
            1 => request(Opcode::Reserve, id, &[hold(u128::from(id))]),
            _ => request(Opcode::Statistics, id, &[Statistics::default()]),
        });
    }
    client.stream.write_all(&bytes).unwrap();
    let mut accepted = 0;
    for id in 0..=last {
        let reply = client.receive().expect("an answer");
        assert_eq!(reply.request_id, id);
        if id % 3 == 1 && reply.order_codes() == [ResultCode::Ok] {
            accepted += 1;
        }
    }
    assert_eq!(accepted, 100, "as many as there were units");
}

/// One counter of the session's shard.
fn statistic(client: &mut Raw, name: &str) -> u64 {
    client.request(Opcode::Statistics, 77, &[Statistics::default()]);
    match client.receive().unwrap().reply() {
        Reply::Statistics(mut statistics) => {
            let found = statistics.values.find(|value| value.name == name);
            found.expect("a known counter").value
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn tenants_on_two_shards_are_served_and_their_orders_stay_in_their_shards() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.shards = 2;
    config.tenants = [("acme".to_owned(), 0), ("globex".to_owned(), 1)].into();
    let server = Served::start(&config);
    let tenants = [
        ("acme", 0xACE0_ACE1_ACE2_ACE3_u128, 1),
        ("globex", 0x610B, 2),
    ];
    let mut clients = tenants.map(|(tenant, first, orders)| {
        let mut client = Raw::hello(server.address, tenant, "");
        client.stock_up(10);
        for key in first..first + orders {
            client.request(Opcode::Reserve, 5, &[hold(key)]);
            assert_eq!(client.receive().unwrap().order_codes(), [ResultCode::Ok]);
        }
        client
    });
    for (client, (tenant, _, orders)) in clients.iter_mut().zip(tenants) {
        assert_eq!(u128::from(statistic(client, "orders")), orders, "{tenant}");
    }
    drop(clients);
    server.stop().unwrap();
    let key = tenants[0].1.to_le_bytes();
    assert!(shard_names(directory.path(), 0, &key));
    assert!(!shard_names(directory.path(), 1, &key));
}

/// Whether any journal file of a shard has these bytes.
fn shard_names(data: &std::path::Path, shard: u16, bytes: &[u8]) -> bool {
    let path = onhand::server::data_dir::shard_path(data, shard);
    std::fs::read_dir(path).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.is_file()
            && std::fs::read(path)
                .unwrap()
                .windows(bytes.len())
                .any(|window| window == bytes)
    })
}
