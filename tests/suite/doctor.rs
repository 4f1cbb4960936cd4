//! `fragua doctor`, and how training reports a folder of another user before it fetches anything.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use fragua::util::left_out::left_out;
use serde_json::Value;

use crate::program::{Outcome, Program};
use crate::training::Training;

/// A user who owns nothing.
const STRANGER: u32 = 12_345;

/// Runs as a user who owns nothing; `None` if that is not allowed.
fn as_stranger(program: &Program, arguments: &[&str]) -> Option<Outcome> {
    if !rustix::process::geteuid().is_root() {
        left_out("only root can act as another user", "run the tests as root");
        return None;
    }
    let mut command = program.command(arguments);
    command.uid(STRANGER).gid(STRANGER).env("OMP_NUM_THREADS", "1").env_remove("HOME");
    Some(Outcome::of(command.output().unwrap()))
}

/// Lets everybody do everything below a folder.
fn open(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| open(&entry.unwrap().path()));
    }
}

fn close(path: &Path) {
    fs::create_dir_all(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let checks = found["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{found}"))
}

#[test]
fn everything_is_looked_at_and_nothing_is_left() {
    let program = Program::new();
    let outcome = program.succeed(&["doctor"]);
    let checks: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    for name in ["program", "process", "configuration", "gpu", "cpu", "memory", "datasets", "output", "clock"] {
        assert!(checks.contains(&name), "{name}: {outcome:?}");
    }
    assert!(outcome.stdout.lines().last().unwrap().starts_with("training can start"), "{outcome:?}");
    assert_eq!(fs::read_dir(program.folder()).unwrap().count(), 0);
}

#[test]
fn what_fails_decides_about_the_exit_code_and_hides_nothing_else() {
    let program = Program::new();
    let wrong = program.run(&["doctor", "--json", "--set", "train.epochs=many"]);
    let found: Value = serde_json::from_str(&wrong.stdout).unwrap();
    assert_eq!((wrong.code, &found["exit"]), (78, &78.into()));
    assert_eq!(check(&found, "configuration")["level"], "failed");
    assert!(check(&found, "configuration")["remedy"].as_str().unwrap().contains("train.epochs"));
    assert_ne!(check(&found, "output")["level"], "failed");

    program.write("occupied", "");
    let blocked = program.run(&["doctor", "--json", "--set", "output.root=occupied/runs"]);
    let found: Value = serde_json::from_str(&blocked.stdout).unwrap();
    assert_eq!((blocked.code, check(&found, "output")["level"].as_str()), (73, Some("failed")));

    let no_gpu = program.run(&["doctor", "--set", "device=cuda:63"]);
    assert_eq!(no_gpu.code, 78, "{no_gpu:?}");
}

#[test]
fn nothing_of_the_surroundings_is_given_away() {
    let program = Program::new();
    let mut command = program.command(&["doctor"]);
    command.env("AWS_SECRET_ACCESS_KEY", "do-not-show-this").env("FRAGUA_TOKEN", "do-not-show-this");
    let outcome = Outcome::of(command.output().unwrap());
    assert!(!format!("{outcome:?}").contains("do-not-show-this"), "{outcome:?}");
}

#[test]
fn a_folder_of_somebody_else_ends_training_before_anything_is_fetched() {
    for (closed, opened) in [("model_output", "datasets"), ("datasets", "model_output")] {
        let program = Program::new();
        open(program.folder());
        close(&program.path(closed));
        fs::create_dir(program.path(opened)).unwrap();
        open(&program.path(opened));
        let Some(refused) = as_stranger(&program, &["train", "--epochs", "1"]) else { return };
        assert_eq!(refused.code, 73, "{refused:?}");
        let told = format!("{closed} belongs to user 0:0 and this process is user 12345:12345: ");
        assert!(refused.stderr.contains(&told), "{refused:?}");
        assert_eq!(fs::read_dir(program.path(opened)).unwrap().count(), 0, "nothing was begun");
        let Some(examined) = as_stranger(&program, &["doctor"]) else { return };
        assert!(examined.code == 73 && examined.stdout.contains(&told), "{examined:?}");
    }
}

#[test]
fn a_part_of_a_run_that_is_somebody_elses_is_found_before_anything_is_prepared() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    open(training.program.folder());
    close(&training.file("storms", "checkpoints"));
    let program = &training.program;
    let Some(refused) = as_stranger(program, &["train", "--epochs", "2"]) else { return };
    assert_eq!(refused.code, 73, "{refused:?}");
    assert!(refused.stderr.contains("model_output/storms/checkpoints belongs to user 0:0"), "{refused:?}");
    assert_eq!(training.json("storms", "status.json")["state"], "finished");
    let Some(examined) = as_stranger(program, &["doctor"]) else { return };
    assert!(examined.code == 73 && examined.stdout.contains("checkpoints belongs to user 0:0"), "{examined:?}");

    close(&program.path("datasets/storms/prepared"));
    open(&training.file("storms", "checkpoints"));
    // What is prepared need not be written again; with another size it would be.
    let other = ["train", "--no-resume", "--set", "task.nowcast.prepare.size=[20, 20]"];
    let Some(refused) = as_stranger(program, &other) else { return };
    assert!(refused.code == 73 && refused.stderr.contains("prepared belongs to user 0:0"), "{refused:?}");
}

/// Everything below a folder with the time of its last change.
fn changes(folder: &Path) -> Vec<(PathBuf, i64, i64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        found.push((path.clone(), metadata.ctime(), metadata.ctime_nsec()));
        if metadata.is_dir() {
            found.extend(changes(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn a_prepared_dataset_that_can_only_be_read_is_trained_on_and_nothing_is_written_there() {
    let training = Training::new();
    let program = &training.program;
    open(program.folder());
    // Nor can its root be written: the stranger could remove what is in it.
    close_all(&program.path("datasets"));
    let before = changes(&program.path("datasets"));
    let arguments = [
        "train",
        "--max-steps",
        "2",
        "--set",
        "task.nowcast.coordinates=lagrangian",
        "--set",
        "task.nowcast.model={unet: {base: 4, widths: [1, 2]}}",
        "--set",
        "task.nowcast.loss.csi={weight: 0.1}",
        "--set",
        "task.nowcast.windows.stride=2",
    ];
    let Some(trained) = as_stranger(program, &arguments) else { return };
    assert_eq!(trained.code, 0, "{trained:?}");
    for told in ["the motion of the frames is kept in memory", "measured for the loss is kept in memory"] {
        assert_eq!(trained.stderr.matches(told).count(), 1, "{trained:?}");
    }
    let Some(evaluated) = as_stranger(program, &["evaluate"]) else { return };
    assert_eq!(evaluated.code, 0, "{evaluated:?}");
    assert_eq!(changes(&program.path("datasets")), before);
    let Some(examined) = as_stranger(program, &["doctor"]) else { return };
    assert_eq!(examined.code, 0, "{examined:?}");
}

fn close_all(path: &Path) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| close_all(&entry.unwrap().path()));
        close(path);
    } else {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
}
