//! One subscriber's task: read, send, note, again.

use super::SubscriberOptions;
use super::board::{Entry, Order, State};
use super::place::{Kept, PlaceFile};
use super::send::{Message, Sender, Sent, messages, wait_ms};
use crate::clock;
use crate::events::{Event, Found, Reading};
use crate::limits::{
    EVENT_PAGE_ITEMS_MAX, EVENT_POLL_MS, SUBSCRIBER_COMMIT_MS, SUBSCRIBER_PASSED_COMMIT_MS,
};
use crate::shard::local::{Local, LocalAnswer, LocalQueue, LocalRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Wait before a shard that is busy, or refuses, is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Why a subscriber cannot be served until somebody has seen to it.
#[derive(Debug)]
enum Halt {
    /// It answered 410.
    Gone,
    /// The reason, for people.
    Stuck(String),
}

pub(super) struct Follower {
    entry: Arc<Entry>,
    queue: Arc<LocalQueue>,
    sender: Sender,
    file: PlaceFile,
    /// What the file says, as long as no write is on its way.
    kept: Kept,
    /// A write was asked for, and nobody knows yet what became of it.
    writing: bool,
    /// When it was written last.
    kept_ms: u64,
    /// The last record that needs not be sent again.
    at: u64,
    /// It was sent something since the file was written.
    sent: bool,
    reading: Option<Reading>,
}

impl Follower {
    pub fn new(
        entry: Arc<Entry>,
        queue: Arc<LocalQueue>,
        sender: Sender,
        (file, kept): (PlaceFile, Kept),
    ) -> Self {
        Self {
            entry,
            queue,
            sender,
            file,
            at: kept.sequence,
            kept,
            writing: false,
            kept_ms: 0,
            sent: false,
            reading: None,
        }
    }

    /// Serves until the stop.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut stop: watch::Receiver<bool>) {
        if let Err(halt) = self.may_begin() {
            self.halt(halt).await;
        }
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                order = orders.recv() => match order {
                    Some(order) => self.moved(order).await,
                    None => break,
                },
                done = self.turn() => if let Err(halt) = done {
                    self.halt(halt).await;
                },
            }
        }
        // What cannot be noted now comes again, which is allowed.
        let _ = self.keep().await;
    }

    fn name(&self) -> &str {
        &self.entry.options.name
    }

    /// Whether the cursor file lets it go on.
    fn may_begin(&self) -> Result<(), Halt> {
        if self.kept.gone.as_ref() == Some(&hash(&self.entry.options)) {
            return Err(Halt::Gone);
        }
        let newest = self.entry.newest();
        if self.at > newest {
            return Err(Halt::Stuck(format!(
                "its cursor is at sequence {}, but the journal ends at {newest}: it was cut below \
                 what the subscriber has been sent. Bring the subscriber back to that point, then \
                 rewind its cursor to there",
                self.at
            )));
        }
        Ok(())
    }

    /// Sends one page of events, or waits a moment where there are none. May be dropped at any
    /// point: the next turn goes on behind what was acknowledged.
    async fn turn(&mut self) -> Result<(), Halt> {
        if !self.entry.standing.lock().state.is_served() {
            return std::future::pending().await;
        }
        let reading = match self.reading.take() {
            Some(reading) => reading,
            None => Reading::open(&*self.entry.journal, self.at)
                .map_err(|error| Halt::Stuck(unreadable(self.at, &error.to_string())))?,
        };
        let kinds = self.entry.options.kinds.clone();
        let (reading, found) = match reading.next(EVENT_PAGE_ITEMS_MAX, kinds).await {
            Ok(read) => read,
            Err(Some(error)) => {
                return Err(Halt::Stuck(unreadable(self.at, &error.to_string())));
            }
            Err(None) => return Ok(()), // the runtime ends
        };
        let (last, caught_up) = (found.last, found.caught_up);
        let events = named(&self.entry, &self.queue, found).await;
        let first_ms = events.first().map_or(0, |event| event.time_ms);
        self.entry.standing.lock().waiting_since_ms = first_ms;
        for message in messages(&events, self.entry.options.batch) {
            self.deliver(&message).await?;
        }
        self.reading = Some(reading);
        self.is_at(last);
        self.entry.standing.lock().waiting_since_ms = 0;
        self.keep_soon().await?;
        if caught_up {
            tokio::time::sleep(Duration::from_millis(EVENT_POLL_MS)).await;
        }
        Ok(())
    }

    /// Sends a message until it is taken.
    async fn deliver(&mut self, message: &Message) -> Result<(), Halt> {
        self.entry.standing.lock().waiting_since_ms = message.first_ms;
        loop {
            let sent = self.sender.send(message).await;
            match sent {
                Sent::Taken => {
                    self.entry.count("delivered");
                    self.taken(message);
                    return self.keep_soon().await;
                }
                Sent::Gone => {
                    self.entry.count("gone");
                    return Err(Halt::Gone);
                }
                Sent::Failed {
                    outcome,
                    text,
                    wait_ms,
                } => {
                    self.entry.count(outcome);
                    let wait_ms = self.failed(message, text, wait_ms);
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                }
            }
        }
    }

    fn taken(&mut self, message: &Message) {
        let mut standing = self.entry.standing.lock();
        if standing.state == State::Retrying {
            tracing::info!(
                subscriber = self.entry.options.name,
                failures = standing.failures,
                "the subscriber takes events again"
            );
        }
        standing.state = State::Active;
        standing.delivered += message.events as u64;
        standing.failures = 0;
        standing.next_attempt_ms = 0;
        drop(standing);
        self.sent = true;
        self.is_at(message.last);
    }

    /// Notes a failure; the wait before the next attempt, in milliseconds.
    fn failed(&self, message: &Message, text: String, asked_ms: u64) -> u64 {
        let now_ms = clock::now_ms();
        let mut standing = self.entry.standing.lock();
        standing.failures = standing.failures.saturating_add(1);
        let wait_ms = wait_ms(&self.entry.options, standing.failures, asked_ms);
        if standing.state == State::Active {
            tracing::warn!(
                subscriber = self.entry.options.name,
                message = message.id,
                error = text,
                wait_ms,
                "the subscriber did not take events; they are sent again"
            );
        }
        standing.state = State::Retrying;
        standing.last_error = Some((now_ms, text));
        standing.next_attempt_ms = now_ms + wait_ms;
        wait_ms
    }

    fn is_at(&mut self, sequence: u64) {
        self.at = sequence;
        self.entry.standing.lock().sequence = sequence;
    }

    /// Makes the cursor durable, unless that was done a moment ago.
    async fn keep_soon(&mut self) -> Result<(), Halt> {
        let soon_ms = if self.sent {
            SUBSCRIBER_COMMIT_MS
        } else {
            SUBSCRIBER_PASSED_COMMIT_MS
        };
        if self.at != self.kept.sequence && clock::now_ms() >= self.kept_ms + soon_ms {
            self.keep().await?;
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), Halt> {
        let kept = Kept {
            sequence: self.at,
            ..self.kept.clone()
        };
        self.write(kept).await
    }

    /// May be dropped while it waits: the file is written all the same, before the next write.
    async fn write(&mut self, kept: Kept) -> Result<(), Halt> {
        if kept == self.kept && !self.writing {
            return Ok(());
        }
        let (file, new) = (self.file.clone(), kept.clone());
        let turn = file.turn();
        self.writing = true;
        let written = tokio::task::spawn_blocking(move || file.write(turn, &new)).await;
        match written {
            Ok(Ok(())) => {
                self.kept = kept;
                self.writing = false;
                self.sent = false;
                self.kept_ms = clock::now_ms();
                Ok(())
            }
            Ok(Err(error)) => Err(Halt::Stuck(error.to_string())),
            Err(_) => Ok(()), // the runtime ends
        }
    }

    /// Serves it no more, and says so.
    async fn halt(&mut self, halt: Halt) {
        let (state, text) = match halt {
            Halt::Gone => {
                let kept = Kept {
                    sequence: self.at,
                    gone: Some(hash(&self.entry.options)),
                    ..self.kept.clone()
                };
                if let Err(Halt::Stuck(error)) = self.write(kept).await {
                    tracing::error!(subscriber = self.name(), error, "cannot be noted");
                }
                let text = "HTTP 410: it wants nothing more".to_owned();
                (State::Gone, text)
            }
            Halt::Stuck(text) => (State::Halted, text),
        };
        tracing::error!(
            subscriber = self.name(),
            state = state.name(),
            reason = text,
            "THE SUBSCRIBER IS NOT SERVED ANY MORE; events wait for it in the journal until an \
             operator resumes it (POST /v1/subscribers/NAME/rewind)"
        );
        let mut standing = self.entry.standing.lock();
        standing.state = state;
        standing.last_error = Some((clock::now_ms(), text));
        standing.next_attempt_ms = 0;
    }

    /// Goes on somewhere else, and is served again.
    async fn moved(&mut self, order: Order) {
        let kept = Kept {
            sequence: order.sequence,
            gone: None,
            ..self.kept.clone()
        };
        if let Err(halt) = self.write(kept).await {
            self.halt(halt).await;
            return; // whoever waits is told by the channel's end
        }
        self.reading = None;
        self.is_at(order.sequence);
        {
            let mut standing = self.entry.standing.lock();
            standing.state = State::Active;
            standing.failures = 0;
            standing.next_attempt_ms = 0;
            standing.waiting_since_ms = 0;
        }
        tracing::info!(
            subscriber = self.name(),
            sequence = order.sequence,
            "the subscriber's cursor was moved"
        );
        let _ = order.done.send(()); // whoever asked may have gone away
    }
}

/// The events that a subscriber wants of what was found.
async fn named(entry: &Entry, queue: &LocalQueue, found: Found) -> Vec<Event> {
    if found.is_empty() {
        return Vec::new();
    }
    let options = &entry.options;
    let answer = loop {
        match ask(options, queue, found.question()).await {
            Some(answer @ LocalAnswer::OwnNames { .. }) => break answer,
            Some(answer) => tracing::warn!(
                subscriber = options.name,
                ?answer,
                "the shard does not name events; it is asked again"
            ),
            None => {}
        }
        tokio::time::sleep(ASK_AGAIN).await;
    };
    let shard = entry.journal.shard();
    let named = found.named(shard, &options.tenant, answer);
    let mut events = named.unwrap_or_default();
    if !options.channels.is_empty() {
        let is_wanted = |number: u64| options.channels.iter().any(|&one| u64::from(one) == number);
        events.retain(|event| match event.channel() {
            Some(channel) => is_wanted(channel),
            // An order whose channel nobody knows any more: sent rather than lost.
            None => event.json.pointer("/data/order").is_some(),
        });
    }
    events
}

/// Asks the shard; `None` where it is busy or gone.
async fn ask(
    options: &SubscriberOptions,
    queue: &LocalQueue,
    request: LocalRequest,
) -> Option<LocalAnswer> {
    let (sender, receiver) = oneshot::channel();
    let local = Local {
        tenant: options.tenant.clone(),
        actor: format!("subscriber:{}", options.name),
        request,
        answer: Some(Box::new(move |answer| {
            // The receiver is gone after a stop only.
            let _ = sender.send(answer);
        })),
    };
    queue.push(local).ok()?;
    receiver.await.ok()
}

/// Waits for the stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that whoever could say it is gone, which says the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Names an address without showing it.
fn hash(options: &SubscriberOptions) -> String {
    blake3::hash(options.url.as_bytes()).to_hex().to_string()
}

fn unreadable(at: u64, error: &str) -> String {
    format!(
        "the journal cannot be read behind sequence {at}: {error}. Where its segments were removed, \
         events are lost to this subscriber: bring it up to date otherwise, then move its cursor"
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Trimmed, kept, options};
    use super::*;
    use crate::adapters::http::Http;

    #[test]
    fn a_rewind_is_durable_also_where_a_write_of_the_cursor_was_on_its_way() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = PlaceFile::new(directory.path(), "crm");
        // The last one goes back to what the file was known to say before the write.
        for (at, moved) in [(9, 2), (1_000_000, 3), (20, 5)] {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                file.write(file.turn(), &kept(5)).expect("written");
                let journal = Arc::new(Trimmed { oldest: 1, end: 30 });
                let options = Arc::new(options());
                let (orders, _received) = mpsc::channel(1);
                let entry = Entry::new(Arc::clone(&options), journal, orders, &kept(5));
                let sender = Sender::new(Http::new(1_000).expect("a client"), &options);
                let queue = LocalQueue::new(Box::new(|| {}));
                let place = (file.clone(), kept(5));
                let mut follower = Follower::new(Arc::new(entry), queue, sender, place);
                follower.at = at;
                tokio::select! {
                    biased;
                    _ = follower.keep() => panic!("a write takes longer than one look at it"),
                    () = std::future::ready(()) => {} // as when an order comes
                }
                let (done, told) = oneshot::channel();
                let sequence = moved;
                follower.moved(Order { sequence, done }).await;
                told.await.expect("durable");
            });
            drop(runtime); // waits for what is written still
            let read = file.read().expect("not damaged").expect("there");
            assert_eq!(read.sequence, moved, "after a write of {at}");
        }
    }
}
