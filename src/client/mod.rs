//! The Rust client: one blocking connection, typed calls, pipelining, and retries that are safe
//! because every request carries the keys that make it safe.
//!
//! ```no_run
//! use onhand::client::{ClientError, ConnectOptions, Connection, command_key};
//! use onhand::wire::request::Receive;
//!
//! fn book_in() -> Result<(), ClientError> {
//!     let options = ConnectOptions::new("127.0.0.1:7171", "the token", "acme");
//!     let mut connection = Connection::connect(&options)?;
//!     let arrival = Receive {
//!         key: command_key()?,
//!         sku: connection.sku("shirt-m")?,
//!         quantity: 100,
//!         location: connection.location("berlin")?,
//!     };
//!     let booked = connection.receive_stock(&[arrival])?;
//!     println!("{booked:?}");
//!     Ok(())
//! }
//! ```
//!
//! - [`Connection`] is one session: `send` and `receive` for pipelining, one method an opcode for
//!   everything else. Names are resolved to handles once a connection.
//! - [`RetryingClient`] owns the way to a connection: after a lost one it connects again and sends
//!   the same request with the same keys, so that nothing happens twice.
//! - [`swarm`] drives many connections from one thread, for load and for crowds.

mod answers;
mod calls;
mod connection;
mod error;
mod names;
mod retry;
pub mod swarm;
mod transport;

pub use answers::{LocationAnswer, OrderAnswer, ReserveAnswer, SkuAnswer, StatisticsAnswer};
pub use answers::{StockAnswer, StockEvents};
pub use connection::{ConnectOptions, Connection, ReplyFrame};
pub use error::ClientError;
pub use retry::{Backoff, RetryingClient};

use crate::types::CommandKey;

/// A fresh command key: 128 random bits of the operating system.
///
/// # Errors
/// The operating system has no random bytes to give.
pub fn command_key() -> Result<CommandKey, ClientError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ClientError::NoRandomness)?;
    // Zero is invalid; drawing it is as likely as drawing any other key twice.
    Ok(CommandKey(u128::from_be_bytes(bytes).max(1)))
}
