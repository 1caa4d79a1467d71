//! Everybody at once: which connection sends what, and when the engine has to die.
//!
//! ```text
//! connections 0 .. B          the sale, one customer after the other on each
//! connections B .. B + 16     the background mix
//! the last connection         the stock clerk: one delivery in the middle of the sale
//! ```

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::account::{Account, Heard};
use super::mix::Mix;
use super::sale::Sale;
use crate::client::swarm::{Disconnect, Driver, Outbox};
use crate::types::{CodeClass, ResultCode};
use crate::wire::reply::Reply;
use crate::wire::request::{self, EncodeError, Receive};
use crate::wire::{Frame, Opcode};

/// Connections of the background mix.
pub(super) const MIX_CONNECTIONS: usize = 16;
/// Beside the buyers' connections: the mix and the clerk.
pub(super) const OTHER_CONNECTIONS: usize = MIX_CONNECTIONS + 1;
/// Shortest wait before a request that met a busy server is sent again, in milliseconds.
const BUSY_WAIT_MS_MIN: u32 = 5;

/// One request on its way, at most, for each connection.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    sent: bool,
    sent_ns: u64,
    /// Not before this time, after the server was busy; 0 at any time.
    due_ns: u64,
}

/// The stock clerk's delivery.
#[derive(Debug)]
struct Clerk {
    delivery: Receive,
    /// Answered customers after which it arrives.
    after: usize,
    done: bool,
}

/// When the engine is killed, in answered customers and accepted orders.
#[derive(Clone, Copy, Debug)]
pub(super) struct KillPoint {
    /// The delivery arrives after so many answers; the kill comes later.
    pub delivery_after: usize,
    /// Killed as soon as so many orders were accepted: in the middle of the delivery's units.
    pub accepted: u64,
    /// Killed after so many answers at the latest.
    pub answered_max: usize,
}

/// All customers of the demo.
#[derive(Debug)]
pub(super) struct Crowd {
    pub sale: Sale,
    pub mix: Mix,
    pub account: Account,
    pub accepted: u64,
    pub bar: ProgressBar,
    clerk: Clerk,
    slots: Vec<Slot>,
    buyers: usize,
    busy: usize,
    /// The engine was killed: nothing more is sent, and connections end.
    stopped: bool,
    failure: Option<String>,
}

impl Crowd {
    pub(super) fn new(
        sale: Sale,
        mix: Mix,
        account: Account,
        buyers: usize,
        delivery: Receive,
        delivery_after: usize,
    ) -> Self {
        Self {
            sale,
            mix,
            account,
            accepted: 0,
            bar: ProgressBar::hidden(),
            clerk: Clerk {
                delivery,
                after: delivery_after,
                done: false,
            },
            slots: vec![Slot::default(); buyers + OTHER_CONNECTIONS],
            buyers,
            busy: 0,
            stopped: false,
            failure: None,
        }
    }

    /// Starts a progress bar over all customers; drawn on standard error, if that is a terminal.
    pub(super) fn show_progress(&mut self, what: &'static str) {
        let total = self.sale.told.len() as u64;
        let target = ProgressDrawTarget::stderr_with_hz(10);
        self.bar = ProgressBar::with_draw_target(Some(total), target).with_message(what);
        let template = "  {msg} {bar:36} {human_pos} of {human_len} customers, {per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }

    /// True once the engine has to die.
    pub(super) fn kill_is_due(&self, at: &KillPoint) -> bool {
        let selling = self.sale.answered > at.delivery_after && self.accepted >= at.accepted;
        selling || self.sale.answered >= at.answered_max
    }

    /// True once every customer was answered and every visit has ended.
    pub(super) fn is_done(&self) -> bool {
        self.sale.is_over() && self.mix.is_idle() && self.clerk.done
    }

    /// Answers to orders read so far: whether the engine still answers.
    pub(super) fn heard(&self) -> usize {
        self.account.acknowledgements.len()
    }

    /// Sends nothing more; answers are still heard, and connections may end.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Requests without an answer: orders of the sale, and all others.
    pub(super) fn in_flight(&self) -> (u64, u64) {
        let (buyers, others) = self.slots.split_at(self.buyers.min(self.slots.len()));
        let count = |slots: &[Slot]| slots.iter().filter(|slot| slot.sent).count() as u64;
        (count(buyers), count(others))
    }

    /// After the crash: every customer sends the same order again, visits and delivery go on where
    /// they were, and requests without an answer are sent again.
    pub(super) fn restart(&mut self) {
        self.sale.restart();
        self.clerk.done = false;
        self.clerk.after = 0;
        self.resume();
    }

    /// Goes on where it stopped, with requests without an answer.
    pub(super) fn resume(&mut self) {
        self.slots.fill(Slot::default());
        self.busy = 0;
        self.stopped = false;
    }

    /// What keeps the crowd from going on, if anything does.
    pub(super) fn failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    fn fail(&mut self, what: impl FnOnce() -> String) {
        if self.failure.is_none() {
            self.failure = Some(what());
        }
    }

    fn is_clerk(&self, connection: usize) -> bool {
        connection == self.buyers + MIX_CONNECTIONS
    }

    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        if connection < self.buyers {
            return self.sale.request(connection, out);
        }
        if !self.is_clerk(connection) {
            let closing = self.sale.is_over();
            return self.mix.request(connection - self.buyers, closing, out);
        }
        if self.clerk.done || self.sale.answered < self.clerk.after {
            return Ok(false);
        }
        request::encode(out, Opcode::Receive, 0, &[self.clerk.delivery])?;
        Ok(true)
    }

    /// Reads one answer. `None` for one that has nothing to do with what was asked.
    fn hear(&mut self, connection: usize, frame: &Frame<'_>, nanoseconds: u64) -> Option<Heard> {
        let account = &mut self.account;
        match Reply::decode(frame).ok()? {
            Reply::Error(error) if error.code.class() == CodeClass::Transient => {
                account.busy += 1;
                Some(Heard::Busy)
            }
            Reply::Reserve(mut reply) => {
                let item = reply.items.next()?;
                if connection >= self.buyers {
                    let lane = connection - self.buyers;
                    return Some(self.mix.order_answer(lane, &item, account));
                }
                let id = frame.header.request_id;
                let first = self
                    .sale
                    .answer(connection, id, &item, nanoseconds, account);
                let accepted = first == Heard::Outcome && item.code == ResultCode::Ok;
                self.accepted += u64::from(accepted);
                Some(first)
            }
            Reply::OrderCommands(mut replies) => {
                let lane = connection.checked_sub(self.buyers)?;
                let reply = replies.next()?;
                Some(self.mix.command_answer(lane, &reply, account))
            }
            Reply::Stock(mut replies) => {
                let reply = replies.next()?;
                if reply.code.class() == CodeClass::Transient {
                    return Some(Heard::Busy);
                }
                if reply.code != ResultCode::Ok {
                    account.contradiction(format!("the delivery was answered {}", reply.code));
                }
                self.clerk.done = true;
                Some(Heard::Outcome)
            }
            _ => None,
        }
    }
}

impl Driver for Crowd {
    fn ready(&mut self, connection: usize, now_ns: u64, out: &mut Vec<u8>) {
        let Some(slot) = self.slots.get(connection) else {
            return;
        };
        if self.stopped || slot.sent || now_ns < slot.due_ns {
            return;
        }
        let was_busy = slot.due_ns != 0;
        match self.request(connection, out) {
            Ok(sent) => {
                if let Some(slot) = self.slots.get_mut(connection) {
                    *slot = Slot {
                        sent,
                        sent_ns: now_ns,
                        due_ns: 0,
                    };
                }
                self.busy -= usize::from(was_busy);
            }
            Err(error) => self.fail(|| format!("a request could not be encoded: {error}")),
        }
    }

    fn on_frame(&mut self, connection: usize, frame: &Frame<'_>, received_ns: u64) {
        let Some(&slot) = self.slots.get(connection) else {
            return;
        };
        let nanoseconds = received_ns.saturating_sub(slot.sent_ns);
        let Some(heard) = self.hear(connection, frame, nanoseconds) else {
            let what = match Reply::decode(frame) {
                Ok(Reply::Error(error)) => format!("{}: {}", error.code, error.text),
                Ok(_) => "an answer to another question".to_owned(),
                Err(error) => error.to_string(),
            };
            self.fail(|| format!("the engine answered a good request with {what}"));
            return;
        };
        let mut due_ns = 0;
        if heard == Heard::Busy {
            let wait_ms = match Reply::decode(frame) {
                Ok(Reply::Error(error)) => error.retry_after_ms.max(BUSY_WAIT_MS_MIN),
                _ => crate::limits::OVERLOADED_RETRY_AFTER_MS,
            };
            due_ns = received_ns + u64::from(wait_ms) * 1_000_000;
            self.busy += 1;
        }
        if let Some(slot) = self.slots.get_mut(connection) {
            slot.sent = false;
            slot.due_ns = due_ns;
        }
    }

    fn on_disconnect(&mut self, connection: usize, reason: &Disconnect) {
        if !self.stopped {
            self.fail(|| format!("connection {connection} ended: {reason}"));
        }
    }

    fn tick(&mut self, now_ns: u64, outbox: &mut Outbox<'_>) -> Option<u64> {
        self.bar.set_position(self.sale.answered as u64);
        let clerk = self.buyers + MIX_CONNECTIONS;
        if let Some(out) = outbox.queue(clerk) {
            self.ready(clerk, now_ns, out);
        }
        if self.busy == 0 {
            return None;
        }
        let mut next_ns = None;
        for connection in 0..self.slots.len() {
            let due_ns = self.slots.get(connection).map_or(0, |slot| slot.due_ns);
            if due_ns > now_ns {
                next_ns = Some(next_ns.map_or(due_ns, |next: u64| next.min(due_ns)));
            } else if due_ns > 0
                && let Some(out) = outbox.queue(connection)
            {
                self.ready(connection, now_ns, out);
            }
        }
        next_ns
    }
}
