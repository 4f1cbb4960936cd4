//! Which points of the body are joined by lines, by the numbers of MediaPipe.

use crate::report::sticks::{Part, Weight};
use crate::task::keypoints::augment::BodyPart;

/// The fingers from the wrist to their tips, and the palm.
const HAND: [[usize; 2]; 21] = [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [0, 5],
    [5, 6],
    [6, 7],
    [7, 8],
    [9, 10],
    [10, 11],
    [11, 12],
    [13, 14],
    [14, 15],
    [15, 16],
    [0, 17],
    [17, 18],
    [18, 19],
    [19, 20],
    [5, 9],
    [9, 13],
    [13, 17],
];

/// Shoulders, arms, trunk and legs.
const LIMBS: [[usize; 2]; 12] = [
    [11, 12],
    [11, 13],
    [13, 15],
    [12, 14],
    [14, 16],
    [11, 23],
    [23, 24],
    [24, 12],
    [23, 25],
    [25, 27],
    [24, 26],
    [26, 28],
];

/// Eyes, ears and mouth.
const HEAD: [[usize; 2]; 9] = [[0, 1], [1, 2], [2, 3], [3, 7], [0, 4], [4, 5], [5, 6], [6, 8], [9, 10]];

/// What the pose has of hands, if nothing else has.
const PALMS: [[usize; 2]; 4] = [[15, 19], [15, 21], [16, 20], [16, 22]];

/// The wrists of the pose: those of the left and of the right hand.
pub(super) const WRISTS: [usize; 2] = [15, 16];

/// Hands and feet of a pose: near a wrist or an ankle, which is drawn.
const EXTREMITIES: [std::ops::RangeInclusive<usize>; 2] = [17..=22, 29..=32];

/// The first point of the pose that a signer may have outside of the image.
const HIPS: usize = 23;

/// The lines of a part with their thickness. Hands of the pose are drawn if there are no others.
pub(super) fn lines(part: BodyPart, has_hands: bool) -> Vec<([usize; 2], Weight)> {
    let with = |lines: &[[usize; 2]], weight: Weight| lines.iter().map(|line| (*line, weight)).collect::<Vec<_>>();
    match part {
        BodyPart::LeftHand | BodyPart::RightHand => with(&HAND, Weight::Usual),
        BodyPart::Pose => {
            let palms: &[[usize; 2]] = if has_hands { &[] } else { &PALMS };
            [with(&LIMBS, Weight::Thick), with(&HEAD, Weight::Thin), with(palms, Weight::Usual)].concat()
        }
        BodyPart::Face | BodyPart::Other => Vec::new(),
    }
}

/// The nearest point towards the wrist that is among these, for a hand of which some points are chosen.
pub(super) fn towards_wrist(part: BodyPart, number: usize, among: &[usize]) -> Option<usize> {
    if !matches!(part, BodyPart::LeftHand | BodyPart::RightHand) {
        return None;
    }
    // Fingers have four points each, the first of which follows the wrist.
    let before = |number: &usize| match number {
        0 => None,
        number if number % 4 == 1 => Some(0),
        number => Some(number - 1),
    };
    std::iter::successors(before(&number), before).find(|number| among.contains(number))
}

/// How a point is drawn that no line ends at; none if it is not.
pub(super) fn dot(part: BodyPart, number: usize) -> Option<Weight> {
    match part {
        BodyPart::Face => Some(Weight::Thin),
        BodyPart::Pose if EXTREMITIES.iter().any(|range| range.contains(&number)) => None,
        _ => Some(Weight::Usual),
    }
}

/// Whether a point decides what a strip shows: hips and legs are often outside of the image.
pub(super) fn is_framed(part: BodyPart, number: usize) -> bool {
    part != BodyPart::Pose || number < HIPS
}

/// What it is drawn as.
pub(super) fn drawn_as(part: BodyPart) -> Part {
    match part {
        BodyPart::LeftHand => Part::Left,
        BodyPart::RightHand => Part::Right,
        BodyPart::Pose => Part::Body,
        BodyPart::Face => Part::Face,
        BodyPart::Other => Part::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingertip_follows_what_is_chosen_of_its_finger() {
        let of = |number, among: &[usize]| towards_wrist(BodyPart::LeftHand, number, among);
        assert_eq!([of(8, &[0, 4, 8]), of(8, &[0, 6, 8]), of(12, &[4, 8])], [Some(0), Some(6), None]);
        assert_eq!([of(0, &[0, 4]), towards_wrist(BodyPart::Pose, 8, &[0])], [None; 2]);
    }

    #[test]
    fn every_finger_and_limb_is_one_piece_and_points_exist() {
        for (part, count, all) in [(BodyPart::LeftHand, 21, 21), (BodyPart::Pose, 33, 21)] {
            let lines = lines(part, true);
            assert!(lines.iter().all(|([from, to], _)| from < to && *to < count || *from == 24 && *to == 12));
            assert_eq!(lines.len(), all);
        }
        let reached: Vec<usize> = HAND.iter().flatten().copied().collect();
        assert!((0..21).all(|point| reached.contains(&point)), "{reached:?}");
        assert_eq!(lines(BodyPart::Pose, false).len(), 25, "the pose alone has hands");
    }
}
