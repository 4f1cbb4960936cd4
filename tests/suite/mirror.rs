//! Copies of a run off this machine, with the real program and a real S3 server: killed anywhere and resumed on any
//! machine, a run gives the same bytes as an uninterrupted one; problems are reported without secrets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::deadline::{output_of, wait_until, wait_while_it_works as wait, within};
use crate::program::Outcome;
use crate::s3::{Mode, S3, SECRET, Wire, reach};
use crate::training::Training;

const BUCKET: [&str; 2] = ["--set", "output.mirror=s3://runs/radar"];
/// A machine that is gone counts as gone after three seconds.
const BEAT: (&str, &str) = ("FRAGUA_MIRROR_BEAT_SECONDS", "1");
/// What a mirror has and a run folder has not.
const OF_THE_MIRROR: [&str; 2] = ["owner.json", "inventory.json"];
const FOLDER: [&str; 2] = ["--set", "output.mirror=copies"];

/// A start of training that reaches a server at this port.
fn with_server(training: &Training, port: u16, arguments: &[&str]) -> Command {
    let mut command = training.command(&[&BUCKET, arguments].concat());
    reach(&mut command, port);
    command.env(BEAT.0, BEAT.1);
    command
}

fn outcome(mut command: Command) -> Outcome {
    Outcome::of(command.output().unwrap())
}

fn with_folder(training: &Training, arguments: &[&str]) -> Outcome {
    let mut command = training.command(&[&FOLDER, arguments].concat());
    command.env(BEAT.0, BEAT.1);
    outcome(command)
}

/// Everything below a folder, by name, but for what is hidden and who copied it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            match path.is_dir() {
                _ if name.starts_with('.') || OF_THE_MIRROR.contains(&name.as_str()) => {}
                true => folders.push(path),
                false => {
                    let below = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    all.insert(below, fs::read(&path).unwrap());
                }
            }
        }
    }
    all
}

/// What must not depend on where and how often a run was stopped.
fn result(training: &Training, run: &str) -> BTreeMap<String, Vec<u8>> {
    let last = training.names(run, "checkpoints").pop().unwrap();
    let mut all = files(&training.file(run, ""));
    all.retain(|name, _| {
        name.starts_with(&format!("checkpoints/{last}/"))
            || name.starts_with("weights/")
            || ["history.json", "results.csv"].contains(&name.as_str())
    });
    assert!(all.len() >= 7, "{:?}", all.keys());
    all
}

#[track_caller]
fn assert_same(got: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    let keys = got.keys().chain(expected.keys());
    let differ: Vec<_> = keys.filter(|key| got.get(*key) != expected.get(*key)).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

fn piped(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn forget(training: &Training) {
    fs::remove_dir_all(training.program.path("model_output")).unwrap();
}

fn complete_checkpoints(keys: &[String], run: &str) -> usize {
    keys.iter().filter(|key| key.contains(&format!("/{run}/checkpoints/")) && key.ends_with("manifest.json")).count()
}

/// The step of the newest checkpoint that is complete in the mirror.
fn newest_step(s3: &S3) -> u64 {
    let keys = s3.keys();
    let steps = keys.iter().filter(|key| key.ends_with("manifest.json")).filter_map(|key| {
        let (_, rest) = key.rsplit_once("-s")?;
        rest.split('/').next()?.parse().ok()
    });
    steps.max().unwrap_or(0)
}

/// A training that does not end before it is stopped.
const LONG: [&str; 4] = ["--epochs", "100000", "--patience", "100000"];
/// One that takes some seconds.
const LONGER: [&str; 4] = ["--epochs", "40", "--patience", "100"];

#[test]
fn a_run_whose_machine_is_gone_resumes_from_the_mirror_to_the_same_bytes() {
    let (training, s3) = (Training::new(), S3::start());
    training.succeed(&[&["--name", "undisturbed"], &LONGER[..]].concat());
    let undisturbed = result(&training, "undisturbed");
    for round in 0..2 {
        let before = newest_step(&s3);
        let mut child = piped(with_server(&training, s3.port, &LONGER));
        wait(&mut child, "newer checkpoints in the mirror", || newest_step(&s3) >= before + 10);
        child.kill().unwrap();
        let told = Outcome::of(output_of(child)).stderr;
        assert_eq!(told.contains("restoring storms from the mirror s3://runs/radar"), round > 0, "{told}");
        assert!(!told.contains(SECRET));
        forget(&training);
    }
    let end = outcome(with_server(&training, s3.port, &LONGER)).successful(&[]);
    assert!(end.stderr.contains("restoring storms") && end.stderr.contains("resuming in epoch"), "{}", end.stderr);
    assert!(end.stderr.contains("the mirror s3://runs/radar holds a complete copy"), "{}", end.stderr);
    assert!(end.stdout.contains("   mirror  s3://runs/radar, complete"), "{}", end.stdout);
    assert_same(&result(&training, "storms"), &undisturbed);

    let here = files(&training.file("storms", ""));
    let there: BTreeMap<String, Vec<u8>> =
        s3.keys().iter().map(|key| (key["radar/storms/".len()..].to_owned(), s3.get(key).unwrap())).collect();
    let there = there.into_iter().filter(|(name, _)| !OF_THE_MIRROR.contains(&name.as_str())).collect();
    assert_same(&there, &here);
    let secret = |bytes: &Vec<u8>| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    assert!(!there.values().any(secret));
}

#[test]
fn a_finished_run_is_restored_as_finished_and_continues_with_more_epochs() {
    let training = Training::new();
    with_folder(&training, &["--epochs", "1"]).successful(&[]);
    let before = files(&training.file("storms", ""));
    forget(&training);
    let again = with_folder(&training, &["--epochs", "1"]).successful(&[]);
    assert!(again.stderr.contains("this run is finished"), "{}", again.stderr);
    assert!(again.stdout.contains("best epoch 1:") && again.stdout.contains("validation side: "), "{}", again.stdout);
    assert_same(&files(&training.file("storms", "")), &before);
    assert_eq!(files(&training.program.path("copies/storms")), before, "and nobody holds it");

    forget(&training);
    with_folder(&training, &["--epochs", "3"]).successful(&[]);
    training.succeed(&["--name", "at-once"]);
    assert_same(&result(&training, "storms"), &result(&training, "at-once"));
}

#[test]
fn what_was_deleted_or_damaged_in_the_mirror_is_copied_or_made_again() {
    let training = Training::new();
    let epochs = ["--epochs", "1"];
    with_folder(&training, &epochs).successful(&[]);
    let before = result(&training, "storms");
    let copies = training.program.path("copies/storms");
    for name in ["weights/best.safetensors", "history.json"] {
        fs::remove_file(copies.join(name)).unwrap();
    }
    let outcome = with_folder(&training, &epochs).successful(&[]);
    assert!(outcome.stderr.contains("holds a complete copy"), "{}", outcome.stderr);
    assert_same(&files(&copies), &files(&training.file("storms", "")));

    let best = copies.join("weights/best.safetensors");
    let mut bytes = fs::read(&best).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&best, bytes).unwrap();
    fs::remove_file(copies.join("history.json")).unwrap();
    forget(&training);
    let outcome = with_folder(&training, &epochs).successful(&[]);
    let lost = "history.json, weights/best.safetensors of storms is damaged or gone in the mirror: it is made again";
    assert!(outcome.stderr.contains(lost), "{}", outcome.stderr);
    assert_same(&result(&training, "storms"), &before);
    assert_eq!(training.json("storms", "status.json")["state"], "finished");
    assert_same(&files(&copies), &files(&training.file("storms", "")));
}

#[test]
fn whichever_is_further_counts() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    assert!(!training.program.path("copies").exists());
    // Behind: the local files are uploaded, although nothing is trained.
    let outcome = with_folder(&training, &["--epochs", "1"]).successful(&[]);
    assert!(outcome.stderr.contains("holds a complete copy"), "{}", outcome.stderr);
    let (first, copies) = (files(&training.file("storms", "")), training.program.path("copies/storms"));
    assert_same(&files(&copies), &first);
    // Ahead: another machine continued.
    let kept = training.program.path("kept");
    fs::rename(training.program.path("model_output"), &kept).unwrap();
    with_folder(&training, &["--epochs", "2"]).successful(&[]);
    let further = result(&training, "storms");
    forget(&training);
    fs::rename(&kept, training.program.path("model_output")).unwrap();
    let outcome = with_folder(&training, &["--epochs", "2"]).successful(&[]);
    assert!(outcome.stderr.contains("restoring storms"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("this run is finished"), "{}", outcome.stderr);
    assert_same(&result(&training, "storms"), &further);
    let older = first.keys().filter(|name| name.starts_with("checkpoints/"));
    assert!(older.clone().count() > 0 && older.clone().all(|name| training.file("storms", name).exists()));
}

#[test]
fn a_damaged_checkpoint_in_the_mirror_is_skipped() {
    let training = Training::new();
    training.succeed(&["--name", "undisturbed"]);
    let mut expected = result(&training, "undisturbed");
    with_folder(&training, &["--max-steps", "17"]).successful(&[]);
    forget(&training);
    let checkpoints = training.program.path("copies/storms/checkpoints");
    let mut names: Vec<_> = fs::read_dir(&checkpoints).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let newest = names.pop().unwrap().join("optim.safetensors");
    let mut bytes = fs::read(&newest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&newest, bytes).unwrap();
    let outcome = with_folder(&training, &[]).successful(&[]);
    assert!(outcome.stderr.contains("can't be used, the next older one is tried"), "{}", outcome.stderr);
    let mut got = result(&training, "storms");
    // The best is recorded with its checkpoint, which differs if a run was cut short.
    for files in [&mut got, &mut expected] {
        files.remove("weights/best.safetensors");
    }
    assert_same(&got, &expected);
    assert_same(&files(&training.program.path("copies/storms")), &files(&training.file("storms", "")));
}

#[test]
fn two_runs_of_one_name_are_refused_and_a_new_one_takes_no_name_of_either() {
    let training = Training::new();
    let short = ["--max-steps", "2"];
    with_folder(&training, &short).successful(&[]);
    forget(&training);
    training.succeed(&short);
    let outcome = with_folder(&training, &["--max-steps", "3"]);
    assert_eq!(outcome.code, 78, "{outcome:?}");
    assert!(outcome.stderr.contains("are different runs: here begun 2"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--name") && outcome.stderr.contains("another prefix"), "{}", outcome.stderr);
    let new = with_folder(&training, &["--max-steps", "2", "--no-resume"]).successful(&[]);
    assert!(new.stdout.starts_with("model_output/storms-2\n"), "{}", new.stdout);
    forget(&training);
    let new = with_folder(&training, &["--max-steps", "2", "--no-resume"]).successful(&[]);
    assert!(new.stdout.starts_with("model_output/storms-3\n"), "{}", new.stdout);
}

#[test]
fn a_mirror_that_refuses_ends_the_start_before_anything_is_done_and_shows_no_secret() {
    let (training, s3) = (Training::new(), S3::strict());
    fs::remove_dir_all(training.program.path("datasets")).unwrap();
    let refused = outcome(with_server(&training, s3.port, &[]));
    assert_eq!(refused.code, 78, "{refused:?}");
    assert!(refused.stderr.contains("the mirror s3://runs/radar refuses listing"), "{}", refused.stderr);
    assert!(refused.stderr.contains("AWS_SECRET_ACCESS_KEY"), "{}", refused.stderr);
    assert!(!refused.stderr.contains(SECRET) && !refused.stderr.contains("AKIAIOSFODNN7EXAMPLE"), "{}", refused.stderr);
    assert!(!training.program.path("datasets").exists() && !training.program.path("model_output/storms").exists());

    let s3 = S3::start();
    let mut other = training.command(&["--set", "output.mirror=s3://nowhere/a"]);
    reach(&mut other, s3.port);
    let refused = outcome(other);
    assert_eq!(refused.code, 78, "{refused:?}");
    assert!(refused.stderr.contains("NoSuchBucket") && refused.stderr.contains("create it"), "{}", refused.stderr);

    for (address, secret) in [("s3://AKIA:hunter2@runs/a", "hunter2"), ("az://runs/a?sig=hunter2", "hunter2")] {
        let refused = training.run(&["--set", &format!("output.mirror={address}")]);
        assert_eq!(refused.code, 78, "{refused:?}");
        assert!(refused.stderr.contains("output.mirror") && !refused.stderr.contains(secret), "{}", refused.stderr);
        let mut from_environment = training.command(&[]);
        from_environment.env("FRAGUA__OUTPUT__MIRROR", address);
        let refused = outcome(from_environment);
        assert!(refused.code == 78 && !refused.stderr.contains(secret), "{}", refused.stderr);
    }
}

#[test]
fn a_mirror_that_is_down_keeps_a_run_from_beginning_but_not_from_going_on() {
    let (training, mut s3) = (Training::new(), S3::start());
    s3.kill();
    let start = |arguments: &[&str]| {
        let mut command = with_server(&training, s3.port, arguments);
        command.env("FRAGUA_MIRROR_PATIENCE_SECONDS", "1");
        outcome(command)
    };
    let refused = start(&["--max-steps", "2"]);
    assert_eq!(refused.code, 75, "{refused:?}");
    assert!(refused.stderr.contains("it may hold a run storms, which must not start over"), "{}", refused.stderr);
    assert!(!training.program.path("model_output/storms").exists());
    training.succeed(&["--max-steps", "2"]);
    let goes_on = start(&["--max-steps", "4"]);
    assert_eq!(goes_on.code, 75, "{goes_on:?}");
    assert_eq!(
        goes_on.stderr.matches("can't be reached").count(),
        3,
        "at the start, once while it trains, and at the end: {}",
        goes_on.stderr
    );
    assert!(goes_on.stderr.contains("IS INCOMPLETE") && goes_on.stdout.contains("INCOMPLETE"), "{goes_on:?}");
}

#[test]
fn a_mirror_that_dies_does_not_disturb_training_and_is_reported_once() {
    let (training, mut s3) = (Training::new(), S3::start());
    let mut command = with_server(&training, s3.port, &LONGER);
    command.env("FRAGUA_MIRROR_PATIENCE_SECONDS", "1");
    let mut child = piped(command);
    wait(&mut child, "a checkpoint in the mirror", || complete_checkpoints(&s3.keys(), "storms") > 0);
    s3.kill();
    let outcome = Outcome::of(output_of(child));
    assert_eq!(outcome.code, 75, "what is only here must not look done: {outcome:?}");
    assert_eq!(outcome.stderr.matches("copying is tried again").count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("THE COPY IN THE MIRROR s3://runs/radar IS INCOMPLETE"), "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("trained 40 epochs") && outcome.stdout.contains("INCOMPLETE"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_mirror_that_works_again_has_everything_in_the_end() {
    let (training, s3) = (Training::new(), S3::start());
    let wire = Wire::to(s3.port);
    let (log, said) = (training.file("storms", "log.jsonl"), training.program.path("said.txt"));
    let mut command = with_server(&training, wire.port, &LONGER);
    let mut child = command.stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    let has_said = |text: &str| fs::read_to_string(&said).unwrap().contains(text);
    for mode in [Mode::Cut, Mode::Busy] {
        wait(&mut child, "a checkpoint in the mirror", || complete_checkpoints(&s3.keys(), "storms") > 0);
        let refused = wire.refused.load(Ordering::SeqCst);
        wire.set(mode);
        let made = || fs::read_to_string(&log).unwrap_or_default().matches("\"stepped\"").count();
        let at = made();
        within(Duration::from_secs(20), || wire.refused.load(Ordering::SeqCst) >= refused + 3);
        if mode == Mode::Cut {
            wait_until("a copy that failed, after all its requests were repeated", || {
                has_said("copying is tried again")
            });
            wait_until("a step while copies are refused", || made() > at || child.try_wait().unwrap().is_some());
        }
        wire.set(Mode::HalfBusy);
        if mode == Mode::Cut {
            sleep(Duration::from_millis(1500));
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    wire.set(Mode::Through);
    Outcome::of(output_of(child)).successful(&[]);
    for text in ["works again", "holds a complete copy"] {
        assert!(has_said(text), "{text}: {}", fs::read_to_string(&said).unwrap());
    }
    let here = files(&training.file("storms", ""));
    let there: BTreeMap<String, Vec<u8>> =
        s3.keys().iter().map(|key| (key["radar/storms/".len()..].to_owned(), s3.get(key).unwrap())).collect();
    let there = there.into_iter().filter(|(name, _)| !OF_THE_MIRROR.contains(&name.as_str())).collect();
    assert_same(&there, &here);
}

#[test]
fn after_a_signal_the_newest_checkpoint_is_in_the_mirror() {
    let (training, s3) = (Training::new(), S3::start());
    let mut child = piped(with_server(&training, s3.port, &LONG));
    wait(&mut child, "a checkpoint in the mirror", || complete_checkpoints(&s3.keys(), "storms") > 0);
    signal(&child, "TERM");
    let outcome = Outcome::of(output_of(child));
    assert_eq!(outcome.code, 143, "{outcome:?}");
    let newest = training.names("storms", "checkpoints").pop().unwrap();
    let keys = s3.keys();
    assert!(keys.contains(&format!("radar/storms/checkpoints/{newest}/manifest.json")), "{newest}: {}", outcome.stderr);
    let owner = s3.get("radar/storms/owner.json").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&owner).unwrap()["released"], true, "it gave the run up");
}

/// What another machine writes about itself.
fn other_owner() -> Value {
    let now = "2026-01-02T03:04:05Z";
    json!({"host": "gpu7", "place": "elsewhere", "session": "other", "since": now, "beat": now})
}

#[test]
fn a_run_that_another_machine_copies_is_left_to_it_while_that_lives_and_taken_over_when_it_is_silent() {
    let training = Training::new();
    let owner = training.program.path("copies/storms/owner.json");
    training.program.write("copies/storms/owner.json", &other_owner().to_string());
    let start = |beat: &str| {
        let mut command = training.command(&["--set", "output.mirror=copies", "--max-steps", "2"]);
        command.env(BEAT.0, beat);
        piped(command)
    };
    let mut child = start("20");
    wait_until("the second machine gives up", || {
        fs::File::options().write(true).open(&owner).unwrap().set_modified(SystemTime::now()).unwrap();
        sleep(Duration::from_millis(100));
        child.try_wait().unwrap().is_some()
    });
    let refused = Outcome::of(output_of(child));
    assert_eq!(refused.code, 75, "{refused:?}");
    assert!(refused.stderr.contains("is in use by gpu7 since 2026-01-02T03:04:05Z"), "{}", refused.stderr);
    assert!(!training.program.path("model_output/storms").exists());
    let outcome = Outcome::of(output_of(start("1"))).successful(&[]);
    for told in ["waiting up to 3", "taking over storms in the mirror from gpu7"] {
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    }
    let left: Value = serde_json::from_slice(&fs::read(&owner).unwrap()).unwrap();
    assert_eq!(left["released"], true, "it was given up at the end");
}

#[test]
fn a_worker_that_was_displaced_stops_with_its_checkpoint() {
    let (training, s3) = (Training::new(), S3::start());
    let mut child = piped(with_server(&training, s3.port, &LONG));
    wait(&mut child, "a checkpoint in the mirror", || complete_checkpoints(&s3.keys(), "storms") > 0);
    s3.put("radar/storms/owner.json", other_owner().to_string().as_bytes());
    let outcome = Outcome::of(output_of(child));
    assert_eq!(outcome.code, 75, "{outcome:?}");
    assert!(outcome.stderr.contains("gpu7 has taken over storms"), "{}", outcome.stderr);
    assert_eq!(training.json("storms", "status.json")["state"], "stopped");
    let newest = training.names("storms", "checkpoints").pop().unwrap();
    assert!(newest.ends_with(&format!("s{:06}", training.json("storms", "status.json")["step"].as_u64().unwrap())));
    assert_eq!(s3.get("radar/storms/owner.json").unwrap(), other_owner().to_string().as_bytes());
}
