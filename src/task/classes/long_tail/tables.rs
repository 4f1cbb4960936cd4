//! What an evaluation found of many classes with few samples, as files for spreadsheets and programs.

use serde_json::{Value, json};

use super::sum::Found;
use crate::metric::classes::buckets::{Bucket, BucketScores};
use crate::metric::classes::confusion::Confusion;
use crate::metric::classes::learned::{LEAST_SCORE, LEAST_SUPPORT};
use crate::train::task::Plots;

/// The tables with their file names, for classes with these folders.
pub(in crate::task::classes) fn tables(
    found: &Found,
    counts: &Confusion,
    classes: &[String],
) -> Result<Plots, serde_json::Error> {
    let json = |value: &Value| {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        Ok::<_, serde_json::Error>(text)
    };
    Ok(vec![
        ("metrics_by_bucket.csv".to_owned(), by_bucket(found).into_bytes()),
        ("collapse.json".to_owned(), json(&collapse(found, classes))?),
        ("learned_words.json".to_owned(), json(&learned(found, counts, classes))?),
    ])
}

/// A row for each bucket; a score that is undefined is empty.
fn by_bucket(found: &Found) -> String {
    let mut text =
        "bucket,training_samples,classes,classes_with_samples,samples,accuracy,top5,f1_macro,f1_macro_present,\
                    classes_predicted\n"
            .to_owned();
    for (bucket, scores) in rows(found) {
        let BucketScores { classes, present, samples, accuracy, top5, f1_macro, f1_macro_present, predicted } = scores;
        let scores = [accuracy, top5, f1_macro, f1_macro_present]
            .map(|score| score.map_or_else(String::new, |score| format!("{score:.6}")));
        let (name, range, scores) = (bucket.name(), bucket.range(), scores.join(","));
        text += &format!("{name},{range},{classes},{present},{samples},{scores},{predicted}\n");
    }
    text
}

/// The buckets that were found, with their scores.
pub(super) fn rows(found: &Found) -> impl Iterator<Item = (Bucket, BucketScores)> {
    Bucket::ALL.into_iter().filter_map(|bucket| Some((bucket, *found.buckets.get(bucket.name())?)))
}

fn collapse(found: &Found, classes: &[String]) -> Value {
    json!({
        "classes": classes.len(),
        "distinct_predictions": found.spread.map(|spread| spread.distinct),
        "coverage": found.coverage,
        "coverage_top5": found.coverage_top5,
        "most_frequent": found.spread.and_then(|spread| classes.get(spread.largest)),
        "most_frequent_share": found.spread.map(|spread| spread.largest_share),
        "entropy_nats": found.spread.map(|spread| spread.entropy),
        "other_share": found.other_share,
    })
}

fn learned(found: &Found, counts: &Confusion, classes: &[String]) -> Value {
    let by_class = counts.by_class();
    let word = |class: &usize| {
        let of = by_class.get(*class)?;
        let (precision, recall, f1, support) = (of.precision, of.recall, of.f1, of.support);
        Some(json!({
            "class_id": class, "class_name": classes.get(*class)?,
            "precision": precision, "recall": recall, "f1": f1, "support": support,
        }))
    };
    json!({
        "learned_words_count": found.learned.classes.len(),
        "classes_with_support": found.learned.judged,
        "learned_words_share": found.learned.share(),
        "least_support": LEAST_SUPPORT,
        "least_precision_recall_f1": LEAST_SCORE,
        "learned_words": found.learned.classes.iter().filter_map(word).collect::<Vec<_>>(),
    })
}
