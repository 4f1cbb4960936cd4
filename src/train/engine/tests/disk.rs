//! The same on a disk, with the checkpoints, the history and the curves of a real run.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::metric::better::Better;
use crate::train::checkpoint::Store;
use crate::train::checkpoint::disk::{Disk, RealDisk};
use crate::train::checkpoint::retention::Keep;
use crate::train::checkpoint::weights::Weights;
use crate::train::checkpoint::writer::Saver;
use crate::train::observe::{HistoryFile, TensorBoard};
use crate::train::target::Target;

/// Trains in a folder, from its newest checkpoint.
fn train_in(folder: &Path, config: &TrainConfig, faults: &Faults, stops_after: u64) {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut run = Run::new(config);
    run.number = stops_after;
    run.stops_at = |event, number| matches!(event, Event::Stepped(step) if step.step == number);
    run.faults = faults.clone();
    let store = Store::open(Arc::clone(&disk), &folder.join("checkpoints"), "1").unwrap();
    let found = store.newest(|_| Ok(())).unwrap();
    (run.from, run.epoch_start) = (found.loaded.map(Snapshot::from), found.epoch_start.map(Snapshot::from));
    let weights = Weights::open(Arc::clone(&disk), &folder.join("weights"), BTreeMap::default()).unwrap();
    let keep = Keep {
        last: config.checkpoint.keep_last,
        best: config.checkpoint.keep_best,
        by: Target::of(&[("loss", Better::Lower)]),
    };
    let keeper = Background::new(Saver::start(store, weights, keep, &[]).unwrap());
    let history = HistoryFile::new(disk, folder.join("history.json"));
    let curves = TensorBoard::create(&folder.join("tensorboard")).unwrap();
    let ended = run.engine_with(Box::new(keeper), Observers::default().with(history).with(curves)).train();
    assert_eq!(ended.is_err(), stops_after > 0);
}

/// The bytes of the files that a run leaves, except those that contain times.
fn left_in(folder: &Path, last: &str) -> BTreeMap<String, Vec<u8>> {
    let names = ["history.json", "results.csv", "weights/best.safetensors", "weights/last.safetensors"];
    let files = ["model.safetensors", "optim.safetensors", "ema.safetensors", "manifest.json"];
    let names = names.map(str::to_owned).into_iter().chain(files.map(|file| format!("checkpoints/{last}/{file}")));
    names.map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect()
}

fn assert_same_bytes(config: &TrainConfig, faults: &Faults, last: &str, stops: &[u64]) {
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    train_in(whole.path(), config, faults, 0);
    for stops_after in stops.iter().chain([&0]) {
        train_in(stopped.path(), config, faults, *stops_after);
    }
    assert_eq!(left_in(stopped.path(), last), left_in(whole.path(), last));
}

#[test]
fn a_run_on_a_disk_leaves_the_same_bytes_however_often_it_was_stopped() {
    let checkpoint = CheckpointConfig { every_steps: Some(2), ..config().checkpoint };
    let config = TrainConfig { checkpoint, ..config() };
    assert_same_bytes(&config, &Faults::default(), "e0004-s000012", &[1, 2, 5, 9, 12]);
}

#[test]
fn a_run_that_diverges_after_a_stop_finds_the_start_of_its_epoch_on_the_disk() {
    // Only the newest one is kept, and each that is not needed is deleted.
    let checkpoint = CheckpointConfig { every_steps: Some(1), keep_last: 1, keep_best: 1, ..config().checkpoint };
    let validate = ValidateConfig { every_epochs: 2, every_steps: Some(5), every_minutes: None };
    let config = TrainConfig { batch: Some(1), micro_batch: Samples(1), checkpoint, validate, ..config() };
    for epoch in [0, 2] {
        let faults = Faults { broken: Some((epoch, 8..14)), ..Faults::default() };
        let start = 22 * epoch;
        assert_same_bytes(&config, &faults, "e0004-s000088", &[start + 3, start + 7, start + 20]);
    }
}

#[test]
fn a_limit_that_is_raised_leaves_no_trace_in_the_weights_wherever_it_was() {
    // A learning rate at which the loss goes up and down, so that the best is often where a limit cuts an epoch short.
    let optimizer = Optimizer::Sgd(Sgd { lr: 0.55, ..Sgd::default() });
    let config = TrainConfig {
        batch: Some(2),
        micro_batch: Samples(2),
        optimizer,
        ema_decay: Some(0.1),
        patience: None,
        ..config()
    };
    let whole = tempfile::tempdir().unwrap();
    train_in(whole.path(), &config, &Faults::default(), 0);
    for max_steps in [2, 13, 24, 35] {
        let limited = tempfile::tempdir().unwrap();
        let config_limited = TrainConfig { max_steps: Some(max_steps), ..config.clone() };
        train_in(limited.path(), &config_limited, &Faults::default(), 0);
        assert!(limited.path().join("weights/best.safetensors").exists(), "cut after step {max_steps}");
        train_in(limited.path(), &config, &Faults::default(), 0);
        let last = "e0004-s000044";
        assert!(left_in(limited.path(), last) == left_in(whole.path(), last), "cut after step {max_steps}");
    }
}
