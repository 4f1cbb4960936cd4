//! How long one prepared frame, 18 levels of 250 x 250 bytes, takes to write and to read on one core:
//! `cargo bench --profile dev --bench store`.

use criterion::{BatchSize, Criterion, Throughput};
use fragua::data::store::{Attributes, Coordinate, EventReader, EventWriter, FrameArraySpec, Store};

const SHAPE: [usize; 3] = [18, 250, 250];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let frame = frame();
    let Ok(folder) = tempfile::tempdir() else { return };
    let Ok(store) = Store::create(folder.path()) else { return };
    let mut group = criterion.benchmark_group("store");
    group.throughput(Throughput::Bytes(frame.len() as u64)).sample_size(20);
    for level in [1, 3] {
        group.bench_function(format!("write a frame at level {level}"), |bencher| {
            let begin = || store.writer("event", spec()).map(|writer| writer.with_level(level));
            bencher.iter_batched(begin, |writer| writer.map(|writer| written(writer, &frame)), BatchSize::PerIteration);
        });
    }
    let reader = store.writer("event", spec()).and_then(|writer| finished(writer, &frame));
    let Ok(reader) = reader else { return };
    let mut out = vec![0; frame.len()];
    group.bench_function("read a frame", |bencher| bencher.iter(|| reader.read_frame(0, &mut out)));
    group.finish();
    criterion.final_summary();
}

/// Leaves the writer to the caller, so that clearing up is not measured.
fn written(writer: EventWriter, frame: &[u8]) -> (bool, EventWriter) {
    (writer.write_frame(0, frame).is_ok(), writer)
}

fn finished(writer: EventWriter, frame: &[u8]) -> Result<EventReader, fragua::data::store::StoreError> {
    writer.write_frame(0, frame)?;
    writer.finish(&[0.0], &Attributes::new(), b"{}")
}

fn spec() -> FrameArraySpec {
    let coordinate = |(name, length): (&str, usize)| Coordinate {
        name: name.into(),
        values: (0..length).map(|index| index as f64).collect(),
        attributes: Attributes::new(),
    };
    let coordinates = ["z", "y", "x"].into_iter().zip(SHAPE).map(coordinate).collect();
    FrameArraySpec { name: "DBZ".into(), attributes: Attributes::new(), coordinates }
}

/// Storms with radar noise over half of the grid, and nothing in the other half.
fn frame() -> Vec<u8> {
    let mut noise = 1_u32;
    let mut cell = |index: usize| {
        let (z, y, x) = (index / 62_500, index / 250 % 250, index % 250);
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let storm = (x as f32 / 17.0).sin() + (y as f32 / 23.0 + z as f32 / 9.0).cos();
        if storm < 0.0 { 0 } else { (60.0 + 80.0 * storm) as u8 + (noise >> 30) as u8 }
    };
    (0..SHAPE.iter().product()).map(&mut cell).collect()
}
