//! How bytes are converted: levels, the scale, and cells that are missing.

use tch::{Kind, Tensor};

use super::super::testing::{Storms, distance, gradient, small};
use super::super::{Batch, NowcastError};
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Levels, Missing, NowcastConfig};
use crate::train::task::{Depth, Scores, Task, TaskError};
use crate::util::exit::Exit;

/// Windows of 1 + 1 frames of 1 x 2 cells. No frame of use has so few, but these can be followed by hand.
fn tiny(levels: Levels, missing: Missing) -> NowcastConfig {
    let mut config = small();
    config.prepare.size = [1, 2];
    config.windows.input_frames = 1;
    config.windows.target_frames = 1;
    config.prepare.levels = levels;
    config.prepare.missing = missing;
    config
}

/// One event: two frames of three levels.
fn volumes() -> Vec<u8> {
    let seen = [[1, 0], [50, 0], [20, 0]];
    let observed = [[0, 255], [128, 9], [0, 0]];
    [seen, observed].iter().flatten().flatten().copied().collect()
}

fn batch(levels: Levels, missing: Missing) -> Batch {
    let storms = Storms::of(tiny(levels, missing), 3, vec![volumes()]);
    storms.task(Precision::Fp32).collate(&storms.windows(), None).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1).to_kind(Kind::Float)).unwrap()
}

fn normalised<const N: usize>(bytes: [u8; N]) -> Vec<f32> {
    bytes.iter().map(|&byte| f32::from(byte.max(1) - 1) / 254.0).collect()
}

#[test]
fn a_composite_is_the_strongest_level_of_each_column() {
    let batch = batch(Levels::Composite, Missing::Mask);
    assert_eq!(batch.seen.frames().size(), [1, 1, 1, 1, 2]);
    assert_eq!(floats(batch.seen.frames()), normalised([50, 0]));
    assert_eq!(floats(&batch.target_btcyx), normalised([128, 255]));
    assert_eq!(floats(&batch.known_btcyx.unwrap()), [1.0, 1.0], "a column is known where one of its levels is");
}

#[test]
fn chosen_levels_are_channels_in_their_order() {
    let batch = batch(Levels::Channels(vec![2, 0]), Missing::Mask);
    assert_eq!(batch.seen.frames().size(), [1, 1, 2, 1, 2]);
    assert_eq!(floats(batch.seen.frames()), normalised([20, 0, 1, 0]));
    assert_eq!(floats(&batch.target_btcyx), normalised([0, 0, 0, 255]));
    assert_eq!(floats(&batch.known_btcyx.unwrap()), [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn a_level_of_its_own_is_one_channel() {
    let storms = Storms::of(tiny(Levels::Each, Missing::Mask), 3, vec![volumes()]);
    let task = storms.task(Precision::Fp32);
    for (level, seen, observed, known) in
        [(0, [1, 0], [0, 255], [0.0, 1.0]), (1, [50, 0], [128, 9], [1.0, 1.0]), (2, [20, 0], [0, 0], [0.0, 0.0])]
    {
        let loader = storms.loader(0..1, 2 * level..2 * level + 2);
        let windows: Vec<_> = loader.start(Default::default()).unwrap().map(Result::unwrap).collect();
        let batch = task.collate(&windows, None).unwrap();
        assert_eq!(batch.seen.frames().size(), [1, 1, 1, 1, 2]);
        assert_eq!(floats(batch.seen.frames()), normalised(seen));
        assert_eq!(floats(&batch.target_btcyx), normalised(observed));
        assert_eq!(floats(&batch.known_btcyx.unwrap()), known);
        assert!(task.name(&windows[0]).starts_with(&format!("day/0, level {level}, frames 0 to 1, ")));
    }
}

#[test]
fn if_missing_means_no_echo_everything_is_known() {
    let batch = batch(Levels::Channels(vec![2, 0]), Missing::Min);
    assert!(batch.known_btcyx.is_none());
    assert_eq!(floats(&batch.target_btcyx), normalised([1, 1, 1, 255]));
    assert_eq!(floats(&batch.bytes_btcyx), [20.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 255.0]);
}

#[test]
fn what_a_masked_target_hides_changes_nothing() {
    let storms = Storms::drifting(small(), 3).with_holes();
    let mut task = storms.task(Precision::Fp32);
    let mut of = |hidden: Option<f64>| {
        let mut batch = task.collate(&storms.windows(), None).unwrap();
        let known = batch.known_btcyx.as_ref().unwrap();
        if let Some(hidden) = hidden {
            batch.target_btcyx = batch.target_btcyx.where_scalarother(known, hidden);
        }
        assert!(known.logical_not().count_nonzero(None).int64_value(&[]) > 100);
        let (gradient, sums) = gradient(&mut task, std::slice::from_ref(&batch));
        let mut scores = task.scores(Depth::Validation);
        let parts = Vec::<f64>::try_from(task.evaluate(&batch, &mut scores).unwrap()).unwrap();
        (gradient, sums, parts, format!("{:?}", scores.values()))
    };
    let (gradient, sums, parts, scores) = of(None);
    for hidden in [0.9, -5.0] {
        let changed = of(Some(hidden));
        assert!(changed.0.equal(&gradient));
        assert_eq!((changed.1, changed.2, changed.3), (sums.clone(), parts.clone(), scores.clone()));
    }
    assert!(sums.iter().chain(&parts).all(|part| part.is_finite()));
}

#[test]
fn a_window_of_which_nothing_is_known_teaches_nothing() {
    let config = Storms::drifting(small(), 1).with_holes().config;
    let storms = Storms::of(config, 1, vec![vec![0; 5 * 256]]);
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let (gradient, sums) = gradient(&mut task, &[batch]);
    assert_eq!(gradient.count_nonzero(None).int64_value(&[]), 0);
    assert_eq!(sums, [0.0, 0.0, 1.0]);
}

#[test]
fn a_mask_changes_what_is_learned() {
    let masked = Storms::drifting(small(), 3).with_holes();
    let mut config = masked.config.clone();
    config.prepare.missing = Missing::Min;
    let gradients = [masked.config.clone(), config].map(|config| {
        let storms = Storms { config, ..Storms::drifting(small(), 3).with_holes() };
        let mut task = storms.task(Precision::Fp32);
        let batch = task.collate(&storms.windows(), None).unwrap();
        gradient(&mut task, &[batch]).0
    });
    assert!(distance(&gradients[0], &gradients[1]) > 0.01);
}

#[test]
fn a_window_of_another_shape_is_refused_by_name() {
    let storms = Storms::of(tiny(Levels::Composite, Missing::Min), 3, vec![volumes()]);
    let part = storms.loader(0..1, 0..2);
    let window = part.start(Default::default()).unwrap().next().unwrap().unwrap();
    let error = storms.task(Precision::Fp32).collate(&[window], None).unwrap_err();
    assert!(matches!(error, TaskError::Other { exit: Exit::Bug, .. }));
    assert!(error.to_string().starts_with("day/0, column maximum, frames 0 to 1"), "{error}");
    assert!(error.to_string().contains("it has (2, 2) (frames, bytes of each), expected (2, 6)"), "{error}");
}

#[test]
fn a_dataset_of_another_size_is_refused() {
    let storms = Storms::of(tiny(Levels::Channels(vec![1, 3]), Missing::Min), 3, vec![volumes()]);
    let error = super::super::Nowcast::new(storms.setting(Precision::Fp32)).unwrap_err();
    assert!(matches!(error, NowcastError::Level { level: 3, levels: 3 }));
    let mut setting = storms.setting(Precision::Fp32);
    setting.frames.shape = [3, 2, 1];
    let error = super::super::Nowcast::new(setting).unwrap_err();
    assert!(error.to_string().contains("the frames have [2, 1] rows and columns"), "{error}");
    assert_eq!(error.exit(), Exit::Configuration);
}
