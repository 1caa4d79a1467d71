//! `onhand pipelines`: the order process's configuration before it matters.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::process::{ProcessConfig, render, sandbox_file};

use super::output::{print, print_raw};

/// What to do with the configuration of the order process.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Print a process file to start from, explained.
    Init {
        /// Print the one that `serve --sandbox` uses instead: everything is served by the sandbox at
        /// this address, with short times [default: none]
        #[arg(long, value_name = "ADDRESS")]
        sandbox: Option<SocketAddr>,
    },
    /// Check a process file and the secrets it names, without starting or calling anything.
    Check {
        /// The process file.
        file: PathBuf,
    },
    /// Print which way orders take and who serves each step.
    Show {
        /// The process file.
        file: PathBuf,
    },
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Init { sandbox: None } => print_raw(&render::default_file())?,
        Action::Init {
            sandbox: Some(address),
        } => print_raw(&sandbox_file(address))?,
        Action::Check { file } => {
            let config = ProcessConfig::load(&file)?;
            for warning in config.warnings() {
                print(format_args!("warning: {warning}"))?;
            }
            print(format_args!(
                "The process file is good: {} providers, {} pipelines, {} routes.",
                config.providers.len(),
                config.set.pipelines.len(),
                config.set.routes.len()
            ))?;
        }
        Action::Show { file } => print_raw(&render::show(&ProcessConfig::load(&file)?))?,
    }
    Ok(ExitCode::SUCCESS)
}
