//! The rows of one transaction: what the records of some batches say, joined row by row.

use super::cell::Value;
use super::schema::{
    ActionRow, ActorRow, AttemptRow, BreakerRow, CampaignRow, CampaignUnitsRow, ChannelEventRow,
    ChannelRow, ChannelRuleRow, DecisionRow, EffectRow, EventRow, ItemMappingRow, LineMovementRow,
    LineRow, LocationRow, MovementRow, OrderRow, PersonRow, ProviderRow, PublishedRow, RefusalRow,
    RejectionRow, ReportRow, Row, SkuRow, StepRow, SubscriberMoveRow, Table, TenantRow,
};
use std::collections::BTreeMap;

/// The key of a row within its shard: a tenant or handle, an order, and what is counted within it.
pub(super) type Key = (u32, u128, u32);

/// Rows that later records change, joined while they wait.
#[derive(Debug)]
pub(super) struct Kept<R>(BTreeMap<Key, R>);

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<R: Row> Kept<R> {
    /// Takes in what a record says about the row of `key`.
    pub fn join(&mut self, key: Key, row: R) {
        match self.0.entry(key) {
            std::collections::btree_map::Entry::Occupied(mut kept) => kept.get_mut().join(row),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(row);
            }
        }
    }
}

/// Everything that one transaction writes, beside the cursor.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub tenants: Kept<TenantRow>,
    pub actors: Kept<ActorRow>,
    pub skus: Kept<SkuRow>,
    pub locations: Kept<LocationRow>,
    pub providers: Kept<ProviderRow>,
    pub orders: Kept<OrderRow>,
    pub people: Kept<PersonRow>,
    pub effects: Kept<EffectRow>,
    pub attempts: Kept<AttemptRow>,
    pub steps: Vec<StepRow>,
    pub lines: Vec<LineRow>,
    pub line_movements: Vec<LineMovementRow>,
    pub rejections: Vec<RejectionRow>,
    pub events: Vec<EventRow>,
    pub breakers: Vec<BreakerRow>,
    pub reports: Vec<ReportRow>,
    pub decisions: Vec<DecisionRow>,
    pub movements: Vec<MovementRow>,
    pub refusals: Vec<RefusalRow>,
    pub channel_events: Vec<ChannelEventRow>,
    pub item_mappings: Vec<ItemMappingRow>,
    pub channels: Kept<ChannelRow>,
    pub channel_rules: Vec<ChannelRuleRow>,
    pub campaigns: Kept<CampaignRow>,
    pub campaign_units: Kept<CampaignUnitsRow>,
    pub published: Vec<PublishedRow>,
    pub subscriber_moves: Vec<SubscriberMoveRow>,
    pub actions: Vec<ActionRow>,
    /// Orders of which units were shipped by command: tenant and key.
    pub shipped: Vec<(i64, String)>,
}

impl Rows {
    /// The rows, table by table, in the order of writing.
    pub fn into_tables(self) -> Vec<(&'static Table, Vec<Vec<Value>>)> {
        fn kept<R: Row>(rows: Kept<R>) -> (&'static Table, Vec<Vec<Value>>) {
            (
                const { &R::TABLE },
                rows.0.into_values().map(Row::values).collect(),
            )
        }
        fn listed<R: Row>(rows: Vec<R>) -> (&'static Table, Vec<Vec<Value>>) {
            (
                const { &R::TABLE },
                rows.into_iter().map(Row::values).collect(),
            )
        }
        vec![
            kept(self.tenants),
            kept(self.actors),
            kept(self.skus),
            kept(self.locations),
            kept(self.providers),
            listed(self.steps),
            kept(self.orders),
            kept(self.people),
            listed(self.lines),
            listed(self.line_movements),
            listed(self.rejections),
            listed(self.events),
            kept(self.effects),
            kept(self.attempts),
            listed(self.breakers),
            listed(self.reports),
            listed(self.decisions),
            listed(self.movements),
            listed(self.refusals),
            listed(self.channel_events),
            listed(self.item_mappings),
            kept(self.channels),
            listed(self.channel_rules),
            kept(self.campaigns),
            kept(self.campaign_units),
            listed(self.published),
            listed(self.subscriber_moves),
            listed(self.actions),
        ]
    }
}
