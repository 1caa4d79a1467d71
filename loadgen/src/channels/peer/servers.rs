//! Redis and PostgreSQL as a careful person runs them: nothing is acknowledged that a power cut
//! could take back. Each is a process of ours in a private directory, reached by a socket in it.

use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, Result, ensure};
use onhand::clock::{monotonic_ns, sleep_ms};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tempfile::TempDir;

use super::programs::{Programs, User, check_running, run, spawn};

/// Longest wait for a server to be there, in nanoseconds.
const START_NS_MAX: u64 = 30_000_000_000;

/// Between two looks, in milliseconds.
const LOOK_MS: u64 = 10;

/// Name of PostgreSQL's first user.
const DATABASE_USER: &str = "peer";

/// PostgreSQL's settings. Durability is as installed (`fsync`, `full_page_writes` and
/// `synchronous_commit` are on) and said once more; memory and checkpoints are as for a database
/// that matters, so that none falls into the measurement.
const DATABASE_SETTINGS: &[&str] = &[
    "listen_addresses=",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "max_connections=40",
    "jit=off",
];

/// A Redis server; ended when it is dropped.
pub struct RedisServer {
    child: Child,
    socket: PathBuf,
    _data: TempDir,
    _sockets: TempDir,
}

impl RedisServer {
    /// Starts one with its data below `directory`: every write is synced before it is answered.
    pub fn start(programs: &Programs, directory: &Path) -> Result<Self> {
        let user = User::Own;
        let (data, sockets) = (user.directory(Some(directory))?, user.directory(None)?);
        let socket = sockets.path().join("redis.sock");
        let log = data.path().join("log");
        let mut command = user.command(&programs.redis, "KILL");
        command
            .args(["--port", "0", "--daemonize", "no", "--unixsocket"])
            .arg(&socket)
            .args(["--unixsocketperm", "700", "--dir"])
            .arg(data.path())
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--save", ""]);
        let child = spawn(&mut command, &log)?;
        // From here on dropping the server ends the process, whatever goes wrong.
        let mut server = Self {
            child,
            socket,
            _data: data,
            _sockets: sockets,
        };
        let socket = server.socket.clone();
        wait_for(&mut server.child, &log, || socket.exists()).context("redis-server")?;
        Ok(server)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Both fail only where the process is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A PostgreSQL server; ended when it is dropped.
pub struct PostgresServer {
    child: Child,
    programs: PathBuf,
    user: User,
    cluster: PathBuf,
    _data: TempDir,
    sockets: TempDir,
}

impl PostgresServer {
    /// Starts one with its data below `directory`.
    pub fn start(programs: &Programs, directory: &Path) -> Result<Self> {
        let user = User::of_postgres();
        let (data, sockets) = (user.directory(Some(directory))?, user.directory(None)?);
        let cluster = data.path().join("data");
        let mut made = user.command(&programs.postgres.join("initdb"), "KILL");
        made.args(["--auth=trust", "--encoding=UTF8", "--locale=C"])
            .arg(format!("--username={DATABASE_USER}"))
            .arg("-D")
            .arg(&cluster)
            .current_dir(data.path());
        run(&mut made)?;
        let mut command = user.command(&programs.postgres.join("postgres"), "QUIT");
        command.arg("-D").arg(&cluster).current_dir(data.path());
        let folder = format!("unix_socket_directories={}", sockets.path().display());
        for setting in DATABASE_SETTINGS.iter().copied().chain([folder.as_str()]) {
            command.args(["-c", setting]);
        }
        let log = data.path().join("log");
        let child = spawn(&mut command, &log)?;
        let mut server = Self {
            child,
            programs: programs.postgres.clone(),
            user,
            cluster,
            _data: data,
            sockets,
        };
        // The last line of this file says that connections are taken.
        let state = server.cluster.join("postmaster.pid");
        wait_for(&mut server.child, &log, || {
            std::fs::read_to_string(&state).is_ok_and(|text| is_ready(&text))
        })
        .context("postgres")?;
        Ok(server)
    }

    /// How it is connected to.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.sockets.path())
            .username(DATABASE_USER)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let mut command = self.user.command(&self.programs.join("pg_ctl"), "KILL");
        command.args(["-m", "immediate", "-w", "-t", "20", "-D"]);
        command.arg(&self.cluster).arg("stop");
        if let Err(error) = run(&mut command) {
            eprintln!("peer: PostgreSQL is killed, as it does not stop: {error:#}");
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Whether PostgreSQL's file about itself says that it takes connections.
fn is_ready(text: &str) -> bool {
    text.lines()
        .nth(7)
        .is_some_and(|line| line.trim() == "ready")
}

fn wait_for(child: &mut Child, log: &Path, is_there: impl Fn() -> bool) -> Result<()> {
    let end_ns = monotonic_ns() + START_NS_MAX;
    while !is_there() {
        check_running(child, log)?;
        ensure!(monotonic_ns() < end_ns, "it takes no connections");
        sleep_ms(LOOK_MS);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_is_ready_when_its_last_line_says_so() {
        let lines = "4711\n/data\n1750000000\n5432\n/sockets\n\n  1  2\n";
        assert!(!is_ready(lines) && !is_ready(""));
        assert!(!is_ready(&format!("{lines}starting\n")));
        assert!(is_ready(&format!("{lines}ready   \n")));
    }
}
