//! What verification says of sales channels: nothing about a true story, and each false claim by
//! name.

use super::story::{BERLIN, LAMP, START_MS, Story, TENANT, units};
use super::{assert_offence, finding, offences, verified};
use crate::audit::explain::{Moment, SkuQuestion, sku};
use crate::audit::source::DataDirectory;
use crate::engine::record::{
    CampaignDefined, CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef, PublishedItem,
    Record, Run, put_run,
};
use crate::types::channel_stock::{CampaignEnd, ChannelRule};
use crate::types::{ChannelId, CommandKey};

/// The channel of the story's orders.
const SELLER: ChannelId = ChannelId(3);
const OTHER: ChannelId = ChannelId(4);

struct Fair {
    story: Story,
}

impl Fair {
    /// Ten lamps, of which channel 3 has six for itself.
    fn new() -> Self {
        let mut story = Story::new();
        story.define();
        story.receive(LAMP, BERLIN, 10);
        let mut fair = Self { story };
        for channel in [SELLER, OTHER] {
            fair.push(ChannelRecord::Defined {
                tenant: TENANT,
                channel,
                kind: None,
                name: "fair",
            });
        }
        fair.quota(SELLER, 6);
        fair
    }

    fn push(&mut self, record: ChannelRecord<'_>) -> u64 {
        self.story.push(&Record::Channel(record))
    }

    fn head(&mut self, channel: ChannelId) -> ChannelRef {
        ChannelRef {
            key: self.story.command(),
            fingerprint: 7,
            tenant: TENANT,
            channel,
        }
    }

    fn quota(&mut self, channel: ChannelId, units: u32) {
        let rule = ChannelRule::Quota {
            units,
            then_pool: false,
        };
        self.rule(channel, Some(rule), false);
    }

    fn rule(&mut self, channel: ChannelId, rule: Option<ChannelRule>, anew: bool) {
        let head = self.head(channel);
        self.push(ChannelRecord::RuleSet {
            head,
            sku: Some(LAMP),
            rule,
            anew,
        });
    }

    fn publish(&mut self, channel: ChannelId, quantity: u32, sequence: u64) {
        let mut bytes = Vec::new();
        let item = PublishedItem {
            sku: LAMP,
            quantity,
            sequence,
        };
        put_run(&mut bytes, [item]);
        self.push(ChannelRecord::Published {
            tenant: TENANT,
            channel,
            items: Run::from_bytes(&bytes),
        });
    }

    /// A campaign of the other channel wants three lamps and is given `given`.
    fn campaign(&mut self, given: u32) {
        self.campaign_of(OTHER, given);
    }

    fn campaign_of(&mut self, channel: ChannelId, given: u32) {
        let mut bytes = Vec::new();
        let want = |units| CampaignUnits { sku: LAMP, units };
        put_run(&mut bytes, [want(3)]);
        let head = self.head(channel);
        self.push(ChannelRecord::CampaignDefined(CampaignDefined {
            head,
            campaign: 1,
            from_ms: START_MS,
            to_ms: START_MS + 9_000,
            then_pool: false,
            name: "may",
            wants: Run::from_bytes(&bytes),
        }));
        let mut bytes = Vec::new();
        put_run(&mut bytes, [want(given)]);
        self.push(ChannelRecord::CampaignStarted {
            tenant: TENANT,
            channel,
            campaign: 1,
            given: Run::from_bytes(&bytes),
        });
    }

    fn end_campaign(&mut self, given: u32, sold: u32) {
        self.end_campaign_of(OTHER, given, sold);
    }

    fn end_campaign_of(&mut self, channel: ChannelId, given: u32, sold: u32) {
        let mut bytes = Vec::new();
        let end = CampaignReturn {
            sku: LAMP,
            given,
            sold,
            returned: given - sold,
        };
        put_run(&mut bytes, [end]);
        let head = ChannelRef {
            key: CommandKey(0),
            fingerprint: 0,
            tenant: TENANT,
            channel,
        };
        self.push(ChannelRecord::CampaignEnded {
            head,
            campaign: 1,
            cause: CampaignEnd::Window,
            items: Run::from_bytes(&bytes),
        });
    }
}

#[test]
fn a_true_story_of_quotas_campaigns_and_published_quantities_is_without_offence() {
    let mut fair = Fair::new();
    let accepted = fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 4)]);
    fair.publish(SELLER, 2, accepted);
    fair.publish(OTHER, 4, accepted);
    let released = fair.story.release(1);
    fair.publish(SELLER, 6, released);
    fair.campaign(3);
    let last = fair.story.entries.len() as u64;
    fair.publish(OTHER, 3, last);
    fair.end_campaign(3, 0);
    // True when it was asked for, overtaken when it was acknowledged.
    fair.publish(OTHER, 3, last + 1);
    let report = verified(&fair.story);
    assert_eq!(report.violations, 0, "{}", offences(&report));
    for claim in ["I8", "I12"] {
        assert_eq!(finding(&report, claim).verdict(), "ok");
    }
}

#[test]
fn a_skus_story_tells_each_channels_rule_campaign_offer_and_what_was_published_at_which_sequence() {
    let mut fair = Fair::new();
    let accepted = fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 4)]);
    fair.publish(SELLER, 2, accepted);
    fair.campaign(3);
    let directory = tempfile::tempdir().unwrap();
    fair.story.write(directory.path());
    let source = DataDirectory::open(directory.path()).unwrap();
    let channels = |until: Moment| {
        let question = SkuQuestion {
            name: "lamp".to_owned(),
            tenant: None,
            until,
        };
        let mut stories = sku(&source, &question).unwrap();
        assert_eq!(stories.len(), 1);
        stories.remove(0).channels
    };
    let now = channels(Moment::Now);
    let [seller, other] = now.as_slice() else {
        panic!("{now:?}")
    };
    let rule = (seller.channel, seller.rule, seller.units, seller.then_pool);
    assert_eq!(rule, (SELLER.0, Some("quota"), Some(6), false));
    assert_eq!((seller.from_quota, seller.from_pool), (4, 0));
    assert_eq!((seller.to_offer, seller.campaign), (2, None));
    assert_eq!(
        (seller.published, seller.published_sequence),
        (Some(2), Some(accepted))
    );
    assert_eq!((other.name.as_str(), other.rule), ("fair", None));
    let campaign = (other.campaign, other.campaign_given, other.campaign_sold);
    assert_eq!(campaign, (Some(1), Some(3), Some(0)));
    assert_eq!((other.to_offer, other.published), (3, None));
    // Before the order: the whole quota, and nothing published.
    let before = channels(Moment::Sequence(accepted - 1));
    assert_eq!((before[0].to_offer, before[0].published), (6, None));
    assert_eq!((before[1].to_offer, before[1].campaign), (4, None));
}

#[test]
fn an_order_beyond_its_channels_share_is_an_offence() {
    let mut fair = Fair::new();
    fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 7)]);
    let report = verified(&fair.story);
    let words = ["takes 7 units", "channel 3", "may sell 6", "lamp"];
    assert_offence(&report, "I8", &words);
}

#[test]
fn an_order_that_takes_what_another_channel_is_guaranteed_is_an_offence() {
    let mut fair = Fair::new();
    fair.quota(SELLER, 0);
    fair.quota(OTHER, 9);
    // A cap leaves its channel in the pool, of which one unit is left.
    fair.rule(SELLER, Some(ChannelRule::Cap { units: 5 }), false);
    fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 2)]);
    let report = verified(&fair.story);
    assert_offence(&report, "I8", &["takes 2 units", "may sell 1"]);
}

#[test]
fn a_cap_made_during_a_campaign_counts_what_came_after_it_and_before_it_where_the_journal_says_so()
{
    // What older versions wrote goes on counting the campaign's three.
    for (anew, left) in [(true, 5), (false, 2)] {
        let mut fair = Fair::new();
        fair.rule(SELLER, None, false);
        fair.campaign_of(SELLER, 3);
        fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 3)]);
        fair.rule(SELLER, Some(ChannelRule::Cap { units: 5 }), anew);
        fair.end_campaign_of(SELLER, 3, 3);
        fair.story.accept(2, 1, 0, &[units(LAMP, BERLIN, left)]);
        let report = verified(&fair.story);
        assert_eq!(report.violations, 0, "{anew}: {}", offences(&report));
        fair.story.accept(3, 1, 0, &[units(LAMP, BERLIN, 1)]);
        let report = verified(&fair.story);
        assert_offence(&report, "I8", &["takes 1 units", "may sell 0"]);
    }
}

#[test]
fn quotas_and_gifts_of_units_that_are_not_there_are_offences() {
    let mut fair = Fair::new();
    fair.quota(OTHER, 5);
    let report = verified(&fair.story);
    assert_offence(
        &report,
        "I8",
        &["guarantees 11 units where 10 are sellable"],
    );

    let mut fair = Fair::new();
    fair.quota(SELLER, 9);
    fair.campaign(2);
    let report = verified(&fair.story);
    assert_offence(&report, "I8", &["given 2 units", "in the pool 1"]);
}

#[test]
fn a_campaign_that_reports_other_sales_than_its_orders_is_an_offence() {
    let mut fair = Fair::new();
    fair.campaign(3);
    fair.end_campaign(3, 1);
    let report = verified(&fair.story);
    assert_offence(&report, "I8", &["campaign 1 ends with", "orders say"]);
}

#[test]
fn quantities_from_the_future_out_of_order_or_untrue_are_offences() {
    let mut fair = Fair::new();
    let here = fair.story.entries.len() as u64;
    fair.publish(SELLER, 6, here + 1);
    let report = verified(&fair.story);
    assert_offence(&report, "I12", &["from the future", "lamp"]);

    let mut fair = Fair::new();
    let here = fair.story.entries.len() as u64;
    fair.publish(SELLER, 6, here);
    fair.publish(SELLER, 6, here - 1);
    let report = verified(&fair.story);
    assert_offence(&report, "I12", &["older than the one published before"]);

    let mut fair = Fair::new();
    let here = fair.story.entries.len() as u64;
    fair.publish(SELLER, 5, here);
    let report = verified(&fair.story);
    assert_offence(&report, "I12", &["quantity 5", "channel 3", "should be 6"]);
}

#[test]
fn a_quantity_that_was_never_true_is_an_offence_also_when_it_was_overtaken() {
    let overtaken = |told: u32| {
        let mut fair = Fair::new();
        let here = fair.story.entries.len() as u64;
        fair.publish(SELLER, 6, here);
        let sold = fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 4)]);
        fair.story.accept(2, 1, 0, &[units(LAMP, BERLIN, 1)]);
        fair.publish(SELLER, told, sold);
        verified(&fair.story)
    };
    assert_eq!(offences(&overtaken(2)), "");
    let report = overtaken(1);
    assert_offence(&report, "I12", &["quantity 1", "channel 3", "should be 2"]);
}

#[test]
fn the_report_says_how_long_channels_waited_for_each_change() {
    let mut fair = Fair::new();
    let here = fair.story.entries.len() as u64;
    fair.publish(SELLER, 6, here);
    let first = fair.story.accept(1, 1, 0, &[units(LAMP, BERLIN, 1)]);
    let first_place = usize::try_from(first).unwrap() - 1;
    let sold_at_ms = fair.story.entries[first_place].time_ms;
    fair.story.now_ms += 30;
    let second = fair.story.accept(2, 1, 0, &[units(LAMP, BERLIN, 1)]);
    fair.story.now_ms += 12;
    fair.publish(SELLER, 4, second);
    let told_at_ms = fair.story.entries.last().unwrap().time_ms;
    // Sold and given back before anybody told the channel: nothing waits.
    fair.story.accept(3, 1, 0, &[units(LAMP, BERLIN, 1)]);
    let back = fair.story.release(3);
    fair.publish(SELLER, 4, back);
    let report = verified(&fair.story);
    assert_eq!(offences(&report), "");
    let told = &report.shards[0].channels[0];
    assert_eq!((told.channel, told.published, told.changes), (3, 3, 2));
    assert_eq!((told.lag_max_ms, told_at_ms - sold_at_ms), (42, 42));
}
