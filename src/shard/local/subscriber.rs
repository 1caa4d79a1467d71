//! What people do to subscribers of events, for the audit trail.

use super::LocalAnswer;
use crate::engine::command::Context;
use crate::engine::record::SubscriberMoved;
use crate::journal::storage::Storage;
use crate::shard::Shard;
use crate::types::TenantId;

/// A subscriber's cursor was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberMove {
    /// Name of the subscriber.
    pub name: String,
    /// The last record that it had been sent; 0: none.
    pub before: u64,
    /// The record behind which it goes on.
    pub after: u64,
    /// Why.
    pub reason: String,
}

impl SubscriberMove {
    fn record(&self, tenant: TenantId) -> SubscriberMoved<'_> {
        SubscriberMoved {
            tenant,
            before: self.before,
            after: self.after,
            name: &self.name,
            reason: &self.reason,
        }
    }
}

impl<S: Storage> Shard<S> {
    /// Journals it.
    pub(super) fn subscriber_local(
        &mut self,
        context: Context,
        moved: &SubscriberMove,
    ) -> LocalAnswer {
        self.tally.commands += 1;
        let record = moved.record(context.tenant);
        let outcome = self
            .engine
            .note_subscriber(context, record, &mut self.records);
        LocalAnswer::Command(outcome)
    }
}
