//! Stock told to marketplaces that sell on their own.

mod rig;

use onhand::types::ChannelKind;
use onhand::types::channel_stock::ChannelRule;
use rig::{Rig, SKU, Shop, p99, until};
use serde_json::json;

/// All marketplaces sell at once, for so long.
fn sale(rig: &Rig, per_second: u32, seconds: u32) {
    for shop in &rig.shops {
        let run = json!({"rate": per_second, "seconds": seconds, "sku": SKU});
        rig.control(shop.place, "run", &run);
    }
}

/// Waits until every order that was told is in the journal; returns units by channel.
fn sold(rig: &Rig) -> Vec<(Shop, u64)> {
    let told = |rig: &Rig| -> u64 { rig.shops.iter().map(|shop| rig.truth(shop).1).sum() };
    let mut before = u64::MAX;
    until("buyers and orders come to rest", || {
        let now = told(rig);
        let known: u64 = rig.lags().1.values().sum();
        let still = now == before && known + rig.refused() >= now;
        before = now;
        onhand::clock::sleep_ms(300);
        still
    });
    let shops = rig.shops.iter();
    shops
        .map(|shop| (shop.clone(), rig.truth(shop).1))
        .collect()
}

fn print_lags(rig: &Rig, what: &str) {
    for (channel, lags) in rig.lags().0 {
        let middle = lags.get(lags.len() / 2).copied().unwrap_or(0);
        let last = lags.last().copied().unwrap_or(0);
        println!(
            "{what}: channel {channel}: {} changes shown after p50 {middle} ms, p99 {} ms, max {last} ms",
            lags.len(),
            p99(&lags)
        );
    }
}

#[test]
fn every_marketplace_is_told_what_is_left_and_what_changes() {
    let mut rig = Rig::new(40);
    rig.publish();
    rig.settle();
    for shop in &rig.shops {
        assert_eq!(rig.truth(shop).0, 40, "{}", shop.place);
    }
    rig.receive_stock(2);
    rig.settle();
    let bought = json!({"sku": SKU, "quantity": 3});
    rig.control("woocommerce", "sell", &bought);
    until("the order is in", || rig.wanted(&rig.shops[0]) == 39);
    rig.settle();
    for shop in &rig.shops {
        assert_eq!(rig.truth(shop).0, 39, "{}", shop.place);
    }
}

#[test]
fn hard_quotas_are_not_oversold_in_a_flash_sale_on_five_channels() {
    let mut rig = Rig::new(500);
    for shop in &rig.shops {
        let rule = ChannelRule::Quota {
            units: 100,
            then_pool: false,
        };
        rig.rule(shop, rule);
    }
    rig.publish();
    rig.settle();
    sale(&rig, 60, 3);
    let sold = sold(&rig);
    for (shop, units) in &sold {
        let place = shop.place;
        let writes = rig.truth(shop).2["writes"].as_u64().unwrap();
        match shop.options.kind {
            // What is sold by message is decided here.
            ChannelKind::WhatsApp => assert!(units - rig.refused() <= 100, "{place} sold {units}"),
            // What a marketplace sells it takes off by itself: a figure that is written all the same
            // offers the units again whose orders are on their way.
            _ => assert!(
                *units <= 100 && writes < 20,
                "{place} sold {units} with {writes} writes"
            ),
        }
    }
    let total: u64 = sold.iter().map(|(_, units)| units).sum();
    assert!(total - rig.refused() <= 500);
    assert!(total >= 450, "they sold what they could: {total}");
    rig.settle();
    print_lags(&rig, "quotas");
}

#[test]
fn a_buffer_removes_the_overselling_of_a_shared_pool() {
    let mut oversold = Vec::new();
    for buffer in [0, 40] {
        let mut rig = Rig::new(300);
        for shop in &rig.shops {
            rig.rule(shop, ChannelRule::Pool { buffer });
        }
        rig.publish();
        rig.settle();
        sale(&rig, 30, 3);
        let sold = sold(&rig);
        let total: u64 = sold.iter().map(|(_, units)| units).sum();
        let over = (total - rig.refused()).saturating_sub(300);
        println!("pool of 300 with a buffer of {buffer}: {total} sold, {over} too many");
        print_lags(&rig, "pool");
        oversold.push(over);
    }
    assert_eq!(oversold[1], 0, "with a buffer of 40");
}

#[test]
fn a_sku_that_a_marketplace_refuses_does_not_keep_the_others_from_being_told() {
    let mut rig = Rig::new(10);
    rig.control("woocommerce", "refuse", &json!({"sku": SKU}));
    rig.publish();
    let others = || rig.shops.iter().filter(|shop| shop.place != "woocommerce");
    until("the others are told", || {
        others().all(|shop| rig.truth(shop).0 == 10)
    });
    until("the refusal is met", || {
        rig.truth(&rig.shops[1]).2["refused"].as_u64() == Some(1)
    });
    rig.receive_stock(5);
    until("the others are told the change", || {
        others().all(|shop| rig.truth(shop).0 == 15)
    });
    assert_eq!(rig.truth(&rig.shops[1]).2["refused"].as_u64(), Some(1));
}
