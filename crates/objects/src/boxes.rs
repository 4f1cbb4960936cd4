//! Rectangles in pixels, and what was labelled or found in them. The unit is a pixel of whatever image the caller means.

use serde::{Deserialize, Serialize};

/// A rectangle with its corners, in pixels from the upper left corner of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// The left border.
    pub left: f32,
    /// The upper border.
    pub top: f32,
    /// The right border.
    pub right: f32,
    /// The lower border.
    pub bottom: f32,
}

/// An object that a label names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its class, counted from 0.
    pub class: u32,
    /// Where it is.
    pub rect: Rect,
}

/// An object that a model found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Its class, counted from 0.
    pub class: u32,
    /// How sure the model is, 0 to 1.
    pub score: f32,
    /// Where it is.
    pub rect: Rect,
}

impl Rect {
    /// A rectangle from its borders.
    #[must_use]
    pub fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self { left, top, right, bottom }
    }

    /// Its width; 0 if its borders are in the wrong order.
    #[must_use]
    pub fn width(&self) -> f64 {
        (f64::from(self.right) - f64::from(self.left)).max(0.0)
    }

    /// Its height; 0 if its borders are in the wrong order.
    #[must_use]
    pub fn height(&self) -> f64 {
        (f64::from(self.bottom) - f64::from(self.top)).max(0.0)
    }

    /// Its area.
    #[must_use]
    pub fn area(&self) -> f64 {
        self.width() * self.height()
    }

    /// The part of it inside of an image of this size.
    #[must_use]
    pub fn clipped(&self, width: f32, height: f32) -> Self {
        let (x, y) = (|value: f32| value.clamp(0.0, width), |value: f32| value.clamp(0.0, height));
        Self::new(x(self.left), y(self.top), x(self.right), y(self.bottom))
    }

    /// The area that both cover by the area that either covers; 0 if both are empty.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        let both = Self::new(
            self.left.max(other.left),
            self.top.max(other.top),
            self.right.min(other.right),
            self.bottom.min(other.bottom),
        );
        let (both, either) = (both.area(), self.area() + other.area());
        if either > both { both / (either - both) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_the_shared_area_by_the_covered_one() {
        let rect = Rect::new(0.0, 0.0, 4.0, 2.0);
        for (other, expected) in [
            (rect, 1.0),
            (Rect::new(2.0, 0.0, 6.0, 2.0), 1.0 / 3.0),
            (Rect::new(4.0, 0.0, 6.0, 2.0), 0.0),
            (Rect::new(1.0, 0.0, 3.0, 1.0), 0.25),
            (Rect::new(3.0, 3.0, 1.0, 1.0), 0.0),
        ] {
            assert!((rect.iou(&other) - expected).abs() < 1e-12, "{other:?}");
            assert!((other.iou(&rect) - expected).abs() < 1e-12, "{other:?}");
        }
        assert_eq!(Rect::default().iou(&Rect::default()), 0.0);
    }

    #[test]
    fn a_rectangle_is_cut_at_the_borders_of_its_image() {
        assert_eq!(Rect::new(-3.0, 1.0, 12.0, 9.0).clipped(10.0, 8.0), Rect::new(0.0, 1.0, 10.0, 8.0));
        assert_eq!(Rect::new(11.0, 1.0, 12.0, 2.0).clipped(10.0, 8.0).area(), 0.0);
    }
}
