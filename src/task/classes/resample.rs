//! How much the scores of two classifiers differ by chance, from the choices that both made for the same samples: only samples
//! that one of the two has right and the other not decide (McNemar's test).

use super::chapters::OfClasses;
use super::section::{SECTION, Section};
use super::specs::{ACCURACY, TOP_5};
use crate::metric::classes::agreement::largest_by_chance;
use crate::metric::document::Metrics;
use crate::metric::pooled::{Differences, Resample};

impl Resample for OfClasses {
    fn differences(&self, current: &Metrics, baseline: &Metrics, _seed: u64) -> Result<Differences, String> {
        let choices = |metrics: &Metrics| metrics.section::<Section>(SECTION);
        let (Some(one), Some(other)) = (choices(current), choices(baseline)) else {
            return Err(format!("one of them does not say which {} it recognised", self.unit.many));
        };
        let is_same_dataset = current.dataset.fingerprint == baseline.dataset.fingerprint;
        if !is_same_dataset || one.samples != other.samples || one.right.len() != other.right.len() {
            return Err(format!("they were measured on other {}", self.unit.many));
        }
        let [one, other] = [one, other].map(|section| section.right.into_bytes());
        let interval = |least: u8| Some(paired(&one, &other, least));
        let intervals = vec![(ACCURACY.to_owned(), interval(b'2')), (TOP_5.to_owned(), interval(b'1'))];
        Ok(Differences { groups: one.len(), intervals })
    }
}

/// Around the difference between two shares of the same samples, as far to each side as a difference may be chance.
fn paired(current: &[u8], baseline: &[u8], least: u8) -> [f64; 2] {
    let count = |is: &dyn Fn(bool, bool) -> bool| {
        let pairs = current.iter().zip(baseline).map(|(one, other)| (*one >= least, *other >= least));
        pairs.filter(|&(one, other)| is(one, other)).count() as u64
    };
    let (won, lost) = (count(&|one, other| one && !other), count(&|one, other| !one && other));
    let share = |samples: f64| samples / current.len().max(1) as f64;
    let (difference, half) = (share(won as f64 - lost as f64), share(largest_by_chance(won + lost) as f64));
    [difference - half, difference + half]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_samples_that_one_of_the_two_recognises_decide() {
        assert_eq!(paired(b"2200", b"2200", b'2'), [0.0, 0.0]);
        // 6 won, 2 lost of 100: of eight, a difference of 6 (7 to 1, p = 0.07) may be chance.
        let (mut current, mut baseline) = (vec![b'2'; 100], vec![b'2'; 100]);
        (0..6).for_each(|sample| baseline[sample] = b'0');
        (6..8).for_each(|sample| current[sample] = b'0');
        let [low, high] = paired(&current, &baseline, b'2');
        assert!((low + 0.02).abs() < 1e-12 && (high - 0.1).abs() < 1e-12, "{low} {high}");
        // As many of the first five, though not of the first.
        assert_eq!(paired(b"1100", b"2200", b'1'), [0.0, 0.0]);
    }
}
