//! What a journal is opened with.

use super::error::OpenError;
use super::layout::SEGMENT_HEADER_BYTES;
use crate::limits::{BATCH_BYTES_MAX, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MIN};
use std::fmt;
use std::str::FromStr;

/// Largest size of a segment in bytes: an offset has 32 bits, one of them spare.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 31;

/// Most segments prepared ahead.
pub const PREPARED_SEGMENTS_MAX: u32 = 32;

/// How one shard's journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// Number of the shard, written into every segment and batch.
    pub shard: u16,
    /// Size of new segments in bytes: a multiple of 4,096 from 64 KiB to 2 GiB; default 64 MiB.
    pub segment_bytes: u64,
    /// Segments prepared ahead of the one in use, 1 to 32; default 2.
    pub prepared_segments: u32,
    /// When records become durable; default `always`.
    pub sync: SyncMode,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            shard: 0,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            prepared_segments: 2,
            sync: SyncMode::Always,
        }
    }
}

impl JournalOptions {
    /// Largest batch, header included, in bytes: three eighths of a segment, so that two fit, and
    /// never more than `BATCH_BYTES_MAX`.
    #[must_use]
    pub fn batch_bytes_max(&self) -> usize {
        let part = usize::try_from(self.segment_bytes / 8 * 3).unwrap_or(usize::MAX);
        part.min(BATCH_BYTES_MAX)
    }

    pub(super) fn check(&self) -> Result<(), OpenError> {
        let sizes = SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX;
        let whole = self.segment_bytes.is_multiple_of(SEGMENT_HEADER_BYTES);
        if !sizes.contains(&self.segment_bytes) || !whole {
            return Err(OpenError::SegmentBytes {
                bytes: self.segment_bytes,
            });
        }
        if !(1..=PREPARED_SEGMENTS_MAX).contains(&self.prepared_segments) {
            return Err(OpenError::PreparedSegments {
                count: self.prepared_segments,
            });
        }
        Ok(())
    }
}

/// When a record counts as acknowledged, named by what survives what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncMode {
    /// Acknowledged after it is durable: survives a crash of the process, the kernel and a power
    /// cut.
    Always,
    /// Acknowledged at once, made durable every `ms` milliseconds: survives a crash of the
    /// process; the kernel's or a power cut loses up to that long.
    Interval {
        /// Milliseconds between syncs, at least 1.
        ms: u32,
    },
    /// Acknowledged at once, written by the kernel when it likes: survives a crash of the process
    /// only. Finished segments are still synced.
    Os,
}

impl fmt::Display for SyncMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Interval { ms } => write!(f, "interval={ms}"),
            Self::Os => f.write_str("os"),
        }
    }
}

/// The text is no sync mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown sync mode `{text}`; use `always`, `interval=MS` (1 to 60000) or `os`")]
pub struct UnknownSyncMode {
    /// What was given.
    pub text: String,
}

impl FromStr for SyncMode {
    type Err = UnknownSyncMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownSyncMode {
            text: text.to_owned(),
        };
        match text {
            "always" => Ok(Self::Always),
            "os" => Ok(Self::Os),
            _ => {
                let ms = text.strip_prefix("interval=").ok_or_else(unknown)?;
                let ms = ms.parse().map_err(|_| unknown())?;
                if (1..=60_000).contains(&ms) {
                    Ok(Self::Interval { ms })
                } else {
                    Err(unknown())
                }
            }
        }
    }
}

/// Where the random salts of segments come from.
pub trait Entropy {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&mut self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(std::io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_modes_are_read_as_they_are_shown() {
        for mode in [
            SyncMode::Always,
            SyncMode::Interval { ms: 1 },
            SyncMode::Interval { ms: 60_000 },
            SyncMode::Os,
        ] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for text in [
            "",
            "Always",
            "interval",
            "interval=",
            "interval=0",
            "interval=60001",
        ] {
            assert!(text.parse::<SyncMode>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_outside_their_bounds_are_refused() {
        let with = |segment_bytes, prepared_segments| JournalOptions {
            segment_bytes,
            prepared_segments,
            ..JournalOptions::default()
        };
        assert!(with(SEGMENT_BYTES_MIN, 1).check().is_ok());
        assert!(with(SEGMENT_BYTES_MAX, 32).check().is_ok());
        assert!(with(SEGMENT_BYTES_MIN - 4_096, 1).check().is_err());
        assert!(with(SEGMENT_BYTES_MIN + 1, 1).check().is_err());
        assert!(with(SEGMENT_BYTES_MAX + 4_096, 1).check().is_err());
        assert!(with(SEGMENT_BYTES_MIN, 0).check().is_err());
        assert!(with(SEGMENT_BYTES_MIN, 33).check().is_err());
    }
}
