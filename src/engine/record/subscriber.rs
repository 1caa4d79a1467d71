//! The record of what people did to subscribers of events.

use super::field::layout;
use crate::types::TenantId;

layout! {
    /// A person moved a subscriber's cursor, or had it served again. Subscribers are none of the
    /// engine's: it keeps nothing of this, the record is for the audit trail.
    pub struct SubscriberMoved<'a> {
        /// Whose.
        pub tenant: TenantId,
        /// The last record that the subscriber had been sent; 0: none.
        pub before: u64,
        /// The record behind which it goes on; 0: from the start.
        pub after: u64,
        /// Its name.
        pub name: &'a str,
        /// Why, in words.
        pub reason: &'a str,
    }
}
