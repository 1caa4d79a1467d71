//! Channels files that hold, and those that do not with the line that says why.

use super::{parse, sandbox_file};
use crate::types::{ChannelId, ChannelKind};
use std::path::Path;

fn file_with_secret(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "topsecret\n").expect("written");
    let place = format!("{{ file = \"{}\" }}", secret.display());
    let text = text.replace("SECRET", &place);
    (directory, text)
}

const SHOPIFY: &str = r#"
[[channel]]
number = 4
name = "eu"
kind = "shopify"
tenant = "acme"
shop = "eu.myshopify.com"
webhook_secrets = [SECRET, SECRET]
base_url = "http://127.0.0.1:9/"
secrets.access_token = SECRET
settings.location = 77
currency = "EUR"
poll_seconds = 60
"#;

#[test]
fn a_channel_has_its_secrets_read_and_none_of_them_shown() {
    let (_kept, text) = file_with_secret(SHOPIFY);
    let channels = parse(Path::new("channels.toml"), &text).expect("a good file");
    let channel = &channels[0];
    assert_eq!(
        (channel.number, channel.kind),
        (ChannelId(4), ChannelKind::Shopify)
    );
    assert_eq!(channel.secrets.signing.len(), 2);
    assert_eq!(channel.credential("access_token"), "topsecret");
    assert_eq!(
        (channel.setting("location"), channel.setting("other")),
        ("77", "")
    );
    assert_eq!((channel.currency, channel.poll_ms), (Some(978), 60_000));
    assert!(!format!("{channel:?}").contains("topsecret"));
}

#[test]
fn what_does_not_hold_is_named_with_its_line() {
    let twice = SHOPIFY.to_owned() + SHOPIFY;
    for (text, line, says) in [
        (SHOPIFY.replace("number = 4", "number = 0"), 3, "own shop"),
        (
            SHOPIFY.replace("\"shopify\"", "\"ebay\""),
            5,
            "there is no kind `ebay`",
        ),
        (SHOPIFY.replace("\"EUR\"", "\"EURO\""), 12, "ISO 4217"),
        (
            SHOPIFY.replace("poll_seconds = 60", "poll_seconds = 99999"),
            13,
            "out of range",
        ),
        (
            SHOPIFY.replace("\"eu\"", "\"EU shop\""),
            4,
            "cannot be the name",
        ),
        (SHOPIFY.replace("eu.myshopify.com", "a/b"), 7, "without `/`"),
        (
            SHOPIFY.replace("[SECRET, SECRET]", "[]"),
            4,
            "`webhook_secrets` is missing",
        ),
        (
            SHOPIFY.replace("[SECRET, SECRET]", "[\"topsecret\"]"),
            8,
            "not written into this file",
        ),
        (
            SHOPIFY.replace("\"shopify\"", "\"shopee\""),
            4,
            "`url` is missing",
        ),
        (
            SHOPIFY.replace("\"shopify\"", "\"tiktok\""),
            4,
            "`app_key` is missing",
        ),
        (
            SHOPIFY.replace("\"shopify\"", "\"whatsapp\""),
            4,
            "`verify_token` is missing",
        ),
        (
            SHOPIFY.replace("http://127.0.0.1:9/", "here"),
            9,
            "is not a URL",
        ),
        (SHOPIFY.replace("currency", "curency"), 12, "curency"),
        (
            SHOPIFY
                .replace("[SECRET, SECRET]", "[{ published = \"x\" }]")
                .replace("127.0.0.1:9", "shop.example"),
            8,
            "for the sandbox on loopback",
        ),
        (twice, 17, "is that of channel `eu` as well"),
    ] {
        let (_kept, text) = file_with_secret(&text);
        let error = parse(Path::new("channels.toml"), &text)
            .expect_err(says)
            .to_string();
        assert!(
            error.contains(&format!("line {line}:")) && error.contains(says),
            "{error}"
        );
        assert!(!error.contains("topsecret"), "{error}");
    }
}

#[test]
fn the_sandbox_s_own_file_holds() {
    let address = "127.0.0.1:7430".parse().expect("an address");
    let text = sandbox_file(address, "acme");
    let channels = parse(Path::new("channels.toml"), &text).expect("a good file");
    let kinds: Vec<ChannelKind> = channels.iter().map(|channel| channel.kind).collect();
    assert_eq!(kinds, ChannelKind::ALL);
    for channel in &channels {
        assert!(channel.base_url.starts_with("http://127.0.0.1:7430/"));
        assert_eq!(channel.tenant, "acme");
        let made = crate::channels::api::connect(&channel.api());
        assert!(made.is_ok(), "{}: its API can be called", channel.name);
    }
}
