//! A split in time inside an event: its first windows train, its last ones validate and test. There is a gap of one
//! whole window between two sides, so that no frame is on both and the weather at their border differs. Pure.

use super::split::Side;
use crate::data::split::Shares;

/// The side of each window of an event, given their first frames in time order; none for those in a gap. Nothing if the
/// event is too short for all sides that have a share.
#[must_use]
pub fn in_time(starts: &[usize], length: usize, shares: Shares) -> Option<Vec<Option<Side>>> {
    let mut sides = vec![Some(Side::Train); starts.len()];
    let mut known = starts.len();
    if shares.test > 0.0 {
        // The part before the test must be long enough for its own cut.
        let most = |first: &[usize]| shares.val == 0.0 || cut(first, length, shares.val, |_| true).is_some();
        let (train, test) = cut(starts, length, shares.test, most)?;
        sides[train..test].fill(None);
        sides[test..].fill(Some(Side::Test));
        known = train;
    }
    if shares.val > 0.0 {
        let (train, val) = cut(&starts[..known], length, shares.val / (1.0 - shares.test), |_| true)?;
        sides[train..val].fill(None);
        sides[val..known].fill(Some(Side::Val));
    }
    Some(sides)
}

/// How many windows are before a cut, and the first one after it: so that the share of those after it comes nearest to the
/// one wanted; of two equally near the smaller one.
fn cut(starts: &[usize], length: usize, share: f64, fits: impl Fn(&[usize]) -> bool) -> Option<(usize, usize)> {
    let mut best: Option<(f64, (usize, usize))> = None;
    for before in (1..starts.len()).rev() {
        let after =
            starts.partition_point(|&start| start < starts[before - 1].saturating_add(length.saturating_mul(2)));
        if after == starts.len() {
            continue;
        }
        let count = (starts.len() - after) as f64;
        let distance = (count / (count + before as f64) - share).abs();
        if best.is_none_or(|(nearest, _)| distance < nearest) && fits(&starts[..before]) {
            best = Some((distance, (before, after)));
        }
    }
    best.map(|(_, cut)| cut)
}

/// The frames without a gap that a cut into these sides takes at least: a window for each, and a gap between two.
#[must_use]
pub fn least_frames(length: usize, shares: Shares) -> usize {
    let sides = 1 + usize::from(shares.val > 0.0) + usize::from(shares.test > 0.0);
    (2 * sides - 1).saturating_mul(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn starts(frames: usize, length: usize, stride: usize) -> Vec<usize> {
        (0..(frames + 1).saturating_sub(length)).step_by(stride).collect()
    }

    fn shares(val: f64, test: f64) -> Shares {
        Shares { val, test }
    }

    #[test]
    fn an_event_is_cut_where_the_shares_are_nearest_with_a_window_between() {
        let starts = starts(92, 10, 1);
        let sides = in_time(&starts, 10, shares(0.25, 0.0)).unwrap();
        let count = |side| sides.iter().filter(|found| **found == side).count();
        assert_eq!([Some(Side::Train), None, Some(Side::Val)].map(count), [48, 19, 16]);
        let (last, first) = (47, sides.iter().position(|side| *side == Some(Side::Val)).unwrap());
        assert_eq!(starts[first] - (starts[last] + 10), 10, "frames on neither side");
    }

    #[test]
    fn an_event_must_have_a_window_for_each_side_and_one_between() {
        for (val, test) in [(0.2, 0.0), (0.0, 0.3), (0.2, 0.2)] {
            let least = least_frames(7, shares(val, test));
            assert!(in_time(&starts(least, 7, 1), 7, shares(val, test)).is_some(), "{val} {test}");
            assert!(in_time(&starts(least - 1, 7, 1), 7, shares(val, test)).is_none(), "{val} {test}");
        }
        assert_eq!(in_time(&starts(9, 7, 1), 7, shares(0.0, 0.0)).unwrap(), [Some(Side::Train); 3]);
    }

    proptest! {
        #[test]
        fn no_frame_is_on_two_sides_nor_nearer_than_a_window_to_another(
            frames in 1_usize..200, length in 2_usize..12, stride in 1_usize..6, val in 0.0..0.5_f64, test in 0.0..0.4_f64,
        ) {
            let starts = starts(frames, length, stride);
            let Some(sides) = in_time(&starts, length, shares(val, test)) else { return Ok(()) };
            let placed: Vec<(usize, Side)> = starts.iter().zip(&sides).filter_map(|(start, side)| Some((*start, (*side)?))).collect();
            for pair in placed.windows(2).filter(|pair| pair[0].1 != pair[1].1) {
                prop_assert!(pair[1].0 >= pair[0].0 + 2 * length, "{pair:?}");
            }
            let order: Vec<Side> = placed.chunk_by(|one, other| one.1 == other.1).map(|chunk| chunk[0].1).collect();
            let wanted = [(Side::Train, true), (Side::Val, val > 0.0), (Side::Test, test > 0.0)];
            prop_assert_eq!(order, wanted.iter().filter(|(_, is_wanted)| *is_wanted).map(|(side, _)| *side).collect::<Vec<_>>());
        }
    }
}
