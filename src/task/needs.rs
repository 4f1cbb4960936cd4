//! The least memory that training a model takes, by its configuration alone: known before anything is allocated, and
//! before sizes are multiplied that could overflow. It is a lower bound, so whatever it rejects can't work.

/// More than any machine has: needing more is a mistake in the configuration on any machine.
pub const IMPOSSIBLE_BYTES: u64 = 4 << 40;

/// Bytes of a number in fp32.
pub const FP32_BYTES: u64 = 4;

/// The least that training takes. Whatever is too large to be counted is `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Trainable numbers.
    pub parameters: u64,
    /// Bytes that one sample takes between the forward and the backward pass.
    pub sample_bytes: u64,
}

impl Needs {
    /// Bytes of so many copies of the parameters: weights, gradients, moments.
    #[must_use]
    pub fn copies_bytes(&self, copies: u64) -> u64 {
        product(&[self.parameters, copies, FP32_BYTES])
    }
}

/// The product, `u64::MAX` if it is larger than that.
#[must_use]
pub fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |product, factor| product.saturating_mul(*factor))
}

/// The sum, `u64::MAX` if it is larger than that.
pub fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_to_be_counted_is_the_largest_number() {
        assert_eq!((product(&[3, 4, 5]), product(&[])), (60, 1));
        assert_eq!(product(&[1 << 40, 1 << 40]), u64::MAX);
        assert_eq!((sum([1, 2]), sum([u64::MAX, 1])), (3, u64::MAX));
        assert_eq!(Needs { parameters: 10, sample_bytes: 0 }.copies_bytes(4), 160);
    }
}
