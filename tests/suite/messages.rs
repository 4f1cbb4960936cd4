//! Messages on stderr: with `--log-format json` every line is an object, whatever wrote it; and a full or closed stderr
//! does not end the program.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::deadline::{end_of, output_of};
use crate::program::{Outcome, Program};
use crate::training::Training;

const JSON: [&str; 2] = ["--log-format", "json"];

/// Each line of a stderr as an object with what every line has.
#[track_caller]
fn objects(stderr: &str) -> Vec<Value> {
    let object = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\nin {stderr}"));
        assert!(["timestamp", "level", "message"].iter().all(|key| value[*key].is_string()), "{line}");
        value
    };
    stderr.lines().map(object).collect()
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["message"].as_str().unwrap()).collect()
}

#[test]
fn libtorch_s_own_warnings_are_objects_beside_those_of_the_log() {
    let training = Training::new();
    let mut command = training.command(&[&JSON[..], &["--max-steps", "2"]].concat());
    // libtorch says that it knows no such processor.
    command.env("ATEN_CPU_CAPABILITY", "abacus");
    let outcome = Outcome::of(command.output().unwrap()).successful(&[]);
    let lines = objects(&outcome.stderr);
    let foreign: Vec<_> = lines.iter().filter(|line| line["source"] == "stderr").collect();
    let warns = |line: &&&Value| line["message"].as_str().unwrap().contains("abacus");
    assert!(foreign.iter().any(|line| warns(&line)), "{}", outcome.stderr);
    assert!(messages(&lines).iter().any(|message| message.contains("run folder")), "{}", outcome.stderr);
}

#[test]
fn mistakes_of_every_kind_are_objects() {
    let program = Program::new();
    program.write("wrong.yaml", "data: {source: 3}\ntrain: {epochs: many}\n");
    for (arguments, code) in
        [(&["prepare", "--config", "wrong.yaml"][..], 78), (&["prepare", "--nonsense"], 2), (&["trian"], 2)]
    {
        let outcome = program.run(&[&JSON[..], arguments].concat());
        assert_eq!(outcome.code, code, "{outcome:?}");
        let lines = objects(&outcome.stderr);
        assert!(lines.iter().any(|line| line["level"] == "ERROR"), "{lines:?}");
    }
}

/// A process that says all that a process can say: this test binary again, with only this test. On its own it does nothing.
#[test]
fn last_words() {
    if std::env::var_os("LAST_WORDS").is_none() {
        return;
    }
    let _messages = fragua::cli::Messages::start(fragua::cli::LogFormat::Json, false);
    let thread = std::thread::Builder::new().name("worker".into()).spawn(|| panic!("two\nlines"));
    assert!(thread.unwrap().join().is_err());
    // By the descriptor, as a library does, and without an end of the line.
    rustix::io::write(std::io::stderr(), b"terminate called without an end").unwrap();
    std::process::abort();
}

#[test]
fn panics_and_the_last_words_before_an_abort_are_objects() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "messages::last_words", "--nocapture"])
        .env("LAST_WORDS", "1")
        .env_remove("RUST_BACKTRACE");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let outcome = Outcome::of(output_of(child));
    assert_eq!(outcome.code, 70, "{outcome:?}");
    let lines = objects(&outcome.stderr);
    let panic = lines.iter().find(|line| line["thread"] == "worker").unwrap();
    assert!(panic["message"] == "panic: two\nlines" && panic["level"] == "ERROR", "{panic}");
    assert!(panic["place"].as_str().unwrap().contains("messages.rs:"), "{panic}");
    let last = messages(&lines).last().copied().unwrap_or_default();
    assert!(last.starts_with("terminate called without an end") && last.contains("this is a bug in fragua"), "{last}");
}

#[test]
fn training_continues_when_nobody_reads_its_messages_any_more() {
    for format in [&[][..], &JSON] {
        let training = Training::new();
        let mut command = training.command(&[format, &["--epochs", "1"]].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(end_of(&mut child).code(), Some(0));
        assert_eq!(training.json("storms", "status.json")["state"], "finished");

        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = training.command(&[format, &["--epochs", "1", "--no-resume"]].concat());
        let mut child = command.stdout(Stdio::null()).stderr(full).spawn().unwrap();
        assert_eq!(end_of(&mut child).code(), Some(0));
        assert_eq!(training.json("storms-2", "status.json")["state"], "finished");
    }
}
