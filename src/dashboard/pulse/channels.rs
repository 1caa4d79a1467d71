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

/// Nothing acknowledged for so long while figures wait, in milliseconds, and the channel stands
/// still: what it shows is as old as that at least.
const STILL_MS: u64 = 3_000;

/// Channels of one tenant that are followed.
const CHANNELS_MAX: usize = 64;

/// One channel.
#[derive(Clone, Debug, Default)]
struct Channel {
    name: String,
    published: Rate,
    lag: Durations,
    /// When it acknowledged something last, in milliseconds since the Unix epoch; 0: never.
    heard_ms: u64,
    /// Since when figures have waited for it.
    waiting_since_ms: Option<u64>,
}

impl Channel {
    fn label(&self, channel: ChannelId) -> String {
        match self.name.as_str() {
            "" => format!("channel {}", channel.0),
            name => name.to_owned(),
        }
    }

    /// For how long nothing went although figures wait.
    fn still_ms(&self, now_ms: u64) -> Option<u64> {
        let since_ms = self.waiting_since_ms?.max(self.heard_ms);
        Some(now_ms.saturating_sub(since_ms)).filter(|ms| *ms >= STILL_MS)
    }
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
            one.heard_ms = time_ms;
        }
    }

    /// Notes which channels figures wait for now.
    pub fn note(&mut self, now_ms: u64, publishing: &Publishing) {
        for (channel, one) in &mut self.0 {
            let waiting = publishing.waiting.get(&one.label(*channel));
            if waiting.is_some_and(|waiting| *waiting > 0.0) {
                one.waiting_since_ms.get_or_insert(now_ms);
            } else {
                one.waiting_since_ms = None;
            }
        }
    }

    /// By name: quantities a second, their age, and what waits. The age is the publisher's own
    /// where it runs in this process, else that of the journal's records. Channels that nobody
    /// publishes to are left out.
    pub fn json(&mut self, now_ms: u64, publishing: &Publishing) -> Value {
        let mut all = Map::new();
        for (channel, one) in &mut self.0 {
            let name = one.label(*channel);
            if one.heard_ms == 0 && !publishing.waiting.contains_key(&name) {
                continue;
            }
            let told = one.lag.percentiles(now_ms);
            let own = publishing.lags.get(&name);
            let at = |quantile: f64| own.and_then(|own| own.quantile_ms(quantile)).map(round);
            let row = json!({
                "rate": one.published.per_second(now_ms / 1_000),
                "p50": at(0.5).or_else(|| told.map(|(_, median, _)| median as f64)),
                "p99": at(0.99).or_else(|| told.map(|(_, _, last)| last as f64)),
                "still": one.still_ms(now_ms),
                "waiting": publishing.waiting.get(&name),
                "refused": publishing.refused.get(&name),
                "down": publishing.down.get(&name).map(|down| *down > 0.0),
            });
            all.insert(name, row);
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publishing(waiting: f64, down: f64) -> Publishing {
        Publishing {
            waiting: [("shop-eu".to_owned(), waiting)].into(),
            down: [("shop-eu".to_owned(), down)].into(),
            ..Publishing::default()
        }
    }

    #[test]
    fn a_channel_that_is_down_from_the_start_has_a_row_and_grows_older() {
        let mut channels = Channels::default();
        channels.name(ChannelId(3), "shop-eu");
        channels.name(ChannelId(4), "by-hand");
        for now_ms in [10_000, 11_000, 15_000] {
            channels.note(now_ms, &publishing(2.0, 1.0));
        }
        let told = channels.json(15_000, &publishing(2.0, 1.0));
        let row = &told["shop-eu"];
        assert_eq!(
            (&row["still"], &row["waiting"]),
            (&json!(5_000), &json!(2.0))
        );
        assert_eq!(row["down"], true);
        assert!(told["by-hand"].is_null(), "nobody publishes to it: {told}");
    }

    #[test]
    fn a_channel_that_acknowledges_or_has_nothing_to_be_told_stands_not_still() {
        let mut channels = Channels::default();
        channels.name(ChannelId(3), "shop-eu");
        channels.note(10_000, &publishing(2.0, 0.0));
        channels.published(ChannelId(3), 13_000, 80);
        channels.note(14_000, &publishing(1.0, 0.0));
        let told = channels.json(14_000, &publishing(1.0, 0.0));
        assert_eq!(told["shop-eu"]["still"], Value::Null, "{told}");
        channels.note(60_000, &publishing(0.0, 0.0));
        let told = channels.json(60_000, &publishing(0.0, 0.0));
        assert_eq!(told["shop-eu"]["still"], Value::Null, "{told}");
    }
}
