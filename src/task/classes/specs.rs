//! Which scores a classifier has, and what they mean. Not their values.

use serde_json::{Value, json};

use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};
use crate::util::progress::Unit;

/// The score by which evaluations are compared.
pub const ACCURACY: &str = "accuracy";

pub(super) const TOP_5: &str = "top5";
pub(super) const TOP_10: &str = "top10";

/// The numbers of first choices of these two.
pub(super) const CHOICES: [usize; 2] = [5, 10];

/// What a classifier would have in the section `train` where nothing is written, if it is validated: its best weights are those with
/// the best first score, of equal ones with the best second one, and so on; training waits for the first to get better.
#[must_use]
pub fn train_defaults(best_by: &[&str]) -> Value {
    json!({"patience_by": best_by.first(), "min_delta": 1e-4, "checkpoint": {"best_by": best_by}})
}

/// What the loss and its parts are; the first is the loss.
#[must_use]
pub fn parts() -> Vec<ScoreSpec> {
    let part = |name: &str, label: &str, meaning: &str| {
        ScoreSpec::new(name, label, Better::Lower).meaning(meaning).shown(Show::Drawn)
    };
    vec![
        part("loss", "Loss", "The cross entropy with label smoothing and class weights, which training minimises.")
            .brief("loss"),
        part(
            "nll",
            "Negative log likelihood",
            "The cross entropy without smoothing, averaged with the class weights: how improbable the true class seems.",
        ),
    ]
}

/// What is measured of a classifier of so many classes, or all that may be measured, for samples that people call so. Among no
/// more classes than choices, each class is among the choices, which says nothing.
#[must_use]
pub fn specs(unit: Unit, classes: Option<usize>) -> Vec<ScoreSpec> {
    use Better::{Higher, Lower, NearerOne};
    use Show::{Drawn, First, Listed, Table};
    // SAMPLES is what people call them.
    let all = [
        (ACCURACY, "Accuracy", Higher, First, "The share of SAMPLES whose class has the highest probability."),
        (
            TOP_5,
            "Top 5",
            Higher,
            First,
            "The share of SAMPLES whose class is among the five with the highest probability.",
        ),
        (
            TOP_10,
            "Top 10",
            Higher,
            Table,
            "The share of SAMPLES whose class is among the ten with the highest probability.",
        ),
        (
            "balanced_accuracy",
            "Balanced accuracy",
            Higher,
            Drawn,
            "The share of each class that is recognised, the mean over the classes that have SAMPLES: rare classes count as much \
             as frequent ones.",
        ),
        (
            "f1_macro",
            "F1, mean over classes",
            Higher,
            Drawn,
            "Precision and recall of each class in one number, the mean over all classes; a class without SAMPLES counts as 0.",
        ),
        (
            "precision_macro",
            "Precision, mean over classes",
            Higher,
            Listed,
            "Of what was taken for a class, the share that is of it; the mean over all classes.",
        ),
        (
            "recall_macro",
            "Recall, mean over classes",
            Higher,
            Listed,
            "Of the SAMPLES of a class, the share that is recognised; the mean over all classes.",
        ),
        (
            "f1_macro_present",
            "F1, mean over classes with SAMPLES",
            Higher,
            Listed,
            "The same as the mean F1, without classes that have no SAMPLES on this side.",
        ),
        (
            "precision_weighted",
            "Precision, weighted by SAMPLES",
            Higher,
            Listed,
            "The precision of each class, weighted by its SAMPLES.",
        ),
        ("f1_weighted", "F1, weighted by SAMPLES", Higher, Listed, "The F1 of each class, weighted by its SAMPLES."),
        (
            "kappa",
            "Cohen's kappa",
            Higher,
            Table,
            "The agreement with the true classes beyond what the frequencies of both would give by chance: 1 is all, 0 is none.",
        ),
        (
            "ece",
            "Calibration error",
            Lower,
            Drawn,
            "How far the probability of a choice is from how often such choices are right, on average, with the temperature of \
             the weights.",
        ),
        ("ece_raw", "Calibration error without temperature", Lower, Listed, "The same at temperature 1."),
        (
            "brier",
            "Brier score",
            Lower,
            Table,
            "The squared distance of all probabilities from the truth, from 0 (certain and right) to 2 (certain and wrong).",
        ),
        (
            "nll_reported",
            "Negative log likelihood with temperature",
            Lower,
            Table,
            "How improbable the true class seems, with the temperature of the weights.",
        ),
        (
            "temperature",
            "Temperature",
            NearerOne,
            Table,
            "What logits are divided by before they become probabilities, fitted on the validation side: above 1, the model is \
             too sure of itself.",
        ),
    ];
    let says = |name: &str| match (name, classes) {
        (TOP_5, Some(classes)) => classes > CHOICES[0],
        (TOP_10, Some(classes)) => classes > CHOICES[1],
        _ => true,
    };
    let called = |text: &str| text.replace("SAMPLES", unit.many);
    let spec = |(name, label, better, show, meaning): (&str, &str, Better, Show, &str)| {
        let spec = ScoreSpec::new(name, called(label), better).meaning(&called(meaning)).shown(show);
        if name == ACCURACY { spec.brief("acc") } else { spec }
    };
    all.into_iter().filter(|(name, ..)| says(name)).map(spec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_would_always_be_one_is_left_out() {
        let names = |classes| specs(Unit::SAMPLES, classes).into_iter().map(|spec| spec.name).collect::<Vec<_>>();
        assert!(!names(Some(5)).contains(&TOP_5.to_owned()) && names(Some(6)).contains(&TOP_5.to_owned()));
        assert!(!names(Some(10)).contains(&TOP_10.to_owned()) && names(Some(11)).contains(&TOP_10.to_owned()));
        assert_eq!(names(None), names(Some(94)));
        assert_eq!(names(None)[0], ACCURACY);
    }

    #[test]
    fn samples_have_the_name_that_people_give_them() {
        let signs = specs(Unit { one: "sign", many: "signs" }, None);
        assert_eq!(signs[0].meaning, "The share of signs whose class has the highest probability.");
        assert!(signs.iter().any(|spec| spec.label == "F1, mean over classes with signs"));
        assert!(signs.iter().all(|spec| !format!("{} {}", spec.label, spec.meaning).contains("SAMPLES")));
    }
}
