//! Onhand beside what it replaces, under the same load on the same machine.
//!
//! ```text
//!  load:     2,000 signed deliveries at once, then 500/s: orders for less stock than they want
//!  ours:     server with an order process that confirms and tells ──────────────┐
//!  theirs:   gateway ─▶ Redis (queue) ─▶ workers ─▶ PostgreSQL ─▶ message ──────┤
//!  run:      answer, durable stock decision, customer told, books ◀─────────────┘
//! ```
//!
//! Both have a sandbox of their own, whose WhatsApp says when a customer was told. They run one
//! after the other, in changing order.

mod database;
mod gateway;
mod load;
mod messages;
mod ours;
mod programs;
mod queue;
mod run;
mod servers;
mod theirs;
mod worker;

use std::fmt;

use anyhow::Result;

use super::sender::Plan;
use crate::args::ChannelsArguments;
use crate::process::median;
use load::Load;
use ours::Ours;
use programs::Programs;
use run::{Measured, System, run};
use theirs::Theirs;

/// Rounds, each with fresh servers.
const ROUNDS: u64 = 3;

/// Longest steady stream, in seconds: its figures do not change any more.
const SECONDS_MAX: f64 = 60.0;

/// Everything that was measured.
#[derive(Debug, Default, serde::Serialize)]
pub struct PeerReport {
    /// What is not installed, where nothing was measured for that.
    pub skipped: Option<String>,
    /// Deliveries a second of the steady stream.
    pub rate: u64,
    /// One after the other.
    pub rounds: Vec<Round>,
}

/// Both loads, on servers of their own.
#[derive(Debug, serde::Serialize)]
pub struct Round {
    /// All at once.
    pub burst: Pair,
    /// A steady stream.
    pub steady: Pair,
}

/// One load on both.
#[derive(Debug, serde::Serialize)]
pub struct Pair {
    /// Onhand.
    pub ours: Measured,
    /// The chain that it replaces.
    pub theirs: Measured,
}

/// The loads of a round.
struct Loads {
    warm: Load,
    burst: Load,
    steady: Load,
}

impl Loads {
    fn new(arguments: &ChannelsArguments, rate: u64) -> Result<Self> {
        let (count, connections) = if arguments.quick {
            (100, 16)
        } else {
            (2_000, 64)
        };
        let seconds = arguments.load_seconds().min(SECONDS_MAX);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most a minute's
        let sustained = ((seconds * rate as f64) as usize).max(1);
        let plan = |count, gap_ns| Plan {
            count,
            connections,
            gap_ns,
        };
        Ok(Self {
            warm: Load::new(0, plan(count / 10, 0))?,
            burst: Load::new(1, plan(count, 0))?,
            steady: Load::new(2, plan(sustained, 1_000_000_000 / rate))?,
        })
    }

    fn orders(&self) -> u64 {
        let all = [&self.warm, &self.burst, &self.steady];
        all.iter().map(|load| load.orders.len() as u64).sum()
    }

    /// Sends them, the first one only so that connections, statements and caches are there.
    fn run(&self, system: &dyn System) -> Result<[Measured; 2]> {
        run(system, &self.warm)?;
        Ok([run(system, &self.burst)?, run(system, &self.steady)?])
    }
}

/// Measures both, or says what is not installed.
pub fn measure(arguments: &ChannelsArguments) -> Result<PeerReport> {
    let (rounds, rate) = if arguments.quick {
        (1, 50)
    } else {
        (ROUNDS, 500)
    };
    let mut report = PeerReport {
        rate,
        ..PeerReport::default()
    };
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(missing) => {
            report.skipped = Some(missing);
            return Ok(report);
        }
    };
    let loads = Loads::new(arguments, rate)?;
    for round in 0..rounds {
        eprintln!("peer: round {} of {rounds}", round + 1);
        let ours = || loads.run(&Ours::start(arguments, loads.orders())?);
        let theirs = || loads.run(&Theirs::start(arguments, &programs)?);
        let (ours, theirs) = if round % 2 == 0 {
            let ours = ours()?;
            (ours, theirs()?)
        } else {
            let theirs = theirs()?;
            (ours()?, theirs)
        };
        let ([ours_burst, ours_steady], [theirs_burst, theirs_steady]) = (ours, theirs);
        report.rounds.push(Round {
            burst: Pair {
                ours: ours_burst,
                theirs: theirs_burst,
            },
            steady: Pair {
                ours: ours_steady,
                theirs: theirs_steady,
            },
        });
    }
    Ok(report)
}

impl PeerReport {
    /// The books of both are right: a figure of a system that loses orders is none.
    pub fn is_right(&self) -> bool {
        let pairs = self.rounds.iter().flat_map(|it| [&it.burst, &it.steady]);
        pairs
            .flat_map(|pair| [&pair.ours, &pair.theirs])
            .all(Measured::is_right)
    }
}

/// A time that is compared, in milliseconds.
type Time = (&'static str, fn(&Measured) -> f64);

const TIMES: [Time; 9] = [
    ("answered, p50", |it| it.answer_us.p50 / 1e3),
    ("answered, p99", |it| it.answer_us.p99 / 1e3),
    ("all answered after", |it| it.answered_s * 1e3),
    ("stock decided durably, p50", |it| it.decided_us.p50 / 1e3),
    ("stock decided durably, p99", |it| it.decided_us.p99 / 1e3),
    ("stock decided durably, slowest", |it| {
        it.decided_us.max / 1e3
    }),
    ("customer told, p50", |it| it.told_us.p50 / 1e3),
    ("customer told, p99", |it| it.told_us.p99 / 1e3),
    ("customer told, slowest", |it| it.told_us.max / 1e3),
];

/// Something that is counted, at best 0.
type Count = (&'static str, fn(&Measured) -> u64);

const COUNTS: [Count; 5] = [
    ("answers 503", |it| it.busy),
    ("orders lost", Measured::lost),
    ("units oversold", Measured::oversold),
    ("counted or told twice", Measured::duplicates),
    ("buyers not told", |it| {
        u64::from(it.units).saturating_sub(it.told)
    }),
];

/// A load's table in Markdown, of all rounds.
fn table(f: &mut fmt::Formatter<'_>, what: &str, pairs: &[&Pair]) -> fmt::Result {
    let Some(Pair { ours: one, .. }) = pairs.first() else {
        return Ok(());
    };
    writeln!(
        f,
        "peer, {what}: {} deliveries, {} of them repeats; {} orders for {} units; medians of {}",
        one.deliveries,
        one.deliveries - one.orders,
        one.orders,
        one.units,
        pairs.len()
    )?;
    writeln!(
        f,
        "| | Onhand | gateway, Redis, workers, PostgreSQL | ratio |"
    )?;
    writeln!(f, "|---|---:|---:|---:|")?;
    for (name, of) in TIMES {
        let ours = pairs.iter().map(|pair| of(&pair.ours));
        let theirs = pairs.iter().map(|pair| of(&pair.theirs));
        let (ours, theirs) = (median(ours.collect()), median(theirs.collect()));
        let ratio = if theirs > 0.0 {
            format!("{:.2}", ours / theirs)
        } else {
            "–".to_owned()
        };
        writeln!(f, "| {name} | {ours:.1} ms | {theirs:.1} ms | {ratio} |")?;
    }
    for (name, of) in COUNTS {
        let ours: u64 = pairs.iter().map(|pair| of(&pair.ours)).sum();
        let theirs: u64 = pairs.iter().map(|pair| of(&pair.theirs)).sum();
        writeln!(f, "| {name}, all rounds | {ours} | {theirs} | |")?;
    }
    Ok(())
}

impl fmt::Display for PeerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(skipped) = &self.skipped {
            return write!(f, "peer: {skipped}");
        }
        let burst: Vec<&Pair> = self.rounds.iter().map(|it| &it.burst).collect();
        let steady: Vec<&Pair> = self.rounds.iter().map(|it| &it.steady).collect();
        table(f, "at once", &burst)?;
        table(f, &format!("{}/s", self.rate), &steady)?;
        write!(
            f,
            "peer: ratio is Onhand's of the other's: below 1, Onhand is sooner"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::run::tests::right;
    use super::*;

    fn round(ours: Measured, theirs: Measured) -> Round {
        let steady = Pair {
            ours: ours.clone(),
            theirs: theirs.clone(),
        };
        let burst = Pair { ours, theirs };
        Round { burst, steady }
    }

    #[test]
    fn figures_stand_beside_each_other_with_their_ratio() {
        let (mut ours, mut theirs) = (right(), right());
        ours.answer_us.p99 = 10_000.0;
        theirs.answer_us.p99 = 40_000.0;
        let report = PeerReport {
            rate: 50,
            rounds: vec![round(ours, theirs)],
            ..PeerReport::default()
        };
        let text = report.to_string();
        assert!(report.is_right());
        assert!(
            text.contains("| answered, p99 | 10.0 ms | 40.0 ms | 0.25 |"),
            "{text}"
        );
        assert!(
            text.contains("20 deliveries, 1 of them repeats; 19 orders for 17 units"),
            "{text}"
        );
        assert!(text.contains("| units oversold, all rounds | 0 | 0 | |"));
    }

    #[test]
    fn books_that_are_wrong_on_either_side_make_the_report_wrong() {
        let mut wrong = right();
        wrong.told_again = 1;
        for (ours, theirs) in [(wrong.clone(), right()), (right(), wrong)] {
            let report = PeerReport {
                rounds: vec![round(ours, theirs)],
                ..PeerReport::default()
            };
            assert!(!report.is_right());
            assert!(report.to_string().contains("counted or told twice"));
        }
    }

    #[test]
    fn what_is_not_installed_is_said_and_is_no_error() {
        let report = PeerReport {
            skipped: Some("skipped: needs redis-server".to_owned()),
            ..PeerReport::default()
        };
        assert!(report.is_right());
        assert_eq!(report.to_string(), "peer: skipped: needs redis-server");
    }

    #[test]
    fn a_long_run_is_cut_and_loads_share_no_order() {
        let line = ["onhand-loadgen", "channels", "--seconds", "3600"];
        let parsed = <crate::args::Arguments as clap::Parser>::try_parse_from(line).unwrap();
        let crate::args::Command::Channels(arguments) = parsed.command else {
            panic!("the line says channels");
        };
        let loads = Loads::new(&arguments, 500).unwrap();
        assert_eq!(loads.steady.deliveries.len(), 30_000);
        let last = loads.burst.orders.last().unwrap().number;
        assert!(last < loads.steady.orders[0].number);
        assert_eq!(loads.orders(), 190 + 1_900 + 28_500);
    }
}
