//! Task-aligned assignment (Feng et al. 2021) as YOLOv9 has it: of the places inside of an object, those learn it whose boxes and
//! class scores are both good.

use std::collections::BTreeMap;

use super::{Grid, Pair, Positive, Truths, ciou};
use crate::boxes::Rect;

/// A side is a distribution over 16 distances; what is farther, in strides, can't be said.
const FARTHEST: f64 = 14.99;

/// Places that learn an object.
const MOST: usize = 10;

/// The metric is the overlap to this power times the score to that one.
const OVERLAP_POWER: i32 = 6;
const SCORE_POWER: f64 = 0.5;

const TINY: f64 = 1e-9;

/// What a network says at a place: a box in pixels, and the probability of the object's class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// The box.
    pub rect: Rect,
    /// The probability.
    pub score: f64,
}

/// The candidates of a batch.
#[derive(Clone, Debug)]
pub struct Aligned<'a> {
    truths: Truths<'a>,
    grid: Grid,
    pairs: Vec<Pair>,
}

/// A candidate that is judged.
#[derive(Clone, Copy, Debug)]
struct Judged {
    pair: Pair,
    metric: f64,
    overlap: f64,
}

impl<'a> Aligned<'a> {
    /// The places whose middle is inside of an object, and not too far from any of its sides.
    #[must_use]
    pub fn new(truths: Truths<'a>, grid: Grid) -> Self {
        let mut pairs = Vec::new();
        for (image, objects) in truths.iter().enumerate() {
            for (object, truth) in objects.iter().enumerate() {
                let [left, top, right, bottom] =
                    [truth.rect.left, truth.rect.top, truth.rect.right, truth.rect.bottom].map(f64::from);
                for level in grid.levels() {
                    let reach = FARTHEST * level.stride as f64;
                    let rows = level.between(1, top.max(bottom - reach), bottom.min(top + reach));
                    let columns = level.between(0, left.max(right - reach), right.min(left + reach));
                    for row in rows {
                        pairs.extend(columns.clone().map(|column| Pair {
                            image,
                            place: level.place(column, row),
                            object,
                        }));
                    }
                }
            }
        }
        Self { truths, grid, pairs }
    }

    /// The candidates, in the order in which they are asked for.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The places that learn, by what the network says at each candidate. `everywhere` says it at every place of an image for the
    /// class of an object, in the order of the places: an object without a candidate takes the best place of all.
    ///
    /// # Panics
    /// If there are not as many guesses as candidates.
    #[must_use]
    pub fn positives(
        &self,
        guesses: &[Guess],
        mut everywhere: impl FnMut(usize, usize) -> Vec<Guess>,
    ) -> Vec<Positive> {
        assert_eq!(guesses.len(), self.pairs.len(), "a guess for each candidate");
        let judged = self.pairs.iter().zip(guesses).map(|(pair, guess)| self.judge(*pair, guess));
        let mut of_object: BTreeMap<(usize, usize), Vec<Judged>> = BTreeMap::new();
        for one in judged.filter(|one| one.metric > 0.0) {
            of_object.entry((one.pair.image, one.pair.object)).or_default().push(one);
        }
        let mut chosen = Vec::new();
        for (image, objects) in self.truths.iter().enumerate() {
            for object in 0..objects.len() {
                match of_object.remove(&(image, object)) {
                    Some(mut own) => {
                        // Stable: of equally good places the first.
                        own.sort_by(|one, other| other.metric.total_cmp(&one.metric));
                        chosen.extend(own.into_iter().take(MOST));
                    }
                    None => chosen.extend(self.best(image, object, everywhere(image, object))),
                }
            }
        }
        scored(without_rivals(chosen))
    }

    fn judge(&self, pair: Pair, guess: &Guess) -> Judged {
        let overlap = ciou(&guess.rect, &self.truths[pair.image][pair.object].rect).clamp(0.0, 1.0);
        Judged { pair, overlap, metric: overlap.powi(OVERLAP_POWER) * guess.score.powf(SCORE_POWER) }
    }

    /// The best of all places for an object, if it is any good.
    fn best(&self, image: usize, object: usize, guesses: Vec<Guess>) -> Option<Judged> {
        let places = guesses.iter().enumerate().take(self.grid.places());
        let judged = places.map(|(place, guess)| self.judge(Pair { image, place, object }, guess));
        let best = judged.reduce(|one, other| if other.metric > one.metric { other } else { one });
        best.filter(|best| best.metric > 0.0)
    }
}

/// A place that several objects chose learns the one that it overlaps most.
fn without_rivals(chosen: Vec<Judged>) -> Vec<Judged> {
    let mut best: BTreeMap<(usize, usize), Judged> = BTreeMap::new();
    for one in chosen {
        let place = best.entry((one.pair.image, one.pair.place)).or_insert(one);
        if one.overlap > place.overlap {
            *place = one;
        }
    }
    best.into_values().collect()
}

/// What scores are to be: for the best place of an object its largest overlap, for others in proportion.
fn scored(chosen: Vec<Judged>) -> Vec<Positive> {
    let mut largest: BTreeMap<(usize, usize), [f64; 2]> = BTreeMap::new();
    for Judged { pair, metric, overlap } in &chosen {
        let [most, widest] = largest.entry((pair.image, pair.object)).or_default();
        (*most, *widest) = (most.max(*metric), widest.max(*overlap));
    }
    let target = |Judged { pair, metric, .. }: Judged| {
        let [most, widest] = largest[&(pair.image, pair.object)];
        Positive { pair, target: metric / (most + TINY) * widest }
    };
    chosen.into_iter().map(target).collect()
}
