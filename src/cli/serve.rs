//! `onhand serve`: run the server until it is told to stop.

use super::startup::raise_descriptor_limit;
use crate::config::{Config, Flags};
use crate::server::Server;
use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `onhand serve`: every option of the configuration file is a flag as well.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    flags: Flags,
}

/// Serves until SIGTERM or SIGINT, then drains; a second signal ends the process at once.
///
/// # Errors
/// What kept the server from starting, or made it stop.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.flags)?;
    raise_descriptor_limit(&config);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("cannot handle signals")?;
    let server = Server::start(&config)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.ready_line()).and_then(|()| out.flush())?;
    let stopper = server.stopper();
    let handle = signals.handle();
    let thread = std::thread::Builder::new()
        .name("onhand-signals".to_owned())
        .spawn(move || {
            let mut asked = false;
            for signal in &mut signals {
                if asked {
                    std::process::exit(128 + signal);
                }
                asked = true;
                tracing::info!(
                    signal,
                    "stopping: draining connections and ending the journal"
                );
                stopper.stop();
            }
        })?;
    let outcome = server.wait();
    handle.close();
    if thread.join().is_err() {
        tracing::error!("the signal thread panicked");
    }
    outcome?;
    Ok(ExitCode::SUCCESS)
}
