//! Sales channels: rules, isolation, publishing, the codes of their commands.

use super::shop::{ANY, Shop, line, request};
use crate::engine::channel::command::{CampaignPlan, ChannelCommand, ChannelStockView};
use crate::engine::command::LineNote::{Granted, Short};
use crate::engine::command::{Command, CommandOutcome, OrderOutcome};
use crate::engine::record::{CampaignUnits, PublishedItem, RequestedLine, ShortLine, kind};
use crate::limits;
use crate::types::channel_stock::ChannelRule;
use crate::types::{
    ChannelId, ChannelKind, CommandKey, LocationId, OrderKey, Policy, ResultCode, SkuId,
};

pub const ONE: ChannelId = ChannelId(1);
pub const TWO: ChannelId = ChannelId(2);
pub const OWN: ChannelId = ChannelId(0);

impl Shop {
    pub fn channel(&mut self, command: &ChannelCommand<'_>) -> CommandOutcome {
        let context = self.context;
        self.turn(|engine, out| engine.execute_channel(context, command, out))
    }

    pub fn define_channel(&mut self, channel: ChannelId) {
        let outcome = self.channel(&ChannelCommand::Define {
            channel,
            name: "shop",
            kind: Some(ChannelKind::Shopify),
        });
        assert_eq!(outcome.code, ResultCode::Ok);
    }

    pub fn rule(&mut self, channel: ChannelId, sku: SkuId, rule: ChannelRule) -> ResultCode {
        let key = self.fresh();
        let (sku, rule) = (Some(sku), Some(rule));
        let command = ChannelCommand::SetRule {
            key,
            channel,
            sku,
            rule,
        };
        self.channel(&command).code
    }

    pub fn buy(&mut self, key: u128, channel: ChannelId, lines: &[RequestedLine]) -> OrderOutcome {
        let mut order = request(key, lines);
        order.channel = channel;
        self.reserve(&order)
    }

    pub fn campaign(
        &mut self,
        channel: ChannelId,
        window: (u64, u64),
        wants: &[CampaignUnits],
    ) -> CommandOutcome {
        let key = self.fresh();
        let plan = CampaignPlan {
            channel,
            name: "flash",
            from_ms: window.0,
            to_ms: window.1,
            then_pool: false,
            wants,
        };
        self.channel(&ChannelCommand::DefineCampaign { key, plan: &plan })
    }

    pub fn view(&self, channel: ChannelId, sku: SkuId) -> ChannelStockView {
        let tenant = self.context.tenant;
        self.engine.channel_stock(tenant, channel, sku).unwrap()
    }

    pub fn offers(&self, sku: SkuId) -> [u32; 3] {
        [OWN, ONE, TWO].map(|channel| self.view(channel, sku).quantity)
    }
}

pub fn quota(units: u32) -> ChannelRule {
    ChannelRule::Quota {
        units,
        then_pool: false,
    }
}

/// Ten units of one SKU at one location; channels 1 and 2.
pub fn shop() -> (Shop, SkuId, LocationId) {
    let mut shop = Shop::new();
    let (sku, here) = (shop.sku("shoe"), shop.location("here", 0, 0, 0));
    shop.receive(sku, here, 10);
    shop.define_channel(ONE);
    shop.define_channel(TWO);
    (shop, sku, here)
}

fn short(sku: SkuId, left: u32) -> crate::engine::command::LineNote {
    Short(ShortLine { sku, left, line: 0 })
}

#[test]
fn a_quota_is_the_channels_alone_and_nobody_else_sees_it() {
    let (mut shop, sku, _) = shop();
    assert_eq!(shop.offers(sku), [10, 10, 10], "without rules all share");
    assert_eq!(shop.rule(ONE, sku, quota(6)), ResultCode::Ok);
    assert_eq!(shop.offers(sku), [4, 6, 4]);
    let refused = shop.buy(1, OWN, &[line(sku, ANY, 5)]);
    assert_eq!(refused.code, ResultCode::QuotaExhausted);
    assert_eq!(shop.notes, [short(sku, 4)]);
    assert_eq!(
        shop.buy(2, OWN, &[line(sku, ANY, 4)]).code,
        ResultCode::Ok,
        "the pool is theirs"
    );
    let refused = shop.buy(3, TWO, &[line(sku, ANY, 1)]);
    assert_eq!(refused.code, ResultCode::QuotaExhausted);
    assert_eq!(shop.buy(4, ONE, &[line(sku, ANY, 6)]).code, ResultCode::Ok);
    let refused = shop.buy(5, ONE, &[line(sku, ANY, 1)]);
    assert_eq!(
        refused.code,
        ResultCode::InsufficientStock,
        "now nothing is there at all"
    );
    shop.check();
}

#[test]
fn a_refusal_for_the_quota_is_sticky_and_names_what_is_left() {
    let (mut shop, sku, _) = shop();
    shop.rule(ONE, sku, quota(3));
    let refused = shop.buy(1, ONE, &[line(sku, ANY, 4)]);
    assert_eq!(
        (refused.code, refused.notes),
        (ResultCode::QuotaExhausted, 1)
    );
    shop.rule(ONE, sku, quota(10));
    let again = shop.buy(1, ONE, &[line(sku, ANY, 4)]);
    assert_eq!(again.code, ResultCode::QuotaExhausted);
    assert!(again.replayed);
    assert_eq!(shop.notes, [short(sku, 3)]);
    shop.check();
}

#[test]
fn behind_its_quota_a_channel_goes_on_in_the_pool_only_where_that_is_allowed() {
    let (mut shop, sku, _) = shop();
    shop.rule(TWO, sku, quota(2));
    let rule = ChannelRule::Quota {
        units: 3,
        then_pool: true,
    };
    shop.rule(ONE, sku, rule);
    assert_eq!(shop.offers(sku), [5, 8, 2]);
    assert_eq!(
        shop.buy(1, ONE, &[line(sku, ANY, 9)]).code,
        ResultCode::QuotaExhausted
    );
    assert_eq!(shop.buy(2, ONE, &[line(sku, ANY, 7)]).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [1, 1, 2]);
    // Given back, the units are the quota's again.
    assert_eq!(shop.release(2).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [5, 8, 2]);
    shop.check();
}

#[test]
fn units_come_back_by_release_expiry_partial_confirm_and_cancel_but_not_by_shipping() {
    let (mut shop, sku, here) = shop();
    shop.rule(ONE, sku, quota(8));
    let left = |shop: &Shop| shop.view(ONE, sku).quantity;
    shop.buy(1, ONE, &[line(sku, ANY, 2)]);
    shop.buy(2, ONE, &[line(sku, ANY, 3)]);
    assert_eq!(left(&shop), 3);
    shop.release(1);
    assert_eq!(left(&shop), 5);
    shop.confirm(2, &[line(sku, here, 1)]);
    assert_eq!(left(&shop), 7);
    shop.cancel(2);
    assert_eq!(left(&shop), 8);
    shop.buy(3, ONE, &[line(sku, ANY, 4)]);
    shop.advance(60_000);
    assert_eq!(left(&shop), 8, "expired");
    shop.buy(4, ONE, &[line(sku, ANY, 5)]);
    shop.confirm(4, &[]);
    shop.ship(4, &[line(sku, here, 5)]);
    assert_eq!(left(&shop), 3, "shipped units stay used");
    shop.check();
}

#[test]
fn the_next_version_of_an_order_has_its_own_units_back_first() {
    let (mut shop, sku, _) = shop();
    shop.rule(ONE, sku, quota(5));
    shop.buy(1, ONE, &[line(sku, ANY, 5)]);
    let lines = [line(sku, ANY, 4)];
    let mut next = request(1, &lines);
    (next.version, next.channel) = (2, ONE);
    assert_eq!(shop.reserve(&next).code, ResultCode::Ok);
    assert_eq!(shop.view(ONE, sku).quantity, 1);
    let lines = [line(sku, ANY, 6)];
    let mut next = request(1, &lines);
    (next.version, next.channel) = (3, ONE);
    assert_eq!(shop.reserve(&next).code, ResultCode::QuotaExhausted);
    // Of another channel it takes from there.
    let lines = [line(sku, ANY, 5)];
    let mut next = request(1, &lines);
    (next.version, next.channel) = (4, TWO);
    assert_eq!(shop.reserve(&next).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [0, 5, 0]);
    shop.check();
}

#[test]
fn a_partial_order_is_granted_what_its_channel_may_take() {
    let (mut shop, sku, _) = shop();
    shop.rule(ONE, sku, quota(7));
    let lines = [line(sku, ANY, 5)];
    let mut order = request(1, &lines);
    (order.channel, order.policy) = (OWN, Policy::Partial);
    let outcome = shop.reserve(&order);
    assert_eq!((outcome.code, outcome.partial), (ResultCode::Ok, true));
    assert_eq!(
        shop.notes,
        [Granted {
            line: 0,
            quantity: 3
        }]
    );
    order.key = OrderKey(2);
    let outcome = shop.reserve(&order);
    assert_eq!(outcome.code, ResultCode::QuotaExhausted, "nothing is left");
    shop.check();
}

#[test]
fn a_cap_bounds_what_a_channel_sells_while_it_is_in_force() {
    let (mut shop, sku, here) = shop();
    shop.buy(1, ONE, &[line(sku, ANY, 2)]);
    assert_eq!(
        shop.rule(ONE, sku, ChannelRule::Cap { units: 3 }),
        ResultCode::Ok
    );
    assert_eq!(shop.offers(sku), [8, 3, 8], "what it sold before is free");
    shop.buy(2, ONE, &[line(sku, ANY, 2)]);
    shop.confirm(2, &[]);
    shop.ship(2, &[line(sku, here, 2)]);
    let refused = shop.buy(3, ONE, &[line(sku, ANY, 2)]);
    assert_eq!(refused.code, ResultCode::QuotaExhausted);
    assert_eq!(shop.buy(4, ONE, &[line(sku, ANY, 1)]).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [5, 0, 5]);
    shop.check();
}

#[test]
fn a_buffer_is_not_published_but_an_order_may_take_it() {
    let (mut shop, sku, _) = shop();
    let key = shop.fresh();
    let rule = Some(ChannelRule::Pool { buffer: 4 });
    let command = ChannelCommand::SetRule {
        key,
        channel: ONE,
        sku: None,
        rule,
    };
    assert_eq!(shop.channel(&command).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [10, 6, 10]);
    shop.rule(TWO, sku, ChannelRule::Pool { buffer: 12 });
    assert_eq!(shop.offers(sku), [10, 6, 0]);
    assert_eq!(shop.buy(1, TWO, &[line(sku, ANY, 10)]).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [0, 0, 0]);
    shop.check();
}

#[test]
fn a_quota_counts_over_all_locations() {
    let (mut shop, sku, here) = shop();
    let there = shop.location("there", 9, 9, 0);
    shop.receive(sku, there, 10);
    shop.rule(ONE, sku, quota(12));
    let lines = [line(sku, here, 5), line(sku, there, 4)];
    assert_eq!(
        shop.buy(1, OWN, &lines).code,
        ResultCode::QuotaExhausted,
        "9 of the 8 in the pool"
    );
    let lines = [line(sku, here, 8)];
    assert_eq!(shop.buy(2, OWN, &lines).code, ResultCode::Ok);
    assert_eq!(shop.buy(3, ONE, &[line(sku, ANY, 12)]).code, ResultCode::Ok);
    shop.check();
}

#[test]
fn quotas_are_made_of_what_is_there_and_a_correction_leaves_them_to_who_comes_first() {
    let (mut shop, sku, here) = shop();
    assert_eq!(shop.rule(ONE, sku, quota(6)), ResultCode::Ok);
    assert_eq!(shop.rule(TWO, sku, quota(5)), ResultCode::InsufficientStock);
    assert_eq!(shop.rule(TWO, sku, quota(4)), ResultCode::Ok);
    let key = shop.fresh();
    shop.execute(&Command::Adjust {
        key,
        sku,
        location: here,
        delta: -3,
        reason: "counted",
    });
    // Together the channels offer no more than the seven that are there.
    assert_eq!(shop.offers(sku), [0, 6, 1]);
    assert_eq!(shop.buy(1, TWO, &[line(sku, ANY, 4)]).code, ResultCode::Ok);
    assert_eq!(
        shop.buy(2, ONE, &[line(sku, ANY, 4)]).code,
        ResultCode::InsufficientStock
    );
    assert_eq!(shop.buy(3, ONE, &[line(sku, ANY, 3)]).code, ResultCode::Ok);
    shop.check();
}

#[test]
fn a_rule_taken_away_gives_what_is_left_back_to_the_pool() {
    let (mut shop, sku, _) = shop();
    shop.rule(ONE, sku, quota(6));
    shop.buy(1, ONE, &[line(sku, ANY, 2)]);
    let key = shop.fresh();
    let command = ChannelCommand::SetRule {
        key,
        channel: ONE,
        sku: Some(sku),
        rule: None,
    };
    assert_eq!(shop.channel(&command).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [8, 8, 8]);
    // Made anew it counts anew: the order of before is not its own.
    shop.rule(ONE, sku, quota(8));
    assert_eq!(shop.offers(sku), [0, 8, 0]);
    shop.release(1);
    assert_eq!(shop.offers(sku), [2, 8, 2]);
    shop.check();
}

#[test]
fn what_a_channel_cannot_have_is_refused() {
    let (mut shop, sku, _) = shop();
    let set = |shop: &mut Shop, key, channel, sku, rule| {
        let command = ChannelCommand::SetRule {
            key,
            channel,
            sku,
            rule: Some(rule),
        };
        shop.channel(&command).code
    };
    let (key, all) = (shop.fresh(), None);
    let zero = CommandKey(0);
    assert_eq!(
        set(&mut shop, zero, ONE, all, quota(1)),
        ResultCode::InvalidKey
    );
    assert_eq!(
        set(&mut shop, key, ONE, all, quota(1)),
        ResultCode::InvalidField,
        "a quota is of one SKU"
    );
    assert_eq!(
        set(&mut shop, key, ChannelId(9), Some(sku), quota(1)),
        ResultCode::UnknownChannel
    );
    assert_eq!(
        set(&mut shop, key, ONE, Some(SkuId(9)), quota(1)),
        ResultCode::UnknownSku
    );
    let cap = ChannelRule::Cap { units: u32::MAX };
    assert_eq!(
        set(&mut shop, key, ONE, Some(sku), cap),
        ResultCode::InvalidQuantity
    );
    let nameless = ChannelCommand::Define {
        channel: ONE,
        name: "",
        kind: None,
    };
    assert_eq!(shop.channel(&nameless).code, ResultCode::InvalidName);
    for channel in 3..=limits::CHANNELS_MAX {
        shop.define_channel(ChannelId(u16::try_from(channel).unwrap()));
    }
    let one_more = ChannelCommand::Define {
        channel: ChannelId(u16::MAX),
        name: "full",
        kind: None,
    };
    assert_eq!(shop.channel(&one_more).code, ResultCode::ChannelTableFull);
    shop.check();
}

#[test]
fn what_was_published_is_kept_and_nothing_older_or_from_the_future() {
    let (mut shop, sku, _) = shop();
    let report = |shop: &mut Shop, quantity, sequence| {
        let items = [PublishedItem {
            sku,
            quantity,
            sequence,
        }];
        let (channel, items) = (ONE, &items);
        shop.channel(&ChannelCommand::Published { channel, items })
    };
    assert_eq!(shop.view(ONE, sku).published, None);
    assert_eq!(report(&mut shop, 10, 3).code, ResultCode::Ok);
    assert!(report(&mut shop, 9, 2).replayed, "older: skipped");
    assert!(report(&mut shop, 10, 3).replayed, "the same: skipped");
    assert_eq!(shop.view(ONE, sku).published, Some((10, 3)));
    assert_eq!(report(&mut shop, 9, 1 << 40).code, ResultCode::InvalidField);
    assert_eq!(report(&mut shop, 9, 4).code, ResultCode::Ok);
    assert_eq!(shop.view(ONE, sku).published, Some((9, 4)));
    assert_eq!(shop.journaled(kind::STOCK_PUBLISHED), 2);
    shop.check();
}

#[test]
fn changes_are_told_to_whoever_publishes_and_coalesced() {
    let (mut shop, sku, here) = shop();
    let other = shop.sku("sock");
    let tenant = shop.context.tenant;
    let changes = |shop: &mut Shop, since| {
        let found = shop.engine.channel_changes(tenant, ONE, since, 100);
        let skus: Vec<_> = found.items.iter().map(|it| (it.sku, it.quantity)).collect();
        (found.cursor, found.overrun, skus)
    };
    let (cursor, overrun, _) = changes(&mut shop, u64::MAX);
    assert!(overrun, "a new reader asks for everything");
    for key in 1..=5 {
        shop.buy(key, OWN, &[line(sku, ANY, 1)]);
    }
    let (cursor, overrun, skus) = changes(&mut shop, cursor);
    assert_eq!((overrun, skus), (false, vec![(sku, 5)]));
    shop.receive(other, here, 2);
    let name = "shoe";
    let on_sale = false;
    shop.execute(&Command::DefineSku {
        name,
        on_sale,
        queue: None,
    });
    let (cursor, _, skus) = changes(&mut shop, cursor);
    assert_eq!(skus, [(sku, 0), (other, 2)], "off sale is sold out");
    shop.rule(TWO, other, quota(2));
    let (cursor, _, skus) = changes(&mut shop, cursor);
    assert_eq!(skus, [(other, 0)]);
    let key = shop.fresh();
    let rule = Some(ChannelRule::Pool { buffer: 1 });
    shop.channel(&ChannelCommand::SetRule {
        key,
        channel: ONE,
        sku: None,
        rule,
    });
    assert!(changes(&mut shop, cursor).1, "a new buffer is about all");
}
