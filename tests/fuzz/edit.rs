//! Edits of bytes: what transport, disks and attackers do.

use proptest::collection::vec;
use proptest::prelude::*;

/// One edit. Places are taken modulo the length at hand, so that every edit does something.
#[derive(Clone, Debug)]
pub enum Edit {
    Flip { at: usize, bit: u8 },
    Set { at: usize, byte: u8 },
    Number { at: usize, value: u64, width: usize },
    Insert { at: usize, bytes: Vec<u8> },
    Remove { at: usize, length: usize },
    Repeat { at: usize, length: usize },
    Cut { at: usize },
}

/// Numbers at which lengths, counts and amounts turn over.
const NUMBERS: &[u64] = &[
    0,
    1,
    7,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<usize>();
    let number = prop_oneof![
        proptest::sample::select(NUMBERS.to_vec()),
        any::<u64>(),
        0..64_u64
    ];
    let width = proptest::sample::select(vec![1_usize, 2, 4, 8]);
    prop_oneof![
        3 => (at, 0..8_u8).prop_map(|(at, bit)| Edit::Flip { at, bit }),
        3 => (at, any::<u8>()).prop_map(|(at, byte)| Edit::Set { at, byte }),
        4 => (at, number, width).prop_map(|(at, value, width)| Edit::Number { at, value, width }),
        2 => (at, vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Edit::Insert { at, bytes }),
        2 => (at, 1..17_usize).prop_map(|(at, length)| Edit::Remove { at, length }),
        2 => (at, 1..65_usize).prop_map(|(at, length)| Edit::Repeat { at, length }),
        1 => at.prop_map(|at| Edit::Cut { at }),
    ]
}

/// None to five edits.
pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec(edit(), 0..6)
}

/// The bytes after these edits.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for edit in edits {
        one(&mut bytes, edit);
    }
    bytes
}

fn one(bytes: &mut Vec<u8>, edit: &Edit) {
    let place = |at: usize| at % (bytes.len() + 1);
    let range = |at: usize, length: usize| place(at)..(place(at) + length).min(bytes.len());
    match edit {
        Edit::Flip { at, bit } => {
            let place = place(*at);
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << bit;
            }
        }
        Edit::Set { at, byte } => {
            let place = place(*at);
            if let Some(old) = bytes.get_mut(place) {
                *old = *byte;
            }
        }
        Edit::Number { at, value, width } => {
            let range = range(*at, *width);
            let number = value.to_le_bytes();
            let length = range.len();
            bytes[range].copy_from_slice(&number[..length]);
        }
        Edit::Insert { at, bytes: new } => {
            let place = place(*at);
            bytes.splice(place..place, new.iter().copied());
        }
        Edit::Remove { at, length } => {
            let range = range(*at, *length);
            bytes.drain(range);
        }
        Edit::Repeat { at, length } => {
            let range = range(*at, *length);
            let again = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, again);
        }
        Edit::Cut { at } => {
            let place = place(*at);
            bytes.truncate(place);
        }
    }
}
