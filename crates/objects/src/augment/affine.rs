//! A map of the plane: six numbers that take a place of a canvas to one of an image.

use crate::boxes::Rect;

/// `x' = a x + b y + c`, `y' = d x + e y + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    numbers: [f64; 6],
}

impl Affine {
    /// Everything so much larger.
    pub fn scaled(scale: f64) -> Self {
        Self { numbers: [scale, 0.0, 0.0, 0.0, scale, 0.0] }
    }

    /// A place becomes the origin, around which the rest is scaled, turned and then slanted.
    pub fn about(middle: [f64; 2], degrees: f64, scale: f64, shear: [f64; 2]) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turned = [scale * cos, scale * sin, -scale * sin, scale * cos];
        let [across, down] = shear.map(|degrees| degrees.to_radians().tan());
        let a = turned[0] + across * turned[2];
        let b = turned[1] + across * turned[3];
        let d = down * turned[0] + turned[2];
        let e = down * turned[1] + turned[3];
        let [x, y] = middle;
        Self { numbers: [a, b, -(a * x + b * y), d, e, -(d * x + e * y)] }
    }

    /// The same, and then moved.
    pub fn moved(self, [x, y]: [f64; 2]) -> Self {
        let [a, b, c, d, e, f] = self.numbers;
        Self { numbers: [a, b, c + x, d, e, f + y] }
    }

    /// The same, and then mirrored within a square of this side.
    pub fn mirrored(self, [across, down]: [bool; 2], side: usize) -> Self {
        let [a, b, c, d, e, f] = self.numbers;
        let side = side as f64;
        let [a, b, c] = if across { [-a, -b, side - c] } else { [a, b, c] };
        let [d, e, f] = if down { [-d, -e, side - f] } else { [d, e, f] };
        Self { numbers: [a, b, c, d, e, f] }
    }

    /// Where a place goes.
    pub fn of(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d, e, f] = self.numbers;
        [a * x + b * y + c, d * x + e * y + f]
    }

    /// The map back; none if it takes an area to a line.
    pub fn inverse(&self) -> Option<Self> {
        let [a, b, c, d, e, f] = self.numbers;
        let determinant = a * e - b * d;
        (determinant.abs() > 1e-12).then(|| {
            let [a, b, d, e] = [e, -b, -d, a].map(|number| number / determinant);
            Self { numbers: [a, b, -(a * c + b * f), d, e, -(d * c + e * f)] }
        })
    }

    /// The numbers.
    pub fn numbers(&self) -> [f64; 6] {
        self.numbers
    }

    /// The box around the corners of a box, at their new places.
    pub fn around(&self, rect: &Rect) -> [f64; 4] {
        let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom].map(f64::from);
        let corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map(|corner| self.of(corner));
        let far = f64::INFINITY;
        corners.into_iter().fold([far, far, -far, -far], |[left, top, right, bottom], [x, y]| {
            [left.min(x), top.min(y), right.max(x), bottom.max(y)]
        })
    }
}
