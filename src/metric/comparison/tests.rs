//! Verdicts about evaluations that are made for the purpose.

use super::*;
use crate::metric::contingency::Contingency;
use crate::metric::document::{DatasetUsed, EventSums, VERSION, Weights};
use crate::metric::sums::Levels;
use crate::metric::sums::Score;

fn levels() -> Levels {
    Levels { thresholds_dbz: vec![20.0, 35.0], scales_px: vec![1], span_dbz: 94.0 }
}

/// An evaluation of events with so many hits of a hundred.
fn evaluation(hits: &[u64]) -> Metrics {
    let sums = |hits: &u64| {
        let mut sums = LeadSums::none(&levels());
        sums.events[1] = Contingency { hits: *hits, misses: 100 - hits, ..Contingency::default() };
        sums
    };
    let event = |(index, hits)| EventSums { event: format!("event {index}"), samples: 4, sums: sums(hits) };
    let events: Vec<_> = hits.iter().enumerate().map(event).collect();
    let mut total = LeadSums::none(&levels());
    events.iter().for_each(|event| total.add(&event.sums));
    let metric = |score: Score| {
        let Score { name, value, better } = score;
        (name, Metric { value, better, interval: None, baselines: BTreeMap::new() })
    };
    Metrics {
        format_version: VERSION,
        program: "fragua 0.1.0".into(),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        task: "nowcast".into(),
        run: None,
        split: "val".into(),
        weights: Weights { file: "best.safetensors".into(), sha256: "0".into(), step: None },
        dataset: DatasetUsed {
            name: "storms".into(),
            fingerprint: "0123456789abcdef".into(),
            events: hits.len(),
            samples: 4 * hits.len(),
            cells: 0,
            excluded_cells: 0,
            missing: "min".into(),
        },
        primary: "csi_35".into(),
        metrics: total.scores(&levels()).into_iter().map(metric).collect(),
        verification: Some(Verification {
            levels: levels(),
            lead_minutes: Vec::new(),
            forecasts: BTreeMap::new(),
            events,
        }),
    }
}

fn decides<'a>(comparison: &'a Comparison, name: &str) -> &'a Compared {
    comparison.metrics.iter().find(|row| row.name == name).unwrap()
}

#[test]
fn the_same_evaluation_is_within_noise_of_itself() {
    let one = evaluation(&[30, 60, 45]);
    let comparison = compare(&one, &one, "csi_35", 0.01);
    assert_eq!((comparison.verdict, comparison.warnings.len()), (Verdict::WithinNoise, 0));
    let row = &comparison.metrics[0];
    assert_eq!((row.name.as_str(), row.difference, row.noise), ("csi_35", Some(0.0), 0.0));
    assert_eq!(row.noise_from, NoiseFrom::PairedEvents);
    assert_eq!(decides(&comparison, "csi_20").verdict, Verdict::NotAvailable, "0 / 0 on both sides");
}

#[test]
fn what_makes_an_event_hard_is_no_noise_where_both_have_the_same_events() {
    let (harder, easier) = (evaluation(&[10, 80, 30, 60]), evaluation(&[12, 83, 32, 63]));
    let comparison = compare(&easier, &harder, "csi_35", 0.01);
    let row = decides(&comparison, "csi_35");
    assert!((row.difference.unwrap() - 0.025).abs() < 1e-12, "{row:?}");
    assert!(row.noise > 0.0 && row.noise < 0.006, "between 2 and 3 hundredths: {row:?}");
    assert_eq!((row.verdict, comparison.verdict), (Verdict::Improved, Verdict::Improved));
    let back = compare(&harder, &easier, "csi_35", 0.01);
    assert_eq!((decides(&back, "csi_35").verdict, back.verdict), (Verdict::Degraded, Verdict::Degraded));
    assert_eq!(compare(&harder, &easier, "csi_35", 0.03).verdict, Verdict::WithinNoise, "more is tolerated");
    assert_eq!(compare(&harder, &easier, "csi_35", 0.01), back, "the same files give the same answer");
}

#[test]
fn other_events_are_compared_by_the_intervals_of_the_files_and_else_by_the_tolerance() {
    let (mut one, mut other) = (evaluation(&[50, 50]), evaluation(&[40, 40, 40]));
    let tolerated = compare(&one, &other, "csi_35", 0.02);
    assert_eq!((tolerated.metrics[0].noise, tolerated.metrics[0].noise_from), (0.02, NoiseFrom::Tolerance));
    one.metrics.get_mut("csi_35").unwrap().interval = Some([0.44, 0.56]);
    other.metrics.get_mut("csi_35").unwrap().interval = Some([0.32, 0.48]);
    let row = compare(&one, &other, "csi_35", 0.02).metrics.remove(0);
    assert!((row.noise - 0.1).abs() < 1e-12 && row.noise_from == NoiseFrom::Intervals, "{row:?}");
    assert!((row.relative.unwrap() - 0.25).abs() < 1e-12);
}

#[test]
fn a_bias_is_judged_by_its_distance_from_one_and_a_false_alarm_by_being_rarer() {
    let (mut one, mut other) = (evaluation(&[50, 50]), evaluation(&[50, 50]));
    for (name, value, baseline) in [("bias_35", 1.1, 0.7), ("far_35", 0.2, 0.5), ("me_dbz", -3.0, 1.0)] {
        one.metrics.get_mut(name).unwrap().value = Some(value);
        other.metrics.get_mut(name).unwrap().value = Some(baseline);
    }
    let comparison = compare(&one, &other, "csi_35", 0.01);
    let verdicts = ["bias_35", "far_35", "me_dbz"].map(|name| decides(&comparison, name).verdict);
    assert_eq!(verdicts, [Verdict::Improved, Verdict::Improved, Verdict::Degraded]);
}

#[test]
fn what_is_no_number_or_not_there_is_not_available_and_no_error() {
    let (mut one, mut other) = (evaluation(&[50, 50]), evaluation(&[50, 50]));
    one.metrics.get_mut("csi_35").unwrap().value = None;
    other.metrics.get_mut("pod_35").unwrap().value = None;
    other.metrics.remove("bias_35");
    let comparison = compare(&one, &other, "csi_35", 0.01);
    assert_eq!(comparison.verdict, Verdict::NotAvailable);
    for name in ["csi_35", "pod_35", "bias_35"] {
        assert_eq!(decides(&comparison, name).verdict, Verdict::NotAvailable, "{name}");
    }
    assert_eq!(compare(&one, &other, "unknown", 0.01).verdict, Verdict::NotAvailable);
}

#[test]
fn what_makes_a_comparison_doubtful_is_told_with_both_sides() {
    let (one, mut other) = (evaluation(&[50, 50]), evaluation(&[50, 50]));
    other.split = "test".into();
    other.dataset.fingerprint = "fedcba9876543210".into();
    other.dataset.missing = "mask".into();
    other.verification.as_mut().unwrap().levels.thresholds_dbz[0] = 15.0;
    let warnings = compare(&one, &other, "csi_35", 0.01).warnings;
    assert_eq!(
        warnings,
        [
            "another split: val, the baseline has test",
            "another dataset: storms (0123456789ab), the baseline has storms (fedcba987654)",
            "another treatment of missing cells: min, the baseline has mask",
            "another thresholds in dBZ: [20.0, 35.0], the baseline has [15.0, 35.0]",
        ]
    );
}

#[test]
fn scores_are_in_the_order_in_which_people_look_at_them() {
    let mut names = ["ssim", "fss_35_15px", "csi_35", "fss_35_5px", "pod_20", "csi_8.6", "loss"];
    names.sort_by_key(|name| rank(name));
    assert_eq!(names, ["csi_8.6", "csi_35", "pod_20", "fss_35_5px", "fss_35_15px", "ssim", "loss"]);
}
