//! A machine without enough memory: a command gets by with fewer samples at once, or ends with the code that says so. It never
//! ends like a bug, and never by a signal.

use std::process::Command;

use crate::program::Outcome;
use crate::training::Training;

/// A limit of the address space, in kilobytes, that is enough for everything here.
const ENOUGH: u64 = 2_400_000;

/// Limits from enough down to what is just enough to load the program with libtorch: before `main` nothing can be done about
/// missing memory.
fn limits() -> Vec<u64> {
    let (mut too_little, mut least) = (0, ENOUGH);
    while least - too_little > 4_000 {
        let middle = u64::midpoint(too_little, least);
        if loads(middle) { least = middle } else { too_little = middle }
    }
    let above = [150, 125, 110, 104, 101, 100].map(|percent| least * percent / 100);
    [ENOUGH].into_iter().chain(above).collect()
}

/// How a command may end: done, out of memory, or no memory for the stack of a thread.
const ALLOWED: [i32; 4] = [0, 71, 74, 75];

/// The command with a limited address space.
fn limited(command: &Command, kilobytes: u64) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &kilobytes.to_string()]);
    limited.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// Whether there is enough to load the program.
fn loads(kilobytes: u64) -> bool {
    let mut version = Command::new(env!("CARGO_BIN_EXE_fragua"));
    limited(version.arg("--version"), kilobytes).output().unwrap().status.success()
}

/// Constructors of libtorch run before `main`, and abort if they get no memory. What the loader can't even map is its own matter:
/// it ends with 127.
#[test]
fn a_library_that_gets_no_memory_before_main_ends_with_71() {
    let version = |kilobytes: u64| {
        let mut version = Command::new(env!("CARGO_BIN_EXE_fragua"));
        Outcome::of(limited(version.arg("--version"), kilobytes).output().unwrap())
    };
    let (mut too_little, mut least) = (0, ENOUGH);
    while least - too_little > 4_000 {
        let middle = u64::midpoint(too_little, least);
        if version(middle).code == 127 { too_little = middle } else { least = middle }
    }
    let outcomes: Vec<Outcome> = (0..12).map(|step| version(least + step * 8_000)).collect();
    assert!(outcomes.iter().all(|outcome| [0, 71].contains(&outcome.code)), "from {least} kB: {outcomes:#?}");
    assert!(has(&outcomes, 71), "from {least} kB: {outcomes:#?}");
    assert!(outcomes[0].stderr.contains("out of memory"), "{:#?}", outcomes[0]);
}

/// Runs a command with less and less memory; how each run ended.
fn with_less_and_less(limits: &[u64], command: impl Fn(u64) -> Command) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for &limit in limits {
        let outcome = Outcome::of(limited(&command(limit), limit).output().unwrap());
        assert!(ALLOWED.contains(&outcome.code), "with {limit} kB: {outcome:#?}");
        outcomes.push(outcome);
    }
    assert_eq!(outcomes[0].code, 0, "the first limit is enough: {:#?}", outcomes[0]);
    outcomes
}

fn has(outcomes: &[Outcome], code: i32) -> bool {
    outcomes.iter().any(|outcome| outcome.code == code)
}

#[test]
fn a_command_without_enough_memory_gets_by_or_ends_with_71_and_never_like_a_bug() {
    let training = Training::new();
    let large = ["--set", "task.nowcast.model.hidden=[64, 64]", "--set", "task.nowcast.prepare.size=[32, 32]"];
    let quick = ["--set", "data.loader.threads=0", "--set", "train.micro_batch=8", "--set", "train.max_retries=0"];
    let train = |limit: u64| {
        let name = format!("limit-{limit}");
        training.command(&[&["--name", &name, "--max-steps", "2"], &large[..], &quick[..]].concat())
    };
    let limits = limits();
    let trained = with_less_and_less(&limits, train);
    assert!(has(&trained, 71), "{trained:#?}");

    let run = format!("limit-{ENOUGH}");
    let with_run = |arguments: &[&str]| {
        let mut command = training.program.command(&[arguments, &["--checkpoint", &run]].concat());
        command.env("OMP_NUM_THREADS", "1");
        command
    };
    let evaluated = with_less_and_less(&limits, |_| with_run(&["evaluate"]));
    let radar = ["--events", "2", "--frames", "6", "--grid", "32", "--levels", "2", "--seed", "9"];
    training.program.succeed(&[&["synth", "--output", "radar"], &radar[..]].concat());
    let predict = ["predict", "--input", "radar", "--output", "forecasts"];
    let predicted = with_less_and_less(&limits, |_| with_run(&predict));
    assert!(has(&evaluated, 71), "{evaluated:#?}");
    assert!(has(&predicted, 71), "{predicted:#?}");
}

/// OpenMP ends the process itself, with 1, if it gets no memory for the stack of a thread.
#[test]
fn a_thread_that_a_library_does_not_get_ends_with_75() {
    let training = Training::new();
    let mut train = training.command(&["--max-steps", "1"]);
    train.env("OMP_NUM_THREADS", "2").env("OMP_STACKSIZE", "8G");
    let outcome = Outcome::of(limited(&train, ENOUGH).output().unwrap());
    assert!(outcome.stderr.contains("the system gives no more threads"), "{outcome:#?}");
    assert_eq!(outcome.code, 75, "{outcome:#?}");
}
