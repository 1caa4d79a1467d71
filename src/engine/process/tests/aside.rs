//! Orders that wait beside quotas and campaigns: neither takes what is the other's.

use super::backorder::Stand;
use crate::engine::command::OrderRequest;
use crate::engine::record::CampaignUnits;
use crate::engine::tests::channels::{ONE, OWN, quota};
use crate::engine::tests::shop::{ANY, line};
use crate::types::{OrderState, ResultCode};

fn available_to(stand: &Stand) -> [u32; 2] {
    let shop = &stand.play.shop;
    [OWN, ONE].map(|channel| shop.view(channel, stand.play.sku).reach)
}

#[test]
fn a_quota_takes_no_unit_that_is_set_aside_for_who_waits() {
    let mut stand = Stand::new();
    stand.play.shop.define_channel(ONE);
    stand.shoes(1, 8);
    stand.receive(5);
    let sku = stand.play.sku;
    let refused = stand.play.shop.rule(ONE, sku, quota(1));
    assert_eq!(refused, ResultCode::InsufficientStock);
    stand.receive(4);
    assert_ne!(stand.play.state(1), OrderState::Backordered);
    // One is left, and nobody waits for it.
    assert_eq!(stand.play.shop.rule(ONE, sku, quota(1)), ResultCode::Ok);
    stand.play.check();
}

#[test]
fn a_campaign_takes_no_unit_that_is_set_aside_for_who_waits() {
    let mut stand = Stand::new();
    stand.play.shop.define_channel(ONE);
    stand.shoes(1, 8);
    stand.receive(5);
    let sku = stand.play.sku;
    let now = stand.play.shop.clock_ms;
    let wants = [CampaignUnits { sku, units: 4 }];
    stand.play.shop.campaign(ONE, (now, now + 1_000), &wants);
    stand.play.pass(1);
    let tenant = stand.play.shop.context.tenant;
    let given = stand.play.shop.engine.campaign_views(tenant)[0].items[0].given;
    assert_eq!(given, 0);
    stand.receive(3);
    assert_ne!(stand.play.state(1), OrderState::Backordered);
    stand.play.check();
}

#[test]
fn an_order_from_before_a_quota_waits_for_units_that_are_nobodys_own() {
    let mut stand = Stand::skipping();
    stand.play.shop.define_channel(ONE);
    let lines = [line(stand.play.sku, ANY, 5)];
    let order = OrderRequest {
        channel: ONE,
        ..stand.request(1, &lines)
    };
    stand.play.shop.reserve(&order);
    stand.receive(3);
    let sku = stand.play.sku;
    assert_eq!(stand.play.shop.rule(ONE, sku, quota(3)), ResultCode::Ok);
    stand.receive(2);
    assert_eq!(
        stand.play.state(1),
        OrderState::Backordered,
        "three are for orders that come later"
    );
    assert_eq!(available_to(&stand), [2, 3]);
    stand.receive(3);
    assert_ne!(stand.play.state(1), OrderState::Backordered);
    assert_eq!(available_to(&stand), [0, 3]);
    let bought = stand.play.shop.buy(2, ONE, &[line(sku, ANY, 3)]);
    assert_eq!(bought.code, ResultCode::Ok);
    stand.play.check();
}

#[test]
fn an_order_from_after_a_quota_gets_its_channels_own_units_in_its_turn() {
    let mut stand = Stand::skipping();
    stand.play.shop.define_channel(ONE);
    stand.receive(3);
    let sku = stand.play.sku;
    assert_eq!(stand.play.shop.rule(ONE, sku, quota(3)), ResultCode::Ok);
    let lines = [line(sku, ANY, 3)];
    stand.play.shop.buy(7, ONE, &lines);
    let order = OrderRequest {
        channel: ONE,
        ..stand.request(1, &lines)
    };
    let waits = stand.play.shop.reserve(&order);
    assert_eq!(waits.state, Some(OrderState::Backordered));
    stand.play.shop.release(7);
    stand.play.pass(0);
    assert_ne!(stand.play.state(1), OrderState::Backordered);
    assert_eq!(available_to(&stand), [0, 0]);
    stand.play.check();
}
