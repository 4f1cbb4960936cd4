//! What a validation or an evaluation of a classifier adds up, and the scores that follow.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::samples::ImageSample;
use crate::metric::better::Better;
use crate::metric::classes::calibration::Calibration;
use crate::metric::classes::confusion::{ClassScores, Confusion};
use crate::metric::classes::interval::wilson;
use crate::metric::document::{Basis, Words};
use crate::metric::score::{ScoreSpec, Show};
use crate::train::task::{Depth, Scores};

/// The score by which evaluations are compared.
pub const PRIMARY: &str = "accuracy";

/// The key of what `metrics.json` has beyond scores.
pub const SECTION: &str = "classes";

/// The choices of the second score.
const CHOICES: usize = 5;

/// The confident errors that are remembered for pictures.
const ERRORS: usize = 60;

/// The most confused pairs that `metrics.json` lists.
const PAIRS: usize = 50;

/// What is measured of a classifier.
#[must_use]
pub fn specs() -> Vec<ScoreSpec> {
    let higher = |name: &str, label: &str, meaning: &str| ScoreSpec::new(name, label, Better::Higher).meaning(meaning);
    vec![
        higher(PRIMARY, "Accuracy", "The share of images whose class has the highest probability.")
            .shown(Show::First)
            .brief("acc"),
        higher("top5", "Top 5", "The share of images whose class is among the five with the highest probability.")
            .shown(Show::Drawn),
        higher(
            "f1_macro",
            "F1, mean over classes",
            "Precision and recall of each class in one number, the mean over all classes.",
        )
        .shown(Show::Drawn),
        higher("balanced_accuracy", "Balanced accuracy", "The mean over the classes of the share that is recognised."),
        ScoreSpec::new("ece", "Calibration error", Better::Lower)
            .meaning("How far the probability of a choice is from how often such choices are right, on average.")
            .shown(Show::Drawn),
    ]
}

/// A choice that was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// The image.
    pub image: ImageSample,
    /// The chosen one.
    pub predicted: usize,
    /// The probability that this was given.
    pub confidence: f64,
}

/// What is added up.
#[derive(Clone, Debug)]
pub struct ClassScoresSum {
    labels: Arc<[String]>,
    depth: Depth,
    /// Who was taken for whom.
    pub confusion: Confusion,
    calibration: Calibration,
    within_choices: u64,
    /// For each record whether the choice, and one of the first choices, was right.
    right: Vec<(usize, [bool; 2])>,
    /// The mistakes that the model was surest of, the surest first.
    pub mistakes: Vec<Mistake>,
}

impl ClassScoresSum {
    /// Without samples, for classes that people call so.
    #[must_use]
    pub fn none(labels: Arc<[String]>, depth: Depth) -> Self {
        let (confusion, calibration) = (Confusion::none(labels.len()), Calibration::default());
        Self { labels, depth, confusion, calibration, within_choices: 0, right: Vec::new(), mistakes: Vec::new() }
    }

    /// Adds an image with the probabilities of all classes. Of equal ones the first is chosen.
    pub fn add(&mut self, image: &ImageSample, probabilities: &[f32]) {
        let truth = image.class;
        let better = |best: usize, class: usize| if probabilities[class] > probabilities[best] { class } else { best };
        let predicted = (0..probabilities.len()).fold(0, better);
        let own = probabilities.get(truth).copied().unwrap_or(0.0);
        let before =
            probabilities.iter().enumerate().filter(|&(class, &other)| other > own || (other == own && class < truth));
        let confidence = probabilities.get(predicted).copied().map_or(0.0, f64::from);
        self.confusion.add(truth, predicted);
        self.calibration.add(confidence, truth == predicted);
        let is_within = before.count() < CHOICES;
        self.within_choices += u64::from(is_within);
        if self.depth == Depth::Evaluation {
            self.right.push((image.record, [truth == predicted, is_within]));
        }
        if truth != predicted && self.depth == Depth::Evaluation {
            self.remember([Mistake { image: image.clone(), predicted, confidence }]);
        }
    }

    fn remember(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.mistakes.extend(mistakes);
        self.mistakes.sort_by(|one, other| {
            other.confidence.total_cmp(&one.confidence).then(one.image.record.cmp(&other.image.record))
        });
        self.mistakes.truncate(ERRORS);
    }
}

impl Scores for ClassScoresSum {
    fn specs(&self) -> Vec<ScoreSpec> {
        specs()
    }

    fn values(&self) -> Vec<Option<f64>> {
        let samples = self.confusion.samples();
        let top = (samples > 0).then(|| self.within_choices as f64 / samples as f64);
        let Self { confusion, calibration, .. } = self;
        vec![confusion.accuracy(), top, confusion.f1_macro(), confusion.balanced_accuracy(), calibration.error()]
    }

    fn merge(&mut self, other: &Self) {
        self.confusion.merge(&other.confusion);
        self.calibration.merge(&other.calibration);
        self.within_choices += other.within_choices;
        self.remember(other.mistakes.iter().cloned());
        self.right.extend(&other.right);
    }

    fn intervals(&self) -> Vec<Option<[f64; 2]>> {
        if self.depth == Depth::Validation {
            return Vec::new();
        }
        let samples = self.confusion.samples();
        vec![wilson(self.confusion.correct(), samples), wilson(self.within_choices, samples), None, None, None]
    }

    fn basis(&self) -> Basis {
        let samples = self.confusion.samples() as usize;
        let words = Words { sample: "image".into(), group: "image".into() };
        Basis { samples, groups: samples, words, ..Basis::default() }
    }

    fn sections(&self) -> Value {
        if self.depth == Depth::Validation {
            return Value::Null;
        }
        json!({ SECTION: Section::of(self) })
    }
}

/// What `metrics.json` has beyond scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// What people call the classes, in the order of the model's outputs.
    pub labels: Vec<String>,
    /// The scores of each class.
    pub by_class: Vec<ClassScores>,
    /// True class, predicted class, count: the most frequent first.
    pub most_confused: Vec<(usize, usize, u64)>,
    /// For each image, in the order of the records: 2 if the choice was right, 1 if one of the first five was, else 0. Two
    /// models of one dataset are compared by these.
    pub right: String,
    /// Images, mean probability of the choice, share of right choices, for ranges of that probability.
    pub reliability: Vec<(u64, f64, f64)>,
}

impl Section {
    fn of(sum: &ClassScoresSum) -> Self {
        Self {
            labels: sum.labels.to_vec(),
            by_class: (0..sum.confusion.classes()).map(|class| sum.confusion.of_class(class)).collect(),
            most_confused: sum.confusion.most_confused(PAIRS),
            right: right(&sum.right),
            reliability: sum.calibration.points().collect(),
        }
    }
}

fn right(records: &[(usize, [bool; 2])]) -> String {
    let mut records = records.to_vec();
    records.sort_unstable();
    let digit = |(_, [first, within]): &(usize, [bool; 2])| match (first, within) {
        (true, _) => '2',
        (false, true) => '1',
        (false, false) => '0',
    };
    records.iter().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Arc<[String]> {
        (0..7).map(|class| class.to_string()).collect()
    }

    fn sum(depth: Depth) -> ClassScoresSum {
        let mut sum = ClassScoresSum::none(labels(), depth);
        let image = |record, class| ImageSample { record, class, repeat: 0, levels: Vec::new() };
        sum.add(&image(0, 2), &[0.0, 0.1, 0.7, 0.1, 0.1, 0.0, 0.0]);
        sum.add(&image(1, 6), &[0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05]);
        sum.add(&image(2, 1), &[0.4, 0.4, 0.1, 0.1, 0.0, 0.0, 0.0]);
        sum
    }

    #[test]
    fn the_first_of_equal_probabilities_is_chosen() {
        let sum = sum(Depth::Validation);
        assert_eq!((sum.confusion.count(1, 0), sum.confusion.count(2, 2), sum.confusion.count(6, 0)), (1, 1, 1));
        let values = sum.values();
        assert_eq!((values[0], values[1]), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(values.len(), specs().len());
        assert!(sum.mistakes.is_empty() && sum.intervals().is_empty() && sum.sections().is_null());
    }

    #[test]
    fn an_evaluation_remembers_the_surest_mistakes_and_how_sure_its_scores_are() {
        let sum = sum(Depth::Evaluation);
        assert_eq!(sum.mistakes.iter().map(|mistake| mistake.image.record).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(sum.intervals().len(), specs().len());
        let section: Section = serde_json::from_value(sum.sections()[SECTION].clone()).unwrap();
        assert_eq!(section.by_class.len(), 7);
        assert_eq!(section.most_confused, [(1, 0, 1), (6, 0, 1)]);
        assert_eq!(section.right, "201");
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let whole = sum(Depth::Evaluation);
        let mut first = ClassScoresSum::none(labels(), Depth::Evaluation);
        first.merge(&whole);
        assert_eq!((first.values(), first.sections()), (whole.values(), whole.sections()));
    }
}
