//! One order, as a question about it is answered.

use crate::engine::command::{OrderLineView, OrderView};
use crate::engine::process::command::ProcessView;

/// An order with its lines by name, and its process while it has one.
#[derive(Clone, Debug)]
pub struct OrderDetail {
    /// Its stock side.
    pub order: OrderView,
    /// What became of its units.
    pub lines: Vec<LocalLine>,
    /// Where it is in its process.
    pub process: Option<ProcessView>,
    /// Lines that its latest version was refused for.
    pub shorts: Vec<LocalShort>,
}

/// A line that could not be covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalShort {
    /// Name of the SKU.
    pub sku: String,
    /// Units that were left when it was refused.
    pub left: u32,
}

impl OrderDetail {
    /// A hash over everything in it: another one means that the order has changed since. Only
    /// comparable within one build.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        struct Hash(siphasher::sip::SipHasher13);
        impl std::fmt::Write for Hash {
            fn write_str(&mut self, text: &str) -> std::fmt::Result {
                std::hash::Hasher::write(&mut self.0, text.as_bytes());
                Ok(())
            }
        }
        let mut hash = Hash(siphasher::sip::SipHasher13::new());
        // Writing into a hash cannot fail.
        let _ = std::fmt::write(&mut hash, format_args!("{self:?}"));
        std::hash::Hasher::finish(&hash.0)
    }
}

/// A line with its names.
#[derive(Clone, Debug)]
pub struct LocalLine {
    /// Name of the SKU.
    pub sku: String,
    /// Name of the location.
    pub location: String,
    /// The quantities.
    pub line: OrderLineView,
}
