//! What the next start does about a run that was damaged, mixed up, or stopped early: it repairs what the checkpoints hold,
//! and never continues the wrong run.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use fragua::util::readers::Reading;
use rustix::process::{Pid, Signal, kill_process};

use crate::deadline::{end_of, wait_while_it_works};
use crate::training::Training;

const BEST: &str = "weights/best.safetensors";

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

/// As if the run had been killed after its last checkpoint.
fn as_if_killed(training: &Training, run: &str) {
    let mut status = training.json(run, "status.json");
    (status["state"], status["ended"]) = ("running".into(), serde_json::Value::Null);
    fs::write(training.file(run, "status.json"), status.to_string()).unwrap();
}

#[test]
fn damaged_weights_are_refused_and_published_again_and_missing_ones_are_reported() {
    let training = Training::trained(&["--epochs", "1"]);
    let best = training.file("storms", BEST);
    let whole = fs::read(&best).unwrap();
    flip(&best);
    for command in [&["evaluate"][..], &["export", "--format", "pth", "--output", "model.pth"]] {
        let outcome = training.program.run(&[command, &["--checkpoint", "storms"]].concat());
        assert_eq!(outcome.code, 65, "{command:?}: {outcome:?}");
        assert!(outcome.stderr.contains("best.safetensors is damaged: its SHA-256 is"), "{}", outcome.stderr);
    }
    let again = training.succeed(&["--epochs", "1"]);
    assert!(again.stderr.contains("they are published again"), "{}", again.stderr);
    assert!(fs::read(&best).unwrap() == whole);
    training.program.succeed(&["export", "--format", "pth", "--output", "model.pth", "--checkpoint", "storms"]);

    fs::remove_file(&best).unwrap();
    let export = ["export", "--format", "pth", "--output", "last.pth", "--checkpoint", "storms"];
    let outcome = training.program.succeed(&export);
    assert!(outcome.stderr.contains("best.safetensors is missing: "), "{}", outcome.stderr);

    let newest = training.names("storms", "checkpoints").pop().unwrap();
    let model = training.file("storms", &format!("checkpoints/{newest}/model.safetensors"));
    flip(&model);
    let outcome = training.program.run(&["evaluate", "--checkpoint", model.to_str().unwrap()]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
}

#[test]
fn a_history_that_was_lost_or_changed_is_restored_from_the_checkpoint() {
    let training = Training::trained(&[]);
    let path = training.file("storms", "history.json");
    let whole = fs::read_to_string(&path).unwrap();
    let without_rows = {
        let mut history = training.json("storms", "history.json");
        history["epochs"].as_array_mut().unwrap().truncate(1);
        history.to_string()
    };
    for damaged in ["".to_owned(), without_rows, whole.replacen("\"phase\": 1", "\"phase\": 2", 1)] {
        assert_ne!(damaged, whole);
        fs::write(&path, damaged).unwrap();
        as_if_killed(&training, "storms");
        let outcome = training.succeed(&[]);
        assert!(outcome.stderr.contains("history.json is"), "{}", outcome.stderr);
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}

#[test]
fn a_checkpoint_of_another_run_is_not_continued() {
    let training = Training::new();
    training.succeed(&["--epochs", "2"]);
    training.succeed(&["--epochs", "2", "--name", "other", "--set", "seed=7"]);
    training.succeed(&["--name", "whole"]);
    let newest = training.names("storms", "checkpoints").pop().unwrap();
    let [mine, foreign] = ["storms", "other"].map(|run| training.file(run, &format!("checkpoints/{newest}")));
    for file in fs::read_dir(&foreign).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), mine.join(file.file_name())).unwrap();
    }
    let outcome = training.succeed(&[]);
    let told = format!("checkpoint {newest} can't be used");
    assert!(outcome.stderr.contains(&told), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("a run with another seed, configuration or dataset"), "{}", outcome.stderr);
    for file in ["history.json", "weights/last.safetensors", BEST] {
        assert!(fs::read(training.file("storms", file)).unwrap() == fs::read(training.file("whole", file)).unwrap());
    }
}

#[test]
fn a_dataset_is_not_changed_while_somebody_reads_it() {
    let training = Training::new();
    let synth = ["synth", "--output", "radar", "--events", "3", "--frames", "12", "--grid", "32", "--levels", "1"];
    training.program.succeed(&synth);
    let prepare = ["prepare", "--set", "data.name=radar", "--set", "data.source=[{path: {path: radar}}]"];
    training.program.succeed(&prepare);
    let prepared = fs::read_dir(training.program.path("datasets/radar/prepared")).unwrap();
    let store = prepared.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let reading = Reading::begin(&store).unwrap();
    training.program.succeed(&prepare);
    let event = fs::read_dir(training.program.path("radar")).unwrap().map(|entry| entry.unwrap().path());
    let event = event.filter(|path| path.is_dir()).min().unwrap();
    let scan = fs::read_dir(event).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    fs::remove_file(scan).unwrap();
    let outcome = training.program.run(&prepare);
    assert_eq!(outcome.code, 75, "{outcome:?}");
    let holder = format!("is in use by process {} on ", std::process::id());
    assert!(outcome.stderr.contains(&holder), "{}", outcome.stderr);
    drop(reading);
    training.program.succeed(&prepare);
}

#[test]
fn more_epochs_continue_a_run_that_had_stopped_early() {
    let training = Training::new();
    let impatient = ["--patience", "1", "--set", "train.min_delta=100"];
    let stopped = training.succeed(&[&impatient[..], &["--epochs", "5"]].concat());
    assert!(
        stopped.stdout.contains("stopped early because validation no longer improved, after 2 epochs"),
        "{stopped:?}"
    );
    assert!(stopped.stdout.contains("or the same command with more --epochs"), "{stopped:?}");
    let same = training.succeed(&[&impatient[..], &["--epochs", "5"]].concat());
    assert!(same.stderr.contains("--epochs with a larger number continues it"), "{}", same.stderr);
    let more = training.succeed(&[&impatient[..], &["--epochs", "6"]].concat());
    assert!(more.stderr.contains("more is requested: patience starts again"), "{}", more.stderr);
    assert!(more.stdout.contains("after 3 epochs"), "{more:?}");
    assert_eq!(training.json("storms", "history.json")["epochs"].as_array().unwrap().len(), 3);
    let patient = training.succeed(&["--patience", "2", "--set", "train.min_delta=100", "--epochs", "6"]);
    assert!(patient.stdout.contains("after 5 epochs"), "{patient:?}");
}

#[test]
fn an_epoch_that_is_not_complete_is_counted_the_same_everywhere() {
    let training = Training::new();
    let outcome = training.succeed(&["--max-steps", "4"]);
    assert!(outcome.stdout.contains("trained 0.50 epochs and 4 steps"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("best epoch 1, which is not complete:"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("0.50 epochs and 4 steps"), "{}", outcome.stderr);
    let runs = training.program.succeed(&["runs"]).stdout;
    assert!(runs.contains(" 0.50/3 "), "{runs}");
    let again = training.succeed(&["--max-steps", "4"]);
    assert!(again.stdout.contains("trained 0.50 epochs and 4 steps"), "{}", again.stdout);
}

#[test]
fn results_are_not_replaced_by_a_training_from_the_beginning_because_checkpoints_or_a_record_are_lost() {
    let training = Training::trained(&["--epochs", "1"]);
    let weights = || fs::read(training.file("storms", BEST)).unwrap();
    let (before, history) = (weights(), training.json("storms", "history.json"));

    // A finished run gets its history back.
    fs::write(training.file("storms", "history.json"), "garbage").unwrap();
    let told = training.succeed(&["--epochs", "1"]).stderr;
    assert!(told.contains("history.json is not what was written: it is restored from the checkpoint"), "{told}");
    assert_eq!(training.json("storms", "history.json")["epochs"], history["epochs"]);

    let [checkpoints, aside] = ["checkpoints", "aside"].map(|name| training.file("storms", name));
    fs::rename(&checkpoints, &aside).unwrap();
    let lost = training.run(&["--epochs", "2"]);
    assert_eq!(lost.code, 65, "{lost:?}");
    let says = "checkpoints holds no checkpoint, but the run has published weights";
    assert!(lost.stderr.contains(says) && lost.stderr.contains("--no-resume"), "{}", lost.stderr);
    assert!(weights() == before);
    fs::remove_dir_all(&checkpoints).unwrap();
    fs::rename(&aside, &checkpoints).unwrap();

    // Another run of the family is newer; this one could be the one that is meant.
    let other = ["--no-resume", "--set", "seed=9", "--max-steps", "1"];
    training.succeed(&other);
    fs::write(training.file("storms", "run.json"), "{").unwrap();
    let told = training.succeed(&["--epochs", "1", "--max-steps", "2"]).stderr;
    assert!(told.contains("storms-3 begins from zero, although storms may be meant: "), "{told}");
}

#[test]
fn a_signal_ends_a_start_whose_configuration_comes_from_a_pipe_that_nobody_writes() {
    let training = Training::new();
    let pipe = training.program.path("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut start = training.program.command(&["config", "check", "--config", "pipe.yaml"]).spawn().unwrap();
    // Once it has opened the pipe, a writer finds a reader; but nothing is written.
    let mut writer = None;
    wait_while_it_works(&mut start, "it reads the pipe", || {
        writer = fs::File::options().write(true).custom_flags(libc::O_NONBLOCK).open(&pipe).ok();
        writer.is_some()
    });
    kill_process(Pid::from_child(&start), Signal::TERM).unwrap();
    assert_eq!(end_of(&mut start).code(), Some(143));
}
