//! The table of options: the one source of the values, the flags, the checks and the documents.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use toml::Spanned;

use super::setting::{HistoryName, PublicUrl, Setting};
use super::{ConfigError, Origin, line_of};
use crate::journal::SyncMode;
use crate::limits;

/// What people are told about one option.
#[derive(Clone, Debug)]
pub struct OptionInfo {
    /// Its name in the file.
    pub key: &'static str,
    /// Its name as a flag, without the two leading dashes.
    pub flag: String,
    /// What stands for its value in the help of the flag.
    pub placeholder: String,
    /// The type of its value.
    pub kind: &'static str,
    /// The default as TOML; `None` where it is unset.
    pub default: Option<String>,
    /// Smallest value, if it is a number.
    pub minimum: Option<u64>,
    /// Largest value, if it is a number.
    pub maximum: Option<u64>,
    /// What it counts or names.
    pub unit: &'static str,
    /// What it does.
    pub about: &'static str,
}

static OPTIONS: LazyLock<Vec<OptionInfo>> = LazyLock::new(Config::describe);

macro_rules! options {
    ($(
        #[doc = $first:literal] $(#[doc = $more:literal])*
        $key:ident: $type:ty = $default:expr, $unit:literal $(, $min:expr => $max:expr)?;
    )+) => {
        /// Every option with the value in force. Made by [`Config::load`](Config::load).
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {
            $(#[doc = $first] $(#[doc = $more])* pub $key: $type,)+
            /// Tenants that are bound to a shard; every other one is spread by a hash of its name.
            pub tenants: BTreeMap<String, u16>,
            pub(super) origins: BTreeMap<&'static str, Origin>,
        }

        /// The file as written.
        #[derive(Deserialize, Default)]
        #[serde(deny_unknown_fields)]
        pub(super) struct FileOptions {
            $($key: Option<Spanned<<$type as Setting>::Given>>,)+
            #[serde(default)]
            pub(super) tenants: BTreeMap<Spanned<String>, Spanned<u16>>,
        }

        /// The flags of `onhand serve` that stand for options; what is given overrides the file.
        #[derive(Clone, Debug, Default)]
        pub struct Flags {
            /// The file of `--config`.
            pub config: Option<PathBuf>,
            $($key: Option<<$type as Setting>::Given>,)+
        }

        impl Default for Config {
            fn default() -> Self {
                Self {
                    $($key: $default,)+
                    tenants: BTreeMap::new(),
                    origins: BTreeMap::new(),
                }
            }
        }

        impl Config {
            /// Every option but `[tenants]`, in the order of the documents.
            #[must_use]
            pub fn options() -> &'static [OptionInfo] {
                &OPTIONS
            }

            fn describe() -> Vec<OptionInfo> {
                let defaults = Self::default();
                vec![$({
                    let range: &[u64] = &[$($min as u64, $max as u64)?];
                    OptionInfo {
                        key: stringify!($key),
                        flag: stringify!($key).replace('_', "-"),
                        placeholder: $unit.to_uppercase().replace(" OR ", "|"),
                        kind: <$type as Setting>::KIND,
                        default: defaults.$key.show(),
                        minimum: range.first().copied(),
                        maximum: range.get(1).copied(),
                        unit: $unit,
                        about: concat!($first $(, $more)*).trim_ascii(),
                    }
                }),+]
            }

            /// Key, value as TOML (`None` where unset) and origin, in the order of the documents.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, Option<String>, &Origin)> {
                vec![$((stringify!($key), self.$key.show(), self.origin(stringify!($key)))),+]
            }

            /// Takes what the file says. `text` is the file's, to find lines in.
            pub(super) fn apply_file(&mut self, path: &Path, text: &str, file: FileOptions) {
                $(if let Some(given) = file.$key {
                    let line = line_of(text, given.span().start);
                    self.$key = <$type as Setting>::from_given(given.into_inner());
                    self.origins
                        .insert(stringify!($key), Origin::File { path: path.to_owned(), line });
                })+
            }

            /// Takes what the flags say.
            pub(super) fn apply_flags(&mut self, flags: &Flags) {
                $(if let Some(given) = flags.$key.clone() {
                    self.$key = <$type as Setting>::from_given(given);
                    self.origins.insert(stringify!($key), Origin::Flag);
                })+
            }

            /// Checks every number against its range.
            pub(super) fn check_ranges(&self) -> Result<(), ConfigError> {
                $($(
                    let (min, max) = ($min as u64, $max as u64);
                    if let Some(number) = self.$key.number()
                        && !(min..=max).contains(&number)
                    {
                        return Err(self.out_of_range(stringify!($key), number, min, max));
                    }
                )?)+
                Ok(())
            }
        }

        impl Flags {
            pub(super) fn add_to(mut command: clap::Command) -> clap::Command {
                for info in Config::options() {
                    command = command.arg(info.to_arg());
                }
                command
                    $(.mut_arg(stringify!($key), |arg| {
                        let arg = arg.value_parser(<$type as Setting>::parse);
                        if <$type as Setting>::SWITCH {
                            arg.num_args(0..=1).require_equals(true).default_missing_value("true")
                        } else {
                            arg
                        }
                    }))+
            }

            pub(super) fn take_from(&mut self, matches: &mut clap::ArgMatches) {
                $(if let Some(given) = matches.remove_one(stringify!($key)) {
                    self.$key = Some(given);
                })+
            }
        }
    };
}

options! {
    /// Directory of the journal, its lock file and its secret. Created if it is missing.
    data: PathBuf = PathBuf::from("onhand-data"), "directory";

    /// Where clients connect over TCP. Port 0 lets the operating system choose. Away from
    /// loopback a token file and TLS are required, unless `insecure_plaintext` is set.
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7171)), "IP:PORT";

    /// Where `/metrics`, `/healthz`, `/readyz`, providers' callbacks and the REST API are served
    /// over HTTP, or `off`. Port 0 lets the operating system choose. Away from loopback a token
    /// file and TLS are required, unless `insecure_plaintext` is set.
    http: Option<SocketAddr> = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7172))),
        "IP:PORT or off";

    /// When the journal is forced to the disk. `always`: before every acknowledgement, so that
    /// an acknowledged order survives a power cut. `interval=MS`: at least that often, so that a
    /// power cut loses at most that much. `os`: when the operating system likes; a power cut may
    /// lose the last half minute. The last two survive a crash of the process, not of the machine.
    sync: SyncMode = SyncMode::Always, "mode";

    /// Engine threads, each with its own journal. Fixed when the data directory is created.
    shards: u16 = default_shards(), "threads", 1 => limits::SHARDS_MAX;

    /// Pin each engine thread to a core of its own, and everything else to the remaining cores.
    /// Has no effect with a single core.
    pin: bool = true, "true or false";

    /// Size of one journal file. A multiple of 4096.
    segment_bytes: u64 = limits::SEGMENT_BYTES_DEFAULT, "bytes",
        limits::SEGMENT_BYTES_MIN => 1_u64 << 31;

    /// Empty journal files kept allocated ahead of the writer, for each shard.
    prepared_segments: u32 = 2, "files", 1 => 32;

    /// Open connections of the process. One more is told `OVERLOADED` and closed.
    connections_max: usize = limits::CONNECTIONS_MAX_DEFAULT, "connections", 1 => 1_000_000;

    /// How long a connection may be silent before it is closed; `ping` keeps it open.
    idle_timeout_ms: u64 = limits::IDLE_TIMEOUT_MS_DEFAULT, "milliseconds",
        100 => 7 * 24 * 3_600_000_u64;

    /// Orders of each shard for which memory is made ready at start; more are taken at the price
    /// of growing on the way. About 96 bytes each.
    orders_expected: usize = 1 << 20, "orders", 0 => limits::ORDERS_MAX;

    /// Orders that each shard keeps, open and ended. One more is refused with
    /// `ORDER_TABLE_FULL`.
    orders_max: usize = limits::ORDERS_MAX, "orders", 1 => limits::ORDERS_MAX;

    /// Newest refused orders that each shard remembers, so that a retry gets the same answer; the
    /// oldest is forgotten first. At most 32 bytes each, plus 8 in the index.
    rejections_kept: usize = limits::REJECTIONS_KEPT_DEFAULT, "orders", 1 => limits::ORDERS_MAX;

    /// Newest keyed commands that each shard remembers, so that a retry is not done twice: as
    /// many for stock commands and as many for order commands. 48 bytes each.
    commands_kept: usize = limits::COMMANDS_KEPT_DEFAULT, "commands", 1 => limits::ORDERS_MAX;

    /// Ids of sales channels' events that each shard remembers at most, against repeats. An id is
    /// remembered for 30 days; where more come within 30 days, the oldest are forgotten early, which
    /// `onhand_channel_events_forgotten_early_total` counts. About 45 bytes each, once they are there.
    channel_events_kept: usize = limits::CHANNEL_EVENTS_KEPT_DEFAULT, "events",
        limits::CHANNEL_EVENTS_KEPT_MIN => limits::ORDERS_MAX;

    /// How long the key of an ended order is kept, so that a late retry still gets its answer.
    ended_order_kept_ms: u64 = limits::ENDED_ORDER_KEPT_MS_DEFAULT, "milliseconds",
        1_000 => 3_650 * 24 * 3_600_000_u64;

    /// File of the tokens that clients may present; see `onhand token new`. Without it, anyone who
    /// reaches the port may do everything.
    token_file: Option<PathBuf> = None, "file";

    /// Certificate chain of the server in PEM, leaf first. Needs `tls_key`.
    tls_cert: Option<PathBuf> = None, "file";

    /// Private key of the certificate in PEM. Needs `tls_cert`.
    tls_key: Option<PathBuf> = None, "file";

    /// Certificate chain of the HTTP port in PEM, leaf first: it then serves HTTPS only. Needs
    /// `http_tls_key`.
    http_tls_cert: Option<PathBuf> = None, "file";

    /// Private key of the HTTP port's certificate in PEM. Needs `http_tls_cert`.
    http_tls_key: Option<PathBuf> = None, "file";

    /// Requests to `/v1` that one token (without a token file: one address) may make in a second,
    /// and at once. One more is answered 429 with `Retry-After`.
    /// Webhooks and callbacks are not counted: their signature admits them, and the engine's queue
    /// bounds them.
    http_requests_per_second: u32 = limits::HTTP_REQUESTS_PER_SECOND_DEFAULT, "requests",
        1 => 1_000_000;

    /// Open HTTP connections. One more is answered 503 with `Retry-After` and closed.
    http_connections_max: usize = limits::HTTP_CONNECTIONS_DEFAULT, "connections", 1 => 1_000_000;

    /// How long the head of an HTTP request, or a TLS handshake, may take to arrive, and how long an
    /// HTTP connection may be idle between requests. Slower is closed.
    http_head_timeout_ms: u64 = limits::HTTP_HEAD_TIMEOUT_MS_DEFAULT, "milliseconds",
        10 => 600_000;

    /// How long the body of an HTTP request may take to arrive; slower is answered 408. An answer
    /// may go unread for as long; then its connection is closed.
    http_body_timeout_ms: u64 = limits::HTTP_BODY_TIMEOUT_MS_DEFAULT, "milliseconds",
        10 => 600_000;

    /// Where buyers reach the HTTP port from outside, such as `https://orders.example`. Messages then
    /// have the link to their order's page, `/track/TOKEN`.
    public_url: Option<PublicUrl> = None, "URL";

    /// Listen away from loopback without TLS or without a token file. Tokens and orders then cross
    /// the network in clear: only behind a tunnel or on a network that you trust.
    insecure_plaintext: bool = false, "true or false";

    /// File of the order process: which providers serve which step, pipelines, routes and times.
    /// See `onhand pipelines init`. Without it placed orders wait until their hold ends.
    process: Option<PathBuf> = None, "file";

    /// File of the sales channels: which shops at which marketplaces send webhooks and are told
    /// their stock. See CHANNELS.md. Without it every webhook is refused.
    channels: Option<PathBuf> = None, "file";

    /// File of the subscribers: addresses that events are sent to as signed webhooks. See
    /// EVENTS.md. Without it events are there for those who read `/v1/events`.
    subscribers: Option<PathBuf> = None, "file";

    /// Address of an `onhand sandbox`: every step of the order process is served by it, with short
    /// times. To try things out and for tests; not together with `process`.
    sandbox: Option<SocketAddr> = None, "address:port on loopback";

    /// Database of the history, a copy of the journal for questions in SQL: `sqlite` for the file
    /// `history.sqlite` in the data directory, `sqlite:FILE`, `postgres://USER@HOST:PORT/DATABASE`
    /// (its password in the environment variable ONHAND_HISTORY_PASSWORD), or `off`.
    history: HistoryName = HistoryName::default(), "database";

    /// Start although the journal's last time is more than 5 minutes ahead of the wall clock.
    /// Engine time then stands still until the wall clock has caught up.
    allow_clock_behind: bool = false, "true or false";
}

/// One core is left to the sync thread, the listener and everything else.
fn default_shards() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shards = cores.saturating_sub(1).clamp(1, limits::SHARDS_MAX);
    u16::try_from(shards).unwrap_or(1)
}
