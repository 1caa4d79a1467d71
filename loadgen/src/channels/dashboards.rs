//! The engine's throughput with dashboards open and without, in alternation.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Parser;
use onhand::clock::monotonic_ns;
use reqwest::Client;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::json;
use tokio::task::JoinSet;

use super::stand::runtime;
use super::stream::Counted;
use super::verdict::Asked;
use crate::args::{Arguments, ChannelsArguments, Command};
use crate::figures::Server;
use crate::process::{median, stand};
use crate::run;

/// Dashboards open.
const OPEN: usize = 5;

/// The tenant that is watched: the load's.
const TENANT: &str = "loadgen";

/// What is asked: of the throughput with dashboards to that without, of the messages a second, and
/// of the kilobytes a second to one of them.
const RATIO: Asked = Asked::AtLeast(0.9);
const MESSAGES: Asked = Asked::AtMost(10.0);
const KILOBYTES: Asked = Asked::AtMost(50.0);

/// How soon an end is seen.
const LOOK: Duration = Duration::from_millis(50);

/// Longest wait for the streams to be open.
const OPENING: Duration = Duration::from_secs(30);

/// What was measured.
#[derive(Debug, Default, serde::Serialize)]
pub struct DashboardsReport {
    /// Dashboards open.
    pub open: usize,
    /// Orders a second of each run with them.
    pub with_per_s: Vec<f64>,
    /// Of each run without.
    pub without_per_s: Vec<f64>,
    /// Messages a second to the stream that got the most.
    pub messages_per_s: f64,
    /// Bytes a second to the stream that got the most.
    pub bytes_per_s: f64,
}

/// Measures it: each alternation on a server of its own, its two runs in changing order.
pub fn measure(arguments: &ChannelsArguments) -> Result<DashboardsReport> {
    let program = stand::program(arguments.server_bin.as_deref())?;
    let alternations = if arguments.quick { 2 } else { 5 };
    let seconds = arguments.load_seconds() / 2.0;
    let files = tempfile::tempdir().context("a directory for the token")?;
    let (tokens, secret) = (files.path().join("tokens"), files.path().join("secret"));
    let token = draw_token(&program, &tokens)?;
    std::fs::write(&secret, &token).context("the token")?;
    let mut report = DashboardsReport {
        open: OPEN,
        ..DashboardsReport::default()
    };
    for number in 0..alternations {
        eprintln!("dashboards: alternation {} of {alternations}", number + 1);
        let flags = [
            "--http".to_owned(),
            "127.0.0.1:0".to_owned(),
            "--token-file".to_owned(),
            tokens.display().to_string(),
        ];
        let orders = if arguments.quick { 100_000 } else { 24_000_000 };
        let directory: &Path = &arguments.directory;
        let server = Server::start_with(&program, directory, &arguments.sync, orders, &flags)?;
        let http = server.http().context("the server serves no HTTP")?;
        let first_with = number % 2 == 1;
        for with in [first_with, !first_with] {
            let seed = arguments.seed + 2 * number + u64::from(with);
            let watching = with.then(|| Watching::open(http, &token)).transpose()?;
            let per_s = load(&server, &secret, arguments.quick, seconds, seed)?;
            let Some(watching) = watching else {
                report.without_per_s.push(per_s);
                continue;
            };
            report.with_per_s.push(per_s);
            report.add(&watching.close()?);
        }
        server.stop()?;
    }
    Ok(report)
}

/// A new token that may do everything; its line is in the file `tokens`.
fn draw_token(program: &Path, tokens: &Path) -> Result<String> {
    let drawn = Process::new(program)
        .args(["token", "new", "--name", "loadgen", "--role", "admin"])
        .args(["--tenant", "*", "--file"])
        .arg(tokens)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&drawn.stderr).into_owned();
    ensure!(drawn.status.success(), "no token could be drawn: {said}");
    let token = String::from_utf8(drawn.stdout).context("a token is text")?;
    let mut words = token.split_whitespace();
    let found = words.find(|word| word.starts_with("oh_"));
    Ok(found.context("no token was printed")?.to_owned())
}

/// Orders a second of a closed loop.
fn load(server: &Server, secret: &Path, quick: bool, seconds: f64, seed: u64) -> Result<f64> {
    let connections = if quick { 4 } else { 50 };
    let line = format!(
        "onhand-loadgen run --target {} --tenant {TENANT} --token-file {} --scenario uniform \
         --batch 100 --connections {connections} --seconds {seconds} --seed {seed}",
        server.address(),
        secret.display()
    );
    let Command::Run(arguments) = Arguments::try_parse_from(line.split(' '))?.command else {
        bail!("the line says run");
    };
    let report = run::run(&arguments).context("the engine's load")?;
    ensure!(report.is_right(), "the engine misbehaved:\n{report}");
    Ok(report.orders_per_s)
}

/// One stream, from its opening to its end.
#[derive(Clone, Copy, Debug)]
struct Watched {
    counted: Counted,
    seconds: f64,
}

/// Open dashboards: each a session of its own, its stream read as it comes.
struct Watching {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Watched>>>,
}

impl Watching {
    /// Signs in and opens the streams.
    fn open(http: SocketAddr, token: &str) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (opened, all_open) = channel();
        let (seen, token) = (Arc::clone(&stop), token.to_owned());
        let thread = std::thread::Builder::new()
            .name("dashboards".to_owned())
            .spawn(move || runtime()?.block_on(watch(http, token, opened, seen)))?;
        let watching = Self { stop, thread };
        for _ in 0..OPEN {
            if all_open.recv_timeout(OPENING).is_err() {
                watching.close()?;
                bail!("the streams could not be opened");
            }
        }
        Ok(watching)
    }

    /// Ends the streams.
    fn close(self) -> Result<Vec<Watched>> {
        self.stop.store(true, Ordering::Release);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow!("a dashboard failed"))?
    }
}

async fn watch(
    http: SocketAddr,
    token: String,
    opened: Sender<()>,
    stop: Arc<AtomicBool>,
) -> Result<Vec<Watched>> {
    let mut streams = JoinSet::new();
    for _ in 0..OPEN {
        let (token, opened, stop) = (token.clone(), opened.clone(), Arc::clone(&stop));
        streams.spawn(async move { follow(http, &token, &opened, &stop).await });
    }
    let mut all = Vec::new();
    while let Some(stream) = streams.join_next().await {
        all.push(stream??);
    }
    Ok(all)
}

async fn follow(
    http: SocketAddr,
    token: &str,
    opened: &Sender<()>,
    stop: &AtomicBool,
) -> Result<Watched> {
    // A client of its own is a connection of its own, as every browser has.
    let client = Client::new();
    let login = client.post(format!("http://{http}/dashboard/login"));
    let login = login.json(&json!({ "token": token })).send().await?;
    let login = login.error_for_status().context("signing in")?;
    let cookie = login.headers().get(SET_COOKIE).context("no session")?;
    let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
    let events = format!("http://{http}/dashboard/events?tenant={TENANT}");
    let events = client.get(events).header(COOKIE, cookie).send().await?;
    let mut events = events.error_for_status().context("the stream")?;
    let start_ns = monotonic_ns();
    let mut counted = Counted::default();
    // Whoever waits is told once; nobody waits any more where this fails.
    let _ = opened.send(());
    while !stop.load(Ordering::Acquire) {
        tokio::select! {
            piece = events.chunk() => match piece? {
                Some(piece) => counted.take(&piece),
                None => bail!("the stream ended by itself"),
            },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    let seconds = (monotonic_ns() - start_ns) as f64 / 1e9;
    Ok(Watched { counted, seconds })
}

impl DashboardsReport {
    fn add(&mut self, watched: &[Watched]) {
        for one in watched {
            let (messages, bytes) = (one.counted.messages as f64, one.counted.bytes as f64);
            self.messages_per_s = self.messages_per_s.max(messages / one.seconds);
            self.bytes_per_s = self.bytes_per_s.max(bytes / one.seconds);
        }
    }

    /// A figure, where anything was measured.
    fn figure(&self, figure: f64) -> Option<f64> {
        (!self.with_per_s.is_empty()).then_some(figure)
    }

    /// The median of the alternations.
    fn ratio(&self) -> f64 {
        let pairs = self.with_per_s.iter().zip(&self.without_per_s);
        median(pairs.map(|(with, without)| with / without).collect())
    }
}

impl fmt::Display for DashboardsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} dashboards open: {:.0} orders/s with, {:.0} without, ratio {:.3} (medians of {}; \
             {}); to the busiest stream {:.1} messages/s ({}) and {:.1} kB/s ({})",
            self.open,
            median(self.with_per_s.clone()),
            median(self.without_per_s.clone()),
            self.ratio(),
            self.with_per_s.len(),
            RATIO.of(self.figure(self.ratio())),
            self.messages_per_s,
            MESSAGES.of(self.figure(self.messages_per_s)),
            self.bytes_per_s / 1e3,
            KILOBYTES.of(self.figure(self.bytes_per_s / 1e3)),
        )
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact values
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_alternation_and_the_busiest_stream_counts() {
        let mut report = DashboardsReport {
            open: 2,
            with_per_s: vec![90.0, 100.0, 40.0],
            without_per_s: vec![100.0, 100.0, 80.0],
            ..DashboardsReport::default()
        };
        assert_eq!(report.ratio(), 0.9);
        let mut counted = Counted::default();
        counted.take(b"data: x\n\ndata: y\n\n");
        let quick = Watched {
            counted,
            seconds: 1.0,
        };
        let slow = Watched {
            counted,
            seconds: 4.0,
        };
        report.add(&[slow, quick, slow]);
        assert_eq!((report.messages_per_s, report.bytes_per_s), (2.0, 18.0));
        let said = report.to_string();
        for part in [
            "ratio 0.900 (medians of 3; asked >= 0.9: met)",
            "2.0 messages/s (asked <= 10: met) and 0.0 kB/s (asked <= 50: met)",
        ] {
            assert!(said.contains(part), "{said}");
        }
        report.bytes_per_s = 50_001.0;
        report.with_per_s[0] = 80.0;
        let said = report.to_string();
        assert!(said.contains("asked >= 0.9: NOT MET"), "{said}");
        assert!(said.contains("asked <= 50: NOT MET"), "{said}");
    }
}
