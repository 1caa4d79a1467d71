//! One connection to a running server, as the subcommands use it: names, keys, refusals.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::output::print;
use super::startup::{DONE, REFUSED};
use crate::client::{
    ClientError, ConnectOptions, Connection, LocationAnswer, SkuAnswer, command_key,
};
use crate::limits::QUERY_ITEMS_MAX;
use crate::types::{CodeClass, CommandKey, LocationId, ResultCode, SkuId};

/// Environment variable that holds the token, where no file is named.
const TOKEN_VARIABLE: &str = "ONHAND_TOKEN";

/// Where the server is, and who asks.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerArgs {
    /// Address of the server
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "ONHAND_SERVER",
        default_value = "127.0.0.1:7171"
    )]
    server: String,
    /// The tenant to work for, 1 to 64 bytes
    #[arg(
        long,
        value_name = "NAME",
        env = "ONHAND_TENANT",
        default_value = "default"
    )]
    tenant: String,
    /// File whose first line is the token [default: the environment variable ONHAND_TOKEN, or no
    /// token]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Connect with TLS and trust the certificates in this PEM file [default: no TLS]
    #[arg(long, value_name = "FILE", env = "ONHAND_TLS_CA")]
    tls_ca: Option<PathBuf>,
    /// Name that the server's certificate must have [default: the host of --server]
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    tls_name: Option<String>,
    /// How long to wait for the connection and for each answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    timeout_ms: u64,
    /// Print JSON, one value a line, instead of sentences and tables [default: off]
    #[arg(long)]
    json: bool,
}

/// The key that makes a command safe to repeat.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
#[group(skip)]
pub(super) struct CommandKeyArgs {
    /// Key of this command, 32 hex digits: the same one again is a retry and is not done twice
    /// [default: random, printed on standard error]
    #[arg(long = "key", value_name = "HEX", value_parser = parse_key::<CommandKey>)]
    key: Option<CommandKey>,
}

impl CommandKeyArgs {
    /// The key given, or a new one, told before it is used so that a retry is possible whatever
    /// happens.
    pub(super) fn announce(self) -> anyhow::Result<CommandKey> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let key = command_key()?;
        announce_key("command", key);
        Ok(key)
    }
}

/// A key from its hex digits.
pub(super) fn parse_key<K: std::str::FromStr>(text: &str) -> Result<K, String> {
    text.parse()
        .map_err(|_| "expected 1 to 32 hex digits".to_owned())
}

/// Tells the key of what is about to be sent.
pub(super) fn announce_key(what: &str, key: impl std::fmt::Display) {
    eprintln!("{what} key {key}");
}

/// The server answered with another code than `OK`.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {}: {what}.", code.meaning().trim().trim_end_matches('.'))]
struct Refused {
    code: ResultCode,
    what: String,
    value: serde_json::Value,
}

/// The error of a subcommand that the server refused; exit code 1.
pub(super) fn refused(code: ResultCode, what: String) -> anyhow::Error {
    refused_with(code, what, serde_json::json!({ "code": code.name() }))
}

/// As [`refused`], with what `--json` prints.
pub(super) fn refused_with(
    code: ResultCode,
    what: String,
    value: serde_json::Value,
) -> anyhow::Error {
    Refused { code, what, value }.into()
}

/// The refusal in an error, if it is one: a connection that was never opened, broke, or was closed
/// by the server is none.
fn refusal(error: anyhow::Error) -> Result<Refused, anyhow::Error> {
    let error = match error.downcast::<Refused>() {
        Ok(refused) => return Ok(refused),
        Err(error) => error,
    };
    let (code, what) = match error.downcast_ref() {
        Some(ClientError::Server { code, text, .. }) if code.class() != CodeClass::Protocol => {
            (*code, text.trim_end_matches('.').to_owned())
        }
        Some(ClientError::UnknownName { code, name }) => (*code, format!("`{name}`")),
        _ => return Err(error),
    };
    let value = serde_json::json!({ "code": code.name(), "what": what });
    Ok(Refused { code, what, value })
}

/// Says what a lost answer means.
fn explain_silence(error: anyhow::Error) -> anyhow::Error {
    let silent = matches!(
        error.downcast_ref(),
        Some(ClientError::Connection(_) | ClientError::Closed | ClientError::TimedOut { .. })
    );
    if silent {
        error.context(
            "no answer, so it may or may not have been done; the same command with the same key \
             is safe to repeat",
        )
    } else {
        error
    }
}

/// An open connection.
pub(super) struct Session {
    pub(super) connection: Connection,
    json: bool,
}

impl ServerArgs {
    /// The tenant to work for.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Connects, does the work, and turns a refusal into exit code 1.
    pub(super) fn run(
        self,
        work: impl FnOnce(&mut Session) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let mut session = self.open()?;
        let Err(error) = work(&mut session) else {
            return Ok(ExitCode::from(DONE));
        };
        let refused = refusal(error).map_err(explain_silence)?;
        if self.json {
            print(refused.value)?;
        } else {
            print(refused)?;
        }
        Ok(ExitCode::from(REFUSED))
    }

    fn open(&self) -> anyhow::Result<Session> {
        let options = ConnectOptions {
            client: concat!("onhand ", env!("CARGO_PKG_VERSION")).to_owned(),
            ca_file: self.tls_ca.clone(),
            server_name: self.tls_name.clone(),
            timeout_ms: self.timeout_ms,
            ..ConnectOptions::new(
                &self.server,
                &token_of(self.token_file.as_deref())?,
                &self.tenant,
            )
        };
        let connection = Connection::connect(&options)
            .with_context(|| format!("no session with {}", self.server))?;
        Ok(Session {
            connection,
            json: self.json,
        })
    }
}

/// The secret in the file's first line, or in the environment; empty without.
pub(super) fn token_of(file: Option<&Path>) -> anyhow::Result<String> {
    let Some(path) = file else {
        return Ok(std::env::var(TOKEN_VARIABLE).unwrap_or_default());
    };
    let failed = || format!("cannot read the token in {}", path.display());
    let text = std::fs::read_to_string(path).with_context(failed)?;
    let token = text.lines().next().unwrap_or_default().trim();
    anyhow::ensure!(!token.is_empty(), "{} is empty", path.display());
    Ok(token.to_owned())
}

impl Session {
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// The handles of SKUs with their names, in their order.
    pub(super) fn skus(&mut self, names: &[String]) -> Result<Vec<(SkuId, String)>, ClientError> {
        let texts: Vec<_> = names.iter().map(String::as_str).collect();
        let handles = self.connection.skus(&texts)?;
        Ok(handles.into_iter().zip(names.iter().cloned()).collect())
    }

    /// At most `limit` SKUs from a handle on, and where to go on.
    pub(super) fn sku_page(
        &mut self,
        from: u32,
        limit: usize,
    ) -> Result<(Vec<SkuAnswer>, Option<u32>), ClientError> {
        let mut rows = Vec::new();
        let mut next = Some(from);
        while let Some(from) = next
            && rows.len() < limit
        {
            let wanted = (limit - rows.len()).min(QUERY_ITEMS_MAX);
            let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
            let (more, then) = self.connection.list_skus(from, wanted)?;
            rows.extend(more);
            next = then;
        }
        Ok((rows, next))
    }

    /// The name of a SKU; its number where it is unknown.
    pub(super) fn sku_name(&mut self, sku: SkuId) -> Result<String, ClientError> {
        let (rows, _) = self.sku_page(sku.0, 1)?;
        let found = rows.into_iter().find(|row| row.sku == sku);
        Ok(found.map_or_else(|| sku.0.to_string(), |row| row.name))
    }

    /// Every location of the tenant.
    pub(super) fn all_locations(&mut self) -> Result<Vec<LocationAnswer>, ClientError> {
        let limit = u16::try_from(QUERY_ITEMS_MAX).unwrap_or(u16::MAX);
        let mut rows = Vec::new();
        let mut next = Some(0);
        while let Some(from) = next {
            let (more, then) = self.connection.list_locations(from, limit)?;
            rows.extend(more);
            next = then;
        }
        Ok(rows)
    }

    /// The names of all locations.
    pub(super) fn location_names(&mut self) -> Result<LocationNames, ClientError> {
        let rows = self.all_locations()?;
        Ok(LocationNames(
            rows.into_iter()
                .map(|row| (row.location, row.name))
                .collect(),
        ))
    }
}

/// Handles of locations to names.
pub(super) struct LocationNames(HashMap<LocationId, String>);

impl LocationNames {
    /// The name of a location; its number where it is unknown.
    pub(super) fn of(&self, location: LocationId) -> String {
        let name = self.0.get(&location).cloned();
        name.unwrap_or_else(|| location.0.to_string())
    }
}
