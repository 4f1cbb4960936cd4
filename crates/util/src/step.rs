//! The steps of a scale that people read: 1, 2 or 5 times a power of ten.

/// A round step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    digit: f64,
    power: i32,
}

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

    /// The multiples strictly between two numbers.
    #[must_use]
    pub fn between(self, low: f64, high: f64) -> Vec<f64> {
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
}
