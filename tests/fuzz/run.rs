//! Runs a fuzz target for its time: whatever reads bytes from outside or from the disk, on real inputs
//! that random edits were made to.
//!
//! - `cargo test --test it fuzz::` gives each target a second, `FUZZ_SECONDS=N` another time.
//! - `FUZZ_SEED=N` makes other edits than seed 1; a seed makes the same ones each time.
//! - A failure is made small, printed with its seed, and kept in `fuzz/regressions`: every later run
//!   begins with it.

use onhand::clock;
use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
};

/// Inputs between two looks at the clock.
const ROUND: u32 = 200;

const SECONDS: u64 = 1;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Gives `check` inputs until the target's time is over; `check` panics where one is misread.
/// `regressions` is the file, from the root of the project, of the inputs that once failed.
pub fn run<S: Strategy>(regressions: &'static str, inputs: S, check: impl Fn(S::Value)) {
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let seconds = number("FUZZ_SECONDS").unwrap_or(SECONDS);
    let until_ns = clock::monotonic_ns() + seconds * 1_000_000_000;
    let mut round = 0;
    loop {
        if let Err(error) = a_round(regressions, (seed, round), &inputs, &check) {
            panic!("FUZZ_SEED={seed}, in {regressions}: {error}");
        }
        round += 1;
        if clock::monotonic_ns() >= until_ns {
            break;
        }
    }
    let inputs = round * u64::from(ROUND);
    println!("{regressions}: {inputs} inputs of seed {seed}");
}

/// Inputs of one round, behind those that once failed.
fn a_round<S: Strategy>(
    regressions: &'static str,
    (seed, round): (u64, u64),
    inputs: &S,
    check: &impl Fn(S::Value),
) -> Result<(), String> {
    let kept = FileFailurePersistence::Direct(regressions);
    let config = Config {
        cases: ROUND,
        failure_persistence: Some(Box::new(kept)),
        ..Config::default()
    };
    let mut seed_bytes = [0; 32];
    seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
    seed_bytes[8..16].copy_from_slice(&round.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let ran = runner.run(inputs, |input| {
        check(input);
        Ok::<_, TestCaseError>(())
    });
    ran.map_err(|error| error.to_string())
}
