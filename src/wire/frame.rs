//! The frame around every message.
//!
//! ```text
//!  0        4      6   7      8            16     18      20         24           length
//!  ┌────────┬──────┬───┬──────┬────────────┬──────┬───────┬──────────┬──────────────┐
//!  │ length │magic │ver│opcode│ request id │flags │ count │ checksum │ body         │
//!  └────────┴──────┴───┴──────┴────────────┴──────┴───────┴──────────┴──────────────┘
//! ```
//!
//! Little-endian. The length counts the whole frame; the checksum is CRC32C over bytes 0 to 20 and
//! the body.

use crate::limits::FRAME_BYTES_MAX;
use crate::types::ResultCode;
use crate::wire::reader::Reader;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 24;

/// The magic number: the bytes `4F 48`, "OH".
pub const MAGIC: u16 = 0x484F;

/// The protocol version of this build.
pub const VERSION: u8 = 1;

/// Bytes that tell a frame from anything else: length, magic, version, opcode.
const PRELUDE_BYTES: usize = 8;

/// Bytes of the header that the checksum covers.
const CHECKED_HEADER_BYTES: usize = 20;

/// The header's fields that a reader of messages needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole frame, [`HEADER_BYTES`] ..= [`FRAME_BYTES_MAX`].
    pub length: u32,
    /// What is asked or answered; not yet known to be defined.
    pub opcode: u8,
    /// Chosen by the client, repeated in the reply.
    pub request_id: u64,
    /// No flag is defined in version 1.
    pub flags: u16,
    /// How many items the body has.
    pub count: u16,
}

/// One whole frame in place, its checksum verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: Header,
    /// Everything after it.
    pub body: &'a [u8],
}

/// Framing is lost: the connection is told and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {}", code.meaning())]
pub struct FrameError {
    /// `BAD_MAGIC`, `UNSUPPORTED_VERSION`, `FRAME_TOO_SHORT`, `FRAME_TOO_LARGE` or `BAD_CHECKSUM`.
    pub code: ResultCode,
    /// As read, where that many bytes have arrived; after a bad checksum it may be wrong.
    pub request_id: Option<u64>,
}

/// Splits the first frame off `bytes`. Returns it and its length, or `None` where more bytes are
/// needed. Allocates nothing, whatever length is announced.
///
/// # Errors
/// In this order, as soon as the first 8 bytes are there: magic, version, length. At the end of
/// the frame: checksum.
#[inline]
pub fn split_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(length) = check_prelude(bytes)? else {
        return Ok(None);
    };
    let Some(whole) = bytes.get(..length) else {
        return Ok(None);
    };
    let Some((header, body)) = whole.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let (checked, stored) = header.split_at(CHECKED_HEADER_BYTES);
    let checksum = checksum(checked, body);
    let Some(header) = read_header(checked) else {
        return Ok(None);
    };
    if checksum.to_le_bytes() != stored {
        return Err(FrameError {
            code: ResultCode::BadChecksum,
            request_id: Some(header.request_id),
        });
    }
    Ok(Some((Frame { header, body }, length)))
}

/// The announced length, once it and what stands beside it are known to be sound.
fn check_prelude(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let mut reader = Reader::new(bytes);
    let Some(mut prelude) = reader.fixed::<PRELUDE_BYTES>() else {
        return Ok(None);
    };
    let (Some(length), Some(magic), Some(version)) = (prelude.u32(), prelude.u16(), prelude.u8())
    else {
        return Ok(None);
    };
    let length = length as usize;
    let code = if magic != MAGIC {
        ResultCode::BadMagic
    } else if version != VERSION {
        ResultCode::UnsupportedVersion
    } else if length < HEADER_BYTES {
        ResultCode::FrameTooShort
    } else if length > FRAME_BYTES_MAX {
        ResultCode::FrameTooLarge
    } else {
        return Ok(Some(length));
    };
    let request_id = if magic == MAGIC { reader.u64() } else { None };
    Err(FrameError { code, request_id })
}

fn read_header(checked: &[u8]) -> Option<Header> {
    let mut reader = Reader::new(checked);
    let length = reader.u32()?;
    let [_, _, _, opcode] = reader.array::<4>()?;
    Some(Header {
        length,
        opcode,
        request_id: reader.u64()?,
        flags: reader.u16()?,
        count: reader.u16()?,
    })
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(header), body)
}

/// A frame under construction at the end of a buffer.
#[derive(Debug)]
#[must_use = "a frame is only valid once it is finished"]
pub struct FrameStart {
    at: usize,
}

/// Starts a frame at the end of `out`; append the body, then [`FrameStart::finish`].
#[inline]
pub fn begin(out: &mut Vec<u8>) -> FrameStart {
    let at = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    FrameStart { at }
}

impl FrameStart {
    /// Bytes of the frame so far, header included.
    #[must_use]
    #[inline]
    pub fn length(&self, out: &[u8]) -> usize {
        out.len() - self.at
    }

    /// Takes the frame back, header and body.
    pub fn abandon(self, out: &mut Vec<u8>) {
        out.truncate(self.at);
    }

    /// Writes the header and the checksum of everything appended since [`begin`].
    ///
    /// # Panics
    /// If the frame is longer than [`FRAME_BYTES_MAX`], or `out` was truncated into it: whoever
    /// encodes checks the bound with [`FrameStart::length`].
    #[inline]
    pub fn finish(self, out: &mut [u8], opcode: u8, request_id: u64, count: u16) {
        let length = out.len() - self.at;
        assert!(length <= FRAME_BYTES_MAX, "a frame has at most 1 MiB");
        #[allow(clippy::expect_used)]
        let (header, body) = out
            .get_mut(self.at..)
            .and_then(|frame| frame.split_first_chunk_mut::<HEADER_BYTES>())
            .expect("begin appended the header");
        let (checked, stored) = header.split_at_mut(CHECKED_HEADER_BYTES);
        let [m0, m1] = MAGIC.to_le_bytes();
        #[allow(clippy::cast_possible_truncation)] // at most FRAME_BYTES_MAX
        let fields = u128::from(length as u32)
            | u128::from(u32::from_le_bytes([m0, m1, VERSION, opcode])) << 32
            | u128::from(request_id) << 64;
        let (front, back) = checked.split_at_mut(16);
        front.copy_from_slice(&fields.to_le_bytes());
        let (flags, items) = back.split_at_mut(2);
        flags.fill(0);
        items.copy_from_slice(&count.to_le_bytes());
        stored.copy_from_slice(&checksum(checked, body).to_le_bytes());
    }
}
