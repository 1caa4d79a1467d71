//! The count of one channel's units of one SKU: campaign first, then quota, then pool.

use crate::types::channel_stock::ChannelRule;

/// A campaign's quota while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// The campaign.
    pub campaign: u32,
    /// Sequence of the record that gave it: orders accepted later use it.
    pub since: u64,
    /// Units given.
    pub given: u32,
    /// Of those, held, owed or shipped by orders.
    pub used: u32,
    /// Of those, by orders from before the SKU's own rule, which was made during the campaign and
    /// does not count them.
    pub before: u32,
    /// When it is used up, orders go on as without it.
    pub then_pool: bool,
}

/// What a channel may sell of a SKU, and did. Copied to try out what an order would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The SKU's own rule; none where there is only a campaign.
    pub rule: Option<ChannelRule>,
    /// Sequence of the record that made the entry, or its rule during a campaign: orders accepted
    /// later are counted.
    pub since: u64,
    /// Units of the quota held, owed or shipped by orders.
    pub used: u64,
    /// Units from the pool held, owed or shipped by orders.
    pub pooled: u64,
    /// A running campaign's.
    pub share: Option<Share>,
}

impl Entry {
    /// One that counts from `since` on.
    pub fn new(since: u64) -> Self {
        Self {
            rule: None,
            since,
            used: 0,
            pooled: 0,
            share: None,
        }
    }

    /// Neither rule nor campaign: nobody needs it.
    pub fn is_void(&self) -> bool {
        self.rule.is_none() && self.share.is_none()
    }

    fn quota(&self) -> u64 {
        match self.rule {
            Some(ChannelRule::Quota { units, .. }) => units.into(),
            _ => 0,
        }
    }

    /// Units that are the channel's alone, and not used yet.
    pub fn guaranteed(&self) -> u64 {
        let share = self.share.map_or(0, |it| u64::from(it.given - it.used));
        self.quota() - self.used + share
    }

    /// As [`Entry::guaranteed`], of what an order accepted at `order` may use: one from before the
    /// quota or the campaign is not counted with it, and has no share in it.
    pub fn guaranteed_to(&self, order: u64) -> u64 {
        let share = self.share.filter(|it| order > it.since);
        let share = share.map_or(0, |it| u64::from(it.given - it.used));
        let quota = if order > self.since {
            self.quota() - self.used
        } else {
            0
        };
        quota + share
    }

    /// All units counted.
    pub fn counted(&self) -> u64 {
        let share = self.share.map_or(0, |it| it.used - it.before);
        self.used + self.pooled + u64::from(share)
    }

    /// Units that a cap leaves; no cap, no bound.
    pub fn cap_left(&self) -> u64 {
        match self.rule {
            Some(ChannelRule::Cap { units }) => u64::from(units).saturating_sub(self.counted()),
            _ => u64::MAX,
        }
    }

    /// Whether its orders may take from the pool.
    pub fn then_pool(&self) -> bool {
        self.share.is_none_or(|share| share.then_pool)
            && self.rule.is_none_or(ChannelRule::then_pool)
    }

    /// As [`Entry::then_pool`], of an order accepted at `order`: one from before the rule and the
    /// campaign is as others are.
    pub fn then_pool_to(&self, order: u64) -> bool {
        let share = self.share.filter(|it| order > it.since);
        let rule = self.rule.filter(|_| order > self.since);
        share.is_none_or(|share| share.then_pool) && rule.is_none_or(ChannelRule::then_pool)
    }

    /// An order accepted at `order` takes units.
    pub fn take(&mut self, order: u64, units: u32) {
        let mut left = units;
        let from_before = order <= self.since;
        if let Some(share) = self.share.as_mut().filter(|it| order > it.since) {
            let taken = left.min(share.given - share.used);
            share.used += taken;
            if from_before {
                share.before += taken;
            }
            left -= taken;
        }
        if order > self.since {
            let taken = u64::from(left).min(self.quota() - self.used);
            self.used += taken;
            self.pooled += u64::from(left) - taken;
        }
    }

    /// An order accepted at `order` gives units back. `None` where it has more than were counted.
    pub fn give(&mut self, order: u64, units: u32) -> Option<()> {
        let mut left = units;
        let from_before = order <= self.since;
        if let Some(share) = self.share.as_mut().filter(|it| order > it.since) {
            let theirs = if from_before {
                share.before
            } else {
                share.used - share.before
            };
            let given = left.min(theirs);
            share.used -= given;
            if from_before {
                share.before -= given;
            }
            left -= given;
        }
        if order > self.since {
            let given = u64::from(left).min(self.used);
            self.used -= given;
            self.pooled = self.pooled.checked_sub(u64::from(left) - given)?;
        }
        Some(())
    }

    /// What was sold until `sequence` counts no more: a rule follows, and the campaign goes on.
    pub fn count_anew(&mut self, sequence: u64) {
        (self.since, self.used, self.pooled) = (sequence, 0, 0);
        if let Some(share) = &mut self.share {
            share.before = share.used;
        }
    }

    /// Another rule: what does not fit into its quota was sold from the pool.
    pub fn set_rule(&mut self, rule: Option<ChannelRule>) {
        let used = self.used;
        self.rule = rule;
        self.used = used.min(self.quota());
        self.pooled += used - self.used;
    }

    /// The campaign is over: what it sold counts as sold from the pool.
    pub fn end_share(&mut self) -> Option<Share> {
        let share = self.share.take()?;
        self.pooled += u64::from(share.used - share.before);
        Some(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_quota(units: u32) -> Entry {
        let mut entry = Entry::new(10);
        entry.set_rule(Some(ChannelRule::Quota {
            units,
            then_pool: true,
        }));
        entry
    }

    #[test]
    fn a_quota_is_used_first_and_given_back_first() {
        let mut entry = with_quota(5);
        entry.take(11, 7);
        assert_eq!((entry.used, entry.pooled), (5, 2));
        entry.give(11, 3).unwrap();
        assert_eq!((entry.used, entry.pooled), (2, 2));
        assert_eq!(entry.guaranteed(), 3);
    }

    #[test]
    fn orders_from_before_the_rule_are_not_counted() {
        let mut entry = with_quota(5);
        entry.take(9, 4);
        entry.give(10, 4).unwrap();
        assert_eq!((entry.used, entry.pooled), (0, 0));
        assert_eq!(entry.give(11, 1), None, "nothing was counted to give back");
    }

    #[test]
    fn a_campaign_is_used_before_the_quota_and_ends_as_sales_from_the_pool() {
        let mut entry = with_quota(5);
        entry.take(11, 1);
        entry.share = Some(Share {
            campaign: 1,
            since: 20,
            given: 3,
            used: 0,
            before: 0,
            then_pool: true,
        });
        entry.take(21, 5);
        let used = entry.share.map(|it| it.used);
        assert_eq!((used, entry.used, entry.pooled), (Some(3), 3, 0));
        // An order from before the campaign gives nothing back to it.
        entry.give(11, 1).unwrap();
        assert_eq!((entry.share.map(|it| it.used), entry.used), (Some(3), 2));
        let share = entry.end_share().unwrap();
        assert_eq!((share.used, entry.used, entry.pooled), (3, 2, 3));
        assert_eq!(entry.counted(), 5);
        entry.give(21, 5).unwrap();
        assert_eq!(entry.counted(), 0);
    }

    #[test]
    fn a_rule_made_during_a_campaign_counts_what_is_sold_after_it() {
        let mut entry = Entry::new(10);
        entry.share = Some(Share {
            campaign: 1,
            since: 10,
            given: 5,
            used: 0,
            before: 0,
            then_pool: true,
        });
        entry.take(11, 4);
        entry.take(12, 3);
        entry.count_anew(20);
        entry.set_rule(Some(ChannelRule::Cap { units: 6 }));
        assert_eq!((entry.counted(), entry.cap_left()), (0, 6));
        // An order from before the rule comes back: to the campaign, and not to the cap.
        entry.give(12, 3).unwrap();
        assert_eq!((entry.guaranteed(), entry.cap_left()), (3, 6));
        entry.take(21, 5);
        assert_eq!((entry.guaranteed(), entry.cap_left()), (0, 1));
        entry.give(11, 4).unwrap();
        assert_eq!((entry.guaranteed(), entry.cap_left()), (2, 1));
        entry.end_share().unwrap();
        assert_eq!((entry.counted(), entry.cap_left()), (5, 1));
        entry.give(21, 5).unwrap();
        assert_eq!(entry.counted(), 0);
        assert_eq!(entry.give(21, 1), None);
    }

    #[test]
    fn a_smaller_quota_leaves_the_rest_as_sold_from_the_pool() {
        let mut entry = with_quota(5);
        entry.take(11, 4);
        entry.set_rule(Some(ChannelRule::Quota {
            units: 3,
            then_pool: false,
        }));
        assert_eq!((entry.used, entry.pooled), (3, 1));
        assert_eq!(entry.guaranteed(), 0);
        entry.set_rule(Some(ChannelRule::Cap { units: 6 }));
        assert_eq!((entry.used, entry.pooled, entry.cap_left()), (0, 4, 2));
    }
}
