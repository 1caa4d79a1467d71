//! What runs with channels met: printed, and required to be more than nothing.

macro_rules! counts {
    ($($field:ident),+ $(,)?) => {
        /// What runs met.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct ChannelCoverage {
            $(pub $field: u64,)+
        }

        impl ChannelCoverage {
            /// Adds the counts of another run.
            pub fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)+
            }

            /// Every count with its name.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($field), self.$field)),+]
            }
        }
    };
}

counts! {
    turns,
    crashes,
    kills,
    sold_at_markets,
    sold_in_shop,
    shop_refused,
    carts_refused,
    turned_away,
    cancelled_at_markets,
    cancelled_ahead,
    events_lost,
    events_repeated,
    events_duplicate,
    events_parked,
    events_driven_again,
    writes,
    writes_refused_stale,
    writes_throttled,
    writes_lost,
    writes_unanswered,
    writes_late,
    raised,
    zeros,
    published,
    held_back,
    campaigns_started,
    campaigns_ended,
    campaign_units_returned,
    rules_changed,
    stock_changes,
    oversold,
    reviews,
    quotas_sold_out,
    offered_twice,
}
