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
        let done = self.parts.remove(&session);
        let done = done.filter(|part| part.request_id == request_id);
        let from = done.as_ref().map_or(0, |part| part.items);
        let count = items.len();
        let at = self.gate.buffer().len();
        let start = frame::begin(self.gate.buffer());
        let body = self.gate.buffer().len();
        if let Some(part) = done {
            self.gate.buffer().extend_from_slice(&part.replies);
        }
        for (place, item) in items.enumerate().skip(from) {
            let full = self.turn.items >= limits::TURN_ITEMS_MAX
                || self.records.bytes().len() + worst > self.batch_room();
            if full && place > from {
                let out = self.gate.buffer();
                let replies = out.get(body..).unwrap_or_default().to_vec();
                out.truncate(at);
                let part = Part {
                    request_id,
                    items: place,
                    replies,
                    notes: Vec::new(),
                };
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
