//! Subcommands that need no server: config, token, doctor, completions, and how errors are told.

use std::os::unix::fs::PermissionsExt;

use super::process::{onhand, run, run_in};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn wrong_arguments_exit_2_and_say_what_is_accepted() {
    run(&["config", "shew"]).exits(2).warns("show");
    run(&["stock", "receive", "--sku", "a"])
        .exits(2)
        .warns("--location");
    run(&["order", "confirm"]).exits(2).warns("KEY");
    run(&["order", "confirm", "xyz"])
        .exits(2)
        .warns("hex digits");
    run(&["order", "place", "--destination", "5"])
        .exits(2)
        .warns("two whole numbers");
}

#[test]
fn no_server_exits_2_and_names_the_address() {
    // Nothing listens on the discard port of a test machine's loopback.
    run(&["ping", "--server", "127.0.0.1:9"])
        .exits(2)
        .warns("127.0.0.1:9");
}

#[test]
fn the_default_configuration_is_accepted_by_check_and_show() {
    let directory = directory();
    let file = run(&["config", "default"]).exits(0).out;
    std::fs::write(directory.path().join("onhand.toml"), file).expect("a written file");
    let check = ["config", "check", "--config", "onhand.toml"];
    run_in(directory.path(), &check).exits(0).says("is good");
    let show = [
        "config",
        "show",
        "--config",
        "onhand.toml",
        "--sync",
        "os",
        "--json",
    ];
    let shown = run_in(directory.path(), &show).exits(0).json();
    assert_eq!(shown["options"]["sync"]["value"], "os");
    assert_eq!(shown["options"]["sync"]["origin"], "flag");
    assert_eq!(shown["options"]["listen"]["origin"], "default");
}

#[test]
fn a_bad_configuration_exits_2_and_names_file_line_and_key() {
    let directory = directory();
    let path = directory.path().join("onhand.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:0\"\nshard = 1\n").expect("a written file");
    run_in(
        directory.path(),
        &["config", "check", "--config", "onhand.toml"],
    )
    .exits(2)
    .warns("onhand.toml line 2")
    .warns("shard");
    run(&["config", "check", "--listen", "0.0.0.0:7171"])
        .exits(2)
        .warns("token_file");
    run(&[
        "config",
        "check",
        "--listen",
        "0.0.0.0:7171",
        "--insecure-plaintext",
    ])
    .exits(0)
    .says("warning: listening on 0.0.0.0:7171 without TLS");
    run(&["config", "check", "--token-file", "/nowhere/tokens"])
        .exits(2)
        .warns("/nowhere/tokens");
}

#[test]
fn a_new_token_is_printed_once_and_only_its_hash_is_kept_in_a_private_file() {
    let directory = directory();
    let new = |name: &str, role: &str| {
        let arguments = [
            "token", "new", "--name", name, "--role", role, "--tenant", "acme", "--file", "tokens",
        ];
        run_in(directory.path(), &arguments)
    };
    let token = new("shop", "connector").exits(0).out.trim().to_owned();
    assert!(token.starts_with("oh_") && token.len() == 67, "{token}");
    new("desk", "operator").exits(0);
    new("shop", "admin")
        .exits(2)
        .warns("`shop` is in the file already");
    new("boss", "king").exits(2).warns("no role `king`");
    let path = directory.path().join("tokens");
    let kept = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(kept.lines().count(), 2);
    assert!(!kept.contains(token.trim_start_matches("oh_")));
    let mode = std::fs::metadata(&path)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let listed = run_in(directory.path(), &["token", "list", "--file", "tokens"]).exits(0);
    listed.says("shop").says("connector").says("desk");
}

#[test]
fn a_token_line_is_appended_to_a_file_whose_last_line_is_not_ended() {
    let directory = directory();
    let path = directory.path().join("tokens");
    std::fs::write(&path, "# tokens of the shop").expect("a written file");
    let arguments = [
        "token", "new", "--name", "a", "--role", "admin", "--tenant", "*", "--file", "tokens",
    ];
    run_in(directory.path(), &arguments).exits(0);
    let kept = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(kept.lines().count(), 2, "{kept}");
    let check = ["config", "check", "--token-file", "tokens"];
    run_in(directory.path(), &check).exits(0);
}

#[test]
fn doctor_reports_every_check_with_a_level() {
    let directory = directory();
    let report = run_in(directory.path(), &["doctor", "--data", "data", "--json"]);
    assert!(matches!(report.code, Some(0 | 1)), "{report:?}");
    let report = report.json();
    let checks = report["checks"].as_array().expect("checks");
    let names: Vec<_> = checks
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    for name in [
        "file system",
        "sync latency",
        "disk room",
        "open files",
        "cores",
        "huge pages",
        "clock source",
        "memory",
        "wall clock",
    ] {
        assert!(names.contains(&name), "{names:?} lacks {name}");
    }
    for check in checks {
        assert!(["ok", "warn", "fail"].contains(&check["level"].as_str().expect("a level")));
    }
    let left = std::fs::read_dir(directory.path())
        .expect("a directory")
        .count();
    assert_eq!(left, 0, "doctor leaves nothing behind");
}

#[test]
fn completions_name_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        run(&["completions", shell]).exits(0).says("doctor");
    }
}

#[test]
fn help_and_version_exit_0() {
    run(&["--help"]).exits(0).says("Exit codes: 0 done");
    run(&["--version"]).exits(0).says("onhand 0.");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = onhand()
        .args(["config", "default"])
        .stdout(writer)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
