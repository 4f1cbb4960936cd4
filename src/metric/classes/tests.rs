//! Every score against scikit-learn, scipy and statsmodels, as tests/fixtures/classes/make.py has saved them.

use serde_json::Value;

use super::agreement::mcnemar;
use super::confusion::Confusion;
use super::interval::wilson;
use super::probabilities::{Probabilities, choice};
use super::temperature::{Logits, fit};

struct Samples {
    expected: Value,
    classes: usize,
    logits: Vec<f32>,
    truths: Vec<u32>,
}

impl Samples {
    fn read() -> Self {
        let expected: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/classes/expected.json")).unwrap();
        let numbers = |value: &Value| value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
        let rows: Vec<Vec<f64>> = expected["logits"].as_array().unwrap().iter().map(numbers).collect();
        let truths: Vec<f64> = numbers(&expected["truth"]);
        let (classes, logits) = (rows[0].len(), rows.concat().into_iter().map(|logit| logit as f32).collect());
        Self { expected, classes, logits, truths: truths.into_iter().map(|truth| truth as u32).collect() }
    }

    fn each(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.logits.chunks_exact(self.classes).zip(self.truths.iter().map(|truth| *truth as usize))
    }

    fn is(&self, name: &str, value: f64) {
        close(name, value, self.expected[name].as_f64().unwrap(), 1e-12);
    }
}

fn close(name: &str, value: f64, expected: f64, within: f64) {
    assert!((value - expected).abs() <= within, "{name} is {value}, expected {expected}");
}

#[test]
fn scores_of_counts_are_those_of_scikit_learn() {
    let samples = Samples::read();
    let mut counts = Confusion::none(samples.classes);
    samples.each().for_each(|(logits, truth)| counts.add(truth, choice(logits)));
    for (truth, row) in samples.expected["confusion"].as_array().unwrap().iter().enumerate() {
        for (predicted, count) in row.as_array().unwrap().iter().enumerate() {
            assert_eq!(Some(counts.count(truth, predicted)), count.as_u64(), "{truth} {predicted}");
        }
    }
    let means = counts.means().unwrap();
    for (name, value) in [
        ("accuracy", counts.accuracy().unwrap()),
        ("precision_macro", means.precision_macro),
        ("recall_macro", means.recall_macro),
        ("f1_macro", means.f1_macro),
        ("f1_macro_present", means.f1_macro_present),
        ("precision_weighted", means.precision_weighted),
        ("recall_weighted", counts.accuracy().unwrap()),
        ("f1_weighted", means.f1_weighted),
        ("balanced_accuracy", means.balanced_accuracy),
        ("kappa", counts.kappa().unwrap()),
    ] {
        samples.is(name, value);
    }
    let classes = counts.by_class();
    for (class, expected) in classes.iter().zip(samples.expected["by_class"].as_array().unwrap()) {
        let got = [class.precision, class.recall, class.f1, class.support as f64];
        for (value, expected) in got.into_iter().zip(expected.as_array().unwrap()) {
            close("by_class", value, expected.as_f64().unwrap(), 1e-12);
        }
    }
    assert!(classes.iter().any(|class| class.support == 0), "a class without samples");
}

#[test]
fn scores_of_probabilities_are_those_of_scikit_learn_at_every_temperature() {
    let samples = Samples::read();
    for expected in samples.expected["probabilities"].as_array().unwrap() {
        let number = |name: &str| expected[name].as_f64().unwrap();
        let mut found = Probabilities::default();
        let (mut first, mut second) = (Probabilities::default(), Probabilities::default());
        for (place, (logits, truth)) in samples.each().enumerate() {
            found.add(logits, truth, number("temperature"));
            let part = if place % 3 == 0 { &mut first } else { &mut second };
            part.add(logits, truth, number("temperature"));
        }
        // Logits are fp32, and sums have 32 bits behind the point.
        close("nll", found.likelihood().unwrap(), number("nll"), 1e-6);
        close("brier", found.brier().unwrap(), number("brier"), 1e-6);
        close("ece", found.calibration.error().unwrap(), number("ece"), 1e-6);
        second.merge(&first);
        assert_eq!(second, found, "any order gives the same");
    }
}

#[test]
fn the_temperature_is_that_of_scipys_minimum() {
    let samples = Samples::read();
    let found = fit(Logits { values: &samples.logits, truths: &samples.truths }).unwrap();
    close("temperature", found, samples.expected["temperature"].as_f64().unwrap(), 2e-6);
}

#[test]
fn intervals_and_tests_are_those_of_scipy_and_statsmodels() {
    let samples = Samples::read();
    let rows = |name: &str| samples.expected[name].as_array().unwrap().clone();
    for row in rows("mcnemar") {
        close("mcnemar", mcnemar(row[0].as_u64().unwrap(), row[1].as_u64().unwrap()), row[2].as_f64().unwrap(), 1e-10);
    }
    for row in rows("wilson") {
        let [low, high] = wilson(row[0].as_u64().unwrap(), row[1].as_u64().unwrap()).unwrap();
        close("wilson", low, row[2].as_f64().unwrap(), 1e-12);
        close("wilson", high, row[3].as_f64().unwrap(), 1e-12);
    }
}

#[test]
fn a_probability_too_small_for_a_number_still_has_a_likelihood() {
    let mut found = Probabilities::default();
    let confidence = found.add(&[2000.0, 0.0], 1, 1.0);
    assert_eq!((confidence, found.brier()), (1.0, Some(2.0)));
    close("nll", found.likelihood().unwrap(), 2000.0, 1e-9);
    assert_eq!(Probabilities::default().likelihood(), None);
}
