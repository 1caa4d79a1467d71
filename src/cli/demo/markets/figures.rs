//! What is printed of the marketplaces, and what has to hold.

use indicatif::HumanCount;

use crate::cli::demo::verdict::Verdict;
use crate::cli::output::{counted, table};

/// One marketplace; the names are those of `--json`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(super) struct MarketFigures {
    pub name: &'static str,
    pub channel: u16,
    /// Orders that buyers made there.
    pub sold_orders: u64,
    /// Of these, orders that the engine has taken.
    pub orders_here: u64,
    /// Of these, carts that were refused because nothing was left: where a message only asks.
    pub refused: u64,
    /// Of these, orders that came by message, without an address: a person has to ask for it.
    pub asked: u64,
    /// Units of the limited SKU that are guaranteed to it.
    pub quota: u64,
    /// Units of it that were sold.
    pub quota_sold: u64,
    /// Units of it that were sold beyond the quota.
    pub oversold: u64,
    /// Webhooks that were answered.
    pub webhooks: u64,
    /// From sending a webhook to its answer, in microseconds.
    pub webhook_p50_us: u64,
    pub webhook_p99_us: u64,
    /// Changes of what it is to show that it was told of.
    pub changes: u64,
    /// From the commit of such a value to the acknowledgement of it or a newer one, in milliseconds.
    pub lag_p50_ms: u64,
    pub lag_p99_ms: u64,
    pub lag_max_ms: u64,
    /// At the end it shows what the rules give it.
    pub true_at_the_end: bool,
}

/// Every figure of the run; the names are those of `--json`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(super) struct Figures {
    pub ok: bool,
    pub failures: Vec<String>,
    pub data: String,
    pub file_system: String,
    pub sync: String,
    /// Buyers a second at each marketplace, and for how long.
    pub rate: u32,
    pub seconds: u32,
    pub markets: Vec<MarketFigures>,
    /// Units of the shared pool, its buffer, and what was sold of it, beyond it as well.
    pub pool: u64,
    pub pool_buffer: u64,
    pub pool_sold: u64,
    pub pool_oversold: u64,
    /// Orders that buyers cancelled, and how long until all marketplaces showed their units again.
    pub cancelled: u64,
    pub back_after_ms: u64,
    /// Orders that went all the way, were cancelled, or wait for a person.
    pub completed: u64,
    pub cancelled_here: u64,
    pub in_review: u64,
    /// Events that wait for a person.
    pub held: u64,
    pub verify: Verdict,
    pub duration_ms: u64,
}

impl Figures {
    /// One sentence for each claim that does not hold.
    pub(super) fn judge(&mut self) {
        let mut failures = Vec::new();
        let mut claim = |holds: bool, sentence: String| {
            if !holds {
                failures.push(sentence);
            }
        };
        for market in &self.markets {
            let name = market.name;
            let (sold, here) = (market.sold_orders, market.orders_here + market.refused);
            claim(
                sold == here,
                format!("{name} sold {sold} orders, and {here} are here"),
            );
            let oversold = market.oversold;
            claim(
                oversold == 0,
                format!("{name} sold {oversold} units beyond its quota"),
            );
            claim(
                market.quota_sold > 0 && market.webhooks > 0 && market.changes > 0,
                format!("{name} took no part in the sale"),
            );
            claim(
                market.true_at_the_end,
                format!("{name} does not show what its rules give it"),
            );
        }
        let refused: u64 = self.markets.iter().map(|market| market.refused).sum();
        claim(
            self.held == refused,
            format!("{} wait for a person", counted(self.held, "event")),
        );
        let here: u64 = self.markets.iter().map(|market| market.orders_here).sum();
        let over = self.completed + self.cancelled_here + self.in_review;
        claim(here == over, format!("{over} of {here} orders are over"));
        let asked: u64 = self.markets.iter().map(|market| market.asked).sum();
        claim(
            self.in_review == asked || self.pool_oversold > 0,
            format!("{} in review", counted(self.in_review, "order")),
        );
        claim(
            self.cancelled_here == self.cancelled,
            format!(
                "{} of {} were cancelled",
                self.cancelled_here, self.cancelled
            ),
        );
        let found = self.verify.violations;
        let offence = self.verify.offence.as_deref().unwrap_or("see its report");
        claim(
            found == 0,
            format!("verify found {}: {offence}", counted(found, "violation")),
        );
        self.ok = failures.is_empty();
        self.failures = failures;
    }

    /// The tables at the end.
    pub(super) fn tables(&self) -> String {
        let heading = [
            "CHANNEL",
            "SOLD THERE",
            "ORDERS HERE",
            "REFUSED",
            "OVERSOLD",
            "WEBHOOK p50",
            "p99",
            "PUBLISH LAG p50",
            "p99",
        ];
        let ms = |micros: u64| format!("{:.1} ms", micros as f64 / 1e3);
        let row = |market: &MarketFigures| {
            vec![
                market.name.to_owned(),
                market.sold_orders.to_string(),
                market.orders_here.to_string(),
                market.refused.to_string(),
                market.oversold.to_string(),
                ms(market.webhook_p50_us),
                ms(market.webhook_p99_us),
                format!("{} ms", market.lag_p50_ms),
                format!("{} ms", market.lag_p99_ms),
            ]
        };
        let rows: Vec<Vec<String>> = self.markets.iter().map(row).collect();
        let share = self.markets.first().map_or(0, |market| market.quota);
        let refused = match self
            .markets
            .iter()
            .map(|market| market.refused)
            .sum::<u64>()
        {
            0 => String::new(),
            refused => format!(
                "Refused: {} that asked by message for more than was left.\n",
                counted(refused, "cart")
            ),
        };
        let pool = format!(
            "The shared pool of {} units, {} of them not shown: {} sold, {} beyond it, which wait \
             in REVIEW\n(measured, not promised: the buffer has to cover what is sold while a \
             figure is on its way).",
            self.pool,
            self.pool_buffer,
            HumanCount(self.pool_sold),
            self.pool_oversold
        );
        format!(
            "\n{}\n\nOversold: units sold beyond the {share} that are guaranteed to the channel.\n\
             Webhook: from sending it to its answer, which comes when it is durable.\n\
             Publish lag: from commit of a value to acknowledgement of it or a newer one.\n\
             {refused}{pool}\n\
             Engine, marketplaces and buyers share this machine; rate limits of the marketplaces \
             are off.",
            table(&heading, &rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let market = MarketFigures {
            name: "shopify",
            sold_orders: 12,
            orders_here: 12,
            quota: 10,
            quota_sold: 10,
            webhooks: 24,
            changes: 12,
            true_at_the_end: true,
            ..MarketFigures::default()
        };
        Figures {
            markets: vec![market],
            cancelled: 2,
            cancelled_here: 2,
            completed: 10,
            ..Figures::default()
        }
    }

    type Spoil = fn(&mut Figures);

    #[test]
    fn each_claim_that_does_not_hold_is_a_sentence() {
        let mut sound = figures();
        sound.judge();
        assert_eq!((sound.ok, sound.failures), (true, Vec::new()));
        let cases: [(Spoil, &str); 6] = [
            (
                |it| it.markets[0].oversold = 1,
                "shopify sold 1 units beyond",
            ),
            (
                |it| it.markets[0].orders_here = 11,
                "sold 12 orders, and 11",
            ),
            (|it| it.markets[0].true_at_the_end = false, "does not show"),
            (|it| it.held = 1, "1 event wait"),
            (|it| it.completed = 9, "11 of 12 orders are over"),
            (|it| it.verify.violations = 3, "verify found 3 violations"),
        ];
        for (spoil, sentence) in cases {
            let mut spoilt = figures();
            spoil(&mut spoilt);
            spoilt.judge();
            let said = spoilt.failures.join("; ");
            assert!(!spoilt.ok && said.contains(sentence), "{sentence}: {said}");
        }
    }
}
