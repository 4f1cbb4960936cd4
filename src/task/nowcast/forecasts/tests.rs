//! Forecasts: which files there are, and what is refused.

use std::fs;

use super::*;

const SIDE: usize = 16;

fn array(name: &str, shape: &[usize], value: f32) -> NamedValues {
    NamedValues { name: name.into(), shape: shape.into(), values: vec![value; shape.iter().product()] }
}

fn minutes(name: &str, values: &[f32]) -> NamedValues {
    NamedValues { name: name.into(), shape: vec![values.len()], values: values.into() }
}

fn picture(name: &str, predicted: f32) -> Picture {
    Picture {
        name: name.into(),
        arrays: vec![
            array("seen", &[2, SIDE, SIDE], 20.0),
            minutes("seen_minutes", &[-5.0, 0.0]),
            array("observed", &[3, SIDE, SIDE], f32::NAN),
            array("predicted", &[3, SIDE, SIDE], predicted),
            minutes("lead_minutes", &[5.0, 10.0, 15.0]),
        ],
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => found.extend(files(&path).into_iter().map(|below| format!("{name}/{below}"))),
            false => found.push(name),
        }
    }
    found.sort();
    found
}

fn refused(picture: Picture) -> String {
    let folder = tempfile::tempdir().unwrap();
    let event = Event::Pictures { epoch: 0, pictures: vec![picture] };
    let error = Forecasts::new(folder.path()).observe(&event).unwrap_err();
    assert_eq!(error.exit(), Exit::Bug);
    let text = error.to_string();
    text.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn the_best_so_far_and_the_sheet_of_each_epoch_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut forecasts = Forecasts::new(folder.path());
    for (epoch, predicted) in [(0, 10.0), (11, 50.0)] {
        forecasts.observe(&Event::Pictures { epoch, pictures: vec![picture("20131201 level 2", predicted)] }).unwrap();
    }
    let at = |name: &str| fs::read(folder.path().join("forecasts").join(name)).unwrap();
    assert_eq!(
        files(folder.path()),
        [
            "forecasts/20131201_level_2.gif",
            "forecasts/20131201_level_2.png",
            "forecasts/epochs/e0001/20131201_level_2.png",
            "forecasts/epochs/e0012/20131201_level_2.png",
        ]
    );
    assert_eq!(at("20131201_level_2.png"), at("epochs/e0012/20131201_level_2.png"));
    assert_ne!(at("20131201_level_2.png"), at("epochs/e0001/20131201_level_2.png"));
    assert!(at("20131201_level_2.gif").starts_with(b"GIF89a"));
}

#[test]
fn names_become_those_of_files_and_stay_apart() {
    let pictures = ["a/b: ü", "a b", "A_B", "../etc", "", ".", "x"].map(|name| picture(name, 0.0));
    assert_eq!(file_names(&pictures), ["a_b___", "a_b", "A_B-2", "_etc", "forecast", "forecast-2", "x"]);
    assert_eq!(file_name(&"x".repeat(500)).len(), LONGEST_NAME);
}

#[test]
fn a_picture_that_lacks_an_array_is_refused_by_name() {
    for lacking in ["seen", "seen_minutes", "observed", "predicted", "lead_minutes"] {
        let mut picture = picture("storm", 0.0);
        picture.arrays.retain(|array| array.name != lacking);
        let text = refused(picture);
        assert!(text.starts_with(&format!("the picture storm has no array named {lacking}; it has ")), "{text}");
    }
    let none = Picture { name: "storm".into(), arrays: Vec::new() };
    assert_eq!(refused(none), "the picture storm has no array named seen; it has none");
}

#[test]
fn arrays_that_do_not_fit_each_other_are_refused_with_both_sides() {
    let with = |changed: NamedValues| {
        let mut picture = picture("storm", 0.0);
        picture.arrays.iter_mut().filter(|array| array.name == changed.name).for_each(|array| *array = changed.clone());
        refused(picture)
    };
    assert_eq!(
        with(array("predicted", &[3, SIDE, 8], 0.0)),
        "predicted of the picture storm has the shape [3, 16, 8], expected [3, 16, 16]"
    );
    assert_eq!(
        with(minutes("lead_minutes", &[5.0])),
        "observed of the picture storm has the shape [3, 16, 16], expected [1, y, x], as there are so many lead_minutes"
    );
}

#[test]
fn a_picture_that_cannot_be_drawn_does_not_keep_others_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Picture { name: "broken".into(), arrays: Vec::new() };
    let event = Event::Pictures { epoch: 0, pictures: vec![broken, picture("storm", 0.0)] };
    assert!(Forecasts::new(folder.path()).observe(&event).is_err());
    assert!(folder.path().join("forecasts/storm.gif").exists());
}

#[test]
fn other_events_and_no_pictures_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut forecasts = Forecasts::new(folder.path());
    forecasts.observe(&Event::Saving { epoch: 0, step: 0 }).unwrap();
    forecasts.observe(&Event::Pictures { epoch: 0, pictures: Vec::new() }).unwrap();
    assert!(files(folder.path()).is_empty());
}
