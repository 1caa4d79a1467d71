//! What people do to subscribers of events: noted for the audit trail, and nothing else.

use super::Engine;
use super::command::{CommandOutcome, Context};
use super::define::answer;
use super::record::{Record, SubscriberMoved};
use crate::limits::{NAME_BYTES_MAX, PROVIDER_MESSAGE_BYTES_MAX};
use crate::types::ResultCode;
use crate::types::record::RecordBuffer;

impl Engine {
    /// Journals that a subscriber's cursor was moved.
    pub fn note_subscriber(
        &mut self,
        context: Context,
        moved: SubscriberMoved<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let plain =
            |text: &str, bytes: usize| text.len() <= bytes && !text.chars().any(char::is_control);
        if moved.name.is_empty() || !plain(moved.name, NAME_BYTES_MAX) {
            return answer(ResultCode::InvalidName);
        }
        if !plain(moved.reason, PROVIDER_MESSAGE_BYTES_MAX) {
            return answer(ResultCode::InvalidField);
        }
        let sequence = self.commit(&Record::Subscriber(moved), context.actor, out);
        CommandOutcome {
            sequence,
            ..answer(ResultCode::Ok)
        }
    }
}
