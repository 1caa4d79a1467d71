//! One turn: drain, apply, append, gate replies, publish.
