//! Orders that wait for stock: whose turn it is, and what others may not take.

use super::play::{HOLD_MS, Play, set};
use crate::engine::command::{Command, CommandOutcome, LineNote, OrderOutcome, OrderRequest};
use crate::engine::record::{RequestedLine, ShortLine, kind};
use crate::engine::tests::shop::{ANY, TTL_MS, line, request};
use crate::types::pipeline::{BackorderQueue, BackorderRule, PipelineSet};
use crate::types::process::TimerKind;
use crate::types::{OrderState, Policy, ResultCode, SkuId};

pub const DAY_MS: u64 = 24 * 3_600_000;

/// A shop whose shoes are sold out, and whose shirts are not.
pub struct Stand {
    pub play: Play,
    pub shirt: SkuId,
}

impl Stand {
    pub fn new() -> Self {
        Self::with(&set())
    }

    pub fn skipping() -> Self {
        let mut set = set();
        set.settings.backorder = BackorderRule::Skip;
        Self::with(&set)
    }

    pub fn capped(units: u64) -> Self {
        let mut set = set();
        set.settings.backorder_units_max = units;
        Self::with(&set)
    }

    fn with(set: &PipelineSet) -> Self {
        let mut play = Play::with(set);
        let shirt = play.shop.sku("shirt");
        play.shop.receive(shirt, play.here, 100);
        let shoes = [line(play.sku, ANY, 1_000)];
        let sold = play.shop.hold(0xFFFF, &shoes);
        assert_eq!(sold.code, ResultCode::Ok);
        play.shop.confirm(0xFFFF, &[]);
        Self { play, shirt }
    }

    /// Sets who gets units of a SKU, "shoe" or "shirt", that orders wait for.
    pub fn rule(&mut self, name: &str, queue: BackorderQueue) -> CommandOutcome {
        self.play.shop.execute(&Command::DefineSku {
            name,
            on_sale: true,
            queue: Some(queue),
        })
    }

    pub fn request<'a>(&self, key: u128, lines: &'a [RequestedLine]) -> OrderRequest<'a> {
        OrderRequest {
            policy: Policy::Backorder,
            ..self.play.order(key, lines)
        }
    }

    pub fn ask(&mut self, key: u128, lines: &[RequestedLine]) -> OrderOutcome {
        let request = self.request(key, lines);
        self.play.shop.reserve(&request)
    }

    /// An order of so many shoes.
    pub fn shoes(&mut self, key: u128, units: u32) -> OrderOutcome {
        let lines = [line(self.play.sku, ANY, units)];
        self.ask(key, &lines)
    }

    pub fn receive(&mut self, units: u32) {
        let (sku, here) = (self.play.sku, self.play.here);
        self.play.shop.receive(sku, here, units);
        self.play.pass(0);
    }

    pub fn states(&self, keys: std::ops::RangeInclusive<u128>) -> Vec<bool> {
        keys.map(|key| self.play.state(key) == OrderState::Backordered)
            .collect()
    }

    pub fn available(&self) -> u32 {
        let shop = &self.play.shop;
        shop.cell(self.play.sku, self.play.here).available()
    }

    pub fn waiting(&self) -> (u64, u64) {
        let statistics = self.play.shop.engine.statistics();
        (statistics.backorders, statistics.backordered_units)
    }
}

#[test]
fn a_short_order_waits_as_a_whole_and_holds_nothing() {
    let mut stand = Stand::new();
    stand.receive(2);
    let (shoe, shirt) = (stand.play.sku, stand.shirt);
    let outcome = stand.ask(1, &[line(shoe, ANY, 3), line(shirt, ANY, 5)]);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(outcome.state, Some(OrderState::Backordered));
    assert_eq!((outcome.expires_at_ms, outcome.partial), (0, false));
    assert_eq!(stand.available(), 2);
    assert_eq!(stand.waiting(), (1, 8));
    let (view, lines, _) = stand.play.shop.order(1).unwrap();
    assert_eq!(view.state, OrderState::Backordered);
    let mut units: Vec<_> = lines
        .iter()
        .map(|it| (it.ordered, it.reserved, it.cancelled))
        .collect();
    units.sort_unstable();
    assert_eq!(units, [(3, 0, 0), (5, 0, 0)]);
    let process = stand.play.view(1).unwrap();
    assert_eq!(process.image.timer, TimerKind::Backorder);
    let until = stand.play.shop.engine.now_ms() + 14 * DAY_MS;
    assert_eq!(process.image.timer_at_ms, until);
    let again = stand.ask(1, &[line(shoe, ANY, 3), line(shirt, ANY, 5)]);
    assert!(again.replayed);
    assert_eq!(again.state, Some(OrderState::Backordered));
    stand.play.check();
}

#[test]
fn an_order_that_stock_covers_does_not_wait() {
    let mut stand = Stand::new();
    stand.receive(3);
    let outcome = stand.shoes(1, 3);
    assert_eq!(outcome.state, Some(OrderState::FraudCheck));
    assert_eq!(stand.waiting(), (0, 0));
    stand.play.check();
}

#[test]
fn stock_that_comes_takes_a_waiting_order_to_its_first_step_and_its_hold_begins_then() {
    let mut stand = Stand::new();
    stand.shoes(1, 3);
    stand.play.pass(DAY_MS);
    stand.play.silent.insert(super::play::FRAUD);
    stand.receive(3);
    assert_eq!(stand.play.state(1), OrderState::FraudCheck);
    let (view, lines, _) = stand.play.shop.order(1).unwrap();
    let now_ms = stand.play.shop.engine.now_ms();
    assert_eq!(view.expires_at_ms, now_ms + u64::from(HOLD_MS));
    assert_eq!((lines[0].reserved, lines.len()), (3, 1));
    assert_eq!((stand.available(), stand.waiting()), (0, (0, 0)));
    stand.play.check();
    stand.play.pass(u64::from(HOLD_MS));
    assert_eq!(stand.play.state(1), OrderState::Expired);
    assert_eq!(stand.available(), 3);
    stand.play.check();
}

#[test]
fn a_served_order_goes_all_the_way() {
    let mut stand = Stand::new();
    stand.shoes(1, 3);
    stand.receive(4);
    assert_eq!(stand.play.state(1), OrderState::Fulfilling);
    assert_eq!(stand.play.shop.journaled(kind::BACKORDER_ALLOCATED), 1);
    stand.play.check();
}

#[test]
fn under_the_strict_rule_no_later_order_overtakes_an_earlier_one() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.shoes(3, 2);
    stand.receive(4);
    assert_eq!(stand.states(1..=3), [true, true, true]);
    stand.receive(2);
    assert_eq!(stand.states(1..=3), [false, false, true]);
    stand.receive(2);
    assert_eq!(stand.states(1..=3), [false, false, false]);
    stand.play.check();
}

#[test]
fn under_the_skip_rule_the_first_order_that_can_be_covered_is_served() {
    let mut stand = Stand::skipping();
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.shoes(3, 2);
    stand.shoes(4, 2);
    stand.receive(4);
    assert_eq!(stand.states(1..=4), [true, false, false, true]);
    assert_eq!(stand.available(), 1);
    stand.play.check();
}

#[test]
fn new_orders_do_not_get_units_that_others_wait_for() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.receive(4);
    let shoe = stand.play.sku;
    let wants = [line(shoe, ANY, 1)];
    let hold = stand.play.shop.hold(10, &wants);
    assert_eq!(hold.code, ResultCode::InsufficientStock);
    let left = ShortLine {
        sku: shoe,
        left: 0,
        line: 0,
    };
    assert_eq!(stand.play.shop.notes, [LineNote::Short(left)]);
    let some = [line(shoe, ANY, 3)];
    let partial = stand.play.shop.reserve(&OrderRequest {
        policy: Policy::Partial,
        ..request(11, &some)
    });
    assert_eq!(partial.code, ResultCode::InsufficientStock);
    let later = stand.shoes(12, 1);
    assert_eq!(later.state, Some(OrderState::Backordered));
    stand.play.check();
}

#[test]
fn what_nobody_waits_for_is_for_everybody() {
    let mut stand = Stand::new();
    let (shoe, shirt) = (stand.play.sku, stand.shirt);
    stand.ask(1, &[line(shoe, ANY, 1), line(shirt, ANY, 30)]);
    let hold = stand.play.shop.hold(10, &[line(shirt, ANY, 71)]);
    assert_eq!(hold.code, ResultCode::InsufficientStock);
    let hold = stand.play.shop.hold(11, &[line(shirt, ANY, 70)]);
    assert_eq!(hold.code, ResultCode::Ok);
    stand.receive(1);
    assert_eq!(stand.states(1..=1), [false]);
    stand.play.check();
}

#[test]
fn units_that_came_in_this_very_turn_belong_to_those_who_wait() {
    for mut stand in [Stand::new(), Stand::skipping()] {
        stand.shoes(1, 3);
        let (shoe, here) = (stand.play.sku, stand.play.here);
        stand.play.shop.receive(shoe, here, 3);
        let hold = stand.play.shop.hold(10, &[line(shoe, ANY, 3)]);
        assert_eq!(hold.code, ResultCode::InsufficientStock);
        stand.play.pass(0);
        assert_eq!(stand.states(1..=1), [false]);
        stand.play.check();
    }
}

#[test]
fn under_the_skip_rule_stock_that_serves_nobody_who_waits_is_sold() {
    let mut stand = Stand::skipping();
    stand.shoes(1, 5);
    stand.receive(4);
    let lines = [line(stand.play.sku, ANY, 2)];
    assert_eq!(stand.play.shop.hold(10, &lines).code, ResultCode::Ok);
    assert_eq!(stand.states(1..=1), [true]);
    stand.play.check();
}

#[test]
fn units_that_orders_give_back_go_to_those_who_wait() {
    let mut stand = Stand::new();
    stand.shoes(1, 400);
    stand.shoes(2, 600);
    stand.play.shop.cancel(0xFFFF);
    stand.play.pass(0);
    assert_eq!(stand.states(1..=2), [false, false]);
    stand.play.check();

    let mut stand = Stand::new();
    stand.receive(10);
    let all = [line(stand.play.sku, ANY, 10)];
    stand.play.shop.hold(10, &all);
    stand.shoes(1, 10);
    stand.play.shop.release(10);
    stand.play.pass(0);
    assert_eq!(stand.states(1..=1), [false], "the hold was released");
    stand.play.check();

    let mut stand = Stand::new();
    stand.receive(10);
    stand.play.shop.hold(10, &all);
    stand.shoes(1, 4);
    stand.play.pass(u64::from(TTL_MS));
    assert_eq!(stand.states(1..=1), [false], "the hold expired");
    stand.play.check();
}

#[test]
fn corrected_counted_and_transferred_units_go_to_those_who_wait() {
    let mut stand = Stand::new();
    for key in 1..=4 {
        stand.shoes(key, 2);
    }
    let (sku, location) = (stand.play.sku, stand.play.here);
    let key = stand.play.shop.fresh();
    let reason = "found";
    stand.play.shop.execute(&Command::Adjust {
        key,
        sku,
        location,
        delta: 2,
        reason,
    });
    stand.play.pass(0);
    assert_eq!(stand.states(1..=4), [false, true, true, true]);
    let key = stand.play.shop.fresh();
    stand.play.shop.execute(&Command::Set {
        key,
        sku,
        location,
        on_hand: 1_004,
        expect: None,
    });
    stand.play.pass(0);
    assert_eq!(stand.states(1..=4), [false, false, true, true]);
    let there = stand.play.shop.location("there", 9, 9, 0);
    stand.play.shop.receive(sku, there, 4);
    let key = stand.play.shop.fresh();
    let moved = stand.play.shop.execute(&Command::Transfer {
        key,
        sku,
        from: there,
        to: location,
        quantity: 1,
    });
    assert_eq!(moved.code, ResultCode::Ok);
    stand.play.pass(0);
    assert_eq!(stand.states(1..=4), [false, false, false, false]);
    stand.play.check();
}
