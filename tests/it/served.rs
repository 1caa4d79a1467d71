//! A server in this process, over real sockets and files, and a client that can misbehave.

use onhand::config::Config;
use onhand::journal::mapped::MappedStorage;
use onhand::journal::storage::Storage;
use onhand::net::Deadlines;
use onhand::server::{Server, ServerError, Stopper};
use onhand::types::{LocationId, OrderKey, ResultCode, SkuId};
use onhand::wire::frame::split_frame;
use onhand::wire::item::Item;
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::reserve::{Line, Lines};
use onhand::wire::request::{
    Hello, LocationDefinition, Receive, ReserveItem, SkuDefinition, encode,
};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long an answer may take before a test gives up: generous, machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; stops cleanly when dropped.
pub struct Served {
    pub address: SocketAddr,
    /// Where metrics are, if the configuration has it.
    pub http: Option<SocketAddr>,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), ServerError>>>,
}

/// A configuration for tests: one shard, small, ports from the system, threads where they like.
pub fn config(data: &Path) -> Config {
    let mut config = Config::default();
    config.data = data.to_owned();
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.http = None;
    config.shards = 1;
    config.pin = false;
    config.segment_bytes = 4 << 20;
    config.orders_expected = 1_000;
    config
}

impl Served {
    /// Starts a server over mapped files.
    pub fn start(config: &Config) -> Self {
        Self::start_with(config, |path| MappedStorage::create(path).map(Arc::new))
    }

    /// Starts a server over another storage.
    pub fn start_with<S: Storage>(
        config: &Config,
        storage: impl Fn(&Path) -> std::io::Result<Arc<S>>,
    ) -> Self {
        Self::around(Server::start_with(config, |_, path| storage(path)).expect("a server"))
    }

    /// Starts a server over mapped files, with deadlines that a test can wait for.
    pub fn start_strict(config: &Config, deadlines: Deadlines) -> Self {
        let storage = |_, path: &Path| MappedStorage::create(path).map(Arc::new);
        Self::around(Server::start_strict(config, deadlines, storage).expect("a server"))
    }

    fn around<S: Storage>(server: Server<S>) -> Self {
        let address = server.address();
        let http = server.http_address();
        let stopper = server.stopper();
        let thread = std::thread::spawn(move || server.wait());
        Self {
            address,
            http,
            stopper,
            thread: Some(thread),
        }
    }

    /// Stops the server and returns what it ended with.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.stopper.stop();
        self.thread
            .take()
            .expect("running")
            .join()
            .expect("no panic")
    }

    /// Waits for the server to end by itself.
    pub fn ended(mut self) -> Result<(), ServerError> {
        self.thread
            .take()
            .expect("running")
            .join()
            .expect("no panic")
    }

    /// A client that has said hello for tenant `acme`.
    pub fn client(&self) -> Raw {
        Raw::hello(self.address, "acme", "")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stopper.stop();
            let _ = thread.join();
        }
    }
}

/// One received frame.
#[derive(Debug, Clone)]
pub struct Received {
    pub request_id: u64,
    bytes: Vec<u8>,
}

impl Received {
    /// The decoded reply.
    pub fn reply(&self) -> Reply<'_> {
        let (frame, _) = split_frame(&self.bytes).unwrap().unwrap();
        Reply::decode(&frame).unwrap()
    }

    /// The code of an error frame.
    #[track_caller]
    pub fn error(&self) -> ResultCode {
        match self.reply() {
            Reply::Error(error) => error.code,
            other => panic!("not an error: {other:?}"),
        }
    }

    /// The codes of a reserve reply.
    #[track_caller]
    pub fn order_codes(&self) -> Vec<ResultCode> {
        match self.reply() {
            Reply::Reserve(reply) => reply.items.map(|item| item.code).collect(),
            other => panic!("not a reserve reply: {other:?}"),
        }
    }
}

/// A connection that sends whatever bytes it is given.
pub struct Raw {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    /// Connects without a word.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Connects and says hello, successfully.
    #[track_caller]
    pub fn hello(address: SocketAddr, tenant: &str, token: &str) -> Self {
        let mut raw = Self::connect(address);
        raw.request(
            Opcode::Hello,
            1,
            &[Hello {
                token,
                tenant,
                client: "test",
            }],
        );
        let reply = raw.receive().expect("an answer to hello");
        assert!(
            matches!(reply.reply(), Reply::Hello(_)),
            "{:?}",
            reply.reply()
        );
        raw
    }

    /// Sends raw bytes. A connection that the server has closed already is not an error here.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Encodes and sends a request.
    pub fn request<'a, T: Item<'a>>(&mut self, opcode: Opcode, request_id: u64, items: &[T]) {
        self.send(&request(opcode, request_id, items));
    }

    /// The next frame; `None` when the server closes.
    pub fn receive(&mut self) -> Option<Received> {
        loop {
            if let Some((frame, length)) = split_frame(&self.buffer).expect("a valid frame") {
                let request_id = frame.header.request_id;
                let bytes = self.buffer.drain(..length).collect();
                return Some(Received { request_id, bytes });
            }
            let mut chunk = [0; 64 << 10];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }

    /// True where nothing can be read for `time`.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut byte = [0];
        let silent = match self.stream.read(&mut byte) {
            Ok(0) => panic!("closed, not silent"),
            Ok(_) => {
                self.buffer.push(byte[0]);
                false
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    /// True where the server sends nothing for `time`; false where it has closed the connection.
    #[track_caller]
    pub fn is_open_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let open = match self.stream.read(&mut [0]) {
            Ok(0) => false,
            Ok(_) => panic!("not silent"),
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        open
    }

    /// Requires an error frame with this code for this request, and that the session goes on.
    #[track_caller]
    pub fn refuses(&mut self, request_id: u64, code: ResultCode) {
        let reply = self.receive().expect("an answer");
        assert_eq!((reply.request_id, reply.error()), (request_id, code));
    }

    /// Requires that the session still answers a ping.
    #[track_caller]
    pub fn is_alive(&mut self) {
        self.request(
            Opcode::Ping,
            0xA11E,
            &[onhand::wire::request::Ping { echo: b"?" }],
        );
        let reply = self.receive().expect("an answer to ping");
        assert_eq!(reply.reply(), Reply::Ping(b"?"));
    }

    /// Requires that the server closed the connection, after at most these frames.
    #[track_caller]
    pub fn is_closed(&mut self) {
        if let Some(frame) = self.receive() {
            panic!("not closed: {:?}", frame.reply());
        }
    }

    /// Defines SKU `shirt` (0) and location `berlin` (0), and receives so many units.
    pub fn stock_up(&mut self, quantity: u32) {
        let sku = SkuDefinition {
            name: "shirt",
            flags: 1,
        };
        self.request(Opcode::DefineSku, 2, &[sku]);
        let location = LocationDefinition {
            name: "berlin",
            priority: 0,
            x: 0,
            y: 0,
        };
        self.request(Opcode::DefineLocation, 3, &[location]);
        let key = onhand::types::CommandKey(u128::MAX);
        let receive = Receive {
            key,
            sku: SkuId(0),
            quantity,
            location: LocationId(0),
        };
        self.request(Opcode::Receive, 4, &[receive]);
        for _ in 0..3 {
            self.receive().expect("an answer");
        }
    }
}

/// The bytes of one request frame.
pub fn request<'a, T: Item<'a>>(opcode: Opcode, request_id: u64, items: &[T]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, opcode, request_id, items).expect("fits a frame");
    out
}

/// One line of SKU 0 anywhere.
pub const ONE: [Line; 1] = [Line {
    sku: SkuId(0),
    quantity: 1,
    location: LocationId::ANY,
}];

/// A plain valid hold of one unit of SKU 0.
pub fn hold(key: u128) -> ReserveItem<'static> {
    ReserveItem {
        key: OrderKey(key),
        customer: 7,
        total: 1_999,
        ttl_ms: 60_000,
        version: 1,
        channel: onhand::types::ChannelId(0),
        currency: 978,
        flags: 0,
        destination: None,
        lines: Lines::new(&ONE),
        details: &[],
    }
}
