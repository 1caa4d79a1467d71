//! One connection to either database, and the few things that the history asks of it.

use super::cell::Value;
use super::error::{HistoryError, OPEN, told};
use super::place::Place;
use super::schema::Table;
use super::sql;
use super::target::HistoryTarget;
use super::write_ahead::WriteAheadLog;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

static SQLITE: Migrator = sqlx::migrate!("src/history/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/history/migrations/postgres");

/// How long a statement waits for another program to give the SQLite file free.
const BUSY_MS: u64 = 2_000;

/// Pages of SQLite's log (4 KiB each, so 128 MiB) after which they are copied into its file. That syncs
/// twice, and a sync of the journal that meets one waits for it: rarely is better than often, and what
/// changed again and again is copied once.
const CHECKPOINT_PAGES: &str = "32768";

/// How long a statement in PostgreSQL waits for a lock of somebody else's, and how long it may take
/// in all: what takes longer is taken back and tried again, and said.
const LOCK_LIMIT: &str = "5s";
const STATEMENT_LIMIT: &str = "60s";

/// Rows after which PostgreSQL looks for the first time how many there are of what; then whenever there
/// are twice as many. By itself it does so once a minute at most, and takes 20,000 orders of a first burst
/// for one until then: a question of a page then reads all of them for each of them.
const FIRST_LOOK_ROWS: u64 = 1_000;

/// How long PostgreSQL may take to be connected to.
const CONNECT_TIME: Duration = Duration::from_secs(20);

/// The connection of whichever database it is.
enum Link {
    Sqlite(SqliteConnection),
    Postgres(Box<PgConnection>),
}

/// Brings SQLite's tables to this version while no other program does: of two that begin at once, such
/// as the server and `onhand history rebuild`, the second waits and finds them made.
async fn migrate_alone(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut alone = connection.begin_with("BEGIN IMMEDIATE").await?;
    SQLITE.run_direct(None, &mut *alone, false).await?;
    Ok(alone.commit().await?)
}

/// Runs the same words on the connection of either type.
macro_rules! on {
    ($link:expr, $connection:ident => $body:expr) => {
        match $link {
            Link::Sqlite($connection) => $body,
            Link::Postgres(boxed) => {
                let $connection = &mut **boxed;
                $body
            }
        }
    };
}

/// An open history database, its tables at this build's version.
pub(super) struct Database {
    link: Link,
    /// Where it is SQLite.
    pub log: Option<WriteAheadLog>,
    pub name: String,
    /// SQL by table and number of rows.
    statements: HashMap<(&'static str, usize), Arc<str>>,
    /// Rows written since it was opened, and after how many PostgreSQL looks at them again.
    rows: u64,
    looks_after_rows: u64,
}

impl Database {
    /// Connects and brings the tables to this build's version.
    pub async fn open(target: &HistoryTarget) -> Result<Self, HistoryError> {
        let name = target.name();
        let link = connect(target)
            .await
            .map_err(|error| told(&name, OPEN, error))?;
        let log = match target {
            HistoryTarget::Sqlite(path) => Some(WriteAheadLog::of(path)),
            HistoryTarget::Postgres { .. } => None,
        };
        let mut database = Self {
            link,
            log,
            name,
            statements: HashMap::new(),
            rows: 0,
            looks_after_rows: FIRST_LOOK_ROWS,
        };
        database.migrate().await?;
        database.limit_statements(STATEMENT_LIMIT).await?;
        Ok(database)
    }

    async fn migrate(&mut self) -> Result<(), HistoryError> {
        let done = match &mut self.link {
            Link::Sqlite(connection) => migrate_alone(connection).await,
            Link::Postgres(connection) => POSTGRES.run_direct(None, &mut **connection, false).await,
        };
        done.map_err(|source| match source {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                told(&self.name, "bring the tables to this version", error)
            }
            source => HistoryError::Schema {
                database: self.name.clone(),
                source,
            },
        })
    }

    /// From now on a statement in PostgreSQL may take so long.
    async fn limit_statements(&mut self, limit: &'static str) -> Result<(), HistoryError> {
        let Link::Postgres(connection) = &mut self.link else {
            return Ok(());
        };
        let done = sqlx::query("SELECT set_config('statement_timeout', $1, false)")
            .bind(limit)
            .execute(&mut **connection)
            .await;
        done.map_err(|error| told(&self.name, "limit statements", error))?;
        Ok(())
    }

    /// Runs one statement without values.
    async fn run(&mut self, action: &'static str, text: &'static str) -> Result<(), HistoryError> {
        let done = on!(&mut self.link, connection => {
            sqlx::raw_sql(text).execute(&mut *connection).await.map(|_| ())
        });
        done.map_err(|error| told(&self.name, action, error))
    }

    /// Where the history of `shard` is; `None` where it has not begun.
    pub async fn place(&mut self, shard: u16) -> Result<Option<Place>, HistoryError> {
        let found = on!(&mut self.link, connection => {
            let row = sqlx::query(sql::PLACE)
                .bind(i64::from(shard))
                .fetch_optional(&mut *connection)
                .await;
            row.and_then(|row| match row {
                None => Ok(None),
                Some(row) => Ok(Some(Place {
                    next_sequence: unsigned(row.try_get(0)?),
                    batch_sequence: unsigned(row.try_get(1)?),
                    segment: u32::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0),
                    offset: u32::try_from(row.try_get::<i64, _>(3)?).unwrap_or(0),
                    hash: row.try_get(4)?,
                    time_ms: unsigned(row.try_get(5)?),
                })),
            })
        });
        found.map_err(|error| told(&self.name, "read the cursor", error))
    }

    /// The providers of `shard`, in the order of their number.
    pub async fn providers(&mut self, shard: u16) -> Result<Vec<String>, HistoryError> {
        let found = on!(&mut self.link, connection => {
            let rows = sqlx::query(sql::PROVIDERS)
                .bind(i64::from(shard))
                .fetch_all(&mut *connection)
                .await;
            rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect())
        });
        found.map_err(|error| told(&self.name, "read the providers", error))
    }

    /// Whose each SKU of `shard` is, in the order of their handles. Row by row: a shard may have
    /// millions.
    pub async fn sku_tenants(&mut self, shard: u16) -> Result<Vec<u16>, HistoryError> {
        let found: Result<Vec<u16>, sqlx::Error> = on!(&mut self.link, connection => {
            let rows = sqlx::query(sql::SKU_TENANTS)
                .bind(i64::from(shard))
                .fetch(&mut *connection);
            rows.map(|row| {
                let tenant: Option<i64> = row?.try_get(0)?;
                let tenant = tenant.and_then(|tenant| u16::try_from(tenant).ok());
                Ok(tenant.unwrap_or(u16::MAX))
            })
            .try_collect()
            .await
        });
        found.map_err(|error| told(&self.name, "read the SKUs", error))
    }

    /// Begins a transaction that will write. Whatever fails before [`Database::commit`], the
    /// connection must be dropped, which takes everything back.
    pub async fn begin(&mut self) -> Result<(), HistoryError> {
        let text = match &self.link {
            // The lock at once: a reader of a WAL that becomes a writer later cannot wait for it.
            Link::Sqlite(_) => "BEGIN IMMEDIATE",
            Link::Postgres(_) => "BEGIN",
        };
        self.run("begin", text).await
    }

    /// Makes the transaction durable.
    pub async fn commit(&mut self) -> Result<(), HistoryError> {
        self.run("commit", "COMMIT").await?;
        if let Some(Err(error)) = self.log.as_mut().map(WriteAheadLog::write_out) {
            // Committed it is; if the disk is to blame, the next sync says so.
            tracing::debug!(database = self.name, %error, "its log could not be written out");
        }
        Ok(())
    }

    /// Takes note that `rows` more rows are committed, so that questions about them are planned well.
    pub async fn wrote(&mut self, rows: u64) {
        self.rows += rows;
        if self.rows < self.looks_after_rows || matches!(self.link, Link::Sqlite(_)) {
            return;
        }
        self.looks_after_rows = 2 * self.rows;
        if let Err(error) = self.run("look at the tables", sql::LOOK).await {
            // It will do so by itself in a while, and if the database is gone, the next step says so.
            tracing::debug!(database = self.name, %error, "the tables could not be looked at");
        }
    }

    /// Moves the cursor of `shard`, which must be at `from` still.
    pub async fn advance(
        &mut self,
        shard: u16,
        from: Option<u64>,
        to: &Place,
    ) -> Result<(), HistoryError> {
        let text = if from.is_some() {
            sql::ADVANCE
        } else {
            sql::FIRST_PLACE
        };
        let moved = on!(&mut self.link, connection => {
            let mut query = sqlx::query(text)
                .bind(i64::from(shard))
                .bind(signed(to.next_sequence))
                .bind(signed(to.batch_sequence))
                .bind(i64::from(to.segment))
                .bind(i64::from(to.offset))
                .bind(to.hash.clone())
                .bind(signed(to.time_ms));
            if let Some(from) = from {
                query = query.bind(signed(from));
            }
            query.execute(&mut *connection).await.map(|done| done.rows_affected())
        });
        match moved {
            Ok(1) => Ok(()),
            Ok(_) => Err(HistoryError::CursorMoved {
                database: self.name.clone(),
                shard,
            }),
            Err(error) => Err(told(&self.name, "move the cursor", error)),
        }
    }

    /// Writes the rows of one table.
    pub async fn write(
        &mut self,
        table: &'static Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), HistoryError> {
        let mut rows = rows.into_iter();
        loop {
            let size = sql::chunk(rows.len());
            if size == 0 {
                return Ok(());
            }
            let marks = match &self.link {
                Link::Sqlite(_) => sql::Marks::Bare,
                Link::Postgres(_) => sql::Marks::Numbered,
            };
            let statement = self
                .statements
                .entry((table.name, size))
                .or_insert_with(|| sql::insert(table, size, marks).into());
            let text = AssertSqlSafe(Arc::clone(statement)); // made of the schema's own names
            let chunk = rows.by_ref().take(size).flatten();
            let done = on!(&mut self.link, connection => {
                let mut query = sqlx::query(text);
                for value in chunk {
                    query = match value {
                        Value::Number(number) => query.bind(number),
                        Value::Text(text) => query.bind(text),
                    };
                }
                query.execute(&mut *connection).await.map(|_| ())
            });
            done.map_err(|error| told(&self.name, "write rows", error))?;
        }
    }

    /// Marks orders of which every unit has left as shipped, where no process follows them.
    pub async fn mark_shipped(
        &mut self,
        shard: u16,
        orders: Vec<(i64, String)>,
    ) -> Result<(), HistoryError> {
        for (tenant, key) in orders {
            let done = on!(&mut self.link, connection => {
                sqlx::query(sql::SHIPPED)
                    .bind(i64::from(shard))
                    .bind(tenant)
                    .bind(key)
                    .execute(&mut *connection)
                    .await
                    .map(|_| ())
            });
            done.map_err(|error| told(&self.name, "write rows", error))?;
        }
        Ok(())
    }

    /// Forgets everything: the next reader begins at the first record of all.
    pub async fn clear(&mut self) -> Result<(), HistoryError> {
        self.limit_statements("0").await?; // everything at once may take its time
        self.begin().await?;
        for table in sql::WRITTEN {
            self.run("clear", table).await?;
        }
        self.commit().await?;
        self.limit_statements(STATEMENT_LIMIT).await
    }

    /// See `History::limit_pages`.
    pub async fn limit_pages(&mut self, pages: u32) -> Result<(), HistoryError> {
        let Link::Sqlite(connection) = &mut self.link else {
            return Ok(());
        };
        let done: Result<(), sqlx::Error> = async {
            let used: i64 = sqlx::query("PRAGMA page_count")
                .fetch_one(&mut *connection)
                .await?
                .try_get(0)?;
            let text = format!("PRAGMA max_page_count = {}", used + i64::from(pages));
            sqlx::raw_sql(AssertSqlSafe(text)) // a number
                .execute(&mut *connection)
                .await?;
            Ok(())
        }
        .await;
        done.map_err(|error| told(&self.name, "limit the size", error))
    }

    /// Closes the connection in good order.
    pub async fn close(self) {
        // What was committed is safe; an error here has nobody to act on it.
        let _ = match self.link {
            Link::Sqlite(connection) => connection.close().await,
            Link::Postgres(connection) => connection.close().await,
        };
    }
}

async fn connect(target: &HistoryTarget) -> Result<Link, sqlx::Error> {
    match target {
        HistoryTarget::Sqlite(path) => {
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // A power cut may take the last transactions back, cursor included: they are then
                // written again from the journal.
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_millis(BUSY_MS))
                .pragma("cache_size", "-65536")
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                .disable_statement_logging();
            protect(path)?;
            options.connect().await.map(Link::Sqlite)
        }
        HistoryTarget::Postgres { url, password } => {
            let mut options = PgConnectOptions::from_url(url)?
                .application_name("onhand")
                .options([("lock_timeout", LOCK_LIMIT)])
                .disable_statement_logging();
            if let Some(password) = password {
                options = options.password(password);
            }
            let connection = tokio::time::timeout(CONNECT_TIME, options.connect()).await;
            let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
            Ok(Link::Postgres(Box::new(connection.map_err(late)??)))
        }
    }
}

/// Makes the file for its owner only before SQLite would make it for everybody: it holds personal
/// data. SQLite gives its companion files the same rights.
fn protect(path: &std::path::Path) -> Result<(), sqlx::Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
