//! Scores against values computed by hand.

use tch::{Device, Kind, Tensor};

use super::super::collate::Collate;
use super::super::names::Names;
use super::super::scores::{NowcastScores, Origin, windows as as_plain};
use super::super::testing::{Storms, small};
use crate::metric::forecast::scores::specs;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Levels, Missing, NowcastConfig};
use crate::task::nowcast::loss::{self, Expected, NowcastLoss, Reported};
use crate::task::nowcast::verification::Judge;
use crate::train::task::{Depth, Scores, Task};
use crate::util::quantity::Quantity;

const ROWS: usize = 11;
const COLUMNS: usize = 12;

/// Frames whose byte is the reflectivity plus 1. Six cells have values; the others are missing.
fn config() -> NowcastConfig {
    let mut config = small();
    (config.prepare.min, config.prepare.max) = (0.0, 254.0);
    config.prepare.size = [ROWS, COLUMNS];
    config.prepare.missing = Missing::Mask;
    (config.windows.input_frames, config.windows.target_frames) = (1, 1);
    config.scores.thresholds = Some(vec![20.0, 22.5, 40.0, 100.0]);
    config
}

fn frame<T: Copy + Default>(cells: [T; 6]) -> Vec<T> {
    let mut frame = cells.to_vec();
    frame.resize(ROWS * COLUMNS, T::default());
    frame
}

/// A forecast in dBZ for a batch of windows, judged.
fn judged(
    config: &NowcastConfig,
    windows: &[[[u8; 6]; 2]],
    forecast_dbz: &[[f32; 6]],
    cuts: &[usize],
) -> NowcastScores {
    let events = windows.iter().map(|window| window.map(frame).concat()).collect();
    let storms = Storms::of(config.clone(), 1, events);
    let (loaded, judge) = (storms.windows(), Judge::new(config, &Quantity::default()));
    let names = Names::new(storms.setting(Precision::Fp32).frames.events, Levels::Each, ROWS * COLUMNS, 1);
    let collate = Collate::new(config, [1, ROWS, COLUMNS], Device::Cpu, 1).unwrap();
    let forecast: Vec<f32> = forecast_dbz.iter().flat_map(|&cells| frame(cells)).collect();
    let forecast = Tensor::from_slice(&forecast).view([-1, 1, 1, ROWS as i64, COLUMNS as i64]) / 254.0;
    let mut scores = NowcastScores::none(&judge, Depth::Validation, Origin::default());
    let mut from = 0;
    for &count in cuts {
        let batch = collate.batch(&loaded[from..from + count], &[], None).unwrap();
        let forecast = forecast.narrow(0, from as i64, count as i64);
        scores.add(&judge, &as_plain(&batch, &forecast, &judge, &names).unwrap(), count as f64 * 0.25);
        from += count;
    }
    scores
}

fn value(scores: &NowcastScores, name: &str) -> f64 {
    let place = scores.specs().iter().position(|spec| spec.name == name).unwrap();
    scores.values()[place].unwrap_or(f64::NAN)
}

const SEEN: [u8; 6] = [11, 21, 22, 31, 0, 51];
const OBSERVED: [u8; 6] = [11, 21, 26, 31, 41, 0];
const FORECAST_DBZ: [f32; 6] = [21.0, 20.0, 22.0, 10.0, 40.0, 60.0];

#[test]
fn scores_are_those_computed_by_hand() {
    // dBZ seen 10 20 21 30 - 50, observed 10 20 25 30 40 -, forecast 21 20 22 10 40 60: the last cell counts nowhere.
    let scores = judged(&config(), &[[SEEN, OBSERVED]], &[FORECAST_DBZ], &[1]);
    let expected = [
        // Above 20 were cells 2, 3, 4. Forecast: 0, 2, 4. Cell 1 is at 20 in all, which is no event.
        ("csi_20", 2.0 / 4.0),
        ("pod_20", 2.0 / 3.0),
        ("far_20", 1.0 / 3.0),
        ("bias_20", 1.0),
        // Observed 2, 3, 4; forecast 4.
        ("csi_22.5", 1.0 / 3.0),
        // 40 is not above 40, and the 50 and 60 of the last cell don't count.
        ("csi_40", f64::NAN),
        ("csi_100", f64::NAN),
        ("mae_dbz", (11.0 + 0.0 + 3.0 + 20.0 + 0.0) / 5.0),
        ("rmse_dbz", f64::sqrt((121.0 + 9.0 + 400.0) / 5.0)),
        ("me_dbz", (11.0 - 3.0 - 20.0) / 5.0),
        // Seen above 20: cells 2 and 3. What was not seen in cell 4 counts as the weakest value, as the model sees it.
        ("persistence_csi_20", 2.0 / 3.0),
        ("persistence_csi_22.5", 1.0 / 3.0),
        ("persistence_csi_40", f64::NAN),
        ("persistence_csi_100", f64::NAN),
        ("persistence_mae_dbz", (4.0 + 40.0) / 5.0),
        ("persistence_rmse_dbz", f64::sqrt((16.0 + 1600.0) / 5.0)),
        ("persistence_loss", 0.25),
    ];
    for (name, expected) in expected {
        let value = value(&scores, name);
        let same = (value.is_nan() && expected.is_nan()) || (value - expected).abs() < 1e-5;
        assert!(same, "{name}: {value}, expected {expected}");
    }
    assert_eq!(scores.specs()[0].name, "csi_20", "what is told first comes first");
    assert_eq!(scores.values().len(), scores.specs().len());
}

#[test]
fn if_missing_means_no_echo_all_cells_count() {
    let mut config = config();
    config.prepare.missing = Missing::Min;
    let scores = judged(&config, &[[SEEN, OBSERVED]], &[FORECAST_DBZ], &[1]);
    // The last cell: nothing was observed, 60 was forecast, 50 was seen.
    assert_eq!((value(&scores, "csi_20"), value(&scores, "csi_40")), (2.0 / 5.0, 0.0));
    let cells = (ROWS * COLUMNS) as f64;
    assert!((value(&scores, "mae_dbz") - 94.0 / cells).abs() < 1e-5);
    assert!((value(&scores, "persistence_mae_dbz") - 94.0 / cells).abs() < 1e-5);
}

#[test]
fn scores_do_not_depend_on_how_batches_are_cut_or_ordered() {
    let byte = |n: usize| ((n * 37 + n * n * 11) % 120) as u8;
    let window = |w: usize| [0, 1].map(|frame| std::array::from_fn(|cell| byte(w * 12 + frame * 6 + cell)));
    let forecast = |w: usize| std::array::from_fn(|cell| f32::from(byte(w * 6 + cell + 500)) * 0.9);
    let order: Vec<usize> = (0..7).collect();
    let of = |order: &[usize], cuts: &[usize]| {
        let windows: Vec<_> = order.iter().map(|&w| window(w)).collect();
        let forecasts: Vec<_> = order.iter().map(|&w| forecast(w)).collect();
        judged(&config(), &windows, &forecasts, cuts).values()
    };
    let whole = of(&order, &[7]);
    assert!(whole.iter().all(|value| value.is_some_and(f64::is_finite)), "{whole:?}");
    let reversed: Vec<usize> = order.iter().rev().copied().collect();
    for other in [of(&order, &[1; 7]), of(&order, &[3, 4]), of(&reversed, &[2, 5])] {
        assert_eq!(other, whole);
    }
}

#[test]
fn nothing_judged_is_nothing_known() {
    let judge = Judge::new(&config(), &Quantity::default());
    assert!(NowcastScores::none(&judge, Depth::Validation, Origin::default()).values().iter().all(Option::is_none));
}

#[test]
fn persistence_is_judged_by_the_same_loss_and_validation_returns_what_a_step_returns() {
    let storms = Storms::drifting(small(), 3).with_holes();
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let mut scores = task.scores(Depth::Validation);
    let parts = Vec::<f64>::try_from(task.evaluate(&batch, &mut scores).unwrap()).unwrap();
    let forecast = batch.seen.frames().narrow(1, 2, 1).repeat([1, 2, 1, 1, 1]);
    let (quantity, expected, reported) = (Quantity::default(), Expected::default(), Reported::default());
    let setting = loss::Setting {
        config: &storms.config,
        quantity: &quantity,
        expected: &expected,
        reported: &reported,
        device: Device::Cpu,
    };
    let loss = NowcastLoss::new(&setting).unwrap();
    let loss = loss.parts(&forecast, &batch.target_btcyx, batch.known_btcyx.as_ref()).loss_b.mean(Kind::Double);
    let got = value(&scores, "persistence_loss");
    assert!((got / loss.double_value(&[]) - 1.0).abs() < 1e-6, "{got}");
    let step = Vec::<f64>::try_from(task.step(&batch, 1.0).unwrap().to_kind(Kind::Double)).unwrap();
    assert_eq!(parts.len(), task.parts().len());
    assert!(parts.iter().zip(&step).all(|(val, train)| (val / train - 1.0).abs() < 1e-6), "{parts:?} {step:?}");
}

#[test]
fn validation_leaves_the_gradient_alone() {
    let storms = Storms::drifting(small(), 2);
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    task.parameters().zero_gradients();
    let mut scores = task.scores(Depth::Validation);
    let parts = task.evaluate(&batch, &mut scores).unwrap();
    drop(task.draw(&batch).unwrap());
    assert!(!parts.requires_grad());
    assert_eq!(task.parameters().gradients().count_nonzero(None).int64_value(&[]), 0);
}

#[test]
fn an_evaluation_measures_every_score_of_every_forecast_and_a_validation_what_is_shown_first() {
    let storms = Storms::drifting(small(), 3);
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let mut of = |depth| {
        let mut scores = task.scores(depth);
        let _parts = task.evaluate(&batch, &mut scores).unwrap();
        scores
    };
    let (short, full) = (of(Depth::Validation), of(Depth::Evaluation));
    let model = specs(&storms.config.scores.levels(&Quantity::default(), &storms.config.prepare)).len();
    assert_eq!(full.specs().len(), 3 * model + 2);
    assert_eq!(short.values()[..=model], full.values()[..=model]);
    let ahead = &full.specs()[model];
    assert_eq!(ahead.name, "csi_35_ahead_of_advection");
    assert_eq!(value(&short, &ahead.name), value(&short, "csi_35") - value(&short, "advection_csi_35"));
    for scores in [&short, &full] {
        assert_eq!(scores.values().len(), scores.specs().len());
    }
    let shared = short.specs().into_iter().filter(|spec| spec.baseline.is_some());
    let same =
        shared.map(|spec| (value(&short, &spec.name), value(&full, &spec.name))).filter(|(one, _)| !one.is_nan());
    assert!(same.clone().count() > 3 && same.clone().all(|(one, other)| one == other));
    assert_eq!(full.intervals().len(), model + 1, "of the model alone, and of how far it is ahead of advection");
    assert!(short.intervals().is_empty(), "a validation has none");
    let basis = full.basis();
    assert_eq!((basis.samples, basis.groups, basis.counted().as_str()), (3, 3, "3 windows of 3 events"));
}

#[test]
fn scores_of_parts_are_merged_to_those_of_the_whole() {
    let storms = Storms::drifting(small(), 4);
    let mut task = storms.task(Precision::Fp32);
    let windows = storms.windows();
    let mut of = |windows: &[crate::data::loader::LoadedWindow]| {
        let mut scores = task.scores(Depth::Evaluation);
        for window in windows {
            let batch = task.collate(std::slice::from_ref(window), None).unwrap();
            let _parts = task.evaluate(&batch, &mut scores).unwrap();
        }
        scores
    };
    let (whole, mut merged) = (of(&windows), of(&windows[..1]));
    merged.merge(&of(&windows[1..]));
    let loss = whole.values().len() - 1;
    assert_eq!(merged.values()[..loss], whole.values()[..loss]);
    assert!((merged.values()[loss].unwrap() - whole.values()[loss].unwrap()).abs() < 1e-12);
    assert_eq!(merged.intervals(), whole.intervals());
    assert_eq!(merged.sections(), whole.sections());
}
