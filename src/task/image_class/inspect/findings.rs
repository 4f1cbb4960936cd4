//! What is wrong or odd in a prepared dataset: images that occur more than once, blank ones, uneven classes, gray levels.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::data::split::Side;
use crate::data::store::records::RecordError;
use crate::task::image_class::dataset::Dataset;
use crate::util::sha256::Digest;

/// An image is blank if its levels differ by less.
const FLAT: u8 = 16;

/// Ink is brighter than this.
const INK: u8 = 127;

/// Bins of gray levels.
const BINS: usize = 16;

/// Images that are listed one by one.
const LISTED: usize = 100;

/// Images with the same pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repeat {
    /// Them: the first of each class, the first of each other side, then the rest.
    pub files: Vec<Equal>,
    /// Their classes, each once.
    pub classes: Vec<String>,
    /// Their sides, each once.
    pub sides: Vec<Side>,
    /// The numbers of their records.
    #[serde(skip)]
    pub records: Vec<usize>,
}

/// One of several images with the same pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Equal {
    /// Its file.
    pub file: String,
    /// The folder of its class.
    pub class: String,
    /// Its side.
    pub side: Side,
}

/// Images that occur more than once.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Repeats {
    /// Images that repeat an earlier one of their class.
    pub within_classes: usize,
    /// Images that occur in another class too: at least one of the labels is wrong.
    pub across_classes: usize,
    /// Images that occur on another side too: they are learned and tested.
    pub across_sides: usize,
    /// The groups of equal images: those across classes first, then those across sides.
    pub groups: Vec<Repeat>,
}

/// How bright the images are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Levels {
    /// The mean level.
    pub mean: f64,
    /// The share of pixels above the middle.
    pub ink_share: f64,
    /// How many pixels are in each sixteenth of the range.
    pub histogram: Vec<u64>,
}

/// What all images look like, and each class on average.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looks {
    /// How bright they are.
    pub levels: Levels,
    /// The records of blank images.
    pub blank: Vec<usize>,
    /// The mean image of each class; empty for one without images.
    pub means: Vec<Vec<u8>>,
}

/// How uneven the classes are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imbalance {
    /// The class with the most images, and how many.
    pub largest: (String, usize),
    /// The class with the fewest, of those that have any.
    pub smallest: (String, usize),
    /// The one number by the other.
    pub ratio: f64,
}

/// Finds images that occur more than once.
#[must_use]
pub fn repeats(dataset: &Dataset) -> Repeats {
    let (images, names) = (&dataset.facts.images, &dataset.facts.model.classes);
    let mut by_content: BTreeMap<Digest, Vec<usize>> = BTreeMap::new();
    images.iter().enumerate().for_each(|(record, image)| by_content.entry(image.content).or_default().push(record));
    let mut found = Repeats::default();
    let equal = |record: &usize| Equal {
        file: images[*record].file.clone(),
        class: names[images[*record].class].clone(),
        side: dataset.sides[*record],
    };
    for records in by_content.into_values().filter(|records| records.len() > 1) {
        let records = telling_first(records, |record| [images[record].class, dataset.sides[record] as usize]);
        let classes = distinct(records.iter().map(|record| images[*record].class));
        let sides = distinct(records.iter().map(|record| dataset.sides[*record] as usize));
        found.within_classes += records.len() - classes.len();
        found.across_classes += if classes.len() > 1 { records.len() } else { 0 };
        found.across_sides += if sides.len() > 1 { records.len() } else { 0 };
        found.groups.push(Repeat {
            files: records.iter().map(equal).collect(),
            classes: classes.into_iter().map(|class| names[class].clone()).collect(),
            sides: Side::ALL.into_iter().filter(|side| sides.contains(&(*side as usize))).collect(),
            records,
        });
    }
    let is_harmless =
        |repeat: &Repeat| (repeat.classes.len() < 2, repeat.sides.len() < 2, repeat.files[0].file.clone());
    found.groups.sort_by_key(is_harmless);
    found
}

/// Records in another order: the first of each class, then the first of each other side, then the rest.
fn telling_first(mut records: Vec<usize>, of: impl Fn(usize) -> [usize; 2]) -> Vec<usize> {
    let mut front = 0;
    for part in 0..2 {
        for place in 0..records.len() {
            let value = of(records[place])[part];
            if place >= front && records[..front].iter().all(|record| of(*record)[part] != value) {
                records[front..=place].rotate_right(1);
                front += 1;
            }
        }
    }
    records
}

fn distinct(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut numbers: Vec<usize> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Looks at every image.
///
/// # Errors
/// If a record can't be read.
pub fn looks(dataset: &Dataset) -> Result<Looks, RecordError> {
    let [rows, columns] = dataset.facts.model.size;
    let classes = dataset.facts.model.classes.len();
    let mut sums = vec![vec![0_u64; rows * columns]; classes];
    let mut counts = vec![0_u64; classes];
    let (mut histogram, mut blank, mut ink, mut total) = (vec![0_u64; BINS], Vec::new(), 0_u64, 0_u64);
    for (record, image) in dataset.facts.images.iter().enumerate() {
        let levels = dataset.records.read(record)?;
        counts[image.class] += 1;
        for (sum, level) in sums[image.class].iter_mut().zip(levels.iter()) {
            *sum += u64::from(*level);
            total += u64::from(*level);
            ink += u64::from(*level > INK);
            histogram[usize::from(*level) * BINS / 256] += 1;
        }
        let span = levels.iter().max().zip(levels.iter().min()).map_or(0, |(high, low)| high - low);
        if span < FLAT {
            blank.push(record);
        }
    }
    let pixels = histogram.iter().sum::<u64>().max(1) as f64;
    let levels = Levels { mean: total as f64 / pixels, ink_share: ink as f64 / pixels, histogram };
    let mean = |(sums, count): (Vec<u64>, u64)| match count {
        0 => Vec::new(),
        count => sums.into_iter().map(|sum| ((sum + count / 2) / count) as u8).collect(),
    };
    Ok(Looks { levels, blank, means: sums.into_iter().zip(counts).map(mean).collect() })
}

/// Compares the largest class with the smallest one; none without images.
#[must_use]
pub fn imbalance(counts: &[(String, usize)]) -> Option<Imbalance> {
    let used = || counts.iter().filter(|(_, count)| *count > 0);
    // Of several the first.
    let largest = used().rev().max_by_key(|(_, count)| *count)?.clone();
    let smallest = used().min_by_key(|(_, count)| *count)?.clone();
    let ratio = largest.1 as f64 / smallest.1 as f64;
    Some(Imbalance { largest, smallest, ratio })
}

/// The first of a long list.
#[must_use]
pub fn first_files(dataset: &Dataset, records: &[usize]) -> Vec<String> {
    records.iter().take(LISTED).map(|record| dataset.facts.images[*record].file.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_images_one_of_each_class_and_of_each_side_comes_first() {
        let classes = [0, 0, 0, 0, 1, 1, 2];
        let sides = [0, 0, 2, 1, 0, 0, 0];
        let ordered = telling_first((0..7).collect(), |record| [classes[record], sides[record]]);
        assert_eq!(ordered, [0, 4, 6, 2, 3, 1, 5]);
        assert_eq!(telling_first(vec![3, 2], |_| [0, 0]), [3, 2]);
    }
}
