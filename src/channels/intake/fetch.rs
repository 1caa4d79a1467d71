//! Asking a marketplace for the detail of an order, as often as it takes within reason.

use super::desk::{Desk, Stopped, Task};
use crate::channels::api::{ApiError, Marketplace};
use crate::channels::{ChannelOptions, Incoming, What};
use std::sync::Arc;
use std::time::Duration;

/// Attempts at all; the waits between them double.
const ATTEMPTS: u32 = 4;

/// Longest wait that a marketplace can ask for before the next attempt.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The order as the marketplace has it now; else why it cannot be had.
pub(super) async fn detail(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    order_id: &str,
) -> Result<Result<Incoming, String>, Stopped> {
    let Some(api) = desk.apis.get(task.channel).cloned().flatten() else {
        let why = "the order's detail cannot be fetched: the channels file has no `secrets` for \
                   this channel's API";
        return Ok(Err(why.to_owned()));
    };
    let mut why = String::new();
    for attempt in 0..ATTEMPTS {
        if desk.is_stopped() {
            return Err(Stopped);
        }
        let asked_wait = match once(&api, order_id).await {
            Ok(Some(found)) => return Ok(Ok(found)),
            Ok(None) => {
                "the marketplace does not know the order".clone_into(&mut why);
                0
            }
            Err(error) => {
                why = format!("the order's detail could not be fetched: {error}");
                match error {
                    ApiError::Retry { .. } => 0,
                    ApiError::RateLimited { wait_ms, .. } => wait_ms,
                    _ => break,
                }
            }
        };
        if attempt + 1 < ATTEMPTS {
            let own = channel.fetch_retry_ms << attempt;
            tracing::info!(
                channel = channel.name,
                attempt,
                why,
                "an order's detail is asked for again"
            );
            pause(
                desk,
                Duration::from_millis(own.max(asked_wait)).min(WAIT_MAX),
            )
            .await?;
        }
    }
    Ok(Err(why))
}

async fn once(api: &Arc<dyn Marketplace>, order_id: &str) -> Result<Option<Incoming>, ApiError> {
    let ids = [order_id.to_owned()];
    let found = api.orders(&ids).await?;
    let own = |one: &Incoming| one.order_id == order_id && one.what != What::Fetch;
    Ok(found.into_iter().find(own))
}

/// Waits, but not past a stop.
async fn pause(desk: &Desk, wait: Duration) -> Result<(), Stopped> {
    tokio::select! {
        () = tokio::time::sleep(wait) => Ok(()),
        () = desk.stopped() => Err(Stopped),
    }
}
