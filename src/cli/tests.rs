//! The command line as a whole: its documents are current, its flags are explained.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::*;

/// Compares a generated file with the one in the repository; `ONHAND_BLESS=1` rewrites it.
fn check_generated(path: &str, current: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("ONHAND_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, current).expect("a written file");
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "{} is not current: run `ONHAND_BLESS=1 cargo test` and commit it",
        path.display()
    );
}

fn markdown() -> String {
    let options = clap_markdown::MarkdownOptions::new()
        .title("Command line".to_owned())
        .show_footer(false);
    let body = clap_markdown::help_markdown_custom::<Cli>(&options);
    let note = "<!-- Generated from src/cli; `ONHAND_BLESS=1 cargo test` rewrites it. -->\n";
    let mut page = String::from(note);
    for line in body.lines() {
        page.push_str(line.trim_end());
        page.push('\n');
    }
    page
}

#[test]
fn the_command_line_page_is_current() {
    check_generated("docs/CLI.md", &markdown());
}

#[test]
fn the_shell_completions_are_current() {
    for (shell, name) in [
        (Shell::Bash, "onhand.bash"),
        (Shell::Zsh, "_onhand"),
        (Shell::Fish, "onhand.fish"),
    ] {
        check_generated(
            &format!("docs/completions/{name}"),
            &completions::script(shell),
        );
    }
}

#[test]
fn arguments_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_says_what_it_does_and_its_default() {
    fn walk(path: &str, command: &clap::Command, seen: &mut usize) {
        let path = format!("{path} {}", command.get_name());
        assert!(command.get_about().is_some(), "{path} has no description");
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            if arg.is_hide_set() || ["help", "version"].contains(&id) {
                continue;
            }
            *seen += 1;
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 5, "{path}: {id} has no help");
            let stated = help.contains("default") || !arg.get_default_values().is_empty();
            assert!(
                stated || arg.is_required_set(),
                "{path}: {id} states no default: {help}"
            );
        }
        for child in command
            .get_subcommands()
            .filter(|child| child.get_name() != "help")
        {
            walk(&path, child, seen);
        }
    }
    let mut seen = 0;
    walk("", &Cli::command(), &mut seen);
    assert!(seen > 40);
}
