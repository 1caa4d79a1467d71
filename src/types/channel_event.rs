//! Words about what sales channels send: events, what became of them, item mappings.

use super::numbered;

numbered! {
    /// What became of an event that a channel sent.
    pub enum EventFate {
        /// Nothing yet; or a person drove it again.
        Open = 0 "open",
        /// The order was placed, changed or cancelled as it says.
        Applied = 1 "applied",
        /// The order is already as it says.
        Duplicate = 2 "duplicate",
        /// Something newer about the order was applied before.
        Stale = 3 "stale",
        /// It means nothing to an order.
        Ignored = 4 "ignored",
        /// It waits for something that only a person or a later event brings.
        Parked = 5 "parked",
        /// An item of it stands for no SKU yet.
        Unmapped = 6 "unmapped",
        /// It cannot be used as it is; a person has to look.
        Quarantined = 7 "quarantined",
        /// A person gave it up.
        Discarded = 8 "discarded",
    }
}

impl EventFate {
    /// True while a person may still drive the event again or give it up.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Parked | Self::Unmapped | Self::Quarantined)
    }

    /// True where nothing will happen to the event any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !self.is_held() && !matches!(self, Self::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_is_open_held_or_final_and_stands_in_the_events_document() {
        let text = include_str!("../../docs/EVENTS.md");
        for fate in EventFate::ALL {
            let row = format!("| {} | `{}` |", *fate as u8, fate.name());
            assert!(text.contains(&row), "docs/EVENTS.md has no row `{row} …`");
            let open = *fate == EventFate::Open;
            let kinds = [open, fate.is_held(), fate.is_final()];
            assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "{fate:?}");
        }
    }
}
