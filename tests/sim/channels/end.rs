//! Publishing before the sale, coming to rest behind it, and what must be so then.

use super::lane::UNSEEN_MS;
use super::market::{QUOTA, QUOTA_UNITS, SKUS, TIGHT};
use super::run::{Run, Says};
use crate::sim::audit::audit_is_content;
use crate::sim::node::Node;
use onhand::types::channel_event::EventFate;
use onhand::types::process::OperatorAction;
use onhand::types::{ChannelId, OrderState, TenantId};

/// How long nothing must happen to say that everything is at rest, in milliseconds.
const QUIET_MS: u64 = 15_000;

/// Steps within which everything must come to rest.
const REST_STEPS_MAX: u64 = 4_000;

impl Run {
    /// Waits until every figure is published, through all faults of calls.
    pub(super) fn publish_all(&mut self) {
        for _ in 0..30 {
            self.now_ms += 50;
            self.work();
        }
        self.rest();
        self.well = false;
    }

    /// Nothing is on its way.
    fn is_quiet(&self) -> bool {
        let open = self.engine().open_channel_events();
        let effects = self.effects.as_ref().expect("started");
        self.calls.is_empty()
            && self.mail.is_empty()
            && open.is_empty()
            && self.intake.todo.is_empty()
            && self.queue.is_empty()
            && effects.next_at_ms().is_none()
            && self.lanes.iter().all(super::lane::Lane::is_idle)
    }

    /// Without faults, until nothing has happened for a while.
    fn rest(&mut self) {
        self.well = true;
        let mut quiet_since = self.now_ms;
        for _ in 0..REST_STEPS_MAX {
            self.now_ms += self.schedule.between(50, 500);
            self.work();
            if !self.is_quiet() {
                quiet_since = self.now_ms;
            }
            if self.now_ms > quiet_since + QUIET_MS {
                return;
            }
        }
        panic!(
            "channels do not come to rest: {} calls, {:?}",
            self.calls.len(),
            self.mail
        );
    }

    /// No more sales and faults; people decide about what waits for them.
    pub(super) fn calm_down(&mut self) {
        self.on_sale = [false; 3];
        for market in 0..self.markets.len() {
            self.list_orders(market);
        }
        self.rest();
        for _ in 0..20 {
            for order in self.open_orders() {
                if order.state == OrderState::Review {
                    self.coverage.reviews += 1;
                    self.operate(order.order, OperatorAction::Cancel);
                }
            }
            for event in self.held_events() {
                self.settle(event, EventFate::Discarded);
            }
            self.rest();
            let reviews = self.open_orders();
            let waits =
                |it: &onhand::engine::process::command::ProcessView| it.state == OrderState::Review;
            if !reviews.iter().any(waits) && self.held_events().is_empty() {
                return;
            }
        }
        panic!("people do not come to an end");
    }

    pub(super) fn check_end(&mut self) {
        // Units that went without an order are waited for no longer, then all is written again.
        self.now_ms += 2 * UNSEEN_MS;
        self.rest();
        let now_ms = self.now_ms;
        for lane in &mut self.lanes {
            lane.book.resync(now_ms);
        }
        self.rest();
        self.check_figures();
        self.check_events();
        self.check_orders();
        self.check_quotas();
        self.check_audit();
        self.check_replay();
    }

    /// Every marketplace shows what it is to offer.
    fn check_figures(&self) {
        for market in &self.markets {
            for (item, (sku, name)) in market.items.iter().zip(self.skus.iter().zip(SKUS)) {
                let channel = ChannelId(market.number);
                let offer = self.engine().channel_stock(TenantId(0), channel, *sku);
                let offer = offer.expect("a SKU of this shop");
                let published = offer.published.map(|(quantity, _)| quantity);
                assert_eq!(
                    (item.shown, published),
                    (offer.quantity, Some(offer.quantity)),
                    "channel {} shows another figure of {name}",
                    market.number
                );
            }
        }
    }

    /// Every order of a marketplace is here, once; what was oversold waited for a person.
    fn check_orders(&self) {
        let story = self.story();
        for (key, sold) in &self.orders {
            let placed = story.placed.get(key).copied().unwrap_or(0);
            let counts = self
                .markets
                .iter()
                .any(|it| it.number == sold.channel && it.counts);
            assert!(
                placed == 1 || !counts && placed == 0,
                "order {key} is placed {placed} times: {sold:?}"
            );
        }
        let cancelled = |event: &super::run::Event| match event.says {
            Says::Cancelled(order) => Some(order),
            _ => None,
        };
        let ahead: Vec<_> = self.events.values().filter_map(cancelled).collect();
        for order in &story.oversold {
            let sold = &self.orders[order];
            let twice = self.markets.iter().any(|market| market.twice > 0);
            let may = sold.sku == TIGHT || sold.sku == QUOTA && twice;
            assert!(may, "{order} is oversold: {sold:?}");
            let seen = story.reviewed.contains(order) || ahead.contains(order);
            assert!(seen, "{order} was sold beyond stock, and nobody was asked");
        }
    }

    /// No channel has more than its quota, but for what was offered twice.
    fn check_quotas(&self) {
        for market in &self.markets {
            let held = self
                .orders
                .iter()
                .filter(|(_, sold)| sold.channel == market.number && sold.sku == QUOTA);
            let mut units = 0;
            for (key, _) in held {
                let (mut lines, mut shorts) = (Vec::new(), Vec::new());
                let known = self
                    .engine()
                    .order(TenantId(0), *key, &mut lines, &mut shorts);
                if known.is_some_and(|it| it.state != OrderState::Rejected) {
                    let lines = lines.iter();
                    let held = lines.map(|it| it.reserved + it.committed + it.shipped);
                    units += u64::from(held.sum::<u32>());
                }
            }
            assert!(
                units <= u64::from(QUOTA_UNITS) + market.twice,
                "channel {} has {units} units of a quota of {QUOTA_UNITS}",
                market.number
            );
            assert!(market.twice == 0 || self.excused);
        }
    }

    /// Other code that reads the same journal finds nothing wrong: I8, I12 and the others.
    fn check_audit(&mut self) {
        self.turn();
        self.sync();
        audit_is_content(&self.disk, |_| {});
    }

    /// A second engine that reads the journal is in the same state.
    fn check_replay(&mut self) {
        let digest = self.engine().digest();
        self.node = None;
        self.disk = self.disk.kill();
        self.lives += 1;
        let (now_ms, seed, lives) = (self.now_ms, self.seed, self.lives);
        let node = Node::start(&self.disk, &self.options, now_ms, seed, lives);
        let node = node.expect("the journal opens");
        let replayed = node.shard.engine().digest();
        assert_eq!(replayed, digest, "replay gives the same");
    }
}
