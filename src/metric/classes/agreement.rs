//! Whether two models that chose for the same samples differ by more than chance: McNemar's test (1947), exact. Only samples
//! that one of the two has right and the other wrong decide; by chance, each of them falls to either side like a coin.

/// A difference that is more improbable than this is no chance.
const LEVEL: f64 = 0.05;

/// The probability, by chance, of a difference at least as large as between `won` and `lost`, to either side.
#[must_use]
pub fn mcnemar(won: u64, lost: u64) -> f64 {
    let all = won + lost;
    let mut sum = 0.0;
    tail(all, |count, share| {
        if count <= won.min(lost) {
            sum += share;
        }
    });
    (2.0 * sum).min(1.0)
}

/// The largest difference between won and lost that may be chance, if one of the two is right for so many samples and the other
/// is not: what is larger has a probability below 5 %.
#[must_use]
pub fn largest_by_chance(decided: u64) -> u64 {
    let (mut sum, mut least) = (0.0, decided / 2);
    let mut is_found = false;
    tail(decided, |count, share| {
        sum += share;
        if !is_found && 2.0 * sum >= LEVEL {
            (least, is_found) = (count, true);
        }
    });
    decided - 2 * least
}

/// The probability of each number of heads of so many coins, from none to half of them.
fn tail(coins: u64, mut each: impl FnMut(u64, f64)) {
    let mut logarithm = -(coins as f64) * std::f64::consts::LN_2;
    for heads in 0..=coins / 2 {
        each(heads, logarithm.exp());
        logarithm += ((coins - heads) as f64 / (heads + 1) as f64).ln();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_chance_exactly_if_its_probability_is_not_below_five_per_cent() {
        assert_eq!((largest_by_chance(0), mcnemar(0, 0)), (0, 1.0));
        for decided in [1, 2, 5, 6, 7, 20, 101, 2000] {
            let most = largest_by_chance(decided);
            let of = |difference: u64| mcnemar(u64::midpoint(decided, difference), (decided - difference) / 2);
            assert!(of(most) >= 0.05, "{decided}: {most}");
            assert!(most + 2 > decided || of(most + 2) < 0.05, "{decided}: {most}");
        }
        // Four of four is chance, six of six is not.
        assert_eq!((largest_by_chance(4), largest_by_chance(6)), (4, 4));
    }

    #[test]
    fn many_samples_are_no_problem() {
        assert!((mcnemar(500_500, 499_500) - 0.317_6).abs() < 1e-3);
        let most = largest_by_chance(1_000_000);
        assert!((most as f64 - 1960.0).abs() < 4.0, "{most}");
    }
}
