//! The configuration as its users meet it.

use clap::{Args, FromArgMatches};

use super::*;

fn loaded(text: &str, flags: &[&str]) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("onhand.toml");
    std::fs::write(&path, text).expect("a written file");
    let command = Flags::augment_args(clap::Command::new("serve").no_binary_name(true));
    let matches = command.try_get_matches_from(flags).expect("good flags");
    let mut flags = Flags::from_arg_matches(&matches).expect("flags");
    flags.config = Some(path);
    Config::load(&flags)
}

fn refused(text: &str, flags: &[&str], expected: &[&str]) {
    let error = loaded(text, flags).expect_err(text).to_string();
    for part in expected {
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
}

#[test]
fn defaults_hold_without_file_and_flags() {
    let config = Config::load(&Flags::default()).expect("defaults are good");
    assert_eq!(config.listen.to_string(), "127.0.0.1:7171");
    assert_eq!(config.sync, SyncMode::Always);
    assert!(config.shards >= 1 && config.warnings().is_empty());
    assert_eq!(config.origin("listen"), &Origin::Default);
}

#[test]
fn flags_override_the_file_and_the_file_the_defaults() {
    let text = "listen = \"127.0.0.1:1\"\nshards = 2\nsync = \"os\"\nhttp = \"off\"\n\n\
                [tenants]\nacme = 1\n";
    let config = loaded(text, &["--listen", "127.0.0.1:2", "--pin=false"]).expect("good");
    assert_eq!(config.listen.to_string(), "127.0.0.1:2");
    assert_eq!(
        (config.shards, config.sync, config.http),
        (2, SyncMode::Os, None)
    );
    assert_eq!(config.tenants.get("acme"), Some(&1));
    assert!(!config.pin);
    assert_eq!(config.origin("listen"), &Origin::Flag);
    assert!(matches!(
        config.origin("shards"),
        Origin::File { line: 2, .. }
    ));
}

#[test]
fn the_default_file_sets_nothing_and_uncommented_is_the_default() {
    let text = render::default_file();
    let config = loaded(&text, &[]).expect("comments only");
    assert_eq!(config, Config::default());
    let uncommented: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.contains("= \"\""))
        .map(|line| line.trim_start_matches('#'))
        .collect();
    let mut config = loaded(&uncommented.join("\n"), &[]).expect("every default is a valid value");
    assert_eq!(config.tenants.remove("acme"), Some(0));
    config.origins.clear();
    config.shards = Config::default().shards; // the file says 1 on every machine
    assert_eq!(config, Config::default());
}

#[test]
fn errors_name_file_line_and_key() {
    refused(
        "\nlisen = \"x\"\n",
        &[],
        &["onhand.toml line 2", "lisen", "listen"],
    );
    refused(
        "shards = \"two\"\n",
        &[],
        &["onhand.toml line 1", "`shards`"],
    );
    refused(
        "listen = \"localhost\"\n",
        &[],
        &["line 1", "`listen`", "IP:PORT"],
    );
    refused(
        "shards = 0\n",
        &[],
        &["line 1", "`shards`", "out of range: use 1 to 64"],
    );
    refused("shards = \n", &[], &["line 1"]);
    refused(
        "segment_bytes = 65_537\n",
        &[],
        &["line 1", "multiple of 4096", "69_632"],
    );
    refused(
        "sync = \"never\"\n",
        &[],
        &["`sync`", "`never`", "interval=MS"],
    );
    refused(
        "",
        &["--connections-max", "0"],
        &["--connections-max", "out of range"],
    );
    refused(
        "orders_max = 5\n",
        &["--orders-expected=6"],
        &["--orders-expected", "`orders_max`"],
    );
    refused(
        "shards = 1\n[tenants]\nacme = 1\n",
        &[],
        &["line 3", "shard 1", "0 to 0"],
    );
}

#[test]
fn a_missing_file_is_named() {
    let mut flags = Flags::default();
    flags.config = Some("/nowhere/onhand.toml".into());
    let error = Config::load(&flags).expect_err("no file").to_string();
    assert!(error.contains("/nowhere/onhand.toml"), "{error}");
}

#[test]
fn away_from_loopback_tokens_and_tls_are_required() {
    let away = ["--listen", "0.0.0.0:0"];
    refused(
        "",
        &away,
        &["--listen", "a token file", "TLS", "insecure_plaintext"],
    );
    refused("token_file = \"t\"\n", &away, &["needs TLS"]);
    let pair = "tls_cert = \"c\"\ntls_key = \"k\"\n";
    refused(pair, &away, &["needs a token file"]);
    refused(
        "tls_cert = \"c\"\n",
        &[],
        &["line 1", "`tls_cert`", "`tls_key`"],
    );
    let safe = loaded(&format!("{pair}token_file = \"t\"\n"), &away).expect("all given");
    assert!(safe.warnings().is_empty());
    let open = loaded("insecure_plaintext = true\n", &away).expect("said so");
    assert_eq!(open.warnings().len(), 2);
}

#[test]
fn http_without_authentication_stays_on_loopback() {
    let away = ["--http", "0.0.0.0:0"];
    refused(
        "",
        &away,
        &["--http", "authentication", "insecure_plaintext"],
    );
    refused("token_file = \"t\"\n", &away, &["--http", "TLS"]);
    let pair = "http_tls_cert = \"c\"\nhttp_tls_key = \"k\"\n";
    refused(pair, &away, &["--http", "token_file"]);
    let one = "http_tls_cert = \"c\"\n";
    refused(one, &[], &["line 1", "`http_tls_cert`", "`http_tls_key`"]);
    let safe = loaded(&format!("{pair}token_file = \"t\"\n"), &away).expect("all given");
    assert!(safe.warnings().is_empty(), "{:?}", safe.warnings());
    let open = loaded("insecure_plaintext = true\n", &away).expect("said so");
    assert_eq!(open.warnings().len(), 2);
}

#[test]
fn show_names_the_origin_of_every_value() {
    let config = loaded("shards = 2\n", &["--sync", "interval=5"]).expect("good");
    let shown = render::show(&config);
    for info in Config::options() {
        assert!(shown.contains(&format!("{} = ", info.key)), "{}", info.key);
    }
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(key));
        line.expect("a line").to_owned()
    };
    assert!(line("shards").ends_with("onhand.toml line 1"));
    assert!(line("sync").contains("\"interval=5\"") && line("sync").ends_with("# flag"));
    assert!(line("listen").ends_with("# default"));
    let json = render::show_json(&config);
    assert_eq!(json["options"]["sync"]["value"], "interval=5");
    assert_eq!(json["options"]["segment_bytes"]["value"], 67_108_864);
}

/// `docs/CONFIGURATION.md` is made from the table; `ONHAND_BLESS=1` rewrites it.
#[test]
fn the_configuration_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
    let current = render::markdown();
    if std::env::var_os("ONHAND_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, current).expect("a written page");
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "run `ONHAND_BLESS=1 cargo test` and commit the page"
    );
}
