//! For tests: a shard that answers as soon as it is asked, and a channel.

use super::Setup;
use super::desk::{Desk, Shard, Task};
use crate::channels::api::Marketplace;
use crate::channels::{ChannelLine, ChannelOptions, ChannelOrder, Secrets, Stage, Standing};
use crate::engine::command::{CellQuantities, CommandOutcome};
use crate::feed::played::unread;
use crate::shard::local::{Local, LocalAnswer, LocalQueue, LocalRequest};
use crate::types::{ChannelId, ChannelKind, OrderDetails, Resolution, ResultCode};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock, Weak};

/// The channel's number.
pub const NUMBER: ChannelId = ChannelId(7);

/// A desk with one channel and one shard, which answers like this.
pub fn desk(
    kind: ChannelKind,
    api: Option<Arc<dyn Marketplace>>,
    answer: impl Fn(&LocalRequest) -> LocalAnswer + Send + Sync + 'static,
) -> Arc<Desk> {
    desk_before(kind, api, queue(answer))
}

/// A desk with one channel, before a shard that takes its questions from `queue`.
pub fn desk_before(
    kind: ChannelKind,
    api: Option<Arc<dyn Marketplace>>,
    queue: Arc<LocalQueue>,
) -> Arc<Desk> {
    let setup = Setup {
        channels: vec![channel(kind)].into(),
        apis: vec![api],
        homes: vec![0],
        standings: vec![Arc::new(Standing::default())],
    };
    let shard = Shard {
        journal: Arc::new(unread()),
        queue,
    };
    Arc::new(Desk::new(vec![shard], setup))
}

fn queue(answer: impl Fn(&LocalRequest) -> LocalAnswer + Send + Sync + 'static) -> Arc<LocalQueue> {
    let own: Arc<OnceLock<Weak<LocalQueue>>> = Arc::default();
    let found = Arc::clone(&own);
    let queue = LocalQueue::new(Box::new(move || {
        let queue = found.get().and_then(Weak::upgrade);
        let mut asked = VecDeque::new();
        if let Some(queue) = queue {
            queue.take_all(&mut asked);
        }
        for local in asked {
            let Local {
                request,
                answer: waits,
                ..
            } = local;
            let said = answer(&request);
            waits.expect("somebody waits")(said);
        }
    }));
    let _ = own.set(Arc::downgrade(&queue));
    queue
}

/// The answer to a command that was done.
pub fn done() -> LocalAnswer {
    LocalAnswer::Command(CommandOutcome {
        code: ResultCode::Ok,
        replayed: false,
        sequence: 9,
        handle: 1,
        state: None,
        resolution: Resolution::Open,
        expires_at_ms: 0,
        cell: CellQuantities::default(),
    })
}

/// What a played [`Marketplace`] does about stock where a test is about orders only.
macro_rules! no_stock {
    () => {
        fn limits(&self) -> $crate::channels::api::CallLimits {
            unreachable!("no stock is written")
        }

        fn write_stock<'a>(
            &'a self,
            _: &'a [$crate::channels::api::StockWrite],
        ) -> $crate::channels::api::Answered<'a, $crate::channels::api::ItemResults> {
            unreachable!("no stock is written")
        }

        fn read_stock<'a>(
            &'a self,
            _: &'a [String],
        ) -> $crate::channels::api::Answered<'a, Vec<Option<i64>>> {
            unreachable!("no stock is read")
        }
    };
}
pub(super) use no_stock;

/// Something of the channel to do.
pub fn task() -> Task {
    Task {
        event: 5,
        ..Task::about(0, 0)
    }
}

/// The channel.
pub fn channel(kind: ChannelKind) -> ChannelOptions {
    ChannelOptions {
        number: NUMBER,
        name: "tea".into(),
        kind,
        tenant: "acme".into(),
        shop: "1".into(),
        registered_url: String::new(),
        secrets: Secrets::default(),
        base_url: String::new(),
        credentials: BTreeMap::default(),
        tokens: None,
        settings: BTreeMap::default(),
        currency: None,
        poll_ms: 5,
        fetch_retry_ms: 1,
    }
}

/// An order of the channel.
pub fn sold(id: &str, quantity: u32, stage: Stage) -> ChannelOrder {
    ChannelOrder {
        order_id: id.into(),
        made_ms: 1,
        status: format!("{stage:?}"),
        stage,
        paid: stage == Stage::Ready,
        cash_on_delivery: false,
        currency: 978,
        total: 100,
        lines: vec![ChannelLine {
            item: "1".into(),
            sku: "mug".into(),
            quantity,
            unit_price: 10,
        }],
        customer: String::new(),
        details: OrderDetails::default(),
    }
}
