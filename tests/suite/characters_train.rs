//! The training of the image classifier, as the guide of a robust trainer promises it: its flags, early stopping on accuracy,
//! interruptions, weights that nothing overwrites, and what each epoch leaves.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::characters::characters;
use crate::deadline::{output_of, wait_while_it_works};
use crate::program::Outcome;
use crate::train_kill::Campaign;
use crate::training::Training;

/// Kills of the training.
const KILLS: usize = 8;

/// Averages and batch norm; drawing, every change of images, a rate that changes at every step; weights and small micro-batches.
const VARIANTS: [&[&str]; 3] = [
    &["--set", "precision=fp32", "--set", "train.ema_decay=0.9"],
    &[
        "--set",
        "precision=fp32",
        "--set",
        "task.image_class.balance=sampler",
        "--set",
        "task.image_class.augment={blur_px: 1.0, elastic_px: 20, erase_probability: 0.2, brightness: 0.2, hflip: 0.5}",
        "--set",
        "train.schedule={one_cycle: {warmup_share: 0.4}}",
        "--set",
        "train.clip_value=0.05",
    ],
    &[
        "--set",
        "precision=fp32",
        "--set",
        "task.image_class={balance: weights, balance_power: 0.5, loss: {smoothing_over: present}, prepare: {size: [16, 16]}}",
        "--set",
        "train.micro_batch=7",
        "--set",
        "train.validate={every_steps: 3, every_minutes: 0.0001}",
    ],
];

#[test]
fn a_killed_classifier_ends_with_the_same_bytes() {
    Campaign { training: &characters(), variants: &VARIANTS, kills: KILLS, asks: true, seed: 5 }.check();
}

fn epochs(training: &Training, run: &str) -> Vec<Value> {
    training.json(run, "history.json")["epochs"].as_array().unwrap().clone()
}

#[test]
fn the_flags_of_a_robust_trainer_do_what_they_promise() {
    let training = characters();
    let flags = ["--epochs", "2", "--device", "cpu", "--max-retries", "1", "--patience", "5", "--verbose"];
    training.succeed(&flags);
    let rows = epochs(&training, "characters");
    assert_eq!(rows.len(), 2);
    for (row, number) in rows.iter().zip(1..) {
        assert_eq!(row["epoch"].as_u64(), Some(number), "counted from 1: {row}");
        for (key, same) in [("loss_train", &row["train"]["loss"]), ("loss_val", &row["val"]["loss"])] {
            assert!(row[key].is_f64() && row[key] == *same, "{key}: {row}");
        }
        assert!(row["acc_val"] == row["scores"]["accuracy"] && row["lr"].as_f64() == Some(2e-3), "{row}");
    }
    let config = fs::read_to_string(training.file("characters", "config.yaml")).unwrap();
    assert!(config.contains("patience_by: accuracy") && config.contains("patience: 5"), "{config}");

    let best = fs::read(training.file("characters", "weights/best.safetensors")).unwrap();
    let again = training.succeed(&flags);
    assert!(again.stderr.contains("nothing more to do") || again.stderr.contains("finished"), "{}", again.stderr);
    assert!(
        fs::read(training.file("characters", "weights/best.safetensors")).unwrap() == best,
        "a finished run changed"
    );
    let fresh =
        training.succeed(&["--epochs", "5", "--no-resume", "--set", "train.checkpoint={keep_last: 1, keep_best: 1}"]);
    assert_eq!(epochs(&training, "characters-2").len(), 5, "{}", fresh.stderr);
    let kept = training.names("characters-2", "checkpoints");
    assert!((1..=2).contains(&kept.len()), "the newest and the best: {kept:?}");
    assert_eq!(epochs(&training, "characters").len(), 2);
}

#[test]
fn training_stops_early_once_the_accuracy_no_longer_improves() {
    let training = characters();
    // The accuracy can't improve by more than 1, whatever the loss does.
    let stopped = training.succeed(&["--patience", "2", "--epochs", "9", "--set", "train.min_delta=1.0"]);
    assert!(stopped.stderr.contains("stopped early because validation no longer improved"), "{}", stopped.stderr);
    assert_eq!(epochs(&training, "characters").len(), 3);
    let by_nothing = training.run(&["--name", "x", "--set", "train.patience_by=beauty"]);
    assert_eq!(by_nothing.code, 78, "{}", by_nothing.stderr);
    assert!(by_nothing.stderr.contains("nothing measures beauty"), "{}", by_nothing.stderr);
}

#[test]
fn a_missing_folder_is_not_tried_again_and_an_interrupted_run_resumes() {
    let training = characters();
    let missing = training.run(&["--set", "data={name: other, source: [{path: {path: /nowhere/at/all}}]}"]);
    assert_ne!(missing.code, 0);
    assert!(missing.stderr.contains("/nowhere/at/all") && !missing.stderr.contains("attempt"), "{}", missing.stderr);

    let mut child = training.command(&["--epochs", "400"]).stderr(Stdio::piped()).spawn().unwrap();
    let history = training.file("characters", "history.json");
    let has_epoch = || fs::read_to_string(&history).is_ok_and(|text| text.contains("acc_val"));
    wait_while_it_works(&mut child, "an epoch", has_epoch);
    let killer = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killer.unwrap().success());
    let outcome = Outcome::of(output_of(child));
    assert_eq!(outcome.code, 130, "{}", outcome.stderr);
    let done = epochs(&training, "characters").len();
    let resumed = training.succeed(&["--epochs", &(done + 1).to_string(), "--allow-change", "train"]);
    assert_eq!(epochs(&training, "characters").len(), done + 1, "{}", resumed.stderr);
}
