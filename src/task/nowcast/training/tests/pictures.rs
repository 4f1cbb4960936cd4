//! What is shown of a forecast.

use tch::Kind;

use super::super::testing::{Storms, small};
use crate::nn::precision::Precision;
use crate::report::strip::Strip;
use crate::task::nowcast::config::{Levels, Missing};
use crate::task::nowcast::training::Nowcast;
use crate::task::nowcast::training::collate::Batch;
use crate::task::nowcast::training::draw::{Frames, frames};
use crate::train::task::Task;

fn shown(task: &Nowcast, batch: &Batch) -> Vec<Frames> {
    let prediction_btcyx = tch::no_grad(|| task.network.forecast(&batch.seen, Precision::Fp32));
    frames(batch, &prediction_btcyx, &task.names, (task.quantizer, &task.scale)).unwrap()
}

/// Two levels of 2 + 1 frames: the first level is missing in a corner, both in the cell beside it.
fn storms(missing: Missing) -> Storms {
    let mut config = small();
    config.windows.input_frames = 2;
    config.windows.target_frames = 1;
    config.prepare.levels = Levels::Channels(vec![0, 1]);
    config.prepare.missing = missing;
    let mut levels = vec![[vec![1_u8; 256], vec![128; 256]].concat(); 3].concat();
    levels.chunks_exact_mut(512).for_each(|frame| [frame[0], frame[1], frame[257]] = [0; 3]);
    Storms::of(config, 2, vec![levels.clone(), levels])
}

#[test]
fn a_picture_shows_the_strongest_channel_in_dbz_with_the_minutes_of_its_frames() {
    let storms = storms(Missing::Mask);
    let task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let pictures = shown(&task, &batch);
    let names: Vec<&str> = pictures.iter().map(|picture| picture.name.as_str()).collect();
    assert_eq!(names, ["2011-03-13 07:09 UTC 0 levels 0+1", "2011-03-13 07:09 UTC 1 levels 0+1"]);
    let Frames { height, width, seen, seen_minutes, observed, predicted, lead_minutes, .. } = pictures[0].clone();
    assert_eq!((height, width, seen.len(), observed.len(), predicted.len()), (16, 16, 512, 256, 256));
    for cells in [seen, observed] {
        assert_eq!((cells[0], cells[2]), (18.0, 18.0), "the one level that is known there");
        assert!(cells[1].is_nan());
    }
    assert_eq!((seen_minutes, lead_minutes), (vec![-3.0, 0.0], vec![3.0]));
    let network = task.network.forecast(&batch.seen, Precision::Fp32).get(0).get(0).amax([0].as_slice(), false);
    let dbz = (network.to_kind(Kind::Double) * 94.0 - 29.0).flatten(0, -1);
    let dbz = Vec::<f64>::try_from(dbz).unwrap();
    assert!(dbz.iter().zip(&predicted).all(|(dbz, shown)| (dbz - f64::from(*shown)).abs() < 1e-4));
}

#[test]
fn if_missing_means_no_echo_the_weakest_value_is_shown() {
    let storms = storms(Missing::Min);
    let task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let picture = &shown(&task, &batch)[1];
    assert_eq!(picture.observed[..3], [18.0, -29.0, 18.0]);
    let arrays = [&picture.seen, &picture.observed, &picture.predicted];
    assert!(arrays.into_iter().flatten().all(|value| value.is_finite()));
}

#[test]
fn a_sketch_becomes_a_sheet_a_film_and_a_strip_with_the_epoch_in_the_title() {
    let storms = storms(Missing::Mask);
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let sketches = task.draw(&batch).unwrap();
    assert_eq!((sketches.len(), task.pictures()), (2, "forecasts"));
    let drawing = sketches[0].draw("epoch 3").unwrap();
    assert_eq!(drawing.name, sketches[0].name());
    assert!(drawing.caption.contains(", epoch 3: "), "{}", drawing.caption);
    let [("png", sheet), ("gif", film), ("strip.png", strip)] = drawing.files.as_slice() else {
        panic!("not three files")
    };
    assert!(sheet.starts_with(b"\x89PNG") && film.starts_with(b"GIF89a"));
    let strip = Strip::of(strip).unwrap();
    assert_eq!((strip.panels.join(" "), strip.before), ("observed model advection".to_owned(), 2));
    assert_ne!(sketches[0].draw("epoch 4").unwrap().files[0], drawing.files[0], "the title is another one");
}
