//! Every score against scikit-learn and scipy, as tests/fixtures/classes/long_tail.py has saved them.

use serde_json::Value;

use super::{Training, specs};
use crate::task::classes::chapters::OfClasses;
use crate::task::classes::sample::Numbered;
use crate::task::classes::scores::ClassScoresSum;
use crate::task::classes::section::{SECTION, Section};
use crate::task::classes::tables::tables;
use crate::train::task::{Depth, Scores};
use crate::util::progress::Unit;

fn expected() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/classes/long_tail.json")).unwrap()
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("c{class}")).collect()
}

fn none(expected: &Value, depth: Depth) -> ClassScoresSum<()> {
    let counts: Vec<usize> = serde_json::from_value(expected["counts"].clone()).unwrap();
    let other = expected["other"].as_u64().map(|other| other as usize);
    let labels = names(counts.len()).into();
    ClassScoresSum::none(labels, depth, 1.0).trained_on(Training { counts: counts.into(), other })
}

fn sums(expected: &Value, depth: Depth, parts: usize) -> ClassScoresSum<()> {
    let logits: Vec<Vec<f32>> = serde_json::from_value(expected["logits"].clone()).unwrap();
    let truths: Vec<usize> = serde_json::from_value(expected["truth"].clone()).unwrap();
    let mut sums: Vec<_> = (0..parts).map(|_| none(expected, depth)).collect();
    for (record, (logits, class)) in logits.iter().zip(truths).enumerate() {
        sums[record % parts].add(&Numbered { record, class }, logits);
    }
    let mut sums = sums.into_iter();
    let mut first = sums.next().unwrap();
    sums.for_each(|part| first.merge(&part));
    first
}

fn value(sum: &ClassScoresSum<()>, name: &str) -> Option<f64> {
    let place = sum.specs().iter().position(|spec| spec.name == name).unwrap_or_else(|| panic!("no {name}"));
    sum.values()[place]
}

#[test]
fn every_score_is_that_of_scikit_learn_however_samples_are_parted() {
    let expected = expected();
    for (depth, parts) in [(Depth::Validation, 1), (Depth::Evaluation, 3)] {
        let sum = sums(&expected, depth, parts);
        let is = |name: &str, wanted: &Value| {
            let (found, wanted) = (value(&sum, name).unwrap(), wanted.as_f64().unwrap());
            assert!((found - wanted).abs() < 1e-12, "{name} is {found}, expected {wanted}");
        };
        for bucket in ["head", "mid", "tail"] {
            for score in specs::OF_BUCKETS {
                is(&format!("{bucket}_{score}"), &expected[bucket][score]);
            }
        }
        for (name, of) in [("accuracy", "1"), ("top5", "5"), ("top10", "10")] {
            is(name, &expected["top"][of]);
        }
        for (name, of) in [
            ("f1_macro", "f1_macro"),
            ("f1_macro_present", "f1_macro_present"),
            ("coverage", "coverage"),
            ("coverage_top5", "coverage_top5"),
            ("distinct_predictions", "distinct"),
            ("largest_prediction_share", "largest_share"),
            ("prediction_entropy", "entropy"),
            ("other_share", "other_share"),
        ] {
            is(name, &expected[of]);
        }
        let learned = expected["learned"].as_array().unwrap().len() as f64;
        assert_eq!(value(&sum, specs::LEARNED), Some(learned));
        assert_eq!(value(&sum, "learned_words_share"), Some(learned / expected["with_support"].as_f64().unwrap()));
    }
}

#[test]
fn an_evaluation_has_the_same_in_its_section_and_its_files() {
    let expected = expected();
    let sum = sums(&expected, Depth::Evaluation, 1);
    let section: Section = serde_json::from_value(sum.sections()[SECTION].clone()).unwrap();
    let found = section.long_tail.unwrap();
    assert_eq!(serde_json::json!(found.learned.classes), expected["learned"]);
    for bucket in ["head", "mid", "tail"] {
        let scores = found.buckets.get(bucket).unwrap();
        let numbers = [scores.classes as u64, scores.present as u64, scores.samples];
        assert_eq!(numbers, ["classes", "present", "samples"].map(|of| expected[bucket][of].as_u64().unwrap()));
    }
    let files = tables(&sum, &names(24)).unwrap();
    let of = |name: &str| {
        let (_, bytes) = files.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}"));
        String::from_utf8(bytes.clone()).unwrap()
    };
    let csv = of("metrics_by_bucket.csv");
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[1][..3].to_vec(), rows[1].len()), (4, vec!["head", "10 or more", "6"], rows[0].len()));
    let learned: Value = serde_json::from_str(&of("learned_words.json")).unwrap();
    let ids: Vec<&Value> = learned["learned_words"].as_array().unwrap().iter().map(|word| &word["class_id"]).collect();
    assert_eq!(
        (Value::from_iter(ids.into_iter().cloned()), &learned["classes_with_support"]),
        (expected["learned"].clone(), &expected["with_support"])
    );
    let collapse: Value = serde_json::from_str(&of("collapse.json")).unwrap();
    assert_eq!((&collapse["distinct_predictions"], collapse["classes"].as_u64()), (&expected["distinct"], Some(24)));
    let plain = ClassScoresSum::<()>::none(names(24).into(), Depth::Evaluation, 1.0);
    assert_eq!(tables(&plain, &names(24)).unwrap().len(), files.len() - 3, "only of many classes with few samples");
    assert!(plain.sections()[SECTION].get("long_tail").is_none());
}

#[test]
fn without_samples_nothing_is_defined_and_a_class_of_its_own_is_asked_for() {
    let mut expected = expected();
    let empty = none(&expected, Depth::Validation);
    assert_eq!(empty.values().len(), empty.specs().len());
    assert!(empty.values().iter().all(Option::is_none), "{:?}", empty.values());
    expected["other"] = Value::Null;
    let without = none(&expected, Depth::Validation);
    assert!(without.specs().iter().all(|spec| spec.name != "other_share"));
    assert!(specs::specs(Unit::SAMPLES, Some(5), true).iter().all(|spec| !spec.name.ends_with("top5")));
    let known = sums(&expected, Depth::Validation, 1);
    let names: Vec<String> = known.specs().into_iter().map(|spec| spec.name).collect();
    assert!(specs::BEST_BY[..2].iter().all(|name| names.contains(&(*name).to_owned())));
}

#[test]
fn the_page_has_a_table_by_training_samples_and_the_learned_classes() {
    static PAGE: OfClasses = OfClasses {
        unit: Unit::SAMPLES,
        mistakes: &[],
        samples: &[],
        drawn: Some(10),
        caption: "Over all samples",
        dataset: None,
    };
    let sum = sums(&expected(), Depth::Evaluation, 1);
    let found = serde_json::from_value::<Section>(sum.sections()[SECTION].clone()).unwrap().long_tail.unwrap();
    let text = format!("{:?}", super::page::blocks(&found, &names(24), PAGE.unit));
    for part in ["tail: 1 or 2", "c0, c1, c4, c10", "most frequent choice", "4 of 16, 25.0 %", "2.21 nats"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(super::page::sentence(&found, PAGE.unit), " Of 16 classes with at least 2 samples, 4 are learned.");
}
