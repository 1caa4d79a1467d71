//! `POST /dashboard/simulate`: a payment failure, played with the sandbox so that it can be watched.
//!
//! ```text
//!   0 s  primary down; one order ─▶ attempts after 2, 4, 8 s, customer told, then the backup
//!  10 s  a second order ─▶ the fifth failure in a row opens the breaker
//!  16 s  ten more orders ─▶ at once to the backup
//!  20 s  backup down as well; one order ─▶ exhausted ─▶ review queue, one alert
//!  40 s  both are back: approve the order, and it is paid
//! ```
//!
//! The route is there only where the sandbox serves the providers. Its orders are real orders of the
//! caller's tenant for a SKU that has stock.

use super::of;
use crate::gateway::engines::NoAnswer;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::gateway::v1::Caller;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, NamedLine, PlaceRequest};
use crate::types::{ChannelId, OrderDetails, OrderKey, OrderMode, Policy, ResultCode, Role, SkuId};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// SKUs that are looked through for one with stock.
const SKUS_TRIED: u32 = 256;

/// Cents of one order.
const TOTAL_CENTS: u64 = 4_470;

/// ISO 4217 number of the euro.
const EUR: u16 = 978;

/// How long an unpaid order holds its unit, in milliseconds.
const TTL_MS: u32 = 900_000;

/// What the sandbox can be told.
pub trait Rehearse: Send + Sync {
    /// The payment providers, primary first.
    fn processors(&self) -> (String, String);

    /// A provider refuses everything for so many milliseconds.
    fn break_down(&self, provider: String, for_ms: u64) -> BoxFuture<'_, Result<(), String>>;

    /// Every provider works again.
    fn restore(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// What runs, in words; empty: nothing.
pub type Simulation = Arc<Mutex<Option<Playing>>>;

/// A simulation on its way.
#[derive(Clone, Debug)]
pub struct Playing {
    step: &'static str,
    orders: Vec<String>,
    running: bool,
}

/// `GET /dashboard/simulate`.
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
) -> Result<Json<Value>, Problem> {
    caller.may(Role::ReadOnly)?;
    let playing = of(&shared)?.simulation.lock().clone();
    Ok(Json(told(playing.as_ref())))
}

fn told(playing: Option<&Playing>) -> Value {
    json!({
        "running": playing.is_some_and(|one| one.running),
        "step": playing.map(|one| one.step),
        "orders": playing.map_or(&[][..], |one| &one.orders),
    })
}

/// `POST /dashboard/simulate`.
pub(super) async fn start(
    State(shared): State<Shared>,
    caller: Caller,
) -> Result<Json<Value>, Problem> {
    caller.may(Role::Operator)?;
    let dashboard = of(&shared)?;
    let simulation = Arc::clone(&dashboard.simulation);
    let rehearsal = dashboard.rehearsal.clone().ok_or_else(|| {
        let title = "No sandbox serves the providers of this server.";
        Problem::new(StatusCode::NOT_FOUND, "NO_ROUTE", title)
    })?;
    {
        let mut playing = simulation.lock();
        if playing.as_ref().is_some_and(|one| one.running) {
            let title = "A simulation runs already.";
            let detail = "wait until it is over, about 40 s";
            return Err(Problem::new(StatusCode::CONFLICT, "BUSY", title).because(detail));
        }
        *playing = Some(Playing {
            step: "looking for a SKU with stock",
            orders: Vec::new(),
            running: true,
        });
    }
    let mut play = Play {
        shared: shared.clone(),
        caller,
        rehearsal,
        simulation: Arc::clone(&simulation),
        sku: String::new(),
        seed: 0,
        placed: 0,
    };
    if let Err(problem) = play.begin().await {
        *simulation.lock() = None;
        return Err(problem);
    }
    let answer = told(simulation.lock().as_ref());
    tokio::spawn(async move {
        if let Err(problem) = play.run().await {
            tracing::warn!(detail = problem.detail, "the simulation ended early");
            play.step("ended early: the server's log says why");
        }
        // Whatever happened, the providers work again.
        if let Err(error) = play.rehearsal.restore().await {
            tracing::warn!(error, "the sandbox could not be restored");
        }
        if let Some(playing) = play.simulation.lock().as_mut() {
            playing.running = false;
        }
    });
    Ok(Json(answer))
}

struct Play {
    shared: Shared,
    caller: Caller,
    rehearsal: Arc<dyn Rehearse>,
    simulation: Simulation,
    sku: String,
    seed: u64,
    placed: u64,
}

impl Play {
    fn step(&self, step: &'static str) {
        if let Some(playing) = self.simulation.lock().as_mut() {
            playing.step = step;
        }
    }

    /// Breaks the primary down and places the first order, so that the caller knows that it runs.
    async fn begin(&mut self) -> Result<(), Problem> {
        self.seed = getrandom::u64().map_err(|_| {
            Problem::refused(ResultCode::Overloaded, "no randomness from the system")
        })?;
        let names = self.sku_names().await?;
        let (primary, _) = self.rehearsal.processors();
        self.break_down(primary, 60_000).await?;
        for name in names {
            self.sku = name;
            if self.place().await? {
                self.step("primary processor down; the first order is retried after 2, 4, 8 s");
                return Ok(());
            }
        }
        let _ = self.rehearsal.restore().await; // the refusal below says what matters
        let title = "No SKU of this tenant has stock.";
        let detail = "define a SKU, receive stock, and try again";
        Err(Problem::new(StatusCode::CONFLICT, "NO_STOCK", title).because(detail))
    }

    async fn run(&mut self) -> Result<(), Problem> {
        let (_, backup) = self.rehearsal.processors();
        wait(10).await;
        self.step("a second order: the fifth failure in a row opens the breaker");
        self.place().await?;
        wait(6).await;
        self.step("the breaker is open: new orders are paid by the backup at once");
        for _ in 0..10 {
            self.place().await?;
        }
        wait(4).await;
        self.step("the backup is down as well: the next order ends in the review queue");
        self.break_down(backup, 40_000).await?;
        self.place().await?;
        wait(18).await;
        self.restore().await?;
        self.step("both processors work again, their breakers are reset: approve the order in the review queue");
        Ok(())
    }

    async fn break_down(&self, provider: String, for_ms: u64) -> Result<(), Problem> {
        let done = self.rehearsal.break_down(provider, for_ms).await;
        done.map_err(|error| {
            let title = "The sandbox does not answer.";
            Problem::new(StatusCode::BAD_GATEWAY, "NO_SANDBOX", title).because(error)
        })
    }

    /// Both processors work, and calls go out to them at once.
    async fn restore(&self) -> Result<(), Problem> {
        if let Err(error) = self.rehearsal.restore().await {
            tracing::warn!(error, "the sandbox could not be restored");
        }
        let (primary, backup) = self.rehearsal.processors();
        for provider in [primary, backup] {
            let reset = LocalRequest::Breaker {
                provider,
                isolate: false,
            };
            self.ask(reset).await?;
        }
        Ok(())
    }

    async fn sku_names(&self) -> Result<Vec<String>, Problem> {
        let question = LocalRequest::Query(LocalQuery::Names {
            skus: (0..SKUS_TRIED).map(SkuId).collect(),
            locations: Vec::new(),
        });
        match self.ask(question).await? {
            LocalAnswer::Names { skus, .. } => {
                Ok(skus.into_iter().filter(|name| !name.is_empty()).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn ask(&self, request: LocalRequest) -> Result<LocalAnswer, NoAnswer> {
        self.shared.engines.ask(&self.caller.asker, request).await
    }

    /// Places one order; false where the SKU is not the tenant's, or is sold out.
    async fn place(&mut self) -> Result<bool, Problem> {
        self.placed += 1;
        let number = self.placed;
        let key = self.key(number);
        let request = PlaceRequest {
            key,
            version: 1,
            customer: 9_000_000 + number,
            channel: ChannelId(0),
            ttl_ms: TTL_MS,
            mode: OrderMode::Place,
            policy: Policy::AllOrNothing,
            currency: EUR,
            total: TOTAL_CENTS,
            lines: vec![NamedLine {
                sku: self.sku.clone(),
                location: None,
                quantity: 1,
            }],
            details: Some(self.details(number)),
        };
        let answer = self.ask(LocalRequest::Place(Box::new(request))).await?;
        let accepted = matches!(&answer, LocalAnswer::Placed(done) if done.code == ResultCode::Ok);
        if accepted && let Some(playing) = self.simulation.lock().as_mut() {
            playing.orders.push(key.to_string());
        }
        Ok(accepted)
    }

    /// Keys of one simulation differ from their first digit on, as those of a shop do.
    fn key(&self, number: u64) -> OrderKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&number.to_le_bytes());
        let first = hasher.finalize().as_bytes().first_chunk().copied();
        OrderKey(first.map_or(1, u128::from_le_bytes).max(1))
    }

    fn details(&self, number: u64) -> OrderDetails {
        let mark = self.seed % 1_000_000;
        let address = vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()];
        OrderDetails {
            external_id: format!("SIM-{mark:06}-{number}"),
            contact_name: format!("Simulated Buyer {number}"),
            email: format!("buyer.{mark}.{number}@example.com"),
            phone: format!("+3460{:07}", mark * 10 + number % 10),
            shipping_address: address.clone(),
            billing_address: address,
            country: "ES".to_owned(),
            payment_token: format!("pm_sim{mark:06}n{number}"), // a card each
            unit_prices: vec![TOTAL_CENTS],
            ip: format!("10.{}.{}.{number}", mark >> 8 & 255, mark & 255),
            device: format!("device-{mark}-{number}"),
            session: format!("session-{mark}-{number}"),
            checkout_seconds: 90,
            custom_handling: String::new(),
        }
    }
}

async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
