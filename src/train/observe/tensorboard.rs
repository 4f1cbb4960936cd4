//! TensorBoard event files: curves of everything that has a number. A file is a list of records, each framed with its
//! length and masked CRC-32C checksums (<https://www.tensorflow.org/tutorials/load_data/tfrecord>), each holding one
//! `Event` of <https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto>. The four fields
//! that are needed are written here directly; nothing is read back.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::train::events::{Event, Heard, Named, Observer};
use crate::train::run_folder::RunError;
use crate::util::fs::{FsError, create_dir_all};

/// The number of steps per record of the step curves: a curve needs no more points.
const STEPS_PER_POINT: u64 = 10;

/// Writes the events of one training session into a separate file.
pub struct TensorBoard {
    path: PathBuf,
    file: File,
    /// Bytes of whole records in the file.
    whole: u64,
    /// Records that could not be written: a reader gives up at a torn one, so they are written before all others.
    unwritten: Vec<u8>,
}

impl TensorBoard {
    /// Starts a file in the folder.
    ///
    /// # Errors
    /// If it can't be created.
    pub fn create(folder: &Path) -> Result<Self, RunError> {
        create_dir_all(folder)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The reader orders files by name, and takes what is after "tfevents." for the time.
        let name = format!("events.out.tfevents.{:010}.{}.fragua", since.as_secs(), std::process::id());
        let path = folder.join(name);
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(FsError::at("create", &path))?;
        let mut created = Self { path, file, whole: 0, unwritten: Vec::new() };
        created.write(&encode(wall_time(), 0, &Content::Version))?;
        Ok(created)
    }

    fn write(&mut self, event: &[u8]) -> Result<Heard, RunError> {
        let is_torn = !self.unwritten.is_empty();
        self.unwritten.extend(record(event));
        if is_torn {
            self.file.set_len(self.whole).map_err(FsError::at("repair", &self.path))?;
        }
        self.file.write_all(&self.unwritten).map_err(FsError::at("write", &self.path))?;
        self.whole += self.unwritten.len() as u64;
        self.unwritten.clear();
        Ok(Heard::Wrote)
    }

    fn scalars(&mut self, step: u64, values: &[Scalar]) -> Result<Heard, RunError> {
        self.write(&encode(wall_time(), step, &Content::Scalars(values)))
    }
}

impl Observer for TensorBoard {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            // Makes the reader forget what an earlier session wrote about later steps: also one that was killed before its
            // first checkpoint.
            Event::Started(started) => self.write(&encode(wall_time(), started.step + 1, &Content::SessionStart)),
            Event::Stepped(stepped) if stepped.step % STEPS_PER_POINT == 0 => {
                let mut values = prefixed("step", &stepped.parts);
                values.push(("step/lr".into(), stepped.lr));
                values.push(("step/gradient_norm".into(), stepped.gradient_norm));
                values.push(("step/samples_per_second".into(), stepped.cost.samples_per_second));
                self.scalars(stepped.step, &values)
            }
            Event::ValidationEnded { step, parts, scores, .. } => {
                let mut values = prefixed("val", parts);
                values.extend(known("scores", scores));
                self.scalars(*step, &values)
            }
            Event::EpochEnded { record, .. } => {
                let mut values = prefixed("train", &record.train);
                values.extend(prefixed("val", &record.val));
                values.extend(known("scores", &record.scores));
                self.scalars(record.step, &values)
            }
            _ => Ok(Heard::Ignored),
        }
    }
}

/// A number with its tag.
type Scalar = (String, f64);

fn prefixed(prefix: &str, values: &[Named]) -> Vec<Scalar> {
    values.iter().map(|(name, value)| (format!("{prefix}/{name}"), value.unwrap_or(f64::NAN))).collect()
}

/// Scores that are defined: 0 / 0 is not a point of a curve. A loss that is not finite is written, to be visible.
fn known(prefix: &str, values: &[Named]) -> Vec<Scalar> {
    prefixed(prefix, values).into_iter().filter(|(_, value)| value.is_finite()).collect()
}

fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The content of an event.
enum Content<'a> {
    /// The first record of a file.
    Version,
    /// A session begins: what an earlier session wrote about this step and later ones is discarded.
    SessionStart,
    /// Numbers with their tags.
    Scalars(&'a [Scalar]),
}

/// An `Event`: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
fn encode(wall_time: f64, step: u64, content: &Content<'_>) -> Vec<u8> {
    let mut event = vec![FIXED_64 | 1 << 3];
    event.extend(wall_time.to_le_bytes());
    if step > 0 {
        event.push(VARINT | 2 << 3);
        varint(step, &mut event);
    }
    match content {
        Content::Version => field(3, b"brain.Event:2", &mut event),
        // `SessionLog.status` = 1 is START = 1.
        Content::SessionStart => field(7, &[VARINT | 1 << 3, 1], &mut event),
        Content::Scalars(values) => field(5, &summary(values), &mut event),
    }
    event
}

/// A `Summary`: value = 1, each a `Value`: tag = 1, simple_value = 2.
fn summary(values: &[Scalar]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, number) in values {
        let mut value = Vec::new();
        field(1, tag.as_bytes(), &mut value);
        value.push(FIXED_32 | 2 << 3);
        value.extend((*number as f32).to_le_bytes());
        field(1, &value, &mut summary);
    }
    summary
}

// Wire types of protocol buffers.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const BYTES: u8 = 2;
const FIXED_32: u8 = 5;

fn field(number: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(BYTES | number << 3);
    varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Length, its checksum, the data, its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length), data, &masked_crc(data)].concat()
}

/// A checksum of data that holds checksums itself would be weak: it is rotated and shifted.
fn masked_crc(data: &[u8]) -> [u8; 4] {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// CRC-32C (Castagnoli), bit by bit: the records are short and rare.
fn crc32c(data: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::events::Started;

    #[test]
    fn the_bytes_are_those_that_tensorboard_writes() {
        let expected = include_bytes!("../../../tests/fixtures/tensorboard/events.out.tfevents.expected");
        let values =
            [("train/loss".to_owned(), 0.25), ("step/lr".to_owned(), 1e-5), ("scores/csi".to_owned(), f64::NAN)];
        let written = [
            encode(1000.0, 0, &Content::Version),
            encode(1000.5, 10, &Content::Scalars(&values)),
            encode(1001.0, 300, &Content::SessionStart),
            encode(1001.5, 1 << 40, &Content::Scalars(&values[..1])),
        ];
        let bytes: Vec<u8> = written.iter().flat_map(|event| record(event)).collect();
        assert_eq!(bytes, expected);
    }

    /// The data of each whole record.
    fn records(path: &Path) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(path).unwrap();
        let mut rest = &bytes[..];
        let mut found = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            found.push(rest[12..12 + length].to_vec());
            assert_eq!(rest[..16 + length], record(&found[found.len() - 1]), "a whole record");
            rest = &rest[16 + length..];
        }
        found
    }

    fn validated(step: u64) -> Event {
        Event::ValidationEnded {
            epoch: 0,
            step,
            parts: vec![("loss".into(), Some(0.5))],
            scores: Vec::new(),
            improved: true,
            best: None,
        }
    }

    #[test]
    fn every_session_begins_by_making_void_what_others_wrote_about_its_steps() {
        for (step, first) in [(0, 1), (6, 7)] {
            let folder = tempfile::tempdir().unwrap();
            let mut board = TensorBoard::create(folder.path()).unwrap();
            board.observe(&Event::Started(Started { epochs: 4, step, ..Started::default() })).unwrap();
            let told = records(&board.path);
            let session = encode(0.0, first, &Content::SessionStart);
            // What follows the time.
            assert_eq!(told[1][9..], session[9..], "{step}");
        }
    }

    #[test]
    fn records_that_can_not_be_written_are_written_before_the_next_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mut board = TensorBoard::create(folder.path()).unwrap();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut real = std::mem::replace(&mut board.file, full);
        assert!(board.observe(&validated(10)).is_err());
        real.write_all(b"torn").unwrap();
        board.file = real;
        assert_eq!(board.observe(&validated(20)).unwrap(), Heard::Wrote);
        assert_eq!(records(&board.path).len(), 3);
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
