//! Commands about orders to their shard, until it decides.

use super::desk::{Desk, Stopped, Task};
use super::work::pause;
use crate::channels::ChannelOptions;
use crate::shard::local::{LocalAnswer, LocalRequest};
use crate::types::{OrderState, ResultCode};

/// What the shard answered to a command.
pub(super) struct Sent {
    pub code: ResultCode,
    pub replayed: bool,
    /// Sequence of the accepting record; 0 for refusals.
    pub sequence: u64,
    /// The order's state and latest version; of an order that is placed only.
    pub state: Option<OrderState>,
    pub version: u16,
}

impl Sent {
    const fn of(code: ResultCode) -> Self {
        Self {
            code,
            replayed: false,
            sequence: 0,
            state: None,
            version: 0,
        }
    }
}

/// Sends a command until the shard decides about it.
pub(super) async fn send(
    desk: &Desk,
    task: &Task,
    channel: &ChannelOptions,
    request: LocalRequest,
) -> Result<Sent, Stopped> {
    let repeat = |request: &LocalRequest| match request {
        LocalRequest::Place(place) => Some(LocalRequest::Place(place.clone())),
        LocalRequest::CancelAhead { key, order, reason } => Some(LocalRequest::CancelAhead {
            key: *key,
            order: *order,
            reason: reason.clone(),
        }),
        _ => None,
    };
    let mut next = Some(request);
    while let Some(request) = next {
        next = repeat(&request);
        let sent = match desk.ask(task, request).await? {
            LocalAnswer::Placed(done) => Sent {
                code: done.code,
                replayed: done.replayed,
                sequence: done.sequence,
                state: done.state,
                version: done.version,
            },
            LocalAnswer::Command(done) => Sent::of(done.code),
            LocalAnswer::Refused(code) => Sent::of(code),
            _ => Sent::of(ResultCode::InvalidField),
        };
        let code = sent.code;
        // A full order table stays full for long: the caller lets others of its lane go ahead.
        if !matches!(code, ResultCode::Overloaded | ResultCode::ShuttingDown) {
            return Ok(sent);
        }
        tracing::debug!(channel = channel.name, %code, "an order of a channel waits for its shard");
        pause(desk).await?;
    }
    // Only a command that cannot be repeated ends here.
    Ok(Sent::of(ResultCode::Overloaded))
}
