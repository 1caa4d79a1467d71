//! The engine thread's sockets: listener, session, poll loop.

pub mod tls;
pub mod token;
