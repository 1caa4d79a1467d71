//! Connections of HTTP: bounded in number, and in the time that each step of a request may take.
//!
//! Nobody holds a place for nothing: who says nothing, sends a head or a body too slowly, or does
//! not read the answer, is closed. Where all places are taken, one more is told so and closed.

use super::body;
use super::problem::Problem;
use crate::limits::{
    HTTP_BODY_TIMEOUT_MS_DEFAULT, HTTP_CONNECTIONS_DEFAULT, HTTP_HEAD_TIMEOUT_MS_DEFAULT,
    HTTP_REFUSAL_MS, HTTP_REFUSALS_MAX,
};
use crate::metrics::{HttpConnection, http_connection_refused};
use crate::types::ResultCode;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Wait after an accept that failed for a lack of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What connections may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at once, from 1. One more is answered 503.
    pub connections: usize,
    /// Milliseconds for a head, for a TLS handshake, and between two requests.
    pub head_ms: u64,
    /// Milliseconds for a body, and that an answer may go unread.
    pub body_ms: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: HTTP_CONNECTIONS_DEFAULT,
            head_ms: HTTP_HEAD_TIMEOUT_MS_DEFAULT,
            body_ms: HTTP_BODY_TIMEOUT_MS_DEFAULT,
        }
    }
}

/// Who is connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// How connections come in.
pub(super) struct Door {
    /// `None`: plain HTTP.
    pub tls: Option<TlsAcceptor>,
    pub limits: HttpLimits,
}

/// A connection's place, given back when it is dropped.
struct Place {
    counted: HttpConnection,
    _permit: OwnedSemaphorePermit,
}

impl Door {
    /// Accepts and serves connections until dropped.
    pub async fn accept(self, listener: TcpListener, routes: Router) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let refusals = Arc::new(Semaphore::new(HTTP_REFUSALS_MAX));
        let full: Arc<[u8]> = no_place().into();
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an HTTP connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&places).try_acquire_owned() else {
                http_connection_refused();
                if let (Ok(turn), None) = (Arc::clone(&refusals).try_acquire_owned(), &self.tls) {
                    tokio::spawn(refuse(stream, Arc::clone(&full), turn));
                }
                continue;
            };
            let place = Place {
                counted: HttpConnection::accepted(),
                _permit: permit,
            };
            self.serve(stream, Peer(peer), routes.clone(), place);
        }
    }

    fn serve(&self, stream: TcpStream, peer: Peer, routes: Router, place: Place) {
        let _ = stream.set_nodelay(true); // only slower without
        // Who does not read is given up by the kernel, also where its window stays closed.
        let unread = Duration::from_millis(self.limits.body_ms);
        if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(unread)) {
            tracing::debug!(%error, "an answer that nobody reads is not given up");
        }
        let limits = self.limits;
        match self.tls.clone() {
            None => tokio::spawn(serve(stream, peer, routes, place, limits)),
            Some(tls) => tokio::spawn(serve_tls(stream, tls, peer, routes, place, limits)),
        };
    }
}

/// What is said where there is no place.
fn no_place() -> Vec<u8> {
    let detail = "as many HTTP connections are open as the server takes (http_connections_max); \
                  nothing was done";
    let problem = Problem::refused(ResultCode::Overloaded, detail);
    let body = problem.json().to_string();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        problem.retry_after_s.unwrap_or(1),
        body.len()
    );
    (head + &body).into_bytes()
}

/// Answers whatever is asked, and reads what came, so that closing does not take the answer back.
async fn refuse(mut stream: TcpStream, full: Arc<[u8]>, _turn: OwnedSemaphorePermit) {
    let said = async {
        stream.write_all(&full).await?;
        stream.shutdown().await?;
        let mut unread = [0; 4_096];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    let limit = Duration::from_millis(HTTP_REFUSAL_MS);
    // Whoever does not wait for the answer does not get it.
    let _ = tokio::time::timeout(limit, said).await;
}

/// As [`serve`], behind a handshake that may take as long as a head.
async fn serve_tls(
    stream: TcpStream,
    tls: TlsAcceptor,
    peer: Peer,
    routes: Router,
    mut place: Place,
    limits: HttpLimits,
) {
    let limit = Duration::from_millis(limits.head_ms);
    match tokio::time::timeout(limit, tls.accept(stream)).await {
        Ok(Ok(stream)) => return serve(stream, peer, routes, place, limits).await,
        Ok(Err(error)) => tracing::debug!(%error, peer = %peer.0, "a TLS handshake failed"),
        Err(_) => tracing::debug!(peer = %peer.0, "a TLS handshake took too long"),
    }
    place.counted.ends("handshake");
}

async fn serve<S>(stream: S, peer: Peer, routes: Router, mut place: Place, limits: HttpLimits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let body_limit = Duration::from_millis(limits.body_ms);
    let service = tower::service_fn(move |request: Request<_>| {
        let mut request = request.map(|body| body::within(Body::new(body), body_limit));
        request.extensions_mut().insert(peer);
        routes.clone().oneshot(request)
    });
    // Told the version in advance, it waits for a head from the start; who sends nothing at all would
    // otherwise keep its place for ever.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.head_ms));
    let service = TowerToHyperService::new(service);
    let served = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, peer = %peer.0, "an HTTP connection ended early");
        place.counted.ends("cut");
    }
}
