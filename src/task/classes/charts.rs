//! Charts of an evaluation, for its page and for pictures.

use crate::metric::classes::calibration::BINS;
use crate::report::chart::{AxisOf, Backdrop, Chart, Ink, Look, Scale, Series};
use crate::util::progress::Unit;
use crate::util::units::count;

/// The share of right choices among fewer samples is chance.
const LEAST: u64 = 5;

/// The diameters of the dots of the fewest and of the most samples.
const DOTS: [f64; 2] = [4.0, 13.0];

/// How often choices are right that were given such a probability, as reported and at temperature 1: `(samples, mean probability,
/// share that is right)` for ranges of it. Ranges with few samples are left out, and of the others the dots are as large as the
/// samples are many.
#[must_use]
pub fn reliability(reported: &[(u64, f64, f64)], raw: &[(u64, f64, f64)], temperature: f64) -> Chart {
    let shown =
        |of: &[(u64, f64, f64)]| of.iter().copied().filter(|(samples, ..)| *samples >= LEAST).collect::<Vec<_>>();
    let points = |of: &[(u64, f64, f64)]| of.iter().map(|(_, confidence, right)| [*confidence, *right]).collect();
    let of_reported = shown(reported);
    let most = of_reported.iter().map(|(samples, ..)| *samples).max().unwrap_or(1) as f64;
    let size = |(samples, ..): &(u64, f64, f64)| DOTS[0] + (DOTS[1] - DOTS[0]) * (*samples as f64 / most).sqrt();
    let mut series = vec![Series {
        sizes: of_reported.iter().map(size).collect(),
        labels: of_reported.iter().map(|(samples, ..)| samples.to_string()).collect(),
        ..Series::line("as reported", Ink::Accent, points(&of_reported)).dots()
    }];
    if temperature != 1.0 {
        series.push(Series::line("without temperature", Ink::Quiet, points(&shown(raw))));
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

/// What the dots mean, and what is not drawn, in sentences.
#[must_use]
pub fn reliability_note(reported: &[(u64, f64, f64)], unit: Unit) -> String {
    let few = || reported.iter().map(|(samples, ..)| *samples).filter(|samples| *samples < LEAST);
    let left_out = match (few().count(), few().sum::<u64>()) {
        (0, _) => String::new(),
        (ranges, samples) => {
            let (ranges, samples) = (count(ranges as u64, "range"), unit.count(samples));
            format!(" Left out: {ranges} with fewer than {LEAST} {} each ({samples} in all).", unit.many)
        }
    };
    format!("The number beside a point, and its size, say how many {} it has.{left_out}", unit.many)
}

/// How many choices have such a probability: a bar for each range, as wide as the range.
#[must_use]
pub fn confidences(reported: &[(u64, f64, f64)], unit: Unit) -> Chart {
    let bins = BINS as f64;
    // A range is open below and closed above, and a mean that is summed up may be a rounding error past its end.
    let middle = |confidence: f64| ((confidence * bins - 1e-9).ceil().clamp(1.0, bins) - 0.5) / bins;
    let points = reported.iter().map(|(samples, confidence, _)| [middle(*confidence), *samples as f64]);
    Chart {
        title: format!("{} by the probability of the choice", titled(unit)),
        across: AxisOf::named("probability of the choice").range(0.0, 1.0),
        up: AxisOf { scale: Scale::Whole, ..AxisOf::default() },
        series: vec![Series { look: Look::Bars(0.92 / bins), ..Series::line("", Ink::Accent, points.collect()) }],
        ..Chart::default()
    }
}

/// What people call many samples, at the beginning of a sentence.
#[must_use]
pub fn titled(unit: Unit) -> String {
    let mut letters = unit.many.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_at_their_ranges_whatever_the_mean_is() {
        let chart =
            confidences(&[(3, 0.001, 1.0), (4, 1.0 / 15.0, 1.0), (5, 0.999, 1.0), (6, 1.0, 1.0)], Unit::SAMPLES);
        let places: Vec<f64> = chart.series[0].points.iter().map(|point| point[0] * 30.0).collect();
        assert!(places.iter().zip([1.0, 1.0, 29.0, 29.0]).all(|(one, other)| (one - other).abs() < 1e-9), "{places:?}");
        assert_eq!(chart.series[0].look, Look::Bars(0.92 / 15.0));
    }

    #[test]
    fn a_range_with_few_samples_makes_no_point_and_is_counted() {
        let found = [(1, 0.1, 1.0), (4, 0.3, 0.0), (5, 0.6, 0.6), (80, 0.9, 0.8)];
        let chart = reliability(&found, &found, 2.0);
        assert_eq!(chart.series[0].points, [[0.6, 0.6], [0.9, 0.8]]);
        assert_eq!((chart.series[1].points.len(), &chart.series[0].labels[1]), (2, &"80".to_owned()));
        assert!(chart.series[0].sizes[0] < chart.series[0].sizes[1]);
        let note = reliability_note(&found, Unit::SAMPLES);
        assert!(note.contains("2 ranges with fewer than 5 samples each (5 samples in all)"), "{note}");
        assert!(!reliability_note(&found[3..], Unit::SAMPLES).contains("Left out"));
    }
}
