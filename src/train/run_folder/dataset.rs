//! Whether the dataset is still that of the run, event by event. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::util::sha256::{Digest, Hasher};

/// An event and the digest of all that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventDigest {
    /// The event's name.
    pub event: String,
    /// The digest of its content.
    pub sha256: Digest,
}

/// What happened to the events since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Events that the run does not know.
    pub added: Vec<String>,
    /// Events that are no longer there.
    pub removed: Vec<String>,
    /// Events with other content.
    pub changed: Vec<String>,
}

impl Changes {
    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Names no more than this many events of a kind; the rest is counted.
const NAMED: usize = 5;

impl fmt::Display for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)];
        let texts = kinds.into_iter().filter(|(_, events)| !events.is_empty()).map(|(kind, events)| {
            let named = events.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            match events.len().saturating_sub(NAMED) {
                0 => format!("{kind} {named}"),
                more => format!("{kind} {named} and {more} more"),
            }
        });
        out.write_str(&texts.collect::<Vec<_>>().join("; "))
    }
}

/// Compares the events of the run with those of now, in any order.
#[must_use]
pub fn changes(run: &[EventDigest], now: &[EventDigest]) -> Changes {
    let index = |events: &[EventDigest]| -> BTreeMap<String, Digest> {
        events.iter().map(|event| (event.event.clone(), event.sha256)).collect()
    };
    let (before, after) = (index(run), index(now));
    let names = |events: &BTreeMap<String, Digest>, keep: &dyn Fn(&str, &Digest) -> bool| {
        events.iter().filter(|(name, digest)| keep(name, digest)).map(|(name, _)| name.clone()).collect()
    };
    Changes {
        added: names(&after, &|name, _| !before.contains_key(name)),
        removed: names(&before, &|name, _| !after.contains_key(name)),
        changed: names(&after, &|name, digest| before.get(name).is_some_and(|old| old != digest)),
    }
}

/// Stands for the whole dataset, whatever the order of the events.
#[must_use]
pub fn fingerprint(events: &[EventDigest]) -> Digest {
    let mut sorted: Vec<&EventDigest> = events.iter().collect();
    sorted.sort_by(|one, other| one.event.cmp(&other.event));
    let mut hasher = Hasher::default();
    for event in sorted {
        hasher.update(&(event.event.len() as u64).to_le_bytes());
        hasher.update(event.event.as_bytes());
        hasher.update(event.sha256.to_string().as_bytes());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(list: &[(&str, &str)]) -> Vec<EventDigest> {
        list.iter()
            .map(|(event, content)| EventDigest { event: (*event).into(), sha256: Digest::of(content.as_bytes()) })
            .collect()
    }

    #[test]
    fn what_happened_is_told_by_event() {
        let run = events(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = events(&[("d", "4"), ("c", "x"), ("a", "1")]);
        assert_eq!(changes(&run, &now).to_string(), "added d; removed b; changed c");
        assert_ne!(fingerprint(&run), fingerprint(&now));
    }

    #[test]
    fn order_is_no_change() {
        let (one, other) = (events(&[("a", "1"), ("b", "2")]), events(&[("b", "2"), ("a", "1")]));
        assert!(changes(&one, &other).is_empty());
        assert_eq!(fingerprint(&one), fingerprint(&other));
    }

    #[test]
    fn many_events_are_counted() {
        let now: Vec<_> =
            (0..12).map(|number| EventDigest { event: format!("e{number:02}"), sha256: Digest::of(b"") }).collect();
        assert_eq!(changes(&[], &now).to_string(), "added e00, e01, e02, e03, e04 and 7 more");
    }
}
