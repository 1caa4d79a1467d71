//! Who imports whom.

use crate::{assert_none, code_only, files};
use regex::Regex;
use std::collections::BTreeMap;

/// Which modules of the crate a module may import, beside itself. `*` is every module.
pub const IMPORTS: &[(&str, &[&str])] = &[
    ("types", &["limits"]),
    ("limits", &["types"]),
    ("clock", &[]),
    ("metrics", &[]),
    ("affinity", &[]),
    ("mailbox", &[]),
    ("memory", &[]),
    ("mutants", &[]),
    ("wire", &["types", "limits"]),
    ("client", &["wire", "types", "limits", "clock"]),
    ("engine", &["types", "limits", "memory", "mutants"]),
    (
        "journal",
        &["types", "limits", "metrics", "memory", "clock", "mutants"],
    ),
    (
        "feed",
        &["types", "limits", "journal", "engine", "metrics", "clock"],
    ),
    (
        "net",
        &["wire", "types", "limits", "metrics", "clock", "mailbox"],
    ),
    (
        "shard",
        &[
            "engine", "wire", "journal", "clock", "metrics", "types", "limits", "mailbox",
        ],
    ),
    (
        "history",
        &[
            "types", "limits", "journal", "feed", "engine", "metrics", "clock", "affinity",
        ],
    ),
    (
        "dashboard",
        &[
            "types", "limits", "metrics", "feed", "clock", "engine", "shard", "affinity",
        ],
    ),
    (
        "events",
        &[
            "types", "limits", "clock", "metrics", "feed", "engine", "shard", "adapters",
            "affinity",
        ],
    ),
    (
        "gateway",
        &[
            "events",
            "types",
            "limits",
            "metrics",
            "feed",
            "history",
            "clock",
            "engine",
            "shard",
            "net",
            "affinity",
            "channels",
            "dashboard",
        ],
    ),
    ("audit", &["journal", "engine", "types", "limits"]),
    (
        "config",
        &[
            "limits", "journal", "types", "adapters", "sandbox", "history", "channels", "events",
        ],
    ),
    (
        "adapters",
        &[
            "feed", "clock", "metrics", "types", "limits", "engine", "shard", "affinity",
        ],
    ),
    (
        "channels",
        &[
            "feed", "clock", "metrics", "types", "limits", "engine", "shard", "affinity", "wire",
            "mutants",
        ],
    ),
    ("sandbox", &["types", "clock"]),
    ("server", &["*"]),
    ("cli", &["*"]),
];

/// Of some modules, others may see only these parts.
const PARTS: &[(&str, &str, &[&str])] = &[
    (
        "channels",
        "engine",
        &["record", "channel_event", "command"],
    ),
    ("channels", "wire", &["order_key"]),
    ("channels", "shard", &["local"]),
    (
        "events",
        "adapters",
        &["http", "notification", "outcome", "status"],
    ),
    ("events", "engine", &["record"]),
    ("events", "shard", &["local"]),
    ("feed", "engine", &["record"]),
    ("dashboard", "engine", &["record"]),
    ("dashboard", "shard", &["local"]),
    (
        "gateway",
        "engine",
        &["process", "record", "channel_event", "command"],
    ),
    ("gateway", "shard", &["local"]),
    ("gateway", "net", &["token", "listener"]),
];

fn module_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix("src/")?;
    let first = rest.split('/').next()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let import = Regex::new(r"crate::(\w+)(?:::(\w+))?").expect("a pattern");
    let mut offences = Vec::new();
    for (name, text) in files("src", "rs") {
        let module = module_of(&name).expect("below src");
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(allowed) = table.get(module.as_str()) else {
            offences.push(format!("{name}: module `{module}` is not in the table"));
            continue;
        };
        if allowed.contains(&"*") {
            continue;
        }
        let tests = name.contains("/tests") || name.ends_with("_tests.rs");
        for found in import.captures_iter(&code_only(&text)) {
            let target = &found[1];
            if target == module || allowed.contains(&target) || tests {
                let part = found.get(2).map_or("", |part| part.as_str());
                let seen = PARTS
                    .iter()
                    .find(|(of, from, _)| *of == module && *from == target);
                if seen.is_some_and(|(_, _, parts)| !parts.contains(&part)) {
                    offences.push(format!("{name}: `{module}` may not see {target}::{part}"));
                }
                continue;
            }
            if table.contains_key(target) {
                offences.push(format!("{name}: `{module}` may not import `{target}`"));
            }
        }
    }
    assert_none("a module imports what it must not see", &offences);
}
