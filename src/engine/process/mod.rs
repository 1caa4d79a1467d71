//! The order process: where an order goes after its units are reserved, until nothing is left to do.
//!
//! ```text
//!  FRAUD_CHECK ─▶ PAYMENT ─▶ CONFIRMED ─▶ FULFILLING ─▶ SHIPPED ─▶ DELIVERED ─▶ COMPLETED
//!       │            │           │             │            │
//!       └────────────┴───────────┴── REVIEW ◀──┴────────────┘      CANCELLING ─▶ CANCELLED
//! ```

pub mod command;
mod pending;
pub use pending::PROCESS_COMMAND_RECORDS_BYTES_MAX;
