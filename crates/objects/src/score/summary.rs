//! All scores of a tally. What is undefined is none.

use serde::Serialize;

use super::OVERLAPS;
use super::best::{Best, best, confidence};
use super::curve::Definition;
use super::matching::Hit;
use super::size::Size;
use super::tally::{Tally, curve};

/// Numbers of detections of an image and class that COCO's recalls are given for.
const RECALLS: [u16; 3] = [1, 10, 100];

/// The scores of detections.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How the area below a curve is measured.
    pub definition: Definition,
    /// Over all classes with objects.
    pub means: Means,
    /// The confidence at which precision and recall are given.
    pub confidence: Option<f64>,
    /// Each class.
    pub by_class: Vec<ByClass>,
}

/// Means over the classes that have objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Means {
    /// Mean average precision at an overlap of 0.5.
    pub map50: Option<f64>,
    /// At 0.75.
    pub map75: Option<f64>,
    /// Over overlaps from 0.5 to 0.95.
    pub map50_95: Option<f64>,
    /// Precision at the best confidence.
    pub precision: Option<f64>,
    /// Recall at the best confidence.
    pub recall: Option<f64>,
}

/// The scores of a class; none without objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ByClass {
    /// Images that show it.
    pub images: u64,
    /// Its objects.
    pub objects: u64,
    /// Average precision at an overlap of 0.5.
    pub ap50: Option<f64>,
    /// Over overlaps from 0.5 to 0.95.
    pub ap50_95: Option<f64>,
    /// Precision at the confidence that is best for all classes.
    pub precision: Option<f64>,
    /// Recall there.
    pub recall: Option<f64>,
    /// Both in one number.
    pub f1: Option<f64>,
    /// The confidence that is best for this class alone.
    pub best_confidence: Option<f64>,
    /// Precision and recall by confidence.
    #[serde(skip)]
    pub curves: Option<Best>,
}

/// The twelve numbers of COCO.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Coco {
    /// Over overlaps from 0.5 to 0.95.
    pub ap: Option<f64>,
    /// At 0.5.
    pub ap50: Option<f64>,
    /// At 0.75.
    pub ap75: Option<f64>,
    /// Of small, medium and large objects.
    pub ap_by_size: [Option<f64>; 3],
    /// The recall of the 1, 10 and 100 surest detections of an image and class.
    pub ar: [Option<f64>; 3],
    /// That of 100, of small, medium and large objects.
    pub ar_by_size: [Option<f64>; 3],
}

impl Tally {
    /// Its scores.
    #[must_use]
    pub fn summary(&self, definition: Definition) -> Summary {
        let times = vec![1.0; self.images.len()];
        let (sorted, support) = (self.sorted(), self.support());
        let mut by_class: Vec<ByClass> = Vec::with_capacity(self.classes());
        let mut at75 = Vec::new();
        for (own, [images, objects]) in sorted.iter().zip(support) {
            let mut class = ByClass { images, objects, ..ByClass::default() };
            if objects > 0 {
                let at = |number| curve(own, (definition, number), Size::All, &times, objects as f64);
                let areas: Vec<f64> = (0..OVERLAPS).map(|number| at(number).area(definition)).collect();
                at75.push(areas[5]);
                class.ap50 = Some(areas[0]);
                class.ap50_95 = Some(mean(areas.iter().copied()).unwrap_or(0.0));
                let scores: Vec<f32> = own.iter().map(|(_, hit)| hit.score).collect();
                class.curves =
                    Some(Best::of(&curve(own, (Definition::Yolo, 0), Size::All, &times, objects as f64), &scores));
            }
            by_class.push(class);
        }
        let place = by_class.iter().any(|class| class.curves.is_some()).then(|| best(curves(&by_class)));
        for class in &mut by_class {
            if let (Some(curves), Some(place)) = (&class.curves, place) {
                class.precision = Some(curves.precision[place]);
                class.recall = Some(curves.recall[place]);
                class.f1 = Some(curves.f1[place]);
                class.best_confidence = Some(confidence(best(std::iter::once(curves))));
            }
        }
        let over = |value: fn(&ByClass) -> Option<f64>| mean(by_class.iter().filter_map(value));
        let means = Means {
            map50: over(|class| class.ap50),
            map75: mean(at75.iter().copied()),
            map50_95: over(|class| class.ap50_95),
            precision: over(|class| class.precision),
            recall: over(|class| class.recall),
        };
        Summary { definition, means, confidence: place.map(confidence), by_class }
    }

    /// The twelve numbers of COCO.
    #[must_use]
    pub fn coco(&self) -> Coco {
        let sorted = self.sorted();
        let times = vec![1.0; self.images.len()];
        let area = |numbers: std::ops::Range<usize>, size: Size| {
            let objects = self.objects(size, &times);
            let of = |(own, objects): (&Vec<(usize, &Hit)>, f64)| {
                let at = |number| curve(own, (Definition::Coco, number), size, &times, objects).area(Definition::Coco);
                mean(numbers.clone().map(at))
            };
            mean(sorted.iter().zip(objects).filter(|(_, objects)| *objects > 0.0).filter_map(of))
        };
        let recall = |most: u16, size: Size| {
            let objects = self.objects(size, &times);
            let of = |(own, objects): (&Vec<(usize, &Hit)>, f64)| {
                let found = |number: usize| {
                    let is =
                        |(_, hit): &&(usize, &Hit)| hit.rank < most && hit.coco[size as usize] & (1 << number) != 0;
                    own.iter().filter(is).count() as f64 / objects
                };
                mean((0..OVERLAPS).map(found))
            };
            mean(sorted.iter().zip(objects).filter(|(_, objects)| *objects > 0.0).filter_map(of))
        };
        let sizes = [Size::Small, Size::Medium, Size::Large];
        Coco {
            ap: area(0..OVERLAPS, Size::All),
            ap50: area(0..1, Size::All),
            ap75: area(5..6, Size::All),
            ap_by_size: sizes.map(|size| area(0..OVERLAPS, size)),
            ar: RECALLS.map(|most| recall(most, Size::All)),
            ar_by_size: sizes.map(|size| recall(RECALLS[2], size)),
        }
    }
}

fn curves(classes: &[ByClass]) -> impl Iterator<Item = &Best> {
    classes.iter().filter_map(|class| class.curves.as_ref())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
