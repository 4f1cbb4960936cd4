//! The promises of the store of records, on as many images as a character set has, 62,000 of 28 x 28 bytes: it opens in less
//! than 0.2 s, and gives more than 1 GB/s per core from the page cache, with every checksum compared.
//!
//! What is measured is the time that this thread had a core, so that a busy machine does not matter; a second thread's
//! work is not in it.
//!
//! `cargo bench --profile dev --bench records`

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, Criterion, Throughput};
use fragua::data::loader::{Loader, LoaderConfig, Order, Position, Records};
use fragua::data::store::records::{RecordError, RecordStore, RecordWriter};

const IMAGES: usize = 62_000;
const IMAGE_BYTES: usize = 28 * 28;
const ALL: usize = usize::MAX;

/// Nanoseconds that this thread had a core.
struct CoreTime;

impl CoreTime {
    fn now() -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
    }
}

impl Measurement for CoreTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        Self::now()
    }

    fn end(&self, start: u64) -> u64 {
        // Criterion divides by it.
        (Self::now() - start).max(1)
    }

    fn add(&self, one: &u64, other: &u64) -> u64 {
        one + other
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn main() {
    let mut criterion = Criterion::default().with_measurement(CoreTime).configure_from_args();
    let Ok(folder) = tempfile::tempdir() else { return };
    let place = folder.path().join("records");
    let mut group = criterion.benchmark_group("records");
    group.sample_size(20).throughput(Throughput::Bytes((IMAGES * IMAGE_BYTES) as u64));
    group.bench_function("write", |bencher| bencher.iter(|| write(&place).is_ok()));
    let order = Order { seed: 42, shuffle: true }.epoch(0, IMAGES as u32);
    reading(&mut group, &place, &order);
    loading(&mut group, &place);
    group.finish();
    criterion.final_summary();
}

fn reading(group: &mut BenchmarkGroup<'_, CoreTime>, place: &Path, order: &[u32]) {
    let open = |memory| RecordStore::open(place).map(|store| store.kept_in_memory(memory));
    group.bench_function("open", |bencher| bencher.iter(|| open(0).is_ok()));
    group.bench_function("open and read all in order, kept in memory", |bencher| {
        bencher.iter(|| open(ALL).is_ok_and(|store| (0..IMAGES).all(|number| black_box(store.read(number)).is_ok())));
    });
    for (name, memory) in
        [("read all shuffled, kept in memory", ALL), ("read all shuffled, one by one from the file", 0)]
    {
        let Ok(store) = open(memory) else { return };
        group.bench_function(name, |bencher| {
            bencher.iter(|| order.iter().all(|&number| black_box(store.read(number as usize)).is_ok()));
        });
    }
}

/// An epoch through the loader, in batches of 128.
fn loading(group: &mut BenchmarkGroup<'_, CoreTime>, place: &Path) {
    let Ok(store) = RecordStore::open(place).map(|store| Arc::new(store.kept_in_memory(ALL))) else { return };
    for threads in [0, 1] {
        let source = Arc::new(Records::new(Arc::clone(&store), (0..IMAGES).collect::<Vec<_>>()));
        let config = LoaderConfig { threads, queue_windows: 1024, ..LoaderConfig::default() };
        let loader = Loader::new(source, Order { seed: 42, shuffle: true }, config);
        let mut epoch = 0;
        group.bench_function(format!("an epoch through the loader, {threads} threads"), |bencher| {
            bencher.iter(|| {
                epoch += 1;
                let samples = loader.start(Position { epoch, next: 0 });
                samples.is_ok_and(|samples| samples.map(black_box).all(|sample| sample.is_ok()))
            });
        });
    }
}

fn write(place: &Path) -> Result<(), RecordError> {
    let mut writer = RecordWriter::create(place)?;
    let mut image = [0; IMAGE_BYTES];
    for number in 0..IMAGES {
        image.iter_mut().enumerate().for_each(|(at, pixel)| *pixel = (at * 7 + number * 13) as u8);
        writer.append(&image)?;
    }
    writer.finish(&())
}
