//! Tests of the order process, against providers that answer as told.

mod chaos;
mod flow;
mod play;
mod table;
mod undo;
