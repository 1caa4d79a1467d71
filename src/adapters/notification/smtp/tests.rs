use super::*;
use crate::adapters::canned::gist;
use crate::adapters::notification::tests::call;
use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};
use crate::types::effect::Milestone;
use parking_lot::Mutex;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// What a mail server says: greeting, then a reply to each of EHLO, MAIL, RCPT, DATA and the
/// message. `drop` closes the connection, `silence` says nothing.
async fn server(replies: [&'static str; 6]) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        for (step, reply) in replies.into_iter().enumerate() {
            loop {
                if step == 0 {
                    break;
                }
                let Ok(Some(line)) = lines.next_line().await else {
                    return;
                };
                let _ = writeln!(kept.lock(), "{line}");
                if step < 5 || line == "." {
                    break;
                }
            }
            match reply {
                "drop" => return,
                "silence" => while let Ok(Some(_)) = lines.next_line().await {},
                _ => write
                    .write_all(format!("{reply}\r\n").as_bytes())
                    .await
                    .unwrap(),
            }
        }
        while let Ok(Some(_)) = lines.next_line().await {}
    });
    (port, heard)
}

fn options(port: u16) -> ProviderOptions {
    let mut options = ProviderOptions {
        name: "smtp".into(),
        kind: "smtp".into(),
        timeout_ms: 300,
        ..ProviderOptions::default()
    };
    for (name, value) in [
        ("host", "127.0.0.1"),
        ("tls", "none"),
        ("from", "shop@example.com"),
    ] {
        options.settings.insert(name.into(), value.into());
    }
    options.settings.insert("port".into(), port.to_string());
    options
}

fn confirmed() -> Call {
    call(EffectKind::Notify, Some(Milestone::Confirmed))
}

const HELLO: &str = "220 mail.example.com";
const EHLO: &str = "250 mail.example.com";
const OK: &str = "250 ok";
const GO: &str = "354 go";

#[tokio::test]
async fn the_point_at_which_a_dialogue_ends_decides_what_it_means() {
    for (replies, expected) in [
        ([HELLO, EHLO, OK, OK, GO, OK], (Done, false, 0, "")),
        (
            ["421 busy", "", "", "", "", ""],
            (Retry, true, 0, "smtp_421"),
        ),
        (
            ["554 no", "", "", "", "", ""],
            (Refused, false, 0, "smtp_554"),
        ),
        (["drop", "", "", "", "", ""], (Retry, true, 0, "connect")),
        ([HELLO, "drop", "", "", "", ""], (Retry, true, 0, "connect")),
        (
            [HELLO, EHLO, "550 sender", "", "", ""],
            (Refused, false, 0, "smtp_550"),
        ),
        (
            [HELLO, EHLO, OK, "550 no such user", "", ""],
            (Refused, false, 0, "smtp_550"),
        ),
        (
            [HELLO, EHLO, OK, "450 later", "", ""],
            (Retry, true, 0, "smtp_450"),
        ),
        (
            [HELLO, EHLO, OK, OK, "drop", ""],
            (Retry, true, 0, "connect"),
        ),
        (
            [HELLO, EHLO, OK, OK, GO, "451 later"],
            (Retry, true, 0, "smtp_451"),
        ),
        (
            [HELLO, EHLO, OK, OK, GO, "554 spam"],
            (Refused, false, 0, "smtp_554"),
        ),
        (
            [HELLO, EHLO, OK, OK, GO, "drop"],
            (Unknown, true, 0, "connection_lost"),
        ),
        (
            [HELLO, EHLO, OK, OK, GO, "silence"],
            (Unknown, true, 0, "timeout"),
        ),
    ] {
        let (port, _) = server(replies).await;
        let outcome = Smtp::new(&options(port)).unwrap().call(&confirmed()).await;
        assert_eq!(gist(&outcome), expected, "{replies:?}");
    }
    let (port, _) = server([HELLO, EHLO, OK, "silence", "", ""]).await;
    let outcome = Smtp::new(&options(port)).unwrap().call(&confirmed()).await;
    assert_eq!(
        (outcome.class, outcome.counted),
        (Retry, true),
        "nothing was sent: {outcome:?}"
    );
}

#[tokio::test]
async fn a_message_has_an_id_that_all_attempts_share() {
    let (port, heard) = server([HELLO, EHLO, OK, OK, GO, OK]).await;
    let outcome = Smtp::new(&options(port)).unwrap().call(&confirmed()).await;
    assert_eq!(
        (&*outcome.reference, outcome.status),
        ("<k-1@example.com>", 250)
    );
    let heard = heard.lock().clone();
    for part in [
        "RCPT TO:<ana@example.com>",
        "Message-ID: <k-1@example.com>",
        "Subject: Your order 0-1042 is confirmed",
        "2 x MUG-RED",
    ] {
        assert!(heard.contains(part), "{part} in {heard}");
    }
}

#[tokio::test]
async fn at_most_once_leaves_a_lost_reply_to_a_person() {
    let (port, _) = server([HELLO, EHLO, OK, OK, GO, "drop"]).await;
    let mut once = options(port);
    once.settings.insert("after_timeout".into(), "stop".into());
    let outcome = Smtp::new(&once).unwrap().call(&confirmed()).await;
    assert_eq!(gist(&outcome), (Refused, true, 0, "may_have_been_sent"));
}

#[test]
fn mail_leaves_the_machine_only_encrypted() {
    for (name, value, part) in [
        ("host", "mail.example.com", "only a server on this machine"),
        ("tls", "maybe", "`starttls`, `tls` or `none`"),
        ("port", "many", "no port number"),
        ("from", "shop", "no e-mail address"),
        ("user", "shop", "secret `password` is missing"),
    ] {
        let mut wrong = options(25);
        wrong.settings.insert(name.into(), value.into());
        let error = Smtp::new(&wrong).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
