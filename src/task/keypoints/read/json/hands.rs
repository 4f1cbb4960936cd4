//! Which of the hands in one list is the left one. The list is in the order in which they were found, so a single hand may be either:
//! the wrists of the body say which. Without a body the first one is taken as the left one.

use super::point::Points;
use crate::task::keypoints::read::hints::{HAND, LEFT, RIGHT};
use crate::task::keypoints::read::parts::Point;

/// The wrists of the body.
const LEFT_WRIST: usize = 15;
const RIGHT_WRIST: usize = 16;

/// The hands by their names.
pub(super) fn sides<'p>(both: &'p Points, body: Option<&Points>) -> Result<Vec<(&'static str, &'p [Point])>, String> {
    let (one, other) = match both.points.len() {
        0 => return Ok(Vec::new()),
        HAND => (&both.points[..], None),
        count if count == 2 * HAND => (&both.points[..HAND], Some(&both.points[HAND..])),
        count => return Err(format!("has {count} points in hand_keypoints, expected 0, {HAND} or {}", 2 * HAND)),
    };
    let wrists = body.and_then(wrists);
    // How much farther the hand is from the left wrist than from the right one.
    let farther =
        |hand: &[Point]| wrists.map_or(0.0, |[left, right]| distance(hand[0], left) - distance(hand[0], right));
    let is_swapped = match other {
        None => farther(one) > 0.0,
        Some(other) => farther(one) > farther(other),
    };
    let names = if is_swapped { [RIGHT, LEFT] } else { [LEFT, RIGHT] };
    Ok([Some(one), other].into_iter().zip(names).filter_map(|(hand, name)| Some((name, hand?))).collect())
}

/// Both wrists, if they are seen.
fn wrists(body: &Points) -> Option<[Point; 2]> {
    let wrists = [*body.points.get(LEFT_WRIST)?, *body.points.get(RIGHT_WRIST)?];
    (wrists[0][..2] != wrists[1][..2]).then_some(wrists)
}

fn distance(one: Point, other: Point) -> f32 {
    (one[0] - other[0]).hypot(one[1] - other[1])
}
