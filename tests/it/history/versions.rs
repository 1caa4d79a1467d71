//! What becomes of an order's milestones when it is changed, or lives again.

use super::look::rows;
use super::records::{accepted, lines_of, moved, of_move};
use super::rig::{CLERK, Rig, TENANT};
use super::{read_all, runtime, sqlite};
use onhand::engine::record::{OrderAccepted, Record, accepted_flags, process_flags};
use onhand::types::process::ProcessEvent;
use onhand::types::{ActorId, OrderKey, OrderState};

const ORDER: u128 = 7;

impl Rig {
    /// A move of the order by the engine, a while later.
    fn goes(&mut self, event: ProcessEvent, from: OrderState, to: OrderState, flags: u16) {
        self.wait(100);
        let mut step = moved(ORDER, event, Some(from), to);
        step.image.flags = flags;
        self.write(ActorId::SYSTEM, &[of_move(&step)]);
    }

    /// An order that was in review, and is confirmed and paid.
    fn paid(&mut self) {
        use OrderState::{Confirmed, FraudCheck, Payment, Review};
        self.definitions();
        let lines = lines_of(1);
        let first = accepted(ORDER, accepted_flags::PLACED, &lines, &[]);
        let placed = moved(ORDER, ProcessEvent::Placed, None, FraudCheck);
        self.write(CLERK, &[Record::OrderAccepted(first), of_move(&placed)]);
        let both = process_flags::CONFIRMED | process_flags::CAPTURED;
        self.goes(ProcessEvent::ReviewOpened, FraudCheck, Review, 0);
        self.goes(
            ProcessEvent::ReviewApproved,
            Review,
            Payment,
            process_flags::TOUCHED,
        );
        self.goes(
            ProcessEvent::Confirmed,
            Payment,
            Confirmed,
            process_flags::CONFIRMED,
        );
        self.goes(ProcessEvent::PaymentCaptured, Confirmed, Confirmed, both);
    }

    /// Its next version, whose process has these flags.
    fn edited(&mut self, flags: u16) {
        self.wait(600);
        let lines = lines_of(2);
        let second = OrderAccepted {
            version: 2,
            ..accepted(
                ORDER,
                accepted_flags::PLACED | accepted_flags::REPLACES,
                &lines,
                &[],
            )
        };
        let confirmed = OrderState::Confirmed;
        let mut edited = moved(ORDER, ProcessEvent::Edited, Some(confirmed), confirmed);
        edited.image.flags = flags;
        self.write(CLERK, &[Record::OrderAccepted(second), of_move(&edited)]);
    }
}

/// What the database says after `first` and `then` were read, in one transaction or in two.
fn told(first: impl Fn(&mut Rig), then: impl Fn(&mut Rig), queries: &[(&str, &str)]) {
    for apart in [false, true] {
        let data = tempfile::tempdir().unwrap();
        let mut rig = Rig::new(data.path(), 0);
        let target = sqlite(data.path());
        first(&mut rig);
        runtime().block_on(async {
            if apart {
                read_all(&target, &[&rig]).await;
            }
            then(&mut rig);
            read_all(&target, &[&rig]).await;
            for (query, expected) in queries {
                let found = rows(&target, query).await.join("; ");
                assert_eq!(found, *expected, "in two transactions: {apart}: {query}");
            }
        });
    }
}

#[test]
fn a_changed_order_keeps_its_milestones_and_that_it_was_an_exception() {
    let both = process_flags::CONFIRMED | process_flags::CAPTURED;
    told(
        Rig::paid,
        |rig| rig.edited(both),
        &[
            (
                "SELECT version, units, exception, touched, confirmed_ms - first_accepted_ms, \
                 captured_ms - first_accepted_ms, accepted_ms - first_accepted_ms FROM orders",
                "2|2|1|1|300|400|1000",
            ),
            ("SELECT order_to_cash_ms FROM order_to_cash", "400"),
            ("SELECT to_confirmed_ms FROM dwell_by_channel", "300.0000"),
            (
                "SELECT orders, exception_orders, share FROM exception_share",
                "1|1|1.0000",
            ),
        ],
    );
}

#[test]
fn a_change_that_undoes_payment_and_confirmation_takes_their_milestones_back() {
    told(
        Rig::paid,
        |rig| rig.edited(0),
        &[
            (
                "SELECT version, exception, confirmed_ms, captured_ms FROM orders",
                "2|1|-|-",
            ),
            ("SELECT order_to_cash_ms FROM order_to_cash", ""),
        ],
    );
}

#[test]
fn a_reinstated_order_has_not_ended_until_it_ends_again() {
    use OrderState::{Completed, Confirmed, Delivered, Expired};
    let expires = |rig: &mut Rig| {
        rig.paid();
        rig.wait(100);
        let expired = Record::OrderExpired {
            tenant: TENANT,
            order: OrderKey(ORDER),
        };
        rig.write(ActorId::SYSTEM, &[expired]);
    };
    let lives = |rig: &mut Rig| {
        rig.wait(100);
        let order = rig.of(ORDER);
        rig.write(ActorId::SYSTEM, &[Record::OrderReinstated { order }]);
        rig.goes(ProcessEvent::LatePayment, Expired, Confirmed, 0);
    };
    let ended = "SELECT state, ended_ms - first_accepted_ms FROM orders";
    told(expires, |_| {}, &[(ended, "EXPIRED|500")]);
    told(expires, lives, &[(ended, "CONFIRMED|-")]);
    let ends_again = |rig: &mut Rig| {
        lives(rig);
        rig.goes(ProcessEvent::Completed, Delivered, Completed, 0);
        // Money that is given back later ends nothing.
        rig.goes(ProcessEvent::PaymentRefunded, Completed, Completed, 0);
    };
    told(expires, ends_again, &[(ended, "COMPLETED|800")]);
}

#[test]
fn a_key_that_is_used_again_for_another_order_begins_anew() {
    let again = |rig: &mut Rig| {
        rig.wait(1_000);
        let lines = lines_of(3);
        let hold = accepted(ORDER, 0, &lines, &[]);
        rig.write(CLERK, &[Record::OrderAccepted(hold)]);
    };
    let query = "SELECT version, units, exception, confirmed_ms, captured_ms, \
                 accepted_ms - first_accepted_ms FROM orders";
    told(Rig::paid, again, &[(query, "1|3|0|-|-|0")]);
}
