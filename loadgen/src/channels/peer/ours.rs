//! Onhand's side: a server with its shop, and an order process that does what the other side does,
//! neither more nor less: the marketplace has the money, the stock is decided, the customer told.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use onhand::client::{ConnectOptions, Connection};
use onhand::clock::{monotonic_ns, sleep_ms};
use onhand::types::{OrderKey, OrderState};

use super::load::{Load, Order};
use super::run::{Books, System, Wait};
use crate::args::ChannelsArguments;
use crate::channels::sale::promised;
use crate::channels::shops::TENANT;
use crate::channels::stand::ChannelStand;
use crate::control::Control;

/// The order process. Its one step is for orders above 10,000.00, of which there are none: the
/// other side scores no risk, and buys no label.
const PROCESS: &str = r#"
[providers.builtin]

[providers.whatsapp]
base_url = "http://ADDRESS/whatsapp"
timeout_ms = 60_000
secrets = { access_token = { published = "EAAsandbox" } }
settings = { phone_number_id = "106000" }

[[pipelines]]
name = "channel_settled"
payment = "channel_settled"
steps = [{ kind = "fraud", providers = ["builtin"], when = { amount_min = 1_000_000 } }]

[messages]
confirmed = ["whatsapp"]

# The sandbox gives way to whatever else runs: a slow answer is the machine's.
[settings]
slow_factor = 0
"#;

/// Location of the units.
const LOCATION: &str = "berlin";

/// Between two questions about orders that are not decided yet, in milliseconds: while many are
/// waited for, and while few are.
const LOOKS_MS: (u64, u64) = (5, 1);

/// Orders from which on it is many.
const MANY: usize = 50;

/// See the module.
pub struct Ours {
    stand: ChannelStand,
}

impl Ours {
    /// Starts sandbox and server, with memory made ready for so many orders.
    pub fn start(arguments: &ChannelsArguments, orders: u64) -> Result<Self> {
        let stand = ChannelStand::with_process(arguments, orders, PROCESS)?;
        Ok(Self { stand })
    }

    fn connect(&self) -> Result<Connection> {
        let mut options = ConnectOptions::new(&self.stand.address().to_string(), "", TENANT);
        "onhand-loadgen".clone_into(&mut options.client);
        Ok(Connection::connect(&options)?)
    }
}

impl System for Ours {
    fn name(&self) -> &'static str {
        "Onhand"
    }

    fn http(&self) -> SocketAddr {
        self.stand.http()
    }

    fn sandbox(&self) -> SocketAddr {
        self.stand.sandbox()
    }

    fn put_on_hand(&self, sku: &str, units: u32) -> Result<()> {
        let mut control = Control::connect(self.stand.address(), TENANT, "")?;
        let location = control.define_location(LOCATION)?;
        let skus = control.define_skus(&[sku.to_owned()])?;
        let &sku = skus.first().context("the server knows no SKU")?;
        control.receive(location, &[(sku, units)])
    }

    /// Asked of the engine: it answers about an order only what is durable. The time between two
    /// questions counts against it.
    fn decided_ns(&self, load: &Load, wait: &Wait) -> Result<Vec<Option<u64>>> {
        let mut connection = self.connect()?;
        let watched = load.watched();
        let mut decided = vec![None; watched.len()];
        let mut open: Vec<(usize, &Order)> = watched.into_iter().enumerate().collect();
        let began_ns = monotonic_ns();
        while !open.is_empty() && !wait.is_over() {
            let passed_ns = monotonic_ns() - began_ns;
            let due = open.partition_point(|(_, order)| load.due_ns(order) <= passed_ns);
            let asked: Vec<OrderKey> = open.iter().take(due).map(|(_, it)| it.key).collect();
            if !asked.is_empty() {
                let answers = connection.query_orders(&asked)?;
                let now_ns = monotonic_ns();
                let mut answers = answers.iter();
                open.retain(|(place, _)| {
                    let state = answers.next().and_then(|it| it.summary.state);
                    if let (Some(_), Some(slot)) = (state, decided.get_mut(*place)) {
                        *slot = Some(now_ns);
                    }
                    state.is_none()
                });
            }
            let (many_ms, few_ms) = LOOKS_MS;
            sleep_ms(if due < MANY { few_ms } else { many_ms });
        }
        Ok(decided)
    }

    fn books(&self, load: &Load) -> Result<Books> {
        let keys: Vec<OrderKey> = load.orders.iter().map(|order| order.key).collect();
        let answers = self.connect()?.query_orders(&keys)?;
        let states = || answers.iter().filter_map(|answer| answer.summary.state);
        let confirmed = states().filter(|state| *state == OrderState::Confirmed);
        let mut control = Control::connect(self.stand.address(), TENANT, "")?;
        let location = control.define_location(LOCATION)?;
        let skus = control.define_skus(std::slice::from_ref(&load.sku))?;
        let cells = control.stock(&skus, location)?;
        let cell = cells.first().context("the server has no such stock")?;
        Ok(Books {
            known: states().count() as u64,
            confirmed: confirmed.count() as u64,
            counted: promised(cell, load.units),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onhand::config::process::ProcessConfig;

    #[test]
    fn the_process_file_is_one_that_the_server_takes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("process.toml");
        std::fs::write(&path, PROCESS.replace("ADDRESS", "127.0.0.1:9")).unwrap();
        let process = ProcessConfig::load(&path).unwrap();
        assert_eq!(process.warnings().len(), 1, "nobody is told about reviews");
    }
}
