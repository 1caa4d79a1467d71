//! One turn of the shard, and of the model beside it.

use super::harness::{Expected, Reply, Sim, TurnDone};
use super::request::Request;
use super::tail::{self, BatchSeen};
use onhand::journal::Room;
use onhand::journal::layout::segment_name;
use onhand::types::SessionId;
use onhand::wire::split_frame;

impl Sim {
    pub(super) fn turn(&mut self) {
        let frames = self.schedule.between(0, 12);
        self.turn_with(frames);
    }

    /// A turn that takes at most so many frames.
    pub(super) fn turn_with(&mut self, frames: u64) {
        let clock = self.clock;
        let before = self.node().shard.journal().next_sequence();
        let time_before = self.node().shard.engine().now_ms();
        let reserved = self.node().shard.journal_mut().room() == Room::Reserved;
        if !self.node().shard.begin_turn(clock, 0) {
            self.coverage.no_room += 1;
            if self.node().shard.failure().is_some() {
                self.fail_over();
            }
            return;
        }
        self.coverage.turns += 1;
        let now = self.node().shard.engine().now_ms();
        assert!(now >= time_before, "engine time does not go back");
        let openings = std::mem::take(&mut self.openings);
        let taken = self.take_frames(frames);
        self.node().shard.end_turn(0);
        assert!(
            self.node().shard.failure().is_none(),
            "a turn with room is appended"
        );
        let end = self.node().shard.journal().next_sequence();
        let own_records = if end > before {
            let seen = self.see_batch();
            assert_eq!((seen.sequence, seen.records), (before, end - before));
            assert_eq!(seen.time_ms, now, "a batch has its turn's time");
            seen.own_records
        } else {
            0
        };
        self.predict(now, own_records, end, openings, taken, reserved);
        let shard = &self.node.as_ref().expect("it runs").shard;
        if let Err(broken) = shard.engine().check_invariants() {
            panic!("{broken}");
        }
    }

    /// Offers frames from sessions in a random order, until the turn is full or has had enough.
    fn take_frames(&mut self, most: u64) -> Vec<(SessionId, u16, u64, Vec<Request>)> {
        let mut taken = Vec::new();
        for _ in 0..most {
            let Some(session) = self.clients.next_in_flight(&mut self.schedule) else {
                break;
            };
            let arrived = self.clients.in_flight(session).expect("just named");
            let split = split_frame(&arrived.bytes).expect("a client's frame is whole");
            let (frame, _) = split.expect("a client's frame is whole");
            let shard = &mut self.node.as_mut().expect("it runs").shard;
            shard.prefetch(session, &frame);
            if shard.frame(session, &frame) == onhand::shard::Taken::Full {
                break;
            }
            let arrived = self.clients.take_in_flight(session);
            taken.push((
                session,
                arrived.tenant,
                arrived.request_id,
                arrived.requests,
            ));
        }
        taken
    }

    /// Lets the model do the same turn, and files what it answers.
    fn predict(
        &mut self,
        now: u64,
        own_records: u64,
        end: u64,
        openings: Vec<(SessionId, u64, String, String)>,
        taken: Vec<(SessionId, u16, u64, Vec<Request>)>,
        reserved: bool,
    ) {
        self.model.skip_sequences(own_records);
        self.model.begin_turn(now);
        let mut done = TurnDone {
            now,
            own_records,
            openings: Vec::new(),
            executed: Vec::new(),
            end,
            position: self.records_end,
            digest: None,
        };
        for (session, request_id, tenant, actor) in openings {
            let number = self.model.open_session(&tenant, &actor);
            self.clients.opened(session, number);
            done.openings.push((tenant, actor));
            self.expect(session, request_id, Reply::Hello, end);
        }
        for (session, client_tenant, request_id, requests) in taken {
            let tenant = self.clients.tenant_number(client_tenant);
            if reserved && !uses_reserved_share(&requests[0]) {
                self.coverage.overloaded += 1;
                let refused = Reply::Refused(onhand::types::ResultCode::Overloaded);
                self.expect(session, request_id, refused, end);
                continue;
            }
            let mut answers = Vec::new();
            for request in &requests {
                self.coverage.commands += 1;
                answers.push(self.model.execute(tenant, request));
            }
            self.trace
                .note(|| format!("{now} {}: {requests:?} -> {answers:?}", session.0));
            done.executed.push((tenant, requests.clone()));
            self.expect(session, request_id, Reply::Answers(requests, answers), end);
        }
        self.trace
            .note(|| format!("turn at {now}, {own_records} own records, ends at {end}"));
        assert_eq!(
            self.model.next_sequence(),
            end,
            "the turn has as many records as the model counted"
        );
        if self.faults.chance(60) {
            done.digest = Some(self.node().shard.engine().digest());
        }
        self.log.push(done);
    }

    fn expect(&mut self, session: SessionId, request_id: u64, reply: Reply, gate: u64) {
        let queue = self.expected.entry(session).or_default();
        queue.push_back(Expected {
            request_id,
            reply,
            gate,
        });
    }

    /// Finds the batch that was just appended on the live image, and follows the journal to it.
    pub(super) fn see_batch(&mut self) -> BatchSeen {
        let (_, position) = self.node().shard.journal().handover().appended();
        let start = if position.segment == self.position.segment {
            self.position
        } else {
            self.coverage.segment_switches += 1;
            self.segment_ends
                .insert(self.position.segment, self.position.offset);
            tail::first_position(position.segment)
        };
        let name = segment_name(start.segment);
        let range = start.offset as usize..position.offset as usize;
        let bytes = self.disk.live_range(&name, range.clone());
        let seen = tail::read_batch(&bytes);
        assert_eq!(seen.length, range.len(), "one batch a turn");
        self.position = position;
        if seen.records > 0 {
            self.records_end = position;
        }
        seen
    }
}

/// Whether a request goes on while the journal has only its reserved share left.
fn uses_reserved_share(request: &Request) -> bool {
    use super::request::CommandSpec as Command;
    match request {
        Request::Reserve(_) => false,
        Request::QueryStock { .. } | Request::QueryOrder { .. } => true,
        Request::Command(command) => matches!(
            command,
            Command::ResolveSku { .. }
                | Command::ResolveLocation { .. }
                | Command::Confirm { .. }
                | Command::Release { .. }
                | Command::Cancel { .. }
        ),
    }
}
