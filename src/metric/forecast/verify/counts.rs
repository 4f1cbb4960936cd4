//! Integers for counting events: small ones if they suffice, because a processor adds many of them at once.

/// A count of events. Sums may wrap around, differences are still correct.
pub(super) trait Count: Copy + Default + From<u8> + Send + Sync {
    /// The greatest count whose products can be summed.
    const MOST: u64;

    fn plus(self, other: Self) -> Self;

    fn minus(self, other: Self) -> Self;

    /// The exact sum of products of counts up to `most`.
    fn dot(one: &[Self], other: &[Self], most: u64) -> u64;
}

impl Count for u16 {
    const MOST: u64 = i16::MAX as u64;

    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn dot(one: &[Self], other: &[Self], most: u64) -> u64 {
        // The number of products that fit into 32 bits.
        let fitting = (u64::from(u32::MAX) / (most * most).max(1)).clamp(1, 1 << 20) as usize;
        let sum = |(one, other): (&[Self], &[Self])| {
            // As signed numbers: that multiplication is one instruction on processors of every age.
            let product = |(&one, &other): (&Self, &Self)| (i32::from(one as i16) * i32::from(other as i16)) as u32;
            u64::from(one.iter().zip(other).map(product).fold(0, u32::wrapping_add))
        };
        one.chunks(fitting).zip(other.chunks(fitting)).map(sum).sum()
    }
}

impl Count for u32 {
    const MOST: u64 = Self::MAX as u64;

    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn dot(one: &[Self], other: &[Self], _most: u64) -> u64 {
        one.iter().zip(other).map(|(&one, &other)| u64::from(one) * u64::from(other)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_products_are_exact_up_to_the_greatest_counts() {
        let one: Vec<u16> = (0..1000).map(|index| i16::MAX as u16 - index % 7).collect();
        let exact: u64 = one.iter().map(|&count| u64::from(count) * u64::from(count)).sum();
        assert_eq!(u16::dot(&one, &one, u16::MOST), exact);
        let wide: Vec<u32> = one.iter().map(|&count| count.into()).collect();
        assert_eq!(u32::dot(&wide, &wide, u64::MAX), exact);
    }
}
