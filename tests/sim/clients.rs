//! The clients of a run and the network between them and the shard.
//!
//! A client sends frames without waiting, up to a few at a time. What was sent and not answered
//! when its connection breaks (or the process ends) goes to its tenant's pile of requests to be
//! sent again, by whichever client of the tenant comes first: so requests are repeated, late, and
//! out of order, as in life.

use super::codec::frame_of;
use super::prng::{Salt, Stream};
use super::request::{Answer, Request};
use super::workload::Workload;
use onhand::shard::SessionOpening;
use onhand::types::{Role, SessionId};
use std::collections::{BTreeMap, VecDeque};

/// Frames that one client has under way at most.
const WAITING_MAX: usize = 4;

/// A frame on its way to the shard.
#[derive(Clone)]
pub struct Arrived {
    /// Index of the tenant among the run's tenants.
    pub tenant: u16,
    pub request_id: u64,
    pub requests: Vec<Request>,
    pub bytes: Vec<u8>,
}

struct Client {
    tenant: u16,
    session: Option<SessionId>,
    /// The shard knows the session, so its frames may be offered.
    open: bool,
    waiting: VecDeque<(u64, Vec<Request>)>,
}

/// All clients, and what they know together.
pub struct Clients {
    clients: Vec<Client>,
    in_flight: BTreeMap<SessionId, VecDeque<Arrived>>,
    /// Requests to be sent again, by tenant.
    again: Vec<Vec<Vec<Request>>>,
    /// What each tenant sends first.
    opening: Vec<VecDeque<Request>>,
    /// The shard's numbers of the tenants.
    numbers: BTreeMap<u16, u16>,
    workload: Workload,
    next_id: u64,
    again_per_mille: u32,
}

impl Clients {
    pub fn new(seed: u64, frame_bytes_max: usize) -> Self {
        let mut stream = Stream::new(seed, Salt::Workload);
        let tenants = stream.between(1, 3) as usize;
        let count = stream.between(tenants as u64, 8) as usize;
        let again_per_mille = *stream.pick(&[50, 300, 800]);
        let mut workload = Workload::new(stream, tenants, frame_bytes_max);
        let client = |index: usize| Client {
            tenant: (index % tenants) as u16,
            session: None,
            open: false,
            waiting: VecDeque::new(),
        };
        Self {
            clients: (0..count).map(client).collect(),
            in_flight: BTreeMap::new(),
            again: vec![Vec::new(); tenants],
            opening: (0..tenants).map(|_| workload.opening().into()).collect(),
            numbers: BTreeMap::new(),
            workload,
            next_id: 1,
            again_per_mille,
        }
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Some of those without a connection open one.
    pub fn connect(&mut self, schedule: &mut Stream) -> Vec<(SessionId, SessionOpening)> {
        let mut fresh = Vec::new();
        for index in 0..self.clients.len() {
            if self.clients[index].session.is_some() || !schedule.chance(300) {
                continue;
            }
            let request_id = self.id();
            // The low half is the place in the shard's table, the high half makes it unique.
            let session = SessionId(index as u64 | request_id << 32);
            let client = &mut self.clients[index];
            client.session = Some(session);
            client.open = false;
            self.in_flight.insert(session, VecDeque::new());
            let opening = SessionOpening {
                tenant: format!("tenant-{}", client.tenant),
                actor: format!("client-{index}"),
                role: Role::Admin,
                request_id,
            };
            fresh.push((session, opening));
        }
        fresh
    }

    /// The shard opened a session, whose tenant has this number.
    pub fn opened(&mut self, session: SessionId, number: u16) {
        if let Some(client) = self.client(session) {
            client.open = true;
            let tenant = client.tenant;
            self.numbers.insert(tenant, number);
        }
    }

    fn client(&mut self, session: SessionId) -> Option<&mut Client> {
        let of = |client: &&mut Client| client.session == Some(session);
        self.clients.iter_mut().find(of)
    }

    /// The shard's number of a tenant whose session was opened.
    pub fn tenant_number(&self, tenant: u16) -> u16 {
        self.numbers[&tenant]
    }

    /// One client sends a frame, if it may.
    pub fn send(&mut self, schedule: &mut Stream) {
        let index = schedule.index(self.clients.len());
        let client = &self.clients[index];
        let (Some(session), true) = (client.session, client.open) else {
            return;
        };
        if client.waiting.len() >= WAITING_MAX {
            return;
        }
        let tenant = client.tenant;
        let Some(requests) = self.next_requests(usize::from(tenant), schedule) else {
            return;
        };
        let request_id = self.id();
        let arrived = Arrived {
            tenant,
            request_id,
            bytes: frame_of(&requests, request_id),
            requests: requests.clone(),
        };
        self.clients[index]
            .waiting
            .push_back((request_id, requests));
        let queue = self.in_flight.get_mut(&session);
        queue.expect("an open session").push_back(arrived);
    }

    fn next_requests(&mut self, tenant: usize, schedule: &mut Stream) -> Option<Vec<Request>> {
        if let Some(request) = self.opening[tenant].pop_front() {
            return Some(vec![request]);
        }
        let again = &mut self.again[tenant];
        if !again.is_empty() && schedule.chance(self.again_per_mille) {
            return Some(again.swap_remove(schedule.index(again.len())));
        }
        let fresh = self.workload.next_frame(tenant);
        fresh.or_else(|| self.again[tenant].pop())
    }

    /// A session with a frame that arrived, if there is one.
    pub fn next_in_flight(&mut self, schedule: &mut Stream) -> Option<SessionId> {
        let ready = self.in_flight.iter().filter(|(_, queue)| !queue.is_empty());
        let ready: Vec<SessionId> = ready.map(|(session, _)| *session).collect();
        (!ready.is_empty()).then(|| *schedule.pick(&ready))
    }

    /// The oldest frame of a session.
    pub fn in_flight(&self, session: SessionId) -> Option<&Arrived> {
        self.in_flight.get(&session)?.front()
    }

    /// The shard took it.
    pub fn take_in_flight(&mut self, session: SessionId) -> Arrived {
        let queue = self.in_flight.get_mut(&session);
        let queue = queue.expect("an open session");
        queue.pop_front().expect("a frame that was offered")
    }

    /// True when nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.in_flight.values().all(VecDeque::is_empty)
    }

    /// The answers to one frame arrived, if the client is still there.
    pub fn answered(
        &mut self,
        session: SessionId,
        request_id: u64,
        requests: &[Request],
        answers: &[Answer],
    ) {
        let Some(client) = self.client(session) else {
            return;
        };
        let tenant = usize::from(client.tenant);
        client.waiting.retain(|(id, _)| *id != request_id);
        for (request, answer) in requests.iter().zip(answers) {
            self.workload.learn(tenant, request, answer);
        }
    }

    /// A frame was refused whole: it is sent again some time.
    pub fn refused(&mut self, session: SessionId, request_id: u64) {
        let Some(client) = self.client(session) else {
            return;
        };
        let tenant = usize::from(client.tenant);
        let at = client.waiting.iter().position(|(id, _)| *id == request_id);
        if let Some((_, requests)) = at.and_then(|at| client.waiting.remove(at)) {
            self.again[tenant].push(requests);
        }
    }

    /// One connection breaks. Returns whose.
    pub fn disconnect(&mut self, schedule: &mut Stream) -> Option<SessionId> {
        let index = schedule.index(self.clients.len());
        let session = self.clients[index].session?;
        self.break_off(index);
        Some(session)
    }

    /// Every connection breaks: the process is gone.
    pub fn disconnect_all(&mut self) {
        for index in 0..self.clients.len() {
            self.break_off(index);
        }
    }

    fn break_off(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some(session) = client.session.take() else {
            return;
        };
        client.open = false;
        let tenant = usize::from(client.tenant);
        for (_, requests) in std::mem::take(&mut client.waiting) {
            self.again[tenant].push(requests);
        }
        self.in_flight.remove(&session);
    }
}
