//! What an evaluation finds about forecasts whose scores are known.

use super::*;
use crate::task::nowcast::config::NowcastConfig;
use crate::train::task::Depth;
use crate::util::quantity::Quantity;

const SIDE: usize = 24;

fn config() -> NowcastConfig {
    let mut config = NowcastConfig::default();
    (config.prepare.min, config.prepare.max) = (0.0, 254.0);
    config.prepare.size = [SIDE, SIDE];
    (config.windows.input_frames, config.windows.target_frames) = (4, 2);
    config.scores.thresholds = Some(vec![100.0]);
    config.scores.fss_scales_px = vec![1, 5];
    config
}

/// A storm of 6 x 6 cells that moves a cell a frame to the east.
fn storm(frame: usize) -> Vec<u8> {
    let cell = |index: usize| {
        let (row, column, west) = ((index / SIDE) as i32, (index % SIDE) as i32, (4 + frame) as i32);
        // Cells from the border of the storm inwards: softer outside, so that there is a gradient to follow.
        let depth = [row - 8, 13 - row, column - west, west + 5 - column].into_iter().min().unwrap_or(-1);
        if depth >= 0 { (150 + 10 * depth) as u8 } else { 1 }
    };
    (0..SIDE * SIDE).map(cell).collect()
}

fn forecast(frames: &[Vec<u8>]) -> Vec<f32> {
    frames.concat().into_iter().map(|byte| (f32::from(byte) - 1.0) / 254.0).collect()
}

/// A window of an event whose model knows what comes.
fn window(event: usize) -> Window {
    let observed = [storm(4), storm(5)];
    Window {
        place: Place { event, ..Place::default() },
        minutes: (-3..=2).map(|frame| 5.0 * frame as f32).collect(),
        seen: [storm(1), storm(2), storm(3)].concat(),
        forecast: forecast(&observed),
        observed: observed.concat(),
    }
}

fn judged(windows: &[Window]) -> Tally {
    let judge = Judge::new(&config(), &Quantity::default());
    let mut tally = judge.tally(Depth::Evaluation);
    tally.add(&judge, windows);
    tally
}

fn found(windows: &[Window]) -> Verification {
    Verification::of(
        &judged(windows),
        Judge::new(&config(), &Quantity::default()).levels(),
        &["may/1".into(), "may/2".into()],
    )
}

#[test]
fn a_perfect_forecast_beats_advection_which_beats_persistence() {
    let found = found(&[window(0), window(1)]);
    let of = |kind: &str, name: &str| found.forecasts[kind].all_leads[name];
    assert_eq!(of("model", "csi_100"), Some(1.0));
    let [persistence, advection] = ["persistence", "advection"].map(|kind| of(kind, "csi_100").unwrap());
    // 36 cells, of which one column leaves and one enters with each frame: (30 + 24) of (42 + 48).
    assert!((persistence - 54.0 / 90.0).abs() < 1e-9, "{persistence}");
    assert!(advection > persistence + 0.2 && advection <= 1.0, "{advection}");
    assert_eq!(of("model", "psnr_db"), None, "there is no error to compare with");
}

#[test]
fn what_was_added_up_in_parts_is_the_whole_when_it_is_merged() {
    let windows = [window(0), window(1), window(1)];
    let (whole, mut merged) = (judged(&windows), judged(&windows[..1]));
    merged.merge(&judged(&windows[1..]));
    assert_eq!(format!("{merged:?}"), format!("{whole:?}"));
    let mut from_nothing = Judge::new(&config(), &Quantity::default()).tally(Depth::Evaluation);
    from_nothing.merge(&whole);
    assert_eq!(format!("{from_nothing:?}"), format!("{whole:?}"));
}

#[test]
fn each_event_and_each_lead_is_independent() {
    let found = found(&[window(1), window(0), window(1)]);
    let events: Vec<_> = found.events.iter().map(|event| (event.event.as_str(), event.samples)).collect();
    assert_eq!(events, [("may/1", 1), ("may/2", 2)]);
    assert_eq!(found.events[1].sums.events[0].hits, 2 * found.events[0].sums.events[0].hits);
    assert_eq!(found.lead_minutes, [5.0, 10.0]);
    let persistence: Vec<_> =
        found.forecasts["persistence"].by_lead.iter().map(|lead| lead["csi_100"].unwrap()).collect();
    assert!((persistence[0] - 30.0 / 42.0).abs() < 1e-9 && (persistence[1] - 24.0 / 48.0).abs() < 1e-9);
    let model = &found.forecasts["model"].reliability;
    assert_eq!(model.iter().map(|bin| bin.cells).sum::<u64>(), 3 * 2 * (SIDE * SIDE) as u64);
    assert!(model.iter().all(|bin| bin.cells == bin.observed_cells), "it forecasts what comes");
}

#[test]
fn the_short_form_knows_what_the_long_one_knows_of_model_and_persistence() {
    let judge = Judge::new(&config(), &Quantity::default());
    let [short, full] = [Depth::Validation, Depth::Evaluation].map(|depth| {
        let mut tally = judge.tally(depth);
        tally.add(&judge, &[window(0), window(1)]);
        tally
    });
    for kind in [Kind::Model, Kind::Persistence] {
        assert_eq!(short.kinds[&kind], full.kinds[&kind]);
    }
    let advection = |tally: &Tally| tally.kinds[&Kind::Advection].all_leads(judge.levels());
    assert_eq!(advection(&short), advection(&full));
}

#[test]
fn advection_is_computed_once_for_each_window_however_often_it_is_validated() {
    let judge = Judge::new(&config(), &Quantity::default());
    let later = Window { place: Place { event: 0, start: 1, ..Place::default() }, ..window(0) };
    let other_level = Window { place: Place { event: 0, start: 0, slice: 576..1152 }, ..window(0) };
    let windows = [window(0), window(1), later, other_level];
    let validated = || {
        let mut tally = judge.tally(Depth::Validation);
        tally.add(&judge, &windows);
        format!("{tally:?}")
    };
    let first = validated();
    assert_eq!(judge.advected.computed(), windows.len());
    assert_eq!([validated(), validated()], [first.clone(), first.clone()]);
    assert_eq!(judge.advected.computed(), windows.len());
    // The next session computes it again, to the same bytes.
    let mut again = judge.tally(Depth::Validation);
    again.add(&Judge::new(&config(), &Quantity::default()), &windows);
    assert_eq!(format!("{again:?}"), first);
}

#[test]
fn the_model_beside_advection_has_every_threshold_and_the_worst_event_first() {
    // The storm gets faster than it was, which the model knows and advection does not.
    let faster = |event: usize| {
        let observed = [storm(6), storm(9)];
        Window { forecast: forecast(&observed), observed: observed.concat(), ..window(event) }
    };
    let silent = Window { forecast: vec![0.0; 2 * SIDE * SIDE], ..window(1) };
    let found = self::found(&[faster(0), silent]).beside_advection("csi_100", 42);
    let ahead = found.ahead.as_ref().unwrap();
    let above = &ahead.thresholds[0];
    assert_eq!((above.threshold, above.model), (100.0, Some(0.5)), "one of two events is hit");
    assert_eq!(above.advection, found.forecasts["advection"].all_leads["csi_100"]);
    assert_eq!((above.interval, above.until_minutes, above.leads_ahead), (None, None, 0), "two events are too few");
    let worst = &ahead.events[0];
    assert_eq!((worst.event.as_str(), worst.samples, worst.model), ("may/2", 1, Some(0.0)));
    assert_eq!(worst.difference, worst.advection.map(|other| -other));
    assert!(ahead.events[1].difference.is_some_and(|gain| gain > 0.0));
    let advection = found.events[0].advection.as_ref().unwrap();
    assert_eq!(advection.scores(&found.levels)[0], ahead.events[1].advection);

    let perfect = self::found(&[0, 1, 2, 3, 4].map(faster)).beside_advection("csi_100", 42);
    let above = &perfect.ahead.as_ref().unwrap().thresholds[0];
    assert_eq!((above.until_minutes, above.leads_ahead), (Some(10.0), 2));
    let [low, high] = above.interval.unwrap();
    let difference = above.difference.unwrap();
    assert!(difference > 0.0 && (low - difference).abs() < 1e-12 && (high - difference).abs() < 1e-12, "{low} {high}");
}

mod compared {
    use super::*;
    use crate::metric::document::{Basis, DatasetUsed, Metrics, VERSION, Weights};
    use crate::metric::forecast::scores::specs;
    use crate::metric::ordered::Ordered;
    use crate::metric::pooled::Resample;
    use serde_json::json;

    fn metrics(windows: &[Window]) -> Metrics {
        let basis = Basis { groups: 2, samples: windows.len(), ..Basis::default() };
        Metrics {
            format_version: VERSION,
            program: "fragua".into(),
            created: jiff::Timestamp::UNIX_EPOCH,
            task: "nowcast".into(),
            run: None,
            split: "val".into(),
            weights: Weights { file: "best".into(), sha256: "0".into(), step: None },
            dataset: DatasetUsed { name: "storms".into(), fingerprint: "0".into(), side: "val".into(), basis },
            primary: "csi_100".into(),
            metrics: Ordered::default(),
            sections: json!({SECTION: found(windows)}),
        }
    }

    #[test]
    fn the_same_events_are_drawn_for_both_and_other_ones_are_refused() {
        let both = metrics(&[0, 1, 2, 3, 4].map(window));
        let same = Evaluated.differences(&both, &both, 42).unwrap();
        assert_eq!(same.groups, 5);
        let csi = same.intervals.iter().find(|(name, _)| name == "csi_100").unwrap();
        assert_eq!(csi.1, Some([0.0, 0.0]));
        let mut ahead = both.clone();
        let spec = specs(&found(&[window(0)]).levels).into_iter().find(|spec| spec.name == "csi_100").unwrap();
        let measured = [(spec.ahead_of("advection"), Some(0.25), None)];
        ahead.metrics = crate::metric::document::metrics(&measured);
        let same = Evaluated.differences(&ahead, &both, 42).unwrap();
        let last = same.intervals.last().unwrap();
        assert_eq!(last, &("csi_100_ahead_of_advection".to_owned(), Some([0.0, 0.0])), "advection is the same in both");
        let other = metrics(&[window(0)]);
        assert!(Evaluated.differences(&both, &other, 42).unwrap_err().contains("on other events"));
        let mut elsewhere = both.clone();
        elsewhere.sections[SECTION]["levels"]["thresholds"] = json!([90.0]);
        assert!(Evaluated.differences(&both, &elsewhere, 42).unwrap_err().contains("at other thresholds"));
        elsewhere.sections = json!({});
        assert!(Evaluated.differences(&both, &elsewhere, 42).unwrap_err().contains("no sums"));
    }
}
