//! Replies that leave the shard: compared with what was predicted, and with what is durable.

use super::codec::{answers_of, as_sent};
use super::harness::{Reply, Sim};
use super::tail;
use onhand::journal::layout::segment_name;
use onhand::types::SessionId;
use onhand::wire::{Opcode, split_frame};

impl Sim {
    /// Replies that may leave do, and are compared with what was predicted.
    pub(super) fn deliver(&mut self) {
        let mut released: Vec<(SessionId, Vec<u8>)> = Vec::new();
        let node = self.node();
        node.shard.release(0, |part| {
            assert!(!part.close, "no session of this run misbehaves");
            released.push((part.session, part.bytes.to_vec()));
        });
        for (session, bytes) in released {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let split = split_frame(rest).expect("the server's frames are sound");
                let (frame, length) = split.expect("the server's frames are whole");
                rest = &rest[length..];
                self.compare(session, &frame);
            }
        }
        self.check_durable();
    }

    fn compare(&mut self, session: SessionId, frame: &onhand::wire::Frame<'_>) {
        let queue = self.expected.get_mut(&session).expect("a known session");
        let expected = queue.pop_front().expect("an answer to a question");
        assert_eq!(
            frame.header.request_id, expected.request_id,
            "answers come in the order of the questions"
        );
        self.revealed = self.revealed.max(expected.gate);
        match expected.reply {
            Reply::Hello => {
                assert_eq!(frame.header.opcode, Opcode::Hello.reply());
            }
            Reply::Refused(code) => {
                assert_eq!(answers_of(frame, &[]).err(), Some(code));
                self.clients.refused(session, expected.request_id);
            }
            Reply::Answers(requests, predicted) => {
                let answers = match answers_of(frame, &requests) {
                    Ok(answers) => answers,
                    Err(code) => panic!("{requests:?} was refused whole: {code}"),
                };
                for ((request, answer), predicted) in requests.iter().zip(&answers).zip(predicted) {
                    self.coverage.answers += 1;
                    assert_eq!(
                        *answer,
                        as_sent(predicted),
                        "the answer (left) is what the model predicts (right) for {request:?}"
                    );
                }
                self.clients
                    .answered(session, expected.request_id, &requests, &answers);
            }
        }
    }

    /// What was revealed is on the durable image, to the byte.
    fn check_durable(&mut self) {
        let revealed = self.log.iter().rev().find(|turn| turn.end <= self.revealed);
        let Some(through) = revealed.map(|turn| turn.position) else {
            return;
        };
        while self.proven < through {
            let from = self.proven;
            let last = from.segment == through.segment;
            let to = if last {
                through.offset
            } else {
                self.segment_ends[&from.segment]
            };
            let name = segment_name(from.segment);
            let range = from.offset as usize..to as usize;
            let durable = self.disk.durable_range(&name, range.clone());
            assert!(
                durable.is_some_and(|durable| durable == self.disk.live_range(&name, range)),
                "answers left whose records are not durable: {name} from {} to {to}",
                from.offset
            );
            self.proven = if last {
                through
            } else {
                tail::first_position(from.segment + 1)
            };
        }
    }
}
