//! The geometric part of a random change: one map from places of the result to places of the original, and one bilinear
//! sampling. Outside of the original is 0.

/// A map, in pixels. For a place q of the result (column, row) with the centre c, the source is
/// `c + F R H (q - c - t) / s`, displaced by a field if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Map {
    /// Radians; positive is counter-clockwise on the screen, where rows grow downwards: `R = [[cos, -sin], [sin, cos]]`.
    pub angle: f64,
    /// Radians: `H = [[1, tan], [0, 1]]`.
    pub shear: f64,
    /// `s`: above 1 enlarges.
    pub zoom: f64,
    /// `t`: columns to the right, rows down.
    pub shift: [f64; 2],
    /// Whether left and right are exchanged, before everything else: `F`.
    pub is_mirrored: bool,
}

/// For each pixel of the result how far its source is moved: columns and rows.
pub type Field = [Vec<f32>; 2];

impl Map {
    /// Changes nothing.
    pub const SAME: Self = Self { angle: 0.0, shear: 0.0, zoom: 1.0, shift: [0.0, 0.0], is_mirrored: false };

    /// How the source moves with a step of the result to the right, and with one down.
    fn steps(&self) -> [[f32; 2]; 2] {
        let (sin, cos) = self.angle.sin_cos();
        let tan = self.shear.tan();
        let mirrored = if self.is_mirrored { -1.0 } else { 1.0 };
        let right = [mirrored * cos, sin];
        let down = [mirrored * (cos * tan - sin), sin * tan + cos];
        [right, down].map(|step| step.map(|part| (part / self.zoom) as f32))
    }

    /// The levels of the mapped image.
    #[must_use]
    pub fn sample(&self, levels: &[u8], [rows, columns]: [usize; 2], field: Option<&Field>) -> Vec<f32> {
        if *self == Self::SAME && field.is_none() {
            return levels.iter().map(|level| f32::from(*level)).collect();
        }
        let framed = Framed::new(levels, [rows, columns]);
        let [right, down] = self.steps();
        let centre = [columns, rows].map(|side| (side as f32 - 1.0) / 2.0);
        let from = [0, 1].map(|axis| -centre[axis] - self.shift[axis] as f32);
        let mut mapped = vec![0.0; rows * columns];
        for (row, line) in mapped.chunks_exact_mut(columns.max(1)).enumerate() {
            let below = from[1] + row as f32;
            let first = [0, 1].map(|axis| centre[axis] + from[0] * right[axis] + below * down[axis]);
            for (column, value) in line.iter_mut().enumerate() {
                let mut place = [0, 1].map(|axis| first[axis] + column as f32 * right[axis]);
                if let Some(field) = field {
                    place = [0, 1].map(|axis| place[axis] + field[axis][row * columns + column]);
                }
                *value = framed.at(place);
            }
        }
        mapped
    }
}

/// An image in a frame of zeros, so that no place needs to be compared with the borders: one pixel left and above, two right
/// and below.
struct Framed {
    levels: Vec<f32>,
    width: usize,
    /// The last column and row in which something may be seen.
    most: [f32; 2],
}

impl Framed {
    fn new(levels: &[u8], [rows, columns]: [usize; 2]) -> Self {
        let width = columns + 3;
        let mut framed = vec![0.0; (rows + 3) * width];
        for (line, from) in framed.chunks_exact_mut(width).skip(1).zip(levels.chunks_exact(columns.max(1))) {
            line[1..=columns].iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from));
        }
        Self { levels: framed, width, most: [columns, rows].map(|side| side as f32) }
    }

    /// Between the four pixels around a place (column, row).
    fn at(&self, place: [f32; 2]) -> f32 {
        // Counted from the frame, so that no place is below 0 and cutting off the fraction rounds down.
        let [x, y] = [0, 1].map(|axis| place[axis].clamp(-1.0, self.most[axis]) + 1.0);
        let (left, top) = (x as i32, y as i32);
        let (right_share, below_share) = (x - left as f32, y - top as f32);
        let corner = top as usize * self.width + left as usize;
        let (above, below) =
            (&self.levels[corner..corner + 2], &self.levels[corner + self.width..corner + self.width + 2]);
        let between = |line: &[f32]| line[0] + right_share * (line[1] - line[0]);
        let (above, below) = (between(above), between(below));
        above + below_share * (below - above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(map: &Map, levels: &[u8; 9]) -> Vec<u8> {
        map.sample(levels, [3, 3], None).into_iter().map(|value| value.round() as u8).collect()
    }

    #[test]
    fn a_positive_angle_turns_counter_clockwise_and_a_positive_shift_moves_right_and_down() {
        let right: [u8; 9] = [0, 0, 0, 0, 0, 200, 0, 0, 0];
        let quarter = Map { angle: 90.0_f64.to_radians(), ..Map::SAME };
        assert_eq!(mapped(&quarter, &right), [0, 200, 0, 0, 0, 0, 0, 0, 0], "from the right to the top");
        let middle: [u8; 9] = [0, 0, 0, 0, 200, 0, 0, 0, 0];
        let shifted = |shift| mapped(&Map { shift, ..Map::SAME }, &middle);
        assert_eq!(shifted([1.0, 1.0]), [0, 0, 0, 0, 0, 0, 0, 0, 200]);
        assert_eq!(shifted([-1.0, 0.0]), [0, 0, 0, 200, 0, 0, 0, 0, 0]);
        assert_eq!(shifted([0.5, 0.0]), [0, 0, 0, 0, 100, 100, 0, 0, 0]);
        assert_eq!(shifted([9.0, -9.0]), [0; 9]);
        let mirrored = Map { is_mirrored: true, ..Map::SAME };
        assert_eq!(mapped(&mirrored, &right), [0, 0, 0, 200, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_zoom_above_1_enlarges() {
        let cross: [u8; 9] = [0, 200, 0, 200, 200, 200, 0, 200, 0];
        let ink = |zoom| mapped(&Map { zoom, ..Map::SAME }, &cross).into_iter().map(u32::from).sum::<u32>();
        assert!(ink(1.5) > ink(1.0) && ink(1.0) > ink(0.7), "{} {} {}", ink(1.5), ink(1.0), ink(0.7));
    }

    #[test]
    fn every_map_samples_as_torch_does() {
        let saved: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/fixtures/image_class/augment.json")).unwrap();
        for case in saved["maps"].as_array().unwrap() {
            let number = |key: &str| case[key].as_f64().unwrap();
            let map = Map {
                angle: number("degrees").to_radians(),
                shear: number("shear_degrees").to_radians(),
                zoom: number("zoom"),
                shift: [number("right"), number("down")],
                is_mirrored: case["mirrored"].as_bool().unwrap(),
            };
            let levels: Vec<u8> = serde_json::from_value(saved["levels"].clone()).unwrap();
            let expected: Vec<f32> = serde_json::from_value(case["result"].clone()).unwrap();
            let got = map.sample(&levels, [9, 7], None);
            for (got, expected) in got.iter().zip(&expected) {
                assert!((got - expected).abs() < 2e-3, "{map:?}: {got} instead of {expected}");
            }
            // A field that is the same everywhere is a shift.
            let field = [vec![1.0; 63], vec![0.0; 63]];
            let moved = Map { shift: [-1.0, 0.0], ..Map::SAME }.sample(&levels, [9, 7], None);
            assert_eq!(Map::SAME.sample(&levels, [9, 7], Some(&field)), moved);
        }
    }
}
