//! One temperature for all logits that makes probabilities honest (Guo et al. 2017): softmax(z / T) with the T that gives the
//! lowest negative log likelihood. It changes no choice.
//!
//! In the inverse b = 1 / T the likelihood is convex, so that its derivative, the mean over samples of E_p z - z_y, has one zero,
//! found by Newton's method between bounds.

use super::probabilities::weights;

/// Temperatures are not outside of this range: beyond it probabilities are those of a coin or of certainty.
const RANGE: [f64; 2] = [0.05, 20.0];

const STEPS: usize = 60;

/// Logits of samples, row by row, with their true classes.
#[derive(Clone, Copy, Debug)]
pub struct Logits<'a> {
    /// A logit for each class of each sample.
    pub values: &'a [f32],
    /// The true class of each sample.
    pub truths: &'a [u32],
}

/// The logits of a validation, until its temperature is known: thinned out evenly if they are too many for the memory.
#[derive(Clone, Debug)]
pub struct Kept {
    values: Vec<f32>,
    truths: Vec<u32>,
    /// Each how many-th sample is kept.
    every: usize,
    seen: usize,
}

/// So many logits are kept: 64 MiB.
const MOST: usize = 1 << 24;

impl Default for Kept {
    fn default() -> Self {
        Self { values: Vec::new(), truths: Vec::new(), every: 1, seen: 0 }
    }
}

impl Kept {
    /// Takes the logits of a sample.
    pub fn add(&mut self, logits: &[f32], truth: usize) {
        if self.seen.is_multiple_of(self.every) {
            self.values.extend(logits);
            self.truths.push(truth as u32);
        }
        self.seen += 1;
        if self.values.len() > MOST {
            self.thin(logits.len());
        }
    }

    /// Takes those of others.
    pub fn merge(&mut self, other: &Self) {
        self.values.extend(&other.values);
        self.truths.extend(&other.truths);
        self.seen += other.seen;
    }

    /// What is kept.
    #[must_use]
    pub fn logits(&self) -> Logits<'_> {
        Logits { values: &self.values, truths: &self.truths }
    }

    fn thin(&mut self, classes: usize) {
        let is_kept = |sample: usize| sample.is_multiple_of(2);
        let rows = self.values.chunks_exact(classes.max(1)).enumerate();
        self.values = rows.filter(|(sample, _)| is_kept(*sample)).flat_map(|(_, row)| row.iter().copied()).collect();
        let mut sample = 0;
        self.truths.retain(|_| {
            sample += 1;
            is_kept(sample - 1)
        });
        self.every *= 2;
    }
}

/// The temperature; `None` without samples, or if none is wrong: any lower temperature would then fit better.
#[must_use]
pub fn fit(logits: Logits<'_>) -> Option<f64> {
    if logits.rows().all(|(row, truth)| super::probabilities::choice(row) == truth) {
        return None;
    }
    let [mut low, mut high] = [1.0 / RANGE[1], 1.0 / RANGE[0]];
    let mut inverse = 1.0;
    for _ in 0..STEPS {
        let [slope, curvature] = derivatives(logits, inverse);
        if slope > 0.0 {
            high = inverse
        } else {
            low = inverse
        }
        let newton = inverse - slope / curvature;
        let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
        let is_found = (next - inverse).abs() <= 1e-9 * inverse;
        inverse = next;
        if is_found {
            break;
        }
    }
    // So many digits mean something, and they are readable.
    Some((1e6 / inverse).round() / 1e6)
}

impl<'a> Logits<'a> {
    /// The logits and the true class of each sample.
    pub fn rows(self) -> impl Iterator<Item = (&'a [f32], usize)> {
        let classes = self.values.len() / self.truths.len().max(1);
        self.values.chunks_exact(classes.max(1)).zip(self.truths.iter().map(|truth| *truth as usize))
    }
}

/// The first and the second derivative of the negative log likelihood by the inverse temperature, summed.
fn derivatives(logits: Logits<'_>, inverse: f64) -> [f64; 2] {
    let mut sums = [0.0; 2];
    let mut shares = Vec::new();
    for (row, truth) in logits.rows() {
        let total = weights(row, inverse, &mut shares);
        let mean = |power: i32| {
            let terms = row.iter().zip(&shares).map(|(logit, share)| share * f64::from(*logit).powi(power));
            terms.sum::<f64>() / total
        };
        let expected = mean(1);
        sums[0] += expected - f64::from(row[truth]);
        sums[1] += mean(2) - expected * expected;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_that_are_five_times_too_large_have_five_times_the_temperature() {
        let honest: Vec<f32> = (0..40).flat_map(|sample| [0.0, if sample % 4 == 0 { 0.5 } else { 1.5 }]).collect();
        let truths: Vec<u32> = (0..40).map(|sample| u32::from(sample % 3 != 0)).collect();
        let of = |values: &[f32]| fit(Logits { values, truths: &truths }).unwrap();
        let larger: Vec<f32> = honest.iter().map(|logit| 5.0 * logit).collect();
        assert!((of(&larger) / of(&honest) - 5.0).abs() < 1e-4, "{} {}", of(&larger), of(&honest));
    }

    #[test]
    fn too_many_logits_are_thinned_out_evenly() {
        let mut kept = Kept::default();
        let classes = MOST / 8;
        for sample in 0..30 {
            kept.add(&vec![sample as f32; classes], sample);
        }
        assert_eq!(kept.truths, [0, 4, 8, 12, 16, 20, 24, 28]);
        let firsts: Vec<f32> = kept.logits().rows().map(|(row, _)| row[0]).collect();
        assert_eq!(firsts, [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0]);
    }

    #[test]
    fn without_errors_there_is_none_and_nonsense_has_the_highest() {
        let values = [1.0, 0.0, 0.0, 1.0];
        assert_eq!(fit(Logits { values: &values, truths: &[0, 1] }), None);
        assert_eq!(fit(Logits { values: &[], truths: &[] }), None);
        assert_eq!(fit(Logits { values: &values, truths: &[1, 0] }), Some(RANGE[1]));
    }
}
