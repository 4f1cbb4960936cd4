//! Google Drive, played by a server with the pages that the real one shows.

use fragua::data::config::Gdrive;
use fragua::data::fetch::{Context, Downloaded, Endpoints, FetchError, Request, download};
use fragua::util::exit::Exit;
use fragua::util::sha256::Digest;

use crate::fetch::{Play, content};
use crate::server::{Answer, Asked, Fault, Server, honest};

const ID: &str = "1AbC-dEfGhIjKlMnOpQrSt_vWxYz012345";
const LENGTH: usize = 1_000_003;

fn get(play: &Play, server: &Server, id: &str) -> Result<Downloaded, FetchError> {
    let endpoints = Endpoints { drive: Some(server.url("/").parse().unwrap()) };
    let context = Context { endpoints, ..play.context() };
    let source = Gdrive { id: id.into(), sha256: play.sha256, size_bytes: play.size_bytes };
    download(&Request::from_gdrive(&source)?, play.path(), &context)
}

fn bytes(downloaded: Downloaded) -> Vec<u8> {
    match downloaded {
        Downloaded::File(file) => std::fs::read(file.path).unwrap(),
        Downloaded::Folder(folder) => panic!("{folder:?}"),
    }
}

/// The virus-scan page, with a new uuid each time.
fn scan_page(number: usize) -> Answer {
    Answer::new(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body><p \
             class=\"uc-warning-caption\">Google Drive can't scan this file for viruses.</p><form id=\"download-form\" \
             action=\"/download\" method=\"get\"><input type=\"submit\" value=\"Download anyway\"/><input type=\"hidden\" \
             name=\"id\" value=\"{ID}\"><input type=\"hidden\" name=\"export\" value=\"download\"><input type=\"hidden\" \
             name=\"confirm\" value=\"t\"><input type=\"hidden\" name=\"uuid\" value=\"u{number}\"></form></body></html>"
        ),
    )
    .with("Content-Type", "text/html; charset=utf-8")
}

fn named(answer: Answer) -> Answer {
    let header = "attachment; filename=\"radar.tar.gz\"; filename*=UTF-8''rad%C3%A1r%20%28A%29.tar.gz";
    answer.with("Content-Disposition", header)
}

/// A file behind the scan page; `change` makes the reply that carries it.
fn behind_the_scan(content: Vec<u8>, change: impl Fn(&Asked, Answer) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        if asked.path.starts_with("/uc?") {
            assert_eq!(asked.range(), None, "no range of a page");
            return scan_page(asked.number);
        }
        assert!(asked.path.starts_with(&format!("/download?id={ID}&export=download&confirm=t&uuid=u")), "{asked:?}");
        change(asked, named(honest(asked, &content, "\"v1\"")))
    })
}

#[test]
fn a_small_file_comes_at_once_under_its_own_name() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/uc?") => Answer::redirect("/final?id=1").with("Set-Cookie", "NID=7; Path=/"),
        _ if asked.header("cookie") == Some("NID=7") => named(Answer::new(200, "data")),
        _ => Answer::new(404, "no cookie"),
    });
    let play = Play::hashed(b"data");
    let Downloaded::File(file) = get(&play, &server, ID).unwrap() else { panic!() };
    assert_eq!(file.origin, "radár (A).tar.gz");
    assert!(server.asked()[0].header("user-agent").unwrap().contains("Chrome"));
}

#[test]
fn a_big_file_comes_after_the_scan_page() {
    let content = content(LENGTH);
    let server = behind_the_scan(content.clone(), |_, answer| answer);
    let play = Play::hashed(&content);
    let url = format!("https://drive.google.com/file/d/{ID}/view?usp=sharing");
    assert_eq!(bytes(get(&play, &server, &url).unwrap()), content);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn after_a_cut_the_pages_are_followed_again_and_the_rest_is_requested() {
    let content = content(LENGTH);
    let server = behind_the_scan(content.clone(), |asked, answer| match asked.number {
        1 => answer.failing(Fault::Cut(400_000)),
        3 => answer.failing(Fault::Cut(300_000)),
        _ => answer,
    });
    assert_eq!(bytes(get(&Play::new(), &server, ID).unwrap()), content);
    let asked = server.asked();
    let starts: Vec<_> = asked.iter().map(|asked| asked.range().map(|range| range.0)).collect();
    assert_eq!(starts, [None, None, None, Some(400_000), None, Some(700_000)]);
    let uuids: Vec<_> = [1, 3, 5].iter().map(|&n| asked[n].path.rsplit('=').next().unwrap().to_owned()).collect();
    assert_eq!(uuids, ["u0", "u2", "u4"]);
}

#[test]
fn a_small_file_that_was_cut_is_continued_at_the_final_address() {
    let content = content(LENGTH);
    let own = content.clone();
    let server = Server::start(move |asked| match (asked.path.as_str(), asked.number) {
        (path, _) if path.starts_with("/uc?") => Answer::redirect("/final"),
        (_, 1) => named(honest(asked, &own, "\"v1\"")).failing(Fault::Cut(600_000)),
        // A body that is not wanted any more should not be sent in full.
        (_, _) if asked.range().is_none() => named(honest(asked, &own, "\"v1\"")).failing(Fault::Stall(2000)),
        _ => named(honest(asked, &own, "\"v1\"")),
    });
    assert_eq!(bytes(get(&Play::new(), &server, ID).unwrap()), content);
    assert_eq!(server.asked().last().unwrap().range(), Some((600_000, None)));
}

#[test]
fn without_a_validator_the_same_size_is_continued_and_another_is_not() {
    let old = content(LENGTH);
    for grown in [0, 1] {
        let new = content(LENGTH + grown);
        let own = new.clone();
        let server = behind_the_scan(old.clone(), move |asked, answer| match asked.number {
            1 => answer.failing(Fault::Cut(400_000)).without("ETag"),
            _ => named(honest(asked, &own, "\"v2\"")).without("ETag"),
        });
        assert_eq!(bytes(get(&Play::new(), &server, ID).unwrap()), new);
        assert_eq!(server.asked()[3].range(), Some((400_000, None)));
        assert_eq!(server.asked()[3].header("if-range"), None);
    }
}

#[test]
fn a_page_in_place_of_the_rest_is_no_data() {
    let server = Server::start(|asked| match asked.range() {
        Some(_) => Answer::new(200, "<html><title>Google Drive - Quota exceeded</title>"),
        None => named(honest(asked, &content(LENGTH), "\"v1\"")).failing(Fault::Cut(400_000)),
    });
    let error = get(&Play::new(), &server, ID).unwrap_err();
    assert!(matches!(error, FetchError::Quota { .. }), "{error}");
}

#[test]
fn a_server_that_ignores_the_range_is_read_from_the_start() {
    let content = content(LENGTH);
    let own = content.clone();
    let server = behind_the_scan(content.clone(), move |asked, answer| match asked.number {
        1 => answer.failing(Fault::Cut(400_000)),
        _ => named(Answer::new(200, own.clone())),
    });
    assert_eq!(bytes(get(&Play::new(), &server, ID).unwrap()), content);
}

#[test]
fn a_range_that_can_not_be_satisfied_starts_over() {
    let content = content(LENGTH);
    let server = behind_the_scan(content.clone(), |asked, answer| match asked.number {
        1 => answer.failing(Fault::Cut(400_000)),
        3 => Answer::new(416, "<html>416</html>"),
        _ => answer,
    });
    assert_eq!(bytes(get(&Play::new(), &server, ID).unwrap()), content);
}

#[test]
fn a_length_that_is_too_long_is_not_believed() {
    let server = behind_the_scan(content(5000), |_, answer| answer.framed(crate::server::Framing::Declared(6000)));
    let error = get(&Play::new(), &server, ID).unwrap_err();
    assert_ne!(error.exit(), Exit::Done, "{error}");
}

#[test]
fn a_slow_drip_is_left_and_continued() {
    let content = content(LENGTH);
    let server = behind_the_scan(content.clone(), |asked, answer| match asked.number {
        1 => answer.failing(Fault::Drip(500_000)),
        _ => answer,
    });
    assert_eq!(bytes(get(&Play::new().impatient(), &server, ID).unwrap()), content);
}

#[test]
fn every_no_has_its_reason_and_is_asked_once() {
    let quota = "<html><head><title>Google Drive - Quota exceeded</title></head><body><p \
                 class=\"uc-error-caption\">Sorry, you can&#39;t view or download this file at this time.</p></body></html>";
    let other =
        "<html><title>Google Drive - Error</title><p class=\"uc-error-caption\">Algo sali&#243; mal.</p></html>";
    let login = "https://accounts.google.com/ServiceLogin?service=wise";
    let cases: [(Answer, &str, Exit); 6] = [
        (Answer::new(200, quota), "quota", Exit::TryAgain),
        (Answer::new(403, quota), "quota", Exit::TryAgain),
        (Answer::new(200, other), "Algo salió mal.", Exit::SourceUnreachable),
        (Answer::redirect(login), "anyone with the link", Exit::SourceUnreachable),
        (Answer::new(404, "<html>404"), "does not exist", Exit::SourceUnreachable),
        (Answer::new(200, "<html><title>Sorry...</title>"), "web page (\"Sorry...\")", Exit::DataRefused),
    ];
    for (answer, words, exit) in cases {
        let own = answer.clone();
        let server = Server::start(move |_| own.clone());
        let file = format!("https://drive.google.com/file/d/{ID}/view");
        let play = Play::new();
        let error = get(&play, &server, &file).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!((error.exit(), error.next_mirror(), server.asked().len()), (exit, true, 1), "{error}");
        // As a bare id it could be a folder; that it is none does not hide the reason.
        let error = get(&play, &server, ID).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(play.clock.0.lock().unwrap().is_empty(), "nothing was waited for");
    }
}

#[test]
fn a_google_document_is_no_file_and_a_server_error_is_no_document() {
    let document = Server::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/open?") => Answer::redirect("https://docs.google.com/document/d/x/edit"),
        path if path.starts_with("/uc?") => Answer::new(500, ""),
        _ => Answer::new(404, ""),
    });
    let error = get(&Play::new(), &document, ID).unwrap_err();
    assert!(matches!(error, FetchError::Document { .. }), "{error}");
    let trouble = Server::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/open?") => Answer::new(200, "<html>viewer"),
        _ if asked.number < 4 => Answer::new(500, ""),
        _ => named(Answer::new(200, "data")),
    });
    assert_eq!(bytes(get(&Play::new(), &trouble, ID).unwrap()), b"data");
}

#[test]
fn a_scan_page_that_comes_again_and_again_is_left() {
    let server = Server::start(|asked| scan_page(asked.number));
    let error = get(&Play::new(), &server, &format!("https://drive.google.com/uc?id={ID}")).unwrap_err();
    assert!(matches!(error, FetchError::ScanPage { .. }), "{error}");
    assert_eq!(server.asked().len(), 5);
}

/// The list page of a folder.
fn list(title: &str, entries: &[(&str, &str)]) -> Answer {
    let entries: String = entries
        .iter()
        .map(|(href, name)| {
            format!(
                "<div class=\"flip-entry\"><a href=\"{href}\" target=\"_blank\"><div class=\"flip-entry-title\">{name}\
                 </div></a></div>"
            )
        })
        .collect();
    let page = format!("<html><head><title>{title}</title></head><div class=\"flip-entries\">{entries}</div></html>");
    Answer::new(200, page)
}

const FOLDER: &str = "https://drive.google.com/drive/folders/FOLDER-0000000001?usp=sharing";

fn folder_server() -> Server {
    Server::start(|asked| match asked.path.as_str() {
        "/embeddedfolderview?id=FOLDER-0000000001" => list(
            "Radar/2020",
            &[
                ("https://drive.google.com/file/d/FILE-0000000001/view", "a.nc"),
                ("https://drive.google.com/drive/folders/FOLDER-0000000002", "more"),
                ("https://docs.google.com/document/d/DOC-0000000001/edit", "notes"),
            ],
        ),
        // It holds the folder that holds it.
        "/embeddedfolderview?id=FOLDER-0000000002" => list(
            "more",
            &[
                ("https://drive.google.com/file/d/FILE-0000000002/view", "../b.nc"),
                ("https://drive.google.com/drive/folders/FOLDER-0000000002", "itself"),
            ],
        ),
        "/uc?id=FILE-0000000001" => honest(asked, &content(400_000), "\"a\""),
        "/uc?id=FILE-0000000002" => honest(asked, b"second", "\"b\""),
        _ => Answer::new(404, ""),
    })
}

#[test]
fn a_folder_arrives_with_all_below_it() {
    let server = folder_server();
    let play = Play::new();
    let Downloaded::Folder(folder) = get(&play, &server, FOLDER).unwrap() else { panic!() };
    let path = play.path().join("2020");
    assert_eq!(folder.path, path);
    let files: Vec<_> = folder.files.iter().map(|file| file.path.strip_prefix(&path).unwrap().to_owned()).collect();
    assert_eq!(files, ["a.nc", "more/b.nc"].map(std::path::PathBuf::from));
    assert_eq!(std::fs::read(path.join("a.nc")).unwrap(), content(400_000));
    assert_eq!(std::fs::read(path.join("more/b.nc")).unwrap(), b"second");
    let lines = format!("{}  a.nc\n{}  more/b.nc\n", Digest::of(&content(400_000)), Digest::of(b"second"));
    assert_eq!((folder.sha256, folder.bytes), (Digest::of(lines.as_bytes()), 400_006));
    // A second call only lists.
    let before = server.asked().len();
    let Downloaded::Folder(again) = get(&play, &server, FOLDER).unwrap() else { panic!() };
    assert_eq!((again.sha256, again.reused_bytes), (folder.sha256, 400_006));
    assert_eq!(server.asked().len() - before, 2);
}

#[test]
fn a_bare_id_of_a_folder_is_found_out() {
    let server = folder_server();
    assert!(matches!(get(&Play::new(), &server, "FOLDER-0000000001").unwrap(), Downloaded::Folder(_)));
}

#[test]
fn a_file_of_a_folder_is_continued() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/embedded") => {
            list("Radar", &[("https://drive.google.com/file/d/FILE-0000000001/view", "a.nc")])
        }
        _ if asked.number == 1 => honest(asked, &content(400_000), "\"a\"").failing(Fault::Cut(300_000)),
        _ => honest(asked, &content(400_000), "\"a\""),
    });
    let mut play = Play::new();
    play.backoff.max_tries = 1;
    assert_eq!(get(&play, &server, FOLDER).unwrap_err().exit(), Exit::TryAgain);
    let Downloaded::Folder(folder) = get(&play, &server, FOLDER).unwrap() else { panic!() };
    assert_eq!(std::fs::read(&folder.files[0].path).unwrap(), content(400_000));
    assert_eq!(folder.reused_bytes, 300_000);
}

#[test]
fn folders_that_make_no_sense_are_refused_by_name() {
    let file = "https://drive.google.com/file/d/FILE-0000000001/view";
    for (answer, words) in [
        (list("Radar", &[(file, "a.nc"), (file, "sub/a.nc")]), "holds \"a.nc\" twice"),
        (list("Radar", &[(file, "..")]), "can't be a file name"),
        (list("Radar", &[]), "holds no file"),
        (Answer::redirect("https://accounts.google.com/ServiceLogin"), "requires signing in"),
        (Answer::new(404, "<html>"), "does not exist"),
    ] {
        let server = Server::start(move |_| answer.clone());
        let error = get(&Play::new(), &server, FOLDER).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let endless = Server::start(|asked| {
        let below = format!("https://drive.google.com/drive/folders/FOLDER-{:010}", asked.number);
        list("Radar", &[(&below, "below")])
    });
    let error = get(&Play::new(), &endless, FOLDER).unwrap_err();
    assert!(error.to_string().contains("32 folders deep"), "{error}");
    let play = Play::hashed(b"x");
    assert_eq!(get(&play, &folder_server(), FOLDER).unwrap_err().exit(), Exit::Configuration);
}

#[test]
fn a_text_without_an_id_is_a_matter_of_the_configuration() {
    let server = folder_server();
    assert_eq!(get(&Play::new(), &server, "my file").unwrap_err().exit(), Exit::Configuration);
}
