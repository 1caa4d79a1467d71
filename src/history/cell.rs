//! What stands in one column of one row, and how a later word joins an earlier one.

/// What a column holds. Every column is one of two types in both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number, 64 bits.
    Number,
    /// UTF-8.
    Text,
}

/// One value on its way into the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A number, or none.
    Number(Option<i64>),
    /// A text, or none.
    Text(Option<String>),
}

/// A number that a later record replaces, where it says one.
pub(super) type Int = Option<i64>;

/// A text that a later record replaces, where it says one.
pub(super) type Text = Option<String>;

/// A number to which later records add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(pub i64);

/// A moment that a later record moves, or takes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing is said about it.
    #[default]
    Unsaid,
    /// Then, in milliseconds since the Unix epoch.
    At(i64),
    /// It has not happened after all.
    Cleared,
}

/// Stands for [`Mark::Cleared`] on the way into the database: nothing happens in 1970.
const CLEARED: i64 = 0;

impl From<Int> for Mark {
    fn from(time_ms: Int) -> Self {
        time_ms.map_or(Self::Unsaid, Self::At)
    }
}

/// A field of a row.
pub(super) trait Cell {
    /// The type of its column.
    const KIND: Kind;
    /// True where later values are added to what is there.
    const ADDS: bool = false;
    /// True where a later value may take back what is there: 0 stands for that.
    const CLEARS: bool = false;
    /// Takes in what a later record says.
    fn join(&mut self, later: Self);
    /// Takes note that nothing was there before.
    fn settle(&mut self) {}
    /// The value to write.
    fn value(self) -> Value;
}

impl Cell for Int {
    const KIND: Kind = Kind::Number;
    fn join(&mut self, later: Self) {
        *self = later.or(*self);
    }
    fn value(self) -> Value {
        Value::Number(self)
    }
}

impl Cell for Text {
    const KIND: Kind = Kind::Text;
    fn join(&mut self, later: Self) {
        if later.is_some() {
            *self = later;
        }
    }
    fn value(self) -> Value {
        Value::Text(self)
    }
}

impl Cell for Sum {
    const KIND: Kind = Kind::Number;
    const ADDS: bool = true;
    fn join(&mut self, later: Self) {
        self.0 += later.0;
    }
    fn value(self) -> Value {
        Value::Number(Some(self.0))
    }
}

impl Cell for Mark {
    const KIND: Kind = Kind::Number;
    const CLEARS: bool = true;
    fn join(&mut self, later: Self) {
        if later != Self::Unsaid {
            *self = later;
        }
    }
    fn settle(&mut self) {
        if *self == Self::Cleared {
            *self = Self::Unsaid;
        }
    }
    fn value(self) -> Value {
        Value::Number(match self {
            Self::Unsaid => None,
            Self::At(time_ms) => Some(time_ms),
            Self::Cleared => Some(CLEARED),
        })
    }
}

/// A number of the journal as a column holds it; what does not fit stands as the largest.
#[allow(clippy::unnecessary_wraps)] // a column may be empty, and most callers choose
pub(super) fn int(number: impl TryInto<i64>) -> Int {
    Some(number.try_into().unwrap_or(i64::MAX))
}

/// A time of the journal; none for 0.
pub(super) fn time(ms: u64) -> Int {
    if ms == 0 { None } else { int(ms) }
}

/// A text; none where it is empty. Databases refuse the character NUL in texts.
pub(super) fn text(text: &str) -> Text {
    (!text.is_empty()).then(|| {
        if text.contains('\0') {
            text.replace('\0', " ")
        } else {
            text.to_owned()
        }
    })
}
