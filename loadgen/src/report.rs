//! What a run measured, for people and for programs.

use std::fmt;

use crate::books::BooksReport;
use crate::conditions::Conditions;
use crate::scenario::Scenario;
use crate::tally::{Counts, LatencySummary, Tally};

/// The result of one run; its JSON form is stable.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunReport {
    /// What was ordered.
    pub scenario: Scenario,
    /// Counts by kind of answer.
    #[serde(flatten)]
    pub counts: Counts,
    /// From the first order to the last answer.
    pub seconds: f64,
    /// Decided orders a second: what was put off or failed does not count.
    pub orders_per_s: f64,
    /// Latency of all answers, in microseconds.
    pub latency_us: LatencySummary,
    /// Latency of accepted orders, in microseconds.
    pub winners_us: LatencySummary,
    /// Latency of refused orders, in microseconds.
    pub losers_us: LatencySummary,
    /// Follow-up commands sent, and how many failed.
    pub commands: u64,
    /// Follow-up commands that were not answered with success.
    pub commands_failed: u64,
    /// Bytes by which the journal grew for a decided order, if the server tells.
    pub journal_bytes_per_order: Option<f64>,
    /// The comparison of the books.
    pub books: BooksReport,
    /// The first answer that no scenario expects.
    pub surprise: Option<String>,
    /// Why the run ended early.
    pub ended: Option<String>,
    /// Under which conditions.
    pub conditions: Conditions,
}

impl RunReport {
    /// The report of a tally; what is not in it is empty.
    pub fn new(tally: &Tally, conditions: Conditions) -> Self {
        Self {
            scenario: Scenario::Uniform,
            counts: tally.counts,
            seconds: 0.0,
            orders_per_s: 0.0,
            latency_us: tally.latency().summary(),
            winners_us: tally.winners.summary(),
            losers_us: tally.losers.summary(),
            commands: tally.commands,
            commands_failed: tally.commands_failed,
            journal_bytes_per_order: None,
            books: BooksReport::default(),
            surprise: None,
            ended: None,
            conditions,
        }
    }

    /// Fills in what follows from counts, seconds and the server's counter of journal bytes.
    pub fn complete(&mut self, before: Option<&u64>, after: Option<&u64>) {
        let decided = self.counts.decided() as f64;
        if self.seconds > 0.0 {
            self.orders_per_s = decided / self.seconds;
        }
        self.journal_bytes_per_order = before
            .zip(after)
            .filter(|_| decided > 0.0)
            .map(|(before, after)| after.saturating_sub(*before) as f64 / decided);
    }

    /// True where everything that was told holds.
    pub fn is_right(&self) -> bool {
        self.books.is_right()
            && self.ended.is_none()
            && self.counts.errors == 0
            && self.commands_failed == 0
            && self.surprise.is_none()
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(f, "offered      {:>14}", grouped(counts.offered))?;
        writeln!(f, "  accepted   {:>14}", grouped(counts.accepted))?;
        writeln!(f, "  rejected   {:>14}", grouped(counts.rejected))?;
        writeln!(f, "  replayed   {:>14}", grouped(counts.replayed))?;
        writeln!(f, "  conflicts  {:>14}", grouped(counts.conflicts))?;
        writeln!(f, "  overloaded {:>14}", grouped(counts.overloaded))?;
        writeln!(f, "  errors     {:>14}", grouped(counts.errors))?;
        if self.commands > 0 {
            let (sent, failed) = (grouped(self.commands), self.commands_failed);
            writeln!(f, "commands     {sent:>14}   ({failed} failed)")?;
        }
        writeln!(f, "seconds      {:>14.3}", self.seconds)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rate, rounded
        let rate = self.orders_per_s.round() as u64;
        writeln!(f, "orders/s     {:>14}", grouped(rate))?;
        if let Some(bytes) = self.journal_bytes_per_order {
            writeln!(f, "journal      {bytes:>14.1}   bytes an order")?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "latency, µs         p50        p90        p99      p99.9        max"
        )?;
        for (name, latency) in [
            ("all", self.latency_us),
            ("yours", self.winners_us),
            ("sold out", self.losers_us),
        ] {
            let LatencySummary {
                p50,
                p90,
                p99,
                p999,
                max,
            } = latency;
            writeln!(
                f,
                "{name:<12} {p50:>10.1} {p90:>10.1} {p99:>10.1} {p999:>10.1} {max:>10.1}"
            )?;
        }
        writeln!(f)?;
        let books = &self.books;
        if books.is_right() {
            writeln!(f, "books match: {} SKUs, {} units", books.skus, books.units)?;
        } else {
            writeln!(f, "BOOKS ARE WRONG, {} discrepancies:", books.wrong)?;
            for line in &books.discrepancies {
                writeln!(f, "  {line}")?;
            }
        }
        if let Some(surprise) = &self.surprise {
            writeln!(f, "unexpected answer: {surprise}")?;
        }
        if let Some(ended) = &self.ended {
            writeln!(f, "ended early: {ended}")?;
        }
        write!(f, "{}", self.conditions.sentence())
    }
}

/// A number with thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_every_documented_field() {
        let mut tally = Tally::default();
        tally.counts.offered = 4;
        tally.counts.accepted = 4;
        let mut report = RunReport::new(&tally, Conditions::here(1));
        report.seconds = 2.0;
        report.complete(Some(&1_000), Some(&1_400));
        let json = serde_json::to_value(&report).unwrap();
        for field in [
            "offered",
            "accepted",
            "rejected",
            "replayed",
            "conflicts",
            "overloaded",
            "errors",
            "seconds",
            "orders_per_s",
            "latency_us",
            "winners_us",
            "losers_us",
            "journal_bytes_per_order",
            "conditions",
        ] {
            assert!(!json[field].is_null(), "{field}");
        }
        for percentile in ["p50", "p90", "p99", "p999", "max"] {
            assert!(json["latency_us"][percentile].is_number());
        }
        assert_eq!(json["orders_per_s"], 2.0);
        assert_eq!(json["journal_bytes_per_order"], 100.0);
        assert!(report.is_right() && report.to_string().contains("books match"));
    }

    #[test]
    fn anything_off_makes_a_run_wrong() {
        let spoil: [fn(&mut RunReport); 5] = [
            |report| report.books.wrong = 1,
            |report| report.counts.errors = 1,
            |report| report.commands_failed = 1,
            |report| report.ended = Some("closed".into()),
            |report| report.surprise = Some("UNKNOWN_SKU".into()),
        ];
        for spoil in spoil {
            let mut report = RunReport::new(&Tally::default(), Conditions::here(1));
            assert!(report.is_right());
            spoil(&mut report);
            assert!(!report.is_right());
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
