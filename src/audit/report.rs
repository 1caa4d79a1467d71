//! What a verification found: one finding an invariant, with counts and named offences.

use serde::Serialize;

/// Offences kept per invariant, word for word; further ones are only counted.
pub const OFFENCES_KEPT_MAX: usize = 100;

/// The claims that are checked, in the order in which they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Invariant {
    /// The journal reads as one story: dense sequences, time that never goes back, known names.
    Journal,
    /// On hand is what came in less what went out.
    I1,
    /// The quantities of a cell add up and none is negative.
    I2,
    /// Reserved and committed stock is what orders hold.
    I3,
    /// The units of an order line add up.
    I4,
    /// A hold is resolved once, in its time.
    I5,
    /// One key, one fingerprint, one outcome.
    I6,
    /// No unit is sold twice.
    I7,
    /// Under the strict rule nobody takes what an earlier order waits for.
    Queue,
    /// No channel sells what another one is guaranteed, nor more than its own quota.
    I8,
    /// Money: captured once, given back at most, and given-up authorisations void.
    I10,
    /// Replay gives the same state; the seal chain is unbroken.
    I11,
    /// What channels were told to offer was true.
    I12,
    /// No order in process is stuck.
    I13,
    /// What was acknowledged is in the journal.
    I14,
    /// The providers' ledger tells the same of the money as the journal, and nothing is out for an
    /// order that ended without its units.
    Providers,
}

impl Invariant {
    /// All of them, in the order of printing.
    pub const ALL: [Self; 16] = [
        Self::Journal,
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::Queue,
        Self::I8,
        Self::I10,
        Self::I11,
        Self::I12,
        Self::I13,
        Self::I14,
        Self::Providers,
    ];

    /// The short name, `I7` for example.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::Queue => "queue",
            Self::I8 => "I8",
            Self::I10 => "I10",
            Self::I11 => "I11",
            Self::I12 => "I12",
            Self::I13 => "I13",
            Self::I14 => "I14",
            Self::Providers => "providers",
        }
    }

    /// What is claimed, in one line.
    #[must_use]
    pub const fn claim(self) -> &'static str {
        match self {
            Self::Journal => "records read as one story: no gap, no step back in time, known names",
            Self::I1 => "on hand = received + returned + adjusted ± transferred − shipped",
            Self::I2 => "on hand + short = available + reserved + committed + unavailable, all ≥ 0",
            Self::I3 => "reserved = live holds; committed = confirmed lines not yet shipped",
            Self::I4 => "ordered = reserved + committed + shipped + cancelled; returned ≤ shipped",
            Self::I5 => "each hold is resolved exactly once, within its time",
            Self::I6 => "one key, one fingerprint, one outcome",
            Self::I7 => "no unit is promised twice: nothing is accepted beyond what is available",
            Self::Queue => "of strict SKUs nobody takes units that an earlier order waits for",
            Self::I8 => "quotas are made of sellable units, used within them, and nobody else's",
            Self::I10 => {
                "captures ≤ 1 an order, refunded ≤ captured ≤ total, given-up authorisations void"
            }
            Self::I11 => "replay gives this same state; digests and seal chain hold",
            Self::I12 => {
                "published quantities were true at their sequence, never older after newer"
            }
            Self::I13 => "every order in process has a timer, an open effect or a review",
            Self::Providers => {
                "money at the providers is the journal's; no parcel is out for an ended order"
            }
            Self::I14 => "every acknowledged outcome is in the journal, once, as it was told",
        }
    }
}

/// One contradiction, with everything that helps to find it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Offence {
    /// The shard whose journal it is in.
    pub shard: u16,
    /// Sequence of the record where it shows; `None` for the state at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Name of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Key of the order, 32 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Key of the command, 32 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Name of the SKU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Name of the location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What contradicts what.
    pub what: String,
}

impl std::fmt::Display for Offence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "shard {}", self.shard)?;
        if let Some(sequence) = self.sequence {
            write!(f, ", sequence {sequence}")?;
        }
        for (label, value) in [
            ("tenant", &self.tenant),
            ("order", &self.order),
            ("command", &self.command),
            ("SKU", &self.sku),
            ("location", &self.location),
        ] {
            if let Some(value) = value {
                write!(f, ", {label} {value}")?;
            }
        }
        write!(f, ": {}", self.what)
    }
}

/// The outcome for one invariant.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Short name.
    pub invariant: &'static str,
    /// What is claimed.
    pub claim: &'static str,
    /// How many things were checked; 0 means that the claim was not exercised.
    pub checked: u64,
    /// How many contradictions were found.
    pub violations: u64,
    /// The first [`OFFENCES_KEPT_MAX`] of them.
    pub offences: Vec<Offence>,
}

impl Finding {
    /// `ok`, `VIOLATED` or `not exercised`.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match (self.violations, self.checked) {
            (0, 0) => "not exercised",
            (0, _) => "ok",
            _ => "VIOLATED",
        }
    }
}

/// Collects checks while a journal is folded.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    rows: [Row; Invariant::ALL.len()],
}

#[derive(Clone, Debug, Default)]
struct Row {
    checked: u64,
    violations: u64,
    offences: Vec<Offence>,
}

impl Checks {
    /// Counts one check of `invariant`; where it does not hold, `offence` describes why.
    pub fn check(
        &mut self,
        invariant: Invariant,
        holds: bool,
        offence: impl FnOnce() -> Offence,
    ) -> bool {
        if let Some(row) = self.rows.get_mut(invariant as usize) {
            row.checked += 1;
            if !holds {
                row.violations += 1;
                if row.offences.len() < OFFENCES_KEPT_MAX {
                    row.offences.push(offence());
                }
            }
        }
        holds
    }

    /// Adds the rows of another collection, of another shard for example.
    pub fn merge(&mut self, other: Checks) {
        for (row, more) in self.rows.iter_mut().zip(other.rows) {
            row.checked += more.checked;
            row.violations += more.violations;
            let room = OFFENCES_KEPT_MAX.saturating_sub(row.offences.len());
            row.offences.extend(more.offences.into_iter().take(room));
        }
    }

    /// Contradictions found so far.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.rows.iter().map(|row| row.violations).sum()
    }

    /// One finding an invariant, in the order of printing.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        Invariant::ALL
            .iter()
            .zip(&self.rows)
            .map(|(invariant, row)| Finding {
                invariant: invariant.name(),
                claim: invariant.claim(),
                checked: row.checked,
                violations: row.violations,
                offences: row.offences.clone(),
            })
            .collect()
    }
}
