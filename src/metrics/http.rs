//! What HTTP counts about its requests and connections.

use super::{HTTP_CONNECTIONS, HTTP_CONNECTIONS_OPEN, HTTP_PROBLEMS, HTTP_REQUESTS};

/// Counts an answered HTTP request.
pub fn count_http(status: u16) {
    metrics::counter!(HTTP_REQUESTS, "status" => status.to_string()).increment(1);
}

/// Counts a request that was refused, by the code that the caller was told.
pub fn count_http_problem(code: &'static str) {
    metrics::counter!(HTTP_PROBLEMS, "code" => code).increment(1);
}

/// An HTTP connection that is open; counted again when it is dropped.
#[derive(Debug)]
pub struct HttpConnection {
    how: &'static str,
}

impl HttpConnection {
    /// It was accepted.
    #[must_use]
    pub fn accepted() -> Self {
        metrics::gauge!(HTTP_CONNECTIONS_OPEN).increment(1.0);
        Self { how: "closed" }
    }

    /// How it ends, if not in order.
    pub fn ends(&mut self, how: &'static str) {
        self.how = how;
    }
}

impl Drop for HttpConnection {
    fn drop(&mut self) {
        metrics::gauge!(HTTP_CONNECTIONS_OPEN).decrement(1.0);
        metrics::counter!(HTTP_CONNECTIONS, "end" => self.how).increment(1);
    }
}

/// Counts an HTTP connection that there was no place for.
pub fn http_connection_refused() {
    metrics::counter!(HTTP_CONNECTIONS, "end" => "refused").increment(1);
}
