//! Which frames a turn takes: role, journal room, layout, and the worst case of what they journal.

use super::Shard;
use super::details;
use super::parts::takes_parts;
use super::sessions::SessionState;
use crate::engine::Engine;
use crate::engine::process::{PROCESS_ENTRY_RECORDS_BYTES_MAX, PROCESS_TIMER_RECORDS_BYTES_MAX};
use crate::journal::Room;
use crate::journal::storage::Storage;
use crate::limits;
use crate::types::{ResultCode, Role, SessionId};
use crate::wire::frame::Frame;
use crate::wire::opcode::Opcode;
use crate::wire::request::reserve::{DESTINATION_BYTES, LINE_BYTES, RESERVE_BYTES};
use crate::wire::request::{Request, ReserveItem};

/// How long frames wait for journal room before they are answered `OVERLOADED`, in nanoseconds.
const OVERLOADED_AFTER_NS: u64 = 1_000_000_000;

impl<S: Storage> Shard<S> {
    /// True where a turn could take something: the journal and the held replies have room.
    pub fn has_room(&mut self) -> bool {
        self.room() != Room::None
    }

    /// What a turn may take.
    pub(super) fn room(&mut self) -> Room {
        if self.failure.is_some() || !self.gate.has_room() {
            return Room::None;
        }
        self.journal.room()
    }

    /// Only the reserved share is left, but not for long yet: segments may just be in preparation,
    /// so the socket pushes back before anybody is refused. What was begun goes on.
    pub(super) fn must_wait_for_room(&self, session: SessionId, frame: &Frame<'_>) -> bool {
        let waited_ns = self
            .turn
            .started_ns
            .saturating_sub(self.reserved_since_ns.unwrap_or(0));
        self.turn.reserved_only
            && waited_ns < OVERLOADED_AFTER_NS
            && self.part_of(session, frame).is_none()
            && Opcode::from_u8(frame.header.opcode).is_some_and(|it| !uses_reserved_share(it))
    }

    /// Role, journal room and layout, in this order.
    pub(super) fn admit<'a>(
        &mut self,
        (session, state): (SessionId, SessionState),
        frame: &Frame<'a>,
    ) -> Result<Request<'a>, ResultCode> {
        let opcode = Opcode::from_u8(frame.header.opcode).ok_or(ResultCode::UnknownOpcode)?;
        if opcode == Opcode::Hello {
            return Err(ResultCode::HelloRepeated);
        }
        if state.role < opcode.role_min() {
            return Err(ResultCode::ForbiddenRole);
        }
        let goes_on = uses_reserved_share(opcode) || self.part_of(session, frame).is_some();
        if self.turn.reserved_only && !goes_on {
            self.tally.overloaded += 1;
            return Err(ResultCode::Overloaded);
        }
        let request = Request::decode(frame).map_err(|error| error.code)?;
        match request {
            Request::Statistics(what) if state.role < what.role_min() => {
                Err(ResultCode::ForbiddenRole)
            }
            request => Ok(request),
        }
    }

    /// Upper bound of the journal bytes that a frame can cause, from its header and length alone; of a
    /// frame that takes parts, what one of its items can.
    pub(super) fn records_bytes_max(&self, frame: &Frame<'_>) -> usize {
        let opcode = Opcode::from_u8(frame.header.opcode);
        if opcode.is_some_and(|opcode| opcode.role_min() == Role::ReadOnly) {
            return 0; // a question writes nothing
        }
        let items = usize::from(frame.header.count).max(1);
        let (items, body) = if opcode.is_some_and(takes_parts) {
            (1, frame.body.len().div_ceil(items))
        } else {
            (items, frame.body.len())
        };
        // While pipelines are in force: entering them, or what a command about one order moves.
        let process = match opcode {
            Some(Opcode::Reserve) => PROCESS_ENTRY_RECORDS_BYTES_MAX,
            // Names and arriving stock move no order.
            Some(
                Opcode::DefineSku
                | Opcode::ResolveSku
                | Opcode::DefineLocation
                | Opcode::ResolveLocation
                | Opcode::Receive,
            ) => 0,
            _ => PROCESS_TIMER_RECORDS_BYTES_MAX,
        };
        let bounds = ItemBounds::of(&self.engine, process);
        bounds.bytes(items, body / LINE_BYTES, body)
    }

    /// As [`Self::records_bytes_max`], of the largest order that a frame of orders may have.
    pub(super) fn order_bytes_max(&self, frame: &Frame<'_>) -> usize {
        let largest = RESERVE_BYTES
            + DESTINATION_BYTES
            + limits::ORDER_LINES_MAX * LINE_BYTES
            + limits::DETAILS_BYTES_MAX.next_multiple_of(4);
        let bounds = ItemBounds::of_orders(&self.engine);
        bounds.bytes(1, limits::ORDER_LINES_MAX, frame.body.len().min(largest))
    }
}

/// What one item of a frame journals at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemBounds {
    /// Cells that one line may be split over.
    cells: usize,
    /// Bytes of what its order process does.
    process: usize,
}

impl ItemBounds {
    fn of(engine: &Engine, process: usize) -> Self {
        let cells = engine.locations_count();
        let in_force = engine.pipelines().is_some();
        Self {
            cells: cells.clamp(1, limits::ORDER_ALLOCATIONS_MAX),
            process: if in_force { process } else { 0 },
        }
    }

    /// Of orders.
    pub fn of_orders(engine: &Engine) -> Self {
        Self::of(engine, PROCESS_ENTRY_RECORDS_BYTES_MAX)
    }

    /// Of one order. One that is longer than an order may be is refused without a record.
    pub fn order(&self, item: &ReserveItem<'_>) -> usize {
        let bounded = item.lines.len() <= limits::ORDER_LINES_MAX
            && item.details.len() <= limits::DETAILS_BYTES_MAX;
        if bounded {
            self.bytes(1, item.lines.len(), item.encoded_bytes())
        } else {
            0
        }
    }

    fn bytes(&self, items: usize, lines: usize, body: usize) -> usize {
        let allocations = (lines * self.cells).min(items * limits::ORDER_ALLOCATIONS_MAX);
        // Fixed parts and padding; allocations; requested or short lines; archived details.
        items * (192 + self.process)
            + allocations * 10
            + lines * 10
            + body * details::ARCHIVE_GROWTH
    }
}

/// Opcodes that go on when only the journal's reserved share is left: reading, and ending holds.
fn uses_reserved_share(opcode: Opcode) -> bool {
    opcode.role_min() == Role::ReadOnly
        || matches!(
            opcode,
            Opcode::Confirm | Opcode::ConfirmLines | Opcode::Release | Opcode::Cancel
        )
}
