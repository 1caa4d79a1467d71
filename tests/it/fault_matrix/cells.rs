//! What the matrix is made of.

use std::collections::BTreeMap;
use std::fmt;

use onhand::sandbox::faults::{Kind, Rule};

/// How long the provider under test has for an attempt.
pub const TIMEOUT_MS: u64 = 300;
/// A late answer that is still in time.
const LATENCY_MS: u64 = 60;
/// When a connection without an answer ends.
const SILENCE_MS: u64 = 600;

/// An order below the limit under which it goes on without a risk score, and one above.
pub const SMALL: u64 = 4_470;
pub const LARGE: u64 = 7_000;

/// A provider at a step of the order process.
#[derive(Debug)]
pub struct Place {
    pub step: &'static str,
    pub provider: &'static str,
    /// The name in the sandbox, and the operation that the step asks for.
    pub at: &'static str,
    pub operation: &'static str,
    /// The order's total in cents.
    pub total: u64,
}

const fn place(
    step: &'static str,
    provider: &'static str,
    operation: &'static str,
    total: u64,
) -> Place {
    Place {
        step,
        provider,
        at: provider,
        operation,
        total,
    }
}

/// All of them, those that take longest first.
pub const STANDS: [Place; 18] = [
    place("authorise", "stripe", "authorise", SMALL),
    place("authorise", "authorize_net", "authorise", SMALL),
    place("capture", "stripe", "capture", SMALL),
    place("capture", "authorize_net", "capture", SMALL),
    place("crm", "salesforce", "upsert", SMALL),
    place("crm", "hubspot", "upsert", SMALL),
    Place {
        at: "webhook_step",
        ..place("own step", "webhook", "step", SMALL)
    },
    place("label", "easypost", "buy", SMALL),
    place("rates", "easypost", "rates", SMALL),
    place("warehouse", "shipstation", "create_order", SMALL),
    place("message", "sendgrid", "send", SMALL),
    place("message", "twilio", "send", SMALL),
    place("message", "whatsapp", "send", SMALL),
    place("message", "smtp", "data", SMALL),
    place("risk below the limit", "sift", "score", SMALL),
    place("risk below the limit", "signifyd", "score", SMALL),
    place("risk above the limit", "sift", "score", LARGE),
    place("risk above the limit", "signifyd", "score", LARGE),
];

/// What goes wrong.
pub const FAULTS: [&str; 10] = [
    "latency",
    "timeout",
    "400",
    "401",
    "429",
    "503",
    "commit_then_drop",
    "reset",
    "malformed_body",
    "empty_body",
];

/// With the first request, or with all.
pub const OFTEN: [&str; 2] = ["once", "always"];

/// A provider at a step under a fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub step: String,
    pub provider: String,
    pub fault: String,
    pub often: String,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            step,
            provider,
            fault,
            often,
        } = self;
        write!(f, "{step} at {provider}, {fault} {often}")
    }
}

/// The cells of a stand.
pub fn cells_of(place: &Place) -> Vec<Cell> {
    let cell = |(fault, often): (&str, &str)| Cell {
        step: place.step.into(),
        provider: place.provider.into(),
        fault: fault.into(),
        often: often.into(),
    };
    let faults = FAULTS.into_iter();
    let both = faults.flat_map(|fault| OFTEN.map(|often| (fault, often)));
    both.map(cell).collect()
}

/// The sandbox's rule for a cell.
pub fn rule(place: &Place, cell: &Cell) -> Rule {
    let kind = match cell.fault.as_str() {
        "latency" => Kind::Latency,
        "timeout" => Kind::Timeout,
        "commit_then_drop" => Kind::CommitThenDrop,
        "reset" => Kind::Reset,
        "malformed_body" => Kind::MalformedBody,
        "empty_body" => Kind::EmptyBody,
        _ => Kind::Status,
    };
    let mut rule = Rule {
        operation: Some(place.operation.into()),
        count: (cell.often == "once").then_some(1),
        latency_ms: match kind {
            Kind::Latency => LATENCY_MS,
            Kind::Timeout => SILENCE_MS,
            _ => 0,
        },
        ..Rule::new(place.at, kind)
    };
    if kind == Kind::Status {
        rule.status = cell.fault.parse().ok();
    }
    match (place.provider, cell.fault.as_str()) {
        // A mail server's own codes: mailbox refused, sign in first, try again, closing down.
        ("smtp", "400") => rule.status = Some(550),
        ("smtp", "401") => (rule.operation, rule.status) = (Some("mail".into()), Some(530)),
        ("smtp", "429") => rule.status = Some(451),
        ("smtp", "503") => rule.status = Some(421),
        // Without it the wait is that of HubSpot's limit, ten seconds.
        ("hubspot", "429") => {
            rule.headers = BTreeMap::from([("retry-after".into(), "1".into())]);
        }
        _ => {}
    }
    rule
}
