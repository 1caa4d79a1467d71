//! Random sales against a deliberately naive model.
//!
//! The model predicts the code of every answer, the state of every order and the quantities of
//! every cell; after each run the invariants hold and a replay of the journaled bytes gives the
//! same digest.

use super::naive::{Model, ModelCell};
use super::shop::{ANY, Shop, line, request};
use super::steps::{LOCATIONS, SKUS, Step, steps};
use crate::engine::EngineOptions;
use crate::engine::command::{Command, OrderLineView};
use crate::engine::record::RequestedLine;
use crate::types::{
    CommandKey, Disposition, LocationId, OrderKey, OrderMode, OrderState, Policy, Resolution,
    ResultCode, SkuId, StockBucket,
};
use proptest::prelude::*;

struct Run {
    shop: Shop,
    model: Model,
    skus: Vec<SkuId>,
    locations: Vec<LocationId>,
}

impl Run {
    fn new(options: EngineOptions) -> Self {
        let mut shop = Shop::with(options);
        let skus = (0..SKUS).map(|n| shop.sku(&format!("sku {n}"))).collect();
        let locations = (0..LOCATIONS)
            .map(|n| shop.location(&format!("at {n}"), 0, 0, 0))
            .collect();
        let model = Model {
            now_ms: shop.clock_ms,
            ..Model::default()
        };
        Self {
            shop,
            model,
            skus,
            locations,
        }
    }

    /// Takes the step in both, and compares all that is told.
    fn step(&mut self, step: &Step) {
        let sku = match step {
            Step::Ship(_, key, _) | Step::Return(_, key, _) => self.model.first_sku(*key),
            _ => None,
        };
        let expected = self.model.predict(step);
        let got = self.take(step, sku.unwrap_or(0));
        if let Step::Wait(ms) | Step::WaitUnswept(ms) = step {
            self.model.now_ms += ms;
            if matches!(step, Step::Wait(_)) {
                self.model.sweep();
            }
        }
        assert_eq!(got, expected, "{step:?}");
        for key in self.model.orders.keys() {
            self.compare_order(*key, step);
        }
        self.compare_cells(step);
    }

    /// Takes the step in the engine; `sku` is what ship and return steps are about.
    fn take(&mut self, step: &Step, sku: u32) -> ResultCode {
        let sku = self.skus[sku as usize];
        let units = |quantity: u32| [line(sku, ANY, quantity)];
        match step {
            Step::Wait(ms) => {
                self.shop.advance(*ms);
                ResultCode::Ok
            }
            Step::WaitUnswept(ms) => {
                self.shop.advance_unswept(*ms);
                ResultCode::Ok
            }
            Step::Reserve { .. } => self.reserve(step),
            Step::Confirm(c, order) => self.execute(&Command::Confirm {
                key: CommandKey(*c),
                order: OrderKey(*order),
                lines: &[],
            }),
            Step::Release(c, order) => self.execute(&Command::Release {
                key: CommandKey(*c),
                order: OrderKey(*order),
            }),
            Step::Cancel(c, order) => self.execute(&Command::Cancel {
                key: CommandKey(*c),
                order: OrderKey(*order),
            }),
            Step::Extend(c, order) => self.execute(&Command::Extend {
                key: CommandKey(*c),
                order: OrderKey(*order),
                ttl_ms: 90_000,
            }),
            Step::Ship(c, order, quantity) => self.execute(&Command::Ship {
                key: CommandKey(*c),
                order: OrderKey(*order),
                lines: &units(*quantity),
            }),
            Step::Return(c, order, quantity) => self.execute(&Command::Return {
                key: CommandKey(*c),
                order: OrderKey(*order),
                disposition: Disposition::Restock,
                lines: &units(*quantity),
            }),
            movement => self.move_stock(movement),
        }
    }

    fn execute(&mut self, command: &Command<'_>) -> ResultCode {
        self.shop.execute(command).code
    }

    fn reserve(&mut self, step: &Step) -> ResultCode {
        let Step::Reserve {
            key,
            version,
            lines,
            place,
            partial,
        } = step
        else {
            unreachable!("only reserve steps come here");
        };
        let want = |(sku, at, quantity): &(u32, u16, u32)| {
            let at = self.locations.get(usize::from(*at)).copied();
            line(self.skus[*sku as usize], at.unwrap_or(ANY), *quantity)
        };
        let wants: Vec<RequestedLine> = lines.iter().map(want).collect();
        let mut order = request(*key, &wants);
        order.version = *version;
        if *place {
            order.mode = OrderMode::Place;
        }
        if *partial {
            order.policy = Policy::Partial;
        }
        self.shop.reserve(&order).code
    }

    fn move_stock(&mut self, step: &Step) -> ResultCode {
        let at = |n: u16| self.locations[usize::from(n)];
        let of = |n: u32| self.skus[n as usize];
        let command = match *step {
            Step::Receive(c, sku, location, quantity) => Command::Receive {
                key: CommandKey(c),
                sku: of(sku),
                location: at(location),
                quantity,
            },
            Step::Adjust(c, sku, location, delta) => Command::Adjust {
                key: CommandKey(c),
                sku: of(sku),
                location: at(location),
                delta,
                reason: "count",
            },
            Step::Set(c, sku, location, on_hand, expect) => Command::Set {
                key: CommandKey(c),
                sku: of(sku),
                location: at(location),
                on_hand,
                expect,
            },
            Step::Transfer(c, sku, quantity) => Command::Transfer {
                key: CommandKey(c),
                sku: of(sku),
                from: at(0),
                to: at(1),
                quantity,
            },
            Step::Safety(c, sku, location, quantity, into) => {
                let mut buckets = [StockBucket::Safety, StockBucket::Available];
                buckets.rotate_left(usize::from(into));
                Command::Move {
                    key: CommandKey(c),
                    sku: of(sku),
                    location: at(location),
                    from: buckets[0],
                    to: buckets[1],
                    quantity,
                }
            }
            _ => unreachable!("order steps are taken elsewhere"),
        };
        self.execute(&command)
    }

    fn compare_cells(&self, step: &Step) {
        for sku in 0..SKUS {
            for at in 0..LOCATIONS {
                let q = self
                    .shop
                    .cell(self.skus[sku as usize], self.locations[usize::from(at)]);
                let got = ModelCell {
                    on_hand: q.on_hand.into(),
                    reserved: q.reserved.into(),
                    committed: q.committed.into(),
                    safety: q.safety.into(),
                };
                let expected = self
                    .model
                    .cells
                    .get(&(sku, at))
                    .copied()
                    .unwrap_or_default();
                assert_eq!(got, expected, "SKU {sku} at {at} after {step:?}");
            }
        }
    }

    fn compare_order(&self, key: u128, step: &Step) {
        let Some(expected) = self.model.orders.get(&key) else {
            return;
        };
        let (view, lines, _) = self.shop.order(key).expect("the model has it");
        assert_eq!(Some(view.state), self.model.state(key), "after {step:?}");
        assert_eq!(view.placed, expected.placed);
        assert_eq!(
            view.resolution == Resolution::Open,
            view.state.is_live_hold()
        );
        let over = view.state == OrderState::Expired;
        let got: Vec<_> = lines
            .iter()
            .map(|l: &OrderLineView| {
                (
                    l.sku,
                    l.location,
                    [l.reserved, l.committed, l.shipped, l.returned].map(i128::from),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .lines
            .iter()
            .map(|((sku, at), units)| {
                let mut units = *units;
                if over {
                    units[0] = 0;
                }
                (
                    self.skus[*sku as usize],
                    self.locations[usize::from(*at)],
                    units,
                )
            })
            .collect();
        assert_eq!(got, expected, "after {step:?}");
        let ordered = |l: &OrderLineView| l.reserved + l.committed + l.shipped + l.cancelled;
        assert!(lines.iter().all(|l| l.ordered == ordered(l)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_and_every_quantity_is_what_a_naive_model_says(steps in steps()) {
        let mut run = Run::new(EngineOptions::default());
        for step in &steps {
            run.step(step);
        }
        run.shop.check();
    }

    /// The model remembers everything, so here only invariants and replay are compared.
    #[test]
    fn replay_gives_the_same_digest_with_the_smallest_memories_too(steps in steps()) {
        let options = EngineOptions {
            rejections_kept: 2,
            commands_kept: 3,
            ended_order_kept_ms: 50_000,
            ..EngineOptions::default()
        };
        let mut run = Run::new(options);
        for step in &steps {
            run.take(step, 0);
        }
        run.shop.check();
        let replayed = run.shop.replayed(EngineOptions::default());
        prop_assert_eq!(replayed.digest(), run.shop.engine.digest());
    }
}
