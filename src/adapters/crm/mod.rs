//! Customer records: one file a provider.
//!
//! Every confirmed order is written as a record of its own, and its customer's record carries how
//! many orders there were, what they were worth and which segment that makes ([`profile`]); the
//! event `order.post_purchase` follows, for what a shop wants to happen after a purchase. An order
//! that is undone later gets its status corrected and is taken off its customer's figures. All of
//! it is written by unique properties or external ids, so a repeat changes nothing.

pub mod hubspot;
pub mod profile;
pub mod salesforce;

use super::call::Call;
use crate::types::effect::{EffectKind, Milestone};

/// What is sent after a purchase.
pub const POST_PURCHASE: &str = "order.post_purchase";

/// The status of the order in a CRM: that of the call's milestone, or else confirmed, and
/// cancelled for a correction.
fn status(call: &Call) -> &'static str {
    match (call.milestone, call.kind) {
        (Some(milestone), _) => milestone.name(),
        (None, EffectKind::CrmCorrect) => Milestone::Cancelled.name(),
        (None, _) => Milestone::Confirmed.name(),
    }
}

/// First and last name; the last word is the last name.
fn names(contact: &str) -> (&str, &str) {
    let contact = contact.trim();
    contact.rsplit_once(' ').unwrap_or(("", contact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_last_name() {
        assert_eq!(names("Ana Maria Ruiz"), ("Ana Maria", "Ruiz"));
        assert_eq!(names(" Ana "), ("", "Ana"));
        assert_eq!(names(""), ("", ""));
    }
}
