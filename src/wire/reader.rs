//! A cursor over bytes in place: every read is checked, little-endian and free of allocation.

use crate::types::{CommandKey, LocationId, OrderKey, SkuId};

/// Bytes after which variable parts are aligned again.
pub const ALIGN_BYTES: usize = 4;

/// Reads fields off the front of a byte slice; `None` means that there are too few bytes, or that
/// bytes that must be zero are not.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

macro_rules! integers {
    ($($name:ident: $ty:ty;)+) => {
        $(
            #[doc = concat!("The next little-endian `", stringify!($ty), "`.")]
            #[inline]
            pub fn $name(&mut self) -> Option<$ty> {
                self.array().map(<$ty>::from_le_bytes)
            }
        )+
    };
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    #[must_use]
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Everything that is left.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    integers! { u8: u8; u16: u16; u32: u32; u64: u64; i32: i32; i64: i64; }

    /// The next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*first)
    }

    /// A cursor over exactly the next `N` bytes: the checks of its reads fold into this one.
    #[inline]
    pub fn fixed<const N: usize>(&mut self) -> Option<Reader<'a>> {
        let (first, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(Reader::new(first))
    }

    /// The next `length` bytes.
    #[inline]
    pub fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(first)
    }

    /// The next `length` bytes and the zeros that fill them up to a multiple of 4.
    #[inline]
    pub fn padded(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.slice(length)?;
        let padding = self.slice(length.next_multiple_of(ALIGN_BYTES) - length)?;
        padding.iter().all(|&byte| byte == 0).then_some(bytes)
    }

    /// The next `length` bytes as UTF-8, and their padding.
    #[inline]
    pub fn padded_text(&mut self, length: usize) -> Option<&'a str> {
        self.padded(length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The next `length` bytes as UTF-8.
    #[inline]
    pub fn text(&mut self, length: usize) -> Option<&'a str> {
        self.slice(length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Skips `N` bytes that must be zero.
    #[inline]
    pub fn zeros<const N: usize>(&mut self) -> Option<()> {
        (self.array::<N>()? == [0; N]).then_some(())
    }

    /// Nothing may be left.
    #[inline]
    pub fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// An order key: 16 bytes in the order in which the key is printed.
    #[inline]
    pub fn order_key(&mut self) -> Option<OrderKey> {
        self.array()
            .map(|bytes| OrderKey(u128::from_be_bytes(bytes)))
    }

    /// A command key: 16 bytes in the order in which the key is printed.
    #[inline]
    pub fn command_key(&mut self) -> Option<CommandKey> {
        self.array()
            .map(|bytes| CommandKey(u128::from_be_bytes(bytes)))
    }

    /// A SKU handle.
    #[inline]
    pub fn sku(&mut self) -> Option<SkuId> {
        self.u32().map(SkuId)
    }

    /// A location handle.
    #[inline]
    pub fn location(&mut self) -> Option<LocationId> {
        self.u16().map(LocationId)
    }
}

/// Appends `bytes` and the zeros that fill them up to a multiple of 4.
#[inline]
pub fn put_padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    let padding = bytes.len().next_multiple_of(ALIGN_BYTES) - bytes.len();
    out.extend_from_slice(zeros(padding));
}

/// The first `length` bytes of at most 255, cut at a character: what a one-byte length can carry.
/// Anything longer than the limits is refused by the receiver anyway, cut or not.
#[must_use]
pub(crate) fn short_text(text: &str) -> &str {
    cut(text, u8::MAX as usize)
}

/// `text` cut to at most `bytes_max` bytes, at a character.
#[must_use]
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or(text)
}

/// The length of a text as one byte; the text was cut by [`short_text`].
pub(crate) fn short_length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

fn zeros(length: usize) -> &'static [u8] {
    const ZEROS: [u8; ALIGN_BYTES] = [0; ALIGN_BYTES];
    ZEROS.get(..length).unwrap_or(&ZEROS)
}
