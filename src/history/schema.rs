//! The tables that records are written into, one struct a table: field = column.
//!
//! The SQL of the same tables is in `migrations/`; a test compares the two. `docs/HISTORY.md` says
//! what every column means.

use super::cell::{Cell, Int, Kind, Mark, Sum, Text, Value};

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub name: &'static str,
    #[cfg_attr(not(test), allow(dead_code))] // the database knows it; a test compares the two
    pub kind: Kind,
    pub adds: bool,
    pub clears: bool,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
    /// How many of the first columns are the key of rows that are written again; 0 where every row
    /// is written once.
    pub keys: usize,
    /// The column that is set only by the record that begins a row: what stood under the same key
    /// before is then replaced as a whole.
    pub birth: Option<&'static str>,
    /// Where the same thing may be born again and stay the same: what it keeps then.
    pub keeps: Option<Keeps>,
    /// Which word about a column counts, where several records say one.
    pub counts: Counts,
}

/// What a row keeps when it is born again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeps {
    /// The column that only the first birth sets.
    pub origin: &'static str,
    /// The columns that later births leave alone.
    pub columns: &'static [&'static str],
}

/// Which of several words about one column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// The last one: the row says how things are.
    Last,
    /// The first one: the row says how something ended, and it ended once.
    First,
}

/// A row of one table.
pub(super) trait Row: Sized {
    const TABLE: Table;
    /// The values, in the order of the columns.
    fn values(self) -> Vec<Value>;
    /// Takes in what a later record says about the same row.
    fn join(&mut self, later: Self);
    /// Takes note that the database has nothing of this row that stays.
    fn settle(&mut self);
}

macro_rules! rows {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident = $table:literal $(keys $keys:literal)?
        $(birth $birth:ident $(origin $origin:ident keeps [$($keep:ident)+])?)?
        $(counts $counts:ident)? {
            $($field:ident: $type:ty,)+
        }
    )+) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Debug, Default)]
            pub(super) struct $name {
                $(pub $field: $type,)+
            }

            impl Row for $name {
                const TABLE: Table = Table {
                    name: $table,
                    columns: &[$(Column {
                        name: stringify!($field),
                        kind: <$type as Cell>::KIND,
                        adds: <$type as Cell>::ADDS,
                        clears: <$type as Cell>::CLEARS,
                    }),+],
                    keys: 0 $(+ $keys)?,
                    birth: rows!(@birth $($birth)?),
                    keeps: rows!(@keeps $($($origin [$($keep)+])?)?),
                    counts: rows!(@counts $($counts)?),
                };

                #[allow(unused_mut)] // few rows have an origin
                fn values(mut self) -> Vec<Value> {
                    $($(if self.$origin.is_some() {
                        self.settle();
                    })?)?
                    vec![$(Cell::value(self.$field)),+]
                }

                fn join(&mut self, later: Self) {
                    $(if later.$birth.is_some() {
                        #[allow(unused_variables)] // few rows keep anything
                        let earlier = std::mem::replace(self, later);
                        $(if self.$origin.is_none() {
                            $(
                                let said = std::mem::replace(&mut self.$keep, earlier.$keep);
                                Cell::join(&mut self.$keep, said);
                            )+
                        })?
                        return;
                    })?
                    match Self::TABLE.counts {
                        Counts::Last => {
                            $(Cell::join(&mut self.$field, later.$field);)+
                        }
                        Counts::First => {
                            let first = std::mem::replace(self, later);
                            $(Cell::join(&mut self.$field, first.$field);)+
                        }
                    }
                }

                fn settle(&mut self) {
                    $(Cell::settle(&mut self.$field);)+
                }
            }
        )+

        /// Every table that records are written into.
        #[cfg(test)]
        pub(super) const TABLES: &[Table] = &[$($name::TABLE),+];
    };
    (@birth) => { None };
    (@counts) => { Counts::Last };
    (@counts $counts:ident) => { Counts::$counts };
    (@keeps) => { None };
    (@keeps $origin:ident [$($keep:ident)+]) => {
        Some(Keeps {
            origin: stringify!($origin),
            columns: &[$(stringify!($keep)),+],
        })
    };
    (@birth $birth:ident) => { Some(stringify!($birth)) };
}

rows! {
    /// A tenant.
    TenantRow = "tenants" keys 2 {
        shard: Int, tenant: Int, name: Text,
    }
    /// Who acts.
    ActorRow = "actors" keys 2 {
        shard: Int, actor: Int, name: Text,
    }
    /// What is sold.
    SkuRow = "skus" keys 2 {
        shard: Int, sku: Int, tenant: Int, name: Text, on_sale: Int,
    }
    /// Where stock is.
    LocationRow = "locations" keys 2 {
        shard: Int, location: Int, tenant: Int, name: Text, x: Int, y: Int, priority: Int,
    }
    /// Who serves the steps.
    ProviderRow = "providers" keys 2 {
        shard: Int, provider: Int, name: Text,
    }
    /// The steps of the pipelines in every set.
    StepRow = "pipeline_steps" {
        shard: Int, pipeline_set: Int, pipeline: Int, step: Int, pipeline_name: Text,
        step_name: Text, step_kind: Text, defined_sequence: Int, defined_ms: Int,
    }
    /// An order as it is now.
    OrderRow = "orders" keys 3 birth accepted_sequence origin first_accepted_ms keeps [
        touched exception confirmed_ms captured_ms first_accepted_ms
    ] {
        shard: Int, tenant: Int, order_key: Text,
        accepted_sequence: Int, accepted_ms: Int, version: Int, channel: Int, customer: Text,
        currency: Int, total: Int, placed: Int, partial: Int, external_id: Text, country: Text,
        checkout_seconds: Int, units: Int, units_shipped: Sum, units_returned: Sum,
        expires_ms: Int, state: Text, sub_state: Text, review_reason: Text, pipeline_set: Int,
        pipeline: Int, step: Int, score: Int, processor: Int, carrier: Text, authorised: Int,
        captured: Int, refunded: Int, touched: Int, exception: Int, confirmed_ms: Mark,
        captured_ms: Mark, shipped_ms: Int, delivered_ms: Int, ended_ms: Mark,
        updated_sequence: Int, updated_ms: Int, first_accepted_ms: Int,
    }
    /// What an order says about a person.
    PersonRow = "personal_data" keys 3 birth accepted_sequence {
        shard: Int, tenant: Int, order_key: Text, accepted_sequence: Int, contact_name: Text,
        email: Text, phone: Text, shipping_address: Text, billing_address: Text, ip: Text,
        device: Text, session: Text, custom_handling: Text,
    }
    /// Units that an accepted version took, one row a SKU and location.
    LineRow = "order_lines" {
        shard: Int, accepted_sequence: Int, line: Int, tenant: Int, order_key: Text, sku: Int,
        location: Int, quantity: Int, unit_price: Int,
    }
    /// Units of an order that were confirmed, shipped or returned.
    LineMovementRow = "line_movements" {
        shard: Int, sequence: Int, line: Int, tenant: Int, order_key: Text, action: Text,
        sku: Int, location: Int, quantity: Int, disposition: Text,
    }
    /// A refused order.
    RejectionRow = "rejections" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, order_key: Text,
        version: Int, channel: Int, customer: Text, reason: Text, short_lines: Int,
    }
    /// Something that happened to an order.
    EventRow = "order_events" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, order_key: Text,
        event: Text, from_state: Text, to_state: Text, sub_state: Text, review_reason: Text,
        pipeline_set: Int, pipeline: Int, step: Int, processor: Int, amount: Int, note: Text,
    }
    /// A call to a provider, all attempts together.
    EffectRow = "effects" keys 4 {
        shard: Int, tenant: Int, order_key: Text, effect: Int, started_sequence: Int,
        started_ms: Int, kind: Text, provider: Int, step: Int, milestone: Text, target: Int,
        amount: Int, reference: Text, note: Text, attempts: Int, outcome: Text, class: Text,
        status: Int, code: Text, message: Text, ended_ms: Int, dead_ms: Int, dead_class: Text,
        dead_code: Text, redriven_ms: Int, updated_sequence: Int,
    }
    /// One attempt of an effect.
    AttemptRow = "attempts" keys 5 birth started_sequence counts First {
        shard: Int, tenant: Int, order_key: Text, effect: Int, attempt: Int,
        started_sequence: Int, started_ms: Int, kind: Text, provider: Int, ended_sequence: Int,
        ended_ms: Int, class: Text, next: Text, counted: Int, due_ms: Int, latency_ms: Int,
        status: Int, amount: Int, code: Text, message: Text,
    }
    /// A breaker changed.
    BreakerRow = "breaker_changes" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, provider: Int, from_state: Text,
        to_state: Text, cause: Text, generation: Int, failures: Int, open_for_ms: Int,
        until_ms: Int,
    }
    /// A provider said something on its own.
    ReportRow = "provider_reports" {
        shard: Int, sequence: Int, time_ms: Int, provider: Int, event_id: Text, report: Text,
        fate: Text, tenant: Int, order_key: Text, amount: Int, reference: Text, text: Text,
    }
    /// A person decided.
    DecisionRow = "decisions" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, order_key: Text,
        command_key: Text, action: Text, effect: Int, amount: Int, reason: Text,
    }
    /// Stock came, went, was corrected or changed its bucket.
    MovementRow = "stock_movements" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, command_key: Text,
        kind: Text, sku: Int, location: Int, to_location: Int, quantity: Int, on_hand: Int,
        from_bucket: Text, to_bucket: Text, reason: Text,
    }
    /// A refused command.
    RefusalRow = "refused_commands" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, command_key: Text,
        code: Text, of_order: Int,
    }
    /// Something that a channel sent, or what became of it.
    ChannelEventRow = "channel_events" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, channel: Int,
        event_id: Text, fate: Text, topic: Text, body_bytes: Int, order_key: Text,
        changed_ms: Int, order_version: Int, note: Text,
    }
    /// An item of a channel stands for a SKU, or for none any more.
    ItemMappingRow = "item_mappings" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, channel: Int,
        item: Text, sku: Int, write_back: Text,
    }
    /// A sales channel.
    ChannelRow = "channels" keys 3 {
        shard: Int, tenant: Int, channel: Int, name: Text, kind: Text, updated_ms: Int,
    }
    /// What a channel may sell was decided anew.
    ChannelRuleRow = "channel_rules" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, channel: Int,
        command_key: Text, sku: Int, rule: Text, units: Int, then_pool: Int,
    }
    /// A campaign as it is now.
    CampaignRow = "campaigns" keys 2 {
        shard: Int, campaign: Int, tenant: Int, channel: Int, name: Text, from_ms: Int,
        to_ms: Int, then_pool: Int, state: Text, planned_ms: Int, planned_by: Int,
        started_ms: Int, ended_ms: Int, ended_by: Text,
    }
    /// What a campaign has of one SKU.
    CampaignUnitsRow = "campaign_units" keys 3 {
        shard: Int, campaign: Int, sku: Int, wanted: Int, given: Int, sold: Int, returned: Int,
    }
    /// A quantity that a channel acknowledged.
    PublishedRow = "stock_published" {
        shard: Int, sequence: Int, line: Int, time_ms: Int, tenant: Int, channel: Int, sku: Int,
        quantity: Int, as_of_sequence: Int,
    }
    /// A person moved the cursor of a subscriber of events, or had it served again.
    SubscriberMoveRow = "subscriber_moves" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, subscriber: Text,
        before_sequence: Int, after_sequence: Int, reason: Text,
    }
    /// Somebody did something on purpose.
    ActionRow = "actions" {
        shard: Int, sequence: Int, time_ms: Int, actor: Int, tenant: Int, about: Text,
        thing: Text, action: Text, outcome: Text, sku: Int, location: Int, channel: Int,
        campaign: Int, provider: Int, before_value: Text, after_value: Text, reason: Text,
    }
}
