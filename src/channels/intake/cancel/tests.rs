//! Which orders that ended are told to their channels, and what finding that out costs.

use super::*;
use crate::channels::api;
use crate::channels::intake::played::{self, NUMBER};
use crate::types::secret::Secret;
use parking_lot::Mutex;
use std::sync::Arc;

/// Sizes of the questions where orders were sold.
type Asked = Arc<Mutex<Vec<usize>>>;

/// A desk whose one channel is told or not; every third order was sold there, every third in the
/// own shop, and the rest nobody knows. So many questions are answered by a busy shard.
fn desk(has_api: bool, busy: usize) -> (Arc<Desk>, Asked) {
    let asked = Asked::default();
    let (api, sizes) = (has_api.then(client), Arc::clone(&asked));
    let desk = played::desk(ChannelKind::WooCommerce, api, move |request| {
        let LocalRequest::Query(LocalQuery::OwnNames { orders, .. }) = request else {
            panic!("{request:?}");
        };
        let mut sizes = sizes.lock();
        sizes.push(orders.len());
        if sizes.len() <= busy {
            return LocalAnswer::Refused(ResultCode::Overloaded);
        }
        let channels = orders.iter().map(|order| match order.0 % 3 {
            0 => Some(NUMBER),
            1 => Some(ChannelId(0)),
            _ => None,
        });
        LocalAnswer::OwnNames {
            tenant: TenantId(0),
            skus: Vec::new(),
            locations: Vec::new(),
            actors: Vec::new(),
            channels: channels.collect(),
        }
    });
    (desk, asked)
}

fn client() -> Arc<dyn api::Marketplace> {
    let mut channel = played::channel(ChannelKind::WooCommerce);
    for name in ["consumer_key", "consumer_secret"] {
        let secret = Secret::new("secret");
        channel.credentials.insert(name.to_owned(), secret);
    }
    api::connect(&channel.api()).expect("a client")
}

fn ended(tenant: u16, order: u64) -> Ended {
    Ended {
        tenant: TenantId(tenant),
        order: OrderKey(u128::from(order)),
        accepted: order + 1_000,
    }
}

fn tenants() -> Vec<String> {
    ["globex", "acme"].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn the_shard_is_asked_in_bulk_and_only_orders_of_told_channels_are_looked_up() {
    let (desk, asked) = desk(true, 0);
    let (told, tenants) = (Tellable::of(&desk), tenants());
    let all = (1..=300).flat_map(|order| [ended(0, order), ended(1, order)]);
    let mut kept: Vec<Ended> = all
        .filter_map(|one| told.keep(Some(one), &tenants))
        .collect();
    assert_eq!(kept.len(), 300, "none of a tenant without channels");
    let told = (&told, tenants.as_slice());
    let tasks = tasks(&desk, 0, told, &mut kept).await.unwrap();
    let found: Vec<u64> = tasks.iter().map(|task| task.ended).collect();
    let sold: Vec<u64> = (1..=100).map(|third| third * 3 + 1_000).collect();
    assert_eq!((found, kept.len()), (sold, 0));
    assert_eq!(asked.lock()[..], [256, 44]);
}

#[tokio::test]
async fn a_shard_that_cannot_say_is_asked_again() {
    let (desk, asked) = desk(true, 1);
    let (told, tenants) = (Tellable::of(&desk), tenants());
    let mut kept = vec![ended(1, 3)];
    let told = (&told, tenants.as_slice());
    assert!(tasks(&desk, 0, told, &mut kept).await.unwrap().is_empty());
    assert_eq!(kept.len(), 1);
    assert_eq!(tasks(&desk, 0, told, &mut kept).await.unwrap().len(), 1);
    assert_eq!((kept.len(), asked.lock().len()), (0, 2));
}

#[tokio::test]
async fn nobody_is_asked_where_no_channel_can_be_told() {
    let (desk, asked) = desk(false, 0);
    let told = Tellable::of(&desk);
    assert!(told.is_empty());
    assert!(told.keep(Some(ended(1, 3)), &tenants()).is_none());
    assert!(asked.lock().is_empty());
}
