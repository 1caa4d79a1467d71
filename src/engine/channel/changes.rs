//! Which SKUs' stock changed, for those who publish it.
//!
//! A ring of the newest changes, read by position. A SKU that changes again before anybody read its
//! last change is not written again, so a flood of orders for one SKU is one entry. Not part of the
//! state: it starts empty with the process, and a reader with a foreign position is told to ask for
//! everything.

use crate::limits::STOCK_CHANGES_KEPT;
use crate::types::SkuId;

/// The newest changes.
#[derive(Default)]
pub(in crate::engine) struct ChangeRing {
    ring: Vec<SkuId>,
    /// Changes written since the start: the position of the next one.
    written: u64,
    /// Positions below it are no good any more.
    floor: u64,
    /// Everything below it was read by somebody.
    read: u64,
    /// Position after each SKU's newest change.
    newest: Vec<u64>,
}

/// What a reader finds.
pub(in crate::engine) struct ChangesRead {
    /// Where to go on.
    pub cursor: u64,
    /// The position was not in the ring: everything may have changed before `cursor`.
    pub overrun: bool,
    /// There are more than were asked for.
    pub more: bool,
    /// SKUs, in order of their newest change but one where they changed in between.
    pub skus: Vec<SkuId>,
}

impl ChangeRing {
    /// The SKU's stock changed.
    pub fn note(&mut self, sku: SkuId) {
        let number = sku.0 as usize;
        if self.newest.len() <= number {
            self.newest.resize(number + 1, 0);
        }
        let Some(newest) = self.newest.get_mut(number) else {
            return;
        };
        if *newest > self.read.max(self.floor) {
            return; // nobody has read its last change
        }
        *newest = self.written + 1;
        self.write(sku);
    }

    /// Everything may have changed.
    pub fn note_all(&mut self) {
        self.write(SkuId(u32::MAX)); // so that no reader stands behind it
        self.floor = self.written;
    }

    fn write(&mut self, sku: SkuId) {
        if let Some(place) = self.ring.get_mut(place_of(self.written)) {
            *place = sku;
        } else {
            self.ring.push(sku);
        }
        self.written += 1;
        let kept = self.written.saturating_sub(STOCK_CHANGES_KEPT as u64);
        self.floor = self.floor.max(kept);
    }

    /// At most `most` changes from position `since` on.
    pub fn read(&mut self, since: u64, most: usize) -> ChangesRead {
        if since < self.floor || since > self.written {
            self.read = self.written;
            return ChangesRead {
                cursor: self.written,
                overrun: true,
                more: false,
                skus: Vec::new(),
            };
        }
        let until = self.written.min(since.saturating_add(most as u64));
        let positions = since..until;
        let skus = positions.filter_map(|position| self.ring.get(place_of(position)).copied());
        let skus = skus.collect();
        self.read = self.read.max(until);
        ChangesRead {
            cursor: until,
            overrun: false,
            more: until < self.written,
            skus,
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // a remainder of STOCK_CHANGES_KEPT
fn place_of(position: u64) -> usize {
    (position % STOCK_CHANGES_KEPT as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_written_once_between_two_reads() {
        let mut ring = ChangeRing::default();
        for _ in 0..5 {
            ring.note(SkuId(3));
            ring.note(SkuId(4));
        }
        let read = ring.read(0, 10);
        assert_eq!(read.skus, [SkuId(3), SkuId(4)]);
        assert!(!read.overrun && !read.more);
        assert!(ring.read(read.cursor, 10).skus.is_empty());
        ring.note(SkuId(4));
        assert_eq!(ring.read(read.cursor, 10).skus, [SkuId(4)]);
    }

    #[test]
    fn a_second_reader_sees_what_the_first_one_read() {
        let mut ring = ChangeRing::default();
        ring.note(SkuId(1));
        let first = ring.read(0, 10);
        ring.note(SkuId(1));
        ring.note(SkuId(2));
        assert_eq!(
            ring.read(0, 10).skus,
            [SkuId(1), SkuId(1), SkuId(2)],
            "from the start"
        );
        assert_eq!(ring.read(first.cursor, 10).skus, [SkuId(1), SkuId(2)]);
        let part = ring.read(0, 2);
        assert!(part.more && part.cursor == 2);
    }

    #[test]
    fn a_reader_behind_the_ring_is_told_to_ask_for_everything() {
        let mut ring = ChangeRing::default();
        let kept = u32::try_from(STOCK_CHANGES_KEPT).unwrap();
        for sku in 0..=kept {
            ring.note(SkuId(sku));
        }
        assert!(ring.read(0, 10).overrun, "position 0 was overwritten");
        assert_eq!(ring.read(1, 1).skus, [SkuId(1)]);
        let all = ring.read(u64::from(kept), 10);
        assert_eq!(all.skus, [SkuId(kept)]);
        ring.note_all();
        assert!(ring.read(all.cursor, 10).overrun);
        assert!(ring.read(u64::MAX, 10).overrun, "a foreign position");
        let cursor = ring.read(0, 10).cursor;
        ring.note(SkuId(7));
        assert_eq!(ring.read(cursor, 10).skus, [SkuId(7)]);
    }
}
