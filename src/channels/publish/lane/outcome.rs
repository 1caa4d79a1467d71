//! What comes of a channel's questions and calls.

use super::{Done, HOLD_BACK_NS, Lane, MAPPINGS_PAGE, Next, Raises};
use crate::channels::api::{ApiError, ItemResults};
use crate::channels::publish::book::{Settled, Taken};
use crate::clock;
use crate::engine::channel_event::command::MappingView;
use crate::shard::local::{ChannelChanges, LocalAnswer};
use crate::types::{ChannelKind, ResultCode, SkuId};

/// Wait before a shard that refused is asked again, in nanoseconds.
const REFUSED_NS: u64 = 500_000_000;

impl Lane {
    /// Takes in what something brought that was out.
    pub fn done(&mut self, done: Done, now_ns: u64) {
        match done {
            Done::Written(taken, result) => {
                self.calls_out -= 1;
                self.written(&taken, result, now_ns);
            }
            Done::Read(places, result) => {
                self.calls_out -= 1;
                self.read(&places, result, now_ns);
            }
            Done::Reported => {}
            Done::Defined(answer) => match answer {
                Some(LocalAnswer::Command(outcome)) if outcome.code == ResultCode::Ok => {
                    self.asking = false;
                    self.next = Next::Mappings(String::new());
                }
                other => self.refused(other.as_ref(), now_ns),
            },
            Done::Mappings(Some(LocalAnswer::Mappings(page))) => self.mapped(page),
            Done::Changes(Some(LocalAnswer::ChannelChanges(changes))) => {
                self.changed(changes, now_ns);
            }
            Done::Stock(Some(LocalAnswer::ChannelStock(stock))) => {
                self.asking = false;
                self.next = stock.next.map_or(Next::Changes, Next::Stock);
                if self.raises == Raises::Asked && self.next == Next::Changes {
                    self.raises = Raises::Answered;
                }
                self.held.push(stock);
            }
            Done::Mappings(other) | Done::Changes(other) | Done::Stock(other) => {
                self.refused(other.as_ref(), now_ns);
            }
        }
    }

    /// Takes in a page of mappings; what the last page leaves out is mapped no more.
    fn mapped(&mut self, page: Vec<MappingView>) {
        self.asking = false;
        let full = page.len() >= usize::from(MAPPINGS_PAGE);
        let next = page.last().filter(|_| full).map(|it| it.item.clone());
        let mut new = false;
        for one in page {
            let item = write_item(self.channel.kind, &one.item, &one.write_back);
            let group = self.api.group(&item).to_owned();
            new |= self.book.map(&one.item, one.sku, &one.name, &item, &group);
            self.mapped.insert(one.item);
        }
        if new {
            self.cursor = u64::MAX;
        }
        if let Some(after) = next {
            self.next = Next::Mappings(after);
            return;
        }
        self.book.keep(&std::mem::take(&mut self.mapped));
        // The position comes before the stock: what changes while that is read follows it.
        self.next = Next::Changes;
        self.more |= self.cursor == u64::MAX;
    }

    fn changed(&mut self, changes: ChannelChanges, now_ns: u64) {
        self.asking = false;
        self.cursor = changes.cursor;
        self.more = changes.more;
        if changes.overrun {
            self.next = Next::Stock(SkuId(0));
        } else if self.raises == Raises::Asked && !changes.more {
            self.raises = Raises::Answered;
        }
        if self.resync_at_ns == u64::MAX {
            self.resync_at_ns = now_ns.saturating_add(self.resync_ns);
        }
        self.held.push(changes.stock);
    }

    /// Stock is taken in once the orders are known that it takes into account.
    pub(super) fn take_held(&mut self, read_to: u64) {
        let since_ms = self.asked_since_ms;
        let (book, mut held) = (&mut self.book, std::mem::take(&mut self.held));
        held.retain(|stock| {
            if stock.sequence >= read_to {
                return true;
            }
            for item in &stock.items {
                book.want(
                    item.stock.sku,
                    item.stock.quantity,
                    stock.sequence,
                    since_ms,
                );
            }
            false
        });
        self.held = held;
    }

    fn refused(&mut self, answer: Option<&LocalAnswer>, now_ns: u64) {
        self.asking = false;
        self.ask_at_ns = now_ns + REFUSED_NS;
        self.since_ms.get_or_insert(self.asked_since_ms);
        if self.raises == Raises::Asked {
            // All of the stock is asked for once more.
            self.starts = true;
            self.raises = Raises::HeldBack(now_ns.saturating_add(HOLD_BACK_NS));
        }
        if let Some(LocalAnswer::Refused(code)) = answer {
            let name = &self.channel.name;
            tracing::warn!(
                channel = name,
                code = code.name(),
                "the shard gives no stock to publish"
            );
            if self.next != Next::Define {
                self.next = Next::Define;
            }
        }
    }

    fn written(&mut self, taken: &[Taken], result: Result<ItemResults, ApiError>, now_ns: u64) {
        let now_ms = clock::now_ms();
        match result {
            Ok(results) => {
                self.pace.succeeded();
                let missing = || Err(ApiError::retry("not_answered", "no result for this item"));
                let mut results = results.into_iter();
                for one in taken {
                    let result = results.next().unwrap_or_else(missing);
                    self.metrics
                        .count(result.as_ref().map_or_else(ApiError::class, |()| "shown"));
                    let settled = self.book.settle(one, result, now_ms);
                    self.settled(settled);
                }
            }
            Err(error) => {
                self.metrics.count(error.class());
                self.call_failed(&error, now_ns);
                match error {
                    ApiError::Rejected { .. } if self.book.split(taken).is_some() => {}
                    ApiError::Rejected { .. } | ApiError::Stale { .. } => {
                        for one in taken {
                            let settled = self.book.settle(one, Err(error.clone()), now_ms);
                            self.settled(settled);
                        }
                    }
                    ApiError::Retry { .. } => self.book.again(taken, true, now_ms),
                    ApiError::RateLimited { .. }
                    | ApiError::Unauthorised { .. }
                    | ApiError::Expired { .. } => {
                        self.book.again(taken, false, now_ms);
                    }
                }
            }
        }
    }

    fn read(&mut self, places: &[usize], result: Result<Vec<Option<i64>>, ApiError>, now_ns: u64) {
        match result {
            Ok(found) => {
                self.pace.succeeded();
                let now_ms = clock::now_ms();
                let mut found = found.into_iter();
                for place in places {
                    if let Some(shown) = found.next() {
                        let settled = self.book.was_read(*place, shown, now_ms);
                        self.settled(settled);
                    } else {
                        self.book.read_failed(*place);
                    }
                }
            }
            Err(error) => {
                self.metrics.count(error.class());
                self.call_failed(&error, now_ns);
                if matches!(error, ApiError::Rejected { .. }) {
                    self.pace.failed(now_ns);
                }
                for place in places {
                    self.book.read_failed(*place);
                }
            }
        }
    }

    fn call_failed(&mut self, error: &ApiError, now_ns: u64) {
        match error {
            ApiError::RateLimited { wait_ms, .. } => self.pace.throttled(now_ns, *wait_ms),
            ApiError::Retry { .. } | ApiError::Unauthorised { .. } | ApiError::Expired { .. } => {
                let was_down = self.pace.is_down();
                self.pace.failed(now_ns);
                if !was_down && self.pace.is_down() {
                    let name = &self.channel.name;
                    tracing::warn!(channel = name, %error, "stock cannot be published for now");
                }
            }
            ApiError::Rejected { .. } | ApiError::Stale { .. } => {}
        }
    }

    fn settled(&mut self, settled: Settled) {
        match settled {
            Settled::Acknowledged(lag_ms) => self.metrics.acknowledged(lag_ms),
            Settled::Again => {}
            Settled::Quarantined(sku, reason) => {
                let name = &self.channel.name;
                tracing::warn!(
                    channel = name,
                    sku,
                    reason,
                    "the marketplace refuses the stock of this SKU; it is tried again in 10 minutes"
                );
            }
        }
    }
}

/// The id of an item in writes: a mapping may say another one than orders have.
fn write_item(kind: ChannelKind, item: &str, write_back: &str) -> String {
    let name = match kind {
        ChannelKind::Shopify => "inventory_item",
        _ => "item",
    };
    let mut pairs = url::form_urlencoded::parse(write_back.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.map_or_else(|| item.to_owned(), |(_, id)| id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_the_item_of_writes_where_orders_have_another() {
        for (kind, write_back, item) in [
            (ChannelKind::Shopify, "inventory_item=30001", "30001"),
            (ChannelKind::Shopify, "", "44"),
            (ChannelKind::Shopee, "inventory_item=1", "44"),
            (ChannelKind::TikTok, "x=1&item=7/8", "7/8"),
            (
                ChannelKind::Shopify,
                "inventory_item=gid%3A%2F%2Fshopify%2FInventoryItem%2F30001",
                "gid://shopify/InventoryItem/30001",
            ),
            (ChannelKind::TikTok, "item=7%2F8", "7/8"),
        ] {
            assert_eq!(write_item(kind, "44", write_back), item);
        }
    }
}
