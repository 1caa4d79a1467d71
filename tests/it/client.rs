//! The client against a scripted server: what it sends, and what it makes of odd answers.

use super::messages::{cell, command, hold, key, lines, reply_frame};
use super::scripted::{Next, serve, serve_stream};
use onhand::client::{Backoff, ClientError, ConnectOptions, Connection, RetryingClient};
use onhand::types::{LocationId, OrderState, ResultCode, Role, SkuId, TenantId};
use onhand::wire::frame;
use onhand::wire::item::Item;
use onhand::wire::opcode::{self, Opcode};
use onhand::wire::reply::*;
use onhand::wire::request::{OrderCommandItem, Ping, Request};
use onhand::wire::{Frame, reply};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

fn options(address: SocketAddr) -> ConnectOptions {
    ConnectOptions::new(&address.to_string(), "right", "acme")
}

fn connect(address: SocketAddr) -> Connection {
    Connection::connect(&options(address)).unwrap()
}

/// Echoes a ping.
fn echo(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let id = frame.header.request_id;
    put_single(out, Opcode::Ping.reply(), id, &Ping { echo: frame.body });
}

fn accepted() -> ReserveReplyItem {
    ReserveReplyItem {
        code: ResultCode::Ok,
        state: Some(OrderState::Held),
        flags: 0,
        version: 1,
        notes: 0,
        sequence: 9,
        expires_at_ms: 77,
    }
}

#[test]
fn hello_tells_role_and_tenant_and_a_refusal_gives_the_servers_words() {
    let (address, thread) = serve(2, Box::new(|_, _, _| Next::Close));
    let connection = connect(address);
    assert_eq!(connection.hello().role, Role::Connector);
    assert_eq!(connection.hello().tenant, TenantId(2));
    drop(connection);
    let wrong = ConnectOptions {
        token: "wrong".into(),
        ..options(address)
    };
    assert!(
        !format!("{wrong:?}").contains("wrong"),
        "tokens stay secret"
    );
    let error = Connection::connect(&wrong).unwrap_err();
    assert_eq!(error.to_string(), "UNAUTHENTICATED: no such token");
    assert!(!error.is_transient() && error.ends_connection());
    thread.join().unwrap();
}

#[test]
fn pipelined_replies_are_matched_by_request_id_in_any_order() {
    let mut held = Vec::new();
    let script = move |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        held.push((frame.header.request_id, frame.body.to_vec()));
        if held.len() == 3 {
            for (id, body) in held.drain(..).rev() {
                put_single(out, Opcode::Ping.reply(), id, &Ping { echo: &body });
            }
        }
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    let texts: [&[u8]; 3] = [b"one", b"two", b"three"];
    let ids = texts.map(|echo| connection.send(Opcode::Ping, &[Ping { echo }]).unwrap());
    for (id, text) in ids.into_iter().zip(texts) {
        let frame = connection.receive(id).unwrap();
        assert_eq!(frame.reply().unwrap(), Reply::Ping(text));
    }
    drop(connection);
    thread.join().unwrap();
}

#[test]
fn every_order_gets_its_own_notes() {
    let script = |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        let start = frame::begin(out);
        let notes = [2, 0, 1];
        for count in notes {
            let item = ReserveReplyItem {
                notes: count,
                ..accepted()
            };
            item.put(out);
        }
        for (item, line) in [(0, 0), (0, 3), (2, 1)] {
            let note = OrderNote {
                item,
                line,
                kind: NoteKind::Short,
                value: 4,
            };
            note.put(out);
        }
        start.finish(out, Opcode::Reserve.reply(), frame.header.request_id, 3);
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    let lines = lines();
    let answers = connection.reserve(&[hold(&lines); 3]).unwrap();
    let noted: Vec<Vec<(u16, u8)>> = answers
        .iter()
        .map(|answer| answer.notes.iter().map(|n| (n.item, n.line)).collect())
        .collect();
    assert_eq!(noted, [vec![(0, 0), (0, 3)], vec![], vec![(2, 1)]]);
    drop(connection);
    thread.join().unwrap();
}

#[test]
fn too_few_answers_are_an_error_and_no_panic() {
    let script = |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        let opcode = Opcode::Reserve.reply();
        out.extend(reply_frame(opcode, frame.header.request_id, &[accepted()]));
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    let lines = lines();
    let error = connection.reserve(&[hold(&lines); 2]).unwrap_err();
    assert!(matches!(
        error,
        ClientError::UnexpectedReply { opcode: "reserve" }
    ));
    drop(connection);
    thread.join().unwrap();
}

/// Answers a stock query with one cell a frame, so that every entry is cut but the last.
fn one_cell_at_a_time(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let Ok(Request::QueryStock(items)) = Request::decode(frame) else {
        panic!("not a stock query");
    };
    let entries: Vec<(SkuId, LocationId)> = items.map(|item| (item.sku, item.from)).collect();
    let start = frame::begin(out);
    for (sku, from) in &entries {
        let last = LocationId(u16::try_from(sku.0).unwrap());
        let entry = StockEntry {
            code: ResultCode::Ok,
            flags: u8::from(*from < last) * reply::query::CUT,
            sku: *sku,
            sequence: 100 + u64::from(from.0),
            next: LocationId(if *from < last { from.0 + 1 } else { 0 }),
            cells: onhand::wire::Items::decode(&[], 0).unwrap(),
        };
        let mut bytes = Vec::new();
        entry.put(&mut bytes);
        bytes[16] = 1; // one cell follows
        out.extend_from_slice(&bytes);
        let cell = Cell {
            location: *from,
            values: cell(),
        };
        cell.put(out);
    }
    let count = u16::try_from(entries.len()).unwrap();
    start.finish(
        out,
        Opcode::QueryStock.reply(),
        frame.header.request_id,
        count,
    );
}

#[test]
fn cut_stock_answers_are_asked_for_until_they_are_whole() {
    let script = |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        one_cell_at_a_time(frame, out);
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    let answers = connection
        .query_stock(&[SkuId(2), SkuId(0), SkuId(1)])
        .unwrap();
    let found: Vec<(u32, Vec<u16>)> = answers
        .iter()
        .map(|a| {
            (
                a.sku.0,
                a.cells.iter().map(|cell| cell.location.0).collect(),
            )
        })
        .collect();
    assert_eq!(found, [(2, vec![0, 1, 2]), (0, vec![0]), (1, vec![0, 1])]);
    drop(connection);
    thread.join().unwrap();
}

#[test]
fn stock_events_wait_beside_the_replies_and_the_last_value_wins() {
    let script = |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        let event = |sku, sequence, available| StockEvent {
            sku: SkuId(sku),
            sequence,
            available,
            on_hand: 10,
            reserved: 0,
            committed: 0,
        };
        let events = [event(1, 5, 9), event(2, 6, 8), event(1, 7, 3)];
        out.extend(reply_frame(opcode::STOCK_EVENT, 1, &events));
        echo(frame, out);
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    connection.ping(b"x").unwrap();
    let events = connection.next_events(1_000).unwrap();
    let seen: Vec<(u32, u64)> = events.iter().map(|e| (e.sku.0, e.available)).collect();
    assert_eq!(seen, [(1, 3), (2, 8)]);
    assert_eq!(connection.next_events(20).unwrap(), [], "none are left");
    connection.ping(b"still usable").unwrap();
    drop(connection);
    thread.join().unwrap();
}

#[test]
fn after_a_lost_connection_the_very_same_items_are_sent_again() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let script = move |number: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        sender.send(frame.body.to_vec()).unwrap();
        if number == 0 {
            return Next::Close;
        }
        let opcode = Opcode::Reserve.reply();
        out.extend(reply_frame(opcode, frame.header.request_id, &[accepted()]));
        Next::GoOn
    };
    let (address, thread) = serve(2, Box::new(script));
    let backoff = Backoff {
        first_ms: 1,
        longest_ms: 1,
        attempts_max: 3,
    };
    let mut client = RetryingClient::new(options(address), backoff);
    let lines = lines();
    let answers = client.run(|connection| connection.reserve(&[hold(&lines)]));
    assert_eq!(answers.unwrap()[0].item, accepted());
    let (first, second) = (receiver.recv().unwrap(), receiver.recv().unwrap());
    assert_eq!(first, second);
    drop(client);
    thread.join().unwrap();
}

#[test]
fn an_overloaded_server_is_asked_again_on_the_same_connection() {
    let mut asked = 0;
    let script = move |number: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        assert_eq!(number, 0, "the connection is kept");
        asked += 1;
        let id = frame.header.request_id;
        if asked < 3 {
            let error = ErrorReply {
                code: ResultCode::Overloaded,
                retry_after_ms: 1,
                text: "busy",
            };
            error.put_frame(out, id);
        } else {
            echo(frame, out);
        }
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let backoff = Backoff {
        first_ms: 1,
        longest_ms: 2,
        attempts_max: 3,
    };
    let mut client = RetryingClient::new(options(address), backoff);
    client.run(|connection| connection.ping(b"x")).unwrap();
    drop(client);
    thread.join().unwrap();
}

#[test]
fn what_is_final_is_not_tried_again() {
    let mut asked = 0;
    let script = move |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        asked += 1;
        assert_eq!(asked, 1);
        let error = ErrorReply {
            code: ResultCode::ForbiddenRole,
            retry_after_ms: 0,
            text: "confirm needs the role connector",
        };
        error.put_frame(out, frame.header.request_id);
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut client = RetryingClient::new(options(address), Backoff::default());
    let item = OrderCommandItem {
        order: key(),
        key: command(1),
    };
    let error = client.run(|connection| connection.confirm(&[item]));
    let code = ResultCode::ForbiddenRole;
    assert!(matches!(error, Err(ClientError::Server { code: c, .. }) if c == code));
    drop(client);
    thread.join().unwrap();
}

#[test]
fn names_are_asked_for_once_and_unknown_ones_are_named() {
    let mut asked = Vec::new();
    let script = move |_: usize, frame: &Frame<'_>, out: &mut Vec<u8>| {
        let Ok(Request::ResolveSku(names)) = Request::decode(frame) else {
            panic!("not a look-up");
        };
        let replies: Vec<NameReply> = names
            .map(|item| {
                assert!(!asked.contains(&item.name.to_owned()), "asked twice");
                asked.push(item.name.to_owned());
                let known = item.name.len() == 1;
                NameReply {
                    code: [ResultCode::UnknownSku, ResultCode::Ok][usize::from(known)],
                    flags: 0,
                    handle: u32::from(item.name.as_bytes()[0]),
                    sequence: 0,
                }
            })
            .collect();
        out.extend(reply_frame(
            Opcode::ResolveSku.reply(),
            frame.header.request_id,
            &replies,
        ));
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    let handles = connection.skus(&["b", "a", "b"]).unwrap();
    assert_eq!(handles, [SkuId(98), SkuId(97), SkuId(98)]);
    assert_eq!(connection.sku("a").unwrap(), SkuId(97));
    let error = connection.skus(&["c", "missing"]).unwrap_err();
    assert_eq!(error.to_string(), "UNKNOWN_SKU: \"missing\"");
    assert_eq!(
        connection.sku("c").unwrap(),
        SkuId(99),
        "what was found is kept"
    );
    drop(connection);
    thread.join().unwrap();
}

#[test]
fn a_silent_server_and_a_foreign_one_are_errors_in_time() {
    let (address, thread) = serve(1, Box::new(|_, _, _| Next::GoOn));
    let impatient = ConnectOptions {
        timeout_ms: 50,
        ..options(address)
    };
    let mut connection = Connection::connect(&impatient).unwrap();
    let error = connection.ping(b"x").unwrap_err();
    assert!(
        matches!(error, ClientError::TimedOut { timeout_ms: 50 }),
        "{error}"
    );
    drop(connection);
    thread.join().unwrap();

    let script = |_: usize, _: &Frame<'_>, out: &mut Vec<u8>| {
        out.extend_from_slice(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        Next::GoOn
    };
    let (address, thread) = serve(1, Box::new(script));
    let mut connection = connect(address);
    let error = connection.ping(b"x").unwrap_err();
    assert!(matches!(error, ClientError::Frame(_)), "{error}");
    assert!(error.ends_connection());
    drop(connection);
    thread.join().unwrap();
}

#[test]
fn over_tls_the_same_bytes_run_and_an_unknown_authority_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ours = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]);
    let ours = ours.unwrap();
    let certificate = write("cert.pem", &ours.cert.pem());
    let private = write("key.pem", &ours.signing_key.serialize_pem());
    let other = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let stranger = write("other.pem", &other.cert.pem());
    let config = onhand::net::tls::server_config(&certificate, &private).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = rustls::StreamOwned::new(session, stream);
            serve_stream(stream, &mut |frame, out| {
                echo(frame, out);
                Next::GoOn
            });
        }
    });
    let trusting = ConnectOptions {
        ca_file: Some(certificate),
        ..options(address)
    };
    let mut connection = Connection::connect(&trusting).unwrap();
    connection.ping(&[7; 64]).unwrap();
    drop(connection);
    let distrusting = ConnectOptions {
        ca_file: Some(stranger),
        ..options(address)
    };
    let error = Connection::connect(&distrusting).unwrap_err();
    assert!(matches!(error, ClientError::Tls(_)), "{error}");
    assert!(!error.is_transient(), "{error}");
    thread.join().unwrap();

    let empty = ConnectOptions {
        ca_file: Some(write("empty.pem", "")),
        ..options(address)
    };
    let error = Connection::connect(&empty).unwrap_err();
    assert!(!error.is_transient(), "{error}");
}
