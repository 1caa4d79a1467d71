//! Every bound of the product, in one place, each with what happens when it is reached.
//!
//! The relations between bounds are asserted at compile time at the end of the file, so a change
//! that breaks one does not build.

/// Largest wire frame in bytes, header included. A longer announcement gets `FRAME_TOO_LARGE` and
/// the connection is closed before anything is allocated for it.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// Most orders (or order commands) in one frame. One more is refused with `TOO_MANY_ITEMS`.
pub const FRAME_ITEMS_MAX: usize = 8_190;

/// Most lines of one order, before merging. One more is refused with `TOO_MANY_LINES`.
pub const ORDER_LINES_MAX: usize = 64;

/// Most allocations of one order (a line split over several locations counts once a location).
/// An order that would need more is refused as short.
pub const ORDER_ALLOCATIONS_MAX: usize = 128;

/// Largest quantity of one line, in units. More is refused with `INVALID_QUANTITY`.
pub const LINE_QUANTITY_MAX: u32 = 1_000_000;

/// Largest quantity of any kind held in one stock cell (SKU at a location), in units. A movement
/// beyond it is refused with `OVERFLOW`.
pub const CELL_QUANTITY_MAX: u32 = i32::MAX as u32;

/// Largest time to live of a hold, in milliseconds (7 days). More is refused with `INVALID_TTL`.
pub const HOLD_TTL_MS_MAX: u32 = 7 * 24 * 3_600 * 1_000;

/// Default time to live of a hold, used by the command line, in milliseconds (15 minutes).
pub const HOLD_TTL_MS_DEFAULT: u32 = 15 * 60 * 1_000;

/// How often one hold may be extended, each time to at most `HOLD_TTL_MS_MAX` from then on. One more
/// is refused with `EXTEND_CAP`.
pub const HOLD_EXTENSIONS_MAX: u8 = 8;

/// Largest order total in minor units of its currency. More is refused with `INVALID_TOTAL`.
pub const ORDER_TOTAL_MAX: u64 = 1 << 53;

/// Largest details message of one order, in bytes as sent. More is refused with
/// `DETAILS_TOO_LONG`.
pub const DETAILS_BYTES_MAX: usize = 4_096;

/// Largest details of one order as journaled (archived form), in bytes.
pub const DETAILS_ARCHIVED_BYTES_MAX: usize = 16_384;

/// Most lines of one address. One more is refused with `DETAILS_MALFORMED`.
pub const ADDRESS_LINES_MAX: usize = 16;

/// Longest name (tenant, SKU, location, actor), in bytes of UTF-8. Longer is `INVALID_NAME`.
pub const NAME_BYTES_MAX: usize = 64;

/// Longest reason of a correction of stock, in bytes. Longer is refused with `INVALID_NAME`.
pub const STOCK_REASON_BYTES_MAX: usize = NAME_BYTES_MAX;

/// Largest ISO 4217 number of a currency. More is refused with `INVALID_CURRENCY`.
pub const CURRENCY_NUMBER_MAX: u16 = 999;

/// Longest token a client may send at hello, in bytes.
pub const TOKEN_BYTES_MAX: usize = 256;

/// Longest message text in an error frame, in bytes; longer texts are cut at a character.
pub const ERROR_TEXT_BYTES_MAX: usize = 240;

/// Most SKUs named in one stock query or subscription frame.
pub const QUERY_ITEMS_MAX: usize = 4_096;

/// Most shards of one process.
pub const SHARDS_MAX: usize = 64;

/// Most tenants of one shard. One more is refused with `TENANT_TABLE_FULL`.
pub const TENANTS_MAX: usize = 4_096;

/// Most actors (token names) of one shard. One more is refused with `ACTOR_TABLE_FULL`.
pub const ACTORS_MAX: usize = 4_096;

/// Most locations of one shard. One more is refused with `LOCATION_TABLE_FULL`.
pub const LOCATIONS_MAX: usize = 65_000;

/// Most SKUs of one shard. One more is refused with `SKU_TABLE_FULL`.
pub const SKUS_MAX: usize = 64_000_000;

/// Most orders kept by one shard, open and ended, unless configured lower. One more is refused
/// with `ORDER_TABLE_FULL`.
pub const ORDERS_MAX: usize = 1 << 30;

/// Newest rejections of orders that one shard remembers by default; the oldest is forgotten first
/// and counted in `onhand_rejections_forgotten_total`.
pub const REJECTIONS_KEPT_DEFAULT: usize = 16 << 20;

/// Newest keyed commands that one shard remembers by default, for stock commands and for order
/// commands each; the oldest is forgotten first and counted.
pub const COMMANDS_KEPT_DEFAULT: usize = 1 << 20;

/// How long the key of an ended order is kept by default, in milliseconds (30 days).
pub const ENDED_ORDER_KEPT_MS_DEFAULT: u64 = 30 * 24 * 3_600 * 1_000;

/// Most keys forgotten by one `OrdersForgotten` record.
pub const FORGOTTEN_KEYS_PER_RECORD_MAX: usize = 64;

/// Most timers fired in one turn. Engine time stops at the deadline of the last one fired, so a
/// million timers due at once move time on in bounded steps.
pub const TIMERS_PER_TURN_MAX: usize = 4_096;

/// Soft bound of one turn's intake, in orders and commands; a turn takes no further frame past it.
pub const TURN_ITEMS_MAX: usize = 16_384;

/// Turns whose replies may wait for the durable watermark. At the bound the shard takes no further
/// frame, so the sockets push back.
pub const TURNS_IN_FLIGHT_MAX: usize = 64;

/// Bytes of replies that may wait for the durable watermark, over all sessions of a shard. At the
/// bound the shard takes no further frame.
pub const REPLIES_HELD_BYTES_MAX: usize = 64 << 20;

/// Largest journal batch, header included, in bytes. A batch never straddles segments.
pub const BATCH_BYTES_MAX: usize = 24 << 20;

/// Largest payload of one journal record, in bytes.
pub const RECORD_PAYLOAD_BYTES_MAX: usize = 32 << 10;

/// Worst-case journal bytes of one order with all lines split, without its details.
pub const ORDER_RECORD_BYTES_MAX: usize = 64 + ORDER_ALLOCATIONS_MAX * 10 + ORDER_LINES_MAX * 10;

/// Default size of a journal segment in bytes.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;

/// Smallest size of a journal segment in bytes (tests use it).
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// Connections of one process. One more is accepted, told `OVERLOADED` and closed.
pub const CONNECTIONS_MAX_DEFAULT: usize = 20_000;

/// Bytes a session may have waiting to be sent before it is closed as a slow reader.
pub const SESSION_OUT_BYTES_MAX: usize = 8 << 20;

/// Bytes of complete but not yet executed frames that one session may hold; beyond it the socket
/// is not read.
pub const SESSION_IN_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;

/// How long a fresh connection may take to finish its hello (and TLS handshake), in milliseconds.
pub const HELLO_TIMEOUT_MS: u64 = 5_000;

/// How long a started frame may take to arrive in full, in milliseconds; slower is closed.
pub const FRAME_TIMEOUT_MS: u64 = 30_000;

/// How long a session may be silent before it is closed, in milliseconds; `ping` keeps it open.
pub const IDLE_TIMEOUT_MS_DEFAULT: u64 = 10 * 60 * 1_000;

/// How long unsent replies may wait on a socket that takes none, in milliseconds.
pub const SLOW_READER_TIMEOUT_MS: u64 = 30_000;

/// How long a draining server waits for sessions at SIGTERM, in milliseconds.
pub const DRAIN_TIMEOUT_MS: u64 = 5_000;

/// A journal further ahead of the wall clock than this is refused without a flag, in milliseconds.
pub const CLOCK_BEHIND_JOURNAL_MS_MAX: u64 = 5 * 60 * 1_000;

/// Hint in an `OVERLOADED` answer: wait this long before the retry, in milliseconds.
pub const OVERLOADED_RETRY_AFTER_MS: u32 = 50;

/// Most providers that one shard's journal can define.
pub const PROVIDERS_MAX: usize = 64;

/// Most pipelines of one set.
pub const PIPELINES_MAX: usize = 32;

/// Most steps of one pipeline.
pub const PIPELINE_STEPS_MAX: usize = 16;

/// Most messages that one milestone sends, and most CRM systems that get each order.
pub const MESSAGES_PER_MILESTONE_MAX: usize = 8;

/// Most bytes of an archived pipeline set.
pub const PIPELINES_ARCHIVED_BYTES_MAX: usize = RECORD_PAYLOAD_BYTES_MAX - 64;

/// Longest reference that a provider may leave with an effect, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 120;

/// Longest code of a provider's answer, in bytes.
pub const PROVIDER_CODE_BYTES_MAX: usize = 60;

/// Longest message of a provider's answer, and longest reason of an operator, in bytes.
pub const PROVIDER_MESSAGE_BYTES_MAX: usize = 240;

/// Most effects of one order that are open, dead or could still be undone; beyond it no message and
/// no CRM update starts, while its way and what undoes it go on.
pub const EFFECTS_PER_ORDER_MAX: usize = 64;

/// Alerts to the team that start beyond `EFFECTS_PER_ORDER_MAX`; one more is dropped, and says so.
pub const ALERTS_PER_ORDER_BEYOND: usize = 8;

/// Provider reports without an order that wait for theirs; one more drops the oldest, journaled.
pub const REPORTS_PARKED_MAX: usize = 10_000;

/// Cancellations that came before their orders and wait for them; one more drops the oldest.
pub const EARLY_EVENTS_MAX: usize = 10_000;

/// Event ids of provider reports remembered, against repeats (senders repeat for up to 30 days).
pub const REPORT_EVENTS_KEPT: usize = 1 << 20;

/// Largest body of one delivery of a sales channel that is journaled, in bytes: Meta documents up to
/// 3 MB, the others name no bound. A longer one is answered 413.
pub const EVENT_BODY_BYTES_MAX: usize = 3 << 20;

/// Bodies longer than this, in bytes, are read a few at a time: nobody has shown who he is before the
/// whole body is there.
pub const EVENT_BODY_BYTES_USUAL: usize = 256 << 10;

/// Longer bodies that are read and journaled at once. One more is answered 503.
pub const EVENT_LONG_BODIES_MAX: usize = 4;

/// Different secrets (with Shopee different addresses) that one delivery without a shop is held
/// against. Where there could be more, it is answered 401: the shop belongs into its path.
pub const WEBHOOK_SECRETS_MAX: usize = 64;

/// Bytes that the HTTP thread itself hashes to verify a delivery, a body once for each secret; more
/// are hashed beside it.
pub const WEBHOOK_HASHED_HERE_BYTES_MAX: usize = 64 << 10;

/// Deliveries that are hashed beside the HTTP thread at once; others wait for them, as long as their
/// senders do.
pub const WEBHOOKS_HASHED_MAX: usize = 2;

/// Bytes of an event's body in one journal record; a longer body takes several, in one batch.
pub const EVENT_CHUNK_BYTES_MAX: usize = 28 << 10;

/// Most bytes of the headers that are kept with an event, and of its topic.
pub const EVENT_HEAD_BYTES_MAX: usize = 2 << 10;

/// Longest topic of an event, in bytes; longer is cut.
pub const EVENT_TOPIC_BYTES_MAX: usize = 120;

/// Longest note about an event, in bytes; longer is cut.
pub const EVENT_NOTE_BYTES_MAX: usize = 480;

/// Most events of one delivery. A delivery with more is answered 413.
pub const EVENTS_PER_DELIVERY_MAX: usize = 1_024;

/// Newest ids of channels' events that one shard remembers, against repeats, however old they are. No
/// bound may be smaller: they are part of the state's digest.
pub const CHANNEL_EVENTS_KEPT_MIN: usize = 1 << 20;

/// Ids of channels' events that one shard remembers at most, where nothing else is configured. About 45
/// bytes each, and 30 days at 1.6 events a second.
pub const CHANNEL_EVENTS_KEPT_DEFAULT: usize = 4 << 20;

/// How long the id of a channel's event is remembered where there is room for it: 30 days, in hours.
/// Senders repeat for hours or days.
pub const CHANNEL_EVENTS_KEPT_HOURS: u64 = 30 * 24;

/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3_600_000;

/// Events that wait to be worked off or for a person, in one shard. A tenant may have as many of them
/// as are free beside, alone half. Beyond that a new one is answered `OVERLOADED`, and its sender
/// sends it again.
pub const CHANNEL_EVENTS_WAITING_MAX: usize = 1 << 16;

/// Orders of channels of which one shard remembers what was applied last; the oldest is forgotten
/// first and counted.
pub const CHANNEL_ORDERS_KEPT: usize = 1 << 20;

/// Item mappings of one shard. One more is refused with `SKU_TABLE_FULL`.
pub const SKU_MAPPINGS_MAX: usize = 4 << 20;

/// Longest id by which a channel names an item, in bytes.
pub const CHANNEL_ITEM_BYTES_MAX: usize = 120;

/// Longest text of the ids that writing stock to a channel needs, in bytes.
pub const WRITE_BACK_BYTES_MAX: usize = 480;

/// Commands from adapters and HTTP that wait for an engine thread; a full queue pushes back.
pub const LOCAL_COMMANDS_MAX: usize = 4_096;

/// Commands from adapters and HTTP that one turn takes, some 10 µs each: orders that arrive meanwhile
/// wait for it. With 64, 20,000 orders at once take a tenth longer to be shipped, because more turns
/// mean more syncs, and the p99 of a load beside them is no other.
pub const LOCAL_COMMANDS_PER_TURN_MAX: usize = 512;

/// Orders whose facts adapters keep in memory, about 1 KiB each; the oldest makes room and is read
/// from the journal again when it is needed.
pub const ORDER_FACTS_MAX: usize = 65_536;

/// Effects of one class of priority that wait in memory for one provider, give or take what one
/// journal batch starts; the others wait in the journal.
pub const PROVIDER_QUEUE_MAX: usize = 1_024;

/// Names of SKUs that adapters keep; at the bound they are forgotten and asked for again.
pub const NAMES_KEPT_MAX: usize = 1 << 20;

/// Most sales channels of one shard. One more is refused with `CHANNEL_TABLE_FULL`.
pub const CHANNELS_MAX: usize = 1_024;

/// Most rules of channels about single SKUs that one shard keeps, campaigns' quotas included. One
/// more is refused with `CHANNEL_TABLE_FULL`.
pub const CHANNEL_RULES_MAX: usize = 1 << 20;

/// Most quantities, one a channel and SKU, that one shard remembers as published. Others are
/// published, but refused with `CHANNEL_TABLE_FULL` when they are reported.
pub const PUBLISHED_MAX: usize = 1 << 21;

/// Most campaigns that one shard keeps. The oldest that ended makes room; where none ended, one
/// more is refused with `CHANNEL_TABLE_FULL`.
pub const CAMPAIGNS_MAX: usize = 1_024;

/// Most SKUs of one campaign. One more is refused with `TOO_MANY_LINES`.
pub const CAMPAIGN_SKUS_MAX: usize = 256;

/// Most quantities of one report of what was published, and SKUs of one question about a channel's
/// stock. One more is refused with `TOO_MANY_LINES`.
pub const CHANNEL_ITEMS_MAX: usize = 256;

/// Newest changes of stock that one shard remembers for those who publish it; a reader that is
/// further behind asks for every SKU again.
pub const STOCK_CHANGES_KEPT: usize = 1 << 16;

/// Largest body of an HTTP request, in bytes. A longer one is answered 413 and not read further.
pub const HTTP_BODY_BYTES_MAX: usize = 1 << 20;

/// Most HTTP connections at once where nothing else is configured. One more is answered 503 and
/// closed.
pub const HTTP_CONNECTIONS_DEFAULT: usize = 8_192;

/// HTTP connections beyond the limit that are told so at the same time; a further one is closed
/// without a word.
pub const HTTP_REFUSALS_MAX: usize = 256;

/// How long telling one may take, in milliseconds.
pub const HTTP_REFUSAL_MS: u64 = 1_000;

/// How long the head of an HTTP request may take to arrive, and how long a connection may be idle
/// between requests, in milliseconds, where nothing else is configured; slower is closed.
pub const HTTP_HEAD_TIMEOUT_MS_DEFAULT: u64 = 10_000;

/// How long the body of an HTTP request may take to arrive, in milliseconds, where nothing else is
/// configured; slower is answered 408. An answer may go unread for as long; then it is given up.
pub const HTTP_BODY_TIMEOUT_MS_DEFAULT: u64 = 10_000;

/// Requests to `/v1` that one caller may make in a second, and at once, where nothing else is
/// configured: a flash sale's burst of 2,000 orders is no attack.
pub const HTTP_REQUESTS_PER_SECOND_DEFAULT: u32 = 5_000;

/// How long HTTP waits for the engine's answer, in milliseconds; then 503, and the caller repeats
/// with the same key.
pub const HTTP_ANSWER_TIMEOUT_MS: u64 = 20_000;

/// Most items of one page over HTTP; a larger `limit` is refused.
pub const PAGE_ITEMS_MAX: u16 = 500;

/// Items of one page over HTTP where the caller says nothing.
pub const PAGE_ITEMS_DEFAULT: u16 = 50;

/// Of the requests that a caller may make in a second, one in so many may fail to authenticate.
pub const HTTP_REQUESTS_PER_AUTH_FAILURE: u32 = 100;

/// So many may fail in a second in any case.
pub const HTTP_AUTH_FAILURES_MIN: u32 = 10;

/// Journal records that one page of events looks at; the page ends early behind them.
pub const EVENT_RECORDS_SCANNED_MAX: usize = 65_536;

/// Events of one piece of a stream.
pub const EVENT_PAGE_ITEMS_MAX: usize = 256;

/// Clients that follow events at the same time; one more is told to wait.
pub const EVENT_STREAMS_MAX: usize = 64;

/// How often a stream looks for new events, in milliseconds.
pub const EVENT_POLL_MS: u64 = 100;

/// Longest silence of a stream, in milliseconds.
pub const EVENT_HEARTBEAT_MS: u64 = 15_000;

/// How long a stream lasts before its client connects again and is admitted again, in milliseconds:
/// an expired or withdrawn token is good for no longer.
pub const EVENT_STREAM_MS: u64 = 600_000;

/// Longest list of event types to keep, in bytes.
pub const EVENT_KIND_BYTES_MAX: usize = 256;

/// Most subscribers of events of one process. A file with more is refused.
pub const SUBSCRIBERS_MAX: usize = 64;

/// Most events of one request to a subscriber.
pub const SUBSCRIBER_BATCH_MAX: usize = 100;

/// Bytes of events beyond which a request to a subscriber takes no further one.
pub const SUBSCRIBER_BODY_BYTES_MAX: usize = 256 << 10;

/// How soon the cursor of a subscriber is durable behind an acknowledgement, in milliseconds. What
/// a crash leaves out is sent again.
pub const SUBSCRIBER_COMMIT_MS: u64 = 100;

/// How soon where events passed that were none of the subscriber's, in milliseconds.
pub const SUBSCRIBER_PASSED_COMMIT_MS: u64 = 5_000;

/// How often a subscriber's lag is published, in milliseconds.
pub const SUBSCRIBER_METRICS_MS: u64 = 1_000;

/// Stock cells of one page of SKUs; the page ends early behind it, but has one SKU at least.
pub const STOCK_CELLS_SHOWN_MAX: usize = 4_096;

/// Tenants that the dashboard follows; orders of later ones are not in its figures.
pub const DASHBOARD_TENANTS_MAX: usize = 64;

/// SKUs of one tenant whose sales the dashboard counts; the one that sold longest ago makes room.
pub const DASHBOARD_SKUS_MAX: usize = 4_096;

/// Calls of one tenant that the dashboard follows until they end; further ones are only counted.
pub const DASHBOARD_CALLS_MAX: usize = 65_536;

/// Orders of one tenant whose stay in a state the dashboard times; further ones are not timed.
pub const DASHBOARD_DWELL_ORDERS_MAX: usize = 65_536;

/// Sessions of browsers at once; the oldest makes room.
pub const DASHBOARD_SESSIONS_MAX: usize = 1_024;

/// How long a browser's session lasts from its last use, in milliseconds (12 hours).
pub const DASHBOARD_SESSION_MS: u64 = 12 * 3_600 * 1_000;

/// How long it lasts from the sign-in at most, in milliseconds (7 days).
pub const DASHBOARD_SESSION_WHOLE_MS: u64 = 7 * 24 * 3_600 * 1_000;

const _: () = {
    assert!(FRAME_ITEMS_MAX <= u16::MAX as usize);
    assert!(TURN_ITEMS_MAX >= FRAME_ITEMS_MAX);
    assert!(ORDER_ALLOCATIONS_MAX >= ORDER_LINES_MAX && ORDER_ALLOCATIONS_MAX <= u8::MAX as usize);
    assert!(ORDER_LINES_MAX <= 64, "line sets are 64-bit masks");
    assert!(LINE_QUANTITY_MAX as u64 * ORDER_LINES_MAX as u64 <= CELL_QUANTITY_MAX as u64);
    assert!(DETAILS_ARCHIVED_BYTES_MAX + ORDER_RECORD_BYTES_MAX <= RECORD_PAYLOAD_BYTES_MAX);
    assert!(RECORD_PAYLOAD_BYTES_MAX as u64 * 2 <= SEGMENT_BYTES_MIN);
    assert!(
        EVENT_CHUNK_BYTES_MAX + EVENT_HEAD_BYTES_MAX + EVENT_TOPIC_BYTES_MAX + 64
            <= RECORD_PAYLOAD_BYTES_MAX
    );
    assert!(EVENT_BODY_BYTES_USUAL <= HTTP_BODY_BYTES_MAX);
    // With the headers of its records, which are far less than the body.
    assert!(EVENT_BODY_BYTES_MAX * 2 < BATCH_BYTES_MAX);
    assert!(BATCH_BYTES_MAX >= 4 * FRAME_BYTES_MAX);
    assert!(BATCH_BYTES_MAX as u64 * 2 <= SEGMENT_BYTES_DEFAULT);
    assert!(
        FRAME_ITEMS_MAX * (96 + ORDER_ALLOCATIONS_MAX * 10) + 8 * FRAME_BYTES_MAX < BATCH_BYTES_MAX
    );
    assert!(SESSION_IN_BYTES_MAX >= FRAME_BYTES_MAX);
    assert!(SESSION_OUT_BYTES_MAX >= 2 * FRAME_BYTES_MAX);
    assert!(
        ORDERS_MAX <= (1 << 30),
        "two bits of an index entry name the table"
    );
    assert!(LOCATIONS_MAX < crate::types::LocationId::ANY.0 as usize);
};
