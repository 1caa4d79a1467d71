//! The closed loop: every connection keeps a fixed number of frames in flight.

use onhand::client::swarm::{Disconnect, Driver, Outbox};
use onhand::types::ResultCode;
use onhand::wire::reply::Reply;
use onhand::wire::{Frame, opcode};

use crate::workload::{Flight, Workload};

/// A driver of a swarm. A flight's number is its request id.
#[derive(Debug)]
pub struct ClosedLoop {
    /// What is sent.
    pub workload: Workload,
    in_flight: usize,
    flights: Vec<Flight>,
    /// By connection: flights that have nothing on the wire.
    idle: Vec<Vec<usize>>,
    /// Frames that the server had no room for: when to go on, and which flight.
    resting: Vec<(u64, usize)>,
    outstanding: usize,
    ended: Option<String>,
}

impl ClosedLoop {
    /// A loop over `connections` connections with `in_flight` frames each, both at least 1.
    pub fn new(workload: Workload, connections: usize, in_flight: usize) -> Self {
        Self {
            workload,
            in_flight,
            flights: (0..connections * in_flight)
                .map(|_| Flight::default())
                .collect(),
            idle: (0..connections)
                .map(|connection| (connection * in_flight..(connection + 1) * in_flight).collect())
                .collect(),
            resting: Vec::new(),
            outstanding: 0,
            ended: None,
        }
    }

    /// True once everything that was to be sent is answered.
    pub fn is_finished(&self, now_ns: u64) -> bool {
        self.outstanding == 0
            && self.workload.is_exhausted(now_ns)
            && !self.flights.iter().any(Flight::has_follow_up)
    }

    /// What was sent, and what came of it.
    pub fn into_workload(self) -> Workload {
        self.workload
    }

    /// Why a connection ended, if one did.
    pub fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }
}

impl Driver for ClosedLoop {
    fn ready(&mut self, connection: usize, now_ns: u64, out: &mut Vec<u8>) {
        let Some(idle) = self.idle.get_mut(connection) else {
            return;
        };
        let exhausted = self.workload.is_exhausted(now_ns);
        idle.retain(|&number| {
            let Some(flight) = self.flights.get_mut(number) else {
                return false;
            };
            let id = number as u64;
            let sent = if flight.has_follow_up() {
                self.workload.send_follow_up(flight, id, now_ns, out);
                true
            } else {
                !exhausted && self.workload.send_orders(flight, id, now_ns, out)
            };
            self.outstanding += usize::from(sent);
            !sent
        });
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, received_ns: u64) {
        let number = usize::try_from(frame.header.request_id).unwrap_or(usize::MAX);
        let own = connection * self.in_flight..(connection + 1) * self.in_flight;
        let known = own
            .contains(&number)
            .then(|| self.flights.get_mut(number))
            .flatten();
        let known = known.filter(|flight| flight.is_out());
        let (Some(flight), Some(idle)) = (known, self.idle.get_mut(connection)) else {
            self.workload
                .surprise
                .get_or_insert(ResultCode::MalformedBody);
            return;
        };
        self.outstanding -= 1;
        if frame.header.opcode != opcode::ERROR {
            self.workload.settle(flight, frame, received_ns);
            idle.push(number);
            return;
        }
        if let Ok(Reply::Error(error)) = Reply::decode(frame) {
            self.workload.fail(flight, error.code);
            let rest_ns = u64::from(error.retry_after_ms) * 1_000_000;
            self.resting.push((received_ns + rest_ns, number));
        } else {
            self.workload.fail(flight, ResultCode::MalformedBody);
            idle.push(number);
        }
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        self.ended
            .get_or_insert_with(|| format!("connection {connection}: {reason}"));
    }

    fn tick(&mut self, now_ns: u64, outbox: &mut Outbox<'_>) -> Option<u64> {
        while let Some(place) = self
            .resting
            .iter()
            .position(|&(until_ns, _)| until_ns <= now_ns)
        {
            let (_, number) = self.resting.swap_remove(place);
            let connection = number / self.in_flight;
            if let Some(idle) = self.idle.get_mut(connection) {
                idle.push(number);
            }
            if let Some(out) = outbox.queue(connection) {
                self.ready(connection, now_ns, out);
            }
        }
        self.resting.iter().map(|&(until_ns, _)| until_ns).min()
    }
}
