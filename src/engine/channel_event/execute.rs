//! Deciding commands about what channels send.

use super::command::{ChannelEventCommand, ChannelOrder, EventHead, Settlement};
use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::define::answer;
use crate::engine::record::{
    Blob, ChannelEventRecord, EventReceived, EventSettled, Record, SkuMapped, settled_flags,
};
use crate::limits;
use crate::types::channel_event::EventFate;
use crate::types::record::RecordBuffer;
use crate::types::{ChannelId, ResultCode, SkuId};

impl Engine {
    /// Executes a command about what channels send, at the turn's time. A delivery is answered as
    /// replayed where every event in it was seen before; `handle` is the number of new ones.
    pub fn execute_channel_event(
        &mut self,
        context: Context,
        command: &ChannelEventCommand<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        match command {
            ChannelEventCommand::Receive {
                channel,
                events,
                head,
                body,
            } => self.receive_events(context, *channel, events, (head, body), out),
            ChannelEventCommand::Settle(settlement) => self.settle_event(context, settlement, out),
            ChannelEventCommand::Map {
                channel,
                item,
                sku,
                write_back,
            } => self.map_item(context, *channel, (item, sku, write_back), out),
        }
    }

    fn receive_events(
        &mut self,
        context: Context,
        channel: ChannelId,
        events: &[EventHead],
        (head, body): (&str, &[u8]),
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let fits = body.len() <= limits::EVENT_BODY_BYTES_MAX
            && head.len() <= limits::EVENT_HEAD_BYTES_MAX
            && events.len() <= limits::EVENTS_PER_DELIVERY_MAX;
        if !fits || events.iter().any(|event| event.event == 0) {
            return answer(ResultCode::InvalidField);
        }
        let is_new = |event: &&EventHead| !self.channel_events.is_known(event.event);
        let fresh = events.iter().filter(is_new).count();
        if !self.channel_events.has_room(context.tenant, fresh) {
            return answer(ResultCode::Overloaded);
        }
        let (mut taken, mut body_at, mut last) = (0_u32, 0, 0);
        for event in events {
            // A delivery may name an event twice.
            if self.channel_events.is_known(event.event) {
                continue;
            }
            let received = EventReceived {
                event: event.event,
                tenant: context.tenant,
                channel,
                part: 0,
                parts: 1,
                body_at,
                topic: cut(&event.topic, limits::EVENT_TOPIC_BYTES_MAX),
                head: if body_at == 0 { head } else { "" },
                body: Blob(if body_at == 0 { body } else { &[] }),
            };
            taken += 1;
            if body_at > 0 {
                last = self.emit_event(ChannelEventRecord::Received(received), context, out);
                continue;
            }
            (body_at, last) = self.emit_body(received, context, out);
        }
        CommandOutcome {
            replayed: taken == 0,
            sequence: last,
            handle: taken,
            ..answer(ResultCode::Ok)
        }
    }

    /// One event with its body, in as many records as it takes; the sequences of the first and
    /// last.
    fn emit_body(
        &mut self,
        whole: EventReceived<'_>,
        context: Context,
        out: &mut RecordBuffer,
    ) -> (u64, u64) {
        let body = whole.body.0;
        let parts = body.len().div_ceil(limits::EVENT_CHUNK_BYTES_MAX).max(1);
        let parts = u16::try_from(parts).unwrap_or(u16::MAX);
        let mut chunks = body.chunks(limits::EVENT_CHUNK_BYTES_MAX);
        let (mut first, mut last) = (0, 0);
        for part in 0..parts {
            let later = part > 0;
            let record = EventReceived {
                part,
                parts,
                topic: if later { "" } else { whole.topic },
                head: if later { "" } else { whole.head },
                body: Blob(chunks.next().unwrap_or_default()),
                ..whole
            };
            last = self.emit_event(ChannelEventRecord::Received(record), context, out);
            if !later {
                first = last;
            }
        }
        (first, last)
    }

    fn emit_event(
        &mut self,
        record: ChannelEventRecord<'_>,
        context: Context,
        out: &mut RecordBuffer,
    ) -> u64 {
        self.commit(&Record::ChannelEvent(record), context.actor, out)
    }

    fn settle_event(
        &mut self,
        context: Context,
        settlement: &Settlement,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let waiting = self.channel_events.waiting.get(&settlement.event);
        let Some(waiting) = waiting.filter(|it| it.tenant == context.tenant) else {
            return answer(ResultCode::UnknownEvent);
        };
        let (before, after) = (waiting.fate, settlement.fate);
        let allowed = match (before, after) {
            (EventFate::Open, EventFate::Open) => {
                return CommandOutcome {
                    replayed: true,
                    ..answer(ResultCode::Ok)
                };
            }
            (EventFate::Open, _) | (_, EventFate::Open | EventFate::Discarded) => true,
            _ => false,
        };
        if !allowed {
            return answer(ResultCode::NotInState);
        }
        let ChannelOrder {
            changed_ms,
            content,
            version,
            cancelled,
        } = settlement.state;
        let order = if settlement.order.0 == 0 {
            waiting.order
        } else {
            settlement.order
        };
        let record = EventSettled {
            event: settlement.event,
            order,
            changed_ms,
            content,
            tenant: context.tenant,
            channel: waiting.channel,
            version,
            flags: if cancelled {
                settled_flags::CANCELLED
            } else {
                0
            },
            fate: after,
            note: cut(&settlement.note, limits::EVENT_NOTE_BYTES_MAX),
        };
        let sequence = self.emit_event(ChannelEventRecord::Settled(record), context, out);
        CommandOutcome {
            sequence,
            ..answer(ResultCode::Ok)
        }
    }

    fn map_item(
        &mut self,
        context: Context,
        channel: ChannelId,
        (item, sku, write_back): (&str, &str, &str),
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let plain =
            |text: &str, bytes: usize| text.len() <= bytes && !text.chars().any(char::is_control);
        let fits = !item.is_empty() && plain(item, limits::CHANNEL_ITEM_BYTES_MAX);
        if !fits || !plain(write_back, limits::WRITE_BACK_BYTES_MAX) {
            return answer(ResultCode::InvalidField);
        }
        let items = self.channel_events.mappings.get(&(context.tenant, channel));
        let before = items.and_then(|items| items.get(item));
        let sku = if sku.is_empty() {
            if before.is_none() {
                return CommandOutcome {
                    replayed: true,
                    ..answer(ResultCode::Ok)
                };
            }
            SkuId(u32::MAX)
        } else {
            match self.find_sku(context.tenant, sku) {
                Some(sku) => sku,
                None => return answer(ResultCode::UnknownSku),
            }
        };
        if before.is_some_and(|it| it.sku == sku && *it.write_back == *write_back) {
            return CommandOutcome {
                replayed: true,
                handle: sku.0,
                ..answer(ResultCode::Ok)
            };
        }
        let full = self.channel_events.mappings_count >= limits::SKU_MAPPINGS_MAX;
        if before.is_none() && full {
            return answer(ResultCode::SkuTableFull);
        }
        let record = SkuMapped {
            tenant: context.tenant,
            channel,
            sku,
            item,
            write_back,
        };
        let sequence = self.emit_event(ChannelEventRecord::Mapped(record), context, out);
        CommandOutcome {
            sequence,
            handle: sku.0,
            ..answer(ResultCode::Ok)
        }
    }
}

/// At most `bytes` of a text, cut at a character.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
