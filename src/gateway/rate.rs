//! How many requests a token or an address may make in a second.
//!
//! A caller with a token is counted by the token's name, one without by its address. Failed
//! attempts to authenticate are counted by address, with a limit of their own, so that whoever
//! guesses is slowed down and fills no log.

use super::problem::Problem;
use crate::limits::{HTTP_AUTH_FAILURES_MIN, HTTP_REQUESTS_PER_AUTH_FAILURE};
use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A token, by its name.
    Token(String),
    /// An address; of IPv6 its network of 64 bits, which is one subscriber.
    Address(IpAddr),
}

impl Who {
    /// By address.
    pub fn at(address: Option<IpAddr>) -> Self {
        let unknown = IpAddr::from([0, 0, 0, 0]);
        Self::Address(match address.unwrap_or(unknown) {
            IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
                let network = address.to_bits() >> 64 << 64;
                IpAddr::from(network.to_be_bytes())
            }
            other => other.to_canonical(),
        })
    }
}

type Limiter = RateLimiter<Who, DashMapStateStore<Who>, DefaultClock>;

/// The limits of one server.
pub(super) struct Rates {
    requests: Limiter,
    failures: Limiter,
    clock: DefaultClock,
}

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

impl Rates {
    /// So many requests a second of one caller, and as many at once.
    pub fn new(requests_per_second: NonZeroU32) -> Self {
        let failures = requests_per_second.get() / HTTP_REQUESTS_PER_AUTH_FAILURE;
        let failures = NonZeroU32::new(failures.max(HTTP_AUTH_FAILURES_MIN));
        let failures = failures.unwrap_or(NonZeroU32::MIN);
        Self {
            requests: RateLimiter::keyed(Quota::per_second(requests_per_second)),
            failures: RateLimiter::keyed(Quota::per_second(failures)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn admit(&self, who: &Who) -> Result<(), Problem> {
        self.check(&self.requests, who)
    }

    /// Counts a request that nobody was admitted for.
    ///
    /// # Errors
    /// As [`Rates::admit`].
    pub fn failed(&self, who: &Who) -> Result<(), Problem> {
        self.check(&self.failures, who)
    }

    fn check(&self, limiter: &Limiter, who: &Who) -> Result<(), Problem> {
        let Err(not_until) = limiter.check_key(who) else {
            return Ok(());
        };
        let wait = not_until.wait_time_from(self.clock.now());
        let title = "Too many requests.";
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", title);
        problem.retry_after_s = Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1));
        let whose = match who {
            Who::Token(name) => format!("of the token `{name}`"),
            Who::Address(_) => "from this address".to_owned(),
        };
        Err(problem.because(format!("too many requests {whose}; nothing was done")))
    }

    /// Forgets callers that have not asked lately.
    pub fn forget_idle(&self) {
        self.requests.retain_recent();
        self.failures.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_too_fast_waits_and_another_does_not() {
        let rates = Rates::new(NonZeroU32::new(3).expect("not 0"));
        let (shop, ops) = (Who::Token("shop".into()), Who::Token("ops".into()));
        let refused = (0..100).find_map(|_| rates.admit(&shop).err());
        let refused = refused.expect("3 a second");
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.retry_after_s, Some(1));
        assert!(rates.admit(&ops).is_ok());
    }

    #[test]
    fn a_burst_of_a_flash_sale_from_this_machine_is_no_attack() {
        let limit = crate::limits::HTTP_REQUESTS_PER_SECOND_DEFAULT;
        let rates = Rates::new(NonZeroU32::new(limit).expect("not 0"));
        let local = Who::at(Some(IpAddr::from([127, 0, 0, 1])));
        assert!((0..2_000).all(|_| rates.admit(&local).is_ok()));
        let failed = (0..2_000).filter(|_| rates.failed(&local).is_ok()).count();
        assert!(failed < 500, "{failed} guesses at once");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_caller() {
        let at = |text: &str| Who::at(Some(text.parse().expect("an address")));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
