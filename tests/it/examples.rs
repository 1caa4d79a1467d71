//! The clients that `docs/examples` gives to strangers work against a real server, and the server
//! understands every request that `docs/PROTOCOL.md` shows.

mod programs;

use super::messages::{command, examples, hold, key, lines};
use super::process::onhand;
use super::protocol::whole_frame;
use onhand::client::{ConnectOptions, Connection};
use onhand::types::{OrderState, ResultCode, Role};
use onhand::wire::frame::{self, split_frame};
use onhand::wire::item::Item;
use onhand::wire::opcode::{ERROR, Opcode};
use onhand::wire::reply::{REPLAYED, Reply};
use onhand::wire::request::{Hello, Line, Lines, LinesCommand, OrderCommandItem};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[allow(dead_code)] // its `main` is for people
#[path = "../../docs/examples/rust_client.rs"]
mod rust_client;

/// A server process on a port of the operating system's choice, until dropped.
struct Server {
    process: Child,
    directory: tempfile::TempDir,
    address: String,
}

impl Server {
    /// Starts one in a fresh directory; `prepare` may put files there and return more flags.
    fn start(prepare: impl FnOnce(&std::path::Path) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let flags = prepare(directory.path());
        let mut process = onhand()
            .arg("serve")
            .arg("--data")
            .arg(directory.path().join("data"))
            .args(["--listen", "127.0.0.1:0", "--http", "off"])
            .args(["--shards", "1", "--segment-bytes", "16777216"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        let address = ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix("tcp="))
            .unwrap_or_else(|| panic!("not ready: {ready:?}"))
            .to_owned();
        Self {
            process,
            directory,
            address,
        }
    }

    fn plain() -> Self {
        Self::start(|_| Vec::new())
    }

    /// With a certificate for 127.0.0.1; returns where it lies, too.
    fn with_tls() -> (Self, PathBuf) {
        let server = Self::start(|directory| {
            let names = vec!["127.0.0.1".to_owned()];
            let pair = rcgen::generate_simple_self_signed(names).unwrap();
            let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
            std::fs::write(&cert, pair.cert.pem()).unwrap();
            std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
            let path = |path: PathBuf| path.to_str().unwrap().to_owned();
            vec![
                "--tls-cert".into(),
                path(cert),
                "--tls-key".into(),
                path(key),
            ]
        });
        let ca_file = server.directory.path().join("cert.pem");
        (server, ca_file)
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions::new(&self.address, "", "acme")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the Python tour prints.
fn python_tour(server: &Server, ca_file: Option<&PathBuf>) -> String {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/examples/onhand_client.py"
    );
    let output = Command::new("python3")
        .args(["-B", page, &server.address, "", "acme"])
        .args(ca_file)
        .output()
        .expect("python3 is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const TOUR: [&str; 5] = [
    "received: code 0, on hand 10",
    "reserved: code 0, HELD, replayed False",
    "reserved: code 0, HELD, replayed True",
    "confirmed: code 0, CONFIRMED",
    "stock: on hand 10, committed 2, available 8",
];

#[test]
fn the_python_client_takes_an_order_once_and_confirms_it() {
    let said = python_tour(&Server::plain(), None);
    for line in TOUR {
        assert!(said.contains(line), "no {line:?} in:\n{said}");
    }
}

#[test]
fn the_python_client_speaks_tls() {
    let (server, ca_file) = Server::with_tls();
    let said = python_tour(&server, Some(&ca_file));
    assert!(said.contains(TOUR[4]), "{said}");
}

#[test]
fn the_rust_client_takes_an_order_once_and_confirms_it() {
    let (server, ca_file) = Server::with_tls();
    let mut options = server.options();
    options.ca_file = Some(ca_file);
    rust_client::tour(options.clone()).unwrap();
    let mut connection = Connection::connect(&options).unwrap();
    let sku = connection.sku("shirt-m").unwrap();
    let stock = connection.query_stock(&[sku]).unwrap();
    let values = stock[0].cells[0].values;
    assert_eq!(
        (values.on_hand, values.committed, values.available),
        (10, 2, 8)
    );
}

#[test]
fn every_request_of_the_page_gets_a_reply_of_its_kind() {
    let server = Server::plain();
    let mut stream = connect(&server);
    for example in examples() {
        if !example.name.starts_with("request") {
            continue;
        }
        stream.write_all(&example.bytes).unwrap();
        let sent = whole_frame(&example.bytes).header;
        let reply = loop {
            let bytes = read_frame(&mut stream);
            let header = whole_frame(&bytes).header;
            // A subscription's events come between the replies.
            if header.request_id == sent.request_id && header.opcode == sent.opcode | 0x80 {
                break bytes;
            }
            assert_ne!(header.opcode, ERROR, "{}", example.name);
        };
        Reply::decode(&whole_frame(&reply)).unwrap();
    }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 24];
    stream.read_exact(&mut bytes).unwrap();
    let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    bytes.resize(length, 0);
    stream.read_exact(&mut bytes[24..]).unwrap();
    bytes
}

fn send(stream: &mut TcpStream, opcode: u8, count: u16, body: &[u8]) {
    let mut bytes = Vec::new();
    let start = frame::begin(&mut bytes);
    bytes.extend_from_slice(body);
    start.finish(&mut bytes, opcode, 9, count);
    stream.write_all(&bytes).unwrap();
}

fn error_code(stream: &mut TcpStream) -> ResultCode {
    let bytes = read_frame(stream);
    match Reply::decode(&whole_frame(&bytes)).unwrap() {
        Reply::Error(error) => error.code,
        other => panic!("not an error: {other:?}"),
    }
}

fn say_hello(stream: &mut TcpStream) {
    let hello = Hello {
        token: "",
        tenant: "acme",
        client: "test",
    };
    let mut body = Vec::new();
    hello.put(&mut body);
    send(stream, Opcode::Hello as u8, 1, &body);
    let bytes = read_frame(stream);
    let reply = Reply::decode(&whole_frame(&bytes)).unwrap();
    assert!(matches!(reply, Reply::Hello(hello) if hello.role == Role::Admin));
}

#[test]
fn malformed_frames_get_their_code_and_the_connection_goes_on() {
    let server = Server::plain();
    let mut stream = connect(&server);
    say_hello(&mut stream);
    for (opcode, count, body, code) in [
        (0x7E, 1, &b""[..], ResultCode::UnknownOpcode),
        (Opcode::Hello as u8, 1, b"", ResultCode::HelloRepeated),
        (
            Opcode::Reserve as u8,
            1,
            b"short",
            ResultCode::MalformedBody,
        ),
        (Opcode::Reserve as u8, 8_191, b"", ResultCode::TooManyItems),
        (
            Opcode::QueryStock as u8,
            4_097,
            b"",
            ResultCode::TooManyItems,
        ),
    ] {
        send(&mut stream, opcode, count, body);
        assert_eq!(error_code(&mut stream), code, "opcode {opcode:02x}");
    }
    send(&mut stream, Opcode::Ping as u8, 1, b"alive");
    assert_eq!(whole_frame(&read_frame(&mut stream)).body, b"alive");
}

#[test]
fn lost_framing_gets_its_code_and_a_close() {
    let server = Server::plain();
    let ping = |length: u32, magic: u16, version: u8, sum: u8| {
        let mut bytes = Vec::new();
        frame::begin(&mut bytes).finish(&mut bytes, Opcode::Ping as u8, 9, 1);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..6].copy_from_slice(&magic.to_le_bytes());
        bytes[6] = version;
        bytes[20] ^= sum;
        bytes
    };
    for (bytes, code) in [
        (ping(24, 0x484F, 1, 1), ResultCode::BadChecksum),
        (ping(24, 0x4F48, 1, 0), ResultCode::BadMagic),
        (ping(24, 0x484F, 2, 0), ResultCode::UnsupportedVersion),
        (ping(0, 0x484F, 1, 0), ResultCode::FrameTooShort),
        (ping(u32::MAX, 0x484F, 1, 0), ResultCode::FrameTooLarge),
    ] {
        for after_hello in [false, true] {
            let mut stream = connect(&server);
            if after_hello {
                say_hello(&mut stream);
            }
            stream.write_all(&bytes).unwrap();
            assert_eq!(error_code(&mut stream), code, "after hello: {after_hello}");
            let mut rest = Vec::new();
            // A reset is a close, too.
            let _ = stream.read_to_end(&mut rest);
            assert_eq!(split_frame(&rest), Ok(None), "nothing follows");
        }
    }
    let mut stream = connect(&server);
    send(&mut stream, Opcode::Ping as u8, 1, b"");
    assert_eq!(error_code(&mut stream), ResultCode::HelloRequired);
}

#[test]
fn a_shipment_sent_twice_ships_once() {
    let server = Server::plain();
    let mut connection = Connection::connect(&server.options()).unwrap();
    prepare_stock(&mut connection);
    let order = lines();
    let taken = connection.reserve(&[hold(&order[..1])]).unwrap();
    assert_eq!(taken[0].item.state, Some(OrderState::Held));
    let confirm = OrderCommandItem {
        order: key(),
        key: command(0x51),
    };
    assert_eq!(
        connection.confirm(&[confirm]).unwrap()[0].code,
        ResultCode::Ok
    );
    let units = [Line {
        quantity: 1,
        ..order[0]
    }; 2];
    let ship = LinesCommand {
        order: key(),
        key: command(0x52),
        disposition: 0,
        lines: Lines::new(&units),
    };
    let answer = connection.ship(&ship).unwrap();
    assert_eq!(
        (answer.code, answer.state),
        (ResultCode::Ok, Some(OrderState::Shipped))
    );
    let again = connection.ship(&ship).unwrap();
    assert_eq!((again.code, again.flags), (ResultCode::Ok, REPLAYED));
}

fn prepare_stock(connection: &mut Connection) {
    use onhand::wire::request::{LocationDefinition, Receive, SkuDefinition};
    let sku = SkuDefinition {
        name: "shirt-m",
        flags: 1,
    };
    let berlin = LocationDefinition {
        name: "berlin",
        priority: 0,
        x: 0,
        y: 0,
    };
    connection.define_skus(&[sku]).unwrap();
    connection.define_locations(&[berlin]).unwrap();
    let arrival = Receive {
        key: command(0x50),
        sku: connection.sku("shirt-m").unwrap(),
        quantity: 10,
        location: connection.location("berlin").unwrap(),
    };
    let booked = connection.receive_stock(&[arrival]).unwrap();
    assert_eq!(booked[0].code, ResultCode::Ok);
}
