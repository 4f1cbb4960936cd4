//! `fragua watch` as a person uses it: the epochs of a run as lines, to its end, without affecting the run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::deadline::{end_of, output_of, wait_while_it_works};
use crate::program::Outcome;
use crate::training::Training;

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

fn piped(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn the_epochs_of_a_finished_run_are_a_table_that_fits_80_columns() {
    let training = Training::trained(&[]);
    let table = training.program.succeed(&["watch"]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "the headings, three epochs, the end: {table}");
    assert!(lines[0].starts_with("  epoch     loss  val loss  persis"), "{table}");
    assert!(lines[3].trim_start().starts_with("3/3 "), "{table}");
    assert_eq!(lines[4], "storms: training ended after all epochs, after 3 epochs");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{table}");
    assert_eq!(training.program.run(&["watch", "nothing"]).code, 2);
}

#[test]
fn a_run_is_followed_to_its_end_and_ctrl_c_leaves_it_alone() {
    let training = Training::new();
    let mut command = training.command(&["--epochs", "100000", "--patience", "100000"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let history = training.file("storms", "history.json");
    wait_while_it_works(&mut run, "an epoch", || {
        fs::read_to_string(&history).is_ok_and(|text| text.contains("\"val\": {"))
    });
    let [mut interrupted, follows] = [(); 2].map(|()| piped(training.program.command(&["watch", "storms"])));
    let seen = fs::read_to_string(&history).unwrap().matches("\"phase\"").count();
    wait_while_it_works(&mut run, "two more epochs", || {
        fs::read_to_string(&history).is_ok_and(|text| text.matches("\"phase\"").count() > seen + 2)
    });
    // It must be working: before that, no handler for signals is installed.
    let mut shown = BufReader::new(interrupted.stdout.take().unwrap());
    assert!(shown.read_line(&mut String::new()).unwrap() > 0);
    signal(&interrupted, "INT");
    let outcome = Outcome::of(output_of(interrupted));
    assert_eq!(outcome.code, 130, "{outcome:?}");
    assert!(outcome.stderr.contains("stopped watching storms"), "{outcome:?}");
    assert!(run.try_wait().unwrap().is_none(), "the run continues");
    signal(&run, "TERM");
    assert_eq!(end_of(&mut run).code(), Some(143));
    let outcome = Outcome::of(output_of(follows)).successful(&["watch"]);
    let epochs = outcome.stdout.lines().filter(|line| line.contains("/100000 ")).count();
    assert!(epochs > seen, "{outcome:?}");
    assert!(outcome.stdout.contains("storms was stopped after "), "{outcome:?}");
    assert!(!outcome.stdout.contains('\x1b'), "{outcome:?}");
}
