//! A subscriber: a real HTTP server that keeps what it is sent and answers as a test wants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use onhand::clock;
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::super::served::PATIENCE;

/// The bytes of the signing secret.
const KEY: [u8; 24] = *b"0123456789abcdefghijklmn";

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Got {
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// What it was answered.
    pub status: u16,
}

impl Got {
    /// Its events: one, or those of a batch. The signature must hold.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let header = |name: &str| self.headers[name].as_str();
        let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
        let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
        mac.update(format!("{id}.{time}.{}", self.body).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let all: Vec<&str> = header("webhook-signature").split(' ').collect();
        assert!(all.contains(&signature.as_str()), "{self:?}");
        let age_s = clock::now_ms() / 1_000 - time.parse::<u64>().unwrap();
        assert!(age_s < 300, "the timestamp is that of the attempt");
        let body: Value = serde_json::from_str(&self.body).unwrap();
        match header("content-type") {
            "application/cloudevents+json" => vec![body],
            "application/cloudevents-batch+json" => body.as_array().unwrap().clone(),
            other => panic!("a body of type {other}"),
        }
    }
}

type Policy = Box<dyn Fn(usize) -> (u16, u64, &'static str) + Send + Sync>;

/// The running server.
pub struct Receiver {
    pub address: SocketAddr,
    scheme: &'static str,
    got: Arc<Mutex<Vec<Got>>>,
    policy: Arc<Mutex<Policy>>,
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::answering(|_| (200, 0, ""))
    }

    /// One that answers request number n (from 0) with a status, after so many milliseconds, with
    /// further headers.
    pub fn answering(
        policy: impl Fn(usize) -> (u16, u64, &'static str) + Send + Sync + 'static,
    ) -> Self {
        Self::listening("http", policy, |stream| stream)
    }

    /// One that takes everything, over TLS with this certificate.
    pub fn over_tls(config: Arc<rustls::ServerConfig>) -> Self {
        let accept = move |stream: TcpStream| {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            rustls::StreamOwned::new(session, stream)
        };
        Self::listening("https", |_| (200, 0, ""), accept)
    }

    fn listening<S: Read + Write>(
        scheme: &'static str,
        policy: impl Fn(usize) -> (u16, u64, &'static str) + Send + Sync + 'static,
        accept: impl Fn(TcpStream) -> S + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Self {
            address,
            scheme,
            got: Arc::default(),
            policy: Arc::new(Mutex::new(Box::new(policy))),
        };
        let (got, policy) = (Arc::clone(&receiver.got), Arc::clone(&receiver.policy));
        let accept = Arc::new(accept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (got, policy) = (Arc::clone(&got), Arc::clone(&policy));
                let accept = Arc::clone(&accept);
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    serve(accept(stream), &got, &policy);
                });
            }
        });
        receiver
    }

    /// From now on it answers like this.
    pub fn answers(
        &self,
        policy: impl Fn(usize) -> (u16, u64, &'static str) + Send + Sync + 'static,
    ) {
        *self.policy.lock().unwrap() = Box::new(policy);
    }

    /// Every request so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Events of the requests that it took, in the order in which they came, repeats included.
    #[track_caller]
    pub fn taken(&self) -> Vec<Value> {
        let got = self.got();
        let taken = got.iter().filter(|one| one.status == 200);
        taken.flat_map(Got::events).collect()
    }

    /// The ids of those events, each where it came first.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let ids = self.taken().into_iter();
        let ids = ids.map(|event| event["id"].as_str().unwrap().to_owned());
        ids.filter(|id| seen.insert(id.clone())).collect()
    }

    /// The lines of a subscribers file for it.
    pub fn table(&self, name: &str, more: &str) -> String {
        format!(
            "[[subscriber]]\nname = \"{name}\"\ntenant = \"acme\"\nurl = \"{}://{}/hook\"\n\
             secrets = [SECRET]\nretry_ms = 20\nretry_max_ms = 200\n{more}\n\n",
            self.scheme, self.address
        )
    }
}

/// Writes a subscribers file with its secret beside it.
pub fn file(directory: &Path, tables: &[String]) -> PathBuf {
    let secret = directory.join("secret");
    std::fs::write(&secret, format!("whsec_{}", STANDARD.encode(KEY))).unwrap();
    let place = format!("{{ file = \"{}\" }}", secret.display());
    let path = directory.join("subscribers.toml");
    std::fs::write(&path, tables.concat().replace("SECRET", &place)).unwrap();
    path
}

/// Waits until something holds.
#[track_caller]
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
    while !holds() {
        assert!(clock::monotonic_ns() < deadline_ns, "not in time: {what}");
        clock::sleep_ms(10);
    }
}

/// Answers the requests of one connection.
fn serve(mut stream: impl Read + Write, got: &Mutex<Vec<Got>>, policy: &Mutex<Policy>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 64 << 10];
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let request = head.and_then(|head| parse(&bytes, head));
        if let Some((headers, body, end)) = request {
            bytes.drain(..end);
            let number = got.lock().unwrap().len();
            let (status, wait_ms, more) = policy.lock().unwrap()(number);
            got.lock().unwrap().push(Got {
                headers,
                body,
                status: if wait_ms > 0 { 0 } else { status },
            });
            if wait_ms > 0 {
                clock::sleep_ms(wait_ms);
                got.lock().unwrap()[number].status = status;
            }
            let answer = format!("HTTP/1.1 {status} X\r\n{more}content-length: 2\r\n\r\nok");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
            continue;
        }
        match stream.read(&mut chunk) {
            Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
            _ => return,
        }
    }
}

fn parse(bytes: &[u8], head: usize) -> Option<(BTreeMap<String, String>, String, usize)> {
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let headers: BTreeMap<String, String> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let end = head + 4 + length;
    let body = String::from_utf8_lossy(bytes.get(head + 4..end)?).into_owned();
    Some((headers, body, end))
}
