//! The steps of a scale that people read: 1, 2 or 5 times a power of ten.

/// A round step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    digit: f64,
    power: i32,
}

/// The largest whole numbers whose neighbours a double knows: 2^53.
const LARGEST: f64 = 9_007_199_254_740_992.0;

impl Step {
    /// The smallest round step that is not smaller than a number above 0.
    #[must_use]
    pub fn at_least(size: f64) -> Self {
        let size = if size.is_finite() && size > 0.0 { size } else { 1.0 };
        let power = size.log10().floor() as i32;
        let digits = [(1.0, power), (2.0, power), (5.0, power), (1.0, power + 1)];
        let steps = digits.map(|(digit, power)| Self { digit, power });
        steps.into_iter().find(|step| step.times(1) >= size * (1.0 - 1e-9)).unwrap_or(steps[3])
    }

    /// So many steps from 0, rounded once: three steps of 0.1 are 0.3.
    #[must_use]
    pub fn times(self, count: i64) -> f64 {
        let digits = count as f64 * self.digit;
        if self.power < 0 { digits / 10_f64.powi(-self.power) } else { digits * 10_f64.powi(self.power) }
    }

    /// The multiples strictly between two numbers; none if they are too large to be told from their neighbours.
    #[must_use]
    pub fn between(self, low: f64, high: f64) -> Vec<f64> {
        let are_told_apart = [low, high].iter().all(|end| (end / self.times(1)).abs() < LARGEST);
        if !are_told_apart || low >= high {
            return Vec::new();
        }
        let first = (low / self.times(1)).floor() as i64;
        let multiples = (first..).map(|count| self.times(count)).take_while(|value| *value < high);
        multiples.filter(|value| *value > low).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_their_multiples_have_no_rounding_errors() {
        let sizes = [0.07, 0.1, 0.3, 1.0, 1.1, 15.7, 50.0, 51.0];
        let steps = sizes.map(|size| Step::at_least(size).times(1));
        assert_eq!(steps, [0.1, 0.1, 0.5, 1.0, 2.0, 20.0, 50.0, 100.0]);
        assert_eq!(Step::at_least(0.1).between(0.0, 0.5), [0.1, 0.2, 0.3, 0.4]);
        assert_eq!(Step::at_least(20.0).between(-29.0, 65.0), [-20.0, 0.0, 20.0, 40.0, 60.0]);
        assert_eq!(Step::at_least(f64::NAN).times(2), 2.0);
    }

    #[test]
    fn between_numbers_that_are_too_large_or_no_numbers_there_is_nothing() {
        for (low, high) in [(1e308, 65.0), (1e300, 2e300), (0.0, f64::INFINITY), (f64::NAN, 1.0), (5.0, 2.0)] {
            assert_eq!(Step::at_least(1.0).between(low, high), Vec::<f64>::new(), "{low} {high}");
        }
    }
}
