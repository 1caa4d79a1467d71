//! Questions that the dashboard asks the history: fixed SQL, read-only, everything as text.

use super::error::{HistoryError, OPEN, told};
use super::target::HistoryTarget;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Column as _, ConnectOptions as _, Row as _};
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a question waits for a locked SQLite file.
const BUSY_TIME: Duration = Duration::from_secs(1);

/// A question; `$1` is always the tenant's name, every column is cast to text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `$2`: a key, a customer or a channel's order id; `$3`: the same in lower case.
    Search,
    /// `$2`: an order's key.
    Order,
    /// `$2`: an order's key.
    Timeline,
    /// Stays in steps of pipelines.
    DwellBySteps,
    /// Calls to providers, waits and retries included.
    DwellByProviders,
    /// From shipment to delivery.
    DwellByCarriers,
    /// From acceptance to shipment.
    DwellByChannels,
    /// `$2`: only before this time.
    Audit,
}

impl Question {
    fn sql(self) -> &'static str {
        match self {
            Self::Search => include_str!("questions/search.sql"),
            Self::Order => include_str!("questions/order.sql"),
            Self::Timeline => include_str!("questions/timeline.sql"),
            Self::DwellBySteps => include_str!("questions/dwell_steps.sql"),
            Self::DwellByProviders => include_str!("questions/dwell_providers.sql"),
            Self::DwellByCarriers => include_str!("questions/dwell_carriers.sql"),
            Self::DwellByChannels => include_str!("questions/dwell_channels.sql"),
            Self::Audit => include_str!("questions/audit.sql"),
        }
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

/// Asks the history that another thread writes; one question at a time.
pub struct Questions {
    target: HistoryTarget,
    link: Mutex<Option<Link>>,
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
            link: Mutex::new(None),
        }
    }

    /// Asks one question.
    ///
    /// # Errors
    /// The database cannot be opened or read; the next question tries again.
    pub async fn ask(&self, question: Question, given: &[&str]) -> Result<Answered, HistoryError> {
        let mut link = self.link.lock().await;
        // Taken out: a question that is given up in the middle leaves no half-read connection.
        let mut open = match link.take() {
            Some(open) => open,
            None => self.open().await?,
        };
        let answered = open.ask(question.sql(), given).await;
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
                    .options([("default_transaction_read_only", "on")])
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
    async fn ask(&mut self, text: &'static str, given: &[&str]) -> Result<Answered, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut query = sqlx::query(text);
                for value in given {
                    query = query.bind((*value).to_owned());
                }
                read!(query.fetch_all(&mut *connection).await?)
            }
            Self::Postgres(connection) => {
                let mut query = sqlx::query(text);
                for value in given {
                    query = query.bind((*value).to_owned());
                }
                read!(query.fetch_all(&mut **connection).await?)
            }
        }
    }
}
