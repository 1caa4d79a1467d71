//! The order process: where an order goes after its units are reserved, until nothing is left to do.
//!
//! ```text
//!  FRAUD_CHECK ─▶ PAYMENT ─▶ CONFIRMED ─▶ FULFILLING ─▶ SHIPPED ─▶ DELIVERED ─▶ COMPLETED
//!       │            │           │             │            │
//!       └────────────┴───────────┴── REVIEW ◀──┴────────────┘      CANCELLING ─▶ CANCELLED
//! ```

pub mod command;
