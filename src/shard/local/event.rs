//! Local requests about what sales channels send.

use super::{LocalAnswer, LocalQuery, LocalRequest};
use crate::engine::channel_event::command::{ChannelEventCommand, EventHead, ItemName};
use crate::engine::command::Context;
use crate::journal::storage::Storage;
use crate::shard::Shard;
use crate::types::{ChannelId, OrderKey, ResultCode};

/// A delivery of a sales channel.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedDelivery {
    /// Which channel.
    pub channel: ChannelId,
    /// The events in it, at most `EVENTS_PER_DELIVERY_MAX`.
    pub events: Vec<EventHead>,
    /// Headers that reading it takes, as lines `name: value`.
    pub head: String,
    /// The body as received, at most `EVENT_BODY_BYTES_MAX`.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for OwnedDelivery {
    /// Leaves the body out: it names people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnedDelivery")
            .field("channel", &self.channel)
            .field("events", &self.events)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl<S: Storage> Shard<S> {
    /// Executes what a channel sent, what became of it, or a mapping.
    pub(super) fn event_local(&mut self, context: Context, request: &LocalRequest) -> LocalAnswer {
        let command = match request {
            LocalRequest::Event(delivery) => ChannelEventCommand::Receive {
                channel: delivery.channel,
                events: &delivery.events,
                head: &delivery.head,
                body: &delivery.body,
            },
            LocalRequest::EventSettled(settlement) => ChannelEventCommand::Settle(settlement),
            LocalRequest::MapSku {
                channel,
                item,
                sku,
                write_back,
            } => ChannelEventCommand::Map {
                channel: *channel,
                item,
                sku,
                write_back,
            },
            _ => return LocalAnswer::Refused(ResultCode::InvalidField),
        };
        self.tally.commands += 1;
        let records = &mut self.records;
        let outcome = self
            .engine
            .execute_channel_event(context, &command, records);
        LocalAnswer::Command(outcome)
    }

    /// Answers a question about them.
    pub(super) fn show_events(&self, context: Context, query: &LocalQuery) -> LocalAnswer {
        let (engine, tenant) = (&self.engine, context.tenant);
        match query {
            LocalQuery::Events(filter) => {
                LocalAnswer::Events(engine.list_channel_events(tenant, filter))
            }
            LocalQuery::Event(event) => {
                LocalAnswer::Event(engine.channel_event(tenant, *event).map(Box::new))
            }
            LocalQuery::ChannelOrder {
                order,
                channel,
                items,
            } => self.show_channel_order(context, (*order, *channel), items),
            LocalQuery::Mappings {
                channel,
                after,
                limit,
            } => {
                let limit = usize::from(*limit);
                LocalAnswer::Mappings(engine.list_mappings(tenant, *channel, after, limit))
            }
            _ => LocalAnswer::Refused(ResultCode::InvalidField),
        }
    }

    fn show_channel_order(
        &self,
        context: Context,
        (order, channel): (OrderKey, ChannelId),
        items: &[ItemName],
    ) -> LocalAnswer {
        let (engine, tenant) = (&self.engine, context.tenant);
        let name = |item| engine.sku_of_item(tenant, channel, item);
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        LocalAnswer::ChannelOrder {
            known: engine.channel_order(tenant, order),
            order: engine.order(tenant, order, &mut lines, &mut shorts),
            skus: items.iter().map(name).collect(),
        }
    }
}
