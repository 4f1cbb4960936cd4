//! `report.html` as a person opens it: while training runs, at its end, in a browser where one is installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use fragua::util::left_out::left_out;

use crate::deadline::{end_of, wait_while_it_works};
use crate::program::python;
use crate::training::Training;

/// The page stands by itself; its number of pictures and its text.
fn checked(page: &Path) -> (usize, String) {
    let printed = python("tests/fixtures/report/check.py", &[page.to_str().unwrap()]);
    let (pictures, text) = printed.split_once(' ').unwrap();
    (pictures.parse().unwrap(), text.to_owned())
}

#[test]
fn a_finished_run_is_told_on_one_page_that_loads_nothing() {
    let training = Training::new();
    training.succeed(&["--notes", "a <b>first</b> try"]);
    let (pictures, text) = checked(&training.file("storms", "report.html"));
    assert!(pictures >= 5, "{pictures} pictures");
    for told in ["storms", "finished", "Evaluation", "advection", "Configuration", "a <b>first</b> try"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let metrics = training.json("storms", "evaluation/metrics.json");
    let mae = metrics["metrics"]["mae_dbz"]["value"].as_f64().unwrap();
    assert!(text.contains(&format!("{mae:.1}")), "{mae}: {text}");
}

#[test]
fn the_page_can_be_opened_while_training_runs() {
    let training = Training::new();
    let mut start = training.command(&["--epochs", "2000"]);
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

/// What a page finds out about itself in a browser, as its title: how far it is too wide, and its pictures that are broken.
const PROBE: &str = "<script>addEventListener('load', () => { const root = document.documentElement; \
    const broken = [...document.images].filter(image => !image.naturalWidth).length; \
    document.title = `probe ${root.scrollWidth - root.clientWidth} ${broken}`; });</script></body>";

#[test]
fn a_browser_shows_every_picture_and_a_phone_needs_no_scrolling_sideways() {
    let training = Training::new();
    training.succeed(&["--epochs", "1"]);
    let text = fs::read_to_string(training.file("storms", "report.html")).unwrap();
    // The page allows no script but its own.
    let (head, body) = text.split_once("<body").unwrap();
    let policy = head.find("http-equiv=\"Content-Security-Policy\"").unwrap();
    let from = head[..policy].rfind('<').unwrap();
    let to = policy + head[policy..].find('>').unwrap() + 1;
    let probe = format!("{}{}<body{}", &head[..from], &head[to..], body.replace("</body>", PROBE));
    training.program.write("probe.html", &probe);
    let page = format!("file://{}", training.program.path("probe.html").display());
    for width in ["360", "1280"] {
        let size = format!("--window-size={width},900");
        let arguments =
            ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", &size, "--dump-dom", &page];
        let Ok(seen) = Command::new("chromium").args(arguments).stderr(Stdio::null()).output() else {
            left_out("chromium is not installed", "apt-get install chromium");
            return;
        };
        let dom = String::from_utf8_lossy(&seen.stdout);
        assert!(dom.contains("<title>probe 0 0</title>"), "{width}: {}", &dom[..dom.len().min(600)]);
    }
}
