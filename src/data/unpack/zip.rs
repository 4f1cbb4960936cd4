//! Zip archives: the entries of the central directory, inflated one after another in the order of their places in the
//! file. It trusts an entry only if the directory and the entry's own header agree.

mod content;
mod directory;

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::{Crc, Decompress, FlushDecompress, Status};

pub use self::content::Zip;
use self::directory::{Entry, Method};
use super::decode::{Metered, decoder_error};
use super::error::{Refusal, UnpackError};
use super::pipeline::{self, Content, Source};
use super::writer::Writer;
use crate::util::fs::FsError;
use crate::util::progress::Progress;
use crate::util::sha256::Digest;
use crate::util::stop::Stop;

/// Writes all entries of an archive.
pub fn read(
    archive: &Path,
    progress: &dyn Progress,
    stop: &Stop,
    writer: &mut Writer,
) -> Result<Vec<Digest>, UnpackError> {
    let mut reader = Metered::open(archive, progress, stop)?;
    let entries = directory::read(&mut reader, archive, writer.budget.most_entries())?;
    // Sizes are known in advance, so a bomb is refused before a byte of it is written.
    let mut foreseen = writer.budget.clone();
    entries.iter().try_for_each(|entry| foreseen.entry(entry.bytes).map_err(|error| error.at(&entry.name)))?;
    let mut source = Entries::new(reader, archive, &entries);
    Ok(pipeline::run(&mut source, stop, |content| write(content, &entries, writer))?.1)
}

fn write(content: &mut Content, entries: &[Entry], writer: &mut Writer) -> Result<(), UnpackError> {
    for entry in entries {
        match entry.is_folder {
            true => writer.folder(&entry.name)?,
            false => writer.file(&entry.name, Some(entry.bytes), content)?,
        }
    }
    // The end comes only after the checksum of the last entry.
    match content.available()?.is_empty() {
        true => Ok(()),
        false => Err(Refusal::BehindEnd.into()),
    }
}

/// The contents of all entries as one stream; the reader knows where each one ends.
struct Entries<'a, R> {
    reader: BufReader<R>,
    archive: &'a Path,
    waiting: std::slice::Iter<'a, Entry>,
    current: Option<Current<'a>>,
    inflater: Decompress,
}

/// The entry that is being read.
struct Current<'a> {
    entry: &'a Entry,
    compressed_left: u64,
    bytes_left: u64,
    has_ended: bool,
    sum: Crc,
}

impl<'a, R: Read + Seek> Entries<'a, R> {
    fn new(reader: BufReader<R>, archive: &'a Path, entries: &'a [Entry]) -> Self {
        Self { reader, archive, waiting: entries.iter(), current: None, inflater: Decompress::new(false) }
    }

    fn start(&mut self, entry: &'a Entry) -> Result<Current<'a>, UnpackError> {
        let io = |error| decoder_error(error, "zip", self.archive);
        self.reader.seek(SeekFrom::Start(entry.offset)).map_err(FsError::at("read", self.archive))?;
        let mut header = [0; directory::LOCAL_HEADER];
        self.reader.read_exact(&mut header).map_err(io)?;
        let (name_bytes, extra_bytes) = entry.check_local(&header)?;
        let mut name = vec![0; name_bytes];
        self.reader.read_exact(&mut name).map_err(io)?;
        let data = entry.offset + (directory::LOCAL_HEADER + name_bytes + extra_bytes) as u64;
        entry.check_place(&name, data)?;
        self.reader.seek_relative(extra_bytes as i64).map_err(FsError::at("read", self.archive))?;
        self.inflater.reset(false);
        let (compressed_left, bytes_left) = (entry.compressed, entry.bytes);
        Ok(Current { entry, compressed_left, bytes_left, has_ended: false, sum: Crc::new() })
    }
}

impl<R: Read + Seek + Send> Source for Entries<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, UnpackError> {
        loop {
            if self.current.is_none() {
                let Some(entry) = self.waiting.next() else { return Ok(0) };
                self.current = Some(self.start(entry).map_err(|error| error.at(&entry.name))?);
            }
            let Some(current) = &mut self.current else { return Ok(0) };
            let step = current.step(&mut self.reader, &mut self.inflater, self.archive, out);
            match step.map_err(|error| error.at(&current.entry.name))? {
                0 => self.current = None,
                count => return Ok(count),
            }
        }
    }
}

impl Current<'_> {
    /// The next bytes of the entry; 0 once it has ended as it should.
    fn step(
        &mut self,
        reader: &mut impl BufRead,
        inflater: &mut Decompress,
        archive: &Path,
        out: &mut [u8],
    ) -> Result<usize, UnpackError> {
        loop {
            if self.has_ended || (self.entry.method == Method::Stored && self.compressed_left == 0) {
                return self.check_end().map(|()| 0).map_err(UnpackError::from);
            }
            let input = reader.fill_buf().map_err(|error| decoder_error(error, "zip", archive))?;
            let input = &input[..clamp(self.compressed_left, input.len())];
            let (read, written) = match self.entry.method {
                Method::Stored => copy(input, out),
                Method::Deflate => self.inflate(inflater, input, out)?,
            };
            reader.consume(read);
            self.compressed_left -= read as u64;
            if written as u64 > self.bytes_left {
                return Err(damaged("an entry contains more than the directory says").into());
            }
            self.bytes_left -= written as u64;
            self.sum.update(&out[..written]);
            if written > 0 {
                return Ok(written);
            }
            if read == 0 && !self.has_ended {
                return Err(Refusal::Cut { within: "this entry" }.into());
            }
        }
    }

    fn inflate(
        &mut self,
        inflater: &mut Decompress,
        input: &[u8],
        out: &mut [u8],
    ) -> Result<(usize, usize), UnpackError> {
        let before = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(input, out, FlushDecompress::None)
            .map_err(|error| Refusal::Damaged { format: "zip", detail: error.to_string() })?;
        self.has_ended = status == Status::StreamEnd;
        Ok(((inflater.total_in() - before.0) as usize, (inflater.total_out() - before.1) as usize))
    }

    fn check_end(&self) -> Result<(), Refusal> {
        if self.bytes_left > 0 || self.compressed_left > 0 {
            return Err(damaged("an entry contains less than the directory says"));
        }
        let (got, expected) = (self.sum.sum(), self.entry.crc);
        match got == expected {
            true => Ok(()),
            false => Err(Refusal::Checksum { what: "this entry", got, expected }),
        }
    }
}

fn copy(input: &[u8], out: &mut [u8]) -> (usize, usize) {
    let count = input.len().min(out.len());
    out[..count].copy_from_slice(&input[..count]);
    (count, count)
}

fn clamp(left: u64, there: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(there)
}

fn damaged(detail: &str) -> Refusal {
    Refusal::Damaged { format: "zip", detail: detail.to_owned() }
}
