//! Radar volumes in netCDF files, classic and netCDF-4: grid, times, packing, and frames of raw numbers.
//!
//! Only this module knows these formats. A file may hold one frame or many, in any order of dimensions and directions;
//! frames always come out as levels from the bottom up, rows from south to north, columns from west to east. Opening
//! reads the header alone. Reading a frame takes no lock, so any number of threads can read at once; only files that
//! are stored in rare ways go through the netCDF library, one at a time.
//!
//! Numbers come as stored; [`Packing`] turns them into physical values.

mod arrange;
mod axes;
mod chunked;
mod classic;
mod cursor;
mod error;
mod field;
mod file_name;
mod filters;
mod flat;
mod foreign;
mod frames;
mod grid;
mod hdf;
mod header;
mod heaps;
mod isolated;
mod links;
mod packing;
mod plain;
mod raw;
mod sequence;
mod signature;
mod slab;
mod source;
mod time;
mod values;

#[cfg(test)]
mod corruption_tests;
#[cfg(test)]
mod fixture_tests;
#[cfg(test)]
mod hostile_tests;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use arrange::Plan;
use axes::{FieldDimension, Role};
pub use error::VolumeError;
pub use field::{FieldAttributes, GridMapping};
pub use file_name::time_in_name;
use frames::Known;
pub use grid::{Axis, Grid};
pub use header::{AttributeValue, Attributes, Kind};
pub use isolated::{Carrier, Lost, answer, isolate};
pub use packing::Packing;
pub use raw::RawVolume;
pub use sequence::{ENDINGS, Frame, frames_in, is_radar_name};
use slab::Slab;
pub use source::Format;
use source::{Source, Store};
use values::with_values;
pub use values::{ByteOrder, Values};

use fragua_util::units;

/// The most bytes that are held at once, of a frame or of a chunk: a damaged header must not make us reserve all memory, and
/// the process that runs the libraries has a limit. A larger frame is read some levels at a time.
const MAX_BYTES_AT_ONCE: usize = 1 << 28;
/// The most cells of a frame: 40 levels of a continent in cells of 1 km.
const MAX_FRAME_CELLS: usize = 1 << 30;
/// The most levels: several times those of any radar.
const MAX_LEVELS: usize = 512;
/// The most chunks that a frame is in. Each costs a look-up, and an own read from the disk.
const MAX_FRAME_CHUNKS: u64 = 1 << 18;

/// Distinguishes files, so that a buffer knows which file its chunk is from.
static NEXT_IDENTITY: AtomicU64 = AtomicU64::new(0);

/// An open file with radar frames.
pub struct VolumeFile {
    path: PathBuf,
    file: File,
    identity: u64,
    variable: String,
    format: Format,
    grid: Grid,
    times: Vec<f64>,
    attributes: FieldAttributes,
    packing: Packing,
    notes: Vec<String>,
    plan: Plan,
    store: Store,
    empty: Values,
    /// How many levels are read at once.
    levels_at_once: usize,
}

impl VolumeFile {
    /// Opens a file and reads its header, but no frame.
    ///
    /// # Errors
    /// If the file is not netCDF, is cut or damaged, has no such variable, or has an implausible grid or time.
    pub fn open(path: &Path, variable: &str) -> Result<Self, VolumeError> {
        let (file, file_len) = plain::open(path)?;
        let source = source::open(&file, path, file_len, variable)?;
        Self::understand(path, file, source)
    }

    fn understand(path: &Path, file: File, source: Source) -> Result<Self, VolumeError> {
        let Source { format, header, field, numbers, store } = source;
        let field = &header.variables[field];
        let unusable = |problem: String| VolumeError::unusable(path, &field.name, problem);
        let empty = Values::empty(field.kind).ok_or_else(|| {
            unusable(format!(
                "is of type {}; a field has numbers of up to 32 bits, or float or double",
                field.kind.name()
            ))
        })?;
        let known = Known { path, header: &header, numbers: &numbers };
        let dimensions = axes::assign(&header, field, known.has_lone_time(field)).map_err(unusable)?;
        let mut notes = Vec::new();
        let mut axis_of = |role: Role| axis(&known, &dimensions, role, &mut notes);
        let [(z, z_reversed), (y, y_reversed), (x, x_reversed)] =
            [axis_of(Role::Z)?, axis_of(Role::Y)?, axis_of(Role::X)?];
        if let Store::Chunked(chunked) = &store {
            notes.extend(chunked.gaps());
        }
        let plan = Plan::new(&dimensions, [z_reversed, y_reversed, x_reversed]);
        check_frame_size(&plan, field.kind).map_err(unusable)?;
        if let Store::Chunked(chunked) = &store {
            check_chunks(chunked.touched_by(&plan.slab(0)), &chunked.chunk_shape, field.kind).map_err(unusable)?;
        }
        let [_, rows, columns] = plan.frame;
        Ok(Self {
            levels_at_once: (MAX_BYTES_AT_ONCE / (rows * columns * field.kind.size())).max(1),
            times: known.times(field, &dimensions)?,
            packing: Packing::of(path, field)?,
            attributes: field::describe(&header, field),
            path: path.to_owned(),
            identity: NEXT_IDENTITY.fetch_add(1, Ordering::Relaxed),
            variable: field.name.clone(),
            grid: Grid { y, x, z },
            file,
            format,
            notes,
            plan,
            store,
            empty,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The name of the field's variable.
    #[must_use]
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// The type of the stored numbers.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.empty.kind()
    }

    /// The axes, as frames come out.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The time of each frame in seconds since 1970 UTC, in the order of the file.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Names, units and map projection.
    #[must_use]
    pub fn attributes(&self) -> &FieldAttributes {
        &self.attributes
    }

    /// How stored numbers become physical values.
    #[must_use]
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    /// What the file lacks and is assumed instead, as fragments for a message.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Reads a frame into a buffer, which keeps its memory from frame to frame.
    ///
    /// # Errors
    /// If there is no such frame, the disk fails, or a checksum does not match. The buffer's values are then undefined.
    pub fn read(&self, frame: usize, into: &mut RawVolume) -> Result<(), VolumeError> {
        let levels = self.plan.frame[0];
        if levels <= self.levels_at_once {
            return self.read_levels(frame, &(0..levels), into);
        }
        let mut some = RawVolume::new();
        into.shape = self.plan.frame;
        into.values.reset(&self.empty, self.plan.len());
        for part in self.parts() {
            self.read_levels(frame, &part, &mut some)?;
            into.values.put(part.start * self.plan.len() / levels, &some.values);
        }
        Ok(())
    }

    /// The levels in parts that can be held at once: all of them, unless frames are very large.
    pub fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        let (levels, step) = (self.plan.frame[0], self.levels_at_once);
        (0..levels).step_by(step).map(move |first| first..levels.min(first + step))
    }

    /// Reads some levels of a frame, as [`Self::read`] does.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_levels(&self, frame: usize, levels: &Range<usize>, into: &mut RawVolume) -> Result<(), VolumeError> {
        let frames = self.times.len();
        if frame >= frames {
            return Err(VolumeError::NoFrame { path: self.path.clone(), frame, frames });
        }
        let plan = self.plan.of_levels(levels);
        into.shape = plan.frame;
        let RawVolume { values, stored, decoder, bytes, .. } = into;
        let target = if plan.is_identity() { &mut *values } else { &mut *stored };
        target.reset(&self.empty, plan.len());
        self.read_stored(&plan.slab(frame), decoder, bytes, target)?;
        if !plan.is_identity() {
            values.reset(&self.empty, plan.len());
            values.turn(stored, &plan);
        }
        Ok(())
    }

    /// Whether a frame was written when the file was.
    ///
    /// # Errors
    /// If only a part of it was: the file is unfinished, or its index of chunks, which has no checksum, is damaged.
    pub fn is_written(&self, frame: usize) -> Result<bool, VolumeError> {
        let [stored, all] = match &self.store {
            Store::Chunked(chunked) => chunked.stored(&self.plan.slab(frame)),
            Store::Unwritten(_) => [0, 1],
            Store::Flat(_) | Store::Library => [1, 1],
        };
        if stored > 0 && stored < all {
            let check =
                format!("only {stored} of {all} chunks of its frame {frame} (counted from 0) were ever written");
            return Err(VolumeError::damaged(&self.path, check));
        }
        Ok(stored == all)
    }

    /// Reads a box of cells in the file's order of dimensions.
    fn read_stored(
        &self,
        slab: &Slab,
        decoder: &mut chunked::Decoder,
        bytes: &mut Vec<u8>,
        target: &mut Values,
    ) -> Result<(), VolumeError> {
        let place = (&self.file, self.path.as_path());
        match &self.store {
            Store::Flat(flat) => with_values!(target, values => flat.read(place, slab, bytes, values)),
            Store::Chunked(chunked) => {
                with_values!(target, values => chunked.read(place, self.identity, slab, decoder, values))
            }
            Store::Unwritten(fill) => {
                with_values!(target, values => values.fill(values::Element::nearest(*fill)));
                Ok(())
            }
            Store::Library => isolated::read(&self.path, &self.variable, slab, target)
                .unwrap_or_else(|| hdf::read(&self.path, &self.variable, slab, target)),
        }
    }
}

/// The axis of the dimension with a role, and whether it is stored reversed.
fn axis(
    known: &Known<'_>,
    dimensions: &[FieldDimension],
    role: Role,
    notes: &mut Vec<String>,
) -> Result<(Axis, bool), VolumeError> {
    let Some(dimension) = dimensions.iter().find(|dimension| dimension.role == role) else {
        return Ok((grid::nominal_level(), false));
    };
    let numbers = dimension.coordinate.and_then(|index| known.numbers.get(index)).and_then(Option::as_deref);
    let directed = grid::directed(known.path, known.header, dimension, numbers)?;
    if !directed.axis.stated {
        notes.push(format!("no coordinates along dimension \"{}\"; its cells are numbered as stored", dimension.name));
    }
    Ok((directed.axis, directed.reversed))
}

fn check_frame_size(plan: &Plan, kind: Kind) -> Result<(), String> {
    let [levels, rows, columns] = plan.frame;
    let product = |lens: &[usize]| lens.iter().try_fold(1_usize, |cells, &len| cells.checked_mul(len));
    let level_bytes = product(&[rows, columns, kind.size()]);
    match product(&plan.frame) {
        Some(0) => Err(format!("has frames without cells ({levels} x {rows} x {columns}); remove the file")),
        Some(_) if levels > MAX_LEVELS => {
            Err(format!("has {levels} levels, at most {MAX_LEVELS} are read; cut out those of interest"))
        }
        Some(cells) if cells <= MAX_FRAME_CELLS && level_bytes.is_some_and(|bytes| bytes <= MAX_BYTES_AT_ONCE) => {
            Ok(())
        }
        cells => Err(format!(
            "has frames of {levels} x {rows} x {columns} cells of {} bytes, {} a level; at most {} million cells a frame and {} a \
             level are read; cut out the region of interest, for example with ncks -d",
            kind.size(),
            level_bytes
                .filter(|_| cells.is_some())
                .map_or_else(|| "more than can be addressed".to_owned(), |bytes| units::bytes(bytes as u64)),
            MAX_FRAME_CELLS / 1_000_000,
            units::bytes(MAX_BYTES_AT_ONCE as u64)
        )),
    }
}

fn check_chunks(chunks: u64, shape: &[u64], kind: Kind) -> Result<(), String> {
    if chunks > MAX_FRAME_CHUNKS {
        return Err(format!(
            "has frames in {chunks} chunks each, at most {MAX_FRAME_CHUNKS} are read; write it in larger chunks"
        ));
    }
    let bytes = shape.iter().try_fold(kind.size() as u64, |bytes, len| bytes.checked_mul(*len));
    if bytes.is_some_and(|bytes| bytes <= MAX_BYTES_AT_ONCE as u64) {
        return Ok(());
    }
    Err(format!(
        "has chunks of {}, at most {} are read; write it in smaller chunks, for example with nccopy -c",
        bytes.map_or_else(|| "more than can be addressed".to_owned(), units::bytes),
        units::bytes(MAX_BYTES_AT_ONCE as u64)
    ))
}
