//! The formats: whole files of each, and the function of the library that reads them.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fragua::data::disk::RealDisk;
use fragua::data::store::records::RecordStore;
use fragua::data::unpack::{Limits, unpack};
use fragua::task::nowcast::volume::{RawVolume, VolumeFile};
use fragua::train::checkpoint::{CheckpointId, Store};
use fragua::train::run_folder::history::Story;
use fragua::train::run_folder::record::RunRecord;
use fragua::train::run_folder::status::Status;
use fragua::util::progress::Silent;
use fragua::util::stop::Stop;

use image::ImageFormat;

use super::images::{csv, decoded, idx, images, npy, npz, packed as packed_images};
use super::signs;
use crate::program::Program;
use crate::training::Training;

/// A format.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// Writes whole files into `samples` below a folder, and what reading needs beside them.
    pub samples: fn(&Path),
    /// Reads a damaged file of this name; the result does not matter.
    pub read: fn(&Path, &str, &[u8]),
}

pub const FORMATS: [Format; 29] = [
    Format { name: "classic", samples: classic, read: volume },
    Format { name: "netcdf4", samples: netcdf4, read: volume },
    Format { name: "zip", samples: |folder| archive(folder, "zip"), read: archived },
    Format { name: "tar", samples: |folder| archive(folder, "tar"), read: archived },
    Format { name: "tar.gz", samples: |folder| archive(folder, "tar.gz"), read: archived },
    Format { name: "tar.zst", samples: |folder| archive(folder, "tar.zst"), read: archived },
    Format { name: "png", samples: |folder| images(folder, ImageFormat::Png), read: decoded },
    Format { name: "jpeg", samples: |folder| images(folder, ImageFormat::Jpeg), read: decoded },
    Format { name: "bmp", samples: |folder| images(folder, ImageFormat::Bmp), read: decoded },
    Format { name: "webp", samples: |folder| images(folder, ImageFormat::WebP), read: decoded },
    Format { name: "tiff", samples: |folder| images(folder, ImageFormat::Tiff), read: decoded },
    Format { name: "gif", samples: |folder| images(folder, ImageFormat::Gif), read: decoded },
    Format { name: "idx", samples: idx, read: packed_images },
    Format { name: "npz", samples: npy, read: npz },
    Format { name: "csv", samples: csv, read: packed_images },
    Format { name: "run", samples: |folder| trained(folder, "run.json"), read: run },
    Format { name: "status", samples: |folder| trained(folder, "status.json"), read: status },
    Format { name: "history", samples: |folder| trained(folder, "history.json"), read: history },
    Format { name: "manifest", samples: |folder| trained(folder, "manifest.json"), read: manifest },
    Format { name: "safetensors", samples: |folder| trained(folder, "best.safetensors"), read: safetensors },
    Format { name: "pth", samples: pth, read: safetensors },
    Format { name: "pickle", samples: pickle, read: pickled },
    Format { name: "frames", samples: signs::pickles, read: signs::read },
    Format { name: "landmarks", samples: signs::json, read: signs::read },
    Format { name: "ts", samples: signs::series, read: signs::read },
    Format { name: "parquet", samples: signs::columns, read: signs::read },
    Format { name: "config", samples: config, read: configured },
    Format { name: "index", samples: |folder| records(folder, "index"), read: recorded },
    Format { name: "shard", samples: |folder| records(folder, "shard"), read: recorded },
];

/// All whole files, by name.
pub fn read_samples(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder.join("samples")).unwrap().map(|entry| entry.unwrap());
    let mut samples: Vec<(String, Vec<u8>)> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect();
    samples.sort();
    samples
}

pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

pub fn sample(folder: &Path, name: &str, bytes: &[u8]) {
    put(&folder.join("samples"), name, bytes);
}

/// The fixtures of radar files with this prefix.
fn volumes(folder: &Path, is_wanted: impl Fn(&[u8]) -> bool) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/radar/tests/fixtures/volume");
    for place in [fixtures.clone(), fixtures.join("hostile")] {
        for entry in std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_some_and(|ending| ending == "nc") {
                let bytes = std::fs::read(&entry).unwrap();
                if is_wanted(&bytes) {
                    sample(folder, entry.file_name().unwrap().to_str().unwrap(), &bytes);
                }
            }
        }
    }
}

fn classic(folder: &Path) {
    volumes(folder, |bytes| bytes.starts_with(b"CDF"));
}

fn netcdf4(folder: &Path) {
    volumes(folder, |bytes| bytes.starts_with(b"\x89HDF"));
}

/// As preparing and predicting read it. A new name each time: the HDF5 library may know the old one.
fn volume(folder: &Path, _: &str, bytes: &[u8]) {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = put(folder, &format!("{number}.nc"), bytes);
    match VolumeFile::open(&path, "DBZ") {
        Ok(volume) => {
            let mut raw = RawVolume::new();
            for frame in 0..volume.times().len().min(3) {
                if volume.is_written(frame).is_ok_and(|written| written) {
                    match volume.read(frame, &mut raw) {
                        Ok(()) => drop(std::hint::black_box(volume.packing().physical(&raw.values))),
                        Err(error) => tell_survived(&error.to_string()),
                    }
                }
            }
        }
        Err(error) => tell_survived(&error.to_string()),
    }
    std::fs::remove_file(path).unwrap();
}

/// Says so if the process that reads files for this one ended on a file: that is what it is for, but good to know.
fn tell_survived(error: &str) {
    let ends = [
        "crashed on it",
        "aborted on it",
        "exited on it",
        "was killed by signal",
        "did not finish within",
        "waited for more than",
        "needs more than",
    ];
    if error.contains("the HDF5 library") && ends.iter().any(|end| error.contains(end)) {
        writeln!(std::io::stdout(), "survived").unwrap();
    }
}

fn archive(folder: &Path, ending: &str) {
    let program = Program::new();
    program.succeed(&["synth", "--output", "s", "--events", "1", "--frames", "2", "--grid", "16", "--levels", "1"]);
    program.write("s/empty/notes.txt", "");
    program.write("s/a rather long name of a folder/with text.txt", &"text ".repeat(100));
    let bytes = match ending {
        "zip" => zipped(&program.path("s")),
        _ => {
            let mut tar = tar::Builder::new(Vec::new());
            tar.append_dir_all("s", program.path("s")).unwrap();
            packed(&tar.into_inner().unwrap(), ending)
        }
    };
    sample(folder, "archive", &bytes);
}

fn packed(tar: &[u8], ending: &str) -> Vec<u8> {
    match ending {
        "tar.gz" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(tar).unwrap();
            writer.finish().unwrap()
        }
        "tar.zst" => zstd::encode_all(tar, 3).unwrap(),
        _ => tar.to_vec(),
    }
}

fn zipped(folder: &Path) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut left = vec![folder.to_owned()];
    while let Some(place) = left.pop() {
        for entry in std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                left.push(entry);
                continue;
            }
            let name = entry.strip_prefix(folder).unwrap().to_str().unwrap();
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(&std::fs::read(&entry).unwrap()).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn archived(folder: &Path, _: &str, bytes: &[u8]) {
    let path = put(folder, "archive", bytes);
    drop(unpack(&path, &folder.join("raw"), &Limits::default(), &Stop::default(), &Silent));
}

/// A file of a finished run, and the run's newest checkpoint beside it.
fn trained(folder: &Path, name: &str) {
    let training = Training::trained(&["--epochs", "1", "--name", "fuzz"]);
    let run = training.program.path("model_output/fuzz");
    let checkpoints = std::fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    let newest = checkpoints.max().unwrap();
    let place = match name {
        "manifest.json" => newest.join(name),
        "best.safetensors" => run.join("weights").join(name),
        _ => run.join(name),
    };
    sample(folder, name, &std::fs::read(place).unwrap());
    let copy = folder.join("work/checkpoints").join(newest.file_name().unwrap());
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(newest).unwrap().map(|entry| entry.unwrap()) {
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
}

fn run(folder: &Path, name: &str, bytes: &[u8]) {
    drop(RunRecord::read(&put(folder, name, bytes)));
}

fn status(folder: &Path, name: &str, bytes: &[u8]) {
    if let Some(status) = Status::read(&put(folder, name, bytes)) {
        drop((status.death(), status.death_before_the_run()));
    }
}

fn history(folder: &Path, name: &str, bytes: &[u8]) {
    if let Ok(story) = Story::read(&put(folder, name, bytes)) {
        drop((story.table(), story.best_epoch().is_some()));
    }
}

fn manifest(folder: &Path, name: &str, bytes: &[u8]) {
    let checkpoints = folder.join("checkpoints");
    let entry = std::fs::read_dir(&checkpoints).unwrap().next().unwrap().unwrap();
    put(&entry.path(), name, bytes);
    let id: CheckpointId = entry.file_name().to_str().unwrap().parse().unwrap();
    let store = Store::open(std::sync::Arc::new(RealDisk), &checkpoints, "0.1.0").unwrap();
    drop(store.load(id));
}

fn safetensors(folder: &Path, name: &str, bytes: &[u8]) {
    let path = put(folder, name, bytes);
    drop((fragua::nn::weights::outline(&path), fragua::nn::weights::read(&path)));
}

fn of_pytorch() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pth")
}

/// The pickles alone: within their files the checksum would find the damage.
fn pickle(folder: &Path) {
    for name in ["last.pth", "views.pth", "protocol4.pth", "parameters.pth"] {
        let mut archive = zip::ZipArchive::new(std::fs::File::open(of_pytorch().join(name)).unwrap()).unwrap();
        let stem = name.trim_end_matches(".pth");
        let mut bytes = Vec::new();
        archive.by_name(&format!("{stem}/data.pkl")).unwrap().read_to_end(&mut bytes).unwrap();
        sample(folder, name, &bytes);
    }
}

/// A damaged pickle in its file, with a checksum that fits.
fn pickled(folder: &Path, name: &str, bytes: &[u8]) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(of_pytorch().join(name)).unwrap()).unwrap();
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).unwrap();
        let (name, mut content) = (entry.name().unwrap().into_owned(), Vec::new());
        entry.read_to_end(&mut content).unwrap();
        writer.start_file(name.as_str(), stored).unwrap();
        let is_pickle = name.ends_with("/data.pkl");
        writer.write_all(if is_pickle { bytes } else { &content }).unwrap();
    }
    safetensors(folder, name, &writer.finish().unwrap().into_inner());
}

/// Those that are refused too: damage may make them look harmless.
fn pth(folder: &Path) {
    let fixtures = of_pytorch();
    for place in [fixtures.clone(), fixtures.join("refused")] {
        for entry in std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_some_and(|ending| ending == "pth" || ending == "pt") {
                sample(folder, entry.file_name().unwrap().to_str().unwrap(), &std::fs::read(&entry).unwrap());
            }
        }
    }
}

fn config(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    sample(folder, "config.yaml", &std::fs::read(root.join("config.yaml")).unwrap());
    for entry in std::fs::read_dir(root.join("configs")).unwrap().map(|entry| entry.unwrap()) {
        sample(folder, entry.file_name().to_str().unwrap(), &std::fs::read(entry.path()).unwrap());
    }
}

fn configured(folder: &Path, name: &str, bytes: &[u8]) {
    let loaded = fragua::config::load(Some(&put(folder, name, bytes)), [], &[]);
    if let Err(error) = loaded {
        drop(error.to_string());
    }
}

/// A prepared dataset of images; `part` is in the names of the files to damage.
fn records(folder: &Path, part: &str) {
    let program = Program::new();
    program.write(
        "config.yaml",
        "data:\n  source:\n    - synthetic: {characters: {alphabet: AB, per_class: 8}}\ntask:\n  image_class: {}\n",
    );
    program.succeed(&["prepare"]);
    let mut left = vec![program.path("datasets")];
    while let Some(place) = left.pop() {
        for entry in std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() {
                left.push(entry);
            } else if place.ends_with("records") {
                let bytes = std::fs::read(&entry).unwrap();
                put(&folder.join("work/records"), &name, &bytes);
                if name.contains(part) {
                    sample(folder, &name, &bytes);
                }
            }
        }
    }
}

fn recorded(folder: &Path, name: &str, bytes: &[u8]) {
    let folder = folder.join("records");
    put(&folder, name, bytes);
    if let Ok(store) = RecordStore::open(&folder) {
        (0..store.len().min(1000)).for_each(|record| drop(store.read(record)));
    }
}
