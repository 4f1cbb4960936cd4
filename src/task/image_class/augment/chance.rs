//! Many random numbers at once, for a whole image: 16 bits each, and no logarithm or root for a normal one.

use std::sync::LazyLock;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// Normal numbers that are told apart.
const NORMAL: usize = 4096;

/// So many standard normal numbers that are equally likely: the quantiles in the middle of so many equal parts, with a variance
/// of 1.
static QUANTILES: LazyLock<Vec<f32>> = LazyLock::new(quantiles);

/// Adds normal noise of this width to every number.
pub fn add_normal(numbers: &mut [f32], width: f32, generator: &mut ChaCha8Rng) {
    let quantiles: &[f32] = &QUANTILES;
    let drawn = words(numbers.len(), generator);
    for (number, word) in numbers.iter_mut().zip(drawn.chunks_exact(2)) {
        *number += width * quantiles[usize::from(u16::from_le_bytes([word[0], word[1]])) % NORMAL];
    }
}

/// So many numbers between -1 and 1, evenly distributed.
pub fn uniform(count: usize, generator: &mut ChaCha8Rng) -> Vec<f32> {
    let drawn = words(count, generator);
    let number = |word: &[u8]| (f32::from(u16::from_le_bytes([word[0], word[1]])) + 0.5) / 32_768.0 - 1.0;
    drawn.chunks_exact(2).map(number).collect()
}

/// So many times 16 random bits.
fn words(count: usize, generator: &mut ChaCha8Rng) -> Vec<u8> {
    let mut words = vec![0; 2 * count];
    generator.fill_bytes(&mut words);
    words
}

/// The upper half follows from dx / dp = sqrt(2 pi) exp(x^2 / 2) by Runge and Kutta; the lower one mirrors it.
fn quantiles() -> Vec<f32> {
    const PARTS: usize = 16;
    let slope = |x: f64| (2.0 * std::f64::consts::PI).sqrt() * (x * x / 2.0).exp();
    let step = 1.0 / (NORMAL * PARTS) as f64;
    let advance = |x: f64| {
        let one = slope(x);
        let two = slope(x + step / 2.0 * one);
        let three = slope(x + step / 2.0 * two);
        let four = slope(x + step * three);
        x + step / 6.0 * (one + 2.0 * two + 2.0 * three + four)
    };
    let mut x = 0.0;
    let mut upper = Vec::with_capacity(NORMAL / 2);
    for place in 0..NORMAL / 2 {
        // The first one is half a part above the middle.
        let parts = if place == 0 { PARTS / 2 } else { PARTS };
        (0..parts).for_each(|_| x = advance(x));
        upper.push(x);
    }
    let variance = upper.iter().map(|x| x * x).sum::<f64>() / upper.len() as f64;
    let width = variance.sqrt();
    upper.iter().rev().map(|x| -x).chain(upper.iter().copied()).map(|x| (x / width) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::seed;

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        // statistics.NormalDist().inv_cdf((place + 0.5) / 4096), before the variance is made 1: a share of 5e-4.
        for (place, expected) in
            [(2048, 0.000_305_98), (3000, 0.620_525), (4000, 1.989_638), (4090, 3.001_611), (4095, 3.668_329)]
        {
            let got = f64::from(QUANTILES[place]);
            assert!((got / expected - 1.0).abs() < 1.5e-3, "{place}: {got} instead of {expected}");
            assert_eq!(QUANTILES[NORMAL - 1 - place], -QUANTILES[place]);
        }
        let variance: f64 = QUANTILES.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / NORMAL as f64;
        assert!((variance - 1.0).abs() < 1e-6 && QUANTILES.is_sorted(), "{variance}");
    }

    #[test]
    fn numbers_are_spread_as_they_should_be() {
        let mut generator = seed::generator(42, "test", 0, 0);
        let even = uniform(10_000, &mut generator);
        assert!(even.iter().all(|number| (-1.0..=1.0).contains(number)));
        let mut noise = vec![0.0; 10_000];
        add_normal(&mut noise, 2.0, &mut generator);
        for (numbers, expected) in [(even, 1.0 / 3.0), (noise, 4.0)] {
            let mean = numbers.iter().sum::<f32>() / 10_000.0;
            let variance = numbers.iter().map(|number| number * number).sum::<f32>() / 10_000.0;
            assert!(mean.abs() < 0.06 && (variance / expected - 1.0).abs() < 0.06, "{mean} {variance}");
        }
    }
}
