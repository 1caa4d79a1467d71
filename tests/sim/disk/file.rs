//! One file of the simulated disk: its two images, and what became of each sector.

use super::{DiskCounts, SECTOR_BYTES, Survival};
use crate::sim::prng::Stream;
use std::collections::BTreeMap;
use std::ops::Range;

/// Images remembered of one sector between two syncs; in a longer run the second oldest goes.
const IMAGES_MAX: usize = 4;

type Image = [u8; SECTOR_BYTES];

/// One file.
#[derive(Clone, Default)]
pub(super) struct FileState {
    pub(super) live: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// Sectors written since they were last synced, each with its images since, oldest first.
    pub(super) dirty: BTreeMap<usize, Vec<Image>>,
    /// Some sync succeeded, so the file has its size for good.
    pub(super) settled: bool,
}

impl FileState {
    fn image(&self, sector: usize) -> Image {
        let mut image = [0; SECTOR_BYTES];
        let start = sector * SECTOR_BYTES;
        let end = self.live.len().min(start + SECTOR_BYTES);
        image[..end - start].copy_from_slice(&self.live[start..end]);
        image
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.live[offset..offset + bytes.len()].copy_from_slice(bytes);
        for sector in sectors(offset, bytes.len()) {
            let image = self.image(sector);
            let images = self.dirty.entry(sector).or_default();
            images.push(image);
            if images.len() > IMAGES_MAX {
                images.remove(1);
            }
        }
    }

    /// Makes the dirty bytes of a range durable. Sectors that are only partly in it stay dirty, but
    /// their bytes inside the range are settled whatever a crash does to the rest.
    pub(super) fn sync(&mut self, offset: usize, length: usize) {
        let end = offset + length;
        for sector in sectors(offset, length) {
            let Some(images) = self.dirty.get_mut(&sector) else {
                continue;
            };
            let start = sector * SECTOR_BYTES;
            let from = offset.max(start);
            let to = end.min(start + SECTOR_BYTES).min(self.live.len());
            self.durable[from..to].copy_from_slice(&self.live[from..to]);
            let whole = from == start && to == self.live.len().min(start + SECTOR_BYTES);
            if whole {
                self.dirty.remove(&sector);
            } else {
                for image in images {
                    image[from - start..to - start].copy_from_slice(&self.live[from..to]);
                }
            }
        }
        self.settled = true;
    }

    /// A sync that fails: some sectors got through, and none is dirty any more.
    pub(super) fn fail_sync(&mut self, offset: usize, length: usize, stream: &mut Stream) {
        for sector in sectors(offset, length) {
            if self.dirty.remove(&sector).is_some() && stream.chance(400) {
                let start = sector * SECTOR_BYTES;
                let end = self.live.len().min(start + SECTOR_BYTES);
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
    }

    pub(super) fn crash(
        &mut self,
        survival: Survival,
        stream: &mut Stream,
        counts: &mut DiskCounts,
    ) {
        for (sector, images) in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR_BYTES;
            let end = self.durable.len().min(start + SECTOR_BYTES);
            let Some(newest) = images.last() else {
                continue;
            };
            if stream.chance(survival.kept_per_mille) {
                counts.sectors_kept += 1;
                self.durable[start..end].copy_from_slice(&newest[..end - start]);
            } else if stream.chance(survival.torn_per_mille) {
                counts.sectors_torn += 1;
                let image = *stream.pick(&images);
                let cut = start + stream.index(end - start + 1);
                if stream.chance(500) {
                    self.durable[start..cut].copy_from_slice(&image[..cut - start]);
                } else {
                    self.durable[cut..end].copy_from_slice(&image[cut - start..end - start]);
                }
            } else {
                counts.sectors_lost += 1;
            }
        }
        if !self.settled && stream.chance(700) {
            counts.files_cut += 1;
            let length = stream.index(self.durable.len() / SECTOR_BYTES + 1) * SECTOR_BYTES;
            self.durable
                .truncate(if stream.chance(500) { 0 } else { length });
        }
        self.settled = true;
        self.live.clone_from(&self.durable);
    }
}

fn sectors(offset: usize, length: usize) -> Range<usize> {
    if length == 0 {
        return 0..0;
    }
    offset / SECTOR_BYTES..(offset + length).div_ceil(SECTOR_BYTES)
}
