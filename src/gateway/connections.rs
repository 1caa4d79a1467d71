//! Connections of HTTP: bounded in number, and in the time that a head may take.

use crate::limits::{HTTP_CONNECTIONS_MAX, HTTP_HEAD_TIMEOUT_MS};
use axum::Router;
use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Wait after an accept that failed for a lack of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// Accepts and serves connections until dropped.
pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, routes: Router) {
    let places = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    loop {
        // One connection too many waits in the backlog until another one ends.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true); // only slower without
                let (peer, routes) = (Peer(peer), routes.clone());
                match tls.clone() {
                    None => tokio::spawn(serve(stream, peer, routes, place)),
                    Some(tls) => tokio::spawn(serve_tls(stream, tls, peer, routes, place)),
                };
            }
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// As [`serve`], behind a handshake that may take as long as a head.
async fn serve_tls(
    stream: TcpStream,
    tls: TlsAcceptor,
    peer: Peer,
    routes: Router,
    place: OwnedSemaphorePermit,
) {
    let limit = Duration::from_millis(HTTP_HEAD_TIMEOUT_MS);
    match tokio::time::timeout(limit, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, peer, routes, place).await,
        Ok(Err(error)) => tracing::debug!(%error, peer = %peer.0, "a TLS handshake failed"),
        Err(_) => tracing::debug!(peer = %peer.0, "a TLS handshake took too long"),
    }
}

async fn serve<S>(stream: S, peer: Peer, routes: Router, _place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = tower::service_fn(move |request: axum::http::Request<_>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        routes.clone().oneshot(request)
    });
    // Told the version in advance, it waits for a head from the start; who sends nothing at all would
    // otherwise keep its place for ever.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HTTP_HEAD_TIMEOUT_MS));
    let service = TowerToHyperService::new(service);
    let served = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, peer = %peer.0, "an HTTP connection ended early");
    }
}
