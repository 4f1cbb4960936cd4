//! A chart on a page: lines over epochs or lead times. Drawn as SVG without letters, so that it can be as wide as the screen;
//! numbers and names are placed around it as text, readable at every width.

mod draw;
mod legend;
mod path;
mod ticks;

pub(super) use draw::chart;

use crate::report::curves::Scale;

/// Lines that share their axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis shows: epoch, minutes.
    pub across: String,
    /// The places on the horizontal axis, ascending.
    pub places: Vec<f64>,
    /// How values become heights.
    pub scale: Scale,
    /// The lines.
    pub lines: Vec<Line>,
    /// What the lines are compared with.
    pub levels: Vec<Level>,
    /// Places that are marked.
    pub marks: Vec<Mark>,
    /// One of many that are shown together.
    pub is_small: bool,
}

/// A value for each place.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// As many as there are places; `NaN` if there is none.
    pub values: Vec<f64>,
    /// How it looks.
    pub ink: Ink,
}

/// A value that holds everywhere: a dashed line from side to side.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: f64,
    /// How it looks, besides being dashed.
    pub ink: Ink,
}

/// A place that is marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The place.
    pub place: f64,
    /// What is written at it.
    pub label: String,
}

/// How a line looks. One colour is for what matters, the others are for telling lines from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// What the chart is about.
    Accent,
    /// What goes with it.
    Quiet,
    /// What it is compared with: dashed.
    Baseline,
    /// Another one that it is compared with: dotted.
    Rival,
    /// One of several that matter alike.
    Number(usize),
}

/// The number of distinct colours; after that they repeat.
const NUMBERS: usize = 6;

impl Ink {
    /// The class that gives it its colour and its dashes.
    pub(super) fn class(self) -> String {
        match self {
            Self::Accent => "ia".into(),
            Self::Quiet => "iq".into(),
            Self::Baseline => "ib".into(),
            Self::Rival => "ir".into(),
            Self::Number(number) => format!("i{}", number % NUMBERS),
        }
    }
}
