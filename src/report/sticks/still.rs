//! A moment of a sequence as lines and dots on a small square; what was not seen is said in words above it.

use super::View;
use crate::report::canvas::{Canvas, GREY, Rgb};
use crate::report::text_width::{shortened, text_width};

/// What a line or a dot belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Drawn first, below all others.
    Face,
    /// The arms and the trunk.
    Body,
    /// Something else, such as a pen.
    Other,
    /// The right hand.
    Right,
    /// The left hand.
    Left,
}

/// How thick a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// For what is small.
    Thin,
    /// For fingers.
    Usual,
    /// For arms.
    Thick,
}

/// A line between two points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Where it begins and ends.
    pub ends: [[f64; 2]; 2],
    /// What it belongs to.
    pub part: Part,
    /// Its thickness.
    pub weight: Weight,
}

/// A point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// Where it is.
    pub at: [f64; 2],
    /// What it belongs to.
    pub part: Part,
    /// Its size.
    pub weight: Weight,
}

/// A moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Still {
    /// When it is.
    pub label: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// The points.
    pub dots: Vec<Dot>,
    /// What was not seen, in words; each a line.
    pub absent: Vec<(Part, String)>,
}

const PAPER: Rgb = [252; 3];
/// That of a moment in which nothing was seen.
const NOTHING: Rgb = [225; 3];
/// The room above it for its number and what was not seen.
pub(super) const HEAD: usize = 25;
const LABEL: usize = 18;
const EDGE: usize = 6;
const LINE: usize = 22;

impl Part {
    /// All of them in the order of a legend.
    pub(super) const ALL: [Self; 5] = [Self::Left, Self::Right, Self::Body, Self::Face, Self::Other];

    /// Its colour: left and right differ for every eye.
    pub(super) fn colour(self) -> Rgb {
        match self {
            Self::Left => [11, 107, 203],
            Self::Right => [206, 92, 0],
            Self::Body => [84, 94, 106],
            Self::Face => [134, 143, 154],
            Self::Other => [120, 60, 170],
        }
    }
}

impl Weight {
    fn of_line(self) -> f64 {
        match self {
            Self::Thin => 2.0,
            Self::Usual => 2.4,
            Self::Thick => 3.6,
        }
    }

    fn of_dot(self) -> f64 {
        match self {
            Self::Thin => 2.0,
            Self::Usual => 4.4,
            Self::Thick => 9.0,
        }
    }
}

impl Still {
    /// Whether there is anything to see.
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dots.is_empty()
    }

    /// The parts that are drawn.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        self.lines.iter().map(|line| line.part).chain(self.dots.iter().map(|dot| dot.part))
    }

    /// The moment as a square of so many pixels, below its head.
    pub(super) fn drawn(&self, view: &View, pixels: usize) -> Canvas {
        let mut canvas = Canvas::new(pixels, HEAD + pixels);
        let paper = if self.is_empty() { NOTHING } else { PAPER };
        canvas.paste(&self.figure(view, pixels, paper), [0, HEAD]);
        // Over what is drawn above the square.
        canvas.fill([0, 0], [pixels, HEAD], paper);
        canvas.text(&self.label, [EDGE, HEAD / 2 + 1], LABEL, GREY);
        let left = 2 * EDGE + text_width(&self.label, LABEL);
        for (line, (part, text)) in self.absent.iter().enumerate() {
            let text = shortened(text, pixels.saturating_sub(left + EDGE), LABEL);
            let x = pixels.saturating_sub(EDGE + text_width(&text, LABEL));
            canvas.text(&text, [x, HEAD / 2 + 1 + line * LINE], LABEL, part.colour());
        }
        canvas
    }

    fn figure(&self, view: &View, pixels: usize, paper: Rgb) -> Canvas {
        let mut canvas = Canvas::new(pixels, pixels);
        canvas.fill([0, 0], [pixels; 2], paper);
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.part);
        for line in lines {
            let [from, to] = line.ends.map(|end| view.at(end, pixels));
            canvas.line(from, to, line.weight.of_line(), line.part.colour());
        }
        for dot in &self.dots {
            canvas.dot(view.at(dot.at, pixels), dot.weight.of_dot(), dot.part.colour());
        }
        canvas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(canvas: &Canvas, colour: Rgb) -> bool {
        canvas.rgb.chunks_exact(3).any(|pixel| pixel == colour)
    }

    #[test]
    fn hands_have_colours_of_their_own_and_an_empty_moment_is_gray() {
        let line = |part, x: f64| Line { ends: [[x, 0.2], [x, 0.8]], part, weight: Weight::Thick };
        let still = Still { lines: vec![line(Part::Left, 0.7), line(Part::Right, 0.3)], ..Still::default() };
        let drawn = still.drawn(&View::default(), 100);
        assert!(has(&drawn, Part::Left.colour()) && has(&drawn, Part::Right.colour()) && has(&drawn, PAPER));
        assert!(!has(&drawn, Part::Body.colour()) && !has(&drawn, NOTHING));
        let empty = Still { absent: vec![(Part::Body, "nothing seen".into())], ..Still::default() };
        let drawn = empty.drawn(&View::default(), 100);
        assert!(has(&drawn, NOTHING) && !has(&drawn, PAPER) && has(&drawn, Part::Body.colour()));
    }

    #[test]
    fn what_is_outside_of_the_view_does_no_harm() {
        let dot = Dot { at: [1e30, -1e30], part: Part::Other, weight: Weight::Usual };
        let line = Line { ends: [[-1e9, 0.5], [0.5, 1e9]], part: Part::Body, weight: Weight::Thin };
        let still = Still { lines: vec![line], dots: vec![dot], ..Still::default() };
        assert_eq!(still.drawn(&View::default(), 40).rgb.len(), 3 * 40 * (40 + HEAD));
    }
}
