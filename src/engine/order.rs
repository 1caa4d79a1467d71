//! Orders in memory: one 64-byte slot an order, and lines aside for those that need them.
//!
//! ```text
//! slot   key 16 │ fingerprint 8 │ customer 8 │ time 48 bits │ sequence 48 bits │ SKU or lines 4 │
//!        quantity 4 │ version 2 │ channel 2 │ tenant 2 │ location 2 │ state │ flags │ extensions
//! line   SKU 4 │ ordered 4 │ reserved 4 │ committed 4 │ shipped 4 │ returned 4 │ next 4 │
//!        location 2
//! ```
//!
//! An order with one allocation, all of whose units are in the same state, has its line in the
//! slot. Any other order is *wide*: its lines are a list in the line table, sorted by (SKU,
//! location). Slots and lines are reused through free lists; neither table is ever copied.
#![allow(clippy::indexing_slicing)] // a table panics on a broken link: see `ChunkedVec`

use super::command::OrderLineView;
use crate::memory::ChunkedVec;
use crate::types::{ChannelId, LocationId, OrderState, Resolution, SkuId, TenantId};

/// "No line": the end of a list.
pub const NO_LINE: u32 = u32::MAX;

/// Bits of [`OrderSlot::flags`].
pub mod flag {
    /// A placed order; otherwise a hold.
    pub const PLACED: u8 = 1;
    /// Accepted in part: the request is kept as a second list of lines.
    pub const PARTIAL: u8 = 2;
    /// The lines are in the line table.
    pub const WIDE: u8 = 4;
    /// The slot is on the free list.
    pub const FREE: u8 = 8;
    /// The order is in process: its process decides when it ends, not its deadline.
    pub const MANAGED: u8 = 64;
    /// The resolution is in the two bits from here.
    pub const RESOLUTION_SHIFT: u8 = 4;
}

/// One order.
#[derive(Clone, Copy)]
pub struct OrderSlot {
    /// Mixed key.
    pub key: u128,
    /// Canonical meaning of the latest accepted version.
    pub fingerprint: u64,
    /// The merchant's number for the buyer.
    pub customer: u64,
    time_low: u32,
    sequence_low: u32,
    /// The SKU; the head of the lines of a wide order.
    pub sku: u32,
    /// Units; the head of the requested lines of a wide order, or `NO_LINE`.
    pub quantity: u32,
    time_high: u16,
    sequence_high: u16,
    /// Latest accepted version.
    pub version: u16,
    /// Where it was sold.
    pub channel: ChannelId,
    /// Whose.
    pub tenant: TenantId,
    /// Where the units are; unused by a wide order.
    pub location: LocationId,
    /// Present state, as the last record left it.
    pub state: OrderState,
    /// See [`flag`].
    pub flags: u8,
    /// How often the hold was extended.
    pub extensions: u8,
}

const _: () = {
    assert!(size_of::<OrderSlot>() == 64);
    assert!(size_of::<Line>() == 32);
};

impl OrderSlot {
    /// A slot with these times and no units; the other fields are public.
    pub fn new(key: u128, fingerprint: u64, customer: u64, time_ms: u64, sequence: u64) -> Self {
        let mut slot = Self {
            key,
            fingerprint,
            customer,
            time_low: 0,
            sequence_low: 0,
            sku: NO_LINE,
            quantity: NO_LINE,
            time_high: 0,
            sequence_high: 0,
            version: 0,
            channel: ChannelId(0),
            tenant: TenantId(0),
            location: LocationId::ANY,
            state: OrderState::Held,
            flags: 0,
            extensions: 0,
        };
        slot.set_time_ms(time_ms);
        let (low, high) = split48(sequence);
        (slot.sequence_low, slot.sequence_high) = (low, high);
        slot
    }

    /// End of a live hold; how long the hold of an order that waits for stock will last; when an
    /// ended order ended; otherwise when it was confirmed.
    #[inline]
    pub fn time_ms(&self) -> u64 {
        u64::from(self.time_low) | u64::from(self.time_high) << 32
    }

    /// See [`OrderSlot::time_ms`].
    #[inline]
    pub fn set_time_ms(&mut self, time_ms: u64) {
        (self.time_low, self.time_high) = split48(time_ms);
    }

    /// Sequence of the record that accepted the latest accepted version.
    #[inline]
    pub fn sequence(&self) -> u64 {
        u64::from(self.sequence_low) | u64::from(self.sequence_high) << 32
    }

    /// How the hold was resolved, as the last record left it.
    #[inline]
    pub fn resolution(&self) -> Resolution {
        Resolution::from_u8(self.flags >> flag::RESOLUTION_SHIFT & 3).unwrap_or(Resolution::Open)
    }

    /// Resolves the hold; a hold is resolved once.
    pub fn resolve(&mut self, resolution: Resolution) {
        assert_eq!(
            self.resolution(),
            Resolution::Open,
            "a hold is resolved once"
        );
        self.flags |= (resolution as u8) << flag::RESOLUTION_SHIFT;
    }

    /// The hold that had ended counts as confirmed from now on.
    pub fn reinstate(&mut self) {
        self.flags &= !(3 << flag::RESOLUTION_SHIFT);
        self.flags |= (Resolution::Confirmed as u8) << flag::RESOLUTION_SHIFT;
    }

    /// True for a placed order.
    #[inline]
    pub fn is_placed(&self) -> bool {
        self.flags & flag::PLACED != 0
    }

    /// True while the order is in process.
    #[inline]
    pub fn is_managed(&self) -> bool {
        self.flags & flag::MANAGED != 0
    }

    /// See [`flag::MANAGED`].
    pub fn set_managed(&mut self, managed: bool) {
        self.flags &= !flag::MANAGED;
        self.flags |= if managed { flag::MANAGED } else { 0 };
    }

    /// True where the lines are in the line table.
    #[inline]
    pub fn is_wide(&self) -> bool {
        self.flags & flag::WIDE != 0
    }

    /// True for a slot on the free list.
    #[inline]
    pub fn is_free(&self) -> bool {
        self.flags & flag::FREE != 0
    }

    /// True where units are reserved and the end has not come by `now_ms`.
    #[inline]
    pub fn is_live(&self, now_ms: u64) -> bool {
        self.state.is_live_hold() && (self.is_managed() || now_ms < self.time_ms())
    }

    /// True where the hold ended by time, whether its timer was fired or not.
    #[inline]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        let over = || !self.is_managed() && now_ms >= self.time_ms();
        self.state == OrderState::Expired || self.state.is_live_hold() && over()
    }

    /// True where the order holds and owes nothing more, so that its key may be forgotten.
    #[inline]
    pub fn is_ended(&self) -> bool {
        self.state.is_terminal() || self.state == OrderState::Shipped
    }
}

#[allow(clippy::cast_possible_truncation)] // the two parts are the value
fn split48(value: u64) -> (u32, u16) {
    assert!(value < 1 << 48, "times and sequences stay below 2^48");
    (value as u32, (value >> 32) as u16)
}

/// One line of a wide order, or one requested line (then only SKU, location and ordered count).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The SKU.
    pub sku: SkuId,
    /// Units allocated when the order was accepted, or requested.
    pub ordered: u32,
    /// Still held.
    pub reserved: u32,
    /// Paid, not shipped.
    pub committed: u32,
    /// Left for good.
    pub shipped: u32,
    /// Came back.
    pub returned: u32,
    /// The next line of the list, or `NO_LINE`.
    pub next: u32,
    /// Where.
    pub location: LocationId,
}

impl Line {
    /// The line as queried; what is not anywhere else was cancelled.
    pub fn view(&self) -> OrderLineView {
        OrderLineView {
            sku: self.sku,
            location: self.location,
            ordered: self.ordered,
            reserved: self.reserved,
            committed: self.committed,
            shipped: self.shipped,
            returned: self.returned,
            cancelled: self.ordered - self.reserved - self.committed - self.shipped,
        }
    }
}

/// All orders of a shard and their lines.
#[derive(Default)]
pub struct Orders {
    slots: ChunkedVec<OrderSlot, 16>,
    free_slots: Vec<u32>,
    lines: ChunkedVec<Line, 16>,
    free_line: Option<u32>,
    lines_used: u64,
}

impl Orders {
    /// Touches memory for this many orders.
    pub fn reserve_touched(&mut self, count: usize) {
        self.lines.expect_large();
        self.slots.reserve_touched(count);
    }

    /// Orders kept.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free_slots.len()
    }

    /// Bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        self.slots.memory_bytes() + self.lines.memory_bytes() + self.free_slots.capacity() * 4
    }

    /// Lines of wide orders in use.
    pub fn lines_used(&self) -> u64 {
        self.lines_used
    }

    /// Asks the processor for a slot's line.
    #[inline]
    pub fn prefetch(&self, slot: u32) {
        self.slots.prefetch(slot as usize);
    }

    /// Stores an order; returns its slot.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // bounded by ORDERS_MAX
    pub fn insert(&mut self, order: OrderSlot) -> u32 {
        if let Some(slot) = self.free_slots.pop() {
            self.slots[slot] = order;
            return slot;
        }
        self.slots.push(order) as u32
    }

    /// Puts another order in a slot in use, whose lines are freed.
    pub fn replace(&mut self, slot: u32, order: OrderSlot) {
        self.drop_lines(slot);
        self.slots[slot] = order;
    }

    /// Frees a slot and its lines.
    pub fn remove(&mut self, slot: u32) {
        self.drop_lines(slot);
        let order = &mut self.slots[slot];
        assert!(!order.is_free(), "a slot is freed once");
        order.flags = flag::FREE;
        self.free_slots.push(slot);
    }

    /// The order in a slot.
    #[inline]
    pub fn get(&self, slot: u32) -> &OrderSlot {
        &self.slots[slot]
    }

    /// The order in a slot, to change.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut OrderSlot {
        &mut self.slots[slot]
    }

    /// Every order in use, in order of its slot.
    #[allow(clippy::cast_possible_truncation)] // bounded by ORDERS_MAX
    pub fn iter(&self) -> impl Iterator<Item = (u32, &OrderSlot)> + '_ {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, order)| !order.is_free())
            .map(|(slot, order)| (slot as u32, order))
    }

    /// The lines of an order, inline or wide, as its last record left them.
    pub fn lines(&self, slot: u32) -> impl Iterator<Item = Line> + '_ {
        let order = &self.slots[slot];
        let (inline, head) = if order.is_wide() {
            (None, order.sku)
        } else {
            (Some(inline_line(order)), NO_LINE)
        };
        inline.into_iter().chain(self.list(head))
    }

    /// The requested lines of an order accepted in part; none for any other order.
    pub fn requested(&self, slot: u32) -> impl Iterator<Item = Line> + '_ {
        let order = &self.slots[slot];
        self.list(if order.is_wide() {
            order.quantity
        } else {
            NO_LINE
        })
    }

    fn list(&self, head: u32) -> impl Iterator<Item = Line> + '_ {
        let mut at = head;
        std::iter::from_fn(move || {
            (at != NO_LINE).then(|| {
                let line = self.lines[at];
                at = line.next;
                line
            })
        })
    }

    /// Makes the order wide, if it is not, and calls `change` with each line in order.
    pub fn change_lines(&mut self, slot: u32, mut change: impl FnMut(&mut Line)) {
        self.widen(slot);
        let mut at = self.slots[slot].sku;
        while at != NO_LINE {
            let line = &mut self.lines[at];
            change(line);
            at = line.next;
        }
    }

    /// Makes the order wide with these lines, and these requested ones.
    pub fn set_lines(
        &mut self,
        slot: u32,
        lines: impl Iterator<Item = Line>,
        requested: impl Iterator<Item = Line>,
    ) {
        self.drop_lines(slot);
        let head = self.push_list(lines);
        let requested = self.push_list(requested);
        let order = &mut self.slots[slot];
        order.flags |= flag::WIDE;
        (order.sku, order.quantity) = (head, requested);
    }

    fn widen(&mut self, slot: u32) {
        if !self.slots[slot].is_wide() {
            let line = inline_line(&self.slots[slot]);
            self.set_lines(slot, std::iter::once(line), std::iter::empty());
        }
    }

    fn drop_lines(&mut self, slot: u32) {
        let order = &mut self.slots[slot];
        if !order.is_wide() {
            return;
        }
        order.flags &= !flag::WIDE;
        for head in [order.sku, order.quantity] {
            self.free_list(head);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // asserted: fewer than 2^32 lines
    fn push_list(&mut self, lines: impl Iterator<Item = Line>) -> u32 {
        let (mut head, mut last) = (NO_LINE, NO_LINE);
        for line in lines {
            let line = Line {
                next: NO_LINE,
                ..line
            };
            let at = if let Some(at) = self.free_line {
                let next = self.lines[at].next;
                self.free_line = (next != NO_LINE).then_some(next);
                self.lines[at] = line;
                at
            } else {
                assert!(
                    self.lines.len() < NO_LINE as usize,
                    "the line table is full"
                );
                self.lines.push(line) as u32
            };
            if last == NO_LINE {
                head = at;
            } else {
                self.lines[last].next = at;
            }
            last = at;
            self.lines_used += 1;
        }
        head
    }

    fn free_list(&mut self, head: u32) {
        let mut at = head;
        while at != NO_LINE {
            let next = self.lines[at].next;
            self.lines[at].next = self.free_line.unwrap_or(NO_LINE);
            self.free_line = Some(at);
            self.lines_used -= 1;
            at = next;
        }
    }
}

/// The line of an order that has it in its slot.
pub fn inline_line(order: &OrderSlot) -> Line {
    let quantity = order.quantity;
    let of = |here: bool| if here { quantity } else { 0 };
    Line {
        sku: SkuId(order.sku),
        ordered: quantity,
        reserved: of(order.state.is_live_hold()),
        committed: of(order.state == OrderState::Confirmed),
        shipped: of(matches!(
            order.state,
            OrderState::Shipped | OrderState::Completed
        )),
        returned: 0,
        next: NO_LINE,
        location: order.location,
    }
}
