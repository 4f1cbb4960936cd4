//! `log.jsonl`: one event per line, appended. A line that a crash has cut off is dropped at the next start.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::RunError;
use crate::util::fs::{FsError, sync_parent};
use crate::util::plain::{self, open_or_create_plain};

/// The log of a run, open for appending.
#[derive(Debug)]
pub struct EventLog {
    file: File,
    path: PathBuf,
    /// Whether the last line may be incomplete.
    is_torn: bool,
}

impl EventLog {
    /// Opens the log, creating it if it does not exist, and removes an incomplete last line.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut file = open_or_create_plain(path).map_err(FsError::at("open", path))?;
        let whole = whole_lines(&mut file).map_err(FsError::at("read", path))?;
        file.set_len(whole).map_err(FsError::at("repair", path))?;
        file.seek(SeekFrom::End(0)).map_err(FsError::at("read", path))?;
        if whole == 0 {
            sync_parent(path)?;
        }
        Ok(Self { file, path: path.into(), is_torn: false })
    }

    /// Appends an event in one write. Not durable by itself: a log is not worth waiting for the disk.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn append(&mut self, event: &Value) -> Result<(), RunError> {
        // A failed write must not spoil the next line.
        let line = format!("{}{event}\n", if self.is_torn { "\n" } else { "" });
        let written = self.file.write_all(line.as_bytes()).map_err(FsError::at("write", &self.path));
        self.is_torn = written.is_err();
        Ok(written?)
    }

    /// Returns once everything appended is on the disk: called at the end of an epoch and of a run.
    ///
    /// # Errors
    /// If the disk failed.
    pub fn sync(&self) -> Result<(), RunError> {
        Ok(self.file.sync_data().map_err(FsError::at("sync", &self.path))?)
    }
}

/// The length up to the last line end whose line is JSON: after a power cut a file may end in zeros.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    const STEP: u64 = 1 << 16;
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    let mut from = length;
    // Backwards from the end until a complete line is found, so that a long log costs nothing.
    while from > 0 {
        from = from.saturating_sub(STEP.max(tail.len() as u64));
        file.seek(SeekFrom::Start(from))?;
        tail.clear();
        file.take(length - from).read_to_end(&mut tail)?;
        let mut end = tail.len();
        while let Some(line_end) = tail[..end].iter().rposition(|byte| *byte == b'\n') {
            let before = tail[..line_end].iter().rposition(|byte| *byte == b'\n');
            if before.is_none() && from > 0 {
                break;
            }
            if is_event(&tail[before.map_or(0, |before| before + 1)..line_end]) {
                return Ok(from + line_end as u64 + 1);
            }
            end = line_end;
        }
    }
    Ok(0)
}

fn is_event(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok()
}

/// Reads the events of one kind; none if there is no log. The many lines of other kinds are not parsed.
///
/// # Errors
/// If the file can't be read.
pub fn events_of(path: &Path, kind: &str) -> Result<Vec<Value>, RunError> {
    let file = match plain::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(FsError::at("read", path))?,
    };
    let mentioned = memchr::memmem::Finder::new(kind);
    let mut found = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(FsError::at("read", path))?;
        if mentioned.find(&line).is_some() {
            let event = serde_json::from_slice::<Value>(&line).ok();
            found.extend(event.filter(|event| event.get("event").is_some_and(|name| name == kind)));
        }
    }
    Ok(found)
}

/// A log that is followed while it grows.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    read_to: u64,
}

impl Tail {
    /// Starts at the beginning.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), read_to: 0 }
    }

    /// The events of these kinds that were added since the last call. A line that is still being written is left for the
    /// next one; a log that was replaced is read again.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn events(&mut self, kinds: &[&str]) -> std::io::Result<Vec<Value>> {
        let mut file = plain::open(&self.path)?;
        if file.metadata()?.len() < self.read_to {
            self.read_to = 0;
        }
        file.seek(SeekFrom::Start(self.read_to))?;
        let (mut lines, mut line, mut found) = (BufReader::new(file), Vec::new(), Vec::new());
        let finders: Vec<_> = kinds.iter().map(|kind| memchr::memmem::Finder::new(*kind)).collect();
        while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            self.read_to += line.len() as u64;
            let event = finders.iter().any(|finder| finder.find(&line).is_some());
            let event = event.then(|| serde_json::from_slice::<Value>(&line).ok()).flatten();
            found.extend(event.filter(|event| kinds.iter().any(|kind| event["event"] == *kind)));
            line.clear();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs::{self, OpenOptions};

    #[test]
    fn wherever_the_last_line_was_cut_the_log_continues_with_whole_lines() {
        let zero = json!({"event": "stepped", "step": 0});
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let long = json!({"step": 1, "text": "x".repeat(50)});
        let mut log = EventLog::open(&path).unwrap();
        log.append(&zero).unwrap();
        log.append(&long).unwrap();
        log.sync().unwrap();
        let whole = fs::read(&path).unwrap();
        let first = zero.to_string().len() + 1;
        for cut in first..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(events_of(&path, "stepped").unwrap(), std::slice::from_ref(&zero));
            EventLog::open(&path).unwrap().append(&long).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_that_could_not_be_written_does_not_spoil_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = EventLog::open(&path).unwrap();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut real = std::mem::replace(&mut log.file, full);
        assert!(log.append(&json!({"step": 1})).is_err());
        real.write_all(b"{\"step\"").unwrap();
        log.file = real;
        log.append(&json!({"step": 2})).unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        let whole: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert_eq!(whole, [json!({"step": 2})]);
    }

    #[test]
    fn events_of_one_kind_are_found_among_others_and_beside_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        assert!(events_of(&path, "saving").unwrap().is_empty(), "there is no log yet");
        let saving = |step: u64| json!({"event": "saving", "step": step});
        let other = json!({"event": "stepped", "samples": ["saving"]});
        fs::write(&path, format!("{}\n{other}\n{}\n\0\0{}", saving(1), saving(2), saving(3))).unwrap();
        assert_eq!(events_of(&path, "saving").unwrap(), [saving(1), saving(2)]);
    }

    #[test]
    fn a_log_that_grows_is_followed_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut tail = Tail::new(&path);
        assert!(tail.events(&["ended"]).is_err(), "there is no log yet");
        let ended = |step: u64| json!({"event": "ended", "step": step});
        let text = |ended: &Value| format!("{{\"event\":\"stepped\"}}\n{ended}\n");
        fs::write(&path, format!("{}{{\"event\":\"ended\",", text(&ended(1)))).unwrap();
        assert_eq!(tail.events(&["ended"]).unwrap(), [ended(1)]);
        assert_eq!(tail.events(&["ended"]).unwrap(), Vec::<Value>::new());
        fs::write(&path, format!("{}{}", text(&ended(1)), text(&ended(2)))).unwrap();
        assert_eq!(tail.events(&["ended"]).unwrap(), [ended(2)]);
        fs::write(&path, text(&ended(3))).unwrap();
        assert_eq!(tail.events(&["ended", "stepped"]).unwrap().len(), 2, "it was replaced");
    }

    #[test]
    fn zeros_after_a_power_cut_go_and_a_line_longer_than_a_step_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let long = json!({"text": "x".repeat(200_000)}).to_string() + "\n";
        for (tail, kept) in [("\0\0\0", long.len()), ("\0\0\n", long.len()), ("{\"a\":", long.len()), ("", long.len())]
        {
            fs::write(&path, long.clone() + tail).unwrap();
            drop(EventLog::open(&path).unwrap());
            assert_eq!(fs::metadata(&path).unwrap().len(), kept as u64, "{tail:?}");
        }
        fs::write(&path, "no event at all").unwrap();
        drop(EventLog::open(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }
}
