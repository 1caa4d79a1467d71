//! The engine thread's sockets: listener, session, poll loop.
