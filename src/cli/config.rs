//! `onhand config`: the configuration before it matters.

use std::process::ExitCode;

use crate::config::{Config, Flags, render};
use crate::net::tls;
use crate::net::token::TokenFile;

use super::output::{print, print_raw};

/// What to do with the configuration.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Print a configuration file with every option, explained and at its default.
    Default,
    /// Check a configuration and the files it names, without starting anything.
    Check {
        #[command(flatten)]
        flags: Flags,
    },
    /// Print every value in force and where it comes from; secrets are never among them.
    Show {
        #[command(flatten)]
        flags: Flags,
        /// Print JSON instead of a table [default: off]
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Default => print_raw(&render::default_file())?,
        Action::Check { flags } => check(&flags)?,
        Action::Show { flags, json } => {
            let config = Config::load(&flags)?;
            if json {
                print(render::show_json(&config))?;
            } else {
                print_raw(&render::show(&config))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(flags: &Flags) -> anyhow::Result<()> {
    let config = Config::load(flags)?;
    if let Some(path) = &config.token_file {
        let tokens = TokenFile::read(path)?;
        anyhow::ensure!(
            !tokens.tokens().is_empty(),
            "{} has no token, so nobody could connect: make one with `onhand token new`",
            path.display()
        );
    }
    if let (Some(certificates), Some(key)) = (&config.tls_cert, &config.tls_key) {
        tls::server_config(certificates, key)?;
    }
    for warning in config.warnings() {
        print(format_args!("warning: {warning}"))?;
    }
    print("The configuration is good.")?;
    Ok(())
}
