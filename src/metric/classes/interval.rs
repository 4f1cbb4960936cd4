//! How sure a share of independent samples is.

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a share (Wilson 1927): it stays within 0 and 1 and makes sense for few samples and extreme shares.
#[must_use]
pub fn wilson(hits: u64, samples: u64) -> Option<[f64; 2]> {
    if samples == 0 {
        return None;
    }
    let (n, share) = (samples as f64, hits as f64 / samples as f64);
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Some([((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_scipy() {
        // scipy.stats.binomtest(hits, samples).proportion_ci(method="wilson")
        for (hits, samples, expected) in [
            (84, 100, [0.755_797_306_1, 0.899_047_115_1]),
            (0, 10, [0.0, 0.277_532_799_9]),
            (10, 10, [0.722_467_200_1, 1.0]),
            (1562, 1860, [0.822_417_420_6, 0.855_751_848_6]),
        ] {
            let got = wilson(hits, samples).unwrap();
            for (value, expected) in got.into_iter().zip(expected) {
                assert!((value - expected).abs() < 1e-9, "{hits}/{samples}: {got:?}");
            }
        }
        assert_eq!(wilson(0, 0), None);
    }
}
