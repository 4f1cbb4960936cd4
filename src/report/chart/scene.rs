//! A scene: lines, areas and texts at their places, the common form of charts on a page and in a file. Lengths are
//! pixels of a screen.

use super::Ink;
use crate::report::font;

/// A drawing that is laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::report) struct Scene {
    pub(super) size: [f64; 2],
    pub(super) items: Vec<Item>,
    /// What it shows, for those who can't see it.
    pub(super) description: String,
}

/// Something in a scene.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// Joined points.
    Line { points: Vec<[f64; 2]>, ink: Ink, width: f64, dashes: Option<[f64; 2]> },
    /// The area between two lines: across, upper end, lower end.
    Band { points: Vec<[f64; 3]>, ink: Ink },
    /// A rectangle of this opacity.
    Rect { at: [f64; 2], size: [f64; 2], ink: Ink, opacity: f64 },
    /// A rectangle that shows a text if it is pointed at.
    Cell { at: [f64; 2], size: [f64; 2], ink: Ink, opacity: f64, text: String },
    /// A filled circle.
    Dot { at: [f64; 2], radius: f64, ink: Ink },
    /// A line of text; its place is the middle of its height.
    Text(Text),
    /// A place that shows a text if it is pointed at; files don't have it.
    Hover { at: [f64; 2], size: [f64; 2], text: String },
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) at: [f64; 2],
    pub(super) size: f64,
    pub(super) ink: Ink,
    pub(super) anchor: Anchor,
    pub(super) is_bold: bool,
    /// Reads upwards, from its place on.
    pub(super) is_upright: bool,
}

/// Which part of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The opacity of a band.
pub(super) const BAND: f64 = 0.16;

/// How much wider bold letters are than those of the program's font, which has no bold.
pub(super) const BOLD: f64 = 1.15;

/// The width of a text in pixels. Pages have narrower fonts than files, so nothing overlaps there either.
pub(super) fn width(text: &str, size: f64) -> f64 {
    font::width(text, size * font::LINE_OF_SIZE)
}

impl Text {
    pub(super) fn new(text: impl Into<String>, at: [f64; 2], size: f64, ink: Ink) -> Self {
        Self { text: text.into(), at, size, ink, anchor: Anchor::Start, is_bold: false, is_upright: false }
    }

    pub(super) fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { is_bold: true, ..self }
    }

    pub(super) fn upright(self) -> Self {
        Self { is_upright: true, ..self }
    }

    /// The rectangle that it covers: its corner and its size.
    pub(super) fn covers(&self) -> [[f64; 2]; 2] {
        let wider = if self.is_bold { BOLD } else { 1.0 };
        let [length, height] = [wider * width(&self.text, self.size), 1.1 * self.size];
        let before = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => length / 2.0,
            Anchor::End => length,
        };
        let [x, y] = self.at;
        match self.is_upright {
            true => [[x - height / 2.0, y - length + before], [height, length]],
            false => [[x - before, y - height / 2.0], [length, height]],
        }
    }
}

impl Scene {
    pub(in crate::report) fn width(&self) -> f64 {
        self.size[0]
    }

    pub(super) fn line(&mut self, points: Vec<[f64; 2]>, ink: Ink, width: f64) {
        self.items.push(Item::Line { points, ink, width, dashes: ink.dashes() });
    }

    pub(super) fn text(&mut self, text: Text) {
        self.items.push(Item::Text(text));
    }

    pub(super) fn rect(&mut self, at: [f64; 2], size: [f64; 2], ink: Ink, opacity: f64) {
        self.items.push(Item::Rect { at, size, ink, opacity });
    }

    /// Adds another scene, moved.
    pub(super) fn add(&mut self, other: Self, [right, down]: [f64; 2]) {
        let moved = |[x, y]: [f64; 2]| [x + right, y + down];
        self.items.extend(other.items.into_iter().map(|item| match item {
            Item::Line { points, ink, width, dashes } => {
                Item::Line { points: points.into_iter().map(moved).collect(), ink, width, dashes }
            }
            Item::Band { points, ink } => {
                let points = points.into_iter().map(|[x, top, bottom]| [x + right, top + down, bottom + down]);
                Item::Band { points: points.collect(), ink }
            }
            Item::Rect { at, size, ink, opacity } => Item::Rect { at: moved(at), size, ink, opacity },
            Item::Cell { at, size, ink, opacity, text } => Item::Cell { at: moved(at), size, ink, opacity, text },
            Item::Dot { at, radius, ink } => Item::Dot { at: moved(at), radius, ink },
            Item::Text(text) => Item::Text(Text { at: moved(text.at), ..text }),
            Item::Hover { at, size, text } => Item::Hover { at: moved(at), size, text },
        }));
    }
}

/// Whether two rectangles, each a corner and a size, have a common part.
pub(super) fn overlap([one, one_size]: [[f64; 2]; 2], [other, other_size]: [[f64; 2]; 2]) -> bool {
    (0..2).all(|axis| one[axis] < other[axis] + other_size[axis] && other[axis] < one[axis] + one_size[axis])
}
