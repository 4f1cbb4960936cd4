//! What the HDF5 and netCDF libraries report about a netCDF-4 file: its header, and the places of the field's chunks. The
//! data itself is read by `flat` and `chunked`, unless only the library can read it.
//!
//! Only one thread at a time may use either library: everything here happens under one lock, from opening to closing, so that a damaged
//! file never leaves an open handle behind that would serve cached data to the next reader.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};

use hdf5_metno as hdf5;
use hdf5_metno::dataset::{ChunkOpts, Layout};
use netcdf::types::{FloatType, IntType, NcVariableType};

use super::chunked::{Chunk, Chunked};
use super::classic::Place;
use super::error::VolumeError;
use super::filters::{Filter, Pipeline};
use super::flat::Flat;
use super::foreign::Foreign;
use super::header::{AttributeValue, Attributes, Dimension, Header, Kind, Variable};
use super::slab::Slab;
use super::source::{Format, MAX_COORDINATES, Source, Store, could_be_coordinate, find_field};
use super::values::{ByteOrder, Values, with_values};
use super::{heaps, links};

static LIBRARIES: Mutex<()> = Mutex::new(());

static QUIET_HOOK: Once = Once::new();

thread_local! {
    /// Whether a panic of this thread will be caught here and must not be printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that are caught here from being printed; all others go to the hook that was there before.
fn install_quiet_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !QUIET.get() {
            before(panic);
        }
    }));
}

/// Runs something with the libraries locked and silent. The bindings panic on some kinds of damage.
fn with_libraries<T>(path: &Path, run: impl FnOnce() -> Result<T, VolumeError>) -> Result<T, VolumeError> {
    let _lock = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    hdf5::silence_errors(true);
    QUIET_HOOK.call_once(install_quiet_hook);
    QUIET.set(true);
    let ended = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    ended.unwrap_or_else(|_| Err(VolumeError::damaged(path, "the netCDF library can't read its header")))
}

fn netcdf_error(path: &Path) -> impl Fn(netcdf::Error) -> VolumeError {
    move |error| VolumeError::damaged(path, format!("the netCDF library reports \"{error}\""))
}

/// An error of the HDF5 library, which is the file's.
pub(super) fn hdf5_error(path: &Path) -> impl Fn(hdf5::Error) -> VolumeError {
    move |error| VolumeError::damaged(path, format!("the HDF5 library reports \"{error}\""))
}

/// Opens an HDF5 file: its header, its coordinates, and the place of the field.
pub(super) fn open(file: &File, path: &Path, file_len: u64, field: &str) -> Result<Source, VolumeError> {
    heaps::check(file, path, file_len)?;
    with_libraries(path, || {
        check_metadata(path)?;
        let (header, index, numbers) = describe(path, field)?;
        let store = locate(path, file_len, &header, &header.variables[index])?;
        Ok(Source { format: Format::Hdf5, header, field: index, numbers, store })
    })
}

/// Reads a box of cells through the netCDF library.
pub(super) fn read(path: &Path, field: &str, slab: &Slab, into: &mut Values) -> Result<(), VolumeError> {
    with_libraries(path, || {
        let file = netcdf::open(path).map_err(netcdf_error(path))?;
        let variable = file.variable(field).ok_or_else(|| VolumeError::damaged(path, "its variable vanished"))?;
        let extents: Vec<netcdf::Extent> = slab
            .start
            .iter()
            .zip(&slab.count)
            .map(|(&start, &count)| netcdf::Extent::SliceCount {
                start: start as usize,
                count: count as usize,
                stride: 1,
            })
            .collect();
        with_values!(into, values => variable.get_values_into(values, extents)).map_err(netcdf_error(path))
    })
}

/// Lets the HDF5 library verify the checksums of all metadata: it reports damage on which the bindings of netCDF panic.
fn check_metadata(path: &Path) -> Result<(), VolumeError> {
    let file = hdf5::File::open(path).map_err(hdf5_error(path))?;
    Foreign::by_root(|name| file.link_exists(name)).map_or(Ok(()), |format| Err(format.at(path)))?;
    links::check(path, &file)?;
    file.attr_names().map_err(hdf5_error(path))?;
    for dataset in file.datasets().map_err(hdf5_error(path))? {
        for name in dataset.attr_names().map_err(hdf5_error(path))? {
            dataset.attr(&name).and_then(|attribute| attribute.dtype()).map_err(hdf5_error(path))?;
        }
    }
    Ok(())
}

type Described = (Header, usize, Vec<Option<Vec<f64>>>);

fn describe(path: &Path, field: &str) -> Result<Described, VolumeError> {
    let file = netcdf::open(path).map_err(netcdf_error(path))?;
    let mut header = Header::default();
    for dimension in file.dimensions() {
        let unlimited = dimension.is_unlimited();
        header.dimensions.push(Dimension { name: dimension.name(), len: dimension.len() as u64, unlimited });
    }
    header.attributes = attributes(file.attributes());
    for variable in file.variables() {
        let place = |d: &netcdf::Dimension| header.dimensions.iter().position(|known| known.name == d.name());
        let dimensions: Option<Vec<usize>> = variable.dimensions().iter().map(place).collect();
        let Some(dimensions) = dimensions else { continue };
        let attributes = attributes(variable.attributes());
        header.variables.push(Variable {
            name: variable.name(),
            dimensions,
            kind: kind(&variable.vartype()),
            attributes,
        });
    }
    Foreign::by_dimensions(&header).map_or(Ok(()), |format| Err(format.at(path)))?;
    let index = find_field(path, &header, field)?;
    let mut left = MAX_COORDINATES;
    let coordinates = header.variables.iter().map(|variable| {
        let small = could_be_coordinate(variable, &header.variables[index]) && header.count(variable) <= left;
        left -= if small { header.count(variable) } else { 0 };
        let stored = if small { file.variable(&variable.name) } else { None };
        stored.map(|stored| stored.get_values::<f64, _>(..)).transpose().map_err(netcdf_error(path))
    });
    let numbers = coordinates.collect::<Result<_, _>>()?;
    Ok((header, index, numbers))
}

fn attributes<'a>(stored: impl Iterator<Item = netcdf::Attribute<'a>>) -> Attributes {
    let named = stored.filter_map(|attribute| Some((attribute.name().to_owned(), value(attribute.value().ok()?))));
    Attributes(named.collect())
}

fn value(stored: netcdf::AttributeValue) -> AttributeValue {
    use netcdf::AttributeValue as Stored;
    fn numbers<T: Copy>(kind: Kind, values: &[T], widen: impl Fn(T) -> f64) -> AttributeValue {
        AttributeValue::Numbers { kind, values: values.iter().map(|&value| widen(value)).collect() }
    }
    match stored {
        Stored::Uchar(value) => numbers(Kind::U8, &[value], f64::from),
        Stored::Uchars(values) => numbers(Kind::U8, &values, f64::from),
        Stored::Schar(value) => numbers(Kind::I8, &[value], f64::from),
        Stored::Schars(values) => numbers(Kind::I8, &values, f64::from),
        Stored::Ushort(value) => numbers(Kind::U16, &[value], f64::from),
        Stored::Ushorts(values) => numbers(Kind::U16, &values, f64::from),
        Stored::Short(value) => numbers(Kind::I16, &[value], f64::from),
        Stored::Shorts(values) => numbers(Kind::I16, &values, f64::from),
        Stored::Uint(value) => numbers(Kind::U32, &[value], f64::from),
        Stored::Uints(values) => numbers(Kind::U32, &values, f64::from),
        Stored::Int(value) => numbers(Kind::I32, &[value], f64::from),
        Stored::Ints(values) => numbers(Kind::I32, &values, f64::from),
        Stored::Ulonglong(value) => numbers(Kind::U64, &[value], |value| value as f64),
        Stored::Ulonglongs(values) => numbers(Kind::U64, &values, |value| value as f64),
        Stored::Longlong(value) => numbers(Kind::I64, &[value], |value| value as f64),
        Stored::Longlongs(values) => numbers(Kind::I64, &values, |value| value as f64),
        Stored::Float(value) => numbers(Kind::F32, &[value], f64::from),
        Stored::Floats(values) => numbers(Kind::F32, &values, f64::from),
        Stored::Double(value) => numbers(Kind::F64, &[value], |value| value),
        Stored::Doubles(values) => numbers(Kind::F64, &values, |value| value),
        Stored::Str(text) => AttributeValue::Text(text.trim_end_matches('\0').to_owned()),
        Stored::Strs(texts) => AttributeValue::Text(texts.join(" ")),
    }
}

fn kind(stored: &NcVariableType) -> Kind {
    match stored {
        NcVariableType::Int(IntType::I8) => Kind::I8,
        NcVariableType::Int(IntType::U8) => Kind::U8,
        NcVariableType::Int(IntType::I16) => Kind::I16,
        NcVariableType::Int(IntType::U16) => Kind::U16,
        NcVariableType::Int(IntType::I32) => Kind::I32,
        NcVariableType::Int(IntType::U32) => Kind::U32,
        NcVariableType::Int(IntType::I64) => Kind::I64,
        NcVariableType::Int(IntType::U64) => Kind::U64,
        NcVariableType::Float(FloatType::F32) => Kind::F32,
        NcVariableType::Float(FloatType::F64) => Kind::F64,
        NcVariableType::Char | NcVariableType::String => Kind::Text,
        _ => Kind::Other,
    }
}

/// The place of the field's data.
fn locate(path: &Path, file_len: u64, header: &Header, field: &Variable) -> Result<Store, VolumeError> {
    let file = hdf5::File::open(path).map_err(hdf5_error(path))?;
    let dataset = file.dataset(&field.name).map_err(hdf5_error(path))?;
    let written = dataset.create_plist().map_err(hdf5_error(path))?;
    let stored_type = dataset.dtype().map_err(hdf5_error(path))?;
    let shape = header.shape(field);
    let stored_shape: Vec<u64> = dataset.shape().iter().map(|&len| len as u64).collect();
    // An unlimited dimension may be longer than a variable that uses it; the netCDF library fills up.
    if file.userblock() > 0 || stored_type.size() != field.kind.size() || stored_shape != shape {
        return Ok(Store::Library);
    }
    let order = match stored_type.byte_order() {
        hdf5::datatype::ByteOrder::BigEndian => ByteOrder::Big,
        hdf5::datatype::ByteOrder::LittleEndian | hdf5::datatype::ByteOrder::None => ByteOrder::Little,
        _ => return Ok(Store::Library),
    };
    let fill = || written.get_fill_value_as::<f64>().ok().flatten().unwrap_or(0.0);
    match written.get_layout().map_err(hdf5_error(path))? {
        Layout::Contiguous if written.external().is_empty() => {
            let Some(begin) = dataset.offset() else { return Ok(Store::Unwritten(fill())) };
            let size = header.count(field).saturating_mul(field.kind.size() as u64);
            ends_within(path, begin.saturating_add(size), file_len)?;
            Ok(Store::Flat(Flat { place: Place { begin, record_stride: None }, order, shape }))
        }
        Layout::Chunked if written.chunk_opts().is_none_or(|options| options == ChunkOpts::empty()) => {
            let filters = written.get_filters().map_err(hdf5_error(path))?;
            let Some(filters) = understood(path, field, &filters)? else { return Ok(Store::Library) };
            let chunk_shape: Vec<u64> = dataset.chunk().unwrap_or_default().iter().map(|&len| len as u64).collect();
            let cells = chunk_shape.iter().try_fold(field.kind.size() as u64, |size, &len| size.checked_mul(len));
            let (Some(chunk_size), true) = (cells, chunk_shape.len() == shape.len() && !chunk_shape.contains(&0))
            else {
                return Err(VolumeError::damaged(path, format!("its chunks have the shape {chunk_shape:?}")));
            };
            let pipeline = Pipeline { filters, number_size: field.kind.size(), chunk_size: chunk_size as usize };
            let mut chunked = Chunked { shape, chunk_shape, pipeline, order, fill: fill(), chunks: Vec::new() };
            chunked.chunks = list_chunks(path, file_len, &dataset, &chunked)?;
            Ok(Store::Chunked(chunked))
        }
        _ => Ok(Store::Library),
    }
}

fn ends_within(path: &Path, end: u64, file_len: u64) -> Result<(), VolumeError> {
    if end <= file_len { Ok(()) } else { Err(VolumeError::Cut { path: path.to_owned(), needs: end, has: file_len }) }
}

/// The filters as `filters` undoes them; `None` if only the library can.
///
/// # Errors
/// If the library can't either.
fn understood(
    path: &Path,
    field: &Variable,
    stored: &[hdf5::filters::Filter],
) -> Result<Option<Vec<Filter>>, VolumeError> {
    use hdf5::filters::Filter as Stored;
    if let Some(unavailable) = stored.iter().find(|filter| !filter.is_available()) {
        let problem = format!("it is compressed with {}, which is not supported", filter_name(unavailable));
        return Err(VolumeError::Storage { path: path.to_owned(), variable: field.name.clone(), problem });
    }
    let filters: Option<Vec<Filter>> = stored
        .iter()
        .map(|filter| match filter {
            Stored::Deflate(_) => Some(Filter::Deflate),
            Stored::Shuffle => Some(Filter::Shuffle),
            Stored::Fletcher32 => Some(Filter::Fletcher32),
            _ => None,
        })
        .collect();
    let deflated = stored.iter().filter(|filter| matches!(filter, Stored::Deflate(_))).count();
    Ok(filters.filter(|_| deflated <= 1))
}

fn filter_name(filter: &hdf5::filters::Filter) -> String {
    use hdf5::filters::Filter as Stored;
    let registered = match filter.id() {
        307 => "bzip2",
        32_000 => "LZF",
        32_001 => "Blosc",
        32_004 => "LZ4",
        32_008 => "bitshuffle",
        32_013 => "ZFP",
        32_015 => "Zstandard",
        32_017 => "SZ",
        32_026 => "Blosc2",
        _ => "",
    };
    match filter {
        Stored::SZip(..) => "szip (HDF5 filter 4)".into(),
        other if registered.is_empty() => format!("HDF5 filter {}", other.id()),
        other => format!("{registered} (HDF5 filter {})", other.id()),
    }
}

/// The stored chunks, each within the array and the file, none twice.
fn list_chunks(
    path: &Path,
    file_len: u64,
    dataset: &hdf5::Dataset,
    array: &Chunked,
) -> Result<Vec<Chunk>, VolumeError> {
    let counts = array.chunk_counts();
    let most = counts.iter().fold(1_u64, |product, &count| product.saturating_mul(count));
    let (mut chunks, mut problem) = (Vec::new(), None);
    let visited = dataset.chunks_visit(|chunk| {
        let found = locate_chunk(path, file_len, array, &counts, &chunk);
        let full = chunks.len() as u64 >= most;
        match found {
            Ok(_) if full => problem = Some(VolumeError::damaged(path, format!("it has more than {most} chunks"))),
            Ok(found) => chunks.push(found),
            Err(error) => problem = Some(error),
        }
        i32::from(problem.is_some())
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    visited.map_err(hdf5_error(path))?;
    chunks.sort_unstable_by_key(|chunk| chunk.place);
    if chunks.windows(2).any(|pair| pair[0].place == pair[1].place) {
        return Err(VolumeError::damaged(path, "a chunk is listed twice"));
    }
    Ok(chunks)
}

fn locate_chunk(
    path: &Path,
    file_len: u64,
    array: &Chunked,
    counts: &[u64],
    chunk: &hdf5::dataset::ChunkInfoRef<'_>,
) -> Result<Chunk, VolumeError> {
    ends_within(path, chunk.addr.saturating_add(chunk.size), file_len)?;
    let mut place = 0;
    for ((&first, &len), (&chunk_len, &count)) in
        chunk.offset.iter().zip(&array.shape).zip(array.chunk_shape.iter().zip(counts))
    {
        if first % chunk_len != 0 || first >= len {
            let check = format!("a chunk begins at {:?} of an array of {:?}", chunk.offset, array.shape);
            return Err(VolumeError::damaged(path, check));
        }
        place = place * count + first / chunk_len;
    }
    if !array.pipeline.is_plausible(chunk.size, chunk.filter_mask) {
        let check = format!("{} stored bytes can't be a chunk of {}", chunk.size, array.pipeline.chunk_size);
        return Err(VolumeError::damaged(path, check));
    }
    Ok(Chunk { place, address: chunk.addr, size: chunk.size, mask: chunk.filter_mask })
}
