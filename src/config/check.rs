//! What must hold between options, and what a person should be warned of.

use super::setting::grouped;
use super::{Config, ConfigError, Origin};
use crate::limits::NAME_BYTES_MAX;

impl Config {
    /// Checks the configuration as a whole.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        self.check_sizes()?;
        self.check_tenants()?;
        self.check_sandbox()?;
        self.check_exposure()
    }

    /// Sentences for the person who starts the server; empty where all is well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.listen.ip().is_loopback() {
            if self.tls_cert.is_none() {
                warnings.push(format!(
                    "listening on {} without TLS: tokens and orders cross the network in clear",
                    self.listen
                ));
            }
            if self.token_file.is_none() {
                warnings.push(format!(
                    "listening on {} without a token file: anyone who reaches it may do everything",
                    self.listen
                ));
            }
        }
        if let Some(http) = self.http.filter(|http| !http.ip().is_loopback()) {
            if self.http_tls_cert.is_none() {
                warnings.push(format!(
                    "HTTP on {http} is plain: tokens and answers cross the network in clear"
                ));
            }
            if self.token_file.is_none() {
                warnings.push(format!(
                    "HTTP on {http} without a token file: metrics are served to anyone who reaches \
                     it, and the REST API to nobody but this machine"
                ));
            }
        }
        warnings
    }

    fn check_sizes(&self) -> Result<(), ConfigError> {
        if !self.segment_bytes.is_multiple_of(4096) {
            let nearest = self.segment_bytes.next_multiple_of(4096);
            let message = format!("must be a multiple of 4096, e.g. {}", grouped(nearest));
            return Err(self.refuse("segment_bytes", message));
        }
        if self.orders_expected > self.orders_max {
            let message = format!(
                "memory for more orders ({}) than `orders_max` allows ({})",
                self.orders_expected, self.orders_max
            );
            return Err(self.refuse("orders_expected", message));
        }
        Ok(())
    }

    fn check_tenants(&self) -> Result<(), ConfigError> {
        for (name, shard) in &self.tenants {
            let length = 1..=NAME_BYTES_MAX;
            if !length.contains(&name.len()) || name.chars().any(char::is_control) {
                let message = format!(
                    "`{}` cannot be a tenant: 1 to {NAME_BYTES_MAX} bytes, no control characters",
                    name.escape_debug()
                );
                return Err(self.refuse("tenants", message));
            }
            if *shard >= self.shards {
                let message = format!(
                    "tenant `{name}` is bound to shard {shard}, but the shards are 0 to {}",
                    self.shards - 1
                );
                return Err(self.refuse("tenants", message));
            }
        }
        Ok(())
    }

    fn check_sandbox(&self) -> Result<(), ConfigError> {
        let Some(sandbox) = self.sandbox else {
            return Ok(());
        };
        if self.process.is_some() {
            let message = "is not used together with `process`: the sandbox has a process file of \
                           its own, see `onhand pipelines init --sandbox`";
            return Err(self.refuse("sandbox", message.into()));
        }
        if !sandbox.ip().is_loopback() {
            let message = format!("{sandbox} is not on loopback, where `onhand sandbox` listens");
            return Err(self.refuse("sandbox", message));
        }
        Ok(())
    }

    fn check_exposure(&self) -> Result<(), ConfigError> {
        match (&self.http_tls_cert, &self.http_tls_key) {
            (Some(_), None) => {
                let message = "needs `http_tls_key`, the private key".into();
                return Err(self.refuse("http_tls_cert", message));
            }
            (None, Some(_)) => {
                let message = "needs `http_tls_cert`, the certificate".into();
                return Err(self.refuse("http_tls_key", message));
            }
            _ => {}
        }
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => {
                return Err(self.refuse("tls_cert", "needs `tls_key`, the private key".into()));
            }
            (None, Some(_)) => {
                return Err(self.refuse("tls_key", "needs `tls_cert`, the certificate".into()));
            }
            _ => {}
        }
        if self.insecure_plaintext {
            return Ok(());
        }
        if let Some(http) = self.http
            && !http.ip().is_loopback()
            && (self.token_file.is_none() || self.http_tls_cert.is_none())
        {
            let message = format!(
                "{http} can be reached from other machines, which needs authentication \
                 (`token_file`) and TLS (`http_tls_cert` and `http_tls_key`). Listen on 127.0.0.1, \
                 behind a proxy if need be, or say `insecure_plaintext` if the network is yours alone"
            );
            return Err(self.refuse("http", message));
        }
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        let missing = match (self.token_file.is_some(), self.tls_cert.is_some()) {
            (true, true) => return Ok(()),
            (true, false) => "TLS (`tls_cert` and `tls_key`)",
            (false, true) => "a token file (`token_file`)",
            (false, false) => "a token file (`token_file`) and TLS (`tls_cert` and `tls_key`)",
        };
        let message = format!(
            "{} can be reached from other machines, which needs {missing}. Listen on 127.0.0.1, \
             or say `insecure_plaintext` if the network is yours alone",
            self.listen
        );
        Err(self.refuse("listen", message))
    }

    pub(super) fn out_of_range(
        &self,
        key: &'static str,
        number: u64,
        min: u64,
        max: u64,
    ) -> ConfigError {
        let (number, min, max) = (grouped(number), grouped(min), grouped(max));
        self.refuse(key, format!("{number} is out of range: use {min} to {max}"))
    }

    fn refuse(&self, key: &'static str, message: String) -> ConfigError {
        let place = match self.origin(key) {
            Origin::Default => format!("`{key}` (default)"),
            Origin::File { path, line } => format!("{} line {line}: `{key}`", path.display()),
            Origin::Flag => format!("--{}", key.replace('_', "-")),
        };
        ConfigError::Value { place, message }
    }
}
