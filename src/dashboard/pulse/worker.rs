//! The thread of the pulse: reads the journals, asks for stock, makes frames.

mod stock;

use super::channels::Publishing;
use super::frame::FRAME_MS;
use super::registry::{Latencies, Latency, gauges};
use super::render::{Shown, sections};
use super::sale::Questions;
use super::shard::{BreakerNow, NoTail, PulseSource, ShardTail, worst};
use super::tenant::{At, Tenant};
use super::{Pulse, PulseThread};
use crate::engine::record::{BreakerChanged, CellRef, ChannelRecord, ProcessRecord, Record, kind};
use crate::feed::{FeedError, FeedProgress, Tail};
use crate::limits::DASHBOARD_TENANTS_MAX;
use crate::metrics;
use crate::shard::local::Levels;
use crate::types::TenantId;
use crate::types::pipeline::PipelineSet;
use crate::types::record::Records;
use crate::{affinity, clock};
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stock::ask_about;

/// Batches read of one shard before another one, or a frame, has its turn.
const STEP_BATCHES_MAX: usize = 64;

/// How long it waits where everything is read.
const IDLE_MS: u64 = 25;

/// Time between two questions for stock, and between two frames of slower sections.
const SLOW_MS: u64 = 1_000;

/// Reads the metrics registry as text, in Prometheus's format.
pub type Registry = Box<dyn Fn() -> String + Send>;

/// Starts the pulse over these shards, on a thread of its own behind the engines.
///
/// # Errors
/// The system gives no thread.
pub fn spawn(
    sources: Vec<PulseSource>,
    registry: Registry,
) -> std::io::Result<(Pulse, PulseThread)> {
    let pulse = Pulse::new(clock::now_ms());
    let stopping = Arc::new(AtomicBool::new(false));
    let (wake, woken) = bounded(1);
    let mut worker = Worker::new(pulse.clone(), sources, registry, woken);
    let stop = Arc::clone(&stopping);
    let thread = std::thread::Builder::new()
        .name("onhand-dashboard".to_owned())
        .spawn(move || {
            affinity::yield_to_engines();
            worker.run(&stop);
        })?;
    let running = PulseThread {
        stopping,
        wake,
        thread,
    };
    Ok((pulse, running))
}

/// A shard, and what its engine said; none: it refused to say.
type Answer = (u16, Option<Levels>);

struct Worker {
    pulse: Pulse,
    shards: Vec<ShardTail>,
    tenants: Vec<Tenant>,
    names: HashMap<String, usize>,
    providers: Vec<String>,
    registry: Registry,
    yours: Latency,
    sold_out: Latency,
    waits: Latencies,
    publishing: Publishing,
    woken: Receiver<()>,
    answers: (Sender<Answer>, Receiver<Answer>),
    next_slow_ms: u64,
}

impl Worker {
    fn new(
        pulse: Pulse,
        sources: Vec<PulseSource>,
        registry: Registry,
        woken: Receiver<()>,
    ) -> Self {
        let mut worker = Self {
            pulse,
            shards: Vec::new(),
            tenants: Vec::new(),
            names: HashMap::new(),
            providers: Vec::new(),
            registry,
            yours: Latency::default(),
            sold_out: Latency::default(),
            waits: Latencies::default(),
            publishing: Publishing::default(),
            woken,
            answers: unbounded(), // at most one answer a shard is out
            next_slow_ms: 0,
        };
        for source in sources {
            worker.add_shard(source);
        }
        worker
    }

    fn add_shard(&mut self, source: PulseSource) {
        let number = source.journal.shard();
        let mut shard = ShardTail::new(&source);
        for (tenant, name) in (0..).zip(&source.tenants) {
            let place = self.tenant_place(number, TenantId(tenant), name);
            shard.set_tenant(TenantId(tenant), place);
        }
        for ((tenant, state), count) in source.states {
            if let Some(tenant) = self.followed(&shard, tenant) {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                *tenant.states.entry(state).or_default() += count;
            }
        }
        for (tenant, sku, units) in source.shortages {
            if let Some(tenant) = self.followed(&shard, tenant) {
                tenant.sale.known_shortage((number, sku), units);
            }
        }
        for (tenant, channel, name) in source.channels {
            if let Some(tenant) = self.followed(&shard, tenant) {
                tenant.channels.name(channel, &name);
            }
        }
        for (name, breaker) in source.breakers {
            let place = self.provider(&name);
            shard.providers.push(place);
            shard.breakers.push(breaker);
        }
        self.shards.push(shard);
    }

    /// A tenant of a shard, if it is followed.
    fn followed(&mut self, shard: &ShardTail, tenant: TenantId) -> Option<&mut Tenant> {
        let place = shard.tenants.get(usize::from(tenant.0)).copied().flatten();
        self.tenants.get_mut(place?)
    }

    /// The place of a tenant among all, by its name; `None` where there are too many.
    fn tenant_place(&mut self, shard: u16, tenant: TenantId, name: &str) -> Option<usize> {
        let place = match self.names.get(name) {
            Some(place) => Some(*place),
            None if self.tenants.len() < DASHBOARD_TENANTS_MAX => {
                self.tenants.push(Tenant::default());
                self.names.insert(name.to_owned(), self.tenants.len() - 1);
                Some(self.tenants.len() - 1)
            }
            None => None,
        };
        let known = place.and_then(|place| self.tenants.get_mut(place));
        if let Some(known) = known {
            known.numbers.insert(shard, tenant);
        }
        place
    }

    fn provider(&mut self, name: &str) -> usize {
        let found = self.providers.iter().position(|known| known == name);
        found.unwrap_or_else(|| {
            self.providers.push(name.to_owned());
            self.providers.len() - 1
        })
    }

    fn run(&mut self, stopping: &AtomicBool) {
        let mut next_frame_ms = 0;
        while !stopping.load(Ordering::Acquire) {
            let more = self.read();
            let now_ms = clock::now_ms();
            while let Ok((shard, levels)) = self.answers.1.try_recv() {
                self.answered(shard, levels.as_ref());
            }
            if now_ms >= next_frame_ms {
                next_frame_ms = now_ms + FRAME_MS;
                self.publish(now_ms);
            }
            if !more {
                // Woken early or not: it looks again either way.
                let _ = self.woken.recv_timeout(Duration::from_millis(IDLE_MS));
            }
        }
    }

    /// Reads on in every shard; true where there may be more.
    fn read(&mut self) -> bool {
        let mut more = false;
        for place in 0..self.shards.len() {
            for _ in 0..STEP_BATCHES_MAX {
                match self.read_batch(place) {
                    Ok(FeedProgress::Delivered) => more = true,
                    Ok(FeedProgress::CaughtUp) => break,
                    Err(error) => {
                        if let Some(shard) = self.shards.get_mut(place)
                            && !std::mem::replace(&mut shard.failed, true)
                        {
                            tracing::error!(%error, "the dashboard's figures stand still");
                        }
                        break;
                    }
                }
            }
        }
        more
    }

    fn read_batch(&mut self, place: usize) -> Result<FeedProgress, FeedError> {
        // Taken out for the time of the batch, so that the rest can be changed meanwhile.
        let Some(shard) = self.shards.get_mut(place) else {
            return Ok(FeedProgress::CaughtUp);
        };
        let left = Box::new(NoTail(shard.tail.place()));
        let mut tail = std::mem::replace::<Box<dyn Tail>>(&mut shard.tail, left);
        let progress = tail.next(&mut |batch| {
            if let Some(shard) = self.shards.get_mut(place) {
                shard.note_time(batch.sequence, batch.time_ms);
            }
            let records = Records::new(batch.payload).take(batch.records as usize);
            for (sequence, raw) in (batch.sequence..).zip(records) {
                if let Some(shard) = self.shards.get_mut(place) {
                    shard.check_count(sequence);
                    shard.accepted += u64::from(raw.kind == kind::ORDER_ACCEPTED);
                }
                if let Some(record) = Record::decode(&raw) {
                    self.take(place, (sequence, batch.time_ms), &record);
                }
            }
            if let Some(shard) = self.shards.get_mut(place) {
                shard.check_count(batch.sequence + u64::from(batch.records));
            }
        });
        if let Some(shard) = self.shards.get_mut(place) {
            shard.tail = tail;
        }
        progress
    }

    fn take(&mut self, place: usize, (sequence, time_ms): (u64, u64), record: &Record<'_>) {
        match record {
            Record::TenantDefined { tenant, name } => {
                let number = self.shards.get(place).map_or(0, |shard| shard.number);
                let known = self.tenant_place(number, *tenant, name);
                if let Some(shard) = self.shards.get_mut(place) {
                    shard.set_tenant(*tenant, known);
                }
            }
            Record::Process(ProcessRecord::Pipelines(defined)) => {
                let set = PipelineSet::from_archive(defined.archive_version, defined.archive.0);
                for name in set.into_iter().flat_map(|set| set.providers) {
                    let known = self.provider(&name);
                    if let Some(shard) = self.shards.get_mut(place)
                        && !shard.providers.contains(&known)
                    {
                        shard.providers.push(known);
                        shard.breakers.push(BreakerNow::default());
                    }
                }
            }
            Record::Process(ProcessRecord::Breaker(changed)) => {
                self.breaker(place, time_ms, changed);
            }
            Record::Channel(record) => self.channel(place, time_ms, record),
            Record::ShortageDetected { cell, .. } => self.shortage(place, *cell, sequence),
            _ => {
                let Some(tenant) = tenant_of(record) else {
                    return;
                };
                let Some(shard) = self.shards.get(place) else {
                    return;
                };
                let known = shard.tenants.get(usize::from(tenant.0)).copied().flatten();
                let at = At {
                    shard: shard.number,
                    sequence,
                    time_ms,
                    places: &shard.providers,
                    names: &self.providers,
                };
                if let Some(tenant) = known.and_then(|known| self.tenants.get_mut(known)) {
                    tenant.take(&at, record);
                }
            }
        }
    }

    /// A channel got its name, or acknowledged quantities: how old were they?
    fn channel(&mut self, place: usize, time_ms: u64, record: &ChannelRecord<'_>) {
        let Some(shard) = self.shards.get(place) else {
            return;
        };
        let (tenant, channel) = record.channel();
        let known = shard.tenants.get(usize::from(tenant.0)).copied().flatten();
        let Some(tenant) = known.and_then(|known| self.tenants.get_mut(known)) else {
            return;
        };
        match record {
            ChannelRecord::Defined { name, .. } => tenant.channels.name(channel, name),
            ChannelRecord::Published { items, .. } => {
                for item in items.iter() {
                    if let Some(true_ms) = shard.time_of(item.sequence) {
                        let lag_ms = time_ms.saturating_sub(true_ms);
                        tenant.channels.published(channel, time_ms, lag_ms);
                    }
                }
            }
            _ => {}
        }
    }

    /// The record does not say whose SKU it is; the engine will, for those that it is asked about.
    fn shortage(&mut self, place: usize, cell: CellRef, sequence: u64) {
        let Some(shard) = self.shards.get(place) else {
            return;
        };
        for tenant in shard.tenants.iter().flatten() {
            if let Some(tenant) = self.tenants.get_mut(*tenant) {
                tenant.sale.shortage((shard.number, cell.sku), sequence);
            }
        }
    }

    fn breaker(&mut self, place: usize, time_ms: u64, changed: &BreakerChanged) {
        let Some(shard) = self.shards.get_mut(place) else {
            return;
        };
        let number = usize::from(changed.provider.0);
        if let Some(breaker) = shard.breakers.get_mut(number) {
            *breaker = BreakerNow {
                state: changed.to,
                until_ms: changed.until_ms,
                failures: changed.failures,
            };
        }
        let known = shard.providers.get(number).copied().unwrap_or(usize::MAX);
        let name = self.providers.get(known).map_or("", String::as_str);
        for tenant in shard.tenants.iter().flatten() {
            if let Some(tenant) = self.tenants.get_mut(*tenant) {
                tenant.news.add(time_ms, "breaker", None, || {
                    let (to, cause) = (changed.to.name(), changed.cause.name());
                    format!("breaker of {name} is {to}: {cause}").replace('_', " ")
                });
            }
        }
    }

    fn publish(&mut self, now_ms: u64) {
        let slow = now_ms >= self.next_slow_ms;
        if slow {
            self.next_slow_ms = now_ms + SLOW_MS;
            self.read_registry(now_ms);
        }
        let behind = self.behind();
        let as_of_ms = now_ms.saturating_sub(behind.1);
        let mut questions = Questions::new();
        let open_holds = self.open_holds();
        let watched = Arc::clone(&self.pulse.watched);
        for (name, one) in watched.lock().iter_mut() {
            if one.sender.receiver_count() == 0 {
                continue;
            }
            let mut none = Tenant::default();
            let place = self.names.get(name).copied();
            let tenant = place.and_then(|place| self.tenants.get_mut(place));
            let tenant = tenant.unwrap_or(&mut none);
            if slow {
                ask_about(tenant, as_of_ms / 1_000, &mut questions);
            }
            let shown = Shown {
                as_of_ms,
                behind,
                slow,
                providers: &self.providers,
                breakers: &worst(&self.shards, self.providers.len()),
                open_holds,
                followed: place.is_some(),
                lost: self.shards.iter().map(|shard| shard.lost).sum(),
                yours: &self.yours,
                sold_out: &self.sold_out,
                waits: &self.waits,
                publishing: &self.publishing,
                stopped: self.shards.iter().any(|shard| shard.failed),
            };
            let made = sections(tenant, &shown, &mut one.news);
            let frame = one.sent.frame(self.pulse.epoch, now_ms, made);
            one.sender.send_replace(frame);
        }
        if slow {
            self.ask(questions);
        }
    }

    /// Unpaid holds, where they can only be those of the one tenant there is.
    fn open_holds(&self) -> Option<u64> {
        let all = self.shards.iter().map(|shard| shard.open_holds).sum();
        (self.tenants.len() <= 1).then_some(all)
    }

    fn read_registry(&mut self, now_ms: u64) {
        let text = (self.registry)();
        let name = metrics::DECISION_SECONDS;
        self.yours.read(&text, name, "accepted");
        self.sold_out.read(&text, name, "rejected");
        let waits = metrics::PROVIDER_WAIT_SECONDS;
        self.waits.read(&text, waits, "provider");
        let lags = metrics::PUBLISH_LAG_SECONDS;
        self.publishing.lags.read(&text, lags, "channel");
        self.publishing.waiting = gauges(&text, metrics::PUBLISH_WAITING, "channel");
        self.publishing.refused = gauges(&text, metrics::PUBLISH_QUARANTINED, "channel");
        self.publishing.down = gauges(&text, metrics::PUBLISH_DOWN, "channel");
        for tenant in &mut self.tenants {
            tenant.channels.note(now_ms, &self.publishing);
        }
        for shard in &self.shards {
            shard.tail.publish_lag();
        }
    }

    /// Records not read yet, and how old the newest one read is while there are any, in
    /// milliseconds.
    fn behind(&self) -> (u64, u64) {
        let now_ms = clock::now_ms();
        let mut behind = (0, 0);
        for shard in &self.shards {
            let place = shard.tail.place();
            let records = shard.journal.acknowledged().saturating_sub(place.sequence);
            if records > 0 {
                let ms = now_ms.saturating_sub(place.time_ms);
                behind = (behind.0 + records, behind.1.max(ms));
            }
        }
        behind
    }
}

fn tenant_of(record: &Record<'_>) -> Option<TenantId> {
    Some(match record {
        Record::OrderAccepted(order) => order.tenant,
        Record::OrderRejected(order) => order.tenant,
        Record::Process(ProcessRecord::Moved(moved)) => moved.tenant,
        Record::Process(ProcessRecord::Started(started)) => started.tenant,
        Record::Process(ProcessRecord::Ended(ended)) => ended.tenant,
        Record::Process(ProcessRecord::Oversold(oversold)) => oversold.tenant,
        _ => return None,
    })
}
