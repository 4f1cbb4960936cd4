//! What is shown of a forecast.

use tch::Kind;

use super::super::testing::{Storms, small};
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Levels, Missing};
use crate::train::task::{NamedValues, Picture, Task};

fn array<'a>(picture: &'a Picture, name: &str) -> &'a NamedValues {
    picture.arrays.iter().find(|array| array.name == name).unwrap()
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
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let pictures = task.draw(&batch).unwrap();
    let names: Vec<&str> = pictures.iter().map(|picture| picture.name.as_str()).collect();
    assert_eq!(names, ["2011-03-13 07:09 UTC 0 levels 0+1", "2011-03-13 07:09 UTC 1 levels 0+1"]);
    let picture = &pictures[0];
    let (seen, observed) = (array(picture, "seen"), array(picture, "observed"));
    assert_eq!((seen.shape.clone(), observed.shape.clone()), (vec![2, 16, 16], vec![1, 16, 16]));
    for cells in [seen, observed] {
        assert_eq!((cells.values[0], cells.values[2]), (18.0, 18.0), "the one level that is known there");
        assert!(cells.values[1].is_nan());
    }
    assert_eq!(array(picture, "seen_minutes").values, [-3.0, 0.0]);
    assert_eq!(array(picture, "lead_minutes").values, [3.0]);
    let predicted = array(picture, "predicted");
    assert_eq!(predicted.shape, [1, 16, 16]);
    let network = task.network.forward(&batch.input_btcyx, Precision::Fp32).get(0).get(0).amax([0].as_slice(), false);
    let dbz = (network.to_kind(Kind::Double) * 94.0 - 29.0).flatten(0, -1);
    let dbz = Vec::<f64>::try_from(dbz).unwrap();
    assert!(dbz.iter().zip(&predicted.values).all(|(dbz, shown)| (dbz - f64::from(*shown)).abs() < 1e-4));
}

#[test]
fn where_missing_means_no_echo_the_weakest_value_is_shown() {
    let storms = storms(Missing::Min);
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let picture = &task.draw(&batch).unwrap()[1];
    assert_eq!(array(picture, "observed").values[..3], [18.0, -29.0, 18.0]);
    assert!(picture.arrays.iter().all(|array| array.values.iter().all(|value| value.is_finite())));
}
