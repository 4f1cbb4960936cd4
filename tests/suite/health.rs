//! Heartbeats from the first moment of a start, and `fragua health`, which reads them.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::deadline::{end_of, wait_until};
use crate::program::{Outcome, Program};
use crate::training::Training;

/// A source that refuses every connection.
const REFUSING: &str = "data.source=[{url: {href: 'http://127.0.0.1:9/storms.tar.gz'}}]";

fn start(training: &Training, arguments: &[&str]) -> Child {
    training.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn health(program: &Program, child: &Child, arguments: &[&str]) -> Outcome {
    let process = child.id().to_string();
    program.run(&[&["health", "--process", &process], arguments].concat())
}

/// The stage of a run, by its status.
fn stage(status: &Path) -> String {
    let status: Value = fs::read(status).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    status["stage"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_training_is_healthy_until_it_stalls() {
    let training = Training::new();
    let mut child = start(&training, &["--epochs", "500"]);
    let status = training.file("storms", "status.json");
    wait_until("it trains", || {
        stage(&status) == "train" && health(&training.program, &child, &[]).stdout.contains(", step ")
    });
    let well = health(&training.program, &child, &[]);
    assert!(well.stdout.starts_with("healthy: train, epoch ") && well.stdout.ends_with(" ago\n"), "{well:?}");
    assert_eq!((well.code, well.stdout.lines().count(), well.stderr.as_str()), (0, 1, ""));
    // What reads files for it has another name: a signal by name reaches the training alone.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let names = children.split_whitespace().map(|process| fs::read_to_string(format!("/proc/{process}/comm")).unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["fragua-reader\n"]);

    send(&child, Signal::STOP);
    sleep(Duration::from_millis(1200));
    let ill = health(&training.program, &child, &["--max-age", "1s"]);
    assert!(ill.stdout.starts_with("unhealthy: no progress for "), "{ill:?}");
    assert!(ill.stdout.ends_with(" in stage train (model_output/storms/status.json)\n"), "{ill:?}");
    assert_eq!((ill.code, ill.stderr.as_str()), (1, ""));
    assert_eq!(health(&training.program, &child, &[]).code, 0, "a second is nothing by default");

    send(&child, Signal::CONT);
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = health(&training.program, &child, &[]);
    assert_eq!((gone.code, gone.stdout.as_str()), (0, "nothing to watch: no other fragua process runs here\n"));
}

#[test]
fn a_wait_for_the_network_is_a_sign_of_life_and_leaves_no_run() {
    let training = Training::new();
    fs::remove_dir_all(training.program.path("datasets")).unwrap();
    let status = training.file("storms", "status.json");
    let mut child = start(&training, &["--set", REFUSING]);
    wait_until("it waits for the network", || stage(&status).starts_with("wait: "));
    let well = health(&training.program, &child, &[]);
    assert!(well.code == 0 && well.stdout.starts_with("healthy: wait: "), "{well:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_dir(training.file("storms", "")).unwrap().count(), 2, "a lock and a status are no run");
    let listed = training.program.succeed(&["runs", "--json"]);
    assert_eq!(listed.stdout.trim(), "[]");

    fs::remove_file(&status).unwrap();
    let mut child = start(&training, &["--set", REFUSING]);
    wait_until("it waits for the network", || stage(&status).starts_with("wait: "));
    send(&child, Signal::TERM);
    assert_eq!(end_of(&mut child).code(), Some(143));
    assert!(!training.file("storms", "").exists(), "what could not begin leaves nothing");

    fs::remove_dir_all(training.program.path("datasets")).unwrap();
    training.succeed(&["--epochs", "1"]);
    assert_eq!(training.json("storms", "status.json")["state"], "finished");
}

#[test]
fn a_finished_run_that_can_not_continue_stays_finished() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    let before = fs::read(training.file("storms", "status.json")).unwrap();
    // What was prepared is lost, and so is what it was prepared from.
    fs::remove_dir_all(training.program.path("datasets/storms/prepared")).unwrap();
    for entry in fs::read_dir(training.program.path("datasets/storms/raw")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let refused = training.run(&["--epochs", "2"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert_eq!(fs::read(training.file("storms", "status.json")).unwrap(), before);
}

#[test]
fn health_needs_no_configuration_and_writes_nothing() {
    let program = Program::new();
    let outcome = program.run(&["health", "--process", "1"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    assert_eq!(fs::read_dir(program.folder()).unwrap().count(), 0);
    assert_eq!(program.run(&["health", "--max-age", "soon"]).code, 2);
}
