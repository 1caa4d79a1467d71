//! The sandbox over real HTTP: what each provider answers, and what goes wrong on demand.

mod callbacks;
mod faults;
mod pairs;
mod receiver;
mod stripe;
