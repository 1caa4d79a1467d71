//! The byte stream under a connection: plain TCP or TLS.

use super::ConnectOptions;
use super::error::{CaFileReason, ClientError};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    pub(super) fn connect(options: &ConnectOptions) -> Result<Self, ClientError> {
        // What is wrong with the options is told before the network is touched.
        let session = options
            .ca_file
            .as_deref()
            .map(|ca_file| tls_session(ca_file, options.server_name()))
            .transpose()?;
        let stream = connect_tcp(options).map_err(|source| ClientError::Connect {
            address: options.address.clone(),
            source,
        })?;
        Ok(match session {
            Some(session) => Self::Tls(Box::new(StreamOwned::new(session, stream))),
            None => Self::Plain(stream),
        })
    }

    pub(super) fn set_read_timeout_ms(&self, timeout_ms: u64) -> std::io::Result<()> {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref(),
        };
        stream.set_read_timeout(duration(timeout_ms))
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }
}

/// Tries every address of the name in turn; the last failure is reported.
fn connect_tcp(options: &ConnectOptions) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    let timeout = duration(options.timeout_ms);
    for address in options.address.to_socket_addrs()? {
        let connected = match timeout {
            Some(timeout) => TcpStream::connect_timeout(&address, timeout),
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A socket time-out: zero milliseconds mean none.
fn duration(milliseconds: u64) -> Option<Duration> {
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

fn tls_session(ca_file: &Path, name: &str) -> Result<ClientConnection, ClientError> {
    let roots = read_roots(ca_file).map_err(|reason| ClientError::CaFile {
        path: ca_file.to_owned(),
        reason,
    })?;
    let server_name = ServerName::try_from(name.to_owned())
        .map_err(|_| ClientError::ServerName(name.to_owned()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), server_name).map_err(ClientError::Tls)
}

fn read_roots(ca_file: &Path) -> Result<RootCertStore, CaFileReason> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file)? {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err(CaFileReason::Empty);
    }
    Ok(roots)
}
