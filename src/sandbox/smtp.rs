//! A mail server: EHLO, MAIL, RCPT, DATA, QUIT and, for whoever wants it, AUTH PLAIN.
//!
//! It listens on a port of its own, beside the HTTP port. Faults of the provider `smtp` hit its
//! operations `connect`, `mail`, `rcpt` and `data`; a fault's status is the reply's code. Beyond
//! faults, a recipient `reject@…` is refused for good (550) and `later@…` for now (451).

use super::faults::{Kind, Rule};
use super::shape::note;
use super::{Core, Provider, Reply, Request, sign};
use mail_parser::MessageParser;
use serde_json::json;
use smtp_proto::request::receiver::{DataReceiver, RequestReceiver};
use smtp_proto::{AUTH_PLAIN, Error, Request as Command};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const NAME: &str = "smtp";

/// The user of AUTH PLAIN.
pub const USER: &str = "sandbox";

/// Its password.
pub const PASSWORD: &str = "sandbox-smtp-password";

/// The longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

const RECIPIENTS_MAX: usize = 100;

/// How long a client may be silent.
const SILENCE: Duration = Duration::from_mins(1);

/// The provider's name in faults and ledger; over HTTP it only says that it is elsewhere.
#[derive(Debug, Default)]
pub struct Smtp;

impl Provider for Smtp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, request: &Request) -> &'static str {
        match request.path.as_str() {
            "/connect" => "connect",
            "/mail" => "mail",
            "/rcpt" => "rcpt",
            _ => "data",
        }
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        Reply::text(status, "this provider speaks SMTP on a port of its own")
    }

    fn handle(&self, request: &Request, _: &Core) -> Reply {
        self.fail(request, 404)
    }
}

/// Takes connections until the listener's runtime ends.
pub(super) async fn accept(listener: std::net::TcpListener, core: Arc<Core>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the sandbox cannot serve SMTP");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let core = Arc::clone(&core);
                // A client that leaves in the middle is no event.
                tokio::spawn(async move { serve(stream, &core).await.ok() });
            }
            Err(error) => {
                tracing::warn!(%error, "an SMTP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// What the server does next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Says this, line ends included.
    Say(String),
    /// An operation is complete: says `reply` unless a fault says otherwise, and only if it is
    /// carried out is `mail` taken.
    Operation {
        operation: &'static str,
        reply: String,
        mail: Option<Mail>,
    },
    /// Says goodbye.
    Quit,
}

/// A message with its envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mail {
    from: String,
    to: Vec<String>,
    data: Vec<u8>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Commands,
    /// The credentials come on a line of their own.
    Credentials,
    Data,
}

/// A session, without its socket: bytes in, steps out.
struct Session {
    user: String,
    password: String,
    state: State,
    greeted: bool,
    mail: Option<Mail>,
    commands: RequestReceiver,
    data: DataReceiver,
    line: Vec<u8>,
}

impl Session {
    fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            state: State::Commands,
            greeted: false,
            mail: None,
            commands: RequestReceiver::default(),
            data: DataReceiver::new(),
            line: Vec::new(),
        }
    }

    /// Reads bytes as far as a step, or all of them.
    fn next(&mut self, bytes: &mut std::slice::Iter<'_, u8>) -> Option<Step> {
        match self.state {
            State::Commands => {
                let command = match self.commands.ingest(bytes) {
                    Ok(command) => Ok(command.into_owned()),
                    Err(Error::NeedsMoreData { .. }) => return None,
                    Err(error) => Err(error),
                };
                Some(self.command(command))
            }
            State::Credentials => {
                for byte in bytes.by_ref() {
                    match byte {
                        b'\n' => {
                            let line = std::mem::take(&mut self.line);
                            self.state = State::Commands;
                            return Some(self.authenticate(&String::from_utf8_lossy(&line)));
                        }
                        _ if self.line.len() < 1_024 => self.line.push(*byte),
                        _ => {}
                    }
                }
                None
            }
            State::Data => {
                let mail = self.mail.get_or_insert_default();
                if !self.data.ingest(bytes, &mut mail.data) {
                    // What is too long is read to its end and forgotten.
                    mail.data.truncate(MESSAGE_BYTES_MAX + 1);
                    return None;
                }
                self.state = State::Commands;
                let mail = self.mail.take();
                let long = mail
                    .as_ref()
                    .is_some_and(|mail| mail.data.len() > MESSAGE_BYTES_MAX);
                Some(if long {
                    say("552 5.3.4 the message is longer than 1048576 bytes")
                } else {
                    Step::Operation {
                        operation: "data",
                        reply: "250 2.0.0 taken\r\n".to_owned(),
                        mail,
                    }
                })
            }
        }
    }

    fn command(&mut self, command: Result<Command<String>, Error>) -> Step {
        match command {
            Ok(Command::Ehlo { .. }) => {
                self.greeted = true;
                self.mail = None;
                say(&format!(
                    "250-sandbox.example\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-SIZE \
                     {MESSAGE_BYTES_MAX}\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN"
                ))
            }
            Ok(Command::Helo { .. }) => {
                self.greeted = true;
                say("250 sandbox.example")
            }
            Ok(Command::Quit) => Step::Quit,
            Ok(Command::Noop { .. }) => say("250 2.0.0 OK"),
            Ok(Command::Rset) => {
                self.mail = None;
                say("250 2.0.0 OK")
            }
            Ok(Command::Auth {
                mechanism,
                initial_response,
            }) => {
                if mechanism != AUTH_PLAIN {
                    return say("504 5.5.4 only PLAIN is spoken here");
                }
                if initial_response.is_empty() {
                    self.state = State::Credentials;
                    return say("334 ");
                }
                self.authenticate(&initial_response)
            }
            Ok(_) if !self.greeted => say("503 5.5.1 say EHLO first"),
            Ok(Command::Mail { .. }) if self.mail.is_some() => say("503 5.5.1 one mail at a time"),
            Ok(Command::Mail { from }) => self.mail(from.address, from.size),
            Ok(Command::Rcpt { to }) => self.recipient(to.address),
            Ok(Command::Data) => match &self.mail {
                Some(mail) if !mail.to.is_empty() => {
                    self.state = State::Data;
                    self.data = DataReceiver::new();
                    say("354 go ahead, end with a line of one dot")
                }
                _ => say("503 5.5.1 name a recipient first"),
            },
            Ok(_) | Err(Error::UnknownCommand) => say("502 5.5.1 this command is not known here"),
            Err(Error::InvalidSenderAddress) => say("501 5.1.7 the sender is no address"),
            Err(Error::InvalidRecipientAddress) => say("501 5.1.3 the recipient is no address"),
            Err(Error::ResponseTooLong) => say("500 5.5.2 the line is too long"),
            Err(_) => say("501 5.5.4 the command is not well formed"),
        }
    }

    fn authenticate(&self, coded: &str) -> Step {
        let plain = sign::unbase64(coded.trim());
        let right = format!("\0{}\0{}", self.user, self.password);
        match plain {
            Some(plain) if sign::equal(&plain, right.as_bytes()) => say("235 2.7.0 welcome"),
            Some(_) => say("535 5.7.8 user or password is wrong"),
            None => say("501 5.5.2 the credentials are not base64"),
        }
    }

    fn mail(&mut self, from: String, size: usize) -> Step {
        if size > MESSAGE_BYTES_MAX {
            return say("552 5.3.4 the message is longer than 1048576 bytes");
        }
        self.mail = Some(Mail {
            from,
            ..Mail::default()
        });
        operation("mail", "250 2.1.0 OK")
    }

    fn recipient(&mut self, to: String) -> Step {
        let Some(mail) = &mut self.mail else {
            return say("503 5.5.1 say MAIL first");
        };
        if to.starts_with("reject@") {
            return say("550 5.1.1 there is no such mailbox");
        }
        if to.starts_with("later@") {
            return say("451 4.2.1 the mailbox is busy, try later");
        }
        if mail.to.len() >= RECIPIENTS_MAX {
            return say("452 4.5.3 too many recipients");
        }
        mail.to.push(to);
        operation("rcpt", "250 2.1.5 OK")
    }

    /// Undoes a recipient or sender that a fault refused.
    fn refuse(&mut self, operation: &str) {
        match (operation, &mut self.mail) {
            ("rcpt", Some(mail)) => {
                mail.to.pop();
            }
            ("mail", _) => self.mail = None,
            _ => {}
        }
    }
}

fn say(text: &str) -> Step {
    Step::Say(format!("{text}\r\n"))
}

fn operation(operation: &'static str, reply: &str) -> Step {
    Step::Operation {
        operation,
        reply: format!("{reply}\r\n"),
        mail: None,
    }
}

async fn serve(mut stream: TcpStream, core: &Core) -> std::io::Result<()> {
    let user = core.secret("smtp.user", USER);
    let mut session = Session::new(user, core.secret("smtp.password", PASSWORD));
    let greeting = operation("connect", "220 sandbox.example ESMTP");
    if !act(&mut stream, core, &mut session, greeting).await? {
        return Ok(());
    }
    let mut buffer = vec![0; 16_384];
    loop {
        let read = tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await;
        let count = match read {
            Ok(count) => count?,
            Err(_) => return stream.write_all(b"421 4.4.2 you said nothing\r\n").await,
        };
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        let mut bytes = bytes.iter();
        while let Some(step) = session.next(&mut bytes) {
            if !act(&mut stream, core, &mut session, step).await? {
                return Ok(());
            }
        }
    }
}

/// Takes a step; whether the session goes on.
async fn act(
    stream: &mut TcpStream,
    core: &Core,
    session: &mut Session,
    step: Step,
) -> std::io::Result<bool> {
    let (operation, reply, mail) = match step {
        Step::Say(text) => return stream.write_all(text.as_bytes()).await.map(|()| true),
        Step::Quit => return stream.write_all(b"221 2.0.0 bye\r\n").await.map(|()| false),
        Step::Operation {
            operation,
            reply,
            mail,
        } => (operation, reply, mail),
    };
    if core.ledger.is_full() {
        return stream
            .write_all(b"452 4.3.1 the ledger is full\r\n")
            .await
            .map(|()| true);
    }
    let Some(rule) = core.faults.pick(NAME, operation, &request(operation)) else {
        take(core, mail);
        return stream.write_all(reply.as_bytes()).await.map(|()| true);
    };
    if rule.executes() {
        take(core, mail);
    } else {
        session.refuse(operation);
    }
    fail(stream, &rule, &reply).await
}

async fn fail(stream: &mut TcpStream, rule: &Rule, reply: &str) -> std::io::Result<bool> {
    let held_ms = match (rule.kind, rule.latency_ms) {
        (Kind::Timeout, 0) => super::faults::LONGEST_MS,
        (_, latency_ms) => latency_ms,
    };
    tokio::time::sleep(Duration::from_millis(held_ms)).await;
    let text: Cow<'_, str> = match rule.kind {
        Kind::Latency => reply.into(),
        Kind::Timeout | Kind::CommitThenDrop => return Ok(false),
        Kind::Reset => {
            // With a linger time of zero, close sends RST instead of FIN.
            socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO))?;
            return Ok(false);
        }
        Kind::EmptyBody => "\r\n".into(),
        Kind::MalformedBody => "25".into(),
        Kind::Status => {
            let code = rule.status.unwrap_or(451);
            let text = rule
                .body
                .as_deref()
                .unwrap_or("the sandbox was asked to refuse this");
            format!("{code} {text}\r\n").into()
        }
    };
    stream.write_all(text.as_bytes()).await?;
    Ok(rule.kind != Kind::MalformedBody)
}

/// Faults choose by request, so an SMTP operation looks like one.
fn request(operation: &str) -> Request {
    Request {
        method: axum::http::Method::POST,
        path: format!("/{operation}"),
        query: String::new(),
        headers: axum::http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        limit: None,
        held_ms: 0,
    }
}

/// Writes a message into the ledger, once for each recipient.
fn take(core: &Core, mail: Option<Mail>) {
    let Some(mail) = mail else {
        return;
    };
    let parsed = MessageParser::default().parse(&mail.data);
    let subject = parsed.as_ref().and_then(|parsed| parsed.subject());
    let text = parsed.as_ref().and_then(|parsed| parsed.body_text(0));
    let message_id = parsed.as_ref().and_then(|parsed| parsed.message_id());
    let id = core.next_id().to_string();
    for to in &mail.to {
        let detail = json!({"to": to, "from": mail.from, "subject": subject, "text": text,
            "message_id": message_id});
        note(core, (NAME, "message"), &id, to, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(session: &mut Session, bytes: &[u8]) -> Vec<Step> {
        let mut bytes = bytes.iter();
        std::iter::from_fn(|| session.next(&mut bytes)).collect()
    }

    fn code(step: &Step) -> &str {
        match step {
            Step::Say(text) | Step::Operation { reply: text, .. } => &text[..3],
            Step::Quit => "221",
        }
    }

    #[test]
    fn a_message_arrives_whole_whatever_pieces_its_bytes_come_in() {
        let script = b"EHLO a.example\r\nMAIL FROM:<shop@a.example>\r\nRCPT TO:<ana@b.example>\r\n\
            DATA\r\nSubject: x\r\n\r\n..dots\r\nend\r\n.\r\nQUIT\r\n";
        for size in [1, 2, 3, 7, script.len()] {
            let mut session = Session::new(USER, PASSWORD);
            let chunks = script.chunks(size);
            let steps: Vec<Step> = chunks.flat_map(|chunk| said(&mut session, chunk)).collect();
            let codes: Vec<&str> = steps.iter().map(code).collect();
            assert_eq!(
                codes,
                ["250", "250", "250", "354", "250", "221"],
                "pieces of {size}"
            );
            let Step::Operation {
                mail: Some(mail), ..
            } = &steps[4]
            else {
                panic!("no mail in {:?}", steps[4]);
            };
            assert_eq!(mail.from, "shop@a.example");
            assert_eq!(mail.to, ["ana@b.example"]);
            assert_eq!(mail.data, b"Subject: x\r\n\r\n.dots\r\nend\r\n");
        }
    }

    #[test]
    fn commands_out_of_turn_unknown_or_malformed_are_refused_and_the_session_goes_on() {
        let mut session = Session::new(USER, PASSWORD);
        for (line, expected) in [
            ("MAIL FROM:<a@b.example>\r\n", "503"),
            ("EHLO a.example\r\n", "250"),
            ("RCPT TO:<a@b.example>\r\n", "503"),
            ("DATA\r\n", "503"),
            ("HOLA\r\n", "502"),
            ("MAIL FROM:<a@b.example> SIZE=2000000\r\n", "552"),
            ("MAIL FROM:<a@b.example>\r\n", "250"),
            ("MAIL FROM:<a@b.example>\r\n", "503"),
            ("RCPT TO:<reject@b.example>\r\n", "550"),
            ("RCPT TO:<later@b.example>\r\n", "451"),
            ("DATA\r\n", "503"),
            ("AUTH LOGIN\r\n", "504"),
            ("AUTH PLAIN AHdyb25nAHdyb25n\r\n", "535"),
            ("AUTH PLAIN\r\n", "334"),
            ("AHNhbmRib3gAc2FuZGJveC1zbXRwLXBhc3N3b3Jk\r\n", "235"),
            ("RSET\r\n", "250"),
            ("QUIT\r\n", "221"),
        ] {
            let steps = said(&mut session, line.as_bytes());
            let codes: Vec<&str> = steps.iter().map(code).collect();
            assert_eq!(codes, [expected], "{line}");
        }
    }
}
