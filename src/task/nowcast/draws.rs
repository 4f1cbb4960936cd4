//! How often training windows are drawn: those with much echo more often. Strong echo is rare: in an even draw a network sees
//! little of what it is judged by.
//!
//! Windows are put into groups by how much echo their targets have, from twice as much to twice as much; a group's windows
//! are equally probable. The loader does the rest (see `data/loader/balanced`): which windows an epoch has is a function of the
//! seed and the epoch.

use super::config::{NowcastConfig, WetConfig};
use super::motion::known::Known;
use super::quantize::STEPS;
use crate::data::loader::Sample;

/// The group of each window, and how probable a window of each group is.
#[derive(Debug)]
pub(super) struct Draws {
    groups: Vec<usize>,
    chances: Vec<f64>,
}

impl Draws {
    /// For these training windows.
    pub(super) fn new(wet: &WetConfig, config: &NowcastConfig, samples: &[Sample], known: &Known) -> Self {
        let (min, max) = (config.prepare.min, config.prepare.max);
        let value = (1.0 + STEPS * ((wet.above - min) / (max - min)).clamp(0.0, 1.0)).floor() as u8;
        let targets = config.windows.input_frames..config.windows.input_frames + config.windows.target_frames;
        let cells = |sample: &Sample| -> u64 {
            targets.clone().map(|frame| known.cells_above(sample, frame, value).unwrap_or(0)).sum()
        };
        Self::of(samples.iter().map(cells).collect(), wet.share)
    }

    fn of(cells: Vec<u64>, share: f64) -> Self {
        let groups: Vec<usize> = cells.iter().map(|cells| (cells + 1).ilog2() as usize).collect();
        let mut sums = vec![(0_u64, 0_u64); groups.iter().max().map_or(0, |most| most + 1)];
        for (group, cells) in groups.iter().zip(&cells) {
            sums[*group] = (sums[*group].0 + 1, sums[*group].1 + cells);
        }
        let all = cells.iter().sum::<u64>().max(1) as f64;
        let even = (1.0 - share) / cells.len().max(1) as f64;
        // A group without windows is never drawn; a window without echo has a chance, so that shares add up.
        let chance = |(windows, cells): &(u64, u64)| even + share * *cells as f64 / (*windows).max(1) as f64 / all;
        let chances: Vec<f64> = sums.iter().map(chance).map(|chance| chance.max(f64::MIN_POSITIVE)).collect();
        Self { groups, chances }
    }

    /// The group of a window.
    pub(super) fn group(&self, sample: u32) -> usize {
        self.groups[sample as usize]
    }

    /// How probable each window of a group is, compared with others.
    pub(super) fn chance(&self, group: usize) -> f64 {
        self.chances[group]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_follows_the_echo_and_the_rest_is_even() {
        let draws = Draws::of(vec![0, 0, 100, 300], 0.5);
        assert_eq!(draws.groups, [0, 0, 6, 8]);
        let chances = [0, 6, 8].map(|group| draws.chance(group));
        let expected = [0.125, 0.125 + 0.125, 0.125 + 0.375];
        assert!(chances.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-12), "{chances:?}");
        let dry = Draws::of(vec![0; 3], 1.0);
        assert!(dry.chance(0) > 0.0, "without any echo all are drawn evenly");
    }
}
