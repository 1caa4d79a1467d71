//! Frames whose items take more than one turn, where each item's worst case is far beyond what it
//! journals: they are executed while the journal has room for one more, and go on in the next turn.
//! Their reply leaves as one frame, when the last item is executed. A frame that was begun goes on
//! also where only the journal's reserved share is left.
//!
//! Frames of orders go on in the same way ([`super::orders`]), where the worst case of all of them
//! has no room.

use super::{Shard, Taken};
use crate::journal::storage::Storage;
use crate::limits;
use crate::types::SessionId;
use crate::wire::frame::{self, Frame};
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reply::OrderNote;

/// What is done of a frame.
#[derive(Debug)]
pub(super) struct Part {
    pub request_id: u64,
    pub items: usize,
    /// The replies to them.
    pub replies: Vec<u8>,
    /// The notes that follow the last reply.
    pub notes: Vec<OrderNote>,
}

impl Part {
    /// A frame of which so many items are done; its reply, from `frame_at` on with the first item at
    /// `body_at`, is taken out of `out`.
    pub fn of(
        (request_id, items): (u64, usize),
        out: &mut Vec<u8>,
        (frame_at, body_at): (usize, usize),
        notes: Vec<OrderNote>,
    ) -> Self {
        let replies = out.get(body_at..).unwrap_or_default().to_vec();
        out.truncate(frame_at);
        Self {
            request_id,
            items,
            replies,
            notes,
        }
    }

    /// Puts the replies to what is done into a reply that begins, and the notes where they are
    /// gathered; returns how many items that are.
    pub fn go_on(done: Option<Self>, out: &mut Vec<u8>, notes: &mut Vec<OrderNote>) -> usize {
        notes.clear();
        done.map_or(0, |part| {
            out.extend_from_slice(&part.replies);
            *notes = part.notes;
            part.items
        })
    }
}

/// Commands that end, confirm or prolong orders: while pipelines are in force each may undo much,
/// and hardly one does.
pub(super) const fn takes_parts(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Confirm | Opcode::Release | Opcode::Extend | Opcode::Cancel
    )
}

impl<S: Storage> Shard<S> {
    /// What is done of this frame already.
    pub(super) fn part_of(&self, session: SessionId, frame: &Frame<'_>) -> Option<&Part> {
        let part = self.parts.get(&session);
        part.filter(|part| part.request_id == frame.header.request_id)
    }

    /// Takes what is done of the frame at hand.
    pub(super) fn take_part(&mut self, session: SessionId, request_id: u64) -> Option<Part> {
        let part = self.parts.remove(&session);
        part.filter(|part| part.request_id == request_id)
    }

    /// Executes the items of a frame that are left, one reply item each, while the journal has room
    /// for `worst` bytes more. The first of them has room: that was looked at.
    pub(super) fn in_parts<'a, T: Item<'a>, R: Item<'a>>(
        &mut self,
        session: SessionId,
        (opcode, request_id): (Opcode, u64),
        items: Items<'a, T>,
        mut execute: impl FnMut(&mut Self, T) -> R,
    ) -> Taken {
        let worst = self.turn.worst;
        let done = self.take_part(session, request_id);
        let count = items.len();
        let at = self.gate.buffer().len();
        let start = frame::begin(self.gate.buffer());
        let body = self.gate.buffer().len();
        let from = Part::go_on(done, self.gate.buffer(), &mut Vec::new());
        for (place, item) in items.enumerate().skip(from) {
            let full = self.turn.items >= limits::TURN_ITEMS_MAX
                || self.records.bytes().len() + worst > self.batch_room();
            if full && place > from {
                let out = self.gate.buffer();
                let part = Part::of((request_id, place), out, (at, body), Vec::new());
                self.parts.insert(session, part);
                return Taken::Full;
            }
            self.turn.items += usize::from(place > from);
            let reply = execute(self, item);
            reply.put(self.gate.buffer());
        }
        #[allow(clippy::cast_possible_truncation)] // at most FRAME_ITEMS_MAX items
        start.finish(self.gate.buffer(), opcode.reply(), request_id, count as u16);
        self.gate.note(session, 1, false);
        Taken::Yes
    }
}
