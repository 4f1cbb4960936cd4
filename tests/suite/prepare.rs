//! `fragua prepare` on synthetic storms: the numbers against xarray, what is set aside, and that nothing is done twice.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Outcome, Program, python};
use crate::storms::in_place;

const EVENTS: usize = 3;
const FRAMES: usize = 12;

/// The folders in a folder, sorted.
fn folders(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn events(program: &Program) -> Vec<PathBuf> {
    folders(&program.path("storms"))
}

fn files(event: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(event).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn prepare(program: &Program, more: &[&str]) -> Value {
    program.json(&[&["prepare", "--json"], more].concat())
}

impl Program {
    fn store(&self, prepared: &Value) -> PathBuf {
        self.folder().join(prepared["store"].as_str().unwrap())
    }

    /// The reason that the report gives for setting a file aside.
    fn reason(&self, prepared: &Value, file: &Path) -> String {
        let report: Value =
            serde_json::from_slice(&fs::read(self.store(prepared).join("report.json")).unwrap()).unwrap();
        let all = report["events"].as_array().unwrap().iter().flat_map(|event| event["set_aside"].as_array().unwrap());
        let found = all.clone().find(|bad| bad["file"] == name(file).as_str());
        let found = found.unwrap_or_else(|| panic!("{} is not among {:?}", file.display(), all.collect::<Vec<_>>()));
        found["reason"].as_str().unwrap().to_owned()
    }
}

#[test]
fn every_method_gives_what_xarray_gives() {
    let program = in_place();
    for method in ["mean", "max", "nearest", "bilinear"] {
        let prepared = prepare(&program, &["--set", &format!("task.nowcast.prepare.method={method}")]);
        let store = program.store(&prepared);
        for event in events(&program) {
            let arguments =
                [store.to_str().unwrap(), &name(&event), event.to_str().unwrap(), method, "24", "24", "-29", "65"];
            let compared: usize = python("tests/fixtures/prepare/check.py", &arguments).trim().parse().unwrap();
            assert!(compared > 1000, "{method}: only {compared} cells had a value");
        }
    }
}

#[test]
fn nothing_is_prepared_twice_and_only_what_changed_is_prepared_again() {
    let program = in_place();
    let first = prepare(&program, &[]);
    assert_eq!(first["frames"], first["converted"]);
    let again = prepare(&program, &[]);
    assert_eq!((&again["converted"], &again["fingerprint"]), (&Value::from(0), &first["fingerprint"]));

    let event = &events(&program)[1];
    let frames = files(event);
    let held = fs::read(&frames[3]).unwrap();
    fs::remove_file(&frames[3]).unwrap();
    let fewer = prepare(&program, &[]);
    assert_eq!(fewer["frames"].as_u64(), first["frames"].as_u64().map(|frames| frames - 1));
    assert_eq!(fewer["converted"], 0, "the other frames of the event are taken over");
    assert_ne!(fewer["fingerprint"], first["fingerprint"]);

    fs::write(&frames[3], held).unwrap();
    let back = prepare(&program, &[]);
    assert_eq!((&back["frames"], &back["fingerprint"]), (&first["frames"], &first["fingerprint"]));
    fs::remove_dir_all(event).unwrap();
    let without = prepare(&program, &[]);
    assert!(!program.store(&without).join(name(event)).exists());
}

#[test]
fn a_dataset_prepared_in_steps_has_the_same_bytes_as_one_prepared_at_once() {
    let program = in_place();
    let event = &events(&program)[0];
    let (early, late) = (files(event)[0].clone(), files(event)[7].clone());
    for file in [&early, &late] {
        fs::rename(file, file.with_extension("later")).unwrap();
    }
    prepare(&program, &[]);
    for file in [&early, &late] {
        fs::rename(file.with_extension("later"), file).unwrap();
    }
    let stepwise = prepare(&program, &[]);
    let at_once = prepare(&program, &["--set", "data.name=other"]);
    let frame_bytes = |prepared: &Value| {
        let folder = program.store(prepared).join(name(event)).join("DBZ");
        files(&folder).iter().map(|path| (name(path), fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(stepwise["fingerprint"], at_once["fingerprint"]);
    assert!(frame_bytes(&stepwise) == frame_bytes(&at_once));
}

#[test]
fn files_that_cannot_be_used_are_set_aside_with_their_reasons() {
    let program = in_place();
    let event = &events(&program)[0];
    let frames = files(event);
    let whole = fs::read(&frames[1]).unwrap();
    fs::write(&frames[1], &whole[..whole.len() - 100]).unwrap();
    fs::write(&frames[2], "<html>sign in</html>").unwrap();
    fs::copy(&frames[4], event.join("copy.nc")).unwrap();
    program.succeed(&[
        "synth", "--output", "odd", "--events", "1", "--frames", "1", "--grid", "32", "--levels", "2", "--seed", "9",
    ]);
    let odd = folders(&program.path("odd")).remove(0);
    fs::copy(&files(&odd)[0], event.join("odd.nc")).unwrap();
    python("tests/fixtures/prepare/spoil.py", &[event.to_str().unwrap(), &name(&frames[5])]);

    let prepared = prepare(&program, &["--set", "task.nowcast.prepare.max_bad_share=0.5"]);
    assert!(
        program.reason(&prepared, &frames[1]).starts_with("is cut: needs "),
        "{}",
        program.reason(&prepared, &frames[1])
    );
    assert!(
        program.reason(&prepared, &frames[2]).contains("not a netCDF file"),
        "{}",
        program.reason(&prepared, &frames[2])
    );
    let double = program.reason(&prepared, &frames[4]);
    assert!(double.contains("copy.nc has that time"), "{double}");
    let grid = program.reason(&prepared, &event.join("odd.nc"));
    assert_eq!(grid, "another grid: got 2x32x32, most files have 2x48x48 (levels x rows x columns)");
    assert_eq!(program.reason(&prepared, &event.join("missing.nc")), "all cells are missing, or were never written");
    let variable = program.reason(&prepared, &event.join("renamed.nc"));
    assert!(variable.contains("no variable \"DBZ\"") && variable.contains("VIL"), "{variable}");
    assert_eq!(prepared["set_aside"], 6);
}

#[test]
fn too_many_unusable_files_stop_the_work_with_65_and_lose_nothing() {
    let program = in_place();
    let good = prepare(&program, &[]);
    let event = &events(&program)[2];
    for file in &files(event)[..6] {
        fs::write(file, "no radar").unwrap();
    }
    let outcome = program.run(&["prepare"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    for part in ["6 of 36 files can't be used", "max_bad_share = 0.05", "not a netCDF file", "refused.json"] {
        assert!(outcome.stderr.contains(part), "{part:?} is not in {}", outcome.stderr);
    }
    let allowed = prepare(&program, &["--set", "task.nowcast.prepare.max_bad_share=0.2"]);
    let frames = |prepared: &Value| prepared["frames"].as_u64().unwrap();
    assert_eq!(frames(&allowed), frames(&good) - 6);
}

/// The frames of an event in the store, by the name of their files.
fn stored(store: &Path, event: &str) -> Vec<(String, Vec<u8>)> {
    let frames = files(&store.join(event).join("DBZ")).into_iter().filter(|path| name(path).starts_with("c."));
    frames.map(|path| (name(&path), fs::read(path).unwrap())).collect()
}

#[test]
fn a_dataset_that_lost_its_files_leaves_what_was_prepared_and_its_report() {
    let program = in_place();
    let good = prepare(&program, &[]);
    let (store, event) = (program.store(&good), events(&program)[1].clone());
    let before = (stored(&store, &name(&event)), fs::read(store.join("report.json")).unwrap());
    let contents: Vec<_> = files(&event).iter().map(|file| fs::read(file).unwrap()).collect();
    files(&event).iter().for_each(|file| fs::write(file, "").unwrap());
    assert_eq!(program.run(&["prepare"]).code, 65);
    assert!(before == (stored(&store, &name(&event)), fs::read(store.join("report.json")).unwrap()));
    let refused: Value = serde_json::from_slice(&fs::read(store.join("refused.json")).unwrap()).unwrap();
    assert_eq!(refused[0]["set_aside"].as_array().unwrap().len(), FRAMES, "{refused}");

    files(&event).iter().zip(contents).for_each(|(file, content)| fs::write(file, content).unwrap());
    let again = prepare(&program, &[]);
    assert_eq!((&again["converted"], &again["fingerprint"]), (&Value::from(0), &good["fingerprint"]));
    assert!(!store.join("refused.json").exists());
}

#[test]
fn files_that_move_into_a_folder_below_and_back_are_prepared_where_they_are() {
    let program = in_place();
    let first = prepare(&program, &[]);
    let event = events(&program)[0].clone();
    let inner = event.join("part");
    fs::create_dir(&inner).unwrap();
    let moved: Vec<_> = files(&event).into_iter().filter(|path| path.is_file()).skip(6).collect();
    moved.iter().for_each(|file| fs::rename(file, inner.join(name(file))).unwrap());
    let parted = prepare(&program, &[]);
    let store = program.store(&parted);
    for path in ["event", "part"] {
        assert!(store.join(name(&event)).join(path).join("DBZ").is_dir(), "{path}");
    }
    moved.iter().for_each(|file| fs::rename(inner.join(name(file)), file).unwrap());
    let back = prepare(&program, &[]);
    assert_eq!(back["fingerprint"], first["fingerprint"]);
    assert_eq!(stored(&store, &name(&event)).len(), FRAMES);
}

#[test]
fn frames_that_were_never_written_are_left_out_and_half_written_ones_refused() {
    let program = in_place();
    let event = events(&program)[0].clone();
    python("tests/fixtures/prepare/unwritten.py", &[event.to_str().unwrap(), &name(&files(&event)[0])]);
    let prepared = prepare(&program, &["--set", "task.nowcast.prepare.max_bad_share=0.2"]);
    let never = program.reason(&prepared, &event.join("never.nc"));
    assert_eq!(never, "all cells are missing, or were never written");
    let half = program.reason(&prepared, &event.join("half.nc"));
    assert!(half.starts_with("is damaged: only 1 of 2 chunks of its frame 0"), "{half}");
    // many.nc has three frames, of which the second was never written.
    assert_eq!((&prepared["set_aside"], &prepared["frames"]), (&Value::from(2), &Value::from(EVENTS * FRAMES + 2)));
    assert_eq!(prepare(&program, &["--set", "task.nowcast.prepare.max_bad_share=0.2"])["converted"], 0);
}

#[test]
fn a_level_to_draw_that_is_not_there_is_refused_before_anything_is_drawn() {
    let program = in_place();
    prepare(&program, &[]);
    let outcome = program.run(&["inspect", "--level", "2"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(
        outcome.stderr.contains("--level 2 was asked for") && outcome.stderr.contains("the highest is 1"),
        "{outcome:?}"
    );
    assert!(!program.path("datasets/d/inspect").exists());
}

#[test]
fn silent_damage_is_found_if_the_hash_is_known() {
    let program = in_place();
    program.succeed(&[
        "synth",
        "--output",
        "s",
        "--events",
        "3",
        "--frames",
        "12",
        "--grid",
        "48",
        "--levels",
        "2",
        "--archive",
        "s.tar.zst",
    ]);
    let source = ["--set", "data.name=packed", "--set", "data.source=[{path: {path: s.tar.zst}}]"];
    let fetched = program.json(&[&["fetch", "--json"], &source[..]].concat());
    assert_eq!(fetched["files"], (EVENTS * FRAMES));
    let root = program.path(fetched["root"].as_str().unwrap());
    let event = folders(&folders(&root)[0]).into_iter().next().unwrap_or_else(|| folders(&root)[0].clone());
    let victim = &files(&event)[4];
    let mut bytes = fs::read(victim).unwrap();
    let place = bytes.len() - 3;
    bytes[place] ^= 1;
    fs::write(victim, bytes).unwrap();
    let prepared = prepare(&program, &source);
    assert!(program.reason(&prepared, victim).starts_with("damaged on this disk: its SHA-256 is "));
    assert_eq!(prepared["set_aside"], 1);
}

#[test]
fn a_piped_log_has_plain_lines_and_results_go_to_stdout() {
    let program = in_place();
    let outcome = program.succeed(&["prepare"]);
    assert!(!outcome.stderr.contains(['\r', '\x1b']), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("prepared: 36 frames in 3 events"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("train ") && !outcome.stdout.contains('\x1b'), "{}", outcome.stdout);
    let outcome = program.succeed(&["prepare", "--log-format", "json"]);
    for line in outcome.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

/// A pipe that nobody writes to, links, groups in circles, a crash of the HDF5 library: each is set aside with its reason, and the
/// rest is prepared. So it is when a model is asked to read them.
#[test]
fn files_that_hang_crash_or_lead_astray_are_set_aside() {
    let program = in_place();
    let event = events(&program).remove(0);
    let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/radar/tests/fixtures/volume/hostile");
    let mut expected = vec![
        ("pipe.nc", "is a pipe, not a file"),
        ("broken.nc", "link to a file that does not exist"),
        ("socket.nc", "is a socket, not a file"),
        ("odim.nc", "ODIM HDF5, which fragua does not read"),
    ];
    rustix::fs::mkfifoat(rustix::fs::CWD, event.join("pipe.nc"), rustix::fs::Mode::RWXU).unwrap();
    std::os::unix::fs::symlink("gone.nc", event.join("broken.nc")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(event.join("socket.nc")).unwrap();
    fs::copy(hostile.join("odim.nc"), event.join("odim.nc")).unwrap();
    for (name, reason) in [
        ("group_in_itself.nc", "within itself"),
        ("other_file.nc", "leads to another file"),
        ("no_text_in_heap.nc", "the HDF5 library crashed on it (SIGSEGV)"),
    ] {
        fs::copy(hostile.join(name), event.join(name)).unwrap();
        expected.push((name, reason));
    }
    let prepared = prepare(&program, &["--set", "task.nowcast.prepare.max_bad_share=0.5"]);
    for (name, reason) in &expected {
        let found = program.reason(&prepared, Path::new(name));
        assert!(found.contains(reason), "{name}: {found}");
    }
    assert_eq!(prepared["frames"], EVENTS * FRAMES, "{prepared}");
    // A look at the data reads what is new, too.
    let again = event.join("no_text_in_heap_again.nc");
    fs::copy(hostile.join("no_text_in_heap.nc"), again).unwrap();
    let outcome = program.succeed(&["inspect", "--set", "task.nowcast.prepare.max_bad_share=0.5"]);
    assert!(outcome.stdout.contains(&name(&event)), "{outcome:?}");
}

/// A library in C is never given a file in the process of the program, whatever the system refuses.
#[test]
fn without_processes_to_read_files_in_such_a_file_ends_with_75() {
    let program = in_place();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/radar/tests/fixtures/volume/lrose_nc4_zlib.nc");
    fs::copy(fixture, events(&program)[0].join("a.nc")).unwrap();
    let command = program.command(&["prepare"]);
    let mut limited = std::process::Command::new("sh");
    // No room for the sockets to another process.
    limited.args(["-c", "ulimit -n 6 && exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    let outcome = Outcome::of(limited.current_dir(program.folder()).output().unwrap());
    assert_eq!(outcome.code, 75, "{outcome:?}");
    assert!(outcome.stderr.contains("the system gives no process to read it in"), "{}", outcome.stderr);
}
