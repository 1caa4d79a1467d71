//! Processors that commit and drop the connection, answer late, twice or not at all, people who
//! decide anything at any time: money and units always add up.

use super::books::{Books, Money};
use super::coverage::Coverage;
use super::play::{AUTHORIZE, Answer, EASYPOST, FRAUD, Play, STRIPE, TOTAL};
use crate::engine::command::OrderRequest;
use crate::engine::process::command::{OpenEffect, ProcessCommand};
use crate::engine::process::{PROCESS_COMMAND_RECORDS_BYTES_MAX, PROCESS_ENTRY_RECORDS_BYTES_MAX};
use crate::engine::record::kind;
use crate::engine::tests::shop::{ANY, line};
use crate::types::effect::{EffectClass, EffectKind, of_target_byte};
use crate::types::process::{OperatorAction, ReportKind};
use crate::types::{OrderKey, OrderMode, OrderState, ResultCode};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) struct Chaos {
    pub play: Play,
    pub books: Books,
    random: ChaCha8Rng,
    /// Answers on their way.
    late: Vec<(OpenEffect, Answer)>,
    calm: bool,
    /// A processor most of whose answers are lost at present.
    storm: Option<u8>,
    /// The most journal bytes that an order made.
    made: usize,
    /// Payments that arrived behind a lost connection.
    pub landed: usize,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        Self {
            play: Play::new(),
            books: Books::default(),
            random: ChaCha8Rng::seed_from_u64(seed),
            late: Vec::new(),
            calm: false,
            storm: None,
            made: 0,
            landed: 0,
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        !self.calm && self.random.random_range(0..100) < percent
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }

    /// What the provider does, and what its adapter makes of the answer.
    fn serve(&mut self, effect: &OpenEffect) -> Answer {
        use EffectClass::{Declined, Done, Pending, Refused, Retry, Unknown};
        let stormy = Some(effect.provider.0) == self.storm.map(u16::from);
        let asks = effect.kind == EffectKind::PaymentQuery;
        let (before, after) = match (stormy, asks) {
            (true, true) => (90, 100),
            (true, false) => (20, 80),
            (false, _) => (10, 10),
        };
        let failed_before = self.chance(before);
        let lost_after = self.chance(after);
        let failure = self.pick(&[Retry, Unknown]);
        if failed_before {
            let authorises = effect.kind == EffectKind::PaymentAuthorise;
            if failure == Unknown && authorises {
                self.land_later(effect);
            }
            return Answer::of(failure);
        }
        let class = match effect.kind {
            EffectKind::FraudScore => return Answer::score(self.pick(&[10, 10, 10, 70, 90])),
            EffectKind::PaymentAuthorise => self.authorise(effect),
            EffectKind::PaymentQuery => self.query(effect),
            EffectKind::PaymentVoid => self.void(effect),
            EffectKind::PaymentCapture => self.capture(effect),
            EffectKind::PaymentRefund => self.refund(effect),
            _ if self.chance(10) => self.pick(&[Declined, Refused, Pending]),
            _ => Done,
        };
        Answer::of(if lost_after { Unknown } else { class })
    }

    /// The connection is gone, and the request arrives all the same: within the time in which
    /// nobody may conclude that it never will.
    fn land_later(&mut self, effect: &OpenEffect) {
        let view = self.play.view(effect.order.0).unwrap();
        let began_ms = view.effects.iter().find(|it| it.number == effect.number);
        let lag_ms = self.random.random_range(0..14_000);
        let at_ms = began_ms.unwrap().since_ms + lag_ms;
        if at_ms >= self.play.shop.clock_ms {
            let place = (effect.order, effect.number);
            self.books.landing.push((at_ms, place));
        }
    }

    /// What was on its way and has arrived by now.
    fn land(&mut self) {
        self.landed += self.books.land(self.play.shop.clock_ms);
    }

    fn authorise(&mut self, effect: &OpenEffect) -> EffectClass {
        let declines = self.chance(8);
        let waits = self.chance(8);
        let money = self
            .books
            .money
            .entry((effect.order, effect.number))
            .or_default();
        if money.declined || !money.authorised && declines {
            money.declined = true;
            return EffectClass::Declined;
        }
        if waits && !money.authorised {
            return EffectClass::ActionRequired;
        }
        assert!(
            !money.voided,
            "a voided authorisation is not asked for again"
        );
        money.authorised = true;
        EffectClass::Done
    }

    fn money_of(&mut self, effect: &OpenEffect) -> &mut Money {
        let target = if of_target_byte(effect.target_kind).0 == Some(EffectKind::PaymentCapture) {
            self.books.captures[&(effect.order, effect.target)]
        } else {
            (effect.order, effect.target)
        };
        self.books.money.entry(target).or_default()
    }

    fn query(&mut self, effect: &OpenEffect) -> EffectClass {
        match *self.money_of(effect) {
            Money { declined: true, .. } => EffectClass::Declined,
            Money {
                authorised: true,
                voided: false,
                ..
            } => EffectClass::Done,
            _ => EffectClass::Absent,
        }
    }

    fn void(&mut self, effect: &OpenEffect) -> EffectClass {
        let place = (effect.order, effect.target);
        let on_its_way = self.books.landing.iter().any(|(_, it)| *it == place);
        let money = self.money_of(effect);
        if money.captured > 0 {
            EffectClass::Declined
        } else if money.authorised {
            money.voided = true;
            EffectClass::Done
        } else {
            // From now on this key can authorise nothing, but for what left before.
            money.declined = !on_its_way;
            EffectClass::Absent
        }
    }

    fn capture(&mut self, effect: &OpenEffect) -> EffectClass {
        let first = self.books.done.insert((effect.order, effect.number));
        let place = (effect.order, effect.target);
        self.books
            .captures
            .insert((effect.order, effect.number), place);
        let money = self.money_of_authorisation(place);
        assert!(money.authorised && !money.voided, "{effect:?} of {money:?}");
        if first {
            assert_eq!(money.captured, 0, "a second capture of {place:?}");
            money.captured = effect.amount;
        }
        EffectClass::Done
    }

    fn money_of_authorisation(&mut self, place: (OrderKey, u16)) -> &mut Money {
        self.books.money.entry(place).or_default()
    }

    fn refund(&mut self, effect: &OpenEffect) -> EffectClass {
        let first = self.books.done.insert((effect.order, effect.number));
        let amount = effect.amount;
        let money = self.money_of(effect);
        if first {
            money.refunded += amount;
            assert!(money.refunded <= money.captured, "{money:?}");
        }
        EffectClass::Done
    }

    /// Calls that left reach their providers; their answers come at once, later, or twice.
    fn serve_all(&mut self) {
        self.land();
        for _ in 0..100 {
            let fresh = self.play.fresh_calls();
            if fresh.is_empty() && self.late.is_empty() {
                return;
            }
            for effect in fresh {
                let answer = self.serve(&effect);
                if self.chance(10) {
                    self.late.push((effect.clone(), answer.clone()));
                }
                self.late.push((effect, answer));
            }
            let mut waiting = Vec::new();
            for (effect, answer) in std::mem::take(&mut self.late) {
                if self.chance(30) {
                    waiting.push((effect, answer));
                } else {
                    self.bounded(|play| play.answer(&effect, &answer).code);
                }
            }
            self.late = waiting;
            if !self.calm && self.late.is_empty() {
                return;
            }
            if self.chance(50) {
                return;
            }
        }
    }

    fn bounded(&mut self, run: impl FnOnce(&mut Play) -> ResultCode) {
        let before = self.play.shop.journal_bytes();
        run(&mut self.play);
        let made = self.play.shop.journal_bytes() - before;
        assert!(made <= PROCESS_COMMAND_RECORDS_BYTES_MAX, "{made} bytes");
    }

    fn step(&mut self, orders: u128) {
        let key = self.random.random_range(1..=orders);
        if self.chance(20) {
            self.storm = self.pick(&[None, Some(STRIPE), Some(AUTHORIZE)]);
        }
        match self.random.random_range(0..13) {
            0..=2 => {
                let mode = self.pick(&[OrderMode::Place, OrderMode::Place, OrderMode::Fact]);
                let units = self.pick(&[1, 1, 1, 600]);
                self.order(key, (1, mode), units, TOTAL);
            }
            3..=5 => {
                let ms = self.pick(&[100, 2_000, 9_000, 60_000, 600_000]);
                self.pass(ms);
            }
            6 => {
                let action = self.pick(&[
                    OperatorAction::Approve,
                    OperatorAction::Decline,
                    OperatorAction::Cancel,
                    OperatorAction::Ship,
                    OperatorAction::Refund,
                    OperatorAction::Deliver,
                ]);
                self.operate(key, action, 0);
            }
            7 => {
                let kind = self.pick(&[
                    ReportKind::Shipped,
                    ReportKind::Delivered,
                    ReportKind::CarrierException,
                ]);
                let event = self.random.random_range(0..1 << 60);
                self.report(EASYPOST, key, kind, event);
            }
            8 => self.buyer_acts(key),
            9..=10 => {
                let known = self.play.shop.order(key).map(|(view, ..)| view.version);
                let units = self.pick(&[1, 2, 2, 2_000]);
                let total = self.pick(&[TOTAL, TOTAL - 100, TOTAL + 100]);
                let mode = self.pick(&[OrderMode::Place, OrderMode::Fact]);
                self.order(key, (known.unwrap_or(1) + 1, mode), units, total);
            }
            11 => {
                let command = self.play.shop.fresh();
                self.bounded(|play| {
                    let command = ProcessCommand::CancelAhead {
                        key: command,
                        order: OrderKey(key),
                        reason: "chaos",
                    };
                    play.process(&command).code
                });
            }
            _ => {
                let provider = self.pick(&[FRAUD, STRIPE, AUTHORIZE]);
                let isolate = self.chance(30);
                self.play.process(&ProcessCommand::Breaker {
                    provider: super::play::NAMES[usize::from(provider)],
                    isolate,
                });
            }
        }
        self.serve_all();
    }

    fn order(&mut self, key: u128, (version, mode): (u16, OrderMode), units: u32, total: u64) {
        let before = self.play.shop.journal_bytes();
        let lines = [line(self.play.sku, ANY, units)];
        let order = OrderRequest {
            version,
            mode,
            total,
            ..self.play.order(key, &lines)
        };
        self.play.shop.reserve(&order);
        let made = self.play.shop.journal_bytes() - before;
        assert!(
            made <= 192 + PROCESS_ENTRY_RECORDS_BYTES_MAX,
            "{made} bytes"
        );
        self.made = self.made.max(made);
    }

    fn operate(&mut self, key: u128, action: OperatorAction, effect: u16) {
        let command = self.play.shop.fresh();
        self.bounded(|play| {
            let outcome = play.process(&ProcessCommand::Operate {
                key: command,
                order: OrderKey(key),
                action,
                effect,
                amount: 0,
                reason: "chaos",
            });
            outcome.code
        });
    }

    fn report(&mut self, provider: u8, key: u128, kind: ReportKind, event: u128) {
        self.bounded(|play| {
            let report = crate::engine::process::command::Report {
                event,
                provider: super::play::NAMES[usize::from(provider)],
                kind,
                order: OrderKey(key),
                reference: "",
                amount: 0,
                text: "",
            };
            play.process(&ProcessCommand::Report(report)).code
        });
    }

    /// The buyer completes a payment that waits for that, and the processor says so.
    fn buyer_acts(&mut self, key: u128) {
        use crate::types::effect::EffectNext;
        let Some(view) = self.play.view(key) else {
            return;
        };
        let waiting = view.effects.iter().find(|effect| {
            effect.kind == EffectKind::PaymentAuthorise && effect.next == Some(EffectNext::Waiting)
        });
        let Some(effect) = waiting else { return };
        let provider = u8::try_from(effect.provider.0).unwrap();
        let money = self.money_of_authorisation((OrderKey(key), effect.number));
        if money.declined || money.voided {
            return;
        }
        money.authorised = true;
        let event = self.random.random_range(0..1 << 60);
        self.report(provider, key, ReportKind::PaymentAuthorised, event);
    }

    fn pass(&mut self, ms: u64) {
        let end = self.play.shop.clock_ms + ms;
        for _ in 0..10_000 {
            let next = self.play.shop.engine.next_deadline_ms();
            let at = next.map_or(end, |next| next.clamp(self.play.shop.clock_ms, end));
            self.play.shop.advance(at - self.play.shop.clock_ms);
            self.serve_all();
            let due = self.play.shop.engine.next_deadline_ms();
            if self.play.shop.clock_ms >= end && due.is_none_or(|due| due > end) {
                return;
            }
        }
        panic!("time does not pass");
    }

    /// Providers are well again, people drive what is stuck, and time passes.
    fn calm_down(&mut self, orders: u128) {
        use crate::types::effect::EffectNext;
        self.calm = true;
        for provider in super::play::NAMES {
            let isolate = false;
            self.play
                .process(&ProcessCommand::Breaker { provider, isolate });
        }
        for _ in 0..6 {
            self.pass(1_200_000);
            for key in 1..=orders {
                let Some(view) = self.play.view(key) else {
                    continue;
                };
                for effect in &view.effects {
                    if effect.next == Some(EffectNext::Dead) {
                        self.operate(key, OperatorAction::Redrive, effect.number);
                        self.serve_all();
                    }
                }
                if view.state == OrderState::Review {
                    self.operate(key, OperatorAction::Approve, 0);
                    self.serve_all();
                }
            }
        }
    }
}

#[test]
fn whatever_providers_and_people_do_money_and_units_add_up() {
    let mut coverage = Coverage::default();
    let (mut oversold, mut early, mut made) = (0, 0, 0);
    for seed in 0..150 {
        let mut chaos = Chaos::new(seed);
        let orders = 6;
        for _ in 0..60 {
            chaos.step(orders);
            let checked = chaos.play.shop.engine.check_invariants();
            assert!(checked.is_ok(), "seed {seed}: {checked:?}");
        }
        chaos.calm_down(orders);
        chaos.play.check();
        chaos.reconcile(orders);
        coverage.count(&chaos, orders);
        oversold += chaos.play.shop.journaled(kind::CHANNEL_OVERSOLD);
        early += chaos.play.shop.journaled(kind::EARLY_EVENT);
        made = made.max(chaos.made);
    }
    assert!(oversold > 20 && early > 20, "{oversold}, {early}");
    println!("an order made {made} bytes at most");
    let Coverage {
        captured,
        voided,
        refunded,
        ..
    } = coverage;
    assert!(
        captured > 100 && voided > 50 && refunded > 50,
        "{coverage:?}"
    );
    assert!(coverage.landed > 10, "{coverage:?}");
    assert!(
        coverage.kinds.len() >= 13 && coverage.ends.len() >= 5,
        "{coverage:?}"
    );
}
