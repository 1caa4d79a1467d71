//! Orders and changes that the shard cannot take for now.

use super::*;
use crate::channels::Stage;
use crate::channels::intake::decide::content;
use crate::channels::intake::played::{self, sold, task};
use crate::engine::channel_event::command::ItemSku;
use crate::engine::command::{OrderOutcome, OrderView};
use crate::types::{ChannelId, Resolution};
use parking_lot::Mutex;
use std::sync::Arc;

/// A shard that has version 1 of an order, in a state.
struct Played {
    /// The order's state; `None`: it can be changed.
    state: Option<OrderState>,
    /// No order fits into its table.
    full: bool,
    /// So many versions were asked for.
    placed: u32,
    fates: Vec<EventFate>,
}

fn view() -> OrderView {
    OrderView {
        code: ResultCode::Ok,
        state: OrderState::Payment,
        resolution: Resolution::Open,
        placed: true,
        version: 1,
        channel: ChannelId(7),
        customer: 0,
        sequence: 3,
        expires_at_ms: 0,
    }
}

impl Played {
    fn answer(&mut self, request: &LocalRequest) -> LocalAnswer {
        match request {
            LocalRequest::Peek(LocalQuery::ChannelOrder { items, .. }) => {
                LocalAnswer::ChannelOrder {
                    known: Some(Applied {
                        changed_ms: 10,
                        content: content(&sold("a", 1, Stage::Ready)),
                        version: 1,
                        cancelled: false,
                    }),
                    order: Some(view()),
                    skus: vec![Some(ItemSku::default()); items.len()],
                }
            }
            LocalRequest::Query(LocalQuery::Order(_)) => LocalAnswer::Order(None),
            LocalRequest::Place(place) => {
                assert_eq!(place.version, 2, "what was refused for now has no number");
                self.placed += 1;
                let version = if self.state.is_some() { 1 } else { 2 };
                let code = match self.state {
                    _ if self.full => ResultCode::OrderTableFull,
                    Some(_) => ResultCode::NotReplaceable,
                    None => ResultCode::Ok,
                };
                LocalAnswer::Placed(OrderOutcome {
                    code,
                    state: self.state.or(Some(OrderState::Confirmed)),
                    replayed: false,
                    partial: false,
                    version,
                    sequence: 9,
                    expires_at_ms: 0,
                    notes: 0,
                })
            }
            LocalRequest::EventSettled(settlement) => {
                self.fates.push(settlement.fate);
                played::done()
            }
            other => panic!("{other:?}"),
        }
    }
}

struct Stand {
    shard: Arc<Mutex<Played>>,
    desk: Arc<Desk>,
}

impl Stand {
    fn of(state: OrderState) -> Self {
        let shard = Arc::new(Mutex::new(Played {
            state: Some(state),
            full: false,
            placed: 0,
            fates: Vec::new(),
        }));
        let own = Arc::clone(&shard);
        let desk = played::desk(ChannelKind::Shopify, None, move |request| {
            own.lock().answer(request)
        });
        Self { shard, desk }
    }

    /// The buyer wants two mugs now.
    async fn works_off(&self, task: &Task) -> Option<(Duration, Task)> {
        let incoming = Incoming {
            event: 1,
            topic: "orders/updated".into(),
            order_id: "a".into(),
            changed_ms: 20,
            what: What::Order(Box::new(sold("a", 2, Stage::Ready))),
        };
        let opened = Opened::Incoming {
            incoming: Box::new(incoming),
            driven: false,
        };
        off(&self.desk, task, opened).await.unwrap()
    }
}

#[tokio::test]
async fn a_change_of_an_order_that_is_being_paid_for_waits_and_is_made_behind_the_payment() {
    let stand = Stand::of(OrderState::Payment);
    let mut next = task();
    for wait_ms in [1, 2, 4] {
        let (wait, again) = stand.works_off(&next).await.expect("put off");
        assert_eq!(wait, Duration::from_millis(wait_ms));
        next = again;
    }
    assert!(stand.shard.lock().fates.is_empty(), "it stays open");
    stand.shard.lock().state = None;
    assert_eq!(stand.works_off(&next).await, None);
    assert_eq!(stand.shard.lock().fates, [EventFate::Applied]);
}

#[tokio::test]
async fn a_payment_that_takes_too_long_leaves_the_change_to_a_person() {
    let stand = Stand::of(OrderState::Payment);
    let mut next = Some(task());
    let mut put_off = 0;
    while let Some(task) = next.take() {
        next = stand.works_off(&task).await.map(|(_, again)| again);
        put_off += u32::from(next.is_some());
        assert!(put_off < 100, "without an end");
    }
    assert!(put_off > 10, "{put_off}");
    assert_eq!(stand.shard.lock().placed, put_off + 1);
    assert_eq!(stand.shard.lock().fates, [EventFate::Quarantined]);
}

#[tokio::test]
async fn an_order_that_finds_no_room_lets_others_go_ahead_and_holds_figures_back() {
    let stand = Stand::of(OrderState::Confirmed);
    stand.shard.lock().full = true;
    stand.shard.lock().state = None;
    let (wait, again) = stand.works_off(&task()).await.expect("put off");
    assert_eq!(wait, Duration::from_millis(1));
    let (wait, again) = stand.works_off(&again).await.expect("put off again");
    assert_eq!(wait, Duration::from_millis(2));
    assert_eq!(stand.shard.lock().fates, [], "it stays open");
    assert!(stand.desk.standings[0].waits_for_orders());
    stand.shard.lock().full = false;
    assert_eq!(stand.works_off(&again).await, None);
    assert_eq!(stand.shard.lock().fates, [EventFate::Applied]);
}

#[tokio::test]
async fn an_order_that_can_be_changed_no_more_is_left_to_a_person_at_once() {
    for state in [OrderState::Fulfilling, OrderState::Review] {
        let stand = Stand::of(state);
        assert_eq!(stand.works_off(&task()).await, None, "{state:?}");
        assert_eq!(stand.shard.lock().fates, [EventFate::Quarantined]);
    }
}

/// What becomes of a cancellation that TikTok Shop granted, where it cannot be asked: fate and note.
async fn granted(order: Option<OrderView>) -> (EventFate, String) {
    let settled = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&settled);
    let desk = played::desk(ChannelKind::TikTok, None, move |request| match request {
        LocalRequest::Peek(LocalQuery::ChannelOrder { .. }) => LocalAnswer::ChannelOrder {
            known: None,
            order,
            skus: Vec::new(),
        },
        LocalRequest::EventSettled(it) => {
            own.lock().push((it.fate, it.note.clone()));
            played::done()
        }
        other => panic!("{other:?}"),
    });
    let incoming = Incoming {
        event: 1,
        topic: tiktok::CANCELLATION.into(),
        order_id: "a".into(),
        changed_ms: 20,
        what: What::Fetch,
    };
    let opened = Opened::Incoming {
        incoming: Box::new(incoming),
        driven: false,
    };
    assert_eq!(off(&desk, &task(), opened).await.unwrap(), None);
    let mut settled = settled.lock();
    assert_eq!(settled.len(), 1);
    settled.remove(0)
}

#[tokio::test]
async fn a_granted_cancellation_is_a_persons_where_the_marketplace_cannot_be_asked() {
    let (fate, note) = granted(Some(view())).await;
    assert_eq!(fate, EventFate::Parked);
    for word in ["some articles", "`secrets`", "cancel or edit it here"] {
        assert!(note.contains(word), "{word}: {note}");
    }
    assert!(note.len() <= crate::limits::EVENT_NOTE_BYTES_MAX);
    let (fate, note) = granted(None).await;
    assert_eq!(fate, EventFate::Ignored);
    assert!(note.contains("not to be served here"), "{note}");
}
