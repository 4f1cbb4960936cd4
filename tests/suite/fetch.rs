//! Downloads from a server that breaks off, sends false headers and stalls: either the exact bytes arrive, or the
//! reason is named.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fragua::data::config::UrlSource;
use fragua::data::fetch::{Clock, Context, Downloaded, DownloadedFile, FetchError, Limits, Request, download};
use fragua::util::exit::Exit;
use fragua::util::progress::{Progress, Silent, Stage, Unit};
use fragua::util::retry::Backoff;
use fragua::util::sha256::Digest;
use fragua::util::stop::Stop;

use crate::deadline::{LONGEST, wait_until};
use crate::server::{Answer, Asked, Fault, Framing, Server, honest};

/// Time that passes at once, and a list of the waits.
#[derive(Default)]
pub struct Virtual(pub Mutex<Vec<Duration>>);

impl Clock for Virtual {
    fn today(&self) -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap()
    }

    fn jitter(&self) -> f64 {
        1.0
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.lock().unwrap().push(time);
        Box::pin(std::future::ready(()))
    }
}

/// Bytes that repeat nowhere.
pub fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// A download into a new folder, with limits that make small files behave like large ones.
pub struct Play {
    pub folder: tempfile::TempDir,
    pub clock: Virtual,
    pub limits: Limits,
    pub backoff: Backoff,
    pub sha256: Option<Digest>,
    pub size_bytes: Option<u64>,
    pub stop: Stop,
}

impl Play {
    pub fn new() -> Self {
        let limits = Limits {
            connections: 1,
            min_segment_bytes: 32 * 1024,
            piece_bytes: 32 * 1024,
            save_bytes: 64 * 1024,
            // Far longer than a busy machine holds up a test.
            stall_window: Duration::from_secs(20),
            stall_bytes: 1000,
            refill_bytes: 1,
            ..Limits::default()
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Virtual::default(),
            limits,
            backoff: Backoff::default(),
            sha256: None,
            size_bytes: None,
            stop: Stop::default(),
        }
    }

    pub fn hashed(content: &[u8]) -> Self {
        Self { sha256: Some(Digest::of(content)), ..Self::new() }
    }

    /// Gives up a connection soon; for servers that stall.
    pub fn impatient(mut self) -> Self {
        self.limits.stall_window = Duration::from_millis(400);
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn context(&self) -> Context<'_> {
        let mut context = Context::new(&self.stop, &Silent);
        context.clock = &self.clock;
        context.limits = self.limits.clone();
        context.backoff = self.backoff.clone();
        context
    }

    pub fn get(&self, href: &str) -> Result<DownloadedFile, FetchError> {
        let source = UrlSource { href: href.into(), sha256: self.sha256, size_bytes: self.size_bytes };
        match download(&Request::from_url(&source)?, self.path(), &self.context())? {
            Downloaded::File(file) => Ok(file),
            Downloaded::Folder(folder) => panic!("{folder:?}"),
        }
    }

    /// Begins a download that gets no further than the server's first fault.
    pub fn begin(&mut self, href: &str) -> FetchError {
        let patience = std::mem::replace(&mut self.backoff.max_tries, 1);
        let error = self.get(href).unwrap_err();
        self.backoff.max_tries = patience;
        error
    }

    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn waits(&self) -> Vec<u64> {
        self.clock.0.lock().unwrap().iter().map(Duration::as_secs).collect()
    }

    fn hidden(&self, end: &str) -> PathBuf {
        let ends = |path: &PathBuf| path.to_str().unwrap().ends_with(end);
        self.files().into_iter().find(ends).unwrap()
    }
}

const LENGTH: usize = 1_000_003;

/// Serves the file; the first reply as changed by `first`, later ones honestly.
fn faulty_once(content: &[u8], first: impl Fn(Answer) -> Answer + Send + Sync + 'static) -> Server {
    let content = content.to_vec();
    Server::start(move |asked| {
        let answer = honest(asked, &content, "\"v1\"");
        if asked.number == 0 { first(answer) } else { answer }
    })
}

/// Serves the file cut in the first reply; later replies are made by `later` from the honest one.
fn cut_then(content: &[u8], later: impl Fn(&Asked, Answer) -> Answer + Send + Sync + 'static) -> Server {
    let content = content.to_vec();
    Server::start(move |asked| {
        let answer = honest(asked, &content, "\"v1\"");
        if asked.number == 0 { answer.failing(Fault::Cut(600_000)) } else { later(asked, answer) }
    })
}

#[test]
fn a_file_arrives_with_its_name_and_digest_and_is_not_fetched_again() {
    let content = content(LENGTH);
    let server = faulty_once(&content, |answer| answer.with("Content-Disposition", "attachment; filename=\"a b.tar\""));
    let play = Play::hashed(&content);
    let file = play.get(&server.url("/x?id=1")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert_eq!((file.origin.as_str(), file.sha256, file.bytes), ("a b.tar", Digest::of(&content), LENGTH as u64));
    assert_eq!(file.reused_bytes, 0);
    let again = play.get(&server.url("/x?id=1")).unwrap();
    assert_eq!((again.path, again.reused_bytes), (file.path, LENGTH as u64));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn an_empty_file_is_a_file() {
    let server = Server::start(|_| Answer::new(200, ""));
    let play = Play::new();
    let file = play.get(&server.url("/empty.tar")).unwrap();
    assert_eq!((file.bytes, file.sha256), (0, Digest::of(b"")));
}

#[test]
fn a_name_from_the_server_can_not_leave_the_folder() {
    let server = faulty_once(b"data", |a| a.with("Content-Disposition", "attachment; filename=\"../../.ssh/x\""));
    let play = Play::new();
    assert_eq!(play.get(&server.url("/")).unwrap().path, play.path().join("x"));
}

#[test]
fn every_way_to_break_off_is_continued_where_it_was() {
    let content = content(LENGTH);
    for (framing, fault) in [
        (Framing::Length, Fault::Cut(600_000)),
        (Framing::Declared(LENGTH), Fault::Cut(600_000)),
        (Framing::Chunked, Fault::Cut(600_000)),
        (Framing::Length, Fault::Reset(600_000)),
        (Framing::Length, Fault::Stall(600_000)),
        (Framing::Length, Fault::Drip(600_000)),
    ] {
        let server = faulty_once(&content, move |answer| answer.framed(framing).failing(fault));
        let play = match fault {
            Fault::Stall(_) | Fault::Drip(_) => Play::new().impatient(),
            _ => Play::new(),
        };
        let file = play.get(&server.url("/a.tar")).unwrap_or_else(|error| panic!("{framing:?} {fault:?}: {error}"));
        assert_eq!(std::fs::read(&file.path).unwrap(), content, "{framing:?} {fault:?}");
        let asked = server.asked();
        assert_eq!(asked.len(), 2, "{framing:?} {fault:?}");
        if matches!(fault, Fault::Reset(_)) {
            // The kernel throws away what had arrived before the reset and was not read yet: how much is chance.
            continue;
        }
        assert_eq!(asked[1].header("if-range"), Some("\"v1\""));
        let repeated = 600_000_usize.saturating_sub(asked[1].range().unwrap().0);
        assert!(repeated <= 30_000, "{framing:?} {fault:?}: {repeated} bytes sent again");
    }
}

/// Counts as a progress bar does.
#[derive(Default)]
struct Bar {
    stages: Mutex<Vec<String>>,
    position: AtomicU64,
}

impl Progress for Bar {
    fn begin(&self, stage: Stage, total: Option<u64>, _unit: Unit) {
        self.position.store(0, Ordering::SeqCst);
        self.stages.lock().unwrap().push(format!("{} {total:?}", stage.name()));
    }

    fn set_total(&self, total: u64) {
        self.stages.lock().unwrap().push(format!("of {total}"));
    }

    fn advance(&self, amount: u64) {
        self.position.fetch_add(amount, Ordering::SeqCst);
    }

    fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::SeqCst);
    }

    fn end(&self, _summary: &str) {
        self.stages.lock().unwrap().push(format!("done {}", self.position.load(Ordering::SeqCst)));
    }
}

#[test]
fn the_bar_ends_at_the_size_of_the_file_also_after_cuts_and_restarts() {
    let content = content(LENGTH);
    for honours in [true, false] {
        let own = content.clone();
        let server = cut_then(&content, move |asked, answer| match asked.range() {
            Some(_) if !honours => Answer::new(200, own.clone()).with("ETag", "\"v2\""),
            _ => answer,
        });
        let (play, bar) = (Play::new(), Bar::default());
        let source = UrlSource { href: server.url("/a.tar"), sha256: None, size_bytes: None };
        let context = Context { progress: &bar, ..play.context() };
        download(&Request::from_url(&source).unwrap(), play.path(), &context).unwrap();
        let done = format!("done {LENGTH}");
        let stages = bar.stages.into_inner().unwrap();
        assert_eq!(stages.first().unwrap(), "download None");
        assert_eq!(stages.iter().filter(|stage| **stage == done).count(), 2, "download and verify: {stages:?}");
    }
}

#[test]
fn without_a_strong_validator_or_a_digest_nothing_is_appended() {
    let content = content(LENGTH);
    let weaken = |answer: Answer| answer.with("ETag", "W/\"v1\"");
    for (digest, resumed) in [(None, false), (Some(Digest::of(&content)), true)] {
        let own = content.clone();
        let weak = Server::start(move |asked| {
            let answer = weaken(honest(asked, &own, "\"v1\""));
            if asked.number == 0 { answer.failing(Fault::Cut(600_000)) } else { answer }
        });
        let play = Play { sha256: digest, ..Play::new() };
        let file = play.get(&weak.url("/a.tar")).unwrap();
        assert_eq!(std::fs::read(&file.path).unwrap(), content);
        assert_eq!(weak.asked()[1].range().is_some(), resumed);
    }
}

#[test]
fn a_body_without_an_end_is_only_taken_when_it_can_be_checked() {
    let content = content(LENGTH);
    let endless = |content: &[u8], fault: Fault| {
        let content = content.to_vec();
        Server::start(move |asked| {
            let fault = if asked.number == 0 { fault } else { Fault::None };
            Answer::new(200, content.clone()).framed(Framing::Nothing).failing(fault)
        })
    };
    let error = Play::new().get(&endless(&content, Fault::None).url("/a.tar")).unwrap_err();
    assert_eq!(error.exit(), Exit::DataRefused);
    assert!(error.to_string().contains("sha256") && error.to_string().contains("size_bytes"), "{error}");
    let sized = || Play { size_bytes: Some(LENGTH as u64), ..Play::new() };
    for fault in [Fault::None, Fault::Cut(600_000)] {
        for play in [Play::hashed(&content), sized()] {
            let file = play.get(&endless(&content, fault).url("/a.tar")).unwrap();
            assert_eq!(std::fs::read(&file.path).unwrap(), content, "{fault:?}");
        }
    }
    let too_long = Play { size_bytes: Some(1000), ..Play::new() };
    let error = too_long.get(&endless(&content, Fault::None).url("/a.tar")).unwrap_err();
    assert!(matches!(error, FetchError::Size { expected: 1000, .. }), "{error}");
}

#[test]
fn a_part_that_does_not_fit_is_never_appended() {
    let old = content(LENGTH);
    type Lie = fn(&Asked, Answer) -> Answer;
    let lies: [(&str, Lie); 5] = [
        ("another offset", |asked, answer| match asked.range() {
            Some((start, _)) => answer.with("Content-Range", format!("bytes {}-{}/{LENGTH}", start - 1, LENGTH - 2)),
            None => answer,
        }),
        ("no offset", |_, answer| answer.without("Content-Range")),
        ("another total", |asked, answer| match asked.range() {
            Some((start, _)) if asked.number == 1 => {
                answer.with("Content-Range", format!("bytes {start}-{}/{}", LENGTH - 1, LENGTH + 1))
            }
            _ => answer,
        }),
        ("another entity tag", |asked, answer| if asked.number == 1 { answer.with("ETag", "\"v2\"") } else { answer }),
        ("the whole file", |asked, answer| match asked.range() {
            Some(_) => Answer::new(200, content(LENGTH)).with("ETag", "\"v1\""),
            None => answer,
        }),
    ];
    for (what, lie) in lies {
        let server = cut_then(&old, lie);
        let play = Play::new();
        let file = play.get(&server.url("/a.tar")).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(std::fs::read(&file.path).unwrap(), old, "{what}");
        assert!(server.asked().len() <= 3, "{what}");
    }
}

#[test]
fn a_file_that_changed_between_two_parts_arrives_as_it_is_now() {
    let old = content(LENGTH);
    let new: Vec<u8> = old.iter().rev().copied().collect();
    let own = new.clone();
    // Whether the server honours If-Range or ignores it.
    for honours in [true, false] {
        let own = own.clone();
        let server = cut_then(&old, move |asked, _| {
            let mut asked = asked.clone();
            if !honours {
                asked.headers.retain(|(name, _)| name != "if-range");
            }
            honest(&asked, &own, "\"v2\"")
        });
        let play = Play::new();
        let file = play.get(&server.url("/a.tar")).unwrap();
        assert_eq!(std::fs::read(&file.path).unwrap(), new);
    }
}

#[test]
fn not_satisfiable_means_complete_or_start_over_and_its_page_is_never_data() {
    let content = content(LENGTH);
    let own = content.clone();
    // All bytes came, but the end of the chunks did not: what follows is a 416.
    let server =
        Server::start(move |asked| honest(asked, &own, "\"v1\"").framed(Framing::Chunked).failing(Fault::Cut(LENGTH)));
    let play = Play::new();
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert_eq!(server.asked()[1].range(), Some((LENGTH, None)));

    let short = content[..500_000].to_vec();
    let own = short.clone();
    let server = cut_then(&content, move |asked, _| honest(asked, &own, "\"v1\""));
    let play = Play::new();
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), short);
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_busy_server_is_obeyed_up_to_a_cap() {
    for (demand, waits) in [
        (None, vec![1, 2]),
        (Some("20"), vec![20, 20]),
        (Some("Sun, 06 Nov 1994 08:50:17 GMT"), vec![40, 40]),
        (Some("315360000"), vec![300, 300]),
        (Some("soon, I promise"), vec![1, 2]),
    ] {
        for status in [429, 503] {
            let server = Server::start(move |asked| {
                let busy = Answer::new(status, "<html>busy</html>");
                match (asked.number, demand) {
                    (0 | 1, Some(demand)) => busy.with("Retry-After", demand),
                    (0 | 1, None) => busy,
                    _ => honest(asked, b"data", "\"v1\""),
                }
            });
            let play = Play::new();
            let file = play.get(&server.url("/a.tar")).unwrap();
            assert_eq!(std::fs::read(&file.path).unwrap(), b"data");
            assert_eq!(play.waits(), waits, "{demand:?}");
        }
    }
}

#[test]
fn a_busy_server_in_the_middle_costs_no_bytes() {
    let content = content(LENGTH);
    let server = cut_then(&content, |asked, answer| match asked.number {
        1 | 2 => Answer::new(503, "<html>busy</html>"),
        _ => answer,
    });
    let play = Play::new();
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert_eq!(server.sent(), (LENGTH + 2 * "<html>busy</html>".len()) as u64);
}

#[test]
fn patience_ends_and_says_what_is_kept() {
    let server = Server::start(|_| Answer::new(503, ""));
    let error = Play::new().get(&server.url("/a.tar")).unwrap_err();
    assert_eq!((error.exit(), server.asked().len()), (Exit::SourceUnreachable, 8));
    assert!(error.next_mirror());
    let content = content(LENGTH);
    let server = cut_then(&content, |_, answer| answer.failing(Fault::Cut(0)));
    let error = Play::new().get(&server.url("/a.tar")).unwrap_err();
    assert_eq!(error.exit(), Exit::TryAgain, "{error}");
    assert!(error.to_string().contains("600 KB are kept"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_a_matter_of_trying_again() {
    let closed = Server::start(|_| Answer::new(200, "")).url("/a.tar");
    let play = Play::new();
    let error = play.get(&closed).unwrap_err();
    assert_eq!((error.exit(), error.next_mirror()), (Exit::TryAgain, true), "{error}");
    assert_eq!(play.waits(), [1, 2, 4, 8, 16, 32, 60], "{error}");
    assert!(error.to_string().contains("nothing accepts connections there ["), "{error}");
}

#[test]
fn a_no_is_taken_at_once() {
    for status in [401, 403, 404, 410, 451] {
        let server = Server::start(move |_| Answer::new(status, "<html>no</html>"));
        let play = Play::new();
        let error = play.get(&server.url("/a.tar")).unwrap_err();
        assert_eq!((error.exit(), server.asked().len()), (Exit::SourceUnreachable, 1), "{error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert!(play.waits().is_empty());
    }
}

#[test]
fn a_wrong_digest_is_fetched_once_more_and_then_put_aside() {
    let content = content(10_000);
    let server = faulty_once(&content, |answer| answer);
    let play = Play::hashed(b"something else");
    let error = play.get(&server.url("/a.tar")).unwrap_err();
    assert_eq!((error.exit(), server.asked().len()), (Exit::DataRefused, 2));
    let (found, expected) = (Digest::of(&content).to_string(), Digest::of(b"something else").to_string());
    assert!(error.to_string().contains(&found) && error.to_string().contains(&expected), "{error}");
    let files = play.files();
    assert_eq!(files, [play.path().join(format!(".bad-{}", &found[..12]))]);
    assert_eq!(std::fs::read(&files[0]).unwrap(), content);
}

#[test]
fn a_digest_that_is_right_the_second_time_is_right() {
    let content = content(10_000);
    let server = faulty_once(&content, |mut answer| {
        answer.body[77] ^= 1;
        answer
    });
    let play = Play::hashed(&content);
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_wrong_size_is_refused_before_the_body() {
    let server = faulty_once(&content(LENGTH), |answer| answer.failing(Fault::Stall(2000)));
    let play = Play { size_bytes: Some(5), ..Play::new() };
    let error = play.get(&server.url("/a.tar")).unwrap_err();
    assert_eq!(error.exit(), Exit::DataRefused);
    assert!(error.to_string().contains("1000003") && error.to_string().contains("expected 5"), "{error}");
}

#[test]
fn a_web_page_is_not_data_whatever_its_name() {
    for (page, exit, word) in [
        ("<!DOCTYPE html><title>Welcome</title>", Exit::DataRefused, "Welcome"),
        ("\n<html><title>Google Drive - Quota exceeded</title>", Exit::TryAgain, "quota"),
        ("<html><form action=\"https://accounts.google.com/signin/x\">", Exit::SourceUnreachable, "signing in"),
        ("<html><form id=download-form action=/download>", Exit::SourceUnreachable, "virus scan"),
    ] {
        let server = Server::start(move |_| Answer::new(200, page).with("Content-Type", "application/octet-stream"));
        let play = Play::new();
        let error = play.get(&server.url("/a.tar")).unwrap_err();
        assert_eq!(error.exit(), exit, "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(server.asked().len(), 1);
    }
    let server = Server::start(|_| Answer::new(200, "\x1f\u{8b}<html>").with("Content-Type", "text/html"));
    assert!(Play::new().get(&server.url("/a.tar")).is_ok());
}

#[test]
fn a_redirect_to_a_sign_in_is_not_followed() {
    let server = Server::start(|_| Answer::redirect("https://accounts.google.com/ServiceLogin?continue=x"));
    let error = Play::new().get(&server.url("/a.tar")).unwrap_err();
    assert!(matches!(error, FetchError::SignIn { .. }), "{error}");
    let circle = Server::start(|_| Answer::redirect("/again"));
    let error = Play::new().get(&circle.url("/a.tar")).unwrap_err();
    assert_eq!(error.exit(), Exit::SourceUnreachable, "{error}");
}

#[test]
fn several_connections_bring_the_same_bytes() {
    let content = content(LENGTH);
    let server = faulty_once(&content, |answer| answer);
    let mut play = Play::hashed(&content);
    play.limits.connections = 4;
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert!(server.asked().len() > 4, "{:?}", server.asked());
    assert!(server.asked()[1..].iter().all(|asked| asked.range().unwrap().1.is_some()));
}

#[test]
fn several_connections_survive_cuts_refusals_and_false_lengths() {
    let expected = content(LENGTH);
    type Lie = fn(&Asked, Answer) -> Answer;
    let lies: [(&str, Lie); 4] = [
        ("cuts", |asked, answer| if asked.number % 3 == 1 { answer.failing(Fault::Cut(20_000)) } else { answer }),
        ("refusals", |asked, answer| if asked.number % 2 == 1 { Answer::new(503, "busy") } else { answer }),
        ("no ranges after all", |asked, answer| match asked.range() {
            Some(_) => Answer::new(200, content(LENGTH)).with("ETag", "\"v1\"").with("Accept-Ranges", "bytes"),
            None => answer,
        }),
        ("shorter parts than asked for", |asked, mut answer| match asked.range() {
            Some((start, _)) => {
                answer.body.truncate(10_000);
                let last = start + answer.body.len() - 1;
                answer.with("Content-Range", format!("bytes {start}-{last}/{LENGTH}"))
            }
            None => answer,
        }),
    ];
    for (what, lie) in lies {
        let own = expected.clone();
        let server = Server::start(move |asked| lie(asked, honest(asked, &own, "\"v1\"")));
        let mut play = Play::hashed(&expected);
        play.limits.connections = 4;
        let file = play.get(&server.url("/a.tar")).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(std::fs::read(&file.path).unwrap(), expected, "{what}");
    }
}

#[test]
fn bytes_that_changed_on_the_disk_are_fetched_again_and_only_those() {
    let content = content(LENGTH);
    let server = cut_then(&content, |_, answer| answer);
    let mut play = Play::new();
    play.begin(&server.url("/a.tar"));
    let path = play.hidden(".part");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100_000] ^= 0x40;
    std::fs::write(&path, bytes).unwrap();
    let sent = server.sent();
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    let piece = 32 * 1024;
    assert!(server.sent() - sent <= (LENGTH - 600_000 + piece) as u64, "{}", server.sent() - sent);
}

#[test]
fn a_state_that_makes_no_sense_costs_the_bytes_but_not_the_file() {
    let content = content(LENGTH);
    for damage in ["", "{", "{\"version\":99}"] {
        let server = cut_then(&content, |_, answer| answer);
        let mut play = Play::new();
        play.begin(&server.url("/a.tar"));
        std::fs::write(play.hidden(".json"), damage).unwrap();
        let file = play.get(&server.url("/a.tar")).unwrap();
        assert_eq!(std::fs::read(&file.path).unwrap(), content);
    }
}

#[test]
fn another_mirror_of_the_same_digest_continues_what_the_first_began() {
    let content = content(LENGTH);
    let first = cut_then(&content, |_, answer| answer.failing(Fault::Cut(0)));
    let mut play = Play::hashed(&content);
    assert!(play.begin(&first.url("/a.tar")).next_mirror());
    let own = content.clone();
    let second = Server::start(move |asked| honest(asked, &own, "\"elsewhere\""));
    let file = play.get(&second.url("/b.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert_eq!((second.sent(), file.reused_bytes), (LENGTH as u64 - 600_000, 600_000));
}

fn folder_holds(folder: &Path, first: &[u8]) -> bool {
    let parts = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    parts
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .any(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(first)))
}

#[test]
fn a_signal_ends_it_while_the_server_stalls_with_all_bytes_kept() {
    let content = content(LENGTH);
    let server = faulty_once(&content, |answer| answer.failing(Fault::Stall(600_000)));
    let mut play = Play::new();
    play.limits.stall_window = LONGEST * 10;
    let stop = play.stop.clone();
    let (folder, first) = (play.path().to_owned(), content[..1000].to_vec());
    let mut is_asked = false;
    server.on_piece(move |sent| {
        if sent == 600_000 && !is_asked {
            wait_until("the first bytes are on disk", || folder_holds(&folder, &first));
            stop.request();
            is_asked = true;
        }
    });
    // Waiting for the stall limit would take longer than a test may.
    let error = play.get(&server.url("/a.tar")).unwrap_err();
    assert_eq!((error.exit(), error.next_mirror()), (Exit::Terminated, false));
    let play = Play { stop: Stop::default(), ..play };
    let file = play.get(&server.url("/a.tar")).unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), content);
    assert!(file.reused_bytes > 0);
}

#[test]
fn a_disk_without_room_is_noticed_before_the_first_byte() {
    let server = faulty_once(&content(LENGTH), |answer| answer);
    let mut play = Play::new();
    play.limits.reserve_bytes = u64::MAX / 2;
    let error = play.get(&server.url("/a.tar")).unwrap_err();
    assert_eq!((error.exit(), error.next_mirror()), (Exit::DiskIo, false));
    assert!(error.to_string().contains(play.path().to_str().unwrap()), "{error}");
}

#[test]
fn no_secret_of_an_address_shows() {
    let server = Server::start(|_| Answer::new(403, ""));
    let closed = Server::start(|_| Answer::new(200, "")).url("/a.tar");
    for url in [server.url("/a.tar"), closed] {
        let error = Play::new().get(&format!("{url}?token=s3cret&X-Amz-Signature=s3cret")).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret"), "{text}");
        let with_password = url.replace("http://", "http://ann:hunter2@");
        let error = Play::new().get(&with_password).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(error.exit() == Exit::Configuration && text.contains("user name or a password"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_redirect_that_can_not_be_followed_is_named() {
    for (to, exit, told) in [
        ("ftp://h.org/a.tar", Exit::SourceUnreachable, "not http or https"),
        ("http://ann:hunter2@h.org/a.tar", Exit::Configuration, "user name or a password"),
        ("/a.tar", Exit::SourceUnreachable, "answered 302: it redirects in a circle"),
    ] {
        let server = Server::start(move |_| Answer::new(302, "").with("Location", to));
        let error = Play::new().get(&server.url("/a.tar")).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(error.exit() == exit && text.contains(told) && !text.contains("hunter2"), "{to}: {text}");
    }
}

/// A typing error in the address: three tries, not a minute and a half.
#[test]
fn a_server_that_does_not_exist_is_not_asked_for_long() {
    let play = Play::new();
    let error = play.get("http://no-such-host.invalid/a.tar").unwrap_err();
    let (text, waits) = (error.to_string(), play.waits());
    assert!(error.next_mirror(), "{text}");
    match error.exit() {
        Exit::SourceUnreachable => assert!(text.contains("no server has this name [") && waits == [1, 2], "{text}"),
        // Without a name server the name may exist.
        _ => assert!(text.contains("could not be looked up [") && waits.len() == 7, "{text}"),
    }
}
