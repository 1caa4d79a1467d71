//! The options as command line flags, made from the table of options.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use super::options::{Flags, OptionInfo};

impl OptionInfo {
    /// The flag, without the parser of its value.
    pub(super) fn to_arg(&'static self) -> Arg {
        Arg::new(self.key)
            .long(self.flag.as_str())
            .value_name(self.placeholder.as_str())
            .help(self.help())
    }

    /// The default in words; the one of `shards` depends on the machine.
    pub(super) fn default_text(&self) -> &str {
        match (self.key, &self.default) {
            ("shards", _) => "cores the process may use − 1, at least 1",
            (_, Some(default)) => default.trim_matches(['"', '\'']),
            (_, None) => "unset",
        }
    }

    /// Meaning, default and range in one text.
    fn help(&self) -> String {
        let (about, default) = (self.about, self.default_text());
        let range = match (self.minimum, self.maximum) {
            (Some(min), Some(max)) => format!(", range: {min} to {max} {}", self.unit),
            _ => String::new(),
        };
        format!("{about} [default: {default}{range}]")
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(
                "Configuration file in TOML; flags override it. `onhand config default` prints \
                 one to start from [default: none]",
            );
        Self::add_to(command.arg(file))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches_mut(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.update_from_arg_matches_mut(&mut matches.clone())
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), clap::Error> {
        if let Some(path) = matches.remove_one("config") {
            self.config = Some(path);
        }
        self.take_from(matches);
        Ok(())
    }
}
