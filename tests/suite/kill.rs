//! Killed at any moment and started again, the program gives the same bytes as an uninterrupted run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use rand::{Rng, SeedableRng};

use crate::deadline::{output_of, wait_while_it_works};
use crate::program::{Outcome, Program};

/// Kills in all; each dataset takes a few.
const KILLS: usize = 24;
const KILLS_OF_A_DATASET: usize = 4;
/// Datasets at the most: each is killed at least once in three, or the kills come at the wrong moments.
const DATASETS: usize = 3 * KILLS;

fn program() -> Program {
    let program = Program::new();
    let synth = ["synth", "--output", "s", "--events", "4", "--frames", "16", "--grid", "96", "--levels", "3"];
    program.succeed(&[&synth[..], &["--seed", "5", "--archive", "storms.tar.gz"]].concat());
    fs::remove_dir_all(program.path("s")).unwrap();
    program.write(
        "config.yaml",
        "data:\n  source:\n    - path: {path: storms.tar.gz}\ntask:\n  nowcast:\n    prepare: {size: [48, 48]}\n    \
         windows: {input_frames: 4, target_frames: 2, stride: 1}\n",
    );
    program
}

fn start(program: &Program, name: &str) -> Child {
    let name = format!("data.name={name}");
    program.command(&["prepare", "--set", &name]).stderr(std::process::Stdio::null()).spawn().unwrap()
}

/// Every file below a folder with its content. Stamps are of this copy of the files alone and are left out.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let mut bytes = fs::read(&path).unwrap();
            if below.ends_with("manifest.json") && !below.starts_with("raw") {
                let mut record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                record["files"].as_array_mut().unwrap().iter_mut().for_each(|file| file["stamp"] = 0.into());
                bytes = serde_json::to_vec(&record).unwrap();
            }
            all.insert(below, bytes);
        }
    }
    // Locks say which process held them.
    all.retain(|path, _| path != ".lock" && !path.ends_with("/.reading"));
    all
}

#[test]
fn killed_anywhere_and_started_again_it_ends_with_the_same_bytes() {
    let program = program();
    program.succeed(&["prepare", "--set", "data.name=undisturbed"]);
    let undisturbed = contents(&program.path("datasets/undisturbed"));
    assert!(undisturbed.len() > 4 * 16 * 2, "only {} files", undisturbed.len());
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut killed = 0;
    let mut longest = 200;
    for round in 0..DATASETS {
        if killed >= KILLS {
            break;
        }
        let name = format!("killed{round}");
        for _ in 0..KILLS_OF_A_DATASET {
            let mut child = start(&program, &name);
            sleep(Duration::from_millis(random.random_range(0..longest)));
            child.kill().unwrap();
            match child.wait().unwrap().code() {
                None => killed += 1,
                // It was faster than the delay: kill earlier next time.
                Some(code) => {
                    assert_eq!(code, 0);
                    longest = (longest * 3 / 4).max(20);
                    break;
                }
            }
        }
        program.succeed(&["prepare", "--set", &format!("data.name={name}")]);
        let got = contents(&program.path("datasets").join(&name));
        let differ: Vec<_> =
            got.keys().chain(undisturbed.keys()).filter(|key| got.get(*key) != undisturbed.get(*key)).collect();
        assert!(differ.is_empty(), "after {killed} kills these differ: {differ:?}");
        fs::remove_dir_all(program.path("datasets").join(&name)).unwrap();
    }
    assert!(killed >= KILLS, "only {killed} of {KILLS} kills came before the end of {DATASETS} datasets");
}

#[test]
fn a_termination_signal_ends_with_143_and_the_next_start_resumes() {
    let program = program();
    for signal in ["TERM", "INT"] {
        let name = signal.to_lowercase();
        let big = ["--set", "data.source=[{synthetic: {events: 40, frames: 60, grid: 128, levels: 6}}]"];
        let set = format!("data.name={name}");
        let arguments = [&["fetch", "--set", &set], &big[..]].concat();
        let mut child = program.command(&arguments).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let partial = program.path("datasets").join(&name).join(".raw.partial");
        wait_while_it_works(&mut child, "it unpacks", || partial.exists());
        let killer = std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(killer.unwrap().success());
        let outcome = Outcome::of(output_of(child));
        assert_eq!(outcome.code, if signal == "TERM" { 143 } else { 130 }, "{outcome:?}");
        assert!(outcome.stderr.contains("run the same command again"), "{}", outcome.stderr);
        assert!(!program.path("datasets").join(&name).join("raw").exists());
    }
}

#[test]
fn a_second_worker_on_the_same_folder_is_refused_with_75() {
    let program = program();
    fs::create_dir_all(program.path("datasets/storms")).unwrap();
    let _held = fragua::util::lock::FolderLock::acquire(&program.path("datasets/storms")).unwrap();
    let outcome = program.run(&["prepare"]);
    assert_eq!(outcome.code, 75, "{outcome:?}");
    assert!(outcome.stderr.contains(&format!("process {}", std::process::id())), "{}", outcome.stderr);
}
