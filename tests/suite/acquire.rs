//! Fetching a dataset with the real program: every kind of file and source, mirrors, refusals, and the messages when
//! something is in the way.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use fragua::data::acquire::{self, AcquireError};
use fragua::data::config::{DataConfig, PathSource, Source, UrlSource};
use fragua::data::loader::LoaderConfig;
use fragua::data::synthetic::Synthetic;
use fragua::util::exit::Exit;
use fragua::util::progress::Silent;
use fragua::util::sha256::Digest;
use fragua::util::stop::Stop;
use fragua::util::surroundings::Surroundings;

use crate::fetch::Virtual;
use crate::program::{Outcome, Program};
use crate::server::{Answer, Server, honest};

const FILES: usize = 6;
const TASK: &str =
    "task:\n  nowcast:\n    prepare: {size: [16, 16]}\n    windows: {input_frames: 2, target_frames: 1}\n";

/// A folder with a small dataset in `s` and as `storms.tar.gz` and `storms.tar.zst`.
pub fn storms() -> Program {
    let program = Program::new();
    let synth = ["synth", "--output", "s", "--events", "2", "--frames", "3", "--grid", "32", "--levels", "1"];
    program.succeed(&[&synth[..], &["--archive", "storms.tar.gz"]].concat());
    fs::rename(program.path("s"), program.path("first")).unwrap();
    program.succeed(&[&synth[..], &["--archive", "storms.tar.zst"]].concat());
    fs::remove_dir_all(program.path("first")).unwrap();
    program
}

impl Program {
    /// Configures these sources, each as written in the list.
    pub fn configure(&self, sources: &[String]) {
        let list: String = sources.iter().map(|source| format!("    - {source}\n")).collect();
        self.write("config.yaml", &format!("data:\n  name: d\n  source:\n{list}{TASK}"));
    }

    pub fn read(&self, below: &str) -> Vec<u8> {
        fs::read(self.path(below)).unwrap()
    }

    fn refused(&self, arguments: &[&str], code: i32, parts: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, code, "{outcome:#?}");
        for part in parts {
            assert!(outcome.stderr.contains(part), "{part:?} is not in {}", outcome.stderr);
        }
        outcome
    }
}

pub fn url(href: &str) -> String {
    format!("url: {{href: \"{href}\"}}")
}

fn hashed(href: &str, content: &[u8]) -> String {
    format!("url: {{href: \"{href}\", sha256: {}}}", Digest::of(content))
}

fn path(path: &str) -> String {
    format!("path: {{path: {path}}}")
}

/// A server that has one file under every path.
fn serving(content: Vec<u8>) -> Server {
    Server::start(move |asked| honest(asked, &content, "\"v1\""))
}

/// Every visible file below a folder by the end of its path, without the folders of an archive above it.
fn radar_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "nc") {
                all.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

fn zipped(folder: &Path) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in radar_files(folder) {
        zip.start_file(format!("e/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_kind_of_file_arrives_and_is_not_requested_again() {
    let program = storms();
    let all = radar_files(&program.path("s"));
    assert_eq!(all.len(), FILES);
    let (name, one) = all.iter().next().map(|(name, bytes)| (name.clone(), bytes.clone())).unwrap();
    let lone = BTreeMap::from([(name.clone(), one.clone())]);
    let kinds = [
        ("a.tar.gz".to_owned(), program.read("storms.tar.gz"), &all),
        ("a.tar.zst".to_owned(), program.read("storms.tar.zst"), &all),
        ("a.zip".to_owned(), zipped(&program.path("s")), &all),
        (name.clone(), one.clone(), &lone),
        (format!("{name}.gz"), gzipped(&one), &lone),
    ];
    for (name, content, expected) in kinds {
        let server = serving(content);
        program.configure(&[url(&server.url(&format!("/{name}")))]);
        let fetched = program.json(&["fetch", "--json"]);
        assert_eq!(fetched["files"], expected.len(), "{name}");
        let asked = server.asked().len();
        assert_eq!(program.json(&["fetch", "--json"]), fetched);
        assert_eq!(server.asked().len(), asked, "{name}");
        assert_eq!(&radar_files(&program.path("datasets/d/raw")), expected, "{name}");
        assert!(!program.path("datasets/d/download").exists());
        fs::remove_dir_all(program.path("datasets")).unwrap();
    }
}

#[test]
fn mirrors_are_tried_in_order_and_each_failure_is_reported() {
    let program = storms();
    let good = program.read("storms.tar.gz");
    let served = good.clone();
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/gone" => Answer::new(404, "gone"),
        "/page" => Answer::new(200, "<!DOCTYPE html><html><title>Sign in</title></html>"),
        "/other" => honest(asked, b"something else", "\"o\""),
        _ => honest(asked, &served, "\"v1\""),
    });
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}/a.tar.gz", nobody.local_addr().unwrap());
    drop(nobody);
    let sources = [
        url(&server.url("/gone")),
        url(&server.url("/page")),
        hashed(&server.url("/other"), &good),
        url(&refused),
        url(&server.url("/a.tar.gz")),
    ];
    program.configure(&sources);
    let outcome = program.succeed(&["fetch"]);
    for part in
        ["/gone answered 404", "web page (\"Sign in\")", "has SHA-256 ", "could not be reached after 3 attempts"]
    {
        assert!(outcome.stderr.contains(part), "{part:?} is not in {}", outcome.stderr);
    }
    assert!(outcome.stdout.contains("/a.tar.gz"), "{}", outcome.stdout);
    assert_eq!(radar_files(&program.path("datasets/d/raw")).len(), FILES);
}

#[test]
fn if_no_mirror_has_it_one_message_names_each() {
    let program = Program::new();
    let server = Server::start(|asked| match asked.path.as_str() {
        "/page" => Answer::new(200, "<html><title>Sign in</title></html>"),
        _ => Answer::new(404, "gone"),
    });
    let (gone, page) = (url(&server.url("/gone")), url(&server.url("/page")));
    for (sources, code) in [([gone.clone(), page.clone()], 69), ([page.clone(), gone], 69), ([page.clone(), page], 65)]
    {
        program.configure(&sources);
        let outcome = program.refused(
            &["fetch"],
            code,
            &["none of the 2 sources has the dataset: (1) http://127.0.0.1", "; (2) "],
        );
        let errors = outcome.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{}", outcome.stderr);
    }
}

/// Acquires in this process, where waiting takes no time.
fn at_once(program: &Program, source: Vec<Source>) -> (Result<acquire::Acquired, AcquireError>, usize) {
    let (clock, stop) = (Virtual::default(), Stop::default());
    let synthesize = |_: &Synthetic, _: &Path| panic!("nothing synthetic is configured");
    let around = Surroundings { stop: &stop, progress: &Silent };
    let mut context = acquire::Context::new(&around, &synthesize, &|_, _| false);
    context.fetch.clock = &clock;
    let config = DataConfig {
        root: program.path("datasets"),
        name: "d".into(),
        source,
        fraction: 1.0,
        loader: LoaderConfig::default(),
    };
    let result = acquire::acquire(&config, &context);
    let waits = clock.0.lock().unwrap().len();
    (result, waits)
}

fn web(href: &str) -> Source {
    Source::Url(UrlSource { href: href.into(), sha256: None, size_bytes: None })
}

#[test]
fn a_mirror_that_does_not_answer_gets_all_patience_only_when_no_other_has_it() {
    let program = Program::new();
    let good = gzipped(b"CDF\x01 as far as anybody can see");
    let server = Server::start(move |asked| match (asked.path.as_str(), asked.number) {
        ("/slow", 0..10) => Answer::new(503, "later"),
        ("/slow", _) => honest(asked, &good, "\"v1\""),
        _ => Answer::new(404, "gone"),
    });
    let (result, waits) = at_once(&program, vec![web(&server.url("/slow")), web(&server.url("/gone"))]);
    assert!(result.unwrap().source.ends_with("/slow"));
    // Three tries before the second mirror was asked, the rest after.
    assert_eq!(waits, 2 + 6);
    assert_eq!(server.asked().iter().position(|asked| asked.path == "/gone"), Some(3));
}

#[test]
fn if_waiting_may_help_the_code_says_so() {
    let program = Program::new();
    let server = Server::start(|_| Answer::new(404, "gone"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}/a.tar.gz", nobody.local_addr().unwrap());
    drop(nobody);
    for sources in [vec![web(&refused), web(&server.url("/gone"))], vec![web(&refused)]] {
        let error = at_once(&program, sources).0.unwrap_err();
        assert_eq!(error.exit(), Exit::TryAgain, "{error}");
    }
}

#[test]
fn a_wrong_hash_shows_both_digests_and_keeps_the_file_aside() {
    let program = storms();
    let server = serving(b"something else".to_vec());
    program.configure(&[hashed(&server.url("/a.tar.gz"), &program.read("storms.tar.gz"))]);
    let (got, expected) = (Digest::of(b"something else"), Digest::of(&program.read("storms.tar.gz")));
    program.refused(&["fetch"], 65, &[&got.to_string(), &expected.to_string(), ".bad-"]);
    let place = program.path("datasets/d/download").join(expected.to_string());
    assert!(fs::read_dir(place).unwrap().any(|file| file.unwrap().file_name().to_str().unwrap().starts_with(".bad-")));
    assert!(!program.path("datasets/d/raw").exists());
}

#[test]
fn data_of_another_source_is_not_taken_for_the_configured_one() {
    let program = storms();
    let good = program.read("storms.tar.gz");
    let server = serving(good.clone());
    let first = server.url("/a.tar.gz?token=1");
    program.configure(&[url(&first)]);
    program.succeed(&["fetch"]);
    // The same content, as far as can be known: a hash added later, a link that was signed again, another mirror.
    for same in
        [hashed(&first, &good), hashed(&server.url("/a.tar.gz?token=2"), &good), hashed("https://h.org/b", &good)]
    {
        program.configure(&[same]);
        program.succeed(&["fetch"]);
    }
    assert_eq!(server.asked().len(), 1);
    let digest = Digest::of(&good).to_string();
    for other in [url(&server.url("/b.tar.gz")), hashed(&first, b"other"), "synthetic: {events: 2}".into()] {
        program.configure(&[other]);
        for command in ["fetch", "inspect"] {
            program.refused(&[command], 78, &["holds data from http://127.0.0.1", &digest, "data.name"]);
        }
    }
}

#[test]
fn a_folder_that_somebody_put_in_place_is_left_alone_and_can_be_used_as_the_message_says() {
    let program = storms();
    let server = serving(program.read("storms.tar.gz"));
    fs::create_dir_all(program.path("datasets/d")).unwrap();
    fs::rename(program.path("s"), program.path("datasets/d/raw")).unwrap();
    let before = radar_files(&program.path("datasets/d/raw"));
    program.configure(&[url(&server.url("/a.tar.gz"))]);
    program.refused(&["fetch"], 78, &["was not put there by fragua", "path: {path: datasets/d/raw}"]);
    assert_eq!(server.asked().len(), 0);
    program.configure(&[path("datasets/d/raw")]);
    program.succeed(&["fetch"]);
    assert_eq!(radar_files(&program.path("datasets/d/raw")), before);
}

#[test]
fn killed_between_the_last_file_and_the_record_it_is_complete_whichever_mirror_it_came_from() {
    let program = storms();
    let good = program.read("storms.tar.gz");
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/gone" => Answer::new(404, "gone"),
        _ => honest(asked, &good, "\"v1\""),
    });
    let archive = format!("file://{}", program.path("storms.tar.gz").display());
    for sources in [vec![url(&server.url("/gone")), url(&server.url("/a.tar.gz"))], vec![url(&archive)]] {
        program.configure(&sources);
        let fetched = program.json(&["fetch", "--json"]);
        let asked = server.asked().len();
        let record = program.read("datasets/d/source.json");
        fs::remove_file(program.path("datasets/d/source.json")).unwrap();
        assert_eq!(program.json(&["fetch", "--json"]), fetched);
        assert_eq!((server.asked().len(), program.read("datasets/d/source.json")), (asked, record));
        fs::remove_dir_all(program.path("datasets")).unwrap();
    }
}

#[test]
fn half_unpacked_and_half_removed_folders_are_never_taken_for_a_dataset() {
    let program = storms();
    let server = serving(program.read("storms.tar.gz"));
    program.configure(&[url(&server.url("/a.tar.gz"))]);
    program.write("datasets/d/.raw.partial/s/1/20140101_000000.nc", "half");
    program.succeed(&["fetch"]);
    let complete = radar_files(&program.path("datasets/d/raw"));
    assert_eq!(complete.len(), FILES);
    assert!(!program.path("datasets/d/.raw.partial").exists());
    fs::remove_dir_all(program.path("datasets/d/raw")).unwrap();
    let outcome = program.succeed(&["fetch"]);
    assert!(outcome.stderr.contains("datasets/d/raw is gone; fetching the dataset again"), "{}", outcome.stderr);
    assert_eq!(radar_files(&program.path("datasets/d/raw")), complete);
    program.write("datasets/d/raw/.manifest.json", "{}");
    program.refused(&["fetch"], 65, &["remove datasets/d/raw to fetch the dataset again"]);
    fs::remove_dir_all(program.path("datasets/d/raw")).unwrap();
    program.succeed(&["fetch"]);
    assert_eq!(radar_files(&program.path("datasets/d/raw")), complete);
}

#[test]
fn a_damaged_archive_is_refused_and_the_next_start_fetches_it_again() {
    let program = storms();
    let good = program.read("storms.tar.gz");
    let server = Server::start(move |asked| match asked.number {
        0 => honest(asked, &good[..good.len() / 2], "\"v1\""),
        _ => honest(asked, &good, "\"v2\""),
    });
    program.configure(&[url(&server.url("/a.tar.gz"))]);
    program.refused(&["fetch"], 65, &["a.tar.gz is refused: it is truncated"]);
    assert!(!program.path("datasets/d/raw").exists() && !program.path("datasets/d/.raw.partial").exists());
    program.succeed(&["fetch"]);
    assert_eq!(radar_files(&program.path("datasets/d/raw")).len(), FILES);
}

#[test]
fn an_archive_damaged_on_the_disk_before_it_was_unpacked_is_fetched_again() {
    let program = storms();
    let content = program.read("storms.tar.gz");
    let server = serving(content.clone());
    let href = server.url("/a.tar.gz");
    program.configure(&[url(&href)]);
    // A file where the unpacking has to happen stops it between arrival and unpacking.
    program.write("datasets/d/.raw.partial", "in the way");
    assert_ne!(program.run(&["fetch"]).code, 0);
    let download = fs::read_dir(program.path("datasets/d/download")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(download.join("a.tar.gz")).unwrap();
    assert_eq!(bytes, content);
    bytes[200] ^= 1;
    fs::write(download.join("a.tar.gz"), bytes).unwrap();
    fs::remove_file(program.path("datasets/d/.raw.partial")).unwrap();
    let outcome = program.succeed(&["fetch"]);
    assert!(outcome.stderr.contains("changed since it was downloaded; fetching it again"), "{}", outcome.stderr);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_folder_is_used_in_place_as_long_as_it_is_there() {
    let program = storms();
    let folder = format!("file://{}", program.path("s").display());
    for source in [path("s"), path("./s/"), url(&folder), path(program.path("s").to_str().unwrap())] {
        program.configure(&[source]);
        let fetched = program.json(&["fetch", "--json"]);
        assert_eq!(fetched["root"], program.path("s").canonicalize().unwrap().to_str().unwrap());
        fs::rename(program.path("s"), program.path("away")).unwrap();
        program.refused(&["fetch"], 69, &["was used in place and is gone; mount or restore it"]);
        fs::rename(program.path("away"), program.path("s")).unwrap();
        program.succeed(&["prepare"]);
        fs::remove_dir_all(program.path("datasets")).unwrap();
    }
}

#[test]
fn a_local_archive_is_checked_and_stays() {
    let program = storms();
    let digest = Digest::of(&program.read("storms.tar.gz"));
    program.configure(&["path: {path: nowhere.tar.gz}".into()]);
    program.refused(&["fetch"], 69, &["nowhere.tar.gz does not exist"]);
    program.configure(&[format!("path: {{path: storms.tar.gz, sha256: {}}}", Digest::of(b"other"))]);
    program.refused(&["fetch"], 65, &[&digest.to_string(), &Digest::of(b"other").to_string()]);
    program.configure(&[format!("path: {{path: storms.tar.gz, sha256: {digest}}}")]);
    program.succeed(&["fetch"]);
    assert_eq!(radar_files(&program.path("datasets/d/raw")), radar_files(&program.path("s")));
    assert!(program.path("storms.tar.gz").exists());
}

#[test]
fn passwords_and_tokens_are_in_no_output_and_no_file() {
    let program = storms();
    let content = program.read("storms.tar.gz");
    let server = Server::start(move |asked| match asked.path.starts_with("/gone") {
        true => Answer::new(404, "gone"),
        false => honest(asked, &content, "\"v1\""),
    });
    let secret = |path: &str| server.url(&format!("{path}?sig=S3CRET"));
    program.configure(&[url(&secret("/gone")), url(&secret("/a.tar.gz"))]);
    for more in [&[][..], &["--log-format", "json", "--verbose"], &["--json"]] {
        let outcome = program.succeed(&[&["fetch"], more].concat());
        assert!(!outcome.stderr.contains("S3CRET") && !outcome.stdout.contains("S3CRET"), "{outcome:#?}");
        let mut folders = vec![program.path("datasets")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.is_dir() {
                    true => folders.push(entry),
                    false => {
                        assert!(!String::from_utf8_lossy(&fs::read(&entry).unwrap()).contains("S3CRET"), "{entry:?}")
                    }
                }
            }
        }
    }
    program.configure(&[url(&secret("/gone")), url(&secret("/gone2"))]);
    let other = program.run(&["fetch", "--set", "data.name=e"]);
    assert!(other.code == 69 && !other.stderr.contains("S3CRET"), "{other:#?}");
    // A user name and a password are not taken at all: they would be in the configuration of every run.
    let before = server.asked().len();
    program.configure(&[url(&server.url("/a.tar.gz").replace("http://", "http://ann:S3CRET@"))]);
    for command in [&["config", "show"][..], &["fetch", "--log-format", "json"], &["train", "--yes"]] {
        let refused = program.run(command);
        assert_eq!(refused.code, 78, "{refused:#?}");
        let told = format!("{}{}", refused.stdout, refused.stderr);
        assert!(told.contains("user name or a password") && told.contains("^^^"), "{told}");
        assert!(!told.contains("S3CRET") && !told.contains("ann:"), "{told}");
    }
    assert_eq!(server.asked().len(), before);
}

#[test]
fn a_lost_frame_is_prepared_again_and_a_damaged_one_named() {
    let program = storms();
    program.configure(&[path("s")]);
    let prepared = program.json(&["prepare", "--json"]);
    let store = program.path(prepared["store"].as_str().unwrap());
    let mut events: Vec<_> =
        fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    events.sort();
    let frame = events[0].join("DBZ/c.1.0.0.0");
    let good = fs::read(&frame).unwrap();
    fs::remove_file(&frame).unwrap();
    let again = program.run(&["prepare", "--json"]);
    assert!(
        again.stderr.contains("c.1.0.0.0 is missing from the prepared dataset; preparing it again"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read(&frame).unwrap(), good);
    for damaged in ["DBZ/zarr.json", "time/zarr.json", "time/manifest.json", "zarr.json"] {
        fs::write(events[0].join(damaged), "{\"zarr").unwrap();
        program.succeed(&["prepare"]);
        assert_eq!(fs::read(&frame).unwrap(), good, "{damaged}");
        program.succeed(&["inspect", "--no-pictures"]);
    }
    let mut bytes = good.clone();
    bytes[good.len() / 2] ^= 4;
    fs::write(&frame, &bytes).unwrap();
    program.refused(
        &["inspect", "--no-pictures"],
        65,
        &["c.1.0.0.0 is damaged", "remove the folder of its event and prepare again"],
    );
    fs::remove_dir_all(&events[0]).unwrap();
    program.succeed(&["prepare"]);
    assert_eq!(fs::read(&frame).unwrap(), good);
    program.succeed(&["inspect", "--no-pictures"]);
}

#[test]
fn file_addresses_are_paths_of_this_machine() {
    let program = storms();
    let source = Source::Path(PathSource { path: program.path("s"), sha256: None });
    let (acquired, _) = at_once(&program, vec![source]);
    assert_eq!(acquired.unwrap().manifest, None);
}
