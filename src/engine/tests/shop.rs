//! The fixture: one engine, one tenant, and a log of every turn for replay.

use crate::engine::command::{
    CellQuantities, Command, CommandOutcome, Context, LineNote, OrderLineView, OrderOutcome,
    OrderRequest, OrderView,
};
use crate::engine::record::{Allocation, Record, RequestedLine, ShortLine};
use crate::engine::{Engine, EngineOptions, TimersFired};
use crate::types::record::{RecordBuffer, Records};
use crate::types::{
    ActorId, ChannelId, CommandKey, LocationId, OrderKey, OrderMode, Policy, ResultCode, SkuId,
    TenantId,
};

pub const START_MS: u64 = 1_700_000_000_000;
pub const TTL_MS: u32 = 60_000;
pub const ANY: LocationId = LocationId::ANY;

/// One engine and what it journaled.
pub struct Shop {
    pub engine: Engine,
    pub context: Context,
    pub clock_ms: u64,
    pub notes: Vec<LineNote>,
    options: EngineOptions,
    out: RecordBuffer,
    next_sequence: u64,
    /// Time, first sequence and bytes of each turn.
    log: Vec<(u64, u64, Vec<u8>)>,
    next_key: u128,
}

impl Shop {
    pub fn new() -> Self {
        Self::with(EngineOptions::default())
    }

    pub fn with(options: EngineOptions) -> Self {
        let mut shop = Self {
            engine: Engine::new(options.clone()),
            context: Context {
                tenant: TenantId(0),
                actor: ActorId(0),
            },
            clock_ms: START_MS,
            notes: Vec::new(),
            options,
            out: RecordBuffer::default(),
            next_sequence: 1,
            log: Vec::new(),
            next_key: 1 << 100,
        };
        shop.advance(0);
        let (tenant, actor) = shop.turn(|engine, out| {
            let actor = engine.define_actor("tester", out).unwrap();
            (engine.define_tenant("acme", actor, out).unwrap(), actor)
        });
        shop.context = Context { tenant, actor };
        shop
    }

    /// One turn at the present time: what it journals goes to the log.
    pub fn turn<T>(&mut self, run: impl FnOnce(&mut Engine, &mut RecordBuffer) -> T) -> T {
        self.out.start(self.next_sequence);
        let result = run(&mut self.engine, &mut self.out);
        self.next_sequence = self.out.next_sequence();
        if !self.out.is_empty() {
            let bytes = self.out.bytes().to_vec();
            let first = self.out.first_sequence();
            self.log.push((self.engine.now_ms(), first, bytes));
        }
        result
    }

    /// Lets time pass and fires what is due, in as many turns as it takes.
    pub fn advance(&mut self, ms: u64) -> TimersFired {
        self.clock_ms += ms;
        let clock_ms = self.clock_ms;
        let mut sum = TimersFired {
            turn_time_ms: 0,
            expired: 0,
            forgotten: 0,
            more: false,
        };
        loop {
            let fired = self.turn(|engine, out| engine.fire_timers(clock_ms, usize::MAX, out));
            sum.expired += fired.expired;
            sum.forgotten += fired.forgotten;
            sum.turn_time_ms = fired.turn_time_ms;
            if !fired.more {
                return sum;
            }
        }
    }

    /// Lets time pass without firing any timer, as between a deadline and its sweep.
    pub fn advance_unswept(&mut self, ms: u64) {
        self.clock_ms += ms;
        self.engine.begin_turn(self.clock_ms);
    }

    pub fn fresh(&mut self) -> CommandKey {
        self.next_key += 1;
        CommandKey(self.next_key)
    }

    pub fn execute(&mut self, command: &Command<'_>) -> CommandOutcome {
        let context = self.context;
        self.turn(|engine, out| engine.execute(context, command, out))
    }

    pub fn sku(&mut self, name: &str) -> SkuId {
        let outcome = self.execute(&Command::DefineSku {
            name,
            on_sale: true,
            queue: None,
        });
        assert_eq!(outcome.code, ResultCode::Ok);
        SkuId(outcome.handle)
    }

    pub fn location(&mut self, name: &str, x: i32, y: i32, priority: u16) -> LocationId {
        let outcome = self.execute(&Command::DefineLocation {
            name,
            x,
            y,
            priority,
        });
        assert_eq!(outcome.code, ResultCode::Ok);
        LocationId(u16::try_from(outcome.handle).unwrap())
    }

    pub fn receive(&mut self, sku: SkuId, location: LocationId, quantity: u32) -> CommandOutcome {
        let key = self.fresh();
        let outcome = self.execute(&Command::Receive {
            key,
            sku,
            location,
            quantity,
        });
        assert_eq!(outcome.code, ResultCode::Ok);
        outcome
    }

    pub fn reserve(&mut self, request: &OrderRequest<'_>) -> OrderOutcome {
        let context = self.context;
        let mut notes = std::mem::take(&mut self.notes);
        notes.clear();
        let outcome = self.turn(|engine, out| engine.reserve(context, request, out, &mut notes));
        assert_eq!(usize::from(outcome.notes), notes.len());
        self.notes = notes;
        outcome
    }

    pub fn hold(&mut self, key: u128, lines: &[RequestedLine]) -> OrderOutcome {
        self.reserve(&request(key, lines))
    }

    pub fn confirm(&mut self, order: u128, lines: &[Allocation]) -> CommandOutcome {
        let key = self.fresh();
        let order = OrderKey(order);
        self.execute(&Command::Confirm { key, order, lines })
    }

    pub fn release(&mut self, order: u128) -> CommandOutcome {
        let key = self.fresh();
        let order = OrderKey(order);
        self.execute(&Command::Release { key, order })
    }

    pub fn cancel(&mut self, order: u128) -> CommandOutcome {
        let key = self.fresh();
        let order = OrderKey(order);
        self.execute(&Command::Cancel { key, order })
    }

    pub fn extend(&mut self, order: u128, ttl_ms: u32) -> CommandOutcome {
        let key = self.fresh();
        let order = OrderKey(order);
        self.execute(&Command::Extend { key, order, ttl_ms })
    }

    pub fn ship(&mut self, order: u128, lines: &[Allocation]) -> CommandOutcome {
        let key = self.fresh();
        let order = OrderKey(order);
        self.execute(&Command::Ship { key, order, lines })
    }

    pub fn cell(&self, sku: SkuId, location: LocationId) -> CellQuantities {
        let mut cells = self.engine.stock(self.context.tenant, sku).unwrap();
        cells
            .find(|cell| cell.location == location)
            .map_or(CellQuantities::default(), |cell| cell.quantities)
    }

    pub fn order(&self, key: u128) -> Option<(OrderView, Vec<OrderLineView>, Vec<ShortLine>)> {
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        let key = OrderKey(key);
        let view = self
            .engine
            .order(self.context.tenant, key, &mut lines, &mut shorts)?;
        Some((view, lines, shorts))
    }

    /// Bytes of all records so far.
    pub fn journal_bytes(&self) -> usize {
        self.log.iter().map(|(_, _, bytes)| bytes.len()).sum()
    }

    /// How many records of a kind were journaled.
    pub fn journaled(&self, kind: u8) -> usize {
        let records = self
            .log
            .iter()
            .flat_map(|(_, _, bytes)| Records::new(bytes));
        records.filter(|record| record.kind == kind).count()
    }

    /// A new engine that has replayed the log.
    pub fn replayed(&self, options: EngineOptions) -> Engine {
        let mut engine = Engine::new(options);
        for (time_ms, first, bytes) in &self.log {
            for (sequence, raw) in (*first..).zip(Records::new(bytes)) {
                assert!(Record::decode(&raw).is_some(), "kind {}", raw.kind);
                engine.replay(*time_ms, sequence, &raw).unwrap();
            }
        }
        engine
    }

    /// Every invariant holds, and a replay of the log leads to the same state.
    pub fn check(&self) {
        self.engine.check_invariants().unwrap();
        let replayed = self.replayed(self.options.clone());
        replayed.check_invariants().unwrap();
        assert_eq!(replayed.digest(), self.engine.digest());
        let (live, again) = (self.engine.statistics(), replayed.statistics());
        assert_eq!(live.open_holds, again.open_holds);
        assert_eq!(live.rejections_kept, again.rejections_kept);
    }
}

/// An ordinary hold; tests change the fields that they are about.
pub fn request(key: u128, lines: &[RequestedLine]) -> OrderRequest<'_> {
    OrderRequest {
        key: OrderKey(key),
        version: 1,
        customer: 42,
        channel: ChannelId(3),
        ttl_ms: TTL_MS,
        mode: OrderMode::Hold,
        policy: Policy::AllOrNothing,
        currency: 978,
        total: 12_345,
        destination: None,
        lines,
        details: &[],
        details_version: 0,
    }
}

pub fn line(sku: SkuId, location: LocationId, quantity: u32) -> RequestedLine {
    RequestedLine {
        sku,
        quantity,
        location,
    }
}
