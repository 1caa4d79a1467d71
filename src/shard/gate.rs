//! The reply gate: no reply leaves before the records it reveals are acknowledged.
//!
//! ```text
//! turn t: replies ─▶ current ─ end of turn ─▶ held [gate = next sequence after the turn's batch]
//! acknowledged ≥ gate ─▶ handed out, in order of turns, whole turns at a time
//! ```
//!
//! Every reply waits, also one that changed nothing: what it tells was read from a state that may
//! be ahead of the disk. Buffers are reused, so a steady load allocates nothing.

use crate::limits;
use crate::types::SessionId;
use std::collections::VecDeque;

/// Spare turn buffers kept for reuse.
const SPARE_TURNS_MAX: usize = 8;

/// A spare buffer larger than this is given back to the allocator.
const SPARE_BYTES_MAX: usize = 4 << 20;

/// Replies of one session within a turn: whole frames, back to back.
#[derive(Clone, Copy, Debug)]
struct Part {
    session: SessionId,
    end: usize,
    frames: u32,
    close: bool,
}

/// The replies of one turn.
#[derive(Debug, Default)]
struct HeldTurn {
    gate: u64,
    bytes: Vec<u8>,
    parts: Vec<Part>,
    started_ns: u64,
    appended_ns: u64,
    outcomes: Outcomes,
}

/// What a turn decided about orders, for its latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// It accepted at least one.
    pub accepted: bool,
    /// It refused at least one.
    pub rejected: bool,
}

/// One part as it is handed out.
#[derive(Clone, Copy, Debug)]
pub struct Released<'a> {
    /// To whom.
    pub session: SessionId,
    /// Whole reply frames.
    pub bytes: &'a [u8],
    /// How many request frames they answer.
    pub frames: u32,
    /// Close the connection behind them.
    pub close: bool,
}

/// When a released turn began and when its batch was appended, by the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnTimes {
    /// Begin of the turn, in nanoseconds.
    pub started_ns: u64,
    /// End of its journal append, in nanoseconds.
    pub appended_ns: u64,
    /// What it decided.
    pub outcomes: Outcomes,
}

/// Replies of the running turn and of turns whose records are not acknowledged yet.
#[derive(Debug, Default)]
pub struct ReplyGate {
    current: HeldTurn,
    held: VecDeque<HeldTurn>,
    held_bytes: usize,
    spare: Vec<HeldTurn>,
}

impl ReplyGate {
    /// Starts collecting the replies of a turn.
    pub fn begin(&mut self, started_ns: u64) {
        debug_assert!(self.current.parts.is_empty(), "the last turn was ended");
        self.current.started_ns = started_ns;
    }

    /// Where the running turn's replies are written: append whole frames, then say whose they are
    /// with [`ReplyGate::note`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.current.bytes
    }

    /// Everything appended to the buffer since the last note is for `session` and answers `frames`
    /// request frames.
    pub fn note(&mut self, session: SessionId, frames: u32, close: bool) {
        let end = self.current.bytes.len();
        match self.current.parts.last_mut() {
            Some(part) if part.session == session && !part.close => {
                part.end = end;
                part.frames += frames;
                part.close = close;
            }
            _ => self.current.parts.push(Part {
                session,
                end,
                frames,
                close,
            }),
        }
    }

    /// Says what the running turn decided.
    pub fn decided(&mut self, outcomes: Outcomes) {
        self.current.outcomes = outcomes;
    }

    /// Ends the turn: its replies wait until every record below `gate` is acknowledged.
    pub fn end(&mut self, gate: u64, appended_ns: u64) {
        if self.current.parts.is_empty() {
            return;
        }
        let next = self.spare.pop().unwrap_or_default();
        let mut turn = std::mem::replace(&mut self.current, next);
        turn.gate = gate;
        turn.appended_ns = appended_ns;
        assert!(
            self.held.back().is_none_or(|last| last.gate <= gate),
            "gates never go back"
        );
        self.held_bytes += turn.bytes.len();
        self.held.push_back(turn);
    }

    /// Hands out every turn whose gate is not above `acknowledged`, oldest first; `done` gets each
    /// turn's times.
    pub fn release(
        &mut self,
        acknowledged: u64,
        mut send: impl FnMut(Released<'_>),
        mut done: impl FnMut(TurnTimes),
    ) {
        while self
            .held
            .front()
            .is_some_and(|turn| turn.gate <= acknowledged)
        {
            let Some(mut turn) = self.held.pop_front() else {
                break;
            };
            self.held_bytes -= turn.bytes.len();
            let mut start = 0;
            for part in &turn.parts {
                let bytes = turn.bytes.get(start..part.end).unwrap_or_default();
                start = part.end;
                let Part {
                    session,
                    frames,
                    close,
                    ..
                } = *part;
                send(Released {
                    session,
                    bytes,
                    frames,
                    close,
                });
            }
            done(TurnTimes {
                started_ns: turn.started_ns,
                appended_ns: turn.appended_ns,
                outcomes: std::mem::take(&mut turn.outcomes),
            });
            turn.bytes.clear();
            turn.parts.clear();
            if self.spare.len() < SPARE_TURNS_MAX && turn.bytes.capacity() <= SPARE_BYTES_MAX {
                self.spare.push(turn);
            }
        }
    }

    /// True while another turn may be started without exceeding the bounds of what is held.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.held.len() < limits::TURNS_IN_FLIGHT_MAX
            && self.held_bytes < limits::REPLIES_HELD_BYTES_MAX
    }

    /// True when no reply waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.current.parts.is_empty()
    }

    /// True where a release at this mark would hand something out.
    #[must_use]
    pub fn is_due(&self, acknowledged: u64) -> bool {
        self.held
            .front()
            .is_some_and(|turn| turn.gate <= acknowledged)
    }

    /// Bytes that wait.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(gate: &mut ReplyGate, acknowledged: u64) -> Vec<(u64, Vec<u8>, u32)> {
        let mut out = Vec::new();
        gate.release(
            acknowledged,
            |r| out.push((r.session.0, r.bytes.to_vec(), r.frames)),
            |_| (),
        );
        out
    }

    #[test]
    fn a_reply_waits_for_the_last_record_of_its_turn() {
        let mut gate = ReplyGate::default();
        gate.begin(1);
        gate.buffer().push(b'a');
        gate.note(SessionId(7), 1, false);
        gate.end(5, 2);
        assert!(collect(&mut gate, 4).is_empty());
        assert_eq!(collect(&mut gate, 5), vec![(7, b"a".to_vec(), 1)]);
        assert!(gate.is_empty());
    }

    #[test]
    fn replies_of_one_session_are_coalesced_and_turns_stay_in_order() {
        let mut gate = ReplyGate::default();
        for turn in 0..3_u8 {
            gate.begin(0);
            gate.buffer().push(turn);
            gate.note(SessionId(1), 1, false);
            gate.buffer().push(turn + 10);
            gate.note(SessionId(1), 1, false);
            gate.buffer().push(turn + 20);
            gate.note(SessionId(2), 1, true);
            gate.end(u64::from(turn) + 1, 0);
        }
        assert_eq!(
            collect(&mut gate, 2),
            vec![
                (1, vec![0, 10], 2),
                (2, vec![20], 1),
                (1, vec![1, 11], 2),
                (2, vec![21], 1)
            ]
        );
        assert_eq!(gate.held_bytes(), 3);
        assert_eq!(collect(&mut gate, 3).len(), 2);
    }

    #[test]
    fn the_gate_is_full_at_its_bound_of_turns() {
        let mut gate = ReplyGate::default();
        for turn in 0..limits::TURNS_IN_FLIGHT_MAX {
            assert!(gate.has_room());
            gate.begin(0);
            gate.buffer().push(0);
            gate.note(SessionId(1), 1, false);
            gate.end(turn as u64, 0);
        }
        assert!(!gate.has_room());
    }
}
