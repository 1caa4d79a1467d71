//! One connection of a swarm: a socket, bytes waiting to go out, and a frame still coming in.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;

use super::Disconnect;
use crate::limits::FRAME_BYTES_MAX;
use crate::types::ResultCode;
use crate::wire::frame::{Frame, HEADER_BYTES, split_frame};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No socket.
    Closed,
    /// The handshake of TCP is under way.
    Connecting,
    /// Hello is on its way; no answer yet.
    Greeting,
    /// Requests may be sent.
    Open,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    pub stage: Stage,
    /// In the swarm's list of connections to call `ready` for.
    pub marked: bool,
    stream: Option<TcpStream>,
    /// Bytes to send; those before `sent` are with the kernel already.
    out: Vec<u8>,
    sent: usize,
    /// Start of a frame whose rest has not arrived: `partial[..filled]` of `expected` bytes, so
    /// that reading fills it exactly. The vector only grows.
    partial: Vec<u8>,
    filled: usize,
    expected: usize,
}

impl Connection {
    pub(super) fn closed() -> Self {
        Self {
            stage: Stage::Closed,
            marked: false,
            stream: None,
            out: Vec::new(),
            sent: 0,
            partial: Vec::new(),
            filled: 0,
            expected: 0,
        }
    }

    /// Starts to connect, with `hello` first in the bytes to send.
    pub(super) fn start(&mut self, address: SocketAddr, hello: &[u8]) -> std::io::Result<()> {
        let stream = TcpStream::connect(address)?;
        self.close();
        self.stream = Some(stream);
        self.stage = Stage::Connecting;
        self.out.extend_from_slice(hello);
        Ok(())
    }

    /// Drops the socket and everything that was waiting.
    pub(super) fn close(&mut self) {
        self.stream = None;
        self.stage = Stage::Closed;
        self.out.clear();
        self.sent = 0;
        self.filled = 0;
    }

    pub(super) fn stream(&mut self) -> Option<&mut TcpStream> {
        self.stream.as_mut()
    }

    /// Where new requests are appended.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes that the kernel has not taken yet.
    pub(super) fn backlog_bytes(&self) -> usize {
        self.out.len() - self.sent
    }

    /// True once the TCP handshake is done; an error where it failed.
    pub(super) fn check_connected(&mut self) -> Result<bool, Disconnect> {
        let Some(stream) = &self.stream else {
            return Ok(false);
        };
        if let Some(error) = stream.take_error()? {
            return Err(error.into());
        }
        match stream.peer_addr() {
            Ok(_) => {
                // Requests are written whole, so waiting for more bytes could only cost time.
                stream.set_nodelay(true)?;
                self.stage = Stage::Greeting;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends what the kernel takes now.
    pub(super) fn flush(&mut self) -> Result<(), Disconnect> {
        if matches!(self.stage, Stage::Closed | Stage::Connecting) {
            return Ok(());
        }
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(0) => return Err(Disconnect::Closed),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Reads until the socket is empty and hands every whole frame to `on_frame`, which may end
    /// the connection. `buffer` is shared by all connections and at least a frame long; `closing`
    /// is true where the poll has seen the end of the stream already.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        closing: bool,
        mut on_frame: impl FnMut(&mut Stage, &Frame<'_>) -> Result<(), Disconnect>,
    ) -> Result<(), Disconnect> {
        loop {
            let Some(stream) = &mut self.stream else {
                return Ok(());
            };
            let resumed = self.filled > 0;
            let space = if resumed {
                self.partial.get_mut(self.filled..self.expected)
            } else {
                Some(&mut *buffer)
            };
            let Some(space) = space.filter(|space| !space.is_empty()) else {
                return Err(Disconnect::Framing(ResultCode::FrameTooLarge));
            };
            let room = space.len();
            let count = match stream.read(space) {
                Ok(0) => return Err(Disconnect::Closed),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let end = self.filled + count;
            let received = if resumed {
                self.partial.as_slice()
            } else {
                &*buffer
            };
            let mut rest = received.get(..end).unwrap_or_default();
            while let Some((frame, length)) = split_frame(rest)? {
                on_frame(&mut self.stage, &frame)?;
                rest = rest.get(length..).unwrap_or_default();
            }
            let (left, expected) = (rest.len(), announced_length(rest));
            if resumed {
                self.partial.copy_within(end - left..end, 0);
            } else if left > 0 {
                self.grow_partial(left);
                if let Some(place) = self.partial.get_mut(..left) {
                    place.copy_from_slice(buffer.get(end - left..end).unwrap_or_default());
                }
            }
            self.grow_partial(expected);
            self.filled = left;
            self.expected = expected;
            // A stream socket that gave less than there was room for is empty (epoll(7)), but the
            // end of the stream may wait behind the bytes and would not be announced again.
            if count < room && !closing {
                return Ok(());
            }
        }
    }

    fn grow_partial(&mut self, length: usize) {
        if self.partial.len() < length {
            self.partial.resize(length, 0);
        }
    }
}

/// Length of the frame that starts here, or of a header while less than its first field is here.
/// `split_frame` has refused impossible lengths as soon as it could see them; until then a length
/// beyond the bound counts as the bound.
fn announced_length(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(HEADER_BYTES, |field| {
        (u32::from_le_bytes(*field) as usize).clamp(HEADER_BYTES, FRAME_BYTES_MAX)
    })
}
