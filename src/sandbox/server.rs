//! The sandbox's own HTTP server: it can close, reset or abandon a connection on purpose.

use super::core::{Core, Options, Provider};
use super::faults::{Faults, Kind, LONGEST_MS, Rule};
use super::ledger::Ledger;
use super::{Callbacks, Reply, Request, control, providers, smtp};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 1 << 20;

/// What kept the sandbox from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}; is a sandbox running there already?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        cause: std::io::Error,
    },
    /// The thread or its runtime could not be started.
    #[error("cannot start the sandbox's thread: {0}")]
    Thread(std::io::Error),
    /// The client for callbacks could not be made.
    #[error("cannot make the client for callbacks: {0}")]
    Client(reqwest::Error),
}

/// A running sandbox, on a thread of its own. It stops when it is dropped.
pub struct Sandbox {
    address: SocketAddr,
    smtp_address: SocketAddr,
    core: Arc<Core>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox; when this returns, it serves.
    ///
    /// # Errors
    /// What kept it from starting.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let (listener, address) = listen(options.address)?;
        let smtp = SocketAddr::new(options.address.ip(), options.smtp_port);
        let (smtp_listener, smtp_address) = listen(smtp)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        // A second call finds the first one's choice in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(64)
            .build()
            .map_err(StartError::Client)?;
        let providers = providers::all(&options);
        let core = Core::new(options, providers, client, runtime.handle().clone());
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::clone(&core);
        let thread = std::thread::Builder::new()
            .name("onhand-sandbox".to_owned())
            .spawn(move || {
                let mail = Arc::clone(&shared);
                runtime.spawn(smtp::accept(smtp_listener, mail));
                runtime.block_on(accept(listener, shared, stopped));
                runtime.shutdown_background();
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            address,
            smtp_address,
            core,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its mail server listens.
    #[must_use]
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp_address
    }

    /// The base URL of a provider, in place of its real one: `http://127.0.0.1:PORT/stripe`.
    #[must_use]
    pub fn base_url(&self, provider: &str) -> String {
        format!("http://{}/{provider}", self.address)
    }

    /// Everything that happened at the providers.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.core.ledger
    }

    /// The faults that are set.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// The callbacks to the engine.
    #[must_use]
    pub fn callbacks(&self) -> &Callbacks {
        &self.core.callbacks
    }

    /// What the providers share.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Sets a fault; returns its number.
    ///
    /// # Errors
    /// What is wrong with the rule.
    pub fn fault(&self, rule: Rule) -> Result<u64, String> {
        self.core.faults.set(rule, &self.core.names())
    }

    /// Stops it; open connections are closed.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // The receiver is gone only if the thread has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sandbox's thread panicked");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), StartError> {
    let listening = |cause| StartError::Listen { address, cause };
    let listener = std::net::TcpListener::bind(address).map_err(listening)?;
    listener.set_nonblocking(true).map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    Ok((listener, address))
}

async fn accept(
    listener: std::net::TcpListener,
    core: Arc<Core>,
    mut stopped: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the sandbox cannot serve");
            return;
        }
    };
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(serve(stream, Arc::clone(&core)));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

/// How a connection ends before its reply.
#[derive(Default)]
struct Ending {
    now: Notify,
    reset: AtomicBool,
}

async fn serve(stream: TcpStream, core: Arc<Core>) {
    // A second descriptor of the socket: the first one belongs to the HTTP connection, and a
    // reset has to be asked of the socket before both are closed.
    let Ok(socket) = stream.as_fd().try_clone_to_owned() else {
        return;
    };
    let _ = stream.set_nodelay(true); // only slower without
    let ending = Arc::new(Ending::default());
    let service = {
        let ending = Arc::clone(&ending);
        tower::service_fn(move |request: axum::http::Request<_>| {
            let (core, ending) = (Arc::clone(&core), Arc::clone(&ending));
            let request = request.map(Body::new);
            async move { answer(core, ending, request).await }
        })
    };
    let builder = Builder::new(TokioExecutor::new());
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::select! {
        _ = connection => {}
        () = ending.now.notified() => {
            if ending.reset.load(Ordering::Relaxed) {
                // With a linger time of zero, close sends RST instead of FIN.
                let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
            }
        }
    }
}

/// What becomes of a request.
enum Outcome {
    Reply(Reply),
    Close,
    Reset,
}

async fn answer(
    core: Arc<Core>,
    ending: Arc<Ending>,
    request: axum::http::Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LONGEST_BODY).await else {
        return Ok(response(Reply::text(413, "the body is longer than 1 MiB")));
    };
    let path = head.uri.path();
    let (mount, rest) = path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or((path.trim_start_matches('/'), ""));
    let mut request = Request {
        method: head.method,
        path: format!("/{rest}"),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        limit: None,
        held_ms: 0,
    };
    let outcome = if mount == "_sandbox" {
        Outcome::Reply(control::handle(&request, &core))
    } else if let Some(provider) = core.provider(mount) {
        provide(&core, provider, &mut request).await
    } else {
        let names = core.names().join(", ");
        let text = format!("no provider `{mount}` in the sandbox; there are: {names}");
        Outcome::Reply(Reply::text(404, &text))
    };
    match outcome {
        Outcome::Reply(reply) => return Ok(response(reply)),
        Outcome::Close => {}
        Outcome::Reset => ending.reset.store(true, Ordering::Relaxed),
    }
    ending.now.notify_one();
    std::future::pending().await
}

/// Limits, faults, then the provider.
async fn provide(core: &Core, provider: &dyn Provider, request: &mut Request) -> Outcome {
    let operation = provider.operation(request);
    let (name, limits) = (provider.name(), provider.limits());
    match core.limits.take(name, limits, operation, core.now_ms()) {
        Ok(limit) => request.limit = limit,
        Err(at) => return Outcome::Reply(provider.refuse_limit(request, at)),
    }
    if core.ledger.is_full() {
        let text = format!(
            "the sandbox's ledger is full: {} effects; start it with a larger bound, or clear it \
             with DELETE /_sandbox/ledger",
            core.ledger.bound()
        );
        tracing::error!("{text}");
        return Outcome::Reply(Reply::text(507, &text));
    }
    match core.faults.pick(name, operation, request) {
        None => Outcome::Reply(provider.handle(request, core)),
        Some(rule) => fail(core, provider, request, &rule).await,
    }
}

async fn fail(core: &Core, provider: &dyn Provider, request: &mut Request, rule: &Rule) -> Outcome {
    let held_ms = match rule.kind {
        Kind::Timeout if rule.latency_ms == 0 => LONGEST_MS,
        _ => rule.latency_ms,
    };
    let mut reply = None;
    if rule.executes() {
        request.held_ms = held_ms;
        reply = Some(provider.handle(request, core));
    }
    if held_ms > 0 {
        tokio::time::sleep(Duration::from_millis(held_ms)).await;
    }
    match rule.kind {
        Kind::Latency => Outcome::Reply(reply.unwrap_or_else(|| provider.handle(request, core))),
        Kind::Timeout | Kind::CommitThenDrop => Outcome::Close,
        Kind::Reset => Outcome::Reset,
        Kind::EmptyBody => Outcome::Reply(Reply::empty(200)),
        Kind::MalformedBody => {
            let body = rule.body.as_deref().unwrap_or("{\"id\":\"x\",\"status\":");
            Outcome::Reply(Reply::text(200, body).with("content-type", "application/json"))
        }
        Kind::Status => {
            let mut reply = provider.fail(request, rule.status.unwrap_or(500));
            if let Some(body) = &rule.body {
                reply.body = bytes::Bytes::copy_from_slice(body.as_bytes());
            }
            if rule.remembered() {
                provider.remember(request, &reply, core);
            }
            for (name, value) in &rule.headers {
                reply = reply.with(name.clone(), value);
            }
            Outcome::Reply(reply)
        }
    }
}

fn response(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (
            axum::http::HeaderName::try_from(name.as_ref()),
            axum::http::HeaderValue::try_from(value),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
