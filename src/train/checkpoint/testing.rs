//! A small training whose state is known at every moment, for the tests of this folder.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::disk::{Disk, memory::MemoryDisk};
use super::retention::Keep;
use super::weights::Weights;
use super::*;
use crate::metric::better::Better;
use crate::nn::weights::safetensors::Metadata;
use crate::train::target::Target;

pub const FOLDER: &str = "run/checkpoints";
pub const WEIGHTS: &str = "run/weights";
/// Longer than anything here takes, even on a busy machine.
pub const NEVER: Duration = Duration::from_secs(120);

/// Waits until something is so; a test that would wait for ever fails.
pub fn wait_until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < NEVER, "waited in vain");
        thread::yield_now();
    }
}

/// The state after so many epochs of ten steps. The loss falls until epoch 3 and rises from there.
pub fn snapshot(epoch: u64) -> Snapshot {
    let loss = (epoch as f64 - 3.0).abs() + 0.1;
    let value = epoch as f32;
    Snapshot {
        id: CheckpointId { epoch, step: epoch * 10 },
        progress: Progress {
            seed: 42,
            best: [("val_loss".into(), loss.min(0.1))].into(),
            metrics: [("val_loss".into(), loss)].into(),
            state: json!({"schedule": {"lr": 0.1 / (epoch as f64 + 1.0)}}),
            ..Progress::default()
        },
        model: model(epoch, [-value, value]),
        optim: vec![NamedArray::i64("step", epoch as i64 * 10), NamedArray::f32("m", &[6], &[value / 3.0; 6])],
        ema: model(epoch, [0.5, value / 2.0]),
        publish: Publish { last: true, best: epoch <= 3 },
    }
}

/// Two parameters and two buffers, a running mean and the batches that it was computed from, in the order of the file.
fn model(epoch: u64, [b, w]: [f32; 2]) -> Vec<NamedArray> {
    vec![
        NamedArray::i64("num_batches_tracked", epoch as i64 * 10),
        NamedArray::f32("b", &[2], &[b; 2]),
        NamedArray::f32("running_mean", &[3], &[epoch as f32 / 7.0; 3]),
        NamedArray::f32("w", &[2, 2], &[w; 4]),
    ]
}

pub fn keep() -> Keep {
    Keep { last: 1, best: 1, by: Target::of(&[("val_loss", Better::Lower)]) }
}

pub fn open(disk: &MemoryDisk) -> Result<Store, CheckpointError> {
    Store::open(shared(disk), Path::new(FOLDER), "0.1.0")
}

pub fn open_weights(disk: &MemoryDisk) -> Result<Weights, CheckpointError> {
    Weights::open(shared(disk), Path::new(WEIGHTS), Metadata::from([("task".into(), "toy".into())]))
}

pub fn shared(disk: &MemoryDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

/// The newest valid checkpoint, as the state that it holds.
pub fn newest(store: &Store) -> Option<Snapshot> {
    store.newest(|_| Ok(())).unwrap().loaded.map(Snapshot::from)
}
