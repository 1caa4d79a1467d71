//! Bytes to messages and back, sans-IO: the binary protocol of `docs/PROTOCOL.md`.
//!
//! ```text
//!  bytes ──split_frame──▶ Frame ──Request::decode──▶ Request ──items in place──▶ shard
//!  bytes ◀──FrameStart::finish── item.put ◀── reply items ◀───────────────────── shard
//! ```
//!
//! - Nothing on the decode path allocates: messages are views of the receive buffer, and a length
//!   that a stranger announces is compared with a bound before anything else happens.
//! - The layout of a whole body is checked before its first item is handed out, so a malformed
//!   item anywhere refuses the frame and nothing of it is executed.
//! - What is well laid out but makes no sense (a quantity of zero, 65 lines) is delivered
//!   unchanged: it is refused item by item, with a code of its own, by those who know.

pub mod details;
pub mod frame;
pub mod item;
pub mod key;
pub mod opcode;
pub mod reader;
pub mod reply;
pub mod request;

pub use frame::{Frame, FrameError, FrameStart, Header, split_frame};
pub use item::{Item, Items};
pub use key::order_key;
pub use opcode::Opcode;
pub use reply::{Reply, ReplyError};
pub use request::{BodyError, Request};
