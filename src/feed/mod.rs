//! Cursors over the journal for everything downstream.
