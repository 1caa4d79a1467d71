//! What the shop of a run is configured with.

use crate::sim::prng::Stream;
use onhand::types::pipeline::{
    BackorderRule, CaptureOn, Message, PaymentMode, Pipeline, PipelineSet, ProcessSettings, Step,
    StepKind,
};

const PROVIDERS: [&str; PROVIDERS_COUNT] = [
    "risk", "pay-one", "pay-two", "labels", "depot", "crm", "mail", "team", "erp",
];

/// How many providers it has.
pub const PROVIDERS_COUNT: usize = 9;

/// Drawn from a stream: with or without an own step, captured at once or on shipment.
pub fn pipelines(stream: &mut Stream) -> PipelineSet {
    let step = |name: &str, kind, providers: &[u8]| Step {
        name: name.to_owned(),
        kind,
        providers: providers.to_vec(),
        ..Step::default()
    };
    let fulfilment = Step {
        warehouses: vec![4],
        ..step("fulfilment", StepKind::Fulfilment, &[3])
    };
    let erp = Step {
        compensated: true,
        ..step("erp", StepKind::Webhook, &[8])
    };
    let mut steps = vec![
        step("risk", StepKind::Fraud, &[0]),
        step("payment", StepKind::Payment, &[1, 2]),
    ];
    if stream.chance(400) {
        steps.push(erp);
    }
    steps.push(fulfilment);
    PipelineSet {
        providers: PROVIDERS.iter().map(|name| (*name).to_owned()).collect(),
        pipelines: vec![Pipeline {
            name: "standard".to_owned(),
            payment: PaymentMode::Gateway,
            steps,
        }],
        routes: Vec::new(),
        messages: (1..=10)
            .map(|milestone| Message {
                milestone,
                provider: 6,
            })
            .collect(),
        alert_providers: vec![7],
        crm_providers: vec![5],
        settings: ProcessSettings {
            pin_ms: 60_000,
            review_ms: 600_000,
            ship_ms: 3_600_000,
            carrier_ms: 3_600_000,
            return_ms: 10_000,
            backorder_ms: 600_000,
            backorder: *stream.pick(&[BackorderRule::Strict, BackorderRule::Skip]),
            backorder_units_max: *stream.pick(&[1_000_000, 6]),
            capture_on: *stream.pick(&[CaptureOn::Confirm, CaptureOn::Ship]),
            buyer_retries: stream.below(3) as u8,
            ..ProcessSettings::default()
        },
        facts_preempt_holds: stream.chance(500),
    }
}
