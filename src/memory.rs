//! Huge pages, prefetch, memory touched before use.
