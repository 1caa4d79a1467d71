//! What is sold: one hot SKU, and others beside it.

use anyhow::{Context, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::client::{ConnectOptions, Connection};
use crate::types::{CommandKey, ResultCode, SkuId};
use crate::wire::request::catalog::SKU_ON_SALE;
use crate::wire::request::{LocationDefinition, Receive, SkuDefinition};

/// The merchant of the demo.
pub(super) const TENANT: &str = "demo";

/// The address at which the dashboard shows the demo's own merchant.
pub(super) fn dashboard(http: std::net::SocketAddr) -> String {
    format!("http://{http}/?tenant={TENANT}")
}

/// SKUs of the background mix, the last ones of them scarce.
pub(super) const MIX_SKUS: usize = 12;
const MIX_SKUS_SCARCE: usize = 2;
const MIX_UNITS: u32 = 1_000_000;
const MIX_UNITS_SCARCE: u32 = 150;

/// Everything that customers need to know to order.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub hot: SkuId,
    pub mix: Vec<SkuId>,
    /// Units received of each SKU of the mix, over all locations.
    pub mix_units: Vec<u32>,
    /// Units of the hot SKU from the start on.
    pub first_units: u32,
    /// The rest of the hot SKU: it arrives while the sale is on.
    pub delivery: Receive,
}

/// Connects to the engine as the shop's back office.
pub(super) fn connect(address: std::net::SocketAddr) -> anyhow::Result<Connection> {
    let options = ConnectOptions {
        client: "onhand-demo".to_owned(),
        timeout_ms: 30_000,
        ..ConnectOptions::new(&address.to_string(), "", TENANT)
    };
    Ok(Connection::connect(&options)?)
}

/// Defines locations and SKUs and books stock in. `units` of the hot SKU are on their way in all.
pub(super) fn open(
    connection: &mut Connection,
    units: u32,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<Shop> {
    let locations =
        [("berlin", 1, 0), ("madrid", 2, 1_870)].map(|(name, priority, x)| LocationDefinition {
            name,
            priority,
            x,
            y: 0,
        });
    for answer in connection.define_locations(&locations)? {
        ensure!(
            answer.code == ResultCode::Ok,
            "a location was refused: {}",
            answer.code
        );
    }
    let names: Vec<String> = std::iter::once("console-limited".to_owned())
        .chain((1..=MIX_SKUS).map(|number| format!("accessory-{number:02}")))
        .collect();
    let definitions: Vec<_> = names
        .iter()
        .map(|name| SkuDefinition {
            name,
            flags: SKU_ON_SALE,
        })
        .collect();
    for answer in connection.define_skus(&definitions)? {
        ensure!(
            answer.code == ResultCode::Ok,
            "a SKU was refused: {}",
            answer.code
        );
    }
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let skus = connection.skus(&texts)?;
    let places = connection.locations(&["berlin", "madrid"])?;
    let (&hot, mix) = skus.split_first().context("the engine knows no SKU")?;
    let &location = places.first().context("the engine knows no location")?;
    let mut arrival = |sku, quantity, location| Receive {
        key: CommandKey(rng.random::<u128>().max(1)),
        sku,
        quantity,
        location,
    };
    let first_units = units - units / 2;
    let mut arrivals = vec![arrival(hot, first_units, location)];
    let mut mix_units = Vec::new();
    for (index, &sku) in mix.iter().enumerate() {
        let scarce = index + MIX_SKUS_SCARCE >= mix.len();
        let quantity = if scarce { MIX_UNITS_SCARCE } else { MIX_UNITS };
        arrivals.extend(places.iter().map(|&place| arrival(sku, quantity, place)));
        mix_units.push(quantity * u32::try_from(places.len()).unwrap_or(1));
    }
    let delivery = arrival(hot, units / 2, location);
    for answer in connection.receive_stock(&arrivals)? {
        ensure!(
            answer.code == ResultCode::Ok,
            "stock was refused: {}",
            answer.code
        );
    }
    Ok(Shop {
        hot,
        mix: mix.to_vec(),
        mix_units,
        first_units,
        delivery,
    })
}

/// The randomness of one part of the demo.
pub(super) fn random(seed: u64, part: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(part);
    rng
}
