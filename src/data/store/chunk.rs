//! One frame as a file: zstd with a checksum, under the key that Zarr gives to the chunk. What zarrs would do itself,
//! but without its fsync for every chunk (an event is made durable once, as a whole) and into the caller's memory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zarrs::array::ChunkKeyEncoding;
use zarrs::array::ChunkKeySeparator;
use zarrs::array::chunk_key_encoding::DefaultChunkKeyEncoding;

use super::error::StoreError;
use super::spec::FrameArraySpec;
use crate::util::fs::FsError;

/// The files of an array's frames.
#[derive(Debug)]
pub(super) struct Chunks {
    folder: PathBuf,
    encoding: ChunkKeyEncoding,
    frame_axes: usize,
    /// The cells of a frame.
    pub frame_len: usize,
}

/// One file per chunk, not one folder per axis.
pub(super) fn encoding() -> ChunkKeyEncoding {
    DefaultChunkKeyEncoding::new(ChunkKeySeparator::Dot).into()
}

impl Chunks {
    pub fn new(event: &Path, spec: &FrameArraySpec, encoding: ChunkKeyEncoding) -> Self {
        let (frame_axes, frame_len) = (spec.coordinates.len(), spec.frame_len());
        Self { folder: event.join(&spec.name), encoding, frame_axes, frame_len }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a frame.
    pub fn path(&self, index: usize) -> PathBuf {
        let mut indices = vec![0; self.frame_axes + 1];
        indices[0] = index as u64;
        self.folder.join(self.encoding.encode(&indices).as_str())
    }

    /// Writes a new frame. A failed write leaves no file.
    pub fn write(&self, index: usize, frame: &[u8], level: i32) -> Result<(), StoreError> {
        let path = self.path(index);
        let compressed = compress(frame, level).map_err(FsError::at("compress", &path))?;
        // A new file always: an old one could be shared with another event.
        let mut file = File::create_new(&path).map_err(FsError::at("create", &path))?;
        if let Err(error) = file.write_all(&compressed) {
            fs::remove_file(&path).map_err(FsError::at("remove", &path))?;
            return Err(FsError::at("write", &path)(error).into());
        }
        Ok(())
    }

    /// Reads a frame and checks it.
    pub fn read(&self, index: usize, frame: &mut [u8]) -> Result<(), StoreError> {
        let path = self.path(index);
        let compressed = fs::read(&path).map_err(StoreError::unreadable(&path))?;
        let length = zstd::bulk::decompress_to_buffer(&compressed, frame).map_err(StoreError::damaged(&path))?;
        if length == frame.len() {
            return Ok(());
        }
        Err(StoreError::damaged(&path)(format!("it holds {length} cells, expected {}", frame.len())))
    }

    /// Makes a frame of another event one of this, sharing the file if the file system can.
    pub fn adopt(&self, index: usize, from: &Path) -> Result<(), FsError> {
        let path = self.path(index);
        match fs::hard_link(from, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                fs::copy(from, &path).map(|_| ()).map_err(FsError::at("copy to", &path))
            }
            done => done.map_err(FsError::at("link", &path)),
        }
    }
}

fn compress(frame: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    compressor.include_checksum(true)?;
    compressor.compress(frame)
}
