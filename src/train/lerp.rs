//! Linear interpolation as libtorch computes it: exact at both ends in spite of rounding.

/// How far to go from one number to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lerp {
    weight: f32,
    rest: f32,
    near: bool,
}

impl Lerp {
    /// A weight of 0 stays at the start, 1 goes to the end.
    pub fn new(weight: f64) -> Self {
        let weight = weight as f32;
        Self { weight, rest: 1.0 - weight, near: weight < 0.5 }
    }

    /// The interpolated number.
    #[inline(always)]
    pub fn between(self, from: f32, to: f32) -> f32 {
        let way = to - from;
        if self.near { from + self.weight * way } else { to - way * self.rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_exact() {
        for (from, to) in [(0.1_f32, 0.7), (1e8, -3.3), (1e-30, 1e30)] {
            assert_eq!(Lerp::new(0.0).between(from, to).to_bits(), from.to_bits());
            assert_eq!(Lerp::new(1.0).between(from, to).to_bits(), to.to_bits());
        }
    }

    #[test]
    fn the_middle_is_in_the_middle() {
        assert_eq!(Lerp::new(0.25).between(1.0, 5.0), 2.0);
        assert_eq!(Lerp::new(0.75).between(1.0, 5.0), 4.0);
    }
}
