//! A day of a sales channel in the journal, and what the tables and views say of it.

use super::look::rows;
use super::rig::{CLERK, LAMP, Rig, TENANT};
use super::{read_all, runtime, sqlite, story};
use onhand::engine::record::{
    Blob, CampaignDefined, CampaignReturn, CampaignUnits, ChannelEventRecord, ChannelRecord,
    ChannelRef, EventReceived, EventSettled, PublishedItem, Record, Run, put_run,
};
use onhand::history::{HistoryTarget, clear};
use onhand::types::channel_event::EventFate;
use onhand::types::channel_stock::{CampaignEnd, ChannelRule};
use onhand::types::{ActorId, ChannelId, ChannelKind, CommandKey, OrderKey};

const CHANNEL: ChannelId = ChannelId(4);

fn received(event: u128) -> Record<'static> {
    Record::ChannelEvent(ChannelEventRecord::Received(EventReceived {
        event,
        tenant: TENANT,
        channel: CHANNEL,
        part: 0,
        parts: 1,
        body_at: 0,
        topic: "orders/create",
        head: "",
        body: Blob(b"{}"),
    }))
}

fn settled(event: u128, fate: EventFate) -> Record<'static> {
    Record::ChannelEvent(ChannelEventRecord::Settled(EventSettled {
        event,
        order: OrderKey(200),
        changed_ms: 0,
        content: 0,
        tenant: TENANT,
        channel: CHANNEL,
        version: 1,
        flags: 0,
        fate,
        note: "",
    }))
}

fn head(key: u128) -> ChannelRef {
    ChannelRef {
        key: CommandKey(key),
        fingerprint: 1,
        tenant: TENANT,
        channel: CHANNEL,
    }
}

fn run_of<T: onhand::engine::record::RunItem>(item: T) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_run(&mut bytes, [item]);
    bytes
}

impl Rig {
    /// Definition, rules, a campaign, four events and two quantities; `day` makes them its own.
    pub fn channel_day(&mut self, day: u32) {
        let key = u128::from(day) * 100;
        let wants = run_of(CampaignUnits {
            sku: LAMP,
            units: 8,
        });
        let planned = CampaignDefined {
            head: head(key + 3),
            campaign: day,
            from_ms: self.now_ms,
            to_ms: self.now_ms + 1_000,
            then_pool: true,
            name: "Friday",
            wants: Run::from_bytes(&wants),
        };
        self.write(
            CLERK,
            &[
                Record::Channel(ChannelRecord::Defined {
                    tenant: TENANT,
                    channel: CHANNEL,
                    kind: Some(ChannelKind::Shopify),
                    name: "eu",
                }),
                Record::Channel(ChannelRecord::RuleSet {
                    head: head(key + 1),
                    sku: Some(LAMP),
                    rule: Some(ChannelRule::Quota {
                        units: 6,
                        then_pool: false,
                    }),
                    anew: false,
                }),
                Record::Channel(ChannelRecord::RuleSet {
                    head: head(key + 2),
                    sku: None,
                    rule: None,
                    anew: false,
                }),
                Record::Channel(ChannelRecord::CampaignDefined(planned)),
            ],
        );
        self.campaign(day);
        self.channel_events(key);
        self.published(10);
        self.hold(key + 70);
        self.wait(40);
        self.published(8);
        self.wait(600_000);
        // Written again, and the same: that nothing changed is no lag.
        self.published(8);
    }

    fn campaign(&mut self, day: u32) {
        self.wait(10);
        let given = run_of(CampaignUnits {
            sku: LAMP,
            units: 6,
        });
        let back = run_of(CampaignReturn {
            sku: LAMP,
            given: 6,
            sold: 4,
            returned: 2,
        });
        self.write(
            ActorId::SYSTEM,
            &[Record::Channel(ChannelRecord::CampaignStarted {
                tenant: TENANT,
                channel: CHANNEL,
                campaign: day,
                given: Run::from_bytes(&given),
            })],
        );
        self.wait(1_000);
        self.write(
            ActorId::SYSTEM,
            &[Record::Channel(ChannelRecord::CampaignEnded {
                head: head(0),
                campaign: day,
                cause: CampaignEnd::Window,
                items: Run::from_bytes(&back),
            })],
        );
    }

    /// One applied, one that was applied already, one that a person drove again in vain, and one
    /// that waits.
    fn channel_events(&mut self, key: u128) {
        let all = [key + 1, key + 2, key + 3, key + 4].map(received);
        self.write(CLERK, &all);
        self.wait(5);
        self.write(CLERK, &[settled(key + 1, EventFate::Applied)]);
        self.wait(15);
        self.write(CLERK, &[settled(key + 2, EventFate::Duplicate)]);
        self.write(CLERK, &[settled(key + 3, EventFate::Quarantined)]);
        self.write(CLERK, &[settled(key + 3, EventFate::Open)]);
        self.wait(80);
        self.write(CLERK, &[settled(key + 3, EventFate::Parked)]);
    }

    fn published(&mut self, quantity: u32) {
        let items = run_of(PublishedItem {
            sku: LAMP,
            quantity,
            sequence: self.next_sequence() - 1,
        });
        self.write(
            ActorId::SYSTEM,
            &[Record::Channel(ChannelRecord::Published {
                tenant: TENANT,
                channel: CHANNEL,
                items: Run::from_bytes(&items),
            })],
        );
    }
}

/// What one day must look like, in whichever database.
pub async fn check_day(target: &HistoryTarget) {
    for (query, expected) in [
        (
            "SELECT tenant, channel, name, kind FROM channels",
            "0|4|eu|shopify",
        ),
        (
            "SELECT sku, rule, units, then_pool, actor FROM channel_rules",
            "-|-|-|-|1; 0|quota|6|0|1",
        ),
        (
            "SELECT campaign, channel, name, state, then_pool, planned_by, ended_by, \
             ended_ms - started_ms FROM campaigns",
            "1|4|Friday|ended|1|1|window|1000",
        ),
        (
            "SELECT campaign, sku, wanted, given, sold, returned FROM campaign_units",
            "1|0|8|6|4|2",
        ),
        (
            "SELECT line, channel, sku, quantity FROM stock_published",
            "0|4|0|10; 0|4|0|8; 0|4|0|8",
        ),
        (
            "SELECT fate, settled_ms - received_ms FROM channel_event_fates",
            "applied|5; duplicate|20; parked|100; received|-",
        ),
        ("SELECT quantity, lag_ms FROM published_lag", "8|40"),
        (
            "SELECT tenant, channel, name, kind, events, orders, applied, duplicates, stale, \
             ignored, parked, unmapped, quarantined, discarded, waiting FROM channel_summary",
            "acme|4|eu|shopify|4|3|1|1|0|0|1|0|0|0|1",
        ),
        (
            "SELECT settled_p50_ms, settled_p99_ms, published, lag_p50_ms, lag_p99_ms \
             FROM channel_summary",
            "20|100|3|40|40",
        ),
    ] {
        assert_eq!(rows(target, query).await.join("; "), expected, "{query}");
    }
}

#[test]
fn what_channels_may_sell_what_they_sent_and_what_they_were_told_is_in_the_tables_once() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    rig.channel_day(1);
    let target = sqlite(data.path());
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        check_day(&target).await;
    });
    clear(&target).unwrap();
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        check_day(&target).await;
    });
}
