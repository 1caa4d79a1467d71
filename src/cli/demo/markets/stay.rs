//! Afterwards: the marketplaces go on selling, with the dashboard to watch it.

use anyhow::Context;
use serde_json::json;

use super::bazaar::{Bazaar, MARKETS};
use super::{LIMITED, POOLED, RETURNED};
use crate::cli::demo::engine::{Engine, EngineOptions};
use crate::cli::demo::shop;
use crate::cli::demo::ward::Ward;
use crate::cli::output::print;
use crate::clock;
use crate::sandbox::Sandbox;

/// Orders a second of one SKU on each marketplace.
const RATE: f64 = 0.5;
/// How long buyers come at most, in seconds.
const SECONDS: u64 = 3_600;
/// Units that arrive of each SKU.
const UNITS: u32 = 100_000;
/// How often it is looked whether somebody wants the end, in milliseconds.
const LOOK_MS: u64 = 250;

pub(super) fn stay(sandbox: &Sandbox, options: &EngineOptions, ward: &Ward) -> anyhow::Result<()> {
    let engine = Engine::start(ward, options)?;
    let http = engine.http.context("the engine serves no HTTP")?;
    let callbacks = sandbox.callbacks();
    callbacks.set_target(Some(format!("http://{http}")));
    let bazaar = Bazaar::new(sandbox.address(), http, engine.address)?;
    for sku in [POOLED, RETURNED] {
        bazaar.receive(sku, UNITS)?;
        for market in MARKETS {
            let run = json!({"rate": RATE, "seconds": SECONDS, "sku": sku});
            bazaar.control(market, "run", &run)?;
        }
    }
    print(format!(
        "\nThe dashboard is at {} with five marketplaces selling ({LIMITED} is sold out); Ctrl-C \
         ends it.",
        shop::dashboard(http)
    ))?;
    while ward.interrupted().is_none() {
        clock::sleep_ms(LOOK_MS);
    }
    Ok(())
}
