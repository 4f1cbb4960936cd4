//! An image in a square: scaled so that it just fits, in the middle of gray. And back again.

use crate::boxes::Rect;
use crate::picture::Picture;
use crate::resize::resized;

/// The gray around an image.
pub const GRAY: u8 = 114;

/// How an image is placed in a square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// The side of the square.
    pub side: usize,
    /// Width and height of the image in it.
    pub size: [usize; 2],
    /// Its left and upper border.
    pub at: [usize; 2],
    /// By what places of the image are multiplied.
    pub scale: f64,
    /// Width and height of the image itself.
    pub original: [usize; 2],
}

impl Letterbox {
    /// That of an image of this width and height.
    #[must_use]
    pub fn of(original: [usize; 2], side: usize) -> Self {
        let longest = original[0].max(original[1]).max(1);
        let scale = side as f64 / longest as f64;
        let size = original.map(|pixels| ((pixels as f64 * scale).round() as usize).clamp(1, side));
        let at = size.map(|pixels| (side - pixels) / 2);
        Self { side, size, at, scale, original }
    }

    /// The square with an image in it.
    #[must_use]
    pub fn draw(&self, picture: &Picture) -> Picture {
        let scaled = resized(picture, self.size);
        let mut square = Picture::filled(self.side, self.side, [GRAY; 3]);
        let row = 3 * self.size[0];
        for (y, pixels) in scaled.rgb.chunks_exact(row).enumerate() {
            let start = 3 * ((self.at[1] + y) * self.side + self.at[0]);
            square.rgb[start..start + row].copy_from_slice(pixels);
        }
        square
    }

    /// A place of the image in the square.
    #[must_use]
    pub fn placed(&self, rect: &Rect) -> Rect {
        let x = |place: f32| (f64::from(place) * self.scale + self.at[0] as f64) as f32;
        let y = |place: f32| (f64::from(place) * self.scale + self.at[1] as f64) as f32;
        Rect::new(x(rect.left), y(rect.top), x(rect.right), y(rect.bottom))
    }

    /// A place of the square in the image, within its borders.
    #[must_use]
    pub fn back(&self, rect: &Rect) -> Rect {
        let x = |place: f32| ((f64::from(place) - self.at[0] as f64) / self.scale) as f32;
        let y = |place: f32| ((f64::from(place) - self.at[1] as f64) / self.scale) as f32;
        let [width, height] = self.original.map(|pixels| pixels as f32);
        Rect::new(x(rect.left), y(rect.top), x(rect.right), y(rect.bottom)).clipped(width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_in_the_middle_and_as_large_as_fits() {
        for (original, size, at) in [
            ([640, 480], [640, 480], [0, 80]),
            ([1280, 720], [640, 360], [0, 140]),
            ([333, 500], [426, 640], [107, 0]),
            ([375, 500], [480, 640], [80, 0]),
            ([5000, 1], [640, 1], [0, 319]),
        ] {
            let found = Letterbox::of(original, 640);
            assert_eq!((found.size, found.at), (size, at), "{original:?}");
        }
    }

    #[test]
    fn places_go_there_and_back() {
        let letterbox = Letterbox::of([333, 500], 640);
        let rect = Rect::new(10.0, 20.0, 300.0, 499.0);
        let back = letterbox.back(&letterbox.placed(&rect));
        assert!(rect.iou(&back) > 0.9999, "{back:?}");
        assert_eq!(letterbox.back(&Rect::new(0.0, 0.0, 640.0, 640.0)), Rect::new(0.0, 0.0, 333.0, 500.0));
    }

    #[test]
    fn what_is_drawn_is_where_places_say() {
        let mut picture = Picture::filled(100, 50, [10, 20, 30]);
        for y in 20..30 {
            for x in 40..60 {
                picture.rgb[3 * (y * 100 + x)..][..3].copy_from_slice(&[250, 0, 0]);
            }
        }
        let letterbox = Letterbox::of([100, 50], 200);
        let square = letterbox.draw(&picture);
        let rect = letterbox.placed(&Rect::new(40.0, 20.0, 60.0, 30.0));
        assert_eq!((rect.left, rect.top, rect.right, rect.bottom), (80.0, 90.0, 120.0, 110.0));
        assert_eq!(square.pixel(100, 100), [250, 0, 0]);
        assert_eq!(
            [square.pixel(70, 100), square.pixel(100, 49), square.pixel(100, 150)],
            [[10, 20, 30], [GRAY; 3], [GRAY; 3]]
        );
    }
}
