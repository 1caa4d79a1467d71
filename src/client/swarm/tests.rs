//! The swarm against a small server in a thread: it greets, and answers each ping with its bytes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;
use crate::types::{Role, TenantId};
use crate::wire::reply::{self, ErrorReply, HelloReply};
use crate::wire::request::{Ping, Request};
use crate::wire::{frame, split_frame};

/// Longest wait of a test for something that should happen at once.
const PATIENCE_MS: u64 = 20_000;

/// How the test server treats its connections.
#[derive(Clone, Copy)]
struct Manners {
    /// Closes a connection after this many pings.
    pings_max: usize,
    /// Sends this many bytes at a time, to cut frames anywhere.
    chunk_bytes: usize,
    /// Refuses every hello.
    refuse: bool,
}

const POLITE: Manners = Manners {
    pings_max: usize::MAX,
    chunk_bytes: usize::MAX,
    refuse: false,
};

/// Serves `connections` connections, one after the other thread each, until they close.
fn server(connections: usize, manners: Manners) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let all = std::thread::spawn(move || {
        let threads: Vec<_> = (0..connections)
            .map(|_| listener.accept().unwrap().0)
            .map(|stream| std::thread::spawn(move || serve(stream, manners)))
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    (address, all)
}

fn serve(mut stream: TcpStream, manners: Manners) {
    stream.set_nodelay(true).unwrap();
    let (mut bytes, mut pings) = (Vec::new(), 0);
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        let (mut used, mut out) = (0, Vec::new());
        while let Some((request, length)) = split_frame(&bytes[used..]).unwrap() {
            used += length;
            answer(&request, manners, &mut pings, &mut out);
        }
        bytes.drain(..used);
        for chunk in out.chunks(manners.chunk_bytes) {
            if stream.write_all(chunk).is_err() {
                return;
            }
        }
        if pings >= manners.pings_max {
            return;
        }
    }
}

fn answer(request: &Frame<'_>, manners: Manners, pings: &mut usize, out: &mut Vec<u8>) {
    let id = request.header.request_id;
    match Request::decode(request).unwrap() {
        Request::Hello(hello) if manners.refuse => {
            let text = hello.tenant;
            ErrorReply {
                code: ResultCode::ForbiddenTenant,
                retry_after_ms: 0,
                text,
            }
            .put_frame(out, id);
        }
        Request::Hello(_) => {
            let hello = HelloReply::new(1, TenantId(0), 0, Role::Admin);
            reply::put_single(out, Opcode::Hello.reply(), id, &hello);
        }
        Request::Ping(Ping { echo }) => {
            *pings += 1;
            let start = frame::begin(out);
            out.extend_from_slice(echo);
            start.finish(out, Opcode::Ping.reply(), id, 1);
        }
        other => panic!("not expected here: {other:?}"),
    }
}

fn swarm(connections: usize) -> Swarm {
    Swarm::new(&SwarmOptions {
        connections,
        tenant: "shop".into(),
        token: String::new(),
        client: "test".into(),
    })
    .unwrap()
}

/// Keeps `in_flight` pings in flight on every connection, `each` of them in all.
struct Pinger {
    in_flight: usize,
    each: usize,
    sent: Vec<usize>,
    answered: Vec<usize>,
    ended: Vec<String>,
}

impl Pinger {
    fn new(connections: usize, in_flight: usize, each: usize) -> Self {
        let (sent, answered) = (vec![0; connections], vec![0; connections]);
        Self {
            in_flight,
            each,
            sent,
            answered,
            ended: Vec::new(),
        }
    }

    fn echo(connection: usize, number: usize) -> [u8; 16] {
        let [mut bytes, tail] = [[0; 16], [7; 16]];
        bytes[..8].copy_from_slice(&(connection as u64).to_le_bytes());
        bytes[8..].copy_from_slice(&(number as u64).to_le_bytes());
        bytes
            .iter_mut()
            .zip(tail)
            .for_each(|(byte, mask)| *byte ^= mask);
        bytes
    }

    fn all_answered(&self) -> bool {
        self.answered.iter().all(|&count| count == self.each)
    }
}

impl Driver for Pinger {
    fn ready(&mut self, connection: usize, _now_ns: u64, out: &mut Vec<u8>) {
        while self.sent[connection] < self.each
            && self.sent[connection] - self.answered[connection] < self.in_flight
        {
            let echo = Self::echo(connection, self.sent[connection]);
            let id = self.sent[connection] as u64;
            request::encode(out, Opcode::Ping, id, &[Ping { echo: &echo }]).unwrap();
            self.sent[connection] += 1;
        }
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, received_ns: u64) {
        let number = self.answered[connection];
        assert_eq!(frame.header.request_id, number as u64, "replies in order");
        assert_eq!(
            frame.body,
            Self::echo(connection, number),
            "each on its own connection"
        );
        assert!(received_ns <= monotonic_ns());
        self.answered[connection] += 1;
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        self.ended.push(format!("{connection}: {reason}"));
    }
}

/// Steps until `done`.
fn run<D: Driver>(swarm: &mut Swarm, driver: &mut D, done: impl Fn(&D) -> bool) {
    let end_ns = monotonic_ns() + PATIENCE_MS * 1_000_000;
    while !done(driver) {
        assert!(monotonic_ns() < end_ns, "not done in time");
        swarm.step(driver, Duration::from_millis(100)).unwrap();
    }
}

#[test]
fn every_request_of_many_pipelined_connections_is_answered_in_order() {
    let (address, server) = server(50, POLITE);
    let (mut swarm, mut pinger) = (swarm(50), Pinger::new(50, 16, 300));
    swarm.greet_all(address, PATIENCE_MS, &mut pinger).unwrap();
    assert_eq!(swarm.open(), 50);
    run(&mut swarm, &mut pinger, Pinger::all_answered);
    assert!(pinger.ended.is_empty());
    swarm.close_all();
    server.join().unwrap();
}

#[test]
fn frames_cut_anywhere_arrive_whole() {
    for chunk_bytes in [1, 3, 23, 41, 100] {
        let (address, server) = server(
            2,
            Manners {
                chunk_bytes,
                ..POLITE
            },
        );
        let (mut swarm, mut pinger) = (swarm(2), Pinger::new(2, 7, 100));
        swarm.greet_all(address, PATIENCE_MS, &mut pinger).unwrap();
        run(&mut swarm, &mut pinger, Pinger::all_answered);
        swarm.close_all();
        server.join().unwrap();
    }
}

#[test]
fn a_connection_that_ends_is_reported_once_and_can_connect_elsewhere() {
    let (address, first) = server(
        3,
        Manners {
            pings_max: 10,
            ..POLITE
        },
    );
    let (mut swarm, mut pinger) = (swarm(3), Pinger::new(3, 1, 10));
    // Each by itself: one may have ended before another is greeted.
    (0..3).for_each(|connection| swarm.connect(connection, address));
    run(&mut swarm, &mut pinger, |pinger| pinger.ended.len() == 3);
    first.join().unwrap();
    assert_eq!(swarm.open(), 0);
    assert!(
        pinger.all_answered(),
        "answers before the end were delivered"
    );

    let (address, second) = server(3, POLITE);
    let mut again = Pinger::new(3, 1, 5);
    (0..3).for_each(|connection| swarm.connect(connection, address));
    run(&mut swarm, &mut again, Pinger::all_answered);
    assert!((0..3).all(|connection| swarm.is_open(connection)));
    swarm.close_all();
    second.join().unwrap();
}

#[test]
fn a_refused_session_says_why() {
    let (address, server) = server(
        1,
        Manners {
            refuse: true,
            ..POLITE
        },
    );
    let (mut swarm, mut pinger) = (swarm(1), Pinger::new(1, 1, 1));
    let error = swarm
        .greet_all(address, PATIENCE_MS, &mut pinger)
        .unwrap_err()
        .to_string();
    assert!(error.contains("FORBIDDEN_TENANT: shop"), "{error}");
    drop(swarm);
    server.join().unwrap();
}

#[test]
fn a_port_where_nobody_listens_is_an_error_at_once() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (mut swarm, mut pinger) = (swarm(2), Pinger::new(2, 1, 1));
    let error = swarm
        .greet_all(address, PATIENCE_MS, &mut pinger)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("0 of 2 connections") && error.contains("refused"),
        "{error}"
    );
}

/// Pings by the clock instead of in answer to replies.
struct Metronome {
    gap_ns: u64,
    due_ns: u64,
    sent: usize,
    answered: usize,
    late_ns: Vec<u64>,
}

impl Driver for Metronome {
    fn ready(&mut self, _connection: usize, _now_ns: u64, _out: &mut Vec<u8>) {}

    fn on_frame(&mut self, _connection: usize, _frame: &Frame<'_>, _received_ns: u64) {
        self.answered += 1;
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        panic!("{connection}: {reason}");
    }

    fn tick(&mut self, now_ns: u64, outbox: &mut Outbox<'_>) -> Option<u64> {
        if self.due_ns <= now_ns {
            self.late_ns.push(now_ns - self.due_ns);
        }
        while self.due_ns <= now_ns && self.sent < 1_000 {
            let out = outbox.queue(self.sent % 2)?;
            let echo = self.sent.to_le_bytes();
            request::encode(out, Opcode::Ping, self.sent as u64, &[Ping { echo: &echo }]).unwrap();
            assert!(outbox.backlog_bytes(self.sent % 2) > 0);
            self.sent += 1;
            self.due_ns += self.gap_ns;
        }
        (self.sent < 1_000).then_some(self.due_ns)
    }
}

#[test]
fn ticks_come_when_asked_for_in_fractions_of_a_millisecond() {
    let (address, server) = server(2, POLITE);
    let mut swarm = swarm(2);
    swarm
        .greet_all(address, PATIENCE_MS, &mut Pinger::new(2, 0, 0))
        .unwrap();
    let due_ns = monotonic_ns();
    let mut metronome = Metronome {
        gap_ns: 200_000,
        due_ns,
        sent: 0,
        answered: 0,
        late_ns: Vec::new(),
    };
    run(&mut swarm, &mut metronome, |metronome| {
        metronome.answered == 1_000
    });
    // A poll that only knows milliseconds would be late by nearly one whenever it wakes. A busy
    // machine makes some ticks late, but not all of a thousand.
    let in_time = metronome
        .late_ns
        .iter()
        .filter(|&&late_ns| late_ns < 150_000)
        .count();
    assert!(
        in_time >= 20,
        "{in_time} of {} ticks in time",
        metronome.late_ns.len()
    );
    swarm.close_all();
    server.join().unwrap();
}
