//! What people do in a run: buyers order, operators decide, carriers report.

use super::run::{EXTRA, HOLD_MS, Run, TENANT, TOTAL};
use onhand::engine::process::command::ProcessView;
use onhand::shard::local::{
    Local, LocalAnswer, LocalRequest, NamedLine, OwnedReport, PlaceRequest,
};
use onhand::types::effect::EffectNext;
use onhand::types::process::{OperatorAction, ReportKind};
use onhand::types::{ChannelId, OrderDetails, OrderKey, OrderMode, OrderState, Policy, TenantId};
use std::sync::Arc;

/// What an order may cost.
pub const TOTALS: [u64; 3] = [TOTAL - 100, TOTAL, TOTAL + 100];

fn order(
    key: OrderKey,
    (version, mode): (u16, OrderMode),
    quantity: u32,
    total: u64,
) -> PlaceRequest {
    PlaceRequest {
        key,
        version,
        customer: 7,
        channel: ChannelId(0),
        ttl_ms: 120_000,
        mode,
        policy: Policy::AllOrNothing,
        currency: 978,
        total,
        lines: vec![NamedLine {
            sku: "sku".to_owned(),
            location: None,
            quantity,
        }],
        details: Some(OrderDetails {
            email: "ana@example.com".to_owned(),
            country: "ES".to_owned(),
            ..OrderDetails::default()
        }),
    }
}

/// Orders of one run.
pub const ORDERS: u128 = 24;
/// Steps within which everything must come to rest once providers are well.
const CALM_STEPS_MAX: u64 = 4_000;

impl Run {
    pub(super) fn place(&mut self) {
        if self.next_order >= ORDERS {
            return;
        }
        self.next_order += 1;
        let key = OrderKey(self.next_order << 64 | u128::from(self.schedule.next()));
        self.placed.insert(key, false);
        if self.schedule.chance(60) {
            self.cancel_ahead(key);
        }
        let told = Arc::clone(&self.told);
        let mode = *self
            .schedule
            .pick(&[OrderMode::Place, OrderMode::Place, OrderMode::Fact]);
        let units = *self.schedule.pick(&[1, 1, 1, 1, 1, 2, 5]);
        // A change may come before the order itself.
        let version = 1 + u16::from(self.schedule.chance(50));
        let mut place = order(key, (version, mode), units, TOTAL);
        if mode == OrderMode::Place && self.schedule.chance(500) {
            place.policy = Policy::Backorder;
        }
        if self.schedule.chance(300) {
            place.lines.push(NamedLine {
                sku: EXTRA.to_owned(),
                location: None,
                quantity: *self.schedule.pick(&[1, 1, 2]),
            });
        }
        let local = Local {
            tenant: TENANT.to_owned(),
            actor: "shop".to_owned(),
            request: LocalRequest::Place(Box::new(place)),
            answer: Some(Box::new(move |answer| {
                if let LocalAnswer::Placed(outcome) = answer {
                    let mut told = told.lock().expect("one thread");
                    told.push((key, outcome.code));
                }
            })),
        };
        self.queue.push(local).expect("the queue has room");
    }

    /// A buyer holds some units and does not pay: a marketplace may sell them meanwhile.
    pub(super) fn hold(&mut self) {
        self.holds += 1;
        let key = OrderKey(1 << 127 | self.holds);
        let units = *self.schedule.pick(&[1, 2, 3]);
        let hold = PlaceRequest {
            ttl_ms: HOLD_MS,
            ..order(key, (1, OrderMode::Hold), units, TOTAL)
        };
        self.push(LocalRequest::Place(Box::new(hold)));
    }

    /// Somebody changes some order, to what there may not be.
    pub(super) fn change(&mut self) {
        let keys: Vec<OrderKey> = self.placed.keys().copied().collect();
        if keys.is_empty() {
            return;
        }
        let key = *self.schedule.pick(&keys);
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        let known = self
            .engine()
            .order(TenantId(0), key, &mut lines, &mut shorts);
        let version = known.map_or(1, |view| view.version) + 1;
        let mode = *self.schedule.pick(&[OrderMode::Place, OrderMode::Fact]);
        let units = *self.schedule.pick(&[1, 2, 1_000]);
        let total = *self.schedule.pick(&TOTALS);
        let change = order(key, (version, mode), units, total);
        self.push(LocalRequest::Place(Box::new(change)));
        self.coverage.changes += 1;
    }

    /// A channel cancels an order, known or not.
    pub(super) fn cancel_ahead(&mut self, order: OrderKey) {
        let key = self.command_key();
        self.push(LocalRequest::CancelAhead {
            key,
            order,
            reason: "simulated".to_owned(),
        });
    }

    /// Somebody decides something about some order.
    pub(super) fn decide(&mut self) {
        let keys: Vec<OrderKey> = self.placed.keys().copied().collect();
        if keys.is_empty() {
            return;
        }
        let order = *self.schedule.pick(&keys);
        let action = *self.schedule.pick(&[
            OperatorAction::Approve,
            OperatorAction::Decline,
            OperatorAction::Cancel,
            OperatorAction::Refund,
            OperatorAction::Redrive,
        ]);
        self.operate(order, action, 0);
        self.coverage.decisions += 1;
    }

    pub(super) fn operate(&mut self, order: OrderKey, action: OperatorAction, effect: u16) {
        let key = self.command_key();
        self.push(LocalRequest::Operate {
            key,
            order,
            action,
            effect,
            amount: 0,
            reason: "simulated".to_owned(),
        });
    }

    /// A carrier says something about some order, perhaps twice, perhaps out of turn.
    pub(super) fn report(&mut self) {
        let keys: Vec<OrderKey> = self.placed.keys().copied().collect();
        if keys.is_empty() {
            return;
        }
        let order = *self.schedule.pick(&keys);
        let kind = *self.schedule.pick(&[
            ReportKind::Shipped,
            ReportKind::Shipped,
            ReportKind::Delivered,
            ReportKind::CarrierException,
        ]);
        let fulfilling = matches!(
            self.state(order),
            Some(OrderState::Fulfilling | OrderState::Shipped)
        );
        if !fulfilling && !self.schedule.chance(100) {
            return;
        }
        self.report_about(order, kind);
    }

    pub(super) fn report_about(&mut self, order: OrderKey, kind: ReportKind) {
        if !self.schedule.chance(150) {
            self.events += 1;
        }
        self.push(LocalRequest::Report(OwnedReport {
            event: self.events,
            provider: "depot".to_owned(),
            kind,
            order,
            reference: String::new(),
            amount: 0,
            text: "carrier=sim tracking=1".to_owned(),
        }));
    }

    /// Providers are well; operators and carriers do what is to be done, until nothing is open.
    pub(super) fn calm_down(&mut self) {
        self.providers.well = true;
        for step in 0..CALM_STEPS_MAX {
            self.pass_time();
            self.work();
            if step % 4 != 0 {
                continue;
            }
            let open = self.open_orders();
            if open.is_empty() {
                return;
            }
            for order in &open {
                self.settle(order);
            }
        }
        panic!("orders do not come to an end: {:#?}", self.open_orders());
    }

    /// Somebody does what this order waits for.
    fn settle(&mut self, order: &ProcessView) {
        let key = order.order;
        let on_its_way = match order.state {
            OrderState::Review => order.image.resume_to,
            state => Some(state),
        };
        self.events += 1;
        match on_its_way {
            Some(OrderState::Fulfilling) => self.report_about(key, ReportKind::Shipped),
            Some(OrderState::Shipped) => self.report_about(key, ReportKind::Delivered),
            _ => {}
        }
        if order.state == OrderState::Backordered && self.schedule.chance(300) {
            self.receive();
        }
        if order.state == OrderState::Review {
            self.coverage.reviews += 1;
            let action = *self.schedule.pick(&[
                OperatorAction::Approve,
                OperatorAction::Cancel,
                OperatorAction::Decline,
            ]);
            self.operate(key, action, 0);
        }
        for effect in &order.effects {
            if effect.next == Some(EffectNext::Dead) {
                self.operate(key, OperatorAction::Redrive, effect.number);
            }
        }
    }
}
