//! One session with the server: frames out, frames in, matched by request id.

use super::answers::StockEvents;
use super::error::ClientError;
use super::names::Names;
use super::transport::Transport;
use crate::wire::frame::{HEADER_BYTES, split_frame};
use crate::wire::item::Item;
use crate::wire::opcode::{self, Opcode};
use crate::wire::reply::{HelloReply, Reply};
use crate::wire::request::{self, Hello};
use std::collections::HashMap;
use std::path::PathBuf;

/// Requests are collected up to this many bytes before they are written unasked.
const OUTGOING_BYTES: usize = 256 << 10;
/// How much is read from the socket at once.
const READ_BYTES: usize = 256 << 10;

/// Where the server is, and who we are.
#[derive(Clone)]
pub struct ConnectOptions {
    /// HOST:PORT.
    pub address: String,
    /// Proves who we are; never printed.
    pub token: String,
    /// The tenant to work for.
    pub tenant: String,
    /// What to appear as in the server's log; default `onhand-client`.
    pub client: String,
    /// PEM file with the certificates to trust; with it the connection is TLS, without it plain.
    pub ca_file: Option<PathBuf>,
    /// Name that the server's certificate must have; default: the host of `address`.
    pub server_name: Option<String>,
    /// How long to wait for a connection or an answer, in milliseconds; 0 waits for ever.
    /// Default 10,000.
    pub timeout_ms: u64,
}

impl ConnectOptions {
    /// Options with all defaults: plain TCP.
    #[must_use]
    pub fn new(address: &str, token: &str, tenant: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
            tenant: tenant.to_owned(),
            client: "onhand-client".to_owned(),
            ca_file: None,
            server_name: None,
            timeout_ms: 10_000,
        }
    }

    pub(super) fn server_name(&self) -> &str {
        self.server_name.as_deref().unwrap_or_else(|| {
            let host = self.address.rsplit_once(':').map_or("", |(host, _)| host);
            host.trim_start_matches('[').trim_end_matches(']')
        })
    }
}

/// The token is not printed.
impl std::fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("address", &self.address)
            .field("tenant", &self.tenant)
            .field("client", &self.client)
            .field("ca_file", &self.ca_file)
            .field("timeout_ms", &self.timeout_ms)
            .finish_non_exhaustive()
    }
}

/// One whole reply frame, owned.
#[derive(Clone, Debug)]
pub struct ReplyFrame {
    bytes: Vec<u8>,
}

impl ReplyFrame {
    /// Decodes it in place. An error frame is `Reply::Error` here.
    ///
    /// # Errors
    /// What this client does not understand.
    pub fn reply(&self) -> Result<Reply<'_>, ClientError> {
        match split_frame(&self.bytes).map_err(ClientError::Frame)? {
            Some((frame, _)) => Ok(Reply::decode(&frame)?),
            None => Err(ClientError::Closed),
        }
    }
}

/// One session. Blocking, for one thread; see the module for an example.
///
/// To pipeline, `send` several requests and `receive` their replies by id. Keep the replies in
/// flight well below 8 MiB: the server closes sessions that do not read.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    hello: HelloReply,
    timeout_ms: u64,
    next_request_id: u64,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    consumed: usize,
    /// Replies that came before somebody asked for them: at most what is in flight.
    parked: HashMap<u64, ReplyFrame>,
    pub(super) events: StockEvents,
    pub(super) names: Names,
}

impl Connection {
    /// Connects, shakes hands (TLS with a CA file), and says hello.
    ///
    /// # Errors
    /// No connection, no TLS, or the server's refusal: `UNAUTHENTICATED`, `FORBIDDEN_TENANT`,
    /// `UNSUPPORTED_VERSION`, `OVERLOADED`, `INVALID_NAME`.
    pub fn connect(options: &ConnectOptions) -> Result<Self, ClientError> {
        let mut connection = Self {
            transport: Transport::connect(options)?,
            hello: HelloReply::new(
                0,
                crate::types::TenantId(0),
                0,
                crate::types::Role::ReadOnly,
            ),
            timeout_ms: options.timeout_ms,
            next_request_id: 1,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            consumed: 0,
            parked: HashMap::new(),
            events: StockEvents::default(),
            names: Names::default(),
        };
        let hello = Hello {
            token: &options.token,
            tenant: &options.tenant,
            client: &options.client,
        };
        let id = connection.send(Opcode::Hello, &[hello])?;
        let frame = connection.receive(id)?;
        match answer(&frame)? {
            Reply::Hello(reply) => connection.hello = reply,
            _ => return Err(unexpected(Opcode::Hello)),
        }
        Ok(connection)
    }

    /// What the server said at the start of the session.
    #[must_use]
    pub fn hello(&self) -> &HelloReply {
        &self.hello
    }

    /// Queues a request and returns its id. Written at the next [`Connection::flush`] or
    /// [`Connection::receive`], or when enough is queued.
    ///
    /// # Errors
    /// Too much for one frame (nothing is sent), or a broken connection.
    pub fn send<'a, T: Item<'a>>(
        &mut self,
        opcode: Opcode,
        items: &[T],
    ) -> Result<u64, ClientError> {
        let id = self.next_request_id;
        request::encode(&mut self.outgoing, opcode, id, items)?;
        self.next_request_id += 1;
        if self.outgoing.len() >= OUTGOING_BYTES {
            self.flush()?;
        }
        Ok(id)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// A broken connection.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let written = self.transport.write_all(&self.outgoing);
        self.outgoing.clear();
        written.map_err(|error| ClientError::from_io(error, self.timeout_ms))
    }

    /// Waits for the reply to request `id`; replies to others and stock events are kept.
    ///
    /// # Errors
    /// A broken or closed connection, no reply in time, or an error frame of the server that is
    /// meant for the whole connection.
    pub fn receive(&mut self, id: u64) -> Result<ReplyFrame, ClientError> {
        if let Some(frame) = self.parked.remove(&id) {
            return Ok(frame);
        }
        loop {
            let (found, frame) = self.receive_any()?;
            if found == id {
                return Ok(frame);
            }
            self.parked.insert(found, frame);
        }
    }

    /// Waits for the next reply, whichever it is, and returns it with its request id.
    ///
    /// # Errors
    /// As [`Connection::receive`].
    pub fn receive_any(&mut self) -> Result<(u64, ReplyFrame), ClientError> {
        self.flush()?;
        loop {
            if let Some((id, frame)) = self.take_frame()? {
                return Ok((id, frame));
            }
            self.fill()?;
        }
    }

    /// Waits until a stock event has arrived, or `timeout_ms` have passed.
    ///
    /// # Errors
    /// A broken or closed connection.
    pub fn wait_for_events(&mut self, timeout_ms: u64) -> Result<(), ClientError> {
        self.flush()?;
        let until = crate::clock::monotonic_ns() / 1_000_000 + timeout_ms;
        while self.events.is_empty() {
            if let Some((id, frame)) = self.take_frame()? {
                self.parked.insert(id, frame);
                continue;
            }
            let left_ms = until.saturating_sub(crate::clock::monotonic_ns() / 1_000_000);
            if left_ms == 0 {
                break;
            }
            self.read_timeout(left_ms)?;
            let filled = self.fill();
            self.read_timeout(self.timeout_ms)?;
            match filled {
                Ok(()) | Err(ClientError::TimedOut { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_timeout(&self, timeout_ms: u64) -> Result<(), ClientError> {
        self.transport
            .set_read_timeout_ms(timeout_ms)
            .map_err(ClientError::Connection)
    }

    /// The next reply among the bytes that have arrived; events on the way are kept aside.
    fn take_frame(&mut self) -> Result<Option<(u64, ReplyFrame)>, ClientError> {
        loop {
            let bytes = self.incoming.get(self.consumed..).unwrap_or_default();
            let Some((frame, length)) = split_frame(bytes).map_err(ClientError::Frame)? else {
                return Ok(None);
            };
            let header = frame.header;
            self.consumed += length;
            match header.opcode {
                opcode::STOCK_EVENT => {
                    if let Reply::StockEvents(events) = Reply::decode(&frame)? {
                        self.events.extend(events);
                    }
                }
                // Without a request id it is meant for the connection as a whole.
                opcode::ERROR if header.request_id == 0 => {
                    if let Reply::Error(error) = Reply::decode(&frame)? {
                        return Err(server_error(&error));
                    }
                }
                _ => {
                    let bytes = bytes.get(..length).unwrap_or_default().to_vec();
                    return Ok(Some((header.request_id, ReplyFrame { bytes })));
                }
            }
        }
    }

    /// Reads what has arrived, waiting for at least one byte.
    fn fill(&mut self) -> Result<(), ClientError> {
        self.incoming.drain(..self.consumed);
        self.consumed = 0;
        let filled = self.incoming.len();
        self.incoming
            .resize(filled + READ_BYTES.max(HEADER_BYTES), 0);
        let free = self.incoming.get_mut(filled..).unwrap_or_default();
        let read = loop {
            match self.transport.read(free) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.incoming
            .truncate(filled + read.as_ref().map_or(0, |bytes| *bytes));
        match read {
            Ok(0) => Err(ClientError::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(ClientError::from_io(error, self.timeout_ms)),
        }
    }
}

/// The reply in `frame`; error frames become errors.
pub(super) fn answer(frame: &ReplyFrame) -> Result<Reply<'_>, ClientError> {
    match frame.reply()? {
        Reply::Error(error) => Err(server_error(&error)),
        reply => Ok(reply),
    }
}

pub(super) fn unexpected(opcode: Opcode) -> ClientError {
    ClientError::UnexpectedReply {
        opcode: opcode.name(),
    }
}

fn server_error(error: &crate::wire::reply::ErrorReply<'_>) -> ClientError {
    ClientError::Server {
        code: error.code,
        retry_after_ms: error.retry_after_ms,
        text: error.text.to_owned(),
    }
}
