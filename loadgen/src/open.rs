//! The open loop: orders come by the clock, whatever the server does.
//!
//! Latency counts from the moment an order was *meant* to be sent, so an order that had to wait
//! because the server (or this generator) was slow counts its wait: nothing is omitted.

use onhand::client::swarm::{Disconnect, Driver, Outbox};
use onhand::types::ResultCode;
use onhand::wire::reply::Reply;
use onhand::wire::{Frame, opcode};

use crate::arrivals::Schedule;
use crate::workload::{Flight, Workload};

/// Most frames in flight; beyond it orders wait here, and their wait counts.
const FLIGHTS_MAX: usize = 1 << 20;

/// Unsent bytes of a connection beyond which orders wait here, and their wait counts.
const BACKLOG_BYTES_MAX: usize = 4 << 20;

/// A driver of a swarm. A flight's number is its request id.
#[derive(Debug)]
pub struct OpenLoop {
    /// What is sent.
    pub workload: Workload,
    schedule: Schedule,
    start_ns: u64,
    /// Intended send time of the next frame.
    due_ns: u64,
    connections: usize,
    next_connection: usize,
    flights: Vec<Flight>,
    free: Vec<usize>,
    /// By connection: flights whose holds are to be confirmed or released.
    follow_ups: Vec<Vec<usize>>,
    outstanding: usize,
    ended: Option<String>,
}

impl OpenLoop {
    /// A loop over `connections` connections whose schedule starts at `start_ns`.
    pub fn new(
        workload: Workload,
        connections: usize,
        mut schedule: Schedule,
        start_ns: u64,
    ) -> Self {
        let due_ns = start_ns + schedule.next_ns();
        Self {
            workload,
            schedule,
            start_ns,
            due_ns,
            connections,
            next_connection: 0,
            flights: Vec::new(),
            free: Vec::new(),
            follow_ups: vec![Vec::new(); connections],
            outstanding: 0,
            ended: None,
        }
    }

    /// True once everything that was to be sent is answered.
    pub fn is_finished(&self) -> bool {
        self.outstanding == 0
            && self.workload.is_exhausted(self.due_ns)
            && self.follow_ups.iter().all(Vec::is_empty)
    }

    /// What was sent, and what came of it.
    pub fn into_workload(self) -> Workload {
        self.workload
    }

    /// Why a connection ended, if one did.
    pub fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// A free flight, unless there are too many in flight.
    fn take_flight(&mut self) -> Option<usize> {
        self.free.pop().or_else(|| {
            let number = self.flights.len();
            (number < FLIGHTS_MAX).then(|| {
                self.flights.push(Flight::default());
                number
            })
        })
    }

    /// Sends the frame that is due. False where it has to wait.
    fn send_due(&mut self, outbox: &mut Outbox<'_>) -> bool {
        let connection = self.next_connection;
        if outbox.backlog_bytes(connection) > BACKLOG_BYTES_MAX {
            return false;
        }
        let Some(number) = self.take_flight() else {
            return false;
        };
        let (Some(out), Some(flight)) = (outbox.queue(connection), self.flights.get_mut(number))
        else {
            self.free.push(number);
            return false;
        };
        self.workload
            .send_orders(flight, number as u64, self.due_ns, out);
        self.outstanding += 1;
        self.next_connection = (connection + 1) % self.connections;
        self.due_ns = self.start_ns + self.schedule.next_ns();
        true
    }
}

impl Driver for OpenLoop {
    fn ready(&mut self, connection: usize, now_ns: u64, out: &mut Vec<u8>) {
        let Some(waiting) = self.follow_ups.get_mut(connection) else {
            return;
        };
        for number in waiting.drain(..) {
            if let Some(flight) = self.flights.get_mut(number) {
                self.workload
                    .send_follow_up(flight, number as u64, now_ns, out);
                self.outstanding += 1;
            }
        }
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, received_ns: u64) {
        let number = usize::try_from(frame.header.request_id).unwrap_or(usize::MAX);
        let known = self
            .flights
            .get_mut(number)
            .filter(|flight| flight.is_out());
        let (Some(flight), Some(waiting)) = (known, self.follow_ups.get_mut(connection)) else {
            self.workload
                .surprise
                .get_or_insert(ResultCode::MalformedBody);
            return;
        };
        self.outstanding -= 1;
        if frame.header.opcode == opcode::ERROR {
            let code = match Reply::decode(frame) {
                Ok(Reply::Error(error)) => error.code,
                _ => ResultCode::MalformedBody,
            };
            self.workload.fail(flight, code);
        } else {
            self.workload.settle(flight, frame, received_ns);
        }
        if flight.has_follow_up() {
            waiting.push(number);
        } else {
            self.free.push(number);
        }
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        self.ended
            .get_or_insert_with(|| format!("connection {connection}: {reason}"));
    }

    fn tick(&mut self, now_ns: u64, outbox: &mut Outbox<'_>) -> Option<u64> {
        while self.due_ns <= now_ns && !self.workload.is_exhausted(self.due_ns) {
            if !self.send_due(outbox) {
                // Replies make room; look again at the latest in a millisecond.
                return Some(now_ns + 1_000_000);
            }
        }
        (!self.workload.is_exhausted(self.due_ns)).then_some(self.due_ns)
    }
}
