//! Orders to take, read in place: the hot path of the server.

use crate::types::{ChannelId, LocationId, OrderKey, OrderMode, Policy, SkuId};
use crate::wire::item::Item;
use crate::wire::reader::{Reader, put_padded};

/// Bytes of an order before its destination, lines and details.
pub const RESERVE_BYTES: usize = 48;

/// Bytes of a destination.
pub const DESTINATION_BYTES: usize = 8;

/// Bytes of one line: sku u32, quantity u32, location u16, zero u16.
pub const LINE_BYTES: usize = 12;

/// Bits of [`ReserveItem::flags`].
pub mod reserve_flags {
    /// The order is placed; otherwise it is a hold.
    pub const PLACE: u8 = 1;
    /// Take what there is; otherwise all or nothing.
    pub const PARTIAL: u8 = 2;
    /// A destination follows the fixed part.
    pub const DESTINATION: u8 = 4;
    /// A details message follows the lines.
    pub const DETAILS: u8 = 8;
    /// Where stock is short, the whole order waits for it; not together with `PARTIAL`.
    pub const BACKORDER: u8 = 16;
    /// A channel has sold the order already; it is placed, whether `PLACE` is set or not.
    pub const FACT: u8 = 32;
    /// All defined bits.
    pub const DEFINED: u8 = PLACE | PARTIAL | DESTINATION | DETAILS | BACKORDER | FACT;
}

/// One line of an order, a partial confirm, a shipment or a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// What.
    pub sku: SkuId,
    /// Units, at least 1 and at most `LINE_QUANTITY_MAX`.
    pub quantity: u32,
    /// Where; `LocationId::ANY` lets the engine choose.
    pub location: LocationId,
}

impl Line {
    /// As the bytes of one line.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LINE_BYTES] {
        let [s0, s1, s2, s3] = self.sku.0.to_le_bytes();
        let [q0, q1, q2, q3] = self.quantity.to_le_bytes();
        let [l0, l1] = self.location.0.to_le_bytes();
        [s0, s1, s2, s3, q0, q1, q2, q3, l0, l1, 0, 0]
    }

    fn from_bytes(bytes: [u8; LINE_BYTES]) -> Self {
        let [s0, s1, s2, s3, q0, q1, q2, q3, l0, l1, _, _] = bytes;
        Self {
            sku: SkuId(u32::from_le_bytes([s0, s1, s2, s3])),
            quantity: u32::from_le_bytes([q0, q1, q2, q3]),
            location: LocationId(u16::from_le_bytes([l0, l1])),
        }
    }
}

/// The lines of one order: in place when decoded, or a caller's slice when encoding.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    source: Source<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Bytes(&'a [u8]),
    Slice(&'a [Line]),
}

impl<'a> Lines<'a> {
    /// Lines to encode; only the first 255 are.
    #[must_use]
    pub fn new(lines: &'a [Line]) -> Self {
        let lines = lines.get(..usize::from(u8::MAX)).unwrap_or(lines);
        Self {
            source: Source::Slice(lines),
        }
    }

    /// Takes `count` lines off the front; their reserved bytes must be zero.
    #[inline]
    pub(super) fn take(reader: &mut Reader<'a>, count: u8) -> Option<Self> {
        let bytes = reader.slice(usize::from(count) * LINE_BYTES)?;
        let (lines, _) = bytes.as_chunks::<LINE_BYTES>();
        let reserved = lines
            .iter()
            .fold(0, |seen, [.., zero, zero_too]| seen | zero | zero_too);
        (reserved == 0).then_some(Self {
            source: Source::Bytes(bytes),
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self.source {
            Source::Bytes(bytes) => out.extend_from_slice(bytes),
            Source::Slice(lines) => {
                for line in lines {
                    out.extend_from_slice(&line.to_bytes());
                }
            }
        }
    }

    /// How many there are: 0 ..= 255.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self.source {
            Source::Bytes(bytes) => bytes.len() / LINE_BYTES,
            Source::Slice(lines) => lines.len(),
        }
    }

    /// True without any.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn count(&self) -> u8 {
        u8::try_from(self.len()).unwrap_or(u8::MAX)
    }

    /// Each in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Line> + Clone + 'a {
        let (bytes, slice): (&[u8], &[Line]) = match self.source {
            Source::Bytes(bytes) => (bytes, &[]),
            Source::Slice(lines) => (&[], lines),
        };
        let (chunks, _) = bytes.as_chunks::<LINE_BYTES>();
        chunks
            .iter()
            .map(|bytes| Line::from_bytes(*bytes))
            .chain(slice.iter().copied())
    }
}

impl PartialEq for Lines<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Lines<'_> {}

/// One order to take, its layout checked and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveItem<'a> {
    /// The client's key; not zero.
    pub key: OrderKey,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Minor units of the currency.
    pub total: u64,
    /// Time to live in milliseconds.
    pub ttl_ms: u32,
    /// From 1.
    pub version: u16,
    /// Where it is sold.
    pub channel: ChannelId,
    /// ISO 4217 number.
    pub currency: u16,
    /// See [`reserve_flags`]; `DESTINATION` and `DETAILS` are set by the encoder.
    pub flags: u8,
    /// Where the buyer is, in the units of the locations.
    pub destination: Option<(i32, i32)>,
    /// As sent: duplicates are not merged yet.
    pub lines: Lines<'a>,
    /// A details message (`wire::details`), not validated yet; empty without.
    pub details: &'a [u8],
}

impl ReserveItem<'_> {
    /// Hold, placed, or sold already.
    #[must_use]
    #[inline]
    pub const fn mode(&self) -> OrderMode {
        if self.flags & reserve_flags::FACT != 0 {
            OrderMode::Fact
        } else if self.flags & reserve_flags::PLACE != 0 {
            OrderMode::Place
        } else {
            OrderMode::Hold
        }
    }

    /// What to do when stock is short.
    #[must_use]
    #[inline]
    pub const fn policy(&self) -> Policy {
        if self.flags & reserve_flags::PARTIAL != 0 {
            Policy::Partial
        } else if self.flags & reserve_flags::BACKORDER != 0 {
            Policy::Backorder
        } else {
            Policy::AllOrNothing
        }
    }

    /// True unless an undefined flag is set, or two policies, which is `INVALID_FIELD`.
    #[must_use]
    #[inline]
    pub const fn flags_are_defined(&self) -> bool {
        let both = reserve_flags::PARTIAL | reserve_flags::BACKORDER;
        self.flags & !reserve_flags::DEFINED == 0 && self.flags & both != both
    }

    /// Bytes of this order when encoded.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        RESERVE_BYTES
            + self.destination.map_or(0, |_| DESTINATION_BYTES)
            + self.lines.len() * LINE_BYTES
            + self.details.len().next_multiple_of(4)
    }
}

impl<'a> Item<'a> for ReserveItem<'a> {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<RESERVE_BYTES>()?;
        let key = fields.order_key()?;
        let customer = fields.u64()?;
        let total = fields.u64()?;
        let ttl_ms = fields.u32()?;
        let version = fields.u16()?;
        let channel = ChannelId(fields.u16()?);
        let currency = fields.u16()?;
        let flags = fields.u8()?;
        let line_count = fields.u8()?;
        let details_bytes = usize::from(fields.u16()?);
        fields.zeros::<2>()?;
        let destination = if flags & reserve_flags::DESTINATION == 0 {
            None
        } else {
            Some((reader.i32()?, reader.i32()?))
        };
        let lines = Lines::take(reader, line_count)?;
        // A length without the flag, or the flag without a length, is two stories about one order.
        if (details_bytes != 0) != (flags & reserve_flags::DETAILS != 0) {
            return None;
        }
        let details = reader.padded(details_bytes)?;
        Some(Self {
            key,
            customer,
            total,
            ttl_ms,
            version,
            channel,
            currency,
            flags,
            destination,
            lines,
            details,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let details = self
            .details
            .get(..usize::from(u16::MAX))
            .unwrap_or(self.details);
        let details_bytes = u16::try_from(details.len()).unwrap_or(u16::MAX);
        let mut flags = self.flags & !(reserve_flags::DESTINATION | reserve_flags::DETAILS);
        if self.destination.is_some() {
            flags |= reserve_flags::DESTINATION;
        }
        if !details.is_empty() {
            flags |= reserve_flags::DETAILS;
        }
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.customer.to_le_bytes());
        out.extend_from_slice(&self.total.to_le_bytes());
        out.extend_from_slice(&self.ttl_ms.to_le_bytes());
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.channel.0.to_le_bytes());
        out.extend_from_slice(&self.currency.to_le_bytes());
        out.extend_from_slice(&[flags, self.lines.count()]);
        out.extend_from_slice(&details_bytes.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        if let Some((x, y)) = self.destination {
            out.extend_from_slice(&x.to_le_bytes());
            out.extend_from_slice(&y.to_le_bytes());
        }
        self.lines.put(out);
        put_padded(out, details);
    }
}
