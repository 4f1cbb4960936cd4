//! Verdicts about evaluations that are made for the purpose.

use super::testing::{Means, evaluation};
use super::*;
use crate::metric::better::Better;

fn compared(current: &Metrics, baseline: &Metrics, tolerance: f64) -> Comparison {
    compare(current, baseline, Some(&Means), "accuracy", tolerance)
}

fn decides<'a>(comparison: &'a Comparison, name: &str) -> &'a Compared {
    comparison.metrics.iter().find(|row| row.name == name).unwrap()
}

const EASY: [f64; 6] = [0.12, 0.83, 0.32, 0.63, 0.45, 0.92];
const HARD: [f64; 6] = [0.10, 0.80, 0.30, 0.60, 0.43, 0.90];

#[test]
fn the_same_evaluation_is_within_noise_of_itself() {
    let one = evaluation(&EASY);
    let comparison = compared(&one, &one, 0.01);
    assert_eq!((comparison.verdict, comparison.warnings.len()), (Verdict::WithinNoise, 0));
    let row = &comparison.metrics[0];
    assert_eq!((row.name.as_str(), row.difference, row.noise), ("accuracy", Some(0.0), Some(0.0)));
    assert_eq!((row.noise_from, comparison.unknown_noise), (NoiseFrom::PairedGroups, None));
}

#[test]
fn what_makes_a_group_hard_is_no_noise_if_both_have_the_same_groups() {
    let (easier, harder) = (evaluation(&EASY), evaluation(&HARD));
    let comparison = compared(&easier, &harder, 0.01);
    let row = decides(&comparison, "accuracy");
    assert!(row.noise.unwrap() > 0.0 && row.noise.unwrap() < 0.006, "between 2 and 3 hundredths: {row:?}");
    assert_eq!(comparison.verdict, Verdict::Improved);
    let back = compared(&harder, &easier, 0.01);
    assert_eq!(back.verdict, Verdict::Degraded);
    assert_eq!(compared(&harder, &easier, 0.03).verdict, Verdict::WithinTolerance, "more is tolerated");
    assert_eq!(compared(&harder, &easier, 0.01), back, "the same files give the same answer");
}

#[test]
fn a_difference_inside_its_interval_is_neither_better_nor_worse_however_little_is_tolerated() {
    // 2 hundredths on average, but up in some groups and down in others.
    let (one, other) = (evaluation(&[0.5, 0.4, 0.9, 0.2, 0.7, 0.3]), evaluation(&[0.2, 0.7, 0.5, 0.6, 0.3, 0.58]));
    for (current, baseline) in [(&one, &other), (&other, &one)] {
        let comparison = compared(current, baseline, 0.0);
        let row = decides(&comparison, "accuracy");
        assert!(row.difference.unwrap().abs() > 0.01 && row.noise.unwrap() > row.difference.unwrap().abs(), "{row:?}");
        assert_eq!((row.verdict, comparison.verdict), (Verdict::WithinNoise, Verdict::WithinNoise));
    }
}

#[test]
fn with_too_few_groups_the_noise_is_unknown_and_the_tolerance_decides() {
    let [one, other] = [&EASY[..4], &HARD[..4]].map(evaluation);
    let comparison = compared(&other, &one, 0.01);
    let row = decides(&comparison, "accuracy");
    assert_eq!((row.noise, row.noise_from, row.verdict), (None, NoiseFrom::Unknown, Verdict::Degraded));
    let why = comparison.unknown_noise.unwrap();
    assert_eq!(why, "4 days are too few to tell chance from change, 5 are needed");
    assert_eq!(compared(&other, &one, 0.03).verdict, Verdict::WithinTolerance);
    assert_eq!(compared(&one, &other, 0.01).verdict, Verdict::Improved);
    let mut with_interval = one.clone();
    with_interval.metrics.get_mut("accuracy").unwrap().interval = Some([0.0, 1.0]);
    let row = compared(&with_interval, &with_interval, 0.01).metrics.remove(0);
    assert_eq!((row.noise, row.verdict), (None, Verdict::WithinTolerance), "an interval of so few is none");
}

#[test]
fn other_groups_are_compared_by_the_intervals_of_the_files_and_else_by_the_tolerance() {
    let (mut one, mut other) = (evaluation(&[0.5; 6]), evaluation(&[0.4; 7]));
    let tolerated = compared(&one, &other, 0.02);
    assert_eq!((tolerated.metrics[0].noise, tolerated.verdict), (None, Verdict::Improved));
    assert_eq!(tolerated.unknown_noise.as_deref(), Some("they were measured on other groups"));
    one.metrics.get_mut("accuracy").unwrap().interval = Some([0.44, 0.56]);
    other.metrics.get_mut("accuracy").unwrap().interval = Some([0.32, 0.48]);
    let comparison = compared(&one, &other, 0.02);
    let row = &comparison.metrics[0];
    assert!((row.noise.unwrap() - 0.1).abs() < 1e-12 && row.noise_from == NoiseFrom::Intervals, "{row:?}");
    assert!((row.relative.unwrap() - 0.25).abs() < 1e-12);
    assert_eq!(comparison.unknown_noise, None);
}

#[test]
fn a_score_that_follows_from_no_sums_is_judged_by_the_tolerance_and_says_why() {
    let (one, mut other) = (evaluation(&EASY), evaluation(&EASY));
    other.metrics.get_mut("loss").unwrap().value = Some(0.2);
    let comparison = compare(&one, &other, Some(&Means), "loss", 0.01);
    assert_eq!((comparison.verdict, comparison.metrics[0].name.as_str()), (Verdict::Degraded, "loss"));
    assert_eq!(comparison.unknown_noise.as_deref(), Some("this score does not follow from sums over days"));
    assert!(compare(&one, &one, None, "accuracy", 0.01).unknown_noise.is_some());
}

#[test]
fn each_score_gets_better_its_own_way() {
    let (mut one, mut other) = (evaluation(&EASY), evaluation(&EASY));
    for (name, value, baseline) in [("bias", 1.1, 0.7), ("loss", 0.2, 0.5), ("error", -3.0, 1.0)] {
        one.metrics.get_mut(name).unwrap().value = Some(value);
        other.metrics.get_mut(name).unwrap().value = Some(baseline);
    }
    let comparison = compared(&one, &other, 0.01);
    let verdicts = ["bias", "loss", "error"].map(|name| decides(&comparison, name).verdict);
    assert_eq!(verdicts, [Verdict::Improved, Verdict::Improved, Verdict::Degraded]);
    assert_eq!(decides(&comparison, "bias").better, Better::NearerOne);
}

#[test]
fn what_is_undefined_or_not_there_is_not_available_and_no_error() {
    let (mut one, mut other) = (evaluation(&EASY), evaluation(&EASY));
    one.metrics.get_mut("accuracy").unwrap().value = None;
    other.metrics.get_mut("loss").unwrap().value = None;
    other.metrics.remove("bias");
    let comparison = compared(&one, &other, 0.01);
    assert_eq!(comparison.verdict, Verdict::NotAvailable);
    for name in ["accuracy", "loss", "bias"] {
        assert_eq!(decides(&comparison, name).verdict, Verdict::NotAvailable, "{name}");
    }
    assert_eq!(compare(&one, &other, Some(&Means), "unknown", 0.01).verdict, Verdict::NotAvailable);
}

#[test]
fn scores_keep_the_order_of_their_task_and_those_of_the_baseline_alone_come_last() {
    let (mut one, other) = (evaluation(&EASY), evaluation(&EASY));
    one.metrics.remove("bias");
    let comparison = compare(&one, &other, Some(&Means), "error", 0.01);
    let names: Vec<_> = comparison.metrics.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["error", "accuracy", "loss", "bias"]);
}

#[test]
fn doubts_about_a_comparison_are_reported_with_both_sides() {
    let (one, mut other) = (evaluation(&EASY), evaluation(&EASY));
    other.split = "test".into();
    other.dataset.fingerprint = "fedcba9876543210".into();
    other.dataset.basis.facts = [("crop".to_owned(), "32 x 32".to_owned())].into_iter().collect();
    let warnings = compared(&one, &other, 0.01).warnings;
    assert_eq!(
        warnings,
        [
            "different split: val, the baseline has test",
            "different dataset: letters (0123456789ab), the baseline has letters (fedcba987654)",
            "different crop: 28 x 28, the baseline has 32 x 32",
        ]
    );
}
