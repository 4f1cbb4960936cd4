//! Which point of a stream is which point of the body, by the numbers of MediaPipe, and its mirror image.

use super::{Moving, Plane};

/// A number of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// To the right.
    X,
    /// Down.
    Y,
    /// Away from the camera.
    Z,
    /// How sure it is that the point is there; 0 if it is missing.
    Confidence,
}

/// The points of a stream, in order, and the numbers of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Which points these are.
    pub points: Vec<Landmark>,
    /// The numbers of a point, in order.
    pub values: Vec<Value>,
}

/// A point of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Landmark {
    /// What it belongs to.
    pub part: BodyPart,
    /// Its number there.
    pub number: usize,
}

/// Points that are seen or missed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyPart {
    /// 21 points, the wrist first.
    LeftHand,
    /// The same of the other hand.
    RightHand,
    /// 33 points: odd numbers are left, except for those of the face.
    Pose,
    /// 468 points.
    Face,
    /// Something else, which has no left and right, such as a pen.
    Other,
}

impl Shape {
    /// The numbers of a frame.
    #[must_use]
    pub fn width(&self) -> usize {
        self.points.len() * self.values.len()
    }

    /// Where a point has this number.
    pub(super) fn place(&self, value: Value) -> Option<usize> {
        self.values.iter().position(|known| *known == value)
    }

    /// Whether a point is missing: it has no confidence, or without one nothing but zeros.
    pub(super) fn is_missing(&self, point: &[f32]) -> bool {
        match self.place(Value::Confidence) {
            Some(place) => point[place] == 0.0,
            None => point.iter().all(|value| *value == 0.0),
        }
    }
}

/// Points of a face that are in its middle.
const MIDDLE: [usize; 28] =
    [0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 94, 151, 152, 164, 168, 175, 195, 197, 199, 200];

/// The first point of a face that is the mirror image of an earlier one: those before are in the middle or right, in the order
/// of these.
const FIRST_LEFT: usize = 248;

/// The points of a face.
const FACE_POINTS: usize = 468;

impl Landmark {
    /// Its mirror image.
    #[must_use]
    pub fn mirrored(self) -> Self {
        let Self { part, number } = self;
        match part {
            BodyPart::LeftHand => Self { part: BodyPart::RightHand, number },
            BodyPart::RightHand => Self { part: BodyPart::LeftHand, number },
            BodyPart::Pose => Self { part, number: mirrored_pose(number) },
            BodyPart::Face => Self { part, number: mirrored_face(number) },
            BodyPart::Other => self,
        }
    }
}

fn mirrored_pose(number: usize) -> usize {
    match number {
        // Three points of each eye, one after another.
        1..=3 => number + 3,
        4..=6 => number - 3,
        7..=32 if number % 2 == 1 => number + 1,
        7..=32 => number - 1,
        _ => number,
    }
}

fn mirrored_face(number: usize) -> usize {
    let in_middle = |before: usize| MIDDLE.iter().filter(|middle| **middle < before).count();
    match number {
        _ if MIDDLE.contains(&number) || number >= FACE_POINTS => number,
        FIRST_LEFT.. => {
            let rank = number - FIRST_LEFT;
            let right = (0..FIRST_LEFT).filter(|right| !MIDDLE.contains(right)).nth(rank);
            right.unwrap_or(number)
        }
        _ => FIRST_LEFT + number - in_middle(number),
    }
}

/// For each point of each stream the stream and the point that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror(Vec<Vec<[usize; 2]>>);

impl Mirror {
    /// The mirror of these streams; `Err` names a point whose mirror image is in none of them, or with other values.
    ///
    /// # Errors
    /// If there is such a point.
    pub fn of(shapes: &[Shape]) -> Result<Self, Landmark> {
        let find = |landmark: Landmark, values: &[Value]| {
            let streams = shapes.iter().enumerate().filter(|(_, shape)| shape.values == values);
            let mut places = streams.filter_map(|(stream, shape)| {
                Some([stream, shape.points.iter().position(|point| *point == landmark)?])
            });
            places.next()
        };
        let stream = |(stream, shape): (usize, &Shape)| {
            let source = |(place, point): (usize, &Landmark)| match point.part {
                BodyPart::Other => Ok([stream, place]),
                _ => find(point.mirrored(), &shape.values).ok_or(*point),
            };
            shape.points.iter().enumerate().map(source).collect()
        };
        shapes.iter().enumerate().map(stream).collect::<Result<_, _>>().map(Self)
    }

    /// The sequence in a mirror.
    pub(super) fn apply(&self, moving: &Moving, shapes: &[Shape], plane: Plane) -> Moving {
        let axis = if plane == Plane::Image { 1.0 } else { 0.0 };
        let mut streams: Vec<Vec<f32>> = moving.streams.iter().map(|stream| Vec::with_capacity(stream.len())).collect();
        for ((stream, sources), shape) in streams.iter_mut().zip(&self.0).zip(shapes) {
            let (values, x) = (shape.values.len(), shape.place(Value::X));
            for frame in 0..moving.frames {
                for [from, place] in sources {
                    let first = frame * shapes[*from].width() + place * values;
                    let start = stream.len();
                    stream.extend_from_slice(&moving.streams[*from][first..first + values]);
                    let point = &mut stream[start..];
                    if let Some(x) = x.filter(|_| !shape.is_missing(point)) {
                        point[x] = axis - point[x];
                    }
                }
            }
        }
        Moving { frames: moving.frames, streams }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrored(part: BodyPart, number: usize) -> usize {
        let image = Landmark { part, number }.mirrored();
        assert_eq!((image.mirrored().part, image.mirrored().number), (part, number));
        image.number
    }

    #[test]
    fn the_mirror_image_of_a_mirror_image_is_the_point() {
        let pose: Vec<_> = (0..33).map(|number| mirrored(BodyPart::Pose, number)).collect();
        assert_eq!(pose[..13], [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, 12, 11]);
        assert_eq!([pose[15], pose[23], pose[32]], [16, 24, 31]);
        for number in 0..21 {
            assert_eq!(mirrored(BodyPart::LeftHand, number), number);
            assert_eq!(mirrored(BodyPart::RightHand, number), number);
        }
        let face: Vec<_> = (0..468).map(|number| mirrored(BodyPart::Face, number)).collect();
        let pairs = [(3, 248), (7, 249), (20, 250), (33, 263), (61, 291), (133, 362), (234, 454), (247, 467)];
        pairs.iter().for_each(|(right, left)| assert_eq!((face[*right], face[*left]), (*left, *right)));
        assert_eq!((0..468).filter(|number| face[*number] == *number).count(), 28);
        let mut sorted = face;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..468).collect::<Vec<_>>());
    }

    #[test]
    fn a_stream_that_lacks_the_other_side_has_no_mirror() {
        let hand = |part| Shape {
            points: (0..21).map(|number| Landmark { part, number }).collect(),
            values: vec![Value::X, Value::Y],
        };
        let [left, right] = [BodyPart::LeftHand, BodyPart::RightHand].map(hand);
        assert_eq!(Mirror::of(std::slice::from_ref(&left)), Err(Landmark { part: BodyPart::LeftHand, number: 0 }));
        let mirror = Mirror::of(&[left.clone(), right]).unwrap();
        assert_eq!([mirror.0[0][5], mirror.0[1][5]], [[1, 5], [0, 5]]);
        let pen = Shape { points: vec![Landmark { part: BodyPart::Other, number: 0 }; 3], values: left.values };
        assert!(Mirror::of(&[pen]).is_ok());
    }
}
