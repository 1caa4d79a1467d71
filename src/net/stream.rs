//! A non-blocking connection, plain or TLS, behind one read and one write.

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};

/// Plain bytes that rustls may keep before it takes no more.
const TLS_BUFFER_BYTES_MAX: usize = 256 << 10;

/// One connection.
#[derive(Debug)]
pub enum Stream {
    /// TCP as it is.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream>),
}

/// A TLS connection of the server side.
#[derive(Debug)]
pub struct TlsStream {
    tcp: TcpStream,
    connection: rustls::ServerConnection,
}

impl Stream {
    /// A TLS stream that has not shaken hands yet.
    ///
    /// # Errors
    /// If rustls refuses the configuration.
    pub fn tls(
        tcp: TcpStream,
        config: std::sync::Arc<rustls::ServerConfig>,
    ) -> Result<Self, rustls::Error> {
        let mut connection = rustls::ServerConnection::new(config)?;
        connection.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
        Ok(Self::Tls(Box::new(TlsStream { tcp, connection })))
    }

    /// The socket.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        }
    }

    fn tcp_mut(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &mut tls.tcp,
        }
    }

    /// Registers with a poll loop, edge-triggered.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(
            self.tcp_mut(),
            token,
            Interest::READABLE | Interest::WRITABLE,
        )
    }

    /// Takes the connection out of a poll loop, so that another may have it.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(self.tcp_mut())
    }

    /// Reads into `buffer`; `Ok(0)` is the peer's end.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing now, else what the socket or TLS says.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => retry_interrupted(|| tcp.read(buffer)),
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    /// True where a read that filled less than its buffer leaves nothing behind (plain TCP).
    #[must_use]
    pub fn short_read_drains(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Writes as much of `bytes` as is taken now.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is taken, else what the socket or TLS says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => retry_interrupted(|| tcp.write(bytes)),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    /// Sends what TLS still buffers. True when nothing is left.
    ///
    /// # Errors
    /// What the socket says, other than `WouldBlock`.
    pub fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(_) => Ok(true),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            let received = retry_interrupted(|| self.connection.read_tls(&mut self.tcp))?;
            let state = self.connection.process_new_packets();
            // Alerts and handshake answers go out even if the packet was refused.
            self.flush()?;
            state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if received == 0 {
                return self.connection.reader().read(buffer).or(Ok(0));
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let taken = self.connection.writer().write(bytes)?;
        self.flush()?;
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<bool> {
        while self.connection.wants_write() {
            match retry_interrupted(|| self.connection.write_tls(&mut self.tcp)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn retry_interrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
