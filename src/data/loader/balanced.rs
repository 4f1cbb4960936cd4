//! Epochs in which groups of samples come as often as is asked for, whatever their sizes: a small class again and again, of a
//! large one a part. A function of (seed, epoch), like every order.
//!
//! An epoch has as many samples as without it. How many are of a group is its share of them, rounded up or down by chance so that
//! all are exact on average (systematic sampling). Which ones continues from epoch to epoch: every sample of a group comes once
//! before any comes again, in a new order each time.

use rand_chacha::rand_core::RngCore;

use super::order::shuffle;
use crate::util::seed;

/// Shares are counted in parts of this, in integers: they are then the same on every machine.
const BITS: u32 = 40;

/// Groups of samples, and how much of an epoch each has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    /// The samples of each group, by their index in the list.
    groups: Vec<Vec<u32>>,
    /// Where the share of each group ends; the last one ends at one.
    ends: Vec<u64>,
}

impl Balanced {
    /// Groups of the samples that take part: `group` says which one a sample is in, and `chance` how probable each sample of a
    /// group is, by its number and how many it has.
    pub(super) fn new(
        samples: impl Iterator<Item = u32>,
        group: impl Fn(u32) -> usize,
        chance: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for sample in samples {
            let group = group(sample);
            if groups.len() <= group {
                groups.resize(group + 1, Vec::new());
            }
            groups[group].push(sample);
        }
        let share = |(number, group): (usize, &Vec<u32>)| group.len() as f64 * chance(number, group.len());
        let there = groups.iter().enumerate().filter(|(_, group)| !group.is_empty());
        let shares: Vec<f64> = there.map(share).collect();
        groups.retain(|group| !group.is_empty());
        let total: f64 = shares.iter().sum();
        let mut sum = 0.0;
        let mut end = |share: f64| {
            sum += share;
            (sum / total * (1_u64 << BITS) as f64).round() as u64
        };
        let mut ends: Vec<u64> = shares.into_iter().map(&mut end).collect();
        if let Some(last) = ends.last_mut() {
            *last = 1 << BITS;
        }
        Self { groups, ends }
    }

    /// How many samples of each group an epoch of so many has.
    fn counts(&self, seed: u64, epoch: u64, samples: u32) -> Vec<u64> {
        let offset = seed::generator(seed, "balance of groups", epoch, 0).next_u64() >> (64 - BITS);
        let mut before = 0;
        let count = |end: &u64| {
            let until = ((u128::from(samples) * u128::from(*end) + u128::from(offset)) >> BITS) as u64;
            let count = until - before;
            before = until;
            count
        };
        self.ends.iter().map(count).collect()
    }

    /// The samples of an epoch, group by group.
    pub(super) fn epoch(&self, seed: u64, epoch: u64, samples: u32) -> Vec<u32> {
        let mut past = vec![0_u64; self.groups.len()];
        for earlier in 0..epoch {
            past.iter_mut().zip(self.counts(seed, earlier, samples)).for_each(|(past, count)| *past += count);
        }
        let mut drawn = Vec::with_capacity(samples as usize);
        for ((number, group), (past, count)) in
            self.groups.iter().enumerate().zip(past.into_iter().zip(self.counts(seed, epoch, samples)))
        {
            draw(group, &format!("round of group {number}"), seed, past..past + count, &mut drawn);
        }
        drawn
    }
}

/// Appends what comes at these places of the endless row of a group: round after round of all its samples.
fn draw(group: &[u32], purpose: &str, seed: u64, places: std::ops::Range<u64>, into: &mut Vec<u32>) {
    let length = group.len() as u64;
    let mut place = places.start;
    while place < places.end {
        let (round, first) = (place / length, place % length);
        let mut numbers = group.to_vec();
        shuffle(&mut numbers, seed, purpose, round);
        let taken = (places.end - place).min(length - first);
        into.extend(&numbers[first as usize..(first + taken) as usize]);
        place += taken;
    }
}

/// How often each place's sample came before it in the same epoch.
pub(super) fn repeats(indices: &[u32]) -> Vec<u32> {
    let mut counts = vec![0_u32; indices.iter().max().map_or(0, |most| *most as usize + 1)];
    let repeat = |index: &u32| {
        let count = &mut counts[*index as usize];
        *count += 1;
        *count - 1
    };
    indices.iter().map(repeat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of 2, 10 and 88 samples.
    fn group(sample: u32) -> usize {
        match sample {
            0..2 => 0,
            2..12 => 1,
            _ => 2,
        }
    }

    fn counts_of(drawn: &[u32]) -> [usize; 3] {
        [0, 1, 2].map(|wanted| drawn.iter().filter(|sample| group(**sample) == wanted).count())
    }

    #[test]
    fn groups_come_as_often_as_their_chance_says_and_an_epoch_keeps_its_length() {
        let even = Balanced::new(0..100, group, |_, count| 1.0 / count as f64);
        let mut all = [0; 3];
        for epoch in 0..30 {
            let drawn = even.epoch(7, epoch, 100);
            assert_eq!(drawn.len(), 100);
            let counts = counts_of(&drawn);
            assert!(counts.iter().all(|count| (33..=34).contains(count)), "{counts:?}");
            all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        assert!(all.iter().all(|count| (990..=1010).contains(count)), "{all:?}");
        let root = Balanced::new(0..100, group, |_, count| (count as f64).powf(-0.5));
        let expected: Vec<f64> = [2.0_f64, 10.0, 88.0].map(f64::sqrt).into();
        let total: f64 = expected.iter().sum();
        for (count, expected) in counts_of(&root.epoch(7, 0, 100)).into_iter().zip(expected) {
            assert!((count as f64 - 100.0 * expected / total).abs() < 1.0, "{count}");
        }
        let plain = Balanced::new(0..100, group, |_, _| 1.0);
        assert_eq!(counts_of(&plain.epoch(7, 3, 100)), [2, 10, 88]);
    }

    #[test]
    fn every_sample_of_a_group_comes_once_before_any_comes_again_through_all_epochs() {
        let even = Balanced::new(0..100, group, |_, count| 1.0 / count as f64);
        let mut times = [0_u32; 100];
        for epoch in 0..9 {
            even.epoch(7, epoch, 100).iter().for_each(|sample| times[*sample as usize] += 1);
            for members in [0..2, 2..12, 12..100] {
                let of = &times[members];
                assert!(of.iter().max().unwrap() - of.iter().min().unwrap() <= 1, "epoch {epoch}: {of:?}");
            }
        }
        assert!(times[12..].iter().all(|&times| times >= 3), "nine epochs of 33 are more than three rounds of 88");
    }

    #[test]
    fn an_epoch_is_a_function_of_seed_and_epoch() {
        let even = Balanced::new(0..100, group, |_, count| 1.0 / count as f64);
        assert_eq!(even.epoch(7, 5, 100), even.clone().epoch(7, 5, 100));
        assert_ne!(even.epoch(7, 5, 100), even.epoch(7, 6, 100));
        assert_ne!(even.epoch(7, 5, 100), even.epoch(8, 5, 100));
    }

    #[test]
    fn samples_that_do_not_take_part_and_groups_without_any_never_come() {
        let some = Balanced::new([1, 50, 51].into_iter(), group, |_, count| 1.0 / count as f64);
        for epoch in 0..20 {
            let drawn = some.epoch(7, epoch, 3);
            assert!(drawn.len() == 3 && drawn.iter().all(|sample| [1, 50, 51].contains(sample)), "{drawn:?}");
        }
        assert_eq!(Balanced::new(std::iter::empty(), group, |_, _| 1.0).epoch(7, 1, 0), [0_u32; 0]);
    }

    #[test]
    fn repeats_are_counted_in_their_order() {
        assert_eq!(repeats(&[4, 1, 4, 4, 0, 1]), [0, 0, 1, 2, 0, 1]);
        assert_eq!(repeats(&[]), [0_u32; 0]);
    }
}
