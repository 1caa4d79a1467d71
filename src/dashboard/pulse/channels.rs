//! How old the stock that channels show is, when they acknowledge it.

use super::registry::Latencies;
use super::sale::round;
use super::window::{Durations, Rate};
use crate::types::ChannelId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the publisher of this process counts, by the channel's name.
#[derive(Clone, Debug, Default)]
pub struct Publishing {
    /// From the commit of a figure to its acknowledgement.
    pub lags: Latencies,
    /// Items whose figure waits.
    pub waiting: BTreeMap<String, f64>,
    /// Items whose stock the channel refuses.
    pub refused: BTreeMap<String, f64>,
    /// 1 where calls fail one after the other.
    pub down: BTreeMap<String, f64>,
}

/// Channels of one tenant that are followed.
const CHANNELS_MAX: usize = 64;

/// One channel.
#[derive(Clone, Debug, Default)]
struct Channel {
    name: String,
    published: Rate,
    lag: Durations,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Channels(BTreeMap<ChannelId, Channel>);

impl Channels {
    fn get(&mut self, channel: ChannelId) -> Option<&mut Channel> {
        if self.0.len() >= CHANNELS_MAX && !self.0.contains_key(&channel) {
            return None;
        }
        Some(self.0.entry(channel).or_default())
    }

    /// A channel was defined.
    pub fn name(&mut self, channel: ChannelId, name: &str) {
        if let Some(one) = self.get(channel) {
            name.clone_into(&mut one.name);
        }
    }

    /// It acknowledged a quantity that was true `lag_ms` ago.
    pub fn published(&mut self, channel: ChannelId, time_ms: u64, lag_ms: u64) {
        if let Some(one) = self.get(channel) {
            one.published.add(time_ms / 1_000, 1);
            one.lag.record(time_ms, lag_ms);
        }
    }

    /// By name: quantities a second, their age, and what waits. The age is the publisher's own
    /// where it runs in this process, else that of the journal's records.
    pub fn json(&mut self, now_ms: u64, publishing: &Publishing) -> Value {
        let mut all = Map::new();
        for (channel, one) in &mut self.0 {
            let name = match one.name.as_str() {
                "" => format!("channel {}", channel.0),
                name => name.to_owned(),
            };
            let told = one.lag.percentiles(now_ms);
            let own = publishing.lags.get(&name);
            let at = |quantile: f64| own.and_then(|own| own.quantile_ms(quantile)).map(round);
            let row = json!({
                "rate": one.published.per_second(now_ms / 1_000),
                "p50": at(0.5).or_else(|| told.map(|(_, median, _)| median as f64)),
                "p99": at(0.99).or_else(|| told.map(|(_, _, last)| last as f64)),
                "waiting": publishing.waiting.get(&name),
                "refused": publishing.refused.get(&name),
                "down": publishing.down.get(&name).map(|down| *down > 0.0),
            });
            all.insert(name, row);
        }
        Value::Object(all)
    }
}
