//! What of a SKU's stock a sales channel gets: rules and campaigns.

use super::numbered;

/// What a channel gets of one SKU, over all locations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelRule {
    /// It shares the pool: what is available and not guaranteed to another channel. `buffer` units
    /// are not published, but the channel's orders may take them.
    Pool {
        /// Units kept out of what is published.
        buffer: u32,
    },
    /// So many units are the channel's alone; every unit that it sells stays used.
    Quota {
        /// Units guaranteed, used ones included.
        units: u32,
        /// When the quota is used up, its orders may go on from the pool.
        then_pool: bool,
    },
    /// It shares the pool, but sells at most so many units while the rule is in force.
    Cap {
        /// Units live and sold, at most.
        units: u32,
    },
}

impl ChannelRule {
    /// The rule's number in records.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Pool { .. } => 1,
            Self::Quota { .. } => 2,
            Self::Cap { .. } => 3,
        }
    }

    /// The lower-case name used in output, flags and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pool { .. } => "pool",
            Self::Quota { .. } => "quota",
            Self::Cap { .. } => "cap",
        }
    }

    /// Its units: buffer, quota or cap.
    #[must_use]
    pub const fn units(self) -> u32 {
        match self {
            Self::Pool { buffer } => buffer,
            Self::Quota { units, .. } | Self::Cap { units } => units,
        }
    }

    /// Whether its orders may take from the pool.
    #[must_use]
    pub const fn then_pool(self) -> bool {
        match self {
            Self::Quota { then_pool, .. } => then_pool,
            Self::Pool { .. } | Self::Cap { .. } => true,
        }
    }

    /// What a channel with this rule gets, in words; `None` is a channel without one.
    #[must_use]
    pub fn told(rule: Option<Self>) -> String {
        match rule {
            None => "no rule".to_owned(),
            Some(Self::Pool { buffer }) => format!("the pool less {buffer} units"),
            Some(Self::Cap { units }) => format!("at most {units} units"),
            Some(Self::Quota { units, then_pool }) => {
                let then = if then_pool { ", then the pool" } else { "" };
                format!("a quota of {units} units{then}")
            }
        }
    }

    /// The rule of these parts, as they stand in records; `None` where there is none such.
    #[must_use]
    pub const fn from_parts(number: u8, units: u32, then_pool: bool) -> Option<Self> {
        match (number, then_pool) {
            (1, true) => Some(Self::Pool { buffer: units }),
            (2, _) => Some(Self::Quota { units, then_pool }),
            (3, true) => Some(Self::Cap { units }),
            _ => None,
        }
    }
}

numbered! {
    /// Where a campaign is.
    pub enum CampaignState {
        /// Its window has not begun.
        Planned = 1 "planned",
        /// Its channel has its quotas.
        Running = 2 "running",
        /// Its unused units went back to the pool.
        Ended = 3 "ended",
    }
}

numbered! {
    /// Why a campaign ended.
    pub enum CampaignEnd {
        /// Its window was over.
        Window = 1 "window",
        /// Somebody ended it.
        Command = 2 "command",
    }
}
