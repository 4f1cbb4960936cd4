//! The pixels and boxes of a canvas through a map. Only pixels of the result are computed: a canvas is never drawn.

use super::affine::Affine;
use super::mosaic::{Canvas, Tile};
use crate::boxes::{Object, Rect};
use crate::picture::Picture;

/// A box that is narrower or lower, pixels, is left out.
const SMALLEST: f64 = 2.0;

/// One of which less than this share is left is left out.
const LEAST_LEFT: f64 = 0.1;

/// One that is so many times longer than wide is left out.
const LONGEST: f64 = 100.0;

impl Canvas {
    /// The square of this side that a map takes the canvas to, and its boxes. What shows nothing has a level of gray.
    pub(super) fn render(&self, map: &Affine, side: usize, gray: u8) -> (Picture, Vec<Object>) {
        let mut picture = Picture::filled(side, side, [gray; 3]);
        let Some(back) = map.inverse() else { return (picture, Vec::new()) };
        let [a, b, c, d, e, f] = back.numbers();
        for (y, row) in picture.rgb.chunks_exact_mut(3 * side.max(1)).enumerate() {
            // Middles of pixels.
            let down = y as f64 + 0.5;
            let (mut u, mut v) = (a * 0.5 + b * down + c, d * 0.5 + e * down + f);
            for pixel in row.as_chunks_mut::<3>().0 {
                let tile = self.tile(u, v);
                let [left, top, right, bottom] = tile.seen;
                if u >= left && u < right && v >= top && v < bottom {
                    *pixel = tile.at(u, v);
                }
                (u, v) = (u + a, v + d);
            }
        }
        (picture, self.tiles.iter().flat_map(|tile| tile.objects(map, side as f64)).collect())
    }
}

impl Tile {
    /// The color at a place of the canvas, between the nearest pixels.
    fn at(&self, u: f64, v: f64) -> [u8; 3] {
        let picture = &self.source.picture;
        let place =
            |at: f64, start: f64, pixels: usize| ((at - start) / self.scale - 0.5).clamp(0.0, (pixels - 1) as f64);
        let (x, y) = (place(u, self.at[0], picture.width), place(v, self.at[1], picture.height));
        let [left, top] = [x as usize, y as usize];
        let (right, bottom) = ((left + 1).min(picture.width - 1), (top + 1).min(picture.height - 1));
        // Shares in 256 steps: the result is a byte.
        let [across, down] = [((x - left as f64) * 256.0) as u32, ((y - top as f64) * 256.0) as u32];
        let (upper, lower) = (top * picture.width, bottom * picture.width);
        let start = |place: usize| 3 * place;
        let [a, b, c, d] = [upper + left, upper + right, lower + left, lower + right].map(start);
        let rgb = &picture.rgb;
        [0, 1, 2].map(|part| {
            let above = u32::from(rgb[a + part]) * (256 - across) + u32::from(rgb[b + part]) * across;
            let below = u32::from(rgb[c + part]) * (256 - across) + u32::from(rgb[d + part]) * across;
            ((above * (256 - down) + below * down + (1 << 15)) >> 16) as u8
        })
    }

    /// Its boxes in a square of this side, through a map. Those of which too little is left are left out.
    fn objects<'a>(&'a self, map: &'a Affine, side: f64) -> impl Iterator<Item = Object> + 'a {
        let placed = move |object: &Object| {
            let [left, top, right, bottom] = self.seen;
            let x = |place: f32| (f64::from(place) * self.scale + self.at[0]).clamp(left, right) as f32;
            let y = |place: f32| (f64::from(place) * self.scale + self.at[1]).clamp(top, bottom) as f32;
            let rect = &object.rect;
            let on_canvas = Rect::new(x(rect.left), y(rect.top), x(rect.right), y(rect.bottom));
            kept(map.around(&on_canvas), side).map(|rect| Object { class: object.class, rect })
        };
        self.source.objects.iter().filter_map(placed)
    }
}

/// A box within a square, if enough of it is left.
fn kept(moved: [f64; 4], side: f64) -> Option<Rect> {
    let [left, top, right, bottom] = moved.map(|place| place.clamp(0.0, side));
    let (width, height) = (right - left, bottom - top);
    let before = (moved[2] - moved[0]) * (moved[3] - moved[1]);
    let is_kept = width > SMALLEST
        && height > SMALLEST
        && width * height > LEAST_LEFT * before
        && width.max(height) < LONGEST * width.min(height);
    is_kept.then(|| Rect::new(left as f32, top as f32, right as f32, bottom as f32))
}
