//! Cheapest places (SimOTA, Ge et al. 2021) as YOLOX has them: an object is learned by as many places as its boxes are good, those
//! where the network is nearest to it already.

use super::{Grid, Pair, Positive, Truths};
use crate::boxes::Rect;

/// Candidates are within so many strides of the middle of an object.
const REACH: f64 = 1.5;

/// So many overlaps are added up to say how many places learn an object.
const OVERLAPS: usize = 10;

/// How much the overlap counts beside the class.
const OVERLAP_WEIGHT: f64 = 3.0;

/// What being far from this object costs.
const FAR: f64 = 1e6;

const TINY: f64 = 1e-8;

/// What a network says at a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The box, in pixels.
    pub rect: Rect,
    /// The logit of there being an object.
    pub object: f64,
    /// The logits of all classes.
    pub classes: Vec<f64>,
}

/// The candidates of a batch.
#[derive(Clone, Debug)]
pub struct Cheapest<'a> {
    truths: Truths<'a>,
    grid: Grid,
    /// The image and the number of each candidate.
    places: Vec<(usize, usize)>,
}

impl<'a> Cheapest<'a> {
    /// The places near the middle of some object.
    #[must_use]
    pub fn new(truths: Truths<'a>, grid: Grid) -> Self {
        let mut places = Vec::new();
        for (image, objects) in truths.iter().enumerate() {
            let near =
                (0..grid.places()).filter(|place| objects.iter().any(|truth| is_near(&grid, *place, &truth.rect)));
            places.extend(near.map(|place| (image, place)));
        }
        Self { truths, grid, places }
    }

    /// The image and the number of each candidate, in the order in which they are asked for.
    #[must_use]
    pub fn places(&self) -> &[(usize, usize)] {
        &self.places
    }

    /// The places that learn, by what the network says at each candidate; the target is the overlap there.
    ///
    /// # Panics
    /// If there is not as much said as there are candidates.
    #[must_use]
    pub fn positives(&self, said: &[Said]) -> Vec<Positive> {
        assert_eq!(said.len(), self.places.len(), "something for each candidate");
        let mut positives = Vec::new();
        let mut start = 0;
        for (image, objects) in self.truths.iter().enumerate() {
            let own = self.places[start..].iter().take_while(|(other, _)| *other == image).count();
            let places: Vec<usize> = self.places[start..start + own].iter().map(|(_, place)| *place).collect();
            if !objects.is_empty() {
                positives.extend(self.of_image(image, &places, &said[start..start + own]));
            }
            start += own;
        }
        positives
    }

    fn of_image(&self, image: usize, places: &[usize], said: &[Said]) -> Vec<Positive> {
        let truths = &self.truths[image];
        // The cheapest object of each place, its cost and overlap.
        let mut taken: Vec<Option<(usize, f64, f64)>> = vec![None; places.len()];
        for (object, truth) in truths.iter().enumerate() {
            let overlaps: Vec<f64> = said.iter().map(|said| said.rect.iou(&truth.rect)).collect();
            let cost = |(number, said): (usize, &Said)| {
                let far = if is_near(&self.grid, places[number], &truth.rect) { 0.0 } else { FAR };
                class_cost(said, truth.class as usize) - OVERLAP_WEIGHT * (overlaps[number] + TINY).ln() + far
            };
            let costs: Vec<f64> = said.iter().enumerate().map(cost).collect();
            let mut order: Vec<usize> = (0..places.len()).collect();
            order.sort_by(|one, other| costs[*one].total_cmp(&costs[*other]));
            for number in order.into_iter().take(how_many(&overlaps)) {
                let is_cheaper = taken[number].is_none_or(|(_, cost, _)| costs[number] < cost);
                if is_cheaper {
                    taken[number] = Some((object, costs[number], overlaps[number]));
                }
            }
        }
        let positive = |(number, own): (usize, Option<(usize, f64, f64)>)| {
            let (object, _, overlap) = own?;
            Some(Positive { pair: Pair { image, place: places[number], object }, target: overlap })
        };
        taken.into_iter().enumerate().filter_map(positive).collect()
    }
}

fn is_near(grid: &Grid, place: usize, rect: &Rect) -> bool {
    let ([x, y], stride) = grid.middle(place);
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom].map(f64::from);
    let reach = REACH * stride;
    (x - (left + right) / 2.0).abs() < reach && (y - (top + bottom) / 2.0).abs() < reach
}

/// As many as the best overlaps add up to, at least one.
fn how_many(overlaps: &[f64]) -> usize {
    let mut sorted = overlaps.to_vec();
    sorted.sort_by(|one, other| other.total_cmp(one));
    (sorted.iter().take(OVERLAPS).sum::<f64>() as usize).max(1)
}

/// The cross entropy of the class probabilities with the class, over all classes.
fn class_cost(said: &Said, class: usize) -> f64 {
    let object = sigmoid(said.object);
    let term = |(number, logit): (usize, &f64)| {
        let probability = (sigmoid(*logit) * object).sqrt();
        let share = if number == class { probability } else { 1.0 - probability };
        // As PyTorch limits it.
        -share.ln().max(-100.0)
    };
    said.classes.iter().enumerate().map(term).sum()
}

fn sigmoid(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}
