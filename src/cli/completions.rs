//! `onhand completions`: what a shell needs to complete our arguments.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::print_raw;

/// Which shell.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell to print completions for [no default]
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    print_raw(&script(args.shell))?;
    Ok(ExitCode::SUCCESS)
}

/// The completion script of a shell.
pub(super) fn script(shell: Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "onhand", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
