//! A stream of server-sent events, counted as it comes.

/// Counts the messages and bytes of one stream, in whatever pieces it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Events with data.
    pub messages: u64,
    /// Bytes of everything.
    pub bytes: u64,
    /// How much of a line's first word was seen: `data:` or not.
    place: usize,
    other: bool,
    has_data: bool,
}

impl Counted {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        const WORD: &[u8] = b"data:";
        self.bytes += piece.len() as u64;
        for &byte in piece {
            match byte {
                b'\n' if self.place == 0 && !self.other => {
                    // An empty line ends an event.
                    self.messages += u64::from(self.has_data);
                    self.has_data = false;
                }
                b'\n' => (self.place, self.other) = (0, false),
                _ if self.other => {}
                _ if WORD.get(self.place) == Some(&byte) => {
                    self.place += 1;
                    if self.place == WORD.len() {
                        (self.has_data, self.other) = (true, true);
                    }
                }
                _ => self.other = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_in_whatever_pieces_they_come() {
        let text =
            b"retry: 1000\n\nid: 1-1\ndata: {\"a\":1}\n\n: ping\n\nid: 2\ndata: x\ndata: y\n\n";
        for size in 1..text.len() {
            let mut counted = Counted::default();
            text.chunks(size).for_each(|piece| counted.take(piece));
            assert_eq!(
                (counted.messages, counted.bytes),
                (2, text.len() as u64),
                "{size}"
            );
        }
    }
}
