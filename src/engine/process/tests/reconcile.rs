//! Whether the processors' books and the orders agree in the end.

use super::books::Money;
use super::chaos::Chaos;
use super::play::TOTAL;
use crate::types::{OrderKey, OrderState};

impl Chaos {
    /// The books say what the orders say.
    pub(super) fn reconcile(&mut self, orders: u128) {
        for key in (1..=orders).map(OrderKey) {
            let of = self.books.money.range((key, 0)..=(key, u16::MAX));
            let money: Vec<((OrderKey, u16), Money)> = of.map(|(at, it)| (*at, *it)).collect();
            let captured: Vec<&Money> = money
                .iter()
                .map(|(_, it)| it)
                .filter(|it| it.captured > 0)
                .collect();
            assert!(
                captured.len() <= 1,
                "order {key} was captured twice: {money:?}"
            );
            let Some((view, ..)) = self.play.shop.order(key.0) else {
                continue;
            };
            let paid: u64 = captured.iter().map(|it| it.captured - it.refunded).sum();
            let open = money
                .iter()
                .filter(|(_, it)| it.authorised && !it.voided && it.captured == 0);
            let open = open.count();
            let state = view.state;
            match state {
                OrderState::Cancelled | OrderState::Declined | OrderState::Expired => {
                    assert_eq!((paid, open), (0, 0), "order {key} {state:?}: {money:?}");
                }
                OrderState::Confirmed
                | OrderState::Fulfilling
                | OrderState::Shipped
                | OrderState::Delivered
                | OrderState::Completed => {
                    let taken: u64 = captured.iter().map(|it| it.captured).sum();
                    let image = self.play.view(key.0).map(|view| view.image);
                    let fits = image.map_or((TOTAL - 100..=TOTAL + 100).contains(&taken), |it| {
                        taken == it.captured && (paid..=taken).contains(&it.total)
                    });
                    assert!(
                        fits && open == 0,
                        "order {key} {state:?}: {money:?}, {image:?}"
                    );
                }
                _ => {}
            }
        }
    }
}
