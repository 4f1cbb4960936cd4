//! Training that is killed at any moment and started again gives the same bytes as an uninterrupted one.
//!
//! `scripts/kill_training.sh 1000` kills as often as wanted.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rand::{Rng, SeedableRng};

use crate::deadline::{end_of, wait_until};
use crate::training::Training;

/// Kills in all; each run takes a few.
const KILLS: usize = 24;
const KILLS_OF_A_RUN: usize = 6;

/// Moving coordinates with all that changes and draws training windows, and every term of the loss.
const MOVING: &[&str] = &[
    "--set",
    "precision=bf16",
    "--set",
    "task.nowcast.coordinates=lagrangian",
    "--set",
    "task.nowcast.model={unet: {base: 4, widths: [1, 2]}}",
    "--set",
    "task.nowcast.augment={flips: true, shift: [-4, 10], crop: [12, 12]}",
    "--set",
    "task.nowcast.sampling={wet: {above: 20, share: 0.5}}",
    "--set",
    "task.nowcast.loss={absolute: {}, csi: {}, fss: {scales_px: [3]}}",
];

/// Each way of training at least once: types, averages, scaling, phases, limits, validation in the midst of an epoch.
const VARIANTS: [&[&str]; 5] = [
    MOVING,
    &["--set", "precision=fp32", "--set", "train.ema_decay=0.9", "--set", "train.accumulate=2"],
    &[
        "--set",
        "precision=bf16",
        "--set",
        "train.schedule={plateau: {patience: 0}}",
        "--set",
        "train.validate.every_steps=5",
    ],
    &[
        "--set",
        "precision=fp32",
        "--set",
        "train.phases=[{train: {epochs: 1}}, {train: {epochs: 2}, loss: {ssim_weight: 0.2}}]",
    ],
    &[
        "--set",
        "precision=fp16",
        "--set",
        "train.validate.every_epochs=2",
        "--set",
        "train.optimizer={sgd: {lr: 0.05}}",
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

/// Kills a run while it starts, or after some step, or asks it to end; whether it was still at work.
fn end_somewhere(campaign: &Campaign<'_>, name: &str, arguments: &[&str], random: &mut impl Rng) -> bool {
    let training = campaign.training;
    let mut child = training.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = training.file(name, "log.jsonl");
    let steps = || fs::read_to_string(&log).unwrap_or_default().matches("\"event\":\"stepped\"").count();
    let (before, wanted) = (steps(), random.random_range(0..=12));
    // One in four is killed at its start, however long that takes.
    let starts = random.random_ratio(1, 4);
    let asks = campaign.asks && random.random_ratio(1, 3);
    wait_until("a step, or the end", || starts || steps() >= before + wanted || child.try_wait().unwrap().is_some());
    let most = if starts { 600 } else { 40 };
    sleep(Duration::from_millis(random.random_range(0..most)));
    if asks {
        let killer = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).output();
        drop(killer.unwrap());
    } else {
        child.kill().unwrap();
    }
    match end_of(&mut child).code() {
        // Before the program listens, the system ends it.
        None => true,
        Some(143) if asks => true,
        Some(code) => {
            assert_eq!(code, 0, "{name} ended by itself");
            false
        }
    }
}

/// How often a run resumed from a checkpoint, by its log.
fn resumes(training: &Training, name: &str) -> usize {
    let log = fs::read_to_string(training.file(name, "log.jsonl")).unwrap();
    let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.filter(|event| event["event"] == "started" && event["step"].as_u64() > Some(0)).count()
}

/// What is trained, how it is ended, and how often.
pub struct Campaign<'a> {
    pub training: &'a Training,
    pub variants: &'a [&'a [&'a str]],
    pub kills: usize,
    /// Whether some are asked to end by SIGTERM.
    pub asks: bool,
    pub seed: u64,
}

impl Campaign<'_> {
    /// Each run that is ended again and again leaves the bytes of one that was not.
    pub fn check(&self) {
        let Self { training, variants, kills, .. } = *self;
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(self.seed);
        let undisturbed = variants.iter().enumerate().map(|(number, flags)| {
            let name = format!("undisturbed{number}");
            training.succeed(&[&["--name", &name], *flags].concat());
            contents(training, &name)
        });
        let undisturbed: Vec<_> = undisturbed.collect();
        let (mut killed, mut resumed) = (0, vec![0; variants.len()]);
        // Each run is killed at least once in three, or the kills come at the wrong moments.
        for round in 0..variants.len() + 3 * kills {
            if killed >= kills && round >= variants.len() && resumed.iter().all(|times| *times > 0) {
                break;
            }
            let variant = round % variants.len();
            let name = format!("killed{round}");
            let arguments = [&["--name", &name], variants[variant]].concat();
            for _ in 0..KILLS_OF_A_RUN {
                match end_somewhere(self, &name, &arguments, &mut random) {
                    true => killed += 1,
                    false => break,
                }
            }
            training.succeed(&arguments);
            resumed[variant] += resumes(training, &name);
            let (got, expected) = (contents(training, &name), &undisturbed[variant]);
            let keys = got.keys().chain(expected.keys());
            let differ: Vec<_> = keys.filter(|key| got.get(*key) != expected.get(*key)).collect();
            assert!(
                differ.is_empty(),
                "after {killed} kills, run {name} ({:?}): these differ: {differ:?}",
                variants[variant]
            );
            fs::remove_dir_all(training.file(&name, "")).unwrap();
        }
        assert!(killed >= kills, "only {killed} of {kills} kills came before the ends of the runs");
        assert!(resumed.iter().all(|&times| times > 0), "{killed} kills; resumed from a checkpoint: {resumed:?}");
    }
}

#[test]
fn killed_training_ends_with_the_same_bytes() {
    let kills = std::env::var("FRAGUA_KILLS").map_or(KILLS, |count| count.parse().unwrap());
    Campaign { training: &Training::new(), variants: &VARIANTS, kills, asks: false, seed: 11 }.check();
}
