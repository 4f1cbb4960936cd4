//! The compressed forms of a stream: none, gzip, zstd. Their checksums are verified to the end of the file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::{Refusal, UnpackError};
use super::pipeline::Source;
use crate::util::fs::FsError;
use crate::util::progress::Progress;
use crate::util::stop::{Stop, Stopped};

const READ_BYTES: usize = 128 * 1024;

/// The archive's file, which records how far it has been read.
pub struct Metered<'a> {
    file: File,
    progress: &'a dyn Progress,
    stop: &'a Stop,
}

impl<'a> Metered<'a> {
    /// Opens the archive.
    pub fn open(path: &Path, progress: &'a dyn Progress, stop: &'a Stop) -> Result<BufReader<Self>, FsError> {
        let file = File::open(path).map_err(FsError::at("open", path))?;
        Ok(BufReader::with_capacity(READ_BYTES, Self { file, progress, stop }))
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A decoder may read for long without output: empty members, frames to be skipped.
        self.stop.check().map_err(io::Error::other)?;
        let count = self.file.read(out)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}

impl io::Seek for Metered<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A stream in one of the compressed forms.
pub struct Stream<R> {
    reader: R,
    format: &'static str,
    path: PathBuf,
}

impl<R: Read> Stream<R> {
    fn new(reader: R, format: &'static str, path: &Path) -> Self {
        Self { reader, format, path: path.to_owned() }
    }
}

/// A stream that is not compressed.
pub fn plain<'a>(
    path: &Path,
    progress: &'a dyn Progress,
    stop: &'a Stop,
) -> Result<impl Source + use<'a>, UnpackError> {
    Ok(Stream::new(Metered::open(path, progress, stop)?, "tar", path))
}

/// A gzip stream of one or more members, and the file name in the first one.
pub fn gzip<'a>(
    path: &Path,
    progress: &'a dyn Progress,
    stop: &'a Stop,
) -> Result<(impl Source + use<'a>, Option<Vec<u8>>), UnpackError> {
    let decoder = MultiGzDecoder::new(Metered::open(path, progress, stop)?);
    let name = decoder.header().and_then(|header| header.filename()).map(<[u8]>::to_vec);
    Ok((Stream::new(decoder, "gzip", path), name))
}

/// A zstd stream of one or more frames.
pub fn zstd<'a>(
    path: &Path,
    window_log: u32,
    progress: &'a dyn Progress,
    stop: &'a Stop,
) -> Result<impl Source + use<'a>, UnpackError> {
    let mut decoder = ::zstd::Decoder::with_buffer(Metered::open(path, progress, stop)?)
        .map_err(|error| decoder_error(error, "zstd", path))?;
    decoder.window_log_max(window_log).map_err(|error| decoder_error(error, "zstd", path))?;
    Ok(Stream::new(decoder, "zstd", path))
}

impl<R: Read + Send> Source for Stream<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, UnpackError> {
        loop {
            match self.reader.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|error| decoder_error(error, self.format, &self.path)),
            }
        }
    }
}

/// Distinguishes a stop and a disk failure from bad data.
pub fn decoder_error(error: io::Error, format: &'static str, path: &Path) -> UnpackError {
    if let Some(&stopped) = error.get_ref().and_then(|inner| inner.downcast_ref::<Stopped>()) {
        return stopped.into();
    }
    if error.raw_os_error().is_some() {
        return FsError::at("read", path)(error).into();
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Refusal::Cut { within: "its compressed data" }.into(),
        _ => Refusal::Damaged { format, detail: error.to_string() }.into(),
    }
}
