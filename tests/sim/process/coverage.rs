//! What runs of the process met: printed, and required to be more than nothing.

/// What runs met.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessCoverage {
    pub turns: u64,
    pub calls: u64,
    pub crashes: u64,
    pub decisions: u64,
    pub reviews: u64,
    pub completed: u64,
    pub cancelled: u64,
    pub declined: u64,
    pub expired: u64,
    pub failovers: u64,
    pub captured: u64,
    pub refunded: u64,
    pub changes: u64,
    pub oversold: u64,
    pub early: u64,
    pub waited: u64,
    pub served: u64,
    pub strict: u64,
    pub skip: u64,
    pub preempted: u64,
}

impl ProcessCoverage {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        let mut sum = self.rows();
        for (mine, theirs) in sum.iter_mut().zip(other.rows()) {
            mine.1 += theirs.1;
        }
        let mut sums = sum.into_iter().map(|(_, count)| count);
        let mut next = || sums.next().expect("a count for each name");
        *self = Self {
            turns: next(),
            calls: next(),
            crashes: next(),
            decisions: next(),
            reviews: next(),
            completed: next(),
            cancelled: next(),
            declined: next(),
            expired: next(),
            failovers: next(),
            captured: next(),
            refunded: next(),
            changes: next(),
            oversold: next(),
            early: next(),
            waited: next(),
            served: next(),
            strict: next(),
            skip: next(),
            preempted: next(),
        };
    }

    /// Every count with its name.
    pub fn rows(&self) -> [(&'static str, u64); 20] {
        [
            ("turns", self.turns),
            ("calls", self.calls),
            ("crashes", self.crashes),
            ("decisions", self.decisions),
            ("reviews", self.reviews),
            ("completed", self.completed),
            ("cancelled", self.cancelled),
            ("declined", self.declined),
            ("expired", self.expired),
            ("failovers", self.failovers),
            ("captured", self.captured),
            ("refunded", self.refunded),
            ("changes", self.changes),
            ("oversold", self.oversold),
            ("early", self.early),
            ("waited", self.waited),
            ("served", self.served),
            ("strict", self.strict),
            ("skip", self.skip),
            ("preempted", self.preempted),
        ]
    }
}
