//! Retries: connect again, send the same request with the same keys, and end at some point.

use super::connection::{ConnectOptions, Connection};
use super::error::ClientError;

/// How long to wait between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Longest wait before the second attempt, in milliseconds; doubled for each further one.
    pub first_ms: u64,
    /// No wait is longer, in milliseconds, unless the server asks for it.
    pub longest_ms: u64,
    /// Attempts in all, the first one included; at least 1.
    pub attempts_max: u32,
}

impl Default for Backoff {
    /// 50 ms doubling up to 5 s, 12 attempts: about 30 s in all.
    fn default() -> Self {
        Self {
            first_ms: 50,
            longest_ms: 5_000,
            attempts_max: 12,
        }
    }
}

impl Backoff {
    /// How long to wait after attempt `attempt` (from 1) failed: between half of the full wait and
    /// all of it, as `random` says, so that clients that failed together do not come back together.
    #[must_use]
    pub fn wait_ms(&self, attempt: u32, random: u64) -> u64 {
        let doublings = attempt.saturating_sub(1).min(32);
        let full = self.first_ms.saturating_mul(1 << doublings);
        let full = full.min(self.longest_ms);
        let half = full / 2;
        half + random % (full - half + 1)
    }
}

/// A client that keeps a connection while it lasts and gets a new one when it is needed.
///
/// What it runs must carry its own keys (order keys, command keys): then running it twice is as
/// good as once, and an answer that was lost is given again, marked as replayed.
#[derive(Debug)]
pub struct RetryingClient {
    options: ConnectOptions,
    backoff: Backoff,
    connection: Option<Connection>,
}

impl RetryingClient {
    /// A client without a connection yet.
    #[must_use]
    pub fn new(options: ConnectOptions, backoff: Backoff) -> Self {
        Self {
            options,
            backoff,
            connection: None,
        }
    }

    /// Runs `work` on a connection until it succeeds, fails for good, or the attempts are spent.
    /// Make the keys before, not in `work`.
    ///
    /// # Errors
    /// The first error that is not transient, or `GaveUp` with the last transient one.
    pub fn run<T>(
        &mut self,
        mut work: impl FnMut(&mut Connection) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.attempt(&mut work) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !error.is_transient() {
                return Err(error);
            }
            if attempts >= self.backoff.attempts_max {
                let last = Box::new(error);
                return Err(ClientError::GaveUp { attempts, last });
            }
            let wait_ms = self.backoff.wait_ms(attempts, random());
            crate::clock::sleep_ms(wait_ms.max(error.retry_after_ms()));
        }
    }

    fn attempt<T>(
        &mut self,
        work: &mut impl FnMut(&mut Connection) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::connect(&self.options)?,
        };
        let result = work(&mut connection);
        // A half-sent request or half-read reply must not meet the next attempt.
        if !result.as_ref().is_err_and(ClientError::ends_connection) {
            self.connection = Some(connection);
        }
        result
    }
}

/// Spreads waits; without randomness they are the longest.
fn random() -> u64 {
    let mut bytes = [0xFF; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_keep_half_of_it() {
        let backoff = Backoff {
            first_ms: 100,
            longest_ms: 1_000,
            attempts_max: 3,
        };
        let ranges = [(1, 50, 100), (2, 100, 200), (4, 400, 800), (5, 500, 1_000)];
        for (attempt, least, most) in ranges {
            for random in [0, 1, 77, u64::MAX] {
                let wait_ms = backoff.wait_ms(attempt, random);
                assert!((least..=most).contains(&wait_ms), "{attempt} {wait_ms}");
            }
        }
        assert!(backoff.wait_ms(u32::MAX, u64::MAX) <= 1_000);
        let none = Backoff {
            first_ms: 0,
            ..backoff
        };
        assert_eq!(none.wait_ms(9, 5), 0);
    }

    #[test]
    fn retries_end_and_say_why() {
        let options = ConnectOptions::new("127.0.0.1:1", "t", "acme");
        let backoff = Backoff {
            first_ms: 0,
            longest_ms: 0,
            attempts_max: 3,
        };
        let mut client = RetryingClient::new(options, backoff);
        let error = client.run(|connection| connection.ping(b"x")).unwrap_err();
        assert!(
            matches!(&error, ClientError::GaveUp { attempts: 3, last } if last.is_transient()),
            "{error}"
        );
    }
}
