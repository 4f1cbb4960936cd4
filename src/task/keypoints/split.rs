//! Which sequences train, validate and test: the rules, and why a dataset can't be split by one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use thiserror::Error;

use super::config::{SplitBy, SplitConfig};
use super::facts::{Facts, SampleFacts};
use super::read::{ReadError, SplitFile};
use crate::data::split::{Item, Shares, Side, stratified};
use crate::util::exit::Exit;
use crate::util::sha256::{Digest, Hasher};

/// What the split follows from, beside the sequences: not the seed of a run, so that all runs are validated on the same ones.
const SEED: u64 = 42;

/// Names in a message.
const MOST_NAMED: usize = 5;

/// A dataset that can't be split as asked.
#[derive(Debug, Error)]
pub enum SplitError {
    /// Nobody says who signed, or from which recording.
    #[error(
        "task.keypoints.split.by: {by} needs the {by} of every sequence, and {unknown} of {all} have none, such as {example:?}; \
         write `by: class` instead"
    )]
    Unknown {
        /// `signer` or `video`.
        by: &'static str,
        /// Sequences without one.
        unknown: usize,
        /// All of them.
        all: usize,
        /// One of them.
        example: String,
    },
    /// There are not enough of them to have one on each side.
    #[error(
        "task.keypoints.split.by: {by} needs a {by} for each side, {needed} in all, and the dataset has {count}{beside} ({names}); \
         {remedy}"
    )]
    TooFew {
        /// `signer` or `video`.
        by: &'static str,
        /// How many are needed.
        needed: usize,
        /// How many there are.
        count: usize,
        /// Their names.
        names: String,
        /// Besides which others.
        beside: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The configuration names one that is not there.
    #[error("task.keypoints.split.{key} names the {by} {name:?}, and the dataset has {names}; correct the name")]
    NotThere {
        /// `val` or `test`.
        key: &'static str,
        /// `signer` or `video`.
        by: &'static str,
        /// The name.
        name: String,
        /// Those that are there.
        names: String,
    },
    /// The dataset has no sides of its own.
    #[error(
        "task.keypoints.split.by: file without a file takes the sides that the dataset itself gives, and this one gives none; set \
         task.keypoints.split.file"
    )]
    NoSides,
    /// The file can't be used.
    #[error("task.keypoints.split.file: {0}; correct the path or the file, or write `by: class`")]
    File(#[from] ReadError),
    /// Nothing is left to train on.
    #[error("no sequence trains: {reason}")]
    NothingTrains {
        /// Why, and what to do.
        reason: String,
    },
}

impl SplitError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unknown { .. }
            | Self::TooFew { .. }
            | Self::NotThere { .. }
            | Self::NoSides
            | Self::NothingTrains { .. } => Exit::Configuration,
            Self::File(error) => error.exit(),
        }
    }
}

impl SplitConfig {
    /// Reads the split file, if there is one: preparing takes long, and a wrong path is found before it.
    ///
    /// # Errors
    /// If it can't be read, or is no split file.
    pub fn check_file(&self) -> Result<(), SplitError> {
        self.file.as_deref().map(SplitFile::read).transpose()?;
        Ok(())
    }
}

crate::util::failures!("split": SplitError);

/// The side of each sequence; none if it takes no part.
///
/// # Errors
/// If the dataset can't be split so.
pub fn sides(facts: &Facts, split: &SplitConfig) -> Result<Vec<Option<Side>>, SplitError> {
    let sides = match split.by {
        SplitBy::Class => by_class(facts, split),
        SplitBy::Signer => by_group(facts, split, "signer", |sample| sample.signer.as_deref())?,
        SplitBy::Video => by_group(facts, split, "video", SampleFacts::recording)?,
        SplitBy::File => completed(facts, split, by_file(facts, split.file.as_deref())?),
    };
    match sides.contains(&Some(Side::Train)) {
        true => Ok(sides),
        false => {
            let reason = match split.by {
                SplitBy::File => "the lists put none there; name some under train",
                _ => "all are on other sides; lower task.keypoints.split.val_share",
            };
            Err(SplitError::NothingTrains { reason: reason.to_owned() })
        }
    }
}

fn by_class(facts: &Facts, split: &SplitConfig) -> Vec<Option<Side>> {
    let item = |sample: &SampleFacts| Item { class: sample.class, content: sample.content };
    let items: Vec<Item> = facts.samples.iter().map(item).collect();
    let shares = Shares { val: split.val_share, test: split.test_share };
    stratified(&items, &facts.classes, shares, SEED).into_iter().map(Some).collect()
}

fn by_file(facts: &Facts, file: Option<&Path>) -> Result<Vec<Option<Side>>, SplitError> {
    let Some(file) = file else {
        let own: Vec<_> = facts.samples.iter().map(|sample| sample.side).collect();
        return if own.iter().any(Option::is_some) { Ok(own) } else { Err(SplitError::NoSides) };
    };
    let names: Vec<&str> = facts.samples.iter().map(|sample| sample.name.as_str()).collect();
    let gone: Vec<&str> = facts.gone.iter().map(String::as_str).collect();
    Ok(SplitFile::read(file)?.sides(&names, &gone)?)
}

/// What lists or a dataset have no side for is taken from their training side, of each class the share of the configuration.
fn completed(facts: &Facts, split: &SplitConfig, mut sides: Vec<Option<Side>>) -> Vec<Option<Side>> {
    let share = |side: Side, share: f64| if sides.contains(&Some(side)) { 0.0 } else { share };
    let shares = Shares { val: share(Side::Val, split.val_share), test: share(Side::Test, split.test_share) };
    let free: Vec<usize> = (0..sides.len()).filter(|&place| sides[place] == Some(Side::Train)).collect();
    let item = |&place: &usize| {
        let sample = &facts.samples[place];
        Item { class: sample.class, content: sample.content }
    };
    let items: Vec<Item> = free.iter().map(item).collect();
    for (place, side) in free.into_iter().zip(stratified(&items, &facts.classes, shares, SEED)) {
        sides[place] = Some(side);
    }
    sides
}

/// Whole signers or recordings: those that are named, or a share of them that follows from their names.
fn by_group<'a>(
    facts: &'a Facts,
    split: &SplitConfig,
    by: &'static str,
    group: impl Fn(&'a SampleFacts) -> Option<&'a str>,
) -> Result<Vec<Option<Side>>, SplitError> {
    let unknown = || facts.samples.iter().filter(|sample| group(sample).is_none());
    if let Some(example) = unknown().next() {
        let (unknown, all, example) = (unknown().count(), facts.samples.len(), example.name.clone());
        return Err(SplitError::Unknown { by, unknown, all, example });
    }
    let all: BTreeSet<&str> = facts.samples.iter().filter_map(&group).collect();
    let side = groups(&all, split, by)?;
    Ok(facts.samples.iter().map(|sample| side.get(group(sample)?).copied()).collect())
}

fn groups<'a>(
    all: &BTreeSet<&'a str>,
    split: &SplitConfig,
    by: &'static str,
) -> Result<BTreeMap<&'a str, Side>, SplitError> {
    let wanted = [
        (Side::Test, "test", split.test.as_deref(), split.test_share),
        (Side::Val, "val", split.val.as_deref(), split.val_share),
    ];
    let needed = 1 + wanted.iter().filter(|(_, _, named, share)| named.is_none() && *share > 0.0).count();
    let mut side: BTreeMap<&str, Side> = BTreeMap::new();
    for (to, key, named, _) in wanted {
        for name in named.into_iter().flatten() {
            let known = all.get(name.as_str()).ok_or_else(|| {
                let (name, names) = (name.clone(), shown(all.iter().copied()));
                SplitError::NotThere { key, by, name, names }
            })?;
            side.insert(known, to);
        }
    }
    let mut free: Vec<(Digest, &str)> =
        all.iter().filter(|name| !side.contains_key(*name)).map(|name| (key(by, name), *name)).collect();
    if free.len() < needed {
        let (count, names) = (free.len(), shown(free.iter().map(|(_, name)| *name)));
        let (beside, remedy) = match side.is_empty() {
            true => ("", "write `by: class` instead"),
            false => (" beside those of split.val and split.test", "take one out of these lists"),
        };
        return Err(SplitError::TooFew { by, needed, count, names, beside, remedy });
    }
    free.sort_unstable();
    let mut spare = free.len() - needed;
    for (to, _, _, share) in wanted.into_iter().filter(|(_, _, named, share)| named.is_none() && *share > 0.0) {
        let more = ((share * all.len() as f64).round() as usize).saturating_sub(1).min(spare);
        spare -= more;
        side.extend(free.drain(..1 + more).map(|(_, name)| (name, to)));
    }
    side.extend(free.into_iter().map(|(_, name)| (name, Side::Train)));
    Ok(side)
}

fn key(by: &str, name: &str) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&SEED.to_le_bytes());
    hasher.update(by.as_bytes());
    hasher.update(name.as_bytes());
    hasher.finish()
}

fn shown<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = if names.len() > MOST_NAMED { ", ..." } else { "" };
    if names.is_empty() { "none".into() } else { format!("{}{more}", names[..names.len().min(MOST_NAMED)].join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts, sample};
    use super::*;

    /// Four signers with three sequences of two classes each.
    fn of_signers(signers: usize) -> Facts {
        let one = |number: usize| SampleFacts {
            signer: Some(format!("s{}", number / 3)),
            source: Some((format!("v{}", number / 6), [0, 9])),
            ..sample(number, number % 2)
        };
        facts((0..3 * signers).map(one).collect())
    }

    fn split(by: SplitBy) -> SplitConfig {
        SplitConfig { by, ..SplitConfig::default() }
    }

    fn count(sides: &[Option<Side>], side: Side) -> usize {
        sides.iter().filter(|found| **found == Some(side)).count()
    }

    #[test]
    fn signers_and_recordings_are_on_one_side_each() {
        let facts = of_signers(8);
        for (by, group) in [(SplitBy::Signer, 3), (SplitBy::Video, 6)] {
            let config = SplitConfig { val_share: 0.3, test_share: 0.2, ..split(by) };
            let found = sides(&facts, &config).unwrap();
            assert!(found.chunks(group).all(|own| own.iter().all(|side| *side == own[0])));
            let counts = Side::ALL.map(|side| count(&found, side) / group);
            assert_eq!(counts, if by == SplitBy::Signer { [4, 2, 2] } else { [2, 1, 1] });
        }
        let named =
            SplitConfig { val: Some(vec!["s5".into()]), test: Some(vec!["s1".into()]), ..split(SplitBy::Signer) };
        let found = sides(&facts, &named).unwrap();
        assert_eq!((found[15], found[3], count(&found, Side::Train)), (Some(Side::Val), Some(Side::Test), 18));
    }

    #[test]
    fn a_split_that_is_not_possible_is_refused_with_the_reason() {
        let refused = |facts: &Facts, config: &SplitConfig| sides(facts, config).unwrap_err().to_string();
        let mut some = of_signers(2);
        assert!(refused(&of_signers(1), &split(SplitBy::Signer)).contains("2 in all, and the dataset has 1 (s0)"));
        let all = SplitConfig { val: Some(vec!["s0".into()]), test: Some(vec!["s1".into()]), ..split(SplitBy::Signer) };
        let text = refused(&of_signers(2), &all);
        assert!(text.contains("has 0 beside those of split.val and split.test (none); take one out"), "{text}");
        some.samples[4].signer = None;
        let text = refused(&some, &split(SplitBy::Signer));
        assert!(text.contains("the signer of every sequence, and 1 of 6 have none, such as \"n4\""), "{text}");
        let other = SplitConfig { val: Some(vec!["x".into()]), ..split(SplitBy::Signer) };
        assert!(refused(&of_signers(3), &other).contains("names the signer \"x\", and the dataset has s0, s1, s2"));
        assert!(refused(&some, &split(SplitBy::File)).contains("this one gives none"));
    }

    #[test]
    fn a_side_that_the_dataset_lacks_is_taken_from_its_training_side() {
        let mut facts = of_signers(10);
        for (number, sample) in facts.samples.iter_mut().enumerate() {
            sample.side = Some(if number < 20 { Side::Train } else { Side::Test });
        }
        let counts = |split: &SplitConfig| Side::ALL.map(|side| count(&sides(&facts, split).unwrap(), side));
        assert_eq!(counts(&split(SplitBy::File)), [16, 4, 10]);
        assert_eq!(counts(&SplitConfig { val_share: 0.0, ..split(SplitBy::File) }), [20, 0, 10]);
        assert_eq!(counts(&SplitConfig { test_share: 0.5, ..split(SplitBy::File) }), [16, 4, 10], "it has a test side");
    }

    #[test]
    fn every_class_gives_its_share_and_files_say_sides() {
        let facts = of_signers(10);
        let found = sides(&facts, &split(SplitBy::Class)).unwrap();
        assert_eq!((count(&found, Side::Val), count(&found, Side::Train)), (6, 24));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("split.json");
        std::fs::write(&file, r#"{"train": ["n1", "n2"], "val": ["n0"]}"#).unwrap();
        let config = SplitConfig { file: Some(file.clone()), ..split(SplitBy::File) };
        let found = sides(&facts, &config).unwrap();
        assert_eq!(found[..4], [Some(Side::Val), Some(Side::Train), Some(Side::Train), None]);
        std::fs::write(&file, r#"{"train": [], "val": ["n0"]}"#).unwrap();
        assert!(sides(&facts, &config).unwrap_err().to_string().contains("name some under train"));
        std::fs::remove_file(&file).unwrap();
        let gone = config.check_file().unwrap_err().to_string();
        assert!(gone.starts_with("task.keypoints.split.file: ") && gone.contains("correct the path"), "{gone}");
    }
}
