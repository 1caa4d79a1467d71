//! Tests of the order process, against providers that answer as told.

mod alerts;
mod aside;
mod backorder;
mod books;
mod chaos;
mod coverage;
mod flow;
mod incomplete;
mod money;
mod paid;
mod play;
mod preempt;
mod queue_rule;
mod reconcile;
mod sold;
mod table;
mod undo;
mod version;
mod waiting;
