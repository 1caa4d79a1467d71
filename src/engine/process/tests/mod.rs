//! Tests of the order process, against providers that answer as told.

mod flow;
mod play;
