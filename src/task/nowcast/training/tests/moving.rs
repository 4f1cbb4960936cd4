//! Moving coordinates and random changes: an untrained model is the advection, what is turned is forecast turned, and nothing
//! depends on who is beside whom.

use tch::{Kind, Tensor};

use super::super::testing::{Storms, Trainer, distance, gradient, small};
use crate::data::loader::{LoadedWindow, Position};
use crate::nn::precision::Precision;
use crate::task::nowcast::advection::{Times, forecast};
use crate::task::nowcast::config::{Coordinates, ModelConfig, NowcastConfig, UnetConfig};
use crate::task::nowcast::model::carried::Seen;
use crate::task::nowcast::model::testing::Random;
use crate::task::nowcast::motion::{MotionFinder, normalised};
use crate::task::nowcast::training::augment::Augment;
use crate::train::config::AdamW;
use crate::train::task::{Depth, Scores, Task};

fn moving() -> NowcastConfig {
    let mut config = small();
    config.prepare.size = [28, 24];
    config.coordinates = Coordinates::Lagrangian;
    config.model = ModelConfig::Unet(UnetConfig { base: 3, widths: vec![1, 2], ..UnetConfig::default() });
    config
}

fn changing() -> NowcastConfig {
    let mut config = moving();
    config.augment.flips = true;
    config.augment.shift = Some([-4.0, 10.0]);
    config.augment.crop = Some([16, 16]);
    config
}

#[test]
fn an_untrained_model_is_the_advection_cell_by_cell() {
    let compared =
        [Storms::drifting(moving(), 3), Storms::drifting(moving(), 3).with_clouds_missing()].map(is_advection);
    assert!(compared[0] > 3 * 2 * 28 * 24 / 2 && compared[1] > 3 * 2 * 28 * 24 / 5, "{compared:?} cells");
}

/// Compares an untrained model with the advection, and returns how many cells both know.
fn is_advection(storms: Storms) -> usize {
    let mut task = storms.task(Precision::Bf16);
    let windows = storms.windows();
    let batch = task.collate(&windows, None).unwrap();
    let ours = tch::no_grad(|| task.network.forecast(&batch.seen, Precision::Bf16));
    let mut compared = 0;
    for (window, ours) in windows.iter().zip((0..).map(|index| ours.get(index))) {
        let frames: Vec<Vec<f32>> =
            window.frames().map(|frame| frame.iter().copied().map(normalised).collect()).collect();
        let seen: Vec<&[f32]> = frames[..3].iter().map(Vec::as_slice).collect();
        let times = Times { input_minutes: &[-6.0, -3.0, 0.0], lead_minutes: &[3.0, 6.0] };
        let expected = forecast(&seen, 28, 24, &times, 0.0);
        let ours = Vec::<f32>::try_from(ours.flatten(0, -1)).unwrap();
        for (ours, expected) in ours.iter().zip(&expected).filter(|(_, expected)| !expected.is_nan()) {
            assert!((ours - expected).abs() < 1e-5, "{ours} for {expected}");
            compared += 1;
        }
        let last = Vec::<f32>::try_from(batch.persistence().get(0).get(0).flatten(0, -1)).unwrap();
        assert_ne!(ours[..last.len()], last, "something moves");
    }
    let mut scores = task.scores(Depth::Evaluation);
    let _losses = task.evaluate(&batch, &mut scores).unwrap();
    let values: std::collections::HashMap<String, f64> =
        scores.specs().into_iter().zip(scores.values()).filter_map(|(spec, value)| Some((spec.name, value?))).collect();
    let mut measured = 0;
    for (name, advection) in
        values.iter().filter_map(|(name, value)| Some((name.strip_prefix("advection_csi_")?, value)))
    {
        let model = values[&format!("csi_{name}")];
        assert!((model - advection).abs() < 0.003, "CSI at {name}: {model}, advection {advection}");
        measured += 1;
    }
    assert!(measured > 2, "{measured} thresholds");
    compared
}

#[test]
fn the_gradient_does_not_depend_on_how_a_changed_batch_is_cut() {
    for storms in [Storms::drifting(changing(), 4), Storms::drifting(changing(), 4).with_holes().with_terms()] {
        let windows = storms.windows();
        let mut task = storms.task(Precision::Fp32);
        tch::no_grad(|| drop(task.parameters().values().g_add_scalar_(0.01)));
        let mut of = |parts: &[&[LoadedWindow]]| {
            let place = Some(Position { epoch: 3, next: 0 });
            let batches: Vec<_> = parts.iter().map(|part| task.collate(part, place).unwrap()).collect();
            gradient(&mut task, &batches)
        };
        let (whole, sums) = of(&[&windows]);
        let (parts, part_sums) = of(&[&windows[..1], &windows[1..]]);
        assert!(distance(&parts, &whole) < 5e-6, "{:e}", distance(&parts, &whole));
        assert!(part_sums.iter().zip(&sums).all(|(part, sum)| (part - sum).abs() <= 2e-6 * sum.abs()));
    }
}

#[test]
fn changes_are_a_function_of_the_epoch_and_the_sample() {
    let storms = Storms::drifting(changing(), 4);
    let (windows, task) = (storms.windows(), storms.task(Precision::Fp32));
    let bytes = |windows: &[LoadedWindow], epoch: u64| {
        let batch = task.collate(windows, Some(Position { epoch, next: 7 })).unwrap();
        let parts = [batch.seen.frames().shallow_clone(), batch.target_btcyx];
        parts.map(|part| part.get(-1).copy())
    };
    let one = bytes(&windows, 5);
    assert_eq!(one[0].size(), [3, 1, 16, 16]);
    let alone = bytes(&windows[3..], 5);
    assert!(one[0].equal(&alone[0]) && one[1].equal(&alone[1]), "the samples beside it change nothing");
    assert!(!one[1].equal(&bytes(&windows, 6)[1]), "each epoch has its own changes");
    let mut again = windows[3].clone();
    again.repeat = 1;
    assert!(!one[1].equal(&bytes(&[again], 5)[1]), "a sample that comes twice is changed in two ways");
    let whole = task.collate(&windows, None).unwrap();
    assert_eq!(whole.target_btcyx.size(), [4, 2, 1, 28, 24], "a validation sees whole frames as they are");
}

/// Carrying what was mirrored and turned along ways that were mirrored and turned is mirroring and turning what was carried.
#[test]
fn ways_turn_with_their_frames() {
    let mut config = moving();
    config.prepare.size = [24, 24];
    config.augment.flips = true;
    let storms = Storms::drifting(config.clone(), 6);
    let windows = storms.windows();
    let plain_config = NowcastConfig { augment: Default::default(), ..config.clone() };
    let plain = Storms::drifting(plain_config, 6).task(Precision::Fp32);
    let task = storms.task(Precision::Fp32);
    let zero = Tensor::zeros([1, 4, 1, 24, 24], (Kind::Float, tch::Device::Cpu));
    let carried = |seen: &Seen| match seen {
        Seen::Carried(carried) => (seen.frames().get(0), carried.forecast(&zero, 2).get(0)),
        Seen::Frames(_) => panic!("frames are carried"),
    };
    let augment = Augment::new(&config, 42);
    let mut kinds = std::collections::BTreeSet::new();
    for window in &windows {
        let frames: Vec<&[u8]> = window.frames().collect();
        for epoch in 0..4 {
            let change = augment.draw(epoch, window.number as u64, &frames);
            kinds.insert(format!("{change:?}"));
            let one = std::slice::from_ref(window);
            let before = carried(&plain.collate(one, None).unwrap().seen);
            let after = carried(&task.collate(one, Some(Position { epoch, next: 0 })).unwrap().seen);
            for (before, after) in [(before.0, after.0), (before.1, after.1)] {
                let expected = change.frames(&before).unwrap();
                let error = (&after - &expected).abs().max().double_value(&[]);
                assert!(error < 2e-5, "{change:?}: {error:e}");
            }
        }
    }
    assert!(kinds.len() >= 6, "{kinds:?}");
}

/// What predict does with bytes and minutes, a program without this one does with TorchScript, given the motion.
#[test]
fn a_module_with_the_motion_forecasts_what_predict_does() {
    let config = moving();
    let storms = Storms::drifting(config.clone(), 2);
    let mut task = storms.task(Precision::Fp32);
    let random = Random::of(&config);
    assert!(task.parameters_mut().load_named(&random.tensors).is_complete());
    let bytes: Vec<u8> =
        storms.windows().iter().flat_map(|window| window.frames().take(3).collect::<Vec<_>>().concat()).collect();
    let minutes = vec![-7.0, -3.0, 0.0, 3.0, 7.0];
    let ours = Tensor::from_slice(&task.forecast(&bytes, &[minutes.clone(), minutes.clone()]).unwrap().0)
        .view([2, 2, 1, 28, 24]);
    let (finder, cells) = (MotionFinder::new(&config), 28 * 24);
    let motion: Vec<f32> = bytes
        .chunks_exact(3 * cells)
        .flat_map(|window| {
            let frames: Vec<&[u8]> = window.chunks_exact(cells).collect();
            let motion = finder.find(&frames, &[-7.0, -3.0, 0.0]).motion(28, 24);
            [motion.u, motion.v].concat()
        })
        .collect();
    assert!(motion.iter().any(|speed| speed.abs() > 0.05), "something moves");
    let frames: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte) - 1.0) / 254.0).collect();
    let given = [
        Tensor::from_slice(&frames).view([2, 3, 1, 28, 24]),
        Tensor::from_slice(&motion).view([2, 2, 28, 24]),
        Tensor::from_slice(&minutes).unsqueeze(0).repeat([2, 1]),
    ];
    let theirs = random.module().forward_ts(&given).unwrap();
    let error = (&theirs - &ours).abs().max().double_value(&[]);
    assert!(error < 1e-5, "{error:e}");
}

#[test]
fn what_is_behind_zeros_learns_from_the_step_that_is_announced_on() {
    for (coordinates, expected) in [(Coordinates::Eulerian, 1), (Coordinates::Lagrangian, 2)] {
        let storms = Storms::drifting(NowcastConfig { coordinates, ..moving() }, 2);
        let windows = storms.windows();
        let rates = AdamW { lr: 1e-3, ..AdamW::default() };
        let mut trainer = Trainer::new(storms.task(Precision::Fp32), rates, None);
        assert_eq!(trainer.task.learns_at(), expected);
        for step in 1..=expected {
            trainer.step(&[&windows]);
            assert_eq!(trainer.task.parameters().unused().is_empty(), step == expected, "{coordinates:?}, step {step}");
        }
    }
}
