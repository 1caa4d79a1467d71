//! The bytes of the records about sales channels, made from the offsets in `docs/JOURNAL.md`.

use crate::engine::record::{
    CampaignDefined, CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef, PublishedItem,
    Record, Run, put_run,
};
use crate::types::channel_stock::{CampaignEnd, ChannelRule};
use crate::types::record::{RawRecord, RecordBuffer};
use crate::types::{ActorId, ChannelId, ChannelKind, CommandKey, SkuId, TenantId};

const HEAD: ChannelRef = ChannelRef {
    key: CommandKey(0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110),
    fingerprint: 0xf1f2_f3f4_f5f6_f7f8,
    tenant: TenantId(5),
    channel: ChannelId(3),
};

/// The head of a keyed command in hex.
const HEAD_HEX: &str = "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f105000300";

#[allow(clippy::too_many_lines)] // a table
fn each(mut check: impl FnMut(ChannelRecord<'_>, u8, &str)) {
    let (tenant, channel) = (HEAD.tenant, HEAD.channel);
    let defined = |kind| ChannelRecord::Defined {
        tenant,
        channel,
        kind,
        name: "eu",
    };
    check(defined(Some(ChannelKind::Shopee)), 112, "0500030003026575");
    check(defined(None), 112, "0500030000026575");
    let rule = |sku: Option<u32>, rule| ChannelRecord::RuleSet {
        head: HEAD,
        sku: sku.map(SkuId),
        rule,
        anew: false,
    };
    let quota = ChannelRule::Quota {
        units: 9,
        then_pool: false,
    };
    let rest = "07000000020900000000";
    check(
        rule(Some(7), Some(quota)),
        113,
        &format!("{HEAD_HEX}{rest}"),
    );
    let pool = ChannelRule::Pool { buffer: 2 };
    let rest = "ffffffff010200000001";
    check(rule(None, Some(pool)), 113, &format!("{HEAD_HEX}{rest}"));
    let cap = ChannelRule::Cap { units: 2 };
    let rest = "07000000030200000001";
    check(rule(Some(7), Some(cap)), 113, &format!("{HEAD_HEX}{rest}"));
    let rest = "07000000000000000000";
    check(rule(Some(7), None), 113, &format!("{HEAD_HEX}{rest}"));

    let mut during = rule(Some(7), Some(cap));
    if let ChannelRecord::RuleSet { anew, .. } = &mut during {
        *anew = true;
    }
    let rest = "07000000030200000003";
    check(during, 113, &format!("{HEAD_HEX}{rest}"));

    let (mut units, mut returns, mut published) = (Vec::new(), Vec::new(), Vec::new());
    let sku = SkuId(7);
    put_run(&mut units, [CampaignUnits { sku, units: 9 }]);
    let end = CampaignReturn {
        sku,
        given: 9,
        sold: 4,
        returned: 5,
    };
    put_run(&mut returns, [end]);
    let item = PublishedItem {
        sku,
        quantity: 6,
        sequence: 70,
    };
    put_run(&mut published, [item]);
    let campaign = CampaignDefined {
        head: HEAD,
        campaign: 2,
        from_ms: 80,
        to_ms: 90,
        then_pool: true,
        name: "may",
        wants: Run::from_bytes(&units),
    };
    let rest = "0200000050000000000000005a0000000000000001036d617901000700000009000000";
    check(
        ChannelRecord::CampaignDefined(campaign),
        114,
        &format!("{HEAD_HEX}{rest}"),
    );
    let started = ChannelRecord::CampaignStarted {
        tenant,
        channel,
        campaign: 2,
        given: Run::from_bytes(&units),
    };
    check(started, 115, "050003000200000001000700000009000000");
    let ended = ChannelRecord::CampaignEnded {
        head: HEAD,
        campaign: 2,
        cause: CampaignEnd::Command,
        items: Run::from_bytes(&returns),
    };
    let rest = "0200000002010007000000090000000400000005000000";
    check(ended, 116, &format!("{HEAD_HEX}{rest}"));
    let published = ChannelRecord::Published {
        tenant,
        channel,
        items: Run::from_bytes(&published),
    };
    check(
        published,
        117,
        "05000300010007000000060000004600000000000000",
    );
}

#[test]
fn records_about_channels_have_the_documented_bytes() {
    each(|record, number, expected| {
        let mut payload = Vec::new();
        Record::Channel(record).put(&mut payload);
        assert_eq!(hex::encode(&payload), expected, "{record:?}");
        assert_eq!(record.kind(), number);
    });
}

#[test]
fn every_record_about_channels_decodes_to_what_was_encoded_and_no_truncation_decodes() {
    each(|record, _, _| {
        let mut buffer = RecordBuffer::default();
        buffer.start(9);
        let (_, raw) = Record::Channel(record).push(&mut buffer, ActorId(3));
        assert_eq!(Record::decode(&raw), Some(Record::Channel(record)));
        for length in 0..raw.payload.len() {
            let payload = &raw.payload[..length];
            let decoded = Record::decode(&RawRecord { payload, ..raw });
            assert!(decoded.is_none(), "{length} bytes of {record:?}");
        }
    });
}
