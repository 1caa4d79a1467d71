//! What one built-in risk score costs, with a history that is full.
#![allow(missing_docs)]

use onhand::adapters::call::OrderFacts;
use onhand::adapters::fraud::builtin::Builtin;
use onhand::adapters::fraud::builtin::weights::Weights;
use onhand::types::{OrderDetails, OrderKey};

fn main() {
    divan::main();
}

fn order(n: u64) -> OrderFacts {
    OrderFacts {
        order: OrderKey(u128::from(n)),
        tenant: "shop".into(),
        accepted_at_ms: 1_777_882_350_000 + n,
        customer: n % 50_000 + 1,
        currency: 978,
        total: 4_470,
        details: OrderDetails {
            email: "ana@example.com".into(),
            shipping_address: vec![format!("Street {}", n % 50_000), "28013 Madrid".into()],
            billing_address: vec![format!("Street {}", n % 50_000), "28013 Madrid".into()],
            payment_token: format!("pm_{n}"),
            device: format!("device-{}", n % 50_000),
            checkout_seconds: 60,
            ..OrderDetails::default()
        },
        ..OrderFacts::default()
    }
}

#[divan::bench]
fn score(bencher: divan::Bencher<'_, '_>) {
    let scorer = Builtin::with(Weights::default());
    for n in 0..100_000 {
        std::hint::black_box(scorer.score(&order(n)));
    }
    let mut next = 100_000;
    bencher
        .with_inputs(|| {
            next += 1;
            order(next)
        })
        .bench_local_values(|facts| scorer.score(&facts));
}
