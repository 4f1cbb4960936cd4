//! What is done about classes with few samples: they count more in the loss, or come more often. How much is a function of
//! the number of training samples of each class. Nothing is drawn here: the sampler is the loader's.

/// How much more a sample of a small class counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balancing {
    /// A sample of a class of n counts `n^-power`.
    pub power: f64,
    /// If set, it counts by the effective number of samples instead, `(1 - beta^n) / (1 - beta)` (Cui et al. 2019).
    pub beta: Option<f64>,
}

/// How much a sample of a class of so many counts, up to a common factor.
#[must_use]
pub fn chance(how: Balancing, samples: usize) -> f64 {
    match how.beta {
        Some(beta) => (1.0 - beta) / (1.0 - beta.powf(samples as f64)),
        None => (samples as f64).powf(-how.power),
    }
}

/// The weight of each class: 1 on average over the training samples, 0 without any. With a power of 1 they are
/// `N / (classes with samples * n)`.
#[must_use]
pub fn weights(how: Balancing, counts: &[usize]) -> Vec<f64> {
    let of = |&count: &usize| if count == 0 { 0.0 } else { chance(how, count) };
    let all: f64 = counts.iter().map(|count| *count as f64 * of(count)).sum();
    let samples: usize = counts.iter().sum();
    let factor = if all > 0.0 { samples as f64 / all } else { 0.0 };
    counts.iter().map(|count| of(count) * factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(power: f64, beta: Option<f64>) -> Balancing {
        Balancing { power, beta }
    }

    fn close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-9, "{got} {expected}");
        }
    }

    #[test]
    fn weights_are_those_of_the_libraries_and_1_on_average() {
        let counts = [90, 9, 0, 1];
        // sklearn.utils.class_weight.compute_class_weight("balanced", ...) over the three classes with samples.
        close(&weights(config(1.0, None), &counts), &[100.0 / 270.0, 100.0 / 27.0, 0.0, 100.0 / 3.0]);
        close(&weights(config(0.0, None), &counts), &[1.0, 1.0, 0.0, 1.0]);
        let root = weights(config(0.5, None), &counts);
        assert!((root[1] / root[0] - 10.0_f64.sqrt()).abs() < 1e-9 && root[2] == 0.0);
        let effective = weights(config(1.0, Some(0.999)), &counts);
        let number = |count: f64| (1.0 - 0.999_f64.powf(count)) / (1.0 - 0.999);
        assert!((effective[3] / effective[0] - number(90.0) / number(1.0)).abs() < 1e-9);
        for weights in [root, effective] {
            let mean: f64 = counts.iter().zip(&weights).map(|(count, weight)| *count as f64 * weight).sum();
            assert!((mean / 100.0 - 1.0).abs() < 1e-12, "{mean}");
        }
    }

    #[test]
    fn without_samples_nothing_counts() {
        close(&weights(config(1.0, None), &[0, 0]), &[0.0, 0.0]);
    }
}
