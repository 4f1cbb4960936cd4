//! The last parts test, those before them validate, the rest trains: as many whole parts as come nearest to the share.

use std::ops::{Range, RangeInclusive};

use super::{Shares, Side};

/// The side of each part, given their sizes in time order.
///
/// The test takes the number of last parts whose sizes come nearest to its share, then validation takes those before
/// them the same way; of two equally near numbers the smaller one. Training keeps at least one part; validation, then
/// the test, get at least one if their share is above 0 and enough parts exist.
#[must_use]
pub fn in_order(sizes: &[usize], shares: Shares) -> Vec<Side> {
    if sizes.is_empty() {
        return Vec::new();
    }
    let total = sizes.iter().sum::<usize>() as f64;
    let least_val = usize::from(shares.val > 0.0);
    let most_test = sizes.len() - 1 - least_val.min(sizes.len() - 1);
    let test = nearest(sizes, shares.test * total, least(shares.test, most_test));
    let test_from = sizes.len() - test;
    let val = nearest(&sizes[..test_from], shares.val * total, least(shares.val, test_from - 1));
    let side = |part: usize| match part {
        _ if part >= test_from => Side::Test,
        _ if part >= test_from - val => Side::Val,
        _ => Side::Train,
    };
    (0..sizes.len()).map(side).collect()
}

/// How many parts a side may have: none without a share, else at least one if enough exist.
fn least(share: f64, most: usize) -> RangeInclusive<usize> {
    if share > 0.0 { most.min(1)..=most } else { 0..=0 }
}

/// The number of last parts whose sizes add up to what is nearest to the wanted size.
fn nearest(sizes: &[usize], wanted: f64, allowed: RangeInclusive<usize>) -> usize {
    let mut best = (f64::INFINITY, 0);
    let mut sum = 0;
    for count in 0..=*allowed.end() {
        let distance = (sum as f64 - wanted).abs();
        if allowed.contains(&count) && distance < best.0 {
            best = (distance, count);
        }
        sum += sizes.len().checked_sub(count + 1).map_or(0, |part| sizes[part]);
    }
    best.1
}

/// Spans (first and last) in the order of their start, grouped if they overlap: a group must stay on one side.
#[must_use]
pub fn linked<T: Ord + Copy>(spans: &[(T, T)]) -> Vec<Range<usize>> {
    let mut groups: Vec<(Range<usize>, T)> = Vec::new();
    for (number, &(first, last)) in spans.iter().enumerate() {
        match groups.last_mut() {
            Some((group, until)) if first <= *until => {
                group.end = number + 1;
                *until = last.max(*until);
            }
            _ => groups.push((number..number + 1, last)),
        }
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Test, Train, Val};
    use proptest::prelude::*;

    fn shares(val: f64, test: f64) -> Shares {
        Shares { val, test }
    }

    #[test]
    fn the_last_parts_test_and_those_before_them_validate() {
        let expected = [[Train; 7].as_slice(), &[Val; 2], &[Test; 1]].concat();
        assert_eq!(in_order(&[10; 10], shares(0.2, 0.1)), expected);
        assert_eq!(in_order(&[10; 10], shares(0.0, 0.0)), [Train; 10]);
        assert_eq!(in_order(&[], shares(0.2, 0.1)), []);
    }

    #[test]
    fn a_share_above_0_gets_a_part_and_training_keeps_one() {
        assert_eq!(in_order(&[1, 1000], shares(0.01, 0.0)), [Train, Val]);
        assert_eq!(in_order(&[1, 1, 1], shares(0.01, 0.01)), [Train, Val, Test]);
        assert_eq!(in_order(&[5, 5], shares(0.2, 0.2)), [Train, Val]);
        assert_eq!(in_order(&[5], shares(0.2, 0.2)), [Train]);
    }

    #[test]
    fn spans_that_overlap_are_one_group_through_any_number_of_others() {
        assert_eq!(linked(&[(0, 0), (1, 2), (2, 2), (2, 3), (3, 3), (4, 4)]), [0..1, 1..5, 5..6]);
        assert_eq!(linked(&[(0, 9), (1, 1), (8, 8), (10, 10)]), [0..3, 3..4]);
        assert!(linked::<u8>(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn sides_follow_each_other_and_are_within_one_part_of_the_request(
            sizes in prop::collection::vec(0_usize..50, 3..30), val in 0.0..0.5_f64, test in 0.0..0.4_f64
        ) {
            let sides = in_order(&sizes, shares(val, test));
            prop_assert!(sides.is_sorted_by_key(|&side| side as u8));
            prop_assert_eq!(sides[0], Train);
            let total: usize = sizes.iter().sum();
            for (side, share) in [(Val, val), (Test, test)] {
                let got: usize = sizes.iter().zip(&sides).filter(|(_, found)| **found == side).map(|(size, _)| size).sum();
                let distance = (got as f64 - share * total as f64).abs();
                prop_assert!(distance <= *sizes.iter().max().unwrap() as f64, "{:?}: {} of {}", side, got, total);
            }
        }
    }
}
