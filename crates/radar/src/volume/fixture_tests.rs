//! The files of `tests/fixtures/volume`, against what netCDF4-python and h5py read from them.

use std::path::{Path, PathBuf};

use fragua_util::left_out::file_named_by;
use serde_json::Value;

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume")
}

fn expected() -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let Value::Object(mut entries) = serde_json::from_str(&text).unwrap() else { panic!("not an object") };
    entries.remove("made_with");
    entries
}

fn numbers(entry: &Value) -> Vec<Option<f64>> {
    entry.as_array().unwrap().iter().map(Value::as_f64).collect()
}

fn stated(axis: &Axis) -> Vec<Option<f64>> {
    axis.values.iter().copied().map(Some).collect()
}

/// The physical values of all frames.
fn decoded(file: &VolumeFile) -> Vec<Option<f64>> {
    let mut raw = RawVolume::new();
    let frames = (0..file.times().len()).flat_map(|frame| {
        file.read(frame, &mut raw).unwrap();
        assert_eq!(raw.shape, file.grid().shape());
        raw.values.to_f64()
    });
    frames.map(|stored| file.packing().decode(stored)).collect()
}

fn open(name: &str, variable: &str) -> VolumeFile {
    VolumeFile::open(&folder().join(name), variable).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_fixture_reads_as_other_programs_read_it() {
    let entries = expected();
    assert!(entries.len() > 40);
    for (name, entry) in &entries {
        if entry["times"].as_array().unwrap().is_empty() {
            continue;
        }
        let file = open(name, entry["variable"].as_str().unwrap());
        let times: Vec<Option<f64>> = file.times().iter().copied().map(Some).collect();
        assert_eq!(times, numbers(&entry["times"]), "times of {name}");
        assert_eq!(stated(&file.grid().z), numbers(&entry["z"]), "levels of {name}");
        assert_eq!(stated(&file.grid().y), numbers(&entry["y"]), "rows of {name}");
        assert_eq!(stated(&file.grid().x), numbers(&entry["x"]), "columns of {name}");
        assert_eq!(decoded(&file), numbers(&entry["values"]), "values of {name}");
        assert_eq!(kind_name(file.kind()), entry["type"].as_str().unwrap(), "type of {name}");
    }
}

/// As numpy calls it.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::I8 => "int8",
        Kind::U8 => "uint8",
        Kind::I16 => "int16",
        Kind::U16 => "uint16",
        Kind::I32 => "int32",
        Kind::U32 => "uint32",
        Kind::F32 => "float32",
        Kind::F64 => "float64",
        _ => "none",
    }
}

/// Everything that a field needs a time for fails without one, so the records are read below the time.
#[test]
fn a_lone_record_variable_has_no_padding() {
    for name in ["lone_record_byte.nc", "lone_record_short.nc"] {
        let entry = &expected()[name];
        let path = folder().join(name);
        let handle = File::open(&path).unwrap();
        let source = source::open(&handle, &path, handle.metadata().unwrap().len(), "Z").unwrap();
        let Store::Flat(flat) = source.store else { panic!("not flat") };
        let slab = slab::Slab { start: vec![1, 0, 0, 0], count: vec![2, 2, 3, 5] };
        let mut values = Values::empty(source.header.variables[source.field].kind).unwrap();
        values.reset(&values.clone(), 60);
        with_values!(&mut values, v => flat.read((&handle, &path), &slab, &mut Vec::new(), v)).unwrap();
        let read: Vec<Option<f64>> = values.to_f64().into_iter().map(Some).collect();
        assert_eq!(read, numbers(&entry["values"])[30..], "{name}");
        let error = VolumeFile::open(&path, "Z").err().unwrap().to_string();
        assert!(error.contains("no time for the 3 frames") && error.contains("add one"), "{error}");
    }
}

#[test]
fn the_reference_layout_describes_itself() {
    for name in ["lrose_cdf1.nc", "lrose_nc4_zlib.nc"] {
        let file = open(name, "DBZ");
        let attributes = file.attributes();
        assert_eq!((attributes.units.as_str(), attributes.standard_name.as_str()), ("dBZ", "reflectivity"));
        assert_eq!(attributes.latitude_longitude, Some(("lat0".into(), "lon0".into())));
        assert_eq!(attributes.global.text("Conventions"), Some("CF-1.6"));
        let mapping = attributes.grid_mapping.as_ref().unwrap();
        assert_eq!((mapping.variable.as_str(), mapping.name.as_str()), ("grid_mapping_0", "azimuthal_equidistant"));
        assert_eq!(mapping.origin_latitude, Some(-34.647_998_809_814_45));
        assert_eq!(mapping.earth_radius, Some(6_378_137.0));
        assert_eq!(file.grid().z.units, "km");
        assert_eq!(file.grid().x.standard_name, "projection_x_coordinate");
        assert!(file.notes().is_empty(), "{:?}", file.notes());
    }
}

#[test]
fn only_rare_layouts_need_the_library() {
    for (name, entry) in expected().iter().filter(|(_, entry)| !entry["times"].as_array().unwrap().is_empty()) {
        let file = open(name, entry["variable"].as_str().unwrap());
        assert_eq!(matches!(file.store, Store::Library), name == "h5_scale_offset.nc", "{name}");
    }
}

#[test]
fn missing_coordinates_and_chunks_are_noted() {
    let file = open("no_coordinates.nc", "Z");
    assert_eq!(file.notes().len(), 3, "{:?}", file.notes());
    assert!(!file.grid().y.stated);
    let notes = open("h5_unwritten_all.nc", "Z").notes().join("; ");
    assert!(notes.contains("0 of 12 chunks were written"), "{notes}");
}

#[test]
fn frames_that_were_never_written_are_known() {
    for name in ["h5_unwritten_all.nc", "h5_contiguous_unwritten.nc"] {
        assert!(!open(name, "Z").is_written(0).unwrap(), "{name}");
    }
    let first_alone = open("h5_unwritten_chunks.nc", "Z");
    assert_eq!([0, 1].map(|frame| first_alone.is_written(frame).unwrap()), [true, false]);
    for name in ["h5_several_frames_a_chunk.nc", "h5_scale_offset.nc", "h5_skipped_filters.nc"] {
        let whole = open(name, "Z");
        assert!((0..whole.times().len()).all(|frame| whole.is_written(frame).unwrap()), "{name}");
    }
}

#[test]
fn a_wrong_variable_lists_the_fields() {
    for name in ["lrose_cdf1.nc", "lrose_nc4_zlib.nc"] {
        let path = folder().join(name);
        let message = |variable| VolumeFile::open(&path, variable).err().unwrap().to_string();
        assert!(message("dbz").contains("did you mean \"DBZ\"? its fields are DBZ"), "{}", message("dbz"));
        assert!(message("velocity").contains("its fields are"), "{}", message("velocity"));
        assert!(message("time").contains("none of which counts rows"), "{}", message("time"));
        assert!(VolumeFile::open(&path, "dbz").err().unwrap().exit() == fragua_util::exit::Exit::DataRefused);
    }
}

#[test]
fn a_filter_that_nobody_has_is_named() {
    let error = VolumeFile::open(&folder().join("h5_lzf.nc"), "Z").err().unwrap().to_string();
    assert!(
        error.contains("compressed with LZF (HDF5 filter 32000)") && error.contains("write the file again"),
        "{error}"
    );
}

#[test]
fn other_files_are_distinguished_from_netcdf() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("20100826_000000.nc");
    for (content, found) in [(&b"<html>quota"[..], "a web page"), (b"", "an empty file"), (b"\x1f\x8b\x08", "gzip")] {
        std::fs::write(&path, content).unwrap();
        let error = VolumeFile::open(&path, "DBZ").err().unwrap();
        let text = error.to_string();
        assert!(text.contains(found) && text.contains("20100826_000000.nc is not a netCDF file"), "{text}");
        assert_eq!(error.exit(), fragua_util::exit::Exit::DataRefused);
    }
    let absent = VolumeFile::open(&folder.path().join("absent.nc"), "DBZ").err().unwrap();
    assert_eq!(absent.exit(), fragua_util::exit::Exit::DiskIo);
}

/// A forecast repeats them; each is a field of its own.
#[test]
fn latitude_and_longitude_are_read_like_fields() {
    for name in ["lrose_cdf2.nc", "lrose_nc4_zlib.nc"] {
        let file = open(name, "lat0");
        let mut raw = RawVolume::new();
        file.read(0, &mut raw).unwrap();
        assert_eq!((raw.shape, file.grid().z.stated), ([1, 3, 5], false));
        let expected = |cell: u8| f64::from((-34.648 + f64::from(cell) / 100.0) as f32);
        assert_eq!(raw.values.to_f64(), (0..15).map(expected).collect::<Vec<_>>());
    }
}

#[test]
fn a_frame_that_is_read_some_levels_at_a_time_is_the_same() {
    let mut compared = 0;
    for (name, entry) in &expected() {
        let file = VolumeFile::open(&folder().join(name), entry["variable"].as_str().unwrap());
        let Ok(mut file) = file else { continue };
        let (mut whole, mut parts) = (RawVolume::new(), RawVolume::new());
        file.read(0, &mut whole).unwrap();
        file.levels_at_once = 1;
        assert!(file.parts().all(|part| part.len() == 1));
        file.read(0, &mut parts).unwrap();
        // NaN is not equal to itself.
        let bits = |raw: &RawVolume| raw.values.to_f64().into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!((parts.shape, bits(&parts)), (whole.shape, bits(&whole)), "{name}");
        compared += usize::from(file.grid().shape()[0] > 1);
    }
    assert!(compared > 0, "no fixture has more than one level");
}

/// Of a file with holes, which takes no space: 33 levels of the United States in cells of 1 km are read, a level of 1 GB is not.
#[test]
fn a_continent_with_all_its_levels_is_read_and_what_is_too_large_is_refused_with_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let [fits, too_large] = [("20200101_000000.nc", [33, 3500, 7000]), ("20200101_000500.nc", [1, 1 << 14, 1 << 14])]
        .map(|(name, shape)| {
            let path = folder.path().join(name);
            classic_with_holes(&path, shape);
            VolumeFile::open(&path, "Z").map(|file| file.parts().map(|part| part.len()).max())
        });
    assert_eq!(fits.unwrap(), Some(2), "256 MiB at once");
    let error = too_large.map(drop).unwrap_err().to_string();
    for part in ["1 x 16384 x 16384 cells of 4 bytes", "1.1 GB a level", "268 MB a level are read", "ncks"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A classic file with 64-bit offsets whose one variable of floats is nothing but zeros.
fn classic_with_holes(path: &Path, shape: [u32; 3]) {
    let mut header = b"CDF\x02\0\0\0\0".to_vec();
    let number = |header: &mut Vec<u8>, number: u32| header.extend(number.to_be_bytes());
    let name = |header: &mut Vec<u8>, name: &str| {
        header.extend((name.len() as u32).to_be_bytes());
        header.extend(name.bytes());
        header.resize(header.len().next_multiple_of(4), 0);
    };
    [10, 3].into_iter().for_each(|value| number(&mut header, value));
    for (dimension, len) in ["z0", "y0", "x0"].into_iter().zip(shape) {
        name(&mut header, dimension);
        number(&mut header, len);
    }
    [0, 0, 11, 1].into_iter().for_each(|value| number(&mut header, value));
    name(&mut header, "Z");
    let bytes = shape.iter().map(|&len| u64::from(len)).product::<u64>() * 4;
    [3, 0, 1, 2, 0, 0, 5, u32::try_from(bytes).unwrap_or(u32::MAX)]
        .into_iter()
        .for_each(|value| number(&mut header, value));
    let begin = header.len() as u64 + 8;
    header.extend(begin.to_be_bytes());
    std::fs::write(path, header).unwrap();
    File::options().write(true).open(path).unwrap().set_len(begin + bytes).unwrap();
}

#[test]
fn a_frame_past_the_last_is_refused() {
    let error = open("prediction.nc", "DBZ").read(3, &mut RawVolume::new()).unwrap_err().to_string();
    assert!(error.contains("has 3 frames, frame 3"), "{error}");
}

#[test]
fn one_buffer_serves_files_of_all_types_and_shapes() {
    let mut raw = RawVolume::new();
    for name in ["short_scaled.nc", "big_endian.nc", "float_fill.nc", "h5_several_frames_a_chunk.nc", "short_scaled.nc"]
    {
        let file = open(name, "Z");
        let mut fresh = RawVolume::new();
        file.read(0, &mut raw).unwrap();
        file.read(0, &mut fresh).unwrap();
        assert_eq!(raw.values, fresh.values, "{name}");
    }
}

#[test]
fn threads_read_the_same_files_at_once() {
    let names = ["lrose_nc4_zlib.nc", "lrose_nc4_chunked.nc", "lrose_cdf1.nc"];
    let alone: Vec<_> = names.iter().map(|name| decoded(&open(name, "DBZ"))).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (name, alone) in names.iter().zip(&alone).cycle().take(30) {
                    assert_eq!(&decoded(&open(name, "DBZ")), alone);
                }
            });
        }
    });
}

/// Real volumes, if they are available.
#[test]
fn real_volumes_are_read() {
    let archive = file_named_by("FRAGUA_REAL_RADAR", "the archive of real sequences");
    let Some(packed) = archive.map(|archive| File::open(archive).unwrap()) else { return };
    let unpacked = tempfile::tempdir().unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(packed)).unpack(unpacked.path()).unwrap();
    let mut raw = RawVolume::new();
    for (event, frames, seconds) in [("20100826", 92, 300.0), ("20170509", 40, 300.0)] {
        let folder = unpacked.path().join("radar").join(event);
        let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        assert_eq!(paths.len(), frames);
        let mut times = Vec::new();
        for path in &paths {
            let file = VolumeFile::open(path, "DBZ").unwrap();
            assert_eq!(file_name::time_in_name(path), Some(file.times()[0]));
            times.push(file.times()[0]);
            file.read(0, &mut raw).unwrap();
            assert_eq!((raw.shape, raw.values.kind()), ([1, 500, 500], Kind::I8));
            let echo = raw.values.to_f64().into_iter().filter_map(|stored| file.packing().decode(stored));
            let strongest = echo.fold(f64::MIN, f64::max);
            assert!((0.0..75.0).contains(&strongest), "{strongest} dBZ in {}", path.display());
        }
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == seconds));
    }
}
