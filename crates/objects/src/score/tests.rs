//! Against pycocotools and torchmetrics, and what holds for every set of detections.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::boxes::{Detection, Object, Rect};

type Set = Vec<(Vec<Object>, Vec<Detection>)>;

fn set(of: &Value) -> Set {
    let number = |value: &Value| value.as_f64().unwrap() as f32;
    let rect = |row: &Value| Rect::new(number(&row[1]), number(&row[2]), number(&row[3]), number(&row[4]));
    let class = |row: &Value| row[0].as_u64().unwrap() as u32;
    let truth = |row: &Value| Object { class: class(row), rect: rect(row) };
    let found = |row: &Value| Detection { class: class(row), score: number(&row[5]), rect: rect(row) };
    let rows = |key: &str| of[key].as_array().unwrap().clone();
    let images = rows("gt").into_iter().zip(rows("det"));
    let all = |rows: &Value| rows.as_array().unwrap().clone();
    images
        .map(|(truths, own)| (all(&truths).iter().map(truth).collect(), all(&own).iter().map(found).collect()))
        .collect()
}

fn tally(set: &Set, classes: usize) -> Tally {
    let mut tally = Tally::none(classes, 100, Pairing::default());
    for (image, (truths, found)) in set.iter().enumerate() {
        tally.add(image as u64, truths, found);
    }
    tally
}

/// As COCO writes what is undefined.
fn written(value: Option<f64>) -> f64 {
    value.unwrap_or(-1.0)
}

#[track_caller]
fn near(got: impl IntoIterator<Item = f64>, expected: &Value, tolerance: f64) {
    let got: Vec<f64> = got.into_iter().collect();
    let expected: Vec<f64> = expected.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(got.len(), expected.len());
    for (place, (got, expected)) in got.iter().zip(&expected).enumerate() {
        assert!((got - expected).abs() < tolerance, "{place}: {got}, expected {expected}");
    }
}

fn coco_numbers(coco: &Coco) -> Vec<f64> {
    let all = [coco.ap, coco.ap50, coco.ap75].into_iter().chain(coco.ap_by_size).chain(coco.ar).chain(coco.ar_by_size);
    all.map(written).collect()
}

fn by_class(summary: &Summary, value: fn(&ByClass) -> Option<f64>) -> Vec<f64> {
    summary.by_class.iter().map(|class| written(value(class))).collect()
}

#[test]
fn every_definition_has_the_reference_values() {
    let reference: Value = serde_json::from_str(include_str!("../../tests/fixtures/ap.json")).unwrap();
    let tally = tally(&set(&reference), 3);
    near(coco_numbers(&tally.coco()), &reference["coco"]["stats"], 2e-6);
    let coco = tally.summary(Definition::Coco);
    near(by_class(&coco, |class| class.ap50_95), &reference["coco"]["per_class_AP"], 2e-6);
    near(by_class(&coco, |class| class.ap50), &reference["coco"]["per_class_AP50"], 2e-6);
    for (definition, key) in [(Definition::Yolo, "yolo_joined"), (Definition::YoloLegacy, "yolo_legacy")] {
        let (summary, expected) = (tally.summary(definition), &reference[key]);
        near(by_class(&summary, |class| class.ap50), &expected["per_class_AP50"], 2e-6);
        near(by_class(&summary, |class| class.ap50_95), &expected["per_class_AP"], 2e-6);
        near([written(summary.means.map50)], &serde_json::json!([expected["mAP50"]]), 2e-6);
        near([written(summary.means.map50_95)], &serde_json::json!([expected["mAP50_95"]]), 2e-6);
    }
    let (summary, expected) = (tally.summary(Definition::Yolo), &reference["yolo_best_f1"]);
    near([written(summary.confidence)], &serde_json::json!([expected["confidence"]]), 2e-6);
    near(by_class(&summary, |class| class.precision), &expected["per_class_P"], 2e-6);
    near(by_class(&summary, |class| class.recall), &expected["per_class_R"], 2e-6);
    near(by_class(&summary, |class| class.f1), &expected["per_class_F1"], 2e-6);
}

#[test]
fn random_sets_have_the_numbers_of_pycocotools_and_torchmetrics() {
    let sets: Vec<Value> = serde_json::from_str(include_str!("../../tests/fixtures/ap_random.json")).unwrap();
    for expected in sets {
        let tally = tally(&set(&expected), 5);
        near(coco_numbers(&tally.coco()), &expected["coco"]["stats"], 1e-6);
        near(by_class(&tally.summary(Definition::Coco), |class| class.ap50_95), &expected["coco"]["by_class"], 1e-6);
        // Its thresholds are rounded to 32 bits, so that a recall of exactly 0.35, say, may be on their other side.
        let own = tally.coco();
        for (value, key) in [(own.ap, "map"), (own.ap50, "map_50"), (own.ap75, "map_75"), (own.ar[2], "mar_100")] {
            near([written(value)], &serde_json::json!([expected["torchmetrics"][key]]), 3e-3);
        }
    }
}

#[test]
fn perfect_detections_have_the_highest_value_that_a_definition_gives() {
    let truths: Vec<Object> = (0..3).map(|place| object(place % 2, place as f32 * 50.0)).collect();
    let found = truths.iter().map(|truth| Detection { class: truth.class, score: 0.9, rect: truth.rect }).collect();
    let tally = tally(&vec![(truths, found)], 3);
    for (definition, highest) in [(Definition::Coco, 1.0), (Definition::Yolo, 0.995), (Definition::YoloLegacy, 0.995)] {
        let means = tally.summary(definition).means;
        assert!((means.map50_95.unwrap() - highest).abs() < 1e-9, "{definition:?}: {means:?}");
    }
    assert_eq!(
        tally.summary(Definition::Yolo).by_class[2],
        ByClass::default(),
        "a class without objects has no scores"
    );
    let confusion = tally.confusion();
    assert_eq!((confusion.count(0, 0), confusion.count(1, 1), confusion.counts.iter().sum::<u64>()), (2, 1, 3));
}

#[test]
fn nothing_at_all_has_no_scores() {
    let empty = tally(&vec![(Vec::new(), Vec::new())], 2);
    assert_eq!(empty.summary(Definition::Yolo).means, Means::default());
    assert_eq!(empty.coco(), Coco::default());
    let missed = tally(&vec![(vec![object(1, 0.0)], Vec::new())], 2);
    assert_eq!(missed.summary(Definition::Yolo).means.map50, Some(0.0));
    assert_eq!(missed.confusion().count(2, 1), 1);
}

#[test]
fn pairs_are_made_by_overlap_whatever_the_classes_are() {
    let found = |class, left: f32, score| Detection { class, score, rect: object(class, left).rect };
    let image = (vec![object(0, 0.0)], vec![found(1, 1.0, 0.9), found(0, 3.0, 0.8), found(0, 0.0, 0.2)]);
    let confusion = tally(&vec![image], 2).confusion();
    assert_eq!((confusion.count(1, 0), confusion.count(0, 2)), (1, 1), "the unsure one takes no part");
    assert_eq!(confusion.counts.iter().sum::<u64>(), 2);
}

fn object(class: u32, left: f32) -> Object {
    Object { class, rect: Rect::new(left, 0.0, left + 20.0, 30.0) }
}

fn any_set() -> impl Strategy<Value = Set> {
    let place = (0_u32..3, 0_u8..60);
    let truth = place.clone().prop_map(|(class, left)| object(class, f32::from(left)));
    let found = (place, 0_u8..10).prop_map(|((class, left), score)| Detection {
        class,
        score: f32::from(score) / 10.0,
        rect: object(class, f32::from(left)).rect,
    });
    let image = (proptest::collection::vec(truth, 0..5), proptest::collection::vec(found, 0..7));
    proptest::collection::vec(image, 1..6)
}

proptest! {
    #[test]
    fn the_order_of_images_and_how_they_are_split_change_nothing(set in any_set()) {
        let whole = tally(&set, 3);
        let mut parts = [0, 1].map(|_| Tally::none(3, 100, Pairing::default()));
        for (image, (truths, found)) in set.iter().enumerate().rev() {
            parts[image % 2].add(image as u64, truths, found);
        }
        let [mut first, second] = parts;
        first.merge(&second);
        for definition in [Definition::Coco, Definition::Yolo, Definition::YoloLegacy] {
            prop_assert_eq!(first.summary(definition), whole.summary(definition));
        }
        prop_assert_eq!((first.coco(), first.confusion()), (whole.coco(), whole.confusion()));
    }

    #[test]
    fn scores_are_shares_and_a_draw_of_every_image_once_gives_them(set in any_set()) {
        let tally = tally(&set, 3);
        for definition in [Definition::Coco, Definition::Yolo, Definition::YoloLegacy] {
            let means = tally.summary(definition).means;
            let all = [means.map50, means.map50_95, means.precision, means.recall];
            prop_assert!(all.into_iter().flatten().all(|value| (0.0..=1.0).contains(&value)), "{:?}", means);
            let [at_50, over] = tally.resampled(definition, &vec![1.0; set.len()]);
            let near = |one: Option<f64>, other: Option<f64>| (written(one) - written(other)).abs() < 1e-12;
            prop_assert!(near(at_50, means.map50) && near(over, means.map50_95));
        }
    }

    #[test]
    fn an_image_that_is_drawn_twice_counts_as_two(set in any_set()) {
        // Of equally sure detections, copies come one after another here and image by image there.
        let distinct: Set = set.iter().enumerate().map(|(image, (truths, found))| {
            let own = found.iter().enumerate().map(|(place, one)| Detection {
                score: 0.9 - (image * 10 + place) as f32 / 100.0, ..*one
            });
            (truths.clone(), own.collect())
        }).collect();
        let twice: Set = distinct.iter().chain(&distinct[..1]).cloned().collect();
        let mut times = vec![1.0; set.len()];
        times[0] = 2.0;
        let (drawn, copied) = (tally(&distinct, 3).resampled(Definition::Coco, &times), tally(&twice, 3));
        let near = |one: Option<f64>, other: Option<f64>| (written(one) - written(other)).abs() < 1e-9;
        prop_assert!(near(drawn[0], copied.summary(Definition::Coco).means.map50));
    }
}
