//! Converts a folder of radar volumes into a Zarr v3 store that xarray opens, one byte per cell and one chunk per frame:
//!
//! ```text
//! cargo run -p fragua-radar --example volumes_to_zarr -- FOLDER STORE [ROWS COLUMNS]
//! python -c 'import xarray; print(xarray.open_zarr("STORE", consolidated=False).DBZ)'
//! ```
//!
//! With `ROWS COLUMNS`, each level is resampled to that size by area-weighted means.

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use fragua_radar::quantize::Quantizer;
use fragua_radar::resample::{Method, Resampler, Scratch};
use fragua_radar::volume::{Axis, Frame, RawVolume, VolumeFile, frames_in};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{Array, ArrayBuilder, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::GroupBuilder;

const VARIABLE: &str = "DBZ";

/// The scale of the bytes 1 to 255: steps of 0.5 dB. LROSE's volumes have the same steps, so nothing is rounded; 0 is
/// missing.
const RANGE_DBZ: [f64; 2] = [-30.0, 97.0];

/// Errors that may come from any thread.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    run(&std::env::args_os().skip(1).collect::<Vec<_>>())
}

/// Runs the example with the words of its command line.
pub fn run(arguments: &[OsString]) -> Result<(), Failure> {
    let size = |word: &OsString| word.to_str().and_then(|word| word.parse().ok()).ok_or("ROWS and COLUMNS are numbers");
    match arguments {
        [folder, store] => convert(folder.as_ref(), store.as_ref(), None),
        [folder, store, rows, columns] => convert(folder.as_ref(), store.as_ref(), Some([size(rows)?, size(columns)?])),
        _ => Err("usage: volumes_to_zarr FOLDER STORE [ROWS COLUMNS]".into()),
    }
}

/// Writes the frames of a folder into a new store.
fn convert(folder: &Path, store: &Path, size: Option<[usize; 2]>) -> Result<(), Failure> {
    if store.exists() {
        return Err(format!("{} exists; remove it or choose another name", store.display()).into());
    }
    let frames = frames_in(folder, VARIABLE)?;
    let first = frames.first().ok_or_else(|| format!("{} has no radar files", folder.display()))?;
    let volume = VolumeFile::open(&first.path, VARIABLE)?;
    let [_, rows, columns] = volume.grid().shape();
    let resampler = Resampler::new(Method::Mean, [rows, columns], size.unwrap_or([rows, columns]))?;
    let quantizer = Quantizer::new(RANGE_DBZ[0], RANGE_DBZ[1])?;
    let seconds: Vec<f64> = frames.iter().map(|frame| frame.seconds).collect();
    let array = create(store, &volume, &resampler, &quantizer, &seconds)?;
    // Reading takes no lock and each frame is its own chunk, so every core takes the next one.
    frames.par_iter().enumerate().try_for_each_init(Default::default, |memory, (index, frame)| {
        let bytes = resampled(frame, &volume, &resampler, &quantizer, memory)?;
        Ok(array.store_chunk(&[index as u64, 0, 0, 0], &bytes)?)
    })
}

/// One frame as bytes: levels from the bottom up, rows from south to north, columns from west to east.
fn resampled(
    frame: &Frame,
    like: &VolumeFile,
    resampler: &Resampler,
    quantizer: &Quantizer,
    (raw, scratch): &mut (RawVolume, Scratch),
) -> Result<Vec<u8>, Failure> {
    let volume = VolumeFile::open(&frame.path, VARIABLE)?;
    if volume.grid().shape() != like.grid().shape() {
        let (got, expected) = (volume.grid().shape(), like.grid().shape());
        return Err(format!("{} has {got:?} cells, expected {expected:?}", frame.path.display()).into());
    }
    volume.read(frame.in_file, raw)?;
    let [rows, columns] = resampler.to();
    let mut bytes = vec![0; raw.shape[0] * rows * columns];
    resampler.run_volume(raw, volume.packing(), quantizer, &mut bytes, scratch)?;
    Ok(bytes)
}

/// A store with its coordinates and an array that has no frame yet.
fn create(
    store: &Path,
    volume: &VolumeFile,
    resampler: &Resampler,
    quantizer: &Quantizer,
    seconds: &[f64],
) -> Result<Array<FilesystemStore>, Failure> {
    let files = Arc::new(FilesystemStore::new(store)?);
    GroupBuilder::new()
        .attributes(object(json!({"Conventions": "CF-1.6"})))
        .build(files.clone(), "/")?
        .store_metadata()?;
    let grid = volume.grid();
    let [rows, columns] = resampler.to();
    let resampled = |axis: &Axis, to| Resampler::coordinates(Method::Mean, &axis.values, to);
    let time = json!({"standard_name": "time", "units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"});
    let axes = [
        ("time", seconds.to_vec(), object(time)),
        ("z", grid.z.values.clone(), described(&grid.z, "Z")),
        ("y", resampled(&grid.y, rows), described(&grid.y, "Y")),
        ("x", resampled(&grid.x, columns), described(&grid.x, "X")),
    ];
    for (name, values, attributes) in &axes {
        let length = [values.len() as u64];
        let axis = ArrayBuilder::new(length, length, data_type::float64(), f64::NAN)
            .dimension_names(Some([*name]))
            .attributes(attributes.clone())
            .build(files.clone(), &format!("/{name}"))?;
        axis.store_metadata()?;
        axis.store_chunk(&[0], values.as_slice())?;
    }
    let shape = axes.each_ref().map(|(_, values, _)| values.len() as u64);
    let array = ArrayBuilder::new(shape, [1, shape[1], shape[2], shape[3]], data_type::uint8(), 0_u8)
        .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(1, true))])
        .dimension_names(Some(axes.each_ref().map(|(name, ..)| *name)))
        .attributes(object(json!({
            "units": volume.attributes().units,
            "scale_factor": quantizer.scale_factor(),
            "add_offset": quantizer.add_offset(),
            "_FillValue": 0,
        })))
        .build(files, &format!("/{VARIABLE}"))?;
    array.store_metadata()?;
    Ok(array)
}

/// What the files say about an axis.
fn described(axis: &Axis, letter: &str) -> Map<String, Value> {
    let words = [("units", &axis.units), ("standard_name", &axis.standard_name), ("long_name", &axis.long_name)];
    let said = words.into_iter().filter(|(_, word)| !word.is_empty()).map(|(key, word)| (key.to_owned(), json!(word)));
    said.chain([("axis".to_owned(), json!(letter))]).collect()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
