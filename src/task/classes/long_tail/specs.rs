//! Which scores there are of many classes with few samples, and which of them chooses the best weights.

use super::sum::Found;
use crate::metric::better::Better;
use crate::metric::classes::buckets::{Bucket, BucketScores};
use crate::metric::score::{ScoreSpec, Show};
use crate::util::progress::Unit;

/// How many classes are learned.
pub const LEARNED: &str = "learned_words";

/// What chooses the best weights: learned classes, of as many the better mean F1, of the same the lower loss.
pub const BEST_BY: [&str; 3] = [LEARNED, "f1_macro", "loss"];

/// The share of choices of the class that stands for all rare ones.
const OTHER: &str = "other_share";

/// The numbers of a bucket, as scores and as columns of a table.
pub(super) const OF_BUCKETS: [&str; 5] = ["accuracy", "top5", "f1_macro", "f1_macro_present", "predicted"];

/// What is measured of so many classes, or all that may be measured; with a class that stands for all rare ones, if there is one.
#[must_use]
pub fn specs(unit: Unit, classes: Option<usize>, has_other: bool) -> Vec<ScoreSpec> {
    use Better::{Higher, Lower};
    let says = |name: &str| {
        let is_top = name.ends_with("top5");
        (name != OTHER || has_other) && (!is_top || classes.is_none_or(|classes| classes > 5))
    };
    let spec = |(name, label, better, show, meaning): (&str, &str, Better, Show, &str)| {
        ScoreSpec::new(name, label, better).meaning(&meaning.replace("SAMPLES", unit.many)).shown(show)
    };
    // SAMPLES is what people call them.
    let whole = [
        (
            LEARNED,
            "Learned classes",
            Higher,
            Show::First,
            "The number of classes with at least 2 SAMPLES on this side whose precision, recall and F1 are all at least 0.5.",
        ),
        (
            "learned_words_share",
            "Share of learned classes",
            Higher,
            Show::Table,
            "The learned classes as a share of the classes with at least 2 SAMPLES on this side.",
        ),
        (
            "coverage",
            "Coverage",
            Higher,
            Show::Drawn,
            "The share of all classes that were chosen at least once, rightly or not.",
        ),
        (
            "coverage_top5",
            "Coverage of the first five",
            Higher,
            Show::Listed,
            "The share of all classes that were at least once among the first five choices.",
        ),
        (
            "distinct_predictions",
            "Chosen classes",
            Higher,
            Show::Listed,
            "The number of classes that were chosen at least once.",
        ),
        (
            "largest_prediction_share",
            "Share of the most frequent choice",
            Lower,
            Show::Table,
            "The share of SAMPLES that were taken for the class that was chosen most often: near 1, the model has collapsed to one \
             class.",
        ),
        (
            "prediction_entropy",
            "Entropy of the choices",
            Higher,
            Show::Listed,
            "How evenly choices spread over classes, in nats: 0 if all are one class.",
        ),
        (
            OTHER,
            "Share of the class of all rare ones",
            Lower,
            Show::Listed,
            "The share of SAMPLES that were taken for the class that stands for all rare ones.",
        ),
    ];
    let whole = whole.into_iter().filter(|(name, ..)| says(name)).map(spec);
    let buckets = Bucket::ALL.into_iter().flat_map(|bucket| {
        OF_BUCKETS.into_iter().filter(|name| says(name)).map(move |name| of_bucket(bucket, name, unit))
    });
    whole.chain(buckets).collect()
}

fn of_bucket(bucket: Bucket, name: &str, unit: Unit) -> ScoreSpec {
    let (family, meaning, show) = match name {
        "accuracy" => ("Accuracy", "the share of their SAMPLES whose class has the highest probability.", Show::Table),
        "top5" => ("Top 5", "the share of their SAMPLES whose class is among the first five choices.", Show::Listed),
        "f1_macro" => ("F1", "the mean F1; a class without SAMPLES on this side counts as 0.", Show::Listed),
        "f1_macro_present" => {
            ("F1 of those with SAMPLES", "the mean F1 of those with SAMPLES on this side.", Show::Listed)
        }
        _ => ("Chosen classes", "how many were chosen at least once, rightly or not.", Show::Listed),
    };
    let range = bucket.range();
    let many = |text: &str| text.replace("SAMPLES", unit.many);
    let label = many(&format!("{family}, classes with {range} training SAMPLES"));
    let meaning = many(&format!("Of classes with {range} training SAMPLES {meaning}"));
    ScoreSpec::new(format!("{}_{name}", bucket.name()), label, Better::Higher)
        .meaning(&meaning)
        .family(&many(&format!("{family} by training SAMPLES")))
        .shown(show)
}

/// The value of a score with this name; `None` if it is undefined, or not one of these.
pub(in crate::task::classes) fn value(found: &Found, name: &str) -> Option<f64> {
    let spread = found.spread;
    match name {
        // Without samples nothing is learned, but nothing is known either.
        LEARNED => spread.map(|_| found.learned.classes.len() as f64),
        "learned_words_share" => found.learned.share(),
        "coverage" => found.coverage,
        "coverage_top5" => found.coverage_top5,
        "distinct_predictions" => spread.map(|spread| spread.distinct as f64),
        "largest_prediction_share" => spread.map(|spread| spread.largest_share),
        "prediction_entropy" => spread.map(|spread| spread.entropy),
        OTHER => found.other_share,
        _ => {
            let (bucket, score) = name.split_once('_')?;
            let scores = found.buckets.get(bucket).filter(|_| spread.is_some())?;
            of_scores(scores, score)
        }
    }
}

/// A number of a bucket.
pub(super) fn of_scores(scores: &BucketScores, name: &str) -> Option<f64> {
    match name {
        "accuracy" => scores.accuracy,
        "top5" => scores.top5,
        "f1_macro" => scores.f1_macro,
        "f1_macro_present" => scores.f1_macro_present,
        "predicted" => Some(scores.predicted as f64),
        _ => None,
    }
}
