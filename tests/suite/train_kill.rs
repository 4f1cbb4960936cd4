//! Training that is killed at any moment and started again ends with the bytes of a training that nobody disturbed.
//!
//! `scripts/kill_training.sh 1000` kills as often as wanted.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rand::{Rng, SeedableRng};

use crate::training::Training;

/// Kills in all; each run takes a few.
const KILLS: usize = 24;
const KILLS_OF_A_RUN: usize = 6;

/// What decides about a run's numbers, each way of training once: types, averages, phases, scaling.
const VARIANTS: [&[&str]; 3] = [
    &["--set", "precision=fp32", "--set", "train.ema_decay=0.9", "--set", "train.accumulate=2"],
    &["--set", "precision=bf16", "--set", "train.schedule={plateau: {patience: 0}}"],
    &[
        "--set",
        "precision=fp32",
        "--set",
        "train.phases=[{train: {epochs: 1}}, {train: {epochs: 2}, loss: {ssim_weight: 0.2}}]",
    ],
];

/// All that a run leaves which must not depend on how often it was killed: published weights, history, and the checkpoint
/// of the last epoch with the optimizer's state.
fn contents(training: &Training, run: &str) -> BTreeMap<String, Vec<u8>> {
    let last = training.names(run, "checkpoints").pop().unwrap();
    let checkpoint = format!("checkpoints/{last}");
    let mut files: Vec<String> =
        ["history.json", "results.csv", "weights/best.safetensors", "weights/last.safetensors"]
            .map(str::to_owned)
            .into();
    files.extend(training.names(run, &checkpoint).iter().map(|name| format!("{checkpoint}/{name}")));
    files.into_iter().map(|name| (name.clone(), fs::read(training.file(run, &name)).unwrap())).collect()
}

#[test]
fn killed_training_ends_with_the_same_bytes() {
    let training = Training::new();
    let kills = std::env::var("FRAGUA_KILLS").map_or(KILLS, |count| count.parse().unwrap());
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let undisturbed: Vec<_> = VARIANTS
        .iter()
        .enumerate()
        .map(|(number, flags)| {
            let name = format!("undisturbed{number}");
            training.succeed(&[&["--name", &name], *flags].concat());
            contents(&training, &name)
        })
        .collect();
    let (mut killed, mut resumed, mut longest) = (0, 0, 1500);
    for round in 0.. {
        if killed >= kills {
            break;
        }
        let (name, flags) = (format!("killed{round}"), VARIANTS[round % VARIANTS.len()]);
        let arguments = [&["--name", &name], flags].concat();
        for _ in 0..KILLS_OF_A_RUN {
            let mut child = training.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(random.random_range(0..longest)));
            child.kill().unwrap();
            match child.wait().unwrap().code() {
                None => killed += 1,
                // It was faster than the delay: kill earlier next time.
                Some(code) => {
                    assert_eq!(code, 0);
                    longest = (longest * 3 / 4).max(600);
                    break;
                }
            }
        }
        let outcome = training.succeed(&arguments);
        resumed += usize::from(outcome.stderr.contains("resuming in epoch"));
        let (got, expected) = (contents(&training, &name), &undisturbed[round % VARIANTS.len()]);
        let differ: Vec<_> =
            got.keys().chain(expected.keys()).filter(|key| got.get(*key) != expected.get(*key)).collect();
        assert!(differ.is_empty(), "after {killed} kills, run {name}: these differ: {differ:?}");
        fs::remove_dir_all(training.file(&name, "")).unwrap();
    }
    assert!(resumed > 0, "{killed} kills, and no run went on from a checkpoint: nothing was tested");
}
