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
    encrypted: bool,
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
        Self::start_as(false)
    }

    /// As [`Server::start`], one that takes connections over TLS only, with a certificate that
    /// [`Server::authority`] signed.
    pub fn start_encrypted() -> Option<Self> {
        Self::start_as(true)
    }

    fn start_as(encrypted: bool) -> Option<Self> {
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
            encrypted,
        };
        let data = server.data();
        let mut made = server.program("initdb");
        made.args(["--auth=trust", "--username=onhand", "--no-sync", "-D"]);
        run(made.arg(&data));
        if encrypted {
            server.certify();
        }
        server.control("start");
        Some(server)
    }

    /// The certificate of the authority that signed the server's.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// Makes an authority and the server's certificate, and lets nobody in without TLS.
    fn certify(&self) {
        let (authority, key) = authority();
        let mut named = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        named.is_ca = rcgen::IsCa::NoCa;
        let own_key = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::from_params(&authority, &key);
        let own = named.signed_by(&own_key, &issuer).unwrap();
        let folder = self.directory.path();
        let authority = authority.self_signed(&key).unwrap();
        std::fs::write(self.authority(), authority.pem()).unwrap();
        for (name, pem) in [("own.pem", own.pem()), ("own.key", own_key.serialize_pem())] {
            let path = folder.join(name);
            std::fs::write(&path, pem).unwrap();
            let rights = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, rights).unwrap();
            if rustix::process::getuid().is_root() {
                run(Command::new("chown").arg("postgres").arg(&path));
            }
        }
        let hosts = self.data().join("pg_hba.conf");
        std::fs::write(&hosts, "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    }

    /// The address of a database of this server, with options behind it such as `sslmode=require`.
    pub fn url(&self, database: &str, options: &str) -> String {
        format!(
            "postgres://onhand@127.0.0.1:{}/{database}?{options}",
            self.port
        )
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
        let folder = sockets.display();
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={folder}",
            self.port,
        );
        if self.encrypted {
            options += &format!(
                " -c ssl=on -c ssl_cert_file={folder}/own.pem -c ssl_key_file={folder}/own.key"
            );
        }
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

/// A certificate authority of the test's own.
pub fn authority() -> (rcgen::CertificateParams, rcgen::KeyPair) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    (authority, rcgen::KeyPair::generate().unwrap())
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
