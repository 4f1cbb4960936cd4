//! The loader's two promises: windows from the RAM cache at more than 1 GB/s per core, and the first window of an epoch
//! within 100 ms however many there are.
//!
//! `cargo bench --profile dev --bench loader`: the dev profile is optimised and built already; cargo's own bench profile
//! builds everything again, libtorch's bindings too.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_main};
use fragua::data::loader::{Epoch, FrameSource, Frames, Loader, LoaderConfig, Order, Position, Sample};
use fragua::util::exit::Exit;

const LEVEL_BYTES: usize = 250 * 250;
const LEVELS: usize = 18;
const WINDOW: usize = 25;

/// Frames of one value, because decoding is not measured.
struct Flat {
    frame_bytes: usize,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Never(Infallible);

impl Never {
    fn exit(&self) -> Exit {
        Exit::Bug
    }
}

fragua::util::failures!("never": Never);

impl FrameSource for Flat {
    type Error = Never;

    fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    fn read_frame(&self, _event: usize, frame: usize, into: &mut [u8]) -> Result<(), Never> {
        into.fill(frame as u8);
        Ok(())
    }
}

fn loader(levels: usize, level_bytes: usize, frames: usize, config: LoaderConfig) -> Loader<Frames<Flat>> {
    let sample = |(start, level)| Sample {
        event: 0,
        start,
        length: WINDOW,
        slice: level * level_bytes..(level + 1) * level_bytes,
    };
    let starts = (0..frames - WINDOW).step_by(5);
    let samples = starts.flat_map(|start| (0..levels).map(move |level| (start, level))).map(sample).collect();
    let source = Arc::new(Flat { frame_bytes: levels * level_bytes });
    match Loader::of_frames(source, samples, Order { seed: 42, shuffle: true }, config) {
        Ok(loader) => loader,
        Err(error) => unreachable!("{error}"),
    }
}

/// Puts the next windows behind one another; how many there were.
fn fill(epoch: &mut Epoch<Frames<Flat>>, windows: usize, batch: &mut Vec<u8>) -> usize {
    batch.clear();
    epoch.take(windows).flatten().map(|window| window.append_to(batch)).count()
}

fn at(epoch: u64) -> Position {
    Position { epoch, next: 0 }
}

/// An epoch of 225 frames from memory, in batches of two windows.
fn windows_from_memory(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("windows from memory");
    for (name, levels, threads) in
        [("1 level, inline", 1, 0), ("18 levels, inline", LEVELS, 0), ("18 levels, 1 thread", LEVELS, 1)]
    {
        let loader = loader(levels, LEVEL_BYTES, 225, LoaderConfig { threads, ..LoaderConfig::default() });
        let mut batch = Vec::new();
        let mut pass = |epoch: u64| {
            let Ok(mut epoch) = loader.start(at(epoch)) else { return };
            while fill(&mut epoch, 2, &mut batch) > 0 {
                black_box(&batch);
            }
        };
        pass(0);
        group.throughput(Throughput::Bytes((loader.samples() * WINDOW * LEVEL_BYTES) as u64));
        let mut epoch = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                epoch += 1;
                pass(epoch);
            });
        });
    }
    group.finish();
}

/// From the start of an epoch to its first window; the cache holds a tenth of the frames, so that the future matters.
fn first_window(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("first window");
    for (name, levels, frames) in
        [("50 thousand windows of 18 levels", LEVELS, 13_900), ("1 million windows", 1, 5_000_000)]
    {
        let level_bytes = 64;
        let cache_bytes = frames / 10 * levels * level_bytes;
        let loader = loader(levels, level_bytes, frames, LoaderConfig { cache_bytes, ..LoaderConfig::default() });
        let mut epoch = 0;
        group.sample_size(10).bench_function(name, |bencher| {
            bencher.iter(|| {
                // Every other epoch, so that the cache of the epoch before doesn't help.
                epoch += 2;
                loader.start(at(epoch)).is_ok_and(|mut epoch| epoch.next().is_some_and(|window| window.is_ok()))
            });
        });
    }
    group.finish();
}

mod group {
    use std::time::Duration;

    use criterion::{Criterion, criterion_group};

    use super::{first_window, windows_from_memory};

    criterion_group! {
        name = benches;
        config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        targets = windows_from_memory, first_window
    }
}
criterion_main!(group::benches);
