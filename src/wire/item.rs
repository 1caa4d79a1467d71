//! Items: the repeated part of a body, read in place.

use crate::wire::reader::Reader;
use std::marker::PhantomData;

/// One item of a body, in both directions.
pub trait Item<'a>: Copy {
    /// Reads it off the front. `None` where there are too few bytes, a reserved byte is not zero,
    /// or a text is not UTF-8.
    fn take(reader: &mut Reader<'a>) -> Option<Self>;

    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
}

/// The items of one body in place: the layout of all of them was checked.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a, T> {
    reader: Reader<'a>,
    left: u16,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Item<'a>> Items<'a, T> {
    /// Checks that `body` is exactly `count` items.
    ///
    /// # Errors
    /// The offset in `body` of the first item that is malformed, or of the first byte too many.
    #[inline]
    pub fn decode(body: &'a [u8], count: u16) -> Result<Self, usize> {
        let (items, rest) = Self::split(body, count)?;
        if rest.is_empty() {
            Ok(items)
        } else {
            Err(body.len() - rest.len())
        }
    }

    /// Checks that `body` starts with `count` items, and returns them and what follows.
    ///
    /// # Errors
    /// The offset in `body` of the first item that is malformed.
    #[inline]
    pub fn split(body: &'a [u8], count: u16) -> Result<(Self, &'a [u8]), usize> {
        let start = Reader::new(body);
        let mut reader = start;
        for _ in 0..count {
            let at = body.len() - reader.remaining();
            T::take(&mut reader).ok_or(at)?;
        }
        let items = Self {
            reader: start,
            left: count,
            item: PhantomData,
        };
        Ok((items, reader.rest()))
    }
}

#[allow(clippy::copy_iterator)] // a plain view: a copy walks on from where this one stands
impl<'a, T: Item<'a>> Iterator for Items<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::take(&mut self.reader)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl<'a, T: Item<'a>> ExactSizeIterator for Items<'a, T> {}

/// Two runs are equal when their items are.
impl<'a, T: Item<'a> + PartialEq> PartialEq for Items<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        (*self).eq(*other)
    }
}
