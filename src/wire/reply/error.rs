//! The error frame: one answer for a whole frame that was not executed.

use super::{put_code, put_single, take_code};
use crate::limits::ERROR_TEXT_BYTES_MAX;
use crate::types::{CodeClass, ResultCode};
use crate::wire::item::Item;
use crate::wire::opcode;
use crate::wire::reader::{Reader, cut, put_padded};

/// Code u16, text length u16, retry after u32, text padded. Nothing of the request was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorReply<'a> {
    /// Why. With class `Protocol` the server closes the connection after this frame.
    pub code: ResultCode,
    /// Wait at least this long before the same request is sent again; 0 where that is no use.
    pub retry_after_ms: u32,
    /// For people; at most `ERROR_TEXT_BYTES_MAX` bytes.
    pub text: &'a str,
}

impl ErrorReply<'_> {
    /// Appends it as a whole frame; `request_id` is 0 where it could not be read.
    pub fn put_frame(&self, out: &mut Vec<u8>, request_id: u64) {
        put_single(out, opcode::ERROR, request_id, self);
    }

    /// True where the server closes the connection after this frame.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.code.class() == CodeClass::Protocol
    }
}

impl<'a> Item<'a> for ErrorReply<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let code = take_code(reader)?;
        let text_bytes = usize::from(reader.u16()?);
        let retry_after_ms = reader.u32()?;
        let text = reader.padded_text(text_bytes)?;
        Some(Self {
            code,
            retry_after_ms,
            text,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let text = cut(self.text, ERROR_TEXT_BYTES_MAX).as_bytes();
        put_code(out, self.code);
        #[allow(clippy::cast_possible_truncation)] // at most ERROR_TEXT_BYTES_MAX
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.retry_after_ms.to_le_bytes());
        put_padded(out, text);
    }
}

const _: () = assert!(ERROR_TEXT_BYTES_MAX <= u16::MAX as usize);
