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

/// Places of an image are in steps of this part of a pixel.
const FINE: u32 = 16;

impl Canvas {
    /// The square of this side that a map takes the canvas to, and its boxes. What shows nothing has a level of gray.
    pub(super) fn render(&self, map: &Affine, side: usize, gray: u8) -> (Picture, Vec<Object>) {
        let mut picture = Picture::filled(side, side, [gray; 3]);
        let Some(back) = map.inverse() else { return (picture, Vec::new()) };
        let [a, b, c, d, e, f] = back.numbers();
        for (y, row) in picture.rgb.chunks_exact_mut(3 * side.max(1)).enumerate() {
            // Middles of pixels.
            let down = y as f64 + 0.5;
            let start = [a * 0.5 + b * down + c, d * 0.5 + e * down + f];
            let row = row.as_chunks_mut::<3>().0;
            self.tiles.iter().for_each(|tile| tile.draw(row, start, [a, d]));
        }
        (picture, self.tiles.iter().flat_map(|tile| tile.objects(map, side as f64)).collect())
    }
}

/// The pixels of a row, of so many, whose places are from one border to before another: a place is `start`, and a step further
/// for each pixel.
fn span(pixels: usize, start: f64, step: f64, [from, to]: [f64; 2]) -> [f64; 2] {
    if step.abs() < 1e-12 {
        return if start >= from && start < to { [0.0, pixels as f64] } else { [0.0, 0.0] };
    }
    let [one, other] = [from, to].map(|border| (border - start) / step);
    // Of a row that runs backwards, the border that belongs to the tile is at the end.
    if step > 0.0 { [one.ceil(), other.ceil()] } else { [other.floor() + 1.0, one.floor() + 1.0] }
}

impl Tile {
    /// Draws what a row of pixels shows of it.
    fn draw(&self, row: &mut [[u8; 3]], start: [f64; 2], step: [f64; 2]) {
        let [left, top, right, bottom] = self.seen;
        let across = span(row.len(), start[0], step[0], [left, right]);
        let down = span(row.len(), start[1], step[1], [top, bottom]);
        let from = across[0].max(down[0]).max(0.0) as usize;
        let to = (across[1].min(down[1]).max(0.0) as usize).min(row.len());
        if from >= to {
            return;
        }
        let Picture { width, height, rgb } = &self.source.picture;
        let (width, height, pixels) = (*width, *height, rgb.as_chunks::<3>().0);
        let one = f64::from(1_u32 << FINE);
        let fixed = |axis: usize| {
            let place = (start[axis] + from as f64 * step[axis] - self.at[axis]) / self.scale - 0.5;
            ((place * one).round() as i64, (step[axis] / self.scale * one).round() as i64)
        };
        let ((mut x, step_x), (mut y, step_y)) = (fixed(0), fixed(1));
        let most = [width, height].map(|pixels| ((pixels - 1) as i64) << FINE);
        for pixel in &mut row[from..to] {
            let (column, line) = (x.clamp(0, most[0]), y.clamp(0, most[1]));
            let (left, top) = ((column >> FINE) as usize, (line >> FINE) as usize);
            let (right, below) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
            // Shares in 256 steps: the result is a byte.
            let [across, down] = [column, line].map(|place| (place >> (FINE - 8)) as u32 & 255);
            let corners = [pixels[top * width + left], pixels[top * width + right]];
            *pixel = between(corners, [pixels[below * width + left], pixels[below * width + right]], [across, down]);
            (x, y) = (x + step_x, y + step_y);
        }
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

/// A color between those of two pixels above and two below.
fn between(upper: [[u8; 3]; 2], lower: [[u8; 3]; 2], [across, down]: [u32; 2]) -> [u8; 3] {
    [0, 1, 2].map(|part| {
        let mixed =
            |[left, right]: [[u8; 3]; 2]| u32::from(left[part]) * (256 - across) + u32::from(right[part]) * across;
        ((mixed(upper) * (256 - down) + mixed(lower) * down + (1 << 15)) >> 16) as u8
    })
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
