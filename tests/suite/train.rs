//! `fragua train` as a person uses it: what it leaves, how it resumes, what it refuses.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::deadline::{output_of, wait_while_it_works};
use crate::program::{Outcome, Program, python};
use crate::training::Training;

#[test]
fn a_run_leaves_weights_history_curves_and_a_summary() {
    let training = Training::new();
    let outcome = training.succeed(&["--notes", "a first try"]);
    let first = outcome.stdout.lines().next().unwrap();
    assert_eq!(first, "model_output/storms");
    assert!(outcome.stdout.contains("best epoch"), "{}", outcome.stdout);
    assert!(!outcome.stderr.contains('\r') && !outcome.stderr.contains('\x1b'), "{:?}", outcome.stderr);

    let history = training.json("storms", "history.json");
    let epochs = history["epochs"].as_array().unwrap();
    let losses: Vec<f64> = epochs.iter().map(|row| row["val"]["loss"].as_f64().unwrap()).collect();
    assert_eq!((&history["format_version"], &history["parts"][0]["name"]), (&json!(3), &json!("loss")));
    let lowest = losses.iter().position(|loss| losses.iter().all(|other| loss <= other)).unwrap();
    assert_eq!(history["best"]["epoch"], epochs[lowest]["epoch"]);
    assert_eq!(losses.len(), 3);
    assert!(losses[2] < 0.9 * losses[0], "{losses:?}");
    let table = fs::read_to_string(training.file("storms", "results.csv")).unwrap();
    assert_eq!(table.lines().count(), 4);

    assert_eq!(training.json("storms", "status.json")["state"], "finished");
    let record = training.json("storms", "run.json");
    assert_eq!((&record["stage"], &record["dataset"]["files"]), (&json!("done"), &json!(36)));
    let dataset = training.json("storms", "dataset.json");
    assert_eq!(dataset["files"].as_array().unwrap().len(), 36);
    assert_eq!(dataset["fingerprint"], record["dataset"]["fingerprint"]);
    let sides: Vec<_> =
        dataset["samples"]["windows"]["events"].as_array().unwrap().iter().map(|event| &event["side"]).collect();
    assert_eq!(sides, ["train", "train", "val"]);
    assert_eq!(dataset["samples"]["times"][0]["seconds"].as_array().unwrap().len(), 12);
    let version = training.program.succeed(&["--version"]).stdout;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit ")).unwrap();
    assert_eq!(record["used"]["commit"].as_str().unwrap_or("unknown"), commit, "the run names what it was made with");
    let experiment = training.json("storms", "experiment_log.json");
    assert_eq!(experiment["notes"][0], "a first try");
    assert_eq!(experiment["best"]["val.loss"].as_f64(), losses.iter().copied().reduce(f64::min));
    assert_eq!(experiment["config"], record["config"]);

    let log = fs::read_to_string(training.file("storms", "log.jsonl")).unwrap();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().filter(|event| event["event"] == "epoch_ended").count(), 3);
    let steps = events.iter().filter(|event| event["event"] == "stepped").count();
    assert_eq!(json!(steps), epochs[2]["step"]);

    for picture in ["plots/loss.png", "plots/scores.png", "plots/learning_rate.png", "plots/throughput.png"] {
        let bytes = fs::read(training.file("storms", picture)).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "{picture}");
    }
    assert!(training.names("storms", "forecasts").iter().any(|name| name.ends_with(".gif")));

    let folder = training.file("storms", "tensorboard");
    let curves: Value =
        serde_json::from_str(&python("tests/fixtures/tensorboard/read.py", &[folder.to_str().unwrap()])).unwrap();
    let read: Vec<f64> =
        curves["val/loss"].as_array().unwrap().iter().map(|point| point[1].as_f64().unwrap()).collect();
    assert!(read.iter().zip(&losses).all(|(read, loss)| (read - loss).abs() < 1e-6), "{read:?}, {losses:?}");
}

#[test]
fn a_loss_of_all_terms_knows_the_training_windows_which_are_measured_once() {
    let training = Training::new();
    let loss = "task.nowcast.loss={huber_ssim_weight: 0, absolute: {}, csi: {}, fss: {scales_px: [3]}}";
    let started = |name: &str| training.succeed(&["--epochs", "1", "--name", name, "--set", loss]).stderr;
    let measures = |log: &str| log.contains("measuring the advection on 16 training windows for the loss");
    let first = started("first");
    assert!(measures(&first), "{first}");
    let prepared =
        fs::read_dir(training.program.path("datasets/storms/prepared")).unwrap().next().unwrap().unwrap().path();
    let names = || fs::read_dir(&prepared).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept: Vec<String> = names().filter(|name| name.starts_with("expected-")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let second = started("second");
    assert!(!measures(&second), "{second}");
    fs::remove_file(prepared.join(&kept[0])).unwrap();
    assert!(measures(&started("third")));
    let weights = |run: &str| fs::read(training.file(run, "weights/last.safetensors")).unwrap();
    assert!(weights("first") == weights("second") && weights("second") == weights("third"));

    let history = training.json("first", "history.json");
    let parts: Vec<&str> =
        history["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(parts, ["loss", "huber", "ssim", "absolute_loss", "csi_loss", "fss_loss"]);
    let row = |name: &str| history["epochs"][0]["val"][name].as_f64().unwrap();
    let sum = 0.4 * row("absolute_loss") + 0.15 * row("csi_loss") + 0.1 * row("fss_loss");
    assert!((row("loss") / sum - 1.0).abs() < 1e-5, "{} is not {sum}", row("loss"));
    // Huber and SSIM have no weight: training does not compute them, and nothing is said of them there.
    let trained: Vec<&String> = history["epochs"][0]["train"].as_object().unwrap().keys().collect();
    assert_eq!(trained, ["loss", "absolute_loss", "csi_loss", "fss_loss"]);
    let table = fs::read_to_string(training.file("first", "results.csv")).unwrap();
    assert!(table.starts_with("epoch,phase,step,lr,train.loss,train.absolute_loss,"), "{table}");
    assert!(table.contains(",val.huber,val.ssim,"), "{table}");
    let evaluated = training.program.succeed(&["evaluate", "--checkpoint", "first", "--split", "train"]);
    assert!(!measures(&evaluated.stderr), "{}", evaluated.stderr);
}

#[test]
fn the_configuration_of_a_run_runs_the_same_again() {
    let training = Training::new();
    training.succeed(&["--max-steps", "4"]);
    let config = training.file("storms", "config.yaml");
    fs::remove_file(training.program.path("config.yaml")).unwrap();
    let again = training.succeed(&["--config", config.to_str().unwrap()]);
    assert!(again.stderr.contains("this run is finished"), "{}", again.stderr);
    let weights = |run: &str| fs::read(training.file(run, "weights/last.safetensors")).unwrap();
    training.succeed(&["--config", config.to_str().unwrap(), "--name", "twin"]);
    assert!(weights("storms") == weights("twin"));
}

#[test]
fn a_finished_run_with_more_epochs_ends_as_if_it_had_had_them_from_the_start() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    let nothing = training.succeed(&["--epochs", "1"]);
    assert!(nothing.stderr.contains("--epochs"), "{}", nothing.stderr);
    assert!(nothing.stdout.contains("best epoch 1:"), "{}", nothing.stdout);
    let more = training.succeed(&["--epochs", "3"]);
    assert!(more.stderr.contains("resuming in epoch 2 of 3"), "{}", more.stderr);
    training.succeed(&["--name", "at-once"]);
    for file in ["history.json", "weights/best.safetensors", "weights/last.safetensors"] {
        let read = |run| fs::read(training.file(run, file)).unwrap();
        assert!(read("storms") == read("at-once"), "{file}");
    }
    // What advection scores was computed again, once in each of the two sessions.
    let history = training.json("storms", "history.json");
    let rows = history["epochs"].as_array().unwrap();
    let of = |row: &Value, name: &str| row["scores"][name].as_f64().unwrap();
    let [model, advection, ahead] = ["csi_35", "advection_csi_35", "csi_35_ahead_of_advection"];
    assert!(rows.iter().all(|row| of(row, ahead) == of(row, model) - of(row, advection)), "{rows:?}");
    assert!(rows.iter().all(|row| of(row, advection) == of(&rows[0], advection)), "{rows:?}");
    assert!(
        nothing.stderr.contains("this run is finished") && more.stderr.contains("advection    ahead"),
        "{}",
        more.stderr
    );
    let head = fs::read_to_string(training.file("storms", "results.csv")).unwrap();
    assert!(head.lines().next().is_some_and(|head| head.contains(&format!(",scores.{ahead},"))), "{head}");
}

#[test]
fn without_resume_a_new_run_begins_beside_the_old_one() {
    let training = Training::new();
    training.succeed(&["--max-steps", "2"]);
    let outcome = training.succeed(&["--max-steps", "2", "--no-resume"]);
    assert!(outcome.stdout.starts_with("model_output/storms-2\n"), "{}", outcome.stdout);
    assert_eq!(training.names("", ""), ["storms", "storms-2"]);
}

/// A training that neither ends nor saves before it gets a signal.
const LONG: [&str; 6] = [
    "--epochs",
    "100000",
    "--patience",
    "100000",
    "--set",
    "train.checkpoint={every_steps: null, every_minutes: null}",
];

/// Starts a long training and waits until it has made some steps.
fn under_way(training: &Training) -> std::process::Child {
    let mut child = training.command(&LONG).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let log = training.file("storms", "log.jsonl");
    let steps = || fs::read_to_string(&log).unwrap_or_default();
    wait_while_it_works(&mut child, "it makes steps", || steps().contains("\"step\":5,"));
    child
}

fn signal(child: &std::process::Child, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_signal_saves_and_ends_with_its_code_and_the_same_command_resumes() {
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let training = Training::new();
        let child = under_way(&training);
        signal(&child, name);
        let outcome = Outcome::of(output_of(child));
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert_eq!(training.json("storms", "status.json")["state"], "stopped");
        let newest = training.names("storms", "checkpoints").pop().unwrap();
        let step = training.json("storms", "status.json")["step"].as_u64().unwrap();
        assert!(newest.ends_with(&format!("s{step:06}")), "{newest}, stopped at step {step}");
        // The end of training may come earlier than it was meant to.
        let outcome = training.succeed(&[&LONG[..], &["--max-steps", &(step + 3).to_string()]].concat());
        assert!(outcome.stderr.contains(&format!("after step {step}")), "{}", outcome.stderr);
    }
}

#[test]
fn a_second_worker_on_the_same_run_is_refused_with_75_and_learns_who_has_it() {
    let training = Training::new();
    let child = under_way(&training);
    let outcome = training.run(&LONG);
    assert_eq!(outcome.code, 75, "{outcome:?}");
    assert!(outcome.stderr.contains(&format!("process {}", child.id())), "{}", outcome.stderr);
    signal(&child, "KILL");
    output_of(child);
    let told = training.succeed(&[&LONG[..], &["--max-steps", "6"]].concat());
    assert!(told.stderr.contains("the last start was killed in stage train"), "{}", told.stderr);
}

#[test]
fn a_damaged_newest_checkpoint_is_reported_and_the_one_before_it_is_used() {
    let training = Training::new();
    training.succeed(&["--epochs", "2"]);
    training.succeed(&["--name", "whole"]);
    let newest = training.names("storms", "checkpoints").pop().unwrap();
    let model = training.file("storms", &format!("checkpoints/{newest}/model.safetensors"));
    let mut bytes = fs::read(&model).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&model, bytes).unwrap();
    let outcome = training.succeed(&[]);
    assert!(outcome.stderr.contains(&format!("checkpoint {newest} can't be used")), "{}", outcome.stderr);
    for file in ["history.json", "weights/last.safetensors"] {
        assert!(fs::read(training.file("storms", file)).unwrap() == fs::read(training.file("whole", file)).unwrap());
    }
}

#[test]
fn an_unfinished_run_refuses_another_model_with_both_sides() {
    let training = Training::new();
    let mut child = under_way(&training);
    child.kill().unwrap();
    child.wait().unwrap();
    let outcome = training.run(&[&LONG[..], &["--set", "task.nowcast.model.hidden=[8, 4]"]].concat());
    assert_eq!(outcome.code, 78, "{outcome:?}");
    assert!(outcome.stderr.contains("task.nowcast.model.hidden.0"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--allow-change") && outcome.stderr.contains("--no-resume"), "{}", outcome.stderr);
}

#[test]
fn a_share_of_the_samples_trains_validates_and_evaluates_and_is_fixed_for_the_run() {
    let training = Training::new();
    let quick = ["--epochs", "1", "--set", "data.fraction=0.25"];
    training.succeed(&["--epochs", "1", "--name", "whole", "--set", "data.fraction=1.0"]);
    training.succeed(&[&quick[..], &["--name", "quick"]].concat());
    training.succeed(&[&quick[..], &["--name", "again"]].concat());
    let ([train, val], quarter) = (samples(&training, "whole"), |all: u64| (all as f64 / 4.0).round() as u64);
    assert_eq!(samples(&training, "quick"), [quarter(train), quarter(val)]);
    assert_eq!(training.json("quick", "evaluation/metrics.json")["dataset"]["samples"], quarter(val));
    let fraction = |run: &str| training.json(run, "run.json")["dataset"]["fraction"].as_f64();
    assert_eq!([fraction("quick"), fraction("whole")], [Some(0.25), Some(1.0)]);
    let weights = |run: &str| fs::read(training.file(run, "weights/last.safetensors")).unwrap();
    assert!(weights("quick") == weights("again") && weights("quick") != weights("whole"));

    let mut child = under_way(&training);
    child.kill().unwrap();
    child.wait().unwrap();
    let outcome = training.run(&[&LONG[..], &["--set", "data.fraction=0.5"]].concat());
    assert_eq!(outcome.code, 78, "{outcome:?}");
    assert!(outcome.stderr.contains("--allow-change data.fraction"), "{}", outcome.stderr);
}

/// The samples of both sides, as the run counted them when it began.
fn samples(training: &Training, run: &str) -> [u64; 2] {
    let log = fs::read_to_string(training.file(run, "log.jsonl")).unwrap();
    let count = |key: &str| {
        let (_, after) = log.split_once(&format!("\"{key}\":")).unwrap();
        after.trim_start().split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    [count("train_samples"), count("val_samples")]
}

#[test]
fn an_unfinished_run_refuses_a_dataset_of_which_a_file_has_changed_and_names_it() {
    let training = Training::new();
    let synth = ["synth", "--output", "radar", "--events", "3", "--frames", "12", "--grid", "32", "--levels", "1"];
    training.program.succeed(&synth);
    let data = ["--set", "data.name=radar", "--set", "data.source=[{path: {path: radar}}]"];
    training.succeed(&[&data[..], &["--max-steps", "3"]].concat());
    let events = fs::read_dir(training.program.path("radar")).unwrap().map(|entry| entry.unwrap().path());
    let event = events.filter(|path| path.is_dir()).min().unwrap();
    let file = fs::read_dir(&event).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let touched = fs::read(&file).unwrap();
    fs::write(&file, &touched).unwrap();
    let more = [&data[..], &["--max-steps", "4"]].concat();
    training.succeed(&more);
    let mut changed = touched;
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&file, changed).unwrap();
    let outcome = training.run(&[&data[..], &["--max-steps", "5"]].concat());
    assert_eq!(outcome.code, 78, "{outcome:?}");
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(
        outcome.stderr.contains(&format!("changed {}/{name}", event.file_name().unwrap().to_str().unwrap())),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_run_starts_from_the_latest_run_before_it_also_when_it_is_started_again() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    let flags = ["--name", "tuned", "--set", "train.init_from=latest"];
    training.succeed(&[&flags[..], &["--max-steps", "1"]].concat());
    let record = training.json("tuned", "run.json");
    assert_eq!(record["started_from"], "model_output/storms/weights/best.safetensors");
    fs::remove_dir_all(training.file("storms", "")).unwrap();
    training.succeed(&[&flags[..], &["--max-steps", "2"]].concat());
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_is_not_started_over() {
    let training = Training::new();
    training.succeed(&["--max-steps", "3"]);
    for name in training.names("storms", "checkpoints") {
        fs::write(training.file("storms", &format!("checkpoints/{name}/model.safetensors")), "").unwrap();
    }
    let outcome = training.run(&["--max-steps", "5"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(outcome.stderr.contains("--no-resume"), "{}", outcome.stderr);
}

#[test]
fn weights_of_another_run_are_taken_as_far_as_they_fit() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    let outcome = training.succeed(&["--name", "tuned", "--max-steps", "1", "--set", "train.init_from=storms"]);
    assert!(outcome.stderr.contains("parameters loaded"), "{}", outcome.stderr);
    let other = training.succeed(&[
        "--name",
        "wider",
        "--max-steps",
        "1",
        "--set",
        "train.init_from=storms",
        "--set",
        "task.nowcast.windows.target_frames=3",
    ]);
    assert!(other.stderr.contains("head.weight has another shape"), "{}", other.stderr);
    let none = training.run(&["--name", "lost", "--set", "train.init_from=nowhere"]);
    assert_eq!(none.code, 78, "{none:?}");
    assert!(!training.file("lost", "").exists());
}

#[test]
fn frozen_parts_keep_their_values() {
    let training = Training::new();
    training.succeed(&[
        "--name",
        "start",
        "--max-steps",
        "1",
        "--set",
        "train.optimizer={sgd: {lr: 1.0e-30, momentum: 0.0}}",
    ]);
    training.succeed(&[
        "--name",
        "tuned",
        "--max-steps",
        "6",
        "--set",
        "train.init_from=start",
        "--set",
        "train.freeze=['layers.*']",
    ]);
    let weights = |run: &str| {
        let path = training.file(run, "weights/last.safetensors");
        fragua::nn::weights::read(&path).unwrap().into_iter().collect::<std::collections::BTreeMap<_, _>>()
    };
    let (start, tuned) = (weights("start"), weights("tuned"));
    for (name, before) in &start {
        assert_eq!(before.equal(&tuned[name]), name.starts_with("layers."), "{name}");
    }
}

#[test]
fn a_single_batch_is_learned_by_heart() {
    let training = Training::new();
    training.succeed(&[
        "--overfit-single-batch",
        "--epochs",
        "60",
        "--set",
        "train.patience=null",
        "--set",
        "train.schedule=constant",
    ]);
    let history = training.json("storms", "history.json");
    let rows = history["epochs"].as_array().unwrap();
    let loss = |row: &Value| row["train"]["loss"].as_f64().unwrap();
    assert!(loss(rows.last().unwrap()) < 0.35 * loss(&rows[0]), "{} to {}", loss(&rows[0]), loss(rows.last().unwrap()));
}

#[test]
fn a_dry_run_reports_what_training_takes_and_leaves_nothing() {
    let training = Training::new();
    let outcome = training.succeed(&["--dry-run"]);
    for word in ["parameters", "first loss", "memory", "step", "all epochs"] {
        assert!(outcome.stdout.contains(word), "{word}: {}", outcome.stdout);
    }
    assert!(!training.program.path("model_output").exists());
    let found: Value = serde_json::from_str(&training.succeed(&["--dry-run", "--json"]).stdout).unwrap();
    assert!(found["rehearsed"]["step_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_gpu_sized_model_on_a_cpu_is_reported_before_it_starts_and_trains_without_a_terminal() {
    let training = Training::new();
    let large = [
        "--device",
        "cpu",
        "--set",
        "task.nowcast.prepare.size=[250, 250]",
        "--set",
        "task.nowcast.model.hidden=[128, 128, 128]",
    ];
    let mut child = training.command(&large).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap());
    while !told.contains("run folder") {
        let length = std::io::BufRead::read_line(&mut lines, &mut told).unwrap();
        assert!(length > 0, "it ended: {told}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains("work for a GPU"), "{told}");
}

#[test]
fn an_output_that_can_not_be_written_is_73_before_anything_is_prepared() {
    let program = Program::new();
    program.write("model_output", "a file in the place of the folder of all runs");
    let outcome = program.run(&["train"]);
    assert_eq!(outcome.code, 73, "{outcome:?}");
    assert!(outcome.stderr.contains("model_output"), "{}", outcome.stderr);
    assert!(!program.path("datasets").exists());
}

#[test]
fn a_missing_gpu_is_reported_with_the_remedy() {
    if tch::Cuda::is_available() {
        return;
    }
    let program = Program::new();
    let outcome = program.run(&["train", "--device", "cuda"]);
    assert_eq!(outcome.code, 78, "{outcome:?}");
    assert!(outcome.stderr.contains("device"), "{}", outcome.stderr);
}

#[test]
fn mistakes_in_flags_are_shown_where_they_were_typed() {
    let program = Program::new();
    let outcome = program.run(&["train", "--epochs", "0"]);
    assert_eq!(outcome.code, 78, "{outcome:?}");
    assert!(outcome.stderr.contains("--epochs 0"), "{}", outcome.stderr);
    assert_eq!(program.run(&["train", "--max-time", "soon"]).code, 2);
    let phases = program.run(&["train", "--set", "train.phases=[{train: {epoch: 1}}]"]);
    assert_eq!(phases.code, 78, "{phases:?}");
}
