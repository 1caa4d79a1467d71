//! The `onhand` program: arguments in, one subcommand, an exit code out.

use std::process::ExitCode;

use clap::Parser;
use onhand::cli::{Cli, startup};

fn main() -> ExitCode {
    startup::end_process_on_panic();
    let cli = Cli::parse();
    startup::log_to_stderr(cli.log_level());
    startup::report(cli.run())
}
