//! How old the stock that channels show is, when they acknowledge it.

use super::window::{Durations, Rate};
use crate::types::ChannelId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

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

    /// By name: quantities a second, and their age.
    pub fn json(&mut self, now_ms: u64) -> Value {
        let mut all = Map::new();
        for (channel, one) in &mut self.0 {
            let name = match one.name.as_str() {
                "" => format!("channel {}", channel.0),
                name => name.to_owned(),
            };
            let lag = one.lag.percentiles(now_ms);
            let row = json!({
                "rate": one.published.per_second(now_ms / 1_000),
                "p50": lag.map(|(_, median, _)| median),
                "p99": lag.map(|(_, _, last)| last),
            });
            all.insert(name, row);
        }
        Value::Object(all)
    }
}
