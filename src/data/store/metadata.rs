//! The description of an event as Zarr v3 metadata and coordinate arrays, by zarrs. It is built and parsed in memory;
//! only the plain files pass between there and the event's folder, so that disk errors and damage stay apart.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{Array, ArrayBuilder, ArrayMetadata, ArrayMetadataOptions, ChunkKeyEncoding, data_type};
use zarrs::group::{Group, GroupBuilder};
use zarrs::metadata::v3::MetadataV3;
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{ListableStorageTraits, ReadableStorageTraits, StoreKey, WritableStorageTraits};

use super::TIME;
use super::chunk;
use super::error::StoreError;
use super::spec::{Attributes, Coordinate, FrameArraySpec};
use crate::util::fs::FsError;

/// The file that describes a group or an array.
pub(super) const DESCRIPTION: &str = "zarr.json";

/// All that is known of an event except the values of its frames.
#[derive(Debug)]
pub(super) struct Description {
    pub spec: FrameArraySpec,
    pub times: Vec<f64>,
    pub attributes: Attributes,
    pub encoding: ChunkKeyEncoding,
}

/// Any error of zarrs; we treat all of them alike.
type Failure = Box<dyn std::error::Error>;

/// The content of `zarr.json` of a group without attributes.
pub(super) fn empty_group() -> Result<Vec<u8>, Failure> {
    let memory = Arc::new(MemoryStore::new());
    GroupBuilder::new().build(Arc::clone(&memory), "/")?.store_metadata()?;
    Ok(memory.get(&StoreKey::new(DESCRIPTION)?)?.unwrap_or_default().to_vec())
}

/// Writes all files of an event except its frames. Nothing is synced.
pub(super) fn write(
    folder: &Path,
    spec: &FrameArraySpec,
    times: &[f64],
    level: i32,
    attributes: &Attributes,
) -> Result<(), StoreError> {
    let memory = build(spec, times, level, attributes)
        .map_err(|error| StoreError::Description { path: folder.to_owned(), reason: error.to_string() })?;
    let described = |error: Failure| StoreError::Description { path: folder.to_owned(), reason: error.to_string() };
    for key in memory.list().map_err(|error| described(error.into()))? {
        let content = memory.get(&key).map_err(|error| described(error.into()))?.unwrap_or_default();
        let path = folder.join(key.as_str());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(FsError::at("create folder", parent))?;
        }
        fs::write(&path, content).map_err(FsError::at("write", &path))?;
    }
    Ok(())
}

fn build(
    spec: &FrameArraySpec,
    times: &[f64],
    level: i32,
    attributes: &Attributes,
) -> Result<Arc<MemoryStore>, Failure> {
    let memory = Arc::new(MemoryStore::new());
    GroupBuilder::new().attributes(attributes.clone()).build(Arc::clone(&memory), "/")?.store_metadata()?;
    store_coordinate(&memory, &time_coordinate(times))?;
    for coordinate in &spec.coordinates {
        store_coordinate(&memory, coordinate)?;
    }
    let lengths: Vec<u64> = spec.frame_shape().into_iter().map(|length| length as u64).collect();
    let with_frames = |frames: u64| [&[frames], lengths.as_slice()].concat();
    let names = std::iter::once(TIME).chain(spec.coordinates.iter().map(|coordinate| coordinate.name.as_str()));
    let frames = times.len() as u64;
    let mut array = ArrayBuilder::new(with_frames(frames), with_frames(1), data_type::uint8(), 0_u8)
        .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(level, true))])
        .chunk_key_encoding(chunk::encoding())
        .dimension_names(Some(names))
        .attributes(spec.attributes.clone())
        .build(Arc::clone(&memory), &format!("/{}", spec.name))?;
    array.set_metadata_options(ArrayMetadataOptions::default().with_include_zarrs_metadata(false));
    array.store_metadata()?;
    Ok(memory)
}

/// Times as CF has them.
fn time_coordinate(times: &[f64]) -> Coordinate {
    let attributes = json!({
        "standard_name": "time",
        "axis": "T",
        "units": "seconds since 1970-01-01",
        "calendar": "proleptic_gregorian",
    });
    let attributes = attributes.as_object().cloned().unwrap_or_default();
    Coordinate { name: TIME.into(), values: times.to_vec(), attributes }
}

fn store_coordinate(memory: &Arc<MemoryStore>, coordinate: &Coordinate) -> Result<(), Failure> {
    let length = coordinate.values.len() as u64;
    // The fill value only matters if a chunk is missing, and makes that visible.
    let mut array = ArrayBuilder::new(vec![length], vec![length], data_type::float64(), f64::NAN)
        .chunk_key_encoding(chunk::encoding())
        .dimension_names(Some([coordinate.name.as_str()]))
        .attributes(coordinate.attributes.clone())
        .build(Arc::clone(memory), &format!("/{}", coordinate.name))?;
    array.set_metadata_options(ArrayMetadataOptions::default().with_include_zarrs_metadata(false));
    array.store_metadata()?;
    array.store_chunk(&[0], coordinate.values.as_slice())?;
    Ok(())
}

/// Reads and checks the description of an event.
pub(super) fn read(folder: &Path) -> Result<Description, StoreError> {
    let memory = Arc::new(MemoryStore::new());
    load(&memory, folder, DESCRIPTION)?;
    let group_path = folder.join(DESCRIPTION);
    let group = Group::open(Arc::clone(&memory), "/").map_err(StoreError::damaged(&group_path))?;
    let attributes = group.attributes().clone();

    let mut arrays = Vec::new();
    for name in folders(folder)? {
        load(&memory, folder, &format!("{name}/{DESCRIPTION}"))?;
        let path = folder.join(&name).join(DESCRIPTION);
        arrays.push(Array::open(Arc::clone(&memory), &format!("/{name}")).map_err(StoreError::damaged(&path))?);
    }
    let is_frames = |array: &&Array<MemoryStore>| array.dimensionality() > 1;
    let array = arrays
        .iter()
        .find(is_frames)
        .ok_or_else(|| StoreError::damaged(&group_path)("the group has no array of frames"))?;
    let name = array.path().as_str().trim_start_matches('/').to_owned();
    let path = folder.join(&name).join(DESCRIPTION);
    check_frames(array).map_err(StoreError::damaged(&path))?;

    let mut coordinates = Vec::new();
    for (axis, length) in axis_names(array).into_iter().zip(array.shape()) {
        let path = folder.join(&axis).join(DESCRIPTION);
        let coordinate = arrays.iter().find(|array| array.path().as_str() == format!("/{axis}"));
        let coordinate = coordinate.ok_or_else(|| StoreError::damaged(&path)("it is missing"))?;
        coordinates.push(read_coordinate(&memory, folder, axis, *length, coordinate)?);
    }
    let times = coordinates.remove(0).values;
    let spec = FrameArraySpec { name, attributes: array.attributes().clone(), coordinates };
    Ok(Description { spec, times, attributes, encoding: array.chunk_key_encoding().clone() })
}

/// Brings one file into memory.
fn load(memory: &MemoryStore, folder: &Path, key: &str) -> Result<(), StoreError> {
    let path = folder.join(key);
    let content = fs::read(&path).map_err(StoreError::unreadable(&path))?;
    let key = StoreKey::new(key).map_err(StoreError::damaged(&path))?;
    memory.set(&key, content.into()).map_err(StoreError::damaged(&path))
}

/// The names of the folders in an event.
fn folders(folder: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::unreadable(folder))? {
        let entry = entry.map_err(StoreError::unreadable(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Refuses an array that frames can't be read from as this program does.
fn check_frames(array: &Array<MemoryStore>) -> Result<(), String> {
    let ArrayMetadata::V3(metadata) = array.metadata() else { return Err("it is not Zarr v3".into()) };
    if *array.data_type() != data_type::uint8() {
        return Err(format!("the array is of {}, expected uint8", metadata.data_type.name()));
    }
    let codecs: Vec<&str> = metadata.codecs.iter().map(MetadataV3::name).collect();
    if codecs != ["bytes", "zstd"] {
        return Err(format!("the array has the codecs {codecs:?}, expected [\"bytes\", \"zstd\"]"));
    }
    let (shape, origin) = (array.shape(), vec![0; array.dimensionality()]);
    let chunk = array.chunk_shape_usize(&origin).map_err(|error| error.to_string())?;
    let whole_frame =
        chunk[0] == 1 && chunk[1..].iter().zip(&shape[1..]).all(|(&chunk, &length)| chunk as u64 == length);
    if !whole_frame {
        return Err(format!("the array of {shape:?} has chunks of {chunk:?}, expected one chunk per frame"));
    }
    if axis_names(array).len() != shape.len() {
        return Err("not every axis of the array has a name".into());
    }
    Ok(())
}

fn axis_names(array: &Array<MemoryStore>) -> Vec<String> {
    array.dimension_names().iter().flatten().flatten().map(ToString::to_string).collect()
}

fn read_coordinate(
    memory: &MemoryStore,
    folder: &Path,
    name: String,
    length: u64,
    array: &Array<MemoryStore>,
) -> Result<Coordinate, StoreError> {
    let path = folder.join(&name).join(DESCRIPTION);
    if array.shape() != [length] {
        let reason = format!("it has the shape {:?}, expected [{length}]", array.shape());
        return Err(StoreError::damaged(&path)(reason));
    }
    let key = array.chunk_key(&[0]);
    load(memory, folder, key.as_str())?;
    let chunk_path = folder.join(key.as_str());
    let values: Vec<f64> = array.retrieve_chunk(&[0]).map_err(StoreError::damaged(&chunk_path))?;
    if values.len() as u64 != length {
        return Err(StoreError::damaged(&chunk_path)(format!("it holds {} values, expected {length}", values.len())));
    }
    Ok(Coordinate { name, values, attributes: array.attributes().clone() })
}
