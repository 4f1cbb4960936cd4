//! What is added up, image by image.

use std::collections::BTreeMap;

use super::OVERLAPS;
use super::confusion::{Confusion, Pairing};
use super::curve::{Curve, Definition, Point};
use super::matching::{Hit, matched};
use super::size::Size;
use crate::boxes::{Detection, Object};

/// The detections of images, and how they match.
#[derive(Clone, Debug)]
pub struct Tally {
    classes: usize,
    /// Detections of a class that take part in an image.
    most: usize,
    pairing: Pairing,
    pub(super) images: BTreeMap<u64, Image>,
}

/// What is kept of an image.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub hits: Vec<Hit>,
    /// Classes of its objects, and for each size whether it is of that.
    pub truths: Vec<(u32, [bool; 4])>,
    /// Predicted and true class, none for the background.
    pub pairs: Vec<[u32; 2]>,
}

impl Tally {
    /// Nothing, for so many classes; of each class, `most` detections of an image take part.
    #[must_use]
    pub fn none(classes: usize, most: usize, pairing: Pairing) -> Self {
        Self { classes, most, pairing, images: BTreeMap::new() }
    }

    /// Adds an image by its number, with boxes in its own pixels. One that was there already is replaced.
    pub fn add(&mut self, image: u64, truths: &[Object], detections: &[Detection]) {
        let sizes = |truth: &Object| (truth.class, Size::ALL.map(|size| size.has(&truth.rect)));
        let own = Image {
            hits: matched(truths, detections, self.most),
            truths: truths.iter().map(sizes).collect(),
            pairs: self.pairing.pairs(truths, detections, self.classes),
        };
        self.images.insert(image, own);
    }

    /// Adds the images of another tally.
    pub fn merge(&mut self, other: &Self) {
        self.images.extend(other.images.iter().map(|(image, own)| (*image, own.clone())));
    }

    /// How many images there are.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// How many classes there are.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Which class was taken for which.
    #[must_use]
    pub fn confusion(&self) -> Confusion {
        let mut confusion = Confusion::none(self.classes);
        self.images.values().flat_map(|image| &image.pairs).for_each(|pair| confusion.add(*pair));
        confusion
    }

    /// The objects of each class: of this size, each image so often.
    pub(super) fn objects(&self, size: Size, times: &[f64]) -> Vec<f64> {
        let mut counts = vec![0.0; self.classes];
        for (image, times) in self.images.values().zip(times) {
            for (class, is) in &image.truths {
                if let Some(count) = counts.get_mut(*class as usize).filter(|_| is[size as usize]) {
                    *count += times;
                }
            }
        }
        counts
    }

    /// The images of each class with objects, and with them how many objects.
    pub(super) fn support(&self) -> Vec<[u64; 2]> {
        let mut support = vec![[0, 0]; self.classes];
        for image in self.images.values() {
            for (class, counts) in support.iter_mut().enumerate() {
                let objects = image.truths.iter().filter(|(own, _)| *own as usize == class).count() as u64;
                counts[0] += u64::from(objects > 0);
                counts[1] += objects;
            }
        }
        support
    }

    /// All detections of each class, the surest first, with the number of their image.
    pub(super) fn sorted(&self) -> Vec<Vec<(usize, &Hit)>> {
        let mut sorted = vec![Vec::new(); self.classes];
        for (number, image) in self.images.values().enumerate() {
            for hit in &image.hits {
                if let Some(own) = sorted.get_mut(hit.class as usize) {
                    own.push((number, hit));
                }
            }
        }
        // Stable: of equally sure ones that of the earlier image.
        sorted.iter_mut().for_each(|own: &mut Vec<(usize, &Hit)>| {
            own.sort_by(|one, other| other.1.score.total_cmp(&one.1.score));
        });
        sorted
    }

    /// Mean average precision over classes with objects: at an overlap of 0.5, and over all. Each image counts so often as it
    /// was drawn, in the order of their numbers; none if there are no objects.
    ///
    /// # Panics
    /// If there are not as many as images.
    #[must_use]
    pub fn resampled(&self, definition: Definition, times: &[f64]) -> [Option<f64>; 2] {
        assert_eq!(times.len(), self.images.len(), "a number for each image");
        Resampling::of(self, definition).draw(times)
    }

    /// The same for many draws, which share what does not depend on them.
    #[must_use]
    pub fn resampling(&self, definition: Definition) -> Resampling<'_> {
        Resampling::of(self, definition)
    }
}

/// Draws of images from a tally.
pub struct Resampling<'a> {
    tally: &'a Tally,
    definition: Definition,
    sorted: Vec<Vec<(usize, &'a Hit)>>,
}

impl<'a> Resampling<'a> {
    fn of(tally: &'a Tally, definition: Definition) -> Self {
        Self { tally, definition, sorted: tally.sorted() }
    }

    /// As [`Tally::resampled`].
    #[must_use]
    pub fn draw(&self, times: &[f64]) -> [Option<f64>; 2] {
        let objects = self.tally.objects(Size::All, times);
        let mut sums = [0.0; 2];
        let mut classes = 0;
        for (own, objects) in self.sorted.iter().zip(objects).filter(|(_, objects)| *objects > 0.0) {
            classes += 1;
            for number in 0..OVERLAPS {
                let area = curve(own, (self.definition, number), Size::All, times, objects).area(self.definition);
                sums[1] += area / OVERLAPS as f64;
                sums[0] += if number == 0 { area } else { 0.0 };
            }
        }
        sums.map(|sum| (classes > 0).then(|| sum / f64::from(classes)))
    }
}

/// The curve of the detections of a class.
pub(super) fn curve(
    hits: &[(usize, &Hit)],
    (definition, number): (Definition, usize),
    size: Size,
    times: &[f64],
    objects: f64,
) -> Curve {
    let (bit, place) = (1 << number, size as usize);
    let point = |(image, hit): &(usize, &Hit)| {
        let is_right = match definition {
            Definition::Coco => hit.coco[place] & bit != 0,
            Definition::Yolo | Definition::YoloLegacy => hit.yolo & bit != 0,
        };
        let counts = definition != Definition::Coco || hit.ignored[place] & bit == 0;
        let times = times[*image];
        (counts && times > 0.0).then_some(Point { is_right, times })
    };
    Curve::of(hits.iter().filter_map(point), objects)
}
