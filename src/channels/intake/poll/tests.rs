//! Looks at a marketplace that is played, for a shard that is played.

use super::*;
use crate::channels::api::{Answered, ChangedPage};
use crate::channels::intake::decide::content;
use crate::channels::intake::played::{self, NUMBER, sold, task};
use crate::channels::{ChannelLine, Privacy, PrivacyKind, Stage};
use crate::engine::channel_event::command::EventPage;
use crate::types::OrderKey;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Longest time that a test waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shard that answers as soon as it is asked.
#[derive(Default)]
struct Played {
    /// So many more deliveries are refused.
    refuses: u32,
    /// Orders of the deliveries that were taken, in their order.
    taken: Vec<String>,
    /// What was applied last.
    known: BTreeMap<OrderKey, Applied>,
}

impl Played {
    fn answer(&mut self, request: &LocalRequest) -> LocalAnswer {
        match request {
            LocalRequest::Query(LocalQuery::ChannelOrder { order, .. }) => {
                LocalAnswer::ChannelOrder {
                    known: self.known.get(order).copied(),
                    order: None,
                    skus: Vec::new(),
                }
            }
            LocalRequest::Query(LocalQuery::Events(_)) => LocalAnswer::Events(EventPage::default()),
            LocalRequest::Event(_) if self.refuses > 0 => {
                self.refuses -= 1;
                LocalAnswer::Refused(ResultCode::Overloaded)
            }
            LocalRequest::Event(delivery) => {
                assert_eq!(delivery.head, "x-onhand-pulled: 1\n");
                let pulled: Pulled = serde_json::from_slice(&delivery.body).unwrap();
                self.taken.push(pulled.order_id);
                played::done()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A marketplace with these pages of changed orders; each is confirmed by its number.
#[derive(Debug)]
struct Market {
    pages: Vec<Vec<Incoming>>,
    /// Since when was asked, page by page.
    asked: Mutex<Vec<(u64, String)>>,
    confirmed: Mutex<Vec<String>>,
}

impl Marketplace for Market {
    played::no_stock!();

    fn orders<'a>(&'a self, _: &'a [String]) -> Answered<'a, Vec<Incoming>> {
        unreachable!("details are asked for by another part")
    }

    fn changed<'a>(&'a self, since_ms: u64, cursor: &'a str) -> Answered<'a, ChangedPage> {
        self.asked.lock().push((since_ms, cursor.to_owned()));
        let number: usize = cursor.parse().unwrap_or(0);
        let more = number + 1 < self.pages.len();
        let page = ChangedPage {
            incoming: self.pages.get(number).cloned().unwrap_or_default(),
            next: more.then(|| (number + 1).to_string()),
            confirm: Some(number.to_string()),
        };
        Box::pin(async move { Ok(page) })
    }

    fn confirm<'a>(&'a self, token: &'a str) -> Answered<'a, ()> {
        self.confirmed.lock().push(token.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn cancel<'a>(&'a self, _: &'a str, _: &'a [ChannelLine]) -> Answered<'a, ()> {
        unreachable!("nothing is cancelled")
    }
}

struct Stand {
    shard: Arc<Mutex<Played>>,
    market: Arc<Market>,
    desk: Arc<Desk>,
}

impl Stand {
    fn of(pages: Vec<Vec<Incoming>>) -> Self {
        let shard = Arc::new(Mutex::new(Played::default()));
        let market = Arc::new(Market {
            pages,
            asked: Mutex::default(),
            confirmed: Mutex::default(),
        });
        let (own, api) = (Arc::clone(&shard), Arc::clone(&market));
        let desk = played::desk(ChannelKind::Shopee, Some(api), move |request| {
            own.lock().answer(request)
        });
        Self {
            shard,
            market,
            desk,
        }
    }

    /// Looks until so many pages are confirmed.
    async fn looks_until(&self, confirmed: usize) {
        let running = tokio::spawn(run(Arc::clone(&self.desk), 0, 0, false));
        let all = async {
            while self.market.confirmed.lock().len() < confirmed {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("all come");
        self.desk.stop();
        tokio::time::timeout(PATIENCE, running)
            .await
            .expect("it stops")
            .unwrap();
    }
}

fn channel() -> ChannelOptions {
    played::channel(ChannelKind::Shopee)
}

fn incoming(id: &str, changed_ms: u64, what: What) -> Incoming {
    Incoming {
        event: 1,
        topic: "order_detail".into(),
        order_id: id.into(),
        changed_ms,
        what,
    }
}

fn order(id: &str, quantity: u32, changed_ms: u64) -> Incoming {
    let order = sold(id, quantity, Stage::Ready);
    incoming(id, changed_ms, What::Order(Box::new(order)))
}

fn cancelled(id: &str, changed_ms: u64) -> Incoming {
    let reason = "buyer".into();
    incoming(id, changed_ms, What::Cancelled { reason })
}

#[tokio::test]
async fn orders_that_an_overloaded_shard_refuses_are_asked_for_again_and_none_is_lost() {
    let pages = vec![
        vec![order("a", 1, 10), order("b", 1, 20)],
        vec![order("c", 1, 30)],
    ];
    let stand = Stand::of(pages);
    // The first look gives up; the second one is refused once.
    stand.shard.lock().refuses = OFFERS + 1;
    stand.looks_until(2).await;
    assert_eq!(stand.shard.lock().taken[..3], ["a", "b", "c"]);
    let asked = stand.market.asked.lock();
    // The first look came to no second page, and the second one began where the first did.
    let cursors: Vec<&str> = asked.iter().map(|(_, cursor)| cursor.as_str()).collect();
    assert_eq!(cursors[..3], ["", "", "1"]);
    assert_eq!(asked[0].0, asked[1].0, "no time is passed over");
    assert_eq!(stand.market.confirmed.lock()[..2], ["0", "1"]);
}

#[tokio::test]
async fn a_page_is_confirmed_only_when_all_of_it_is_journaled() {
    let stand = Stand::of(vec![vec![order("a", 1, 10), order("b", 1, 20)]]);
    let (task, channel) = (task(), channel());
    let shop = (&channel, &*stand.market as &dyn Marketplace);
    stand.shard.lock().refuses = OFFERS;
    let looked = look(&stand.desk, &task, shop, 5).await.unwrap();
    assert!(matches!(
        looked,
        Err(Unfinished::Busy(ResultCode::Overloaded))
    ));
    assert!(stand.market.confirmed.lock().is_empty());
    assert!(look(&stand.desk, &task, shop, 5).await.unwrap().unwrap());
    assert_eq!(stand.market.confirmed.lock()[..], ["0"]);
}

#[tokio::test]
async fn only_what_is_missing_here_or_older_is_journaled() {
    let applied = |quantity: u32, changed_ms: u64, cancelled: bool| Applied {
        changed_ms,
        content: content(&sold("x", quantity, Stage::Ready)),
        version: 1,
        cancelled,
    };
    let unpaid = |id: &str| {
        let order = sold(id, 1, Stage::Waiting);
        incoming(id, 50, What::Order(Box::new(order)))
    };
    let asks = What::Privacy(Privacy {
        kind: PrivacyKind::DataRequest,
        shop: "1".into(),
        customer: String::new(),
        orders: Vec::new(),
    });
    // What the marketplace lists, what was applied here, and whether it is to be worked off.
    let cases = [
        (order("new", 1, 50), None, true),
        (order("same", 1, 50), Some(applied(1, 50, false)), false),
        (order("later", 1, 60), Some(applied(1, 50, false)), true),
        (order("changed", 2, 60), Some(applied(1, 50, false)), true),
        (order("tie", 2, 50), Some(applied(1, 50, false)), true),
        (order("older", 2, 40), Some(applied(1, 50, false)), false),
        (order("dead", 1, 50), Some(applied(1, 50, true)), false),
        (order("revived", 1, 60), Some(applied(1, 50, true)), true),
        (cancelled("off", 60), Some(applied(1, 50, false)), true),
        (cancelled("off-late", 40), Some(applied(1, 50, false)), true),
        (
            cancelled("off-known", 60),
            Some(applied(1, 50, true)),
            false,
        ),
        (cancelled("off-first", 60), None, true),
        (unpaid("unpaid"), None, false),
        (unpaid("unpaid-known"), Some(applied(1, 40, false)), true),
        (incoming("detail", 50, What::Fetch), None, true),
        (
            incoming("detail-known", 50, What::Fetch),
            Some(applied(1, 50, false)),
            false,
        ),
        (incoming("draft", 50, What::Ignored("a draft")), None, false),
        (incoming("person", 50, asks), None, false),
        (order("", 1, 50), None, false),
    ];
    let listed = cases.iter().map(|(incoming, ..)| incoming.clone());
    let stand = Stand::of(vec![listed.collect()]);
    for (incoming, known, _) in &cases {
        let key = order_key(NUMBER, incoming.order_id.as_bytes());
        stand.shard.lock().known.extend(known.map(|it| (key, it)));
    }
    let (task, channel) = (task(), channel());
    let shop = (&channel, &*stand.market as &dyn Marketplace);
    look(&stand.desk, &task, shop, 5).await.unwrap().unwrap();
    let missing = cases.iter().filter(|(.., wanted)| *wanted);
    let missing: Vec<&str> = missing.map(|(it, ..)| it.order_id.as_str()).collect();
    assert_eq!(stand.shard.lock().taken, missing);
}

#[tokio::test]
async fn a_list_that_does_not_end_is_no_finished_look() {
    let stand = Stand::of(vec![Vec::new(); PAGES_MAX + 1]);
    let (task, channel) = (task(), channel());
    let shop = (&channel, &*stand.market as &dyn Marketplace);
    let looked = look(&stand.desk, &task, shop, 5).await.unwrap();
    assert!(matches!(looked, Err(Unfinished::Endless)));
    assert_eq!(stand.market.asked.lock().len(), PAGES_MAX);
}
