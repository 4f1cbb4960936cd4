//! `report.html` as a person opens it: while training runs, at its end, in a browser if one is installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use fragua::util::left_out::left_out;
use serde_json::{Value, json};

use crate::deadline::{end_of, wait_while_it_works};
use crate::program::python;
use crate::training::Training;

/// The page is self-contained; returns its number of pictures and its text.
fn checked(page: &Path) -> (usize, String) {
    let printed = python("tests/fixtures/report/check.py", &[page.to_str().unwrap()]);
    let (pictures, text) = printed.split_once(' ').unwrap();
    (pictures.parse().unwrap(), text.to_owned())
}

#[test]
fn a_finished_run_is_shown_on_one_page_that_loads_nothing() {
    let training = Training::new();
    training.succeed(&["--notes", "a <b>first</b> try"]);
    let (pictures, text) = checked(&training.file("storms", "report.html"));
    assert!(pictures >= 1, "{pictures} pictures");
    for told in ["storms", "finished", "Scores", "advection", "Configuration", "a <b>first</b> try"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let metrics = training.json("storms", "evaluation/metrics.json");
    let mae = metrics["metrics"]["mae_dbz"]["value"].as_f64().unwrap();
    assert!(text.contains(&format!("{mae:.1}")), "{mae}: {text}");
}

#[test]
fn the_page_can_be_opened_while_training_runs() {
    let training = Training::new();
    let mut start = training.command(&["--epochs", "2000", "--patience", "2000"]);
    let mut start = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let page = training.file("storms", "report.html");
    wait_while_it_works(&mut start, "the page is written", || page.exists());
    let (_, text) = checked(&page);
    assert!(text.contains("Training is running"), "{text}");
    let signalled = Command::new("kill").args(["-TERM", &start.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(end_of(&mut start).code(), Some(143));
    let (_, text) = checked(&page);
    assert!(text.contains("stopped") && !text.contains("Training is running"), "{text}");
}

/// What a page finds out about itself in a browser.
const PROBE: &str = include_str!("../fixtures/report/probe.js");

/// Screens that a desk and a hand have.
const SCREENS: [[u32; 2]; 2] = [[1280, 800], [360, 740]];

/// Chromium with a page; `None` if it is not installed.
fn browsed(page: &Path, [width, height]: [u32; 2], flags: &[&str]) -> Option<[String; 2]> {
    let size = format!("--window-size={width},{height}");
    let common =
        ["--headless", "--no-sandbox", "--disable-gpu", "--force-prefers-reduced-motion", "--enable-logging=stderr"];
    let seen = Command::new("chromium")
        .args(common)
        .args(flags)
        .args(["--virtual-time-budget=5000", "--dump-dom", &size, &format!("file://{}", page.display())])
        .output();
    let Ok(seen) = seen else {
        left_out("chromium is not installed", "apt-get install chromium");
        return None;
    };
    Some([seen.stdout, seen.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// What the page finds out about itself on a screen. The page allows no script but its own, so the copy has no such rule.
fn probed(page: &Path, screen: [u32; 2], flags: &[&str]) -> Option<Value> {
    let text = fs::read_to_string(page).unwrap();
    let policy = text.find("http-equiv=\"Content-Security-Policy\"").unwrap();
    let from = text[..policy].rfind('<').unwrap();
    let to = policy + text[policy..].find('>').unwrap() + 1;
    let script = format!("<script>{PROBE}</script></body>");
    let probe = page.with_file_name("probe.html");
    fs::write(&probe, format!("{}{}", &text[..from], text[to..].replace("</body>", &script))).unwrap();
    let [dom, _] = browsed(&probe, screen, flags)?;
    let (_, title) = dom.split_once("<title>probe ").unwrap_or_else(|| panic!("{}", &dom[..dom.len().min(600)]));
    let title = title.split("</title>").next().unwrap().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(serde_json::from_str(&title).unwrap_or_else(|error| panic!("{error}: {title}")))
}

/// Nothing is too wide, cut, broken or written over something else, on both screens, light and dark, and no message of the
/// browser complains.
pub fn looks_right(page: &Path) -> Option<Value> {
    let mut desk = None;
    for screen in SCREENS {
        for flags in [&[][..], &["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]] {
            let found = probed(page, screen, flags)?;
            assert_eq!(found["faults"], json!([]), "{screen:?} {flags:?}");
            let dark = found["ground"] != "rgb(255, 255, 255)";
            assert_eq!(dark, !flags.is_empty(), "{found}");
            desk = desk.or(Some(found));
        }
    }
    let [_, messages] = browsed(page, SCREENS[0], &[])?;
    assert!(!messages.contains("CONSOLE"), "{messages}");
    desk
}

#[test]
fn a_browser_shows_a_page_without_a_fault_on_a_desk_and_on_a_phone() {
    let training = Training::new();
    training.succeed(&["--epochs", "2"]);
    let page = training.file("storms", "report.html");
    assert!(fs::metadata(&page).unwrap().len() < 1_500_000);
    let Some(found) = looks_right(&page) else { return };
    assert!(found["height"].as_u64().unwrap() < 6 * 800, "{found}");
    assert_eq!(
        (&found["films"], &found["player"]),
        (&json!("0 1"), &json!("Play")),
        "one film, chosen; nothing plays by itself"
    );
}

#[test]
fn a_run_that_failed_says_so_on_a_page_without_a_fault() {
    let training = Training::new();
    let outcome = training.run(&["--set", "train.optimizer.adamw.lr=1e9", "--max-retries", "0"]);
    assert_eq!(outcome.code, 76, "{}", outcome.stderr);
    let page = training.file("storms", "report.html");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("class=\"problem\"") && text.contains("failed</span></h1>"), "{text}");
    looks_right(&page);
}
