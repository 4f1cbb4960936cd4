//! What a person sees: help, results, messages, exit codes. A change of any of it shows up here as a changed snapshot.

use std::fs::{self, File, OpenOptions};
use std::process::{Command, Stdio};

use fragua::util::lock::FolderLock;
use serde_json::Value;

use crate::program::{Outcome, Program};
use crate::storms::in_place;

/// A call that does not depend on the width of the terminal.
fn command(program: &Program, arguments: &[&str]) -> Command {
    let mut command = program.command(arguments);
    command.env_remove("COLUMNS").env_remove("LINES");
    command
}

/// Both outputs and the exit code, with this test's folder and all durations taken out, and without the lines that only work
/// of some seconds writes.
pub fn screen(program: &Program, arguments: &[&str]) -> String {
    let outcome = Outcome::of(command(program, arguments).output().unwrap());
    let folder = fs::canonicalize(program.folder()).unwrap().display().to_string();
    let tidy = |text: &str| {
        let text = text.replace(&folder, "<folder>").replace(&program.folder().display().to_string(), "<folder>");
        let lines =
            text.lines().filter(|line| !line.contains(" %), ")).map(|line| match line.split_once(" now, in ") {
                Some((before, _)) => format!("{before} now, in <time>"),
                None => line.trim_end().to_owned(),
            });
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let (stdout, stderr) = (tidy(&outcome.stdout), tidy(&outcome.stderr));
    format!("$ fragua {}\n-- stdout\n{stdout}-- stderr\n{stderr}-- exit {}", arguments.join(" "), outcome.code)
}

#[test]
fn each_command_explains_itself() {
    let program = Program::new();
    let commands: [&[&str]; 11] = [
        &[],
        &["fetch"],
        &["prepare"],
        &["inspect"],
        &["synth"],
        &["doctor"],
        &["health"],
        &["config"],
        &["config", "check"],
        &["config", "show"],
        &["config", "schema"],
    ];
    let screens = commands.map(|command| screen(&program, &[command, &["--help"]].concat()));
    insta::assert_snapshot!("help", screens.join("\n\n"));
}

#[test]
fn prepare_and_inspect_say_what_there_is_and_what_comes_next() {
    let program = in_place();
    let calls: [&[&str]; 6] = [
        &["inspect"],
        &["prepare"],
        &["prepare", "--config", "config.yaml", "--set", "task.nowcast.split.val_share=0"],
        &["inspect"],
        &["inspect", "--no-pictures", "--level", "2"],
        &["fetch"],
    ];
    let screens = calls.map(|call| screen(&program, call));
    insta::assert_snapshot!("prepare_and_inspect", screens.join("\n\n"));
}

#[test]
fn a_file_that_was_set_aside_is_named_with_its_reason() {
    let program = in_place();
    let event = fs::read_dir(program.path("storms")).unwrap().map(|entry| entry.unwrap().path());
    let event = event.filter(|path| path.is_dir()).min().unwrap();
    fs::write(event.join("ncfdata20130101_000000.nc"), "<html>sign in</html>").unwrap();
    insta::assert_snapshot!("set_aside", screen(&program, &["prepare"]));
}

#[test]
fn mistakes_are_answered_with_what_was_expected() {
    let program = in_place();
    program.write("notes.txt", "no radar");
    program.write("empty/notes.txt", "no radar");
    let calls: [&[&str]; 14] = [
        &["prepair"],
        &["prepare", "--sett", "seed=1"],
        &["inspect", "--level", "-1"],
        &["config", "check", "--config", "confg.yaml"],
        &["config", "check", "--set", "train.epoch=3", "--set", "seed=x", "--set", "seed"],
        &["synth", "--output", "s", "--events", "0"],
        &["synth", "--output", "s", "--grid", "1000000"],
        &["synth", "--output", "s", "--events", "many"],
        &["synth", "--output", "s", "--archive", "s.zip"],
        &["synth", "--output", "storms", "--events", "5"],
        &["prepare", "--set", "data.name=a", "--set", "data.source=[{path: {path: nowhere}}]"],
        &["prepare", "--set", "data.name=b", "--set", "data.source=[{path: {path: notes.txt}}]"],
        &["prepare", "--set", "data.name=c", "--set", "data.source=[{path: {path: empty}}]"],
        &["prepare", "--set", "task.nowcast.windows.input_frames=50"],
    ];
    let screens = calls.map(|call| screen(&program, call));
    insta::assert_snapshot!("mistakes", screens.join("\n\n"));
}

#[test]
fn exit_codes_are_those_of_the_table() {
    let program = in_place();
    program.write("file", "not a folder");
    let table: [(i32, &[&str]); 9] = [
        (0, &["config", "check"]),
        (2, &["prepare", "--unknown"]),
        (2, &["synth", "--output", "s", "--levels", "0"]),
        (65, &["inspect"]),
        (65, &["prepare", "--set", "data.name=x", "--set", "data.source=[{path: {path: file}}]"]),
        (69, &["fetch", "--set", "data.name=y", "--set", "data.source=[{path: {path: nowhere}}]"]),
        (73, &["prepare", "--set", "data.root=file"]),
        (73, &["synth", "--output", "file", "--events", "1"]),
        (78, &["config", "check", "--set", "seed=x"]),
    ];
    for (code, arguments) in table {
        let outcome = program.run(arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {outcome:#?}");
    }
    // 130 and 143 are in `kill`.
}

#[test]
fn a_dataset_in_use_is_75_and_a_full_disk_behind_stdout_is_74() {
    let program = in_place();
    fs::create_dir_all(program.path("datasets/d")).unwrap();
    let held = FolderLock::acquire(&program.path("datasets/d")).unwrap();
    let outcome = program.run(&["fetch"]);
    assert_eq!(outcome.code, 75, "{outcome:#?}");
    assert!(outcome.stderr.contains("is in use by "), "{}", outcome.stderr);
    drop(held);
    program.succeed(&["fetch"]);

    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let outcome = Outcome::of(program.command(&["config", "show"]).stdout(full).output().unwrap());
    assert_eq!(outcome.code, 74, "{outcome:#?}");
    assert!(outcome.stderr.starts_with("error: could not write the result: "), "{}", outcome.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let program = Program::new();
    let mut command = program.command(&["config", "schema"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.stderr.contains("error")), (0, false), "{outcome:#?}");
}

#[test]
fn in_a_json_log_every_line_is_json_mistakes_in_the_configuration_too() {
    let program = in_place();
    for arguments in [&["prepare"][..], &["config", "check", "--set", "seed=x"], &["inspect", "--level", "9"]] {
        let outcome = program.run(&[arguments, &["--log-format", "json"]].concat());
        assert!(!outcome.stderr.is_empty() || outcome.code == 0, "{arguments:?}");
        for line in outcome.stderr.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(line["message"].is_string(), "{line}");
        }
    }
}

#[test]
fn results_can_be_written_to_a_file_while_messages_stay_apart() {
    let program = in_place();
    let result = File::create(program.path("result")).unwrap();
    let outcome = Outcome::of(program.command(&["prepare"]).stdout(result).output().unwrap());
    assert_eq!(outcome.code, 0, "{outcome:#?}");
    let text = fs::read_to_string(program.path("result")).unwrap();
    let store = text.lines().next().unwrap();
    assert!(program.path(store).join("zarr.json").exists(), "the first line is the store alone: {text}");
    assert!(!outcome.stderr.contains(store), "{}", outcome.stderr);
}

#[test]
fn the_configurations_that_come_along_are_right() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Program::new();
    let default = root.join("config.yaml");
    program.succeed(&["config", "check", "--config", default.to_str().unwrap()]);
    for entry in fs::read_dir(root.join("configs")).unwrap() {
        let path = entry.unwrap().path();
        let filled = "data.source=[{path: {path: /data/radar}}]";
        program.succeed(&["config", "check", "--config", path.to_str().unwrap(), "--set", filled]);
    }
}

#[test]
fn only_a_command_that_uses_the_configuration_of_this_folder_says_which_that_is() {
    let program = Program::new();
    let told = |arguments: &[&str]| program.run(arguments).stderr.contains("the built-in one is used");
    for arguments in [
        &["runs"][..],
        &["evaluate"],
        &["compare", "a", "b"],
        &["export", "--output", "a.pth"],
        &["predict", "--input", "a", "--output", "b"],
    ] {
        assert!(!told(arguments), "{arguments:?}");
    }
    assert!(told(&["config", "check"]));
}

#[test]
fn an_unknown_variable_is_a_mistake_if_it_resembles_a_key_and_a_warning_otherwise() {
    let program = Program::new();
    let check = |name: &str| Outcome::of(program.command(&["config", "check"]).env(name, "3").output().unwrap());
    let mistake = check("FRAGUA_TRAIN_EPOCHS");
    assert_eq!(mistake.code, 78, "{mistake:#?}");
    assert!(mistake.stderr.contains("did you mean FRAGUA__TRAIN__EPOCHS?"), "{mistake:#?}");
    let warning = check("FRAGUA_ARG");
    assert_eq!(warning.code, 0, "{warning:#?}");
    assert!(warning.stderr.contains("warning: the environment variable FRAGUA_ARG is unknown"), "{warning:#?}");
}

#[test]
fn a_flag_with_the_name_of_a_key_gets_the_way_to_set_it() {
    let outcome = Program::new().run(&["train", "--lr", "0.1"]);
    assert_eq!(outcome.code, 2, "{outcome:#?}");
    assert!(outcome.stderr.contains("tip: write --set train.optimizer.adamw.lr=VALUE"), "{outcome:#?}");
}
