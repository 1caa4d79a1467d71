//! Campaigns of sales channels, and repeats of commands about channels.

use super::channels::{ONE, OWN, TWO, quota, shop};
use super::shop::{ANY, Shop, line};
use crate::engine::channel::command::{CampaignPlan, ChannelCommand};
use crate::engine::record::{CampaignUnits, kind};
use crate::limits;
use crate::types::channel_stock::{CampaignState, ChannelRule};
use crate::types::{ChannelKind, ResultCode, SkuId};

#[test]
fn a_campaign_takes_its_quota_at_its_time_and_returns_what_it_did_not_sell() {
    let (mut shop, sku, _) = shop();
    let other = shop.sku("sock");
    let start = shop.clock_ms + 1_000;
    let wants = [
        CampaignUnits { sku, units: 8 },
        CampaignUnits {
            sku: other,
            units: 5,
        },
    ];
    let campaign = shop.campaign(ONE, (start, start + 5_000), &wants);
    assert_eq!((campaign.code, campaign.handle), (ResultCode::Ok, 1));
    shop.buy(1, OWN, &[line(sku, ANY, 4)]);
    assert_eq!(shop.offers(sku), [6, 6, 6]);
    assert_eq!(shop.engine.next_deadline_ms(), Some(start));
    shop.advance(1_000);
    // Six were left of the eight wanted, and none of the socks.
    assert_eq!(shop.offers(sku), [0, 6, 0]);
    let view = &shop.engine.campaign_views(shop.context.tenant)[0];
    assert_eq!(view.state, CampaignState::Running);
    let given: Vec<_> = view.items.iter().map(|it| (it.wanted, it.given)).collect();
    assert_eq!(given, [(8, 6), (5, 0)]);
    assert_eq!(shop.buy(2, ONE, &[line(sku, ANY, 4)]).code, ResultCode::Ok);
    shop.confirm(2, &[]);
    assert_eq!(
        shop.buy(3, ONE, &[line(sku, ANY, 3)]).code,
        ResultCode::InsufficientStock
    );
    shop.advance(4_999);
    assert_eq!(shop.offers(sku), [0, 2, 0]);
    shop.advance(1);
    assert_eq!(shop.offers(sku), [2, 2, 2]);
    let view = &shop.engine.campaign_views(shop.context.tenant)[0];
    let item = view.items[0];
    assert_eq!((view.state, item.sold), (CampaignState::Ended, 4));
    assert_eq!(shop.journaled(kind::CAMPAIGN_STARTED), 1);
    assert_eq!(shop.journaled(kind::CAMPAIGN_ENDED), 1);
    // A sale of the campaign cancelled later is the pool's.
    shop.cancel(2);
    assert_eq!(shop.offers(sku), [6, 6, 6]);
    shop.check();
}

#[test]
fn a_cap_set_during_a_campaign_counts_what_is_sold_after_it() {
    let (mut shop, sku, _) = shop();
    let now = shop.clock_ms;
    shop.campaign(ONE, (now, now + 1_000), &[CampaignUnits { sku, units: 4 }]);
    shop.advance(0);
    assert_eq!(shop.buy(1, ONE, &[line(sku, ANY, 3)]).code, ResultCode::Ok);
    let cap = |units| ChannelRule::Cap { units };
    assert_eq!(shop.rule(ONE, sku, cap(5)), ResultCode::Ok);
    shop.advance(1_000);
    assert_eq!(
        shop.offers(sku),
        [7, 5, 7],
        "the campaign's three are none of the cap's"
    );
    assert_eq!(shop.buy(2, ONE, &[line(sku, ANY, 4)]).code, ResultCode::Ok);
    // A sale of the campaign that comes back is the pool's, and makes the cap no larger.
    shop.release(1);
    assert_eq!(shop.offers(sku), [6, 1, 6]);
    let sixth = shop.buy(3, ONE, &[line(sku, ANY, 2)]);
    assert_eq!(sixth.code, ResultCode::QuotaExhausted);
    // Another rule about the same SKU goes on counting.
    assert_eq!(shop.rule(ONE, sku, cap(6)), ResultCode::Ok);
    assert_eq!(shop.offers(sku), [6, 2, 6]);
    shop.check();
}

#[test]
fn a_campaign_ends_early_or_before_it_began_and_then_no_more() {
    let (mut shop, sku, _) = shop();
    let now = shop.clock_ms;
    let wants = [CampaignUnits { sku, units: 5 }];
    let first = shop.campaign(ONE, (now, now + 9_000), &wants).handle;
    let second = shop
        .campaign(TWO, (now + 5_000, now + 9_000), &wants)
        .handle;
    shop.advance(0);
    assert_eq!(shop.offers(sku), [5, 5, 5]);
    let end = |shop: &mut Shop, campaign| {
        let key = shop.fresh();
        shop.channel(&ChannelCommand::EndCampaign { key, campaign })
    };
    assert_eq!(end(&mut shop, first).code, ResultCode::Ok);
    assert_eq!(end(&mut shop, second).code, ResultCode::Ok);
    assert_eq!(shop.offers(sku), [10, 10, 10]);
    assert_eq!(end(&mut shop, second).code, ResultCode::NotInState);
    assert_eq!(end(&mut shop, 99).code, ResultCode::UnknownCampaign);
    shop.advance(20_000);
    assert_eq!(shop.journaled(kind::CAMPAIGN_ENDED), 2);
    shop.check();
}

#[test]
fn a_campaign_whose_window_passed_unseen_ends_without_having_begun() {
    let (mut shop, sku, _) = shop();
    let now = shop.clock_ms;
    let wants = [CampaignUnits { sku, units: 5 }];
    shop.campaign(ONE, (now + 10, now + 20), &wants);
    shop.advance(1_000);
    assert_eq!(shop.journaled(kind::CAMPAIGN_STARTED), 0);
    assert_eq!(shop.journaled(kind::CAMPAIGN_ENDED), 1);
    shop.check();
}

#[test]
fn a_campaign_that_ends_when_a_lower_number_begins_returns_its_units_first() {
    let (mut shop, sku, _) = shop();
    let now = shop.clock_ms;
    let wants = [CampaignUnits { sku, units: 6 }];
    let later = shop.campaign(ONE, (now + 200, now + 300), &wants).handle;
    let earlier = shop.campaign(ONE, (now + 100, now + 200), &wants).handle;
    assert!(later < earlier);
    shop.advance(100);
    assert_eq!(shop.offers(sku), [4, 6, 4]);
    shop.advance(100);
    assert_eq!(
        shop.offers(sku),
        [4, 6, 4],
        "the next one has the same units"
    );
    let states = |shop: &Shop| -> Vec<_> {
        let views = shop.engine.campaign_views(shop.context.tenant);
        let state = views.iter().map(|it| (it.campaign, it.state));
        state.collect()
    };
    let expected = [
        (earlier, CampaignState::Ended),
        (later, CampaignState::Running),
    ];
    assert_eq!(states(&shop), expected);
    shop.advance(100);
    assert_eq!(shop.offers(sku), [10, 10, 10]);
    shop.check();
}

#[test]
fn all_campaigns_of_one_moment_begin_before_its_orders() {
    let (mut shop, _, here) = shop();
    let at = shop.clock_ms + 100;
    for name in ["hat", "scarf", "glove", "belt"] {
        let sku = shop.sku(name);
        shop.receive(sku, here, 5);
        let wants = [CampaignUnits { sku, units: 2 }];
        shop.campaign(ONE, (at, at + 50), &wants);
    }
    shop.clock_ms = at;
    let fired = shop.turn(|engine, out| engine.fire_timers(at, usize::MAX, out));
    assert!(!fired.more);
    assert_eq!(shop.journaled(kind::CAMPAIGN_STARTED), 4);
    // Where a turn has no room for all, the next one goes on.
    shop.clock_ms = at + 50;
    let fired = shop.turn(|engine, out| engine.fire_timers(at + 50, 1, out));
    assert!(fired.more);
    assert_eq!(shop.journaled(kind::CAMPAIGN_ENDED), 1);
    shop.advance(0);
    assert_eq!(shop.journaled(kind::CAMPAIGN_ENDED), 4);
    shop.check();
}

#[test]
fn a_repeat_is_answered_with_the_campaign_of_its_own_tenant() {
    let (mut shop, sku, _) = shop();
    let ours = shop.context;
    let other = shop.turn(|engine, out| engine.define_tenant("other", ours.actor, out));
    let window = (shop.clock_ms + 5, shop.clock_ms + 9);
    let key = shop.fresh();
    let define = |shop: &mut Shop, sku: SkuId| {
        let wants = [CampaignUnits { sku, units: 1 }];
        let plan = CampaignPlan {
            channel: ONE,
            name: "flash",
            from_ms: window.0,
            to_ms: window.1,
            then_pool: true,
            wants: &wants,
        };
        shop.channel(&ChannelCommand::DefineCampaign { key, plan: &plan })
    };
    assert_eq!(define(&mut shop, sku).handle, 1);
    shop.context.tenant = other.unwrap();
    shop.define_channel(ONE);
    let theirs = shop.sku("shoe");
    assert_eq!(define(&mut shop, theirs).handle, 2);
    shop.context = ours;
    let again = define(&mut shop, sku);
    assert_eq!((again.replayed, again.handle), (true, 1));
    shop.check();
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let (mut shop, sku, _) = shop();
    let now = shop.clock_ms;
    let want = |units| [CampaignUnits { sku, units }];
    let mut plan = |window: (u64, u64), wants: &[CampaignUnits]| {
        shop.campaign(ONE, (now + window.0, now + window.1), wants)
            .code
    };
    assert_eq!(plan((10, 20), &want(0)), ResultCode::InvalidQuantity);
    assert_eq!(plan((20, 20), &want(1)), ResultCode::InvalidField);
    assert_eq!(plan((10, 20), &[]), ResultCode::NoLines);
    let unknown = [CampaignUnits {
        sku: SkuId(99),
        units: 1,
    }];
    assert_eq!(plan((10, 20), &unknown), ResultCode::UnknownSku);
    let twice = [want(1)[0], want(2)[0]];
    assert_eq!(plan((10, 20), &twice), ResultCode::InvalidField);
    let many = vec![want(1)[0]; limits::CAMPAIGN_SKUS_MAX + 1];
    assert_eq!(plan((10, 20), &many), ResultCode::TooManyLines);
    assert_eq!(plan((10, 20), &want(1)), ResultCode::Ok);
    assert_eq!(
        plan((19, 30), &want(1)),
        ResultCode::InvalidField,
        "overlap"
    );
    assert_eq!(plan((20, 30), &want(1)), ResultCode::Ok);
    let past = shop.campaign(ONE, (now - 20, now), &want(1));
    assert_eq!(past.code, ResultCode::Expired);
    shop.check();
}

#[test]
fn commands_about_channels_answer_repeats_with_what_is_stored() {
    let (mut shop, sku, _) = shop();
    let key = shop.fresh();
    let set = |units| ChannelCommand::SetRule {
        key,
        channel: ONE,
        sku: Some(sku),
        rule: Some(quota(units)),
    };
    let first = shop.channel(&set(4));
    let again = shop.channel(&set(4));
    assert!(again.replayed && again.sequence == first.sequence);
    assert_eq!(shop.channel(&set(5)).code, ResultCode::IdempotencyConflict);
    let now = shop.clock_ms;
    let wants = [CampaignUnits { sku, units: 1 }];
    let plan = CampaignPlan {
        channel: ONE,
        name: "flash",
        from_ms: now + 5,
        to_ms: now + 9,
        then_pool: true,
        wants: &wants,
    };
    let key = shop.fresh();
    let define = ChannelCommand::DefineCampaign { key, plan: &plan };
    let first = shop.channel(&define);
    let again = shop.channel(&define);
    assert_eq!((again.replayed, again.handle), (true, first.handle));
    let key = shop.fresh();
    let end = ChannelCommand::EndCampaign { key, campaign: 1 };
    shop.channel(&end);
    assert!(shop.channel(&end).replayed);
    let define = ChannelCommand::Define {
        channel: ONE,
        name: "shop",
        kind: Some(ChannelKind::Shopify),
    };
    assert!(shop.channel(&define).replayed);
    shop.check();
}
