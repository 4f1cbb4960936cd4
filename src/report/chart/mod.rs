//! Charts as plain values: axes, series, bands, bars, levels, marks, notes. One layout turns a chart into a scene of
//! lines and text (`scene`), and each scene can be SVG for a page or pixels for a PNG file. The meaning of the numbers
//! is the caller's.
//!
//! ```text
//! axis    which values an axis spans, its ticks      plot     a chart becomes a scene
//! legend  the names of lines and their values        labels   texts beside points that don't overlap
//! ink     the colours of what is drawn               heat     a square of shares becomes a scene
//! parts   named quantities in parts, as bars         shares   named shares, as bars
//! svg     a scene for a page                         raster   a scene as pixels      sheet  several charts in a file
//! ```

mod axis;
mod backdrop;
mod heat;
mod ink;
mod labels;
mod legend;
mod parts;
mod plot;
mod raster;
mod scene;
mod shares;
mod sheet;
mod svg;
#[cfg(test)]
mod tests;

pub use axis::{Scale, brief};
pub use heat::{Heat, Says, Shade};
pub use ink::Ink;
pub use parts::Parts;
#[cfg(test)]
use scene::Scene;
pub use shares::Shares;
pub use sheet::{Sheet, png};

/// Series that share their axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows, in words.
    pub title: String,
    /// The horizontal axis.
    pub across: AxisOf,
    /// The vertical axis.
    pub up: AxisOf,
    /// What is behind the series.
    pub backdrop: Backdrop,
    /// What is drawn.
    pub series: Vec<Series>,
    /// What the series are compared with.
    pub levels: Vec<Level>,
    /// Places across that are marked.
    pub marks: Vec<Mark>,
    /// Where the values in the legend were taken: "best epoch 9", "at +30 min"; empty if it has none.
    pub when: String,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AxisOf {
    /// Its name with the unit; may be empty.
    pub name: String,
    /// How values become lengths.
    pub scale: Scale,
    /// What it spans; `None` to fit what is drawn.
    pub range: Option<[f64; 2]>,
}

impl AxisOf {
    /// A linear axis that fits what is drawn.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The same from one value to another.
    #[must_use]
    pub fn range(self, from: f64, to: f64) -> Self {
        Self { range: Some([from, to]), ..self }
    }
}

/// What is behind the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backdrop {
    /// Lines at the ticks.
    #[default]
    Grid,
    /// The line on which both numbers are equal.
    Diagonal,
    /// The lines of equal critical success index and of equal bias of a performance diagram (Roebber 2009), whose axes are
    /// the success ratio and the probability of detection.
    Performance,
}

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its colour and dashes.
    pub ink: Ink,
    /// How points become visible.
    pub look: Look,
    /// Across and up; `NaN` leaves a gap.
    pub points: Vec<[f64; 2]>,
    /// The range of each value; empty if there is none.
    pub band: Vec<[f64; 2]>,
    /// The diameter of each dot in pixels; empty for the usual one.
    pub sizes: Vec<f64>,
    /// The text beside each point; empty for none.
    pub labels: Vec<String>,
    /// The value in the legend.
    pub told: Option<f64>,
}

/// How points become visible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Joined by a line.
    Line,
    /// Joined by a line, each a dot.
    Dots,
    /// Bars of this width, from the foot of the chart.
    Bars(f64),
}

impl Series {
    /// A line with a value for each place; `NaN` is a gap.
    #[must_use]
    pub fn line(name: impl Into<String>, ink: Ink, points: Vec<[f64; 2]>) -> Self {
        let (band, sizes, labels) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.into(), ink, look: Look::Line, points, band, sizes, labels, told: None }
    }

    /// The same as dots.
    #[must_use]
    pub fn dots(self) -> Self {
        Self { look: Look::Dots, ..self }
    }

    /// The same, its value at this place in the legend.
    #[must_use]
    pub fn told_at(self, place: f64) -> Self {
        let is_there = |point: &&[f64; 2]| point[0] == place && point[1].is_finite();
        Self { told: self.points.iter().find(is_there).map(|point| point[1]), ..self }
    }

    /// Whether there is anything to see.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.points.iter().any(|point| point.iter().all(|number| number.is_finite()))
    }
}

/// A value that holds everywhere: a line from side to side.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its colour and dashes.
    pub ink: Ink,
}

/// A place that is marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The place.
    pub place: f64,
    /// What is written above it.
    pub label: String,
}

impl Chart {
    /// Whether there is anything to see.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.series.iter().any(Series::has_values)
    }

    /// The same with a logarithmic axis, if the highest value is many times the lowest one.
    #[must_use]
    pub fn scaled(mut self) -> Self {
        let values = self.series.iter().flat_map(|series| &series.points).map(|point| point[1]);
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let (low, high) =
            (values.iter().copied().fold(f64::INFINITY, f64::min), values.iter().copied().fold(0.0, f64::max));
        if low > 0.0 && high / low >= WIDE && low.is_finite() {
            self.up.scale = Scale::Logarithmic;
            self.title += " (logarithmic)";
        }
        self
    }

    /// The chart in words, for those who can't see it.
    pub(super) fn description(&self) -> String {
        let series = self.series.iter().filter_map(|series| {
            let values: Vec<f64> =
                series.points.iter().map(|point| point[1]).filter(|value| value.is_finite()).collect();
            let (first, last) = (values.first()?, values.last()?);
            Some(match values.len() {
                1 => format!("{} is {}", series.name, brief(*last)),
                _ => format!("{} goes from {} to {}", series.name, brief(*first), brief(*last)),
            })
        });
        let levels = self.levels.iter().map(|level| format!("{} is {}", level.name, brief(level.value)));
        let marks =
            self.marks.iter().map(|mark| format!("{} at {} {}", mark.label, self.across.name, brief(mark.place)));
        let all: Vec<String> = series.chain(levels).chain(marks).collect();
        format!("{} over {}: {}", self.title, self.across.name, all.join("; "))
    }
}

/// If the highest value is this many times the lowest one, the scale is logarithmic.
const WIDE: f64 = 10.0;
