//! What people want to see as it happens: retries, breakers, failovers, messages, reviews, alerts.

use serde_json::{Value, json};
use std::collections::VecDeque;

/// Entries kept.
const NEWS_MAX: usize = 60;

/// Entries of one kind in one moment; more are counted in the last of them.
const KIND_MAX: usize = 4;

/// How long a moment is, in milliseconds of the journal's time; a frame ends it as well. So the
/// latest are there for whoever comes after an hour in which nobody watched.
const MOMENT_MS: u64 = 250;

/// Longest text of an entry, in characters.
const TEXT_MAX: usize = 160;

/// One thing that happened.
#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    at_ms: u64,
    kind: &'static str,
    order: Option<String>,
    text: String,
    /// How many others of this kind happened in the same moment.
    more: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct News {
    entries: VecDeque<Entry>,
    next: u64,
    /// When the running moment began.
    moment_ms: u64,
    /// Of the running moment: entries by kind.
    moment: Vec<(&'static str, usize)>,
}

impl News {
    /// Takes one; `text` is made only where there is room for it.
    pub fn add(
        &mut self,
        at_ms: u64,
        kind: &'static str,
        order: Option<String>,
        text: impl FnOnce() -> String,
    ) {
        if at_ms.abs_diff(self.moment_ms) >= MOMENT_MS {
            self.moment_ms = at_ms;
            self.moment.clear();
        }
        let place = self.moment.iter().position(|one| one.0 == kind);
        let known = place.and_then(|place| self.moment.get_mut(place));
        let seen = if let Some((_, seen)) = known {
            *seen += 1;
            *seen
        } else {
            self.moment.push((kind, 1));
            1
        };
        if seen > KIND_MAX {
            let latest = self.entries.iter_mut().rev().find(|one| one.kind == kind);
            if let Some(latest) = latest {
                latest.more += 1;
            }
            return;
        }
        self.next += 1;
        self.entries.push_back(Entry {
            id: self.next,
            at_ms,
            kind,
            order,
            text: text().chars().take(TEXT_MAX).collect(),
            more: 0,
        });
        if self.entries.len() > NEWS_MAX {
            self.make_room();
        }
    }

    /// The oldest of the kind that there is most of goes, so that a flood of one kind does not wash
    /// away the others.
    fn make_room(&mut self) {
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for entry in &self.entries {
            match counts.iter_mut().find(|(kind, _)| *kind == entry.kind) {
                Some((_, count)) => *count += 1,
                None => counts.push((entry.kind, 1)),
            }
        }
        let most = counts.iter().max_by_key(|(_, count)| *count);
        let most = most.map(|(kind, _)| *kind);
        let oldest = self.entries.iter().position(|one| Some(one.kind) == most);
        if let Some(oldest) = oldest {
            self.entries.remove(oldest);
        }
    }

    /// What came since the last call, and everything that is kept.
    pub fn frame(&mut self, after: u64) -> (Vec<Value>, Vec<Value>, u64) {
        self.moment.clear();
        let all: Vec<Value> = self.entries.iter().map(Entry::json).collect();
        let new = self.entries.iter().filter(|one| one.id > after);
        (new.map(Entry::json).collect(), all, self.next)
    }
}

impl Entry {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "at": self.at_ms,
            "kind": self.kind,
            "order": self.order,
            "text": self.text,
            "more": self.more,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_counted_and_leaves_room_for_others() {
        let mut news = News::default();
        for _ in 0..1_000 {
            news.add(1_000, "retry", None, || "again".to_owned());
        }
        news.add(1_000, "breaker", None, || "open".to_owned());
        let (new, all, last) = news.frame(0);
        assert_eq!((new.len(), all.len()), (5, 5));
        assert_eq!(all[3]["more"], 996);
        assert_eq!(all[4]["kind"], "breaker");
        news.add(1_001, "retry", None, || "once more".to_owned());
        let (new, all, _) = news.frame(last);
        assert_eq!((new.len(), all.len()), (1, 6));
        for number in 0..1_000 {
            news.add(number, "retry", None, || "again".to_owned());
            news.frame(0);
        }
        assert_eq!(news.frame(0).1.len(), NEWS_MAX);
    }

    #[test]
    fn after_an_hour_in_which_nobody_watched_the_latest_of_every_kind_are_there() {
        let mut news = News::default();
        news.add(0, "breaker", None, || "open".to_owned());
        for second in 1..3_600 {
            for _ in 0..50 {
                news.add(second * 1_000, "retry", None, || {
                    format!("in second {second}")
                });
            }
        }
        news.add(3_600_000, "alert", None, || "the team".to_owned());
        let (_, all, _) = news.frame(0);
        assert_eq!(all.len(), NEWS_MAX);
        let kind = |at: usize| all[at]["kind"].as_str().expect("a kind").to_owned();
        assert_eq!(
            (kind(0), kind(NEWS_MAX - 1)),
            ("breaker".into(), "alert".into())
        );
        assert_eq!(all[NEWS_MAX - 2]["text"], "in second 3599");
        assert_eq!(all[NEWS_MAX - 2]["more"], 46);
    }
}
