//! What a local request needs of the journal.

use super::channel::ChannelRequest;
use super::request::{HoldChange, LocalRequest};
use crate::engine::channel_event::CHANNEL_EVENT_RECORDS_BYTES_MAX;
use crate::engine::process::PROCESS_COMMAND_RECORDS_BYTES_MAX;
use crate::limits::{EVENT_CHUNK_BYTES_MAX, EVENT_TOPIC_BYTES_MAX};
use crate::types::process::OperatorAction;
use crate::types::record::record_bytes;

/// A tenant and an actor that are new, each with a name of the greatest length.
const NAMES_BYTES: usize = 256;

/// What a command that was done is kept by: order, key, fingerprint, tenant.
const COMMAND_DONE_BYTES: usize = 42;

impl LocalRequest {
    /// The most journal bytes that it makes.
    pub(super) fn records_bytes_max(&self) -> usize {
        match self {
            Self::Event(delivery) => {
                let chunks = delivery.body.len() / EVENT_CHUNK_BYTES_MAX + 1;
                let events = delivery.events.len() + chunks;
                let each = record_bytes(64 + EVENT_TOPIC_BYTES_MAX);
                delivery.body.len() + delivery.head.len() + events * each + NAMES_BYTES
            }
            Self::EventSettled(_) | Self::MapSku { .. } => {
                CHANNEL_EVENT_RECORDS_BYTES_MAX + NAMES_BYTES
            }
            Self::Edit { .. } => {
                PROCESS_COMMAND_RECORDS_BYTES_MAX + record_bytes(COMMAND_DONE_BYTES)
            }
            _ => PROCESS_COMMAND_RECORDS_BYTES_MAX,
        }
    }

    /// True for what goes on when only the journal's reserved share is left: questions, what ends
    /// or confirms orders, and what has happened outside and is told once.
    pub(super) fn uses_reserved_share(&self) -> bool {
        match self {
            Self::Query(_)
            | Self::Peek(_)
            | Self::Result(_)
            | Self::Report(_)
            | Self::EventSettled(_)
            | Self::CancelAhead { .. }
            | Self::Breaker { .. }
            // At the start, where nothing else goes before; it is journaled where it is new.
            | Self::DefinePipelines { .. }
            | Self::Channel(ChannelRequest::Published { .. }) => true,
            Self::Operate { action, .. } => matches!(
                action,
                OperatorAction::Cancel | OperatorAction::Decline | OperatorAction::Discard
            ),
            Self::Hold { change, .. } => !matches!(change, HoldChange::Extend(_)),
            Self::IfUnchanged { request, .. } => request.uses_reserved_share(),
            Self::Place(_)
            | Self::Edit { .. }
            | Self::Return { .. }
            | Self::Stock(_)
            | Self::Define(_)
            | Self::Channel(_)
            | Self::Event(_)
            | Self::MapSku { .. }
            | Self::MoveSubscriber(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::local::{LocalQuery, OwnedDelivery};
    use crate::types::{ChannelId, CommandKey, OrderKey};

    fn operate(action: OperatorAction) -> LocalRequest {
        LocalRequest::Operate {
            key: CommandKey(1),
            order: OrderKey(1),
            action,
            effect: 0,
            amount: 0,
            reason: String::new(),
        }
    }

    fn hold(change: HoldChange) -> LocalRequest {
        LocalRequest::Hold {
            key: CommandKey(1),
            order: OrderKey(1),
            change,
        }
    }

    fn unchanged(request: LocalRequest) -> LocalRequest {
        LocalRequest::IfUnchanged {
            order: OrderKey(1),
            stamps: Vec::new(),
            request: Box::new(request),
        }
    }

    #[test]
    fn only_what_ends_confirms_or_asks_uses_the_reserved_share() {
        let goes_on = [
            LocalRequest::Query(LocalQuery::Status),
            operate(OperatorAction::Cancel),
            operate(OperatorAction::Decline),
            hold(HoldChange::Release),
            hold(HoldChange::Confirm(Vec::new())),
            unchanged(operate(OperatorAction::Cancel)),
            LocalRequest::CancelAhead {
                key: CommandKey(1),
                order: OrderKey(1),
                reason: String::new(),
            },
        ];
        for request in goes_on {
            assert!(request.uses_reserved_share(), "{request:?}");
        }
        let waits = [
            operate(OperatorAction::Approve),
            operate(OperatorAction::Ship),
            hold(HoldChange::Extend(1_000)),
            unchanged(hold(HoldChange::Extend(1_000))),
            LocalRequest::Channel(ChannelRequest::EndCampaign {
                key: CommandKey(1),
                campaign: 1,
            }),
            LocalRequest::MapSku {
                channel: ChannelId(1),
                item: String::new(),
                sku: String::new(),
                write_back: String::new(),
            },
            LocalRequest::Event(OwnedDelivery {
                channel: ChannelId(1),
                events: Vec::new(),
                head: String::new(),
                body: Vec::new(),
            }),
        ];
        for request in waits {
            assert!(!request.uses_reserved_share(), "{request:?}");
        }
    }
}
