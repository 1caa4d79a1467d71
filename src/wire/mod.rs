//! Bytes to messages and back, sans-IO.
