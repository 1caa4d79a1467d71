//! Events of channels: taken once, held for a person, remembered in bounds, replayed to the same.

use super::command::{
    ChannelEventCommand, ChannelOrder, EventFilter, EventHead, ItemName, Settlement,
};
use crate::engine::command::{Command, CommandOutcome, Context};
use crate::engine::{Engine, EngineOptions};
use crate::limits;
use crate::types::channel_event::EventFate;
use crate::types::record::{RecordBuffer, Records};
use crate::types::{ChannelId, OrderKey, ResultCode};

const CHANNEL: ChannelId = ChannelId(3);

struct Stand {
    engine: Engine,
    context: Context,
    journal: Vec<(u64, u64, Vec<u8>)>,
    next: u64,
    now_ms: u64,
}

impl Stand {
    fn new() -> Self {
        let mut stand = Self {
            engine: Engine::new(EngineOptions::default()),
            context: Context {
                tenant: crate::types::TenantId(0),
                actor: crate::types::ActorId(0),
            },
            journal: Vec::new(),
            next: 1,
            now_ms: 1_000,
        };
        stand.turn(|engine, out| {
            let actor = engine.define_actor("gateway", out).unwrap();
            engine.define_tenant("acme", actor, out).unwrap();
        });
        stand
    }

    fn turn<T>(&mut self, act: impl FnOnce(&mut Engine, &mut RecordBuffer) -> T) -> T {
        let mut out = RecordBuffer::default();
        out.start(self.next);
        self.now_ms += 10;
        self.engine.begin_turn(self.now_ms);
        let done = act(&mut self.engine, &mut out);
        let entry = (self.now_ms, self.next, out.bytes().to_vec());
        self.next = out.next_sequence();
        self.journal.push(entry);
        done
    }

    /// Another tenant.
    fn tenant(&mut self, name: &str) -> Context {
        self.turn(|engine, out| {
            let actor = engine.find_actor("gateway").expect("defined");
            let tenant = engine.define_tenant(name, actor, out).expect("defined");
            Context { tenant, actor }
        })
    }

    fn execute(&mut self, command: &ChannelEventCommand<'_>) -> CommandOutcome {
        let context = self.context;
        self.turn(|engine, out| engine.execute_channel_event(context, command, out))
    }

    fn receive(&mut self, events: &[u128], body: &[u8]) -> CommandOutcome {
        let heads: Vec<EventHead> = events
            .iter()
            .map(|event| EventHead {
                event: *event,
                topic: "orders/create".to_owned(),
            })
            .collect();
        self.execute(&ChannelEventCommand::Receive {
            channel: CHANNEL,
            events: &heads,
            head: "x-topic: orders/create\n",
            body,
        })
    }

    fn settle(&mut self, event: u128, fate: EventFate) -> CommandOutcome {
        let settlement = Settlement {
            event,
            fate,
            order: OrderKey(event * 10),
            state: ChannelOrder {
                changed_ms: 77,
                content: 5,
                version: 1,
                cancelled: false,
            },
            note: "why".to_owned(),
        };
        self.execute(&ChannelEventCommand::Settle(&settlement))
    }

    fn map(&mut self, item: &str, sku: &str, write_back: &str) -> CommandOutcome {
        self.execute(&ChannelEventCommand::Map {
            channel: CHANNEL,
            item,
            sku,
            write_back,
        })
    }

    fn define_sku(&mut self, name: &str) {
        let context = self.context;
        let command = Command::DefineSku {
            name,
            on_sale: true,
            queue: None,
        };
        let done = self.turn(|engine, out| engine.execute(context, &command, out));
        assert_eq!(done.code, ResultCode::Ok);
    }

    fn waiting(&self, fate: Option<EventFate>) -> Vec<u128> {
        let filter = EventFilter {
            fate,
            limit: 100,
            ..EventFilter::default()
        };
        let page = self
            .engine
            .list_channel_events(self.context.tenant, &filter);
        page.events.into_iter().map(|event| event.event).collect()
    }

    fn replayed(&self) -> Engine {
        let mut engine = Engine::new(EngineOptions {
            secret: [7; 32],
            ..EngineOptions::default()
        });
        for (time_ms, first, bytes) in &self.journal {
            for (sequence, raw) in (*first..).zip(Records::new(bytes)) {
                engine.replay(*time_ms, sequence, &raw).expect("replays");
            }
        }
        engine
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let replayed = self.replayed();
            assert_eq!(replayed.digest(), self.engine.digest());
            self.engine.check_invariants().unwrap();
            replayed.check_invariants().unwrap();
        }
    }
}

#[test]
fn an_event_is_taken_once_however_often_it_comes() {
    let mut stand = Stand::new();
    let first = stand.receive(&[1, 2], b"{}");
    assert_eq!(
        (first.code, first.replayed, first.handle),
        (ResultCode::Ok, false, 2)
    );
    let again = stand.receive(&[2, 1], b"{}");
    assert_eq!(
        (again.code, again.replayed, again.sequence),
        (ResultCode::Ok, true, 0)
    );
    // One that is new comes together with one that is not.
    let mixed = stand.receive(&[2, 3, 3], b"{}");
    assert_eq!((mixed.replayed, mixed.handle), (false, 1));
    assert_eq!(stand.waiting(Some(EventFate::Open)), [1, 2, 3]);
    assert_eq!(stand.settle(1, EventFate::Applied).code, ResultCode::Ok);
    assert!(stand.receive(&[1], b"{}").replayed, "also after it is over");
    assert_eq!(stand.receive(&[0], b"{}").code, ResultCode::InvalidField);
}

#[test]
fn a_long_body_takes_several_records_and_the_longest_still_fits() {
    let mut stand = Stand::new();
    let body = vec![b'x'; limits::EVENT_BODY_BYTES_MAX];
    let done = stand.receive(&[1, 2], &body);
    assert_eq!(done.code, ResultCode::Ok);
    let events = stand.engine.open_channel_events();
    let parts = limits::EVENT_BODY_BYTES_MAX.div_ceil(limits::EVENT_CHUNK_BYTES_MAX) as u64;
    assert_eq!(events[1].sequence - events[0].sequence, parts);
    assert_eq!(events[1].body_at, events[0].sequence, "one body for both");
    let longer = vec![b'x'; limits::EVENT_BODY_BYTES_MAX + 1];
    assert_eq!(stand.receive(&[3], &longer).code, ResultCode::InvalidField);
}

#[test]
fn a_person_drives_a_held_event_again_or_gives_it_up() {
    let mut stand = Stand::new();
    stand.receive(&[1], b"a");
    stand.receive(&[2], b"b");
    stand.settle(1, EventFate::Unmapped);
    stand.settle(2, EventFate::Quarantined);
    assert_eq!(stand.waiting(None), [1, 2]);
    assert!(stand.engine.open_channel_events().is_empty());
    let wrong = stand.settle(1, EventFate::Applied);
    assert_eq!(wrong.code, ResultCode::NotInState, "held: not open");
    assert_eq!(stand.settle(1, EventFate::Open).code, ResultCode::Ok);
    assert!(stand.settle(1, EventFate::Open).replayed);
    assert_eq!(stand.waiting(Some(EventFate::Open)), [1]);
    assert_eq!(stand.settle(2, EventFate::Discarded).code, ResultCode::Ok);
    assert_eq!(
        stand.settle(2, EventFate::Open).code,
        ResultCode::UnknownEvent
    );
    assert_eq!(stand.waiting(None), [] as [u128; 0]);
}

#[test]
fn what_was_applied_last_to_an_order_is_remembered() {
    let mut stand = Stand::new();
    stand.receive(&[4], b"a");
    let tenant = stand.context.tenant;
    assert_eq!(stand.engine.channel_order(tenant, OrderKey(40)), None);
    stand.settle(4, EventFate::Applied);
    let known = stand
        .engine
        .channel_order(tenant, OrderKey(40))
        .expect("known");
    assert_eq!((known.changed_ms, known.version, known.content), (77, 1, 5));
}

#[test]
fn an_item_stands_for_the_sku_it_is_mapped_to_before_the_one_it_is_named_after() {
    let mut stand = Stand::new();
    stand.define_sku("MUG-RED");
    stand.define_sku("MUG-BLUE");
    let tenant = stand.context.tenant;
    let item = ItemName {
        item: "4400".to_owned(),
        sku: "MUG-RED".to_owned(),
    };
    let found = |stand: &Stand| {
        let found = stand.engine.sku_of_item(tenant, CHANNEL, &item);
        found.map(|sku| sku.name)
    };
    assert_eq!(found(&stand).as_deref(), Some("MUG-RED"));
    assert_eq!(
        stand.map("4400", "MUG-BLUE", "location=9").code,
        ResultCode::Ok
    );
    assert!(stand.map("4400", "MUG-BLUE", "location=9").replayed);
    assert_eq!(found(&stand).as_deref(), Some("MUG-BLUE"));
    assert_eq!(
        stand.map("4401", "NO-SUCH", "").code,
        ResultCode::UnknownSku
    );
    assert_eq!(stand.map("", "MUG-RED", "").code, ResultCode::InvalidField);
    let listed = stand.engine.list_mappings(tenant, CHANNEL, "", 10);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].name.as_str(), listed[0].write_back.as_str()),
        ("MUG-BLUE", "location=9")
    );
    assert_eq!(stand.map("4400", "", "").code, ResultCode::Ok);
    assert!(stand.map("4400", "", "").replayed);
    assert_eq!(found(&stand).as_deref(), Some("MUG-RED"));
}

#[test]
fn an_event_that_a_smaller_bound_had_forgotten_and_took_again_replays() {
    let mut stand = Stand::new();
    stand.receive(&[1], b"{}");
    stand.settle(1, EventFate::Applied);
    // The journal of a server that remembered less: the same event once more.
    let again = stand.journal[1].2.clone();
    assert!(stand.receive(&[1], b"{}").replayed, "here it is known");
    stand.now_ms += 10;
    for (sequence, raw) in (stand.next..).zip(Records::new(&again)) {
        let taken = stand.engine.replay(stand.now_ms, sequence, &raw);
        taken.expect("it replays");
    }
    stand.journal.push((stand.now_ms, stand.next, again));
    stand.next += 1;
    let tenant = stand.context.tenant;
    let found = stand.engine.channel_event(tenant, 1);
    assert_eq!(found.map(|it| it.event), Some(1));
    let statistics = stand.engine.statistics();
    assert_eq!(statistics.channel_event_ids, 2);
    assert_eq!(statistics.channel_events_forgotten_early, 0);
}

/// Delivers events from `event` on, until they are refused; the first refused one.
fn flood(stand: &mut Stand, mut event: u128) -> u128 {
    loop {
        let batch: Vec<u128> = (0..1_024).map(|number| event + number).collect();
        match stand.receive(&batch, b"{}").code {
            ResultCode::Ok => event += 1_024,
            code => {
                assert_eq!(code, ResultCode::Overloaded);
                return event;
            }
        }
    }
}

#[test]
fn a_full_table_of_waiting_events_pushes_back_and_loses_nothing() {
    let mut stand = Stand::new();
    let refused = flood(&mut stand, 1);
    let half = limits::CHANNEL_EVENTS_WAITING_MAX as u128 / 2;
    assert_eq!(refused - 1, half, "alone: half of the table");
    assert!(
        stand.receive(&[1], b"{}").replayed,
        "a repeat needs no room"
    );
    stand.settle(1, EventFate::Applied);
    assert_eq!(stand.receive(&[refused], b"{}").code, ResultCode::Ok);
    assert_eq!(
        stand.receive(&[refused + 1], b"{}").code,
        ResultCode::Overloaded
    );
    // One that waits for a person still takes its room.
    stand.settle(2, EventFate::Quarantined);
    assert_eq!(
        stand.receive(&[refused + 1], b"{}").code,
        ResultCode::Overloaded
    );
}

#[test]
fn a_tenant_that_floods_the_table_leaves_room_for_the_others() {
    let mut stand = Stand::new();
    let refused = flood(&mut stand, 1);
    let own = stand.context;
    let max = limits::CHANNEL_EVENTS_WAITING_MAX as u128;
    let mut from = refused;
    for share in [max / 4, max / 8] {
        let name = format!("tenant-{share}");
        stand.context = stand.tenant(&name);
        assert_eq!(
            flood(&mut stand, from) - from,
            share,
            "half of what is left"
        );
        from += share;
    }
    stand.context = stand.tenant("small");
    assert_eq!(stand.receive(&[from], b"{}").code, ResultCode::Ok);
    // What is settled of one tenant is room for all.
    stand.context = own;
    let refused = stand.receive(&[from + 1], b"{}");
    assert_eq!(refused.code, ResultCode::Overloaded);
    for event in 1..=max / 4 {
        stand.settle(event, EventFate::Applied);
    }
    assert_eq!(stand.receive(&[from + 1], b"{}").code, ResultCode::Ok);
}

#[test]
fn events_of_another_tenant_are_out_of_reach() {
    let mut stand = Stand::new();
    stand.receive(&[1], b"a");
    let other = stand.tenant("globex");
    let own = std::mem::replace(&mut stand.context, other);
    assert_eq!(
        stand.settle(1, EventFate::Discarded).code,
        ResultCode::UnknownEvent
    );
    assert_eq!(stand.engine.channel_event(other.tenant, 1), None);
    assert!(stand.engine.channel_event(own.tenant, 1).is_some());
    assert_eq!(stand.waiting(Some(EventFate::Open)), [] as [u128; 0]);
}
