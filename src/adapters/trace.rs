//! W3C trace context: one trace an order, one span an attempt, the same after every restart.

use crate::types::OrderKey;
use std::future::Future;

tokio::task_local! {
    static TRACEPARENT: String;
}

/// The `traceparent` of an attempt. The trace id is the order's key, so a trace can be found from
/// an order without looking anything up.
#[must_use]
pub fn traceparent(order: OrderKey, number: u16, attempt: u8) -> String {
    let mut bytes = [0; 19];
    let (key, rest) = bytes.split_at_mut(16);
    key.copy_from_slice(&order.0.to_le_bytes());
    for (to, from) in rest.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    bytes[18] = attempt;
    let hash = blake3::hash(&bytes);
    let span = hash
        .as_bytes()
        .first_chunk()
        .map(|b| u64::from_le_bytes(*b));
    // Neither id may be zero; no order has the key 0, and a hash of 0 is as good as any other id.
    let span = span.filter(|span| *span != 0).unwrap_or(1);
    format!("00-{:032x}-{span:016x}-01", order.0.max(1))
}

/// Runs `call` so that the requests it sends carry `traceparent`.
pub(super) async fn traced<T>(traceparent: String, call: impl Future<Output = T>) -> T {
    TRACEPARENT.scope(traceparent, call).await
}

/// The `traceparent` of the running attempt, if there is one.
pub(super) fn current() -> Option<String> {
    TRACEPARENT.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_an_order_and_a_span_an_attempt() {
        let order = OrderKey(0xabc);
        let first = traceparent(order, 1, 1);
        assert_eq!(first.len(), 55);
        assert!(first.starts_with("00-00000000000000000000000000000abc-"));
        assert_eq!(first, traceparent(order, 1, 1), "the same after a restart");
        assert_ne!(first, traceparent(order, 1, 2));
        assert_ne!(first, traceparent(order, 2, 1));
    }
}
