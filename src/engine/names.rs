//! Names of tenants, actors, SKUs and locations: bytes in an arena, found through an index.

use super::idempotency::KeyMixer;
use super::idempotency::index::{Index, Table};
use crate::limits::NAME_BYTES_MAX;
use crate::types::{ResultCode, TenantId};

/// Checks a name: 1 ..= `NAME_BYTES_MAX` bytes of UTF-8 without control characters.
///
/// # Errors
/// `INVALID_NAME`.
pub fn check_name(name: &str) -> Result<(), ResultCode> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(ResultCode::InvalidName);
    }
    Ok(())
}

/// Bytes of one block of the arena; a name never straddles blocks.
const BLOCK: usize = 1 << 16;

/// All names. The owner keeps, for each number, the place that [`Names::add`] returned.
pub struct Names {
    blocks: Vec<Box<[u8]>>,
    used: usize,
    index: Index,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            used: BLOCK,
            index: Index::new(0),
        }
    }
}

impl Names {
    /// The number of a name, if it is taken: `place_of` gives place and tenant of a number.
    pub fn find(
        &self,
        (table, tenant, name): (Table, TenantId, &str),
        mixer: &KeyMixer,
        place_of: impl Fn(u32) -> Option<(u64, TenantId)>,
    ) -> Option<u32> {
        let tag = mixer.name_tag(table as u8, tenant, name);
        self.index
            .candidates(tag)
            .filter(|(found, _)| *found == table)
            .map(|(_, number)| number)
            .find(|number| {
                place_of(*number).is_some_and(|(place, of)| of == tenant && self.get(place) == name)
            })
    }

    /// Stores a name of at most `NAME_BYTES_MAX` bytes for `number`; returns its place.
    pub fn add(
        &mut self,
        (table, tenant, name): (Table, TenantId, &str),
        number: u32,
        mixer: &KeyMixer,
    ) -> u64 {
        assert!(
            name.len() <= NAME_BYTES_MAX,
            "names are checked before they are stored"
        );
        if self.used + 1 + name.len() > BLOCK {
            self.blocks.push(vec![0; BLOCK].into_boxed_slice());
            self.used = 0;
        }
        let block = self.blocks.len() - 1;
        let at = self.used;
        self.used += 1 + name.len();
        let target = self
            .blocks
            .last_mut()
            .and_then(|block| block.get_mut(at..self.used));
        if let Some((length, bytes)) = target.and_then(<[u8]>::split_first_mut) {
            *length = u8::try_from(name.len()).unwrap_or(u8::MAX);
            bytes.copy_from_slice(name.as_bytes());
        }
        self.index
            .insert(mixer.name_tag(table as u8, tenant, name), table, number);
        (block * BLOCK + at) as u64
    }

    /// The name at a place.
    #[allow(clippy::cast_possible_truncation)] // places come from `add`, on 64-bit machines only
    pub fn get(&self, place: u64) -> &str {
        let (block, at) = (place as usize / BLOCK, place as usize % BLOCK);
        let bytes = self.blocks.get(block).and_then(|block| block.get(at..));
        let name = bytes
            .and_then(<[u8]>::split_first)
            .and_then(|(length, bytes)| bytes.get(..usize::from(*length)));
        std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default()
    }

    /// Bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        self.blocks.len() * BLOCK + self.index.memory_bytes()
    }
}
