//! The order workers: from the queue into PostgreSQL, then a message to the customer, then the
//! entry is done.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onhand::clock::monotonic_ns;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::database::{Database, Placed};
use super::queue::{Entry, Queue};

/// Entries taken and not done: a bound for memory, far above what is worked on.
const OPEN_MAX: usize = 1_024;

/// Entries taken at once, and reported as done at once at most.
const BATCH: usize = 64;

/// Messages out at once: as many as Onhand's adapter has.
const MESSAGES_OUT: usize = 64;

/// Waits before the second, third and fourth attempt of a message, in milliseconds: as Onhand's.
const RETRY_MS: [u64; 3] = [2_000, 4_000, 8_000];

/// Longest time of one attempt: as Onhand's here.
const TIMEOUT: Duration = Duration::from_mins(1);

/// When the stock of each order was decided durably, by the marketplace's number, by the monotonic
/// clock.
#[derive(Debug, Default)]
pub struct Decisions(Mutex<HashMap<u64, u64>>);

impl Decisions {
    fn note(&self, order: u64, at_ns: u64) {
        let mut decisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        decisions.insert(order, at_ns);
    }

    /// Those of some orders.
    pub fn of(&self, orders: &[u64]) -> Vec<Option<u64>> {
        let decisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.iter().map(|it| decisions.get(it).copied()).collect()
    }
}

/// What the workers share.
pub struct Workers {
    /// Orders and stock.
    pub database: Database,
    /// Where entries are reported as done.
    pub queue: Queue,
    /// What was decided when.
    pub decisions: Arc<Decisions>,
    teller: Teller,
}

impl Workers {
    /// Workers that tell customers by the sandbox's WhatsApp.
    pub fn new(
        database: Database,
        queue: Queue,
        decisions: Arc<Decisions>,
        sandbox: SocketAddr,
    ) -> Result<Self> {
        Ok(Self {
            database,
            queue,
            decisions,
            teller: Teller::new(sandbox)?,
        })
    }

    /// Works off what `reader`, a connection of its own, takes from the queue, until the runtime
    /// ends. An entry that fails stays open in the queue, and is said.
    pub async fn run(self: Arc<Self>, reader: Queue) {
        let (done, finished) = mpsc::channel(OPEN_MAX);
        tokio::spawn(acknowledge(self.queue.clone(), finished));
        let open = Arc::new(Semaphore::new(OPEN_MAX));
        loop {
            let entries = match reader.take(BATCH).await {
                Ok(entries) => entries,
                Err(error) => {
                    eprintln!("peer: the queue gives nothing: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            for entry in entries {
                // Never closed.
                let Ok(permit) = Arc::clone(&open).acquire_owned().await else {
                    return;
                };
                let (workers, done) = (Arc::clone(&self), done.clone());
                tokio::spawn(async move {
                    let worked = workers.work(&entry).await;
                    match worked {
                        Ok(()) => drop(done.send(entry.id).await),
                        Err(error) => eprintln!("peer: entry {}: {error:#}", entry.id),
                    }
                    drop(permit);
                });
            }
        }
    }

    async fn work(&self, entry: &Entry) -> Result<()> {
        let body = std::str::from_utf8(&entry.body).context("the body is no text")?;
        let order = Order::read(body)?;
        let units = i64::from(order.line.quantity);
        let id = i64::try_from(order.id)?;
        let placed = self.database.place(id, &order.line.sku, units, body);
        let placed = placed.await?;
        if placed == Placed::Duplicate {
            return Ok(());
        }
        self.decisions.note(order.id, monotonic_ns());
        if placed == Placed::Confirmed {
            self.teller.tell(&order).await?;
        }
        Ok(())
    }
}

/// Reports entries as done, many at once.
async fn acknowledge(queue: Queue, mut finished: mpsc::Receiver<String>) {
    let mut ids = Vec::with_capacity(BATCH);
    while finished.recv_many(&mut ids, BATCH).await > 0 {
        if let Err(error) = queue.acknowledge(&ids).await {
            eprintln!("peer: entries are not reported as done: {error}");
        }
        ids.clear();
    }
}

/// What is read of an order.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    id: u64,
    name: String,
    total: String,
    phone: String,
    line: Line,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Line {
    sku: String,
    quantity: u32,
}

impl Order {
    fn read(body: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Sold {
            id: u64,
            name: String,
            total_price: String,
            currency: String,
            shipping_address: Address,
            line_items: Vec<Line>,
        }
        #[derive(Deserialize)]
        struct Address {
            phone: String,
        }
        let sold: Sold = serde_json::from_str(body).context("the body is no order")?;
        let mut lines = sold.line_items.into_iter();
        let line = lines.next().context("the order has no line")?;
        // All or nothing over several rows of stock would cost it more.
        ensure!(lines.next().is_none(), "the order has several lines");
        Ok(Self {
            id: sold.id,
            name: sold.name,
            total: format!("{} {}", sold.currency, sold.total_price),
            phone: sold.shipping_address.phone,
            line,
        })
    }
}

/// Sends messages by WhatsApp.
struct Teller {
    client: Client,
    url: String,
    out: Semaphore,
}

impl Teller {
    fn new(sandbox: SocketAddr) -> Result<Self> {
        let client = Client::builder()
            .pool_max_idle_per_host(MESSAGES_OUT)
            .timeout(TIMEOUT);
        Ok(Self {
            client: client.build()?,
            url: format!("http://{sandbox}/whatsapp/v23.0/106000/messages"),
            out: Semaphore::new(MESSAGES_OUT),
        })
    }

    /// Tells the buyer that the order is confirmed; tries again where that fails.
    async fn tell(&self, order: &Order) -> Result<()> {
        let message = message(order);
        let mut waits_ms = RETRY_MS.into_iter();
        loop {
            let permit = self.out.acquire().await?;
            let told = self.send(&message).await;
            drop(permit);
            match (told, waits_ms.next()) {
                (Ok(()), _) => return Ok(()),
                (Err(_), Some(wait_ms)) => {
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                }
                (Err(error), None) => return Err(error),
            }
        }
    }

    async fn send(&self, message: &Value) -> Result<()> {
        let request = self.client.post(&self.url).bearer_auth("EAAsandbox");
        let answer = request.json(message).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "WhatsApp answers {status}: {text}");
        Ok(())
    }
}

/// The template message of a confirmed order: of the same content as Onhand's.
fn message(order: &Order) -> Value {
    let parameter = |text: &str| json!({"type": "text", "text": text});
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": order.phone.trim_start_matches('+'),
        "type": "template",
        "template": {
            "name": "order_confirmed",
            "language": {"code": "en_US"},
            "components": [{"type": "body",
                "parameters": [parameter(&order.name), parameter(&order.total)]}],
        },
        "biz_opaque_callback_data": order.id.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::load::shop;
    use super::*;
    use crate::channels::deliveries::shopify_sale;

    #[test]
    fn an_order_is_read_from_the_delivery_that_onhand_gets() {
        let sale = shopify_sale(shop().unwrap(), 700_000_001, "peer-1");
        let order = Order::read(&sale.body).unwrap();
        assert_eq!((order.id, order.name.as_str()), (700_000_001, "#700000001"));
        assert_eq!(order.phone, "+34700000001");
        assert_eq!(order.total, "EUR 44.70");
        assert_eq!(
            (order.line.sku.as_str(), order.line.quantity),
            ("peer-1", 1)
        );
        assert!(Order::read("{}").is_err());
        assert_eq!(message(&order)["to"], "34700000001");
    }

    #[test]
    fn a_decision_is_known_from_when_it_was_made() {
        let decisions = Decisions::default();
        decisions.note(7, 4_711);
        assert_eq!(decisions.of(&[7, 8]), [Some(4_711), None]);
    }
}
