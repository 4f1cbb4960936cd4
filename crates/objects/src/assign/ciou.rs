//! Complete intersection over union (Zheng et al. 2020): the overlap of two boxes, less the distance of their middles and the
//! difference of their shapes.

use crate::boxes::Rect;

/// Added to every divisor.
const TINY: f64 = 1e-7;

/// From -1.5 to 1; 1 for equal boxes.
#[must_use]
pub fn ciou(one: &Rect, other: &Rect) -> f64 {
    let [a, b] = [one, other].map(|rect| [rect.left, rect.top, rect.right, rect.bottom].map(f64::from));
    let size = |rect: [f64; 4]| [rect[2] - rect[0], rect[3] - rect[1]];
    let ([width, height], [other_width, other_height]) = (size(a), size(b));
    let both = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0) * (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let iou = both / (width * height + other_width * other_height - both + TINY);
    let apart = [0, 1].map(|axis| (a[axis] + a[axis + 2] - b[axis] - b[axis + 2]) / 2.0);
    let around = [0, 1].map(|axis| a[axis + 2].max(b[axis + 2]) - a[axis].min(b[axis]));
    let square = |[x, y]: [f64; 2]| x * x + y * y;
    let distance = square(apart) / (square(around) + TINY);
    let angle = (width / (height + TINY)).atan() - (other_width / (other_height + TINY)).atan();
    let shape = 4.0 / std::f64::consts::PI.powi(2) * angle * angle;
    let weight = shape / (1.0 - iou + shape + TINY);
    iou - distance - weight * shape
}
