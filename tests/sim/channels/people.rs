//! What happens in a run: buyers, marketplaces, merchants, operators, faults.

use super::intake::place;
use super::market::{POOL, QUOTA, QUOTA_UNITS, SKUS, Sold, TIGHT};
use super::run::{Asked, Run, Says, TENANT};
use crate::sim::node::open_orders;
use onhand::engine::channel_event::command::EventFilter;
use onhand::engine::process::command::ProcessView;
use onhand::shard::local::{
    ChannelRequest, Definition, HoldChange, LocalLocation, LocalRequest, NamedCampaign, StockMove,
    StockRequest,
};
use onhand::types::channel_event::EventFate;
use onhand::types::channel_stock::ChannelRule;
use onhand::types::pipeline::{
    PIPELINES_ARCHIVE_VERSION, PaymentMode, Pipeline, PipelineSet, Step, StepKind,
};
use onhand::types::process::OperatorAction;
use onhand::types::{ChannelId, OrderKey, OrderMode, OrderState, TenantId};

/// Units at the start.
const STOCK: [u32; 3] = [4 * QUOTA_UNITS + 20, 90, 25];
const LOCATIONS: [&str; 2] = ["north", "south"];

fn pipelines() -> PipelineSet {
    PipelineSet {
        providers: vec!["labels".to_owned(), "depot".to_owned()],
        pipelines: vec![Pipeline {
            name: "settled".to_owned(),
            payment: PaymentMode::ChannelSettled,
            steps: vec![Step {
                name: "fulfilment".to_owned(),
                kind: StepKind::Fulfilment,
                providers: vec![0],
                warehouses: vec![1],
                ..Step::default()
            }],
        }],
        ..PipelineSet::default()
    }
}

impl Run {
    /// Pipelines, SKUs, stock, channels and their rules, before anything is sold.
    pub(super) fn open_shop(&mut self) {
        let define = LocalRequest::DefinePipelines {
            version: PIPELINES_ARCHIVE_VERSION,
            archive: pipelines().archive(),
        };
        self.ask(define, Asked::Nothing);
        for location in LOCATIONS {
            let location = LocalLocation {
                location: location.to_owned(),
                x: 0,
                y: 0,
                priority: 0,
            };
            let define = Definition::Location(location);
            self.ask(LocalRequest::Define(define), Asked::Nothing);
        }
        for (sku, units) in SKUS.iter().zip(STOCK) {
            let name = (*sku).to_owned();
            let on_sale = true;
            let define = Definition::Sku {
                name,
                on_sale,
                queue: None,
            };
            self.ask(LocalRequest::Define(define), Asked::Nothing);
            let half = units / 2;
            for (location, units) in LOCATIONS.iter().zip([half, units - half]) {
                self.move_stock(sku, location, StockMove::Receive(units));
            }
        }
        for number in 0..=4 {
            let kind = self.markets.iter().find(|it| it.number == number);
            let define = ChannelRequest::Define {
                channel: ChannelId(number),
                name: format!("channel-{number}"),
                kind: kind.map(|it| it.kind),
            };
            self.ask(LocalRequest::Channel(define), Asked::Nothing);
            let buffer = self.buffer;
            self.rule(number, POOL, Some(ChannelRule::Pool { buffer }));
            if number > 0 {
                let rule = ChannelRule::Quota {
                    units: QUOTA_UNITS,
                    then_pool: false,
                };
                self.rule(number, QUOTA, Some(rule));
            }
        }
        self.turn();
        self.sync();
        for (place, name) in SKUS.iter().enumerate() {
            let sku = self.engine().find_sku(TenantId(0), name);
            assert_eq!(sku, Some(self.skus[place]), "{TENANT} has {name}");
        }
    }

    fn rule(&mut self, channel: u16, sku: usize, rule: Option<ChannelRule>) {
        let request = ChannelRequest::SetRule {
            key: self.command_key(),
            channel: ChannelId(channel),
            sku: Some(SKUS[sku].to_owned()),
            rule,
        };
        self.ask(LocalRequest::Channel(request), Asked::Nothing);
    }

    fn move_stock(&mut self, sku: &str, location: &str, change: StockMove) {
        let request = StockRequest {
            key: self.command_key(),
            sku: sku.to_owned(),
            location: location.to_owned(),
            change,
        };
        self.ask(LocalRequest::Stock(request), Asked::Nothing);
    }

    /// One thing happens, then everything moves on.
    pub(super) fn step(&mut self) {
        let quota_sale = self.on_sale[QUOTA];
        let ends = u32::from(self.is_wild || !quota_sale);
        let weights = [20, 50, 12, 8, 6, 4, 3, 3, 5, 4, 2, 3, 2 * ends, ends];
        match self.schedule.weighted(&weights) {
            0 => self.now_ms += self.schedule.between(1, 400),
            1 => self.sell_at_market(),
            2 => self.sell_in_shop(),
            3 => self.send_cart(),
            4 => self.cancel_at_market(),
            5 => self.cancel_in_shop(),
            6 => self.change_stock(),
            7 => self.change_rule(),
            8 => self.campaign(),
            9 => self.decide(),
            10 => {
                let market = self.schedule.index(3);
                self.list_orders(market);
            }
            11 => self.ask_about_data(),
            12 => self.crash(),
            _ => self.write_all_again(),
        }
        self.work();
    }

    fn new_order(&mut self, sold: Sold) -> OrderKey {
        let key = (self.orders.len() as u128 + 1) << 64 | u128::from(self.schedule.next());
        self.orders.insert(OrderKey(key), sold);
        OrderKey(key)
    }

    /// A marketplace sells from the figure that it shows.
    fn sell_at_market(&mut self) {
        let place = self.schedule.index(3);
        let sku = self.schedule.index(3);
        let units = *self.schedule.pick(&[1, 1, 1, 2, 3]);
        let (number, item) = (self.markets[place].number, self.markets[place].items[sku]);
        if !self.on_sale[sku] || item.shown < units {
            return;
        }
        if sku == POOL && self.behind(Some(place)) > u64::from(self.buffer) {
            self.coverage.turned_away += 1;
            return;
        }
        let left = &mut self.markets[place].items[sku].shown;
        *left -= units;
        self.coverage.quotas_sold_out += u64::from(sku == QUOTA && *left == 0);
        self.coverage.sold_at_markets += 1;
        let order = self.new_order(Sold {
            channel: number,
            sku,
            units,
            made_ms: self.now_ms,
            after_write: item.writes,
            accepted: None,
            mode: OrderMode::Fact,
            cancelled: false,
            told: false,
            cancel_told: false,
        });
        self.tell(place, Says::Sold(order));
    }

    /// Units of the pool that were sold and that the figure of a marketplace, or of the own shop,
    /// does not take into account.
    fn behind(&self, market: Option<usize>) -> u64 {
        let own = market.map(|place| (self.markets[place].number, self.markets[place].items[POOL]));
        let is_counted = |sold: &Sold| match own {
            None => sold.channel == 0 || sold.accepted.is_some(),
            Some((number, item)) => {
                let shown = sold.channel == number && sold.after_write == item.writes;
                shown || sold.accepted.is_some_and(|at| at <= item.sequence)
            }
        };
        let orders = self.orders.values();
        let behind = orders.filter(|sold| sold.sku == POOL && !is_counted(sold));
        behind.map(|sold| u64::from(sold.units)).sum()
    }

    /// The own shop sells from what it is to offer at this moment.
    fn sell_in_shop(&mut self) {
        let sku = self.schedule.index(3);
        let units = *self.schedule.pick(&[1, 1, 2, 4]);
        let handle = self.skus[sku];
        let offer = self
            .engine()
            .channel_stock(TenantId(0), ChannelId(0), handle)
            .map_or(0, |it| it.quantity);
        // Orders of the shop that wait for this turn have been promised their units.
        let waits = |sold: &&Sold| sold.channel == 0 && sold.sku == sku && !sold.told;
        let waiting: u32 = self
            .orders
            .values()
            .filter(waits)
            .map(|sold| sold.units)
            .sum();
        let covered = offer >= units + waiting && self.behind(None) <= u64::from(self.buffer);
        if sku == POOL && !covered {
            self.coverage.turned_away += 1;
            return;
        }
        let mode = *self.schedule.pick(&[OrderMode::Place, OrderMode::Hold]);
        let order = self.new_order(Sold {
            channel: 0,
            sku,
            units,
            made_ms: self.now_ms,
            after_write: 0,
            accepted: None,
            mode,
            cancelled: false,
            told: false,
            cancel_told: false,
        });
        self.coverage.sold_in_shop += 1;
        let ttl_ms = *self.schedule.pick(&[300, 5_000, 600_000]);
        let request = place(order, &self.orders[&order], SKUS[sku], ttl_ms);
        self.ask(LocalRequest::Place(Box::new(request)), Asked::Shop(order));
    }

    /// A buyer sends a cart by message: the engine decides.
    fn send_cart(&mut self) {
        let sku = *self.schedule.pick(&[QUOTA, TIGHT]);
        let units = *self.schedule.pick(&[1, 2, 3]);
        let market = 3;
        let order = self.new_order(Sold {
            channel: self.markets[market].number,
            sku,
            units,
            made_ms: self.now_ms,
            after_write: 0,
            accepted: None,
            mode: OrderMode::Place,
            cancelled: false,
            told: false,
            cancel_told: false,
        });
        self.tell(market, Says::Sold(order));
    }

    /// A marketplace cancels an order, of which we may not have heard. Where figures are not
    /// compared, what comes back of a hard quota is offered on top of what is being sold.
    fn cancel_at_market(&mut self) {
        let may = |sold: &Sold| {
            let place = self.markets.iter().position(|it| it.number == sold.channel);
            let compares = place.is_some_and(|place| self.markets[place].compares);
            place.is_some() && !sold.cancelled && (sold.sku != QUOTA || compares)
        };
        let orders = self.orders.iter().filter(|(_, sold)| may(sold));
        let keys: Vec<OrderKey> = orders.map(|(key, _)| *key).collect();
        if keys.is_empty() {
            return;
        }
        let key = keys[keys.len() - 1 - self.schedule.index(keys.len().min(8))];
        let sold = self.orders.get_mut(&key).expect("listed");
        sold.cancelled = true;
        let number = sold.channel;
        let place = self.markets.iter().position(|it| it.number == number);
        self.coverage.cancelled_at_markets += 1;
        self.tell(place.expect("a marketplace's"), Says::Cancelled(key));
    }

    fn cancel_in_shop(&mut self) {
        let orders = self.orders.iter();
        let own = orders.filter(|(_, sold)| sold.channel == 0 && sold.told && !sold.cancelled);
        let keys: Vec<(OrderKey, OrderMode)> = own.map(|(key, it)| (*key, it.mode)).collect();
        if keys.is_empty() {
            return;
        }
        let (order, mode) = *self.schedule.pick(&keys);
        if mode == OrderMode::Hold {
            let key = self.command_key();
            let change = HoldChange::Release;
            self.ask(LocalRequest::Hold { key, order, change }, Asked::Nothing);
        } else {
            self.operate(order, OperatorAction::Cancel);
        }
    }

    fn change_stock(&mut self) {
        self.coverage.stock_changes += 1;
        let sku = self.schedule.index(3);
        let location = *self.schedule.pick(&LOCATIONS);
        let units = self.schedule.between(1, 4);
        let change = if sku == TIGHT && self.schedule.chance(600) {
            StockMove::Adjust {
                delta: -(units as i64),
                reason: "counted".to_owned(),
            }
        } else {
            StockMove::Receive(units as u32)
        };
        self.move_stock(SKUS[sku], location, change);
    }

    fn change_rule(&mut self) {
        self.coverage.rules_changed += 1;
        let channel = self.schedule.below(5) as u16;
        let units = self.schedule.between(1, 8) as u32;
        let then_pool = self.schedule.chance(500);
        let rule = *self.schedule.pick(&[
            None,
            Some(ChannelRule::Cap { units }),
            Some(ChannelRule::Pool { buffer: units / 4 }),
            Some(ChannelRule::Quota { units, then_pool }),
        ]);
        self.rule(channel, TIGHT, rule);
    }

    fn campaign(&mut self) {
        if self.campaigns > 0 && self.schedule.chance(300) {
            let campaign = 1 + self.schedule.below(u64::from(self.campaigns)) as u32;
            let key = self.command_key();
            let end = ChannelRequest::EndCampaign { key, campaign };
            self.ask(LocalRequest::Channel(end), Asked::Nothing);
            return;
        }
        let from_ms = self.now_ms + self.schedule.below(1_500);
        let campaign = NamedCampaign {
            channel: ChannelId(self.schedule.below(5) as u16),
            name: "sale".to_owned(),
            from_ms,
            to_ms: from_ms + self.schedule.between(500, 6_000),
            then_pool: self.schedule.chance(500),
            items: vec![(SKUS[TIGHT].to_owned(), 1 + self.schedule.below(9) as u32)],
        };
        self.campaigns += 1; // at most: an overlapping one is refused
        let key = self.command_key();
        let plan = ChannelRequest::DefineCampaign { key, campaign };
        self.ask(LocalRequest::Channel(plan), Asked::Nothing);
    }

    pub(super) fn open_orders(&self) -> Vec<ProcessView> {
        open_orders(self.engine())
    }

    pub(super) fn operate(&mut self, order: OrderKey, action: OperatorAction) {
        let request = LocalRequest::Operate {
            key: self.command_key(),
            order,
            action,
            effect: 0,
            amount: 0,
            reason: "simulated".to_owned(),
        };
        self.ask(request, Asked::Nothing);
    }

    /// Somebody decides about an order in review, or drives an event again.
    fn decide(&mut self) {
        let mut reviews = self.open_orders();
        reviews.retain(|it| it.state == OrderState::Review);
        if !reviews.is_empty() && self.schedule.chance(600) {
            let order = self.schedule.pick(&reviews).order;
            let action = *self.schedule.pick(&[
                OperatorAction::Approve,
                OperatorAction::Decline,
                OperatorAction::Cancel,
            ]);
            self.operate(order, action);
            return;
        }
        let held = self.held_events();
        if !held.is_empty() {
            let event = *self.schedule.pick(&held);
            self.settle(event, EventFate::Open);
        }
    }

    /// Events that wait for a person.
    pub(super) fn held_events(&self) -> Vec<u128> {
        let filter = EventFilter {
            limit: 500,
            ..EventFilter::default()
        };
        let page = self.engine().list_channel_events(TenantId(0), &filter);
        page.events.iter().map(|it| it.event).collect()
    }

    /// A request about personal data.
    fn ask_about_data(&mut self) {
        let market = self.schedule.index(self.markets.len());
        self.tell(market, Says::Privacy);
    }

    /// All figures of a channel are written again, as the publisher does from time to time.
    fn write_all_again(&mut self) {
        self.excused |= self.on_sale[QUOTA];
        let place = self.schedule.index(self.lanes.len());
        let now_ms = self.now_ms;
        self.lanes[place].book.resync(now_ms);
    }
}
