//! Whether the dataset is still that of the run, file by file. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::util::sha256::Digest;

/// A source file that is used, and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its path below the dataset.
    pub path: String,
    /// The digest of its content.
    pub sha256: Digest,
}

impl From<(String, Digest)> for FileDigest {
    fn from((path, sha256): (String, Digest)) -> Self {
        Self { path, sha256 }
    }
}

/// What happened to the files since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that the run does not know.
    pub added: Vec<String>,
    /// Files that are no longer there.
    pub removed: Vec<String>,
    /// Files with other content.
    pub changed: Vec<String>,
}

impl Changes {
    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Names no more than this many files of a kind; the rest is counted.
const NAMED: usize = 5;

impl fmt::Display for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)];
        let texts = kinds.into_iter().filter(|(_, files)| !files.is_empty()).map(|(kind, files)| {
            let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            match files.len().saturating_sub(NAMED) {
                0 => format!("{kind} {named}"),
                more => format!("{kind} {named} and {more} more"),
            }
        });
        out.write_str(&texts.collect::<Vec<_>>().join("; "))
    }
}

/// Compares the files of the run with those of now, in any order.
#[must_use]
pub fn changes(run: &[FileDigest], now: &[FileDigest]) -> Changes {
    let index = |files: &[FileDigest]| -> BTreeMap<String, Digest> {
        files.iter().map(|file| (file.path.clone(), file.sha256)).collect()
    };
    let (before, after) = (index(run), index(now));
    let names = |files: &BTreeMap<String, Digest>, keep: &dyn Fn(&str, &Digest) -> bool| {
        files.iter().filter(|(name, digest)| keep(name, digest)).map(|(name, _)| name.clone()).collect()
    };
    Changes {
        added: names(&after, &|name, _| !before.contains_key(name)),
        removed: names(&before, &|name, _| !after.contains_key(name)),
        changed: names(&after, &|name, digest| before.get(name).is_some_and(|old| old != digest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Vec<FileDigest> {
        list.iter()
            .map(|(file, content)| FileDigest { path: (*file).into(), sha256: Digest::of(content.as_bytes()) })
            .collect()
    }

    #[test]
    fn what_happened_is_told_by_file() {
        let run = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = files(&[("d", "4"), ("c", "x"), ("a", "1")]);
        assert_eq!(changes(&run, &now).to_string(), "added d; removed b; changed c");
    }

    #[test]
    fn order_is_no_change() {
        let (one, other) = (files(&[("a", "1"), ("b", "2")]), files(&[("b", "2"), ("a", "1")]));
        assert!(changes(&one, &other).is_empty());
    }

    #[test]
    fn many_files_are_counted() {
        let now: Vec<_> =
            (0..12).map(|number| FileDigest { path: format!("e{number:02}"), sha256: Digest::of(b"") }).collect();
        assert_eq!(changes(&[], &now).to_string(), "added e00, e01, e02, e03, e04 and 7 more");
    }
}
