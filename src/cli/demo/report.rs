//! What is printed, and what has to hold.

use hdrhistogram::Histogram;
use indicatif::HumanCount;

use super::acts::ActFigures;
use super::inquiry::Stock;
use super::mix::MixCounts;
use super::verdict::Verdict;
use crate::cli::output::counted;

/// Time from send to reply read, in microseconds.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Latency {
    pub count: u64,
    pub p50: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

impl Latency {
    pub(super) fn new(histogram_ns: &Histogram<u64>) -> Self {
        let at = |quantile| histogram_ns.value_at_quantile(quantile) / 1_000;
        Self {
            count: histogram_ns.len(),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram_ns.max() / 1_000,
        }
    }
}

/// Every figure of the run; the names are those of `--json`.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Figures {
    pub ok: bool,
    pub failures: Vec<String>,
    pub data: String,
    pub file_system: String,
    pub file_system_in_memory: bool,
    pub sync: String,
    pub seed: u64,
    pub connections: u64,
    pub offered: u64,
    pub stock: u64,
    pub accepted: u64,
    pub sold_out: u64,
    pub acknowledged_before_kill: u64,
    pub acknowledged_before_kill_percent: f64,
    pub accepted_before_kill: u64,
    /// Orders of the sale without an answer.
    pub in_flight_at_kill: u64,
    /// Requests of the background mix without an answer.
    pub background_in_flight_at_kill: u64,
    pub replayed: u64,
    pub executed_but_unanswered_at_kill: u64,
    pub units_sold: u64,
    pub hot_stock: Stock,
    pub oversold: u64,
    pub acknowledged_then_lost: u64,
    pub acknowledged_twice: u64,
    pub contradictions: u64,
    pub orders_queried: u64,
    pub background_orders: u64,
    pub busy: u64,
    pub ledger_lines: u64,
    pub verify: Verdict,
    /// Orders on their way through providers; none with `--sale-only`.
    pub acts: Option<ActFigures>,
    pub recovered_records: u64,
    pub recovery_ms: u64,
    pub restart_ms: u64,
    pub yours_us: Latency,
    pub sold_out_us: Latency,
    pub duration_ms: u64,
}

/// Adds a sentence where a claim does not hold.
fn claim(failures: &mut Vec<String>, holds: bool, sentence: impl FnOnce() -> String) {
    if !holds {
        failures.push(sentence());
    }
}

impl Figures {
    /// One sentence for each claim that does not hold; `kept` are contradictions, word for word.
    pub(super) fn judge(&mut self, kept: &[String]) {
        let mut failures = Vec::new();
        self.judge_kill(&mut failures);
        self.judge_outcome(&mut failures);
        self.judge_opinions(kept, &mut failures);
        if let Some(acts) = &self.acts {
            acts.judge(|holds, sentence| claim(&mut failures, holds, || sentence));
        }
        self.ok = failures.is_empty();
        self.failures = failures;
    }

    /// Without these the run shows nothing.
    fn judge_kill(&self, failures: &mut Vec<String>) {
        let percent = self.acknowledged_before_kill_percent;
        claim(failures, (30.0..=70.0).contains(&percent), || {
            format!("the engine was killed with {percent:.1} % acknowledged, not 30 to 70 %")
        });
        claim(failures, self.in_flight_at_kill > 0, || {
            "no order was in flight when the engine was killed".to_owned()
        });
        claim(failures, self.replayed > 0, || {
            "no answer was replayed".to_owned()
        });
    }

    fn judge_outcome(&self, failures: &mut Vec<String>) {
        let (accepted, stock, sold) = (self.accepted, self.stock, self.units_sold);
        claim(failures, accepted == stock, || {
            format!("{accepted} orders were accepted for {stock} units")
        });
        let (answered, offered) = (accepted + self.sold_out, self.offered);
        claim(failures, answered == offered, || {
            format!("{answered} of {offered} customers got an answer")
        });
        let on_hand = self.hot_stock.on_hand;
        claim(failures, sold == stock && on_hand == stock, || {
            format!("{sold} units are sold and {on_hand} in stock, not {stock}")
        });
        let oversold = self.oversold.max(self.hot_stock.short);
        claim(failures, oversold == 0, || {
            format!("{oversold} units were sold twice")
        });
    }

    fn judge_opinions(&self, kept: &[String], failures: &mut Vec<String>) {
        let (lost, twice) = (self.acknowledged_then_lost, self.acknowledged_twice);
        claim(failures, lost == 0, || {
            format!("{} acknowledged and then lost", counted(lost, "order"))
        });
        claim(failures, twice == 0, || {
            format!("{} acknowledged twice", counted(twice, "order"))
        });
        let found = self.contradictions;
        claim(failures, found == 0, || {
            let words = kept.join("; ");
            format!("{}: {words}", counted(found, "contradiction"))
        });
        let (queried, orders) = (self.orders_queried, self.offered + self.background_orders);
        claim(failures, queried == orders, || {
            format!("{queried} of {orders} orders were queried")
        });
        let found = self.verify.violations;
        claim(failures, found == 0, || {
            let offence = self.verify.offence.as_deref().unwrap_or("see its report");
            format!("verify found {}: {offence}", counted(found, "violation"))
        });
        let (read, lines) = (self.verify.acknowledgements, self.ledger_lines);
        claim(failures, read == lines, || {
            format!("verify read {read} of {lines} acknowledgements")
        });
    }

    /// The tables at the end.
    pub(super) fn tables(&self) -> String {
        let rows = self.rows();
        let widths = rows.iter().map(|(_, value, _)| value.len());
        let wide = widths.max().unwrap_or(0);
        let mut lines: Vec<String> = rows
            .iter()
            .map(|(name, value, unit)| format!("  {name:<26}{value:>wide$} {unit}"))
            .collect();
        lines.push(format!(
            "\n  {:<26}{:>9}{:>10}{:>10}",
            "reply after, in µs", "p50", "p99", "p99.9"
        ));
        for (name, latency) in [
            ("\"yours\"", self.yours_us),
            ("\"sold out\"", self.sold_out_us),
        ] {
            let [p50, p99, p999] = [latency.p50, latency.p99, latency.p999]
                .map(|microseconds| HumanCount(microseconds).to_string());
            lines.push(format!("  {name:<26}{p50:>9}{p99:>10}{p999:>10}"));
        }
        lines.push(
            "  (from the write of an order to the read of its first reply, on one machine with \
             the\n  crowd; a reply leaves when its record is on the disk)"
                .to_owned(),
        );
        lines.join("\n")
    }

    fn rows(&self) -> Vec<(&'static str, String, &'static str)> {
        let row = |name, number, unit| (name, HumanCount(number).to_string(), unit);
        let seconds = format!("{:.1}", self.duration_ms as f64 / 1_000.0);
        let before_kill = self.acknowledged_before_kill;
        vec![
            row(
                "offered",
                self.offered,
                "orders, one a customer, one a frame",
            ),
            row("accepted", self.accepted, "orders of one unit"),
            row("sold out", self.sold_out, "orders"),
            row("acknowledged before kill", before_kill, "orders"),
            row(
                "in flight at kill",
                self.in_flight_at_kill,
                "orders without an answer",
            ),
            row(
                "replayed",
                self.replayed,
                "answers given again, not decided again",
            ),
            row("stock", self.stock, "units"),
            row("units sold", self.units_sold, "units"),
            row("oversold", self.oversold, "units"),
            row(
                "acknowledged then lost",
                self.acknowledged_then_lost,
                "orders",
            ),
            row("acknowledged twice", self.acknowledged_twice, "orders"),
            row("recovery", self.recovery_ms, "ms"),
            ("duration", seconds, "s"),
        ]
    }
}

/// What happened beside the sale, in a sentence.
pub(super) fn mix_sentence(mix: &MixCounts) -> String {
    let count = |number: u64| HumanCount(number).to_string();
    format!(
        "{} orders beside it: {} baskets, {} placed, {} confirmed, {} released, {} sent twice, {} \
         sold out",
        count(mix.orders),
        count(mix.baskets),
        count(mix.placed),
        count(mix.confirmed),
        count(mix.released),
        count(mix.duplicates),
        count(mix.refused)
    )
}
