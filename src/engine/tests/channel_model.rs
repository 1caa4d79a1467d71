//! Random sales over several channels against a naive model that moves units one by one.
//!
//! After every step the model predicts what each channel may take, and these must hold: nobody
//! sells beyond a quota or a cap, no channel takes what another one is guaranteed, and all units
//! sold are there. After each run the invariants hold and a replay gives the same digest.

use super::channel_paper::{Campaign, Count, Order, Paper, SKUS, State};
use super::channels::{ONE, TWO};
use super::shop::{ANY, Shop, line, request};
use crate::engine::channel::command::ChannelCommand;
use crate::engine::command::Command;
use crate::engine::record::CampaignUnits;
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, CommandKey, LocationId, Policy, ResultCode, SkuId};
use proptest::prelude::*;
use std::collections::BTreeMap;

const THREE: ChannelId = ChannelId(3);
const CHANNELS: [ChannelId; 4] = [ChannelId(0), ONE, TWO, THREE];

#[derive(Clone, Debug)]
enum Step {
    Buy(u8, usize, [u64; SKUS], bool),
    Release(u8),
    Confirm(u8),
    Cancel(u8),
    Ship(u8),
    Receive(usize, u64),
    Lose(usize, u64),
    Rule(usize, usize, Option<ChannelRule>),
    Campaign(usize, usize, u64, u64),
    Wait(u64),
}

fn rules() -> impl Strategy<Value = Option<ChannelRule>> {
    prop_oneof![
        Just(None),
        (0..6_u32).prop_map(|buffer| Some(ChannelRule::Pool { buffer })),
        (0..12_u32, any::<bool>())
            .prop_map(|(units, then_pool)| Some(ChannelRule::Quota { units, then_pool })),
        (0..12_u32).prop_map(|units| Some(ChannelRule::Cap { units })),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (order, channel, sku) = (0..12_u8, 0..4_usize, 0..SKUS);
    let units = [0..7_u64, 0..4_u64];
    let one = prop_oneof![
        8 => (order.clone(), channel, units, any::<bool>())
            .prop_map(|(order, channel, units, partial)| Step::Buy(order, channel, units, partial)),
        2 => order.clone().prop_map(Step::Release),
        2 => order.clone().prop_map(Step::Confirm),
        1 => order.clone().prop_map(Step::Cancel),
        1 => order.prop_map(Step::Ship),
        1 => (sku.clone(), 1..9_u64).prop_map(|(sku, units)| Step::Receive(sku, units)),
        1 => (sku.clone(), 1..5_u64).prop_map(|(sku, units)| Step::Lose(sku, units)),
        3 => (1..4_usize, sku.clone(), rules())
            .prop_map(|(channel, sku, rule)| Step::Rule(channel, sku, rule)),
        1 => (1..4_usize, sku, 1..9_u64, 1..40_u64)
            .prop_map(|(channel, sku, units, ms)| Step::Campaign(channel, sku, units, ms)),
        2 => (1..90_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(one, 1..80)
}

struct Run {
    shop: Shop,
    paper: Paper,
    skus: [SkuId; SKUS],
    here: LocationId,
}

/// Time to live of every hold: longer than a run's waits.
const LONG_MS: u32 = 3_600_000;

impl Run {
    fn new() -> Self {
        let mut shop = Shop::new();
        let skus = [shop.sku("shoe"), shop.sku("sock")];
        let here = shop.location("here", 0, 0, 0);
        for channel in [ONE, TWO, THREE] {
            shop.define_channel(channel);
        }
        let mut paper = Paper::default();
        for (at, sku) in skus.into_iter().enumerate() {
            shop.receive(sku, here, 20);
            paper.available[at] = 20;
        }
        Self {
            shop,
            paper,
            skus,
            here,
        }
    }

    fn take(&mut self, step: &Step) {
        self.paper.step += 1;
        match *step {
            Step::Buy(order, channel, units, partial) => self.buy(order, channel, units, partial),
            Step::Release(order)
            | Step::Confirm(order)
            | Step::Cancel(order)
            | Step::Ship(order) => {
                self.command(step, order);
            }
            Step::Receive(sku, units) => {
                let quantity = u32::try_from(units).unwrap();
                self.shop.receive(self.skus[sku], self.here, quantity);
                self.paper.available[sku] += units;
            }
            Step::Lose(sku, units) => {
                // No deeper than what is available: a shortage is another test's subject.
                let units = units.min(self.paper.available[sku]);
                if units > 0 {
                    let key = self.shop.fresh();
                    self.shop.execute(&Command::Adjust {
                        key,
                        sku: self.skus[sku],
                        location: self.here,
                        delta: -i64::try_from(units).unwrap(),
                        reason: "lost",
                    });
                    self.paper.available[sku] -= units;
                }
            }
            Step::Rule(channel, sku, rule) => self.rule(channel, sku, rule),
            Step::Campaign(channel, sku, units, ms) => self.campaign(channel, sku, units, ms),
            Step::Wait(ms) => {
                self.shop.advance(ms);
                self.end_campaign_if_over();
            }
        }
        self.compare(step);
    }

    #[allow(clippy::too_many_lines)] // one order, on paper as in the engine
    fn buy(&mut self, key: u8, channel: usize, units: [u64; SKUS], partial: bool) {
        if units == [0; SKUS] {
            return;
        }
        let before = self.paper.orders.get(&key).cloned();
        if before.as_ref().is_some_and(|it| it.state != State::Held) {
            return;
        }
        let lines: Vec<_> = (0..SKUS)
            .filter(|sku| units[*sku] > 0)
            .map(|sku| line(self.skus[sku], ANY, u32::try_from(units[sku]).unwrap()))
            .collect();
        let mut order = request(u128::from(key) + 1, &lines);
        order.channel = CHANNELS[channel];
        order.ttl_ms = LONG_MS;
        order.version = before.as_ref().map_or(1, |it| it.version + 1);
        if partial {
            order.policy = Policy::Partial;
        }
        let outcome = self.shop.reserve(&order);
        // On paper: what it held goes back first.
        let paper = &mut self.paper;
        let counts = paper.counts.clone();
        let available = paper.available;
        if let Some(before) = &before {
            paper.give_back(before, before.units);
        }
        let mut granted = [0; SKUS];
        for (sku, granted) in granted.iter_mut().enumerate() {
            *granted = units[sku].min(paper.reach(channel, sku));
        }
        let physically = (0..SKUS).all(|sku| units[sku] <= paper.available[sku]);
        let accepted = granted == units || partial && granted != [0; SKUS];
        if accepted {
            assert_eq!(outcome.code, ResultCode::Ok, "granted {granted:?}");
            for (sku, units) in granted.iter().enumerate() {
                paper.available[sku] -= units;
                for _ in 0..*units {
                    if let Some(count) = paper.counts.get_mut(&(channel, sku)) {
                        count.take_one(paper.step);
                    }
                }
            }
            let order = Order {
                channel,
                step: paper.step,
                version: order.version,
                units: granted,
                state: State::Held,
            };
            paper.orders.insert(key, order);
            return;
        }
        let expected = if partial {
            let nothing = |sku: usize| units[sku] == 0 || paper.available[sku] == 0;
            (0..SKUS).all(nothing)
        } else {
            !physically
        };
        let code = if expected {
            ResultCode::InsufficientStock
        } else {
            ResultCode::QuotaExhausted
        };
        assert_eq!(outcome.code, code, "{units:?} of {granted:?}");
        (paper.counts, paper.available) = (counts, available);
        // A refused version is used up all the same.
        if let Some(order) = paper.orders.get_mut(&key) {
            order.version += 1;
        } else {
            let order = Order {
                channel,
                step: 0,
                version: 1,
                units: [0; SKUS],
                state: State::Over,
            };
            paper.orders.insert(key, order);
        }
    }

    fn command(&mut self, step: &Step, key: u8) {
        let Some(order) = self.paper.orders.get(&key).cloned() else {
            return;
        };
        let number = u128::from(key) + 1;
        let (needs, becomes) = match step {
            Step::Release(_) => (State::Held, State::Over),
            Step::Confirm(_) => (State::Held, State::Confirmed),
            _ => (State::Confirmed, State::Over),
        };
        if order.state != needs {
            return;
        }
        let outcome = match step {
            Step::Release(_) => self.shop.release(number),
            Step::Confirm(_) => self.shop.confirm(number, &[]),
            Step::Cancel(_) => self.shop.cancel(number),
            _ => {
                let lines: Vec<_> = (0..SKUS)
                    .filter(|sku| order.units[*sku] > 0)
                    .map(|sku| {
                        let units = u32::try_from(order.units[sku]).unwrap();
                        line(self.skus[sku], self.here, units)
                    })
                    .collect();
                self.shop.ship(number, &lines)
            }
        };
        assert_eq!(outcome.code, ResultCode::Ok, "{step:?}");
        if matches!(step, Step::Release(_) | Step::Cancel(_)) {
            self.paper.give_back(&order, order.units);
        }
        if let Some(order) = self.paper.orders.get_mut(&key) {
            order.state = becomes;
        }
    }

    fn rule(&mut self, channel: usize, sku: usize, rule: Option<ChannelRule>) {
        let key = self.shop.fresh();
        let command = ChannelCommand::SetRule {
            key,
            channel: CHANNELS[channel],
            sku: Some(self.skus[sku]),
            rule,
        };
        let code = self.shop.channel(&command).code;
        let paper = &mut self.paper;
        let step = paper.step;
        let before = paper.guaranteed(sku);
        let kept = paper.counts.get(&(channel, sku)).cloned();
        let count = paper.counts.entry((channel, sku)).or_insert_with(|| Count {
            since: step,
            ..Count::default()
        });
        if count.rule.is_none() && rule.is_some() {
            // During a campaign: what that has sold is none of the rule's.
            (count.since, count.quota_used, count.pool_used) = (step, 0, 0);
            count.campaign = count.campaign.map(|campaign| Campaign {
                before: campaign.used,
                ..campaign
            });
        }
        let sold = count.quota_used;
        count.rule = rule;
        let quota = match rule {
            Some(ChannelRule::Quota { units, .. }) => units.into(),
            _ => 0,
        };
        count.quota_used = sold.min(quota);
        count.pool_used += sold - count.quota_used;
        let void = rule.is_none() && count.campaign.is_none();
        let after = paper.guaranteed(sku);
        let is_quota = matches!(rule, Some(ChannelRule::Quota { .. }));
        if is_quota && after > before && after > paper.available[sku] {
            assert_eq!(code, ResultCode::InsufficientStock);
            match kept {
                Some(kept) => paper.counts.insert((channel, sku), kept),
                None => paper.counts.remove(&(channel, sku)),
            };
            return;
        }
        assert_eq!(code, ResultCode::Ok, "{rule:?}");
        if void {
            paper.counts.remove(&(channel, sku));
        }
    }

    fn campaign(&mut self, channel: usize, sku: usize, units: u64, ms: u64) {
        if self.paper.campaign_until.is_some() {
            return;
        }
        let now = self.shop.clock_ms;
        let wants = [CampaignUnits {
            sku: self.skus[sku],
            units: u32::try_from(units).unwrap(),
        }];
        let outcome = self
            .shop
            .campaign(CHANNELS[channel], (now, now + ms), &wants);
        assert_eq!(outcome.code, ResultCode::Ok);
        self.shop.advance(0);
        let paper = &mut self.paper;
        let pool = paper.available[sku].saturating_sub(paper.guaranteed(sku));
        let step = paper.step;
        let count = paper.counts.entry((channel, sku)).or_insert_with(|| Count {
            since: step,
            ..Count::default()
        });
        count.campaign = Some(Campaign {
            since: step,
            left: units.min(pool),
            used: 0,
            before: 0,
        });
        paper.campaign_until = Some((now + ms, channel, sku));
    }

    fn end_campaign_if_over(&mut self) {
        if let Some((until, channel, sku)) = self.paper.campaign_until
            && self.shop.clock_ms >= until
        {
            self.paper.end_campaign(channel, sku);
        }
    }

    /// What the engine says is what the paper says.
    fn compare(&self, step: &Step) {
        for (at, sku) in self.skus.into_iter().enumerate() {
            let cell = self.shop.cell(sku, self.here);
            let available = u64::from(cell.available());
            assert_eq!(available, self.paper.available[at], "{step:?}");
            let mut offered = 0;
            for (number, channel) in CHANNELS.into_iter().enumerate() {
                let view = self.shop.view(channel, sku);
                let reach = self.paper.reach(number, at);
                assert_eq!(u64::from(view.reach), reach, "{channel:?} after {step:?}");
                assert!(view.quantity <= view.reach, "{channel:?} offers too much");
                let own = self.paper.counts.get(&(number, at));
                let own = own.map_or(0, Count::guaranteed);
                offered += own.min(u64::from(view.quantity));
                // Isolation: what is guaranteed is there, unless corrections took it.
                if self.paper.guaranteed(at) <= available {
                    let capped = self.paper.counts.get(&(number, at));
                    let capped = capped.map_or(u64::MAX, Count::cap_left);
                    assert!(reach >= own.min(capped), "{channel:?} lost its own");
                }
            }
            assert!(offered <= available, "guaranteed offers exceed the stock");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn channels_get_what_rules_give_them_and_nothing_of_anybody_else(steps in steps()) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
        }
        run.shop.check();
    }
}

/// Five channels sell the same SKU from quotas at once, with a pool beside them.
#[test]
fn five_channels_with_quotas_never_sell_a_unit_twice() {
    let mut shop = Shop::new();
    let (sku, here) = (shop.sku("shoe"), shop.location("here", 0, 0, 0));
    shop.receive(sku, here, 1_000);
    let channels: Vec<ChannelId> = (1..=5).map(ChannelId).collect();
    for channel in &channels {
        shop.define_channel(*channel);
        let rule = ChannelRule::Quota {
            units: 150,
            then_pool: channel.0 % 2 == 0,
        };
        assert_eq!(shop.rule(*channel, sku, rule), ResultCode::Ok);
    }
    let mut sold = BTreeMap::<u16, u32>::new();
    for key in 0..3_000_u128 {
        // Uneven demand: some channels ask far more than their share.
        let channel = ChannelId([0, 1, 1, 2, 2, 2, 3, 4, 5][usize::try_from(key % 9).unwrap()]);
        let units = u32::try_from(key % 3).unwrap() + 1;
        let outcome = shop.buy(key + 1, channel, &[line(sku, ANY, units)]);
        match outcome.code {
            ResultCode::Ok => *sold.entry(channel.0).or_default() += units,
            ResultCode::QuotaExhausted | ResultCode::InsufficientStock => {}
            other => panic!("{other}"),
        }
    }
    let total: u32 = sold.values().sum();
    assert_eq!(total, 1_000, "everything is sold, and nothing twice");
    for isolated in [1, 3, 5] {
        assert_eq!(sold[&isolated], 150, "channel {isolated} sold its quota");
    }
    assert!(sold[&2] >= 150 && sold[&4] >= 150);
    let last = CommandKey(1);
    shop.execute(&Command::Receive {
        key: last,
        sku,
        location: here,
        quantity: 1,
    });
    assert_eq!(shop.view(ONE, sku).reach, 0, "its quota is used up");
    shop.check();
}
