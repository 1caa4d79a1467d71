//! A real PostgreSQL server of the test's own: private directory, free port, loopback only.

use onhand::history::HistoryTarget;
use sqlx::Connection as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running server; stopped when it is dropped.
pub struct Server {
    programs: PathBuf,
    directory: tempfile::TempDir,
    port: u16,
}

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

impl Server {
    /// Starts a server. Where PostgreSQL is not installed, says so and returns `None`.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("ONHAND_REQUIRE_ALL").is_none_or(|value| value != "1"),
                "PostgreSQL is not installed, and nothing may be skipped"
            );
            eprintln!("skipped: needs PostgreSQL (Debian: apt-get install postgresql)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        if rustix::process::getuid().is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(directory.path()));
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = Self {
            programs,
            directory,
            port,
        };
        let data = server.data();
        let mut made = server.program("initdb");
        made.args(["--auth=trust", "--username=onhand", "--no-sync", "-D"]);
        run(made.arg(&data));
        server.control("start");
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A program of the server, as a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if rustix::process::getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--",
            ]);
            command.arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.directory.path());
        command
    }

    fn control(&self, action: &str) {
        let sockets: &Path = self.directory.path();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={}",
            self.port,
            sockets.display()
        );
        let mut command = self.program("pg_ctl");
        command.args(["-w", "-m", "immediate", "-l"]);
        command.arg(self.directory.path().join("log")).arg("-D");
        run(command.arg(self.data()).args(["-o", &options, action]));
    }

    /// Ends the server at once, as a crash does.
    pub fn stop(&mut self) {
        self.control("stop");
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.control("start");
    }

    /// A fresh database of this name.
    pub async fn database(&self, name: &str) -> HistoryTarget {
        let url = |name: &str| format!("postgres://onhand@127.0.0.1:{}/{name}", self.port);
        let mut connection = sqlx::PgConnection::connect(&url("postgres")).await.unwrap();
        let text = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let target = HistoryTarget::parse(&url(name), Path::new("/")).unwrap();
        target.expect("a database")
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = self.program("pg_ctl");
        command
            .args(["-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop");
        // It may be down already.
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
