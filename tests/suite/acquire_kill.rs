//! Fetching from a server, killed or stopped at any moment and started again: the same bytes, nothing fetched twice that
//! had been saved.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rand::{Rng, SeedableRng};

use crate::acquire::{storms, url};
use crate::deadline::{output_of, wait_until};
use crate::fetch::content;
use crate::program::{Outcome, Program};
use crate::server::{Answer, Fault, Server, honest};

const KILLS: usize = 16;
const FILE: usize = 32_000_000;

/// A tar archive of files whose bytes repeat nowhere.
fn archive(files: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let content = content(FILE);
    for number in 0..files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, format!("s/e{number}/20140101_000000.nc"), content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn start(program: &Program, arguments: &[&str]) -> Child {
    program.command(arguments).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The parts of the download that the state on the disk claims: start and end.
fn claimed(dataset: &Path) -> Vec<(u64, u64)> {
    let Some(place) = fs::read_dir(dataset.join("download")).ok().and_then(|mut all| all.next()) else {
        return Vec::new();
    };
    // The program may be clearing it away at this moment.
    let files = place.and_then(|place| fs::read_dir(place.path())).into_iter().flatten().flatten();
    let state = files.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with('.') && name.ends_with(".json")
    });
    let Some(text) = state.and_then(|path| fs::read(path).ok()) else { return Vec::new() };
    let state: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let piece = |piece: &serde_json::Value| {
        let start = piece["start"].as_u64().unwrap();
        (start, start + piece["length"].as_u64().unwrap())
    };
    state["pieces"].as_array().unwrap().iter().map(piece).collect()
}

#[test]
fn killed_anywhere_in_download_and_unpacking_nothing_that_was_saved_is_fetched_again() {
    let program = Program::new();
    let archive = archive(3);
    let served = archive.clone();
    let server = Server::start(move |asked| honest(asked, &served, "\"v1\""));
    program.configure(&[url(&server.url("/storms.tar"))]);
    let dataset = program.path("datasets/d");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let (mut killed, mut resumed) = (0, 0);
    while killed < KILLS {
        let saved = claimed(&dataset);
        let (asked, sent) = (server.asked().len(), server.sent());
        let enough = random.random_range(0..60_000_000);
        let mut child = start(&program, &["fetch"]);
        // If less than that is missing, the kill falls into verifying, unpacking or the moments after. Now and then the
        // kill waits for something to be saved, so that the next start has something to use.
        let after_save = killed % 3 == 0;
        wait_until("the moment of the kill, or the end", || {
            (server.sent() - sent >= enough && !(after_save && claimed(&dataset).is_empty()))
                || dataset.join(".raw.partial").exists()
                || child.try_wait().unwrap().is_some()
        });
        sleep(Duration::from_millis(random.random_range(0..30)));
        child.kill().unwrap();
        let code = child.wait().unwrap().code();
        let first = server.asked().get(asked).and_then(|asked| asked.range());
        let again =
            saved.iter().find(|(start, end)| first.is_some_and(|(from, _)| (*start..*end).contains(&(from as u64))));
        assert_eq!(again, None, "{first:?} was requested, although it had been saved");
        if let (Some(_), Some((from, _))) = (saved.first(), first) {
            assert!(from > 0, "it started over although {saved:?} had been saved");
            resumed += 1;
        }
        match code {
            None => killed += 1,
            Some(code) => assert_eq!(code, 0),
        }
        if dataset.join("source.json").exists() {
            fs::remove_dir_all(&dataset).unwrap();
        }
    }
    program.succeed(&["fetch"]);
    assert!(resumed > 0, "no kill came after a save");
    let expected = content(FILE);
    for event in 0..3 {
        let file = dataset.join(format!("raw/s/e{event}/20140101_000000.nc"));
        assert!(fs::read(&file).unwrap() == expected, "{} differs", file.display());
    }
    assert!(!dataset.join("download").exists() && !dataset.join(".raw.partial").exists());
}

fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_signal_while_a_server_is_silent_ends_with_143_and_the_next_start_resumes() {
    let program = storms();
    let good = program.read("storms.tar.gz");
    let half = good.len() / 2;
    let server = Server::start(move |asked| match asked.number {
        0 => honest(asked, &good, "\"v1\"").failing(Fault::Stall(half)),
        1 => Answer::new(503, "later").with("Retry-After", "300"),
        _ => honest(asked, &good, "\"v1\""),
    });
    program.configure(&[url(&server.url("/a.tar.gz"))]);
    for asked in [1, 2] {
        let child = start(&program, &["fetch"]);
        wait_until("the server was asked, and half of the file saved", || {
            server.asked().len() == asked && (asked == 2 || !claimed(&program.path("datasets/d")).is_empty())
        });
        signal(&child, "TERM");
        // The server is silent for ever, or asks for five minutes: who waited for it would miss the deadline.
        let outcome = Outcome::of(output_of(child));
        assert_eq!(outcome.code, 143, "{outcome:#?}");
        assert!(outcome.stderr.contains("run the same command again"), "{}", outcome.stderr);
    }
    program.succeed(&["fetch"]);
    assert_eq!(server.asked()[2].range().unwrap().0, half);
}

#[test]
fn a_signal_in_verify_unpack_and_prepare_ends_with_143_and_the_next_start_resumes() {
    let program = Program::new();
    fs::write(program.path("big.tar"), archive(6)).unwrap();
    let digest = fragua::util::sha256::Digest::of_file(&program.path("big.tar")).unwrap();
    program.configure(&[format!("path: {{path: big.tar, sha256: {digest}}}")]);
    let dataset = program.path("datasets/d");
    let stop = |arguments: &[&str], reached: &dyn Fn() -> bool| {
        let child = start(&program, arguments);
        wait_until("the stage began", reached);
        signal(&child, "TERM");
        let outcome = Outcome::of(output_of(child));
        assert_eq!(outcome.code, 143, "{outcome:#?}");
    };
    stop(&["fetch"], &|| dataset.join(".lock").exists());
    assert!(!dataset.join(".raw.partial").exists(), "it did not stop while it verified");
    stop(&["fetch"], &|| dataset.join(".raw.partial").exists());
    assert!(!dataset.join("raw").exists());
    program.succeed(&["fetch"]);

    let synth = ["synth", "--output", "s", "--events", "3", "--frames", "60", "--grid", "256", "--levels", "4"];
    program.succeed(&synth);
    program.configure(&["path: {path: s}".into()]);
    let prepare = ["prepare", "--set", "data.name=p", "--set", "task.nowcast.prepare.size=[200, 200]"];
    let prepared = program.path("datasets/p/prepared");
    let begun = || fs::read_dir(&prepared).is_ok_and(|mut all| all.next().is_some());
    stop(&prepare, &begun);
    program.succeed(&prepare);
}

#[test]
fn two_signals_at_once_are_one_wish() {
    let program = storms();
    let server = Server::start(|asked| honest(asked, &content(100_000), "\"v1\"").failing(Fault::Stall(50_000)));
    program.configure(&[url(&server.url("/a.tar.gz"))]);
    let child = start(&program, &["fetch"]);
    wait_until("half of the file was sent", || server.sent() >= 50_000);
    signal(&child, "TERM");
    signal(&child, "TERM");
    let outcome = Outcome::of(output_of(child));
    assert_eq!(outcome.code, 143);
    assert!(outcome.stderr.contains("stopped by SIGTERM"), "it was cut off: {}", outcome.stderr);
}

/// Whether a process handles SIGTERM, by the kernel's status file.
fn hears(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 << 14 != 0)
}

#[test]
fn another_signal_ends_at_once_what_does_not_hear_the_first() {
    let program = storms();
    // A library that opens a pipe without a writer is blocked.
    assert!(std::process::Command::new("mkfifo").arg(program.path("pipe")).status().unwrap().success());
    let mut train = program.command(&["train", "--yes", "--set", "output.mirror=gs://bucket/runs"]);
    train.env("GOOGLE_APPLICATION_CREDENTIALS", program.path("pipe"));
    let mut child = train.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("it hears signals", || hears(child.id()));
    signal(&child, "TERM");
    sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it heard the first");
    // On a busy machine it may notice the first one late, and take the next one for the same.
    wait_until("another signal ends it", || {
        sleep(Duration::from_millis(1500));
        signal(&child, "TERM");
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(143));
}
