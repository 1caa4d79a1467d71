//! The queue between gateway and workers: a Redis stream with a consumer group.

use std::time::Duration;

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;
use redis::{AsyncConnectionConfig, Client, RedisResult, cmd};

/// Name of the stream, and of the group of its readers.
const STREAM: &str = "orders";
const GROUP: &str = "workers";

/// Entries from which on the oldest are dropped: far beyond what waits.
const ENTRIES_MAX: u64 = 1_000_000;

/// Longest wait of a reader for entries, in milliseconds.
const BLOCK_MS: u64 = 1_000;

/// Longest wait for an answer: above the reader's own.
const ANSWER: Duration = Duration::from_mins(1);

/// A connection. Its clones share it: commands of many are sent without waiting for the answers of
/// others, so that Redis takes them together and syncs once for all.
#[derive(Clone)]
pub struct Queue {
    connection: MultiplexedConnection,
}

/// One webhook, as it was taken.
#[derive(Debug)]
pub struct Entry {
    /// Redis' name of it.
    pub id: String,
    /// The webhook's body.
    pub body: Vec<u8>,
}

impl Queue {
    /// Connects, and makes the group where there is none.
    pub async fn connect(url: &str) -> Result<Self> {
        let client = Client::open(url).context("Redis")?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .context("Redis")?;
        let made: RedisResult<String> = cmd("XGROUP")
            .arg("CREATE")
            .arg(STREAM)
            .arg(GROUP)
            .arg("0")
            .arg("MKSTREAM")
            .query_async(&mut connection)
            .await;
        match made {
            Err(error) if error.code() == Some("BUSYGROUP") => {} // another connection made it
            made => drop(made.context("Redis makes no group")?),
        }
        Ok(Self { connection })
    }

    /// Appends a webhook; when this returns, it is on the disk.
    pub async fn append(&self, webhook: &str, body: &[u8]) -> RedisResult<()> {
        let mut connection = self.connection.clone();
        let _id: String = cmd("XADD")
            .arg(STREAM)
            .arg("MAXLEN")
            .arg("~")
            .arg(ENTRIES_MAX)
            .arg("*")
            .arg("webhook")
            .arg(webhook)
            .arg("body")
            .arg(body)
            .query_async(&mut connection)
            .await?;
        Ok(())
    }

    /// The next entries that no reader has, at most `most`; none where there is none for a while.
    /// It blocks the connection, so it wants one of its own.
    pub async fn take(&self, most: usize) -> RedisResult<Vec<Entry>> {
        let mut connection = self.connection.clone();
        let reply: Option<StreamReadReply> = cmd("XREADGROUP")
            .arg("GROUP")
            .arg(GROUP)
            .arg("worker")
            .arg("COUNT")
            .arg(most)
            .arg("BLOCK")
            .arg(BLOCK_MS)
            .arg("STREAMS")
            .arg(STREAM)
            .arg(">")
            .query_async(&mut connection)
            .await?;
        let keys = reply.map(|reply| reply.keys).unwrap_or_default();
        let entries = keys.into_iter().flat_map(|key| key.ids);
        Ok(entries
            .map(|entry| Entry {
                body: entry.get("body").unwrap_or_default(),
                id: entry.id,
            })
            .collect())
    }

    /// These entries are done.
    pub async fn acknowledge(&self, ids: &[String]) -> RedisResult<()> {
        let mut connection = self.connection.clone();
        let _count: u64 = cmd("XACK")
            .arg(STREAM)
            .arg(GROUP)
            .arg(ids)
            .query_async(&mut connection)
            .await?;
        Ok(())
    }
}
