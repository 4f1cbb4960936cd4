//! Charts of an evaluation, for its page and for pictures.

use crate::report::chart::{AxisOf, Backdrop, Chart, Ink, Scale, Series};

/// How often choices are right that were given such a probability, as reported and at temperature 1: `(images, mean probability,
/// share that is right)` for ranges of it.
pub(super) fn reliability(reported: &[(u64, f64, f64)], raw: &[(u64, f64, f64)], temperature: f64) -> Chart {
    let points = |of: &[(u64, f64, f64)]| of.iter().map(|(_, confidence, right)| [*confidence, *right]).collect();
    let mut series = vec![Series::line("as reported", Ink::Accent, points(reported)).dots()];
    if temperature != 1.0 {
        series.push(Series::line("without temperature", Ink::Quiet, points(raw)));
    }
    let share = |name: &str| AxisOf::named(name).range(0.0, 1.0);
    Chart {
        title: "Share of right choices by their probability".into(),
        across: share("probability of the choice"),
        up: share("share that is right"),
        backdrop: Backdrop::Diagonal,
        series,
        ..Chart::default()
    }
}

/// How many choices have such a probability.
pub(super) fn confidences(reported: &[(u64, f64, f64)]) -> Chart {
    let points = reported.iter().map(|(images, confidence, _)| [*confidence, *images as f64]);
    Chart {
        title: "Images by the probability of the choice".into(),
        across: AxisOf::named("probability of the choice").range(0.0, 1.0),
        up: AxisOf { scale: Scale::FromZero, ..AxisOf::default() },
        series: vec![Series {
            look: crate::report::chart::Look::Bars(0.05),
            ..Series::line("", Ink::Accent, points.collect())
        }],
        ..Chart::default()
    }
}
