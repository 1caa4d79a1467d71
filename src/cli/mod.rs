//! Command line: arguments to subcommands, one file each.
