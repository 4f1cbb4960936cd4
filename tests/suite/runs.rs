//! `fragua runs` as a user sees it: every run with its state, whatever else is in the folder.

use std::collections::BTreeMap;
use std::fs;

use fragua::metric::better::Better;
use fragua::metric::score::ScoreSpec;
use fragua::train::events::{Best, Record};
use fragua::train::run_folder::dataset::Summary;
use fragua::train::run_folder::history::Story;
use fragua::train::run_folder::problem::Problem;
use fragua::train::run_folder::record::{RunRecord, VERSION};
use fragua::train::run_folder::status::{State, Status};
use fragua::train::run_folder::used::Used;
use fragua::util::exit::Exit;
use fragua::util::lock::FolderLock;
use serde_json::{Value, json};

use crate::cli::screen;
use crate::program::Program;

fn diverged() -> Problem {
    let remedy = "lower train.optimizer.adamw.lr (now 1e9)".to_owned();
    Problem::new("checkpoint", "the state at e0002-s000012 holds NaN", Some(remedy), Exit::Diverged)
}

/// A run that was started on this day of a month, in this state.
fn run(program: &Program, name: &str, day: u32, state: State) {
    let folder = program.path("model_output").join(name);
    fs::create_dir_all(&folder).unwrap();
    let record = RunRecord {
        format_version: VERSION,
        id: None,
        used: Used { device: "cpu".into(), precision: "bf16".into(), threads: 2, ..Used::default() },
        started: format!("2026-01-{day:02}T00:00:00Z").parse().unwrap(),
        stage: "train".into(),
        problem: (state == State::Failed).then(diverged),
        config: json!({"task": {"nowcast": {}}, "train": {"epochs": 20, "phases": []}}),
        started_from: None,
        dataset: Summary::default(),
        recipes: Vec::new(),
        patience_restarts: Vec::new(),
        weights: BTreeMap::new(),
        resumed: Vec::new(),
    };
    record.write(&folder.join("run.json")).unwrap();
    let named = |value| vec![("loss".to_owned(), Some(value))];
    let epoch = |(epoch, loss)| Record {
        epoch,
        phase: 1,
        step: 10 * epoch,
        lr: 0.1,
        train: named(0.5),
        val: named(loss),
        scores: Vec::new(),
    };
    let epochs = [(1, 0.5), (2, 0.25), (3, 0.375)].map(epoch).into();
    // By another number than the loss, so not the epoch with the lowest one.
    let best = Best { epoch: 3, step: 30, by: vec![("csi_35".to_owned(), Some(0.4))], loss: Some(0.375) };
    let loss = ScoreSpec::new("loss", "Loss", Better::Lower);
    let written = format!("2026-01-{day:02}T02:07:00Z").parse().ok();
    Status { state, epoch: 3, written, ..Status::default() }.write(&folder.join("status.json")).unwrap();
    let story = Story { best: Some(best), epochs, parts: vec![loss], ..Story::default() };
    fs::write(folder.join("history.json"), story.text(&folder).unwrap()).unwrap();
}

fn evaluated(program: &Program, name: &str, value: f64) {
    let metrics = json!({
        "format_version": 2, "program": "fragua 0.1.0", "created": "2026-01-02T03:04:05Z", "task": "nowcast",
        "run": name, "split": "val", "weights": {"file": "best.safetensors", "sha256": "0", "step": null},
        "dataset": {"name": "storms", "fingerprint": "0", "side": "val", "samples": 1, "groups": 1,
            "words": {"sample": "window", "group": "event"}, "facts": {}, "notes": []},
        "primary": "csi_35", "sections": null,
        "metrics": {"csi_35": {"name": "csi_35", "label": "CSI at 35 dBZ", "meaning": "", "unit": "", "better": "higher",
            "family": "CSI", "show": "first", "baseline": null, "value": value, "interval": null, "baselines": {}}},
    });
    program.write(&format!("model_output/{name}/evaluation/metrics.json"), &metrics.to_string());
}

/// Runs of every kind.
fn program() -> Program {
    let program = Program::new();
    run(&program, "storms", 1, State::Finished);
    run(&program, "storms-2", 2, State::Stopped);
    run(&program, "cells", 3, State::Running);
    run(&program, "hail", 4, State::Failed);
    evaluated(&program, "storms", 0.4);
    evaluated(&program, "hail", 0.5);
    program.write("model_output/torn/run.json", "{");
    program.write("model_output/newer/run.json", r#"{"format_version": 9}"#);
    program.write("model_output/notes/todo.txt", "");
    program.write("model_output/hail/history.json", "{");
    program
}

#[test]
fn the_table_shows_the_state_of_every_run() {
    let program = program();
    let calls: [&[&str]; 3] = [&["runs"], &["runs", "--sort", "score"], &["runs", "--help"]];
    let screens: Vec<String> = calls.iter().map(|call| screen(&program, call)).collect();
    insta::assert_snapshot!("tables", screens.join("\n\n"));
}

#[test]
fn a_run_that_says_so_runs_only_while_somebody_holds_it() {
    let program = program();
    let state = || {
        let found = program.json(&["runs", "--json"]);
        let run = found.as_array().unwrap().iter().find(|run| run["name"] == "cells").unwrap().clone();
        run["state"].clone()
    };
    assert_eq!(state(), "killed");
    let lock = FolderLock::acquire(&program.path("model_output/cells")).unwrap();
    assert_eq!(state(), "running");
    drop(lock);
    assert_eq!(state(), "killed");
}

#[test]
fn runs_are_given_to_programs_with_everything_that_is_known() {
    let program = program();
    let found = program.json(&["runs", "--json", "--sort", "score"]);
    let names: Vec<_> = found.as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["hail", "storms"]);
    let storms = &found[1];
    assert_eq!((&storms["epochs_done"], &storms["epochs"]), (&3.into(), &20.into()));
    assert_eq!((&storms["best_epoch"], &storms["best_val_loss"]), (&3.into(), &0.375.into()));
    assert_eq!(storms["best_by"], "csi_35 0.40000", "as the history says, not by the lowest loss");
    assert_eq!((&storms["seconds"], &storms["latest"]), (&7620.0.into(), &false.into()));
    assert_eq!(storms["score"], json!({"name": "csi_35", "value": 0.4, "better": "higher"}));
    assert_eq!((&storms["problem"], &storms["used"]["precision"]), (&Value::Null, &"bf16".into()));
    assert_eq!(found[0]["latest"], true);
    let remedy = "lower train.optimizer.adamw.lr (now 1e9)";
    assert_eq!((&found[0]["problem"]["exit"], &found[0]["problem"]["remedy"]), (&76.into(), &remedy.into()));
}

#[test]
fn without_runs_there_is_nothing_and_a_hint() {
    let program = Program::new();
    let outcome = program.succeed(&["runs"]);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("no runs in model_output; fragua train makes one"), "{}", outcome.stderr);
    assert_eq!(program.json(&["runs", "--runs", "elsewhere", "--json"]), json!([]));
    let outcome = program.succeed(&["runs", "--runs", "elsewhere"]);
    assert!(outcome.stderr.contains("--runs elsewhere: there is no such folder"), "{}", outcome.stderr);
}

#[test]
fn a_hundred_runs_are_listed_the_newest_first() {
    let program = Program::new();
    (0..100).for_each(|index| run(&program, &format!("storms-{index}"), 1 + index % 28, State::Finished));
    let outcome = program.succeed(&["runs"]);
    assert_eq!(outcome.stdout.lines().filter(|line| line.contains("storms-")).count(), 100);
    assert!(outcome.stdout.lines().nth(1).unwrap().contains("2026-01-28"), "{}", outcome.stdout);
}
