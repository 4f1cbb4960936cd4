//! What happens only on a real terminal: the question before a long training, and the table that is redrawn in its place.

use std::path::Path;
use std::process::Command;

use crate::program::{Outcome, interpreter};
use crate::training::Training;

/// A command on a terminal of 24 lines.
fn on_a_terminal(command: &Command, [columns, resized_to, typed, after]: [&str; 4]) -> Outcome {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/terminal/run.py");
    let mut terminal = Command::new(interpreter());
    terminal.arg(script).args(["24", columns, resized_to, typed, after, "--"]);
    terminal.arg(command.get_program()).args(command.get_args()).env("OMP_NUM_THREADS", "1");
    terminal.current_dir(command.get_current_dir().unwrap());
    Outcome::of(terminal.output().unwrap())
}

#[test]
fn a_long_training_asks_and_no_starts_nothing() {
    let training = Training::new();
    let command = training.command(&["--epochs", "900000"]);
    let said_no = on_a_terminal(&command, ["80", "-", "n\n", "[y/N]"]);
    assert!(said_no.stdout.contains("without an answer after 1 min"), "{}", said_no.stdout);
    assert_eq!(said_no.code, 130, "{}", said_no.stdout);
    assert!(said_no.stdout.contains("nothing was started"), "{}", said_no.stdout);
    let interrupted = on_a_terminal(&command, ["80", "-", "\x03", "[y/N]"]);
    assert_eq!(interrupted.code, 130, "{}", interrupted.stdout);
    let last = interrupted.stdout.lines().rfind(|line| !line.trim().is_empty()).unwrap();
    assert!(last.starts_with("stopped by SIGINT"), "a line of its own: {}", interrupted.stdout);
    assert!(!training.file("storms", "run.json").exists());
}

#[test]
fn a_run_is_watched_to_its_end_in_a_terminal_that_is_resized() {
    let training = Training::new();
    let mut trains = training.command(&["--epochs", "2"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let folder = training.file("storms", "run.json");
    crate::deadline::wait_while_it_works(&mut trains, "it begins", || folder.exists());
    let shown = on_a_terminal(&training.program.command(&["watch", "storms"]), ["50", "24x60", "-", "-"]);
    assert!(trains.wait().unwrap().success());
    assert_eq!(shown.code, 0, "{}", shown.stdout);
    assert!(shown.stdout.contains("after 2 epochs"), "{}", shown.stdout);
    // Where each picture of the table begins.
    let last = shown.stdout.rsplit("\x1b[J").next().unwrap();
    let lines: Vec<&str> = last.lines().map(|line| line.trim_end_matches('\r')).collect();
    assert_eq!(lines[0], "storms");
    let rows = lines.iter().filter(|line| line.trim_start().starts_with("1/2") || line.trim_start().starts_with("2/2"));
    assert_eq!(rows.count(), 2, "{last}");
    assert!(lines[..5].iter().all(|line| line.chars().count() < 60), "nothing wraps: {last}");
}
