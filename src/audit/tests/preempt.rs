//! What verification says of holds that gave their units to a sold order.

use super::story::{BERLIN, LAMP, Story, TENANT, units};
use super::{assert_offence, finding, offences, verified};
use crate::engine::record::{
    Blob, HoldPreempted, PipelinesDefined, ProcessRecord, Record, accepted_flags,
};
use crate::types::pipeline::{PIPELINES_ARCHIVE_VERSION, Pipeline, PipelineSet};
use crate::types::{ChannelId, OrderKey};

/// Two lamps, both held by order 1, and pipelines that let sold orders end holds, or do not.
fn story(allowed: bool) -> Story {
    let mut story = Story::new();
    story.define();
    story.receive(LAMP, BERLIN, 2);
    let set = PipelineSet {
        pipelines: vec![Pipeline::default()],
        facts_preempt_holds: allowed,
        ..PipelineSet::default()
    };
    story.push(&Record::Process(ProcessRecord::Pipelines(
        PipelinesDefined {
            set: 1,
            archive_version: PIPELINES_ARCHIVE_VERSION,
            archive: Blob(&set.archive()),
        },
    )));
    story.accept(1, 1, 0, &[units(LAMP, BERLIN, 2)]);
    story
}

fn preempt(story: &mut Story, by: u128) {
    story.push(&Record::Process(ProcessRecord::Preempted(HoldPreempted {
        order: OrderKey(1),
        tenant: TENANT,
        by: OrderKey(by),
        channel: ChannelId(3),
    })));
}

fn sold(story: &mut Story, order: u128) {
    let flags = accepted_flags::PLACED | accepted_flags::FACT;
    story.accept(order, 1, flags, &[units(LAMP, BERLIN, 1)]);
}

#[test]
fn a_hold_that_gives_way_to_the_sold_order_behind_it_is_without_offence() {
    let mut story = story(true);
    preempt(&mut story, 2);
    sold(&mut story, 2);
    let report = verified(&story);
    for claim in ["I3", "I5", "I7"] {
        let verdict = finding(&report, claim).verdict();
        assert_eq!(verdict, "ok", "{claim}: {}", offences(&report));
    }
}

#[test]
fn a_hold_that_gives_way_where_no_pipelines_allow_it_is_named() {
    let mut story = story(false);
    preempt(&mut story, 2);
    sold(&mut story, 2);
    let words = ["gives its units to a sold order", "no pipelines allow"];
    assert_offence(&verified(&story), "I5", &words);
}

#[test]
fn a_hold_that_gives_way_to_nobody_is_named_and_so_is_one_that_does_so_twice() {
    let mut nobody = story(true);
    preempt(&mut nobody, 2);
    sold(&mut nobody, 3);
    let words = ["holds ended for it", "not accepted"];
    assert_offence(&verified(&nobody), "I7", &words);

    let mut twice = story(true);
    preempt(&mut twice, 2);
    preempt(&mut twice, 2);
    sold(&mut twice, 2);
    assert_offence(&verified(&twice), "I5", &["no live hold"]);
}
