//! One stock cell as the fold keeps it: its quantities, and beside them every flow in and out.

/// Quantities and flows of one SKU at one location, in units. Quantities follow the records one by
/// one; flows only add up, so that the two check each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Physically there.
    pub on_hand: i64,
    /// Unpaid holds.
    pub reserved: i64,
    /// Paid, not shipped.
    pub committed: i64,
    /// Kept back on purpose.
    pub safety: i64,
    /// Not sellable.
    pub damaged: i64,
    /// Waiting for inspection.
    pub quality_control: i64,
    /// Sum of arrivals.
    pub received: i64,
    /// Sum of corrections, sets included.
    pub adjusted: i64,
    /// Sum of transfers in, less transfers out.
    pub transferred: i64,
    /// Sum of returns of any disposition.
    pub returned: i64,
    /// Sum of shipments.
    pub shipped: i64,
    /// A correction of on hand made this cell short; true until it is covered again.
    pub short_by_correction: bool,
    /// An order that a channel had sold made this cell short; true until it is covered again.
    pub short_by_fact: bool,
}

impl Cell {
    /// Units set aside: safety, damaged, in quality control.
    #[must_use]
    pub fn unavailable(&self) -> i64 {
        self.safety + self.damaged + self.quality_control
    }

    /// On hand less everything that has a claim on it; below zero where the cell is short.
    #[must_use]
    pub fn balance(&self) -> i64 {
        self.on_hand - self.reserved - self.committed - self.unavailable()
    }

    /// Units that a new order may take.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.balance().max(0)
    }

    /// Units promised or set aside beyond what is there.
    #[must_use]
    pub fn short(&self) -> i64 {
        (-self.balance()).max(0)
    }

    /// What on hand must be by the flows alone.
    #[must_use]
    pub fn on_hand_by_flows(&self) -> i64 {
        self.received + self.adjusted + self.transferred + self.returned - self.shipped
    }

    /// The quantities that must not be negative, with their names.
    #[must_use]
    pub fn quantities(&self) -> [(&'static str, i64); 6] {
        [
            ("on hand", self.on_hand),
            ("reserved", self.reserved),
            ("committed", self.committed),
            ("safety", self.safety),
            ("damaged", self.damaged),
            ("quality control", self.quality_control),
        ]
    }

    /// The quantities in one line of text.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "on hand {}, reserved {}, committed {}, unavailable {}",
            self.on_hand,
            self.reserved,
            self.committed,
            self.unavailable()
        )
    }
}
