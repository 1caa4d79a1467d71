//! What a provider is spared: calls out at once, calls a second, and calls that never end.
//!
//! Made of tower's layers. The worker of a provider takes an effect from its queue only when the
//! stack is ready for a call, so effects that wait for a limit wait in their order of priority, and
//! those of other providers do not wait with them.

use super::call::Call;
use super::options::ProviderOptions;
use super::outcome::Outcome;
use super::provider::Provider;
use futures_util::FutureExt;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tower::limit::rate::Rate;
use tower::util::BoxService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Longest burst that a rate limit lets through at once, in milliseconds of the rate.
const BURST_MS: u64 = 20;

/// One attempt of `T` within the limits.
pub(super) type Limited<T> = BoxService<T, (), Infallible>;

/// `attempt` within the concurrency and rate limits of `options`.
pub(super) fn limited<T, F>(
    options: &ProviderOptions,
    attempt: impl Fn(T) -> F + Send + 'static,
) -> Limited<T>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let attempt = service_fn(move |item| attempt(item).map(Ok::<(), Infallible>));
    let concurrency = options.concurrency.max(1);
    match rate(options.rate_per_second) {
        Some(rate) => BoxService::new(
            ServiceBuilder::new()
                .concurrency_limit(concurrency)
                .layer_fn(|service| tower::limit::RateLimit::new(service, rate))
                .service(attempt),
        ),
        None => BoxService::new(
            ServiceBuilder::new()
                .concurrency_limit(concurrency)
                .service(attempt),
        ),
    }
}

/// A rate in small portions, so that calls are spread over the second.
fn rate(per_second: u32) -> Option<Rate> {
    let per_second = u64::from(per_second);
    if per_second == 0 {
        return None;
    }
    let portion = (per_second * BURST_MS / 1_000).max(1);
    let period = Duration::from_nanos(portion * 1_000_000_000 / per_second);
    Some(Rate::new(portion, period))
}

/// One attempt of `call`, at most `timeout_ms` long. The end is the provider's word, or that its
/// outcome is unknown.
pub(super) async fn attempt(
    provider: Arc<dyn Provider>,
    call: Arc<Call>,
    timeout_ms: u64,
) -> Outcome {
    if !provider.kinds().contains(&call.kind) {
        let message = format!("the provider cannot do `{}`", call.kind.name());
        return Outcome::refused("cannot_serve", message);
    }
    let service = service_fn(move |call: Arc<Call>| {
        let provider = Arc::clone(&provider);
        async move { Ok::<_, Infallible>(provider.call(&call).await) }
    });
    let timed = ServiceBuilder::new()
        .timeout(Duration::from_millis(timeout_ms))
        .service(service);
    // A panic in an adapter must not lose the effect: what it did is unknown.
    match AssertUnwindSafe(timed.oneshot(call)).catch_unwind().await {
        Ok(Ok(outcome)) => outcome.bounded(),
        Ok(Err(_)) => Outcome::unknown("timeout", format!("no answer within {timeout_ms} ms")),
        Err(_) => Outcome::unknown("adapter_failed", "the adapter failed; see the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_spread_and_never_above_what_is_allowed() {
        for per_second in [1, 3, 40, 60, 333, 1_000, 100_000] {
            let portion = (u64::from(per_second) * BURST_MS / 1_000).max(1);
            let rate = rate(per_second).expect("a limit");
            assert!(portion <= u64::from(per_second) / 50 + 1, "{rate:?}");
        }
        assert!(rate(0).is_none(), "0 is no limit");
    }
}
