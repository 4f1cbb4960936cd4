//! The requests to the other process and its answers.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::wire::Wire;
use crate::volume::error::VolumeError;
use crate::volume::header::Kind;
use crate::volume::slab::Slab;
use crate::volume::source::Source;
use crate::volume::values::Values;
use crate::volume::{hdf, plain};

/// A piece of work for the libraries.
#[derive(Debug)]
pub(super) enum Request {
    /// What is in a file?
    Open {
        /// The file.
        path: PathBuf,
        /// The name of the field.
        field: String,
    },
    /// The numbers of a box of cells.
    Read {
        /// The file.
        path: PathBuf,
        /// The name of the field.
        field: String,
        /// The box.
        slab: Slab,
        /// The type of its numbers.
        kind: Kind,
    },
}

/// The result.
pub(super) enum Answer {
    /// The file was opened.
    Opened(Box<Source>),
    /// The box was read.
    Read(Values),
    /// The file can't be used.
    Refused(Refusal),
}

/// A [`VolumeError`] that crosses: its kind and its texts, without the path, which the other side knows.
#[derive(Debug)]
pub(super) struct Refusal {
    kind: u8,
    texts: Vec<String>,
    numbers: [u64; 2],
}

impl Refusal {
    fn of(error: VolumeError) -> Self {
        let (kind, texts, numbers): (u8, Vec<String>, [u64; 2]) = match error {
            VolumeError::Io { source, .. } => {
                (0, vec![source.to_string()], [source.raw_os_error().unwrap_or(0) as u64, 0])
            }
            VolumeError::Cut { needs, has, .. } => (1, vec![], [needs, has]),
            VolumeError::NoVariable { wanted, hint, .. } => (2, vec![wanted, hint], [0, 0]),
            VolumeError::Unusable { variable, problem, .. } => (3, vec![variable, problem], [0, 0]),
            VolumeError::Storage { variable, problem, .. } => (4, vec![variable, problem], [0, 0]),
            VolumeError::Foreign { format, remedy, .. } => (5, vec![format, remedy], [0, 0]),
            VolumeError::NotPlain { what, .. } => (6, vec![what], [0, 0]),
            VolumeError::Damaged { check, .. } => (7, vec![check], [0, 0]),
            VolumeError::NotSelfContained { what, .. } => (8, vec![what], [0, 0]),
            // Unreachable: the other process has no times, frames or further processes.
            other => (7, vec![other.to_string()], [0, 0]),
        };
        Self { kind, texts, numbers }
    }

    /// The error here.
    pub fn at(self, path: &Path) -> VolumeError {
        let path = path.to_owned();
        let mut texts = self.texts.into_iter();
        let mut text = || texts.next().unwrap_or_default();
        let [first, second] = self.numbers;
        match self.kind {
            0 if first != 0 => VolumeError::Io { path, source: std::io::Error::from_raw_os_error(first as i32) },
            0 => VolumeError::Io { path, source: std::io::Error::other(text()) },
            1 => VolumeError::Cut { path, needs: first, has: second },
            2 => VolumeError::NoVariable { path, wanted: text(), hint: text() },
            3 => VolumeError::Unusable { path, variable: text(), problem: text() },
            4 => VolumeError::Storage { path, variable: text(), problem: text() },
            5 => VolumeError::Foreign { path, format: text(), remedy: text() },
            6 => VolumeError::NotPlain { path, what: text() },
            8 => VolumeError::NotSelfContained { path, what: text() },
            _ => VolumeError::Damaged { path, check: text() },
        }
    }
}

/// The answer to a request: to be called in the other process.
#[must_use]
pub fn answer(request: &[u8]) -> Vec<u8> {
    let answer = match Request::take(&mut &request[..]) {
        Some(request) => carry_out(request).unwrap_or_else(|error| Answer::Refused(Refusal::of(error))),
        None => Answer::Refused(Refusal { kind: 7, texts: vec!["its request got lost".to_owned()], numbers: [0, 0] }),
    };
    let mut bytes = Vec::new();
    answer.put(&mut bytes);
    bytes
}

fn carry_out(request: Request) -> Result<Answer, VolumeError> {
    match request {
        Request::Open { path, field } => {
            let (file, len) = plain::open(&path)?;
            hdf::open(&file, &path, len, &field).map(|source| Answer::Opened(Box::new(source)))
        }
        Request::Read { path, field, slab, kind } => {
            let empty = Values::empty(kind).ok_or_else(|| VolumeError::damaged(&path, "its type vanished"))?;
            let mut values = empty.clone();
            values.reset(&empty, slab.len().unwrap_or(0));
            hdf::read(&path, &field, &slab, &mut values).map(|()| Answer::Read(values))
        }
    }
}

impl Wire for PathBuf {
    fn put(&self, to: &mut Vec<u8>) {
        self.as_os_str().as_bytes().to_vec().put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let bytes = Vec::<u8>::take(from)?;
        Some(std::ffi::OsStr::from_bytes(&bytes).into())
    }
}

impl Wire for Request {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::Open { path, field } => {
                to.push(0);
                path.put(to);
                field.put(to);
            }
            Self::Read { path, field, slab, kind } => {
                to.push(1);
                path.put(to);
                field.put(to);
                slab.put(to);
                kind.put(to);
            }
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let tag = u8::take(from)?;
        let (path, field) = Wire::take(from)?;
        match tag {
            0 => Some(Self::Open { path, field }),
            1 => Some(Self::Read { path, field, slab: Wire::take(from)?, kind: Wire::take(from)? }),
            _ => None,
        }
    }
}

impl Wire for Answer {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::Opened(source) => {
                to.push(0);
                source.put(to);
            }
            Self::Read(values) => {
                to.push(1);
                values.put(to);
            }
            Self::Refused(Refusal { kind, texts, numbers: [first, second] }) => {
                (2_u8, *kind).put(to);
                texts.put(to);
                (*first, *second).put(to);
            }
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(Self::Opened(Box::new(Wire::take(from)?))),
            1 => Wire::take(from).map(Self::Read),
            2 => {
                let (kind, texts) = Wire::take(from)?;
                let (first, second) = Wire::take(from)?;
                Some(Self::Refused(Refusal { kind, texts, numbers: [first, second] }))
            }
            _ => None,
        }
    }
}
