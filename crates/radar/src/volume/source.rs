//! Opens a file of either kind, netCDF classic or HDF5: its header, the numbers of its small variables, and the place of
//! the field's data.

use std::fs::File;
use std::path::Path;

use super::chunked::Chunked;
use super::classic;
use super::error::VolumeError;
use super::flat::Flat;
use super::foreign::Foreign;
use super::hdf;
use super::header::{Header, Kind, Variable};
use super::isolated;
use super::signature::{Signature, recognise};
use super::slab::Slab;
use super::values::{ByteOrder, Values, widen};

/// The numbers of coordinate variables that are read at most, of all together.
pub(super) const MAX_COORDINATES: u64 = 1 << 22;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// netCDF classic: CDF-1, CDF-2 (64-bit offsets) or CDF-5 (64-bit data).
    Classic(u8),
    /// netCDF-4, which is HDF5.
    Hdf5,
}

/// What was learned from opening a file.
pub(super) struct Source {
    /// The format.
    pub format: Format,
    /// The header.
    pub header: Header,
    /// The field, as an index into [`Header::variables`].
    pub field: usize,
    /// The numbers of the variables of at most one dimension that could be coordinates of the field.
    pub numbers: Vec<Option<Vec<f64>>>,
    /// The place of the field's data.
    pub store: Store,
}

impl Source {
    /// Whether its parts are consistent: it may come from a process whose memory was overwritten.
    pub fn is_consistent(&self) -> bool {
        let known = |variable: &Variable| variable.dimensions.iter().all(|&index| index < self.header.dimensions.len());
        let rank = self.header.variables.get(self.field).map(|field| field.dimensions.len());
        let fits = match &self.store {
            Store::Flat(flat) => Some(flat.shape.len()) == rank,
            Store::Chunked(chunked) => Some(chunked.shape.len()) == rank && chunked.is_consistent(),
            Store::Unwritten(_) | Store::Library => true,
        };
        fits && rank.is_some()
            && self.numbers.len() == self.header.variables.len()
            && self.header.variables.iter().all(known)
    }
}

/// How the data of the field is stored.
pub(super) enum Store {
    /// Uncompressed, in one piece or in records.
    Flat(Flat),
    /// In chunks.
    Chunked(Chunked),
    /// Never written: every cell has this number.
    Unwritten(f64),
    /// Stored in a way that only the netCDF library reads, one thread at a time.
    Library,
}

/// Opens a file and finds the field.
///
/// # Errors
/// If the file is not netCDF, is cut or damaged, or has no such field.
pub(super) fn open(file: &File, path: &Path, file_len: u64, field: &str) -> Result<Source, VolumeError> {
    match recognise(file, path, file_len)? {
        Signature::Classic => open_classic(file, path, file_len, field),
        Signature::Hdf5 { needs } if needs > file_len => {
            Err(VolumeError::Cut { path: path.to_owned(), needs, has: file_len })
        }
        Signature::Hdf5 { .. } => {
            isolated::open(file, path, field).unwrap_or_else(|| hdf::open(file, path, file_len, field))
        }
        Signature::Foreign(format) => Err(format.at(path)),
        Signature::Other(found) => Err(VolumeError::NotNetcdf { path: path.to_owned(), found }),
    }
}

fn open_classic(file: &File, path: &Path, file_len: u64, field: &str) -> Result<Source, VolumeError> {
    let parsed = classic::parse(file, path, file_len)?;
    let header = parsed.header;
    Foreign::by_dimensions(&header).map_or(Ok(()), |format| Err(format.at(path)))?;
    let index = find_field(path, &header, field)?;
    let flat = |index: usize| Flat {
        place: parsed.places[index],
        order: ByteOrder::Big,
        shape: header.shape(&header.variables[index]),
    };
    let (mut numbers, mut left) = (Vec::new(), MAX_COORDINATES);
    for (number, variable) in header.variables.iter().enumerate() {
        let wanted = could_be_coordinate(variable, &header.variables[index]) && header.count(variable) <= left;
        left -= if wanted { header.count(variable) } else { 0 };
        numbers.push(if wanted { read_numbers(file, path, &flat(number), variable.kind)? } else { None });
    }
    let store = Store::Flat(flat(index));
    Ok(Source { format: Format::Classic(parsed.version), field: index, store, header, numbers })
}

/// The numbers of a small variable of a classic file.
fn read_numbers(file: &File, path: &Path, flat: &Flat, kind: Kind) -> Result<Option<Vec<f64>>, VolumeError> {
    // Any type is read as bytes: the innermost dimension is then one of bytes.
    let mut bytes_of = flat.clone();
    bytes_of.shape.push(kind.size() as u64);
    let slab = Slab::whole(&bytes_of.shape);
    let Some(len) = slab.len() else { return Ok(None) };
    let mut stored = vec![0_u8; len];
    bytes_of.read((file, path), &slab, &mut Vec::new(), &mut stored)?;
    Ok(widen(kind, &stored, flat.order))
}

/// Whether the numbers of a variable may describe where or when the field's cells are.
pub(super) fn could_be_coordinate(variable: &Variable, field: &Variable) -> bool {
    variable.kind.is_number()
        && match variable.dimensions[..] {
            [] => true,
            [only] => {
                field.dimensions.contains(&only)
                    || variable.attributes.text("units").is_some_and(super::time::looks_like_time)
            }
            _ => false,
        }
}

/// The index of the requested variable.
///
/// # Errors
/// If it is absent; the message lists what could have been meant.
pub(super) fn find_field(path: &Path, header: &Header, wanted: &str) -> Result<usize, VolumeError> {
    header.find(wanted).ok_or_else(|| {
        let fields = header.variables.iter().filter(|v| v.dimensions.len() >= 2 && Values::can_hold(v.kind));
        let mut names: Vec<&str> = fields.map(|variable| variable.name.as_str()).collect();
        let similarity = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &wanted.to_lowercase());
        names.sort_by(|one, other| similarity(other).total_cmp(&similarity(one)));
        let hint = match names.first() {
            None => "it has no field of two dimensions or more".to_owned(),
            Some(nearest) if similarity(nearest) > 0.75 => {
                format!("did you mean \"{nearest}\"? its fields are {}", names.join(", "))
            }
            Some(_) => format!("its fields are {}", names.join(", ")),
        };
        VolumeError::NoVariable { path: path.to_owned(), wanted: wanted.to_owned(), hint }
    })
}
