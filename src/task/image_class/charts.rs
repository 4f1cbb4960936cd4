//! Charts of an evaluation, for its page and for pictures.

use crate::metric::classes::calibration::BINS;
use crate::report::chart::{AxisOf, Backdrop, Chart, Ink, Look, Scale, Series};
use crate::util::units::count;

/// The share of right choices among fewer images is chance.
const LEAST: u64 = 5;

/// The diameters of the dots of the fewest and of the most images.
const DOTS: [f64; 2] = [4.0, 13.0];

/// How often choices are right that were given such a probability, as reported and at temperature 1: `(images, mean probability,
/// share that is right)` for ranges of it. Ranges with few images are left out, and of the others the dots are as large as the
/// images are many.
pub(super) fn reliability(reported: &[(u64, f64, f64)], raw: &[(u64, f64, f64)], temperature: f64) -> Chart {
    let shown = |of: &[(u64, f64, f64)]| of.iter().copied().filter(|(images, ..)| *images >= LEAST).collect::<Vec<_>>();
    let points = |of: &[(u64, f64, f64)]| of.iter().map(|(_, confidence, right)| [*confidence, *right]).collect();
    let of_reported = shown(reported);
    let most = of_reported.iter().map(|(images, ..)| *images).max().unwrap_or(1) as f64;
    let size = |(images, ..): &(u64, f64, f64)| DOTS[0] + (DOTS[1] - DOTS[0]) * (*images as f64 / most).sqrt();
    let mut series = vec![Series {
        sizes: of_reported.iter().map(size).collect(),
        labels: of_reported.iter().map(|(images, ..)| images.to_string()).collect(),
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
pub(super) fn reliability_note(reported: &[(u64, f64, f64)]) -> String {
    let few = || reported.iter().map(|(images, ..)| *images).filter(|images| *images < LEAST);
    let left_out = match (few().count(), few().sum::<u64>()) {
        (0, _) => String::new(),
        (ranges, images) => {
            let [ranges, images] = [count(ranges as u64, "range"), count(images, "image")];
            format!(" Left out: {ranges} with fewer than {LEAST} images each ({images} in all).")
        }
    };
    format!("The number beside a point, and its size, say how many images it has.{left_out}")
}

/// How many choices have such a probability: a bar for each range, as wide as the range.
pub(super) fn confidences(reported: &[(u64, f64, f64)]) -> Chart {
    let bins = BINS as f64;
    // A range is open below and closed above, and a mean that is summed up may be a rounding error past its end.
    let middle = |confidence: f64| ((confidence * bins - 1e-9).ceil().clamp(1.0, bins) - 0.5) / bins;
    let points = reported.iter().map(|(images, confidence, _)| [middle(*confidence), *images as f64]);
    Chart {
        title: "Images by the probability of the choice".into(),
        across: AxisOf::named("probability of the choice").range(0.0, 1.0),
        up: AxisOf { scale: Scale::Whole, ..AxisOf::default() },
        series: vec![Series { look: Look::Bars(0.92 / bins), ..Series::line("", Ink::Accent, points.collect()) }],
        ..Chart::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_at_their_ranges_whatever_the_mean_is() {
        let chart = confidences(&[(3, 0.001, 1.0), (4, 1.0 / 15.0, 1.0), (5, 0.999, 1.0), (6, 1.0, 1.0)]);
        let places: Vec<f64> = chart.series[0].points.iter().map(|point| point[0] * 30.0).collect();
        assert!(places.iter().zip([1.0, 1.0, 29.0, 29.0]).all(|(one, other)| (one - other).abs() < 1e-9), "{places:?}");
        assert_eq!(chart.series[0].look, Look::Bars(0.92 / 15.0));
    }

    #[test]
    fn a_range_with_few_images_makes_no_point_and_is_counted() {
        let found = [(1, 0.1, 1.0), (4, 0.3, 0.0), (5, 0.6, 0.6), (80, 0.9, 0.8)];
        let chart = reliability(&found, &found, 2.0);
        assert_eq!(chart.series[0].points, [[0.6, 0.6], [0.9, 0.8]]);
        assert_eq!((chart.series[1].points.len(), &chart.series[0].labels[1]), (2, &"80".to_owned()));
        assert!(chart.series[0].sizes[0] < chart.series[0].sizes[1]);
        let note = reliability_note(&found);
        assert!(note.contains("2 ranges with fewer than 5 images each (5 images in all)"), "{note}");
        assert!(!reliability_note(&found[3..]).contains("Left out"));
    }
}
