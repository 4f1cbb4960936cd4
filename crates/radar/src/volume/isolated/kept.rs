//! Answers about files that are opened again soon: preparing looks at all headers first, and reads the data afterwards.
//!
//! An answer is kept as the bytes that came, and only for the file as it was: its device, inode, size and times of change.
//! It is given out once, which makes room for others; what does not fit is asked for again.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// The bytes that are kept at most: those of several thousand radar volumes.
const ROOM: usize = 32 << 20;

/// A file as it is now, with the field in question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    field: String,
    file: [u64; 2],
    size: u64,
    changed: [i64; 4],
}

impl Key {
    /// That of an open file.
    pub fn new(file: &Metadata, field: &str) -> Self {
        Self {
            field: field.to_owned(),
            file: [file.dev(), file.ino()],
            size: file.size(),
            changed: [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()],
        }
    }
}

/// The answers.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    by_file: HashMap<Key, Vec<u8>>,
    bytes: usize,
}

impl Kept {
    /// Takes out the answer about a file.
    pub fn take(&self, key: &Key) -> Option<Vec<u8>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.by_file.remove(key)?;
        answers.bytes -= answer.len();
        Some(answer)
    }

    /// Keeps an answer, if there is room.
    pub fn keep(&self, key: Key, mut answer: Vec<u8>) {
        answer.shrink_to_fit();
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = answers.by_file.get(&key).map_or(0, Vec::len);
        let bytes = answers.bytes - replaced + answer.len();
        if bytes <= ROOM {
            answers.bytes = bytes;
            answers.by_file.insert(key, answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(size: u64) -> Key {
        Key { field: "DBZ".into(), file: [1, 2], size, changed: [0; 4] }
    }

    #[test]
    fn an_answer_is_given_out_once_and_only_for_the_file_as_it_was() {
        let kept = Kept::default();
        kept.keep(key(1), vec![7; 100]);
        assert_eq!(kept.take(&key(2)), None);
        assert_eq!(kept.take(&key(1)), Some(vec![7; 100]));
        assert_eq!(kept.take(&key(1)), None);
        assert_eq!(kept.0.lock().unwrap().bytes, 0);
    }

    #[test]
    fn what_does_not_fit_is_not_kept_and_room_comes_back() {
        let kept = Kept::default();
        kept.keep(key(1), vec![1; ROOM - 10]);
        kept.keep(key(2), vec![2; 11]);
        assert_eq!(kept.take(&key(2)), None);
        kept.keep(key(1), vec![3; ROOM]);
        assert_eq!(kept.take(&key(1)).map(|answer| answer[0]), Some(3));
        kept.keep(key(2), vec![2; 11]);
        assert!(kept.take(&key(2)).is_some());
    }

    #[test]
    fn a_file_that_is_written_to_has_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let key = || Key::new(&std::fs::metadata(&path).unwrap(), "DBZ");
        std::fs::write(&path, b"one").unwrap();
        let before = key();
        assert_eq!(before, key());
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_ne!(before, key());
        assert_ne!(key(), Key::new(&std::fs::metadata(&path).unwrap(), "VEL"));
    }
}
