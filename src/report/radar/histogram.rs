//! A picture of how often each value occurs, on a logarithmic scale: over 90 % of the cells of a radar volume hold no echo,
//! and the few strong ones are what a forecast is for. Bins are wide, so the shares above thresholds come from the caller.

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::text_width::{centred, text_width};
use crate::util::step::Step;
use crate::util::units;

/// How often each value occurs.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// What occurs: "Reflectivity".
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Where the first bin begins.
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

const WIDTH: usize = 1000;
const HEIGHT: usize = 480;
const LEFT: usize = 90;
const RIGHT: usize = WIDTH - 30;
const TOP: usize = 110;
const BOTTOM: usize = HEIGHT - 70;
const TEXT: usize = 15;
const BAR: Rgb = [55, 118, 184];
const GRID: Rgb = [228, 228, 228];
const THRESHOLD: Rgb = [205, 30, 45];

/// Draws a histogram as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn histogram(histogram: &Histogram) -> Result<Vec<u8>, image::ImageError> {
    draw(histogram).png()
}

fn draw(histogram: &Histogram) -> Canvas {
    let axes = Axes::of(histogram);
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    canvas.text(&format!("{} of all cells", histogram.name), [24, 26], 20, BLACK);
    canvas.text(&summary(histogram), [24, 54], TEXT, GREY);
    grid(&mut canvas, &axes);
    for (bin, &count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let edge = |bin: usize| axes.x(histogram.first + bin as f64 * histogram.step);
        let from = edge(bin);
        let width = edge(bin + 1).saturating_sub(from).max(1);
        let y = axes.y(count as f64);
        canvas.fill([from, y], [width, BOTTOM - y], BAR);
    }
    thresholds(&mut canvas, &axes, histogram);
    canvas.fill([LEFT, BOTTOM], [RIGHT - LEFT, 1], BLACK);
    centred(&mut canvas, &histogram.unit, [usize::midpoint(LEFT, RIGHT), HEIGHT - 20], TEXT, GREY);
    canvas.text("cells", [LEFT - text_width("cells", TEXT) - 8, TOP - 22], TEXT, GREY);
    canvas
}

struct Axes {
    from: f64,
    to: f64,
    decades: usize,
}

impl Axes {
    fn of(histogram: &Histogram) -> Self {
        let Histogram { first, step, ref counts, .. } = *histogram;
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        Self { from: first, to: first + counts.len().max(2) as f64 * step, decades: most.ilog10() as usize + 1 }
    }

    fn x(&self, value: f64) -> usize {
        let share = ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        LEFT + (share * (RIGHT - LEFT) as f64).round() as usize
    }

    /// A third of a decade below 1, so that a single cell is seen.
    fn y(&self, count: f64) -> usize {
        let share = (count.max(1.0).log10() + 1.0 / 3.0) / (self.decades as f64 + 1.0 / 3.0);
        BOTTOM - (share * (BOTTOM - TOP) as f64).round() as usize
    }
}

fn grid(canvas: &mut Canvas, axes: &Axes) {
    for decade in 0..=axes.decades {
        let y = axes.y(10_f64.powi(decade as i32));
        canvas.fill([LEFT, y], [RIGHT - LEFT, 1], GRID);
        let text = power(decade);
        canvas.text(&text, [LEFT - text_width(&text, TEXT) - 8, y], TEXT, BLACK);
    }
    let span = axes.to - axes.from;
    for tick in Step::at_least(span / 12.0).between(axes.from - 1e-9 * span, axes.to + 1e-9 * span) {
        let x = axes.x(tick);
        canvas.fill([x, BOTTOM], [1, 6], BLACK);
        centred(canvas, &tick.to_string(), [x, BOTTOM + 18], TEXT, BLACK);
    }
}

/// "1", "1,000", "1 M", "1 G".
fn power(decade: usize) -> String {
    let unit = ["", " k", " M", " G", " T", " P", " E"][(decade / 3).min(6)];
    format!("{}{unit}", 10_u32.pow((decade % 3) as u32))
}

/// Dashed lines, their names above the plot and never closer than they are wide.
fn thresholds(canvas: &mut Canvas, axes: &Axes, histogram: &Histogram) {
    let mut free_from = 0;
    let shown = histogram.thresholds.iter().filter(|(threshold, _)| (axes.from..=axes.to).contains(threshold));
    for (threshold, share) in shown {
        let x = axes.x(*threshold);
        (TOP..BOTTOM).step_by(8).for_each(|y| canvas.fill([x, y], [1, 5.min(BOTTOM - y)], THRESHOLD));
        let text = format!("{threshold}: {}", percent(*share));
        let width = text_width(&text, TEXT);
        // Not over the numbers of the other axis.
        let begin = x.saturating_sub(width / 2).max(LEFT);
        if begin >= free_from && begin + width < WIDTH {
            canvas.text(&text, [begin, TOP - 10], TEXT, THRESHOLD);
            free_from = begin + width + 8;
        }
    }
}

fn total(histogram: &Histogram) -> u64 {
    histogram.counts.iter().sum::<u64>() + histogram.missing
}

fn summary(histogram: &Histogram) -> String {
    let total = total(histogram);
    let missing = percent(histogram.missing as f64 / total.max(1) as f64);
    let shares =
        if histogram.thresholds.is_empty() { "" } else { "; red: threshold, and the share of all cells above it" };
    format!("{}, {missing} of them missing{shares}", units::count(total, "cell"))
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

    fn height(canvas: &Canvas, x: usize) -> usize {
        (0..HEIGHT).filter(|y| canvas.rgb[3 * (y * WIDTH + x)..][..3] == BAR).count()
    }

    #[test]
    fn a_tenth_of_the_cells_is_one_decade_lower() {
        let (counts, thresholds) = (vec![1000, 100, 0, 1], Vec::new());
        let histogram = Histogram { first: 0.0, step: 10.0, counts, missing: 0, thresholds, ..storms() };
        let canvas = draw(&histogram);
        let heights = [0, 1, 2, 3].map(|bin| height(&canvas, LEFT + (RIGHT - LEFT) * (2 * bin + 1) / 8));
        assert_eq!(heights[2], 0);
        assert!(heights[3] > 0);
        let decade = (BOTTOM - TOP) as f64 / (4.0 + 1.0 / 3.0);
        assert!(((heights[0] - heights[1]) as f64 - decade).abs() <= 1.0, "{heights:?}");
    }

    #[test]
    fn the_summary_counts_all_cells() {
        let (counts, thresholds) = (vec![80, 9, 1], vec![(10.0, 0.01)]);
        let histogram = Histogram { counts, missing: 10, thresholds, ..storms() };
        assert_eq!(
            summary(&histogram),
            "100 cells, 10.0 % of them missing; red: threshold, and the share of all cells above it"
        );
        assert_eq!([percent(0.0), percent(0.001), percent(1e-7)], ["0 %", "0.1 %", "< 0.001 %"]);
    }

    #[test]
    fn nothing_touches_the_edge_whatever_the_counts() {
        let none = Histogram { counts: Vec::new(), ..storms() };
        let thresholds = [-29.0, -28.5, 65.0].map(|threshold| (threshold, 0.5)).into();
        let most = Histogram { counts: vec![u64::MAX / 300; 255], thresholds, ..storms() };
        for histogram in [storms(), none, most] {
            let canvas = draw(&histogram);
            for (place, pixel) in canvas.rgb.chunks_exact(3).enumerate() {
                let (x, y) = (place % WIDTH, place / WIDTH);
                assert!(
                    (4..WIDTH - 4).contains(&x) && (4..HEIGHT - 4).contains(&y) || pixel == [255; 3],
                    "at {x}, {y}"
                );
            }
        }
    }
}
