//! A split file: `{"train": [names], "val": [names], "test": [names], "metadata": {..}}`, of which `test` and `metadata` may be absent.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{ReadError, content};
use crate::data::split::Side;

const MOST_BYTES: u64 = 256 << 20;

/// More names than these are only counted in a message.
const MOST_NAMES: usize = 8;

/// Which sample is on which side.
#[derive(Debug)]
pub struct SplitFile {
    path: PathBuf,
    /// The side of each name.
    sides: HashMap<String, Side>,
    /// All names, in the order of the file.
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    train: Vec<String>,
    val: Vec<String>,
    #[serde(default)]
    test: Vec<String>,
    #[serde(default, rename = "metadata")]
    _metadata: Value,
}

impl SplitFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it can't be read, is no such file, or has a name twice.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let refuse = |reason: String| ReadError::refused(path, reason);
        let bytes = content(path, MOST_BYTES).map_err(refuse)?;
        let lists: Lists = serde_json::from_slice(&bytes).map_err(|error| {
            refuse(format!("is no split file, expected {{\"train\": [names], \"val\": [names], \"test\": [names]}} in UTF-8 ({error})"))
        })?;
        let (mut sides, mut names, mut twice) = (HashMap::new(), Vec::new(), Vec::new());
        for (side, list) in [(Side::Train, lists.train), (Side::Val, lists.val), (Side::Test, lists.test)] {
            for name in list {
                if let Some(other) = sides.insert(name.clone(), side) {
                    twice.push(format!("{name:?} ({} and {})", other.name(), side.name()));
                }
                names.push(name);
            }
        }
        match twice.is_empty() {
            true => Ok(Self { path: path.to_owned(), sides, names }),
            false => Err(refuse(format!("names {} twice; each belongs into one list, once", shown(&twice)))),
        }
    }

    /// The side of each of these samples. `gone` are those that the dataset lists but can't use.
    pub(in crate::task::keypoints) fn sides(
        &self,
        samples: &[&str],
        gone: &[&str],
    ) -> Result<Vec<Option<Side>>, ReadError> {
        let known: std::collections::HashSet<&str> = samples.iter().chain(gone).copied().collect();
        let unknown: Vec<String> =
            self.names.iter().filter(|name| !known.contains(name.as_str())).map(|name| format!("{name:?}")).collect();
        match unknown.is_empty() {
            true => Ok(samples.iter().map(|name| self.sides.get(*name).copied()).collect()),
            false => {
                let reason = format!(
                    "names {}, which the dataset does not have ({} samples such as {:?}); remove them, or give the dataset that it belongs to",
                    shown(&unknown),
                    samples.len(),
                    samples.first().unwrap_or(&"")
                );
                Err(ReadError::refused(&self.path, reason))
            }
        }
    }
}

/// The first of them, and how many more there are.
fn shown(names: &[String]) -> String {
    let first = names[..names.len().min(MOST_NAMES)].join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SplitFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.json");
        std::fs::write(&path, text).unwrap();
        SplitFile::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn samples_get_the_sides_of_their_names() {
        let split = read(r#"{"train": ["á_1", "b"], "val": ["c", "gone"], "metadata": {"seed": 42}}"#).unwrap();
        let sides = split.sides(&["á_1", "c", "nobody"], &["gone", "b"]).unwrap();
        assert_eq!(sides, [Some(Side::Train), Some(Side::Val), None]);
        let split = read(r#"{"train": ["a"], "val": [], "test": ["b"]}"#).unwrap();
        assert_eq!(split.sides(&["b", "a"], &[]).unwrap(), [Some(Side::Test), Some(Side::Train)]);
    }

    #[test]
    fn unknown_names_and_names_in_two_lists_are_named() {
        let split = read(r#"{"train": ["a", "x", "y"], "val": []}"#).unwrap();
        let problem = split.sides(&["a"], &[]).unwrap_err().to_string();
        assert!(
            problem.contains(r#"split.json names "x", "y", which the dataset does not have (1 samples such as "a")"#),
            "{problem}"
        );
        let problem = read(r#"{"train": ["a", "b"], "val": ["b", "a"]}"#).unwrap_err();
        assert!(problem.contains(r#"names "b" (train and val), "a" (train and val) twice"#), "{problem}");
        let many: Vec<String> = (0..20).map(|number| format!("\"n{number}\"")).collect();
        let split = read(&format!("{{\"train\": [{}], \"val\": []}}", many.join(","))).unwrap();
        assert!(split.sides(&[], &[]).unwrap_err().to_string().contains("\"n7\" and 12 more"));
        for text in
            ["", "[]", "{\"train\": []}", "{\"train\": [1], \"val\": []}", "{\"train\": [], \"val\": [], \"tset\": []}"]
        {
            assert!(read(text).unwrap_err().contains("is no split file, expected"), "{text}");
        }
    }
}
