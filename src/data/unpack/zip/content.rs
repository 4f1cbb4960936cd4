//! Single files of a zip archive, in memory: for readers of archives that hold arrays. As strict as unpacking all of it.

use std::io::{BufReader, Read, Seek};
use std::path::Path;

use super::Entries;
use super::directory::{self, Entry};
use crate::data::unpack::error::UnpackError;
use crate::data::unpack::pipeline::Source;

/// How much is inflated at once.
const STEP_BYTES: usize = 64 << 10;

/// A zip archive whose directory was read.
#[derive(Debug)]
pub struct Zip<R> {
    file: R,
    entries: Vec<Entry>,
}

impl<R: Read + Seek + Send> Zip<R> {
    /// Reads the directory, unless it has more than so many entries.
    ///
    /// # Errors
    /// If the archive is damaged or hostile, or can't be read.
    pub fn open(mut file: R, path: &Path, most: u64) -> Result<Self, UnpackError> {
        let entries = directory::read(&mut BufReader::new(&mut file), path, most)?;
        Ok(Self { file, entries })
    }

    /// The names of the files, as far as they are UTF-8, with the sizes that the directory says.
    pub fn entries(&self) -> impl Iterator<Item = (&str, u64)> {
        self.entries.iter().filter_map(|entry| Some((std::str::from_utf8(&entry.name).ok()?, entry.bytes)))
    }

    /// The content of a file; none if there is none of this name. The caller has looked at its size.
    ///
    /// # Errors
    /// If it is damaged, or can't be read.
    pub fn content(&mut self, name: &str, path: &Path) -> Result<Option<Vec<u8>>, UnpackError> {
        let Some(entry) = self.entries.iter().position(|entry| entry.name == name.as_bytes()) else { return Ok(None) };
        let mut source = Entries::new(BufReader::new(&mut self.file), path, &self.entries[entry..=entry]);
        let (mut content, mut step) = (Vec::new(), vec![0; STEP_BYTES]);
        loop {
            match source.read(&mut step)? {
                0 => return Ok(Some(content)),
                count => content.extend_from_slice(&step[..count]),
            }
        }
    }
}
