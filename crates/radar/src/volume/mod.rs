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
pub use source::Format;
use source::{Source, Store};
use values::with_values;
pub use values::{ByteOrder, Values};

/// The most bytes of a frame, and the most cells: several levels of a continent in cells of 1 km. A damaged header must not
/// make us reserve all memory.
const MAX_FRAME_BYTES: usize = 1 << 28;
const MAX_FRAME_CELLS: usize = 1 << 27;
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
            check_chunks(chunked.touched_by(&plan.slab(0))).map_err(unusable)?;
        }
        Ok(Self {
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
        let frames = self.times.len();
        if frame >= frames {
            return Err(VolumeError::NoFrame { path: self.path.clone(), frame, frames });
        }
        into.shape = self.plan.frame;
        let RawVolume { values, stored, decoder, bytes, .. } = into;
        let target = if self.plan.is_identity() { &mut *values } else { &mut *stored };
        target.reset(&self.empty, self.plan.len());
        self.read_stored(frame, decoder, bytes, target)?;
        if !self.plan.is_identity() {
            values.reset(&self.empty, self.plan.len());
            values.turn(stored, &self.plan);
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

    /// Reads a frame in the file's order of dimensions.
    fn read_stored(
        &self,
        frame: usize,
        decoder: &mut chunked::Decoder,
        bytes: &mut Vec<u8>,
        target: &mut Values,
    ) -> Result<(), VolumeError> {
        let slab = self.plan.slab(frame);
        let place = (&self.file, self.path.as_path());
        match &self.store {
            Store::Flat(flat) => with_values!(target, values => flat.read(place, &slab, bytes, values)),
            Store::Chunked(chunked) => {
                with_values!(target, values => chunked.read(place, self.identity, &slab, decoder, values))
            }
            Store::Unwritten(fill) => {
                with_values!(target, values => values.fill(values::Element::nearest(*fill)));
                Ok(())
            }
            Store::Library => isolated::read(&self.path, &self.variable, &slab, target)
                .unwrap_or_else(|| hdf::read(&self.path, &self.variable, &slab, target)),
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
    let cells = plan.frame.iter().try_fold(1_usize, |cells, &len| cells.checked_mul(len));
    match cells {
        Some(0) => Err(format!("has frames without cells ({levels} x {rows} x {columns}); remove the file")),
        Some(_) if levels > MAX_LEVELS => {
            Err(format!("has {levels} levels, at most {MAX_LEVELS} are read; cut out those of interest"))
        }
        Some(cells) if cells <= MAX_FRAME_CELLS && cells * kind.size() <= MAX_FRAME_BYTES => Ok(()),
        _ => Err(format!(
            "has frames of {levels} x {rows} x {columns} cells of {} bytes, at most {} million cells and {} MiB are read; \
             cut out the region of interest",
            kind.size(),
            MAX_FRAME_CELLS >> 20,
            MAX_FRAME_BYTES >> 20
        )),
    }
}

fn check_chunks(chunks: u64) -> Result<(), String> {
    if chunks <= MAX_FRAME_CHUNKS {
        return Ok(());
    }
    Err(format!("has frames in {chunks} chunks each, at most {MAX_FRAME_CHUNKS} are read; write it in larger chunks"))
}
