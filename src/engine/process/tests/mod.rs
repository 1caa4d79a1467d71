//! Tests of the order process, against providers that answer as told.

mod backorder;
mod books;
mod chaos;
mod coverage;
mod flow;
mod money;
mod play;
mod reconcile;
mod sold;
mod table;
mod undo;
mod version;
mod waiting;
