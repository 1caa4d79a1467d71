//! What people want to see as it happens: retries, breakers, failovers, messages, reviews, alerts.

use serde_json::{Value, json};
use std::collections::VecDeque;

/// Entries kept.
const NEWS_MAX: usize = 60;

/// Entries of one kind in one frame; more are counted in the last of them.
const KIND_MAX: usize = 4;

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
    /// Of the running frame: entries by kind.
    frame: Vec<(&'static str, usize)>,
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
        let place = self.frame.iter().position(|one| one.0 == kind);
        let known = place.and_then(|place| self.frame.get_mut(place));
        let seen = if let Some((_, seen)) = known {
            *seen += 1;
            *seen
        } else {
            self.frame.push((kind, 1));
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
            self.entries.pop_front();
        }
    }

    /// What came since the last call, and everything that is kept.
    pub fn frame(&mut self, after: u64) -> (Vec<Value>, Vec<Value>, u64) {
        self.frame.clear();
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
        for number in 0..1_000 {
            news.add(number, "retry", None, || "again".to_owned());
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
}
