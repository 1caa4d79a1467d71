//! Questions that the dashboard asks the history: fixed SQL, read-only, everything as text.

use super::error::{HistoryError, OPEN, told};
use super::target::HistoryTarget;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Row as _};
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a question waits for a locked SQLite file.
const BUSY_TIME: Duration = Duration::from_secs(1);

/// Names the index to SQLite, which without statistics would rather read all of a shard.
const HINT: &str = " INDEXED BY ";

/// Keys are compared as the index orders them: in PostgreSQL some columns have a collation of their
/// own, and an index of another one would not be used.
const COLLATION: &str = " COLLATE BINARY";

/// A question; `$1` is always the tenant's name, every column is cast to text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `$2`: a key, a customer, an e-mail address or a channel's order id; `$3`: the same in lower
    /// case.
    Search,
    /// `$2`: an order's key.
    Order,
    /// `$2`: an order's key.
    Timeline,
    /// How many orders were accepted. Of this and the next four: `$2`, `$3`: from this time on, before
    /// that time; `$4`: the tenant's shard.
    OrdersOfTime,
    /// Stays in steps of pipelines. Of this and the next three: `$5`: of one order in so many, and
    /// volumes are multiplied by it. Picked by the square of the accepting record's sequence, modulo
    /// a prime: the same ones each time, and whatever is between two acceptances as good as by chance.
    DwellBySteps,
    /// Calls to providers, waits and retries included.
    DwellByProviders,
    /// From shipment to delivery.
    DwellByCarriers,
    /// From acceptance to shipment.
    DwellByChannels,
    /// `$2`, `$3`: only before this time and, in the same millisecond, this sequence; `$4`: from
    /// this time on; `$5`: the tenant's shard; `$6`: only about such things, empty for all but
    /// holds; `$7`: only by the actor of this name; `$8`: only about the thing of this name, such as
    /// an order's key, its holds included; empty for all.
    Audit,
}

#[cfg(test)]
impl Question {
    /// What is asked about one order or customer, and must not read whole tables.
    pub(super) const OF_ONE: [Self; 3] = [Self::Search, Self::Order, Self::Timeline];

    /// What is asked about a time, and must not read what was before it.
    pub(super) const OF_A_TIME: [Self; 6] = [
        Self::OrdersOfTime,
        Self::DwellBySteps,
        Self::DwellByProviders,
        Self::DwellByCarriers,
        Self::DwellByChannels,
        Self::Audit,
    ];
}

impl Question {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Search => include_str!("questions/search.sql"),
            Self::Order => include_str!("questions/order.sql"),
            Self::Timeline => include_str!("questions/timeline.sql"),
            Self::OrdersOfTime => include_str!("questions/orders_of_time.sql"),
            Self::DwellBySteps => include_str!("questions/dwell_steps.sql"),
            Self::DwellByProviders => include_str!("questions/dwell_providers.sql"),
            Self::DwellByCarriers => include_str!("questions/dwell_carriers.sql"),
            Self::DwellByChannels => include_str!("questions/dwell_channels.sql"),
            Self::Audit => include_str!("questions/audit.sql"),
        }
    }

    /// The same for PostgreSQL, which knows by itself which index helps.
    pub(super) fn postgres_sql(self) -> String {
        let mut parts = self.sql().split(HINT);
        let first = parts.next().unwrap_or_default().to_owned();
        parts
            .fold(first, |text, part| {
                let behind = part.find(char::is_whitespace).unwrap_or(part.len());
                text + part.get(behind..).unwrap_or_default()
            })
            .replace(COLLATION, " COLLATE \"default\"")
    }

    /// Reads all of a time, and may take its own.
    fn is_long(self) -> bool {
        matches!(
            self,
            Self::OrdersOfTime
                | Self::DwellBySteps
                | Self::DwellByProviders
                | Self::DwellByCarriers
                | Self::DwellByChannels
                | Self::Audit
        )
    }
}

/// What the database says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows; `None` is an empty value.
    pub rows: Vec<Vec<Option<String>>>,
}

enum Link {
    Sqlite(SqliteConnection),
    Postgres(Box<PgConnection>),
}

/// Asks the history that another thread writes: one short question and one long one at a time, so
/// that nobody waits for an order while all orders are summed up.
pub struct Questions {
    target: HistoryTarget,
    short: Mutex<Option<Link>>,
    long: Mutex<Option<Link>>,
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Questions {
    /// Asks `target`, once somebody wants to know something.
    #[must_use]
    pub fn new(target: HistoryTarget) -> Self {
        Self {
            target,
            short: Mutex::new(None),
            long: Mutex::new(None),
        }
    }

    /// Asks one question.
    ///
    /// # Errors
    /// The database cannot be opened or read; the next question tries again.
    pub async fn ask(&self, question: Question, given: &[&str]) -> Result<Answered, HistoryError> {
        let link = if question.is_long() {
            &self.long
        } else {
            &self.short
        };
        let mut link = link.lock().await;
        // Taken out: a question that is given up in the middle leaves no half-read connection.
        let mut open = match link.take() {
            Some(open) => open,
            None => self.open().await?,
        };
        let answered = open.ask(question, given).await;
        let answered =
            answered.map_err(|error| told(&self.target.name(), "answer a question", error))?;
        *link = Some(open);
        Ok(answered)
    }

    async fn open(&self) -> Result<Link, HistoryError> {
        let opened = match &self.target {
            HistoryTarget::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .read_only(true)
                    .busy_timeout(BUSY_TIME)
                    .disable_statement_logging();
                options.connect().await.map(Link::Sqlite)
            }
            HistoryTarget::Postgres { url, password } => {
                let mut options = PgConnectOptions::from_url(url)
                    .map_err(|error| told(&self.target.name(), OPEN, error))?
                    .application_name("onhand-dashboard")
                    .options([
                        ("default_transaction_read_only", "on"),
                        // One question behind a lock holds up no other for long.
                        ("lock_timeout", "5s"),
                        ("statement_timeout", "60s"),
                    ])
                    .disable_statement_logging();
                if let Some(password) = password {
                    options = options.password(password);
                }
                let connection = options.connect().await;
                connection.map(|connection| Link::Postgres(Box::new(connection)))
            }
        };
        opened.map_err(|error| told(&self.target.name(), OPEN, error))
    }
}

/// Reads every cell of every row as text.
macro_rules! read {
    ($rows:expr) => {{
        let mut answered = Answered::default();
        for row in $rows {
            if answered.columns.is_empty() {
                let names = row.columns().iter().map(|column| column.name().to_owned());
                answered.columns = names.collect();
            }
            let cells = (0..row.len()).map(|place| row.try_get::<Option<String>, _>(place));
            answered.rows.push(cells.collect::<Result<_, _>>()?);
        }
        Ok(answered)
    }};
}

impl Link {
    async fn ask(&mut self, question: Question, given: &[&str]) -> Result<Answered, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut query = sqlx::query(question.sql());
                for value in given {
                    query = query.bind((*value).to_owned());
                }
                read!(query.fetch_all(&mut *connection).await?)
            }
            Self::Postgres(connection) => {
                // Fixed text without a few words.
                let mut query = sqlx::query(AssertSqlSafe(question.postgres_sql()));
                for value in given {
                    query = query.bind((*value).to_owned());
                }
                read!(query.fetch_all(&mut **connection).await?)
            }
        }
    }
}
