//! The colours of a chart. A page sets them by class, so that they follow its theme; files use those of a light page.

use crate::report::canvas::Rgb;

/// How a line looks. One colour is for what matters, the others are for telling lines from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// What the chart is about.
    Accent,
    /// Something secondary.
    Quiet,
    /// What it is compared with: dashed.
    Baseline,
    /// Another one that it is compared with: dotted.
    Rival,
    /// What was observed.
    Truth,
    /// What is wrong.
    Bad,
    /// One of several equal series.
    Number(usize),
    /// Text.
    Text,
    /// Text that is less important.
    Soft,
    /// Lines behind everything.
    Grid,
    /// Lines between these and those.
    Faint,
}

/// The number of distinct colours for equal series; then they repeat.
const NUMBERS: [Rgb; 6] =
    [[11, 107, 203], [194, 87, 12], [43, 138, 75], [138, 75, 184], [184, 134, 11], [194, 65, 107]];

impl Ink {
    /// The class that gives it its colour on a page.
    pub(super) fn class(self) -> String {
        match self {
            Self::Accent => "ka".into(),
            Self::Quiet => "kq".into(),
            Self::Baseline => "kb".into(),
            Self::Rival => "kr".into(),
            Self::Truth => "ko".into(),
            Self::Bad => "kx".into(),
            Self::Number(number) => format!("k{}", number % NUMBERS.len()),
            Self::Text => "kt".into(),
            Self::Soft => "ks".into(),
            Self::Grid => "kg".into(),
            Self::Faint => "kf".into(),
        }
    }

    /// Its colour in a file.
    pub(super) fn rgb(self) -> Rgb {
        match self {
            Self::Accent => NUMBERS[0],
            Self::Quiet => [152, 162, 173],
            Self::Baseline => [92, 101, 112],
            Self::Rival => NUMBERS[1],
            Self::Truth => NUMBERS[2],
            Self::Bad => [179, 38, 30],
            Self::Number(number) => NUMBERS[number % NUMBERS.len()],
            Self::Text => [26, 29, 33],
            Self::Soft => [92, 101, 112],
            Self::Grid => [230, 233, 237],
            Self::Faint => [196, 203, 211],
        }
    }

    /// The lengths of dashes and gaps; `None` for a full line.
    pub(super) fn dashes(self) -> Option<[f64; 2]> {
        match self {
            Self::Baseline => Some([5.0, 3.5]),
            Self::Rival => Some([2.0, 3.0]),
            _ => None,
        }
    }
}
