//! A sandbox and a server that uses it, as processes of their own.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::args::ProcessArguments;
use crate::figures::Server;

/// See the module. Dropping it ends both processes and deletes the server's data.
pub struct Stand {
    sandbox: Child,
    /// Where the sandbox listens.
    pub sandbox_address: SocketAddr,
    server: Server,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Stand {
    /// Starts both. `real_limits`: the sandbox holds the providers' documented rate limits.
    pub fn start(arguments: &ProcessArguments, orders: u64, real_limits: bool) -> Result<Self> {
        let program = program(arguments.server_bin.as_deref())?;
        let (sandbox, sandbox_address) = start_sandbox(&program, real_limits)?;
        let flags = [
            "--sandbox".to_owned(),
            sandbox_address.to_string(),
            "--http".to_owned(),
            "127.0.0.1:0".to_owned(),
        ];
        let directory: &Path = &arguments.directory;
        let server = Server::start_with(&program, directory, &arguments.sync, orders, &flags)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stand = Self {
            sandbox,
            sandbox_address,
            server,
            runtime,
            http: reqwest::Client::new(),
        };
        let target = stand.server.http().context("the server serves no HTTP")?;
        let target = format!("http://{target}");
        stand.tell("/_sandbox/callbacks", &json!({ "target": target }))?;
        Ok(stand)
    }

    /// Where orders are sent.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The runtime that HTTP calls are made on.
    pub fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    /// Posts to the sandbox's own routes.
    pub fn tell(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("http://{}{path}", self.sandbox_address);
        self.runtime.block_on(async {
            let request = self.http.post(&url).json(body);
            let response = request.send().await?.error_for_status()?;
            Ok(response.json().await?)
        })
    }

    /// Reads one of the sandbox's own routes.
    pub fn ask(&self, path: &str) -> Result<Value> {
        let url = format!("http://{}{path}", self.sandbox_address);
        self.runtime.block_on(async {
            let response = self.http.get(&url).send().await?.error_for_status()?;
            Ok(response.json().await?)
        })
    }

    /// How often `kind` happened at all providers, by the sandbox's ledger.
    pub fn happened(&self, kind: &str) -> Result<u64> {
        self.count(|name| name == kind)
    }

    /// How much happened at all providers, of any kind.
    pub fn happened_in_all(&self) -> Result<u64> {
        self.count(|_| true)
    }

    fn count(&self, is_wanted: impl Fn(&str) -> bool) -> Result<u64> {
        let summary = self.ask("/_sandbox/ledger/summary")?;
        let providers = summary["providers"].as_object();
        let providers = providers.context("the ledger's summary names no providers")?;
        let kinds = providers.values().filter_map(Value::as_object).flatten();
        let wanted = kinds.filter(|(name, _)| is_wanted(name));
        Ok(wanted.filter_map(|(_, kind)| kind["count"].as_u64()).sum())
    }

    /// Ends both processes.
    pub fn stop(mut self) -> Result<()> {
        self.sandbox.kill().context("cannot end the sandbox")?;
        self.sandbox.wait().context("cannot wait for the sandbox")?;
        Ok(())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // Both fail only where the process is gone already, which is what we want.
        let _ = self.sandbox.kill();
        let _ = self.sandbox.wait();
    }
}

/// Starts a sandbox, and waits until it listens; the caller ends it. It stands for machines
/// elsewhere: it gives way to the load and its server.
pub fn start_sandbox(program: &Path, real_limits: bool) -> Result<(Child, SocketAddr)> {
    let mut command = Command::new("chrt");
    command
        .args(["--idle", "0"])
        .arg(program)
        .args(["sandbox", "--listen", "127.0.0.1:0"])
        .args(["--most-effects", "5000000", "--step-ms", "200"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    if real_limits {
        command.arg("--real-limits");
    }
    let mut sandbox = command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let address = sandbox_address(&mut sandbox)?;
    Ok((sandbox, address))
}

/// The program to measure: as named, or beside this one.
pub fn program(named: Option<&Path>) -> Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("onhand"),
    };
    ensure!(
        path.is_file(),
        "no server at {}: build it with `cargo build --release`, or name it with --server-bin",
        path.display()
    );
    Ok(path)
}

/// The address in the lines that the sandbox prints until it is ready.
fn sandbox_address(child: &mut Child) -> Result<SocketAddr> {
    let stdout = child.stdout.take().context("its output is piped")?;
    let mut address = None;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Some(text) = line.strip_prefix("onhand sandbox: http://") {
            address = Some(text.trim().parse().context("the sandbox's address")?);
        }
        if line == "ready" {
            return address.context("the sandbox said no address");
        }
    }
    bail!("the sandbox ended before it was ready; it says why above")
}
