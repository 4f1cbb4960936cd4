//! Reads variables that are stored uncompressed: netCDF classic, fixed or in records, and contiguous HDF5.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::classic::Place;
use super::error::VolumeError;
use super::slab::{Run, Slab};
use super::values::{ByteOrder, Element};

/// Bytes that are read and converted at once: they stay in the processor's second cache.
const PIECE: usize = 128 * 1024;
/// Runs below this many bytes are not read one by one: their whole span is.
const SHORT_RUN: usize = 4096;

/// An uncompressed array in a file.
#[derive(Clone, Debug)]
pub(super) struct Flat {
    /// Its place.
    pub place: Place,
    /// The order of its bytes.
    pub order: ByteOrder,
    /// Its dimensions, slowest first; the first one counts records if these are interleaved.
    pub shape: Vec<u64>,
}

impl Flat {
    /// Reads a box of cells, densely, in the file's order of dimensions.
    pub fn read<T: Element>(
        &self,
        (file, path): (&File, &Path),
        slab: &Slab,
        bytes: &mut Vec<u8>,
        into: &mut [T],
    ) -> Result<(), VolumeError> {
        let Some(stride) = self.place.record_stride else {
            let source = Source { file, path, begin: self.place.begin, order: self.order };
            return source.read(slab, &vec![0; self.shape.len()], &self.shape, bytes, into);
        };
        let mut record_shape = self.shape.clone();
        record_shape[0] = 1;
        let mut origin = vec![0; self.shape.len()];
        for record in slab.start[0]..slab.start[0] + slab.count[0] {
            origin[0] = record;
            let source = Source { file, path, begin: self.place.begin + record * stride, order: self.order };
            source.read(slab, &origin, &record_shape, bytes, into)?;
        }
        Ok(())
    }
}

/// A dense array in a file.
struct Source<'a> {
    file: &'a File,
    path: &'a Path,
    begin: u64,
    order: ByteOrder,
}

impl Source<'_> {
    fn read<T: Element>(
        &self,
        slab: &Slab,
        origin: &[u64],
        shape: &[u64],
        bytes: &mut Vec<u8>,
        into: &mut [T],
    ) -> Result<(), VolumeError> {
        let (mut first, mut end, mut shortest) = (u64::MAX, 0, usize::MAX);
        slab.try_for_each_run(origin, shape, |run| {
            first = first.min(run.source);
            end = end.max(run.source + run.len as u64);
            shortest = shortest.min(run.len);
            Ok::<(), VolumeError>(())
        })?;
        if first < end && shortest * T::SIZE < SHORT_RUN {
            return self.read_span(slab, (origin, shape), (first, end), bytes, into);
        }
        slab.try_for_each_run(origin, shape, |run| self.read_run(run, bytes, into))
    }

    /// One long run, piece by piece.
    fn read_run<T: Element>(&self, run: Run, bytes: &mut Vec<u8>, into: &mut [T]) -> Result<(), VolumeError> {
        let mut at = self.begin + run.source * T::SIZE as u64;
        for piece in into[run.target..run.target + run.len].chunks_mut(PIECE / T::SIZE) {
            bytes.resize(size_of_val(piece), 0);
            self.file.read_exact_at(bytes, at).map_err(VolumeError::io(self.path))?;
            T::convert(bytes, self.order, piece);
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Many short runs, which unusual orders of dimensions cause: everything between the first and the last.
    fn read_span<T: Element>(
        &self,
        slab: &Slab,
        (origin, shape): (&[u64], &[u64]),
        (first, end): (u64, u64),
        bytes: &mut Vec<u8>,
        into: &mut [T],
    ) -> Result<(), VolumeError> {
        bytes.resize((end - first) as usize * T::SIZE, 0);
        self.file.read_exact_at(bytes, self.begin + first * T::SIZE as u64).map_err(VolumeError::io(self.path))?;
        slab.try_for_each_run(origin, shape, |run| {
            let from = (run.source - first) as usize * T::SIZE;
            T::convert(&bytes[from..from + run.len * T::SIZE], self.order, &mut into[run.target..run.target + run.len]);
            Ok::<(), VolumeError>(())
        })
    }
}
