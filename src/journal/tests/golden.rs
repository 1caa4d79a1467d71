//! The bytes in `docs/JOURNAL.md` are the bytes that are written.
