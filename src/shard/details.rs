//! Order details at intake: message to archive, once.

use crate::limits::DETAILS_ARCHIVED_BYTES_MAX;
use crate::types::details::DETAILS_ARCHIVE_VERSION;
use crate::types::{OrderDetails, ResultCode};
use crate::wire;
use rkyv::util::AlignedVec;

/// An archive has at most this many bytes for each byte of its message, beside
/// [`ARCHIVE_FIXED_BYTES`]: every field of the message has 3 bytes of head, and an entry of a list
/// of texts becomes 8 bytes of reference and up to 7 of padding.
pub(super) const ARCHIVE_GROWTH: usize = 6;

/// Validated and archived details of one order.
#[derive(Debug)]
pub(super) struct Archived {
    pub bytes: AlignedVec,
    pub version: u8,
}

/// Validates the details message of an order with so many lines, and archives it.
///
/// # Errors
/// `DETAILS_TOO_LONG`, `DETAILS_MALFORMED` or `CARD_NUMBER`.
pub(super) fn archive(message: &[u8], lines: usize) -> Result<Archived, ResultCode> {
    let details = wire::details::decode(message, lines).map_err(|error| error.code)?;
    let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(&details)
        .map_err(|_| ResultCode::DetailsMalformed)?;
    if bytes.len() > DETAILS_ARCHIVED_BYTES_MAX {
        return Err(ResultCode::DetailsTooLong);
    }
    Ok(Archived {
        bytes,
        version: DETAILS_ARCHIVE_VERSION,
    })
}

/// As [`archive`], from details that did not come as a message: they have to pass the same checks.
///
/// # Errors
/// As [`archive`].
pub(super) fn archive_checked(
    details: &OrderDetails,
    lines: usize,
) -> Result<Archived, ResultCode> {
    let message = wire::details::encode(details, lines).map_err(|error| error.code)?;
    archive(&message, lines)
}
