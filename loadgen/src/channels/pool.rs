//! A pool that five markets share: from which speed on it is oversold, and the buffer against it.

use std::fmt;

use anyhow::{Context, Result};

use super::sale::{Rule, Sale};
use super::shops::SHOPS;
use super::stand::ChannelStand;
use crate::args::ChannelsArguments;

/// Everything that was tried.
#[derive(Debug, serde::Serialize)]
pub struct PoolReport {
    /// Units of the pool.
    pub units: u32,
    /// In the order in which they were tried.
    pub trials: Vec<Trial>,
}

/// One sale.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Trial {
    /// Buyers a second at each market.
    pub buyers_per_s: f64,
    /// Units that are not published.
    pub buffer: u32,
    /// Units sold and granted.
    pub sold: u64,
    /// Of these, beyond the pool.
    pub oversold: u64,
}

/// Without a buffer at rising speeds until units are oversold, then with doubling buffers at that
/// speed until none is.
pub fn measure(arguments: &ChannelsArguments) -> Result<PoolReport> {
    let (units, speeds): (u32, &[f64]) = if arguments.quick {
        (60, &[10.0, 60.0])
    } else {
        (1_000, &[20.0, 50.0, 100.0, 200.0, 400.0, 800.0])
    };
    let stand = ChannelStand::in_process(arguments, false)?;
    stand.tell_orders()?;
    let mut names = 0;
    let trials = search(units, speeds, |buyers_per_s, buffer| {
        names += 1;
        eprintln!("pool: {buyers_per_s} buyers/s at each market, buffer {buffer}");
        sell(
            &stand,
            &format!("pool-{names}"),
            units,
            buyers_per_s,
            buffer,
        )
    })?;
    Ok(PoolReport { units, trials })
}

/// Which trials to make; see [`measure`].
fn search(
    units: u32,
    speeds: &[f64],
    mut sell: impl FnMut(f64, u32) -> Result<Trial>,
) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for &speed in speeds {
        let trial = sell(speed, 0)?;
        trials.push(trial);
        if trial.oversold == 0 {
            continue;
        }
        let mut buffer = 1;
        while buffer < units {
            let trial = sell(speed, buffer)?;
            trials.push(trial);
            if trial.oversold == 0 {
                break;
            }
            buffer *= 2;
        }
        break;
    }
    Ok(trials)
}

fn sell(
    stand: &ChannelStand,
    sku: &str,
    units: u32,
    buyers_per_s: f64,
    buffer: u32,
) -> Result<Trial> {
    let mut sale = Sale::new(stand, vec![sku.to_owned()], units)?;
    sale.rule(Rule::Pool(buffer))?;
    sale.settle()?;
    // Half as long again as it takes to sell everything.
    let seconds = f64::from(units) / (buyers_per_s * SHOPS.len() as f64) * 1.5 + 1.0;
    sale.open(buyers_per_s, seconds, Some(sku))?;
    let sold = sale.close(seconds)?;
    let sold = sold.first().context("no account of the SKU")?;
    eprintln!(
        "  by market {:?}, promised {}",
        sold.by_market, sold.promised
    );
    Ok(Trial {
        buyers_per_s,
        buffer,
        sold: sold.promised.max(sold.by_market.iter().sum()),
        oversold: sold.beyond_stock(),
    })
}

impl fmt::Display for PoolReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a pool of {} units shared by five markets:", self.units)?;
        writeln!(f, "| buyers/s at each market | buffer | sold | oversold |")?;
        writeln!(f, "|---:|---:|---:|---:|")?;
        for trial in &self.trials {
            let Trial {
                buyers_per_s,
                buffer,
                sold,
                oversold,
            } = trial;
            writeln!(f, "| {buyers_per_s} | {buffer} | {sold} | {oversold} |")?;
        }
        let unbuffered = self.trials.iter().rfind(|trial| trial.buffer == 0);
        let seen = unbuffered.map_or(0, |trial| trial.oversold);
        match self.trials.last() {
            Some(last) if seen > 0 && last.oversold == 0 => write!(
                f,
                "a buffer of {} removes the {seen} oversold units at {} buyers/s ({:.1} % of the pool)",
                last.buffer,
                last.buyers_per_s,
                f64::from(last.buffer) * 100.0 / f64::from(self.units)
            ),
            Some(last) if seen > 0 => {
                write!(f, "no buffer up to {} removes the overselling", last.buffer)
            }
            _ => write!(f, "nothing was oversold at these speeds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool that is oversold from 50 buyers a second on, by what a buffer of 5 covers.
    #[allow(clippy::unnecessary_wraps)] // in the place of a sale, which can fail
    fn pretended(buyers_per_s: f64, buffer: u32) -> Result<Trial> {
        let oversold = if buyers_per_s < 50.0 { 0 } else { 5_u64 };
        Ok(Trial {
            buyers_per_s,
            buffer,
            sold: 100,
            oversold: oversold.saturating_sub(u64::from(buffer)),
        })
    }

    #[test]
    fn the_speed_rises_until_units_are_oversold_and_then_the_buffer_until_none_is() {
        let trials = search(100, &[20.0, 60.0, 90.0], pretended).unwrap();
        let tried: Vec<(f64, u32, u64)> = trials
            .iter()
            .map(|trial| (trial.buyers_per_s, trial.buffer, trial.oversold))
            .collect();
        let wanted = [
            (20.0, 0, 0),
            (60.0, 0, 5),
            (60.0, 1, 4),
            (60.0, 2, 3),
            (60.0, 4, 1),
            (60.0, 8, 0),
        ];
        assert_eq!(tried, wanted);
        let report = PoolReport { units: 100, trials };
        let text = report.to_string();
        assert!(text.contains("| 60 | 4 | 100 | 1 |"), "{text}");
        assert!(text.contains("a buffer of 8 removes the 5"), "{text}");
    }

    #[test]
    fn a_pool_that_no_speed_oversells_and_a_buffer_that_does_not_help_are_said() {
        let trials = search(100, &[20.0, 30.0], pretended).unwrap();
        let report = PoolReport { units: 100, trials };
        assert!(report.to_string().contains("nothing was oversold"));
        let trials = search(4, &[60.0], pretended).unwrap();
        let report = PoolReport { units: 4, trials };
        assert!(report.to_string().contains("no buffer up to 2"));
    }
}
