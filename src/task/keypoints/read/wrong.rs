//! Datasets that are wrong on purpose, and what is said of them.

use super::tests::{Bench, named, npy, npz, real, texts, whole};
use super::*;

#[test]
fn an_archive_that_can_not_be_opened_is_refused_by_its_name() {
    let good = npz(&[("offsets", whole(&[0, 1, 2])), ("labels", whole(&[0, 1])), ("pose", real(&[2, 99]))]);
    let problem = Bench::new(&[("x.npz", &good[..good.len() / 2])]).open().unwrap_err();
    assert!(problem.contains("x.npz is refused: it is truncated"), "{problem}");
    let problem = Bench::new(&[("x.npz", b"PK"), ("notes.json", b"{}")]).open().unwrap_err();
    assert!(problem.contains("x.npz is refused"), "{problem}");
}

#[test]
fn an_array_of_a_configured_stream_with_another_width_is_refused_and_never_left_out() {
    let wrong = [("hand", real(&[2, 85])), ("pose", real(&[2, 99])), ("other", real(&[2, 5]))];
    let good = [("hand", real(&[2, 84])), ("pose", real(&[2, 99])), ("other", real(&[2, 5]))];
    let bench = Bench::new(&[("a/1.npz", &npz(&wrong)), ("b/2.npz", &npz(&good))]);
    let dataset = bench.open().unwrap();
    let reason = dataset.clip(0).unwrap_err().reason;
    assert!(reason.contains("has 85 columns in \"hand\", expected 42 points with 2, 3 or 4 values each"), "{reason}");
    assert_eq!(dataset.clip(1).unwrap().parts.len(), 3, "arrays that no stream has are ignored");

    let about = [("offsets", whole(&[0, 1, 2])), ("labels", whole(&[0, 1]))];
    let problem = Bench::new(&[("x.npz", &npz(&[&about[..], &wrong[..]].concat()))]).open().unwrap_err();
    assert!(problem.contains("x.npz has 85 columns in \"hand\""), "{problem}");
    let dataset = Bench::new(&[("x.npz", &npz(&[&about[..], &good[..]].concat()))]);
    assert_eq!(dataset.open().unwrap().set_aside.len(), 1, "the array that no stream has");
    // Hints of other streams: the hands are none of them, so their width does not matter.
    let hints = Hints { streams: vec![("body".to_owned(), 33)], ..Hints::default() };
    let dataset = Bench::new(&[("x.npz", &npz(&[&about[..], &wrong[..]].concat()))]);
    assert_eq!(dataset.open_with(&hints).unwrap().clip(0).unwrap().parts.len(), 1);
}

#[test]
fn a_stray_array_among_numbered_frames_is_set_aside() {
    let row = npy(&[226], vec![0.5; 226]);
    let names: Vec<String> = (0..12).map(|frame| format!("d/yes/{}/{frame}.npy", frame / 6)).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &row[..])).collect();
    files.push(("d/yes/0/mean.npy", &row));
    let dataset = Bench::new(&files).open().unwrap();
    assert_eq!(
        (dataset.layout, named(&dataset)),
        (Layout::Frames, vec!["yes/0 yes".to_owned(), "yes/1 yes".to_owned()])
    );
    assert_eq!(dataset.set_aside.len(), 1);
    assert!(dataset.set_aside[0].reason.contains("is no frame, expected <class>/<sequence>/<number>.npy"));
}

#[test]
fn a_sample_outside_of_all_folders_is_set_aside_and_a_list_is_not() {
    let row = npy(&[3, 226], vec![0.5; 678]);
    let dataset = Bench::new(&[("a/1.npy", &row), ("b/1.npy", &row), ("lost.npy", &row), ("split.json", b"{}")]);
    let dataset = dataset.open().unwrap();
    let aside: Vec<String> =
        dataset.set_aside.iter().map(|aside| format!("{} {}", aside.place, aside.reason)).collect();
    assert_eq!(aside, ["lost.npy is in no folder of a class, expected <class>/<sample>"]);
    assert_eq!(dataset.entries.len(), 2);
}

#[test]
fn a_class_that_has_two_numbers_is_refused() {
    let names = texts(&["a", "a"]);
    let file = [("offsets", whole(&[0, 1, 2])), ("labels", whole(&[0, 1])), ("names", names), ("pose", real(&[2, 99]))];
    let problem = Bench::new(&[("x.npz", &npz(&file))]).open().unwrap_err();
    assert!(problem.contains("\"names\" with \"a\" twice, expected a class once"), "{problem}");
}
