//! What Onhand replaces, put together: gateway, Redis, order workers, PostgreSQL, WhatsApp.
//!
//! ```text
//!  POST ─▶ gateway ── XADD ─▶ Redis ── XREADGROUP ─▶ workers ── one transaction ─▶ PostgreSQL
//!                                                       └────── a message ───────▶ sandbox
//! ```
//!
//! Gateway and workers run on a thread for each core of this process; Redis, PostgreSQL and the
//! sandbox are processes of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::serve::ListenerExt as _;
use onhand::clock::sleep_ms;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::database::Database;
use super::gateway;
use super::load::{Load, shop};
use super::programs::Programs;
use super::queue::Queue;
use super::run::{Books, System, Wait};
use super::servers::{PostgresServer, RedisServer};
use super::worker::{Decisions, Workers};
use crate::args::ChannelsArguments;
use crate::channels::stand::Sandbox;
use crate::process::stand::program;

/// Between two looks at what is decided, in milliseconds. The moments are the workers' own.
const LOOK_MS: u64 = 10;

/// See the module. Dropping it ends threads and processes, in this order.
pub struct Theirs {
    runtime: Runtime,
    http: SocketAddr,
    database: Database,
    decisions: Arc<Decisions>,
    sandbox: Sandbox,
    _redis: RedisServer,
    _postgres: PostgresServer,
}

impl Theirs {
    /// Starts all of it.
    pub fn start(arguments: &ChannelsArguments, programs: &Programs) -> Result<Self> {
        let sandbox = Sandbox::start(&program(arguments.server_bin.as_deref())?, false)?;
        let redis = RedisServer::start(programs, &arguments.directory)?;
        let postgres = PostgresServer::start(programs, &arguments.directory)?;
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let decisions = Arc::new(Decisions::default());
        let made = start_on(&runtime, (&redis, &postgres, &sandbox), &decisions);
        let (http, database) = match made {
            Ok(made) => made,
            Err(error) => {
                // Before the servers that its tasks are connected to.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        Ok(Self {
            runtime,
            http,
            database,
            decisions,
            sandbox,
            _redis: redis,
            _postgres: postgres,
        })
    }
}

/// Starts gateway and workers; returns where webhooks are taken.
fn start_on(
    runtime: &Runtime,
    (redis, postgres, sandbox): (&RedisServer, &PostgresServer, &Sandbox),
    decisions: &Arc<Decisions>,
) -> Result<(SocketAddr, Database)> {
    let shop = shop()?;
    runtime.block_on(async {
        let database = Database::open(postgres.options()).await?;
        let queue = Queue::connect(&redis.url()).await?;
        let reader = Queue::connect(&redis.url()).await?;
        let routes = gateway::routes(queue.clone(), &shop.path(), shop.secret);
        let decisions = Arc::clone(decisions);
        let workers = Workers::new(database.clone(), queue, decisions, sandbox.address)?;
        tokio::spawn(Arc::new(workers).run(reader));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true); // only slower without
        });
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("peer: the gateway ended: {error}");
            }
        });
        Ok((address, database))
    })
}

impl System for Theirs {
    fn name(&self) -> &'static str {
        "gateway, Redis, workers, PostgreSQL"
    }

    fn http(&self) -> SocketAddr {
        self.http
    }

    fn sandbox(&self) -> SocketAddr {
        self.sandbox.address
    }

    fn put_on_hand(&self, sku: &str, units: u32) -> Result<()> {
        self.runtime.block_on(self.database.put_on_hand(sku, units))
    }

    fn decided_ns(&self, load: &Load, wait: &Wait) -> Result<Vec<Option<u64>>> {
        let watched: Vec<u64> = load.watched().iter().map(|order| order.number).collect();
        loop {
            let decided = self.decisions.of(&watched);
            if decided.iter().all(Option::is_some) || wait.is_over() {
                return Ok(decided);
            }
            sleep_ms(LOOK_MS);
        }
    }

    fn books(&self, load: &Load) -> Result<Books> {
        let books = self.database.books(&load.sku, load.units);
        self.runtime.block_on(books)
    }
}
