//! The threads of a server: started in one place, ended in one order.

use super::dashboard::RecoveredFigures;
use super::engine_thread::ShardService;
use super::error::{ServerError, chain};
use super::recovery::Recovered;
use crate::adapters::runtime::OnFailure;
use crate::affinity::{CorePlan, take_short_turns};
use crate::engine::channel_event::command::EventView;
use crate::engine::process::command::OpenEffect;
use crate::feed::Place;
use crate::journal::storage::Storage;
use crate::journal::{Maintenance, SyncHandover, SyncProgress, Syncer, run_maintenance};
use crate::metrics::NetMetrics;
use crate::net::Deadlines;
use crate::net::engine_loop::{EngineLoop, Step, WAKE_TOKEN};
use crate::net::inbox::Inbox;
use crate::net::listener::Listener;
use crate::shard::Shard;
use crate::shard::local::LocalQueue;
use crate::types::TenantId;
use crossbeam::channel::{Receiver, Sender, unbounded};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

/// What the control thread waits for.
#[derive(Debug)]
pub(super) enum Event {
    /// Somebody asked for a clean shutdown.
    Stop,
    /// A thread can go on no longer.
    Failed { name: String, reason: String },
}

/// How the rest of the process reaches a shard.
pub(super) struct ShardAccess<S: Storage> {
    pub number: u16,
    /// For connections.
    pub inbox: Arc<Inbox>,
    /// For commands and questions from inside the process.
    pub queue: Arc<LocalQueue>,
    /// Its journal's files.
    pub storage: Arc<S>,
    /// Its journal's marks.
    pub handover: Arc<SyncHandover>,
    /// Names of its tenants by their number, as recovered.
    pub tenants: Vec<String>,
    /// Effects that were started before this start and have no result.
    pub open_effects: Vec<OpenEffect>,
    /// Events of channels that were not settled before this start.
    pub open_events: Vec<EventView>,
    /// Where its recovered journal ended: what comes later is new.
    pub recovered_end: Place,
    /// What its engine knew there.
    pub recovered: RecoveredFigures,
}

type EngineThread<S> = JoinHandle<Result<Shard<S>, String>>;

/// Handles of everything that runs.
pub(super) struct Threads<S: Storage> {
    events: Receiver<Event>,
    sender: Sender<Event>,
    engines: Vec<(u16, EngineThread<S>)>,
    syncers: Vec<(Arc<SyncHandover>, JoinHandle<Syncer<S>>)>,
    listener: Option<JoinHandle<()>>,
    maintenance: Option<JoinHandle<()>>,
    maintenance_stop: Arc<AtomicBool>,
}

impl<S: Storage> Threads<S> {
    pub fn new() -> Self {
        let (sender, events) = unbounded();
        Self {
            events,
            sender,
            engines: Vec::new(),
            syncers: Vec::new(),
            listener: None,
            maintenance: None,
            maintenance_stop: Arc::new(AtomicBool::new(false)),
        }
    }

    pub fn stop_sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// Starts engine, sync and maintenance threads; returns the ways into the engines and what
    /// reads their journals.
    pub fn start_shards(
        &mut self,
        recovered: Vec<Recovered<S>>,
        cores: &CorePlan,
        deadlines: Deadlines,
    ) -> Result<Vec<ShardAccess<S>>, ServerError> {
        let mut journals = Vec::with_capacity(recovered.len());
        let mut shards = Vec::with_capacity(recovered.len());
        for one in recovered {
            let Recovered {
                number,
                mut shard,
                storage,
                mut syncer,
                maintenance,
                clock,
                ..
            } = one;
            journals.push(maintenance);
            let name = format!("onhand-engine-{number}");
            let failed = |source| ServerError::Thread {
                name: name.clone(),
                source,
            };
            let poll = mio::Poll::new().map_err(failed)?;
            let waker = mio::Waker::new(poll.registry(), WAKE_TOKEN).map_err(failed)?;
            let inbox = Inbox::new(waker);
            let wake = Arc::clone(&inbox);
            syncer.set_waker(Arc::new(move || wake.wake()));
            let handover = Arc::clone(shard.journal().handover());
            self.syncers.push((
                Arc::clone(&handover),
                self.start_syncer(number, syncer, cores)?,
            ));
            let wake = Arc::clone(&inbox);
            let queue = LocalQueue::new(Box::new(move || wake.wake()));
            shard.set_local_queue(Arc::clone(&queue));
            let open_effects = shard.engine().open_effects();
            let open_events = shard.engine().open_channel_events();
            let named = (0..).map_while(|tenant| shard.engine().tenant_name(TenantId(tenant)));
            let tenants = named.map(str::to_owned).collect();
            let (sequence, position) = handover.appended();
            let recovered_end = Place {
                sequence,
                position,
                time_ms: shard.engine().now_ms(),
            };
            let figures = RecoveredFigures::of(shard.engine());
            let service = ShardService::new(shard, clock);
            let metrics = NetMetrics::new(usize::from(number));
            let engine = EngineLoop::new(poll, Arc::clone(&inbox), service, metrics, deadlines);
            shards.push(ShardAccess {
                number,
                inbox,
                queue,
                storage,
                handover,
                tenants,
                open_effects,
                open_events,
                recovered_end,
                recovered: figures,
            });
            self.engines
                .push((number, self.start_engine(number, name, engine, cores)?));
        }
        self.start_maintenance(journals)?;
        Ok(shards)
    }

    fn start_engine(
        &self,
        number: u16,
        name: String,
        mut engine: EngineLoop<ShardService<S>>,
        cores: &CorePlan,
    ) -> Result<EngineThread<S>, ServerError> {
        let sender = self.sender.clone();
        let cores = cores.clone();
        spawn(&name.clone(), move || {
            if let Err(error) = cores.pin_engine(usize::from(number)) {
                let reason = format!("cannot be pinned to its core: {error}");
                return Err(report(&sender, &name, reason));
            }
            take_short_turns();
            run_engine(&mut engine).map_err(|reason| report(&sender, &name, reason))?;
            Ok(engine.into_service().into_shard())
        })
    }

    fn start_syncer(
        &self,
        number: u16,
        mut syncer: Syncer<S>,
        cores: &CorePlan,
    ) -> Result<JoinHandle<Syncer<S>>, ServerError> {
        let name = format!("onhand-sync-{number}");
        let sender = self.sender.clone();
        let cores = cores.clone();
        spawn(&name.clone(), move || {
            match cores.place_sync() {
                Ok(real_time) => tracing::debug!(real_time, "a sync thread has its place"),
                Err(error) => tracing::warn!(%error, "a sync thread could not change its cores"),
            }
            if syncer.run() == SyncProgress::Failed {
                let cause = syncer
                    .error()
                    .map_or("unknown".to_owned(), ToString::to_string);
                let reason = format!(
                    "the journal could not be synced to the disk ({cause}); nothing more is \
                     acknowledged. Check the disk, then start again: what was acknowledged is safe"
                );
                report(&sender, &name, reason);
            }
            syncer
        })
    }

    fn start_maintenance(&mut self, mut journals: Vec<Maintenance<S>>) -> Result<(), ServerError> {
        let stop = Arc::clone(&self.maintenance_stop);
        let thread = spawn("onhand-journal", move || {
            run_maintenance(&mut journals, &stop, |error| {
                let error = chain(error);
                tracing::error!(error, "the journal could not be prepared ahead; retrying");
            });
        })?;
        self.maintenance = Some(thread);
        Ok(())
    }

    pub fn start_listener(&mut self, listener: Listener) -> Result<(), ServerError> {
        let sender = self.sender.clone();
        let name = "onhand-listener";
        let thread = spawn(name, move || {
            if let Err(error) = listener.run() {
                report(&sender, name, error.to_string());
            }
        })?;
        self.listener = Some(thread);
        Ok(())
    }

    /// Called by a thread of the process that can go on no longer.
    pub fn on_failure(&self) -> OnFailure {
        let sender = self.sender.clone();
        Arc::new(move |name, reason| {
            report(&sender, &name, reason);
        })
    }

    /// Blocks until a stop is asked for or a thread fails.
    pub fn wait(&self) -> Result<(), ServerError> {
        match self.events.recv() {
            Ok(Event::Stop) | Err(_) => Ok(()),
            Ok(Event::Failed { name, reason }) => Err(ServerError::Failed { name, reason }),
        }
    }

    /// Joins everything, in the order in which it may end: engines first, then what makes their
    /// journals durable, then the clean end of each journal.
    pub fn join(self) -> Result<(), ServerError> {
        if let Some(listener) = self.listener {
            joined("onhand-listener", listener)?;
        }
        let mut shards = Vec::with_capacity(self.engines.len());
        let mut failure = None;
        for (number, engine) in self.engines {
            let name = format!("onhand-engine-{number}");
            match joined(&name, engine)? {
                Ok(shard) => shards.push(Some((number, shard))),
                Err(reason) => {
                    failure.get_or_insert(ServerError::Failed { name, reason });
                    shards.push(None);
                }
            }
        }
        for ((handover, thread), shard) in self.syncers.into_iter().zip(shards) {
            handover.stop();
            let mut syncer = joined("onhand-sync", thread)?;
            if let Some((number, shard)) = shard
                && let Err(source) = shard.shut_down(&mut syncer)
            {
                failure.get_or_insert(ServerError::Close {
                    shard: number,
                    source,
                });
            }
        }
        if let Some(thread) = self.maintenance {
            self.maintenance_stop.store(true, Ordering::Release);
            thread.thread().unpark();
            joined("onhand-journal", thread)?;
        }
        failure.map_or(Ok(()), Err)
    }
}

fn run_engine<S: Storage>(engine: &mut EngineLoop<ShardService<S>>) -> Result<(), String> {
    loop {
        match engine.step() {
            Ok(Step::Running) => {}
            Ok(Step::Drained) => return Ok(()),
            Err(error) => return Err(format!("polling failed: {error}")),
        }
        if let Some(failure) = engine.failure() {
            return Err(failure);
        }
    }
}

/// Tells the control thread that a thread has failed; gives the reason back.
fn report(sender: &Sender<Event>, name: &str, reason: String) -> String {
    tracing::error!(thread = name, reason, "a thread failed; the server stops");
    // An error means that the server is shutting down already.
    let _ = sender.send(Event::Failed {
        name: name.to_owned(),
        reason: reason.clone(),
    });
    reason
}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, ServerError> {
    let failed = |source: io::Error| ServerError::Thread {
        name: name.to_owned(),
        source,
    };
    Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(failed)
}

fn joined<T>(name: &str, thread: JoinHandle<T>) -> Result<T, ServerError> {
    thread.join().map_err(|_| ServerError::Failed {
        name: name.to_owned(),
        reason: "panicked; see the message above".to_owned(),
    })
}
