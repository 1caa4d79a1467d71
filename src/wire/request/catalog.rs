//! Definitions and look-ups of SKUs and locations by name.

use crate::types::pipeline::BackorderQueue;
use crate::wire::item::Item;
use crate::wire::reader::{Reader, put_padded, short_length, short_text};

/// A name to resolve: length u8, 3 zeros, the name padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// 1 to `NAME_BYTES_MAX` bytes, otherwise `INVALID_NAME`.
    pub name: &'a str,
}

impl<'a> Item<'a> for Name<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let length = reader.u8()?;
        reader.zeros::<3>()?;
        let name = reader.padded_text(usize::from(length))?;
        Some(Self { name })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let name = short_text(self.name).as_bytes();
        out.extend_from_slice(&[short_length(name), 0, 0, 0]);
        put_padded(out, name);
    }
}

/// A SKU to define: length u8, flags u8, 2 zeros, the name padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkuDefinition<'a> {
    /// 1 to `NAME_BYTES_MAX` bytes, otherwise `INVALID_NAME`.
    pub name: &'a str,
    /// Bit 0: on sale. Bits 1 and 2: who gets its units first, among orders that wait for it; 0
    /// leaves that as it is. Any other bit is `INVALID_FIELD`.
    pub flags: u8,
}

/// Bit 0 of [`SkuDefinition::flags`]: the SKU may be ordered.
pub const SKU_ON_SALE: u8 = 1;
/// Bit 1 of [`SkuDefinition::flags`]: what an earlier order waits for goes to no later one.
pub const SKU_QUEUE_STRICT: u8 = 2;
/// Bit 2 of [`SkuDefinition::flags`]: the earliest order that can be covered is served.
pub const SKU_QUEUE_SKIP: u8 = 4;
/// Both bits of [`SkuDefinition::flags`]: as the pipelines in force say.
pub const SKU_QUEUE_DEFAULT: u8 = SKU_QUEUE_STRICT | SKU_QUEUE_SKIP;

/// The bits of [`SkuDefinition::flags`] that ask for this.
#[must_use]
pub const fn queue_flags(queue: Option<BackorderQueue>) -> u8 {
    match queue {
        None => 0,
        Some(BackorderQueue::Strict) => SKU_QUEUE_STRICT,
        Some(BackorderQueue::Skip) => SKU_QUEUE_SKIP,
        Some(BackorderQueue::Default) => SKU_QUEUE_DEFAULT,
    }
}

impl SkuDefinition<'_> {
    /// True where the SKU may be ordered.
    #[must_use]
    pub const fn on_sale(&self) -> bool {
        self.flags & SKU_ON_SALE != 0
    }

    /// Who gets its units first, among orders that wait for it; none: as before.
    #[must_use]
    pub const fn queue(&self) -> Option<BackorderQueue> {
        match self.flags & SKU_QUEUE_DEFAULT {
            SKU_QUEUE_STRICT => Some(BackorderQueue::Strict),
            SKU_QUEUE_SKIP => Some(BackorderQueue::Skip),
            SKU_QUEUE_DEFAULT => Some(BackorderQueue::Default),
            _ => None,
        }
    }

    /// True unless an undefined flag is set.
    #[must_use]
    pub const fn flags_are_defined(&self) -> bool {
        self.flags & !(SKU_ON_SALE | SKU_QUEUE_DEFAULT) == 0
    }
}

impl<'a> Item<'a> for SkuDefinition<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let length = reader.u8()?;
        let flags = reader.u8()?;
        reader.zeros::<2>()?;
        let name = reader.padded_text(usize::from(length))?;
        Some(Self { name, flags })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let name = short_text(self.name).as_bytes();
        out.extend_from_slice(&[short_length(name), self.flags, 0, 0]);
        put_padded(out, name);
    }
}

/// A location to define: length u8, zero, priority u16, x i32, y i32, the name padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationDefinition<'a> {
    /// 1 to `NAME_BYTES_MAX` bytes, otherwise `INVALID_NAME`.
    pub name: &'a str,
    /// Lower is preferred where distance does not decide.
    pub priority: u16,
    /// Any unit, the same for all locations and destinations of a tenant.
    pub x: i32,
    /// As `x`.
    pub y: i32,
}

impl<'a> Item<'a> for LocationDefinition<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let length = reader.u8()?;
        reader.zeros::<1>()?;
        let priority = reader.u16()?;
        let (x, y) = (reader.i32()?, reader.i32()?);
        let name = reader.padded_text(usize::from(length))?;
        Some(Self {
            name,
            priority,
            x,
            y,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let name = short_text(self.name).as_bytes();
        out.extend_from_slice(&[short_length(name), 0]);
        out.extend_from_slice(&self.priority.to_le_bytes());
        out.extend_from_slice(&self.x.to_le_bytes());
        out.extend_from_slice(&self.y.to_le_bytes());
        put_padded(out, name);
    }
}
