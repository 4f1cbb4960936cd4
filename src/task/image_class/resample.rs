//! How much the scores of two classifiers differ by chance, from the choices that both made for the same images.

use super::chapters::Evaluated;
use super::scores::{PRIMARY, SECTION, Section};
use crate::metric::document::Metrics;
use crate::metric::pooled::{Differences, Resample};

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Resample for Evaluated {
    fn differences(&self, current: &Metrics, baseline: &Metrics, _seed: u64) -> Result<Differences, String> {
        let choices = |metrics: &Metrics| metrics.section::<Section>(SECTION).map(|section| section.right.into_bytes());
        let (Some(current), Some(baseline)) = (choices(current), choices(baseline)) else {
            return Err("one of them does not say which images it recognised".into());
        };
        if current.len() != baseline.len() || current.is_empty() {
            return Err(format!("they were measured on {} and {} images", current.len(), baseline.len()));
        }
        let interval = |least: u8| Some(paired(&current, &baseline, least));
        let intervals = vec![(PRIMARY.to_owned(), interval(b'2')), ("top5".to_owned(), interval(b'1'))];
        Ok(Differences { groups: current.len(), intervals })
    }
}

/// The 95 % interval of the difference between two shares of the same images: only images that one of the two has right and
/// the other not decide (McNemar 1947).
fn paired(current: &[u8], baseline: &[u8], least: u8) -> [f64; 2] {
    let count = |is: &dyn Fn(bool, bool) -> bool| {
        let pairs = current.iter().zip(baseline).map(|(one, other)| (*one >= least, *other >= least));
        pairs.filter(|&(one, other)| is(one, other)).count() as f64
    };
    let (won, lost, n) = (count(&|one, other| one && !other), count(&|one, other| !one && other), current.len() as f64);
    let difference = (won - lost) / n;
    let half = Z * (won + lost - (won - lost).powi(2) / n).max(0.0).sqrt() / n;
    [difference - half, difference + half]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_that_one_of_the_two_recognises_decide() {
        assert_eq!(paired(b"2200", b"2200", b'2'), [0.0, 0.0]);
        // 6 won, 2 lost of 100: 0.04 +- 1.96 sqrt(8 - 16 / 100) / 100
        let (mut current, mut baseline) = (vec![b'2'; 100], vec![b'2'; 100]);
        (0..6).for_each(|image| baseline[image] = b'0');
        (6..8).for_each(|image| current[image] = b'0');
        let [low, high] = paired(&current, &baseline, b'2');
        assert!((low - (0.04 - 0.054_878_991)).abs() < 1e-8 && (high - 0.094_878_991).abs() < 1e-8, "{low} {high}");
        let [low, high] = paired(b"1100", b"1000", b'1');
        assert!(low < 0.25 && high > 0.25);
    }
}
