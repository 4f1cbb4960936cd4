//! A download that is killed at any moment and started again: the same bytes, and hardly any of them sent twice.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use fragua::util::sha256::Digest;

use crate::deadline::{LONGEST, end_of, wait_until};
use crate::fetch::{Play, content};
use crate::server::{Server, honest};

const LENGTH: usize = 24_000_000;
const KILLS: u64 = 8;

/// The process to kill: this test binary with only this test. By default it does nothing.
#[test]
fn victim() {
    let (Ok(url), Ok(folder)) = (std::env::var("FETCH_VICTIM_URL"), std::env::var("FETCH_VICTIM_FOLDER")) else {
        return;
    };
    let play = small_steps(Play::new());
    let request = fragua::data::config::UrlSource { href: url, sha256: None, size_bytes: None };
    let request = fragua::data::fetch::Request::from_url(&request).unwrap();
    fragua::data::fetch::download(&request, Path::new(&folder), &play.context()).unwrap();
}

fn small_steps(mut play: Play) -> Play {
    play.limits.piece_bytes = 256 * 1024;
    play.limits.save_bytes = 256 * 1024;
    play.limits.save_every = Duration::from_millis(5);
    play
}

fn start_victim(url: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetch_kill::victim", "--nocapture"])
        .env("FETCH_VICTIM_URL", url)
        .env("FETCH_VICTIM_FOLDER", folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Bytes that the state in the folder claims.
fn claimed(folder: &Path) -> u64 {
    let state = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "json"));
    let text = state.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    let state: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let lengths = state["pieces"].as_array().into_iter().flatten().map(|piece| piece["length"].as_u64().unwrap());
    lengths.sum()
}

/// Kills a download repeatedly, either at once when so many bytes were sent, or when they have also arrived. Returns
/// how many bytes were sent twice.
fn kill_and_resume(when_arrived: bool) -> u64 {
    let content = content(LENGTH);
    let own = content.clone();
    let sent_so_far = Arc::new(AtomicU64::new(0));
    // The connection's position in the file, minus what was sent before it.
    let base = Arc::new(AtomicI64::new(0));
    let (base_set, sent_before) = (Arc::clone(&base), Arc::clone(&sent_so_far));
    let server = Server::start(move |asked| {
        let start = asked.range().map_or(0, |range| range.0);
        base_set.store(start as i64 - sent_before.load(Ordering::SeqCst) as i64, Ordering::SeqCst);
        honest(asked, &own, "\"v1\"")
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (sender, reached) = mpsc::channel();
    let (killed, go_on) = mpsc::channel();
    let mut next = 1;
    server.on_piece(move |sent| {
        sent_so_far.store(sent, Ordering::SeqCst);
        // Odd distances, so that the kill falls into every part of a save.
        if next <= KILLS && sent >= next * 2_500_000 + next * next * 7_919 {
            next += 1;
            if when_arrived {
                let arrived = (sent as i64 + base.load(Ordering::SeqCst)) as u64;
                wait_until("what was sent is saved", || claimed(&path) >= arrived);
            }
            sender.send(()).unwrap();
            go_on.recv_timeout(LONGEST).unwrap();
        }
    });
    let url = server.url("/a.tar");
    let mut claims = Vec::new();
    for _ in 0..KILLS {
        let mut victim = start_victim(&url, folder.path());
        reached.recv_timeout(LONGEST).unwrap();
        victim.kill().unwrap();
        victim.wait().unwrap();
        claims.push(claimed(folder.path()));
        killed.send(()).unwrap();
    }
    assert!(end_of(&mut start_victim(&url, folder.path())).success());
    assert_eq!(Digest::of_file(&folder.path().join("a.tar")).unwrap(), Digest::of(&content));
    // Each start resumed exactly where the state of the one before ended.
    let starts: Vec<u64> =
        server.asked()[1..].iter().map(|asked| asked.range().map_or(0, |range| range.0 as u64)).collect();
    assert_eq!(starts, claims);
    server.sent() - LENGTH as u64
}

#[test]
fn a_download_killed_eight_times_at_any_moment_ends_with_the_same_bytes() {
    kill_and_resume(false);
}

#[test]
fn what_had_arrived_before_a_kill_is_not_sent_again() {
    let again = kill_and_resume(true);
    assert!(again * 20 <= LENGTH as u64, "{again} of {LENGTH} bytes were sent twice");
}
