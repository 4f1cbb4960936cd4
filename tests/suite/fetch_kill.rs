//! A download that is killed at any moment and started again: the same bytes, and hardly any of them sent twice.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use fragua::util::sha256::Digest;

use crate::fetch::{Play, content};
use crate::server::{Server, honest};

const LENGTH: usize = 24_000_000;
const KILLS: u64 = 8;

/// The victim: this test binary again, with only this test. On its own it has nothing to do.
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
    play.limits.save_bytes = 64 * 1024;
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

#[test]
fn a_download_killed_eight_times_ends_with_the_same_bytes() {
    let content = content(LENGTH);
    let own = content.clone();
    let server = Server::start(move |asked| honest(asked, &own, "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let (sender, reached) = mpsc::channel();
    let (killed, go_on) = mpsc::channel();
    let mut next = 1;
    server.on_piece(move |sent| {
        // Odd distances, so that the kill falls into every part of a save.
        if next <= KILLS && sent >= next * 2_500_000 + next * next * 7_919 {
            next += 1;
            // As long as it takes the victim to read what is on the way.
            std::thread::sleep(Duration::from_millis(5));
            sender.send(()).unwrap();
            go_on.recv().unwrap();
        }
    });
    let url = server.url("/a.tar");
    for _ in 0..KILLS {
        let mut victim = start_victim(&url, folder.path());
        reached.recv_timeout(Duration::from_secs(60)).unwrap();
        victim.kill().unwrap();
        victim.wait().unwrap();
        killed.send(()).unwrap();
    }
    assert!(start_victim(&url, folder.path()).wait().unwrap().success());
    assert_eq!(Digest::of_file(&folder.path().join("a.tar")).unwrap(), Digest::of(&content));
    let asked = server.asked();
    assert_eq!(asked.len() as u64, KILLS + 1);
    assert!(asked[1..].iter().all(|asked| asked.range().is_some_and(|(start, _)| start > 0)), "{asked:?}");
    let again = server.sent() - LENGTH as u64;
    assert!(again * 20 <= LENGTH as u64, "{again} of {LENGTH} bytes were sent twice");
    println!("killed {KILLS} times, {again} of {LENGTH} bytes sent twice");
}
