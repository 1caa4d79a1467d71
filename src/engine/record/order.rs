//! Orders: accepted with their allocations, refused with their reason, and what became of them.

use super::{RECORD_VERSION, kind, take};
use crate::types::record::{RawRecord, RecordBuffer};
use crate::types::{
    ActorId, ChannelId, CommandKey, LocationId, OrderKey, ResultCode, SkuId, TenantId,
};
use bytes::{Buf, BufMut};

/// Bits of [`OrderAccepted::flags`].
pub mod accepted_flags {
    /// A placed order; otherwise a hold.
    pub const PLACED: u8 = 1;
    /// Accepted in part (partial policy, and not every line in full): the merged request, sorted by
    /// (SKU, location), follows the allocations.
    pub const PARTIAL: u8 = 2;
    /// Archived details follow.
    pub const DETAILS: u8 = 4;
    /// This version replaces the one before, which held units or waited for them.
    pub const REPLACES: u8 = 8;
    /// The order waits for stock: no allocations; the merged request, sorted by (SKU, location),
    /// and the destination follow.
    pub const BACKORDERED: u8 = 16;
    /// A channel had sold the order: it may take more than there is, as a record of its own says.
    pub const FACT: u8 = 32;
    /// The next version of a confirmed order, whose units are committed at once.
    pub const COMMITTED: u8 = 64;
}

/// Bytes of one allocation: SKU u32, quantity u32, location u16.
pub const ALLOCATION_BYTES: usize = 10;
/// Bytes of one short line: SKU u32, left u32, line u8.
pub const SHORT_BYTES: usize = 9;

/// Units of one SKU taken at one location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allocation {
    /// The SKU.
    pub sku: SkuId,
    /// Units, at least 1.
    pub quantity: u32,
    /// Where, never `ANY`.
    pub location: LocationId,
}

/// One merged line of a request: as [`Allocation`], but the location may be `ANY`.
pub type RequestedLine = Allocation;

/// A line of a partial confirm, a shipment or a return, in the same bytes as an allocation.
pub type OrderLine = Allocation;

/// A counted run of allocations in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines<'a> {
    bytes: &'a [u8],
}

/// Allocations of an accepted order.
pub type Allocations<'a> = Lines<'a>;
/// Lines of a partial confirm, shipment or return.
pub type OrderLines<'a> = Lines<'a>;

impl<'a> Lines<'a> {
    /// A view over whole encoded allocations, as written by [`put_lines`].
    ///
    /// # Panics
    /// If `bytes` is not a whole number of allocations.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        assert!(
            bytes.len().is_multiple_of(ALLOCATION_BYTES),
            "whole allocations"
        );
        Self { bytes }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / ALLOCATION_BYTES
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Each in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Allocation> + Clone + 'a {
        self.bytes
            .as_chunks::<ALLOCATION_BYTES>()
            .0
            .iter()
            .map(|chunk| {
                let [s0, s1, s2, s3, q0, q1, q2, q3, l0, l1] = *chunk;
                Allocation {
                    sku: SkuId(u32::from_le_bytes([s0, s1, s2, s3])),
                    quantity: u32::from_le_bytes([q0, q1, q2, q3]),
                    location: LocationId(u16::from_le_bytes([l0, l1])),
                }
            })
    }

    /// Takes a run that is preceded by its count in one byte.
    #[inline]
    pub(super) fn take(input: &mut &'a [u8]) -> Option<Self> {
        let count = usize::from(take!(input, try_get_u8));
        Self::take_counted(input, count)
    }

    fn take_counted(input: &mut &'a [u8], count: usize) -> Option<Self> {
        let (bytes, rest) = input.split_at_checked(count * ALLOCATION_BYTES)?;
        *input = rest;
        Some(Self { bytes })
    }

    fn count_byte(&self) -> u8 {
        u8::try_from(self.len()).unwrap_or(u8::MAX)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.put_u8(self.count_byte());
        out.put_slice(self.bytes);
    }
}

/// Appends the encoded form of `lines` to `out`, for [`Lines::from_bytes`].
pub fn put_lines(out: &mut Vec<u8>, lines: &[Allocation]) {
    for line in lines {
        out.put_u32_le(line.sku.0);
        out.put_u32_le(line.quantity);
        out.put_u16_le(line.location.0);
    }
}

/// An accepted order, or the next version of a live hold.
///
/// ```text
///  0 key 16 │ 16 fingerprint 8 │ 24 customer 8 │ 32 total 8 │ 40 ttl_ms 4 │ 44 tenant 2
/// 46 channel 2 │ 48 version 2 │ 50 currency 2 │ 52 flags 1 │ 53 allocations 1 │ 54 … 10 each
/// then, with PARTIAL or BACKORDERED: count 1, requested lines 10 each
/// then, with BACKORDERED: destination 0/1 1, x 4, y 4 (zero without destination)
/// then, with DETAILS: zeros to a multiple of 8, archive version 1, zeros 7, archive bytes
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAccepted<'a> {
    /// The client's key.
    pub key: OrderKey,
    /// Hash of the canonical meaning.
    pub fingerprint: u64,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Minor units of `currency`.
    pub total: u64,
    /// Time to live from the batch's time, in milliseconds.
    pub ttl_ms: u32,
    /// Whose order.
    pub tenant: TenantId,
    /// Where it was sold.
    pub channel: ChannelId,
    /// From 1.
    pub version: u16,
    /// ISO 4217 number.
    pub currency: u16,
    /// See [`accepted_flags`].
    pub flags: u8,
    /// What was taken, at least one unless `BACKORDERED`, sorted by (SKU, location).
    pub allocations: Allocations<'a>,
    /// The merged request; empty unless `PARTIAL` or `BACKORDERED`.
    pub requested: Lines<'a>,
    /// Where the buyer is; none unless `BACKORDERED`.
    pub destination: Option<(i32, i32)>,
    /// Archive version and archived details; empty unless `DETAILS`. The bytes start at a
    /// multiple of 8 of the payload.
    pub details: &'a [u8],
    /// Version of the archive layout; 0 without details.
    pub details_version: u8,
}

/// Flags with which the merged request follows.
const REQUESTED: u8 = accepted_flags::PARTIAL | accepted_flags::BACKORDERED;

/// A destination, present or not in the same nine bytes.
fn take_destination(input: &mut &[u8], into: &mut Option<(i32, i32)>) -> Option<()> {
    let present = super::take_bool(input)?;
    let place = (take!(input, try_get_i32_le), take!(input, try_get_i32_le));
    *into = present.then_some(place);
    (present || place == (0, 0)).then_some(())
}

/// Bytes of the fixed part of an accepted order.
const ACCEPTED_FIXED_BYTES: usize = 54;

impl<'a> OrderAccepted<'a> {
    /// Decodes a whole payload of this kind.
    #[must_use]
    #[inline(always)]
    #[allow(clippy::inline_always)] // or the decoded record is copied about on every order
    pub fn decode(mut payload: &'a [u8]) -> Option<Self> {
        let accepted = Self::take(&mut payload)?;
        payload.is_empty().then_some(accepted)
    }

    /// Appends this record to `buffer` as done by `actor`; returns its sequence and its bytes.
    pub fn push<'b>(&self, buffer: &'b mut RecordBuffer, actor: ActorId) -> (u64, RawRecord<'b>) {
        buffer.push(kind::ORDER_ACCEPTED, RECORD_VERSION, actor, |out| {
            self.put(out);
        })
    }

    #[inline(always)]
    #[allow(clippy::inline_always)] // see `decode`
    pub(super) fn take(input: &mut &'a [u8]) -> Option<Self> {
        let whole = input.len();
        let (fixed, rest) = input.split_first_chunk::<{ ACCEPTED_FIXED_BYTES - 1 }>()?;
        *input = rest;
        let mut fixed = &fixed[..]; // its length is known, so every take below is without a check
        let fixed = &mut fixed;
        let key = OrderKey(take!(fixed, try_get_u128_le));
        let fingerprint = take!(fixed, try_get_u64_le);
        let customer = take!(fixed, try_get_u64_le);
        let total = take!(fixed, try_get_u64_le);
        let ttl_ms = take!(fixed, try_get_u32_le);
        let tenant = TenantId(take!(fixed, try_get_u16_le));
        let channel = ChannelId(take!(fixed, try_get_u16_le));
        let version = take!(fixed, try_get_u16_le);
        let currency = take!(fixed, try_get_u16_le);
        let flags = take!(fixed, try_get_u8);
        let allocations = Lines::take(input)?;
        let (mut requested, mut destination) = (Lines::default(), None);
        if flags & REQUESTED != 0 {
            requested = Lines::take(input)?;
        }
        if flags & accepted_flags::BACKORDERED != 0 {
            take_destination(input, &mut destination)?;
        }
        let (mut details, mut details_version) = (&[][..], 0);
        if flags & accepted_flags::DETAILS != 0 {
            let at = whole - input.len();
            let (padding, rest) = input.split_at_checked(at.next_multiple_of(8) - at)?;
            let ([version, zeros @ ..], rest) = rest.split_first_chunk::<8>()?;
            if padding.iter().chain(zeros).any(|byte| *byte != 0) {
                return None;
            }
            details_version = *version;
            details = rest;
            *input = &[];
        }
        Some(Self {
            key,
            fingerprint,
            customer,
            total,
            ttl_ms,
            tenant,
            channel,
            version,
            currency,
            flags,
            allocations,
            requested,
            destination,
            details,
            details_version,
        })
    }

    #[inline]
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        // Built aside and appended at once: one check of the room instead of eleven.
        let mut bytes = [0; ACCEPTED_FIXED_BYTES - 1];
        let mut fixed = &mut bytes[..];
        fixed.put_u128_le(self.key.0);
        fixed.put_u64_le(self.fingerprint);
        fixed.put_u64_le(self.customer);
        fixed.put_u64_le(self.total);
        fixed.put_u32_le(self.ttl_ms);
        fixed.put_u16_le(self.tenant.0);
        fixed.put_u16_le(self.channel.0);
        fixed.put_u16_le(self.version);
        fixed.put_u16_le(self.currency);
        fixed.put_u8(self.flags);
        out.extend_from_slice(&bytes);
        self.allocations.put(out);
        debug_assert_eq!(
            out.len() - start,
            ACCEPTED_FIXED_BYTES + self.allocations.len() * ALLOCATION_BYTES
        );
        if self.flags & REQUESTED != 0 {
            self.requested.put(out);
        }
        if self.flags & accepted_flags::BACKORDERED != 0 {
            let (x, y) = self.destination.unwrap_or_default();
            out.put_u8(u8::from(self.destination.is_some()));
            out.put_i32_le(x);
            out.put_i32_le(y);
        }
        if self.flags & accepted_flags::DETAILS != 0 {
            let used = out.len() - start;
            out.put_bytes(0, used.next_multiple_of(8) - used);
            out.put_u8(self.details_version);
            out.put_bytes(0, 7);
            out.put_slice(self.details);
        }
    }
}

/// What was left of one line that could not be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortLine {
    /// The SKU.
    pub sku: SkuId,
    /// Units that were available to this line.
    pub left: u32,
    /// Index of the first line of the request with this SKU and location.
    pub line: u8,
}

/// The short lines of a refusal, in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shorts<'a> {
    bytes: &'a [u8],
}

impl<'a> Shorts<'a> {
    /// A view over whole encoded short lines, as written by [`put_shorts`].
    ///
    /// # Panics
    /// If `bytes` is not a whole number of short lines.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        assert!(bytes.len().is_multiple_of(SHORT_BYTES), "whole short lines");
        Self { bytes }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / SHORT_BYTES
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Each in order of its line.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ShortLine> + Clone + 'a {
        self.bytes.as_chunks::<SHORT_BYTES>().0.iter().map(|chunk| {
            let [s0, s1, s2, s3, q0, q1, q2, q3, line] = *chunk;
            ShortLine {
                sku: SkuId(u32::from_le_bytes([s0, s1, s2, s3])),
                left: u32::from_le_bytes([q0, q1, q2, q3]),
                line,
            }
        })
    }
}

/// Appends the encoded form of `shorts` to `out`, for [`Shorts::from_bytes`].
pub fn put_shorts(out: &mut Vec<u8>, shorts: &[ShortLine]) {
    for short in shorts {
        out.put_u32_le(short.sku.0);
        out.put_u32_le(short.left);
        out.put_u8(short.line);
    }
}

/// A refused order.
///
/// ```text
///  0 key 16 │ 16 fingerprint 8 │ 24 customer 8 │ 32 tenant 2 │ 34 channel 2 │ 36 version 2
/// 38 reason 2 │ 40 short lines 1 │ 41 … 9 each
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRejected<'a> {
    /// The client's key.
    pub key: OrderKey,
    /// Hash of the canonical meaning.
    pub fingerprint: u64,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Whose order.
    pub tenant: TenantId,
    /// Where it would have been sold.
    pub channel: ChannelId,
    /// The refused version.
    pub version: u16,
    /// Why: a rejection code.
    pub reason: ResultCode,
    /// Every short line (or, for `NOT_ON_SALE`, every line not on sale, with 0 left).
    pub shorts: Shorts<'a>,
}

/// Bytes of the fixed part of a refusal, the count of its short lines included.
const REJECTED_FIXED_BYTES: usize = 41;

impl<'a> OrderRejected<'a> {
    /// Decodes a whole payload of this kind.
    #[must_use]
    #[inline(always)]
    #[allow(clippy::inline_always)] // or the decoded record is copied about on every order
    pub fn decode(mut payload: &'a [u8]) -> Option<Self> {
        let rejected = Self::take(&mut payload)?;
        payload.is_empty().then_some(rejected)
    }

    /// Appends this record to `buffer` as done by `actor`; returns its sequence and its bytes.
    pub fn push<'b>(&self, buffer: &'b mut RecordBuffer, actor: ActorId) -> (u64, RawRecord<'b>) {
        buffer.push(kind::ORDER_REJECTED, RECORD_VERSION, actor, |out| {
            self.put(out);
        })
    }

    #[inline(always)]
    #[allow(clippy::inline_always)] // see `decode`
    pub(super) fn take(input: &mut &'a [u8]) -> Option<Self> {
        let (fixed, rest) = input.split_first_chunk::<{ REJECTED_FIXED_BYTES - 1 }>()?;
        *input = rest;
        let mut fixed = &fixed[..]; // its length is known, so every take below is without a check
        let fixed = &mut fixed;
        Some(Self {
            key: OrderKey(take!(fixed, try_get_u128_le)),
            fingerprint: take!(fixed, try_get_u64_le),
            customer: take!(fixed, try_get_u64_le),
            tenant: TenantId(take!(fixed, try_get_u16_le)),
            channel: ChannelId(take!(fixed, try_get_u16_le)),
            version: take!(fixed, try_get_u16_le),
            reason: ResultCode::from_u16(take!(fixed, try_get_u16_le))?,
            shorts: {
                let count = usize::from(take!(input, try_get_u8));
                let (bytes, rest) = input.split_at_checked(count * SHORT_BYTES)?;
                *input = rest;
                Shorts { bytes }
            },
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; REJECTED_FIXED_BYTES - 1];
        let mut fixed = &mut bytes[..];
        fixed.put_u128_le(self.key.0);
        fixed.put_u64_le(self.fingerprint);
        fixed.put_u64_le(self.customer);
        fixed.put_u16_le(self.tenant.0);
        fixed.put_u16_le(self.channel.0);
        fixed.put_u16_le(self.version);
        fixed.put_u16_le(self.reason as u16);
        out.extend_from_slice(&bytes);
        out.put_u8(u8::try_from(self.shorts.len()).unwrap_or(u8::MAX));
        out.put_slice(self.shorts.bytes);
    }
}

/// The head of every record that a keyed command makes about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRef {
    /// The order.
    pub order: OrderKey,
    /// The command.
    pub key: CommandKey,
    /// Hash of the command's meaning.
    pub fingerprint: u64,
    /// Whose order.
    pub tenant: TenantId,
}

impl OrderRef {
    pub(super) fn take(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            order: OrderKey(take!(input, try_get_u128_le)),
            key: CommandKey(take!(input, try_get_u128_le)),
            fingerprint: take!(input, try_get_u64_le),
            tenant: TenantId(take!(input, try_get_u16_le)),
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.put_u128_le(self.order.0);
        out.put_u128_le(self.key.0);
        out.put_u64_le(self.fingerprint);
        out.put_u16_le(self.tenant.0);
    }
}
