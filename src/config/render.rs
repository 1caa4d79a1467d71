//! The configuration for people: a commented file, and the values in force with their origin.

use std::fmt::Write;

use super::setting::grouped;
use super::{Config, OptionInfo, Origin};

/// A configuration file with every option, explained and commented out at its default.
#[must_use]
pub fn default_file() -> String {
    let mut out = String::from(
        "# Onhand configuration. Every option is shown with its default; take the `#` away in\n\
         # front of those you change. Flags of `onhand serve` override this file.\n",
    );
    for info in Config::options() {
        out.push('\n');
        for line in wrapped(info.about, 94) {
            let _ = writeln!(out, "# {line}"); // writing to a String cannot fail
        }
        let _ = writeln!(out, "# {}", summary(info));
        let example = match info.key {
            "shards" => "1",
            _ => info.default.as_deref().unwrap_or("\"\""),
        };
        let _ = writeln!(out, "#{} = {example}", info.key);
    }
    out.push_str(
        "\n# Tenants bound to a shard. Every other one is spread over the shards by its name.\n\
         #[tenants]\n#acme = 0\n",
    );
    out
}

/// `docs/CONFIGURATION.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "<!-- Generated from src/config/options.rs; `ONHAND_BLESS=1 cargo test` rewrites it. -->\n\
         # Configuration\n\n\
         `onhand serve` takes its options from three places; each overrides the one before:\n\n\
         1. the defaults below,\n\
         2. the TOML file named by `--config FILE`,\n\
         3. flags: `segment_bytes` in the file is `--segment-bytes` on the command line.\n\n\
         An unknown key, a value of the wrong type or out of its range is an error that\n\
         names file, line and key; nothing starts then. `onhand config default` prints a\n\
         commented file, `onhand config check --config FILE` checks one, and\n\
         `onhand config show` prints every value in force with the place it comes from. No\n\
         option holds a secret: secrets are in the files that options name.\n\n\
         | option | default | range | unit |\n|---|---|---|---|\n",
    );
    let options = Config::options();
    for info in options {
        let _ = writeln!(
            out,
            "| [`{key}`](#{key}) | {default} | {range} | {unit} |",
            key = info.key,
            default = info.default_text(),
            range = range_text(info),
            unit = info.unit,
        );
    }
    out.push_str("| [`[tenants]`](#tenants) | none | a shard's number | shard |\n");
    for info in options {
        let _ = write!(out, "\n## {}\n\n", info.key);
        for line in wrapped(info.about, 98) {
            let _ = writeln!(out, "{line}");
        }
        let _ = write!(out, "\nType: {}. {}\n", info.kind, summary(info));
    }
    out.push_str(
        "\n## tenants\n\nA table that binds tenants to shards. Every other tenant is spread over \
         the shards by a hash\nof its name. A tenant must not move once it has orders.\n\n\
         ```toml\n[tenants]\nacme = 0\n\"globex/eu\" = 1\n```\n\n\
         ## A whole file\n\n```toml\n",
    );
    out.push_str(&default_file());
    out.push_str("```\n");
    out
}

/// Every value in force with its origin, one a line.
#[must_use]
pub fn show(config: &Config) -> String {
    let rows: Vec<_> = config
        .values()
        .into_iter()
        .map(|(key, value, origin)| {
            let value = value.unwrap_or_else(|| "(unset)".to_owned());
            (format!("{key} = {value}"), origin_text(origin))
        })
        .collect();
    let width = rows.iter().map(|(row, _)| row.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (row, origin) in rows {
        let _ = writeln!(out, "{row:width$}  # {origin}");
    }
    if !config.tenants.is_empty() {
        let _ = writeln!(
            out,
            "\n[tenants]  # {}",
            origin_text(config.origin("tenants"))
        );
        for (name, shard) in &config.tenants {
            let _ = writeln!(out, "{} = {shard}", toml::Value::String(name.clone()));
        }
    }
    out
}

/// Every value in force with its origin.
#[must_use]
pub fn show_json(config: &Config) -> serde_json::Value {
    let options: serde_json::Map<_, _> = config
        .values()
        .into_iter()
        .map(|(key, value, origin)| {
            let value = value.map_or(serde_json::Value::Null, |text| json_of(&text));
            let entry = serde_json::json!({ "value": value, "origin": origin_text(origin) });
            (key.to_owned(), entry)
        })
        .collect();
    serde_json::json!({ "options": options, "tenants": config.tenants })
}

/// A value written as TOML, as JSON.
fn json_of(text: &str) -> serde_json::Value {
    text.parse::<toml::Value>()
        .ok()
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or_else(|| serde_json::Value::String(text.to_owned()))
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File { path, line } => format!("{} line {line}", path.display()),
        Origin::Flag => "flag".to_owned(),
    }
}

fn range_text(info: &OptionInfo) -> String {
    match (info.minimum, info.maximum) {
        (Some(min), Some(max)) => format!("{} to {}", grouped(min), grouped(max)),
        _ => "–".to_owned(),
    }
}

/// Default, range and unit in one line.
fn summary(info: &OptionInfo) -> String {
    let default = info.default_text();
    let unit = info.unit;
    match info.minimum {
        Some(_) => format!("Default: {default}. Range: {} {unit}.", range_text(info)),
        None => format!("Default: {default}. Unit: {unit}."),
    }
}

/// Breaks a text into lines of at most `width` characters, at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        });
        if let Some(line) = line {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        lines.push(word.to_owned());
    }
    lines
}
