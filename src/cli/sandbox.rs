//! `onhand sandbox`: serve the providers locally until told to stop.

use crate::sandbox::limits::Limiting;
use crate::sandbox::{Options, Sandbox};
use anyhow::{Context, bail};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `onhand sandbox`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to listen: a loopback address; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7430")]
    listen: SocketAddr,
    /// The port of the mail server at the same address; 0 takes any free one [default: the one
    /// after --listen's]
    #[arg(long, value_name = "PORT")]
    smtp_port: Option<u16>,
    /// Where callbacks go: the HTTP address of an Onhand server [default: nowhere]
    #[arg(long, value_name = "URL")]
    callbacks: Option<url::Url>,
    /// Hold the rate limits that the providers document [default: no limits]
    #[arg(long)]
    real_limits: bool,
    /// Credentials that differ from the documented ones: a TOML file of lines like
    /// "stripe.secret_key" = "sk_test_…" [default: the documented ones]
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// The most effects in the ledger; when they are reached, every request is refused
    #[arg(long, value_name = "COUNT", default_value_t = Options::default().most_effects)]
    most_effects: usize,
    /// Decides which requests a fault with a share hits
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How long carriers and slow payments take for each step, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    step_ms: u64,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// What kept the sandbox from starting.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        bail!(
            "the sandbox's credentials are published, so it serves loopback addresses only, and \
             {} is none; use 127.0.0.1",
            args.listen
        );
    }
    let secrets = match &args.secrets {
        None => HashMap::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            toml::from_str(&text).map_err(|error| {
                // The error's own text would show the line, and the line is a secret.
                anyhow::anyhow!("{}: {}", path.display(), error.message())
            })?
        }
    };
    // Where any free port will do for HTTP, any will do for mail.
    let next_port = match args.listen.port() {
        0 => 0,
        port => port.checked_add(1).unwrap_or(0),
    };
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("cannot handle signals")?;
    let sandbox = Sandbox::start(Options {
        address: args.listen,
        callback_target: args.callbacks.map(|url| url.to_string()),
        secrets,
        limits: if args.real_limits {
            Limiting::Real
        } else {
            Limiting::Off
        },
        most_effects: args.most_effects,
        seed: args.seed,
        step_ms: args.step_ms,
        smtp_port: args.smtp_port.unwrap_or(next_port),
    })?;
    let mut out = std::io::stdout();
    writeln!(out, "onhand sandbox: http://{}", sandbox.address())?;
    for name in sandbox.core().names() {
        let address = match name {
            "smtp" => format!("smtp://{}", sandbox.smtp_address()),
            _ => sandbox.base_url(name),
        };
        writeln!(out, "  {name:<16} {address}")?;
    }
    writeln!(
        out,
        "  ledger           http://{}/_sandbox/ledger",
        sandbox.address()
    )?;
    writeln!(out, "ready")?;
    out.flush()?;
    signals.forever().next();
    sandbox.stop();
    Ok(ExitCode::SUCCESS)
}
