//! The contents of a dataset's files: their digests, and which of them can't be used.

use std::collections::BTreeMap;
use std::path::Path;

use super::{PrepareError, threads};
use crate::data::manifest::Manifest;
use crate::data::prepare::work::{hash, on_threads, why_unreadable};
use crate::task::keypoints::read::ReadError;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;
use crate::util::surroundings::Surroundings;

/// What was found of the files of a dataset.
#[derive(Default)]
pub(super) struct Contents {
    /// Those that are as they were fetched, or whose content nobody knew before.
    pub files: Vec<(String, Digest)>,
    /// The others, with the reason.
    bad: BTreeMap<String, String>,
}

impl Contents {
    /// Reads all of these files.
    ///
    /// # Errors
    /// If the disk fails, or a signal comes.
    pub fn of(
        root: &Path,
        files: &[String],
        hashes: Option<&Manifest>,
        around: &Surroundings<'_>,
    ) -> Result<Self, PrepareError> {
        let each = on_threads(threads(), files, around.stop, |file, _: &mut ()| {
            let expected = hashes.and_then(|hashes| Some(hashes.get(file)?.sha256));
            let path = root.join(file);
            match hash(&path, expected) {
                Ok((digest, None)) => Ok(Ok(digest)),
                Ok((_, Some(damaged))) => Ok(Err(damaged)),
                Err(FsError { source, .. }) if why_unreadable(&source, &path).is_some() => {
                    Ok(Err(why_unreadable(&source, &path).unwrap_or_default()))
                }
                Err(error) => Err(PrepareError::from(error)),
            }
        })?;
        let mut contents = Self::default();
        for (file, found) in files.iter().zip(each) {
            match found {
                Ok(digest) => contents.files.push((file.clone(), digest)),
                Err(reason) => drop(contents.bad.insert(file.clone(), reason)),
            }
        }
        Ok(contents)
    }

    /// Why a dataset can't be opened: a file that changed since it was fetched, if that is the reason.
    pub fn why(root: &Path, error: ReadError, hashes: Option<&Manifest>) -> PrepareError {
        let ReadError::Refused { place, .. } = &error else { return error.into() };
        let file = place.strip_prefix(root).ok().and_then(Path::to_str);
        let expected = file.zip(hashes).and_then(|(file, hashes)| Some(hashes.get(file)?.sha256));
        match expected.map(|expected| hash(place, Some(expected))) {
            Some(Ok((_, Some(reason)))) => PrepareError::Damaged { file: place.clone(), reason },
            _ => error.into(),
        }
    }

    /// Why a sequence can't be used that is read from this file, or from the files of this folder.
    pub fn problem(&self, file: &str) -> Option<String> {
        if let Some(reason) = self.bad.get(file) {
            return Some(reason.clone());
        }
        let folder = format!("{file}/");
        let (frame, reason) = self.bad.range(folder.clone()..).next()?;
        Some(format!("has the frame {}: {reason}", frame.strip_prefix(&folder)?))
    }

    /// Refuses a dataset whose list of the sequences can't be used: nobody knows what it would have said.
    pub fn check_lists(&self, root: &Path, is_list: impl Fn(&str) -> bool) -> Result<(), PrepareError> {
        match self.bad.iter().find(|(file, _)| is_list(file)) {
            None => Ok(()),
            Some((file, reason)) => Err(PrepareError::Damaged { file: root.join(file), reason: reason.clone() }),
        }
    }
}
