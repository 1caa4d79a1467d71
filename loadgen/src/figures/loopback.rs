//! What two threads exchange over the loopback interface without any server: the ceiling of a load
//! that lives on this machine.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use onhand::clock::monotonic_ns;

/// Poll token of the listener; connections use their index.
const LISTENER: Token = Token(usize::MAX);

/// Bytes of each side's shared buffers.
const BUFFER_BYTES: usize = 2 << 20;

/// Requests and replies of fixed sizes, as the frames of a load are.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// Connections.
    pub connections: usize,
    /// Requests that each keeps in flight.
    pub in_flight: usize,
    /// Bytes of a request.
    pub request_bytes: usize,
    /// Bytes of its reply.
    pub reply_bytes: usize,
    /// Orders that such a request would carry.
    pub orders_per_request: usize,
    /// How long to exchange.
    pub seconds: u64,
}

/// What was exchanged.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct LoopbackCeiling {
    /// Orders a second that the requests would have carried.
    pub orders_per_s: f64,
}

impl Exchange {
    /// Exchanges for the given time.
    pub fn measure(&self) -> Result<LoopbackCeiling> {
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let replier = std::thread::spawn({
            let (exchange, stop) = (*self, stop.clone());
            move || exchange.reply(&mut listener, &stop)
        });
        let replies = self.request(address);
        stop.store(true, Ordering::Relaxed);
        replier
            .join()
            .map_err(|_| anyhow!("the replying thread panicked"))??;
        let (replies, seconds) = replies?;
        Ok(LoopbackCeiling {
            orders_per_s: replies as f64 * self.orders_per_request as f64 / seconds,
        })
    }

    /// The requesting side. Returns replies and seconds.
    fn request(&self, address: SocketAddr) -> Result<(usize, f64)> {
        let mut side = Side::new(self.request_bytes)?;
        for index in 0..self.connections {
            let mut peer = Peer::new(TcpStream::connect(address)?);
            peer.owed = self.in_flight;
            side.add(index, peer)?;
        }
        let start_ns = monotonic_ns();
        let end_ns = start_ns + self.seconds * 1_000_000_000;
        let mut replies = 0;
        while monotonic_ns() < end_ns {
            replies += side.step(self.reply_bytes)?;
        }
        Ok((replies, (monotonic_ns() - start_ns) as f64 / 1e9))
    }

    /// The replying side.
    fn reply(&self, listener: &mut TcpListener, stop: &AtomicBool) -> Result<()> {
        let mut side = Side::new(self.reply_bytes)?;
        side.poll
            .registry()
            .register(listener, LISTENER, Interest::READABLE)?;
        let mut accepted = 0;
        while !stop.load(Ordering::Relaxed) {
            side.step(self.request_bytes)?;
            while accepted < self.connections {
                match listener.accept() {
                    Ok((stream, _)) => side.add(accepted, Peer::new(stream))?,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
                accepted += 1;
            }
        }
        Ok(())
    }
}

/// One connection's account.
struct Peer {
    stream: TcpStream,
    /// Bytes received of a message that is not whole yet.
    received: usize,
    /// Whole messages to send.
    owed: usize,
    /// Bytes of the first owed message that are sent.
    sent: usize,
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            received: 0,
            owed: 0,
            sent: 0,
        }
    }
}

/// One thread's connections: every whole message received is answered by one sent.
struct Side {
    poll: Poll,
    events: Events,
    peers: Vec<Peer>,
    send_bytes: usize,
    zeros: Vec<u8>,
    buffer: Vec<u8>,
}

impl Side {
    fn new(send_bytes: usize) -> Result<Self> {
        Ok(Self {
            poll: Poll::new().context("the operating system refuses a poll")?,
            events: Events::with_capacity(256),
            peers: Vec::new(),
            send_bytes,
            zeros: vec![0; BUFFER_BYTES],
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    fn add(&mut self, index: usize, mut peer: Peer) -> Result<()> {
        peer.stream.set_nodelay(true).or_else(pass_quiet)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut peer.stream, Token(index), interest)?;
        self.peers.push(peer);
        Ok(())
    }

    /// Serves every connection that has something; returns the messages received.
    fn step(&mut self, receive_bytes: usize) -> Result<usize> {
        match self
            .poll
            .poll(&mut self.events, Some(Duration::from_millis(20)))
        {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(0),
            result => result?,
        }
        let mut messages = 0;
        for event in &self.events {
            let Token(index) = event.token();
            let Some(peer) = self.peers.get_mut(index) else {
                continue;
            };
            let whole = receive(peer, &mut self.buffer, receive_bytes)?;
            peer.owed += whole;
            messages += whole;
            send(peer, &self.zeros, self.send_bytes)?;
        }
        Ok(messages)
    }
}

/// Reads what is there; returns how many messages became whole.
fn receive(peer: &mut Peer, buffer: &mut [u8], message_bytes: usize) -> Result<usize> {
    let mut whole = 0;
    loop {
        match peer.stream.read(buffer) {
            Ok(0) => return Ok(whole),
            Ok(count) => {
                peer.received += count;
                whole += peer.received / message_bytes;
                peer.received %= message_bytes;
                if count < buffer.len() {
                    return Ok(whole);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return pass_quiet(error).map(|()| whole),
        }
    }
}

/// Sends what is owed, as far as the kernel takes it.
fn send(peer: &mut Peer, zeros: &[u8], message_bytes: usize) -> Result<()> {
    while peer.owed > 0 {
        let bytes = (peer.owed * message_bytes - peer.sent).min(zeros.len());
        match peer.stream.write(zeros.get(..bytes).unwrap_or(zeros)) {
            Ok(count) => {
                peer.sent += count;
                peer.owed -= peer.sent / message_bytes;
                peer.sent %= message_bytes;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return pass_quiet(error),
        }
    }
    Ok(())
}

/// Nothing to do yet, or nobody there any more, is no failure: the exchange ends by its time.
fn pass_quiet(error: std::io::Error) -> Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock
        | ErrorKind::NotConnected
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_exchange_messages_of_any_size() {
        for (request_bytes, reply_bytes) in [(84, 48), (491_424, 196_584)] {
            let exchange = Exchange {
                connections: 4,
                in_flight: 2,
                request_bytes,
                reply_bytes,
                orders_per_request: 10,
                seconds: 1,
            };
            assert!(exchange.measure().unwrap().orders_per_s > 100.0);
        }
    }
}
