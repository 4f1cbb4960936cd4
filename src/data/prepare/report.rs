//! The outcome of every group of files, for people and for later stages. It is written last, always as a whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::{FsError, remove_file, write_atomic};
use crate::util::sha256::{Digest, Hasher};

/// The bad files of a dataset that was refused because of them.
const REFUSED: &str = "refused.json";

/// The bad files that an error names; a list on the disk names all.
const EXAMPLES: usize = 3;

/// The report on a prepared dataset. `A` is the task's part, such as the options that made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report<A> {
    /// What the task says about the dataset.
    #[serde(flatten)]
    pub about: A,
    /// Identifies what was prepared: changes with any source file that is used, and with nothing else.
    pub fingerprint: Digest,
    /// All groups, by path.
    #[serde(rename = "events")]
    pub groups: Vec<GroupReport>,
}

/// What became of a group of files: an event, a class.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupReport {
    /// Its path below the dataset's root.
    pub path: String,
    /// What the dataset has of it; empty if the dataset does not contain it.
    #[serde(rename = "frames")]
    pub items: usize,
    /// Source files.
    pub files: usize,
    /// The files that were set aside.
    pub set_aside: Vec<SetAside>,
    /// The names and the content of the files that are used.
    #[serde(skip)]
    pub used: Vec<(String, Digest)>,
}

/// A file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Its name in the group's folder.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Too much of a dataset is unusable.
#[derive(Debug, Error)]
#[error(
    "{bad} of {total} files can't be used, more than {key} = {limit} allows; {}; {} names all of them; repair the files or \
     raise the share",
    examples.join("; "),
    list.display()
)]
pub struct TooManyBad {
    /// Files set aside.
    pub bad: usize,
    /// All files.
    pub total: usize,
    /// The key of the configured share.
    pub key: &'static str,
    /// The configured share.
    pub limit: f64,
    /// The most frequent reasons, each with its files.
    pub examples: Vec<String>,
    /// The file that names all.
    pub list: PathBuf,
}

impl TooManyBad {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::DataRefused
    }
}

impl<A: Serialize + DeserializeOwned> Report<A> {
    /// A report, with its fingerprint.
    #[must_use]
    pub fn new(about: A, groups: Vec<GroupReport>) -> Self {
        let mut hasher = Hasher::default();
        for group in groups.iter().filter(|group| group.items > 0) {
            hasher.update(format!("{}\n{}\n", group.path, group.used.len()).as_bytes());
            group.used.iter().for_each(|(_, digest)| hasher.update(digest.to_string().as_bytes()));
        }
        Self { about, fingerprint: hasher.finish(), groups }
    }

    /// The path of a prepared dataset's report.
    #[must_use]
    pub fn path(store: &Path) -> PathBuf {
        store.join("report.json")
    }

    /// Reads the report of a prepared dataset.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn load(store: &Path) -> Result<Self, FsError> {
        let path = Self::path(store);
        let text = std::fs::read(&path).map_err(FsError::at("read", &path))?;
        serde_json::from_slice(&text).map_err(|error| FsError::at("understand", &path)(error.into()))
    }

    /// What was written of the last attempt if it was refused: the groups with bad files. None if it was not.
    #[must_use]
    pub fn refused(store: &Path) -> Option<Vec<GroupReport>> {
        serde_json::from_slice(&std::fs::read(store.join(REFUSED)).ok()?).ok()
    }

    /// All source files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.groups.iter().map(|group| group.files).sum()
    }

    /// All files that were set aside.
    #[must_use]
    pub fn bad(&self) -> usize {
        self.groups.iter().map(|group| group.set_aside.len()).sum()
    }

    /// Every source file that is used, by its path below the dataset's root, with the digest of its content.
    #[must_use]
    pub fn used(&self) -> Vec<(String, Digest)> {
        let groups = self.groups.iter().filter(|group| group.items > 0);
        let path = |group: &str, name: &str| if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
        let files =
            groups.flat_map(|group| group.used.iter().map(move |(name, sha256)| (path(&group.path, name), *sha256)));
        files.collect()
    }

    /// Everything that was prepared.
    #[must_use]
    pub fn items(&self) -> usize {
        self.groups.iter().map(|group| group.items).sum()
    }

    /// Why files were set aside, the most frequent reasons first, one line each; and how many files these lines are about.
    #[must_use]
    pub fn reasons(&self, most: usize) -> (Vec<String>, usize) {
        let reasons = reasons(&self.groups);
        let shown = &reasons[..reasons.len().min(most)];
        (shown.iter().map(|reason| reason.line(self.files())).collect(), shown.iter().map(|reason| reason.files).sum())
    }

    /// Writes the report, unless the same is there already.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn save(&self, store: &Path) -> Result<(), FsError> {
        write_json(&Self::path(store), self)?;
        remove_file(&store.join(REFUSED))
    }
}

/// Refuses a dataset as soon as it is certain that too many files are bad: a larger share than the key of this name allows.
/// All of them are listed beside the report; that of what was prepared before stays as it is.
///
/// # Errors
/// The outer one if the list can't be written, the inner one if there are too many.
pub fn check_share(
    groups: &[GroupReport],
    store: &Path,
    (key, limit): (&'static str, f64),
) -> Result<Result<(), TooManyBad>, FsError> {
    let total: usize = groups.iter().map(|group| group.files).sum();
    let bad: usize = groups.iter().map(|group| group.set_aside.len()).sum();
    if bad as f64 <= limit * total as f64 {
        return Ok(Ok(()));
    }
    let list = store.join(REFUSED);
    let refused: Vec<_> = groups.iter().filter(|group| !group.set_aside.is_empty()).collect();
    write_json(&list, &refused)?;
    let examples = reasons(groups).iter().take(EXAMPLES).map(|reason| reason.line(total)).collect();
    Ok(Err(TooManyBad { bad, total, key, limit, examples, list }))
}

/// A reason to set files aside.
struct Reason<'a> {
    text: &'a str,
    files: usize,
    first: String,
}

impl Reason<'_> {
    /// One line for all files with this reason.
    fn line(&self, total: usize) -> String {
        match self.files {
            1 => format!("{}: {}", self.first, self.text),
            files => format!("{files} of {total}: {} (the first is {})", self.text, self.first),
        }
    }
}

/// All reasons, those of most files first.
fn reasons(groups: &[GroupReport]) -> Vec<Reason<'_>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut reasons: Vec<Reason<'_>> = Vec::new();
    for (group, bad) in groups.iter().flat_map(|group| group.set_aside.iter().map(move |bad| (group, bad))) {
        let place = *places.entry(&bad.reason).or_insert(reasons.len());
        match reasons.get_mut(place) {
            Some(reason) => reason.files += 1,
            None => {
                let first =
                    if group.path.is_empty() { bad.file.clone() } else { format!("{}/{}", group.path, bad.file) };
                reasons.push(Reason { text: &bad.reason, files: 1, first });
            }
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.files));
    reasons
}

/// Writes a value as JSON, unless the same is there already.
fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FsError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| FsError::at("encode", path)(error.into()))?;
    text.push(b'\n');
    if std::fs::read(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    write_atomic(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(path: &str, items: usize, bad: &[&str]) -> GroupReport {
        let set_aside = |name: &&str| SetAside { file: (*name).into(), reason: "cut".into() };
        let used = (0..items).map(|number| (format!("{number}.png"), Digest::of(&[number as u8]))).collect();
        let files = items + bad.len();
        GroupReport { path: path.into(), items, files, set_aside: bad.iter().map(set_aside).collect(), used }
    }

    #[test]
    fn too_many_bad_files_are_refused_with_examples_and_a_list_that_goes_with_the_next_report() {
        let folder = tempfile::tempdir().unwrap();
        let mut groups = [group("A", 6, &["x.png", "y.png"]), group("B", 0, &["p.png", "q.png"])];
        groups[0].set_aside[0].reason = "empty".into();
        let check = |limit| check_share(&groups, folder.path(), ("task.t.prepare.max_bad_share", limit)).unwrap();
        check(0.4).unwrap();
        assert!(!folder.path().join(REFUSED).exists());
        let error = check(0.3).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "4 of 10 files can't be used, more than task.t.prepare.max_bad_share = 0.3 allows; 3 of 10: cut (the first is \
                 A/y.png); A/x.png: empty; {} names all of them; repair the files or raise the share",
                folder.path().join(REFUSED).display()
            )
        );
        let listed: Vec<GroupReport> = serde_json::from_slice(&std::fs::read(error.list).unwrap()).unwrap();
        assert_eq!(listed.iter().map(|group| group.set_aside.len()).sum::<usize>(), 4);
        Report::new((), Vec::new()).save(folder.path()).unwrap();
        assert!(!folder.path().join(REFUSED).exists());
    }

    #[test]
    fn the_fingerprint_changes_with_the_content_that_is_used_and_with_nothing_else() {
        let of = |groups: &[GroupReport]| Report::new((), groups.to_vec()).fingerprint;
        let base = of(&[group("A", 3, &[]), group("B", 2, &[])]);
        assert_eq!(of(&[group("A", 3, &["bad.png"]), group("B", 2, &[]), group("C", 0, &["bad.png"])]), base);
        assert_ne!(of(&[group("A", 4, &[]), group("B", 2, &[])]), base);
        assert_ne!(of(&[group("A", 3, &[]), group("C", 2, &[])]), base);
    }
}
