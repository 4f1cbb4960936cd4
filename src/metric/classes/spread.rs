//! Over how many classes the choices of a model spread, whatever is right. A model that has collapsed chooses few of them.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;

/// How choices spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The classes that were chosen at least once.
    pub distinct: usize,
    /// The class that was chosen most often; of equal ones the first.
    pub largest: usize,
    /// The share of choices that it has.
    pub largest_share: f64,
    /// The entropy of the choices in nats: 0 if all are one class, the logarithm of the number of classes if all are as frequent.
    pub entropy: f64,
}

impl Spread {
    /// How the choices spread; `None` without samples.
    #[must_use]
    pub fn of(counts: &Confusion) -> Option<Self> {
        let ([_, taken], samples) = (counts.margins(), counts.samples());
        let largest = (0..taken.len()).rev().max_by_key(|class| taken[*class]).filter(|_| samples > 0)?;
        let share = |class: usize| taken[class] as f64 / samples as f64;
        let chosen: Vec<usize> = (0..taken.len()).filter(|class| taken[*class] > 0).collect();
        // 0 - ..., so that all choices of one class are 0, not -0.
        let entropy = 0.0 - chosen.iter().map(|class| share(*class) * share(*class).ln()).sum::<f64>();
        Some(Self { distinct: chosen.len(), largest, largest_share: share(largest), entropy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_of_one_class_have_no_entropy_and_even_ones_have_all_of_it() {
        let of = |choices: &[usize]| {
            let mut counts = Confusion::none(4);
            choices.iter().for_each(|predicted| counts.add(0, *predicted));
            Spread::of(&counts)
        };
        assert_eq!(of(&[]), None);
        let collapsed = of(&[2, 2, 2]).unwrap();
        assert_eq!(collapsed, Spread { distinct: 1, largest: 2, largest_share: 1.0, entropy: 0.0 });
        assert!(collapsed.entropy.is_sign_positive());
        let even = of(&[3, 1, 0, 2]).unwrap();
        assert_eq!((even.distinct, even.largest, even.largest_share), (4, 0, 0.25));
        assert!((even.entropy - 4.0_f64.ln()).abs() < 1e-12);
    }
}
