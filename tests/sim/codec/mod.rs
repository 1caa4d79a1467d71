//! Requests to frames and frames to answers, as a client does it.

mod decode;
mod encode;

pub use decode::{answers_of, as_sent};
pub use encode::frame_of;
