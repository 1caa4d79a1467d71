//! A read-only second opinion: verify, explain, inspect, export.
