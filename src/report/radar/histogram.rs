//! A picture of how often each value occurs, on a logarithmic scale: over 90 % of the cells of a radar volume hold no
//! echo, and a forecast is about the few strong ones. Bins are wide, so the shares above thresholds come from the
//! caller.

use crate::report::chart::{AxisOf, Chart, Ink, Look, Mark, Scale, Series, Sheet, png};
use crate::util::units;

/// How often each value occurs.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// What occurs: "Reflectivity".
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The start of the first bin.
    pub first: f64,
    /// The width of a bin.
    pub step: f64,
    /// Cells in each bin.
    pub counts: Vec<u64>,
    /// Cells without a value.
    pub missing: u64,
    /// Values to mark, ascending, each with the share of all cells that are above it.
    pub thresholds: Vec<(f64, f64)>,
}

const SIZE: [usize; 2] = [952, 380];

/// Draws a histogram as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn histogram(histogram: &Histogram) -> Result<Vec<u8>, image::ImageError> {
    let (title, note) = (format!("{} of all cells", histogram.name), summary(histogram));
    png(&Sheet { title, note, columns: 1, size: SIZE, charts: vec![chart(histogram)] })
}

/// A bar for each bin that is not empty. Equal factors are equal heights, so that a single cell is visible.
fn chart(histogram: &Histogram) -> Chart {
    let Histogram { first, step, ref counts, ref thresholds, .. } = *histogram;
    let percent_of_all = |count: u64| 100.0 * count as f64 / total(histogram).max(1) as f64;
    let bins = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let points = bins.map(|(bin, &count)| [first + (bin as f64 + 0.5) * step, percent_of_all(count)]);
    let ends = [first, first + counts.len() as f64 * step];
    let marked = thresholds.iter().filter(|(threshold, _)| (ends[0]..=ends[1]).contains(threshold));
    let mark = |&(place, share): &(f64, f64)| Mark { place, label: percent(share) };
    Chart {
        across: AxisOf::named(&histogram.unit).range(ends[0], ends[1]),
        up: AxisOf { scale: Scale::Logarithmic, ..AxisOf::named("% of all cells") },
        series: vec![Series { look: Look::Bars(step), ..Series::line("", Ink::Accent, points.collect()) }],
        marks: marked.map(mark).collect(),
        ..Chart::default()
    }
}

fn total(histogram: &Histogram) -> u64 {
    histogram.counts.iter().sum::<u64>() + histogram.missing
}

fn summary(histogram: &Histogram) -> String {
    let total = total(histogram);
    let missing = percent(histogram.missing as f64 / total.max(1) as f64);
    let thresholds: Vec<String> = histogram.thresholds.iter().map(|(threshold, _)| threshold.to_string()).collect();
    let marks = match &thresholds[..] {
        [] => String::new(),
        some => {
            let marked = format!("{} {}", some.join(", "), histogram.unit);
            format!("; marked: {}, each with the share of all cells above it", marked.trim_end())
        }
    };
    format!("{}, {missing} of them missing{marks}", units::count(total, "cell"))
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if percent == 0.0 => "0 %".into(),
        _ if percent < 0.001 => "< 0.001 %".into(),
        _ if percent < 0.1 => format!("{percent:.3} %"),
        _ => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storms() -> Histogram {
        let count = |bin: i32| (5.0e6 * (-f64::from(bin) / 22.0).exp()) as u64;
        Histogram {
            name: "Reflectivity".into(),
            unit: "dBZ".into(),
            first: -29.0,
            step: 94.0 / 254.0,
            counts: (0..255).map(count).collect(),
            missing: 400_000_000,
            thresholds: vec![(20.0, 0.14), (35.0, 0.01), (45.0, 0.0007)],
        }
    }

    #[test]
    fn bins_are_shares_of_all_cells_and_empty_ones_and_far_thresholds_are_left_out() {
        let (counts, thresholds) = (vec![900, 90, 0, 1], vec![(-1.0, 0.9), (35.0, 0.001), (45.0, 0.0)]);
        let chart = chart(&Histogram { first: 0.0, step: 10.0, counts, missing: 9, thresholds, ..storms() });
        assert_eq!(chart.series[0].points, [[5.0, 90.0], [15.0, 9.0], [35.0, 0.1]]);
        assert_eq!((chart.series[0].look, chart.up.scale), (Look::Bars(10.0), Scale::Logarithmic));
        assert_eq!(chart.across.range, Some([0.0, 40.0]));
        assert_eq!(chart.marks, [Mark { place: 35.0, label: "0.1 %".into() }]);
    }

    #[test]
    fn the_summary_counts_all_cells() {
        let (counts, thresholds) = (vec![80, 9, 1], vec![(10.0, 0.01)]);
        let histogram = Histogram { counts, missing: 10, thresholds, ..storms() };
        assert_eq!(
            summary(&histogram),
            "100 cells, 10.0 % of them missing; marked: 10 dBZ, each with the share of all cells above it"
        );
        let without_unit = Histogram { unit: String::new(), ..histogram };
        assert!(summary(&without_unit).contains("; marked: 10, each"), "{}", summary(&without_unit));
        assert_eq!([percent(0.0), percent(0.001), percent(1e-7)], ["0 %", "0.1 %", "< 0.001 %"]);
    }

    #[test]
    fn no_cells_and_very_many_are_drawn_as_well() {
        let none = Histogram { counts: Vec::new(), ..storms() };
        let most = Histogram { counts: vec![u64::MAX / 300; 255], missing: 0, ..storms() };
        assert!(!chart(&none).has_values());
        for drawn in [storms(), none, most] {
            assert!(histogram(&drawn).unwrap().starts_with(b"\x89PNG"));
        }
    }
}
