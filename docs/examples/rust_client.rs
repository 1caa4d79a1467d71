//! A tour of one order with the Rust client:
//!
//! ```text
//! cargo run --example rust_client -- HOST:PORT TOKEN TENANT [CA_FILE]
//! ```
//!
//! Defines a SKU and a location, books units in, takes an order twice with one key, confirms it and
//! looks at what became of it. The keys are drawn before the first attempt, so that every step may
//! be repeated after a lost connection without being done twice.

use anyhow::{Context as _, bail};
use onhand::client::{Backoff, ConnectOptions, RetryingClient, command_key};
use onhand::types::{ChannelId, LocationId, SkuId};
use onhand::wire::order_key;
use onhand::wire::request::{
    Line, Lines, LocationDefinition, OrderCommandItem, Receive, ReserveItem, SkuDefinition,
};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, token, tenant, rest @ ..] = arguments.as_slice() else {
        bail!("usage: rust_client HOST:PORT TOKEN TENANT [CA_FILE]");
    };
    let mut options = ConnectOptions::new(address, token, tenant);
    options.ca_file = rest.first().map(Into::into);
    tour(options)
}

/// The whole tour against one server.
pub fn tour(options: ConnectOptions) -> anyhow::Result<()> {
    let mut client = RetryingClient::new(options, Backoff::default());
    let (sku, location) = define(&mut client)?;
    book_in(&mut client, sku, location)?;
    take_order(&mut client, sku)
}

/// Handles for names: like preparing a statement, once a connection.
fn define(client: &mut RetryingClient) -> anyhow::Result<(SkuId, LocationId)> {
    let shirt = SkuDefinition {
        name: "shirt-m",
        flags: 1,
    };
    let berlin = LocationDefinition {
        name: "berlin",
        priority: 0,
        x: 13_405,
        y: 52_520,
    };
    client.run(|connection| connection.define_skus(&[shirt]))?;
    client.run(|connection| connection.define_locations(&[berlin]))?;
    let sku = client.run(|connection| connection.sku("shirt-m"))?;
    let location = client.run(|connection| connection.location("berlin"))?;
    Ok((sku, location))
}

fn book_in(client: &mut RetryingClient, sku: SkuId, location: LocationId) -> anyhow::Result<()> {
    let arrival = Receive {
        key: command_key()?,
        sku,
        quantity: 10,
        location,
    };
    let answers = client.run(|connection| connection.receive_stock(&[arrival]))?;
    let answer = answers.first().context("one answer")?;
    println!("received: {}, on hand {}", answer.code, answer.cell.on_hand);
    Ok(())
}

fn take_order(client: &mut RetryingClient, sku: SkuId) -> anyhow::Result<()> {
    // A shop uses its own order id here; the tour draws one, so that it can be run again.
    let external_id = command_key()?.to_string();
    let key = order_key(ChannelId(1), external_id.as_bytes());
    let lines = [Line {
        sku,
        quantity: 2,
        location: LocationId::ANY,
    }];
    let order = ReserveItem {
        key,
        customer: 7_001,
        total: 3_998,
        ttl_ms: 900_000,
        version: 1,
        channel: ChannelId(1),
        currency: 978,
        flags: 0,
        destination: None,
        lines: Lines::new(&lines),
        details: &[],
    };
    for _ in 0..2 {
        let answers = client.run(|connection| connection.reserve(&[order]))?;
        let item = answers.first().context("one answer")?.item;
        let state = item.state.map_or("-", |state| state.name());
        let replayed = item.flags & onhand::wire::reply::REPLAYED != 0;
        println!("reserved: {}, {state}, replayed {replayed}", item.code);
    }

    let confirm = OrderCommandItem {
        order: key,
        key: command_key()?,
    };
    let answers = client.run(|connection| connection.confirm(&[confirm]))?;
    let answer = answers.first().context("one answer")?;
    let state = answer.state.map_or("-", |state| state.name());
    println!("confirmed: {}, {state}", answer.code);

    for stock in client.run(|connection| connection.query_stock(&[sku]))? {
        for cell in stock.cells {
            println!(
                "stock: on hand {}, committed {}, available {}",
                cell.values.on_hand, cell.values.committed, cell.values.available
            );
        }
    }
    for view in client.run(|connection| connection.query_orders(&[key]))? {
        println!("order {}: {:?}", view.summary.sequence, view.lines);
    }
    Ok(())
}
