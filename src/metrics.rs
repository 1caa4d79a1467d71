//! Metric names, their meaning, and the handles through which the hot path counts.
//!
//! Every name is in [`METRICS`]; `docs/OPERATIONS.md` lists the same ones and a test compares the
//! two. Handles are made once a thread, so counting is one atomic add. Latencies are recorded once
//! a turn, not once an order.

mod http;
mod provider;

pub use http::{HttpConnection, count_http, count_http_problem, http_connection_refused};
pub use provider::ProviderMetrics;

use metrics::{Counter, Gauge, Histogram, Unit};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows; restarts at zero with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Distribution, exported as cumulative buckets.
    Histogram,
}

/// One metric: name, kind, unit and its definition in words.
#[derive(Clone, Copy, Debug)]
pub struct MetricSpec {
    /// Prometheus name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// Of what.
    pub unit: Unit,
    /// Its definition.
    pub help: &'static str,
}

macro_rules! metric_specs {
    ($($constant:ident: $kind:ident, $unit:ident, $name:literal, $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: &str = $name;)+
        /// Every metric of the product.
        pub const METRICS: &[MetricSpec] = &[$(MetricSpec {
            name: $name, kind: MetricKind::$kind, unit: Unit::$unit, help: $help,
        }),+];
    };
}

metric_specs! {
    CONNECTIONS_OPEN: Gauge, Count, "onhand_connections_open",
        "Connections past their hello, by shard.";
    CONNECTIONS_TOTAL: Counter, Count, "onhand_connections_total",
        "Connections accepted by the listener.";
    CONNECTIONS_REFUSED: Counter, Count, "onhand_connections_refused_total",
        "Connections closed before or at hello, by reason (result code, limit, timeout or io).";
    CONNECTIONS_CLOSED: Counter, Count, "onhand_connections_closed_total",
        "Connections closed after hello, by reason (peer, idle, slow_reader, slow_frame, protocol, io or shutdown).";
    BYTES_IN: Counter, Bytes, "onhand_received_bytes_total",
        "Bytes read from sessions, by shard.";
    BYTES_OUT: Counter, Bytes, "onhand_sent_bytes_total",
        "Bytes written to sessions, by shard.";
    FRAMES: Counter, Count, "onhand_frames_total",
        "Frames executed, by shard.";
    FRAME_ERRORS: Counter, Count, "onhand_frame_errors_total",
        "Frames answered by an error frame, by result code.";
    ORDERS: Counter, Count, "onhand_orders_total",
        "Orders decided, by shard and outcome (accepted, rejected, replayed, conflict, invalid).";
    COMMANDS: Counter, Count, "onhand_commands_total",
        "Commands other than orders executed, by shard.";
    EXPIRED: Counter, Count, "onhand_holds_expired_total",
        "Holds ended by time, by shard.";
    FORGOTTEN: Counter, Count, "onhand_rejections_forgotten_total",
        "Oldest rejections dropped because the table of the newest N was full, by shard.";
    ORDERS_KEPT: Gauge, Count, "onhand_orders_kept",
        "Orders in the order table, open and ended, by shard.";
    HOLDS_LIVE: Gauge, Count, "onhand_holds_live",
        "Orders that hold unpaid units now, by shard.";
    BACKORDERS: Gauge, Count, "onhand_backorders",
        "Orders that wait for stock now, by shard.";
    BACKORDERED_UNITS: Gauge, Count, "onhand_backordered_units",
        "Units that orders wait for now, by shard.";
    SKUS: Gauge, Count, "onhand_skus",
        "SKUs defined, by shard.";
    TIMER_LAG: Gauge, Seconds, "onhand_timer_lag_seconds",
        "How far engine time is behind the clock because due timers are fired in bounded steps, by shard.";
    TURNS: Counter, Count, "onhand_turns_total",
        "Turns that executed at least one frame or timer, by shard.";
    TURN_SECONDS: Histogram, Seconds, "onhand_turn_seconds",
        "From the first socket read of a turn to the end of its journal append: decode, decide, apply, append.";
    DURABLE_SECONDS: Histogram, Seconds, "onhand_durable_seconds",
        "From the journal append of a turn to the moment its engine thread sees the watermark past it.";
    ANSWER_SECONDS: Histogram, Seconds, "onhand_answer_seconds",
        "From the first socket read of a turn to its replies being handed to the sockets; \
         lower than a client's figure by the network and the wait before the read.";
    DECISION_SECONDS: Histogram, Seconds, "onhand_decision_seconds",
        "As onhand_answer_seconds, over turns that decided an order so, by shard and outcome (accepted, rejected).";
    JOURNAL_BYTES: Counter, Bytes, "onhand_journal_bytes_total",
        "Bytes appended to the journal, by shard.";
    JOURNAL_SEQUENCE: Gauge, Count, "onhand_journal_sequence",
        "Sequence that the next record gets, by shard.";
    JOURNAL_ACKNOWLEDGED: Gauge, Count, "onhand_journal_acknowledged_sequence",
        "Every record below this sequence may be revealed, by shard.";
    JOURNAL_SYNCED: Gauge, Count, "onhand_journal_synced_sequence",
        "Every record below this sequence is on disk, by shard.";
    JOURNAL_ROOM: Gauge, Count, "onhand_journal_room",
        "Room for the next turn: 2 normal, 1 only the reserved share, 0 none (the shard takes nothing in), by shard.";
    SYNCS: Counter, Count, "onhand_journal_syncs_total",
        "Completed syncs, by shard.";
    SYNC_SECONDS: Histogram, Seconds, "onhand_journal_sync_seconds",
        "Duration of one sync of the journal to the disk.";
    REPLIES_HELD: Gauge, Bytes, "onhand_replies_held_bytes",
        "Bytes of replies that wait for their records to be durable, by shard.";
    OVERLOADED: Counter, Count, "onhand_overloaded_total",
        "Frames answered OVERLOADED, by shard.";
    FEED_LAG: Gauge, Count, "onhand_feed_lag_records",
        "Acknowledged records that a feed reader has not read yet, by shard and reader.";
    HISTORY_RECORDS: Counter, Count, "onhand_history_records_total",
        "Records that the history has taken in, by shard.";
    HISTORY_ROWS: Counter, Count, "onhand_history_rows_total",
        "Rows written into the history database, by shard.";
    HISTORY_ERRORS: Counter, Count, "onhand_history_errors_total",
        "Times that the history had to try again, by kind (locked, full, ahead and so on; see HISTORY.md).";
    PROVIDER_CALLS: Counter, Count, "onhand_provider_calls_total",
        "Calls to a provider that ended, by provider, lane and class of their end (see EVENTS.md).";
    PROVIDER_CREDENTIALS: Counter, Count, "onhand_provider_credentials_refused_total",
        "Calls to a provider that ended because it refuses our credentials (401, 403), by provider and lane.";
    PROVIDER_CALL_SECONDS: Histogram, Seconds, "onhand_provider_call_seconds",
        "Duration of a call to a provider, by provider and lane.";
    PROVIDER_WAIT_SECONDS: Histogram, Seconds, "onhand_provider_wait_seconds",
        "From the journal batch that started an effect to its call leaving, by provider and lane.";
    PROVIDER_CALLS_OUT: Gauge, Count, "onhand_provider_calls_out",
        "Calls to a provider that have not ended, by provider and lane.";
    PROVIDER_WAITING: Gauge, Count, "onhand_provider_waiting",
        "Effects in memory that wait for a provider's limits, by provider and lane.";
    CALLBACKS: Counter, Count, "onhand_callbacks_total",
        "Callbacks of providers, by provider and result (accepted or why not), and their events (journaled, repeated, other).";
    WEBHOOKS: Counter, Count, "onhand_webhooks_total",
        "Deliveries of sales channels answered, by channel and result (accepted, repeated, ignored, ping, or why not).";
    WEBHOOK_SECONDS: Histogram, Seconds, "onhand_webhook_seconds",
        "From the head of a delivery to its answer, by channel: reading, verifying, journaling, sync.";
    CHANNEL_EVENTS: Counter, Count, "onhand_channel_events_total",
        "Events of sales channels, by channel and step (received, repeated, ignored; then what became of them, see EVENTS.md).";
    CHANNEL_EVENT_SECONDS: Histogram, Seconds, "onhand_channel_event_seconds",
        "From the journal batch of an event to its fate, by channel.";
    CHANNEL_EVENTS_WAITING: Gauge, Count, "onhand_channel_events_waiting",
        "Events of sales channels that wait to be worked off or for a person, by shard.";
    CHANNEL_EVENTS_FORGOTTEN: Counter, Count, "onhand_channel_events_forgotten_total",
        "Oldest ids of events, and orders of channels, dropped because newer ones took their place, by shard.";
    CHANNEL_EVENT_IDS: Gauge, Count, "onhand_channel_event_ids",
        "Ids of events of sales channels that are remembered against repeats, by shard.";
    CHANNEL_EVENTS_FORGOTTEN_EARLY: Counter, Count, "onhand_channel_events_forgotten_early_total",
        "Ids of channels' events dropped before they were 30 days old, because `channel_events_kept` is too small, by shard.";
    CHANNEL_TOKEN_RENEWALS: Counter, Count, "onhand_channel_token_renewals_total",
        "Renewals of access tokens of sales channels, by channel and result (renewed, unsaved, failed or refused).";
    CHANNEL_UNAUTHORISED: Gauge, Count, "onhand_channel_unauthorised",
        "1 where a sales channel's access token is not renewed and a person must authorise the app again, else 0, by channel.";
    PUBLISH_LAG_SECONDS: Histogram, Seconds, "onhand_publish_lag_seconds",
        "From the commit of a stock figure to a sales channel's acknowledgement of it or a newer one, by channel.";
    PUBLISH_WRITES: Counter, Count, "onhand_publish_writes_total",
        "Stock figures sent to sales channels, by channel and result (shown, or the class of its error).";
    PUBLISH_WAITING: Gauge, Count, "onhand_publish_waiting",
        "Items whose stock figure waits to be sent to its sales channel, by channel.";
    PUBLISH_QUARANTINED: Gauge, Count, "onhand_publish_quarantined",
        "Items that are left alone because their sales channel refuses their stock, by channel.";
    PUBLISH_DOWN: Gauge, Count, "onhand_publish_down",
        "1 where calls to a sales channel fail one after the other, else 0, by channel.";
    SUBSCRIBER_LAG_RECORDS: Gauge, Count, "onhand_subscriber_lag_records",
        "Acknowledged records behind a subscriber's cursor, by subscriber; not all need be events for it.";
    SUBSCRIBER_LAG: Gauge, Seconds, "onhand_subscriber_lag_seconds",
        "Age of the oldest event that a subscriber has not acknowledged, by subscriber.";
    SUBSCRIBER_SERVED: Gauge, Count, "onhand_subscriber_served",
        "1 while a subscriber is sent events; 0 after it answered 410 or where its cursor cannot go on, by subscriber.";
    SUBSCRIBER_DELIVERIES: Counter, Count, "onhand_subscriber_deliveries_total",
        "Requests to subscribers, by subscriber and outcome (delivered, refused, error, timeout, unreachable or gone).";
    HTTP_REQUESTS: Counter, Count, "onhand_http_requests_total",
        "HTTP requests answered, by status.";
    HTTP_PROBLEMS: Counter, Count, "onhand_http_problems_total",
        "HTTP requests refused with problem details, by their code (BAD_REQUEST, CROSS_SITE, FORBIDDEN_ROLE and so on).";
    HTTP_CONNECTIONS_OPEN: Gauge, Count, "onhand_http_connections_open",
        "HTTP connections open now.";
    HTTP_CONNECTIONS: Counter, Count, "onhand_http_connections_total",
        "HTTP connections ended, by how (closed, cut: idle, slow, no HTTP or broken off, \
         handshake: no TLS, refused: one too many).";
    RECOVERY_SECONDS: Gauge, Seconds, "onhand_recovery_seconds",
        "How long the last start took to read the journal back, by shard.";
    RATE_QUOTES: Counter, Count, "onhand_rate_quotes_total",
        "Lists of shipping rates, by source (live, kept from an earlier answer, or none).";
    RATES_COMPARED: Counter, Count, "onhand_rate_cache_compared_total",
        "Kept shipping rates compared with the next real ones, by whether they lay within 1 % (yes, no).";
}

/// Registers the description of every metric with the installed recorder. Call once at start.
pub fn describe() {
    for spec in METRICS {
        match spec.kind {
            MetricKind::Counter => metrics::describe_counter!(spec.name, spec.unit, spec.help),
            MetricKind::Gauge => metrics::describe_gauge!(spec.name, spec.unit, spec.help),
            MetricKind::Histogram => metrics::describe_histogram!(spec.name, spec.unit, spec.help),
        }
    }
}

/// Bucket bounds of every latency histogram, in seconds: 10 µs to 10 s.
pub const LATENCY_BUCKETS_S: &[f64] = &[
    0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.000_75, 0.001, 0.002,
    0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// Seconds between two readings of [`crate::clock::monotonic_ns`].
#[must_use]
pub fn seconds_between(start_ns: u64, end_ns: u64) -> f64 {
    end_ns.saturating_sub(start_ns) as f64 / 1e9
}

/// What one engine thread counts about its sockets.
#[derive(Clone, Debug)]
pub struct NetMetrics {
    /// See [`CONNECTIONS_OPEN`].
    pub connections_open: Gauge,
    /// See [`BYTES_IN`].
    pub bytes_in: Counter,
    /// See [`BYTES_OUT`].
    pub bytes_out: Counter,
}

impl NetMetrics {
    /// Handles of engine thread `shard`.
    #[must_use]
    pub fn new(shard: usize) -> Self {
        let shard = shard.to_string();
        Self {
            connections_open: metrics::gauge!(CONNECTIONS_OPEN, "shard" => shard.clone()),
            bytes_in: metrics::counter!(BYTES_IN, "shard" => shard.clone()),
            bytes_out: metrics::counter!(BYTES_OUT, "shard" => shard),
        }
    }

    /// Counts a connection closed after hello.
    pub fn closed(reason: &'static str) {
        metrics::counter!(CONNECTIONS_CLOSED, "reason" => reason).increment(1);
    }

    /// Counts a connection closed before or at hello.
    pub fn refused(reason: &'static str) {
        metrics::counter!(CONNECTIONS_REFUSED, "reason" => reason).increment(1);
    }
}

/// What one shard counts about its turns.
#[derive(Clone, Debug)]
pub struct ShardMetrics {
    /// See [`FRAMES`].
    pub frames: Counter,
    /// See [`COMMANDS`].
    pub commands: Counter,
    /// See [`ORDERS`], accepted.
    pub accepted: Counter,
    /// See [`ORDERS`], rejected.
    pub rejected: Counter,
    /// See [`ORDERS`], replayed.
    pub replayed: Counter,
    /// See [`ORDERS`], conflict.
    pub conflicts: Counter,
    /// See [`ORDERS`], invalid.
    pub invalid: Counter,
    /// See [`EXPIRED`].
    pub expired: Counter,
    /// See [`FORGOTTEN`].
    pub forgotten: Counter,
    /// See [`ORDERS_KEPT`].
    pub orders_kept: Gauge,
    /// See [`HOLDS_LIVE`].
    pub holds_live: Gauge,
    /// See [`BACKORDERS`].
    pub backorders: Gauge,
    /// See [`BACKORDERED_UNITS`].
    pub backordered_units: Gauge,
    /// See [`SKUS`].
    pub skus: Gauge,
    /// See [`TIMER_LAG`].
    pub timer_lag: Gauge,
    /// See [`TURNS`].
    pub turns: Counter,
    /// See [`TURN_SECONDS`].
    pub turn_seconds: Histogram,
    /// See [`DURABLE_SECONDS`].
    pub durable_seconds: Histogram,
    /// See [`ANSWER_SECONDS`].
    pub answer_seconds: Histogram,
    /// See [`DECISION_SECONDS`], accepted.
    pub accepted_seconds: Histogram,
    /// See [`DECISION_SECONDS`], rejected.
    pub rejected_seconds: Histogram,
    /// See [`JOURNAL_BYTES`].
    pub journal_bytes: Counter,
    /// See [`JOURNAL_SEQUENCE`].
    pub sequence: Gauge,
    /// See [`JOURNAL_ACKNOWLEDGED`].
    pub acknowledged: Gauge,
    /// See [`JOURNAL_SYNCED`].
    pub synced: Gauge,
    /// See [`JOURNAL_ROOM`].
    pub room: Gauge,
    /// See [`REPLIES_HELD`].
    pub replies_held: Gauge,
    /// See [`OVERLOADED`].
    pub overloaded: Counter,
    /// See [`CHANNEL_EVENTS_WAITING`].
    pub channel_events_waiting: Gauge,
    /// See [`CHANNEL_EVENTS_FORGOTTEN`].
    pub channel_events_forgotten: Counter,
    /// See [`CHANNEL_EVENT_IDS`].
    pub channel_event_ids: Gauge,
    /// See [`CHANNEL_EVENTS_FORGOTTEN_EARLY`].
    pub channel_events_forgotten_early: Counter,
}

impl ShardMetrics {
    /// Handles of shard `shard`.
    #[must_use]
    pub fn new(shard: usize) -> Self {
        let label = shard.to_string();
        let counter = |name: &'static str| metrics::counter!(name, "shard" => label.clone());
        let gauge = |name: &'static str| metrics::gauge!(name, "shard" => label.clone());
        let histogram = |name: &'static str| metrics::histogram!(name, "shard" => label.clone());
        let orders = |outcome: &'static str| metrics::counter!(ORDERS, "shard" => label.clone(), "outcome" => outcome);
        let decision = |outcome: &'static str| {
            let shard = label.clone();
            metrics::histogram!(DECISION_SECONDS, "shard" => shard, "outcome" => outcome)
        };
        Self {
            frames: counter(FRAMES),
            commands: counter(COMMANDS),
            accepted: orders("accepted"),
            rejected: orders("rejected"),
            replayed: orders("replayed"),
            conflicts: orders("conflict"),
            invalid: orders("invalid"),
            expired: counter(EXPIRED),
            forgotten: counter(FORGOTTEN),
            orders_kept: gauge(ORDERS_KEPT),
            holds_live: gauge(HOLDS_LIVE),
            backorders: gauge(BACKORDERS),
            backordered_units: gauge(BACKORDERED_UNITS),
            skus: gauge(SKUS),
            timer_lag: gauge(TIMER_LAG),
            turns: counter(TURNS),
            turn_seconds: histogram(TURN_SECONDS),
            durable_seconds: histogram(DURABLE_SECONDS),
            answer_seconds: histogram(ANSWER_SECONDS),
            accepted_seconds: decision("accepted"),
            rejected_seconds: decision("rejected"),
            journal_bytes: counter(JOURNAL_BYTES),
            sequence: gauge(JOURNAL_SEQUENCE),
            acknowledged: gauge(JOURNAL_ACKNOWLEDGED),
            synced: gauge(JOURNAL_SYNCED),
            room: gauge(JOURNAL_ROOM),
            replies_held: gauge(REPLIES_HELD),
            overloaded: counter(OVERLOADED),
            channel_events_waiting: gauge(CHANNEL_EVENTS_WAITING),
            channel_events_forgotten: counter(CHANNEL_EVENTS_FORGOTTEN),
            channel_event_ids: gauge(CHANNEL_EVENT_IDS),
            channel_events_forgotten_early: counter(CHANNEL_EVENTS_FORGOTTEN_EARLY),
        }
    }

    /// Counts a frame answered by an error frame.
    pub fn frame_error(code: &'static str) {
        metrics::counter!(FRAME_ERRORS, "code" => code).increment(1);
    }
}

/// Counts a callback, or events of one.
pub fn count_callback(provider: &str, result: &'static str, number: u64) {
    metrics::counter!(CALLBACKS, "provider" => provider.to_owned(), "result" => result)
        .increment(number);
}

/// Counts a delivery of a sales channel.
pub fn count_webhook(channel: &str, result: &'static str, number: u64) {
    metrics::counter!(WEBHOOKS, "channel" => channel.to_owned(), "result" => result)
        .increment(number);
}

/// Counts a delivery of a sales channel that was answered after `ns` nanoseconds.
pub fn webhook_answered(channel: &str, result: &'static str, ns: u64) {
    count_webhook(channel, result, 1);
    metrics::histogram!(WEBHOOK_SECONDS, "channel" => channel.to_owned()).record(ns as f64 / 1e9);
}

/// Counts events of a sales channel.
pub fn count_channel_event(channel: &str, step: &'static str, number: u64) {
    if number > 0 {
        metrics::counter!(CHANNEL_EVENTS, "channel" => channel.to_owned(), "step" => step)
            .increment(number);
    }
}

/// Counts an event of a sales channel that was settled `ms` milliseconds after it was journaled.
pub fn channel_event_settled(channel: &str, fate: &'static str, ms: u64) {
    count_channel_event(channel, fate, 1);
    metrics::histogram!(CHANNEL_EVENT_SECONDS, "channel" => channel.to_owned())
        .record(ms as f64 / 1e3);
}

/// What publishing to one sales channel counts.
#[derive(Clone, Debug)]
pub struct PublishMetrics {
    channel: String,
    lag_seconds: Histogram,
    waiting: Gauge,
    quarantined: Gauge,
    down: Gauge,
}

impl PublishMetrics {
    /// Handles with the label of this channel.
    #[must_use]
    pub fn new(channel: &str) -> Self {
        let labels = || [("channel", channel.to_owned())];
        Self {
            channel: channel.to_owned(),
            lag_seconds: metrics::histogram!(PUBLISH_LAG_SECONDS, &labels()),
            waiting: metrics::gauge!(PUBLISH_WAITING, &labels()),
            quarantined: metrics::gauge!(PUBLISH_QUARANTINED, &labels()),
            down: metrics::gauge!(PUBLISH_DOWN, &labels()),
        }
    }

    /// A figure was acknowledged, so many milliseconds after its oldest change.
    pub fn acknowledged(&self, lag_ms: Option<u64>) {
        if let Some(ms) = lag_ms {
            self.lag_seconds.record(ms as f64 / 1e3);
        }
    }

    /// What came of a figure, or of a whole call.
    pub fn count(&self, result: &'static str) {
        metrics::counter!(PUBLISH_WRITES, "channel" => self.channel.clone(), "result" => result)
            .increment(1);
    }

    /// How it stands now.
    pub fn set(&self, waiting: usize, quarantined: usize, down: bool) {
        self.waiting.set(waiting as f64);
        self.quarantined.set(quarantined as f64);
        self.down.set(if down { 1.0 } else { 0.0 });
    }
}

/// What one sync thread counts.
#[derive(Clone, Debug)]
pub struct SyncMetrics {
    /// See [`SYNCS`].
    pub syncs: Counter,
    /// See [`SYNC_SECONDS`].
    pub sync_seconds: Histogram,
}

impl SyncMetrics {
    /// Handles of the sync thread of shard `shard`.
    #[must_use]
    pub fn new(shard: usize) -> Self {
        let shard = shard.to_string();
        Self {
            syncs: metrics::counter!(SYNCS, "shard" => shard.clone()),
            sync_seconds: metrics::histogram!(SYNC_SECONDS, "shard" => shard),
        }
    }
}
