//! The sandbox's mail server, tried with a mail client that knows nothing of it.

use super::world::{effects, still};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::Tls;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use onhand::sandbox::Sandbox;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::smtp::{PASSWORD, USER};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn transport(
    sandbox: &Sandbox,
    credentials: Option<(&str, &str)>,
) -> AsyncSmtpTransport<Tokio1Executor> {
    let address = sandbox.smtp_address();
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string());
    let builder = builder
        .port(address.port())
        .tls(Tls::None)
        .timeout(Some(Duration::from_secs(5)));
    match credentials {
        Some((user, password)) => builder
            .credentials(Credentials::new(user.to_owned(), password.to_owned()))
            .authentication(vec![Mechanism::Plain])
            .build(),
        None => builder.build(),
    }
}

fn mail(to: &str) -> Message {
    let message = Message::builder()
        .from("Shop <shop@example.com>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Pedido 1042 — confirmado");
    message
        .body("Gracias.\r\n.\r\n..\r\nHasta mañana.".to_owned())
        .unwrap()
}

#[tokio::test]
async fn a_message_arrives_with_its_subject_and_text_whether_or_not_the_client_signs_in() {
    let sandbox = still();
    for credentials in [None, Some((USER, PASSWORD))] {
        transport(&sandbox, credentials)
            .send(mail("ana@example.com"))
            .await
            .unwrap();
    }
    let messages = effects(&sandbox, "smtp", "message");
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert_eq!(message["order"], "ana@example.com");
        assert_eq!(message["detail"]["from"], "shop@example.com");
        assert_eq!(message["detail"]["subject"], "Pedido 1042 — confirmado");
        let text = message["detail"]["text"]
            .as_str()
            .unwrap()
            .replace("\r\n", "\n");
        assert_eq!(text.trim_end(), "Gracias.\n.\n..\nHasta mañana.");
    }
}

#[tokio::test]
async fn a_wrong_password_and_two_kinds_of_recipients_are_refused() {
    let sandbox = still();
    let wrong = transport(&sandbox, Some((USER, "x")))
        .send(mail("ana@example.com"))
        .await;
    assert!(wrong.unwrap_err().to_string().contains("535"));
    let plain = transport(&sandbox, None);
    let rejected = plain.send(mail("reject@example.com")).await.unwrap_err();
    assert!(rejected.is_permanent(), "{rejected}");
    let busy = plain.send(mail("later@example.com")).await.unwrap_err();
    assert!(busy.is_transient(), "{busy}");
    plain.send(mail("ana@example.com")).await.unwrap();
    assert_eq!(effects(&sandbox, "smtp", "message").len(), 1);
}

#[tokio::test]
async fn a_fault_refuses_a_message_before_or_loses_the_reply_after_it_was_taken() {
    let sandbox = still();
    for (operation, kind, status, taken) in [
        ("connect", Kind::Status, Some(421), 0),
        ("mail", Kind::Status, Some(451), 0),
        ("rcpt", Kind::Status, Some(550), 0),
        ("data", Kind::Status, Some(554), 0),
        ("data", Kind::Reset, None, 0),
        ("data", Kind::CommitThenDrop, None, 1),
        ("data", Kind::MalformedBody, None, 1),
    ] {
        let before = effects(&sandbox, "smtp", "message").len();
        let mut rule = Rule::new("smtp", kind);
        rule.operation = Some(operation.to_owned());
        (rule.status, rule.count) = (status, Some(1));
        sandbox.fault(rule).unwrap();
        let sent = transport(&sandbox, None)
            .send(mail("ana@example.com"))
            .await;
        let error = sent.expect_err(operation);
        if let Some(status) = status {
            assert_eq!(
                error.status().map(|code| code.to_string()),
                Some(status.to_string())
            );
        }
        let after = effects(&sandbox, "smtp", "message").len();
        assert_eq!(after - before, taken, "{operation} {kind:?}");
    }
    transport(&sandbox, None)
        .send(mail("ana@example.com"))
        .await
        .unwrap();
}

/// A session by hand: what the server says to each line, as codes.
fn talk(sandbox: &Sandbox, lines: &[(&str, &str)]) {
    let mut stream = TcpStream::connect(sandbox.smtp_address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut buffer = [0; 4_096];
    let mut reply = |stream: &mut TcpStream| {
        let mut text = String::new();
        while !text.ends_with("\r\n") {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "closed after {text:?}");
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        text
    };
    assert!(reply(&mut stream).starts_with("220"));
    for (line, code) in lines {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let said = reply(&mut stream);
        assert!(said.starts_with(code), "{line}: {said}");
    }
}

#[test]
fn each_command_is_answered_as_the_protocol_asks() {
    let sandbox = still();
    talk(
        &sandbox,
        &[
            ("MAIL FROM:<shop@example.com>", "503"),
            ("EHLO shop.example", "250-"),
            ("NOOP", "250"),
            ("DATA", "503"),
            ("RCPT TO:<ana@example.com>", "503"),
            ("MAIL FROM:<shop@example.com>", "250"),
            ("RCPT TO:nobody", "501"),
            ("RCPT TO:<ana@example.com>", "250"),
            ("RSET", "250"),
            ("DATA", "503"),
            ("MAIL FROM:<shop@example.com>", "250"),
            ("RCPT TO:<ana@example.com>", "250"),
            ("RCPT TO:<ben@example.com>", "250"),
            ("DATA", "354"),
            ("Subject: two\r\n\r\nHello\r\n.", "250"),
            ("HOLA", "502"),
            ("QUIT", "221"),
        ],
    );
    let messages = effects(&sandbox, "smtp", "message");
    let to: Vec<_> = messages.iter().map(|one| one["order"].clone()).collect();
    assert_eq!(to, ["ana@example.com", "ben@example.com"]);
}
