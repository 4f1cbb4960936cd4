//! Groups of points of the face and the hands by their names, by the numbers of MediaPipe.

use super::config::{PointName, Points};

/// The contour of the lips, then the inside.
const LIPS: [usize; 40] = [
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375, 78, 191, 80, 81, 82, 13,
    312, 311, 310, 415, 308, 95, 88, 178, 87, 14, 317, 402, 318, 324,
];

/// The contours of both eyes.
const EYES: [usize; 32] = [
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 362, 382, 381, 380, 374, 373, 390,
    249, 263, 466, 388, 387, 386, 385, 384, 398,
];

/// The tip of the nose and the nostrils.
const NOSE: [usize; 4] = [1, 2, 98, 327];

/// The points of both hands.
const HANDS: usize = 42;

/// The names of the groups.
pub const GROUPS: [&str; 4] = ["lips", "eyes", "nose", "hands"];

/// The points of a group, in order; none if there is no such group.
#[must_use]
pub fn group(name: &str) -> Option<Vec<usize>> {
    match name {
        "lips" => Some(LIPS.to_vec()),
        "eyes" => Some(EYES.to_vec()),
        "nose" => Some(NOSE.to_vec()),
        "hands" => Some((0..HANDS).collect()),
        _ => None,
    }
}

impl Points {
    /// The numbers of the points, if they are not simply all.
    ///
    /// # Errors
    /// If there is no group of a name: the name.
    pub fn chosen(&self) -> Result<Option<Vec<usize>>, String> {
        let of = |name: &String| group(name).ok_or_else(|| name.clone());
        match self {
            Self::All(_) => Ok(None),
            Self::Group(name) => of(name).map(Some),
            Self::Listed(names) => {
                let each = names.iter().map(|name| match name {
                    PointName::Number(number) => Ok(vec![*number]),
                    PointName::Group(name) => of(name),
                });
                Ok(Some(each.collect::<Result<Vec<_>, _>>()?.concat()))
            }
        }
    }

    /// How many there are; none if there is no group of a name.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::All(count) => Some(*count),
            _ => self.chosen().ok().flatten().map(|chosen| chosen.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_points_of_their_own_and_can_be_listed_with_others() {
        for name in GROUPS {
            let mut points = group(name).unwrap();
            let all = points.len();
            points.sort_unstable();
            points.dedup();
            assert_eq!(points.len(), all, "{name}");
            assert!(points.iter().all(|point| *point < 468), "{name}");
        }
        let listed = Points::Listed(vec![PointName::Number(152), PointName::Group("nose".into())]);
        assert_eq!(listed.chosen(), Ok(Some(vec![152, 1, 2, 98, 327])));
        assert_eq!(Points::Group("ears".into()).chosen(), Err("ears".into()));
        assert_eq!((Points::All(42).count(), listed.count()), (Some(42), Some(5)));
    }
}
