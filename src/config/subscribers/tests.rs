//! Subscribers files that hold, and those that do not with the line that says why.

use super::parse;
use crate::events::subscribers::Begin;
use std::path::Path;

const GOOD: &str = r#"
[[subscriber]]
name = "crm"
tenant = "acme"
url = "https://crm.example/hooks/s3cr3t"
secrets = [SECRET, SECRET]
types = ["order", "stock.short"]
channels = [0, 4]
batch = 50
timeout_ms = 2000
retry_ms = 100
retry_max_ms = 5000
from = "start"
"#;

fn read(text: &str) -> Result<Vec<super::SubscriberOptions>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let good = directory.path().join("secret");
    // 24 bytes in base64.
    std::fs::write(&good, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n").expect("written");
    let short = directory.path().join("short");
    std::fs::write(&short, "whsec_AAEC\n").expect("written");
    let place = |path: &Path| format!("{{ file = \"{}\" }}", path.display());
    let text = text
        .replace("SECRET", &place(&good))
        .replace("SHORT", &place(&short));
    parse(Path::new("subscribers.toml"), &text).map_err(|error| error.to_string())
}

#[test]
fn a_subscriber_is_read_with_its_secrets_and_none_of_them_shown() {
    let subscribers = read(GOOD).expect("a good file");
    let one = &subscribers[0];
    assert_eq!((one.name.as_str(), one.tenant.as_str()), ("crm", "acme"));
    assert_eq!(one.keys, [(0..24).collect::<Vec<u8>>(), (0..24).collect()]);
    assert_eq!(one.kinds, ["order", "stock.short"]);
    assert_eq!((&one.channels[..], one.batch), (&[0, 4][..], 50));
    assert_eq!(
        (one.timeout_ms, one.retry_ms, one.retry_max_ms),
        (2_000, 100, 5_000)
    );
    assert_eq!(one.begin, Begin::Start);
    assert_eq!(one.origin(), "https://crm.example");
    let shown = format!("{one:?}");
    assert!(
        !shown.contains("s3cr3t") && !shown.contains("[0, 1, 2"),
        "{shown}"
    );
}

#[test]
fn what_is_left_out_has_a_default() {
    let text = "[[subscriber]]\nname = \"a\"\ntenant = \"b\"\nurl = \"http://[::1]:8/\"\nsecrets = [SECRET]";
    let one = read(text).expect("a good file").remove(0);
    assert!(one.kinds.is_empty() && one.channels.is_empty());
    assert_eq!((one.batch, one.timeout_ms), (1, 10_000));
    assert_eq!((one.retry_ms, one.retry_max_ms), (2_000, 300_000));
    assert_eq!(one.begin, Begin::Now);
    assert_eq!(read("").map(|none| none.len()), Ok(0));
}

#[test]
fn what_does_not_hold_is_named_with_its_line() {
    let twice = GOOD.to_owned() + GOOD;
    for (text, line, says) in [
        (
            GOOD.replace("\"crm\"", "\"the CRM\""),
            3,
            "cannot be the name",
        ),
        (GOOD.replace("\"acme\"", "\"\""), 4, "`tenant` must have"),
        (GOOD.replace("https://", ""), 5, "is not a URL"),
        (GOOD.replace("https://", "http://"), 5, "is plain HTTP"),
        (
            GOOD.replace("https://", "ftp://"),
            5,
            "must begin with https",
        ),
        (GOOD.replace("//crm", "//user:x@crm"), 5, "holds a user"),
        (GOOD.replace("[SECRET, SECRET]", "[]"), 6, "1 to 4 secrets"),
        (
            GOOD.replace("[SECRET, SECRET]", "[SHORT]"),
            6,
            "24 to 64 bytes",
        ),
        (
            GOOD.replace("[SECRET, SECRET]", "[\"whsec_x\"]"),
            6,
            "not written into this file",
        ),
        (
            GOOD.replace("\"order\"", "\"Order\""),
            7,
            "beginnings of event types",
        ),
        (
            GOOD.replace("\"order\"", "\"a,b\""),
            7,
            "beginnings of event types",
        ),
        (
            GOOD.replace("[\"order\", \"stock.short\"]", "[]"),
            7,
            "`types` is empty",
        ),
        (GOOD.replace("[0, 4]", "[]"), 8, "`channels` is empty"),
        (
            GOOD.replace("batch = 50", "batch = 0"),
            9,
            "`batch` 0 is out of range",
        ),
        (
            GOOD.replace("2000", "1"),
            10,
            "`timeout_ms` 1 is out of range",
        ),
        (
            GOOD.replace("\"start\"", "\"yesterday\""),
            13,
            "`now` or `start`",
        ),
        (GOOD.replace("batch", "bath"), 9, "bath"),
        (twice, 16, "another of this `name`"),
    ] {
        let error = read(&text).expect_err(says);
        assert!(error.contains(says), "{error} does not say {says}");
        assert!(
            error.contains(&format!("line {line}:")),
            "{error} is not about line {line}"
        );
    }
}
