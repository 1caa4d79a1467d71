//! What happened, as a hash to compare runs by, or as lines to read.

/// Where the events of a run go.
pub enum Trace {
    /// Nowhere: the usual case, and the fastest.
    Off,
    /// Into a hash.
    Hash(Box<blake3::Hasher>),
    /// To standard output, one line each.
    Print,
}

impl Trace {
    pub fn hashing() -> Self {
        Self::Hash(Box::default())
    }

    /// Takes an event, which is only put together where somebody looks.
    pub fn note(&mut self, event: impl FnOnce() -> String) {
        match self {
            Self::Off => {}
            Self::Hash(hasher) => {
                hasher.update(event().as_bytes());
                hasher.update(b"\n");
            }
            Self::Print => println!("{}", event()),
        }
    }

    /// The hash of all events so far.
    pub fn hash(&self) -> Option<String> {
        match self {
            Self::Hash(hasher) => Some(hasher.finalize().to_hex().to_string()),
            Self::Off | Self::Print => None,
        }
    }
}
