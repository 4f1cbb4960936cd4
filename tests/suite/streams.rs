//! Streams that are lost, and the codes that the program ends with: a reader that leaves, a full disk, closed descriptors.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use fragua::util::exit::Exit;

use crate::deadline::output_of;
use crate::program::{Outcome, Program};
use crate::training::Training;

/// A stdout whose reader has gone before anything is written.
fn gone() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn with_stdout(mut command: Command, stdout: Stdio) -> Outcome {
    Outcome::of(output_of(command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()))
}

#[test]
fn a_reader_that_leaves_changes_no_exit_code_and_a_full_disk_is_74() {
    let training = Training::trained(&["--epochs", "1"]);
    let program = &training.program;
    let metrics = "model_output/storms/evaluation/metrics.json";
    let calls: [(&[&str], i32); 9] = [
        (&["--help"], 0),
        (&["--version"], 0),
        (&["config", "show"], 0),
        (&["config", "schema"], 0),
        (&["runs"], 0),
        (&["runs", "--json"], 0),
        (&["compare", metrics, metrics], 0),
        (&["compare", metrics, "better.json"], 1),
        (&["doctor", "--set", "device=cuda:99"], 78),
    ];
    let mut better: serde_json::Value = serde_json::from_slice(&fs::read(program.path(metrics)).unwrap()).unwrap();
    improve(&mut better);
    program.write("better.json", &better.to_string());
    for (arguments, code) in calls {
        let left = with_stdout(program.command(arguments), gone());
        assert_eq!(left.code, code, "{arguments:?}: {left:?}");
        assert!(!left.stderr.contains("panic") && !left.stderr.contains("could not write"), "{arguments:?}: {left:?}");
        let lost = with_stdout(program.command(arguments), full());
        assert_eq!(lost.code, 74, "{arguments:?}: {lost:?}");
        assert!(lost.stderr.contains("could not write the result"), "{arguments:?}: {lost:?}");
    }
    // Training has its result in the run folder.
    for arguments in [&["--epochs", "1"][..], &["--epochs", "1", "--json"]] {
        for stdout in [gone(), full()] {
            let outcome = with_stdout(training.command(arguments), stdout);
            assert_eq!(outcome.code, 0, "{arguments:?}: {outcome:?}");
        }
    }
}

/// Makes every value of an evaluation so good that another one is worse.
fn improve(metrics: &mut serde_json::Value) {
    match metrics {
        serde_json::Value::Object(fields) => {
            let higher = fields.get("better").is_some_and(|better| better == "higher");
            if let Some(value) = fields.get_mut("value").filter(|value| value.is_number()) {
                *value = if higher { 0.999.into() } else { 0.0.into() };
            }
            fields.values_mut().for_each(improve);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(improve),
        _ => {}
    }
}

#[test]
fn training_without_any_open_stream_is_complete() {
    let training = Training::new();
    let train = training.command(&["--epochs", "1", "--max-steps", "3"]);
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"]).arg(train.get_program()).args(train.get_args());
    command.current_dir(training.program.folder()).env("OMP_NUM_THREADS", "1");
    let outcome = Outcome::of(output_of(command.spawn().unwrap()));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(training.json("storms", "status.json")["state"], "finished");
    let log = fs::read_to_string(training.file("storms", "log.jsonl")).unwrap();
    let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap()["event"], "ended");
    assert_eq!(events.iter().filter(|event| event["event"] == "stepped").count(), 3);
}

#[test]
fn the_exit_codes_are_listed_in_the_help_and_in_the_documentation() {
    let help = Program::new().succeed(&["--help"]).stdout;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages =
        ["ARCHITECTURE.md", "docs/troubleshooting.md"].map(|page| fs::read_to_string(folder.join(page)).unwrap());
    for exit in Exit::ALL {
        let [meaning, remedy] = exit.words();
        let listed = help.lines().any(|line| line.split_whitespace().next() == Some(&exit.code().to_string()));
        assert!(listed && help.contains(meaning) && help.contains(remedy), "{exit:?}: {help}");
        let row = format!("| {} | {meaning} | {remedy} |", exit.code()).replace("|  |", "| |");
        assert!(pages.iter().all(|page| page.lines().any(|line| line == row)), "a page lacks the row {row}");
    }
    let tables =
        pages.iter().map(|page| page.lines().filter(|line| line.starts_with("| 1") || line.starts_with("| 7")));
    for rows in tables {
        let codes = rows.filter_map(|row| row.split('|').nth(1)?.trim().parse::<u8>().ok());
        let known = |code: &u8| [127, 137].contains(code) || Exit::ALL.iter().any(|exit| exit.code() == *code);
        assert!(codes.clone().all(|code| known(&code)), "a page lists another code");
        assert!(codes.count() > 6);
    }
    let remote = fs::read_to_string(folder.join("docs/remote.md")).unwrap();
    let mentioned = |code: u8| {
        remote.lines().any(|line| {
            line.starts_with('|')
                && line
                    .split('|')
                    .nth(1)
                    .is_some_and(|codes| codes.split(',').any(|one| one.trim() == code.to_string()))
        })
    };
    // `compare` and `health` are no commands for such a machine.
    assert!(Exit::ALL.iter().filter(|exit| **exit != Exit::Degraded).all(|exit| mentioned(exit.code())));
}

#[test]
fn a_start_with_too_few_descriptors_ends_and_does_not_take_one_name_after_the_other() {
    let training = Training::new();
    for descriptors in [4, 5, 6, 7, 9] {
        let train = training.command(&["--max-steps", "1", "--set", "train.max_retries=0"]);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &descriptors.to_string()]);
        limited.arg(train.get_program()).args(train.get_args());
        limited.current_dir(training.program.folder()).env("OMP_NUM_THREADS", "1");
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let outcome = Outcome::of(output_of(limited.spawn().unwrap()));
        assert!([0, 74, 75].contains(&outcome.code), "{descriptors}: {outcome:?}");
        let runs = fs::read_dir(training.program.path("model_output")).map_or(0, Iterator::count);
        assert!(runs <= 2, "{descriptors}: {runs} folders, {outcome:?}");
    }
}
