//! A scene as pixels, for a file: usually two for each of its own, so that letters and lines are sharp.

use super::scene::{Anchor, BAND, Item, Scene, Text, width};
use crate::report::canvas::{Canvas, Rgb};
use crate::report::font::LINE_OF_SIZE;

/// Pixels of the file for one of the scene.
pub(super) const FINE: f64 = 2.0;

impl Scene {
    /// The scene on a white ground.
    pub(in crate::report) fn canvas(&self) -> Canvas {
        self.canvas_of(FINE)
    }

    /// The same with so many pixels for one of the scene.
    pub(super) fn canvas_of(&self, fine: f64) -> Canvas {
        let [width, height] = self.size.map(|side| (fine * side).ceil() as usize);
        let mut canvas = Canvas::new(width, height);
        self.items.iter().for_each(|item| draw(&mut canvas, item, fine));
        canvas
    }
}

fn draw(canvas: &mut Canvas, item: &Item, fine: f64) {
    // The middle of a pixel is half a pixel from its corner.
    let at = |point: [f64; 2]| point.map(|place| fine * place - 0.5);
    match item {
        Item::Line { points, ink, width, dashes } => {
            let points: Vec<[f64; 2]> = points.iter().map(|&point| at(point)).collect();
            let mut along = 0.0;
            for pair in points.windows(2) {
                along = match dashes {
                    Some(dashes) => {
                        dashed(canvas, pair, fine * width, ink.rgb(), dashes.map(|dash| fine * dash), along)
                    }
                    None => {
                        canvas.line(pair[0], pair[1], fine * width, ink.rgb());
                        0.0
                    }
                };
            }
        }
        Item::Band { points, ink } => points.windows(2).for_each(|pair| band(canvas, pair, ink.rgb(), fine)),
        Item::Rect { at: corner, size, ink, opacity } | Item::Cell { at: corner, size, ink, opacity, .. } => {
            let from = corner.map(|place| (fine * place).round() as i64);
            let to = [0, 1].map(|axis| (fine * (corner[axis] + size[axis])).round() as i64);
            for y in from[1]..to[1] {
                (from[0]..to[0]).for_each(|x| canvas.blend(x, y, ink.rgb(), *opacity));
            }
        }
        Item::Dot { at: middle, radius, ink } => canvas.dot(at(*middle), 2.0 * fine * radius, ink.rgb()),
        Item::Text(of) => text(canvas, of, fine),
        Item::Hover { .. } => {}
    }
}

fn text(canvas: &mut Canvas, text: &Text, fine: f64) {
    let length = fine * width(&text.text, text.size);
    let before = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => length / 2.0,
        Anchor::End => length,
    };
    let [x, y] = text.at.map(|place| fine * place);
    let size = fine * text.size * LINE_OF_SIZE;
    match text.is_upright {
        true => canvas.text_upwards(&text.text, [x, y + before], size, text.ink.rgb()),
        false => canvas.text_at(&text.text, [x - before, y], size, text.ink.rgb()),
    }
}

/// A straight piece of a dashed line, which begins so far along it; returns where it ends.
fn dashed(canvas: &mut Canvas, pair: &[[f64; 2]], width: f64, colour: Rgb, [dash, gap]: [f64; 2], along: f64) -> f64 {
    let [from, to] = [pair[0], pair[1]];
    let length = (to[0] - from[0]).hypot(to[1] - from[1]);
    let at = |distance: f64| [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * distance / length);
    let (period, end) = (dash + gap, along + length);
    let mut begin = (along / period).floor() * period;
    while begin < end {
        let (first, last) = ((begin - along).max(0.0), (begin + dash - along).min(length));
        if last > first {
            canvas.line(at(first), at(last), width, colour);
        }
        begin += period;
    }
    end % period
}

/// A piece of a band, column by column.
fn band(canvas: &mut Canvas, pair: &[[f64; 3]], colour: Rgb, fine: f64) {
    let [from, to] = [pair[0], pair[1]].map(|point| point.map(|place| fine * place));
    for x in from[0].round() as i64..to[0].round() as i64 {
        let share = ((x as f64 - from[0]) / (to[0] - from[0])).clamp(0.0, 1.0);
        let [top, bottom] = [1, 2].map(|edge| (from[edge] + (to[edge] - from[edge]) * share).round() as i64);
        (top..bottom).for_each(|y| canvas.blend(x, y, colour, BAND));
    }
}
