//! Every class gives its share to each side. Which items those are follows from their contents, so neither the order of
//! files nor another file in the dataset moves an item to another side.
//!
//! - Items of the same content are one *unit*, also across classes: they are always on the same side. A unit belongs to the
//!   first of its classes.
//! - The n units of a class are ordered by a hash of seed, class and content. The first round(test * n) test, the next
//!   round(val * n) validate, the rest trains.
//! - A class keeps at least one unit for training. From 2 units on others may leave it; from 4 on at least one validates
//!   where the share is above 0. Where that is too much, the test gives way.

use std::collections::BTreeMap;

use super::{Shares, Side};
use crate::util::sha256::{Digest, Hasher};

/// The fewest units of a class of which one must validate.
const VALIDATES_FROM: usize = 4;

/// What the rule needs to know of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The number of its class.
    pub class: usize,
    /// Its content: that of the decoded pixels, for one.
    pub content: Digest,
}

/// The side of each item. The name of a class, not its number, decides, so that a new class moves nothing.
#[must_use]
pub fn stratified(items: &[Item], classes: &[impl AsRef<str>], shares: Shares, seed: u64) -> Vec<Side> {
    let mut owners: BTreeMap<Digest, usize> = BTreeMap::new();
    for item in items {
        let owner = owners.entry(item.content).or_insert(item.class);
        *owner = item.class.min(*owner);
    }
    let mut units: BTreeMap<usize, Vec<(Digest, Digest)>> = BTreeMap::new();
    for (&content, &class) in &owners {
        let name = classes.get(class).map_or("", AsRef::as_ref);
        units.entry(class).or_default().push((key(seed, name, content), content));
    }
    let mut sides: BTreeMap<Digest, Side> = BTreeMap::new();
    for mut units in units.into_values() {
        units.sort_unstable();
        let [test, val] = counts(units.len(), shares);
        let placed = units.into_iter().enumerate().map(|(place, (_, content))| (content, side(place, test, val)));
        sides.extend(placed);
    }
    items.iter().map(|item| sides.get(&item.content).copied().unwrap_or(Side::Train)).collect()
}

/// The place of a unit among those of its class.
fn key(seed: u64, class: &str, content: Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&(class.len() as u64).to_le_bytes());
    hasher.update(class.as_bytes());
    hasher.update(content.to_string().as_bytes());
    hasher.finish()
}

/// How many units test and validate.
fn counts(units: usize, shares: Shares) -> [usize; 2] {
    let spare = units.saturating_sub(1);
    let rounded = |share: f64| (share * units as f64).round() as usize;
    let least_val = usize::from(units >= VALIDATES_FROM && shares.val > 0.0);
    let test = rounded(shares.test).min(spare - least_val.min(spare));
    let val = rounded(shares.val).max(least_val).min(spare - test);
    [test, val]
}

fn side(place: usize, test: usize, val: usize) -> Side {
    match place {
        _ if place < test => Side::Test,
        _ if place < test + val => Side::Val,
        _ => Side::Train,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Test, Train, Val};
    use proptest::prelude::*;

    const CLASSES: [&str; 3] = ["A", "B", "ñ"];

    fn item(class: usize, content: u64) -> Item {
        Item { class, content: Digest::of(&content.to_le_bytes()) }
    }

    /// A class of distinct items.
    fn class(class: usize, count: u64) -> Vec<Item> {
        (0..count).map(|number| item(class, 1000 * class as u64 + number)).collect()
    }

    fn of(items: &[Item], val: f64, test: f64) -> Vec<Side> {
        stratified(items, &CLASSES, Shares { val, test }, 42)
    }

    /// How many test, validate and train.
    fn numbers(sides: &[Side]) -> [usize; 3] {
        [Test, Val, Train].map(|side| sides.iter().filter(|&&found| found == side).count())
    }

    #[test]
    fn small_classes_keep_one_for_training_and_validate_from_four_on() {
        let cases = [
            (0, 0.15, 0.0, [0, 0, 0]),
            (1, 0.15, 0.15, [0, 0, 1]),
            (2, 0.15, 0.0, [0, 0, 2]),
            (2, 0.9, 0.0, [0, 1, 1]),
            (3, 0.15, 0.0, [0, 0, 3]),
            (3, 0.4, 0.4, [1, 1, 1]),
            (4, 0.1, 0.0, [0, 1, 3]),
            (4, 0.1, 0.8, [2, 1, 1]),
            (4, 0.0, 0.1, [0, 0, 4]),
            (4, 0.0, 0.8, [3, 0, 1]),
            (20, 0.15, 0.1, [2, 3, 15]),
        ];
        for (count, val, test, expected) in cases {
            assert_eq!(numbers(&of(&class(0, count), val, test)), expected, "{count} images, val {val}, test {test}");
        }
    }

    #[test]
    fn every_class_gives_its_share() {
        let items = [class(0, 100), class(1, 40), class(2, 10)].concat();
        let sides = of(&items, 0.2, 0.1);
        assert_eq!(numbers(&sides[..100]), [10, 20, 70]);
        assert_eq!(numbers(&sides[100..140]), [4, 8, 28]);
        assert_eq!(numbers(&sides[140..]), [1, 2, 7]);
    }

    #[test]
    fn the_same_content_is_never_on_two_sides_even_across_classes() {
        let mut items = [class(0, 30), class(1, 30)].concat();
        let copies: Vec<Item> = items.iter().map(|original| Item { class: 1, ..*original }).collect();
        items.extend(copies);
        let sides = of(&items, 0.3, 0.2);
        for (index, item) in items.iter().enumerate() {
            let others = items.iter().zip(&sides).filter(|(other, _)| other.content == item.content);
            assert!(others.into_iter().all(|(_, side)| *side == sides[index]));
        }
        // Three copies of one image are one unit: nothing of it can leave training.
        assert_eq!(of(&[item(0, 1), item(0, 1), item(0, 1)], 0.5, 0.4), [Train; 3]);
    }

    #[test]
    fn neither_the_order_of_items_nor_another_class_moves_one() {
        let items = [class(0, 25), class(1, 25)].concat();
        let sides = of(&items, 0.2, 0.2);
        let backwards: Vec<Item> = items.iter().rev().copied().collect();
        assert!(of(&backwards, 0.2, 0.2).iter().rev().eq(&sides));
        let more = [items.clone(), class(2, 9)].concat();
        assert_eq!(of(&more, 0.2, 0.2)[..50], sides);
        let moved: Vec<Item> = items.iter().map(|item| Item { class: item.class + 1, ..*item }).collect();
        let names = ["new", CLASSES[0], CLASSES[1]];
        assert_eq!(stratified(&moved, &names, Shares { val: 0.2, test: 0.2 }, 42), sides);
    }

    #[test]
    fn another_seed_is_another_split_and_the_same_one_that_of_every_earlier_version() {
        let items = class(0, 12);
        let seeded = |seed| stratified(&items, &CLASSES, Shares { val: 0.25, test: 0.25 }, seed);
        assert_ne!(seeded(42), seeded(43));
        let letters: String = seeded(42).iter().map(|side| &side.name()[..2]).collect();
        insta::assert_snapshot!(letters, @"trtetrvavatrtrtetrtetrva");
    }

    proptest! {
        #[test]
        fn every_class_of_distinct_items_trains_and_is_near_its_shares(
            count in 1_u64..60, val in 0.0..0.5_f64, test in 0.0..0.4_f64
        ) {
            let [tests, validates, trains] = numbers(&of(&class(0, count), val, test));
            prop_assert!(trains >= 1);
            prop_assert!(validates >= 1 || count < 4 || val == 0.0);
            let near = |got: usize, share: f64| (got as f64 - share * count as f64).abs() <= 1.0;
            prop_assert!(count < 4 || near(tests, test) && near(validates, val), "{} {}", tests, validates);
        }
    }
}
