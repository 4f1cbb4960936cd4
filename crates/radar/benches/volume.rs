//! How fast radar volumes of the usual size (18 x 500 x 500 bytes) are read, by one thread and by two; and opened, which
//! takes the libraries' lock for netCDF-4.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use criterion::{Criterion, Throughput, criterion_main};
use fragua_radar::volume::{RawVolume, VolumeFile};

const SHAPE: [usize; 4] = [1, 18, 500, 500];
const FILES: usize = 12;

/// Smooth echo with noise on it, most of the volume missing: compresses as radar does, about eight times.
fn echo(seed: usize) -> Vec<i8> {
    let mut state = seed as u32 + 1;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 30) as f32
    };
    let cell = |z: usize, y: usize, x: usize| {
        let wave = (x as f32 / 37.0 + seed as f32).sin() + (y as f32 / 29.0).cos() - z as f32 / 12.0;
        if wave < 0.6 { -128 } else { (wave * 40.0) as i8 }
    };
    let cells = (0..18).flat_map(|z| (0..500).flat_map(move |y| (0..500).map(move |x| (z, y, x))));
    cells
        .map(|(z, y, x)| match cell(z, y, x) {
            -128 => -128,
            value => value + noise() as i8,
        })
        .collect()
}

/// Writes the files with the netCDF library, as other programs do.
fn write(folder: &Path, deflate: bool) -> Vec<PathBuf> {
    (0..FILES)
        .map(|number| {
            let path = folder.join(format!("ncfdata20100826_00{number:02}00.nc"));
            let mut file = netcdf::create_with(
                &path,
                if deflate { netcdf::Options::NETCDF4 } else { netcdf::Options::_64BIT_OFFSET },
            )
            .unwrap_or_else(|error| panic!("create: {error}"));
            for (name, len) in ["time", "z0", "y0", "x0"].into_iter().zip(SHAPE) {
                file.add_dimension(name, len).unwrap_or_else(|error| panic!("dimension: {error}"));
            }
            let mut field = file
                .add_variable::<i8>("DBZ", &["time", "z0", "y0", "x0"])
                .unwrap_or_else(|error| panic!("variable: {error}"));
            if deflate {
                field.set_chunking(&SHAPE).unwrap_or_else(|error| panic!("chunks: {error}"));
                field.set_compression(4, true).unwrap_or_else(|error| panic!("compression: {error}"));
            }
            file.enddef().unwrap_or_else(|error| panic!("header: {error}"));
            if let Some(mut field) = file.variable_mut("DBZ") {
                field.put_values(&echo(number), ..).unwrap_or_else(|error| panic!("values: {error}"));
            }
            path
        })
        .collect()
}

/// Reads all files, each thread the next one.
fn read_all(paths: &[PathBuf], threads: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut raw = RawVolume::new();
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let file = VolumeFile::open(path, "DBZ").unwrap_or_else(|error| panic!("open: {error}"));
                    file.read(0, &mut raw).unwrap_or_else(|error| panic!("read: {error}"));
                }
            });
        }
    });
}

fn volumes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("volume");
    group.sample_size(10).throughput(Throughput::Elements(FILES as u64));
    group.measurement_time(std::time::Duration::from_secs(3)).warm_up_time(std::time::Duration::from_millis(500));
    for (name, deflate) in [("classic", false), ("netcdf4_zlib", true)] {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("a temporary folder: {error}"));
        let paths = write(folder.path(), deflate);
        for threads in [1, 2] {
            group.bench_function(format!("{name}/{threads}_threads"), |bencher| {
                bencher.iter(|| read_all(&paths, threads))
            });
        }
    }
    group.throughput(Throughput::Elements(1));
    for name in ["lrose_cdf1.nc", "lrose_nc4_zlib.nc"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume").join(name);
        group.bench_function(format!("open/{name}"), |bencher| bencher.iter(|| VolumeFile::open(&path, "DBZ").is_ok()));
    }
    group.finish();
}

mod group {
    //! The macro generates an undocumented function, which nobody uses.

    use criterion::criterion_group;

    use super::volumes;

    criterion_group!(benches, volumes);
}
criterion_main!(group::benches);
