//! Deterministic simulation of the whole engine: see `sim/harness.rs` for what it drives and
//! checks, and `sim/disk.rs` for what may go wrong.
//!
//! - `cargo test --test sim` runs 300 seeds; `SIM_SEEDS=N` another number of them, `SIM_FIRST=N`
//!   others, `SIM_COMMANDS=N` another length.
//! - `SIM_SEED=N` runs that one and prints what happens (`-- --nocapture`).
//! - `SIM_FOREVER=1` runs without end, from a seed of the clock's choosing.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing)] // a panic is how a simulation reports

mod sim {
    mod audit;
    pub mod channels;
    mod clients;
    mod codec;
    pub mod coverage;
    mod disk;
    mod disk_tests;
    pub mod harness;
    mod model;
    mod node;
    mod prng;
    pub mod process;
    mod regressions;
    mod replies;
    mod request;
    mod restart;
    pub mod seeds;
    mod tail;
    pub mod trace;
    mod turn;
    mod workload;
}

use sim::harness::Length;
use sim::seeds::{LENGTH, Outcome, replay_command, run_seed, run_seeds};
use sim::trace::Trace;
use std::time::Duration;

const SEEDS: u64 = 300;

const PROCESS_SEEDS: u64 = 100;

const CHANNEL_SEEDS: u64 = 40;

/// A run that is long enough to crash and recover.
const SHORT: Length = Length {
    commands: 600,
    crashes: 3,
    flips: true,
};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
    )
}

fn length() -> Length {
    Length {
        commands: number("SIM_COMMANDS").unwrap_or(LENGTH.commands),
        ..LENGTH
    }
}

fn report(outcome: &Outcome) {
    println!("{} seeds", outcome.seeds);
    for (name, count) in outcome.coverage.rows() {
        println!("{count:>12}  {name}");
    }
}

fn check(outcome: &Outcome) {
    if let Some((seed, message)) = &outcome.failure {
        panic!(
            "seed {seed} fails: {message}\nagain: {}",
            replay_command(*seed)
        );
    }
}

#[test]
fn seeds_run_without_a_lost_or_wrong_answer_and_meet_what_they_are_about() {
    if let Some(seed) = number("SIM_SEED") {
        run_seed(seed, length(), Trace::Print);
        return;
    }
    if std::env::var_os("SIM_FOREVER").is_some() {
        forever();
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS);
    let first = number("SIM_FIRST").unwrap_or(1);
    let outcome = run_seeds(first, seeds, length(), || ());
    report(&outcome);
    check(&outcome);
    if seeds < SEEDS {
        return;
    }
    let met = &outcome.coverage;
    for (name, count) in [
        ("torn tails", met.torn_tails),
        ("holds expired", met.expired),
        ("replays", met.replays),
        ("conflicts", met.conflicts),
        ("stale versions", met.stale_versions),
        ("holes below later batches", met.holes),
        ("segment switches", met.segment_switches),
        ("recycled segments", met.recycled),
        ("failed syncs", met.failed_syncs),
        ("bit flips refused", met.damage_refused),
        ("disk full", met.full),
    ] {
        assert!(count > 0, "{seeds} seeds met no {name}");
    }
    assert!(met.crashes >= 3 * seeds, "every seed crashes three times");
    assert!(met.commands >= LENGTH.commands * seeds);
}

fn forever() -> ! {
    let clock = std::time::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO);
    let mut first = clock.as_secs() << 16;
    loop {
        let outcome = run_seeds(first, 100, length(), || ());
        report(&outcome);
        check(&outcome);
        first += 100;
    }
}

/// Runs the seed named in `SIM_TRACE_HASH` and prints the hash of its trace: the other half of the
/// test below, in a process of its own.
#[test]
fn trace_hash_of_the_seed_that_is_asked_for() {
    if let Some(seed) = number("SIM_TRACE_HASH") {
        let (_, trace) = run_seed(seed, SHORT, Trace::hashing());
        println!("trace {}", trace.hash().unwrap());
    }
}

#[test]
fn a_seed_does_the_same_in_every_process_and_another_seed_does_not() {
    let other_process = |seed: u64| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--nocapture",
                "--exact",
                "trace_hash_of_the_seed_that_is_asked_for",
            ])
            .env("SIM_TRACE_HASH", seed.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let hash = text
            .split("trace ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        hash.unwrap_or_else(|| panic!("no hash in {text}"))
            .to_owned()
    };
    let here = run_seed(7, SHORT, Trace::hashing()).1.hash().unwrap();
    assert_eq!(here, other_process(7));
    assert_ne!(here, other_process(8));
}

/// Deliberate faults of the product, each of which must be found.
#[cfg(feature = "mutants")]
mod mutants {
    use super::*;
    use onhand::mutants::{Mutant, set};

    fn is_caught(mutant: Mutant) {
        // Without flipped bits, so that each is caught by what it does and not by the way.
        let length = Length {
            flips: false,
            ..LENGTH
        };
        let outcome = run_seeds(1, SEEDS, length, || set(Some(mutant)));
        let caught = outcome.failure.as_ref();
        let (seed, message) = caught.unwrap_or_else(|| {
            panic!("{mutant:?} was not caught in {} seeds", outcome.seeds);
        });
        println!("{mutant:?} is caught by seed {seed}: {message}");
    }

    #[test]
    fn acknowledging_before_the_sync_is_caught() {
        is_caught(Mutant::AckBeforeSync);
    }

    #[test]
    fn forgetting_to_release_an_expired_hold_is_caught() {
        is_caught(Mutant::ForgetReleaseOnExpiry);
    }

    #[test]
    fn skipping_the_duplicate_check_is_caught() {
        is_caught(Mutant::SkipDuplicateCheck);
    }

    fn is_caught_by_channels(mutant: Mutant) {
        let caught = (1..=CHANNEL_SEEDS).find_map(|seed| {
            let run = std::panic::catch_unwind(|| {
                set(Some(mutant));
                sim::channels::run_channel_seed(seed);
            });
            set(None);
            run.err().map(|_| seed)
        });
        let seed = caught.unwrap_or_else(|| panic!("{mutant:?} was not caught"));
        println!("{mutant:?} is caught by seed {seed} of the channels");
    }

    #[test]
    fn forgetting_the_quota_of_an_order_that_a_channel_had_sold_is_caught() {
        is_caught_by_channels(Mutant::ForgetQuotaOfFact);
    }

    #[test]
    fn offering_what_is_guaranteed_to_other_channels_is_caught() {
        is_caught_by_channels(Mutant::OfferGuaranteed);
    }

    #[test]
    fn writing_an_item_beside_its_own_write_is_caught() {
        is_caught_by_channels(Mutant::WriteBesideWrite);
    }

    #[test]
    fn taking_stale_bytes_of_a_recycled_segment_is_caught() {
        is_caught(Mutant::StaleRecycled);
    }

    #[test]
    fn trusting_the_cache_after_a_failed_sync_is_caught() {
        is_caught(Mutant::TrustCacheAfterFailedSync);
    }
}

/// Seeds of the order process: `SIM_PROCESS_SEED=N` runs that one, `SIM_SEEDS=N` another number.
#[test]
fn orders_reach_an_end_paid_once_or_not_at_all_whatever_providers_and_crashes_do() {
    use sim::process::{ProcessCoverage, run_process_seed};
    if let Some(seed) = number("SIM_PROCESS_SEED") {
        println!("{:#?}", run_process_seed(seed));
        return;
    }
    let first = number("SIM_FIRST").unwrap_or(1);
    let seeds = number("SIM_SEEDS").unwrap_or(PROCESS_SEEDS);
    let mut met = ProcessCoverage::default();
    for seed in first..first + seeds {
        let run = std::panic::catch_unwind(|| run_process_seed(seed));
        let coverage = run.unwrap_or_else(|_| {
            panic!("again: SIM_PROCESS_SEED={seed} cargo test --test sim -- --nocapture orders")
        });
        met.add(&coverage);
    }
    println!("{seeds} seeds: {met:#?}");
    if seeds >= PROCESS_SEEDS {
        for (name, count) in met.rows() {
            assert!(count > 0, "{seeds} seeds met no {name}");
        }
    }
}

/// Seeds of the channels: `SIM_CHANNEL_SEED=N` runs that one, `SIM_SEEDS=N` another number.
#[test]
fn channels_sell_no_more_than_their_quotas_and_learn_what_is_left_whatever_crashes_do() {
    use sim::channels::{ChannelCoverage, run_channel_seed};
    if let Some(seed) = number("SIM_CHANNEL_SEED") {
        println!("{:#?}", run_channel_seed(seed));
        return;
    }
    let first = number("SIM_FIRST").unwrap_or(1);
    let seeds = number("SIM_SEEDS").unwrap_or(CHANNEL_SEEDS);
    let mut met = ChannelCoverage::default();
    for seed in first..first + seeds {
        let run = std::panic::catch_unwind(|| run_channel_seed(seed));
        let coverage = run.unwrap_or_else(|_| {
            panic!(
                "again: SIM_CHANNEL_SEED={seed} cargo test --test sim -- --nocapture channels_sell"
            )
        });
        met.add(&coverage);
    }
    println!("{seeds} seeds: {met:#?}");
    if seeds >= CHANNEL_SEEDS {
        for (name, count) in met.rows() {
            assert!(count > 0, "{seeds} seeds met no {name}");
        }
    }
}
