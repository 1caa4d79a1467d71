//! A frame of orders: decode in place, prefetch ahead, decide one by one.
//!
//! The order index is the cost of an order, and it is the cost of waiting for memory. So three
//! cursors walk the frame: the first hashes keys and fetches index lines, the second fetches the
//! slots and stock cells that those name, the third decides. By the time an order is decided, what
//! it needs is on its way or there.

use super::admission::ItemBounds;
use super::details;
use super::parts::Part;
use super::sessions::SessionState;
use super::{Shard, Taken};
use crate::engine::command::{LineNote, OrderOutcome, OrderRequest};
use crate::engine::record::RequestedLine;
use crate::engine::{Engine, OrderProbe};
use crate::journal::storage::Storage;
use crate::limits::ORDER_LINES_MAX;
use crate::types::{LocationId, ResultCode, SessionId, SkuId, TenantId};
use crate::wire::frame::{self, Frame};
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reply::order::PARTIAL;
use crate::wire::reply::{NoteKind, OrderNote, REPLAYED, ReserveReplyItem};
use crate::wire::request::{Request, ReserveItem};

/// The first cursor goes on when it is less than this many orders ahead of the decision …
const FAR_AHEAD_MIN: usize = 24;

/// … up to this many, in one tight loop: a prefetch may wait for an address translation, and only
/// prefetches that stand close together wait for theirs at the same time.
const FAR_AHEAD_MAX: usize = 56;

/// As [`FAR_AHEAD_MIN`], for the second cursor.
const NEAR_AHEAD_MIN: usize = 6;

/// As [`FAR_AHEAD_MAX`], for the second cursor; not above [`FAR_AHEAD_MIN`].
const NEAR_AHEAD_MAX: usize = 22;

/// Probes kept between the first cursor and the decision; a power of two above `FAR_AHEAD_MAX`.
const RING: usize = 64;

const _: () = assert!(NEAR_AHEAD_MAX < FAR_AHEAD_MIN && FAR_AHEAD_MAX < RING);

/// Room for one line beyond the bound, so that the engine sees an order that is too long.
const LINES_ROOM: usize = ORDER_LINES_MAX + 1;

const NO_LINE: RequestedLine = RequestedLine {
    sku: SkuId(0),
    quantity: 0,
    location: LocationId(0),
};

/// Reused buffers of the walk.
#[derive(Debug)]
pub(super) struct Pipeline {
    probes: [Option<OrderProbe>; RING],
    lines: [RequestedLine; LINES_ROOM],
    notes: Vec<OrderNote>,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            probes: [None; RING],
            lines: [NO_LINE; LINES_ROOM],
            notes: Vec::new(),
        }
    }
}

/// First stage for a frame with a single order, called while earlier frames are still to come.
pub(super) fn prefetch_frame(engine: &Engine, tenant: TenantId, frame: &Frame<'_>) {
    if let Ok(Request::Reserve(mut items)) = Request::decode(frame)
        && let Some(item) = items.next()
        && let Some(line) = item.lines.iter().next()
    {
        engine.prefetch_order_key(tenant, item.key);
        engine.prefetch_sku(line.sku);
    }
}

fn first_sku(item: &ReserveItem<'_>) -> SkuId {
    item.lines.iter().next().map_or(SkuId(0), |line| line.sku)
}

impl<S: Storage> Shard<S> {
    pub(super) fn reserve(
        &mut self,
        session: SessionId,
        state: SessionState,
        request_id: u64,
        items: Items<'_, ReserveItem<'_>>,
    ) -> Taken {
        let (whole, room) = (self.turn.whole, self.batch_room());
        let bounds = ItemBounds::of_orders(&self.engine);
        let done = self.take_part(session, request_id);
        let Self {
            engine,
            records,
            gate,
            pipeline,
            notes,
            tally,
            parts,
            ..
        } = self;
        let tenant = state.context.tenant;
        let out = gate.buffer();
        let frame_at = out.len();
        let start = frame::begin(out);
        let body_at = out.len();
        let from = Part::go_on(done, out, &mut pipeline.notes);
        let left = behind(items, from);
        let (mut far, mut near) = (left, left);
        let (mut far_at, mut near_at) = (from, from);
        #[allow(clippy::cast_possible_truncation)] // at most FRAME_ITEMS_MAX items
        for (index, item) in (from..).zip(left) {
            // The first of them has room: that was looked at.
            let full = !whole && records.bytes().len() + bounds.order(&item) > room;
            if full && index > from {
                let notes = std::mem::take(&mut pipeline.notes);
                let part = Part::of((request_id, index), out, (frame_at, body_at), notes);
                parts.insert(session, part);
                return Taken::Full;
            }
            if far_at < index + FAR_AHEAD_MIN {
                for ahead in far.by_ref().take(index + FAR_AHEAD_MAX - far_at) {
                    let probe = engine.prefetch_order_key(tenant, ahead.key);
                    engine.prefetch_sku(first_sku(&ahead));
                    if let Some(place) = pipeline.probes.get_mut(far_at % RING) {
                        *place = Some(probe);
                    }
                    far_at += 1;
                }
            }
            if near_at < index + NEAR_AHEAD_MIN {
                for ahead in near.by_ref().take(index + NEAR_AHEAD_MAX - near_at) {
                    if let Some(Some(probe)) = pipeline.probes.get(near_at % RING) {
                        engine.prefetch_order_slot(probe);
                    }
                    engine.prefetch_cell(first_sku(&ahead));
                    near_at += 1;
                }
            }
            let probe = pipeline.probes.get(index % RING).copied().flatten();
            notes.clear();
            let outcome = decide(&item, &mut pipeline.lines, |request| {
                let probe = probe.unwrap_or_else(|| engine.prefetch_order_key(tenant, request.key));
                engine.reserve_probed(state.context, request, &probe, records, notes)
            });
            tally.count(&outcome);
            put_outcome(out, &outcome);
            pipeline
                .notes
                .extend(notes.iter().map(|note| wire_note(index as u16, note)));
        }
        for note in &pipeline.notes {
            note.put(out);
        }
        #[allow(clippy::cast_possible_truncation)] // at most FRAME_ITEMS_MAX items
        start.finish(out, Opcode::Reserve.reply(), request_id, far_at as u16);
        gate.note(session, 1, false);
        Taken::Yes
    }
}

/// The items behind the first ones.
fn behind<'a>(mut items: Items<'a, ReserveItem<'a>>, first: usize) -> Items<'a, ReserveItem<'a>> {
    if first > 0 {
        let _ = items.nth(first - 1);
    }
    items
}

/// Turns a wire order into an engine order and has it decided, unless its flags or details refuse
/// it first. Undefined flags come before every other check; details come in their documented place
/// behind the checks of fixed fields.
fn decide(
    item: &ReserveItem<'_>,
    lines: &mut [RequestedLine; LINES_ROOM],
    engine: impl FnOnce(&OrderRequest<'_>) -> OrderOutcome,
) -> OrderOutcome {
    if !item.flags_are_defined() {
        return refused(ResultCode::InvalidField);
    }
    let mut count = 0;
    for (place, line) in lines.iter_mut().zip(item.lines.iter()) {
        *place = RequestedLine {
            sku: line.sku,
            quantity: line.quantity,
            location: line.location,
        };
        count += 1;
    }
    let mut request = OrderRequest {
        key: item.key,
        version: item.version,
        customer: item.customer,
        channel: item.channel,
        ttl_ms: item.ttl_ms,
        mode: item.mode(),
        policy: item.policy(),
        currency: item.currency,
        total: item.total,
        destination: item.destination,
        lines: lines.get(..count).unwrap_or_default(),
        details: &[],
        details_version: 0,
    };
    if item.details.is_empty() {
        return engine(&request);
    }
    if let Err(code) = Engine::check_fields(&request) {
        return refused(code);
    }
    match details::archive(item.details, item.lines.len()) {
        Ok(archived) => {
            request.details = &archived.bytes;
            request.details_version = archived.version;
            engine(&request)
        }
        Err(code) => refused(code),
    }
}

/// A malformed order: nothing changed and nothing is stored.
fn refused(code: ResultCode) -> OrderOutcome {
    OrderOutcome {
        code,
        state: None,
        replayed: false,
        partial: false,
        version: 0,
        sequence: 0,
        expires_at_ms: 0,
        notes: 0,
    }
}

fn put_outcome(out: &mut Vec<u8>, outcome: &OrderOutcome) {
    let replayed = if outcome.replayed { REPLAYED } else { 0 };
    let partial = if outcome.partial { PARTIAL } else { 0 };
    ReserveReplyItem {
        code: outcome.code,
        state: outcome.state,
        flags: replayed | partial,
        version: outcome.version,
        notes: outcome.notes,
        sequence: outcome.sequence,
        expires_at_ms: outcome.expires_at_ms,
    }
    .put(out);
}

fn wire_note(item: u16, note: &LineNote) -> OrderNote {
    match *note {
        LineNote::Short(short) => OrderNote {
            item,
            line: short.line,
            kind: NoteKind::Short,
            value: short.left,
        },
        LineNote::Granted { line, quantity } => OrderNote {
            item,
            line,
            kind: NoteKind::Granted,
            value: quantity,
        },
    }
}
