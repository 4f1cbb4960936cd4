//! Reads chunked HDF5 variables without the HDF5 library, which only lists the places of the chunks, once. Then any
//! number of threads read, check and decompress at the same time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::VolumeError;
use super::filters::{Pipeline, Workspace};
use super::slab::{Slab, advance};
use super::values::{ByteOrder, Element};

/// A stored chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Its place among all chunks of the variable, counted row by row.
    pub place: u64,
    /// The first byte.
    pub address: u64,
    /// The stored bytes.
    pub size: u64,
    /// Filters that were not applied, one bit each.
    pub mask: u32,
}

/// A chunked array in a file.
pub(super) struct Chunked {
    /// Its dimensions, slowest first.
    pub shape: Vec<u64>,
    /// The dimensions of a chunk.
    pub chunk_shape: Vec<u64>,
    /// How chunks were written.
    pub pipeline: Pipeline,
    /// The order of the bytes of a number.
    pub order: ByteOrder,
    /// The number in cells that were never written.
    pub fill: f64,
    /// The stored chunks, by place.
    pub chunks: Vec<Chunk>,
}

/// The workspace, and which chunk its bytes are: frames that share a chunk decode it once.
#[derive(Default)]
pub(super) struct Decoder {
    workspace: Workspace,
    holds: Option<(u64, u64)>,
}

impl Chunked {
    /// How many chunks there are in each dimension.
    pub fn chunk_counts(&self) -> Vec<u64> {
        self.shape.iter().zip(&self.chunk_shape).map(|(&len, &chunk)| len.div_ceil(chunk)).collect()
    }

    /// How many chunks there are, stored or not.
    fn total(&self) -> u64 {
        self.chunk_counts().iter().fold(1, |total, &count| total.saturating_mul(count))
    }

    /// How many chunks a box of cells touches.
    pub fn touched_by(&self, slab: &Slab) -> u64 {
        self.touched(slab).1.iter().fold(1, |total, &count| total.saturating_mul(count))
    }

    /// Whether chunks and array have the same dimensions.
    pub fn is_consistent(&self) -> bool {
        self.chunk_shape.len() == self.shape.len()
            && !self.chunk_shape.contains(&0)
            && self.chunks.is_sorted_by(|one, next| one.place < next.place)
    }

    /// A note if chunks are absent. That is allowed, and they read as the fill value; but a damaged index of chunks, which
    /// has no checksum, looks the same.
    pub fn gaps(&self) -> Option<String> {
        let (stored, all) = (self.chunks.len() as u64, self.total());
        (stored < all)
            .then(|| format!("{stored} of {all} chunks were written; the cells of the others have the fill value"))
    }

    /// How many of the chunks that a box of cells touches are stored, and how many there are.
    pub fn stored(&self, slab: &Slab) -> [u64; 2] {
        let (counts, (first, number)) = (self.chunk_counts(), self.touched(slab));
        let (mut index, mut stored) = (vec![0; counts.len()], 0);
        loop {
            let at = index.iter().zip(&first).map(|(index, first)| index + first);
            let place = at.zip(&counts).fold(0, |place, (at, count)| place * count + at);
            stored += u64::from(self.chunks.binary_search_by_key(&place, |chunk| chunk.place).is_ok());
            if !advance(&mut index, &number) {
                return [stored, number.iter().product()];
            }
        }
    }

    /// The first chunk that a box touches in each dimension, and how many it touches.
    fn touched(&self, slab: &Slab) -> (Vec<u64>, Vec<u64>) {
        let ranges = slab.start.iter().zip(&slab.count).zip(&self.chunk_shape);
        ranges
            .map(|((&start, &count), &chunk)| (start / chunk, (start + count).div_ceil(chunk) - start / chunk))
            .unzip()
    }

    /// Reads a box of cells, densely, in the file's order of dimensions. `identity` distinguishes files.
    pub fn read<T: Element>(
        &self,
        (file, path): (&File, &Path),
        identity: u64,
        slab: &Slab,
        decoder: &mut Decoder,
        into: &mut [T],
    ) -> Result<(), VolumeError> {
        let counts = self.chunk_counts();
        let (first, number) = self.touched(slab);
        if (self.chunks.len() as u64) < self.total() {
            into.fill(T::nearest(self.fill));
        }
        let mut index = vec![0; counts.len()];
        loop {
            let at: Vec<u64> = index.iter().zip(&first).map(|(index, first)| index + first).collect();
            let place = at.iter().zip(&counts).fold(0, |place, (at, count)| place * count + at);
            if let Ok(found) = self.chunks.binary_search_by_key(&place, |chunk| chunk.place) {
                self.decode((file, path), identity, &self.chunks[found], decoder)?;
                let origin: Vec<u64> = at.iter().zip(&self.chunk_shape).map(|(at, chunk)| at * chunk).collect();
                self.place(&decoder.workspace.bytes, &origin, slab, into);
            }
            if !advance(&mut index, &number) {
                return Ok(());
            }
        }
    }

    fn decode(
        &self,
        (file, path): (&File, &Path),
        identity: u64,
        chunk: &Chunk,
        decoder: &mut Decoder,
    ) -> Result<(), VolumeError> {
        if decoder.holds == Some((identity, chunk.address)) {
            return Ok(());
        }
        decoder.holds = None;
        let bytes = &mut decoder.workspace.bytes;
        bytes.resize(chunk.size as usize, 0);
        file.read_exact_at(bytes, chunk.address).map_err(VolumeError::io(path))?;
        let undone = self.pipeline.undo(chunk.mask, &mut decoder.workspace);
        undone.map_err(|check| VolumeError::damaged(path, format!("{check}, at byte {}", chunk.address)))?;
        decoder.holds = Some((identity, chunk.address));
        Ok(())
    }

    /// Copies the cells that a chunk and the slab share. A chunk at the edge is stored whole, beyond the array.
    fn place<T: Element>(&self, bytes: &[u8], origin: &[u64], slab: &Slab, into: &mut [T]) {
        let Ok(()) = slab.try_for_each_run(origin, &self.chunk_shape, |run| {
            let from = run.source as usize * T::SIZE;
            let stored = &bytes[from..from + run.len * T::SIZE];
            T::convert(stored, self.order, &mut into[run.target..run.target + run.len]);
            Ok::<(), std::convert::Infallible>(())
        });
    }
}
