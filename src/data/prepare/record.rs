//! The record of a source file: its stamp, its content, and the outcome. Stored with what was made of the file, so that
//! it is correct or absent.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{SourceFile, Stamp};
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// A source file. `U` describes what was made from it, `K` what is known about one that was set aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord<U, K = Nothing> {
    /// Its name in its folder.
    pub name: String,
    /// What it looked like from outside.
    pub stamp: Stamp,
    /// Its content; absent if it could not be read.
    pub sha256: Option<Digest>,
    /// What became of it.
    pub outcome: Outcome<U, K>,
}

/// What became of a source file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<U, K = Nothing> {
    /// It is in the dataset.
    Used(U),
    /// It was set aside.
    SetAside {
        /// Why.
        reason: String,
        /// What is known of it nevertheless.
        #[serde(flatten)]
        known: K,
    },
}

/// Nothing is known of a file that was set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

impl<U, K> FileRecord<U, K> {
    /// What was made of the file.
    #[must_use]
    pub fn used(&self) -> Option<&U> {
        match &self.outcome {
            Outcome::Used(used) => Some(used),
            Outcome::SetAside { .. } => None,
        }
    }

    /// Why the file was set aside.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Used(_) => None,
            Outcome::SetAside { reason, .. } => Some(reason),
        }
    }

    /// Whether a file with a changed stamp, such as after a copy, still has the recorded content.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn has_content_of(&self, file: &SourceFile, path: &Path) -> Result<bool, FsError> {
        let Some(expected) = self.sha256.filter(|_| self.stamp.bytes == file.stamp.bytes) else { return Ok(false) };
        Ok(Digest::of_file(path).map_err(FsError::at("read", path))? == expected)
    }
}

/// The record of the file with this name, among records that are sorted by name.
#[must_use]
pub fn of_name<'a, U, K>(records: &'a [FileRecord<U, K>], name: &str) -> Option<&'a FileRecord<U, K>> {
    let index = records.binary_search_by(|file| file.name.as_str().cmp(name)).ok()?;
    records.get(index)
}

/// The record of a file that has this name and still looks the same from outside.
#[must_use]
pub fn unchanged<'a, U, K>(records: &'a [FileRecord<U, K>], name: &str, stamp: Stamp) -> Option<&'a FileRecord<U, K>> {
    of_name(records, name).filter(|file| file.stamp == stamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prepare::files::{FileKind, find};

    const ANY: FileKind = FileKind { name: "file", endings: &["bin"], layout: "anywhere", ignored: &[] };

    fn record(file: &SourceFile, content: &[u8]) -> FileRecord<usize> {
        let (name, stamp) = (file.name.clone(), file.stamp);
        FileRecord { name, stamp, sha256: Some(Digest::of(content)), outcome: Outcome::Used(7) }
    }

    #[test]
    fn a_file_is_known_by_its_stamp_and_after_a_copy_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
        let files = || find(folder.path(), &ANY).unwrap().remove(0).files;
        write("a.bin", "one");
        write("b.bin", "two");
        let records: Vec<_> =
            files().iter().zip([b"one", b"two"]).map(|(file, content)| record(file, content)).collect();
        assert_eq!(unchanged(&records, "a.bin", files()[0].stamp).and_then(FileRecord::used), Some(&7));
        // The same content in another file, another content of the same length, another length.
        for (content, same) in [("one", true), ("two", false), ("three", false)] {
            std::fs::remove_file(folder.path().join("a.bin")).unwrap();
            write("hold the number of the old file.txt", "");
            write("a.bin", content);
            let file = &files()[0];
            let path = folder.path().join("a.bin");
            assert_eq!(of_name(&records, "a.bin").unwrap().has_content_of(file, &path).unwrap(), same, "{content}");
        }
        assert!(of_name(&records, "c.bin").is_none());
    }

    #[test]
    fn a_record_is_written_and_read_with_and_without_what_is_known_of_a_bad_file() {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct Size {
            size: Option<[usize; 2]>,
        }
        let stamp = Stamp { bytes: 3, inode: 5, changed_ns: 8 };
        let reason = "truncated".to_owned();
        let known = Size { size: Some([2, 4]) };
        let bad: FileRecord<usize, Size> =
            FileRecord { name: "a".into(), stamp, sha256: None, outcome: Outcome::SetAside { reason, known } };
        let text = serde_json::to_string(&bad).unwrap();
        assert!(text.ends_with(r#""outcome":{"set_aside":{"reason":"truncated","size":[2,4]}}}"#), "{text}");
        assert_eq!(serde_json::from_str::<FileRecord<usize, Size>>(&text).unwrap(), bad);
        let unknown = text.replace(r#","size":[2,4]"#, "");
        let read: FileRecord<usize> = serde_json::from_str(&unknown).unwrap();
        assert_eq!((read.reason(), read.used()), (Some("truncated"), None));
        assert_eq!(serde_json::to_string(&read).unwrap(), unknown);
    }
}
