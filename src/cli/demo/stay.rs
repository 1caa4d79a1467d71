//! Afterwards: the engine and the providers again, orders on their way, and the dashboard to watch them.

use anyhow::Context;

use super::Args;
use super::acts::shoppers::{Shoppers, UNITS};
use super::engine::{Engine, EngineOptions};
use super::place::Place;
use super::shop;
use super::story;
use super::ward::Ward;
use crate::cli::output::print;
use crate::clock;
use crate::sandbox::{Options, Sandbox};

/// Orders that come each second.
const ORDERS_A_SECOND: u64 = 4;
/// How often it is looked whether somebody wants the end, in milliseconds.
const LOOK_MS: u64 = 250;
/// How long a carrier or a slow payment takes for a step, in milliseconds: to be watched.
const STEP_MS: u64 = 4_000;

/// Serves the dashboard over the demo's own data until a signal ends it.
pub(super) fn stay(args: &Args, place: &Place, ward: &Ward) -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Options {
        step_ms: STEP_MS,
        ..Options::default()
    })?;
    let engine = Engine::start(
        ward,
        &EngineOptions {
            data: place.data(),
            log: place.log(),
            orders: UNITS,
            segment_bytes: story::SEGMENT_BYTES,
            sandbox: Some(sandbox.address()),
            channels: None,
        },
    )?;
    let http = engine.http.context("the engine serves no HTTP")?;
    let callbacks = sandbox.callbacks();
    callbacks.set_target(Some(format!("http://{http}")));
    print(format!(
        "\nThe dashboard is at {} with {ORDERS_A_SECOND} orders a second on their way; Ctrl-C ends \
         it.",
        shop::dashboard(http)
    ))?;
    let mut shoppers = Shoppers::new(engine.address, args.seed.wrapping_add(1))?;
    let mut due_ns = clock::monotonic_ns();
    while ward.interrupted().is_none() {
        if clock::monotonic_ns() >= due_ns && shoppers.placed() < u64::from(UNITS) {
            due_ns += 1_000_000_000;
            let placed = shoppers.place(ORDERS_A_SECOND);
            if ward.interrupted().is_some() {
                break; // the engine was ended in the middle of it
            }
            placed.context("the dashboard's orders cannot be placed any more")?;
        }
        clock::sleep_ms(LOOK_MS);
    }
    Ok(())
}
