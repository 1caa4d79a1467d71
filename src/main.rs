//! The `onhand` program: arguments in, one subcommand, an exit code out.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use onhand::cli::{Cli, startup};

/// Every thread allocates from memory of its own. glibc's allocator grows a thread's memory page by
/// page with `mprotect`, which locks the whole address space: a thread that can wait, put aside in
/// the middle of it, kept the sync of the journal waiting for milliseconds (`docs/PERFORMANCE.md`). So
/// did SQLite's, until mimalloc was made to serve C code too (its feature `override`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    startup::end_process_on_panic();
    let cli = Cli::parse();
    startup::log_to_stderr(cli.log_level());
    startup::report(cli.run())
}
