//! TLS for the listener: a rustls server configuration from two PEM files.
//!
//! TLS 1.2 and 1.3 with rustls' *ring* provider, named explicitly so that no other crate's choice
//! of a process-wide default matters. Clients authenticate with a token, not with a certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Reads the certificate chain (leaf first) and its private key (PKCS#8, PKCS#1 or SEC1), and
/// checks that they belong together.
///
/// # Errors
/// Each names the file to look at.
pub fn server_config(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = read_chain(certificates)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::NoKey { path: key.into() },
        source => TlsError::Read {
            path: key.into(),
            source,
        },
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private)
        })
        .map_err(|source| TlsError::Unusable {
            certificates: certificates.into(),
            key: key.into(),
            source,
        })?;
    Ok(Arc::new(config))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = |source| TlsError::Read {
        path: path.into(),
        source,
    };
    let chain = CertificateDer::pem_file_iter(path)
        .map_err(read)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(read)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: path.into() });
    }
    Ok(chain)
}

/// Why TLS cannot be offered. The person who names the files mends them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read or is not well-formed PEM.
    #[error("cannot read {} as PEM", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The certificate file has none.
    #[error("{} has no certificate: expected -----BEGIN CERTIFICATE-----", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key file has none.
    #[error("{} has no private key: expected -----BEGIN PRIVATE KEY-----", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key were read but cannot serve together.
    #[error(
        "the certificate in {} cannot be served with the key in {}",
        certificates.display(),
        key.display()
    )]
    Unusable {
        /// The certificate file.
        certificates: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a written file");
        path
    }

    #[test]
    fn a_certificate_with_its_key_is_accepted_and_with_another_key_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let certificate = file(&directory, "cert.pem", &pair.cert.pem());
        let key = file(&directory, "key.pem", &pair.signing_key.serialize_pem());
        let wrong = file(&directory, "other.pem", &other.signing_key.serialize_pem());
        server_config(&certificate, &key).expect("a configuration");
        let error = server_config(&certificate, &wrong).expect_err("keys differ");
        assert!(error.to_string().contains("other.pem"), "{error}");
    }

    #[test]
    fn errors_name_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let empty = file(&directory, "empty.pem", "");
        let missing = directory.path().join("missing.pem");
        for (certificate, key, named) in [
            (&missing, &empty, "missing.pem"),
            (&empty, &missing, "empty.pem has no certificate"),
        ] {
            let error = server_config(certificate, key).expect_err("bad files");
            assert!(error.to_string().contains(named), "{error}");
        }
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let certificate = file(&directory, "cert.pem", &pair.cert.pem());
        let error = server_config(&certificate, &empty).expect_err("no key");
        assert!(error.to_string().contains("has no private key"), "{error}");
    }
}
